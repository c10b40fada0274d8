//! Calls to providers: deadlines, retries, a breaker and a bound on what is under way, before the first byte of the
//! answer. From then on the relay has the word.
//!
//! Deciding is pure and in files of its own ([`retry`], [`breaker`], [`blame`], [`deadlines`]); this file puts it in
//! order. Serving and mirroring have an [`Upstream`] each, so that no pool, no bound and no breaker is shared between
//! what clients wait for and what nobody waits for.

mod blame;
pub(crate) mod breaker;
mod client;
mod counters;
mod deadlines;
mod failure;
mod keys;
mod link;
mod retry;
mod slot;
mod window;

pub(crate) use breaker::BreakerState;
pub use client::UpstreamError;
pub(crate) use client::{PlainClient, plain_client};
pub(crate) use counters::UpstreamCounts;
pub(crate) use failure::{Failure, Refusal};
pub(crate) use slot::Slot;

use crate::config::ProviderConfig;
use breaker::Outcome;
use bytes::Bytes;
use client::Client;
use counters::Counters;
use deadlines::Deadlines;
use failure::Refused;
use http::{HeaderMap, Response};
use hyper::body::Incoming;
use keys::{Keys, Turn};
use retry::{Decision, Tried};
use slot::Health;
use std::hash::BuildHasher;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use wire::ErrorKind;
use wire::provider::Adapter;

/// One provider, as one purpose reaches it.
#[derive(Debug)]
pub(crate) struct Upstream {
    pub config: ProviderConfig,
    client: Client,
    keys: Keys,
    health: Arc<Health>,
}

/// An answer with a good status, of which the headers are here.
#[derive(Debug)]
pub(crate) struct Sent {
    /// Headers, and the body to come.
    pub response: Response<Incoming>,
    /// Tries it took.
    pub attempts: u32,
    /// When the first try began: what a client waits counts from there.
    pub sent: std::time::Instant,
    /// When the last byte has to be here.
    pub deadline: Instant,
    /// Has to live as long as the body.
    pub slot: Slot,
}

impl Upstream {
    /// Sets everything up; connects to nothing.
    pub(crate) fn new(config: ProviderConfig) -> Result<Self, UpstreamError> {
        let counters = Arc::new(Counters::default());
        let client = Client::new(&config, Arc::clone(&counters))?;
        let health = Arc::new(Health::new(&config, counters));
        let keys = Keys::new(&config.keys, config.key_use, Instant::now().into_std());
        Ok(Self { config, client, keys, health })
    }

    pub(crate) fn adapter(&self) -> &'static dyn Adapter {
        self.config.kind.adapter()
    }

    /// The numbers of this moment.
    pub(crate) fn counts(&self) -> UpstreamCounts {
        self.health.counts(self.keys.counts(Instant::now().into_std()))
    }

    /// Whether as many requests are under way as may be.
    pub(crate) fn is_full(&self) -> bool {
        self.health.is_full()
    }

    /// Whether a call would be let through by the breaker: `Open` refuses, `HalfOpen` lets a few try.
    pub(crate) fn breaker_state(&self) -> BreakerState {
        self.health.breaker_state()
    }

    /// Sends a request and returns at the headers of a good answer, after as many tries as the configuration allows. Every
    /// try carries the headers `beside`.
    ///
    /// # Errors
    /// The last try's failure, or a [`Refusal`] of the gateway itself; nothing has reached the client by then.
    pub(crate) async fn send(
        &self,
        path: &'static str,
        body: Bytes,
        streamed: bool,
        beside: Option<&HeaderMap>,
    ) -> Result<Sent, Box<Failure>> {
        let counters = &self.health.counters;
        let begun = Instant::now();
        let deadlines = Deadlines::begin(self.config.timeouts, streamed, begun);
        let Some(mut slot) = Slot::take(&self.health) else {
            counters.shed.add_one();
            return Err(Failure::refused(Refusal::Full, Duration::from_secs(1), begun));
        };
        let mut last: Option<Box<Failure>> = None;
        let mut keys_refused = 0;
        loop {
            let attempts = last.as_ref().map_or(0, |failure| failure.attempts) + 1;
            if let Err(wait) = slot.admit(attempts == 1) {
                counters.breaker_refused.add_one();
                return Err(last.unwrap_or_else(|| Failure::refused(Refusal::BreakerOpen, wait, begun)));
            }
            counters.attempts.add_one();
            if attempts > 1 {
                counters.retries.add_one();
            }
            let sent = Instant::now();
            let turn = self.keys.turn(sent.into_std());
            let mut failure = match self.attempt(path, (body.clone(), beside), turn, &deadlines, sent).await {
                Ok(response) => {
                    turn.inspect(|turn| self.keys.accepted(*turn));
                    let (sent, deadline) = (begun.into_std(), deadlines.total);
                    return Ok(Sent { response, attempts, sent, deadline, slot });
                }
                Err(failure) => failure,
            };
            failure.attempts = attempts;
            failure.sent = begun.into_std();
            if keys_refused + 1 < self.keys.len() && turn.is_some_and(|turn| self.falls_over(turn, &failure)) {
                keys_refused += 1;
                // The key's trouble, not the provider's: its breaker hears nothing, and the next key is asked at once.
                slot.report_outcome(Outcome::Neutral);
                last = Some(failure);
                continue;
            }
            slot.report_outcome(blame::outcome(failure.kind, failure.status));
            match self.next(&failure, keys_refused, &deadlines) {
                Decision::Wait(wait) => tokio::time::sleep(wait).await,
                Decision::GiveUp => return Err(failure),
            }
            last = Some(failure);
        }
    }

    /// Lets a refused key rest; says whether another one may do better.
    fn falls_over(&self, turn: Turn, failure: &Failure) -> bool {
        let answer = (failure.kind, failure.status);
        let over = self.keys.refused(turn, answer, failure.advice.wait, Instant::now().into_std());
        if over {
            self.health.counters.key_failovers.add_one();
            self.health.tell("a key was refused; it rests, and the next one is used");
        }
        over
    }

    /// One try.
    async fn attempt(
        &self,
        path: &'static str,
        (body, beside): (Bytes, Option<&HeaderMap>),
        turn: Option<Turn>,
        deadlines: &Deadlines,
        sent: Instant,
    ) -> Result<Response<Incoming>, Box<Failure>> {
        let authorization = turn.and_then(|turn| self.keys.authorization(turn));
        let answered =
            tokio::time::timeout_at(deadlines.headers(sent), self.client.post(path, body, authorization, beside)).await;
        let response = match answered {
            Ok(Ok(response)) => response,
            Ok(Err(unanswered)) => {
                self.health.tell(&unanswered.why);
                let kind = if unanswered.malformed { ErrorKind::Malformed } else { ErrorKind::Connect };
                return Err(Failure::unanswered(kind, sent));
            }
            Err(_) => return Err(Failure::unanswered(ErrorKind::Timeout, sent)),
        };
        if response.status().is_success() {
            return Ok(response);
        }
        let refused = Refused::read(response, deadlines.total).await;
        Err(Failure::answered(self.adapter(), refused, sent))
    }

    /// What follows a failed try; those that a refused key spoilt do not count.
    fn next(&self, failure: &Failure, keys_refused: u32, deadlines: &Deadlines) -> Decision {
        let attempt = failure.attempts.saturating_sub(keys_refused);
        let tried = Tried { attempt, kind: failure.kind, status: failure.status, advice: failure.advice };
        let left = deadlines.total.saturating_duration_since(Instant::now());
        match retry::decide(&self.config.retry, &tried, left, chance()) {
            Decision::Wait(_) if !self.health.spend_retry() => {
                self.health.counters.retries_over_budget.add_one();
                Decision::GiveUp
            }
            decision => decision,
        }
    }
}

/// A number in [0, 1) for spreading waits; the keys that the standard library draws for its maps are random enough.
fn chance() -> f64 {
    let bits = std::collections::hash_map::RandomState::new().hash_one(0_u8) >> 11;
    // 53 bits fit exactly.
    bits as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests;
