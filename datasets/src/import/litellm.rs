//! LiteLLM: rows of the spend logs (`LiteLLM_SpendLogs`), and the standard logging payload of its callbacks.
//!
//! A row of the spend logs has the call only if prompts are stored (`store_prompts_in_spend_logs`): then
//! `proxy_server_request` is the body as the client sent it, and is played byte for byte. Else `messages` with the
//! parameters make a body, and where that is `{}` too, only the count of tokens is left and the prompt is made up. The
//! same holds where LiteLLM cut a long text or replaced it, because what is left was never sent.
//!
//! An answer from the proxy's cache says nothing about the provider: it keeps its text, and neither times nor cost.
//! `completionStartTime` is the end where nothing was streamed, and counts only before it.
//!
//! Who asked is the team or the key by its alias; ids of people, hashes of keys and addresses become digests.
//!
//! Source of the fields: LiteLLM's documentation of the payload, its Prisma schema of the table, and its client of the
//! spend logs. Dumps of the table have JSON as text; answers of its API have objects.

mod call;

use super::detect::Head;
use super::entry::{Content, Entry, Identity, Reader};
use super::format::Field;
use super::input::Input;
use super::reply::TokenParts;
use super::row::{self, Row};
use super::rows::Rows;
use super::{ImportError, ImportOptions, failure, reply};
use crate::Recorded;
use serde_json::Value;
use wire::Endpoint;
use wire::price::Tier;

/// What the format can fill.
pub(super) const FILLS: &[Field] = &[
    Field::Id,
    Field::Time,
    Field::Session,
    Field::Consumer,
    Field::Prompt,
    Field::PromptLength,
    Field::Answered,
    Field::Ttft,
    Field::Duration,
    Field::Usage,
    Field::Cached,
    Field::CacheWrite,
    Field::Audio,
    Field::Image,
    Field::Reasoning,
    Field::Tier,
    Field::Cost,
    Field::Answer,
    Field::Tools,
    Field::FinishReason,
    Field::Error,
];

/// Whether a file begins like one of this format.
pub(super) fn is_it(head: &Head) -> bool {
    let columns = head.columns();
    head.has(&["call_type", "startTime"])
        || head.has(&["standard_logging_object"])
        || ["request_id", "call_type", "spend", "startTime"].iter().all(|name| columns.contains(name))
}

/// Reads the files.
///
/// # Errors
/// The options do not fit, or a file cannot be read.
pub(super) fn open(inputs: Vec<Input>, options: &ImportOptions) -> Result<Box<dyn Reader>, ImportError> {
    Ok(Box::new(LiteLlm { rows: Rows::new(inputs), options: options.clone(), passed_over: 0 }))
}

struct LiteLlm {
    rows: Rows,
    options: ImportOptions,
    passed_over: u64,
}

impl Reader for LiteLlm {
    fn next_entry(&mut self) -> Result<Option<Entry>, ImportError> {
        while let Some(row) = self.rows.next_row()? {
            let entry = match row.json("standard_logging_object")? {
                Some(payload) => entry(&Row::parse(row.place.clone(), payload.as_bytes())?, &self.options)?,
                None => entry(&row, &self.options)?,
            };
            match entry {
                Some(entry) => return Ok(Some(entry)),
                None => self.passed_over += 1,
            }
        }
        Ok(None)
    }

    fn passed_over(&self) -> u64 {
        self.passed_over
    }
}

/// The request of a row; `None` if it is no call that can be played.
fn entry(row: &Row<'_>, options: &ImportOptions) -> Result<Option<Entry>, ImportError> {
    let Some(endpoint) = call::endpoint(row)? else { return Ok(None) };
    let metadata = row.value("metadata")?.unwrap_or_default();
    let content = call::content(row, endpoint, options)?;
    let mut entry = Entry::new(row.place.clone(), content);
    entry.endpoint = endpoint;
    entry.id = row.text(row.either(&["request_id", "id"]))?;
    entry.at_us = row.instant("startTime")?;
    entry.session = row.text(row.either(&["session_id", "trace_id"]))?.map(Identity::Name);
    entry.consumer = consumer(row, &metadata)?;
    entry.recorded = Some(recorded(row, &metadata, &entry)?);
    Ok(Some(entry))
}

fn consumer(row: &Row<'_>, metadata: &Value) -> Result<Option<Identity>, ImportError> {
    let noted = |name: &str| metadata.get(name)?.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
    for name in ["user_api_key_team_alias", "user_api_key_alias"] {
        if let Some(alias) = noted(name) {
            return Ok(Some(Identity::Name(alias)));
        }
    }
    for name in ["team_id", "api_key", "user", "end_user", "requester_ip_address"] {
        if let Some(id) = row.text(name)? {
            return Ok(Some(Identity::Secret(id)));
        }
    }
    Ok(["user_api_key_team_id", "user_api_key_hash", "user_api_key_user_id"]
        .iter()
        .find_map(|name| noted(name))
        .map(Identity::Secret))
}

fn recorded(row: &Row<'_>, metadata: &Value, entry: &Entry) -> Result<Recorded, ImportError> {
    let error = match row.value("error_information")? {
        Some(error) => Some(error),
        None => metadata.get("error_information").filter(|error| error.is_object()).cloned(),
    };
    let model = row.text("model")?.unwrap_or_default();
    let mut recorded = Recorded::new(provider(row, &model, error.as_ref())?, model, 200);
    times(row, entry, &mut recorded)?;
    recorded.usage = usage(row, metadata)?;
    // Of a stream whose answer is not stored, the usage alone says the tier.
    if let Some(tier) = metadata.pointer("/usage_object/service_tier").and_then(Value::as_str) {
        recorded.tier = Tier::of_answer(tier);
    }
    recorded.cost_nanos = row.money(row.either(&["spend", "response_cost"]))?;
    let status = row.text("status")?.unwrap_or_default();
    let failed =
        status.eq_ignore_ascii_case("failure") || metadata.get("status").is_some_and(|status| status == "failure");
    if failed {
        note_failure(row, error.as_ref(), &mut recorded)?;
        recorded.cost_nanos = None;
        return Ok(recorded);
    }
    if let Some(response) = row.value("response")?.filter(|response| !call::is_cut(response)) {
        reply::fill(&mut recorded, entry.endpoint, response);
    }
    if row.flag("cache_hit").unwrap_or_default() == Some(true) {
        (recorded.ttft_us, recorded.duration_us, recorded.cost_nanos) = (None, None, None);
    }
    Ok(recorded)
}

/// The provider by name, else by the beginning of the model's name.
fn provider(row: &Row<'_>, model: &str, error: Option<&Value>) -> Result<String, ImportError> {
    let told = row.text("custom_llm_provider")?.or_else(|| Some(error?.get("llm_provider")?.as_str()?.to_owned()));
    let told = told.filter(|name| !name.is_empty());
    let prefix = || model.split_once('/').map(|(provider, _)| provider.to_owned());
    Ok(told.or_else(prefix).unwrap_or_else(|| "unknown".to_owned()).to_ascii_lowercase())
}

fn times(row: &Row<'_>, entry: &Entry, recorded: &mut Recorded) -> Result<(), ImportError> {
    let end_us = row.instant("endTime")?;
    recorded.duration_us = row::between(entry.at_us, end_us);
    if recorded.duration_us.is_none() {
        recorded.duration_us = row.duration_us("request_duration_ms", 1e3)?;
    }
    let first_us = row.instant("completionStartTime")?;
    let streamed =
        row.flag("stream")?.unwrap_or(true) && !matches!(&entry.content, Content::Body(body) if !call::streams(body));
    if streamed && first_us < end_us {
        recorded.ttft_us = row::between(entry.at_us, first_us);
    }
    Ok(())
}

fn usage(row: &Row<'_>, metadata: &Value) -> Result<Option<wire::Usage>, ImportError> {
    let object = metadata.get("usage_object");
    let told = object.and_then(|usage| wire::Usage::from_json(&usage.to_string()));
    let written = || CACHE_WRITES.iter().find_map(|pointer| row::count(object?.pointer(pointer)?));
    let parts = told.map_or_else(TokenParts::default, |usage| TokenParts {
        cached: usage.cached,
        cache_write: usage.cache_write.or_else(written),
        prompt_audio: usage.prompt_audio,
        prompt_image: usage.prompt_image,
        reasoning: usage.reasoning,
        completion_audio: usage.completion_audio,
    });
    Ok(reply::usage(row.count("prompt_tokens")?, row.count("completion_tokens")?, parts).or(told))
}

fn note_failure(row: &Row<'_>, error: Option<&Value>, recorded: &mut Recorded) -> Result<(), ImportError> {
    let told = |name: &str| match error.and_then(|error| error.get(name)) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        _ => String::new(),
    };
    let (code, class) = (told("error_code"), told("error_class"));
    let message = row.text("error_str")?.unwrap_or_else(|| told("error_message"));
    let name_in_message = message.split(':').next().unwrap_or_default().to_owned();
    failure::note(recorded, failure::status_in(&message), &[&code, &class, &name_in_message]);
    Ok(())
}

/// Where the usage of providers other than OpenAI has the tokens that were written to a cache.
const CACHE_WRITES: [&str; 2] = ["/cache_creation_input_tokens", "/prompt_tokens_details/cache_creation_tokens"];

/// Which calls a call type of LiteLLM names.
const CALL_TYPES: [(&str, Endpoint); 5] = [
    ("text_completion", Endpoint::Completions),
    ("completion", Endpoint::Chat),
    ("embedding", Endpoint::Embeddings),
    ("responses", Endpoint::Responses),
    ("moderation", Endpoint::Moderations),
];

#[cfg(test)]
mod tests;
