//! Whether this autopilot leads: of several on one migration one moves, the others wait.
//!
//! The lead is kept by a task of its own, so that a long evaluation does not lose it. What this process believes of it ends by
//! its own monotonic clock, counted from before the gateway was asked: it never believes longer than the gateway does. And
//! what it believes is only good manners; what counts is the fence, which the gateway checks with every change.

use super::config::Config;
use crate::cmd::gate::AdminPlane;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Where this autopilot stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Standing {
    /// Nobody knows who leads, and why.
    Unknown(String),
    /// Somebody else leads.
    Follows(String),
    /// This one leads, with this fence.
    Leads(u64),
    /// It only says what it would do.
    Watches,
}

/// What was heard, and until when it may be believed.
#[derive(Debug, Clone)]
struct Heard {
    standing: Standing,
    until: Instant,
}

/// See the module's text.
pub(super) struct Leader {
    holder: String,
    migration: String,
    plane: Arc<AdminPlane>,
    heard: Arc<Mutex<Heard>>,
    keeper: Option<tokio::task::AbortHandle>,
}

impl Leader {
    /// Asks for the lead, and goes on asking.
    pub(super) async fn begin(plane: &Arc<AdminPlane>, config: &Config, dry_run: bool) -> Self {
        let holder = holder(config.name.as_deref());
        let first = Heard { standing: Standing::Watches, until: Instant::now() };
        let mut leader = Self {
            holder,
            migration: config.migration.clone(),
            plane: Arc::clone(plane),
            heard: Arc::new(Mutex::new(first)),
            keeper: None,
        };
        if dry_run {
            return leader;
        }
        let asking = Asking {
            holder: leader.holder.clone(),
            migration: leader.migration.clone(),
            plane: Arc::clone(plane),
            ttl: config.lease,
        };
        let heard = Arc::clone(&leader.heard);
        keep(&heard, asking.ask().await);
        let task = tokio::spawn(async move {
            loop {
                tokio::time::sleep(asking.ttl / 3).await;
                keep(&heard, asking.ask().await);
            }
        });
        leader.keeper = Some(task.abort_handle());
        leader
    }

    /// Where it stands now.
    pub(super) fn standing(&self) -> Standing {
        let heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match heard.standing {
            Standing::Leads(_) if heard.until <= Instant::now() => {
                Standing::Unknown("the lead is over, and was not given anew yet".to_owned())
            }
            standing => standing,
        }
    }

    /// Its name among others.
    pub(super) fn holder(&self) -> &str {
        &self.holder
    }

    /// Lets others lead at once. If that fails, they wait until the lease is over.
    pub(super) async fn give_back(&self) {
        if let Some(keeper) = &self.keeper {
            keeper.abort();
        }
        if let Standing::Leads(fence) = self.standing() {
            drop(self.plane.give_lease_back(&self.migration, &self.holder, fence).await);
        }
    }
}

impl Drop for Leader {
    fn drop(&mut self) {
        if let Some(keeper) = &self.keeper {
            keeper.abort();
        }
    }
}

/// Who asks for what.
struct Asking {
    holder: String,
    migration: String,
    plane: Arc<AdminPlane>,
    ttl: Duration,
}

impl Asking {
    async fn ask(&self) -> Heard {
        let until = Instant::now() + self.ttl;
        let ttl_ms = u64::try_from(self.ttl.as_millis()).unwrap_or(u64::MAX);
        let standing = match self.plane.lease(&self.migration, &self.holder, ttl_ms).await {
            Ok(lease) if lease.held => Standing::Leads(lease.fence),
            Ok(lease) => Standing::Follows(lease.holder),
            Err(failure) => Standing::Unknown(failure.message),
        };
        Heard { standing, until }
    }
}

/// A lead that could not be made longer is still one until it is over.
fn keep(heard: &Mutex<Heard>, now: Heard) {
    let mut heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
    let leads_still = matches!(heard.standing, Standing::Leads(_)) && heard.until > Instant::now();
    if !(leads_still && matches!(now.standing, Standing::Unknown(_))) {
        *heard = now;
    }
}

/// A name that no other process has: host, process and the instant of its start. One that the user gave stands before it.
fn holder(name: Option<&str>) -> String {
    let host = std::fs::read_to_string("/etc/hostname").unwrap_or_default();
    let host = name.unwrap_or(host.trim());
    let host: String = host.chars().filter(|letter| !letter.is_control()).take(100).collect();
    let host = if host.is_empty() { "autopilot" } else { &host };
    format!("{host}/{}/{}", std::process::id(), jiff::Timestamp::now().as_nanosecond())
}
