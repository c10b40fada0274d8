//! Bad data: each kind is counted, shown in the verdict, and never a pass.

use super::fixture::*;
use crate::{Options, evaluate};
use datasets::{Arm, Exchange, Role, ShadowFate};
use judge::verdict::{Decision, State, Verdict};
use wire::ErrorKind;
use wire::price::Tariffs;

fn alarmed(verdict: &Verdict, words: &str) -> bool {
    verdict.instrument.alarms.iter().any(|alarm| alarm.contains(words))
}

fn spoil(rows: &mut [Exchange], arm: Arm, step: usize, change: impl Fn(&mut Exchange)) {
    rows.iter_mut().filter(|row| row.arm == arm).step_by(step).for_each(change);
}

#[test]
fn impossible_times_of_one_arm_hold_and_are_shown() {
    let mut rows = traffic(1500);
    spoil(&mut rows, Arm::Candidate, 100, |row| row.duration_us = 0);
    let verdict = judge(&rows).verdict;
    let instrument = &verdict.instrument;
    assert_eq!((instrument.rows, instrument.rows_rejected), ([1500, 1500], [0, 15]));
    assert_eq!((instrument.rejected[0].name.as_str(), instrument.rejected[0].count), ("duration of zero", 15));
    assert!(alarmed(&verdict, "Rows refused at loading differ between the arms by 1.00 points"));
    assert_eq!(verdict.verdict, Decision::Hold, "{:#?}", verdict.reasons);
}

#[test]
fn clocks_that_disagree_hold() {
    type Skew = fn(&mut Exchange);
    let skews: [(Skew, Arm); 2] =
        [(|row| row.at_us += 2_000_000, Arm::Candidate), (|row| row.sent_us = row.at_us - 1, Arm::Baseline)];
    for (skew, arm) in skews {
        let mut rows = traffic(1500);
        spoil(&mut rows, arm, 50, skew);
        let verdict = judge(&rows).verdict;
        assert_eq!(verdict.instrument.clock_skew_pairs, 30);
        assert!(alarmed(&verdict, "30 of 1 500 (2.00 %) pairs have clocks that disagree"), "{:?}", verdict.reasons);
        assert_eq!(verdict.verdict, Decision::Hold);
    }
}

#[test]
fn halves_of_different_epochs_hold() {
    let mut rows = traffic(1500);
    spoil(&mut rows, Arm::Candidate, 50, |row| row.epoch = 2);
    let verdict = judge(&rows).verdict;
    assert_eq!(verdict.instrument.mixed_epochs, 30);
    assert!(alarmed(&verdict, "pairs have halves of different epochs"), "{:?}", verdict.instrument.alarms);
    assert_eq!(verdict.verdict, Decision::Hold);
}

#[test]
fn unknown_arms_are_counted_and_hold() {
    let files = Files::new();
    let path = files.records("r.ndjson", &traffic(1500));
    let mut text = std::fs::read_to_string(&path).unwrap();
    let line = text.lines().nth(1).unwrap().replace("\"arm\":\"baseline\"", "\"arm\":\"control\"");
    assert!(line.contains("control"));
    (0..30).for_each(|_| text.push_str(&format!("{line}\n")));
    std::fs::write(&path, &text).unwrap();
    let error = evaluate(std::slice::from_ref(&path), &options()).unwrap_err().to_string();
    assert!(error.contains("r.ndjson, line 3002") && error.contains("control"), "{error}");
    let verdict = evaluate(&[path], &Options { skip_broken: true, ..options() }).unwrap().verdict;
    assert_eq!(verdict.instrument.unknown_arms, 30);
    assert!(alarmed(&verdict, "rows name neither arm"), "{:?}", verdict.instrument.alarms);
    assert_eq!(verdict.verdict, Decision::Hold);
}

#[test]
fn duplicates_count_once_and_are_shown() {
    let rows = traffic(1500);
    let twice = [rows.clone(), rows.clone()].concat();
    let (once, twice) = (judge(&rows).verdict, judge(&twice).verdict);
    assert_eq!((twice.instrument.duplicates, twice.instrument.pairs), (3000, 1500));
    assert_eq!(once.guardrails, twice.guardrails);
}

#[test]
fn an_empty_arm_holds() {
    let alone = |arm: Arm| traffic(1500).into_iter().filter(|row| row.arm == arm).collect::<Vec<_>>();
    for arm in [Arm::Baseline, Arm::Candidate] {
        let verdict = judge(&alone(arm)).verdict;
        assert_eq!((verdict.verdict, verdict.instrument.pairs), (Decision::Hold, 0), "{arm:?}");
        assert_eq!(guardrail(&verdict, "errors", "all").state, State::HoldInsufficient);
        assert!(verdict.next_weight_percent.abs() < 1e-12);
    }
    // A split that sent everything to one arm is no split.
    let served = |row: Exchange| Exchange { weight_bp: 5000, role: Role::Served, shadow: None, ..row };
    let one_sided: Vec<Exchange> = alone(Arm::Candidate).into_iter().map(served).collect();
    let verdict = judge(&one_sided).verdict;
    assert!(alarmed(&verdict, "Sample-ratio mismatch"), "{:#?}", verdict.reasons);
    assert_eq!(verdict.verdict, Decision::Hold);
}

#[test]
fn a_mirror_that_drops_long_prompts_holds() {
    let mut rows = traffic(2000);
    for (index, pair) in rows.chunks_exact_mut(2).enumerate() {
        let chars = 200 << (index % 8);
        pair.iter_mut().for_each(|row| row.prompt_chars = chars);
    }
    assert_eq!(judge(&rows).verdict.verdict, Decision::Go);
    // Less than one in a hundred is lost, all of it long: within the limit, and no accident.
    let mut lost = 0;
    for pair in rows.chunks_exact_mut(2).filter(|pair| pair[0].prompt_chars > 20_000).step_by(14) {
        pair[0].shadow = Some(ShadowFate::QueueFull);
        pair[1].pair = "gone".to_owned();
        lost += 1;
    }
    rows.retain(|row| row.pair != "gone");
    assert!(lost < 20, "{lost}");
    let verdict = judge(&rows).verdict;
    assert!(alarmed(&verdict, "The mirror does not lose evenly"), "{:#?}", verdict.instrument);
    assert!(!alarmed(&verdict, "of the mirrored requests is unknown (limit"));
    assert_eq!(verdict.verdict, Decision::Hold);
}

/// The candidate's price falls to a tenth in the middle of the evidence, or rises from there.
fn tariffs(early: &str, late: &str) -> Tariffs {
    let middle = jiff::Timestamp::from_microsecond(NOON_US + 1500 * 1_000_000).unwrap();
    let row = |provider: &str, model: &str, from: &str, prices: [&str; 3]| {
        let [input, cached, output] = prices;
        format!(
            "[[prices]]\nprovider = '{provider}'\nmodel = '{model}'\nvalid_from = {from}\ninput = '{input}'\n\
             cached_input = '{cached}'\noutput = '{output}'\nsource = 'test'\n"
        )
    };
    let rows = [
        row("openai", "gpt-4o", "2024-08-06", ["2.50", "1.25", "10.00"]),
        row("deepseek", "deepseek-flash", "2026-01-01", [early; 3]),
        row("deepseek", "deepseek-flash", &middle.to_string(), [late; 3]),
    ];
    let head = "schema = 'weighbridge.tariffs/1'\ncurrency = 'USD'\nchecked = 2026-11-22\n";
    Tariffs::parse(&format!("{head}{}", rows.concat())).unwrap()
}

fn priced(rows: &[Exchange], early: &str, late: &str) -> Verdict {
    judge_with(rows, &Options { tariffs: Some(tariffs(early, late)), ..options() }).unwrap().verdict
}

#[test]
fn a_price_that_changes_in_the_middle_is_judged_at_its_new_height() {
    let rows = traffic(3000);
    // 1000 + 100 tokens against 0.0035 USD: at 1 USD per million 0.0011, at 5 USD 0.0055.
    let dearer = priced(&rows, "1.00", "5.00");
    let cost = guardrail(&dearer, "cost", "all");
    assert_eq!((cost.n, dearer.instrument.mixed_tariffs), (1500, 1500));
    assert!((cost.estimate.unwrap() - 0.0055 / 0.0035).abs() < 1e-9, "{cost:?}");
    assert_eq!(
        (cost.state, dearer.verdict),
        (State::Fail, Decision::NoGo),
        "the old price does not excuse the new one"
    );
    assert!(
        dearer.bill.notes.iter().any(|note| note.starts_with("1500 pairs were answered at prices that have changed"))
    );
    assert!((dearer.bill.ratio.unwrap() - 0.0033 / 0.0035).abs() < 1e-9, "as paid");
    let cheaper = priced(&rows, "5.00", "1.00");
    assert!((guardrail(&cheaper, "cost", "all").estimate.unwrap() - 0.0011 / 0.0035).abs() < 1e-9);
    assert_ne!(guardrail(&cheaper, "cost", "all").state, State::Fail);
    assert_eq!((cheaper.verdict, cheaper.instrument.mixed_tariffs), (Decision::Hold, 1500), "shown, and no pass");
    let same = priced(&rows, "1.00", "1.00");
    assert_eq!(same.instrument.mixed_tariffs, 1500, "a new row of the table is a new price, whatever it says");
}

#[test]
fn served_traffic_forgets_prices_that_have_changed_as_well() {
    let row = |index: u64| {
        let arm = if index.is_multiple_of(2) { Arm::Baseline } else { Arm::Candidate };
        let at_us = NOON_US + index as i64 * 1_000_000;
        Exchange {
            weight_bp: 5000,
            at_us,
            sent_us: at_us,
            shadow: Some(ShadowFate::NotSampled),
            ..exchange(&format!("served-{index}"), arm, Role::Served)
        }
    };
    let rows: Vec<Exchange> = (0..3000).map(row).collect();
    let options = Options { tariffs: Some(tariffs("1.00", "5.00")), ..options() };
    let outcome = judge_with(&rows, &options).unwrap();
    let cost = outcome.verdict.guardrails.iter().find(|guardrail| guardrail.metric == "cost").unwrap();
    assert!((cost.estimate.unwrap() - 0.0055 / 0.0035).abs() < 1e-9, "{cost:?}");
    assert_eq!(outcome.counts.pairs.outdated_served, 750);
    assert!(
        outcome.counts.remarks().iter().any(|remark| remark.starts_with("750 served requests were answered at prices"))
    );
}

#[test]
fn a_served_request_that_is_in_a_pair_counts_once() {
    // Every request is served by one of the arms and mirrored to the other.
    let mut rows = Vec::new();
    for index in 0..1500u64 {
        let candidate = index.is_multiple_of(2);
        let arms = if candidate { [Arm::Candidate, Arm::Baseline] } else { [Arm::Baseline, Arm::Candidate] };
        for (arm, role) in arms.into_iter().zip([Role::Served, Role::Shadow]) {
            let at_us = NOON_US + index as i64 * 1_000_000;
            let made = exchange(&format!("pair-{index}"), arm, role);
            rows.push(Exchange { weight_bp: 5000, at_us, sent_us: at_us, ..made });
        }
    }
    let verdict = judge(&rows).verdict;
    let errors = guardrail(&verdict, "errors", "all");
    assert_eq!((verdict.instrument.pairs, errors.n), (1500, 1500));
    assert_eq!(guardrail(&verdict, "errors", "canary").n, 750);
    // Those served outside of pairs come on top of the pairs.
    rows.retain(|row| row.role == Role::Served || !row.pair.ends_with('7'));
    let apart = judge(&rows).verdict;
    assert_eq!(apart.instrument.pairs, 1350);
    assert_eq!(
        guardrail(&apart, "errors", "all").n,
        1350,
        "the odd ones were all served by the baseline: no second arm"
    );
}

/// Served half and half, nothing mirrored, both arms alike.
fn canary(n: u64) -> Vec<Exchange> {
    let row = |index: u64| {
        let arm = if uniform(index, 91) < 0.5 { Arm::Baseline } else { Arm::Candidate };
        let at_us = NOON_US + index as i64 * 1_000_000;
        let micros = |low: f64, stream| (low * (1.0 + 3.0 * uniform(index, stream))) as u64;
        Exchange {
            weight_bp: 5000,
            at_us,
            sent_us: at_us,
            ttft_us: Some(micros(200_000.0, 92)),
            duration_us: micros(1_000_000.0, 93),
            shadow: Some(ShadowFate::NotSampled),
            ..exchange(&format!("served-{index}"), arm, Role::Served)
        }
    };
    (0..n).map(row).collect()
}

#[test]
fn alike_arms_alone_in_served_traffic_raise_no_alarm_at_any_look() {
    // The thresholds come from the first fifth of the baseline's requests, which are not tested against them, and neither
    // are the candidate's of that time.
    let verdict = judge_with(&canary(6000), &default_options()).unwrap().verdict;
    let failed: Vec<_> = verdict.guardrails.iter().filter(|guardrail| guardrail.state == State::Fail).collect();
    assert!(failed.is_empty(), "{failed:#?}");
    let p50 = guardrail(&verdict, "duration_p50", "canary");
    assert!(p50.n > 2200 && p50.n < 2600, "four fifths of the smaller arm: {}", p50.n);
}

#[test]
fn a_burst_of_errors_in_served_traffic_fails_by_its_blocks() {
    let mut rows = canary(6000);
    for row in rows.iter_mut().skip(4000).filter(|row| row.arm == Arm::Candidate).step_by(6) {
        *row = with_error(row.clone(), ErrorKind::Server);
    }
    let verdict = judge_with(&rows, &default_options()).unwrap().verdict;
    let watched = guardrail(&verdict, "errors", "canary");
    assert_eq!((watched.state, watched.decides), (State::Fail, false), "{}", watched.why);
    assert!(watched.lower.is_some_and(|lower| lower > 0.005));
    assert_eq!(verdict.verdict, Decision::NoGo);
    assert!(verdict.reasons.iter().any(|reason| reason == &watched.why), "{:#?}", verdict.reasons);
}

#[test]
fn by_default_every_look_counts_and_small_samples_hold() {
    let rows = traffic(1500);
    assert_eq!(judge(&rows).verdict.verdict, Decision::Go);
    let verdict = judge_with(&rows, &default_options()).unwrap().verdict;
    assert_eq!(verdict.verdict, Decision::Hold);
    let p99 = guardrail(&verdict, "ttft_p99", "all");
    assert_eq!((p99.n, p99.state), (1200, State::HoldInsufficient), "a fifth made the thresholds; 2000 are asked for");
    assert!(p99.why.contains("only 1 200 of at least 2 000 pairs"), "{}", p99.why);
    assert_eq!(judge_with(&traffic(6000), &default_options()).unwrap().verdict.verdict, Decision::Go);
}
