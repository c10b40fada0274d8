//! What a model thought before it called a tool, kept for the next turn.
//!
//! DeepSeek refuses a conversation with tools whose earlier turns come back without their reasoning, and clients that
//! know only OpenAI's members never send it back. So the gateway remembers it by tool-call id, apart for each consumer:
//! nobody can pull another one's reasoning into his own conversation. Bounded in bytes; the oldest is forgotten first, and
//! a turn that was forgotten is sent with thinking switched off.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

/// What an entry takes beside its text, roughly.
const ENTRY_BYTES: usize = 160;

/// See the module's text.
pub(crate) struct Memory {
    bytes_max: usize,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    texts: HashMap<Arc<str>, Arc<str>>,
    order: VecDeque<Arc<str>>,
    bytes: usize,
}

impl Memory {
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self { bytes_max, inner: Mutex::default() }
    }

    /// Keeps `reasoning` under each of the calls that came with it.
    pub(crate) fn keep(&self, consumer: Option<&str>, calls: &[String], reasoning: &str) {
        if reasoning.is_empty() || calls.is_empty() {
            return;
        }
        let text: Arc<str> = reasoning.into();
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        for call in calls {
            inner.insert(key(consumer, call), Arc::clone(&text));
        }
        while inner.bytes > self.bytes_max {
            if !inner.forget_oldest() {
                break;
            }
        }
    }

    /// The reasoning that came with a call, if it is still known.
    pub(crate) fn recall(&self, consumer: Option<&str>, call: &str) -> Option<Arc<str>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).texts.get(&key(consumer, call)).cloned()
    }
}

impl Inner {
    fn insert(&mut self, key: Arc<str>, text: Arc<str>) {
        let size = key.len() + text.len() + ENTRY_BYTES;
        // The same call twice: the first text stays, so that the order needs no search.
        if self.texts.contains_key(&key) {
            return;
        }
        self.order.push_back(Arc::clone(&key));
        self.texts.insert(key, text);
        self.bytes += size;
    }

    fn forget_oldest(&mut self) -> bool {
        let Some(key) = self.order.pop_front() else { return false };
        if let Some(text) = self.texts.remove(&key) {
            self.bytes -= key.len() + text.len() + ENTRY_BYTES;
        }
        true
    }
}

fn key(consumer: Option<&str>, call: &str) -> Arc<str> {
    format!("{}\0{call}", consumer.unwrap_or_default()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_call_of_a_turn_recalls_it_and_only_for_its_consumer() {
        let memory = Memory::new(10_000);
        memory.keep(Some("anna"), &["call_1".into(), "call_2".into()], "because");
        assert_eq!(memory.recall(Some("anna"), "call_2").as_deref(), Some("because"));
        assert_eq!(memory.recall(Some("ben"), "call_2"), None);
        assert_eq!(memory.recall(None, "call_2"), None);
    }

    #[test]
    fn the_oldest_goes_first_and_the_bytes_stay_bounded() {
        let memory = Memory::new(1_000);
        for index in 0..100 {
            memory.keep(None, &[format!("call_{index}")], &"x".repeat(100));
        }
        let inner = memory.inner.lock().unwrap();
        assert!(inner.bytes <= 1_000 && inner.texts.len() == inner.order.len() && inner.texts.len() == 3);
        drop(inner);
        assert!(memory.recall(None, "call_99").is_some() && memory.recall(None, "call_0").is_none());
    }

    #[test]
    fn a_text_that_is_larger_than_the_memory_is_not_kept() {
        let memory = Memory::new(100);
        memory.keep(None, &["call".into()], &"x".repeat(200));
        assert!(memory.recall(None, "call").is_none());
    }
}
