//! The matrix of chat completions at DeepSeek (API state of November 2026), ordered by length and name of the member.
//!
//! The biggest difference is silent: its models think by default, and thinking is billed. A request that does not
//! ask for reasoning is therefore sent with thinking switched off (see [`super::thinking`]).
//!
//! Of one member, what cannot be sent comes first, so that the reason that is told is the one that matters.

use super::super::draft::Scene;
use super::super::matrix::Row;
use super::super::policy::JsonSchema;
use super::super::toolbox::TOOLS_MAX;
use super::super::{Loss, Provider, Remedy, refusals, steps, values, window};
use super::{format, members, thinking, tools};
use crate::models;
use serde_json::value::RawValue;

/// Most stop sequences.
const STOPS_MAX: usize = 16;
/// Largest body.
pub(super) const BODY_BYTES_MAX: usize = 48 << 20;
/// Most images.
const IMAGES_MAX: usize = 600;
pub(super) const FLASH: Remedy = Remedy::Model { name: "deepseek-flash" };
const INSTRUCT: Remedy = Remedy::Policy { key: "json_schema", value: "instruct" };

/// What becomes of each feature.
pub(super) static TABLE: &[Row] = &[
    Row::same("n", "one answer", "one answer is what the API gives"),
    Row::baseline("n", "n>1", "anything but one answer is refused")
        .when(|_, n| steps::number(n) != Some(1))
        .detail(values::number_detail),
    Row::dropped("seed", "the API knows no seed"),
    Row::same("stop", "stop sequences", "up to 16 are taken"),
    refusals::STOP,
    Row::baseline("stop", "stop>16", "more than 16 stop sequences are refused")
        .when(|_, stop| steps::list_length(stop) > STOPS_MAX)
        .detail(values::count_detail),
    Row::noted("stop", "empty stop sequence", Loss::Doubtful, "what it stands for is not documented")
        .when(|_, stop| values::has_empty_text(stop)),
    Row::rewritten(
        "user",
        "user",
        members::end_user,
        "becomes `user_id`, hashed: the provider need not know whom we serve",
    ),
    Row::baseline("audio", "audio", "there is no speech"),
    Row::rewritten("model", "model", members::model, "the migration's model; retired names become `deepseek-flash`"),
    Row::noted("model", "former model name", Loss::Doubtful, "the name is sent as the one that lives")
        .when(|scene, _| members::is_former_name(scene))
        .detail(members::former_name),
    Row::noted("model", "unknown model", Loss::Doubtful, "nothing is known of it: the provider may refuse the name")
        .when(|scene, _| models::find(Provider::DeepSeek, scene.target.model).is_none()),
    Row::dropped("store", "nothing is stored").loses(Loss::Harmless),
    Row::same("tools", "tools", "functions are called as at OpenAI"),
    refusals::UNREADABLE_TOOLS,
    Row::baseline("tools", "tools other than functions", "other types are refused")
        .when(|scene, _| scene.toolbox().others),
    refusals::TOO_MANY_TOOLS,
    refusals::TOOL_NAME,
    Row::baseline("tools", "tool name twice", "names of tools have to differ")
        .when(|scene, _| scene.toolbox().doubled_name.is_some())
        .detail(|scene, _| values::place("tools", scene.toolbox().doubled_name))
        .remedy(Remedy::FixRequest),
    refusals::TOOL_SCHEMA,
    Row::rewritten("tools", "strict schemas", tools::strip_strict, "strict schemas exist only on the beta address")
        .when(|scene, _| scene.toolbox().strict)
        .loses(Loss::Behaviour),
    Row::rewritten("tools", "schemas that need not be strict", tools::strip_strict, "is the default")
        .when(|scene, list| steps::holds(list, "\"strict\"") && !scene.toolbox().strict),
    Row::refused("top_p", "top_p out of range", |_, value| values::is_outside(value, 0.0, 1.0), "above 0, up to 1")
        .detail(values::number_detail),
    Row::dropped("top_p", "0 is refused, and has no effect that would be missed")
        .named("top_p 0")
        .when(|_, value| steps::is_zero(value)),
    Row::noted("top_p", "top_p", Loss::Behaviour, "without thinking it is fixed at 1, with thinking at least 0.95")
        .when(|_, value| values::differs(value, 1.0) && !steps::is_zero(value))
        .detail(values::number_detail),
    Row::same("stream", "streaming", "events come as at OpenAI, but for usage"),
    Row::refused("user_id", "user_id>512", members::is_long_user_id, "at most 512 bytes are taken"),
    Row::same("logprobs", "logprobs", "up to 20 are given; tokens differ from those of another tokeniser"),
    refusals::LOGPROBS,
    Row::same("messages", "messages", "text is text"),
    refusals::NO_MESSAGES,
    refusals::UNREADABLE,
    refusals::ODD_ROLE,
    Row::baseline("messages", "audio content", "there is no speech").when(|scene, _| scene.history().audio),
    Row::baseline("messages", "file content", "files of OpenAI cannot be read").when(|scene, _| scene.history().files),
    Row::baseline("messages", "images", "only `deepseek-flash` sees images; others answer as if there were none")
        .when(|scene, _| scene.history().images > 0 && !members::sees_images(scene.target.model))
        .detail(|scene, _| Some(format!("images: {}", scene.history().images)))
        .remedy(FLASH),
    Row::baseline("messages", "images>600", "more than 600 images are refused")
        .when(|scene, _| scene.history().images > IMAGES_MAX)
        .detail(|scene, _| Some(format!("{} of {IMAGES_MAX}", scene.history().images))),
    Row::baseline("messages", "custom tool calls", "only functions can be called")
        .when(|scene, _| scene.history().custom_calls),
    refusals::ODD_PART,
    refusals::NO_CONTENT,
    refusals::LONE_RESULT,
    refusals::LONE_CALL,
    Row::baseline("messages", "function call without its result", "as a tool call it would want one")
        .when(|scene, _| scene.history().lone_function.is_some())
        .detail(|scene, _| values::place("messages", scene.history().lone_function)),
    Row::baseline("messages", "body>48 MiB", "larger bodies are refused")
        .when(|scene, _| scene.request.object.bytes() > BODY_BYTES_MAX)
        .detail(|scene, _| Some(format!("{} of {BODY_BYTES_MAX} bytes", scene.request.object.bytes()))),
    Row::baseline("messages", "context window", "prompt and answer do not fit, however the tokens are counted")
        .when(|scene, _| window::is_exceeded(scene, Provider::DeepSeek))
        .detail(|scene, _| window::detail(scene, Provider::DeepSeek)),
    Row::noted("messages", "context window in doubt", Loss::Doubtful, "prompt and answer may not fit")
        .when(|scene, _| window::may_be_exceeded(scene, Provider::DeepSeek))
        .detail(|scene, _| window::detail(scene, Provider::DeepSeek)),
    Row::noted("messages", "tool result in parts", Loss::Doubtful, "was refused until 2026, and is not documented")
        .when(|scene, _| scene.history().result_in_parts.is_some())
        .detail(|scene, _| values::place("messages", scene.history().result_in_parts)),
    Row::noted("messages", "ends with an answer", Loss::Doubtful, "is gone on with only on the beta address")
        .when(|scene, _| scene.history().ends_with_answer),
    Row::settled("messages", "developer role", "the role is unknown and means `system`")
        .when(|scene, _| scene.history().developer),
    Row::settled("messages", "function role", "deprecated calls become tool calls")
        .when(|scene, _| scene.history().functions),
    Row::settled("messages", "refusals", "a refusal of an earlier turn becomes its text")
        .when(|scene, _| scene.history().refusals),
    Row::settled("messages", "cache breakpoints", "the cache has no breakpoints: they are taken out")
        .when(|scene, _| scene.history().cache_breakpoints),
    Row::settled("messages", "reasoning of earlier turns", "comes back where it is demanded")
        .when(|scene, _| scene.history().bare_answers && thinking::is_on(scene)),
    Row::dropped("metadata", "nothing is stored").loses(Loss::Harmless),
    Row::same("thinking", "DeepSeek's own switch", "a caller that names it means it, as far as the policy lets it"),
    Row::refused("thinking", "unknown switch", |_, switch| !thinking::is_known(switch), "it is enabled or disabled"),
    Row::noted("thinking", "thinking is lost", Loss::Behaviour, "policy, forced call or lost reasoning forbids it")
        .when(|scene, _| thinking::is_lost(scene)),
    Row::baseline("functions", "functions beside tools", "which of the two is meant is not known")
        .when(|scene, _| scene.request.object.has("tools")),
    Row::refused(
        "functions",
        "unreadable functions",
        |_, list| tools::functions(list).unreadable,
        "a list of functions is taken, each an object with a name",
    ),
    Row::baseline("functions", "functions>128", "more than 128 tools are refused")
        .when(|_, list| tools::functions(list).count > TOOLS_MAX)
        .detail(values::tools_detail)
        .remedy(Remedy::FixRequest),
    Row::refused(
        "functions",
        "function name",
        |_, list| tools::functions(list).bad_name.or(tools::functions(list).doubled_name).is_some(),
        "names differ, and have 1 to 64 letters, digits, `_` and `-`",
    ),
    Row::refused(
        "functions",
        "function schema of no object",
        |_, list| tools::functions(list).bad_schema.is_some(),
        "parameters have to be a schema whose type is object",
    ),
    Row::rewritten("functions", "functions", tools::from_functions, "deprecated: they become `tools`"),
    Row::dropped("verbosity", "the API does not know it"),
    Row::baseline("logit_bias", "logit_bias", "token numbers mean something else in another tokeniser")
        .when(|_, bias| !steps::is_empty(bias))
        .detail(values::count_detail),
    Row::rewritten("logit_bias", "empty logit_bias", steps::leave_out, "asks for nothing")
        .when(|_, bias| steps::is_empty(bias)),
    Row::refused(
        "max_tokens",
        "limit that is no positive number",
        |scene, value| scene.given("max_completion_tokens").is_none() && values::is_no_limit(value),
        "a whole number of at least 1 is taken",
    )
    .detail(values::number_detail),
    Row::rewritten("max_tokens", "max_tokens", members::limit_tokens, "at most 393,216, the chain of thought included")
        .detail(members::clamp_detail),
    Row::noted("max_tokens", "limit with thinking", Loss::Doubtful, THOUGHT_COUNTS)
        .when(|scene, _| thinking::is_on(scene)),
    Row::rewritten("modalities", "text output", steps::leave_out, "text is all there is")
        .when(|_, value| !steps::holds(value, "\"audio\"")),
    Row::baseline("modalities", "audio output", "there is no speech").when(|_, value| steps::holds(value, "\"audio\"")),
    Row::baseline("moderation", "moderation", "a check that was asked for must not be left out"),
    Row::dropped("prediction", "the API does not know predicted outputs"),
    Row::same("temperature", "temperature", "up to 2; without effect while thinking"),
    refusals::TEMPERATURE,
    Row::noted("temperature", "temperature with thinking", Loss::Behaviour, "it has no effect while the model thinks")
        .when(|scene, _| thinking::is_on(scene))
        .detail(values::number_detail),
    Row::refused("tool_choice", "unknown tool choice", |_, choice| tools::is_odd(choice), "the API knows no other"),
    Row::refused(
        "tool_choice",
        "choice of a tool that is not there",
        tools::names_absent,
        "the named function is not among the tools",
    ),
    Row::baseline("tool_choice", "allowed_tools that name no offered function", "nothing would be left to call")
        .when(tools::allows_nothing)
        .remedy(Remedy::FixRequest),
    Row::baseline("tool_choice", "custom tool choice", "only functions can be called")
        .when(|_, choice| tools::kind(choice) == "custom"),
    Row::rewritten("tool_choice", "tool_choice auto", tools::leave_out_auto, "it is the default")
        .when(|_, choice| choice.get() == "\"auto\""),
    Row::same("tool_choice", "tool_choice none", "the API knows it").when(|_, choice| choice.get() == "\"none\""),
    Row::settled("tool_choice", "forced tool choice", "is refused while thinking: thinking is off")
        .when(|_, choice| tools::is_forced(choice)),
    Row::rewritten("tool_choice", "allowed_tools", tools::allowed, "only the allowed tools are sent")
        .when(|_, choice| tools::kind(choice) == "allowed_tools"),
    Row::dropped("service_tier", "there is one tier").when(|_, tier| !is_usual_tier(tier)),
    Row::dropped("service_tier", "there is one tier")
        .named("usual service_tier")
        .when(|_, tier| is_usual_tier(tier))
        .loses(Loss::Harmless),
    Row::same("top_logprobs", "top_logprobs", "up to 20 are given"),
    refusals::TOP_LOGPROBS,
    Row::refused(
        "function_call",
        "choice of a function that is not there",
        tools::call_names_absent,
        "the named function is not among the functions",
    ),
    Row::rewritten("function_call", "function_call", tools::from_function_call, "deprecated: it becomes `tool_choice`"),
    Row::rewritten(
        "stream_options",
        "stream options",
        members::stream_options,
        "only `include_usage` is known, only in streams",
    ),
    Row::refused("response_format", "unknown format", |_, format| format::is_odd(format), "the API knows no other"),
    Row::same("response_format", "text format", "text is the default").when(|_, format| format::is(format, "text")),
    Row::rewritten("response_format", "json_object", format::json_object, "the prompt has to say the word JSON")
        .when(|_, format| format::is(format, "json_object")),
    Row::baseline("response_format", "json_schema", "chat knows no schemas; the policy can make them an instruction")
        .when(|scene, format| schema_policy(scene, format) == Some(JsonSchema::Baseline))
        .remedy(INSTRUCT),
    Row::refused(
        "response_format",
        "json_schema without a schema",
        |_, format| format::has_no_schema(format),
        "there is nothing to keep to",
    ),
    Row::rewritten("response_format", "json_schema as an instruction", format::instruct, "nothing enforces it")
        .when(|scene, format| schema_policy(scene, format) == Some(JsonSchema::Instruct))
        .loses(Loss::Behaviour),
    Row::dropped("presence_penalty", "has no effect there").when(|_, value| !steps::is_zero(value)),
    Row::rewritten("presence_penalty", "presence_penalty 0", steps::leave_out, "is the default")
        .when(|_, value| steps::is_zero(value)),
    Row::dropped("prompt_cache_key", "the cache finds equal beginnings by itself").loses(Loss::Harmless),
    Row::rewritten("reasoning_effort", "reasoning_effort", thinking::asked, "low, high and max are what there is"),
    Row::noted("reasoning_effort", "effort is rounded", Loss::Behaviour, "it becomes the next of low, high and max")
        .when(|scene, effort| thinking::is_rounded(effort) && !thinking::is_lost(scene)),
    Row::noted("reasoning_effort", "reasoning is lost", Loss::Behaviour, "policy, forced call or lost turns forbid it")
        .when(|scene, _| thinking::is_lost(scene)),
    Row::dropped("frequency_penalty", "has no effect there").when(|_, value| !steps::is_zero(value)),
    Row::rewritten("frequency_penalty", "frequency_penalty 0", steps::leave_out, "is the default")
        .when(|_, value| steps::is_zero(value)),
    Row::rewritten("safety_identifier", "safety_identifier", members::end_user, "becomes `user_id`, hashed"),
    Row::baseline("web_search_options", "web_search_options", "the chat API does not search"),
    Row::dropped("parallel_tool_calls", "the API does not know it: several calls may come at once")
        .when(|_, value| value.get() != "true"),
    Row::rewritten("parallel_tool_calls", "parallel calls", steps::leave_out, "is what it does")
        .when(|_, value| value.get() == "true"),
    Row::dropped("prompt_cache_options", "the cache has no options").loses(Loss::Harmless),
    refusals::limit("max_completion_tokens"),
    Row::renamed("max_completion_tokens", "max_tokens", "would be ignored under its own name")
        .then(members::limit_completion)
        .detail(members::clamp_detail),
    Row::noted("max_completion_tokens", "limit with thinking", Loss::Doubtful, THOUGHT_COUNTS)
        .when(|scene, _| thinking::is_on(scene)),
    Row::dropped("prompt_cache_retention", "the cache has no options").loses(Loss::Harmless),
];

/// OpenAI's limits count the reasoning, too, but its models reason less.
const THOUGHT_COUNTS: &str = "the chain of thought counts: less may be left to be seen";

/// Tiers that ask for nothing beside the usual.
pub(super) fn is_usual_tier(tier: &RawValue) -> bool {
    matches!(tier.get(), "\"auto\"" | "\"default\"")
}

/// The policy about schemas, for a format that has one.
fn schema_policy(scene: &Scene<'_>, format: &RawValue) -> Option<JsonSchema> {
    format::is(format, "json_schema").then_some(scene.target.policy.json_schema)
}
