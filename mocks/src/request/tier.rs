//! Service tiers: which one is asked for, and which one an answer names.

use serde_json::Value;

use super::field::present;

/// The tier that a request is served in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum ServiceTier {
    /// Nothing was asked for, or whatever the project is set to, which is the standard one here.
    #[default]
    Auto,
    Default,
    Flex,
    Priority,
    Ultrafast,
}

impl ServiceTier {
    /// What a body asks for. Names that are not known are served in the standard tier.
    pub(crate) fn of(body: &Value) -> Self {
        match present(body, "service_tier").and_then(Value::as_str) {
            None | Some("auto") => Self::Auto,
            Some("flex") => Self::Flex,
            // `fast` is the newer word, and answers go on to say the older one.
            Some("priority" | "fast") => Self::Priority,
            Some("ultrafast") => Self::Ultrafast,
            Some(_) => Self::Default,
        }
    }

    /// What an answer says that has begun: not yet decided where nothing was asked for.
    pub(crate) const fn begun(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            other => other.answered(),
        }
    }

    /// What a whole answer says.
    pub(crate) const fn answered(self) -> &'static str {
        match self {
            Self::Auto | Self::Default => "default",
            Self::Flex => "flex",
            Self::Priority => "priority",
            Self::Ultrafast => "ultrafast",
        }
    }
}
