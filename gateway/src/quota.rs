//! What consumers may use: set aside before a call, settled after it.

use crate::callers::{Caller, Errand};
use crate::problem::Problem;
use http::{HeaderName, HeaderValue};
use wire::{Request, Usage};

/// All limits and what was used of them.
#[derive(Debug, Default)]
pub(crate) struct Quotas {}

/// What a request set aside. Dropped, it settles: with what it was charged, or with nothing if no provider was asked.
#[derive(Debug, Default)]
pub(crate) struct Hold {
    charge: Option<Charge>,
    /// Headers that tell the client what is left.
    pub headers: Vec<(HeaderName, HeaderValue)>,
}

/// What an answer used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Charge {
    pub usage: Option<Usage>,
    /// Nano-dollars; `None` without a known price.
    pub cost_nanos: Option<i64>,
}

impl Quotas {
    /// Sets aside what the request may use at most.
    ///
    /// # Errors
    /// A limit would be passed: 429 with `retry-after` and the limit's name.
    #[expect(clippy::unused_async, reason = "the ledger may be on another machine")]
    pub(crate) async fn reserve(
        &self,
        _caller: &Caller,
        _errand: &Errand<'_>,
        _request: &Request<'_>,
        _now_us: i64,
    ) -> Result<Hold, Problem> {
        Ok(Hold::default())
    }
}

impl Hold {
    /// What the answer used that the client gets. A later call replaces an earlier one: an arm that failed before its first
    /// byte, and for which another one answered, is not the consumer's to pay.
    pub(crate) const fn charge(&mut self, charge: Charge) {
        self.charge = Some(charge);
    }
}
