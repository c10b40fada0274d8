//! The matrix of responses at DeepSeek, ordered by length and name of the member.
//!
//! The endpoint keeps nothing: what refers to something stored stays on the baseline. Schemas work here, unlike in
//! chat completions, and thinking is switched by `reasoning.effort`.

use super::super::draft::{Draft, quoted};
use super::super::matrix::Row;
use super::super::steps;
use super::{members, thinking, tools};
use crate::json::Object;
use serde::Deserialize;
use serde_json::value::RawValue;

/// What becomes of each feature.
pub(super) static TABLE: [Row; 32] = [
    Row::same("text", "text format", "JSON schemas are known here, unlike in chat"),
    Row::rewritten(
        "user",
        "user",
        members::end_user,
        "becomes `user_id`, hashed: the provider need not know whom we serve",
    ),
    Row::same("input", "input", "text is text"),
    Row::baseline("input", "stored items", "items that refer to something stored, or to tools that run at OpenAI")
        .when(|scene, _| scene.history().references),
    Row::baseline("input", "audio content", "there is no speech").when(|scene, _| scene.history().audio),
    Row::baseline("input", "file content", "files of OpenAI cannot be read").when(|scene, _| scene.history().files),
    Row::baseline("input", "images", "only `deepseek-flash` sees images; others answer as if there were none")
        .when(|scene, _| scene.history().images && !members::sees_images(scene.target.model)),
    Row::rewritten("input", "developer role", steps::deferred, "means `system`; read as the user's in some versions")
        .when(|scene, _| scene.history().developer),
    Row::rewritten("model", "model", members::model, "the migration's model; retired names become `deepseek-flash`"),
    Row::baseline("store", "store", "is the default, and nothing is stored there that a later turn could refer to")
        .when(|_, value| value.get() == "true"),
    Row::rewritten("store", "store false", steps::leave_out, "nothing is stored anyway")
        .when(|_, value| value.get() != "true"),
    Row::same("tools", "tools", "functions are called as at OpenAI"),
    Row::baseline("tools", "tools other than functions", "they run at OpenAI").when(|_, list| tools::others(list)),
    Row::baseline("tools", "tools>128", "more than 128 tools are refused").when(|_, list| tools::too_many(list)),
    Row::baseline("prompt", "stored prompt", "the template is stored at OpenAI"),
    Row::dropped("include", "what it asks for is not given"),
    Row::dropped("metadata", "nothing is stored"),
    Row::rewritten("reasoning", "reasoning", steps::deferred, "the effort is said in the provider's words"),
    Row::baseline("background", "background", "answers cannot be fetched later").when(|_, value| value.get() == "true"),
    Row::rewritten("background", "no background", steps::leave_out, "it is the default")
        .when(|_, value| value.get() != "true"),
    Row::baseline("moderation", "moderation", "a check that was asked for must not be left out"),
    Row::dropped("truncation", "the input is never cut"),
    Row::rewritten("tool_choice", "forced tool choice", tools::forced, "is refused while thinking: thinking is off")
        .when(|_, choice| tools::is_forced(choice)),
    Row::baseline("tool_choice", "allowed_tools", "the API does not know it")
        .when(|_, choice| matches!(&*tools::kind(choice), "allowed_tools" | "custom")),
    Row::baseline("conversation", "conversation", "it is stored at OpenAI"),
    Row::dropped("service_tier", "there is one tier"),
    Row::dropped("max_tool_calls", "no tool runs there"),
    Row::dropped("prompt_cache_key", "the cache finds equal beginnings by itself"),
    Row::rewritten("max_output_tokens", "max_output_tokens", members::limit_output, "at most 393,216"),
    Row::rewritten("safety_identifier", "safety_identifier", members::end_user, "becomes `user_id`, hashed"),
    Row::dropped("parallel_tool_calls", "the API does not know it"),
    Row::baseline("previous_response_id", "previous_response_id", "it is stored at OpenAI"),
];

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
    let on = thinking::wanted(draft.scene.target.policy.thinking, wish) && !draft.thinking_forbidden;
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
