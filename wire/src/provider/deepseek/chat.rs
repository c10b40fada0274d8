//! The matrix of chat completions at DeepSeek (API state of November 2026), ordered by length and name of the member.
//!
//! The biggest difference is silent: its models think by default, and thinking is billed. A request that does not
//! ask for reasoning is therefore sent with thinking switched off (see [`super::thinking`]).

use super::super::draft::Scene;
use super::super::matrix::Row;
use super::super::policy::JsonSchema;
use super::super::steps;
use super::{format, members, thinking, tools};
use serde_json::value::RawValue;

/// Most stop sequences.
const STOPS_MAX: usize = 16;

/// What becomes of each feature.
pub(super) static TABLE: [Row; 63] = [
    Row::same("n", "one answer", "one answer is what the API gives"),
    Row::baseline("n", "n>1", "more than one answer is refused").when(|_, n| steps::number(n).is_none_or(|n| n > 1)),
    Row::dropped("seed", "the API knows no seed"),
    Row::same("stop", "stop sequences", "up to 16 are taken"),
    Row::baseline("stop", "stop>16", "more than 16 stop sequences are refused")
        .when(|_, stop| steps::list_length(stop) > STOPS_MAX),
    Row::rewritten(
        "user",
        "user",
        members::end_user,
        "becomes `user_id`, hashed: the provider need not know whom we serve",
    ),
    Row::baseline("audio", "audio", "there is no speech"),
    Row::rewritten("model", "model", members::model, "the migration's model; retired names become `deepseek-flash`"),
    Row::dropped("store", "nothing is stored"),
    Row::same("tools", "tools", "functions are called as at OpenAI"),
    Row::baseline("tools", "tools other than functions", "other types are refused").when(|_, list| tools::others(list)),
    Row::baseline("tools", "tools>128", "more than 128 tools are refused").when(|_, list| tools::too_many(list)),
    Row::rewritten("tools", "strict schemas", tools::strip_strict, "strict schemas exist only on the beta address")
        .when(|_, list| steps::holds(list, "\"strict\"")),
    Row::same("top_p", "top_p", "without thinking it is fixed at 1, with thinking at least 0.95"),
    Row::dropped("top_p", "0 is refused, and has no effect that would be missed")
        .named("top_p 0")
        .when(|_, value| steps::is_zero(value)),
    Row::same("stream", "streaming", "events come as at OpenAI, but for usage"),
    Row::same("logprobs", "logprobs", "up to 20 are given"),
    Row::same("messages", "messages", "text is text"),
    Row::baseline("messages", "audio content", "there is no speech").when(|scene, _| scene.history().audio),
    Row::baseline("messages", "file content", "files of OpenAI cannot be read").when(|scene, _| scene.history().files),
    Row::baseline("messages", "images", "only `deepseek-flash` sees images; others answer as if there were none")
        .when(|scene, _| scene.history().images && !members::sees_images(scene.target.model)),
    Row::baseline("messages", "custom tool calls", "only functions can be called")
        .when(|scene, _| scene.history().custom_calls),
    Row::rewritten("messages", "developer role", steps::deferred, "the role is unknown and means `system`")
        .when(|scene, _| scene.history().developer),
    Row::rewritten("messages", "function role", steps::deferred, "deprecated calls become tool calls")
        .when(|scene, _| scene.history().functions),
    Row::rewritten("messages", "refusals", steps::deferred, "a refusal of an earlier turn becomes its text")
        .when(|scene, _| scene.history().refusals),
    Row::rewritten(
        "messages",
        "cache breakpoints",
        steps::deferred,
        "the cache has no breakpoints: they are taken out",
    )
    .when(|scene, _| scene.history().cache_breakpoints),
    Row::rewritten("messages", "reasoning of earlier turns", steps::deferred, "comes back where it is demanded")
        .when(|scene, _| scene.history().bare_answers),
    Row::dropped("metadata", "nothing is stored"),
    Row::same("thinking", "DeepSeek's own switch", "a caller that names it means it, as far as the policy lets it"),
    Row::baseline("functions", "functions beside tools", "which of the two is meant is not known")
        .when(|scene, _| scene.request.object.has("tools")),
    Row::rewritten("functions", "functions", tools::from_functions, "deprecated: they become `tools`"),
    Row::dropped("verbosity", "the API does not know it"),
    Row::baseline("logit_bias", "logit_bias", "token numbers mean something else in another tokeniser")
        .when(|_, bias| !steps::is_empty(bias)),
    Row::rewritten("logit_bias", "empty logit_bias", steps::leave_out, "asks for nothing")
        .when(|_, bias| steps::is_empty(bias)),
    Row::rewritten("max_tokens", "max_tokens", members::limit_tokens, "at most 393,216, the chain of thought included"),
    Row::rewritten("modalities", "text output", steps::leave_out, "text is all there is")
        .when(|_, value| !steps::holds(value, "\"audio\"")),
    Row::baseline("modalities", "audio output", "there is no speech").when(|_, value| steps::holds(value, "\"audio\"")),
    Row::baseline("moderation", "moderation", "a check that was asked for must not be left out"),
    Row::dropped("prediction", "the API does not know predicted outputs"),
    Row::same("temperature", "temperature", "up to 2; without effect while thinking"),
    Row::rewritten("tool_choice", "tool_choice auto", tools::leave_out_auto, "it is the default")
        .when(|_, choice| choice.get() == "\"auto\""),
    Row::same("tool_choice", "tool_choice none", "the API knows it").when(|_, choice| choice.get() == "\"none\""),
    Row::rewritten("tool_choice", "forced tool choice", tools::forced, "is refused while thinking: thinking is off")
        .when(|_, choice| tools::is_forced(choice)),
    Row::rewritten("tool_choice", "allowed_tools", tools::allowed, "only the allowed tools are sent")
        .when(|_, choice| tools::kind(choice) == "allowed_tools"),
    Row::baseline("tool_choice", "custom tool choice", "only functions can be called")
        .when(|_, choice| tools::kind(choice) == "custom"),
    Row::dropped("service_tier", "there is one tier"),
    Row::same("top_logprobs", "top_logprobs", "up to 20 are given"),
    Row::rewritten("function_call", "function_call", tools::from_function_call, "deprecated: it becomes `tool_choice`"),
    Row::rewritten(
        "stream_options",
        "stream options",
        members::stream_options,
        "only `include_usage` is known, only in streams",
    ),
    Row::same("response_format", "text format", "text is the default").when(|_, format| format::is(format, "text")),
    Row::rewritten("response_format", "json_object", format::json_object, "the prompt has to say the word JSON")
        .when(|_, format| format::is(format, "json_object")),
    Row::baseline("response_format", "json_schema", "chat knows no schemas; the policy can make them an instruction")
        .when(|scene, format| schema_policy(scene, format) == Some(JsonSchema::Baseline)),
    Row::rewritten("response_format", "json_schema as an instruction", format::instruct, "nothing enforces it")
        .when(|scene, format| schema_policy(scene, format) == Some(JsonSchema::Instruct)),
    Row::dropped("presence_penalty", "has no effect there"),
    Row::dropped("prompt_cache_key", "the cache finds equal beginnings by itself"),
    Row::rewritten("reasoning_effort", "reasoning_effort", thinking::asked, "low, high and max are what there is"),
    Row::dropped("frequency_penalty", "has no effect there"),
    Row::rewritten("safety_identifier", "safety_identifier", members::end_user, "becomes `user_id`, hashed"),
    Row::baseline("web_search_options", "web_search_options", "the chat API does not search"),
    Row::dropped("parallel_tool_calls", "the API does not know it"),
    Row::dropped("prompt_cache_options", "the cache has no options"),
    Row::renamed("max_completion_tokens", "max_tokens", "would be ignored under its own name")
        .then(members::limit_completion),
    Row::dropped("prompt_cache_retention", "the cache has no options"),
];

/// The policy about schemas, for a format that has one.
fn schema_policy(scene: &Scene<'_>, format: &RawValue) -> Option<JsonSchema> {
    format::is(format, "json_schema").then_some(scene.target.policy.json_schema)
}
