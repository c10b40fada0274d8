//! Requests and their answers.

use super::super::ImportError;
use super::super::entry::{Content, Entry};
use super::super::exchange::{answer, body, consumer, endpoint, header, provider, session, unpacked, without_chunks};
use super::records::{Kind, Record};
use super::{EARLY_BYTES_MAX, EARLY_MAX, WAIT_NANOS_MAX, WAITING_BYTES_MAX, WAITING_MAX};
use crate::Recorded;
use std::collections::{HashMap, VecDeque};

/// Most headers of a message.
const HEADERS_MAX: usize = 128;

/// Ids of requests that were passed over and are remembered, so that their answers do not count as lone.
const PASSED_MAX: usize = 16 * 1024;

/// What waits.
#[derive(Default)]
pub(super) struct Pairs {
    /// In the order of the capture.
    waiting: VecDeque<Waiting>,
    waiting_bytes: usize,
    /// Number of the request at the front.
    front: u64,
    /// Number of the request that waits under an id.
    places: HashMap<String, u64>,
    early: HashMap<String, Answer>,
    early_order: VecDeque<String>,
    early_bytes: usize,
    passed: HashMap<String, ()>,
    passed_order: VecDeque<String>,
    passed_over: u64,
    /// Time of the last record.
    now_nanos: i64,
    /// Answers that were given up.
    lone: u64,
}

struct Waiting {
    id: String,
    entry: Entry,
    at_nanos: i64,
    provider: String,
    model: String,
    bytes: usize,
}

/// An answer, as far as it can be told without its request.
struct Answer {
    end_nanos: Option<i64>,
    message: Vec<u8>,
}

impl Pairs {
    /// Takes the next record of the capture.
    ///
    /// # Errors
    /// It is a request that cannot be used.
    pub(super) fn take(&mut self, record: Record) -> Result<(), ImportError> {
        self.now_nanos = self.now_nanos.max(record.meta.at_nanos);
        match record.meta.kind {
            Kind::Request => self.request(record),
            Kind::Answer => {
                self.answer(record);
                Ok(())
            }
            Kind::Replayed => Ok(()),
        }
    }

    /// The request whose turn it is, if it waits no longer.
    pub(super) fn ready(&mut self, ended: bool) -> Option<Entry> {
        let front = self.waiting.front()?;
        let full = self.waiting.len() > WAITING_MAX || self.waiting_bytes > WAITING_BYTES_MAX;
        let late = self.now_nanos.saturating_sub(front.at_nanos) > WAIT_NANOS_MAX;
        if front.entry.recorded.is_none() && !(full || late || ended) {
            return None;
        }
        let front = self.waiting.pop_front()?;
        self.waiting_bytes = self.waiting_bytes.saturating_sub(front.bytes);
        if self.places.get(&front.id) == Some(&self.front) {
            self.places.remove(&front.id);
        }
        self.front += 1;
        Some(front.entry)
    }

    pub(super) const fn passed_over(&self) -> u64 {
        self.passed_over
    }

    /// Answers without a request, once the capture has ended.
    pub(super) fn take_lone(&mut self, ended: bool) -> u64 {
        if !ended {
            return 0;
        }
        let lone = self.lone + self.early.len() as u64;
        self.lone = 0;
        self.early.clear();
        lone
    }

    fn request(&mut self, record: Record) -> Result<(), ImportError> {
        let place = &record.place;
        let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
        let mut head = httparse::Request::new(&mut headers);
        let Ok(httparse::Status::Complete(end)) = head.parse(&record.message) else {
            return Err(place.wrong("the request's head is no HTTP, or is cut off"));
        };
        let Some(endpoint) = endpoint(head.method.unwrap_or_default(), head.path.unwrap_or_default()) else {
            self.pass_over(record.meta.id);
            return Ok(());
        };
        let headers = texts(head.headers);
        let (bytes, _) = decoded(&headers, record.message.get(end..).unwrap_or_default())
            .ok_or_else(|| place.wrong("the request's body has an encoding that is not known, expected gzip"))?;
        let (body, model) = body(place, &bytes)?;
        let entry = Entry {
            id: Some(record.meta.id.clone()),
            at_us: Some(record.meta.at_nanos / 1000),
            session: session(&headers),
            consumer: consumer(&headers),
            endpoint,
            ..Entry::new(place.clone(), Content::Body(body))
        };
        let waiting = Waiting {
            id: record.meta.id,
            entry,
            at_nanos: record.meta.at_nanos,
            provider: header(&headers, "host").map_or_else(|| "unknown".to_owned(), provider),
            model,
            bytes: end + bytes.len(),
        };
        self.waiting_bytes += waiting.bytes;
        let early = self.early.remove(&waiting.id);
        self.places.insert(waiting.id.clone(), self.front + self.waiting.len() as u64);
        self.waiting.push_back(waiting);
        if let (Some(early), Some(waiting)) = (early, self.waiting.back_mut()) {
            self.early_bytes = self.early_bytes.saturating_sub(early.message.len());
            self.waiting_bytes += waiting.fill(&early);
        }
        Ok(())
    }

    fn pass_over(&mut self, id: String) {
        self.passed_over += 1;
        if let Some(early) = self.early.remove(&id) {
            self.early_bytes = self.early_bytes.saturating_sub(early.message.len());
            return;
        }
        self.passed_order.push_back(id.clone());
        self.passed.insert(id, ());
        if self.passed_order.len() > PASSED_MAX
            && let Some(oldest) = self.passed_order.pop_front()
        {
            self.passed.remove(&oldest);
        }
    }

    fn answer(&mut self, record: Record) {
        let end_nanos = record.meta.latency_nanos.map(|latency| record.meta.at_nanos.saturating_add(latency));
        let answer = Answer { end_nanos, message: record.message };
        let place = self.places.get(&record.meta.id).and_then(|number| usize::try_from(number - self.front).ok());
        if let Some(waiting) = place.and_then(|place| self.waiting.get_mut(place)) {
            self.waiting_bytes += waiting.fill(&answer);
            return;
        }
        if self.passed.remove(&record.meta.id).is_some() {
            return;
        }
        self.early_bytes += answer.message.len();
        self.early_order.push_back(record.meta.id.clone());
        if let Some(before) = self.early.insert(record.meta.id, answer) {
            self.early_bytes = self.early_bytes.saturating_sub(before.message.len());
            self.lone += 1;
        }
        while self.early_order.len() > EARLY_MAX || self.early_bytes > EARLY_BYTES_MAX {
            let Some(oldest) = self.early_order.pop_front() else { break };
            if let Some(answer) = self.early.remove(&oldest) {
                self.early_bytes = self.early_bytes.saturating_sub(answer.message.len());
                self.lone += 1;
            }
        }
    }
}

impl Waiting {
    /// Notes the answer, and tells the bytes that are kept of it. The first one counts; what is no HTTP tells nothing.
    fn fill(&mut self, found: &Answer) -> usize {
        if self.entry.recorded.is_some() {
            return 0;
        }
        let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
        let mut head = httparse::Response::new(&mut headers);
        let Ok(httparse::Status::Complete(end)) = head.parse(&found.message) else { return 0 };
        let headers = texts(head.headers);
        let mut recorded = Recorded::new(self.provider.as_str(), self.model.as_str(), head.code.unwrap_or(0));
        let lasted = found.end_nanos.and_then(|end| u64::try_from(end.checked_sub(self.at_nanos)?).ok());
        recorded.duration_us = lasted.map(|nanos| nanos / 1000);
        let body = found.message.get(end..).unwrap_or_default();
        let (body, complete) = decoded(&headers, body).unwrap_or_default();
        answer(&mut recorded, self.entry.endpoint, &body, complete);
        let texts = [recorded.answer.as_ref(), recorded.finish_reason.as_ref(), Some(&recorded.model)];
        let kept = texts.into_iter().flatten().map(String::len).sum::<usize>()
            // Calls of tools are never longer than what they stand in.
            + if recorded.tools.is_empty() { 0 } else { body.len() };
        self.entry.recorded = Some(recorded);
        self.bytes += kept;
        kept
    }
}

/// Headers that are text.
fn texts<'a>(headers: &[httparse::Header<'a>]) -> Vec<(&'a str, &'a str)> {
    headers.iter().filter_map(|header| Some((header.name, std::str::from_utf8(header.value).ok()?))).collect()
}

/// A body without chunks and encoding, and whether all of it was captured; `None` if the encoding is not known.
fn decoded(headers: &[(&str, &str)], body: &[u8]) -> Option<(Vec<u8>, bool)> {
    let chunked =
        header(headers, "transfer-encoding").is_some_and(|value| value.to_ascii_lowercase().contains("chunked"));
    let (whole, arrived) = if chunked {
        without_chunks(body)
    } else {
        let length: usize = header(headers, "content-length").and_then(|value| value.parse().ok()).unwrap_or(0);
        (body.to_vec(), body.len() >= length)
    };
    let (plain, sound) = unpacked(whole, header(headers, "content-encoding"))?;
    Some((plain, arrived && sound))
}
