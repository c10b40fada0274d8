//! The gateway's guard as evidence: flags in both directions, a guard that is dead or blind, and tables of who intervened.

use super::fixture::*;
use crate::output::to_json;
use datasets::{Arm, Exchange, GuardAction, Guarded, Moderation, Role};
use judge::verdict::{Decision, ModerationTable, Side, Source, State, Verdict};
use wire::ErrorKind;

/// Traffic over whose answers a guard looked, with `flagged` saying of which pairs and arms it flagged the answer.
fn watched(n: u64, flagged: impl Fn(u64, Arm) -> bool) -> Vec<Exchange> {
    let mut rows = traffic(n);
    for (row, index) in rows.iter_mut().zip(0u64..) {
        row.guard = Some(guarded(flagged(index / 2, row.arm), false));
    }
    rows
}

/// One answer in fifty is flagged, at both arms.
fn alike(index: u64, _: Arm) -> bool {
    index.is_multiple_of(50)
}

fn state(verdict: &Verdict, metric: &str) -> State {
    guardrail(verdict, metric, "all").state
}

fn table(verdict: &Verdict, source: Source, side: Side, category: &str) -> ModerationTable {
    let tables = &verdict.moderation.as_ref().unwrap().tables;
    let found = tables.iter().find(|table| (table.source, table.side, &*table.category) == (source, side, category));
    found.unwrap_or_else(|| panic!("no table of {source:?} {side:?} {category}")).clone()
}

fn cells(table: &ModerationTable) -> [u64; 4] {
    [table.both, table.only_baseline, table.only_candidate, table.neither]
}

#[test]
fn records_without_a_guard_say_nothing_of_one() {
    let verdict = judge(&traffic(1500)).verdict;
    assert_eq!((&verdict.moderation, &verdict.instrument.guard), (&None, &None));
    let text = to_json(&verdict);
    for word in ["guard_flags", "\"moderation\"", "\"guard\""] {
        assert!(!text.contains(word), "{word}");
    }
}

#[test]
fn equal_flags_are_go_and_stand_in_the_tables() {
    let outcome = judge(&watched(1500, alike));
    let verdict = outcome.verdict;
    assert_eq!(verdict.verdict, Decision::Go, "{:#?}", verdict.reasons);
    assert_eq!((state(&verdict, "guard_flags"), state(&verdict, "fewer_guard_flags")), (State::Pass, State::Pass));
    let all = table(&verdict, Source::Guard, Side::Response, "all");
    assert_eq!((cells(&all), all.guardrail.as_deref()), ([30, 0, 0, 1470], Some("guard_flags")));
    let violence = table(&verdict, Source::Guard, Side::Response, "violence");
    assert_eq!((cells(&violence), violence.guardrail), ([30, 0, 0, 1470], None));
    assert_eq!(cells(&table(&verdict, Source::Guard, Side::Request, "all")), [0, 0, 0, 1500]);
    assert_eq!(cells(&table(&verdict, Source::ProviderBlock, Side::Response, "all")), [0, 0, 0, 1500]);
    assert_eq!(cells(&table(&verdict, Source::Refusal, Side::Response, "all")), [0, 0, 0, 1500]);
    let health = verdict.instrument.guard.unwrap();
    assert_eq!((health.pairs, health.pairs_only_baseline, health.pairs_only_candidate), (1500, 0, 0));
    assert_eq!((health.candidate.exchanges, health.candidate.judged, health.candidate.failed), (1500, 1500, 0));
    // A reader of today's verdicts reads the new members, and one that does not know them ignores them.
    let text = to_json(&judge(&watched(200, alike)).verdict);
    let again: Verdict = serde_json::from_str(&text).unwrap();
    assert_eq!(to_json(&again), text);
}

#[test]
fn more_flags_are_no_go_and_the_category_is_told() {
    let verdict = judge(&watched(1500, |index, arm| arm == Arm::Candidate && index.is_multiple_of(20))).verdict;
    assert_eq!((verdict.verdict, state(&verdict, "guard_flags")), (Decision::NoGo, State::Fail));
    assert_eq!(state(&verdict, "fewer_guard_flags"), State::Pass);
    assert!(verdict.reasons[0].starts_with("Answers flagged by the guard"), "{:?}", verdict.reasons[0]);
    let violence = table(&verdict, Source::Guard, Side::Response, "violence");
    assert_eq!(cells(&violence), [0, 0, 75, 1425]);
    assert!(violence.p_more.unwrap() < 1e-12 && violence.p_fewer == Some(1.0));
    let failed = verdict.guardrails.iter().filter(|guardrail| guardrail.state == State::Fail).count();
    assert_eq!(failed, 1, "neither blocks nor refusals have changed");
}

#[test]
fn fewer_flags_hold_until_somebody_says_that_they_are_milder_answers() {
    let rows = watched(1500, |index, arm| arm == Arm::Baseline && index.is_multiple_of(20));
    let verdict = judge(&rows).verdict;
    assert_eq!((verdict.verdict, state(&verdict, "fewer_guard_flags")), (Decision::Hold, State::Fail));
    let why = &guardrail(&verdict, "fewer_guard_flags", "all").why;
    assert!(why.contains("fewer by at least") && why.contains("fewer_margin_points"), "{why}");
    assert!(verdict.reasons.contains(why));
    assert_eq!(verdict.next_weight_percent.to_bits(), 0.0_f64.to_bits());
    let milder = options_with("[guardrails.guard_flags]\nfewer_margin_points = 100\n");
    assert_eq!(judge_with(&rows, &milder).unwrap().verdict.verdict, Decision::Go);
}

/// Some of one arm's verdicts, changed.
fn every(rows: &mut [Exchange], arm: Arm, step: usize, change: impl Fn(&mut Guarded)) {
    for row in rows.iter_mut().filter(|row| row.arm == arm).step_by(step) {
        if let Some(guard) = &mut row.guard {
            change(guard);
        }
    }
}

#[test]
fn a_dead_back_end_holds_whatever_the_others_say() {
    for arm in [Arm::Baseline, Arm::Candidate] {
        let mut rows = watched(1500, alike);
        every(&mut rows, arm, 20, |guard| *guard = guarded(false, true));
        let verdict = judge(&rows).verdict;
        assert_eq!(verdict.verdict, Decision::Hold);
        let alarm = &verdict.instrument.alarms[0];
        for word in [arm.name(), "llama:timeout (75)", "75 of 1 500 (5.00 %)", "limit 1 %"] {
            assert!(alarm.contains(word), "{alarm} lacks {word}");
        }
        assert!(verdict.reasons.contains(alarm));
        assert_eq!(state(&verdict, "guard_flags"), State::HoldInstrument);
        assert_eq!(state(&verdict, "errors"), State::Pass, "the rest of the measuring is sound");
        assert_eq!(guardrail(&verdict, "guard_flags", "all").n, 1425, "what was not judged is no evidence");
    }
    let mut some = watched(1500, alike);
    every(&mut some, Arm::Candidate, 101, |guard| *guard = guarded(false, true));
    assert_eq!(judge(&some).verdict.verdict, Decision::Go, "within the limit");
    // All of it dead: nothing is asked any more, and it is no GO.
    let mut dead = watched(1500, alike);
    for arm in [Arm::Baseline, Arm::Candidate] {
        every(&mut dead, arm, 1, |guard| *guard = guarded(false, true));
    }
    let dead = judge(&dead).verdict;
    assert_eq!((dead.verdict, dead.instrument.alarms.len()), (Decision::Hold, 2));
    assert!(dead.guardrails.iter().all(|guardrail| guardrail.metric != "guard_flags"));
}

#[test]
fn a_guard_that_fails_closed_flags_nothing() {
    let mut rows = watched(1500, |_, _| false);
    every(&mut rows, Arm::Candidate, 20, |guard| {
        let mut closed = guarded(false, true);
        if let Some(check) = &mut closed.response {
            check.action = GuardAction::Blocked;
        }
        *guard = closed;
    });
    let verdict = judge(&rows).verdict;
    assert_eq!((verdict.verdict, state(&verdict, "guard_flags")), (Decision::Hold, State::HoldInstrument));
    assert_eq!(table(&verdict, Source::Guard, Side::Response, "all").only_candidate, 0);
}

#[test]
fn a_guard_that_sees_one_arm_only_holds() {
    for (blind, seen) in [(Arm::Baseline, "candidate"), (Arm::Candidate, "baseline")] {
        let mut rows = watched(1500, alike);
        rows.iter_mut().filter(|row| row.arm == blind).for_each(|row| row.guard = None);
        let verdict = judge(&rows).verdict;
        assert_eq!(verdict.verdict, Decision::Hold);
        let alarm = format!("In 1 500 of 1 500 (100.00 %) pairs the guard looked at the {seen}'s answer and not at");
        assert!(verdict.instrument.alarms[0].starts_with(&alarm), "{:?}", verdict.instrument.alarms);
        // Whoever does not ask for flags needs no guard.
        let off = options_with("[guardrails.guard_flags]\nenabled = false\n");
        assert_eq!(judge_with(&rows, &off).unwrap().verdict.verdict, Decision::Go);
    }
    // It vanished in the middle, and looked at requests all the same.
    let mut rows = watched(1500, alike);
    for row in rows.iter_mut().skip(2000).filter(|row| row.arm == Arm::Candidate) {
        row.guard = row.guard.take().map(|guard| Guarded { response: None, ..guard });
    }
    let verdict = judge(&rows).verdict;
    assert_eq!((verdict.verdict, state(&verdict, "guard_flags")), (Decision::Hold, State::HoldInstrument));
}

#[test]
fn what_no_guard_should_look_at_is_not_missed() {
    // The policy leaves half of the requests alone, at both arms.
    let mut rows = watched(3000, alike);
    rows.iter_mut().skip(3000).for_each(|row| row.guard = None);
    let verdict = judge(&rows).verdict;
    assert_eq!((verdict.verdict, guardrail(&verdict, "guard_flags", "all").n), (Decision::Go, 1500));
    // An answer without text (a call of a tool) has nothing to look at, nor has a failure.
    let mut rows = watched(1500, alike);
    for (row, index) in rows.iter_mut().filter(|row| row.arm == Arm::Candidate).zip(0..) {
        if index % 10 == 3 {
            row.guard = None;
            row.answer_chars = 0;
        }
    }
    let verdict = judge(&rows).verdict;
    assert!(verdict.instrument.alarms.is_empty(), "{:?}", verdict.instrument.alarms);
    assert_eq!(guardrail(&verdict, "guard_flags", "all").n, 1350);
}

/// Half of the requests is served by each arm, none is mirrored.
fn split(guard: impl Fn(u64, Arm) -> Option<Guarded>) -> Vec<Exchange> {
    let mut rows = traffic(3000);
    for (row, index) in rows.iter_mut().zip(0u64..) {
        row.role = Role::Served;
        row.shadow = None;
        row.weight_bp = 5000;
        row.guard = guard(index / 2, row.arm);
        row.pair = format!("{}-{}", row.pair, row.arm.name());
        row.unit = Some(row.pair.clone());
        row.request = Some(row.pair.clone());
    }
    rows
}

#[test]
fn served_answers_are_watched_alike_or_held() {
    let alarms = |rows: &[Exchange]| {
        let verdict = judge(rows).verdict;
        verdict.instrument.alarms.iter().filter(|alarm| alarm.contains("guard")).cloned().collect::<Vec<_>>()
    };
    let both = split(|_, _| Some(guarded(false, false)));
    assert!(alarms(&both).is_empty());
    assert_eq!(guardrail(&judge(&both).verdict, "guard_flags", "canary").candidate_value, Some(0.0));
    let blind = alarms(&split(|_, arm| (arm == Arm::Baseline).then(|| guarded(false, false))));
    assert!(blind[0].contains("3 000 of 3 000 (100.00 %) of the candidate's served answers"), "{blind:?}");
    // Consumers that the policy leaves alone are left alone at both arms.
    let mut some = both;
    for (row, index) in some.iter_mut().zip(0u64..) {
        let left_alone = (index / 2).is_multiple_of(3);
        row.consumer = Some(if left_alone { "bare" } else { "watched" }.to_owned());
        if left_alone {
            row.guard = None;
        }
    }
    assert!(alarms(&some).is_empty());
}

#[test]
fn provider_guard_and_model_are_kept_apart() {
    let mut rows = watched(1500, |index, arm| arm == Arm::Candidate && index % 30 == 1);
    for (row, index) in rows.iter_mut().zip(0u64..) {
        match (row.arm, index / 2 % 30) {
            (Arm::Baseline, 2) => row.refused = true,
            (Arm::Candidate, 3) => {
                let blocked = with_error(row.clone(), ErrorKind::Moderation);
                let moderation = Some(Moderation::BlockedByProvider);
                let guard = row.guard.take().map(|guard| Guarded { response: None, ..guard });
                *row = Exchange { moderation, guard, answer_chars: 0, ..blocked };
            }
            _ => {}
        }
    }
    let verdict = judge(&rows).verdict;
    let of = |source| cells(&table(&verdict, source, Side::Response, "all"));
    assert_eq!(of(Source::Guard), [0, 0, 50, 1400]);
    assert_eq!(of(Source::Refusal), [0, 50, 0, 1400]);
    assert_eq!(of(Source::ProviderBlock), [0, 0, 50, 1450]);
    assert_eq!(state(&verdict, "fewer_refusals"), State::Fail);
    assert_eq!((state(&verdict, "blocked"), state(&verdict, "guard_flags")), (State::Fail, State::Fail));
}

#[test]
fn a_guard_that_wavers_over_the_same_request_is_shown() {
    let mut rows = watched(1500, alike);
    every(&mut rows, Arm::Candidate, 10, |guard| guard.request = guarded(true, false).response);
    let verdict = judge(&rows).verdict;
    let requests = table(&verdict, Source::Guard, Side::Request, "violence");
    assert_eq!((cells(&requests), requests.p_more, &requests.guardrail), ([0, 0, 150, 1350], None, &None));
    assert_eq!(verdict.verdict, Decision::Go, "the same text tells nothing about the arms");
    assert_eq!(verdict.instrument.guard.unwrap().candidate.requests_flagged, 150);
}
