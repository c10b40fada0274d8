//! What consumers may use: set aside before a call, settled after it.
//!
//! The ledger itself is [`lease::quota`] and is pure. Here is what it needs of the world: which rules a request falls
//! under and what it may use at most ([`ask`], [`reckon`], [`trim`]), where the ledger is kept ([`store`], [`memory`],
//! [`journal`]), and what clients, operators and Higress' tools get to see ([`refuse`], [`routes`], [`higress`]).
//!
//! A [`Hold`] travels with the request to its last byte and settles when it is dropped, whatever ended the request:
//!
//! * No provider was asked: everything is given back. An answer of the guard counts as a request without tokens.
//! * A provider was asked: the request counts, and the tokens and money of the answer that the client got, also if it broke
//!   off. An arm that failed before its first byte and was replaced by another one is not the consumer's to pay.
//! * The process was killed: what was set aside counts as used.
//!
//! Copies and repeated calls hold nothing: they are the experiment's.

mod ask;
pub(crate) mod higress;
mod journal;
mod memory;
mod reckon;
mod refuse;
pub(crate) mod routes;
mod store;
mod trim;

pub(crate) use ask::Ask;
pub use journal::StoreError;
use store::Denied;
pub(crate) use store::Store;

use crate::config::{QuotaRule, QuotaStore};
use crate::problem::Problem;
use crate::replicas::Replicas;
use crate::usage::{Book, Key, Sums};
use datasets::{Arm, Exchange, Role};
use http::{HeaderName, HeaderValue};
use lease::quota::{AccountName, Claim, Id, Limit, Refusal, Unit};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use wire::Usage;

/// Name of callers without a name.
pub(crate) const ANONYMOUS: &str = "anonymous";

/// All limits and what was used of them.
#[derive(Debug)]
pub(crate) struct Quotas {
    store: Arc<Store>,
    config: QuotaStore,
    /// Refusals by the name of the limit.
    refused: Mutex<BTreeMap<Arc<str>, u64>>,
    full: AtomicU64,
    /// Refusals because the ledger's home did not answer.
    away: AtomicU64,
}

/// What a request set aside. Dropped, it settles: see the module's text.
#[derive(Debug, Default)]
pub(crate) struct Hold {
    held: Option<Box<Held>>,
    charge: Option<Box<Charge>>,
    /// Answered without a provider.
    answered: bool,
    /// Headers that tell the client what is left.
    pub headers: Vec<(HeaderName, HeaderValue)>,
}

#[derive(Debug)]
struct Held {
    store: Arc<Store>,
    id: Id,
    parts: Vec<HeldPart>,
}

/// What was set aside of one account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HeldPart {
    pub account: AccountName,
    pub unit: Unit,
    pub amount: u64,
}

/// What a call of a provider used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Charge {
    pub usage: Option<Usage>,
    /// Nano-dollars; `None` without a known price.
    pub cost_nanos: Option<i64>,
    /// Where the usage book has it, if it may have to move.
    pub entry: Option<Box<(Key, Sums)>>,
}

/// Counters for metrics.
#[derive(Debug, Default)]
pub(crate) struct QuotaCounts {
    /// Refusals by the name of the limit; `full` is the ledger itself, `away` its home.
    pub refused: Vec<(Arc<str>, u64)>,
    /// Limit, unit, and the smallest share that any account has left, percent.
    pub left_percent: Vec<(Arc<str>, &'static str, f64)>,
    pub open_calls: u64,
    pub leases_expired: u64,
    pub settled_late: u64,
    pub journal_errors: u64,
    pub usage_rows: u64,
    pub usage_folded: u64,
}

/// An account as the console shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KnownBalance {
    /// Name of the limit.
    pub limit: Arc<str>,
    pub unit: &'static str,
    /// Whose account it is, such as `consumer=team-a`.
    pub subject: String,
    /// The limit, with what was topped up.
    pub max: u64,
    pub left: u64,
    /// What counts in the window: used, or set aside.
    pub taken: u64,
    pub reserved: u64,
    /// Microseconds until all of it is free again; `None`: it never is by itself.
    pub reset_us: Option<i64>,
}

impl Quotas {
    /// Opens what is kept.
    ///
    /// # Errors
    /// The journal cannot be read or written.
    pub(crate) fn start(config: &QuotaStore, replicas: Option<Arc<Replicas>>, now_us: i64) -> Result<Self, StoreError> {
        let store = Arc::new(Store::open(config, now_us)?.shared_by(replicas));
        Ok(Self {
            store,
            config: config.clone(),
            refused: Mutex::default(),
            full: AtomicU64::new(0),
            away: AtomicU64::new(0),
        })
    }

    /// Sets aside what the request may use at most.
    ///
    /// # Errors
    /// A limit would be passed: 429 with `retry-after` and the limit's name.
    pub(crate) async fn reserve(&self, ask: Ask<'_>) -> Result<Hold, Problem> {
        if ask.rules.is_empty() {
            return Ok(Hold::default());
        }
        let claims = ask.claims(&self.config)?;
        if claims.is_empty() {
            return Ok(Hold::default());
        }
        let (id, now_us) = (Id(uuid::Uuid::now_v7().as_u128()), ask.at_us);
        let until_us = now_us.saturating_add(i64::try_from(self.config.lease.as_micros()).unwrap_or(i64::MAX));
        match self.store.reserve(now_us, until_us, id, &claims).await {
            Ok(left) => {
                let limits = claims.iter().map(|claim| claim.limit.unit).zip(left.iter().copied());
                let headers = refuse::headers(limits);
                let part = |claim: Claim<'_>| HeldPart {
                    unit: claim.limit.unit,
                    account: claim.account,
                    amount: claim.amount,
                };
                let parts = claims.into_iter().map(part).collect();
                let held = Held { store: Arc::clone(&self.store), id, parts };
                Ok(Hold { held: Some(Box::new(held)), charge: None, answered: false, headers })
            }
            Err(Denied::Refused(Refusal::Over(refused))) => {
                *self.refusals().entry(Arc::clone(&refused.limit)).or_default() += 1;
                Err(refuse::over(&refused))
            }
            Err(Denied::Refused(Refusal::Full)) => {
                self.full.fetch_add(1, Ordering::Relaxed);
                Err(Problem::busy("keeps as many quotas as it may"))
            }
            Err(Denied::Away) => {
                self.away.fetch_add(1, Ordering::Relaxed);
                Err(Problem::busy("cannot look up what is left of a quota"))
            }
        }
    }

    /// What a record adds to the usage book, if there is one. `known` says whether a model's name may be kept that no
    /// provider has answered to. Returns the entry of a call that another one may replace.
    pub(crate) fn used(&self, record: &Exchange, known: impl FnOnce(&str) -> bool) -> Option<Box<(Key, Sums)>> {
        if !self.store.keeps_usage() {
            return None;
        }
        let key = Key::of(record);
        let key = if record.error.is_none() || known(&record.model) { key } else { key.without_model() };
        let sums = Sums::of(record);
        let replaceable = record.role == Role::Served && record.arm == Arm::Candidate && record.error.is_some();
        let entry = replaceable.then(|| Box::new((key.clone(), sums)));
        self.store.used(key, sums);
        entry
    }

    /// The usage book as it stands, if there is one.
    pub(crate) fn book(&self) -> Option<Book> {
        self.store.book()
    }

    /// What each consumer pays for on a UTC day, if usage is kept.
    pub(crate) fn today(&self, day: i64) -> Option<BTreeMap<String, Sums>> {
        self.store.on_day(day)
    }

    /// Every account of these rules, as far as it is known without asking anybody.
    pub(crate) fn known_balances(&self, rules: &[QuotaRule], now_us: i64) -> Vec<KnownBalance> {
        let limits: Vec<&Limit> = rules.iter().flat_map(|rule| &rule.limits).collect();
        let known = |balance: store::Balance| {
            let limit = limits.get(balance.limit)?;
            Some(KnownBalance {
                limit: Arc::clone(&limit.name),
                unit: limit.unit.name(),
                subject: balance.account.subject().to_owned(),
                max: balance.left.amount,
                left: balance.left.left,
                taken: balance.taken,
                reserved: balance.reserved,
                reset_us: balance.left.reset_us,
            })
        };
        self.store.known_balances(now_us, &limits).into_iter().filter_map(known).collect()
    }

    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    /// Everything is on disk, and nothing more is written.
    pub(crate) fn close(&self) {
        self.store.close();
    }

    /// Numbers for metrics; of a ledger that is kept elsewhere only what this process knows.
    pub(crate) fn counts(&self, rules: &[QuotaRule], now_us: i64) -> QuotaCounts {
        let mut counts = self.store.counts();
        counts.refused = self.refusals().iter().map(|(name, count)| (Arc::clone(name), *count)).collect();
        for (name, counter) in [("full", &self.full), ("away", &self.away)] {
            let count = counter.load(Ordering::Relaxed);
            if count > 0 {
                counts.refused.push((name.into(), count));
            }
        }
        if !rules.is_empty() {
            let limits: Vec<&Limit> = rules.iter().flat_map(|rule| &rule.limits).collect();
            counts.left_percent = least_left(&limits, &self.store.known_balances(now_us, &limits));
        }
        counts
    }

    fn refusals(&self) -> MutexGuard<'_, BTreeMap<Arc<str>, u64>> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The smallest share that any account of each limit has left; all of it where nothing was used.
fn least_left(limits: &[&Limit], balances: &[store::Balance]) -> Vec<(Arc<str>, &'static str, f64)> {
    let share = |balance: &store::Balance| {
        #[expect(clippy::cast_precision_loss, reason = "a share in percent")]
        let share = balance.left.left as f64 / (balance.left.amount.max(1)) as f64 * 100.0;
        share.min(100.0)
    };
    let least =
        |place: usize| balances.iter().filter(|balance| balance.limit == place).map(share).fold(100.0, f64::min);
    limits.iter().enumerate().map(|(place, limit)| (Arc::clone(&limit.name), limit.unit.name(), least(place))).collect()
}

impl Hold {
    /// What the answer used that the client gets. A later call replaces an earlier one: an arm that failed before its first
    /// byte, and for which another one answered, is not the consumer's to pay.
    pub(crate) fn charge(&mut self, charge: Charge) {
        self.charge = Some(Box::new(charge));
    }

    /// The guard answered: the request counts, without tokens.
    pub(crate) const fn answered(&mut self) {
        self.answered = true;
    }

    /// Another arm answers now: what the first one used is the experiment's.
    pub(crate) fn replaced(&mut self, quotas: &Quotas) {
        if let Some(entry) = self.charge.as_mut().and_then(|charge| charge.entry.take()) {
            quotas.store.charge_experiment(entry.0, entry.1);
        }
    }

    /// What counts as used of one part of what was set aside.
    fn used(&self, part: &HeldPart) -> u64 {
        let Some(Charge { usage, cost_nanos, .. }) = self.charge.as_deref() else {
            return u64::from(self.answered && part.unit == Unit::Requests);
        };
        let tokens = |count: fn(&Usage) -> u64| usage.as_ref().map_or(0, count);
        match part.unit {
            Unit::Requests => 1,
            Unit::InputTokens => tokens(|usage| usage.prompt),
            Unit::OutputTokens => tokens(|usage| usage.completion),
            Unit::Tokens => tokens(|usage| usage.prompt.saturating_add(usage.completion)),
            // Tokens whose price is not known after all: what was set aside for them counts.
            Unit::NanoDollars if usage.is_some() => {
                cost_nanos.map_or(part.amount, |nanos| u64::try_from(nanos).unwrap_or(0))
            }
            Unit::NanoDollars => 0,
        }
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        let Some(held) = self.held.take() else { return };
        let amounts = held.parts.iter().map(|part| self.used(part)).collect();
        let Held { store, id, parts } = *held;
        store.settle(crate::clock::now_us(), id, &parts, amounts);
    }
}

#[cfg(test)]
mod tests;
