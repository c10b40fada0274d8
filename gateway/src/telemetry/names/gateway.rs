//! Of the gateway itself: its requests, migrations, mirror, records, prices and process.

use super::{Metric, metric};

/// Overhead.
pub(in super::super) const OVERHEAD: Metric =
    metric("weighbridge_overhead_seconds", "From the last byte of a request to sending it to a provider", &[]);
/// In flight.
pub(in super::super) const IN_FLIGHT: Metric =
    metric("weighbridge_requests_in_flight", "Client requests being served", &[]);
/// Most in flight.
pub(in super::super) const IN_FLIGHT_MAX: Metric =
    metric("weighbridge_requests_in_flight_max", "Client requests that may be served at once", &[]);
/// Bytes of requests.
pub(in super::super) const HELD_BYTES: Metric = metric(
    "weighbridge_requests_held_bytes",
    "Bytes of all requests that are being read or wait for their answer to begin",
    &[],
);
/// Most bytes of requests.
pub(in super::super) const HELD_MAX_BYTES: Metric =
    metric("weighbridge_requests_held_max_bytes", "Bytes of all requests that may be held at once", &[]);
/// Shed.
pub(in super::super) const SHED: Metric =
    metric("weighbridge_requests_shed", "Client requests refused to keep others alive", &["reason"]);
/// Unfit.
pub(in super::super) const UNFIT: Metric = metric(
    "weighbridge_unfit",
    "Requests that stayed on the baseline because of a feature, by its name",
    &["migration", "feature"],
);
/// Arms.
pub(in super::super) const MIGRATION: Metric = metric(
    "weighbridge_migration",
    "A migration and the kinds of its providers",
    &["migration", "baseline", "candidate"],
);
/// Weight.
pub(in super::super) const WEIGHT: Metric =
    metric("weighbridge_weight_percent", "Share of units that the candidate serves", &["migration"]);
/// Shadow share.
pub(in super::super) const SHADOW_SHARE: Metric = metric(
    "weighbridge_shadow_percent",
    "Share of units that are mirrored where no stratum says otherwise",
    &["migration"],
);
/// Epoch.
pub(in super::super) const EPOCH: Metric = metric("weighbridge_epoch", "Epoch of constant weight", &["migration"]);
/// Pause.
pub(in super::super) const SHADOW_PAUSED: Metric =
    metric("weighbridge_shadow_paused", "1 while somebody has paused the migration's copies, else 0", &["migration"]);
/// Verdict.
pub(in super::super) const VERDICT: Metric = metric(
    "weighbridge_verdict",
    "1 for what the last verdict that was given says, else 0; absent while none was given",
    &["migration", "verdict"],
);
/// Age of the verdict.
pub(in super::super) const VERDICT_AGE: Metric = metric(
    "weighbridge_verdict_age_seconds",
    "Since the newest evidence of the last verdict; absent if it does not say",
    &["migration"],
);
/// Whether the verdict still says something.
pub(in super::super) const VERDICT_IN_FORCE: Metric = metric(
    "weighbridge_verdict_in_force",
    "1 while the last verdict is about the epoch in force and not older than a day, else 0",
    &["migration"],
);
/// Guardrails.
pub(in super::super) const GUARDRAIL: Metric = metric(
    "weighbridge_guardrail_state",
    "1 for each guardrail of the last verdict, with its state",
    &["migration", "metric", "segment", "state"],
);
/// Live guard.
pub(in super::super) const LIVE_GUARD: Metric = metric(
    "weighbridge_live_guard_state",
    "1 for the state of the live guard, which has no other samples: off, idle, watching, hard-stops, standing-in",
    &["migration", "state"],
);
/// Nearness of an alarm.
pub(in super::super) const LIVE_GUARD_PROGRESS: Metric = metric(
    "weighbridge_live_guard_progress",
    "Logarithm of the wealth nearest to its alarm as a share of what the alarm needs, below 0 while bets are lost",
    &["migration"],
);
/// Watched requests.
pub(in super::super) const LIVE_GUARD_REQUESTS: Metric = metric(
    "weighbridge_live_guard_requests",
    "Ended requests of the epoch that the live guard has counted, over all replicas",
    &["migration", "arm"],
);
/// Alarms.
pub(in super::super) const LIVE_GUARD_ALARMS: Metric =
    metric("weighbridge_live_guard_alarms", "Alarms of the live guard on this replica", &["migration"]);
/// Messages about alarms.
pub(in super::super) const LIVE_GUARD_MESSAGES: Metric = metric(
    "weighbridge_live_guard_messages",
    "Messages about alarms to webhooks, by what became of them",
    &["outcome"],
);
/// Lines of the audit file.
pub(in super::super) const AUDIT_LINES: Metric =
    metric("weighbridge_audit_lines", "Lines of the audit file, by what became of them", &["outcome"]);
/// Held.
pub(in super::super) const SHADOW_HELD: Metric =
    metric("weighbridge_shadow_held_copies", "Copies that wait or are under way", &[]);
/// Waiting.
pub(in super::super) const SHADOW_QUEUE: Metric =
    metric("weighbridge_shadow_queue_copies", "Copies that wait for a worker", &[]);
/// Most waiting.
pub(in super::super) const SHADOW_QUEUE_MAX: Metric =
    metric("weighbridge_shadow_queue_max_copies", "Copies that may wait; one more is dropped", &[]);
/// Bytes held.
pub(in super::super) const SHADOW_HELD_BYTES: Metric =
    metric("weighbridge_shadow_held_bytes", "Bytes of copies that wait or are under way", &[]);
/// Most bytes held.
pub(in super::super) const SHADOW_HELD_MAX_BYTES: Metric = metric(
    "weighbridge_shadow_held_max_bytes",
    "Bytes of copies that may wait or be under way; beyond it one is dropped",
    &[],
);
/// Tax.
pub(in super::super) const SHADOW_TAX: Metric = metric(
    "weighbridge_shadow_tax_seconds",
    "What copies cost a served request before it was sent: putting them in the other provider's terms, and offering them",
    &[],
);
/// Copies.
pub(in super::super) const SHADOW_FINISHED: Metric =
    metric("weighbridge_shadow_finished", "Copies sent and recorded", &[]);
/// Drops.
pub(in super::super) const SHADOW_DROPPED: Metric =
    metric("weighbridge_shadow_dropped", "Copies not made, by reason", &["reason"]);
/// Spent.
pub(in super::super) const SHADOW_SPENT: Metric =
    metric("weighbridge_shadow_spent_today_usd", "Spent or set aside for copies since 00:00 UTC, US dollars", &[]);
/// Bound of spending.
pub(in super::super) const SHADOW_BUDGET: Metric = metric(
    "weighbridge_shadow_budget_usd",
    "What copies may cost a day (UTC), US dollars; absent without a bound",
    &[],
);
/// Written.
pub(in super::super) const RECORDS_WRITTEN: Metric = metric("weighbridge_records_written", "Records written", &[]);
/// Records lost.
pub(in super::super) const RECORDS_DROPPED: Metric =
    metric("weighbridge_records_dropped", "Records not written, by reason", &["reason"]);
/// Record queue.
pub(in super::super) const RECORDS_QUEUE: Metric =
    metric("weighbridge_records_queue_lines", "Records that wait for the disk", &[]);
/// Most of the record queue.
pub(in super::super) const RECORDS_QUEUE_MAX: Metric =
    metric("weighbridge_records_queue_max_lines", "Records that may wait for the disk; one more is dropped", &[]);
/// Disk.
pub(in super::super) const RECORDS_HEALTHY: Metric =
    metric("weighbridge_records_healthy", "1 while records can be written, else 0", &[]);
/// Age of the price table.
pub(in super::super) const PRICE_AGE: Metric = metric(
    "weighbridge_price_table_age_seconds",
    "Since the price table was last compared with its sources; of two tables the older one",
    &[],
);
/// Doubtful prices.
pub(in super::super) const PRICE_STALE: Metric = metric(
    "weighbridge_price_stale",
    "1 if the price in force of a model in use is doubtful: ended, not verified, inferred, or old; else 0",
    &["provider", "model"],
);
/// Exported spans.
pub(in super::super) const SPANS_EXPORTED: Metric =
    metric("weighbridge_spans_exported", "Spans that the trace collector took", &[]);
/// Lost spans.
pub(in super::super) const SPANS_DROPPED: Metric =
    metric("weighbridge_spans_dropped", "Spans not exported, by reason", &["reason"]);
/// Build.
pub(in super::super) const BUILD: Metric = metric("weighbridge_build", "The program", &["version"]);
/// Start.
pub(in super::super) const PROCESS_START: Metric =
    metric("process_start_time_seconds", "Start of the process, seconds since the Unix epoch", &[]);
/// Memory.
pub(in super::super) const PROCESS_MEMORY: Metric = metric("process_resident_memory_bytes", "Resident memory", &[]);

/// All of them.
#[cfg(test)]
pub(super) const ALL: &[Metric] = &[
    OVERHEAD,
    IN_FLIGHT,
    IN_FLIGHT_MAX,
    HELD_BYTES,
    HELD_MAX_BYTES,
    SHED,
    UNFIT,
    MIGRATION,
    WEIGHT,
    SHADOW_SHARE,
    EPOCH,
    SHADOW_PAUSED,
    VERDICT,
    VERDICT_AGE,
    VERDICT_IN_FORCE,
    GUARDRAIL,
    LIVE_GUARD,
    LIVE_GUARD_PROGRESS,
    LIVE_GUARD_REQUESTS,
    LIVE_GUARD_ALARMS,
    LIVE_GUARD_MESSAGES,
    AUDIT_LINES,
    SHADOW_HELD,
    SHADOW_QUEUE,
    SHADOW_QUEUE_MAX,
    SHADOW_HELD_BYTES,
    SHADOW_HELD_MAX_BYTES,
    SHADOW_TAX,
    SHADOW_FINISHED,
    SHADOW_DROPPED,
    SHADOW_SPENT,
    SHADOW_BUDGET,
    RECORDS_WRITTEN,
    RECORDS_DROPPED,
    RECORDS_QUEUE,
    RECORDS_QUEUE_MAX,
    RECORDS_HEALTHY,
    PRICE_AGE,
    PRICE_STALE,
    SPANS_EXPORTED,
    SPANS_DROPPED,
    BUILD,
    PROCESS_START,
    PROCESS_MEMORY,
];
