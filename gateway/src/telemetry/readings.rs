//! What other parts count anyway, read when the page is asked for.
//!
//! Plain values between the parts and the page, so that the page can be tested without any of them.

use super::metrics::Metrics;
use crate::admin::audit_file::AuditCounts;
use crate::admin::verdict::{GuardrailShown, Shown, Verdicts};
use crate::callers::{Callers, RefusalCounts};
use crate::config::Config;
use crate::lane::{Lane, Link};
use crate::live_guard::{LiveGuardShown, WebhookCounts};
use crate::quota::QuotaCounts;
use crate::recorder::RecorderCounts;
use crate::replicas::StoreCounts;
use crate::safety::{GuardReading, ModeratorReading};
use crate::shadow::ShadowCounts;
use crate::state::Shared;
use crate::trace::SpanCounts;
use crate::upstream::UpstreamCounts;
use judge::verdict::{Decision, State};

/// A migration's shares in force.
#[derive(Debug)]
pub(super) struct MigrationReading {
    pub name: String,
    pub weight_percent: f64,
    pub shadow_percent: f64,
    /// Epoch of constant weight.
    pub epoch: u64,
    /// Kinds of the providers of both arms.
    pub baseline: &'static str,
    pub candidate: &'static str,
    pub shadow_paused: bool,
    pub live_guard: Option<LiveGuardShown>,
    /// The last one that was given.
    pub verdict: Option<VerdictReading>,
}

/// A verdict in the words of its format.
#[derive(Debug)]
pub(super) struct VerdictReading {
    pub decision: Decision,
    /// It is about the epoch in force, and young enough.
    pub in_force: bool,
    /// Since its newest evidence, microseconds; `None` if it does not say.
    pub age_us: Option<i64>,
    /// Metric, segment and state of each, as many as are kept.
    pub guardrails: Vec<(String, String, State)>,
}

/// What the bounded readings may grow to.
#[derive(Debug, Default)]
pub(super) struct Bounds {
    pub requests_in_flight: usize,
    pub requests_held_bytes: usize,
    pub shadow_queue_copies: usize,
    pub shadow_held_bytes: usize,
    /// Nano-dollars; `None` without a bound.
    pub shadow_cost_per_day_nanos: Option<i64>,
    pub records_queue_lines: usize,
}

/// A provider's client.
#[derive(Debug)]
pub(super) struct ProviderReading {
    /// The provider's configured name.
    pub name: String,
    /// Which of its clients: `serving` or `mirroring`.
    pub plane: &'static str,
    pub counts: UpstreamCounts,
}

/// Callers and their keys.
#[derive(Debug, Default)]
pub(super) struct CallersReading {
    pub refusals: RefusalCounts,
    pub old_uses: u64,
    /// Of what is kept beside the configuration, if something is: whether it is in force, and changes taken and not taken.
    pub kept: Option<(bool, u64, u64)>,
}

/// What tokens cost.
#[derive(Debug, Default)]
pub(super) struct PriceReading {
    /// Age of the table, microseconds.
    pub age_us: i64,
    /// Provider, model and whether its price is doubtful, of models in use that have one.
    pub models: Vec<(String, String, bool)>,
}

/// Everything.
#[derive(Debug, Default)]
pub(super) struct Readings {
    /// Client requests being served.
    pub requests_in_flight: u64,
    /// Bytes of all requests that are read or wait for their answer to begin.
    pub requests_held_bytes: u64,
    /// Requests refused because these are as many as may be.
    pub requests_refused: u64,
    pub bounds: Bounds,
    pub migrations: Vec<MigrationReading>,
    pub providers: Vec<ProviderReading>,
    pub shadow: ShadowCounts,
    pub callers: CallersReading,
    /// `None` where no evidence is kept.
    pub records: Option<RecorderCounts>,
    /// Who judges texts.
    pub moderators: Vec<ModeratorReading>,
    /// `None` for a gateway that is alone.
    pub redis: Option<StoreCounts>,
    /// What the guard decided.
    pub guard: GuardReading,
    /// `None` where nothing is limited and no usage is kept.
    pub quotas: Option<QuotaCounts>,
    pub prices: PriceReading,
    pub messages: WebhookCounts,
    /// `None` where no audit file is written.
    pub audit: Option<AuditCounts>,
    /// `None` where no spans are exported.
    pub spans: Option<SpanCounts>,
}

/// The readings of a running gateway.
pub(super) fn of(shared: &Shared, now_us: i64) -> Readings {
    let plane = shared.plane.load();
    let in_flight = shared.permits_max.saturating_sub(shared.permits.available_permits());
    Readings {
        requests_in_flight: u64::try_from(in_flight).unwrap_or(u64::MAX),
        requests_held_bytes: shared.held.bytes(),
        requests_refused: shared.held.refused(),
        bounds: bounds(shared, &plane.config),
        migrations: plane.lanes.iter().map(|lane| migration(lane, &shared.verdicts, now_us)).collect(),
        providers: plane.links.iter().flat_map(|(name, link)| clients(name, link)).collect(),
        shadow: shared.mirror.counts(now_us),
        callers: callers(&shared.callers),
        records: shared.records.as_ref().map(|_| shared.recorder.counts()),
        moderators: plane.moderators.readings(),
        redis: shared.replicas.as_ref().map(|replicas| replicas.counts()),
        guard: shared.safety.reading(),
        quotas: plane.config.quotas.counts_anything().then(|| shared.quotas.counts(&plane.config.quotas.rules, now_us)),
        messages: shared.messages.counts(),
        audit: shared.audit.counts(),
        spans: shared.traces.counts(),
        prices: prices(&plane.config, &shared.metrics, now_us),
    }
}

/// Those that are in force: some are taken only at the start.
fn bounds(shared: &Shared, config: &Config) -> Bounds {
    Bounds {
        requests_in_flight: shared.permits_max,
        requests_held_bytes: config.limits.request_bytes_in_flight,
        shadow_queue_copies: shared.shadow.queue_jobs,
        shadow_held_bytes: shared.shadow.queue_bytes,
        shadow_cost_per_day_nanos: shared.shadow.cost_per_day_max_nanos,
        records_queue_lines: shared.records.as_ref().map_or(0, |records| records.queue_lines_max),
    }
}

/// Prices of the models that the configuration names, and of those that have a label.
fn prices(config: &Config, metrics: &Metrics, now_us: i64) -> PriceReading {
    let mut models = metrics.models_in_use();
    models.extend(config.priced_models().into_iter().map(|(provider, model)| (provider.to_owned(), model.to_owned())));
    models.retain(|(provider, model)| config.prices.tariffs.find(provider, model, now_us).is_some());
    let doubtful = |(provider, model): (String, String)| {
        let stale = config.prices.doubt(&provider, &model, now_us).is_some();
        (provider, model, stale)
    };
    PriceReading {
        age_us: now_us.saturating_sub(config.prices.tariffs.checked_us()).max(0),
        models: models.into_iter().map(doubtful).collect(),
    }
}

fn callers(callers: &Callers) -> CallersReading {
    let kept = callers.home.is_somewhere().then(|| callers.home.health());
    CallersReading { refusals: callers.counts(), old_uses: callers.tally().old_uses(), kept }
}

fn migration(lane: &Lane, verdicts: &Verdicts, now_us: i64) -> MigrationReading {
    let snapshot = lane.snapshot();
    MigrationReading {
        name: lane.name().to_owned(),
        weight_percent: snapshot.weights.candidate.percent(),
        shadow_percent: snapshot.weights.shadow.percent(),
        epoch: snapshot.epoch,
        baseline: lane.baseline.provider(),
        candidate: lane.candidate.as_ref().map_or("", |link| link.provider()),
        shadow_paused: lane.is_paused(),
        live_guard: LiveGuardShown::of(lane),
        verdict: verdicts.of(lane.name()).map(|kept| verdict(&kept.shown(snapshot.epoch, now_us), now_us)),
    }
}

fn verdict(shown: &Shown, now_us: i64) -> VerdictReading {
    let created_us = shown.created_at.parse().ok().map(jiff::Timestamp::as_microsecond);
    let guardrail = |one: &GuardrailShown| (one.metric.clone(), one.segment.clone(), one.state);
    VerdictReading {
        decision: shown.verdict,
        in_force: shown.matches && !shown.stale,
        age_us: created_us.map(|created_us| now_us.saturating_sub(created_us).max(0)),
        guardrails: shown.guardrails.iter().map(guardrail).collect(),
    }
}

fn clients(name: &str, link: &Link) -> [ProviderReading; 2] {
    [("serving", &link.serve), ("mirroring", &link.mirror)].map(|(plane, client)| ProviderReading {
        name: name.to_owned(),
        plane,
        counts: client.counts(),
    })
}
