//! How much of an answer a request asks for.
//!
//! Providers differ in what they make of odd members: one that stands twice, a number in a string, zero. Whoever sets money
//! or tokens aside has to believe the reading that costs most.

use super::Request;
use crate::endpoint::Endpoint;
use crate::json::loose::string;
use crate::price::Tier;
use serde::de::IgnoredAny;

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
        Endpoint::Completions => request.object.get("prompt").map_or(1, |raw| prompts(raw.get())),
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

/// A text or a list of numbers is one prompt. Texts are neither kept nor looked into, so one that a strict parser refuses
/// counts as well.
fn prompts(raw: &str) -> u64 {
    let Some(entries) = raw.strip_prefix('[') else { return 1 };
    if entries.trim_start().starts_with(|first: char| first == '-' || first.is_ascii_digit()) {
        return 1;
    }
    serde_json::from_str::<Vec<IgnoredAny>>(raw).map_or(1, |all| all.len().max(1) as u64)
}

/// The tier that `service_tier` names; of several the dearest. `auto` and `default` are the standard tier, and nobody can ask
/// for a batch here.
pub(super) fn tier(request: &Request<'_>) -> Tier {
    let named = request.object.members().filter(|(name, _)| *name == "service_tier");
    let tiers = named.filter_map(|(_, value)| string(value.get())).map(|name| Tier::of_answer(&name));
    tiers.filter(|tier| *tier != Tier::Batch).max().unwrap_or_default()
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

    #[test]
    fn prompts_are_counted_without_being_read() {
        let of = |prompt: &str| {
            let body = format!(r#"{{"model":"m","prompt":{prompt},"n":2}}"#);
            Request::parse(Endpoint::Completions, body.as_bytes()).unwrap().choices()
        };
        for (prompt, choices) in [
            (r#""x""#, 2),
            (r#"["a"]"#, 2),
            (r#" [ "a" , "b","c"]"#, 6),
            ("[1,2,3]", 2),
            ("[ 12, 5]", 2),
            ("[[1,2],[3]]", 4),
            // Half of a surrogate pair, which strict parsers refuse and others take.
            (r#"["a","\ud800","c"]"#, 6),
        ] {
            assert_eq!(of(prompt), choices, "{prompt}");
        }
    }

    #[test]
    fn the_dearest_tier_that_is_named_counts() {
        let of = |more: &str| {
            let body = format!(r#"{{"model":"m","messages":[]{more}}}"#);
            Request::parse(Endpoint::Chat, body.as_bytes()).unwrap().tier()
        };
        for (more, tier) in [
            ("", Tier::Standard),
            (r#","service_tier":"auto""#, Tier::Standard),
            (r#","service_tier":"flex""#, Tier::Flex),
            (r#","service_tier":"fast""#, Tier::Priority),
            (r#","service_tier":"priority","service_tier":"flex""#, Tier::Priority),
            (r#","service_tier":"batch""#, Tier::Standard),
            (r#","service_tier":null"#, Tier::Standard),
        ] {
            assert_eq!(of(more), tier, "{more}");
        }
    }

    #[test]
    fn only_openai_is_sent_a_tier() {
        use crate::provider::{Policy, Provider, Target};
        let body = br#"{"model":"m","messages":[{"role":"user","content":"x"}],"service_tier":"priority"}"#;
        let request = Request::parse(Endpoint::Chat, body).unwrap();
        for provider in Provider::ALL {
            let policy = Policy::default();
            let sent = provider.adapter().rewrite(&request, &Target::new("m", &policy)).unwrap().body;
            let sent = Request::parse(Endpoint::Chat, &sent).unwrap().tier();
            assert_eq!(sent, request.tier().at(provider.name()), "{provider:?}");
        }
    }
}
