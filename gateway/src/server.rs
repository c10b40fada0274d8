//! Start and stop.
//!
//! Stopping goes in phases: not ready any more and no new connections; open answers may end until the drain deadline;
//! then they are cut with an error event; copies under way may end for a moment; the record queue is emptied to disk; and
//! the summary says what was lost. Every phase has a deadline of its own: a client that never reads cannot hold it up.

use crate::config::Config;
use crate::ingress;
use crate::recorder::{Recorder, RecorderCounts};
use crate::routing::Weights;
use crate::shadow::{self, Mirror, ShadowCounts};
use crate::state::{Shared, Snapshot, next_epoch};
use crate::upstream::{Upstream, UpstreamError};
use arc_swap::ArcSwap;
use axum::Router;
use axum::serve::ListenerExt;
use datasets::WriteError;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use wire::price::{TariffError, Tariffs};

/// How long mirrored copies that are under way may go on after the last client is served, at most; never longer than
/// the clients themselves were given.
const SHADOW_DRAIN_MAX: Duration = Duration::from_secs(5);
/// After the cut, how long connections have to hand over their records.
const CUT_GRACE: Duration = Duration::from_secs(2);

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
    /// The HTTP client cannot be built.
    #[error("cannot set up calls to providers: {0}")]
    Client(#[from] UpstreamError),
    /// The price table is broken.
    #[error(transparent)]
    Tariffs(#[from] TariffError),
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

/// Opens everything that can fail, then serves.
///
/// # Errors
/// See [`StartError`]; nothing is left running.
pub async fn start(config: Config) -> Result<Running, StartError> {
    let listener = listen(config.listen, "server.listen").await?;
    let admin_listener = listen(config.admin_listen, "admin.listen").await?;
    let address = listener.local_addr().unwrap_or(config.listen);
    let admin_address = admin_listener.local_addr().unwrap_or(config.admin_listen);
    let tariffs = Tariffs::embedded()?;
    let baseline = Upstream::new(config.baseline.clone())?;
    let candidate = Upstream::new(config.candidate.clone())?;
    let mirror_upstream = Upstream::new(config.candidate.clone())?;
    let (mirror, waiting) = Mirror::new(config.limits.shadow_queue_jobs, config.limits.shadow_queue_bytes);
    let (recorder, writer) = Recorder::start(config.records.as_ref(), &config.digest)?;
    let weights = Weights { candidate: config.migration.weight, shadow: config.migration.shadow };
    let snapshot = Snapshot { epoch: next_epoch(0, crate::clock::now_us()), weights };
    let shared = Arc::new(Shared {
        tariffs,
        snapshot: ArcSwap::from_pointee(snapshot),
        audit: Mutex::new(VecDeque::new()),
        baseline,
        candidate,
        mirror,
        recorder,
        permits: Arc::new(Semaphore::new(config.limits.requests_in_flight)),
        stopping: CancellationToken::new(),
        cut: CancellationToken::new(),
        cut_mirror: CancellationToken::new(),
        gone: CancellationToken::new(),
        config,
    });
    let (tasks, workers) = (TaskTracker::new(), TaskTracker::new());
    shadow::start_workers(waiting, mirror_upstream, &shared, &workers);
    serve(&tasks, listener, ingress::router(Arc::clone(&shared)), &shared.stopping);
    let admin = TaskTracker::new();
    serve(&admin, admin_listener, crate::admin::router(Arc::clone(&shared)), &shared.gone);
    tracing::info!(%address, %admin_address, epoch = snapshot.epoch, "gateway is up");
    Ok(Running { address, admin_address, shared, tasks, admin, workers, writer })
}

async fn listen(address: SocketAddr, key: &'static str) -> Result<TcpListener, StartError> {
    TcpListener::bind(address).await.map_err(|source| StartError::Listen { address, key, source })
}

fn serve(tasks: &TaskTracker, listener: TcpListener, router: Router, stopping: &CancellationToken) {
    let listener = listener.tap_io(|stream| {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY not set");
        }
    });
    let stop = stopping.clone().cancelled_owned();
    tasks.spawn(async move {
        if let Err(error) = axum::serve(listener, router).with_graceful_shutdown(stop).await {
            tracing::error!(%error, "a listener ended");
        }
    });
}

impl Running {
    /// The epoch in force.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.shared.snapshot.load().epoch
    }

    /// The candidate weight in force, percent.
    #[must_use]
    pub fn weight_percent(&self) -> f64 {
        self.shared.snapshot.load().weights.candidate.percent()
    }

    /// Mirrored copies so far.
    #[must_use]
    pub fn shadow_counts(&self) -> ShadowCounts {
        self.shared.mirror.counts()
    }

    /// Waits until every copy accepted so far has ended and every record so far is on disk.
    pub async fn settle(&self) {
        loop {
            let counts = self.shared.mirror.counts();
            if counts.finished >= counts.accepted {
                break;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        self.shared.recorder.flush().await;
    }

    /// Stops in the phases that the module describes.
    pub async fn shutdown(self) -> Summary {
        let Self { shared, tasks, admin, workers, writer, .. } = self;
        shared.stopping.cancel();
        tasks.close();
        if tokio::time::timeout(shared.config.limits.drain, tasks.wait()).await.is_err() {
            tracing::warn!("the drain deadline passed: open answers are cut");
        }
        shared.cut.cancel();
        drain_served(&shared, &tasks).await;
        drain_mirror(&shared, &workers).await;
        shared.recorder.flush().await;
        let shadow = shared.mirror.counts();
        let records = shared.recorder.clone().close(writer).await;
        shared.gone.cancel();
        admin.close();
        if tokio::time::timeout(CUT_GRACE, admin.wait()).await.is_err() {
            tracing::debug!("the admin plane still had an open connection");
        }
        Summary { records, shadow }
    }
}

/// Waits until every served request has left its record: each holds a permit until then.
async fn drain_served(shared: &Shared, tasks: &TaskTracker) {
    let all = u32::try_from(shared.config.limits.requests_in_flight).unwrap_or(u32::MAX);
    if tokio::time::timeout(CUT_GRACE, shared.permits.acquire_many(all)).await.is_err() {
        let open = shared.config.limits.requests_in_flight - shared.permits.available_permits();
        tracing::warn!(open, "clients that do not read hold answers open; their records are lost");
    }
    // Connections may stay open without a request; nobody waits for those.
    drop(tokio::time::timeout(Duration::from_millis(100), tasks.wait()).await);
}

/// Lets copies under way end, then forgets what is left and counts it.
async fn drain_mirror(shared: &Shared, workers: &TaskTracker) {
    let idle = async {
        while shared.mirror.counts().finished < shared.mirror.counts().accepted {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    // If the deadline passes, the rest is cut.
    drop(tokio::time::timeout(shared.config.limits.drain.min(SHADOW_DRAIN_MAX), idle).await);
    shared.cut_mirror.cancel();
    workers.close();
    workers.wait().await;
    shadow::abandoned(shared);
}
