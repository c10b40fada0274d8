//! The bound, against a plain model: a list of all calls ever made.

use super::*;
use proptest::prelude::*;

const SECOND_US: i64 = 1_000_000;

fn limit(name: &str, window: Window, amount: u64) -> Limit {
    Limit { name: name.into(), unit: Unit::Tokens, window, amount }
}

fn claim(limit: &Limit, amount: u64) -> Claim<'_> {
    claim_of(limit, "team", amount)
}

fn claim_of<'a>(limit: &'a Limit, subject: &str, amount: u64) -> Claim<'a> {
    Claim { account: limit.account(subject), limit, amount }
}

/// Reserves; the name of the limit that refused and its wait.
fn reserve(
    ledger: &mut Ledger,
    now_us: i64,
    id: u128,
    claims: &[Claim<'_>],
) -> Result<Vec<u64>, (String, Option<i64>)> {
    match ledger.reserve(now_us, now_us + 3600 * SECOND_US, Id(id), claims) {
        Ok(left) => Ok(left.iter().map(|left| left.left).collect()),
        Err(Refusal::Over(refused)) => Err((refused.limit.to_string(), refused.retry_after_us)),
        Err(Refusal::Full) => Err(("full".to_owned(), None)),
    }
}

#[test]
fn calls_under_way_cannot_pass_a_limit_together() {
    let day = limit("day", Window::Calendar(Period::Day), 100);
    let mut ledger = Ledger::default();
    assert_eq!(reserve(&mut ledger, 0, 1, &[claim(&day, 60)]), Ok(vec![40]));
    let midnight = Some(86_400 * SECOND_US);
    assert_eq!(reserve(&mut ledger, 0, 2, &[claim(&day, 41)]), Err(("day".to_owned(), midnight)));
    assert_eq!(ledger.settle(1, Id(1), &[5]), Settled::Done);
    assert_eq!(reserve(&mut ledger, 2, 2, &[claim(&day, 41)]), Ok(vec![54]));
    assert_eq!(ledger.release(3, Id(2)), Settled::Done);
    assert_eq!(ledger.left(3, day.account("team").as_str(), &day).left, 95);
    // The next day begins with all of it.
    assert_eq!(ledger.left(86_400 * SECOND_US, day.account("team").as_str(), &day).left, 100);
}

#[test]
fn all_or_nothing_and_the_longest_wait_is_told() {
    let minute = limit("minute", Window::Calendar(Period::Minute), 10);
    let (day, ever) = (limit("day", Window::Calendar(Period::Day), 10), limit("ever", Window::Lifetime, 100));
    let mut ledger = Ledger::default();
    let both = |amount| vec![claim(&ever, 1), claim(&minute, amount), claim(&day, amount)];
    assert!(reserve(&mut ledger, 0, 1, &both(10)).is_ok());
    let refused = reserve(&mut ledger, 0, 2, &both(1)).unwrap_err();
    assert_eq!(refused, ("day".to_owned(), Some(86_400 * SECOND_US)));
    assert_eq!(ledger.left(0, ever.account("team").as_str(), &ever).left, 99, "nothing was taken of the balance");
    // More than the limit ever allows will never be granted.
    assert_eq!(reserve(&mut ledger, 0, 2, &[claim(&minute, 11)]), Err(("minute".to_owned(), None)));
    // Nothing is granted even where nothing is left.
    assert_eq!(reserve(&mut ledger, 0, 2, &[claim(&day, 0)]), Ok(vec![0]));
    // One account twice in a call counts twice.
    let fresh = 86_400 * SECOND_US;
    assert!(reserve(&mut ledger, fresh, 3, &[claim(&day, 6), claim(&day, 6)]).is_err());
    assert!(reserve(&mut ledger, fresh, 3, &[claim(&day, 6), claim(&day, 4)]).is_ok());
}

#[test]
fn a_rolling_window_says_when_there_is_room_again_and_keeps_its_word() {
    let rolling = limit("rolling", Window::Rolling { span_us: 60 * SECOND_US }, 10);
    let mut ledger = Ledger::default();
    assert!(reserve(&mut ledger, 500_000, 1, &[claim(&rolling, 4)]).is_ok());
    assert!(reserve(&mut ledger, 30 * SECOND_US, 2, &[claim(&rolling, 6)]).is_ok());
    let (_, wait) = reserve(&mut ledger, 31 * SECOND_US, 3, &[claim(&rolling, 3)]).unwrap_err();
    // The first slot ends at 1 s and is completely out at 61 s: half a second later than the call itself.
    assert_eq!(wait, Some(30 * SECOND_US));
    assert!(reserve(&mut ledger, 61 * SECOND_US - 1, 3, &[claim(&rolling, 3)]).is_err());
    assert!(reserve(&mut ledger, 61 * SECOND_US, 3, &[claim(&rolling, 3)]).is_ok());
}

#[test]
fn a_lease_that_runs_out_leaves_everything_spent_and_a_late_bill_is_still_charged() {
    let ever = limit("ever", Window::Lifetime, 100);
    let account = ever.account("team");
    let mut ledger = Ledger::default();
    ledger.reserve(0, 10, Id(1), &[claim(&ever, 60)]).unwrap();
    ledger.tidy(9);
    assert_eq!((ledger.open_calls(), ledger.account(account.as_str()).unwrap().reserved()), (1, 60));
    ledger.tidy(10);
    assert_eq!((ledger.open_calls(), ledger.expired()), (0, 1));
    assert_eq!(ledger.account(account.as_str()).map(|one| (one.taken(), one.reserved())), Some((60, 0)));
    assert_eq!(ledger.settle(11, Id(1), &[5]), Settled::Late);
    ledger.charge(11, &account, 15);
    assert_eq!(ledger.left(11, account.as_str(), &ever).left, 25);
}

#[test]
fn a_balance_is_topped_up_lowered_and_set() {
    let ever = limit("ever", Window::Lifetime, 100);
    let account = ever.account("team");
    let mut ledger = Ledger::default();
    reserve(&mut ledger, 0, 1, &[claim(&ever, 80)]).unwrap();
    let left = |ledger: &mut Ledger| ledger.left(1, account.as_str(), &ever).left;
    let topped = ledger.topped_by(account.as_str(), 50);
    ledger.top(&account, topped);
    assert_eq!(left(&mut ledger), 70);
    // Set to 1000 while a call is under way: it still pays for itself.
    let topped = ledger.topped_for(account.as_str(), &ever, 1000);
    ledger.top(&account, topped);
    assert_eq!(left(&mut ledger), 920);
    ledger.settle(2, Id(1), &[30]);
    assert_eq!(left(&mut ledger), 970);
    let topped = ledger.topped_by(account.as_str(), -2000);
    ledger.top(&account, topped);
    assert_eq!(left(&mut ledger), 0, "below nothing is nothing");
    assert_eq!(reserve(&mut ledger, 3, 2, &[claim(&ever, 1)]), Err(("ever".to_owned(), None)));
}

#[test]
fn a_clock_set_back_opens_nothing_again() {
    let day = limit("day", Window::Calendar(Period::Day), 10);
    let mut ledger = Ledger::default();
    let tomorrow = 86_400 * SECOND_US;
    reserve(&mut ledger, tomorrow, 1, &[claim(&day, 10)]).unwrap();
    assert!(reserve(&mut ledger, 0, 2, &[claim(&day, 1)]).is_err());
}

#[test]
fn the_same_call_takes_once() {
    let day = limit("day", Window::Calendar(Period::Day), 10);
    let mut ledger = Ledger::default();
    assert_eq!(reserve(&mut ledger, 0, 1, &[claim(&day, 6)]), Ok(vec![4]));
    assert_eq!(reserve(&mut ledger, 1, 1, &[claim(&day, 6)]), Ok(vec![4]));
}

/// What may happen.
#[derive(Debug, Clone)]
enum Step {
    /// A call asks for this much of each limit; its lease lasts this long.
    Reserve(u64, i64),
    /// A call under way, counted from the oldest, used this share of what it set aside, percent.
    Settle(usize, u64),
    /// It was never made.
    Release(usize),
    /// Time goes on.
    Wait(i64),
    /// The process is killed: the ledger is what its journal says, and nobody knows the calls any more.
    Crash,
    /// The journal is begun anew with a snapshot.
    Compact,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => (0u64..60, 1i64..200).prop_map(|(amount, lease)| Step::Reserve(amount, lease * SECOND_US)),
        4 => (0usize..4, 0u64..200).prop_map(|(place, percent)| Step::Settle(place, percent)),
        1 => (0usize..4).prop_map(Step::Release),
        4 => (1i64..40_000_000).prop_map(Step::Wait),
        1 => Just(Step::Crash),
        1 => Just(Step::Compact),
    ];
    proptest::collection::vec(step, 1..120)
}

/// A call of the plain model.
#[derive(Debug, Clone, Copy)]
struct Call {
    id: u128,
    at_us: i64,
    until_us: i64,
    reserved: u64,
    /// What it really used, once known.
    actual: Option<u64>,
    /// What the ledger should count for it.
    counted: u64,
    open: bool,
}

/// The ledger, its journal as text, and the plain model.
struct World {
    limits: [Limit; 4],
    ledger: Ledger,
    journal: Vec<String>,
    calls: Vec<Call>,
    now_us: i64,
}

impl World {
    fn new() -> Self {
        let rolling = Window::Rolling { span_us: 60 * SECOND_US };
        let limits = [
            limit("rolling", rolling, 100),
            limit("odd", Window::Rolling { span_us: 7_777_777 }, 70),
            limit("minute", Window::Calendar(Period::Minute), 150),
            limit("ever", Window::Lifetime, 1000),
        ];
        Self {
            limits,
            ledger: Ledger::default(),
            journal: Vec::new(),
            calls: Vec::new(),
            now_us: 1_700_000_000_123_456,
        }
    }

    fn log(&mut self, entry: &Entry) {
        self.journal.push(serde_json::to_string(entry).unwrap());
    }

    fn step(&mut self, step: &Step) {
        match *step {
            Step::Reserve(amount, lease_us) => self.reserve(amount, lease_us),
            Step::Settle(place, percent) => {
                if let Some(place) = self.under_way(place) {
                    self.settle(place, self.calls[place].reserved * percent / 100);
                }
            }
            Step::Release(place) => {
                if let Some(place) = self.under_way(place) {
                    self.settle(place, 0);
                }
            }
            Step::Wait(us) => self.now_us += us,
            Step::Crash => self.crash(),
            Step::Compact => {
                self.journal = self.ledger.snapshot().map(|entry| serde_json::to_string(&entry).unwrap()).collect();
            }
        }
        for call in &mut self.calls {
            call.open &= call.until_us > self.now_us;
        }
    }

    fn reserve(&mut self, amount: u64, lease_us: i64) {
        let id = self.calls.len() as u128;
        let until_us = self.now_us + lease_us;
        let claims: Vec<Claim<'_>> = self.limits.iter().map(|limit| claim(limit, amount)).collect();
        let fits = self.limits.iter().all(|limit| {
            // What the plain model says is certain to be too much, or certain to fit.
            amount == 0 || self.counted(limit.window, 0) + amount <= limit.amount
        });
        let granted = self.ledger.reserve(self.now_us, until_us, Id(id), &claims).is_ok();
        assert!(!granted || fits, "granted what passes a true window");
        if granted {
            let claims = claims.iter().map(|claim| (claim.account.clone(), claim.amount)).collect();
            self.log(&Entry::Reserve { id: Id(id), at_us: self.now_us, until_us, claims });
            let call =
                Call { id, at_us: self.now_us, until_us, reserved: amount, actual: None, counted: amount, open: true };
            self.calls.push(call);
        }
    }

    /// Calls whose process still lives: their leases may have ended.
    fn under_way(&self, place: usize) -> Option<usize> {
        let alive: Vec<usize> =
            self.calls.iter().enumerate().filter(|(_, call)| call.actual.is_none()).map(|(place, _)| place).collect();
        alive.get(place % alive.len().max(1)).copied()
    }

    fn settle(&mut self, place: usize, actual: u64) {
        let call = self.calls[place];
        let settled = self.ledger.settle(self.now_us, Id(call.id), &[actual; 4]);
        self.log(&Entry::Settle { id: Id(call.id), at_us: self.now_us, amounts: vec![actual; 4] });
        assert_eq!(settled == Settled::Done, call.open, "{call:?} at {}", self.now_us);
        self.calls[place].actual = Some(actual);
        self.calls[place].open = false;
        if settled == Settled::Done {
            self.calls[place].counted = actual;
        }
    }

    fn crash(&mut self) {
        let mut again = Ledger::default();
        self.journal.iter().for_each(|line| again.apply(serde_json::from_str(line).unwrap()));
        assert_eq!(said(&mut again, self.now_us), said(&mut self.ledger, self.now_us));
        again.abandon(self.now_us);
        self.log(&Entry::Abandon { at_us: self.now_us });
        self.ledger = again;
        for call in self.calls.iter_mut().filter(|call| call.actual.is_none()) {
            // Nobody knows what it really used: at most what was set aside, or the provider is to blame.
            call.actual = Some(call.reserved);
            call.open = false;
        }
    }

    fn in_window(&self, window: Window, more_us: i64) -> impl Iterator<Item = &Call> {
        self.calls.iter().filter(move |call| match window {
            Window::Rolling { span_us } => call.at_us > self.now_us - span_us - more_us,
            Window::Calendar(_) => window.slot(call.at_us) == window.slot(self.now_us),
            Window::Lifetime => true,
        })
    }

    /// What counts in a true window, longer by `more_us`.
    fn counted(&self, window: Window, more_us: i64) -> u64 {
        self.in_window(window, more_us).map(|call| call.counted).sum()
    }

    fn check(&mut self) {
        for limit in self.limits.clone() {
            let left = self.ledger.left(self.now_us, limit.account("team").as_str(), &limit).left;
            let taken = self.ledger.account(limit.account("team").as_str()).map_or(0, Account::taken);
            assert_eq!(left, limit.amount.saturating_sub(taken));
            // The bound itself, on what calls really used and what others have set aside.
            let of_call = |call: &Call| call.actual.unwrap_or(call.reserved);
            let used: u64 = self.in_window(limit.window, 0).map(of_call).sum();
            let beyond: u64 =
                self.in_window(limit.window, 0).map(|call| of_call(call).saturating_sub(call.reserved)).sum();
            assert!(used <= limit.amount + beyond, "{}: {used} of {} and {beyond}", limit.name, limit.amount);
            // And the ledger's own count, which is exact but for the slots of a rolling window.
            let slot_us = match limit.window {
                Window::Rolling { span_us } => span_us / SLOTS + 1,
                _ => 0,
            };
            assert!(taken >= self.counted(limit.window, 0), "{}", limit.name);
            assert!(taken <= self.counted(limit.window, slot_us), "{}", limit.name);
        }
    }
}

/// All that a ledger says at an instant; slots in which nothing was taken say nothing.
fn said(ledger: &mut Ledger, now_us: i64) -> Vec<Entry> {
    ledger.tidy(now_us);
    let mut entries: Vec<Entry> = ledger.snapshot().collect();
    for entry in &mut entries {
        if let Entry::Account { slots, .. } = entry {
            slots.retain(|(_, amount)| *amount > 0);
        }
    }
    entries
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    /// Whatever order calls come, end, are given up and crash in.
    #[test]
    fn no_window_is_ever_passed_by_more_than_what_calls_used_beyond_what_they_set_aside(steps in steps()) {
        let mut world = World::new();
        for step in steps {
            world.step(&step);
            world.check();
        }
    }

    /// What is never underestimated never passes a limit.
    #[test]
    fn calls_that_use_no_more_than_they_set_aside_never_pass_a_limit(steps in steps()) {
        let mut world = World::new();
        for step in steps {
            world.step(&match step {
                Step::Settle(place, percent) => Step::Settle(place, percent.min(100)),
                other => other,
            });
            for limit in &world.limits {
                let used: u64 = world.in_window(limit.window, 0).map(|call| call.actual.unwrap_or(call.reserved)).sum();
                prop_assert!(used <= limit.amount, "{}: {} of {}", limit.name, used, limit.amount);
            }
        }
    }

    /// Any journal can be read: nothing in it stops the ledger or makes its numbers nonsense.
    #[test]
    fn any_entries_leave_a_ledger_that_works(
        entries in proptest::collection::vec((any::<u8>(), any::<i64>(), any::<i64>(), any::<u64>()), 0..40)
    ) {
        let ever = limit("ever", Window::Lifetime, 10);
        let rolling = limit("rolling", Window::Rolling { span_us: SLOTS }, 10);
        let mut ledger = Ledger::default();
        for (kind, at_us, other, amount) in entries {
            let account = if other % 2 == 0 { ever.account("a") } else { rolling.account("a") };
            let id = Id(u128::from(amount % 5));
            ledger.apply(match kind % 7 {
                0 => Entry::Reserve { id, at_us, until_us: other, claims: vec![(account, amount)] },
                1 => Entry::Settle { id, at_us, amounts: vec![amount] },
                2 => Entry::Charge { account, at_us, amount },
                3 => Entry::Top { account, topped: other },
                4 => Entry::Abandon { at_us },
                5 => Entry::Account { account, slots: vec![(at_us, amount), (other, amount)], topped: other },
                _ => Entry::Open { id, until_us: other, parts: vec![Part { account, slot: at_us, amount }] },
            });
        }
        for (place, limit) in [&ever, &rolling].into_iter().enumerate() {
            let left = ledger.left(0, limit.account("a").as_str(), limit).left;
            let granted = ledger.reserve(0, i64::MAX, Id(99 + place as u128), &[claim_of(limit, "a", 3)]).is_ok();
            prop_assert_eq!(granted, left >= 3);
        }
    }
}
