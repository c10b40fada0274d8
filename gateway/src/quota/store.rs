//! Where ledgers are kept: in this process with a file beside it, or for several replicas together.
//!
//! Another home needs the same four functions with the same meaning: [`Store::reserve`], [`Store::settle`],
//! [`Store::top`] and [`Store::balances`]. The usage book always stays here: each replica keeps its own.

use super::HeldPart;
use super::journal::StoreError;
use super::memory::Memory;
use crate::config::QuotaStore;
use crate::usage::{Book, Key, Sums};
use lease::quota::{AccountName, Claim, Id, Left, Limit, Refusal};

/// See the module's text.
#[derive(Debug)]
pub(crate) struct Store {
    home: Home,
    /// The usage book, and the ledger where its home is this process.
    memory: Memory,
    keeps_usage: bool,
}

/// Where the ledger is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Home {
    /// In this process.
    Memory,
}

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
        Ok(Self { home: Home::Memory, memory: Memory::open(config, now_us)?, keeps_usage: config.usage })
    }

    /// Sets everything aside that a call may use, or nothing.
    ///
    /// # Errors
    /// See [`Refusal`].
    #[expect(clippy::unused_async, reason = "the ledger may be on another machine")]
    pub(crate) async fn reserve(
        &self,
        now_us: i64,
        until_us: i64,
        id: Id,
        claims: &[Claim<'_>],
    ) -> Result<Vec<Left>, Refusal> {
        match self.home {
            Home::Memory => self.memory.reserve(now_us, until_us, id, claims),
        }
    }

    /// A call has ended and used this. Never waits: a home on another machine is told in the background.
    pub(crate) fn settle(&self, now_us: i64, id: Id, parts: Vec<HeldPart>, amounts: Vec<u64>) {
        match self.home {
            Home::Memory => self.memory.settle(now_us, id, &parts, amounts),
        }
        drop(parts);
    }

    /// Changes a balance; returns what is left of it.
    #[expect(clippy::unused_async, reason = "the ledger may be on another machine")]
    pub(crate) async fn top(&self, now_us: i64, account: &AccountName, limit: &Limit, top: Top) -> Left {
        match self.home {
            Home::Memory => self.memory.top(now_us, account, limit, top),
        }
    }

    /// What is left on one account.
    #[expect(clippy::unused_async, reason = "the ledger may be on another machine")]
    pub(crate) async fn left(&self, now_us: i64, account: &AccountName, limit: &Limit) -> Left {
        match self.home {
            Home::Memory => self.memory.left(now_us, account, limit),
        }
    }

    /// All accounts of these limits from which something was ever taken.
    #[expect(clippy::unused_async, reason = "the ledger may be on another machine")]
    pub(crate) async fn balances(&self, now_us: i64, limits: &[&Limit]) -> Vec<Balance> {
        match self.home {
            Home::Memory => self.memory.balances(now_us, limits),
        }
    }

    /// The same as far as it is known without asking anybody.
    pub(super) fn known_balances(&self, now_us: i64, limits: &[&Limit]) -> Vec<Balance> {
        match self.home {
            Home::Memory => self.memory.balances(now_us, limits),
        }
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

    pub(super) fn counts(&self) -> super::QuotaCounts {
        self.memory.counts()
    }

    pub(super) fn close(&self) {
        self.memory.close();
    }
}
