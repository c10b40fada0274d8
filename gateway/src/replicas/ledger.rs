//! The ledger of quotas that all replicas share: [`lease::quota::Ledger`], kept in Redis by one script.
//!
//! The functions are those of the ledger in memory and give the same answers; a test holds both against each other. Two
//! things are different. The clock is that of Redis, so that replicas need not agree about the time. And a call may come
//! to nothing: what was set aside by a call whose answer never came is given back as soon as Redis answers again, what was
//! not settled is settled then. What is forgotten on the way (a full queue, a crash) ends with its lease and counts as used.

use super::Replicas;
use super::store::{Function, StoreError};
use lease::quota::{AccountName, Claim, Id, Left, Limit, Refusal, Refused, Settled};
use redis::{FromRedisValue, ScriptInvocation, Value};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::runtime::Handle;
use tokio_util::task::TaskTracker;

/// Settlements that wait for Redis; beyond, the oldest is forgotten, and its lease ends it.
const WAITING_MAX: usize = 16_384;
/// Settlements that are made up for with each read of the watching task.
const CATCH_UP_MAX: usize = 256;

/// Accounts that are listed at most, and in one step.
const ACCOUNTS_MAX: usize = 20_000;
const ACCOUNTS_PER_CALL: usize = 250;

/// What a call that has ended used of one account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Spent {
    pub account: AccountName,
    /// What was set aside.
    pub reserved: u64,
    pub used: u64,
}

/// What Redis could not be told.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Waiting {
    Settle(Id, Vec<Spent>),
    Release(Id),
    Charge(AccountName, u64),
}

/// What is still to be told to Redis.
#[derive(Debug, Default)]
pub(super) struct Backlog {
    waiting: Mutex<VecDeque<Waiting>>,
    /// Settlements under way.
    pub(super) under_way: TaskTracker,
    late: AtomicU64,
}

impl Backlog {
    fn push(&self, one: Waiting) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() == WAITING_MAX {
            waiting.pop_front();
        }
        waiting.push_back(one);
    }

    fn pop(&self) -> Option<Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }

    pub(super) fn len(&self) -> usize {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

impl Replicas {
    /// Sets everything aside that a call may use, or nothing; its lease ends `lease_us` from now. See
    /// [`lease::quota::Ledger::reserve`]. `at_us` replaces the clock of Redis.
    ///
    /// # Errors
    /// Outer: Redis did not do it, or did not say so; what it may have set aside will be given back. Inner: a limit would be
    /// passed.
    pub(crate) async fn reserve(
        &self,
        at_us: Option<i64>,
        lease_us: i64,
        id: Id,
        claims: &[Claim<'_>],
    ) -> Result<Result<Vec<Left>, Refusal>, StoreError> {
        let mut call = self.ledger_call("reserve", at_us);
        call.arg(lease_us).arg(id.to_string());
        for claim in claims {
            call.arg(claim.account.as_str()).arg(claim.limit.amount).arg(claim.amount);
        }
        let reply: Result<Vec<Value>, StoreError> = self.store.run(Function::Quotas, &call).await;
        if reply.as_ref().is_err_and(StoreError::is_uncertain) {
            self.backlog.push(Waiting::Release(id));
        }
        reserved(reply?, claims).ok_or(StoreError::Unexpected)
    }

    /// A call has ended and used this, in the order of its claims. Returns at once: Redis is told in the background, and
    /// later if it cannot be told now.
    pub(crate) fn settle_in_background(self: &Arc<Self>, id: Id, spent: Vec<Spent>) {
        let one = Waiting::Settle(id, spent);
        match Handle::try_current() {
            // As many as requests end; each has a deadline.
            Ok(runtime) if self.store.is_up() => {
                let replicas = Arc::clone(self);
                self.backlog.under_way.spawn_on(async move { replicas.tell(one).await }, &runtime);
            }
            _ => self.backlog.push(one),
        }
    }

    /// Calls have used this that were counted elsewhere: it is charged when Redis is there.
    pub(crate) fn charge_later(&self, spent: Vec<Spent>) {
        for Spent { account, used, .. } in spent {
            if used > 0 {
                self.backlog.push(Waiting::Charge(account, used));
            }
        }
    }

    /// Calls that ended after their lease.
    pub(crate) fn settled_late(&self) -> u64 {
        self.backlog.late.load(Ordering::Relaxed)
    }

    /// Waits until all settlements are told that can be.
    pub(crate) async fn close(&self) {
        self.backlog.under_way.close();
        // Each of them has a deadline, so this ends.
        self.backlog.under_way.wait().await;
        self.catch_up().await;
        let left = self.backlog.len();
        if left > 0 {
            tracing::error!(left, "settlements could not be told to Redis: what was set aside for them counts as used");
        }
    }

    /// Something was used for which nothing was set aside.
    ///
    /// # Errors
    /// Redis did not do it, or did not say so.
    pub(crate) async fn charge(
        &self,
        at_us: Option<i64>,
        account: &AccountName,
        amount: u64,
    ) -> Result<(), StoreError> {
        let mut call = self.ledger_call("charge", at_us);
        call.arg(account.as_str()).arg(amount);
        self.store.run::<u8>(Function::Quotas, &call).await.map(drop)
    }

    /// What a limit leaves on an account.
    ///
    /// # Errors
    /// Redis did not say.
    pub(crate) async fn left(&self, at_us: Option<i64>, account: &str, limit: &Limit) -> Result<Left, StoreError> {
        let mut call = self.ledger_call("left", at_us);
        call.arg(account).arg(limit.amount);
        let reply: Vec<Value> = self.store.run(Function::Quotas, &call).await?;
        lefts(reply).and_then(|lefts| lefts.first().copied()).ok_or(StoreError::Unexpected)
    }

    /// Tops an account up, or lowers it, so that this is left once the calls under way have used nothing. Returns what is
    /// added to the limit's own amount from now on.
    ///
    /// # Errors
    /// Redis did not do it, or did not say so.
    pub(crate) async fn top_for(
        &self,
        at_us: Option<i64>,
        account: &AccountName,
        limit: &Limit,
        left: u64,
    ) -> Result<i64, StoreError> {
        let mut call = self.ledger_call("top_for", at_us);
        call.arg(account.as_str()).arg(limit.amount).arg(left);
        self.store.run(Function::Quotas, &call).await
    }

    /// The same, so that this much more is left, or less.
    ///
    /// # Errors
    /// Redis did not do it, or did not say so.
    pub(crate) async fn top_by(
        &self,
        at_us: Option<i64>,
        account: &AccountName,
        delta: i64,
    ) -> Result<i64, StoreError> {
        let mut call = self.ledger_call("top_by", at_us);
        call.arg(account.as_str()).arg(delta);
        self.store.run(Function::Quotas, &call).await
    }

    /// All accounts of these limits from which something was taken: place of the limit, account, what is left, what counts
    /// in the window, and what of it calls under way have set aside. At most [`ACCOUNTS_MAX`].
    ///
    /// # Errors
    /// Redis did not say.
    pub(crate) async fn balances(
        &self,
        at_us: Option<i64>,
        limits: &[&Limit],
    ) -> Result<Vec<(usize, AccountName, Left, u64, u64)>, StoreError> {
        let prefixes: Vec<AccountName> = limits.iter().map(|limit| limit.account("")).collect();
        let limit_of = |name: &str| prefixes.iter().position(|prefix| name.starts_with(prefix.as_str()));
        let mut balances = Vec::new();
        for start in (0..ACCOUNTS_MAX).step_by(ACCOUNTS_PER_CALL) {
            let mut call = self.ledger_call("names", at_us);
            call.arg(start).arg(ACCOUNTS_PER_CALL);
            let names: Vec<String> = self.store.run(Function::Quotas, &call).await?;
            let is_last = names.len() < ACCOUNTS_PER_CALL;
            let found: Vec<(usize, AccountName)> =
                names.iter().filter_map(|name| Some((limit_of(name)?, AccountName::parse(name)?))).collect();
            let mut call = self.ledger_call("tell", at_us);
            for (place, account) in &found {
                call.arg(account.as_str()).arg(limits.get(*place).map_or(0, |limit| limit.amount));
            }
            let mut told = self.store.run::<Vec<Value>>(Function::Quotas, &call).await?.into_iter();
            for (place, account) in found {
                let row = read_balance(&mut told).ok_or(StoreError::Unexpected)?;
                balances.push((place, account, row.0, row.1, row.2));
            }
            if is_last {
                break;
            }
        }
        Ok(balances)
    }

    /// Calls under way on all replicas, and leases that ended before their calls were settled, so far.
    ///
    /// # Errors
    /// Redis did not say.
    pub(crate) async fn ledger_counts(&self) -> Result<(u64, u64), StoreError> {
        let mut commands = redis::pipe();
        commands.cmd("ZCARD").arg(self.store.key("quota:leases"));
        commands.cmd("HGET").arg(self.store.key("quota")).arg("expired");
        let (open, expired): (u64, Option<u64>) = self.store.query(Function::Quotas, &commands).await?;
        Ok((open, expired.unwrap_or(0)))
    }

    /// Tells Redis what it could not be told before, as far as it answers.
    pub(super) async fn catch_up(&self) {
        for _ in 0..self.backlog.len().min(CATCH_UP_MAX) {
            let Some(one) = self.backlog.pop() else { return };
            if !self.tell(one).await {
                return;
            }
        }
    }

    /// Tells Redis one thing; what it does not take waits. Whether it took it.
    async fn tell(&self, one: Waiting) -> bool {
        let told = match &one {
            Waiting::Settle(id, spent) => {
                let used: Vec<u64> = spent.iter().map(|one| one.used).collect();
                self.settle(None, *id, &used).await
            }
            Waiting::Release(id) => self.release(None, *id).await,
            Waiting::Charge(account, amount) => self.charge(None, account, *amount).await.map(|()| Settled::Done),
        };
        match (told, one) {
            (Ok(Settled::Late), Waiting::Settle(_, spent)) => {
                self.backlog.late.fetch_add(1, Ordering::Relaxed);
                self.charge_excess(spent).await;
                true
            }
            (Ok(_), _) => true,
            (Err(_), one) => {
                self.backlog.push(one);
                false
            }
        }
    }

    /// The lease had ended: what was set aside is spent, only what goes beyond it is still owed. Where the answer to an
    /// earlier settlement was lost, this may be charged twice; never too little.
    async fn charge_excess(&self, spent: Vec<Spent>) {
        for Spent { account, reserved, used } in spent {
            let more = used.saturating_sub(reserved);
            if more > 0 && self.charge(None, &account, more).await.is_err() {
                self.backlog.push(Waiting::Charge(account, more));
            }
        }
    }

    pub(super) async fn settle(&self, at_us: Option<i64>, id: Id, amounts: &[u64]) -> Result<Settled, StoreError> {
        let mut call = self.ledger_call("settle", at_us);
        call.arg(id.to_string()).arg(amounts);
        self.store.run(Function::Quotas, &call).await.map(settled)
    }

    /// A call was never made: all that was set aside for it is given back.
    pub(super) async fn release(&self, at_us: Option<i64>, id: Id) -> Result<Settled, StoreError> {
        let mut call = self.ledger_call("release", at_us);
        call.arg(id.to_string());
        self.store.run(Function::Quotas, &call).await.map(settled)
    }

    fn ledger_call(&self, step: &str, at_us: Option<i64>) -> ScriptInvocation<'_> {
        let mut call = self.ledger.prepare_invoke();
        call.key(self.store.key("quota")).arg(step);
        match at_us {
            Some(at_us) => call.arg(at_us),
            None => call.arg(""),
        };
        call
    }
}

const fn settled(done: u8) -> Settled {
    if done == 1 { Settled::Done } else { Settled::Late }
}

/// What the script says to a reservation.
fn reserved(reply: Vec<Value>, claims: &[Claim<'_>]) -> Option<Result<Vec<Left>, Refusal>> {
    let mut reply = reply.into_iter();
    let word: String = read(reply.next()?)?;
    match word.as_str() {
        "ok" => lefts(reply.collect()).filter(|lefts| lefts.len() == claims.len()).map(Ok),
        "full" => Some(Err(Refusal::Full)),
        "over" => {
            let limit = claims.get(read::<usize>(reply.next()?)?)?.limit;
            let refused = Refused {
                limit: Arc::clone(&limit.name),
                unit: limit.unit,
                window: limit.window,
                amount: read(reply.next()?)?,
                taken: read(reply.next()?)?,
                asked: read(reply.next()?)?,
                retry_after_us: reply.next().map_or(Some(None), read)?,
            };
            Some(Err(refused.into()))
        }
        _ => None,
    }
}

fn lefts(values: Vec<Value>) -> Option<Vec<Left>> {
    let mut values = values.into_iter();
    let mut lefts = Vec::with_capacity(values.len() / 3);
    while let Some(amount) = values.next() {
        let (amount, left) = (read(amount)?, read(values.next()?)?);
        lefts.push(Left { amount, left, reset_us: read(values.next()?)? });
    }
    Some(lefts)
}

fn read_balance(values: &mut impl Iterator<Item = Value>) -> Option<(Left, u64, u64)> {
    let left = Left { amount: read(values.next()?)?, left: read(values.next()?)?, reset_us: read(values.next()?)? };
    Some((left, read(values.next()?)?, read(values.next()?)?))
}

fn read<T: FromRedisValue>(value: Value) -> Option<T> {
    T::from_redis_value(value).ok()
}
