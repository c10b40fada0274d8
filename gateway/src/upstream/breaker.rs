//! When a provider is left alone: a circuit breaker, pure, with the time as an argument.
//!
//! *Closed*, it counts outcomes over a sliding window and opens once there are enough of them and too many failed.
//! *Open*, it refuses everything, so that neither the provider nor the clients' patience is spent on a dead end; each
//! time in a row it stays open twice as long, up to a bound. Then it is *half-open*: a few requests at once may try.
//! The first that succeeds, or whose answer begins as it should, closes it; the first that fails opens it again.
//!
//! Every pass carries the generation in which it was given. The state may have changed several times before a long
//! stream ends; what was sent in an earlier generation says nothing about the present one and is not counted.
//!
//! Not here: what counts as a failure (see [`super::blame`]), and slowness. A slow provider is the deadlines' business.

use super::window::Window;
use crate::config::BreakerConfig;
use std::time::{Duration, Instant};

/// What a request says about the provider's health.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Success,
    Failure,
    /// One is enough: no request can succeed until somebody acts.
    Hopeless,
    /// Says nothing.
    Neutral,
}

/// The state's name, for metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum BreakerState {
    Closed,
    Open,
    HalfOpen,
}

/// The right to send one request. Has to be given back by [`Breaker::report`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pass {
    generation: u64,
    /// Given to find out whether the provider works again.
    pub probe: bool,
}

#[derive(Debug)]
enum State {
    Closed,
    Open { until: Instant },
    HalfOpen { probing: u32 },
}

/// See the module's text.
#[derive(Debug)]
pub(crate) struct Breaker {
    config: BreakerConfig,
    state: State,
    since: Instant,
    generation: u64,
    /// First count: successes; second: failures.
    window: Window,
    /// Times it opened without a good while between.
    row: u32,
    opened: u64,
}

impl Breaker {
    pub(crate) fn new(config: BreakerConfig, now: Instant) -> Self {
        let window = Window::new(config.window, now);
        Self { config, state: State::Closed, since: now, generation: 0, window, row: 0, opened: 0 }
    }

    /// Lets a request through, or says how long to leave the provider alone.
    pub(crate) fn admit(&mut self, now: Instant) -> Result<Pass, Duration> {
        if let State::Open { until } = self.state {
            let left = until.saturating_duration_since(now);
            if !left.is_zero() {
                return Err(left);
            }
            self.enter(State::HalfOpen { probing: 0 }, now);
        }
        if let State::HalfOpen { probing } = &mut self.state {
            if *probing >= self.config.probes {
                // Nobody knows when the probes end; the shortest time it would stay open is the honest guess.
                return Err(self.config.open_for);
            }
            *probing += 1;
            return Ok(Pass { generation: self.generation, probe: true });
        }
        Ok(Pass { generation: self.generation, probe: false })
    }

    /// A probe's answer began as it should: the provider works again, and nobody has to wait for the end of a long
    /// stream to know it. The pass is one of the new time, in which the outcome will count.
    pub(crate) fn begun(&mut self, pass: Pass, now: Instant) -> Pass {
        if pass.generation == self.generation && matches!(self.state, State::HalfOpen { .. }) {
            self.enter(State::Closed, now);
        }
        let current = pass.generation + 1 == self.generation && matches!(self.state, State::Closed);
        Pass { generation: if current { self.generation } else { pass.generation }, probe: false }
    }

    /// What became of an admitted request; returns the state if that changed it.
    pub(crate) fn report(&mut self, pass: Pass, outcome: Outcome, now: Instant) -> Option<BreakerState> {
        if pass.generation != self.generation {
            return None;
        }
        self.count(outcome, now);
        (pass.generation != self.generation).then(|| self.view(now).0)
    }

    fn count(&mut self, outcome: Outcome, now: Instant) {
        if let State::HalfOpen { probing } = &mut self.state {
            *probing = probing.saturating_sub(1);
            match outcome {
                Outcome::Success => self.enter(State::Closed, now),
                Outcome::Failure | Outcome::Hopeless => self.open(now),
                Outcome::Neutral => {}
            }
            return;
        }
        match outcome {
            Outcome::Success => self.window.add(0, now),
            Outcome::Failure => {
                self.window.add(1, now);
                if self.is_bad(now) {
                    self.open(now);
                }
            }
            Outcome::Hopeless => self.open(now),
            Outcome::Neutral => {}
        }
    }

    /// State, since when, and how often it opened.
    pub(crate) fn view(&self, now: Instant) -> (BreakerState, Instant, u64) {
        match self.state {
            State::Closed => (BreakerState::Closed, self.since, self.opened),
            State::Open { until } if until > now => (BreakerState::Open, self.since, self.opened),
            // Nobody has asked since the time is over: the next request is the first probe.
            State::Open { until } => (BreakerState::HalfOpen, until, self.opened),
            State::HalfOpen { .. } => (BreakerState::HalfOpen, self.since, self.opened),
        }
    }

    fn is_bad(&mut self, now: Instant) -> bool {
        let [successes, failures] = self.window.sums(now);
        let all = successes + failures;
        // Counts of a window are far below 2^53.
        all >= u64::from(self.config.minimum) && failures as f64 * 100.0 >= self.config.failure_percent * all as f64
    }

    fn open(&mut self, now: Instant) {
        let was_closed_long = matches!(self.state, State::Closed)
            && now.saturating_duration_since(self.since) >= self.config.open_for_max;
        self.row = if was_closed_long { 0 } else { self.row };
        let open_for = self.config.open_for.saturating_mul(1 << self.row.min(16)).min(self.config.open_for_max);
        self.row = self.row.saturating_add(1);
        self.opened += 1;
        self.enter(State::Open { until: now + open_for }, now);
    }

    fn enter(&mut self, state: State, now: Instant) {
        self.state = state;
        self.since = now;
        self.generation += 1;
        self.window.clear();
    }
}

#[cfg(test)]
mod tests;
