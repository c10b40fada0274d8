//! How much of an answer a request asks for.
//!
//! Providers differ in what they make of odd members: one that stands twice, a number in a string, zero. Whoever sets money
//! or tokens aside has to believe the reading that costs most.

use super::Request;
use crate::endpoint::Endpoint;
use crate::json::loose::string;

/// Completion tokens that one choice may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Bound {
    /// The largest number that is named; `None` if there is none.
    pub most: Option<u64>,
    /// A member names something that some providers take for no bound: zero, a negative number, a text.
    pub unclear: bool,
}

impl Bound {
    /// The number that every provider keeps to.
    #[must_use]
    pub fn clear(self) -> Option<u64> {
        self.most.filter(|_| !self.unclear)
    }

    /// The most, where a provider without a bound may write `default` tokens.
    #[must_use]
    pub fn or(self, default: u64) -> u64 {
        match self.most {
            Some(most) if self.unclear => most.max(default),
            Some(most) => most,
            None => default,
        }
    }
}

impl Endpoint {
    /// Members that bound the tokens of a choice, in the order in which they count.
    #[must_use]
    pub const fn bounds(self) -> &'static [&'static str] {
        match self {
            Self::Chat => &["max_completion_tokens", "max_tokens"],
            Self::Completions => &["max_tokens"],
            Self::Responses => &["max_output_tokens"],
            Self::Embeddings | Self::Moderations => &[],
        }
    }
}

pub(super) fn bound(request: &Request<'_>) -> Bound {
    let mut bound = Bound::default();
    let names = request.endpoint.bounds();
    for (_, value) in request.object.members().filter(|(name, _)| names.contains(name)) {
        let raw = value.get();
        if raw == "null" {
            continue;
        }
        let number = number(raw).filter(|number| *number > 0);
        // A number in a string is a number to lenient providers; strict ones refuse the request.
        bound.unclear |= number.is_none();
        bound.most = bound.most.max(number);
    }
    bound
}

pub(super) fn choices(request: &Request<'_>) -> u64 {
    let names: &[&str] = match request.endpoint {
        Endpoint::Chat => &["n"],
        Endpoint::Completions => &["n", "best_of"],
        _ => &[],
    };
    let members = request.object.members().filter(|(name, _)| names.contains(name));
    let asked = members.filter_map(|(_, value)| number(value.get())).max().unwrap_or(1).max(1);
    // A list of prompts gets as many answers.
    let prompts = match request.endpoint {
        Endpoint::Completions => request.object.read::<Vec<serde_json::Value>>("prompt").map_or(1, |all| prompts(&all)),
        _ => 1,
    };
    asked.saturating_mul(prompts)
}

pub(super) fn completion_max(request: &Request<'_>) -> Option<u64> {
    Some(request.bound().clear()?.saturating_mul(request.choices()))
}

/// A number that is not negative, rounded up; also one in a string.
fn number(raw: &str) -> Option<u64> {
    let text = string(raw);
    let text = text.as_deref().unwrap_or(raw).trim();
    let fraction = || text.parse::<f64>().ok().filter(|number| *number >= 0.0);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "not negative, and at the end it stays"
    )]
    text.parse().ok().or_else(|| fraction().map(|number| number.ceil() as u64))
}

/// A list of numbers is one prompt.
fn prompts(all: &[serde_json::Value]) -> u64 {
    if all.iter().any(serde_json::Value::is_number) { 1 } else { all.len().max(1) as u64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(endpoint: Endpoint, more: &str) -> (Option<u64>, bool, u64) {
        let body = format!(r#"{{"model":"m","messages":[],"prompt":"x","input":"x"{more}}}"#);
        let request = Request::parse(endpoint, body.as_bytes()).unwrap();
        (request.bound().most, request.bound().unclear, request.choices())
    }

    #[test]
    fn odd_bounds_are_read_as_the_dearest_provider_reads_them() {
        for (more, expected) in [
            ("", (None, false, 1)),
            (r#","max_tokens":7"#, (Some(7), false, 1)),
            (r#","max_tokens":7,"max_completion_tokens":9,"max_tokens":8"#, (Some(9), false, 1)),
            (r#","max_tokens":6.5,"n":2"#, (Some(7), false, 2)),
            (r#","max_tokens":"100000","n":"8""#, (Some(100_000), false, 8)),
            (r#","max_tokens":" 12 ""#, (Some(12), false, 1)),
            (r#","max_tokens":"lots""#, (None, true, 1)),
            (r#","max_tokens":0"#, (None, true, 1)),
            (r#","max_tokens":"0""#, (None, true, 1)),
            (r#","max_tokens":-1,"max_completion_tokens":5"#, (Some(5), true, 1)),
            (r#","max_tokens":[5],"n":null"#, (None, true, 1)),
            (r#","max_tokens":null,"n":0"#, (None, false, 1)),
            (r#","max_tokens":1e99,"n":"many""#, (Some(u64::MAX), false, 1)),
            (r#","max_output_tokens":5"#, (None, false, 1)),
        ] {
            assert_eq!(of(Endpoint::Chat, more), expected, "{more}");
        }
        assert_eq!(of(Endpoint::Responses, r#","max_output_tokens":"6","n":3"#), (Some(6), false, 1));
        assert_eq!(of(Endpoint::Completions, r#","max_tokens":5,"best_of":"4""#), (Some(5), false, 4));
    }

    #[test]
    fn what_is_unclear_is_the_default_at_least() {
        let bound = |most, unclear| Bound { most, unclear };
        assert_eq!([bound(None, false), bound(None, true), bound(Some(5), true)].map(|one| one.or(100)), [100; 3]);
        assert_eq!((bound(Some(5), false).or(100), bound(Some(500), true).or(100)), (5, 500));
        assert_eq!((bound(Some(5), false).clear(), bound(Some(5), true).clear()), (Some(5), None));
    }

    #[test]
    fn all_choices_together_are_allowed_so_much() {
        let of = |endpoint, body: &str| Request::parse(endpoint, body.as_bytes()).unwrap().completion_max();
        assert_eq!(of(Endpoint::Chat, r#"{"model":"m","messages":[],"max_tokens":5,"n":3}"#), Some(15));
        assert_eq!(of(Endpoint::Chat, r#"{"model":"m","messages":[],"max_tokens":0}"#), None);
        assert_eq!(of(Endpoint::Completions, r#"{"model":"m","prompt":["a","b"],"max_tokens":5}"#), Some(10));
    }
}
