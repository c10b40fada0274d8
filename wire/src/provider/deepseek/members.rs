//! Steps about single members that chat completions and responses share.

use super::super::draft::{Draft, Scene};
use super::super::{Provider, steps, window};
use crate::models;
use serde_json::value::RawValue;

/// Largest `max_tokens` that the API takes for a model nobody here knows.
const MAX_TOKENS: u64 = 393_216;
/// Longest `user_id`, bytes.
const USER_ID_BYTES_MAX: usize = 512;

/// Whether a model sees images; the others answer as if there were none.
pub(super) fn sees_images(model: &str) -> bool {
    models::find(Provider::DeepSeek, model).is_some_and(|model| model.sees_images)
}

/// Addresses the migration's model, by a name that lives.
pub(super) fn model(draft: &mut Draft<'_>, _value: &RawValue) {
    let model = models::living_name(Provider::DeepSeek, draft.scene.target.model);
    if model != draft.scene.request.model {
        draft.set_text("model", model);
    }
}

/// Whether the target is asked for by a name that is not its own any more.
pub(super) fn is_former_name(scene: &Scene<'_>) -> bool {
    models::living_name(Provider::DeepSeek, scene.target.model) != scene.target.model
}

/// The name that is sent instead of the target's.
pub(super) fn former_name(scene: &Scene<'_>, _value: &RawValue) -> Option<String> {
    let name = scene.target.model;
    Some(format!("{name} is {} today", models::living_name(Provider::DeepSeek, name)))
}

/// Keeps `max_tokens` within the allowed range; where the newer member is there, that one counts.
pub(super) fn limit_tokens(draft: &mut Draft<'_>, value: &RawValue) {
    if draft.given("max_completion_tokens").is_some() {
        draft.remove("max_tokens");
    } else if let Some(most) = clamped(&draft.scene, value) {
        draft.set("max_tokens", most.to_string());
    }
}

/// Keeps the newer limit, renamed by now, within the allowed range.
pub(super) fn limit_completion(draft: &mut Draft<'_>, value: &RawValue) {
    if let Some(most) = clamped(&draft.scene, value) {
        draft.remove("max_completion_tokens");
        draft.set("max_tokens", most.to_string());
    }
}

/// Keeps the limit of a response within the allowed range.
pub(super) fn limit_output(draft: &mut Draft<'_>, value: &RawValue) {
    if let Some(most) = clamped(&draft.scene, value) {
        draft.set("max_output_tokens", most.to_string());
    }
}

/// What a limit beyond the longest answer becomes.
fn clamped(scene: &Scene<'_>, limit: &RawValue) -> Option<u64> {
    let most = window::output_tokens_max(scene, Provider::DeepSeek).unwrap_or(MAX_TOKENS);
    (steps::number(limit)? > most).then_some(most)
}

/// The clamp in numbers.
pub(super) fn clamp_detail(scene: &Scene<'_>, limit: &RawValue) -> Option<String> {
    window::clamp_detail(scene, Provider::DeepSeek, limit)
}

/// Whether a `user_id` that the caller itself names is longer than is taken.
pub(super) fn is_long_user_id(_scene: &Scene<'_>, value: &RawValue) -> bool {
    value.get().len() > USER_ID_BYTES_MAX
        && crate::json::loose::string(value.get()).is_some_and(|id| id.len() > USER_ID_BYTES_MAX)
}

/// The end user's id, hashed with the operator's secret: another provider need not know whom we serve, only who is
/// the same. Without a secret a guessed id could be recognised by its hash.
pub(super) fn end_user(draft: &mut Draft<'_>, _value: &RawValue) {
    let object = &draft.scene.request.object;
    let given = |name| object.text(name).filter(|id| !id.is_empty());
    let id = given("safety_identifier").or_else(|| given("user"));
    for member in ["safety_identifier", "user"] {
        draft.remove(member);
    }
    if let Some(id) = id
        && draft.given("user_id").is_none()
    {
        let hashed = steps::hashed(&draft.scene.target.policy.user_salt, &id);
        draft.set("user_id", hashed);
    }
}

/// Stream options without a stream are refused, and only `include_usage` is known. Usage is asked for in any case:
/// the API reports it anyway.
pub(super) fn stream_options(draft: &mut Draft<'_>, _value: &RawValue) {
    let request = draft.scene.request;
    if request.stream && request.include_usage {
        draft.set("stream_options", r#"{"include_usage":true}"#.to_owned());
    } else {
        draft.remove("stream_options");
    }
}
