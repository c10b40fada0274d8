//! What the answers say: moderation in both directions, refusals, demanded forms, scores, tools, and the baseline's own
//! noise.

use super::fixture::*;
use datasets::{Arm, Exchange, Moderation, Role};
use judge::verdict::{Decision, State, Verdict};
use wire::ErrorKind;

/// Every `step`th row of one arm, changed.
fn every(rows: &mut [Exchange], arm: Arm, step: usize, change: impl Fn(&mut Exchange)) {
    rows.iter_mut().filter(|row| row.arm == arm).step_by(step).for_each(change);
}

fn block(row: &mut Exchange) {
    *row =
        Exchange { moderation: Some(Moderation::BlockedByProvider), ..with_error(row.clone(), ErrorKind::Moderation) };
}

fn state(verdict: &Verdict, metric: &str) -> State {
    guardrail(verdict, metric, "all").state
}

#[test]
fn blocks_harm_in_both_directions_and_are_no_errors() {
    let mut more = traffic(1500);
    every(&mut more, Arm::Candidate, 20, block);
    let more = judge(&more).verdict;
    assert_eq!(
        (more.verdict, state(&more, "blocked"), state(&more, "errors")),
        (Decision::NoGo, State::Fail, State::Pass)
    );
    assert_eq!((state(&more, "fewer_blocked"), state(&more, "missed")), (State::Pass, State::Pass));
    let mut fewer = traffic(1500);
    every(&mut fewer, Arm::Baseline, 20, block);
    let fewer = judge(&fewer).verdict;
    assert_eq!((fewer.verdict, state(&fewer, "blocked")), (Decision::NoGo, State::Pass), "{:#?}", fewer.reasons);
    assert_eq!((state(&fewer, "fewer_blocked"), state(&fewer, "missed")), (State::Fail, State::Fail));
    assert_eq!(guardrail(&fewer, "errors", "all").baseline_value, Some(0.0));
    // An answer that came and was cut by the filter is a block as well, as the record says.
    let mut marked = traffic(1500);
    every(&mut marked, Arm::Candidate, 20, |row| row.moderation = Some(Moderation::BlockedByProvider));
    assert_eq!(state(&judge(&marked).verdict, "blocked"), State::Fail);
}

#[test]
fn what_the_baseline_blocks_at_a_whim_is_not_missed() {
    // A twentieth is blocked at the first time and never at the second, by the baseline itself.
    let mut rows = traffic(1500);
    every(&mut rows, Arm::Baseline, 20, block);
    let repeats: Vec<Exchange> = rows
        .iter()
        .filter(|row| row.arm == Arm::Baseline)
        .map(|row| Exchange { shadow: None, ..exchange(&row.pair, Arm::Baseline, Role::Repeat) })
        .map(|row| Exchange { answer_digest: Some(format!("again-{}", row.pair)), ..row })
        .collect();
    rows.extend(repeats);
    let verdict = judge(&rows).verdict;
    let missed = guardrail(&verdict, "missed", "all");
    assert!(
        missed.margin > 0.04 && missed.margin <= 0.055,
        "what its own noise proves, and half a point: {}",
        missed.margin
    );
    assert_ne!(missed.state, State::Fail);
    // The measuring itself is at fault, though: a repetition that is never blocked is no repetition.
    assert_eq!(verdict.verdict, Decision::NoGo, "fewer_blocked fails all the same");
    assert!(!verdict.instrument.repeat.unwrap().nogo.is_empty());
}

#[test]
fn refusals_truncations_and_broken_forms_fail_by_name() {
    type Spoiler = fn(&mut Exchange);
    let spoilers: [(&str, Spoiler); 3] = [
        ("refusals", |row| row.refused = true),
        ("truncations", |row| row.finish_reason = Some("length".to_owned())),
        ("answer_failures", |row| row.form_failure = Some("empty".to_owned())),
    ];
    for (metric, spoil) in spoilers {
        let mut rows = traffic(1500);
        every(&mut rows, Arm::Candidate, 15, spoil);
        let verdict = judge(&rows).verdict;
        assert_eq!((verdict.verdict, state(&verdict, metric)), (Decision::NoGo, State::Fail), "{metric}");
        let failed = verdict.guardrails.iter().filter(|guardrail| guardrail.state == State::Fail).count();
        assert_eq!(failed, 1, "{metric} alone");
    }
    let mut fewer = traffic(1500);
    every(&mut fewer, Arm::Baseline, 15, |row| row.refused = true);
    let fewer = judge(&fewer).verdict;
    assert_eq!((state(&fewer, "refusals"), state(&fewer, "fewer_refusals")), (State::Pass, State::Fail));
}

#[test]
fn a_demanded_form_is_judged_among_those_that_demanded_it() {
    // A fifth of the requests demands a form, and the candidate breaks a twentieth of these: a hundredth of all.
    let mut rows = traffic(3000);
    rows.chunks_exact_mut(10).for_each(|ten| ten[..2].iter_mut().for_each(|row| row.structured = true));
    every(&mut rows, Arm::Candidate, 100, |row| row.form_failure = Some("not_json".to_owned()));
    let verdict = judge(&rows).verdict;
    let structured = guardrail(&verdict, "structured_failures", "all");
    assert_eq!((structured.n, structured.candidate_value), (600, Some(0.05)));
    assert_eq!((structured.state, verdict.verdict), (State::Fail, Decision::NoGo), "{}", structured.why);
    assert_ne!(state(&verdict, "answer_failures"), State::Fail, "diluted among all");
    let none = judge(&traffic(300)).verdict;
    assert!(none.guardrails.iter().all(|guardrail| guardrail.metric != "structured_failures"));
}

#[test]
fn scores_are_compared_by_their_mean_and_a_missing_one_is_no_accident() {
    let scored = |loss: f64| {
        let mut rows = traffic(1500);
        for (row, index) in rows.iter_mut().zip(0u64..) {
            let own = if row.arm == Arm::Candidate { loss } else { 0.0 };
            row.quality = Some(0.8 - own + 0.1 * uniform(index / 2, 61) + 0.02 * uniform(index, 62));
        }
        rows
    };
    let same = judge(&scored(0.0)).verdict;
    assert_eq!((state(&same, "quality"), same.verdict), (State::Pass, Decision::Go), "{:#?}", same.reasons);
    let worse = judge(&scored(0.05)).verdict;
    let quality = guardrail(&worse, "quality", "all");
    assert!((quality.estimate.unwrap() - 0.05).abs() < 0.002, "{quality:?}");
    assert_eq!((quality.state, worse.verdict), (State::Fail, Decision::NoGo));
    // A judge that leaves out the candidate's odd answers hides exactly those that matter.
    let mut hidden = scored(0.0);
    every(&mut hidden, Arm::Candidate, 50, |row| row.quality = None);
    let hidden = judge(&hidden).verdict;
    assert_eq!((hidden.verdict, state(&hidden, "quality")), (Decision::Hold, State::HoldInstrument));
    let alarm = "In 30 of 1500 scored pairs (2.0 %, limit 1 %) only one of the two answers has a quality score";
    assert!(hidden.instrument.alarms.iter().any(|found| found.starts_with(alarm)), "{:?}", hidden.instrument.alarms);
}

/// Traffic whose answers call a tool, every baseline request asked twice. One in `noise` repetitions and one in `other`
/// candidates calls another one; 0 for none.
fn tools(noise: usize, other: usize) -> Vec<Exchange> {
    let mut rows = traffic(1500);
    let mut again: Vec<Exchange> = Vec::new();
    for (index, pair) in rows.chunks_exact_mut(2).enumerate() {
        let name = |step: usize| if step > 0 && index % step == 3 % step { "other" } else { "weather" };
        pair[0].tools_digest = Some("weather".to_owned());
        pair[1].tools_digest = Some(name(other).to_owned());
        let repeat = Exchange { role: Role::Repeat, shadow: None, ..pair[0].clone() };
        // Drawn like the first time.
        let micros = |low: f64| (low * (1.0 + 3.0 * uniform(index as u64, 71))) as u64;
        again.push(Exchange {
            tools_digest: Some(name(noise).to_owned()),
            ttft_us: Some(micros(200_000.0)),
            duration_us: micros(1_000_000.0),
            ..repeat
        });
    }
    rows.extend(again);
    rows
}

#[test]
fn other_tools_count_net_of_the_baselines_own_whims() {
    let alike = judge(&tools(0, 0)).verdict;
    assert_eq!(
        (state(&alike, "tool_disagreement"), alike.verdict),
        (State::Pass, Decision::Go),
        "{:#?}",
        alike.reasons
    );
    assert_eq!(alike.instrument.repeat.as_ref().unwrap().pairs, 1500);
    let noisy = judge(&tools(10, 10)).verdict;
    let disagreement = guardrail(&noisy, "tool_disagreement", "all");
    assert_eq!(disagreement.estimate, Some(0.0), "as often as the baseline from itself");
    assert_ne!(disagreement.state, State::Fail);
    let worse = judge(&tools(0, 15)).verdict;
    assert_eq!((state(&worse, "tool_disagreement"), worse.verdict), (State::Fail, Decision::NoGo));
    let without = judge(&traffic(1500)).verdict;
    assert!(without.guardrails.iter().all(|guardrail| guardrail.metric != "tool_disagreement"));
}

#[test]
fn a_repetition_that_differs_puts_the_instrument_at_fault() {
    // The second call finds the prompt cached and is always faster: so would the candidate's be.
    let mut rows = tools(0, 0);
    for row in rows.iter_mut().filter(|row| row.role == Role::Repeat) {
        row.ttft_us = row.ttft_us.map(|ttft| ttft / 2);
        row.duration_us /= 2;
    }
    let verdict = judge(&rows).verdict;
    let repeat = verdict.instrument.repeat.as_ref().unwrap();
    assert!(repeat.nogo.iter().any(|found| found.contains("faster")), "{repeat:?}");
    assert_eq!(verdict.verdict, Decision::Hold);
    assert!(verdict.guardrails.iter().all(|guardrail| guardrail.state != State::Pass), "nothing passes");
    // Repetitions that cannot be true prove nothing, and are shown.
    for row in rows.iter_mut().filter(|row| row.role == Role::Repeat) {
        row.duration_us = 0;
    }
    let untrue = judge(&rows).verdict;
    assert_eq!(untrue.instrument.repeat, None);
    let zero = untrue.instrument.rejected.iter().find(|count| count.name == "duration of zero").unwrap();
    assert_eq!(zero.count, 1500);
}
