//! The guard at work: what clients send and what models answer is judged by the policy of its consumer and migration.

mod moderators;

pub use moderators::ModeratorError;
pub(crate) use moderators::{ModeratorReading, Moderators};

use crate::callers::Caller;
use crate::lane::Lane;
use crate::reply::Reply;
use bytes::Bytes;
use http::Response;
use wire::Request;

/// All policies, and the back ends that they ask.
#[derive(Debug, Default)]
pub(crate) struct Safety {}

/// What becomes of a request.
#[expect(clippy::large_enum_variant, reason = "lives for one branch")]
pub(crate) enum Inspected {
    /// It goes on as it is.
    Passed,
    /// It goes on with another body: personal data is masked.
    #[expect(dead_code, reason = "masking follows")]
    Masked(Bytes),
    /// It goes nowhere: this is the answer.
    #[expect(dead_code, reason = "blocking follows")]
    Blocked(Response<Reply>),
}

impl Safety {
    /// Judges a request before anybody is asked.
    #[expect(clippy::unused_async, reason = "back ends will be asked here")]
    pub(crate) async fn request(&self, _caller: &Caller, _lane: &Lane, _request: &Request<'_>) -> Inspected {
        Inspected::Passed
    }
}
