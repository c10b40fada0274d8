//! Every metric: name, help and labels. Dashboards and alerts hold on to these; a name never changes its meaning.
//!
//! Units stand last (`_seconds`, `_usd`, `_tokens`, `_bytes`, `_percent`); counters get `_total` behind that. The two
//! `process_` names are those that every Prometheus client library uses, so that common dashboards find them.

/// One metric family.
#[derive(Debug, Clone, Copy)]
pub(super) struct Metric {
    /// Name without the `_total` of counters.
    pub name: &'static str,
    /// One sentence without its full stop.
    pub help: &'static str,
    /// Labels, in order.
    pub labels: &'static [&'static str],
}

const fn metric(name: &'static str, help: &'static str, labels: &'static [&'static str]) -> Metric {
    Metric { name, help, labels }
}

/// Labels of everything that is counted by exchange: one call of one provider for one request.
pub(super) const EXCHANGE: [&str; 7] = ["migration", "arm", "role", "provider", "model", "consumer", "endpoint"];
const EXCHANGE_OUTCOME: [&str; 8] =
    ["migration", "arm", "role", "provider", "model", "consumer", "endpoint", "outcome"];
const EXCHANGE_FAILURE: [&str; 8] =
    ["migration", "arm", "role", "provider", "model", "consumer", "endpoint", "failure"];

/// Exchanges.
pub(super) const EXCHANGES: Metric =
    metric("weighbridge_exchanges", "Ended exchanges by outcome: ok, or the kind of error", &EXCHANGE_OUTCOME);
/// Prompt tokens.
pub(super) const PROMPT_TOKENS: Metric =
    metric("weighbridge_prompt_tokens", "Prompt tokens, cached ones included", &EXCHANGE);
/// Cached prompt tokens.
pub(super) const CACHED_TOKENS: Metric =
    metric("weighbridge_prompt_cached_tokens", "Prompt tokens read from the provider's cache", &EXCHANGE);
/// Completion tokens.
pub(super) const COMPLETION_TOKENS: Metric =
    metric("weighbridge_completion_tokens", "Completion tokens, reasoning included", &EXCHANGE);
/// Reasoning tokens.
pub(super) const REASONING_TOKENS: Metric =
    metric("weighbridge_completion_reasoning_tokens", "Completion tokens spent on reasoning", &EXCHANGE);
/// Estimated usage.
pub(super) const USAGE_ESTIMATED: Metric = metric(
    "weighbridge_exchanges_usage_estimated",
    "Exchanges whose tokens are estimated because no report came",
    &EXCHANGE,
);
/// Estimated usage by reason.
pub(super) const USAGE_LOST: Metric = metric(
    "weighbridge_usage_estimated",
    "Exchanges whose tokens are estimated, by why no report came",
    &["arm", "reason"],
);
/// Money.
pub(super) const COST: Metric = metric("weighbridge_cost_usd", "Cost by the tariff of the time, US dollars", &EXCHANGE);
/// No price.
pub(super) const UNPRICED: Metric =
    metric("weighbridge_exchanges_unpriced", "Exchanges with tokens but without a known price", &EXCHANGE);
/// Age of the price table.
pub(super) const PRICE_AGE: Metric = metric(
    "weighbridge_price_table_age_seconds",
    "Since the price table was last compared with its sources; of two tables the older one",
    &[],
);
/// Doubtful prices.
pub(super) const PRICE_STALE: Metric = metric(
    "weighbridge_price_stale",
    "1 if the price in force of a model in use is doubtful: ended, not verified, inferred, or old; else 0",
    &["provider", "model"],
);
/// Latency.
pub(super) const DURATION: Metric =
    metric("weighbridge_duration_seconds", "From sending to the last byte, exchanges without an error", &EXCHANGE);
/// Time to first token.
pub(super) const FIRST_TOKEN: Metric =
    metric("weighbridge_first_token_seconds", "From sending to the first text of a streamed answer", &EXCHANGE);
/// Time per output token.
pub(super) const OUTPUT_TOKEN: Metric = metric(
    "weighbridge_output_token_seconds",
    "Mean time of each token after the first of a streamed answer",
    &EXCHANGE,
);
/// Fallbacks.
pub(super) const FALLBACKS: Metric =
    metric("weighbridge_fallbacks", "Answers of the baseline after the candidate had failed", &EXCHANGE);
/// Retries.
pub(super) const RETRIES: Metric = metric("weighbridge_retries", "Calls beyond the first of an exchange", &EXCHANGE);
/// Form.
pub(super) const FORM_FAILURES: Metric =
    metric("weighbridge_form_failures", "Answers that fail their form, by how they fail", &EXCHANGE_FAILURE);
/// Moderation.
pub(super) const MODERATION_BLOCKS: Metric =
    metric("weighbridge_moderation_blocks", "Exchanges whose content a moderator blocked", &EXCHANGE);
/// Folded.
pub(super) const FOLDED: Metric = metric(
    "weighbridge_exchanges_folded",
    "Exchanges counted under model or consumer `other`, to bound the number of series",
    &[],
);
/// Series.
pub(super) const SERIES: Metric = metric("weighbridge_series", "Label sets of exchanges in memory", &[]);
/// Overhead.
pub(super) const OVERHEAD: Metric =
    metric("weighbridge_overhead_seconds", "From the last byte of a request to sending it to a provider", &[]);

/// In flight.
pub(super) const IN_FLIGHT: Metric = metric("weighbridge_requests_in_flight", "Client requests being served", &[]);
/// Shed.
pub(super) const SHED: Metric =
    metric("weighbridge_requests_shed", "Client requests refused to keep others alive", &["reason"]);
/// Unfit.
pub(super) const UNFIT: Metric = metric(
    "weighbridge_unfit",
    "Requests that stayed on the baseline because of a feature, by its name",
    &["migration", "feature"],
);
/// Weight.
pub(super) const WEIGHT: Metric =
    metric("weighbridge_weight_percent", "Share of units that the candidate serves", &["migration"]);
/// Shadow share.
pub(super) const SHADOW_SHARE: Metric = metric(
    "weighbridge_shadow_percent",
    "Share of units that are mirrored where no stratum says otherwise",
    &["migration"],
);
/// Epoch.
pub(super) const EPOCH: Metric = metric("weighbridge_epoch", "Epoch of constant weight", &["migration"]);
/// Held.
pub(super) const SHADOW_HELD: Metric =
    metric("weighbridge_shadow_held_copies", "Copies that wait or are under way", &[]);
/// Bytes held.
pub(super) const SHADOW_HELD_BYTES: Metric =
    metric("weighbridge_shadow_held_bytes", "Bytes of copies that wait or are under way", &[]);
/// Copies.
pub(super) const SHADOW_FINISHED: Metric = metric("weighbridge_shadow_finished", "Copies sent and recorded", &[]);
/// Drops.
pub(super) const SHADOW_DROPPED: Metric =
    metric("weighbridge_shadow_dropped", "Copies not made, by reason", &["reason"]);
/// Spent.
pub(super) const SHADOW_SPENT: Metric =
    metric("weighbridge_shadow_spent_today_usd", "Spent or set aside for copies since 00:00 UTC, US dollars", &[]);
/// Written.
pub(super) const RECORDS_WRITTEN: Metric = metric("weighbridge_records_written", "Records written", &[]);
/// Records lost.
pub(super) const RECORDS_DROPPED: Metric =
    metric("weighbridge_records_dropped", "Records not written, by reason", &["reason"]);
/// Record queue.
pub(super) const RECORDS_QUEUE: Metric =
    metric("weighbridge_records_queue_lines", "Records that wait for the disk", &[]);
/// Disk.
pub(super) const RECORDS_HEALTHY: Metric =
    metric("weighbridge_records_healthy", "1 while records can be written, else 0", &[]);
/// Breaker.
pub(super) const BREAKER: Metric = metric(
    "weighbridge_breaker_state",
    "1 for the state in which the circuit breaker is",
    &["provider", "plane", "state"],
);
/// Provider in flight.
pub(super) const PROVIDER_IN_FLIGHT: Metric =
    metric("weighbridge_provider_in_flight", "Calls under way", &["provider", "plane"]);
/// Provider calls.
pub(super) const PROVIDER_ATTEMPTS: Metric =
    metric("weighbridge_provider_attempts", "Calls, retries included", &["provider", "plane"]);
/// Provider retries.
pub(super) const PROVIDER_RETRIES: Metric =
    metric("weighbridge_provider_retries", "Calls that were made again", &["provider", "plane"]);
/// Provider refusals.
pub(super) const PROVIDER_REFUSED: Metric = metric(
    "weighbridge_provider_refused",
    "Calls not made, by reason: limit, breaker, or the retry budget",
    &["provider", "plane", "reason"],
);
/// Connections.
pub(super) const PROVIDER_CONNECTS: Metric =
    metric("weighbridge_provider_connects", "Connections made or tried, by result", &["provider", "plane", "result"]);
/// Breaker openings.
pub(super) const BREAKER_OPENED: Metric =
    metric("weighbridge_breaker_opened", "How often the circuit breaker opened", &["provider", "plane"]);
/// Keys of a provider.
pub(super) const PROVIDER_KEYS: Metric = metric(
    "weighbridge_provider_keys",
    "Keys by state: in use, or resting because the provider refused them",
    &["provider", "plane", "state"],
);
/// Tries with another key.
pub(super) const PROVIDER_KEY_FAILOVERS: Metric = metric(
    "weighbridge_provider_key_failovers",
    "Calls made again with another key because one was refused",
    &["provider", "plane"],
);
/// Texts to judge.
pub(super) const GUARD_CHECKS: Metric = metric("weighbridge_guard_checks", "Texts given to a back end", &["backend"]);
/// Calls of back ends.
pub(super) const GUARD_CALLS: Metric =
    metric("weighbridge_guard_calls", "Calls of a back end that ended, several for a long text", &["backend"]);
/// Known verdicts.
pub(super) const GUARD_CACHED: Metric =
    metric("weighbridge_guard_cached", "Pieces of texts whose verdict was in memory", &["backend"]);
/// No verdict.
pub(super) const GUARD_FAILURES: Metric =
    metric("weighbridge_guard_failures", "Pieces of texts that were not judged, by reason", &["backend", "reason"]);
/// Time of calls.
pub(super) const GUARD_CALL: Metric =
    metric("weighbridge_guard_call_seconds", "How long a call of a back end took, well or not", &["backend"]);
/// Calls under way.
pub(super) const GUARD_IN_FLIGHT: Metric =
    metric("weighbridge_guard_in_flight", "Calls of a back end under way", &["backend"]);
/// Memory of verdicts.
pub(super) const GUARD_CACHE: Metric =
    metric("weighbridge_guard_cache_bytes", "Memory of verdicts, about", &["backend"]);
/// Decisions.
pub(super) const GUARD_VERDICTS: Metric = metric(
    "weighbridge_guard_verdicts",
    "Requests and answers that a policy looked at before they went on, by what was done; answers it only observes, too",
    &["policy", "phase", "action"],
);
/// What was found.
pub(super) const GUARD_FOUND: Metric = metric(
    "weighbridge_guard_found",
    "The same that had a category at its bar, once for each; blocked without any: category unjudged",
    &["policy", "phase", "category", "action", "consumer"],
);
/// What was not judged.
pub(super) const GUARD_UNJUDGED: Metric = metric(
    "weighbridge_guard_unjudged",
    "The same that lack a back end's verdict, passed or not",
    &["policy", "phase", "backend", "reason"],
);
/// What is no text.
pub(super) const GUARD_PARTS: Metric =
    metric("weighbridge_guard_other_parts", "Pictures, recordings and files in requests, which are not judged", &[]);
/// Added delay.
pub(super) const GUARD_DELAY: Metric = metric(
    "weighbridge_guard_delay_seconds",
    "What the guard added: to a request, to a whole answer, to the first text and to the end of a stream",
    &["at"],
);
/// Breaker of a back end.
pub(super) const GUARD_BREAKER: Metric = metric(
    "weighbridge_guard_breaker_state",
    "1 for the state in which a back end's circuit breaker is",
    &["backend", "state"],
);
/// Redis.
pub(super) const REDIS_UP: Metric =
    metric("weighbridge_redis_up", "1 while the Redis that replicas share answers, else 0", &[]);
/// Calls of Redis.
pub(super) const REDIS_CALLS: Metric =
    metric("weighbridge_redis_calls", "Calls of Redis by what they are for", &["function"]);
/// Failed calls of Redis.
pub(super) const REDIS_FAILURES: Metric = metric(
    "weighbridge_redis_failures",
    "Calls of Redis that came to nothing: each does as redis.on_loss says",
    &["function"],
);
/// Refused callers.
pub(super) const KEYS_REFUSED: Metric =
    metric("weighbridge_keys_refused", "Calls refused because of their key, by reason", &["reason"]);
/// Slowed guesses.
pub(super) const KEYS_SLOWED: Metric =
    metric("weighbridge_keys_slowed", "Refusals told late, because many wrong keys came from one address", &[]);
/// Guesses that could not be slowed.
pub(super) const KEYS_UNSLOWED: Metric =
    metric("weighbridge_keys_unslowed", "Refusals told at once, because as many wait already as may", &[]);
/// Guesses that wait.
pub(super) const KEYS_WAITING: Metric = metric("weighbridge_keys_waiting", "Refusals that wait to be told", &[]);
/// Use of old keys.
pub(super) const KEYS_OLD_USES: Metric = metric("weighbridge_keys_old_uses", "Calls with adopted keys", &[]);
/// Kept consumers.
pub(super) const KEYS_HEALTHY: Metric =
    metric("weighbridge_keys_healthy", "1 while what is kept of consumers is in force, else 0", &[]);
/// Changes of kept consumers.
pub(super) const KEYS_CHANGES: Metric =
    metric("weighbridge_keys_changes", "Changes of what is kept that others made, by result", &["result"]);
/// Quota refusals.
pub(super) const QUOTA_REFUSED: Metric =
    metric("weighbridge_quota_refused", "Requests refused by a limit, by its name", &["limit"]);
/// Quota left.
pub(super) const QUOTA_LEFT: Metric = metric(
    "weighbridge_quota_left_percent",
    "The smallest share of a limit that any of its accounts has left",
    &["limit", "unit"],
);
/// Quota holds.
pub(super) const QUOTA_OPEN: Metric =
    metric("weighbridge_quota_open_calls", "Calls under way that have set something aside", &[]);
/// Quota leases.
pub(super) const QUOTA_EXPIRED: Metric =
    metric("weighbridge_quota_leases_expired", "Calls that were never settled: what was set aside counts as used", &[]);
/// Late settlements.
pub(super) const QUOTA_LATE: Metric =
    metric("weighbridge_quota_settled_late", "Calls that ended after their lease", &[]);
/// Journal.
pub(super) const QUOTA_JOURNAL_ERRORS: Metric =
    metric("weighbridge_quota_journal_errors", "Lines of quotas and usage that could not be written", &[]);
/// Usage rows.
pub(super) const USAGE_ROWS: Metric = metric("weighbridge_usage_rows", "Rows of the usage book", &[]);
/// Usage folded.
pub(super) const USAGE_FOLDED: Metric =
    metric("weighbridge_usage_folded", "Records counted under `other` in the usage book, to bound its rows", &[]);
/// Exported spans.
pub(super) const SPANS_EXPORTED: Metric =
    metric("weighbridge_spans_exported", "Spans that the trace collector took", &[]);
/// Lost spans.
pub(super) const SPANS_DROPPED: Metric =
    metric("weighbridge_spans_dropped", "Spans not exported, by reason", &["reason"]);
/// Build.
pub(super) const BUILD: Metric = metric("weighbridge_build", "The program", &["version"]);
/// Start.
pub(super) const PROCESS_START: Metric =
    metric("process_start_time_seconds", "Start of the process, seconds since the Unix epoch", &[]);
/// Memory.
pub(super) const PROCESS_MEMORY: Metric = metric("process_resident_memory_bytes", "Resident memory", &[]);

/// All of them.
#[cfg(test)]
pub(super) const ALL: &[Metric] = &[
    EXCHANGES,
    PROMPT_TOKENS,
    CACHED_TOKENS,
    COMPLETION_TOKENS,
    REASONING_TOKENS,
    USAGE_ESTIMATED,
    USAGE_LOST,
    COST,
    UNPRICED,
    PRICE_AGE,
    PRICE_STALE,
    DURATION,
    FIRST_TOKEN,
    OUTPUT_TOKEN,
    FALLBACKS,
    RETRIES,
    FORM_FAILURES,
    MODERATION_BLOCKS,
    FOLDED,
    SERIES,
    OVERHEAD,
    IN_FLIGHT,
    SHED,
    UNFIT,
    WEIGHT,
    SHADOW_SHARE,
    EPOCH,
    SHADOW_HELD,
    SHADOW_HELD_BYTES,
    SHADOW_FINISHED,
    SHADOW_DROPPED,
    SHADOW_SPENT,
    RECORDS_WRITTEN,
    RECORDS_DROPPED,
    RECORDS_QUEUE,
    RECORDS_HEALTHY,
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
    GUARD_BREAKER,
    REDIS_UP,
    REDIS_CALLS,
    REDIS_FAILURES,
    KEYS_REFUSED,
    KEYS_SLOWED,
    KEYS_UNSLOWED,
    KEYS_WAITING,
    KEYS_OLD_USES,
    KEYS_HEALTHY,
    KEYS_CHANGES,
    GUARD_VERDICTS,
    GUARD_FOUND,
    GUARD_UNJUDGED,
    GUARD_PARTS,
    GUARD_DELAY,
    QUOTA_REFUSED,
    QUOTA_LEFT,
    QUOTA_OPEN,
    QUOTA_EXPIRED,
    QUOTA_LATE,
    QUOTA_JOURNAL_ERRORS,
    USAGE_ROWS,
    USAGE_FOLDED,
    SPANS_EXPORTED,
    SPANS_DROPPED,
    BUILD,
    PROCESS_START,
    PROCESS_MEMORY,
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn names_are_unique_and_follow_the_rules() {
        let names: BTreeSet<&str> = ALL.iter().map(|metric| metric.name).collect();
        assert_eq!(names.len(), ALL.len());
        for metric in ALL {
            let name = metric.name;
            assert!(name.starts_with("weighbridge_") || name.starts_with("process_"), "{name}");
            assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{name}");
            // The page writer adds these itself.
            assert!(["_total", "_info", "_bucket", "_count", "_sum"].iter().all(|end| !name.ends_with(end)), "{name}");
            assert!(!metric.help.is_empty() && !metric.help.ends_with('.'), "{name}");
            let units = ["seconds", "usd", "tokens", "bytes", "percent"];
            let misplaced = units.iter().find(|unit| name.contains(&format!("_{unit}_")));
            assert_eq!(misplaced, None, "{name}: units stand last");
        }
    }
}
