//! HTTP archives (HAR 1.2), as browsers and proxies save them.
//!
//! The entries of `log.entries` are cut out one by one, so an archive may be larger than memory. What is no POST to an
//! endpoint that can be played (pages, pictures, lists of models) is passed over and counted.
//!
//! **Times.** The instant is `startedDateTime`. The duration is `send`, `wait` and `receive` together, without the waiting
//! for a connection; where one of them is not known, `time`. The first token is never told: `wait` ends with the first
//! byte of the headers, which a server may send long before its first text, and a baseline that looks faster than it was
//! would make the candidate look worse.
//!
//! **Answers.** A body may stand as base64; server-sent events stand as one text. A status of 0 is a call without an
//! answer: given up by the page where the entry says so (Chrome's `_error`), else a failed connection.
//!
//! **Keys.** Headers are looked at for the host, the key and the session, and are not kept; the consumer is a digest of
//! the key. Browsers leave keys out of archives unless they are asked to keep them.

use super::detect::Head;
use super::documents::{Document, Documents};
use super::entry::{Content, Entry, Reader};
use super::exchange::{self, answer, body, consumer, endpoint, header, provider};
use super::format::Field;
use super::in_turn::InTurn;
use super::input::Input;
use super::number::{decimal, micros};
use super::{ImportError, ImportOptions, instant};
use crate::Recorded;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::Value;
use std::borrow::Cow;
use wire::{Endpoint, ErrorKind};

/// What the format can fill.
pub(super) const FILLS: &[Field] = &[
    Field::Id,
    Field::Time,
    Field::Session,
    Field::Consumer,
    Field::Prompt,
    Field::Answered,
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
    Field::FinishReason,
    Field::Error,
];

/// Whether a file begins like one of this format.
pub(super) fn is_it(head: &Head) -> bool {
    let Some(log) = head.member("log").filter(|log| log.is_object()) else { return false };
    log.get("entries").is_some() || log.get("creator").is_some() || log.get("version").is_some()
}

/// Reads the files.
///
/// # Errors
/// The options do not fit, or a file cannot be read.
pub(super) fn open(inputs: Vec<Input>, _options: &ImportOptions) -> Result<Box<dyn Reader>, ImportError> {
    InTurn::open(inputs, |input| Ok(Har { entries: Documents::new(input, &["log", "entries"]), passed_over: 0 }))
}

struct Har {
    entries: Documents,
    passed_over: u64,
}

#[derive(Deserialize)]
struct Exchange<'a> {
    #[serde(borrow, rename = "startedDateTime", default)]
    started: Option<Cow<'a, str>>,
    #[serde(default)]
    time: Value,
    #[serde(borrow)]
    request: Request<'a>,
    #[serde(borrow, default)]
    response: Option<Response<'a>>,
    #[serde(default)]
    timings: Value,
}

#[derive(Deserialize)]
struct Request<'a> {
    #[serde(borrow)]
    method: Cow<'a, str>,
    #[serde(borrow)]
    url: Cow<'a, str>,
    #[serde(borrow, default)]
    headers: Vec<Header<'a>>,
    #[serde(borrow, rename = "postData", default)]
    post: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct Response<'a> {
    #[serde(default)]
    status: Value,
    #[serde(borrow, default)]
    headers: Vec<Header<'a>>,
    #[serde(borrow, default)]
    content: Option<Text<'a>>,
    /// Chrome's cause of a call without an answer.
    #[serde(borrow, rename = "_error", default)]
    error: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Header<'a> {
    #[serde(borrow, default)]
    name: Cow<'a, str>,
    #[serde(borrow, default)]
    value: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Text<'a> {
    #[serde(borrow, default)]
    text: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    encoding: Option<Cow<'a, str>>,
}

impl Reader for Har {
    fn next_entry(&mut self) -> Result<Option<Entry>, ImportError> {
        while let Some(document) = self.entries.next_document()? {
            if let Some(entry) = entry(&document)? {
                return Ok(Some(entry));
            }
            self.passed_over += 1;
        }
        Ok(None)
    }

    fn passed_over(&self) -> u64 {
        self.passed_over
    }
}

/// An entry of the archive; `None` if it is no call that can be played.
fn entry(document: &Document<'_>) -> Result<Option<Entry>, ImportError> {
    let place = &document.place;
    // The parser's own words may quote the entry.
    let exchange: Exchange<'_> = serde_json::from_slice(document.bytes).map_err(|error| {
        let column = error.column();
        place.wrong(format!(
            "the entry is none of HAR 1.2 (column {column}), expected `request` with `method` and `url`"
        ))
    })?;
    let request = &exchange.request;
    let Some(endpoint) = endpoint(&request.method, &request.url) else { return Ok(None) };
    let post = request.post.as_ref().and_then(bytes);
    let post = post.ok_or_else(|| place.wrong("`request.postData.text` is absent, expected the body of the call"))?;
    let (body, model) = body(place, &post)?;
    let started = exchange.started.as_deref().map(|text| {
        instant::of_text(text).ok_or_else(|| place.wrong("`startedDateTime` is no instant, expected one of ISO 8601"))
    });
    let headers = pairs(&request.headers);
    let answered = exchange.response.as_ref().map(|response| pairs(&response.headers));
    let recorded = exchange.response.as_ref().map(|response| {
        let mut recorded = Recorded::new(provider(exchange::host(&request.url)), model, status(response));
        recorded.duration_us = duration_us(&exchange);
        fill(&mut recorded, endpoint, response);
        recorded
    });
    Ok(Some(Entry {
        id: answered.as_deref().and_then(|headers| header(headers, "x-request-id")).map(str::to_owned),
        at_us: started.transpose()?,
        session: exchange::session(&headers),
        consumer: consumer(&headers),
        endpoint,
        recorded,
        ..Entry::new(place.clone(), Content::Body(body))
    }))
}

fn pairs<'a>(headers: &'a [Header<'_>]) -> Vec<(&'a str, &'a str)> {
    headers.iter().map(|header| (header.name.as_ref(), header.value.as_ref())).collect()
}

fn status(response: &Response<'_>) -> u16 {
    super::row::count(&response.status).and_then(|status| u16::try_from(status).ok()).unwrap_or(0)
}

fn fill(recorded: &mut Recorded, endpoint: Endpoint, response: &Response<'_>) {
    if recorded.status == 0 {
        let cause = response.error.as_deref().unwrap_or_default().to_ascii_lowercase();
        let given_up = cause.contains("abort") || cause.contains("cancel");
        recorded.error = Some(if given_up { ErrorKind::ClientCancelled } else { ErrorKind::Connect });
        return;
    }
    let body = response.content.as_ref().and_then(bytes).unwrap_or_default();
    answer(recorded, endpoint, &body, true);
}

/// A text as bytes; `None` where there is none, or it is no base64 though it should be.
fn bytes<'a>(text: &'a Text<'_>) -> Option<Cow<'a, [u8]>> {
    let content = text.text.as_deref()?;
    if text.encoding.as_deref().is_some_and(|encoding| encoding.eq_ignore_ascii_case("base64")) {
        return STANDARD.decode(content.trim()).ok().map(Cow::Owned);
    }
    Some(Cow::Borrowed(content.as_bytes()))
}

/// From sending to the last byte. Parts that are not known are -1.
fn duration_us(exchange: &Exchange<'_>) -> Option<u64> {
    let number = |value: &Value| match value {
        Value::Number(number) => number.as_f64().filter(|number| *number >= 0.0),
        Value::String(text) => decimal(text),
        _ => None,
    };
    let part = |name: &str| exchange.timings.get(name).and_then(number);
    let parts =
        part("send").zip(part("wait")).zip(part("receive")).map(|((send, wait), receive)| send + wait + receive);
    micros(parts.or_else(|| number(&exchange.time))?, 1e3)
}

#[cfg(test)]
mod tests;
