//! What the gateway's guard said of a request and of its answer.
//!
//! Kept apart from `moderation` (the provider's own block) and from `refused` (the model's own refusal), because the three
//! have different owners: one is the provider's policy, one the model's manners, and this one is the same guard over both
//! arms, so only a difference here says something about the texts themselves. A back end that did not answer is on record
//! by name: no verdict is not the verdict that a text is safe.

use serde::{Deserialize, Deserializer, Serialize};

/// What the guard did, from the least to the most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GuardAction {
    /// Nothing: no category was at its bar.
    #[default]
    None,
    /// A category was at its bar; the text passed as it was.
    Flagged,
    /// Parts of the text were hidden.
    Masked,
    /// The text did not pass.
    Blocked,
}

impl GuardAction {
    /// The name in records.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Flagged => "flagged",
            Self::Masked => "masked",
            Self::Blocked => "blocked",
        }
    }
}

/// How bad the worst finding was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GuardLevel {
    /// Nothing was found.
    #[default]
    None,
    /// Hardly.
    Low,
    /// In part.
    Medium,
    /// Surely.
    High,
    /// Beyond that.
    Max,
}

impl GuardLevel {
    /// The name in records.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Max => "max",
        }
    }
}

/// The guard's verdict on one text: the request's, or the answer's.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct GuardCheck {
    /// What was done.
    pub action: GuardAction,
    /// The worst finding, at its bar or below.
    #[serde(default, skip_serializing_if = "is_harmless")]
    pub level: GuardLevel,
    /// Categories at or above their bar: `snake_case`, sorted, each once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub categories: Vec<String>,
    /// Back ends that did not give their verdict, as `NAME:FAILURE`, sorted (`word_lists:timeout`). A text with any of
    /// them was not judged whole, whatever the action: a guard that fails closed blocks it, one that fails open does not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failed: Vec<String>,
}

impl GuardCheck {
    /// Every back end gave its verdict.
    #[must_use]
    pub const fn is_whole(&self) -> bool {
        self.failed.is_empty()
    }

    /// Something was found at its bar; said of a [whole](Self::is_whole) check only, because a guard that fails closed
    /// also blocks where nothing was found.
    #[must_use]
    pub fn is_flag(&self) -> bool {
        self.is_whole() && self.action != GuardAction::None
    }
}

/// What the guard said of both sides of an exchange. The absence of one side means that nothing looked at it: the policy
/// does not ask for it, or there was no text (a failure has no answer).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Guarded {
    /// The request, which is the same text for both arms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<GuardCheck>,
    /// The answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response: Option<GuardCheck>,
}

impl Guarded {
    /// Nothing looked at either side, which a record tells by having no `guard`.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.request.is_none() && self.response.is_none()
    }
}

/// Whether a record has no `guard`: one with neither side says the same, and is written the same way.
pub(super) fn is_absent(guard: &Option<Guarded>) -> bool {
    guard.as_ref().is_none_or(Guarded::is_empty)
}

/// Reads what [`is_absent`] leaves out, so that there is one form for it.
pub(super) fn there<'de, D: Deserializer<'de>>(source: D) -> Result<Option<Guarded>, D::Error> {
    Ok(Option::<Guarded>::deserialize(source)?.filter(|guard| !guard.is_empty()))
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes the field by reference")]
fn is_harmless(level: &GuardLevel) -> bool {
    *level == GuardLevel::None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_of_the_text_is_kept() {
        let guard = Guarded {
            request: Some(GuardCheck::default()),
            response: Some(GuardCheck {
                action: GuardAction::Blocked,
                level: GuardLevel::High,
                categories: vec!["hate".into(), "violence".into()],
                failed: vec!["llama:timeout".into()],
            }),
        };
        let json = r#"{"request":{"action":"none"},"response":{"action":"blocked","level":"high","categories":["hate","violence"],"failed":["llama:timeout"]}}"#;
        assert_eq!(serde_json::to_string(&guard).unwrap(), json);
        assert_eq!(serde_json::from_str::<Guarded>(json).unwrap(), guard);
        assert!(serde_json::from_str::<GuardCheck>("{}").is_err(), "an action is said");
    }

    #[test]
    fn what_was_not_judged_whole_is_no_flag() {
        let check = |action, failed: &[&str]| GuardCheck {
            action,
            failed: failed.iter().map(|name| (*name).to_owned()).collect(),
            ..GuardCheck::default()
        };
        assert!(check(GuardAction::Masked, &[]).is_flag() && !check(GuardAction::None, &[]).is_flag());
        let closed = check(GuardAction::Blocked, &["words:busy"]);
        assert!(!closed.is_whole() && !closed.is_flag(), "a guard that fails closed found nothing");
    }
}
