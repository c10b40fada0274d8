//! Starting and stopping a mock.

mod body;
mod handle;
mod listener;
mod memory;
mod moderation;
mod plan;
mod stage;

use std::net::SocketAddr;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};
use wire::provider::Provider;

use crate::account::Purse;
use crate::clock::Clock;
use crate::log::RequestLog;
use crate::profile::{Faults, Profile, ProfileError};
use crate::script::Script;
use memory::Memory;
pub use moderation::{ModerationConfig, ModerationService, RunningModeration, start_moderation};
use plan::{Incident, Vendor};

/// How long a shutdown waits for connections to notice.
const GOODBYE: Duration = Duration::from_secs(5);

/// Everything that decides how one mock behaves.
#[derive(Clone, Debug)]
pub struct MockConfig {
    /// Whom to imitate.
    pub provider: Provider,
    /// Root of all chance: same seed and same requests, same answers, waits and faults.
    pub seed: u64,
    /// Recorded answers; prompts that are not in it get generated ones.
    pub script: Arc<Script>,
    /// Waits, lengths and faults.
    pub profile: Profile,
    /// The only key accepted; `None` accepts any that is not empty, and a compatible server none at all.
    pub accept_key: Option<String>,
    /// The only models served. `None` serves the names on sale as DeepSeek, and any name as the others.
    pub models: Option<Vec<String>>,
    /// Number of requests kept in the log; 0 keeps only its counters.
    pub log_capacity: usize,
    /// The date, for everything that depends on it.
    pub clock: Clock,
}

impl MockConfig {
    /// A provider with its realistic profile, no recorded answers, and seed 0.
    #[must_use]
    pub fn new(provider: Provider) -> Self {
        Self {
            provider,
            seed: 0,
            script: Arc::new(Script::new()),
            profile: Profile::of(provider),
            accept_key: None,
            models: None,
            log_capacity: 1024,
            clock: Clock::system(),
        }
    }

    /// The same for tests: nothing waits.
    #[must_use]
    pub fn instant(provider: Provider) -> Self {
        Self { profile: Profile::instant(), ..Self::new(provider) }
    }
}

/// A mock cannot start.
#[derive(Debug, thiserror::Error)]
pub enum MockError {
    /// Another process listens there.
    #[error(
        "address {address} for the {name} mock is already in use: stop the process that holds it, or choose another \
         address with --listen (port 0 picks a free one)"
    )]
    InUse {
        /// Whom the mock imitates.
        name: &'static str,
        /// The address wanted.
        address: SocketAddr,
    },
    /// The address cannot be listened on.
    #[error("cannot listen on {address} for the {name} mock: {source}")]
    Listen {
        /// Whom the mock imitates.
        name: &'static str,
        /// The address wanted.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// The profile makes no sense.
    #[error(transparent)]
    Profile(#[from] ProfileError),
}

/// A mock that is serving. Dropping it stops it without waiting.
#[derive(Debug)]
pub struct Running {
    /// Where it listens; the port is the real one if port 0 was asked for.
    pub addr: SocketAddr,
    provider: Provider,
    purse: Option<Arc<Purse>>,
    incident: Incident,
    listening: Listening,
}

/// A listener at work. Dropping it stops it.
#[derive(Debug)]
struct Listening {
    name: &'static str,
    log: RequestLog,
    stop: DropGuard,
    task: JoinHandle<()>,
}

impl Running {
    /// What the mock was asked, and counters.
    #[must_use]
    pub fn requests(&self) -> &RequestLog {
        &self.listening.log
    }

    /// Whom it imitates.
    #[must_use]
    pub fn provider(&self) -> Provider {
        self.provider
    }

    /// Pays money in, millionths; without an account there is nothing to pay into.
    pub fn top_up(&self, micros: u64) {
        if let Some(purse) = &self.purse {
            purse.top_up(micros);
        }
    }

    /// Begins an incident: from now on these faults stand in for the profile's own. `None` ends it.
    ///
    /// # Errors
    /// A share is none, or their sum is above 1; then nothing changes.
    pub fn set_incident(&self, faults: Option<Faults>) -> Result<(), ProfileError> {
        if let Some(faults) = faults {
            Profile { faults, ..Profile::instant() }.check()?;
        }
        *self.incident.write().unwrap_or_else(PoisonError::into_inner) = faults;
        Ok(())
    }

    /// The base URL a client of this provider is configured with: all but DeepSeek's end in `/v1`.
    #[must_use]
    pub fn base_url(&self) -> String {
        let Self { addr, provider, .. } = self;
        match provider {
            Provider::OpenAi | Provider::Compatible => format!("http://{addr}/v1"),
            Provider::DeepSeek => format!("http://{addr}"),
        }
    }

    /// Stops listening, ends what is in flight, and waits for it, at most five seconds.
    pub async fn shutdown(self) {
        self.listening.shutdown().await;
    }
}

impl Listening {
    async fn shutdown(self) {
        drop(self.stop);
        let mut task = self.task;
        if tokio::time::timeout(GOODBYE, &mut task).await.is_err() {
            tracing::warn!(mock = self.name, "mock still had open connections after five seconds; leaving them");
            task.abort();
        }
    }
}

/// Starts a mock. Port 0 picks a free port, see [`Running::addr`].
///
/// # Errors
/// If the address cannot be listened on, or the profile is out of range.
pub async fn start(addr: SocketAddr, config: MockConfig) -> Result<Running, MockError> {
    config.profile.check()?;
    let provider = config.provider;
    let purse = config.profile.account.clone().map(|account| Arc::new(Purse::new(account)));
    let (log_capacity, clock) = (config.log_capacity, config.clock.clone());
    let incident = Incident::default();
    let vendor = Box::new(Vendor::new(config, purse.clone(), Arc::clone(&incident)));
    let (addr, listening) = listen(addr, provider.name(), vendor, log_capacity, clock).await?;
    Ok(Running { addr, provider, purse, incident, listening })
}

/// Starts to listen for a service.
async fn listen(
    addr: SocketAddr,
    name: &'static str,
    service: Box<dyn handle::Service>,
    log_capacity: usize,
    clock: Clock,
) -> Result<(SocketAddr, Listening), MockError> {
    let fault = |source: std::io::Error| match source.kind() {
        std::io::ErrorKind::AddrInUse => MockError::InUse { name, address: addr },
        _ => MockError::Listen { name, address: addr, source },
    };
    let listener = TcpListener::bind(addr).await.map_err(fault)?;
    let addr = listener.local_addr().map_err(fault)?;
    let stop = CancellationToken::new();
    let log = RequestLog::new(log_capacity, Instant::now());
    let (memory, stopped) = (Memory::new(), stop.clone());
    let app = Arc::new(handle::App { service, log: log.clone(), memory, clock, stop: stopped });
    let task = tokio::spawn(listener::serve(listener, app));
    Ok((addr, Listening { name, log, stop: stop.drop_guard(), task }))
}
