//! Answers given a moment ago, ready to be given again.
//!
//! An answer is a function of the request, the seed and the second in `created`. A load generator sends few different
//! requests many times a second, so the last answers are kept, and a known question costs a look-up instead of reading,
//! thinking and writing. Nothing else changes: what is kept is what would have been made. Answers that depend on what was
//! asked before (a prefix cache, an account, a conversation) are never kept.
//!
//! A slot is found by the hash of the body and holds one answer, whose question is compared byte by byte. The bound: 256 slots
//! of at most 64 KiB of question and 64 KiB of answer each.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Uri};
use xxhash_rust::xxh3::xxh3_64;

use super::handle::{Call, Timed};
use crate::lanes::{Lane, Seat};
use crate::profile::Fault;

const SLOTS: usize = 256;
const QUESTION_BYTES_MAX: usize = 64 * 1024;
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// The last answers of one mock.
pub(super) struct Memory {
    slots: Vec<Mutex<Option<Slot>>>,
}

type Slot = (Question, Arc<Known>);

/// All that an answer depends on, besides the mock's own settings.
struct Question {
    now: u64,
    method: Method,
    uri: Uri,
    body: Bytes,
    headers: [Option<HeaderValue>; 3],
}

/// An answer.
pub(super) struct Known {
    pub(super) timed: Timed,
    pub(super) headers: HeaderMap,
    pub(super) fault: Option<Fault>,
    /// Where requests of the same model are counted, if they are.
    pub(super) lane: Option<Arc<Lane>>,
}

impl Question {
    fn new(call: &Call, body: &Bytes) -> Self {
        Self {
            now: call.now,
            method: call.method.clone(),
            uri: call.uri.clone(),
            body: body.clone(),
            headers: [call.authorization.clone(), call.request_id.clone(), call.retry_count.clone()],
        }
    }

    fn is(&self, call: &Call, body: &Bytes) -> bool {
        let [authorization, request_id, retry_count] = &self.headers;
        self.now == call.now
            && self.body == body
            && *authorization == call.authorization
            && *request_id == call.request_id
            && *retry_count == call.retry_count
            && self.method == call.method
            && self.uri == call.uri
    }

    fn bytes(&self) -> usize {
        let headers: usize = self.headers.iter().flatten().map(HeaderValue::len).sum();
        self.body.len() + headers + self.uri.path_and_query().map_or(0, |path| path.as_str().len())
    }
}

impl Memory {
    pub(super) fn new() -> Self {
        Self { slots: (0..SLOTS).map(|_| Mutex::new(None)).collect() }
    }

    /// The answer to a question, if it was given in the same second and its model has room.
    pub(super) fn recall(&self, call: &Call, body: &Bytes) -> Option<(Arc<Known>, Option<Seat>)> {
        let slot = self.slot(body)?.lock().unwrap_or_else(PoisonError::into_inner);
        let known = slot.as_ref().filter(|(asked, _)| asked.is(call, body)).map(|(_, known)| Arc::clone(known))?;
        drop(slot);
        let seat = known.lane.as_ref().map(|lane| lane.enter(None)).transpose().ok()?;
        Some((known, seat))
    }

    /// Keeps an answer in the place of an older one, unless it or its question is too long.
    pub(super) fn keep(&self, call: &Call, body: &Bytes, known: Known) {
        let question = Question::new(call, body);
        if known.timed.script.bytes.len() > ANSWER_BYTES_MAX || question.bytes() > QUESTION_BYTES_MAX {
            return;
        }
        if let Some(slot) = self.slot(body) {
            *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some((question, Arc::new(known)));
        }
    }

    /// The place for questions with this body; those that differ in other things take it from each other.
    fn slot(&self, body: &Bytes) -> Option<&Mutex<Option<Slot>>> {
        // What is too long is never kept, so there is no need to hash all of it.
        let hash = xxh3_64(body.get(..body.len().min(QUESTION_BYTES_MAX))?);
        // The remainder is smaller than the number of slots, so the cast is exact.
        self.slots.get((hash % SLOTS as u64) as usize)
    }
}
