//! Steps about single members that chat completions and responses share.

use super::super::Unfit;
use super::super::draft::Draft;
use super::super::steps;
use serde_json::value::RawValue;

/// Largest `max_tokens` that the API takes.
const MAX_TOKENS: u64 = 393_216;
/// Names that are retired or aliases, all of which mean the Flash model today.
const FORMER_NAMES: [&str; 5] =
    ["deepseek-chat", "deepseek-reasoner", "deepseek-coder", "deepseek-v4-flash", "deepseek-v4-flash-vision-exp"];
const FLASH: &str = "deepseek-flash";

/// The name under which a model is sold today.
pub(super) fn living_name(model: &str) -> &str {
    if FORMER_NAMES.contains(&model) { FLASH } else { model }
}

/// Whether a model sees images; the others answer as if there were none.
pub(super) fn sees_images(model: &str) -> bool {
    living_name(model) == FLASH
}

/// Addresses the migration's model, by a name that lives.
#[expect(clippy::unnecessary_wraps, reason = "is a step")]
pub(super) fn model(draft: &mut Draft<'_>, _value: &RawValue) -> Result<(), Unfit> {
    let model = living_name(draft.scene.target.model);
    if model != draft.scene.request.model {
        draft.set_text("model", model);
    }
    Ok(())
}

/// Keeps `max_tokens` within the allowed range; where the newer member is there, that one counts.
#[expect(clippy::unnecessary_wraps, reason = "is a step")]
pub(super) fn limit_tokens(draft: &mut Draft<'_>, value: &RawValue) -> Result<(), Unfit> {
    if draft.given("max_completion_tokens").is_some() {
        draft.remove("max_tokens");
    } else if exceeds(value) {
        draft.set("max_tokens", MAX_TOKENS.to_string());
    }
    Ok(())
}

/// Keeps the newer limit, renamed by now, within the allowed range.
#[expect(clippy::unnecessary_wraps, reason = "is a step")]
pub(super) fn limit_completion(draft: &mut Draft<'_>, value: &RawValue) -> Result<(), Unfit> {
    if exceeds(value) {
        draft.remove("max_completion_tokens");
        draft.set("max_tokens", MAX_TOKENS.to_string());
    }
    Ok(())
}

/// Keeps the limit of a response within the allowed range.
#[expect(clippy::unnecessary_wraps, reason = "is a step")]
pub(super) fn limit_output(draft: &mut Draft<'_>, value: &RawValue) -> Result<(), Unfit> {
    if exceeds(value) {
        draft.set("max_output_tokens", MAX_TOKENS.to_string());
    }
    Ok(())
}

fn exceeds(limit: &RawValue) -> bool {
    limit.get().parse::<u64>().is_ok_and(|limit| limit > MAX_TOKENS)
}

/// The end user's id, hashed with the operator's secret: another provider need not know whom we serve, only who is
/// the same. Without a secret a guessed id could be recognised by its hash.
#[expect(clippy::unnecessary_wraps, reason = "is a step")]
pub(super) fn end_user(draft: &mut Draft<'_>, _value: &RawValue) -> Result<(), Unfit> {
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
    Ok(())
}

/// Stream options without a stream are refused, and only `include_usage` is known. Usage is asked for in any case:
/// the API reports it anyway.
#[expect(clippy::unnecessary_wraps, reason = "is a step")]
pub(super) fn stream_options(draft: &mut Draft<'_>, _value: &RawValue) -> Result<(), Unfit> {
    let request = draft.scene.request;
    if request.stream && request.include_usage {
        draft.set("stream_options", r#"{"include_usage":true}"#.to_owned());
    } else {
        draft.remove("stream_options");
    }
    Ok(())
}
