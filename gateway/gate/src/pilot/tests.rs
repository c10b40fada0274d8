mod laws;

use super::*;
use crate::audit::{Entry, What};
use crate::rule::{Decision as Gated, Step};
use serde_json::json;
use std::time::Duration;

const DAY_US: i64 = 86_400_000_000;
/// Epoch 1000 began a second after 1970.
const EPOCH: u64 = 1000;

/// Parsed once: the laws make some ten thousand.
static BLANK: std::sync::LazyLock<Verdict> = std::sync::LazyLock::new(|| {
    serde_json::from_value(json!({
        "schema": judge::verdict::SCHEMA, "verdict": "hold", "reasons": [], "migration": "m", "epoch": 0,
        "weight_percent": 0, "next_weight_percent": 0, "next_weight_bound": "ladder", "needed": [], "guardrails": [],
        "instrument": judge::verdict::Instrument::default(), "bill": judge::verdict::Bill::default(),
        "window": {"from_us": 0, "to_us": 0}, "inputs": [], "policy_digest": "p", "tariff_digest": "t", "seed": 0,
        "version": "0", "created_at": "", "evidence": judge::verdict::Evidence::default(),
    }))
    .unwrap()
});

pub(super) fn verdict(decision: Decision, epoch: u64, weight: f64, next: f64, newest_us: i64) -> Verdict {
    Verdict {
        verdict: decision,
        epoch,
        weight_percent: weight,
        next_weight_percent: next,
        created_at: jiff::Timestamp::from_microsecond(newest_us).unwrap().to_string(),
        ..BLANK.clone()
    }
}

pub(super) fn in_force(epoch: u64, weight_percent: f64) -> InForce {
    InForce {
        target: "t".into(),
        migration: Some("m".into()),
        weight_percent,
        epoch: Some(epoch),
        ..InForce::default()
    }
}

pub(super) fn gate(to_percent: Option<f64>) -> Gated {
    let step = to_percent.map_or(Step::Stay, |to_percent| Step::Raise { to_percent });
    Gated { checks: Vec::new(), step, why: "the gate said so".into() }
}

pub(super) fn entry(what: What, from: f64, to: f64, epoch: Option<u64>) -> Entry {
    Entry {
        at: jiff::Timestamp::from_millisecond(epoch.unwrap_or(0).cast_signed()).unwrap().to_string(),
        what,
        who: "live-guard".into(),
        replica: None,
        migration: "m".into(),
        target: "t".into(),
        from_percent: Some(from),
        to_percent: Some(to),
        epoch,
        why: "w".into(),
        evidence: None,
    }
}

/// A look: what is known, and one thing changed of it.
struct Look {
    verdict: Verdict,
    gate: Gated,
    since_epoch: u64,
    in_force: InForce,
    shadow_paused: Option<&'static str>,
    history: History,
    spent: Option<Spent>,
    now_us: i64,
}

impl Look {
    /// A GO at 5 % that the gate lets through to 10.
    fn go() -> Self {
        Self {
            verdict: verdict(Decision::Go, EPOCH, 5.0, 10.0, 2_000_000),
            gate: gate(Some(10.0)),
            since_epoch: 0,
            in_force: in_force(EPOCH, 5.0),
            shadow_paused: None,
            history: History::default(),
            spent: None,
            now_us: 3_000_000,
        }
    }

    /// A GO at this weight that the gate lets through to 100 after so long.
    fn near_the_end(weight: f64, after_us: i64) -> Self {
        let newest_us = EPOCH.cast_signed() * 1000 + after_us;
        Self {
            verdict: verdict(Decision::Go, EPOCH, weight, 100.0, newest_us),
            gate: gate(Some(100.0)),
            in_force: in_force(EPOCH, weight),
            now_us: newest_us,
            ..Self::go()
        }
    }

    fn with(history: Vec<Entry>) -> Self {
        Self { history: History::of("m", history), ..Self::go() }
    }

    fn decided_by(&self, policy: &Policy) -> Move {
        let judged = Judged { verdict: &self.verdict, gate: &self.gate, since_epoch: self.since_epoch };
        decide(
            &Situation {
                migration: "m",
                judged: Ok(judged),
                in_force: &self.in_force,
                shadow_paused: self.shadow_paused,
                history: &self.history,
                spent: self.spent,
                now_us: self.now_us,
            },
            policy,
        )
    }

    fn decided(&self) -> Move {
        self.decided_by(&Policy::default())
    }

    /// Waits, and says so with this word.
    fn waits(&self, word: &str) {
        let Move::Wait(why) = self.decided() else { panic!("{word}: {:?}", self.decided()) };
        assert!(why.contains(word), "`{word}` is not in: {why}");
    }
}

#[test]
fn a_go_that_the_gate_lets_through_raises_and_nothing_else_does() {
    assert_eq!(Look::go().decided(), Move::Raise(10.0));
    Look { gate: gate(None), ..Look::go() }.waits("the gate said so");
    Look { in_force: in_force(EPOCH + 1, 5.0), ..Look::go() }.waits("no GO on the epoch");
    Look { in_force: in_force(EPOCH, 5.01), ..Look::go() }.waits("no GO on the epoch");
    Look { in_force: InForce { epoch: None, ..in_force(EPOCH, 5.0) }, ..Look::go() }.waits("does not say");
    // A gate that was asked about something else.
    let hold = verdict(Decision::Hold, EPOCH, 5.0, 10.0, 0);
    Look { verdict: hold, ..Look::go() }.waits("no GO on the epoch");
    Look { verdict: Verdict { migration: "n".into(), ..Look::go().verdict }, ..Look::go() }.waits("no GO");
    // The smaller one of both counts.
    assert_eq!(Look { gate: gate(Some(7.5)), ..Look::go() }.decided(), Move::Raise(7.5));
    for odd in [f64::NAN, f64::INFINITY, -1.0, 100.01, 0.0] {
        Look { gate: gate(Some(odd)), ..Look::go() }.waits("the gate said so");
    }
    Look { verdict: verdict(Decision::Go, EPOCH, 5.0, f64::MAX, 0), ..Look::go() }.waits("the gate said so");
}

#[test]
fn down_needs_no_go_and_no_gate() {
    let no_go = verdict(Decision::NoGo, EPOCH, 5.0, 0.0, 0);
    assert_eq!(Look { verdict: no_go.clone(), gate: gate(None), ..Look::go() }.decided(), Move::RollBack);
    // Also one on an epoch that is over, and a broken one.
    let older = verdict(Decision::NoGo, EPOCH - 1, 1.0, 50.0, 0);
    assert_eq!(Look { verdict: older, ..Look::go() }.decided(), Move::RollBack);
    Look { verdict: no_go, in_force: in_force(EPOCH, 0.0), gate: gate(None), ..Look::go() }.waits("the gate said so");
    for (decision, next, expected) in [
        (Decision::Hold, 1.0, Move::Lower(1.0)),
        (Decision::Go, 1.0, Move::Lower(1.0)),
        (Decision::Hold, 0.0, Move::RollBack),
        (Decision::Hold, 0.001, Move::RollBack),
    ] {
        let look = Look { verdict: verdict(decision, EPOCH, 5.0, next, 0), gate: gate(Some(50.0)), ..Look::go() };
        assert_eq!(look.decided(), expected);
    }
    // Doubt about an epoch that is over says nothing about this one.
    let older = verdict(Decision::Hold, EPOCH - 1, 5.0, 1.0, 0);
    Look { verdict: older, gate: gate(None), ..Look::go() }.waits("the gate said so");
}

#[test]
fn no_verdict_is_no_move_but_money_is_still_kept() {
    let look = Look::go();
    let mut situation = Situation {
        migration: "m",
        judged: Err("line 3 is broken"),
        in_force: &look.in_force,
        shadow_paused: None,
        history: &look.history,
        spent: None,
        now_us: 0,
    };
    let policy = Policy { copies_budget_nanos: Some(10), ..Policy::default() };
    assert_eq!(decide(&situation, &policy), Move::Wait("there is no verdict: line 3 is broken".into()));
    situation.spent = Some(Spent { nanos: 10, unknown: 0 });
    assert!(matches!(decide(&situation, &policy), Move::PauseShadow(_)));
}

#[test]
fn copies_pause_when_their_money_is_spent_or_unknown_and_go_on_when_there_is_more() {
    let policy = Policy { copies_budget_nanos: Some(1000), ..Policy::default() };
    let of = |nanos, unknown, shadow_paused| {
        Look { spent: Some(Spent { nanos, unknown }), shadow_paused, ..Look::go() }.decided_by(&policy)
    };
    assert_eq!(of(999, 0, None), Move::Raise(10.0));
    assert!(matches!(of(1000, 0, None), Move::PauseShadow(why) if why.contains("spent")));
    assert!(matches!(of(0, 3, None), Move::PauseShadow(why) if why.contains("3 copies")));
    let ours = Some("autopilot: the money for copies is spent");
    assert_eq!(of(1000, 0, ours), Move::Raise(10.0));
    assert_eq!(of(999, 0, ours), Move::ResumeShadow);
    assert_eq!(of(999, 0, Some("provider asked us to")), Move::Raise(10.0), "somebody else's pause");
    // A candidate that does harm is of more haste than money.
    let look = Look {
        verdict: verdict(Decision::NoGo, EPOCH, 5.0, 0.0, 0),
        spent: Some(Spent { nanos: 1000, unknown: 0 }),
        ..Look::go()
    };
    assert_eq!(look.decided_by(&policy), Move::RollBack);
}

#[test]
fn the_last_step_goes_by_way_of_a_hold_back() {
    assert_eq!(Look::near_the_end(50.0, 0).decided(), Move::HoldBack(98.0));
    let finish = Policy { then: Then::Finish, ..Policy::default() };
    let held = |after_us| Look::near_the_end(98.0, after_us);
    held(8 * DAY_US).waits("keeps 2% as a hold-back");
    assert!(
        matches!(held(7 * DAY_US - 1).decided_by(&finish), Move::Wait(why) if why == "the baseline keeps 2% until there is evidence of 1 s more")
    );
    assert_eq!(held(7 * DAY_US).decided_by(&finish), Move::Finish);
    // The clock of the host has nothing to say about it, unless it is behind.
    assert!(matches!(
        Look { now_us: 100 * DAY_US, ..held(DAY_US) }.decided_by(&finish),
        Move::Wait(why) if why.ends_with("6 d more")
    ));
    assert!(matches!(Look { now_us: DAY_US, ..held(8 * DAY_US) }.decided_by(&finish), Move::Wait(_)));
    let none = Policy { hold_back_hundredths: 0, ..Policy::default() };
    assert_eq!(Look::near_the_end(50.0, 0).decided_by(&none), Move::Finish);
    // Somebody has set more than the hold-back by hand.
    Look::near_the_end(99.0, 0).waits("keeps 1%");
}

#[test]
fn after_a_rollback_only_a_day_of_evidence_from_after_it_raises() {
    let back = vec![entry(What::Rollback, 10.0, 0.0, Some(EPOCH))];
    let at = |since_epoch, covered_us: i64| {
        let newest_us = EPOCH.cast_signed() * 1000 + covered_us;
        Look {
            verdict: verdict(Decision::Go, EPOCH, 0.0, 1.0, newest_us),
            gate: gate(Some(1.0)),
            in_force: in_force(EPOCH, 0.0),
            since_epoch,
            now_us: 9 * DAY_US,
            ..Look::with(back.clone())
        }
    };
    at(EPOCH - 1, 2 * DAY_US).waits("goes back behind the rollback");
    at(EPOCH, DAY_US - 1).waits("1 s of evidence");
    at(EPOCH, 0).waits("24 h of evidence");
    assert_eq!(at(EPOCH, DAY_US).decided(), Move::Raise(1.0));
}

#[test]
fn who_was_rolled_back_too_often_waits_for_a_person() {
    let backs = |count: u64| (1..=count).map(|epoch| entry(What::Rollback, 1.0, 0.0, Some(epoch)));
    let look = |history: Vec<Entry>| Look {
        verdict: verdict(Decision::Go, EPOCH, 5.0, 10.0, 2 * DAY_US),
        since_epoch: EPOCH,
        now_us: 9 * DAY_US,
        ..Look::with(history)
    };
    assert_eq!(look(backs(2).collect()).decided(), Move::Raise(10.0));
    look(backs(3).collect()).waits("rolled back 3 times");
    // One rollback, logged by whoever made it and by whoever saw it, is one.
    assert_eq!(look(backs(2).chain(backs(2)).collect()).decided(), Move::Raise(10.0));
    let by_hand = Entry { who: "console".into(), ..entry(What::Set, 0.0, 5.0, Some(9)) };
    assert_eq!(look(backs(3).chain([by_hand]).collect()).decided(), Move::Raise(10.0));
    let by_pilot = Entry { who: "autopilot".into(), ..entry(What::Raise, 0.0, 5.0, Some(9)) };
    look(backs(3).chain([by_pilot]).collect()).waits("rolled back 3 times");
}

#[test]
fn the_history_is_that_of_the_migration() {
    let other = Entry { migration: "n".into(), ..entry(What::Rollback, 1.0, 0.0, Some(9)) };
    let raise = Entry { at: "1970-01-01T00:00:07Z".into(), ..entry(What::Raise, 1.0, 5.0, None) };
    let history = History::of("m", vec![other, raise, entry(What::Set, 5.0, 0.0, Some(8))]);
    assert_eq!((history.since_epoch(), history.raised_at_us()), (8, Some(7_000_000)));
    assert!(history.knows_epoch(8) && !history.knows_epoch(9));
    // A rollback of which only the time is known.
    let timed = Entry { at: "1970-01-01T00:00:09Z".into(), ..entry(What::Rollback, 1.0, 0.0, None) };
    assert_eq!(History::of("m", vec![timed]).since_epoch(), 9000);
    assert_eq!(History::default().since_epoch(), 0);
}

#[test]
fn a_raise_whose_epoch_is_in_force_still_was_never_made() {
    let evidence = |epoch| crate::audit::Evidence {
        verdict: Decision::Go,
        digest: "d".into(),
        created_at: "2026-11-23T00:00:00Z".into(),
        policy_digest: "p".into(),
        epoch,
        weight_percent: 1.0,
        signed_by: None,
    };
    let raise = Entry { evidence: Some(evidence(7)), ..entry(What::Raise, 1.0, 5.0, None) };
    let of = |entries: &[&Entry]| History::of("m", entries.iter().copied().cloned().collect());
    assert_eq!(of(&[&raise]).unfinished(7), Some(&raise));
    assert_eq!(of(&[&raise]).unfinished(8), None, "it was made, or somebody was faster");
    let failure = entry(What::Failure, 1.0, 1.0, None);
    assert_eq!(of(&[&raise, &failure]).unfinished(7), None, "that was said already");
    // It was not known then, and now it is.
    let open = Entry { to_percent: None, evidence: Some(evidence(7)), ..failure };
    assert_eq!(of(&[&raise, &open]).unfinished(7), Some(&open));
    assert_eq!(of(&[&raise, &open]).unfinished(8), None);
    let stay = entry(What::Stay, 1.0, 1.0, None);
    assert_eq!(of(&[&raise, &stay]).unfinished(7), Some(&raise));
    assert!(of(&[&raise]).announces(5.0, 8) && !of(&[&raise]).announces(5.0, 7));
    assert!(!of(&[&raise]).announces(10.0, 8));
}

#[test]
fn lengths_of_time_are_rounded_up() {
    for (seconds, text) in [(0, "0 s"), (119, "119 s"), (121, "3 min"), (86_400, "24 h"), (172_801, "3 d")] {
        assert_eq!(hours(seconds * 1_000_000), text);
    }
    assert_eq!(hours(1), "1 s");
    assert!(Policy::default().after_rollback > Duration::ZERO);
}
