//! Where ledgers are kept: in this process with a file beside it, or in Redis for several replicas together.
//!
//! While Redis is away, a request that needs the ledger is denied, or reserved in this process by `redis.on_loss`. What was
//! reserved here is settled here, and charged in Redis once that is back. The usage book always stays here: each replica
//! keeps its own.

use super::HeldPart;
use super::journal::StoreError;
use super::memory::Memory;
use crate::config::QuotaStore;
use crate::replicas::{Replicas, Spent};
use crate::usage::{Book, Key, Sums};
use lease::quota::{AccountName, Claim, Id, Left, Limit, Refusal};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// See the module's text.
#[derive(Debug)]
pub(crate) struct Store {
    /// The ledger's home, where it is not this process.
    replicas: Option<Arc<Replicas>>,
    /// The usage book, and the ledger where its home is this process.
    memory: Memory,
    keeps_usage: bool,
    /// Calls that were reserved here although the ledger is in Redis, so far.
    reserved_here: AtomicU64,
    /// What Redis had when it was last asked.
    seen: Mutex<Seen>,
}

/// What is known of a ledger that is kept elsewhere.
#[derive(Debug, Default)]
struct Seen {
    /// By the account of the limit for nobody: which limit it is.
    balances: Vec<(AccountName, Balance)>,
    open_calls: u64,
    leases_expired: u64,
}

/// Why nothing was set aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Denied {
    Refused(Refusal),
    /// Nobody knows what is left.
    Away,
}

/// The ledger's home does not answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the quotas are in Redis: {0}")]
pub(crate) struct Away(String);

/// How a balance changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Top {
    /// So much is left.
    To(u64),
    /// So much more is left, or less.
    By(i64),
}

/// An account as an operator sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Balance {
    /// Which of the limits asked for.
    pub limit: usize,
    pub account: AccountName,
    pub left: Left,
    /// What counts in the window: used, or set aside.
    pub taken: u64,
    /// Set aside for calls under way.
    pub reserved: u64,
}

impl Store {
    pub(super) fn open(config: &QuotaStore, now_us: i64) -> Result<Self, StoreError> {
        Ok(Self {
            replicas: None,
            memory: Memory::open(config, now_us)?,
            keeps_usage: config.usage,
            reserved_here: AtomicU64::new(0),
            seen: Mutex::default(),
        })
    }

    /// With its ledger in Redis.
    pub(super) fn shared_by(self, replicas: Option<Arc<Replicas>>) -> Self {
        Self { replicas, ..self }
    }

    /// Sets everything aside that a call may use, or nothing.
    ///
    /// # Errors
    /// See [`Denied`].
    pub(crate) async fn reserve(
        &self,
        now_us: i64,
        until_us: i64,
        id: Id,
        claims: &[Claim<'_>],
    ) -> Result<Vec<Left>, Denied> {
        let here = || self.memory.reserve(now_us, until_us, id, claims).map_err(Denied::Refused);
        let Some(replicas) = &self.replicas else { return here() };
        match replicas.reserve(None, until_us.saturating_sub(now_us), id, claims).await {
            Ok(reserved) => reserved.map_err(Denied::Refused),
            Err(_) if replicas.counts_quotas_locally() => {
                self.reserved_here.fetch_add(1, Ordering::Relaxed);
                here()
            }
            Err(_) => Err(Denied::Away),
        }
    }

    /// A call has ended and used this. Never waits: Redis is told in the background.
    pub(crate) fn settle(&self, now_us: i64, id: Id, parts: &[HeldPart], amounts: Vec<u64>) {
        let Some(replicas) = &self.replicas else { return self.memory.settle(now_us, id, parts, amounts) };
        let spent =
            |part: &HeldPart, used: &u64| Spent { account: part.account.clone(), reserved: part.amount, used: *used };
        let all: Vec<Spent> = parts.iter().zip(&amounts).map(|(part, used)| spent(part, used)).collect();
        if self.reserved_here.load(Ordering::Relaxed) > 0 && self.memory.is_open(id) {
            self.memory.settle(now_us, id, parts, amounts);
            replicas.charge_later(all);
        } else {
            replicas.settle_in_background(id, all);
        }
    }

    /// Changes a balance; returns what is left of it.
    ///
    /// # Errors
    /// The ledger's home does not answer.
    pub(crate) async fn top(&self, now_us: i64, account: &AccountName, limit: &Limit, top: Top) -> Result<Left, Away> {
        let Some(replicas) = &self.replicas else { return Ok(self.memory.top(now_us, account, limit, top)) };
        match top {
            Top::To(left) => replicas.top_for(None, account, limit, left).await,
            Top::By(delta) => replicas.top_by(None, account, delta).await,
        }
        .map_err(|error| Away(error.to_string()))?;
        self.left(now_us, account, limit).await
    }

    /// What is left on one account.
    ///
    /// # Errors
    /// The ledger's home does not answer.
    pub(crate) async fn left(&self, now_us: i64, account: &AccountName, limit: &Limit) -> Result<Left, Away> {
        match &self.replicas {
            None => Ok(self.memory.left(now_us, account, limit)),
            Some(replicas) => {
                replicas.left(None, account.as_str(), limit).await.map_err(|error| Away(error.to_string()))
            }
        }
    }

    /// All accounts of these limits from which something was ever taken.
    ///
    /// # Errors
    /// The ledger's home does not answer.
    pub(crate) async fn balances(&self, now_us: i64, limits: &[&Limit]) -> Result<Vec<Balance>, Away> {
        let Some(replicas) = &self.replicas else { return Ok(self.memory.balances(now_us, limits)) };
        let told = replicas.balances(None, limits).await.map_err(|error| Away(error.to_string()))?;
        let balance = |(limit, account, left, taken, reserved)| Balance { limit, account, left, taken, reserved };
        Ok(told.into_iter().map(balance).collect())
    }

    /// Asks a home elsewhere what it has, so that [`Self::known_balances`] knows.
    ///
    /// # Errors
    /// The ledger's home does not answer.
    pub(crate) async fn look(&self, now_us: i64, limits: &[&Limit]) -> Result<(), Away> {
        let Some(replicas) = &self.replicas else { return Ok(()) };
        let (open_calls, leases_expired) = replicas.ledger_counts().await.map_err(|error| Away(error.to_string()))?;
        let balances = self.balances(now_us, limits).await?;
        let named = |balance: Balance| Some((limits.get(balance.limit)?.account(""), balance));
        let balances = balances.into_iter().filter_map(named).collect();
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Seen { balances, open_calls, leases_expired };
        Ok(())
    }

    /// The same as far as it is known without asking anybody.
    pub(super) fn known_balances(&self, now_us: i64, limits: &[&Limit]) -> Vec<Balance> {
        if self.replicas.is_none() {
            return self.memory.balances(now_us, limits);
        }
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let place = |name: &AccountName| limits.iter().position(|limit| limit.account("") == *name);
        let known = |(name, balance): &(AccountName, Balance)| Some(Balance { limit: place(name)?, ..balance.clone() });
        seen.balances.iter().filter_map(known).collect()
    }

    pub(super) const fn keeps_usage(&self) -> bool {
        self.keeps_usage
    }

    pub(super) fn used(&self, key: Key, sums: Sums) {
        self.memory.used(key, sums);
    }

    pub(super) fn charge_experiment(&self, key: Key, sums: Sums) {
        self.memory.charge_experiment(key, sums);
    }

    pub(super) fn book(&self) -> Option<Book> {
        self.memory.book()
    }

    pub(super) fn on_day(&self, day: i64) -> Option<BTreeMap<String, Sums>> {
        self.memory.on_day(day)
    }

    pub(super) fn counts(&self) -> super::QuotaCounts {
        let mut counts = self.memory.counts();
        if let Some(replicas) = &self.replicas {
            let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            counts.open_calls += seen.open_calls;
            counts.leases_expired += seen.leases_expired;
            counts.settled_late += replicas.settled_late();
        }
        counts
    }

    pub(super) fn close(&self) {
        self.memory.close();
    }
}
