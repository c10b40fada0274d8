//! Start and stop.
//!
//! Stopping goes in phases: not ready any more, for as long as load balancers need to notice; no new connections; open answers may end until the drain deadline;
//! then they are cut with an error event; copies under way may end for a moment; spans are exported; the record queue is
//! emptied to disk; and the summary says what was lost. Every phase has a deadline of its own: a client that never reads cannot hold it up.

use crate::admin::audit::Trail;
use crate::admin::audit_file::AuditFile;
use crate::admin::verdict::Verdicts;
use crate::callers::{self, Callers, CallersError};
use crate::config::{Config, PriceFile};
use crate::console::{self, Console};
use crate::ingress::Held;
use crate::listener;
use crate::live_guard::{self, Messages};
use crate::memory::Memory;
use crate::pipelines::Pipelines;
use crate::plane::{Plane, PlaneError, remark_prices};
use crate::quota::{Quotas, StoreError};
use crate::recorder::{Recorder, RecorderCounts};
use crate::replicas::{self, Replicas};
use crate::safety::Safety;
use crate::shadow::{self, Mirror, ShadowCounts};
use crate::state::{Reload, Shared};
use crate::telemetry::Metrics;
use crate::trace::Traces;
use arc_swap::ArcSwap;
use axum::Router;
use axum::serve::ListenerExt;
use datasets::WriteError;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How long mirrored copies that are under way may go on after the last client is served, at most; never longer than
/// the clients themselves were given.
const SHADOW_DRAIN_MAX: Duration = Duration::from_secs(5);
/// After the cut, how long connections have to hand over their records.
const CUT_GRACE: Duration = Duration::from_secs(2);

/// How long the disk may take for the last records.
const DISK_GRACE: Duration = Duration::from_secs(30);

/// Why the gateway does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// An address cannot be listened on.
    #[error("cannot listen on {address} ({key}): {source}; stop what uses the port, or configure another one")]
    Listen {
        /// Address.
        address: SocketAddr,
        /// Configuration key.
        key: &'static str,
        /// Cause.
        source: std::io::Error,
    },
    /// The record file cannot be used.
    #[error("records.path: {0}")]
    Records(#[from] WriteError),
    /// What consumers used cannot be kept.
    #[error(transparent)]
    Quotas(#[from] StoreError),
    /// The configuration cannot be put in force.
    #[error(transparent)]
    Plane(#[from] PlaneError),
    /// Spans cannot be exported.
    #[error(
        "traces: TLS cannot be set up: {0}; if the system has no certificates, set tls_roots = \"bundled\" or name a ca_file"
    )]
    Traces(#[from] rustls::Error),
    /// Redis cannot be called.
    #[error("redis: the address cannot be used ({}); check redis.url", .0.category())]
    Redis(#[from] redis::RedisError),
    /// The consumers that are kept beside the configuration cannot be used.
    #[error("keys.file: {0}")]
    Callers(#[from] CallersError),
}

/// What a run did, said when it ends.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Summary {
    /// Records.
    pub records: RecorderCounts,
    /// Mirrored copies.
    pub shadow: ShadowCounts,
}

/// A running gateway.
pub struct Running {
    /// Data plane.
    pub address: SocketAddr,
    /// Admin plane.
    pub admin_address: SocketAddr,
    shared: Arc<Shared>,
    tasks: TaskTracker,
    admin: TaskTracker,
    workers: TaskTracker,
    writer: Option<JoinHandle<()>>,
}

impl std::fmt::Debug for Running {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Running").field("address", &self.address).finish_non_exhaustive()
    }
}

/// Opens everything that can fail, then serves. `reload` reads the configuration again when somebody asks for it.
///
/// # Errors
/// See [`StartError`]; nothing is left running.
pub async fn start(config: Config, reload: Option<Reload>) -> Result<Running, StartError> {
    let listener = listen(config.listen, "server.listen").await?;
    let admin_listener = listen(config.admin_listen, "admin.listen").await?;
    let address = listener.local_addr().unwrap_or(config.listen);
    let admin_address = admin_listener.local_addr().unwrap_or(config.admin_listen);
    let (mirror, queue) = Mirror::new(&config.shadow);
    let (recorder, writer) = Recorder::start(config.records.as_ref(), &config.digest)?;
    for warning in &config.warnings {
        tracing::warn!("{warning}");
    }
    remark_prices(&config, crate::clock::now_us());
    let replicas = match &config.redis {
        Some(redis) => Some(Arc::new(Replicas::new(redis, address.port(), Instant::now())?)),
        None => None,
    };
    let limits = config.limits;
    let metrics = Metrics::new(crate::clock::now_us());
    metrics.learn_models(&config.migrations);
    let name = replicas.as_ref().map(|replicas| replicas.name().to_owned());
    let (audit, auditing) = AuditFile::open(config.audit.clone(), name.clone());
    let shared = Arc::new(Shared {
        reload,
        changes: tokio::sync::Mutex::new(()),
        audit: Trail::with_file(audit),
        messages: Messages::new(name.clone()),
        verdicts: Verdicts::default(),
        leases: crate::admin::lease::Leases::default(),
        recent: crate::admin::recent::Recent::default(),
        pipelines: Pipelines::default(),
        console: Console::new(crate::clock::now_us()),
        replicas: replicas.clone(),
        callers: Callers::start(&config, replicas.clone(), crate::clock::now_us())?,
        quotas: Quotas::start(&config.quotas.store, replicas, crate::clock::now_us())?,
        safety: Safety::default(),
        mirror,
        recorder,
        memory: Memory::new(limits.reasoning_bytes),
        metrics,
        traces: Traces::start(config.traces.as_ref(), &uuid::Uuid::now_v7().to_string())?,
        held: Held::default(),
        permits: Arc::new(Semaphore::new(limits.requests_in_flight)),
        permits_max: limits.requests_in_flight,
        connections_max: limits.connections,
        records: config.records.clone(),
        shadow: config.shadow,
        leaving: CancellationToken::new(),
        stopping: CancellationToken::new(),
        cut: CancellationToken::new(),
        cut_mirror: CancellationToken::new(),
        gone: CancellationToken::new(),
        plane: ArcSwap::from_pointee(Plane::first(config, crate::clock::now_us())?),
    });
    let (tasks, workers, admin) = (TaskTracker::new(), TaskTracker::new(), TaskTracker::new());
    // Before the first request: a replica that starts serves under the weight of the others.
    replicas::start_tasks(&shared, &admin).await;
    shadow::start_workers(queue, shared.shadow.workers, &shared, &workers);
    tasks.spawn(listener::run(listener, Arc::clone(&shared), tasks.clone()));
    admin.spawn(callers::home::watch(Arc::clone(&shared)));
    admin.spawn(console::run(Arc::clone(&shared)));
    admin.spawn(auditing);
    admin.spawn(shared.messages.sending(shared.gone.clone()));
    admin.spawn(live_guard::run(Arc::clone(&shared)));
    serve_admin(&admin, admin_listener, crate::admin::router(Arc::clone(&shared)), &shared.gone);
    tracing::info!(%address, %admin_address, "gateway is up");
    Ok(Running { address, admin_address, shared, tasks, admin, workers, writer })
}

async fn listen(address: SocketAddr, key: &'static str) -> Result<TcpListener, StartError> {
    TcpListener::bind(address).await.map_err(|source| StartError::Listen { address, key, source })
}

fn serve_admin(tasks: &TaskTracker, listener: TcpListener, router: Router, stopping: &CancellationToken) {
    let listener = listener.tap_io(|stream| {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY not set");
        }
    });
    let stop = stopping.clone().cancelled_owned();
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    tasks.spawn(async move {
        if let Err(error) = axum::serve(listener, service).with_graceful_shutdown(stop).await {
            tracing::error!(%error, "a listener ended");
        }
    });
}

impl Running {
    /// The epoch in force, of the first migration.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.first_lane().epoch
    }

    /// The candidate weight in force, percent, of the first migration.
    #[must_use]
    pub fn weight_percent(&self) -> f64 {
        self.first_lane().weights.candidate.percent()
    }

    /// The file of the prices in force, if there is one beside the bundled table.
    #[must_use]
    pub fn price_file(&self) -> Option<PriceFile> {
        self.shared.plane.load().config.prices.file.clone()
    }

    fn first_lane(&self) -> crate::lane::Snapshot {
        let plane = self.shared.plane.load();
        plane.lanes.first().unwrap_or(&plane.plain).snapshot()
    }

    /// Puts a new configuration in force, whole or not at all; requests under way are not touched.
    ///
    /// # Errors
    /// Something in it needs a restart, cannot be set up, or cannot be told to other replicas. The old one stays in force.
    pub async fn reload(&self, config: Config) -> Result<(), PlaneError> {
        self.shared.replace(config, crate::clock::now_us()).await
    }

    /// Mirrored copies so far.
    #[must_use]
    pub fn shadow_counts(&self) -> ShadowCounts {
        self.shared.mirror.counts(crate::clock::now_us())
    }

    /// Waits until every copy accepted so far has ended and every record so far is on disk.
    pub async fn settle(&self) {
        while !self.shared.mirror.is_idle() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        self.shared.recorder.flush().await;
    }

    /// Stops in the phases that the module describes.
    pub async fn shutdown(self) -> Summary {
        let Self { shared, tasks, admin, workers, writer, .. } = self;
        shared.leaving.cancel();
        let (lame_duck, drain) = {
            let limits = shared.plane.load().config.limits;
            (limits.lame_duck, limits.drain)
        };
        tokio::time::sleep(lame_duck).await;
        shared.stopping.cancel();
        tasks.close();
        if tokio::time::timeout(drain, tasks.wait()).await.is_err() {
            tracing::warn!("the drain deadline passed: open answers are cut");
        }
        shared.cut.cancel();
        drain_served(&shared, &tasks).await;
        drain_mirror(&shared, &workers, drain).await;
        shared.traces.close().await;
        if tokio::time::timeout(DISK_GRACE, shared.recorder.flush()).await.is_err() {
            tracing::error!("the disk does not take the last records");
        }
        let shadow = shared.mirror.counts(crate::clock::now_us());
        let records = shared.recorder.clone().close(writer).await;
        if let Some(replicas) = &shared.replicas {
            replicas.close().await;
        }
        let closing = Arc::clone(&shared);
        if tokio::task::spawn_blocking(move || closing.quotas.close()).await.is_err() {
            tracing::error!("quotas could not be closed");
        }
        shared.gone.cancel();
        shared.audit.close();
        admin.close();
        if tokio::time::timeout(CUT_GRACE, admin.wait()).await.is_err() {
            tracing::debug!("the admin plane still had an open connection");
        }
        Summary { records, shadow }
    }
}

/// Waits until every served request has left its record: each holds a permit until then.
async fn drain_served(shared: &Shared, tasks: &TaskTracker) {
    let all = u32::try_from(shared.permits_max).unwrap_or(u32::MAX);
    if tokio::time::timeout(CUT_GRACE, shared.permits.acquire_many(all)).await.is_err() {
        let open = shared.permits_max - shared.permits.available_permits();
        tracing::warn!(open, "clients that do not read hold answers open; their records are lost");
    }
    // Connections may stay open without a request; nobody waits for those.
    drop(tokio::time::timeout(Duration::from_millis(100), tasks.wait()).await);
}

/// Lets copies under way end, then forgets what is left and counts it.
async fn drain_mirror(shared: &Shared, workers: &TaskTracker, drain: Duration) {
    let idle = async {
        while !shared.mirror.is_idle() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    // If the deadline passes, the rest is cut.
    drop(tokio::time::timeout(drain.min(SHADOW_DRAIN_MAX), idle).await);
    shared.cut_mirror.cancel();
    workers.close();
    workers.wait().await;
    shared.mirror.abandon();
}
