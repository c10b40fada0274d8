//! Which provider a mock stands in for.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A provider that this crate can imitate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Vendor {
    /// OpenAI's chat completions, the baseline of a migration.
    OpenAi,
    /// DeepSeek's chat completions, the candidate of a migration.
    DeepSeek,
}

impl Vendor {
    /// All vendors, in the order of their default ports.
    pub const ALL: [Self; 2] = [Self::OpenAi, Self::DeepSeek];

    /// The name used on the command line and in files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::OpenAi => "openai",
            Self::DeepSeek => "deepseek",
        }
    }

    /// The loopback port a mock listens on unless told otherwise.
    #[must_use]
    pub const fn default_port(self) -> u16 {
        match self {
            Self::OpenAi => 9101,
            Self::DeepSeek => 9102,
        }
    }
}

impl fmt::Display for Vendor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl FromStr for Vendor {
    type Err = UnknownVendor;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|vendor| vendor.name() == text).ok_or_else(|| UnknownVendor(text.to_owned()))
    }
}

/// The text does not name a vendor that can be imitated.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown vendor `{0}`: expected `openai` or `deepseek`")]
pub struct UnknownVendor(pub String);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_parse_back() {
        for vendor in Vendor::ALL {
            assert_eq!(vendor.name().parse(), Ok(vendor));
        }
        assert_eq!("azure".parse::<Vendor>(), Err(UnknownVendor("azure".to_owned())));
    }
}
