//! Callers: their keys, quotas and usage.

use super::super::names;
use super::super::readings::CallersReading;
use super::Page;
use super::writer::{Values, Writer, integer};
use std::fmt;

impl Page {
    pub(super) fn callers(&self, writer: &mut Writer<'_>) -> fmt::Result {
        let CallersReading { refusals, old_uses, kept } = &self.readings.callers;
        writer.counter(names::KEYS_REFUSED, refusals.refused.iter().map(|(reason, count)| (vec![*reason], *count)))?;
        writer.counter(names::KEYS_SLOWED, [(Values::new(), refusals.slowed)])?;
        writer.counter(names::KEYS_UNSLOWED, [(Values::new(), refusals.unslowed)])?;
        writer.gauge(names::KEYS_WAITING, [(Values::new(), integer(refusals.waiting))])?;
        writer.counter(names::KEYS_OLD_USES, [(Values::new(), *old_uses)])?;
        let Some((healthy, taken, refused)) = *kept else { return Ok(()) };
        writer.gauge(names::KEYS_HEALTHY, [(Values::new(), i64::from(healthy))])?;
        writer.counter(
            names::KEYS_CHANGES,
            [("taken", taken), ("refused", refused)].map(|(result, count)| (vec![result], count)),
        )
    }

    pub(super) fn quotas(&self, writer: &mut Writer<'_>) -> fmt::Result {
        let Some(quotas) = &self.readings.quotas else { return Ok(()) };
        let refused = quotas.refused.iter().map(|(limit, count)| (vec![limit.as_ref()], *count));
        writer.counter(names::QUOTA_REFUSED, refused)?;
        let left = quotas.left_percent.iter().map(|(limit, unit, percent)| (vec![limit.as_ref(), *unit], *percent));
        writer.gauge(names::QUOTA_LEFT, left)?;
        writer.gauge(names::QUOTA_OPEN, [(Values::new(), integer(quotas.open_calls))])?;
        writer.counter(names::QUOTA_EXPIRED, [(Values::new(), quotas.leases_expired)])?;
        writer.counter(names::QUOTA_LATE, [(Values::new(), quotas.settled_late)])?;
        writer.counter(names::QUOTA_JOURNAL_ERRORS, [(Values::new(), quotas.journal_errors)])?;
        writer.gauge(names::USAGE_ROWS, [(Values::new(), integer(quotas.usage_rows))])?;
        writer.counter(names::USAGE_FOLDED, [(Values::new(), quotas.usage_folded)])
    }
}
