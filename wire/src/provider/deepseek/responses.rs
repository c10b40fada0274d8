//! The matrix of responses at DeepSeek, ordered by length and name of the member.
//!
//! The endpoint keeps nothing: what refers to something stored stays on the baseline. Schemas work here, unlike in
//! chat completions, and thinking is switched by `reasoning.effort`.

use super::super::draft::{Draft, quoted};
use super::super::matrix::Row;
use super::super::{Loss, Provider, refusals, steps, values, window};
use super::chat::{BODY_BYTES_MAX, FLASH, is_usual_tier};
use super::{format, members, thinking, tools};
use crate::json::Object;
use crate::models;
use serde::Deserialize;
use serde_json::value::RawValue;

/// Responses are stored unless the client says no, and a later turn may refer to what was stored.
pub(super) static STORED: Row =
    Row::baseline("store", "store", "is the default, and nothing is stored there that a later turn could refer to");

/// What becomes of each feature.
pub(super) static TABLE: &[Row] = &[
    Row::same("text", "text format", "JSON schemas are known here, unlike in chat"),
    Row::refused("text", "unknown format", |_, text| format::of_response_is_odd(text), "the API knows no other"),
    Row::rewritten(
        "user",
        "user",
        members::end_user,
        "becomes `user_id`, hashed: the provider need not know whom we serve",
    ),
    Row::same("input", "input", "text is text"),
    Row::refused(
        "input",
        "unreadable input",
        |scene, input| is_odd_input(input) || scene.history().unreadable.is_some(),
        "a text or a list of items is taken",
    ),
    Row::refused(
        "input",
        "unknown role",
        |scene, _| scene.history().odd_role.is_some(),
        "a message needs one of the roles",
    )
    .detail(|scene, _| values::place("input", scene.history().odd_role)),
    Row::baseline("input", "stored items", "items that refer to something stored, or to tools that run at OpenAI")
        .when(|scene, _| scene.history().references),
    Row::baseline("input", "audio content", "there is no speech").when(|scene, _| scene.history().audio),
    Row::baseline("input", "file content", "files of OpenAI cannot be read").when(|scene, _| scene.history().files),
    Row::baseline("input", "images", "only `deepseek-flash` sees images; others answer as if there were none")
        .when(|scene, _| scene.history().images > 0 && !members::sees_images(scene.target.model))
        .detail(|scene, _| Some(format!("images: {}", scene.history().images)))
        .remedy(FLASH),
    Row::baseline("input", "body>48 MiB", "larger bodies are refused")
        .when(|scene, _| scene.request.object.bytes() > BODY_BYTES_MAX)
        .detail(|scene, _| Some(format!("{} of {BODY_BYTES_MAX} bytes", scene.request.object.bytes()))),
    Row::baseline("input", "context window", "prompt and answer do not fit, however the tokens are counted")
        .when(|scene, _| window::is_exceeded(scene, Provider::DeepSeek))
        .detail(|scene, _| window::detail(scene, Provider::DeepSeek)),
    Row::noted("input", "context window in doubt", Loss::Doubtful, "prompt and answer may not fit")
        .when(|scene, _| window::may_be_exceeded(scene, Provider::DeepSeek))
        .detail(|scene, _| window::detail(scene, Provider::DeepSeek)),
    Row::settled("input", "developer role", "means `system`; read as the user's in some versions")
        .when(|scene, _| scene.history().developer),
    Row::rewritten("model", "model", members::model, "the migration's model; retired names become `deepseek-flash`"),
    Row::noted("model", "former model name", Loss::Doubtful, "the name is sent as the one that lives")
        .when(|scene, _| members::is_former_name(scene))
        .detail(members::former_name),
    Row::noted("model", "unknown model", Loss::Doubtful, "nothing is known of it: the provider may refuse the name")
        .when(|scene, _| models::find(Provider::DeepSeek, scene.target.model).is_none()),
    Row::baseline("store", "store", "is the default, and nothing is stored there that a later turn could refer to")
        .when(|_, value| value.get() == "true"),
    Row::rewritten("store", "store false", steps::leave_out, "nothing is stored anyway")
        .when(|_, value| value.get() != "true"),
    Row::same("tools", "tools", "functions are called as at OpenAI"),
    refusals::UNREADABLE_TOOLS,
    Row::baseline("tools", "tools other than functions", "they run at OpenAI").when(|scene, _| scene.toolbox().others),
    refusals::TOO_MANY_TOOLS,
    refusals::TOOL_NAME,
    refusals::TOOL_SCHEMA,
    Row::refused("top_p", "top_p out of range", |_, value| values::is_outside(value, 0.0, 1.0), "above 0, up to 1")
        .detail(values::number_detail),
    Row::dropped("top_p", "0 is refused, and has no effect that would be missed")
        .named("top_p 0")
        .when(|_, value| steps::is_zero(value)),
    Row::baseline("prompt", "stored prompt", "the template is stored at OpenAI"),
    Row::dropped("include", "what it asks for is not given"),
    Row::refused("user_id", "user_id>512", members::is_long_user_id, "at most 512 bytes are taken"),
    Row::dropped("metadata", "nothing is stored").loses(Loss::Harmless),
    Row::settled("reasoning", "reasoning", "the effort is said in the provider's words"),
    Row::baseline("background", "background", "answers cannot be fetched later").when(|_, value| value.get() == "true"),
    Row::rewritten("background", "no background", steps::leave_out, "it is the default")
        .when(|_, value| value.get() != "true"),
    Row::baseline("moderation", "moderation", "a check that was asked for must not be left out"),
    Row::dropped("truncation", "the input is never cut").when(|_, value| value.get() != "\"disabled\""),
    Row::rewritten("truncation", "no truncation", steps::leave_out, "it is the default")
        .when(|_, value| value.get() == "\"disabled\""),
    refusals::TEMPERATURE,
    Row::refused("tool_choice", "unknown tool choice", |_, choice| tools::is_odd(choice), "the API knows no other"),
    Row::refused(
        "tool_choice",
        "choice of a tool that is not there",
        tools::names_absent,
        "the named function is not among the tools",
    ),
    Row::baseline("tool_choice", "allowed_tools", "the API does not know it")
        .when(|_, choice| matches!(&*tools::kind(choice), "allowed_tools" | "custom")),
    Row::settled("tool_choice", "forced tool choice", "is refused while thinking: thinking is off")
        .when(|_, choice| tools::is_forced(choice)),
    Row::baseline("conversation", "conversation", "it is stored at OpenAI"),
    Row::refused(
        "instructions",
        "instructions that are no text",
        |_, value| !value.get().starts_with('"'),
        "a text is taken",
    ),
    Row::dropped("service_tier", "there is one tier").when(|_, tier| !is_usual_tier(tier)),
    Row::dropped("service_tier", "there is one tier")
        .named("usual service_tier")
        .when(|_, tier| is_usual_tier(tier))
        .loses(Loss::Harmless),
    Row::dropped("max_tool_calls", "no tool runs there"),
    Row::dropped("prompt_cache_key", "the cache finds equal beginnings by itself").loses(Loss::Harmless),
    refusals::limit("max_output_tokens"),
    Row::rewritten("max_output_tokens", "max_output_tokens", members::limit_output, "at most 393,216")
        .detail(members::clamp_detail),
    Row::rewritten("safety_identifier", "safety_identifier", members::end_user, "becomes `user_id`, hashed"),
    Row::dropped("parallel_tool_calls", "the API does not know it: several calls may come at once")
        .when(|_, value| value.get() != "true"),
    Row::rewritten("parallel_tool_calls", "parallel calls", steps::leave_out, "is what it does")
        .when(|_, value| value.get() == "true"),
    Row::baseline("previous_response_id", "previous_response_id", "it is stored at OpenAI"),
];

/// Whether the input is neither a text nor a list.
fn is_odd_input(input: &RawValue) -> bool {
    !input.get().starts_with(['"', '['])
}

#[derive(Deserialize)]
struct Effort {
    #[serde(default)]
    effort: Option<String>,
}

/// Decides about thinking, once all members are known, and writes the roles.
pub(super) fn settle(draft: &mut Draft<'_>) {
    let asked = draft
        .given("reasoning")
        .and_then(|raw| serde_json::from_str::<Effort>(raw.get()).ok())
        .and_then(|reasoning| reasoning.effort);
    let effort = asked.as_deref().map(thinking::effort_of);
    let wish = effort.map(|effort| effort.is_some());
    let on = thinking::wanted(draft.scene.target.policy.thinking, wish) && !tools::forbid_thinking(&draft.scene);
    if on {
        if let Some(Some(effort)) = effort {
            draft.set("reasoning", format!(r#"{{"effort":{}}}"#, quoted(effort)));
        } else {
            draft.remove("reasoning");
        }
    } else {
        draft.set("reasoning", r#"{"effort":"none"}"#.to_owned());
        if wish == Some(true) {
            draft.warn("reasoning");
        }
    }
    if draft.scene.history().developer {
        developers(draft);
    }
}

fn developers(draft: &mut Draft<'_>) {
    let Some(given) = draft.given("input") else { return };
    let Ok(items) = serde_json::from_str::<Vec<&RawValue>>(given.get()) else { return };
    let mut texts: Vec<String> = Vec::with_capacity(items.len());
    for item in items {
        match Object::parse(item.get().as_bytes()) {
            Ok(mut message) if message.text("role").is_some_and(|role| role == "developer") => {
                message.set_value("role", "system");
                texts.push(String::from_utf8_lossy(&message.to_bytes()).into_owned());
            }
            _ => texts.push(item.get().to_owned()),
        }
    }
    draft.set("input", format!("[{}]", texts.join(",")));
}
