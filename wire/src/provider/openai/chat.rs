//! The matrix of chat completions at OpenAI, for requests that come from elsewhere: another provider's on the way back, or
//! another model's. Ordered by length and name of the member.
//!
//! Its newer models reason and refuse what older ones took: `max_tokens` under this name, and sampling parameters at every
//! effort but `none`. A request whose model stays is sent as it is, so none of this touches it.

use super::super::deepseek::{format, tools};
use super::super::draft::{Draft, Scene};
use super::super::matrix::Row;
use super::super::{Loss, Provider, refusals, steps, values, window};
use crate::models::{self, Model, Reasoning};
use serde_json::value::RawValue;

/// Most stop sequences.
const STOPS_MAX: usize = 4;
const SAMPLING: &str = "a model that reasons refuses it";

/// What becomes of each feature.
pub(super) static TABLE: &[Row] = &[
    refusals::ANSWERS,
    refusals::STOP,
    Row::baseline("stop", "stop>4", "more than 4 stop sequences are refused")
        .when(|_, stop| steps::list_length(stop) > STOPS_MAX)
        .detail(values::count_detail),
    Row::baseline("stop", "stop with this model", "o3 and o4-mini refuse stop sequences")
        .when(|scene, stop| refuses_stop(scene) && !steps::is_empty(stop)),
    Row::rewritten("model", "model", steps::model, "the migration's model"),
    Row::noted("model", "unknown model", Loss::Doubtful, "nothing is known of it: the provider may refuse the name")
        .when(|scene, _| model(scene).is_none()),
    refusals::UNREADABLE_TOOLS,
    refusals::TOO_MANY_TOOLS,
    refusals::TOOL_NAME,
    refusals::TOOL_SCHEMA,
    Row::refused("top_p", "top_p out of range", |_, value| values::is_outside(value, 0.0, 1.0), "0 to 1 is taken")
        .detail(values::number_detail),
    Row::dropped("top_p", SAMPLING).when(|scene, value| values::differs(value, 1.0) && !takes_sampling(scene)),
    Row::dropped("user_id", "only DeepSeek knows it").loses(Loss::Harmless),
    refusals::LOGPROBS,
    refusals::NO_MESSAGES,
    refusals::UNREADABLE,
    refusals::ODD_ROLE,
    refusals::ODD_PART,
    refusals::NO_CONTENT,
    refusals::LONE_RESULT,
    refusals::LONE_CALL,
    Row::baseline("messages", "images", "the model does not see")
        .when(|scene, _| scene.history().images > 0 && model(scene).is_some_and(|model| !model.sees_images))
        .detail(|scene, _| Some(format!("images: {}", scene.history().images))),
    Row::baseline("messages", "context window", "prompt and answer do not fit, however the tokens are counted")
        .when(|scene, _| window::is_exceeded(scene, Provider::OpenAi))
        .detail(|scene, _| window::detail(scene, Provider::OpenAi)),
    Row::noted("messages", "context window in doubt", Loss::Doubtful, "prompt and answer may not fit")
        .when(|scene, _| window::may_be_exceeded(scene, Provider::OpenAi))
        .detail(|scene, _| window::detail(scene, Provider::OpenAi)),
    Row::dropped("thinking", "only DeepSeek knows it: the effort says what is wanted"),
    refusals::limit("max_tokens"),
    Row::rewritten("max_tokens", "max_tokens", limit, "models that reason know it by its newer name only")
        .when(|scene, value| reasons(scene) || clamped(scene, value).is_some())
        .detail(clamp_detail),
    Row::refused(
        "modalities",
        "audio output without its voice",
        |scene, value| steps::holds(value, "\"audio\"") && scene.given("audio").is_none(),
        "`audio` has to say voice and format",
    ),
    refusals::TEMPERATURE,
    Row::dropped("temperature", SAMPLING).when(|scene, value| values::differs(value, 1.0) && !takes_sampling(scene)),
    Row::refused(
        "tool_choice",
        "tool choice without tools",
        |scene, _| scene.toolbox().count == 0 && !scene.toolbox().unreadable,
        "there is nothing to choose from",
    ),
    Row::refused(
        "tool_choice",
        "unknown tool choice",
        |_, choice| tools::is_odd(choice),
        "none, auto, required, or an object that names a tool",
    ),
    Row::refused(
        "tool_choice",
        "choice of a tool that is not there",
        tools::names_absent,
        "the named function is not among the tools",
    ),
    refusals::TOP_LOGPROBS,
    Row::refused(
        "top_logprobs",
        "top_logprobs without logprobs",
        |scene, top| steps::number(top) != Some(0) && scene.given("logprobs").is_none_or(|flag| flag.get() != "true"),
        "it is taken only beside `logprobs`",
    ),
    Row::rewritten("stream_options", "stream options", steps::leave_out, "are taken in streams only")
        .when(|scene, _| !scene.request.stream),
    Row::refused(
        "response_format",
        "unknown format",
        |_, format| format::is_odd(format),
        "text, json_object or json_schema",
    ),
    Row::refused(
        "response_format",
        "json_schema without a schema",
        |_, format| format::has_no_schema(format),
        "there is nothing to keep to",
    ),
    Row::refused(
        "response_format",
        "json_object without the word json",
        |scene, format| steps::kind(format) == "json_object" && !format::says_json(scene),
        "the prompt has to say it",
    ),
    Row::dropped("presence_penalty", SAMPLING)
        .when(|scene, value| values::differs(value, 0.0) && !takes_sampling(scene)),
    Row::dropped("reasoning_effort", "the model does not reason")
        .when(|scene, _| model(scene).is_some_and(|model| model.reasoning == Reasoning::Never)),
    Row::rewritten("reasoning_effort", "effort is rounded", effort, "it becomes the next that the model takes")
        .when(|scene, asked| rounded(scene, asked).is_some())
        .loses(Loss::Behaviour),
    Row::dropped("frequency_penalty", SAMPLING)
        .when(|scene, value| values::differs(value, 0.0) && !takes_sampling(scene)),
    refusals::limit("max_completion_tokens"),
    Row::rewritten("max_completion_tokens", "max_completion_tokens", limit_completion, "at most what the model gives")
        .when(|scene, value| clamped(scene, value).is_some())
        .detail(clamp_detail),
];

fn model(scene: &Scene<'_>) -> Option<&'static Model> {
    models::find(Provider::OpenAi, scene.target.model)
}

/// Whether it is one of the two that refuse stop sequences, under its name or that of a dated snapshot.
fn refuses_stop(scene: &Scene<'_>) -> bool {
    model(scene).is_some_and(|model| matches!(model.name, "o3" | "o4-mini"))
}

fn reasons(scene: &Scene<'_>) -> bool {
    model(scene).is_some_and(|model| model.reasoning != Reasoning::Never)
}

/// Whether the model takes sampling parameters, at the effort that is sent and not the one that was asked for: where nothing is known of it, they are its own to refuse.
fn takes_sampling(scene: &Scene<'_>) -> bool {
    match model(scene).map(|model| model.reasoning) {
        Some(Reasoning::Effort { default, .. }) => {
            let sent = scene
                .given("reasoning_effort")
                .map(|asked| rounded(scene, asked).map_or_else(|| steps::kind(asked), str::to_owned));
            sent.as_deref().or(default) == Some("none")
        }
        _ => true,
    }
}

fn clamped(scene: &Scene<'_>, limit: &RawValue) -> Option<u64> {
    let most = window::output_tokens_max(scene, Provider::OpenAi)?;
    (steps::number(limit)? > most).then_some(most)
}

fn clamp_detail(scene: &Scene<'_>, limit: &RawValue) -> Option<String> {
    window::clamp_detail(scene, Provider::OpenAi, limit)
}

/// Says the limit under the name that the model knows, within what it gives. Where the newer member is there, it counts.
fn limit(draft: &mut Draft<'_>, value: &RawValue) {
    let number = clamped(&draft.scene, value).map_or_else(|| value.get().to_owned(), |most| most.to_string());
    if !reasons(&draft.scene) {
        draft.set("max_tokens", number);
        return;
    }
    draft.remove("max_tokens");
    if draft.given("max_completion_tokens").is_none() {
        draft.set("max_completion_tokens", number);
    }
}

fn limit_completion(draft: &mut Draft<'_>, value: &RawValue) {
    if let Some(most) = clamped(&draft.scene, value) {
        draft.set("max_completion_tokens", most.to_string());
    }
}

/// All efforts, from none to most.
const EFFORTS: [&str; 7] = ["none", "minimal", "low", "medium", "high", "xhigh", "max"];

/// The effort nearest to one that the model does not take, rather more than less; `None` where it takes it, or reasons
/// not at all.
fn rounded(scene: &Scene<'_>, asked: &RawValue) -> Option<&'static str> {
    let taken = model(scene)?.reasoning.efforts();
    let asked = steps::kind(asked);
    if taken.is_empty() || taken.contains(&&*asked) {
        return None;
    }
    let rank = |effort: &str| EFFORTS.iter().position(|known| *known == effort);
    let wanted = rank(&asked).unwrap_or(4);
    taken.iter().find(|effort| rank(effort) >= Some(wanted)).or_else(|| taken.last()).copied()
}

fn effort(draft: &mut Draft<'_>, asked: &RawValue) {
    if let Some(effort) = rounded(&draft.scene, asked) {
        draft.set_text("reasoning_effort", effort);
    }
}

#[cfg(test)]
mod tests;
