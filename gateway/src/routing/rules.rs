//! Headers and cookies that force an arm, before any weight is asked.
//!
//! The precedence is Higress': header value, then header pattern, then cookie, then weight, and the first that is set ends
//! the parsing. Set means: configured, and the request carries that header or cookie. What it carries then decides alone:
//! a match goes to the candidate, anything else to the baseline, and no later rule is asked. A request that carries none
//! of them is drawn by the weight. `always` matches every header value rule, `never` matches nothing, not even a pattern
//! that would take it.
//!
//! Forced requests have probability 1 of the arm they got, so no evaluation can mistake them for drawn ones.

use super::split::{Coin, WeightBp};
use datasets::{Arm, AssignedBy};
use http::{HeaderMap, HeaderName, header};
use regex::bytes::Regex;

/// Value that always goes to the candidate.
pub const ALWAYS: &str = "always";
/// Value that never does.
pub const NEVER: &str = "never";

/// An arm, and how the request came to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Assignment {
    /// Who answers.
    pub arm: Arm,
    /// Why.
    pub by: AssignedBy,
    /// Probability of this arm, hundredths of a percent; 10 000 where nothing was drawn.
    pub probability_bp: u32,
}

impl Assignment {
    /// An arm without a draw.
    #[must_use]
    pub const fn forced(arm: Arm, by: AssignedBy) -> Self {
        Self { arm, by, probability_bp: WeightBp::ALL.bp() }
    }

    /// Drawn: the candidate if the coin lies under its weight.
    #[must_use]
    pub fn drawn(coin: Coin, weight: WeightBp) -> Self {
        let (arm, probability_bp) = match coin.under(weight) {
            true => (Arm::Candidate, weight.bp()),
            false => (Arm::Baseline, WeightBp::ALL.bp() - weight.bp()),
        };
        Self { arm, by: AssignedBy::Weight, probability_bp }
    }
}

/// A header whose value forces an arm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeaderRule {
    /// The header.
    pub name: HeaderName,
    /// The value that goes to the candidate, beside `always`; `None`: only `always` does.
    pub value: Option<String>,
}

/// A header that is held against a pattern.
#[derive(Debug, Clone)]
pub struct PatternRule {
    /// The header.
    pub name: HeaderName,
    /// May match a part of the value. It sees bytes, because a header need not be text.
    pub pattern: Regex,
}

impl PartialEq for PatternRule {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && self.pattern.as_str() == other.pattern.as_str()
    }
}

impl Eq for PatternRule {}

/// The rules of one migration.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rules {
    /// First asked.
    pub header: Option<HeaderRule>,
    /// Second.
    pub header_pattern: Option<PatternRule>,
    /// Third: name of a cookie whose value `always` goes to the candidate.
    pub cookie: Option<String>,
}

impl Rules {
    /// Whether no rule is configured.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.header.is_none() && self.header_pattern.is_none() && self.cookie.is_none()
    }

    /// The arm that the request's headers force, if they force one.
    #[must_use]
    pub fn forced(&self, headers: &HeaderMap) -> Option<Assignment> {
        let arm = |matches: bool, by| Assignment::forced(if matches { Arm::Candidate } else { Arm::Baseline }, by);
        if let Some(rule) = &self.header
            && let Some(value) = headers.get(&rule.name)
        {
            let value = value.as_bytes().trim_ascii();
            let named = rule.value.as_ref().is_some_and(|expected| value == expected.as_bytes());
            let matches = (named && value != NEVER.as_bytes()) || value == ALWAYS.as_bytes();
            return Some(arm(matches, AssignedBy::Header));
        }
        if let Some(rule) = &self.header_pattern
            && let Some(value) = headers.get(&rule.name)
        {
            let value = value.as_bytes().trim_ascii();
            let matches = value != NEVER.as_bytes() && rule.pattern.is_match(value);
            return Some(arm(matches, AssignedBy::HeaderPattern));
        }
        let value = cookie(headers, self.cookie.as_deref()?)?;
        Some(arm(value == ALWAYS.as_bytes(), AssignedBy::Cookie))
    }
}

/// The value of the first cookie of this name. HTTP/2 clients may send several `cookie` headers (RFC 9113, 8.2.3).
pub(crate) fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h [u8]> {
    let pairs = headers.get_all(header::COOKIE).iter().flat_map(|value| value.as_bytes().split(|byte| *byte == b';'));
    pairs.into_iter().find_map(|pair| {
        let pair = pair.trim_ascii();
        let value = pair.strip_prefix(name.as_bytes())?.strip_prefix(b"=")?;
        Some(value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\"")).unwrap_or(value))
    })
}

#[cfg(test)]
mod tests;
