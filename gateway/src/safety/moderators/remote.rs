//! A service that judges texts: how it is asked.

use super::cache::{Key, Source, Verdicts};
use super::counters::{Counters, ModeratorReading, Now};
use super::{Asker, Opinion, wire};
use crate::config::{BackendConfig, BreakerConfig};
use crate::upstream::PlainClient;
use crate::upstream::breaker::{Breaker, Outcome, Pass};
use futures_util::{StreamExt, stream};
use guard::remote::{Backend, Moment, joined};
use guard::{Failure, Phase, Verdict};
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};

/// Pieces of one text that are judged at the same time: a long text must not take all of a service's room.
const PIECES_AT_ONCE: usize = 8;
/// One of so many calls at once may be for the record alone.
const EVIDENCE_SHARE: usize = 4;
/// A connection that breaks without an answer within this time had been closed just when it was used again; the piece is
/// sent once more.
const STALE_WITHIN: Duration = Duration::from_millis(500);
/// When a service is left alone: half of its calls fail, and there were a few. One call a second, then every two, four...
/// tries whether it is back.
const BREAKER: BreakerConfig = BreakerConfig {
    window: Duration::from_secs(10),
    minimum: 5,
    failure_percent: 50.0,
    open_for: Duration::from_secs(1),
    open_for_max: Duration::from_secs(30),
    probes: 1,
};

/// See the module's text.
#[derive(Debug)]
pub(super) struct Remote {
    backend: Backend,
    timeout: Duration,
    client: PlainClient,
    cache: Option<Verdicts>,
    permits: Semaphore,
    /// Those who only look for the record need one of these first: there are so few that most of `permits` are always left
    /// to those whose clients wait.
    evidence: Semaphore,
    permits_max: usize,
    breaker: Mutex<Breaker>,
    counters: Arc<Counters>,
}

/// One text's circumstances.
#[derive(Clone, Copy)]
struct Circumstances<'a> {
    phase: Phase,
    session: Option<&'a str>,
    asker: Asker,
    deadline: Instant,
}

impl Remote {
    pub(super) fn new(config: &BackendConfig, backend: Backend, client: PlainClient, counters: Arc<Counters>) -> Self {
        let cache = (config.cache_bytes_max > 0).then(|| Verdicts::new(config.cache_bytes_max, config.cache_for));
        Self {
            backend,
            timeout: config.timeout,
            client,
            cache,
            permits: Semaphore::new(config.calls_in_flight_max),
            evidence: Semaphore::new((config.calls_in_flight_max / EVIDENCE_SHARE).max(1)),
            permits_max: config.calls_in_flight_max,
            breaker: Mutex::new(Breaker::new(BREAKER, std::time::Instant::now())),
            counters,
        }
    }

    pub(super) const fn counters(&self) -> &Arc<Counters> {
        &self.counters
    }

    pub(super) fn reading(&self, name: &str) -> ModeratorReading {
        let breaker = self.breaker.lock().unwrap_or_else(PoisonError::into_inner).view(now()).0;
        let in_flight = self.permits_max.saturating_sub(self.permits.available_permits());
        let cache_bytes = self.cache.as_ref().map_or(0, Verdicts::bytes);
        self.counters.reading(name, Now { in_flight, cache_bytes, breaker })
    }

    pub(super) async fn check(&self, phase: Phase, text: &str, session: Option<&str>, asker: Asker) -> Opinion {
        self.counters.checked();
        let session = session.filter(|_| self.backend.chains());
        let circumstances = Circumstances { phase, session, asker, deadline: Instant::now() + self.timeout };
        let pieces = self.backend.pieces(text);
        // A session has an order.
        let at_once = if session.is_some() { 1 } else { PIECES_AT_ONCE };
        let judged = stream::iter(pieces).map(|piece| self.piece(text, piece, circumstances)).buffered(at_once);
        let judged: Vec<(usize, Result<Verdict, Failure>)> = judged.collect().await;
        let failure = judged.iter().find_map(|(_, result)| result.as_ref().err().copied());
        let verdict = joined(judged.into_iter().filter_map(|(start, result)| Some((start, result.ok()?))));
        Opinion { verdict, failure }
    }

    async fn piece(
        &self,
        text: &str,
        piece: Range<usize>,
        circumstances: Circumstances<'_>,
    ) -> (usize, Result<Verdict, Failure>) {
        let start = piece.start;
        let text = text.get(piece).unwrap_or_default();
        let result = match timeout_at(circumstances.deadline, self.known_or_asked(text, circumstances)).await {
            Ok(result) => result,
            // Somebody else asked the same and has no answer yet.
            Err(_) => Err(Failure::Timeout),
        };
        if let Err(failure) = result {
            self.counters.failed(failure);
        }
        (start, result)
    }

    async fn known_or_asked(&self, text: &str, circumstances: Circumstances<'_>) -> Result<Verdict, Failure> {
        // Before anybody else can wait for this one's call: whose client waits must not wait for this share.
        let _share = match circumstances.asker {
            Asker::Client => None,
            Asker::Record => match timeout_at(circumstances.deadline, self.evidence.acquire()).await {
                Ok(Ok(share)) => Some(share),
                _ => return Err(Failure::Busy),
            },
        };
        // What a service says of a piece of a session depends on the pieces before it.
        let Some(cache) = self.cache.as_ref().filter(|_| circumstances.session.is_none()) else {
            return self.ask(text, circumstances).await;
        };
        let key = Key::new(circumstances.phase, text);
        let (verdict, source) = cache.get(key, || self.ask(text, circumstances)).await?;
        if source == Source::Memory {
            self.counters.cached();
        }
        Ok(verdict)
    }

    async fn ask(&self, text: &str, circumstances: Circumstances<'_>) -> Result<Verdict, Failure> {
        let deadline = circumstances.deadline;
        let Ok(permit) = timeout_at(deadline, self.permits.acquire()).await else { return Err(Failure::Busy) };
        let _permit = permit.map_err(|_| Failure::Busy)?;
        let mut passing = Passing::enter(&self.breaker).ok_or(Failure::Unreachable)?;
        let start = Instant::now();
        // With less than half of its time left a call says more about us than about the service.
        let is_late = deadline.saturating_duration_since(start) < self.timeout / 2;
        let answered = timeout_at(deadline, self.exchange(text, circumstances)).await;
        self.counters.called(u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX));
        let result = answered.unwrap_or(Err(if is_late { Failure::Busy } else { Failure::Timeout }));
        passing.ends(match result {
            Ok(_) => Outcome::Success,
            Err(Failure::Busy) => Outcome::Neutral,
            Err(_) => Outcome::Failure,
        });
        result
    }

    async fn exchange(&self, text: &str, circumstances: Circumstances<'_>) -> Result<Verdict, Failure> {
        let start = Instant::now();
        let call = || {
            let moment = Moment { now_us: crate::clock::now_us(), nonce: uuid::Uuid::now_v7().as_u128() };
            self.backend.call(circumstances.phase, text, circumstances.session, &moment)
        };
        let answer = match wire::send(&self.client, call()).await {
            Err(Failure::Unreachable) if start.elapsed() < STALE_WITHIN => wire::send(&self.client, call()).await,
            answer => answer,
        };
        let (status, body) = answer?;
        self.backend.read(text, status, &body)
    }
}

/// A call as the breaker sees it. One that is given up, because its client has gone, says nothing.
struct Passing<'a> {
    breaker: &'a Mutex<Breaker>,
    pass: Pass,
    outcome: Outcome,
}

impl<'a> Passing<'a> {
    /// `None` while the service is left alone.
    fn enter(breaker: &'a Mutex<Breaker>) -> Option<Self> {
        let pass = breaker.lock().unwrap_or_else(PoisonError::into_inner).admit(now()).ok()?;
        Some(Self { breaker, pass, outcome: Outcome::Neutral })
    }

    fn ends(&mut self, outcome: Outcome) {
        self.outcome = outcome;
    }
}

impl Drop for Passing<'_> {
    fn drop(&mut self) {
        let mut breaker = self.breaker.lock().unwrap_or_else(PoisonError::into_inner);
        breaker.report(self.pass, self.outcome, now());
    }
}

/// By tokio's clock, which tests can hold.
fn now() -> std::time::Instant {
    Instant::now().into_std()
}
