//! Those who need nobody: lists of words, and forms of personal data.

use super::counters::{Counters, ModeratorReading, Now};
use crate::upstream::BreakerState;
use guard::{Failure, Lists, Personal, Verdict};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};

/// Longer texts are judged beside the threads that serve everybody, bytes.
const BYTES_AT_ONCE: usize = 64 * 1024;

/// Texts that one back end judges there at once. More wait for room, and are not copied before they have it.
const ASIDE_MAX: usize = 8;

/// See the module's text.
#[derive(Debug)]
pub(super) struct Inline {
    judge: Search,
    timeout: Duration,
    counters: Arc<Counters>,
    /// Taken along by each judgement beside: a deadline does not stop one, so that room is free only once it has ended.
    room: Arc<Semaphore>,
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
    pub(super) fn new(judge: Search, timeout: Duration, counters: Arc<Counters>) -> Self {
        Self { judge, timeout, counters, room: Arc::new(Semaphore::new(ASIDE_MAX)) }
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
        let deadline = Instant::now() + self.timeout;
        let room = timeout_at(deadline, Arc::clone(&self.room).acquire_owned()).await;
        let room = room.map_err(|_| Failure::Busy)?.map_err(|_| Failure::Busy)?;
        let (judge, text) = (self.judge.clone(), text.to_owned());
        let judging = tokio::task::spawn_blocking(move || {
            let _room = room;
            judge.check(&text)
        });
        match timeout_at(deadline, judging).await {
            Ok(judged) => judged.map_err(|_| Failure::Malformed),
            Err(_) => Err(Failure::Timeout),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_long_text_waits_for_room_and_is_then_told_busy() {
        let inline = Inline::new(Search::Personal(Personal::default()), Duration::from_secs(1), Arc::default());
        let long = "word ".repeat(BYTES_AT_ONCE);
        let taken = Arc::clone(&inline.room).acquire_many_owned(8).await.unwrap();
        assert_eq!(inline.check(&long).await, Err(Failure::Busy));
        assert_eq!(inline.check("short").await, Ok(Verdict::default()), "one that needs no room");
        drop(taken);
        assert_eq!(inline.check(&long).await, Ok(Verdict::default()));
    }
}
