//! What handlers share. A handler loads the plane once and keeps it until its answer has ended; a new configuration makes
//! a new plane, a weight change a new snapshot of one lane.

use crate::admin::audit::{AuditEntry, Note, Trail};
use crate::admin::lease::Leases;
use crate::admin::recent::Recent;
use crate::admin::verdict::Verdicts;
use crate::callers::Callers;
use crate::config::{Config, Records, Shadow};
use crate::console::Console;
use crate::ingress::Held;
use crate::lane::{Lane, Snapshot};
use crate::live_guard::Messages;
use crate::memory::Memory;
use crate::pipelines::Pipelines;
use crate::plane::{Plane, PlaneError, remark_prices};
use crate::quota::Quotas;
use crate::recorder::Recorder;
use crate::replicas::{Changed, Replicas, StoreError};
use crate::routing::WeightBp;
use crate::safety::Safety;
use crate::shadow::{Job, Mirror};
use crate::telemetry::Metrics;
use crate::trace::Traces;
use arc_swap::ArcSwap;
use std::sync::Arc;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use wire::price::Call;
use wire::{Usage, UsageSource};

/// Bytes of an answer that are kept for judging its form if records do not say.
const ANSWER_BYTES_MAX: usize = 256 * 1024;

/// Reads the configuration again; the command knows from where.
pub type Reload = Box<dyn Fn() -> Result<Config, crate::ConfigError> + Send + Sync>;

/// Why a weight was not changed.
pub(crate) enum NotChanged {
    /// There is no such migration.
    Unknown,
    /// The epoch is another one by now.
    Epoch(Snapshot),
    /// Whoever wants it does not lead any more.
    Fenced,
    /// The weight's home did not do it, or did not say so.
    Home(StoreError),
}

/// A weight, and what has to be so still for it to be set.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted {
    /// The epoch in force.
    pub expected: u64,
    pub weight: WeightBp,
    /// The fence of the lease, if it is wanted by somebody who leads.
    pub fence: Option<u64>,
}

/// Everything that handlers share.
pub(crate) struct Shared {
    pub plane: ArcSwap<Plane>,
    pub reload: Option<Reload>,
    /// Orders changes of weights and configurations; readers of the snapshots never wait for it.
    pub changes: tokio::sync::Mutex<()>,
    /// What this process changed.
    pub audit: Trail,
    /// Who is told of alarms.
    pub messages: Messages,
    /// The last verdict on each migration.
    pub verdicts: Verdicts,
    /// Who leads which migration, where nobody else has to know.
    pub leases: Leases,
    /// How the last calls of each arm went.
    pub recent: Recent,
    /// What pipelines were told last.
    pub pipelines: Pipelines,
    pub console: Console,
    /// `None` for a gateway that is alone.
    pub replicas: Option<Arc<Replicas>>,
    pub callers: Callers,
    pub quotas: Quotas,
    pub safety: Safety,
    pub mirror: Mirror,
    pub recorder: Recorder,
    pub memory: Memory,
    pub metrics: Metrics,
    pub traces: Traces,
    pub held: Held,
    pub permits: Arc<Semaphore>,
    pub permits_max: usize,
    pub connections_max: usize,
    /// As configured at the start; it takes a restart to change these.
    pub records: Option<Records>,
    pub shadow: Shadow,
    /// Cancelled first: the admin plane says not ready, while everything is still served.
    pub leaving: CancellationToken,
    /// Cancelled when the gateway begins to stop: nothing new is served.
    pub stopping: CancellationToken,
    /// Cancelled when open answers must end now.
    pub cut: CancellationToken,
    /// The same for mirrored copies.
    pub cut_mirror: CancellationToken,
    /// Cancelled last: the admin plane tells how the stop goes on.
    pub gone: CancellationToken,
}

impl Shared {
    /// Bytes of an answer's text that are kept for judging its form.
    pub(crate) fn answer_bytes_max(&self) -> usize {
        self.records.as_ref().map_or(ANSWER_BYTES_MAX, |records| records.answer_bytes_max)
    }

    /// What a copy may cost, nano-dollars: its prompt, and as much again as answer. 0 without a price; settled when the bill
    /// is known.
    pub(crate) fn estimate_nanos(job: &Job) -> i64 {
        let (leg, context) = (&job.leg, &job.context);
        let prompt = context.billed.tokens(leg.provider, &leg.model);
        let completion = context.completion_max.map_or(prompt, |most| most.min(prompt));
        let usage = Usage::new(prompt, completion, UsageSource::Estimate);
        let call = Call::new(leg.provider, &leg.model, context.at_us);
        context.tariffs.price(&call, &usage).map_or(0, |priced| priced.nanos)
    }

    /// Sets a migration's weight if `expected` is still its epoch, on all replicas; returns its lane with the new
    /// snapshot.
    ///
    /// # Errors
    /// There is no such migration, somebody was faster, or the other replicas cannot be told.
    pub(crate) async fn change_weight_fenced(
        &self,
        name: &str,
        wanted: Wanted,
        note: Note<'_>,
        now_us: i64,
    ) -> Result<(Arc<Lane>, Snapshot), NotChanged> {
        // The lane is looked up under the lock: one of a configuration that has just been replaced would take the change
        // and nobody would ever see it.
        let _order = self.changes.lock().await;
        let plane = self.plane.load_full();
        let lane = plane.lane(name).cloned().ok_or(NotChanged::Unknown)?;
        let new = self.put_fenced(&plane, &lane, wanted, note, now_us).await?;
        Ok((lane, new))
    }

    /// The same for a lane of the plane in force, whoever leads. Callers hold the lock that orders changes.
    ///
    /// # Errors
    /// The same.
    pub(crate) async fn put_weight(
        &self,
        plane: &Plane,
        lane: &Lane,
        (expected, weight): (u64, WeightBp),
        note: Note<'_>,
        now_us: i64,
    ) -> Result<Snapshot, NotChanged> {
        self.put_fenced(plane, lane, Wanted { expected, weight, fence: None }, note, now_us).await
    }

    async fn put_fenced(
        &self,
        plane: &Plane,
        lane: &Lane,
        wanted: Wanted,
        note: Note<'_>,
        now_us: i64,
    ) -> Result<Snapshot, NotChanged> {
        let (old, new) = match &self.replicas {
            None => {
                let old = lane.snapshot();
                if wanted.fence.is_some_and(|fence| !self.leases.leads(lane.name(), fence, std::time::Instant::now())) {
                    return Err(NotChanged::Fenced);
                }
                if old.epoch != wanted.expected {
                    return Err(NotChanged::Epoch(old));
                }
                (old, lane.set_weight(wanted.weight, now_us))
            }
            Some(replicas) => {
                let change = replicas.change_weight(plane, lane, wanted, note, now_us);
                match change.await.map_err(NotChanged::Home)? {
                    Changed::Done { old, new } => (old, new),
                    Changed::Epoch(now) => return Err(NotChanged::Epoch(now)),
                    Changed::Fenced => return Err(NotChanged::Fenced),
                }
            }
        };
        self.audit.note(AuditEntry::weight(lane.name(), old, new, note, now_us));
        Ok(new)
    }

    /// Puts a new configuration in force, whole or not at all. Requests under way end under the one they began with.
    ///
    /// # Errors
    /// Something in it cannot be changed while running, cannot be set up, or begins an epoch that the other replicas cannot
    /// be told of.
    pub(crate) async fn replace(&self, config: Config, now_us: i64) -> Result<(), PlaneError> {
        let _order = self.changes.lock().await;
        let old = self.plane.load_full();
        let new = Plane::next(&old, config, now_us)?;
        self.callers.configure(&new.config, now_us)?;
        if let Some(replicas) = &self.replicas
            && let Err(error) = replicas.agree(&old, &new, now_us).await
        {
            // Whole or not at all: those of before fitted before.
            self.callers.configure(&old.config, now_us)?;
            return Err(PlaneError::Replicas(error.to_string()));
        }
        for lane in &new.lanes {
            let (before, after) = (old.lane(lane.name()).map(|lane| lane.snapshot()), lane.snapshot());
            if let Some(before) = before.filter(|before| before.epoch != after.epoch) {
                let note = Note::config("configuration reloaded");
                self.audit.note(AuditEntry::weight(lane.name(), before, after, note, now_us));
            }
        }
        tracing::info!(config_digest = new.config.digest, "a new configuration is in force");
        remark_prices(&new.config, now_us);
        self.metrics.learn_models(&new.config.migrations);
        self.plane.store(Arc::new(new));
        Ok(())
    }
}
