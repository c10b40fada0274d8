//! What a failed exchange says about the provider's health.
//!
//! The question is not whose fault it was but whether the *next* request fares better elsewhere:
//!
//! * no connection, a deadline, an answer that broke off or cannot be read, 5xx: a failure;
//! * no money (402, `insufficient_quota`) or a key that is refused (401): hopeless until somebody acts;
//! * 403 says nothing: it is also given for one model or one region, and one client that asks for what is not allowed
//!   must not take the provider away from all others;
//! * 429 says nothing: the provider works, only not for everyone at once. Leaving it alone would give up the share
//!   that it does serve; retries and the limit of requests under way deal with it;
//! * every other 4xx is about the request, and a client that went away is about the client.

use super::breaker::Outcome;
use wire::ErrorKind;

/// See the module's text; `status` 0 is no answer.
pub(super) const fn outcome(kind: ErrorKind, status: u16) -> Outcome {
    match kind {
        ErrorKind::Connect
        | ErrorKind::Timeout
        | ErrorKind::Truncated
        | ErrorKind::Malformed
        | ErrorKind::Overloaded
        | ErrorKind::Server => Outcome::Failure,
        ErrorKind::Quota => Outcome::Hopeless,
        ErrorKind::Auth if status == 401 => Outcome::Hopeless,
        ErrorKind::Auth
        | ErrorKind::RateLimit
        | ErrorKind::BadRequest
        | ErrorKind::NotFound
        | ErrorKind::Moderation
        | ErrorKind::ClientCancelled
        | ErrorKind::GatewayStopped
        | ErrorKind::GatewayBusy => Outcome::Neutral,
    }
}

#[cfg(test)]
mod tests {
    use super::{Outcome, outcome};
    use wire::ErrorKind;

    #[test]
    fn only_what_another_request_would_suffer_too_counts() {
        assert_eq!(outcome(ErrorKind::Connect, 0), Outcome::Failure);
        assert_eq!(outcome(ErrorKind::Server, 500), Outcome::Failure);
        assert_eq!(outcome(ErrorKind::Quota, 402), Outcome::Hopeless);
        assert_eq!(outcome(ErrorKind::Quota, 429), Outcome::Hopeless);
        assert_eq!(outcome(ErrorKind::Auth, 401), Outcome::Hopeless);
        for (kind, status) in [
            (ErrorKind::Auth, 403),
            (ErrorKind::RateLimit, 429),
            (ErrorKind::BadRequest, 400),
            (ErrorKind::Moderation, 400),
            (ErrorKind::ClientCancelled, 0),
        ] {
            assert_eq!(outcome(kind, status), Outcome::Neutral, "{kind:?} {status}");
        }
    }
}
