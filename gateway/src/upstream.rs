//! Calls to providers: deadlines, retries, a breaker and a bound on what is under way, before the first byte of the
//! answer. From then on the relay has the word.
//!
//! Deciding is pure and in files of its own ([`retry`], [`breaker`], [`blame`], [`deadlines`]); this file puts it in
//! order. Serving and mirroring have an [`Upstream`] each, so that no pool, no bound and no breaker is shared between
//! what clients wait for and what nobody waits for.

mod blame;
mod breaker;
mod client;
mod counters;
mod deadlines;
mod failure;
mod keyring;
mod link;
mod retry;
mod slot;
mod window;

pub(crate) use breaker::BreakerState;
pub use client::UpstreamError;
pub(crate) use counters::UpstreamCounts;
pub(crate) use failure::{Failure, Refusal};
pub(crate) use slot::Slot;

use crate::config::ProviderConfig;
use bytes::Bytes;
use client::Client;
use counters::Counters;
use deadlines::Deadlines;
use failure::Refused;
use http::{HeaderValue, Response};
use hyper::body::Incoming;
use keyring::Keyring;
use retry::{Decision, Tried};
use slot::Health;
use std::hash::BuildHasher;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;
use wire::ErrorKind;
use wire::provider::Adapter;

/// One provider, as one purpose reaches it.
#[derive(Debug)]
pub(crate) struct Upstream {
    pub config: ProviderConfig,
    client: Client,
    /// Which of several keys is used; `None` where there is nothing to choose.
    keyring: Option<Mutex<Keyring>>,
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
        let keys = config.authorizations.len();
        let keyring = (keys > 1).then(|| Mutex::new(Keyring::new(keys, config.key_use)));
        Ok(Self { config, client, keyring, health })
    }

    pub(crate) fn adapter(&self) -> &'static dyn Adapter {
        self.config.kind.adapter()
    }

    /// The numbers of this moment.
    pub(crate) fn counts(&self) -> UpstreamCounts {
        self.health.counts()
    }

    /// Whether as many requests are under way as may be.
    pub(crate) fn is_full(&self) -> bool {
        self.health.is_full()
    }

    /// Whether a call would be let through by the breaker: `Open` refuses, `HalfOpen` lets a few try.
    pub(crate) fn breaker_state(&self) -> BreakerState {
        self.health.breaker_state()
    }

    /// Sends a request and returns at the headers of a good answer, after as many tries as the configuration allows.
    ///
    /// # Errors
    /// The last try's failure, or a [`Refusal`] of the gateway itself; nothing has reached the client by then.
    pub(crate) async fn send(&self, path: &'static str, body: Bytes, streamed: bool) -> Result<Sent, Box<Failure>> {
        let counters = &self.health.counters;
        let begun = Instant::now();
        let deadlines = Deadlines::begin(self.config.timeouts, streamed, begun);
        let Some(mut slot) = Slot::take(&self.health) else {
            counters.shed.add_one();
            return Err(Failure::refused(Refusal::Full, Duration::from_secs(1), begun));
        };
        let mut last: Option<Box<Failure>> = None;
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
            let mut failure = match self.attempt(path, body.clone(), &deadlines, sent).await {
                Ok(response) => {
                    let (sent, deadline) = (begun.into_std(), deadlines.total);
                    return Ok(Sent { response, attempts, sent, deadline, slot });
                }
                Err(failure) => failure,
            };
            failure.attempts = attempts;
            failure.sent = begun.into_std();
            slot.report_outcome(blame::outcome(failure.kind, failure.status));
            match self.next(&failure, &deadlines) {
                Decision::Wait(wait) => tokio::time::sleep(wait).await,
                Decision::GiveUp => return Err(failure),
            }
            last = Some(failure);
        }
    }

    /// One try, with another key where one is refused: nobody has seen anything of it yet, and no wait would mend it.
    async fn attempt(
        &self,
        path: &'static str,
        body: Bytes,
        deadlines: &Deadlines,
        sent: Instant,
    ) -> Result<Response<Incoming>, Box<Failure>> {
        let Some(keyring) = &self.keyring else { return self.call(path, body, None, deadlines, sent).await };
        let keyring = || keyring.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let key = keyring().pick(Instant::now());
            let authorization = self.config.authorizations.get(key);
            let failure = match self.call(path, body.clone(), authorization, deadlines, sent).await {
                Ok(response) => {
                    keyring().accepted(key);
                    return Ok(response);
                }
                Err(failure) => failure,
            };
            let is_refused = blame::outcome(failure.kind, failure.status) == breaker::Outcome::Hopeless;
            if !is_refused {
                return Err(failure);
            }
            self.health.counters.keys_refused.add_one();
            if !keyring().refused(key, Instant::now()) {
                return Err(failure);
            }
            tracing::warn!(
                provider = self.config.name,
                key = key + 1,
                status = failure.status,
                "a key is refused; trying another one"
            );
            self.health.counters.attempts.add_one();
        }
    }

    /// One call.
    async fn call(
        &self,
        path: &'static str,
        body: Bytes,
        authorization: Option<&HeaderValue>,
        deadlines: &Deadlines,
        sent: Instant,
    ) -> Result<Response<Incoming>, Box<Failure>> {
        let post = self.client.post(path, body, authorization);
        let answered = tokio::time::timeout_at(deadlines.headers(sent), post).await;
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

    /// What follows a failed try.
    fn next(&self, failure: &Failure, deadlines: &Deadlines) -> Decision {
        let tried =
            Tried { attempt: failure.attempts, kind: failure.kind, status: failure.status, advice: failure.advice };
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
