//! What went wrong, where a log has names of errors and perhaps a status.
//!
//! Names are those of the client libraries (`RateLimitError`), of error codes (`insufficient_quota`) and of telemetry
//! (`timeout`); only their letters are compared. A status that the log gives is believed before any name.

use crate::Recorded;
use wire::ErrorKind;

/// Beginnings and parts of names, without other letters than small ones, what they mean, and the status they stand for;
/// 0 where no answer came. The first that is found counts.
const NAMES: [(&str, u16, ErrorKind); 27] = [
    ("contentpolicy", 400, ErrorKind::Moderation),
    ("contentfilter", 400, ErrorKind::Moderation),
    ("guardrail", 400, ErrorKind::Moderation),
    ("insufficientquota", 429, ErrorKind::Quota),
    ("insufficientbalance", 402, ErrorKind::Quota),
    ("budgetexceeded", 429, ErrorKind::Quota),
    ("ratelimit", 429, ErrorKind::RateLimit),
    ("throttl", 429, ErrorKind::RateLimit),
    ("toomanyrequests", 429, ErrorKind::RateLimit),
    ("timeout", 0, ErrorKind::Timeout),
    ("timedout", 0, ErrorKind::Timeout),
    ("expired", 0, ErrorKind::Timeout),
    ("cancel", 0, ErrorKind::ClientCancelled),
    ("authentication", 401, ErrorKind::Auth),
    ("invalidapikey", 401, ErrorKind::Auth),
    ("permissiondenied", 403, ErrorKind::Auth),
    ("notfound", 404, ErrorKind::NotFound),
    ("contextwindow", 400, ErrorKind::BadRequest),
    ("contextlength", 400, ErrorKind::BadRequest),
    ("unprocessable", 422, ErrorKind::BadRequest),
    ("badrequest", 400, ErrorKind::BadRequest),
    ("invalidrequest", 400, ErrorKind::BadRequest),
    ("serviceunavailable", 503, ErrorKind::Overloaded),
    ("overloaded", 503, ErrorKind::Overloaded),
    ("connect", 0, ErrorKind::Connect),
    ("internalserver", 500, ErrorKind::Server),
    ("servererror", 500, ErrorKind::Server),
];

/// The status and the kind of a failure. `code` is a number or a name, `name` a class or a code; `status` what the log
/// has beside them. A failure that nobody can name is the provider's, with no status.
pub(super) fn told(status: Option<u16>, names: &[&str]) -> (u16, ErrorKind) {
    let code = names.iter().find_map(|name| name.trim().parse::<u16>().ok());
    let status = status.into_iter().chain(code).find(|status| (400..600).contains(status));
    let found = names.iter().find_map(|name| of_name(name));
    match (status, found) {
        // A finer word for what the status says.
        (Some(status), Some((_, kind @ (ErrorKind::Moderation | ErrorKind::Quota)))) => (status, kind),
        (Some(status), _) => (status, ErrorKind::of_status(status).unwrap_or(ErrorKind::Server)),
        (None, Some(found)) => found,
        (None, None) => (0, ErrorKind::Server),
    }
}

fn of_name(name: &str) -> Option<(u16, ErrorKind)> {
    let letters: String =
        name.chars().take(200).filter(char::is_ascii_alphabetic).map(|letter| letter.to_ascii_lowercase()).collect();
    NAMES.into_iter().find(|(part, ..)| letters.contains(part)).map(|(_, status, kind)| (status, kind))
}

/// Notes a failure in an answer.
pub(super) fn note(recorded: &mut Recorded, status: Option<u16>, names: &[&str]) {
    let (status, kind) = told(status, names);
    recorded.status = status;
    recorded.error = Some(kind);
}

/// The status in a message of a client library, such as `Error code: 429 - {...}`.
pub(super) fn status_in(message: &str) -> Option<u16> {
    let place = ["Error code: ", "error code: ", "status code ", "status_code: ", "status: "]
        .into_iter()
        .find_map(|words| message.find(words).map(|place| place + words.len()))?;
    let number = message.get(place..place + 3)?.parse().ok()?;
    (400..600).contains(&number).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_statuses_are_understood() {
        for (status, names, expected) in [
            (None, &["RateLimitError"][..], (429, ErrorKind::RateLimit)),
            (None, &["429"], (429, ErrorKind::RateLimit)),
            (Some(429), &["insufficient_quota"], (429, ErrorKind::Quota)),
            (None, &["400", "ContentPolicyViolationError"], (400, ErrorKind::Moderation)),
            (None, &["", "APIConnectionError"], (0, ErrorKind::Connect)),
            (None, &["litellm.Timeout"], (0, ErrorKind::Timeout)),
            (None, &["batch_expired"], (0, ErrorKind::Timeout)),
            (Some(503), &["Whatever"], (503, ErrorKind::Overloaded)),
            (Some(200), &[], (0, ErrorKind::Server)),
            (None, &["KeyError"], (0, ErrorKind::Server)),
        ] {
            assert_eq!(told(status, names), expected, "{status:?} {names:?}");
        }
        assert_eq!(status_in("Error code: 429 - {'error': 1}"), Some(429));
        for text in ["Error code: ", "Error code: 4", "Error code: 4é9", "status: 200", ""] {
            assert_eq!(status_in(text), None, "{text}");
        }
    }
}
