//! Of callers: keys, quotas and usage.

use super::{Metric, metric};

/// Refused callers.
pub(in super::super) const KEYS_REFUSED: Metric =
    metric("weighbridge_keys_refused", "Calls refused because of their key, by reason", &["reason"]);
/// Slowed guesses.
pub(in super::super) const KEYS_SLOWED: Metric =
    metric("weighbridge_keys_slowed", "Refusals told late, because many wrong keys came from one address", &[]);
/// Guesses that could not be slowed.
pub(in super::super) const KEYS_UNSLOWED: Metric =
    metric("weighbridge_keys_unslowed", "Refusals told at once, because as many wait already as may", &[]);
/// Guesses that wait.
pub(in super::super) const KEYS_WAITING: Metric =
    metric("weighbridge_keys_waiting", "Refusals that wait to be told", &[]);
/// Use of old keys.
pub(in super::super) const KEYS_OLD_USES: Metric = metric("weighbridge_keys_old_uses", "Calls with adopted keys", &[]);
/// Kept consumers.
pub(in super::super) const KEYS_HEALTHY: Metric =
    metric("weighbridge_keys_healthy", "1 while what is kept of consumers is in force, else 0", &[]);
/// Changes of kept consumers.
pub(in super::super) const KEYS_CHANGES: Metric =
    metric("weighbridge_keys_changes", "Changes of what is kept that others made, by result", &["result"]);
/// Quota refusals.
pub(in super::super) const QUOTA_REFUSED: Metric =
    metric("weighbridge_quota_refused", "Requests refused by a limit, by its name", &["limit"]);
/// Quota left.
pub(in super::super) const QUOTA_LEFT: Metric = metric(
    "weighbridge_quota_left_percent",
    "The smallest share of a limit that any of its accounts has left",
    &["limit", "unit"],
);
/// Quota holds.
pub(in super::super) const QUOTA_OPEN: Metric =
    metric("weighbridge_quota_open_calls", "Calls under way that have set something aside", &[]);
/// Quota leases.
pub(in super::super) const QUOTA_EXPIRED: Metric =
    metric("weighbridge_quota_leases_expired", "Calls that were never settled: what was set aside counts as used", &[]);
/// Late settlements.
pub(in super::super) const QUOTA_LATE: Metric =
    metric("weighbridge_quota_settled_late", "Calls that ended after their lease", &[]);
/// Journal.
pub(in super::super) const QUOTA_JOURNAL_ERRORS: Metric =
    metric("weighbridge_quota_journal_errors", "Lines of quotas and usage that could not be written", &[]);
/// Usage rows.
pub(in super::super) const USAGE_ROWS: Metric = metric("weighbridge_usage_rows", "Rows of the usage book", &[]);
/// Usage folded.
pub(in super::super) const USAGE_FOLDED: Metric =
    metric("weighbridge_usage_folded", "Records counted under `other` in the usage book, to bound its rows", &[]);

/// All of them.
#[cfg(test)]
pub(super) const ALL: &[Metric] = &[
    KEYS_REFUSED,
    KEYS_SLOWED,
    KEYS_UNSLOWED,
    KEYS_WAITING,
    KEYS_OLD_USES,
    KEYS_HEALTHY,
    KEYS_CHANGES,
    QUOTA_REFUSED,
    QUOTA_LEFT,
    QUOTA_OPEN,
    QUOTA_EXPIRED,
    QUOTA_LATE,
    QUOTA_JOURNAL_ERRORS,
    USAGE_ROWS,
    USAGE_FOLDED,
];
