//! Limits, what they count, and the names of the accounts they are kept on.

use super::window::Window;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

/// Largest amount: what a double holds exactly, because a ledger may be kept where there are only doubles.
pub const AMOUNT_MAX: u64 = 1 << 53;

/// Longest name of a limit.
pub const NAME_BYTES_MAX: usize = 64;

/// What a limit counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Unit {
    /// Requests that went to a provider, or that the guard answered.
    Requests,
    /// Prompt tokens, cached ones included.
    InputTokens,
    /// Completion tokens, reasoning included.
    OutputTokens,
    /// Both together.
    Tokens,
    /// Money, nano-dollars.
    NanoDollars,
}

/// A limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limit {
    /// Its name, which refusals tell. No `/` in it, at most [`NAME_BYTES_MAX`] bytes.
    pub name: Arc<str>,
    /// What it counts.
    pub unit: Unit,
    /// Over which time.
    pub window: Window,
    /// How much of it, at most [`AMOUNT_MAX`].
    pub amount: u64,
}

/// Name of an account: `limit/unit/window/subject`. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AccountName(Arc<str>);

/// Name of a call's reservation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Id(pub u128);

impl Unit {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Requests, Self::InputTokens, Self::OutputTokens, Self::Tokens, Self::NanoDollars];

    /// Its name: `requests`, `input_tokens`, `output_tokens`, `tokens` or `nano_dollars`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::InputTokens => "input_tokens",
            Self::OutputTokens => "output_tokens",
            Self::Tokens => "tokens",
            Self::NanoDollars => "nano_dollars",
        }
    }
}

impl Limit {
    /// The account on which this limit is kept for a subject. A limit whose window changes begins anew; one whose amount
    /// changes goes on.
    #[must_use]
    pub fn account(&self, subject: &str) -> AccountName {
        let Self { name, unit, window, .. } = self;
        AccountName(format!("{name}/{}/{window}/{subject}", unit.name()).into())
    }
}

impl AccountName {
    /// A name that was read somewhere; `None` if it names no window.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        window_of(text).map(|_| Self(text.into()))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whose account it is.
    #[must_use]
    pub fn subject(&self) -> &str {
        self.0.splitn(4, '/').nth(3).unwrap_or_default()
    }

    /// Its window.
    pub(super) fn window(&self) -> Option<Window> {
        window_of(&self.0)
    }
}

fn window_of(account: &str) -> Option<Window> {
    let mut parts = account.splitn(4, '/').skip(2);
    let window = Window::parse(parts.next()?);
    parts.next().and(window)
}

impl Borrow<str> for AccountName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AccountName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl Serialize for AccountName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for AccountName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("an account without a window"))
    }
}

impl fmt::Display for Id {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:032x}", self.0)
    }
}

impl Serialize for Id {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        u128::from_str_radix(&text, 16).map(Self).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_says_which_window_it_has_whatever_its_subject_is() {
        for window in [Window::Lifetime, Window::Rolling { span_us: 60_000_000 }] {
            let limit = Limit { name: "team".into(), unit: Unit::Tokens, window, amount: 1 };
            for subject in ["a/b/c", ""] {
                let account = limit.account(subject);
                assert_eq!((account.window(), account.subject()), (Some(window), subject));
                let text = serde_json::to_string(&account).unwrap();
                assert_eq!(serde_json::from_str::<AccountName>(&text).unwrap(), account);
            }
        }
        assert_eq!((AccountName::parse("team/tokens/day"), AccountName::parse("a/b/week/c")), (None, None));
    }

    #[test]
    fn ids_are_written_as_text_and_read_back() {
        let id = Id(u128::MAX - 7);
        let text = serde_json::to_string(&id).unwrap();
        assert_eq!(serde_json::from_str::<Id>(&text).unwrap(), id);
        assert!(serde_json::from_str::<Id>("\"x\"").is_err());
    }
}
