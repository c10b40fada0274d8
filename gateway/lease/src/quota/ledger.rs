//! All accounts, and the calls under way that have set something aside.

use super::account::Account;
use super::entry::{Entry, Part};
use super::limit::{AMOUNT_MAX, AccountName, Id, Limit, Unit};
use super::window::Window;
use std::collections::btree_map::Entry as Slot;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Accounts that a ledger keeps. One more call than they allow is refused; blank ones are forgotten first.
const ACCOUNTS_MAX: usize = 200_000;
/// Calls that may have something set aside at once; one more is refused.
const OPEN_MAX: usize = 1 << 20;

/// What a call asks of one account.
#[derive(Debug, Clone)]
pub struct Claim<'a> {
    /// Account, by [`Limit::account`].
    pub account: AccountName,
    /// Its limit as it is now.
    pub limit: &'a Limit,
    /// The most that the call is expected to use, at most [`AMOUNT_MAX`]; nothing is always granted.
    pub amount: u64,
}

/// What a limit leaves behind a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Left {
    /// The limit, with what was topped up.
    pub amount: u64,
    /// What is left of it.
    pub left: u64,
    /// Microseconds until all that was taken is free again; `None`: it never is by itself.
    pub reset_us: Option<i64>,
}

/// Why nothing was set aside.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A limit would be passed.
    #[error(transparent)]
    Over(#[from] Refused),
    /// The ledger holds as many accounts or calls under way as it may.
    #[error("the ledger holds as many accounts or calls as it may")]
    Full,
}

/// The limit that would be passed; of several the one that takes longest to allow it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("limit {limit} of {amount} {} ({window}): {taken} taken, {asked} asked for", unit.name())]
pub struct Refused {
    /// Its name.
    pub limit: Arc<str>,
    /// What it counts.
    pub unit: Unit,
    /// Over which time.
    pub window: Window,
    /// The limit, with what was topped up.
    pub amount: u64,
    /// What was used and is set aside.
    pub taken: u64,
    /// What the call asked for.
    pub asked: u64,
    /// Microseconds until it would be granted if nothing else happened; `None`: never by itself, because it is a balance
    /// or because more was asked for than the limit ever allows. Late by up to one slot of a rolling window.
    pub retry_after_us: Option<i64>,
}

/// What became of a settlement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    /// What was used took the place of what was set aside.
    Done,
    /// The lease had ended, or the call was never known: what was set aside stays used. What was used beyond it should be
    /// charged by [`Ledger::charge`].
    Late,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Open {
    until_us: i64,
    parts: Vec<Part>,
}

/// See the module's text.
#[derive(Debug, Clone, Default)]
pub struct Ledger {
    accounts: BTreeMap<AccountName, Account>,
    open: BTreeMap<Id, Open>,
    leases: BTreeSet<(i64, Id)>,
    /// The latest instant seen: a clock that is set back stands still until it has caught up.
    latest_us: i64,
    expired: u64,
}

impl Ledger {
    /// Sets everything aside that a call may use, or nothing. The lease ends at `lease_until_us`. Asked again under the
    /// same id it takes nothing more. Returns what is left, in the order of the claims.
    ///
    /// # Errors
    /// A limit would be passed, or the ledger is full.
    pub fn reserve(
        &mut self,
        now_us: i64,
        lease_until_us: i64,
        id: Id,
        claims: &[Claim<'_>],
    ) -> Result<Vec<Left>, Refusal> {
        let now_us = self.advance(now_us);
        if !self.open.contains_key(&id) {
            self.check(now_us, claims)?;
            self.take(now_us, lease_until_us, id, claims.iter().map(|claim| (&claim.account, claim.amount)));
        }
        Ok(claims.iter().map(|claim| self.left(now_us, claim.account.as_str(), claim.limit)).collect())
    }

    /// A call has ended and used this, in the order of its claims.
    pub fn settle(&mut self, now_us: i64, id: Id, amounts: &[u64]) -> Settled {
        self.advance(now_us);
        let Some(open) = self.close(id) else { return Settled::Late };
        for (part, actual) in open.parts.iter().zip(amounts) {
            if let Some(account) = self.accounts.get_mut(&part.account) {
                account.replace(part.slot, part.amount, (*actual).min(AMOUNT_MAX));
            }
        }
        Settled::Done
    }

    /// A call was never made: all that was set aside for it is given back.
    pub fn release(&mut self, now_us: i64, id: Id) -> Settled {
        let claims = self.open.get(&id).map_or(0, |open| open.parts.len());
        self.settle(now_us, id, &vec![0; claims])
    }

    /// Something was used for which nothing was set aside.
    pub fn charge(&mut self, now_us: i64, account: &AccountName, amount: u64) {
        let now_us = self.advance(now_us);
        let Some(window) = account.window() else { return };
        let slot = window.slot(now_us);
        let of_call = self.accounts.entry(account.clone()).or_default();
        of_call.retire(window.oldest(now_us));
        of_call.take(slot, amount.min(AMOUNT_MAX));
    }

    /// What [`Account::topped`] has to become, so that this is left once the calls under way have used nothing.
    #[must_use]
    pub fn topped_for(&self, account: &str, limit: &Limit, left: u64) -> i64 {
        let (taken, reserved) = self.accounts.get(account).map_or((0, 0), |one| (one.taken(), one.reserved()));
        let used = i128::from(taken) - i128::from(reserved);
        within(i128::from(left) + used - i128::from(limit.amount))
    }

    /// What it has to become, so that this much more is left, or less.
    #[must_use]
    pub fn topped_by(&self, account: &str, delta: i64) -> i64 {
        let before = self.accounts.get(account).map_or(0, Account::topped);
        within(i128::from(before) + i128::from(delta))
    }

    /// Sets what is added to a limit's own amount on one account.
    pub fn top(&mut self, account: &AccountName, topped: i64) {
        self.accounts.entry(account.clone()).or_default().set_topped(topped);
    }

    /// What a limit leaves on an account.
    pub fn left(&mut self, now_us: i64, account: &str, limit: &Limit) -> Left {
        let now_us = self.advance(now_us);
        let Some(found) = self.accounts.get_mut(account) else {
            return Left { amount: limit.amount, left: limit.amount, reset_us: Some(0) };
        };
        found.retire(limit.window.oldest(now_us));
        let last = found.slots().last().map(|(slot, _)| slot);
        let reset_us = match last {
            Some(slot) => limit.window.free_at_us(slot).map(|free_us| free_us.saturating_sub(now_us).max(0)),
            None => Some(0),
        };
        Left { amount: amount_of(found, limit), left: found.left(limit.amount), reset_us }
    }

    /// All accounts and what they hold.
    pub fn accounts(&self) -> impl Iterator<Item = (&AccountName, &Account)> {
        self.accounts.iter()
    }

    /// The accounts of one limit.
    pub fn accounts_of(&self, limit: &Limit) -> impl Iterator<Item = (&AccountName, &Account)> {
        let first = limit.account("");
        self.accounts.range(first.clone()..).take_while(move |(name, _)| name.as_str().starts_with(first.as_str()))
    }

    /// One account, if anything was ever taken of it.
    #[must_use]
    pub fn account(&self, account: &str) -> Option<&Account> {
        self.accounts.get(account)
    }

    /// Whether a call is under way that has set something aside here.
    #[must_use]
    pub fn is_open(&self, id: Id) -> bool {
        self.open.contains_key(&id)
    }

    /// Calls under way that have set something aside.
    #[must_use]
    pub fn open_calls(&self) -> usize {
        self.open.len()
    }

    /// Leases that ended before their calls were settled, so far.
    #[must_use]
    pub const fn expired(&self) -> u64 {
        self.expired
    }

    /// Ends the leases that have run out, forgets what no longer counts, and accounts that say nothing any more.
    pub fn tidy(&mut self, now_us: i64) {
        let now_us = self.advance(now_us);
        self.accounts.retain(|name, account| {
            name.window().is_some_and(|window| {
                account.retire(window.oldest(now_us));
                !account.is_blank()
            })
        });
    }

    /// Everything still open belongs to nobody any more. What was set aside counts as used.
    pub fn abandon(&mut self, now_us: i64) {
        self.advance(now_us);
        let all: Vec<Id> = self.open.keys().copied().collect();
        self.expired += all.len() as u64;
        for id in all {
            self.close(id);
        }
    }

    /// The ledger as the beginning of a new journal. Applied to an empty ledger, it gives this one.
    pub fn snapshot(&self) -> impl Iterator<Item = Entry> + '_ {
        let accounts = self.accounts.iter().map(|(name, account)| Entry::Account {
            account: name.clone(),
            slots: account.slots().collect(),
            topped: account.topped(),
        });
        let open = self.open.iter().map(|(id, open)| Entry::Open {
            id: *id,
            until_us: open.until_us,
            parts: open.parts.clone(),
        });
        std::iter::once(Entry::Clock { at_us: self.latest_us }).chain(accounts).chain(open)
    }

    /// Does again what a journal says was done.
    pub fn apply(&mut self, entry: Entry) {
        match entry {
            Entry::Reserve { id, at_us, until_us, claims } => {
                let at_us = self.advance(at_us);
                if !self.open.contains_key(&id) {
                    self.take(at_us, until_us, id, claims.iter().map(|(account, amount)| (account, *amount)));
                }
            }
            Entry::Settle { id, at_us, amounts } => {
                self.settle(at_us, id, &amounts);
            }
            Entry::Charge { account, at_us, amount } => self.charge(at_us, &account, amount),
            Entry::Top { account, topped } => self.top(&account, topped),
            Entry::Abandon { at_us } => self.abandon(at_us),
            Entry::Clock { at_us } => {
                self.advance(at_us);
            }
            Entry::Account { account, slots, topped } => {
                self.accounts.insert(account, Account::restored(slots, topped));
            }
            Entry::Open { id, until_us, parts } => self.put_open(id, Open { until_us, parts }),
        }
    }

    /// Time goes on: leases that have run out by now are ended. Returns the instant that counts.
    fn advance(&mut self, now_us: i64) -> i64 {
        self.latest_us = self.latest_us.max(now_us);
        while let Some((_, id)) = self.leases.first().copied().filter(|(until_us, _)| *until_us <= self.latest_us) {
            self.close(id);
            self.expired += 1;
        }
        self.latest_us
    }

    fn check(&mut self, now_us: i64, claims: &[Claim<'_>]) -> Result<(), Refusal> {
        if self.open.len() >= OPEN_MAX || self.accounts.len() + claims.len() > ACCOUNTS_MAX {
            self.tidy(now_us);
            if self.open.len() >= OPEN_MAX || self.accounts.len() + claims.len() > ACCOUNTS_MAX {
                return Err(Refusal::Full);
            }
        }
        let mut refused: Option<Refused> = None;
        for (place, claim) in claims.iter().enumerate() {
            let before = claims.iter().take(place).filter(|other| other.account == claim.account);
            let asked = before.map(|other| other.amount).fold(claim.amount, u64::saturating_add);
            if let Some(new) = self.refuses(now_us, claim, asked) {
                let later = |refused: &Refused| refused.retry_after_us.unwrap_or(i64::MAX);
                if refused.as_ref().is_none_or(|old| later(&new) > later(old)) {
                    refused = Some(new);
                }
            }
        }
        refused.map_or(Ok(()), |refused| Err(refused.into()))
    }

    fn refuses(&mut self, now_us: i64, claim: &Claim<'_>, asked: u64) -> Option<Refused> {
        let Claim { account, limit, .. } = claim;
        let blank = Account::default();
        let found = match self.accounts.get_mut(account) {
            Some(found) => {
                found.retire(limit.window.oldest(now_us));
                found
            }
            None => &blank,
        };
        if claim.amount == 0 || asked <= found.left(limit.amount) {
            return None;
        }
        let amount = amount_of(found, limit);
        Some(Refused {
            limit: Arc::clone(&limit.name),
            unit: limit.unit,
            window: limit.window,
            amount,
            taken: found.taken(),
            asked,
            retry_after_us: retry_after_us(found, limit.window, amount, asked, now_us),
        })
    }

    fn take<'a>(
        &mut self,
        now_us: i64,
        until_us: i64,
        id: Id,
        claims: impl ExactSizeIterator<Item = (&'a AccountName, u64)>,
    ) {
        let mut parts = Vec::with_capacity(claims.len());
        for (name, amount) in claims {
            let Some(window) = name.window() else { continue };
            let account = match self.accounts.entry(name.clone()) {
                Slot::Occupied(found) => found.into_mut(),
                Slot::Vacant(place) => place.insert(Account::default()),
            };
            account.retire(window.oldest(now_us));
            let slot = account.take(window.slot(now_us), amount);
            parts.push(Part { account: name.clone(), slot, amount });
        }
        self.put_open(id, Open { until_us, parts });
    }

    fn put_open(&mut self, id: Id, open: Open) {
        // Only a journal that nobody wrote opens a call twice.
        self.close(id);
        for part in &open.parts {
            if let Some(account) = self.accounts.get_mut(&part.account) {
                account.reopen(part.amount);
            }
        }
        self.leases.insert((open.until_us, id));
        self.open.insert(id, open);
    }

    /// A call is no longer under way; what it took stays taken.
    fn close(&mut self, id: Id) -> Option<Open> {
        let open = self.open.remove(&id)?;
        self.leases.remove(&(open.until_us, id));
        for part in &open.parts {
            if let Some(account) = self.accounts.get_mut(&part.account) {
                account.close(part.amount);
            }
        }
        Some(open)
    }
}

/// A limit with what was topped up.
fn amount_of(account: &Account, limit: &Limit) -> u64 {
    let amount = i128::from(limit.amount) + i128::from(account.topped());
    u64::try_from(amount.max(0)).unwrap_or(u64::MAX)
}

/// When enough of the oldest slots has left the window.
fn retry_after_us(account: &Account, window: Window, amount: u64, asked: u64, now_us: i64) -> Option<i64> {
    let room = amount.checked_sub(asked)?;
    let mut taken = account.taken();
    for (slot, of_slot) in account.slots() {
        taken = taken.saturating_sub(of_slot);
        if taken <= room {
            return Some(window.free_at_us(slot)?.saturating_sub(now_us).max(1));
        }
    }
    None
}

fn within(value: i128) -> i64 {
    let most = i128::from(AMOUNT_MAX);
    i64::try_from(value.clamp(-most, most)).unwrap_or(0)
}
