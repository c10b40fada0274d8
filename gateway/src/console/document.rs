//! What the console shows, as one document: `"schema": "weighbridge.console/1"`.
//!
//! Fields may be added; one that stands here keeps its meaning. A number that does not exist is absent (`null`), never 0.

use super::history::{Curves, Point};
use crate::admin::ShadowPause;
use crate::admin::audit::AuditEntry;
use crate::admin::verdict::Shown;
use crate::live_guard::LiveGuardShown;
use crate::telemetry::{Counts, Sample};
use crate::upstream::BreakerState;
use serde::Serialize;
use std::collections::BTreeMap;

pub(super) const SCHEMA: &str = "weighbridge.console/1";

/// Everything.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Document {
    pub schema: &'static str,
    pub at_us: i64,
    pub version: &'static str,
    pub started_us: i64,
    pub config_digest: String,
    /// It serves what is under way and then ends.
    pub stopping: bool,
    /// `None` for a gateway that is alone.
    pub replicas: Option<ReplicasShown>,
    pub migrations: Vec<MigrationShown>,
    pub shadow: ShadowShown,
    /// `None` where no evidence is kept.
    pub records: Option<RecordsShown>,
    /// From a request's arrival until it was sent, over the window.
    pub overhead_us: Option<Quantiles>,
    pub in_flight: u64,
    /// Requests refused since the start because as many were served as may be.
    pub shed: u64,
    pub providers: Vec<ProviderShown>,
    pub guards: Vec<GuardShown>,
    pub consumers: Vec<ConsumerShown>,
    /// Consumers that are not shown.
    pub consumers_left_out: usize,
    /// Usage is kept; without it nobody knows who has called today.
    pub usage_kept: bool,
    /// The latest changes, the newest last.
    pub audit: Vec<AuditEntry>,
    pub prices: PricesShown,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub history: Option<Curves>,
}

#[derive(Debug, Clone, Default, Serialize)]
pub(super) struct ReplicasShown {
    pub redis_up: bool,
    /// Those that live, as Redis heard them last.
    pub names: Vec<String>,
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct MigrationShown {
    pub name: String,
    pub baseline: String,
    pub candidate: String,
    pub weight_percent: f64,
    pub shadow_percent: f64,
    pub shadow_paused: Option<ShadowPause>,
    pub epoch: u64,
    pub arms: Vec<ArmShown>,
    pub verdict: Option<Shown>,
    pub live_guard: Option<LiveGuardShown>,
}

/// An arm in one role. Sums are of the window unless they say otherwise.
#[derive(Debug, Clone, Serialize)]
pub(super) struct ArmShown {
    pub arm: &'static str,
    pub role: &'static str,
    pub provider: String,
    pub window_seconds: u64,
    pub requests: u64,
    pub per_second: f64,
    /// By the provider, or on the way to it.
    pub errors: u64,
    /// These, and what was nobody's fault: the client left, the gateway stopped or was full.
    pub errors_by_kind: BTreeMap<&'static str, u64>,
    /// Of the requests: answered in place of a candidate that failed.
    pub fallbacks: u64,
    /// Since the start: requests that the candidate cannot serve. Only of the arm that serves them.
    pub unfit: Option<u64>,
    pub ttft_us: Option<Quantiles>,
    /// Until the first text that a person sees: thinking is before it.
    pub first_visible_us: Option<Quantiles>,
    pub duration_us: Option<Quantiles>,
    pub output_token_us: Option<Quantiles>,
    pub tokens: TokensShown,
    pub cost_nanos: u64,
    /// Requests with tokens and without a known price: their cost is not in the sum.
    pub unpriced: u64,
    pub moderation_blocks: u64,
    /// Answers that the gateway's own guard blocked or cut.
    pub guard_blocks: u64,
    pub since_start: SinceStart,
    /// The newest point of its curves, with which a page that has `history` goes on. `None` before the second sample.
    pub point: Option<Point>,
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct SinceStart {
    pub requests: u64,
    pub errors: u64,
    pub cost_nanos: u64,
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct TokensShown {
    pub prompt: u64,
    /// Part of `prompt`.
    pub cached: u64,
    pub completion: u64,
    /// Part of `completion`.
    pub reasoning: u64,
    /// Requests whose tokens are estimated, because no report came.
    pub estimated: u64,
}

/// Microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(super) struct Quantiles {
    pub p50: u64,
    pub p95: u64,
    pub p99: u64,
}

impl Quantiles {
    /// `None` where nothing was measured.
    pub(super) fn of(counts: &Counts) -> Option<Self> {
        let at = |share| counts.quantile_us(share);
        Some(Self { p50: at(0.5)?, p95: at(0.95)?, p99: at(0.99)? })
    }
}

impl TokensShown {
    pub(super) const fn of(sums: &Sample) -> Self {
        Self {
            prompt: sums.prompt_tokens,
            cached: sums.cached_tokens,
            completion: sums.completion_tokens,
            reasoning: sums.reasoning_tokens,
            estimated: sums.estimated,
        }
    }
}

/// The mirror, all migrations together, since the start.
#[derive(Debug, Clone, Serialize)]
pub(super) struct ShadowShown {
    pub held: u64,
    pub held_bytes: u64,
    pub finished: u64,
    pub dropped: u64,
    pub dropped_by_reason: BTreeMap<&'static str, u64>,
    pub queue_jobs_max: usize,
    pub spent_today_nanos: i64,
    /// `None`: no bound.
    pub cost_per_day_max_nanos: Option<i64>,
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct RecordsShown {
    pub written: u64,
    /// Refused by a full queue or by the disk, too long, or not to be written.
    pub lost: u64,
    pub queue_lines: u64,
    pub healthy: bool,
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct ProviderShown {
    pub name: String,
    pub serving: ClientShown,
    pub mirroring: ClientShown,
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct ClientShown {
    pub breaker: BreakerState,
    pub in_flight: usize,
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct GuardShown {
    pub backend: String,
    pub checks: u64,
    pub failures: u64,
    pub breaker: BreakerState,
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct ConsumerShown {
    pub name: String,
    /// What the consumer pays for, this UTC day. `None` where no usage is kept.
    pub today: Option<TodayShown>,
    pub quotas: Vec<QuotaShown>,
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct TodayShown {
    pub requests: u64,
    pub tokens: u64,
    pub cost_nanos: i64,
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct QuotaShown {
    pub limit: String,
    pub unit: &'static str,
    pub max: u64,
    pub used: u64,
    pub set_aside: u64,
    pub left_percent: f64,
    /// Microseconds until all of it is free again; `None`: it never is by itself.
    pub resets_us: Option<i64>,
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct PricesShown {
    pub age_days: i64,
    pub stale: Vec<PriceShown>,
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct PriceShown {
    pub provider: String,
    pub model: String,
}
