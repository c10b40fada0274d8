//! Those who need nobody: lists of words, and forms of personal data.

use super::counters::{Counters, ModeratorReading, Now};
use crate::upstream::BreakerState;
use guard::{Failure, Lists, Personal, Verdict};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// Longer texts are judged beside the threads that serve everybody, bytes.
const BYTES_AT_ONCE: usize = 64 * 1024;

/// See the module's text.
#[derive(Debug)]
pub(super) struct Inline {
    judge: Search,
    timeout: Duration,
    counters: Arc<Counters>,
}

/// What is searched with.
#[derive(Debug, Clone)]
pub(super) enum Search {
    Lists(Arc<Lists>),
    Personal(Personal),
}

impl Search {
    fn check(&self, text: &str) -> Verdict {
        match self {
            Self::Lists(lists) => lists.check(text),
            Self::Personal(personal) => personal.check(text),
        }
    }
}

impl Inline {
    pub(super) const fn new(judge: Search, timeout: Duration, counters: Arc<Counters>) -> Self {
        Self { judge, timeout, counters }
    }

    pub(super) const fn counters(&self) -> &Arc<Counters> {
        &self.counters
    }

    pub(super) fn reading(&self, name: &str) -> ModeratorReading {
        self.counters.reading(name, Now { in_flight: 0, cache_bytes: 0, breaker: BreakerState::Closed })
    }

    pub(super) async fn check(&self, text: &str) -> Result<Verdict, Failure> {
        self.counters.checked();
        let start = Instant::now();
        let result = if text.len() <= BYTES_AT_ONCE { Ok(self.judge.check(text)) } else { self.aside(text).await };
        self.counters.called(u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX));
        if let Err(failure) = result {
            self.counters.failed(failure);
        }
        result
    }

    async fn aside(&self, text: &str) -> Result<Verdict, Failure> {
        let (judge, text) = (self.judge.clone(), text.to_owned());
        let judging = tokio::task::spawn_blocking(move || judge.check(&text));
        match tokio::time::timeout(self.timeout, judging).await {
            Ok(judged) => judged.map_err(|_| Failure::Malformed),
            Err(_) => Err(Failure::Timeout),
        }
    }
}
