//! Puts the document together from what all parts count anyway.

use super::document::{
    ArmShown, ClientShown, Document, GuardShown, MigrationShown, PriceShown, PricesShown, ProviderShown, Quantiles,
    RecordsShown, ReplicasShown, SCHEMA, ShadowShown, SinceStart, TokensShown,
};
use super::history::{Curves, History, Window, per_second};
use super::slow::Slow;
use crate::config::Config;
use crate::lane::{Lane, Link};
use crate::live_guard::LiveGuardShown;
use crate::recorder::RecorderCounts;
use crate::safety::ModeratorReading;
use crate::state::Shared;
use crate::telemetry::{ArmKey, Sample};
use crate::upstream::Upstream;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Arms and roles in the order in which they are shown.
const ARMS: [(&str, &str); 4] =
    [("baseline", "served"), ("candidate", "served"), ("candidate", "shadow"), ("baseline", "repeat")];
const DAY_US: i64 = 86_400_000_000;

/// What stands still while a document is made.
pub(super) struct Look<'a> {
    pub shared: &'a Shared,
    pub history: &'a History,
    pub slow: &'a Slow,
    pub now_us: i64,
}

impl Look<'_> {
    /// The document; `curves` go with the first one of a stream only.
    pub(super) fn document(&self, curves: Option<Curves>) -> Document {
        let (shared, now_us) = (self.shared, self.now_us);
        let plane = shared.plane.load();
        let mut arms = shared.metrics.sample();
        let in_flight = shared.permits_max.saturating_sub(shared.permits.available_permits());
        Document {
            schema: SCHEMA,
            at_us: now_us,
            version: env!("CARGO_PKG_VERSION"),
            started_us: shared.console.started_us,
            config_digest: plane.config.digest.clone(),
            stopping: shared.leaving.is_cancelled(),
            replicas: shared
                .replicas
                .as_ref()
                .map(|replicas| ReplicasShown { redis_up: replicas.counts().up, names: self.slow.replicas.clone() }),
            migrations: plane.lanes.iter().map(|lane| self.migration(lane, &mut arms)).collect(),
            shadow: shadow(shared, now_us),
            records: shared.records.as_ref().map(|_| records(&shared.recorder.counts())),
            overhead_us: Quantiles::of(&self.history.overhead(shared.metrics.overhead(), now_us)),
            in_flight: u64::try_from(in_flight).unwrap_or(u64::MAX),
            shed: shared.metrics.shed_so_far(),
            providers: plane.links.iter().map(|(name, link)| provider(name, link)).collect(),
            guards: plane.moderators.readings().iter().map(guard).collect(),
            consumers: self.slow.consumers.clone(),
            consumers_left_out: self.slow.consumers_left_out,
            usage_kept: self.slow.usage_kept,
            audit: self.slow.audit.clone(),
            prices: prices(&plane.config, now_us),
            history: curves,
        }
    }

    fn migration(&self, lane: &Lane, arms: &mut BTreeMap<ArmKey, Sample>) -> MigrationShown {
        let snapshot = lane.snapshot();
        let name = lane.name();
        let verdict = self.shared.verdicts.of(name);
        let shown = |(arm, role): (&'static str, &'static str)| {
            let key = ArmKey { migration: name.to_owned(), arm, role };
            let live = arms.remove(&key);
            let is_shown = live.is_some() || is_expected(lane, role);
            is_shown.then(|| self.arm(lane, &key, live.unwrap_or_default()))
        };
        MigrationShown {
            arms: ARMS.into_iter().filter_map(shown).collect(),
            name: name.to_owned(),
            baseline: name_of(Some(&lane.baseline)),
            candidate: name_of(lane.candidate.as_ref()),
            weight_percent: snapshot.weights.candidate.percent(),
            shadow_percent: snapshot.weights.shadow.percent(),
            shadow_paused: lane.pause(),
            epoch: snapshot.epoch,
            live_guard: LiveGuardShown::of(lane),
            verdict: verdict.map(|kept| kept.shown(snapshot.epoch, self.now_us)),
        }
    }

    fn arm(&self, lane: &Lane, key: &ArmKey, live: Sample) -> ArmShown {
        let since_start = SinceStart { requests: live.requests(), errors: live.errors(), cost_nanos: live.cost_nanos };
        let Window { sums, seconds } = self.history.window(key, live, self.now_us, self.shared.console.started_us);
        let link = if key.arm == "candidate" { lane.candidate.as_ref() } else { Some(&lane.baseline) };
        let stays = key.arm == "baseline" && key.role == "served";
        ArmShown {
            arm: key.arm,
            role: key.role,
            provider: name_of(link),
            window_seconds: whole_seconds(seconds),
            requests: sums.requests(),
            per_second: per_second(sums.requests(), seconds),
            errors: sums.errors(),
            errors_by_kind: sums.by_kind().collect(),
            fallbacks: sums.fallbacks,
            unfit: stays.then(|| self.shared.metrics.unfit_so_far(&key.migration)),
            ttft_us: Quantiles::of(&sums.first_token),
            first_visible_us: Quantiles::of(&sums.first_visible),
            duration_us: Quantiles::of(&sums.duration),
            output_token_us: Quantiles::of(&sums.output_token),
            tokens: TokensShown::of(&sums),
            cost_nanos: sums.cost_nanos,
            unpriced: sums.unpriced,
            moderation_blocks: sums.moderation_blocks,
            guard_blocks: sums.guard_blocks,
            since_start,
            point: self.history.newest(key),
        }
    }
}

/// A provider by the name that it is configured under, as in the list of providers.
fn name_of(link: Option<&Arc<Link>>) -> String {
    link.map(|link| link.config.name.clone()).unwrap_or_default()
}

/// Whether an arm is shown before anything was asked of it.
fn is_expected(lane: &Lane, role: &str) -> bool {
    let sampling = lane.migration.as_ref().map(|migration| &migration.sampling);
    match role {
        "shadow" => sampling.is_some_and(|sampling| sampling.mirrors(lane.snapshot().weights.shadow)),
        "repeat" => sampling.is_some_and(|sampling| sampling.repeat > crate::routing::WeightBp::ZERO),
        _ => true,
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "seconds that a process may live")]
fn whole_seconds(seconds: f64) -> u64 {
    seconds.max(0.0).round() as u64
}

fn shadow(shared: &Shared, now_us: i64) -> ShadowShown {
    let counts = shared.mirror.counts(now_us);
    ShadowShown {
        held: counts.held,
        held_bytes: counts.held_bytes,
        finished: counts.finished,
        dropped: counts.dropped,
        dropped_by_reason: counts.dropped_by_reason,
        queue_jobs_max: shared.shadow.queue_jobs,
        spent_today_nanos: counts.spent_today_nanos,
        cost_per_day_max_nanos: shared.shadow.cost_per_day_max_nanos,
    }
}

fn records(counts: &RecorderCounts) -> RecordsShown {
    let RecorderCounts { written, waiting, dropped_served, dropped_shadow, lost, too_long, not_serialised, .. } =
        *counts;
    RecordsShown {
        written,
        lost: [dropped_served, dropped_shadow, lost, too_long, not_serialised].into_iter().fold(0, u64::saturating_add),
        queue_lines: waiting,
        healthy: counts.healthy,
    }
}

fn provider(name: &str, link: &Link) -> ProviderShown {
    let client = |client: &Upstream| {
        let counts = client.counts();
        ClientShown { breaker: counts.breaker, in_flight: counts.in_flight }
    };
    ProviderShown { name: name.to_owned(), serving: client(&link.serve), mirroring: client(&link.mirror) }
}

fn guard(reading: &ModeratorReading) -> GuardShown {
    GuardShown {
        backend: reading.name.clone(),
        checks: reading.checks,
        failures: reading.failures.iter().map(|(_, count)| count).sum(),
        breaker: reading.breaker(),
    }
}

fn prices(config: &Config, now_us: i64) -> PricesShown {
    let models = config.priced_models();
    let stale = models.iter().filter(|(provider, model)| config.prices.doubt(provider, model, now_us).is_some());
    PricesShown {
        age_days: now_us.saturating_sub(config.prices.tariffs.checked_us()).max(0) / DAY_US,
        stale: stale
            .map(|(provider, model)| PriceShown { provider: (*provider).to_owned(), model: (*model).to_owned() })
            .collect(),
    }
}
