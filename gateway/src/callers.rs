//! Who calls, and what that caller may do.

use crate::config::{Authenticate, Config};
use crate::problem::Problem;
use http::{HeaderMap, HeaderName, HeaderValue, header, request};
use std::net::SocketAddr;
use std::sync::Arc;
use wire::Endpoint;

/// A caller whose key was looked at.
#[derive(Debug, Clone, Default)]
pub(crate) struct Caller {
    /// The consumer; `None` for a key that is nobody's, where that is allowed.
    pub name: Option<Arc<str>>,
    /// Groups that the consumer belongs to.
    pub groups: Arc<[Arc<str>]>,
    /// Headers that every answer to this caller carries.
    pub notices: Vec<(HeaderName, HeaderValue)>,
}

/// What a caller wants, as far as it may be forbidden or counted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Errand<'a> {
    pub endpoint: Endpoint,
    pub model: &'a str,
    /// Name of the migration that takes the request, `none` for none.
    pub migration: &'a str,
}

/// All who may call.
#[derive(Debug, Default)]
pub(crate) struct Callers {}

impl Callers {
    /// Looks the caller up.
    ///
    /// # Errors
    /// Keys are required, and there is none or a wrong one; the answer does not say which.
    #[expect(clippy::unused_async, reason = "wrong keys will be slowed down here")]
    pub(crate) async fn admit(
        &self,
        config: &Config,
        parts: &request::Parts,
        _peer: SocketAddr,
    ) -> Result<Caller, Problem> {
        let name = key(&parts.headers).and_then(|key| config.consumers.find(key));
        match (config.authenticate, name) {
            (Authenticate::Keys, None) => Err(Problem::unauthorised()),
            (_, name) => Ok(Caller { name, ..Caller::default() }),
        }
    }
}

impl Caller {
    /// Whether the caller may do this.
    ///
    /// # Errors
    /// It is outside the scopes of the consumer or its key.
    pub(crate) const fn may(&self, _errand: &Errand<'_>) -> Result<(), Problem> {
        Ok(())
    }
}

fn key(headers: &HeaderMap) -> Option<&str> {
    let bearer = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).and_then(|value| {
        let (scheme, key) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then_some(key.trim())
    });
    bearer.or_else(|| headers.get("x-api-key").and_then(|value| value.to_str().ok()))
}
