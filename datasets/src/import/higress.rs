//! Higress: access logs with `ai_log`, which is JSON as a text inside JSON (an object in logs that a collector unpacked).
//!
//! Content is there only where the gateway is set up to log it. `messages` is the conversation as it was asked, and
//! `system` its beginning where it stands apart. `question` is only the last text of the user: it is played where it is
//! all there ever was, in the first round, and in later rounds only its length is, with everything before it. The
//! plugin cuts values in their middle (`value_length_limit`), which then count as not logged. Parameters of the call
//! are not in the log.
//!
//! The status is the gateway's; where the client or the upstream broke off, Envoy's response flags say so. Time to the
//! first token counts for streams only. The provider is the name of the upstream cluster.
//!
//! The service tier is told where the plugin is set up to log the answer's member of that name as an attribute
//! (`service_tier`).
//!
//! Source of the fields: the plugin's documentation and a sample log of the project's own session monitor. Numbers come
//! as texts or as numbers; both are read. Rows whose `ai_log` is `-` are other traffic and passed over.

use super::calls::{self, Parts};
use super::detect::Head;
use super::entry::{Content, Entry, Identity, Reader};
use super::format::Field;
use super::input::Input;
use super::reply::TokenParts;
use super::row::{self, Row};
use super::rows::Rows;
use super::{ImportError, ImportOptions, reply};
use crate::Recorded;
use serde_json::{Value, json};
use wire::price::Tier;
use wire::{Endpoint, ErrorKind};

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
    Field::Answer,
    Field::Tools,
    Field::Error,
];

/// What the plugin leaves where it cut a value.
const CUTS: [&str; 1] = [" [truncated] "];

/// Envoy's response flags that say who broke off.
const FLAGS: [(&str, ErrorKind); 6] = [
    ("DC", ErrorKind::ClientCancelled),
    ("UT", ErrorKind::Timeout),
    ("SI", ErrorKind::Timeout),
    ("UF", ErrorKind::Connect),
    ("UC", ErrorKind::Truncated),
    ("UR", ErrorKind::Truncated),
];

/// Whether a file begins like one of this format.
pub(super) fn is_it(head: &Head) -> bool {
    head.has(&["ai_log"])
}

/// Reads the files.
///
/// # Errors
/// The options do not fit, or a file cannot be read.
pub(super) fn open(inputs: Vec<Input>, options: &ImportOptions) -> Result<Box<dyn Reader>, ImportError> {
    Ok(Box::new(Higress { rows: Rows::new(inputs), options: options.clone(), passed_over: 0 }))
}

struct Higress {
    rows: Rows,
    options: ImportOptions,
    passed_over: u64,
}

impl Reader for Higress {
    fn next_entry(&mut self) -> Result<Option<Entry>, ImportError> {
        while let Some(row) = self.rows.next_row()? {
            let is_other = row.get("ai_log").is_none_or(|log| log.get() == "\"-\"");
            let log = if is_other { None } else { row.json("ai_log")? };
            let endpoint = match row.text("path")? {
                Some(path) => calls::endpoint(&path),
                None => Some(Endpoint::Chat),
            };
            let (Some(log), Some(endpoint)) = (log, endpoint) else {
                self.passed_over += 1;
                continue;
            };
            let log = Row::parse(row.place.clone(), log.as_bytes())?;
            return entry(&row, &log, endpoint, &self.options).map(Some);
        }
        Ok(None)
    }

    fn passed_over(&self) -> u64 {
        self.passed_over
    }
}

fn entry(row: &Row<'_>, log: &Row<'_>, endpoint: Endpoint, options: &ImportOptions) -> Result<Entry, ImportError> {
    let mut entry = Entry::new(row.place.clone(), content(log, endpoint, options)?);
    entry.endpoint = endpoint;
    entry.id = match told(row, "request_id")? {
        Some(id) => Some(id),
        None => told(log, "chat_id")?,
    };
    entry.at_us = row.instant(row.either(&["start_time", "timestamp", "@timestamp", "time"]))?;
    entry.session = told(log, "session_id")?.map(Identity::Name);
    entry.consumer = told(log, "consumer")?.filter(|name| name != "none").map(Identity::Name);
    entry.recorded = Some(recorded(row, log)?);
    Ok(entry)
}

/// A text that is not Envoy's word for nothing.
fn told(row: &Row<'_>, name: &str) -> Result<Option<String>, ImportError> {
    Ok(row.text(name)?.filter(|text| text != "-"))
}

fn content(log: &Row<'_>, endpoint: Endpoint, options: &ImportOptions) -> Result<Content, ImportError> {
    let model = log.text("model")?;
    if let Some(subject) = subject(log, endpoint)? {
        let stream = log.text("response_type")?.map(|kind| kind == "stream");
        let parts = Parts { endpoint, model: model.as_deref(), subject, parameters: None, stream };
        return parts.body(&log.place, options).map(Content::Body);
    }
    match log.count("input_token")?.filter(|tokens| *tokens > 0 && endpoint == Endpoint::Chat) {
        Some(tokens) => calls::lengths(&log.place, tokens, log.count("output_token")?, model),
        None => Err(log.place.wrong(
            "`ai_log` has neither `messages` nor `question` whole, nor, for a chat, `input_token`; log one of them",
        )),
    }
}

/// What was asked, if all of it is there.
fn subject(log: &Row<'_>, endpoint: Endpoint) -> Result<Option<Value>, ImportError> {
    let whole = |value: Option<Value>| value.filter(|value| !calls::holds(value, &CUTS));
    let question = whole(log.plain("question")?);
    if endpoint != Endpoint::Chat {
        return Ok(question);
    }
    if let Some(Value::Array(mut messages)) = whole(log.value("messages")?).and_then(calls::messages) {
        let begins = messages.first().and_then(|first| first.get("role")).is_some_and(|role| role == "system");
        match log.value("system")? {
            Some(system) if calls::holds(&system, &CUTS) => return Ok(None),
            Some(system) if !begins => messages.insert(0, json!({"role": "system", "content": system})),
            _ => {}
        }
        return Ok(Some(Value::Array(messages)));
    }
    let is_later = log.count("chat_round")?.is_some_and(|round| round > 1) && log.has("input_token");
    Ok(question.filter(|_| !is_later && !log.has("messages")).and_then(calls::messages))
}

fn recorded(row: &Row<'_>, log: &Row<'_>) -> Result<Recorded, ImportError> {
    let status = row.count("response_code")?.map_or(200, |status| u16::try_from(status).unwrap_or(0));
    let provider = told(row, "upstream_cluster")?.map_or_else(|| "unknown".to_owned(), |cluster| provider(&cluster));
    let mut recorded = Recorded::new(provider, log.text("model")?.unwrap_or_default(), status);
    recorded.duration_us = match log.duration_us("llm_service_duration", 1e3)? {
        Some(duration_us) => Some(duration_us),
        None => row.duration_us("duration", 1e3)?,
    };
    if log.text("response_type")?.is_none_or(|kind| kind == "stream") {
        recorded.ttft_us = log.duration_us("llm_first_token_duration", 1e3)?.filter(|ttft_us| *ttft_us > 0);
    }
    let part = |row: &Row<'_>, flat: &str, list: &str, member: &str| -> Result<Option<u64>, ImportError> {
        let inner = || Ok(row.value(list)?.and_then(|details| row::count(details.get(member)?)));
        row.count(flat)?.map_or_else(inner, |count| Ok(Some(count)))
    };
    recorded.usage = reply::usage(
        log.count("input_token")?,
        log.count("output_token")?,
        TokenParts {
            cached: part(log, "cached_tokens", "input_token_details", "cached_tokens")?,
            cache_write: part(log, "cache_write_tokens", "input_token_details", "cache_write_tokens")?,
            prompt_audio: part(log, "input_audio_tokens", "input_token_details", "audio_tokens")?,
            prompt_image: part(log, "input_image_tokens", "input_token_details", "image_tokens")?,
            reasoning: part(log, "reasoning_tokens", "output_token_details", "reasoning_tokens")?,
            completion_audio: part(log, "output_audio_tokens", "output_token_details", "audio_tokens")?,
        },
    );
    if let Some(tier) = told(log, "service_tier")? {
        recorded.tier = Tier::of_answer(&tier);
    }
    let flags = told(row, "response_flags")?.unwrap_or_default();
    let broken = flags.split(',').find_map(|flag| FLAGS.into_iter().find(|(known, _)| flag.starts_with(known)));
    recorded.error = if status == 0 || (200..300).contains(&status) { broken.map(|(_, kind)| kind) } else { None };
    let answer = log.plain("answer")?.filter(|answer| !calls::holds(answer, &CUTS));
    let tools = log.value("tool_calls")?.filter(|tools| tools.is_array() && !calls::holds(tools, &CUTS));
    if let Some(kind) = ErrorKind::of_status(status) {
        recorded.error = recorded.error.or(Some(kind));
    } else if answer.is_some() || tools.is_some() {
        reply::fill(
            &mut recorded,
            Endpoint::Chat,
            json!({"role": "assistant", "content": answer, "tool_calls": tools}),
        );
    }
    Ok(recorded)
}

/// `outbound|443||llm-deepseek.internal.dns` is `deepseek`.
fn provider(cluster: &str) -> String {
    let name = cluster.rsplit('|').next().unwrap_or(cluster);
    let name = name.strip_prefix("llm-").unwrap_or(name);
    let name = name.split(".internal.").next().unwrap_or(name);
    name.trim_end_matches(".dns").trim_end_matches(".static").to_ascii_lowercase()
}

#[cfg(test)]
mod tests;
