//! What the gateway calls: providers, the guard's back ends, Redis.

use super::super::names;
use super::Page;
use super::writer::{Values, Writer, count, escaped, integer};
use crate::replicas::FUNCTIONS;
use crate::upstream::BreakerState;
use std::fmt;

/// States of a breaker by their names.
const BREAKER_STATES: [(BreakerState, &str); 3] =
    [(BreakerState::Closed, "closed"), (BreakerState::Open, "open"), (BreakerState::HalfOpen, "half_open")];

impl Page {
    pub(super) fn upstreams(&self, writer: &mut Writer<'_>) -> fmt::Result {
        let named: Vec<_> =
            self.readings.providers.iter().map(|one| (escaped(&one.name), one.plane, &one.counts)).collect();
        let states = named.iter().flat_map(|(name, plane, counts)| {
            BREAKER_STATES.map(|(state, text)| (vec![name.as_ref(), plane, text], i64::from(state == counts.breaker)))
        });
        writer.gauge(names::BREAKER, states)?;
        let each = || named.iter().map(|(name, plane, counts)| (vec![name.as_ref(), *plane], *counts));
        writer.gauge(names::PROVIDER_IN_FLIGHT, each().map(|(labels, one)| (labels, count(one.in_flight))))?;
        writer.counter(names::PROVIDER_ATTEMPTS, each().map(|(labels, one)| (labels, one.attempts)))?;
        writer.counter(names::PROVIDER_RETRIES, each().map(|(labels, one)| (labels, one.retries + one.resends)))?;
        let refused = named.iter().flat_map(|(name, plane, counts)| {
            [("limit", counts.shed), ("breaker", counts.breaker_refused), ("retry_budget", counts.retries_over_budget)]
                .map(|(reason, count)| (vec![name.as_ref(), plane, reason], count))
        });
        writer.counter(names::PROVIDER_REFUSED, refused)?;
        let connects = named.iter().flat_map(|(name, plane, counts)| {
            [("made", counts.connects), ("failed", counts.connect_failures)]
                .map(|(result, count)| (vec![name.as_ref(), plane, result], count))
        });
        writer.counter(names::PROVIDER_CONNECTS, connects)?;
        let keys = named.iter().flat_map(|(name, plane, counts)| {
            [("in_use", counts.keys.saturating_sub(counts.keys_resting)), ("resting", counts.keys_resting)]
                .map(|(state, keys)| (vec![name.as_ref(), plane, state], count(keys)))
        });
        writer.gauge(names::PROVIDER_KEYS, keys)?;
        writer.counter(names::PROVIDER_KEY_FAILOVERS, each().map(|(labels, one)| (labels, one.key_failovers)))?;
        writer.counter(names::BREAKER_OPENED, each().map(|(labels, one)| (labels, one.breaker_opened)))
    }

    pub(super) fn guard(&self, writer: &mut Writer<'_>) -> fmt::Result {
        let guard = &self.readings.guard;
        let verdicts = &guard.verdicts;
        let outcomes = verdicts.outcomes.iter();
        writer.counter(
            names::GUARD_VERDICTS,
            outcomes.map(|((policy, phase, action), count)| (vec![&**policy, *phase, *action], *count)),
        )?;
        let found: Vec<_> = verdicts.findings.iter().map(|(key, count)| (escaped(&key.4), key, *count)).collect();
        let found = found.iter().map(|(consumer, (policy, phase, category, action, _), count)| {
            (vec![&**policy, *phase, *category, *action, consumer.as_ref()], *count)
        });
        writer.counter(names::GUARD_FOUND, found)?;
        let failures = verdicts.failures.iter();
        writer.counter(
            names::GUARD_UNJUDGED,
            failures.map(|((policy, phase, backend, why), count)| (vec![&**policy, *phase, &**backend, *why], *count)),
        )?;
        writer.counter(names::GUARD_PARTS, [(Values::new(), guard.unjudged)])?;
        let delays = guard.delays().map(|(at, histogram)| (vec![at], histogram.read()));
        writer.histogram(names::GUARD_DELAY, delays.filter(|(_, reading)| reading.count() > 0))
    }

    pub(super) fn moderators(&self, writer: &mut Writer<'_>) -> fmt::Result {
        let moderators = &self.readings.moderators;
        // Names of sections: nothing in them has to be escaped.
        let each = || moderators.iter().map(|one| (vec![one.name.as_str()], one));
        writer.counter(names::GUARD_CHECKS, each().map(|(labels, one)| (labels, one.checks)))?;
        writer.counter(names::GUARD_CALLS, each().map(|(labels, one)| (labels, one.calls)))?;
        writer.counter(names::GUARD_CACHED, each().map(|(labels, one)| (labels, one.cached)))?;
        let failures = moderators
            .iter()
            .flat_map(|one| one.failures.iter().map(|(reason, count)| (vec![one.name.as_str(), *reason], *count)));
        writer.counter(names::GUARD_FAILURES, failures)?;
        writer.histogram(names::GUARD_CALL, each().map(|(labels, one)| (labels, one.latency().read())))?;
        writer.gauge(names::GUARD_IN_FLIGHT, each().map(|(labels, one)| (labels, count(one.in_flight()))))?;
        writer.gauge(names::GUARD_CACHE, each().map(|(labels, one)| (labels, integer(one.cache_bytes()))))?;
        let states = moderators.iter().flat_map(|one| {
            BREAKER_STATES.map(|(state, text)| (vec![one.name.as_str(), text], i64::from(state == one.breaker())))
        });
        writer.gauge(names::GUARD_BREAKER, states)
    }

    pub(super) fn replicas(&self, writer: &mut Writer<'_>) -> fmt::Result {
        let Some(redis) = &self.readings.redis else { return Ok(()) };
        writer.gauge(names::REDIS_UP, [(Values::new(), i64::from(redis.up))])?;
        let each = |counts: &[u64; FUNCTIONS.len()]| FUNCTIONS.map(|name| vec![name]).into_iter().zip(*counts);
        writer.counter(names::REDIS_CALLS, each(&redis.calls))?;
        writer.counter(names::REDIS_FAILURES, each(&redis.failures))
    }
}
