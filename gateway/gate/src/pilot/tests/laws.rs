//! Pilots against a small model of a gateway: a weight, an epoch, and a change that compares it.

use super::*;
use proptest::prelude::*;

const LADDER: [f64; 5] = [1.0, 5.0, 25.0, 50.0, 100.0];

fn rung_above(weight: f64) -> f64 {
    LADDER.into_iter().find(|rung| *rung > weight).unwrap_or(100.0)
}

/// The gateway: whoever names the epoch in force may set a weight.
#[derive(Clone, Debug)]
struct Gateway {
    weight: f64,
    epoch: u64,
    /// Every weight that was in force.
    course: Vec<f64>,
}

impl Gateway {
    fn new() -> Self {
        Self { weight: 0.0, epoch: EPOCH, course: vec![0.0] }
    }

    fn swap(&mut self, expected: u64, weight: f64) -> bool {
        if self.epoch != expected {
            return false;
        }
        (self.weight, self.epoch) = (weight, self.epoch + 1);
        self.course.push(weight);
        true
    }
}

/// What a pilot knew when it looked.
#[derive(Clone, Debug)]
struct Seen {
    epoch: u64,
    weight: f64,
    verdict: Verdict,
    history: History,
}

/// An honest judge on the epoch in force: what it says depends on the epoch alone, as it does where every look evaluates the
/// same records again.
fn judged(script: &[u8], epoch: u64, weight: f64) -> Verdict {
    let word = script[usize::try_from(epoch).unwrap() % script.len()];
    let (decision, next) = match word {
        0 => (Decision::NoGo, 0.0),
        1 => (Decision::Hold, weight),
        2 => (Decision::Hold, LADDER.into_iter().rfind(|rung| *rung < weight).unwrap_or(0.0)),
        _ => (Decision::Go, rung_above(weight)),
    };
    verdict(decision, epoch, weight, next, 100 * DAY_US)
}

/// What the gate's rule comes to here.
fn gated(verdict: &Verdict, in_force: &InForce) -> Gated {
    let fits = verdict.verdict == Decision::Go && Some(verdict.epoch) == in_force.epoch;
    let next = verdict.next_weight_percent;
    gate((fits && next > in_force.weight_percent).then_some(next))
}

fn policy() -> Policy {
    Policy {
        after_rollback: Duration::ZERO,
        hold_back: Duration::ZERO,
        then: Then::Finish,
        rollbacks_max: u64::MAX,
        ..Policy::default()
    }
}

fn look(gateway: &Gateway, script: &[u8], history: &History) -> Seen {
    let verdict = judged(script, gateway.epoch, gateway.weight);
    Seen { epoch: gateway.epoch, weight: gateway.weight, verdict, history: history.clone() }
}

fn decision(seen: &Seen) -> Move {
    let in_force = in_force(seen.epoch, seen.weight);
    let gate = gated(&seen.verdict, &in_force);
    let judged = Judged { verdict: &seen.verdict, gate: &gate, since_epoch: seen.history.since_epoch() };
    let situation = Situation {
        migration: "m",
        judged: Ok(judged),
        in_force: &in_force,
        shadow_paused: None,
        history: &seen.history,
        spent: None,
        now_us: 200 * DAY_US,
    };
    decide(&situation, &policy())
}

/// The line of a move: a raise before it is made, without the epoch that it will begin; anything else after it.
fn line(seen: &Seen, to: f64, epoch: Option<u64>) -> Entry {
    let what = match to {
        to if to > seen.weight => What::Raise,
        0.0 => What::Rollback,
        _ => What::Lower,
    };
    Entry { who: "autopilot".into(), ..entry(what, seen.weight, to, epoch) }
}

/// Where a process ends.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Crash {
    No,
    BeforeTheLine,
    AfterTheLine,
    AfterTheChange,
}

/// Looks, decides, logs and changes once, or as far as the crash lets it.
fn turn(gateway: &mut Gateway, log: &mut History, script: &[u8], crash: Crash) {
    let seen = look(gateway, script, log);
    let next = decision(&seen);
    let Some(to) = next.to_percent() else { return };
    if crash == Crash::BeforeTheLine {
        return;
    }
    if next.is_raise() {
        log.push(line(&seen, to, None));
        if crash == Crash::AfterTheLine {
            return;
        }
        assert!(gateway.swap(seen.epoch, to));
    } else {
        assert!(gateway.swap(seen.epoch, to));
        if crash == Crash::AfterTheChange {
            // Whoever starts again sees in the gateway's trail what was changed, and logs it then.
            log.push(Entry { who: "token".into(), ..line(&seen, to, Some(gateway.epoch)) });
            return;
        }
        log.push(line(&seen, to, Some(gateway.epoch)));
    }
}

fn crashes() -> impl Strategy<Value = Crash> {
    prop_oneof![Just(Crash::No), Just(Crash::BeforeTheLine), Just(Crash::AfterTheLine), Just(Crash::AfterTheChange)]
}

proptest! {
    #[test]
    fn whatever_the_gate_and_the_judge_say_no_raise_is_without_a_go_on_the_epoch_or_above_either_word(
        kind in 0..3_u8,
        judged_epoch in EPOCH - 1..EPOCH + 2,
        (judged_weight, weight) in (0..=10_000_u16, 0..=10_000_u16),
        next in prop_oneof![any::<f64>(), (0..=10_000_u16).prop_map(|bp| f64::from(bp) / 100.0)],
        gate_to in prop_oneof![Just(None), any::<f64>().prop_map(Some), (0..=10_000_u16).prop_map(|bp| Some(f64::from(bp) / 100.0))],
        hold_back_hundredths in 0..=10_000_u16,
    ) {
        let decision = [Decision::Go, Decision::Hold, Decision::NoGo][usize::from(kind)];
        let (judged_weight, weight) = (f64::from(judged_weight) / 100.0, f64::from(weight) / 100.0);
        let verdict = Verdict { next_weight_percent: next, ..verdict(decision, judged_epoch, judged_weight, 0.0, 0) };
        let look = Look { verdict, gate: gate(gate_to), in_force: in_force(EPOCH, weight), ..Look::go() };
        let moved = look.decided_by(&Policy { hold_back_hundredths, ..policy() });
        if moved.is_raise() {
            let to = moved.to_percent().unwrap();
            prop_assert_eq!((decision, judged_epoch), (Decision::Go, EPOCH));
            prop_assert!((judged_weight - weight).abs() < 1e-9);
            prop_assert!(to > weight && to <= 100.0 && to <= next + 0.005 && to <= gate_to.unwrap() + 0.005);
        } else if let Some(to) = moved.to_percent() {
            prop_assert!(to < weight, "{moved:?} at {weight}");
        }
        if decision == Decision::NoGo && weight > 0.0 {
            prop_assert_eq!(moved, Move::RollBack);
        }
    }

    /// Both read, both decide, and then they change, in any order: as if there were one.
    #[test]
    fn two_pilots_never_disagree_and_never_raise_twice(
        script in prop::collection::vec(0..8_u8, 5..40),
        order in prop::collection::vec((0..2_usize, any::<bool>()), 1..120),
    ) {
        let mut alone = Gateway::new();
        let mut log = History::default();
        (0..120).for_each(|_| turn(&mut alone, &mut log, &script, Crash::No));

        let (mut gateway, mut log, mut seen) = (Gateway::new(), History::default(), [None, None]);
        for (pilot, acts) in order {
            let Some(known) = seen[pilot].clone().filter(|_| acts) else {
                seen[pilot] = Some(look(&gateway, &script, &log));
                continue;
            };
            seen[pilot] = None;
            if let Some(to) = decision(&known).to_percent() {
                let raises = to > known.weight;
                if raises {
                    log.push(line(&known, to, None));
                }
                let before = gateway.weight;
                if gateway.swap(known.epoch, to) {
                    prop_assert!(to <= rung_above(before));
                    if !raises {
                        log.push(line(&known, to, Some(gateway.epoch)));
                    }
                }
            }
        }
        prop_assert!(alone.course.starts_with(&gateway.course), "{:?}\n{:?}", gateway.course, alone.course);
    }

    #[test]
    fn wherever_it_is_killed_and_started_again_the_weights_are_the_same(
        script in prop::collection::vec(0..8_u8, 5..40),
        ends in prop::collection::vec(crashes(), 60),
    ) {
        let (mut alone, mut log) = (Gateway::new(), History::default());
        (0..60).for_each(|_| turn(&mut alone, &mut log, &script, Crash::No));
        let (mut killed, mut log) = (Gateway::new(), History::default());
        ends.iter().for_each(|crash| turn(&mut killed, &mut log, &script, *crash));
        prop_assert!(alone.course.starts_with(&killed.course), "{:?}\n{:?}", killed.course, alone.course);
        // And it gets there.
        (0..60).for_each(|_| turn(&mut killed, &mut log, &script, Crash::No));
        prop_assert!(killed.course.starts_with(&alone.course), "{:?}\n{:?}", killed.course, alone.course);
    }

    #[test]
    fn climbs_take_every_rung_and_the_hold_back(script in prop::collection::vec(3..8_u8, 5..9)) {
        let (mut gateway, mut log) = (Gateway::new(), History::default());
        (0..20).for_each(|_| turn(&mut gateway, &mut log, &script, Crash::No));
        prop_assert_eq!(gateway.course, [0.0, 1.0, 5.0, 25.0, 50.0, 98.0, 100.0]);
    }
}
