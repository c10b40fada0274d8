//! How a guard stands, for the console, the admin plane and the metrics.

use super::watch::AlarmShown;
use crate::lane::Lane;
use serde::Serialize;

/// See the module's text.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct LiveGuardShown {
    /// `off`, `idle` (the candidate serves nothing), `watching`, `hard-stops` (no baseline is left to compare with), or
    /// `standing-in` (an alarm that the other replicas have not been told yet: this one serves the baseline).
    pub state: &'static str,
    /// The epoch that the numbers are about.
    pub epoch: u64,
    /// Requests of the candidate that ended, and those that failed; over all replicas.
    pub candidate_requests: u64,
    pub candidate_errors: u64,
    /// The same of the baseline.
    pub baseline_requests: u64,
    pub baseline_errors: u64,
    /// The guardrail that is nearest to its alarm; absent while nothing speaks against the candidate.
    pub nearest: Option<NearestShown>,
    /// While Redis is away this replica judges what it sees by itself, at its part of the level.
    pub alone: bool,
    /// Alarms since the start.
    pub alarms: u64,
    /// The last one.
    pub last_alarm: Option<AlarmShown>,
}

/// The guardrail that is nearest to its alarm.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct NearestShown {
    pub metric: String,
    /// Logarithm of its wealth, and what that must reach.
    pub log_wealth: f64,
    pub needed: f64,
    /// The same as a share, 0 to 1.
    pub progress: f64,
}

impl LiveGuardShown {
    /// The guard of a lane as it stands.
    pub(crate) fn of(lane: &Lane) -> Option<Self> {
        let migration = lane.migration.as_ref()?;
        let beside = lane.watch.beside();
        let weight = lane.snapshot().weights.candidate.bp();
        let state = match weight {
            _ if !migration.live_guard.enabled => "off",
            _ if beside.owed.is_some() => "standing-in",
            0 => "idle",
            10_000 => "hard-stops",
            _ => "watching",
        };
        let (candidate, baseline) = (&beside.sum.candidate, &beside.sum.baseline);
        let nearest = beside.standing.nearest.as_ref().map(|hint| NearestShown {
            metric: hint.metric.clone(),
            log_wealth: hint.log_wealth,
            needed: hint.needed,
            progress: (hint.log_wealth / hint.needed).clamp(0.0, 1.0),
        });
        Some(Self {
            state,
            epoch: beside.judged_epoch,
            candidate_requests: candidate.requests,
            candidate_errors: candidate.errors(),
            baseline_requests: baseline.requests,
            baseline_errors: baseline.errors(),
            nearest,
            alone: beside.apart,
            alarms: beside.alarms,
            last_alarm: beside.last.clone(),
        })
    }
}
