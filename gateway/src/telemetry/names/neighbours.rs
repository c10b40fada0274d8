//! Of what the gateway calls: providers, the guard's back ends, Redis.

use super::{Metric, metric};

/// Breaker.
pub(in super::super) const BREAKER: Metric = metric(
    "weighbridge_breaker_state",
    "1 for the state in which the circuit breaker is",
    &["provider", "plane", "state"],
);
/// Provider in flight.
pub(in super::super) const PROVIDER_IN_FLIGHT: Metric =
    metric("weighbridge_provider_in_flight", "Calls under way", &["provider", "plane"]);
/// Provider calls.
pub(in super::super) const PROVIDER_ATTEMPTS: Metric =
    metric("weighbridge_provider_attempts", "Calls, retries included", &["provider", "plane"]);
/// Provider retries.
pub(in super::super) const PROVIDER_RETRIES: Metric =
    metric("weighbridge_provider_retries", "Calls that were made again", &["provider", "plane"]);
/// Provider refusals.
pub(in super::super) const PROVIDER_REFUSED: Metric = metric(
    "weighbridge_provider_refused",
    "Calls not made, by reason: limit, breaker, or the retry budget",
    &["provider", "plane", "reason"],
);
/// Connections.
pub(in super::super) const PROVIDER_CONNECTS: Metric =
    metric("weighbridge_provider_connects", "Connections made or tried, by result", &["provider", "plane", "result"]);
/// Breaker openings.
pub(in super::super) const BREAKER_OPENED: Metric =
    metric("weighbridge_breaker_opened", "How often the circuit breaker opened", &["provider", "plane"]);
/// Keys of a provider.
pub(in super::super) const PROVIDER_KEYS: Metric = metric(
    "weighbridge_provider_keys",
    "Keys by state: in use, or resting because the provider refused them",
    &["provider", "plane", "state"],
);
/// Tries with another key.
pub(in super::super) const PROVIDER_KEY_FAILOVERS: Metric = metric(
    "weighbridge_provider_key_failovers",
    "Calls made again with another key because one was refused",
    &["provider", "plane"],
);
/// Texts to judge.
pub(in super::super) const GUARD_CHECKS: Metric =
    metric("weighbridge_guard_checks", "Texts given to a back end", &["backend"]);
/// Calls of back ends.
pub(in super::super) const GUARD_CALLS: Metric =
    metric("weighbridge_guard_calls", "Calls of a back end that ended, several for a long text", &["backend"]);
/// Known verdicts.
pub(in super::super) const GUARD_CACHED: Metric =
    metric("weighbridge_guard_cached", "Pieces of texts whose verdict was in memory", &["backend"]);
/// No verdict.
pub(in super::super) const GUARD_FAILURES: Metric =
    metric("weighbridge_guard_failures", "Pieces of texts that were not judged, by reason", &["backend", "reason"]);
/// Time of calls.
pub(in super::super) const GUARD_CALL: Metric =
    metric("weighbridge_guard_call_seconds", "How long a call of a back end took, well or not", &["backend"]);
/// Calls under way.
pub(in super::super) const GUARD_IN_FLIGHT: Metric =
    metric("weighbridge_guard_in_flight", "Calls of a back end under way", &["backend"]);
/// Memory of verdicts.
pub(in super::super) const GUARD_CACHE: Metric =
    metric("weighbridge_guard_cache_bytes", "Memory of verdicts, about", &["backend"]);
/// Decisions.
pub(in super::super) const GUARD_VERDICTS: Metric = metric(
    "weighbridge_guard_verdicts",
    "Requests and answers that a policy looked at before they went on, by what was done; answers it only observes, too",
    &["policy", "phase", "action"],
);
/// What was found.
pub(in super::super) const GUARD_FOUND: Metric = metric(
    "weighbridge_guard_found",
    "The same that had a category at its bar, once for each; blocked without any: category unjudged",
    &["policy", "phase", "category", "action", "consumer"],
);
/// What was not judged.
pub(in super::super) const GUARD_UNJUDGED: Metric = metric(
    "weighbridge_guard_unjudged",
    "The same that lack a back end's verdict, passed or not",
    &["policy", "phase", "backend", "reason"],
);
/// What is no text.
pub(in super::super) const GUARD_PARTS: Metric =
    metric("weighbridge_guard_other_parts", "Pictures, recordings and files in requests, which are not judged", &[]);
/// Added delay.
pub(in super::super) const GUARD_DELAY: Metric = metric(
    "weighbridge_guard_delay_seconds",
    "What the guard added: to a request, to a whole answer, to the first text and to the end of a stream",
    &["at"],
);
/// Breaker of a back end.
pub(in super::super) const GUARD_BREAKER: Metric = metric(
    "weighbridge_guard_breaker_state",
    "1 for the state in which a back end's circuit breaker is",
    &["backend", "state"],
);
/// Redis.
pub(in super::super) const REDIS_UP: Metric =
    metric("weighbridge_redis_up", "1 while the Redis that replicas share answers, else 0", &[]);
/// Calls of Redis.
pub(in super::super) const REDIS_CALLS: Metric =
    metric("weighbridge_redis_calls", "Calls of Redis by what they are for", &["function"]);
/// Failed calls of Redis.
pub(in super::super) const REDIS_FAILURES: Metric = metric(
    "weighbridge_redis_failures",
    "Calls of Redis that came to nothing: each does as redis.on_loss says",
    &["function"],
);

/// All of them.
#[cfg(test)]
pub(super) const ALL: &[Metric] = &[
    BREAKER,
    PROVIDER_IN_FLIGHT,
    PROVIDER_ATTEMPTS,
    PROVIDER_RETRIES,
    PROVIDER_REFUSED,
    PROVIDER_CONNECTS,
    BREAKER_OPENED,
    PROVIDER_KEYS,
    PROVIDER_KEY_FAILOVERS,
    GUARD_CHECKS,
    GUARD_CALLS,
    GUARD_CACHED,
    GUARD_FAILURES,
    GUARD_CALL,
    GUARD_IN_FLIGHT,
    GUARD_CACHE,
    GUARD_VERDICTS,
    GUARD_FOUND,
    GUARD_UNJUDGED,
    GUARD_PARTS,
    GUARD_DELAY,
    GUARD_BREAKER,
    REDIS_UP,
    REDIS_CALLS,
    REDIS_FAILURES,
];
