//! The shared ledger gives the answers of the ledger in memory.

use super::*;
use crate::replicas::{Replicas, Spent};
use lease::quota::{Claim, Id, Ledger, Limit, Period, Refusal, Settled, Unit, Window};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

const SECOND_US: i64 = 1_000_000;
const DAY_US: i64 = 86_400 * SECOND_US;
/// 2026-11-23T09:00:00Z.
const START_US: i64 = 1_795_424_400 * SECOND_US;

/// One replica's side without a gateway around it. Redis has to be asked once before it counts as there.
pub(super) async fn replicas(url: &str, more: &str) -> Arc<Replicas> {
    let config = config(url, 0.0, more, "");
    let replicas = Replicas::new(config.redis.as_ref().unwrap(), 1, Instant::now()).unwrap();
    awake(&replicas).await;
    Arc::new(replicas)
}

impl Replicas {
    async fn tell_of(self: &Arc<Self>, id: Id, spent: Vec<Spent>) {
        self.backlog.under_way.reopen();
        self.settle_in_background(id, spent);
        self.close().await;
    }
}

pub(super) async fn awake(replicas: &Replicas) {
    let mut commands = redis::pipe();
    commands.cmd("PING");
    let answered = async {
        while replicas.store.probe::<Vec<String>>(super::super::store::Function::Watch, &commands).await.is_err() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    assert!(tokio::time::timeout(Duration::from_secs(20), answered).await.is_ok());
}

fn limits() -> Vec<Limit> {
    let limit = |name: &str, window, amount| Limit { name: name.into(), unit: Unit::NanoDollars, window, amount };
    let rolling = |span_us| Window::Rolling { span_us };
    let mut limits = vec![
        limit("rolling", rolling(60 * SECOND_US), 400),
        limit("odd", rolling(7_777_777), 150),
        limit("tiny", rolling(60), 90),
        limit("ever", Window::Lifetime, 20_000),
    ];
    for (period, amount) in Period::ALL.into_iter().zip([60, 300, 1000, 4000, 9000]) {
        limits.push(limit(period.name(), Window::Calendar(period), amount));
    }
    limits
}

/// One step at both, with the same answer demanded.
struct Both<'a> {
    pure: Ledger,
    shared: &'a Replicas,
    now_us: i64,
    /// Both stand still while a clock that was set back has not caught up.
    latest_us: i64,
}

impl Both<'_> {
    async fn reserve(&mut self, lease_us: i64, id: Id, claims: &[Claim<'_>]) -> Result<(), Refusal> {
        self.latest_us = self.latest_us.max(self.now_us);
        let pure = self.pure.reserve(self.now_us, self.latest_us + lease_us, id, claims);
        let shared = self.shared.reserve(Some(self.now_us), lease_us, id, claims).await.unwrap();
        assert_eq!(shared, pure, "at {}: {claims:?}", self.now_us);
        pure.map(drop)
    }

    async fn settle(&mut self, id: Id, amounts: &[u64]) {
        let pure = self.pure.settle(self.now_us, id, amounts);
        assert_eq!(self.shared.settle(Some(self.now_us), id, amounts).await.unwrap(), pure);
    }

    async fn release(&mut self, id: Id) {
        let pure = self.pure.release(self.now_us, id);
        assert_eq!(self.shared.release(Some(self.now_us), id).await.unwrap(), pure);
    }

    async fn compare(&mut self, limit: &Limit, subject: &str) {
        self.latest_us = self.latest_us.max(self.now_us);
        let account = limit.account(subject);
        let pure = self.pure.left(self.now_us, account.as_str(), limit);
        assert_eq!(self.shared.left(Some(self.now_us), account.as_str(), limit).await.unwrap(), pure, "{account}");
    }

    /// All accounts with something in them.
    async fn list(&mut self, limits: &[Limit]) {
        self.pure.tidy(self.now_us);
        let of = |account: &str| limits.iter().find(|limit| account.starts_with(limit.account("").as_str())).unwrap();
        let pure: BTreeMap<String, (u64, u64, i64)> = self
            .pure
            .accounts()
            .map(|(name, one)| (name.to_string(), (one.left(of(name.as_str()).amount), one.taken(), one.topped())))
            .collect();
        let all: Vec<&Limit> = limits.iter().collect();
        let listed = self.shared.balances(Some(self.now_us), &all).await.unwrap();
        let shared: BTreeMap<String, (u64, u64, i64)> = listed
            .into_iter()
            .map(|(place, name, left, taken, _)| {
                let topped = i64::try_from(left.amount).unwrap() - i64::try_from(limits[place].amount).unwrap();
                (name.to_string(), (left.left, taken, topped))
            })
            // An account that says no more than one that was never used is forgotten a little later here.
            .filter(|(name, told)| pure.contains_key(name) || (told.1, told.2) != (0, 0))
            .collect();
        let topped_below_nothing = |name: &str| pure[name].2 + i64::try_from(of(name).amount).unwrap() < 0;
        for (name, told) in &pure {
            assert_eq!(shared.get(name).map(|one| (one.0, one.1)), Some((told.0, told.1)), "{name}");
            assert!(shared[name].2 == told.2 || topped_below_nothing(name), "{name}");
        }
        assert_eq!(shared.len(), pure.len());
        assert!(!pure.is_empty());
    }

    async fn top(&mut self, limit: &Limit, subject: &str, how: Result<u64, i64>) {
        let account = limit.account(subject);
        // The ledger in memory looks at what it has; the shared one forgets first what no longer counts.
        self.compare(limit, subject).await;
        let (pure, shared) = match how {
            Ok(left) => (
                self.pure.topped_for(account.as_str(), limit, left),
                self.shared.top_for(Some(self.now_us), &account, limit, left).await,
            ),
            Err(delta) => (
                self.pure.topped_by(account.as_str(), delta),
                self.shared.top_by(Some(self.now_us), &account, delta).await,
            ),
        };
        assert_eq!(shared.unwrap(), pure);
        self.pure.top(&account, pure);
    }
}

/// Random calls of several consumers over a year: reserved, settled, released, forgotten, charged, topped up.
async fn run(url: &str, seed: u64, steps: usize) -> (usize, usize, u64) {
    let shared = replicas(url, &format!("prefix = \"run-{seed}:\"")).await;
    let mut random = StdRng::seed_from_u64(seed);
    let limits = limits();
    let mut both = Both { pure: Ledger::default(), shared: &shared, now_us: START_US, latest_us: 0 };
    let (mut open, mut granted, mut refused) = (Vec::new(), 0, 0);
    for step in 0..steps {
        let subject = ["a", "b/c", "模"][random.random_range(0..3)];
        let limit = &limits[random.random_range(0..limits.len())];
        match random.random_range(0..100) {
            0..45 => {
                let count = random.random_range(0..5);
                let claims: Vec<Claim<'_>> = (0..count)
                    .map(|_| {
                        let limit = &limits[random.random_range(0..limits.len())];
                        let amount = random.random_range(0..limit.amount / 2);
                        Claim { account: limit.account(subject), limit, amount }
                    })
                    .collect();
                let lease_us = random.random_range(1..600) * SECOND_US;
                // Now and then a call asks again.
                let id = if random.random_bool(0.1) { step.saturating_sub(1) } else { step };
                match both.reserve(lease_us, Id(id as u128), &claims).await {
                    Ok(()) => {
                        granted += 1;
                        open.push((Id(id as u128), count));
                    }
                    Err(_) => refused += 1,
                }
            }
            45..65 if !open.is_empty() => {
                let (id, count) = open.swap_remove(random.random_range(0..open.len()));
                // Less, more, and fewer amounts than there were claims.
                let amounts: Vec<u64> =
                    (0..random.random_range(0..=count)).map(|_| random.random_range(0..500)).collect();
                both.settle(id, &amounts).await;
            }
            65..70 if !open.is_empty() => {
                let (id, _) = open.swap_remove(random.random_range(0..open.len()));
                both.release(id).await;
            }
            70..74 => {
                let (account, amount) = (limit.account(subject), random.random_range(0..50));
                both.pure.charge(both.now_us, &account, amount);
                shared.charge(Some(both.now_us), &account, amount).await.unwrap();
            }
            74..76 => both.top(limit, subject, Ok(random.random_range(0..limit.amount))).await,
            76..78 => both.top(limit, subject, Err(random.random_range(-300..300))).await,
            78..80 => both.now_us -= random.random_range(0..100) * SECOND_US,
            80..82 => both.now_us += random.random_range(1..40) * DAY_US / 2,
            82..90 => both.now_us += random.random_range(0..100),
            _ => both.now_us += random.random_range(0..200 * SECOND_US),
        }
        for limit in &limits {
            both.compare(limit, subject).await;
        }
    }
    both.list(&limits).await;
    (granted, refused, both.pure.expired())
}

#[tokio::test]
async fn random_operations_get_the_same_answers_from_both_ledgers() {
    let Some(redis) = RedisServer::start() else { return };
    let (mut granted, mut refused, mut expired) = (0, 0, 0);
    for seed in 0..8 {
        let (some, others, ended) = run(&redis.url(), seed, 250).await;
        (granted, refused, expired) = (granted + some, refused + others, expired + ended);
    }
    // Otherwise nothing was compared.
    assert!(granted > 100 && refused > 100 && expired > 50, "{granted} granted, {refused} refused, {expired} expired");
}

#[tokio::test]
async fn months_are_those_of_the_calendar_for_two_centuries() {
    let Some(redis) = RedisServer::start() else { return };
    let shared = replicas(&redis.url(), "").await;
    let month = Limit { name: "m".into(), unit: Unit::Requests, window: Window::Calendar(Period::Month), amount: 10 };
    let mut both = Both { pure: Ledger::default(), shared: &shared, now_us: 951_782_400 * SECOND_US, latest_us: 0 };
    // The last microsecond of a month and the first one of the next, each half year from the leap year 2000 on.
    let mut date = jiff::civil::date(2000, 3, 1);
    for step in 0..280_u128 {
        let midnight = date.to_zoned(jiff::tz::TimeZone::UTC).unwrap().timestamp().as_microsecond();
        for now_us in [midnight - 1, midnight] {
            both.now_us = now_us;
            let claims = [Claim { account: month.account("a"), limit: &month, amount: 1 }];
            both.reserve(SECOND_US, Id(step * 2 + u128::from(now_us == midnight)), &claims).await.unwrap();
        }
        date = date.checked_add(jiff::Span::new().months(if step % 7 == 0 { 1 } else { 12 })).unwrap();
    }
}

#[tokio::test]
async fn money_up_to_the_largest_amount_is_exact() {
    let Some(redis) = RedisServer::start() else { return };
    let shared = replicas(&redis.url(), "").await;
    let amount = lease::quota::AMOUNT_MAX;
    let ever = Limit { name: "ever".into(), unit: Unit::NanoDollars, window: Window::Lifetime, amount };
    let mut both = Both { pure: Ledger::default(), shared: &shared, now_us: START_US, latest_us: 0 };
    let account = ever.account("a");
    let claims = [Claim { account, limit: &ever, amount: amount - 1 }];
    both.reserve(SECOND_US, Id(1), &claims).await.unwrap();
    both.compare(&ever, "a").await;
    assert_eq!(both.pure.left(START_US, claims[0].account.as_str(), &ever).left, 1);
    both.settle(Id(1), &[amount - 3]).await;
    both.compare(&ever, "a").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_at_once_over_two_replicas_exactly_as_many_pass_as_may() {
    let Some(redis) = RedisServer::start() else { return };
    let (a, b) = (replicas(&redis.url(), "").await, replicas(&redis.url(), "").await);
    let day =
        Limit { name: "day".into(), unit: Unit::Requests, window: Window::Rolling { span_us: DAY_US }, amount: 37 };
    let calls = (0..200_u128).map(|number| {
        let (replica, day) = (if number % 2 == 0 { &a } else { &b }, &day);
        async move {
            let claims = [Claim { account: day.account("team"), limit: day, amount: 1 }];
            replica.reserve(None, 60 * SECOND_US, Id(number), &claims).await.unwrap().is_ok()
        }
    });
    let passed = futures_util::future::join_all(calls).await.into_iter().filter(|passed| *passed).count();
    assert_eq!(passed, 37);
    assert_eq!(a.left(None, day.account("team").as_str(), &day).await.unwrap().left, 0);
}

#[tokio::test]
async fn what_hung_is_given_back_and_what_could_not_be_settled_is_settled_later() {
    let Some(redis) = RedisServer::start() else { return };
    let shared = replicas(&redis.url(), "timeout = \"100ms\"").await;
    let ever = Limit { name: "ever".into(), unit: Unit::Tokens, window: Window::Lifetime, amount: 100 };
    let account = ever.account("a");
    let claims = [Claim { account: account.clone(), limit: &ever, amount: 30 }];
    shared.reserve(None, 3600 * SECOND_US, Id(1), &claims).await.unwrap().unwrap();
    redis.hang();
    // This one is carried out when Redis goes on, although nobody waits for it any more.
    let begun = Instant::now();
    assert!(shared.reserve(None, 3600 * SECOND_US, Id(2), &claims).await.is_err());
    let spent = || vec![Spent { account: account.clone(), reserved: 30, used: 10 }];
    shared.settle_in_background(Id(1), spent());
    shared.backlog.under_way.close();
    shared.backlog.under_way.wait().await;
    // Of what another ledger counted meanwhile.
    shared.charge_later(vec![Spent { account: account.clone(), reserved: 7, used: 7 }]);
    assert_eq!(shared.backlog.len(), 3);
    assert!(begun.elapsed() < Duration::from_secs(1));
    redis.resume();
    awake(&shared).await;
    shared.catch_up().await;
    assert_eq!(shared.backlog.len(), 0);
    assert_eq!(shared.left(None, account.as_str(), &ever).await.unwrap().left, 83);
    assert_eq!(shared.settle(None, Id(1), &[10]).await.unwrap(), Settled::Late);
    // The settlement that hung was carried out as well, before the one that made up for it: that one was late.
    assert_eq!(shared.settled_late(), 1);
    // A bill that comes after its lease is paid as far as it was not set aside.
    shared.reserve(None, 1, Id(3), &claims).await.unwrap().unwrap();
    shared.tell_of(Id(3), vec![Spent { account: account.clone(), reserved: 30, used: 35 }]).await;
    assert_eq!((shared.left(None, account.as_str(), &ever).await.unwrap().left, shared.settled_late()), (48, 2));
}

#[tokio::test]
async fn nothing_is_kept_for_ever_but_balances() {
    let Some(redis) = RedisServer::start() else { return };
    let shared = replicas(&redis.url(), "").await;
    let limits = limits();
    let claims: Vec<Claim<'_>> =
        limits.iter().map(|limit| Claim { account: limit.account("a"), limit, amount: 1 }).collect();
    shared.reserve(None, 10 * SECOND_US, Id(7), &claims).await.unwrap().unwrap();
    for claim in &claims {
        let left_ms = redis.tell(&["PTTL", &format!("weighbridge:quota:account:{}", claim.account)]);
        let left_ms: i64 = left_ms.trim_start_matches(':').trim().parse().unwrap();
        let kept_ms = match claim.limit.window {
            Window::Lifetime => {
                assert_eq!(left_ms, -1);
                continue;
            }
            Window::Rolling { span_us } => span_us / 1000,
            Window::Calendar(Period::Month) => 31 * DAY_US / 1000,
            Window::Calendar(_) => DAY_US / 1000,
        };
        assert!(left_ms > 0 && left_ms <= kept_ms * 62 / 60 + 75_000, "{}: {left_ms} ms", claim.account);
    }
    let call = redis.tell(&["PTTL", &format!("weighbridge:quota:call:{}", Id(7))]);
    assert!((1..=71_000).contains(&call.trim_start_matches(':').trim().parse().unwrap()), "{call}");
}
