//! Whether the model thinks.
//!
//! Thinking is on by default there and billed as output, so it is switched off for callers that did not ask. Three
//! things stand in its way even for those that did: the operator's policy, a forced tool choice, and a conversation
//! with tools of which an earlier turn's reasoning is lost, because the API wants all of it back.

use super::super::Unfit;
use super::super::draft::Draft;
use super::super::policy::Thinking;
use super::super::{messages, steps};
use serde_json::value::RawValue;

const DISABLED: &str = r#"{"type":"disabled"}"#;

/// Says the effort in the provider's words.
#[expect(clippy::unnecessary_wraps, reason = "is a step")]
pub(super) fn asked(draft: &mut Draft<'_>, effort: &RawValue) -> Result<(), Unfit> {
    match effort_of(&steps::kind(effort)) {
        Some(effort) => draft.set_text("reasoning_effort", effort),
        None => draft.remove("reasoning_effort"),
    }
    Ok(())
}

/// The effort that a caller of OpenAI means; `None` for no reasoning.
pub(super) fn effort_of(effort: &str) -> Option<&'static str> {
    match effort {
        "none" => None,
        "minimal" | "low" => Some("low"),
        "max" | "ultra" => Some("max"),
        _ => Some("high"),
    }
}

/// What the caller says about thinking; its own switch counts more than the effort.
fn wish(draft: &Draft<'_>) -> Option<bool> {
    if let Some(switch) = draft.given("thinking") {
        return Some(steps::kind(switch) != "disabled");
    }
    draft.given("reasoning_effort").map(|effort| effort_of(&steps::kind(effort)).is_some())
}

/// Whether a policy lets a caller with this wish have the model think.
pub(super) const fn wanted(policy: Thinking, wish: Option<bool>) -> bool {
    match (policy, wish) {
        (Thinking::Never, _) | (Thinking::OnRequest, None) | (_, Some(false)) => false,
        (Thinking::Always, _) | (Thinking::OnRequest, Some(true)) => true,
    }
}

/// Decides, once all members are known, and writes the messages accordingly.
pub(super) fn settle(draft: &mut Draft<'_>) {
    let wish = wish(draft);
    let mut on = wanted(draft.scene.target.policy.thinking, wish) && !draft.thinking_forbidden;
    let mut reasoning = Vec::new();
    if on && messages::wants_reasoning_back(draft) {
        match messages::recall(draft) {
            Some(recalled) => reasoning = recalled,
            None => on = false,
        }
    }
    if !on {
        if wish == Some(true) {
            let name = if draft.given("reasoning_effort").is_some() { "reasoning_effort" } else { "thinking" };
            draft.warn(name);
        }
        draft.remove("reasoning_effort");
        draft.set("thinking", DISABLED.to_owned());
    }
    messages::settle(draft, &reasoning);
}
