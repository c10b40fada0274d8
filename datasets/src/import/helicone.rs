//! Helicone: exported requests as JSON, JSON lines or a table, and answers of its query API.
//!
//! `request_body` and `response_body` are the bodies themselves, as objects or as JSON text. Exports without bodies have
//! an address to fetch them from (`signed_body_url`); it is never followed, only the counted length is played then. Where
//! the export tool's table has no `response_body`, the answer is known by its numbers only.
//!
//! An answer that came from Helicone's cache keeps its text, and neither times nor cost. A status below zero is one of
//! Helicone's own: -1 timed out, -2 still pending, -3 cancelled, -4 blocked as a threat.
//!
//! Source of the fields: Helicone's export tool and the types of its query API. `cost` is read as dollars, as that tool's
//! documentation says, and `costUSD` is preferred where it is there.

use super::calls;
use super::detect::Head;
use super::entry::{Content, Entry, Identity, Reader};
use super::finish::raw;
use super::format::Field;
use super::input::Input;
use super::reply::TokenParts;
use super::row::{self, Row};
use super::rows::Rows;
use super::{ImportError, ImportOptions, answered, reply};
use crate::Recorded;
use wire::json::Object;
use wire::{Endpoint, ErrorKind};

/// What the format can fill.
pub(super) const FILLS: &[Field] = &Field::ALL;

/// What Helicone has where no cached answer is referred to.
const NO_REFERENCE: &str = "00000000-0000-0000-0000-000000000000";

/// Whether a file begins like one of this format.
pub(super) fn is_it(head: &Head) -> bool {
    let columns = head.columns();
    let has = |names: &[&str]| head.has(names) || names.iter().all(|name| columns.contains(name));
    has(&["request_created_at", "response_status"]) || has(&["request_id", "request_body", "response_body"])
}

/// Reads the files.
///
/// # Errors
/// The options do not fit, or a file cannot be read.
pub(super) fn open(inputs: Vec<Input>, _options: &ImportOptions) -> Result<Box<dyn Reader>, ImportError> {
    Ok(Box::new(Helicone { rows: Rows::new(inputs), passed_over: 0 }))
}

struct Helicone {
    rows: Rows,
    passed_over: u64,
}

impl Reader for Helicone {
    fn next_entry(&mut self) -> Result<Option<Entry>, ImportError> {
        while let Some(row) = self.rows.next_row()? {
            match entry(&row)? {
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

fn entry(row: &Row<'_>) -> Result<Option<Entry>, ImportError> {
    let body = row.json("request_body")?;
    let Some(endpoint) = endpoint(row, body.as_deref())? else { return Ok(None) };
    let model = row.text(row.either(&["model_override", "request_model", "model", "response_model"]))?;
    let has_subject = |body: &String| Object::parse(body.as_bytes()).is_ok_and(|body| body.has(endpoint.subject()));
    let body = body.filter(has_subject).and_then(|body| raw(body).ok());
    let content = match body {
        Some(body) => Content::Body(body),
        None => {
            let prompt_tokens = row.count("prompt_tokens")?.filter(|tokens| *tokens > 0 && endpoint == Endpoint::Chat);
            let tokens = prompt_tokens.ok_or_else(|| {
                row.wrong("request_body", "the body of the call, or, for a chat, `prompt_tokens`; export with bodies")
            })?;
            calls::lengths(&row.place, tokens, row.count("completion_tokens")?, model.clone())?
        }
    };
    let mut entry = Entry::new(row.place.clone(), content);
    entry.endpoint = endpoint;
    entry.id = row.text(row.either(&["request_id", "response_id"]))?;
    entry.at_us = row.instant("request_created_at")?;
    entry.session = session(row)?.map(Identity::Name);
    entry.consumer = row.text("request_user_id")?.map(Identity::Secret);
    entry.recorded = recorded(row, model, &entry)?;
    Ok(Some(entry))
}

/// The endpoint by the address, else by what the body asks; `None` if it is no call that can be played.
fn endpoint(row: &Row<'_>, body: Option<&str>) -> Result<Option<Endpoint>, ImportError> {
    if let Some(address) = row.text(row.either(&["request_path", "target_url"]))? {
        let is_address = address.contains('/');
        if is_address {
            return Ok(calls::endpoint(&address));
        }
    }
    let Some(Ok(body)) = body.map(|body| Object::parse(body.as_bytes())) else { return Ok(Some(Endpoint::Chat)) };
    Ok(match () {
        () if body.has("messages") => Some(Endpoint::Chat),
        () if body.has("prompt") => Some(Endpoint::Completions),
        // Embeddings, responses and moderations all say so.
        () if body.has("input") => None,
        () => Some(Endpoint::Chat),
    })
}

fn session(row: &Row<'_>) -> Result<Option<String>, ImportError> {
    let properties = row.value("request_properties")?.unwrap_or_default();
    let is_session = |name: &str| name.eq_ignore_ascii_case("Helicone-Session-Id");
    let found = properties.as_object().and_then(|members| members.iter().find(|(name, _)| is_session(name)));
    Ok(found.and_then(|(_, value)| value.as_str()).filter(|text| !text.is_empty()).map(str::to_owned))
}

/// How it was answered; `None` while it is pending.
fn recorded(row: &Row<'_>, model: Option<String>, entry: &Entry) -> Result<Option<Recorded>, ImportError> {
    let status: i64 = match row.text("response_status")? {
        Some(text) => text.trim().parse().map_err(|_| row.wrong("response_status", "the HTTP status of the answer"))?,
        None => 200,
    };
    let (status, own) = match status {
        -2 => return Ok(None),
        -1 => (0, Some(ErrorKind::Timeout)),
        -3 => (0, Some(ErrorKind::ClientCancelled)),
        -4 => (0, Some(ErrorKind::Moderation)),
        status => (u16::try_from(status).map_err(|_| row.wrong("response_status", "the HTTP status"))?, None),
    };
    let provider = row.text("provider")?.unwrap_or_else(|| "unknown".to_owned()).to_ascii_lowercase();
    let answered = row.text(row.either(&["response_model", "model"]))?.or(model).unwrap_or_default();
    let mut recorded = Recorded::new(provider, answered, status);
    recorded.error = own;
    times(row, entry, &mut recorded)?;
    recorded.cost_nanos = row.money(row.either(&["costUSD", "cost_usd", "cost"]))?;
    recorded.usage = reply::usage(
        row.count("prompt_tokens")?,
        row.count("completion_tokens")?,
        TokenParts {
            cached: row.count("prompt_cache_read_tokens")?,
            cache_write: row.count("prompt_cache_write_tokens")?,
            prompt_audio: row.count("prompt_audio_tokens")?,
            reasoning: row.count("reasoning_tokens")?,
            completion_audio: row.count("completion_audio_tokens")?,
            ..TokenParts::default()
        },
    );
    fill(row, entry.endpoint, &mut recorded)?;
    if is_cached(row)? {
        (recorded.ttft_us, recorded.duration_us, recorded.cost_nanos) = (None, None, None);
    }
    Ok(Some(recorded))
}

fn fill(row: &Row<'_>, endpoint: Endpoint, recorded: &mut Recorded) -> Result<(), ImportError> {
    if recorded.error.is_some() {
        return Ok(());
    }
    let body = row.value("response_body")?;
    if ErrorKind::of_status(recorded.status).is_some() {
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        answered::fill(recorded, endpoint, body.as_bytes());
    } else if let Some(body) = body {
        reply::fill(recorded, endpoint, body);
    }
    Ok(())
}

fn times(row: &Row<'_>, entry: &Entry, recorded: &mut Recorded) -> Result<(), ImportError> {
    recorded.duration_us = match row.duration_us(row.either(&["delay_ms", "latency"]), 1e3)? {
        Some(duration_us) => Some(duration_us),
        None => row::between(entry.at_us, row.instant("response_created_at")?),
    };
    let streams = |body: &Content| match body {
        Content::Body(body) => {
            Object::parse(body.get().as_bytes()).is_ok_and(|body| body.read::<bool>("stream") == Some(true))
        }
        Content::Lengths(_) => true,
    };
    if streams(&entry.content) {
        recorded.ttft_us = row.duration_us("time_to_first_token", 1e3)?.filter(|ttft_us| *ttft_us > 0);
    }
    Ok(())
}

/// Whether the answer came from Helicone's cache: it then refers to the request that was really answered.
fn is_cached(row: &Row<'_>) -> Result<bool, ImportError> {
    Ok(row.text("cache_reference_id")?.is_some_and(|id| id != NO_REFERENCE))
}

#[cfg(test)]
mod tests;
