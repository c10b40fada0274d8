//! The live guards, whom they tell, and the audit file.

use super::super::names;
use super::Page;
use super::writer::{Writer, escaped};
use crate::live_guard::LiveGuardShown;
use std::fmt;

impl Page {
    pub(super) fn live_guards(&self, writer: &mut Writer<'_>) -> fmt::Result {
        let migrations = self.readings.migrations.iter();
        let guards: Vec<(_, &LiveGuardShown)> =
            migrations.filter_map(|one| Some((escaped(&one.name), one.live_guard.as_ref()?))).collect();
        writer.gauge(names::LIVE_GUARD, guards.iter().map(|(name, one)| (vec![name.as_ref(), one.state], 1_i64)))?;
        let near = guards.iter().filter_map(|(name, one)| {
            let nearest = one.nearest.as_ref()?;
            Some((vec![name.as_ref()], nearest.log_wealth / nearest.needed))
        });
        writer.gauge(names::LIVE_GUARD_PROGRESS, near)?;
        let arms = |one: &LiveGuardShown| [("baseline", one.baseline_requests), ("candidate", one.candidate_requests)];
        let requests = guards.iter().flat_map(|(name, one)| {
            arms(one).map(|(arm, count)| (vec![name.as_ref(), arm], super::writer::integer(count)))
        });
        writer.gauge(names::LIVE_GUARD_REQUESTS, requests)?;
        writer.counter(names::LIVE_GUARD_ALARMS, guards.iter().map(|(name, one)| (vec![name.as_ref()], one.alarms)))?;
        let messages = &self.readings.messages;
        let outcomes = [("delivered", messages.delivered), ("failed", messages.failed), ("dropped", messages.dropped)];
        writer.counter(names::LIVE_GUARD_MESSAGES, outcomes.map(|(outcome, count)| (vec![outcome], count)))?;
        let Some(audit) = &self.readings.audit else { return Ok(()) };
        let outcomes = [("written", audit.written), ("lost", audit.lost)];
        writer.counter(names::AUDIT_LINES, outcomes.map(|(outcome, count)| (vec![outcome], count)))
    }
}
