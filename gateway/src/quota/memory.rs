//! The ledger and the usage book in this process, with a journal beside them.
//!
//! One lock holds all three together, for a few microseconds and never across a wait: what is in memory and what is in the
//! file are always in the same order. A thread of its own asks the disk to keep the file and writes it anew.

use super::HeldPart;
use super::journal::{Journal, Line, Next, State, StoreError};
use super::store::{Balance, Top};
use crate::config::QuotaStore;
use crate::usage::{Book, Key, Sums};
use lease::quota::{AccountName, Claim, Entry, Id, Ledger, Left, Limit, Refusal, Settled};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// See the module's text.
#[derive(Debug)]
pub(super) struct Memory {
    inner: Arc<Mutex<Inner>>,
    late: AtomicU64,
    keeper: Mutex<Option<Keeper>>,
}

#[derive(Debug)]
struct Inner {
    state: State,
    journal: Option<Journal>,
}

/// The thread; it ends when the sender is dropped.
#[derive(Debug)]
struct Keeper {
    stop: mpsc::Sender<()>,
    thread: JoinHandle<()>,
}

impl Memory {
    pub(super) fn open(config: &QuotaStore, now_us: i64) -> Result<Self, StoreError> {
        let book = config.usage.then(|| Book::new(config.usage_rows_max, config.usage_days));
        let mut state = State { ledger: Ledger::default(), book };
        let mut keeper = None;
        let mut journal = None;
        if let Some(path) = &config.file {
            let mut opened = Journal::open(path, &mut state)?;
            if state.ledger.open_calls() > 0 {
                let calls = state.ledger.open_calls();
                tracing::warn!(
                    calls,
                    "calls were under way when the gateway was killed: what was set aside counts as used"
                );
                let entry = Entry::Abandon { at_us: now_us };
                state.ledger.apply(entry.clone());
                opened.append(&Line::Quota(entry));
            }
            journal = Some(opened);
        }
        let has_file = journal.is_some();
        let inner = Arc::new(Mutex::new(Inner { state, journal }));
        if has_file {
            keeper = Some(keep(Arc::clone(&inner), config.sync_interval, config.compact_bytes)?);
        }
        Ok(Self { inner, late: AtomicU64::new(0), keeper: Mutex::new(keeper) })
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        locked(&self.inner)
    }

    pub(super) fn reserve(
        &self,
        now_us: i64,
        until_us: i64,
        id: Id,
        claims: &[Claim<'_>],
    ) -> Result<Vec<Left>, Refusal> {
        let mut inner = self.inner();
        let left = inner.state.ledger.reserve(now_us, until_us, id, claims)?;
        inner.log(|| {
            let claims = claims.iter().map(|claim| (claim.account.clone(), claim.amount)).collect();
            Line::Quota(Entry::Reserve { id, at_us: now_us, until_us, claims })
        });
        Ok(left)
    }

    /// Whether a call was reserved here and is not settled.
    pub(super) fn is_open(&self, id: Id) -> bool {
        self.inner().state.ledger.is_open(id)
    }

    pub(super) fn settle(&self, now_us: i64, id: Id, parts: &[HeldPart], amounts: Vec<u64>) {
        let mut inner = self.inner();
        match inner.state.ledger.settle(now_us, id, &amounts) {
            Settled::Done => inner.log(|| Line::Quota(Entry::Settle { id, at_us: now_us, amounts })),
            Settled::Late => {
                self.late.fetch_add(1, Ordering::Relaxed);
                // What was set aside is spent; only what goes beyond it is still owed.
                for (part, amount) in parts.iter().zip(amounts).filter(|(part, amount)| *amount > part.amount) {
                    let more = amount - part.amount;
                    inner.state.ledger.charge(now_us, &part.account, more);
                    let account = part.account.clone();
                    inner.log(|| Line::Quota(Entry::Charge { account, at_us: now_us, amount: more }));
                }
            }
        }
    }

    pub(super) fn top(&self, now_us: i64, account: &AccountName, limit: &Limit, top: Top) -> Left {
        let mut inner = self.inner();
        let ledger = &mut inner.state.ledger;
        let topped = match top {
            Top::To(left) => ledger.topped_for(account.as_str(), limit, left),
            Top::By(delta) => ledger.topped_by(account.as_str(), delta),
        };
        ledger.top(account, topped);
        let left = ledger.left(now_us, account.as_str(), limit);
        inner.log(|| Line::Quota(Entry::Top { account: account.clone(), topped }));
        left
    }

    pub(super) fn left(&self, now_us: i64, account: &AccountName, limit: &Limit) -> Left {
        self.inner().state.ledger.left(now_us, account.as_str(), limit)
    }

    pub(super) fn balances(&self, now_us: i64, limits: &[&Limit]) -> Vec<Balance> {
        let mut inner = self.inner();
        let ledger = &mut inner.state.ledger;
        let mut names: Vec<(AccountName, usize)> = Vec::new();
        for (place, limit) in limits.iter().enumerate() {
            names.extend(ledger.accounts_of(limit).map(|(name, _)| (name.clone(), place)));
        }
        let balance = |(account, place): (AccountName, usize)| {
            let limit = limits.get(place)?;
            let left = ledger.left(now_us, account.as_str(), limit);
            let (taken, reserved) =
                ledger.account(account.as_str()).map_or((0, 0), |one| (one.taken(), one.reserved()));
            Some(Balance { limit: place, account, left, taken, reserved })
        };
        names.into_iter().filter_map(balance).collect()
    }

    pub(super) fn used(&self, key: Key, sums: Sums) {
        let mut inner = self.inner();
        if let Some(book) = &mut inner.state.book {
            book.add(key.clone(), &sums);
            inner.log(|| Line::Use { key, sums });
        }
    }

    pub(super) fn charge_experiment(&self, key: Key, sums: Sums) {
        let mut inner = self.inner();
        if let Some(book) = &mut inner.state.book {
            book.charge_experiment(key.clone(), &sums);
            inner.log(|| Line::Experiment { key, sums });
        }
    }

    pub(super) fn book(&self) -> Option<Book> {
        self.inner().state.book.clone()
    }

    /// Summed under the lock, and not copied: a book may have many rows.
    pub(super) fn on_day(&self, day: i64) -> Option<BTreeMap<String, Sums>> {
        self.inner().state.book.as_ref().map(|book| book.on_day(day))
    }

    pub(super) fn counts(&self) -> super::QuotaCounts {
        let inner = self.inner();
        let book = inner.state.book.as_ref();
        super::QuotaCounts {
            open_calls: inner.state.ledger.open_calls() as u64,
            leases_expired: inner.state.ledger.expired(),
            settled_late: self.late.load(Ordering::Relaxed),
            journal_errors: inner.journal.as_ref().map_or(0, |journal| journal.errors),
            usage_rows: book.map_or(0, Book::len) as u64,
            usage_folded: book.map_or(0, Book::folded),
            ..super::QuotaCounts::default()
        }
    }

    /// The thread ends, the disk keeps everything, and the file is free for another process.
    pub(super) fn close(&self) {
        let keeper = self.keeper.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(Keeper { stop, thread }) = keeper {
            drop(stop);
            if thread.join().is_err() {
                tracing::error!("the thread that keeps quotas has failed");
            }
        }
        self.inner().journal = None;
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        self.close();
    }
}

impl Inner {
    fn log(&mut self, line: impl FnOnce() -> Line) {
        if let Some(journal) = &mut self.journal {
            journal.append(&line());
        }
    }
}

fn locked(inner: &Mutex<Inner>) -> MutexGuard<'_, Inner> {
    inner.lock().unwrap_or_else(PoisonError::into_inner)
}

fn keep(inner: Arc<Mutex<Inner>>, interval: Duration, compact_bytes: u64) -> Result<Keeper, StoreError> {
    let (stop, stopped) = mpsc::channel::<()>();
    let run = move || {
        let mut over = false;
        while !over {
            over = stopped.recv_timeout(interval) == Err(RecvTimeoutError::Disconnected);
            sync(&inner);
            write_anew(&inner, compact_bytes);
        }
    };
    let thread = std::thread::Builder::new().name("quotas".to_owned()).spawn(run);
    let thread = thread.map_err(|source| StoreError::File { path: "thread".into(), source })?;
    Ok(Keeper { stop, thread })
}

fn sync(inner: &Mutex<Inner>) {
    let unsynced = locked(inner).journal.as_mut().and_then(Journal::unsynced);
    let Some(Err(error)) = unsynced.map(|file| file.sync_data()) else { return };
    if let Some(journal) = &mut locked(inner).journal {
        journal.failed(&error);
    }
}

/// The snapshot is written without the lock: what comes in meanwhile goes to the old file and is kept for the new one.
fn write_anew(inner: &Mutex<Inner>, compact_bytes: u64) {
    let begun = {
        let mut inner = locked(inner);
        let Inner { state, journal } = &mut *inner;
        match journal.as_mut().filter(|journal| journal.wants_anew(compact_bytes)) {
            Some(journal) => {
                state.ledger.tidy(crate::clock::now_us());
                if let Some(book) = &mut state.book {
                    book.forget();
                }
                Some((journal.begin_tail(), state.clone()))
            }
            None => None,
        }
    };
    let Some((path, state)) = begun else { return };
    let written = Next::write(path, &state);
    let mut inner = locked(inner);
    let Some(journal) = &mut inner.journal else { return };
    if let Err(error) = written.and_then(|next| journal.take_over(next)) {
        journal.drop_tail();
        journal.failed(&error);
    }
}
