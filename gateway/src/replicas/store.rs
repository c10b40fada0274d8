//! Redis as everything here calls it: each call has a deadline, calls under way have a bound, and a Redis that is known to
//! be away is not asked at all, so that no client waits for it.
//!
//! Redis counts as away after [`FAILURES_MAX`] calls in a row came to nothing. From then on only the probe of the watching task
//! is let through; its first success brings Redis back for everybody. A server that hangs costs each client at most
//! one deadline, and only those few that are needed to find out.

use crate::config::Redis;
use arc_swap::ArcSwap;
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{Client, FromRedisValue, Pipeline, RedisError, ScriptInvocation, TlsCertificates};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::{Semaphore, watch};

/// Calls in a row that come to nothing before Redis counts as away.
const FAILURES_MAX: u32 = 3;

/// After how many more of them the connection is made anew.
const RENEW_EVERY: u32 = 10;

/// What Redis is asked for; failures are counted by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Function {
    Weights,
    Keys,
    Quotas,
    Watch,
}

/// Names of the functions in metrics, in the order of the enum.
pub(crate) const FUNCTIONS: [&str; 4] = ["weights", "keys", "quotas", "watch"];

/// Why a call came to nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum StoreError {
    /// Not asked: it is known to be away.
    #[error("Redis is away")]
    Away,
    /// Not asked: as many calls are under way as may be.
    #[error("as many calls of Redis are under way as redis.calls_in_flight_max allows")]
    Busy,
    /// What it did is not known.
    #[error("Redis did not answer within redis.timeout")]
    Timeout,
    /// The connection broke, or there is none. What it did is not known.
    #[error("the connection to Redis broke")]
    Broken,
    /// It said no.
    #[error("Redis answered with the error {0}")]
    Refused(String),
    /// Others changed the same thing again and again.
    #[error("other replicas change the same at the same time; try again")]
    Contended,
    /// Its answer has another form than the scripts have.
    #[error("Redis holds something that this program did not write, or a newer one did")]
    Unexpected,
}

impl StoreError {
    /// Whether the call may have been carried out all the same.
    pub(crate) const fn is_uncertain(&self) -> bool {
        matches!(self, Self::Timeout | Self::Broken)
    }
}

/// See the module's text.
pub(crate) struct Store {
    client: Client,
    connection: ArcSwap<ConnectionManager>,
    settings: ConnectionManagerConfig,
    prefix: String,
    timeout: Duration,
    slots: Semaphore,
    up: AtomicBool,
    /// How often it came back.
    returns: watch::Sender<u64>,
    failed_in_row: AtomicU32,
    calls: [AtomicU64; FUNCTIONS.len()],
    failures: [AtomicU64; FUNCTIONS.len()],
}

/// Numbers of a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct StoreCounts {
    pub up: bool,
    /// Calls tried, in the order of [`FUNCTIONS`]; those that were not sent included.
    pub calls: [u64; FUNCTIONS.len()],
    /// Those of them that came to nothing.
    pub failures: [u64; FUNCTIONS.len()],
}

impl Store {
    /// Connects with the first call; must be called inside the runtime.
    ///
    /// # Errors
    /// The address is none that can be used.
    pub(crate) fn new(config: &Redis) -> Result<Self, RedisError> {
        let info = config.url.info().clone();
        let tcp = info.tcp_settings().clone().set_nodelay(true);
        let info = info.set_tcp_settings(tcp);
        if config.url.is_tls() {
            // The client takes the process's provider. One that is there already is as good.
            drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
        }
        let client = match &config.authorities {
            Some(pem) => {
                let certificates = TlsCertificates { client_tls: None, root_cert: Some(pem.clone()) };
                Client::build_with_tls(info, certificates)?
            }
            None => Client::open(info)?,
        };
        // The watching task tries again; a try that waits by itself would only hide that Redis is away.
        let settings = ConnectionManagerConfig::new()
            .set_number_of_retries(0)
            .set_connection_timeout(Some(config.timeout))
            .set_response_timeout(Some(config.timeout))
            .set_concurrency_limit(config.calls_in_flight_max)
            .set_pipeline_buffer_size(config.calls_in_flight_max.min(1024));
        let connection = ConnectionManager::new_lazy_with_config(client.clone(), settings.clone())?;
        Ok(Self {
            client,
            connection: ArcSwap::from_pointee(connection),
            settings,
            prefix: config.prefix.clone(),
            timeout: config.timeout,
            slots: Semaphore::new(config.calls_in_flight_max),
            up: AtomicBool::new(false),
            returns: watch::Sender::new(0),
            failed_in_row: AtomicU32::new(0),
            calls: Default::default(),
            failures: Default::default(),
        })
    }

    /// The full name of a key.
    pub(crate) fn key(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    /// The channel that says that something changed.
    pub(crate) fn channel(&self) -> String {
        self.key("changed")
    }

    pub(crate) fn timeout(&self) -> Duration {
        self.timeout
    }

    pub(crate) const fn client(&self) -> &Client {
        &self.client
    }

    pub(crate) fn is_up(&self) -> bool {
        self.up.load(Ordering::Relaxed)
    }

    /// Counts a failure that shows only in what an answer holds.
    pub(crate) fn failed(&self, function: Function) {
        count(&self.failures, function);
    }

    /// Changes whenever Redis comes back.
    pub(crate) fn returns(&self) -> watch::Receiver<u64> {
        self.returns.subscribe()
    }

    pub(crate) fn counts(&self) -> StoreCounts {
        let read = |counters: &[AtomicU64; FUNCTIONS.len()]| counters.each_ref().map(|one| one.load(Ordering::Relaxed));
        StoreCounts { up: self.is_up(), calls: read(&self.calls), failures: read(&self.failures) }
    }

    /// Runs a script.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub(crate) async fn run<T: FromRedisValue>(
        &self,
        function: Function,
        call: &ScriptInvocation<'_>,
    ) -> Result<T, StoreError> {
        let mut connection = self.connection();
        self.bounded(function, false, async move { call.invoke_async(&mut connection).await }).await
    }

    /// Runs plain commands, in order but not as one.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub(crate) async fn query<T: FromRedisValue>(
        &self,
        function: Function,
        commands: &Pipeline,
    ) -> Result<T, StoreError> {
        let mut connection = self.connection();
        self.bounded(function, false, async move { commands.query_async(&mut connection).await }).await
    }

    /// The same even while Redis counts as away: how the watching task finds out that it is back.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub(crate) async fn probe<T: FromRedisValue>(
        &self,
        function: Function,
        commands: &Pipeline,
    ) -> Result<T, StoreError> {
        let mut connection = self.connection();
        self.bounded(function, true, async move { commands.query_async(&mut connection).await }).await
    }

    async fn bounded<T>(
        &self,
        function: Function,
        is_probe: bool,
        call: impl Future<Output = Result<T, RedisError>>,
    ) -> Result<T, StoreError> {
        count(&self.calls, function);
        let result = self.attempt(is_probe, call).await;
        match &result {
            Ok(_) if is_probe => self.came_back(),
            // An answer that was long under way does not bring Redis back: the probe does.
            Ok(_) => self.failed_in_row.store(0, Ordering::Relaxed),
            Err(error) => {
                count(&self.failures, function);
                self.note(error, is_probe);
            }
        }
        result
    }

    async fn attempt<T>(
        &self,
        is_probe: bool,
        call: impl Future<Output = Result<T, RedisError>>,
    ) -> Result<T, StoreError> {
        // The probe has no place among the others: they could all hang.
        let _slot = if is_probe {
            None
        } else if self.is_up() {
            Some(self.slots.try_acquire().map_err(|_| StoreError::Busy)?)
        } else {
            return Err(StoreError::Away);
        };
        match tokio::time::timeout(self.timeout, call).await {
            Err(_) => Err(StoreError::Timeout),
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => Err(judged(&error)),
        }
    }

    fn connection(&self) -> ConnectionManager {
        ConnectionManager::clone(&self.connection.load())
    }

    /// Lets go of a connection that is open and says nothing, whoever is at its other end: the system would notice after
    /// a quarter of an hour.
    fn renew(&self) {
        if let Ok(fresh) = ConnectionManager::new_lazy_with_config(self.client.clone(), self.settings.clone()) {
            self.connection.store(Arc::new(fresh));
        }
    }

    fn note(&self, error: &StoreError, is_probe: bool) {
        let counts = match error {
            StoreError::Away | StoreError::Busy | StoreError::Contended => false,
            StoreError::Timeout | StoreError::Broken => true,
            // One script may be refused for a reason of its own; a server that refuses to be read is no use to anybody.
            StoreError::Refused(_) | StoreError::Unexpected => is_probe,
        };
        if !counts {
            return;
        }
        let failed = self.failed_in_row.fetch_add(1, Ordering::Relaxed) + 1;
        if is_probe && failed.is_multiple_of(RENEW_EVERY) {
            self.renew();
        }
        if failed >= FAILURES_MAX && self.up.swap(false, Ordering::Relaxed) {
            tracing::error!(%error, "Redis is away: what is shared between replicas does as redis.on_loss says");
        }
    }

    fn came_back(&self) {
        self.failed_in_row.store(0, Ordering::Relaxed);
        if !self.up.swap(true, Ordering::Relaxed) {
            tracing::info!("Redis answers");
            self.returns.send_modify(|count| *count += 1);
        }
    }
}

fn count(counters: &[AtomicU64; FUNCTIONS.len()], function: Function) {
    if let Some(counter) = counters.get(function as usize) {
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

/// No text of Redis is kept but the error's code: texts may repeat what was sent.
fn judged(error: &RedisError) -> StoreError {
    if error.is_timeout() {
        StoreError::Timeout
    } else if error.is_io_error() || error.is_connection_dropped() || error.is_unrecoverable_error() {
        StoreError::Broken
    } else if let Some(code) = error.code() {
        StoreError::Refused(code.to_owned())
    } else {
        StoreError::Unexpected
    }
}
