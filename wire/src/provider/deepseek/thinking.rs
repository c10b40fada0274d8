//! Whether the model thinks.
//!
//! Thinking is on by default there and billed as output, so it is switched off for callers that did not ask. Three
//! things stand in its way even for those that did: the operator's policy, a forced tool choice, and a conversation
//! with tools of which an earlier turn's reasoning is lost, because the API wants all of it back.

use super::super::draft::{Draft, Scene};
use super::super::messages::{self, Recalled};
use super::super::policy::Thinking;
use super::super::steps;
use super::tools;
use serde_json::value::RawValue;

const DISABLED: &str = r#"{"type":"disabled"}"#;

/// Says the effort in the provider's words.
pub(super) fn asked(draft: &mut Draft<'_>, effort: &RawValue) {
    match effort_of(&steps::kind(effort)) {
        Some(effort) => draft.set_text("reasoning_effort", effort),
        None => draft.remove("reasoning_effort"),
    }
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

/// Whether an effort has no equal of its own there.
pub(super) fn is_rounded(effort: &RawValue) -> bool {
    !matches!(&*steps::kind(effort), "none" | "low" | "high" | "max")
}

/// Whether the caller's switch is one that the API knows.
pub(super) fn is_known(switch: &RawValue) -> bool {
    switch.get().starts_with('{') && matches!(&*steps::kind(switch), "enabled" | "disabled")
}

/// What the caller says about thinking; its own switch counts more than the effort.
pub(super) fn wish(scene: &Scene<'_>) -> Option<bool> {
    if let Some(switch) = scene.given("thinking") {
        return Some(steps::kind(switch) != "disabled");
    }
    scene.given("reasoning_effort").map(|effort| effort_of(&steps::kind(effort)).is_some())
}

/// Whether a policy lets a caller with this wish have the model think.
pub(super) const fn wanted(policy: Thinking, wish: Option<bool>) -> bool {
    match (policy, wish) {
        (Thinking::Never, _) | (Thinking::OnRequest, None) | (_, Some(false)) => false,
        (Thinking::Always, _) | (Thinking::OnRequest, Some(true)) => true,
    }
}

/// What goes back into which earlier answers if the model thinks; `None` if it does not.
pub(super) fn decide(scene: &Scene<'_>, wish: Option<bool>) -> Option<Vec<Recalled>> {
    if !wanted(scene.target.policy.thinking, wish) || tools::forbid_thinking(scene) {
        return None;
    }
    if messages::wants_reasoning_back(scene) { messages::recall(scene) } else { Some(Vec::new()) }
}

/// Whether the model will think.
pub(super) fn is_on(scene: &Scene<'_>) -> bool {
    decide(scene, wish(scene)).is_some()
}

/// Whether the caller asks for what it will not get.
pub(super) fn is_lost(scene: &Scene<'_>) -> bool {
    wish(scene) == Some(true) && !is_on(scene)
}

/// Decides, once all members are known, and writes the messages accordingly.
pub(super) fn settle(draft: &mut Draft<'_>) {
    let wish = wish(&draft.scene);
    let reasoning = decide(&draft.scene, wish);
    if reasoning.is_none() {
        if wish == Some(true) {
            let name = if draft.given("reasoning_effort").is_some() { "reasoning_effort" } else { "thinking" };
            draft.warn(name);
        }
        draft.remove("reasoning_effort");
        draft.set("thinking", DISABLED.to_owned());
    }
    messages::settle(draft, &reasoning.unwrap_or_default());
}
