//! Any server that speaks OpenAI's chat completions, completions and embeddings: vLLM, Ollama, llama.cpp and the like.
//!
//! Such servers differ in what they ignore and what they refuse, so this adapter stays with what all of them take: it
//! leaves out what only OpenAI knows, says limits and roles in the older way, and asks for usage in every stream.

mod plain;

use super::answer::{self, Manners};
use super::deepseek::{format, tools};
use super::draft::Draft;
use super::error::{family, hidden, standard_error};
use super::matrix::Row;
use super::{Adapter, ClientError, Edit, Loss, Rewritten, Target, Unfit, View, messages, refusals, steps};
use crate::endpoint::Endpoint;
use crate::error::ErrorKind;
use crate::request::Request;
use serde_json::value::RawValue;

/// The adapter.
#[derive(Debug, Clone, Copy)]
pub struct Compatible;

const MANNERS: Manners = Manners { id_prefix: "", reasons: true, failures: &["abort"] };

/// What becomes of each feature of a chat, ordered by length and name of the member.
static TABLE: &[Row] = &[
    Row::same("n", "n", "several answers are usual"),
    refusals::ANSWERS,
    refusals::STOP,
    Row::rewritten("user", "user", steps::hash_user, "hashed: the provider need not know whom we serve"),
    Row::baseline("audio", "audio", "speech is not usual"),
    Row::rewritten("model", "model", steps::model, "the migration's model"),
    Row::dropped("store", "nothing is stored").loses(Loss::Harmless),
    Row::same("tools", "tools", "functions are usual"),
    Row::baseline("tools", "tools other than functions", "only functions are usual")
        .when(|scene, _| scene.toolbox().others),
    refusals::UNREADABLE_TOOLS,
    refusals::LOGPROBS,
    Row::same("messages", "messages", "text is text"),
    refusals::NO_MESSAGES,
    refusals::UNREADABLE,
    refusals::ODD_ROLE,
    refusals::NO_CONTENT,
    Row::baseline("messages", "audio content", "speech is not usual").when(|scene, _| scene.history().audio),
    Row::baseline("messages", "file content", "files of OpenAI cannot be read").when(|scene, _| scene.history().files),
    Row::baseline("messages", "custom tool calls", "only functions are usual")
        .when(|scene, _| scene.history().custom_calls),
    Row::settled("messages", "developer role", "not every server knows it; it means `system`")
        .when(|scene, _| scene.history().developer),
    Row::settled("messages", "cache breakpoints", "caches without breakpoints refuse them")
        .when(|scene, _| scene.history().cache_breakpoints),
    Row::dropped("metadata", "nothing is stored").loses(Loss::Harmless),
    Row::baseline("functions", "functions", "deprecated before most of these servers were written"),
    Row::dropped("verbosity", "only OpenAI knows it"),
    Row::baseline("logit_bias", "logit_bias", "token numbers mean something else in another tokeniser")
        .when(|_, bias| !steps::is_empty(bias)),
    refusals::limit("max_tokens"),
    Row::baseline("modalities", "audio output", "speech is not usual")
        .when(|_, value| steps::holds(value, "\"audio\"")),
    Row::rewritten("modalities", "text output", steps::leave_out, "text is all there is")
        .when(|_, value| !steps::holds(value, "\"audio\"")),
    Row::baseline("moderation", "moderation", "a check that was asked for must not be left out"),
    Row::dropped("prediction", "only OpenAI knows it"),
    refusals::TEMPERATURE,
    Row::refused("tool_choice", "unknown tool choice", |_, choice| tools::is_odd(choice), "such servers know no other"),
    Row::refused(
        "tool_choice",
        "tool choice without tools",
        |scene, choice| tools::is_forced(choice) && scene.toolbox().count == 0,
        "there is nothing to choose from",
    ),
    Row::baseline("tool_choice", "allowed_tools", "only OpenAI knows it")
        .when(|_, choice| matches!(&*steps::kind(choice), "allowed_tools" | "custom")),
    Row::dropped("service_tier", "there is one tier"),
    Row::baseline("function_call", "function_call", "deprecated before most of these servers were written"),
    Row::settled("stream_options", "stream options", "usage is always asked for"),
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
    Row::dropped("prompt_cache_key", "caches find equal beginnings by themselves").loses(Loss::Harmless),
    Row::dropped("safety_identifier", "only OpenAI knows it").loses(Loss::Harmless),
    Row::baseline("web_search_options", "web_search_options", "such servers do not search"),
    Row::dropped("prompt_cache_options", "only OpenAI knows it").loses(Loss::Harmless),
    refusals::limit("max_completion_tokens"),
    Row::rewritten(
        "max_completion_tokens",
        "max_completion_tokens",
        copy_limit,
        "older servers know only `max_tokens`",
    ),
    Row::dropped("prompt_cache_retention", "only OpenAI knows it").loses(Loss::Harmless),
];

/// Says the limit in both ways: newer servers prefer the newer one.
fn copy_limit(draft: &mut Draft<'_>, limit: &RawValue) {
    if draft.given("max_tokens").is_none() {
        draft.set("max_tokens", limit.get().to_owned());
    }
}

impl Adapter for Compatible {
    fn path(&self, endpoint: Endpoint) -> Option<&'static str> {
        match endpoint {
            Endpoint::Chat | Endpoint::Completions | Endpoint::Embeddings => Some(endpoint.path_below_version()),
            Endpoint::Responses | Endpoint::Moderations => None,
        }
    }

    fn matrix(&self, endpoint: Endpoint) -> &'static [Row] {
        match endpoint {
            Endpoint::Chat => TABLE,
            Endpoint::Completions | Endpoint::Embeddings => plain::TABLE,
            Endpoint::Responses | Endpoint::Moderations => &[],
        }
    }

    fn rewrite(&self, request: &Request<'_>, target: &Target<'_>) -> Result<Rewritten, Unfit> {
        if let Some(row) = self.obstacle(request) {
            return Err(Unfit { feature: row.feature });
        }
        let mut draft = Draft::new(self.matrix(request.endpoint), request, target)?;
        if request.stream {
            draft.set("stream_options", r#"{"include_usage":true}"#.to_owned());
        } else {
            draft.remove("stream_options");
        }
        messages::settle(&mut draft, &[]);
        Ok(draft.finish())
    }

    fn edits_whole(&self, endpoint: Endpoint) -> bool {
        matches!(endpoint, Endpoint::Chat | Endpoint::Completions)
    }

    fn edit(&self, _endpoint: Endpoint, data: &str, view: &View<'_>) -> Edit {
        answer::edit(data, view, MANNERS, &hidden)
    }

    fn edit_whole(&self, endpoint: Endpoint, body: &[u8], view: &View<'_>) -> Result<Option<Vec<u8>>, ClientError> {
        if self.edits_whole(endpoint) { answer::edit_whole(body, view, MANNERS, &hidden) } else { Ok(None) }
    }

    /// vLLM names exceptions of its own and repeats the status as the code; clients of OpenAI look for OpenAI's words.
    fn error(&self, status: u16, body: &[u8]) -> ClientError {
        let mut error = standard_error(status, body);
        let detail = &mut error.body.error;
        if detail.kind.contains(|letter: char| letter.is_ascii_uppercase()) {
            family(error.status).clone_into(&mut detail.kind);
        }
        detail.code = detail.code.take().filter(|code| code.parse::<u16>().is_err());
        if error.status == 400 && detail.message.contains("maximum context length") {
            detail.code = Some("context_length_exceeded".to_owned());
        }
        if error.kind == ErrorKind::NotFound && detail.code.is_none() {
            detail.code = Some("model_not_found".to_owned());
        }
        error
    }
}

#[cfg(test)]
mod tests;
