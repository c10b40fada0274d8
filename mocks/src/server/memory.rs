//! Answers given a moment ago, ready to be given again.
//!
//! An answer is a function of the request, the seed and the second in `created`. A load generator sends few different
//! requests many times a second, so the last answers are kept, and a known question costs a look-up instead of reading,
//! thinking and writing. Nothing else changes: what is kept is what would have been made. Answers that depend on what was
//! asked before (a prefix cache, an account, a conversation) are never kept.
//!
//! A slot is found by the question's hash and holds one answer, whose question is compared byte by byte. The bound: 256 slots
//! of at most 64 KiB of question and 64 KiB of answer each.

use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method};

use super::handle::{Call, Timed};
use crate::lanes::{Lane, Seat};
use crate::profile::Fault;

const SLOTS: usize = 256;
const QUESTION_BYTES_MAX: usize = 64 * 1024;
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// The last answers of one mock.
pub(super) struct Memory {
    hasher: RandomState,
    slots: Vec<Mutex<Option<Slot>>>,
}

/// All that an answer depends on, besides the mock's own settings.
#[derive(PartialEq, Eq, Hash)]
pub(super) struct Question {
    now: u64,
    method: Method,
    path: String,
    body: Bytes,
    headers: [Option<HeaderValue>; 3],
}

type Slot = (Question, Arc<Known>);

/// An answer.
pub(super) struct Known {
    pub(super) timed: Timed,
    pub(super) headers: HeaderMap,
    pub(super) fault: Option<Fault>,
    /// Where requests of the same model are counted, if they are.
    pub(super) lane: Option<Arc<Lane>>,
}

impl Question {
    /// `None` if it is too long to be kept.
    pub(super) fn new(call: &Call, body: &Bytes) -> Option<Self> {
        (body.len() <= QUESTION_BYTES_MAX).then(|| Self {
            now: call.now,
            method: call.method.clone(),
            path: call.path.clone(),
            body: body.clone(),
            headers: [call.authorization.clone(), call.request_id.clone(), call.retry_count.clone()],
        })
    }
}

impl Memory {
    pub(super) fn new() -> Self {
        Self { hasher: RandomState::new(), slots: (0..SLOTS).map(|_| Mutex::new(None)).collect() }
    }

    /// The answer to a question, if it was given in the same second and its model has room.
    pub(super) fn recall(&self, question: &Question) -> Option<(Arc<Known>, Option<Seat>)> {
        let slot = self.slot(question)?.lock().unwrap_or_else(PoisonError::into_inner);
        let known = slot.as_ref().filter(|(asked, _)| asked == question).map(|(_, known)| Arc::clone(known))?;
        drop(slot);
        let seat = known.lane.as_ref().map(|lane| lane.enter(None)).transpose().ok()?;
        Some((known, seat))
    }

    /// Keeps an answer in the place of an older one.
    pub(super) fn keep(&self, question: Question, known: Known) {
        if known.timed.script.bytes.len() > ANSWER_BYTES_MAX {
            return;
        }
        if let Some(slot) = self.slot(&question) {
            *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some((question, Arc::new(known)));
        }
    }

    fn slot(&self, question: &Question) -> Option<&Mutex<Option<Slot>>> {
        // The remainder is smaller than the number of slots, so the cast is exact.
        self.slots.get((self.hasher.hash_one(question) % SLOTS as u64) as usize)
    }
}
