//! The baseline against its own repetition.

use super::*;
use crate::counters::{PairOutcome, PairedCounts, Plan, Thresholds};
use crate::metric::{FIRST_LABEL, Latency, Share, ShareSet};
use crate::verdict::RepeatHealth;

const MARGINS: [f64; 3] = [1.10, 1.15, 1.25];

fn table(only_first: u64, only_repetition: u64, both: u64, pairs: u64) -> PairedCounts {
    PairedCounts {
        both_bad: both,
        only_candidate_bad: only_repetition,
        only_baseline_bad: only_first,
        both_good: pairs - both - only_first - only_repetition,
    }
}

fn shares(tables: &[(usize, PairedCounts)]) -> Evidence {
    let mut evidence = Evidence::default();
    evidence.plan.labels = vec!["exact".to_owned()];
    for (slot, table) in tables {
        evidence.repeat.pairs = evidence.repeat.pairs.max(table.pairs());
        *evidence.repeat.table_mut(*slot) = *table;
    }
    evidence
}

/// Requests whose repetition takes `factor` times as long, with latencies between 1 and 2 seconds.
fn latencies(factor: f64, requests: u64) -> Evidence {
    let thresholds = Thresholds::at([1_500_000, 1_950_000, 1_990_000], 1000, MARGINS);
    let mut evidence =
        Evidence { plan: Plan { latency: [Some(thresholds), None, None], ..Plan::default() }, ..Evidence::default() };
    for at in 0..requests {
        // The repetition takes the place of another request's latency, so that only the distributions agree.
        let first = 1_000_000 + at * 7919 % requests * 1_000_000 / requests;
        let again = 1_000_000 + at * 104_729 % requests * 1_000_000 / requests;
        let mut outcome = PairOutcome { asked: ShareSet::default(), ..PairOutcome::default() };
        outcome.latency_us[Latency::Ttft.slot()] = Some([Some(first), Some((again as f64 * factor) as u64)]);
        evidence.repeat.add(&evidence.plan, &outcome);
    }
    evidence
}

fn repeat(health: &Health) -> &RepeatHealth {
    health.instrument.repeat.as_ref().expect("repetitions")
}

#[test]
fn a_baseline_that_repeats_itself_is_sound() {
    let errors = table(30, 33, 10, 3000);
    let health = of(&shares(&[(Share::Errors.slot(), errors), (FIRST_LABEL, table(80, 75, 100, 2500))]));
    let found = repeat(&health);
    assert_eq!((found.pairs, found.nogo.len(), health.instrument.alarms.len()), (3000, 0, 0));
    let floor: Vec<_> = found.discordance.iter().map(|d| (d.metric.as_str(), d.pairs, d.discordant)).collect();
    assert_eq!(floor, [("errors", 3000, 63), ("exact", 2500, 155)]);
}

#[test]
fn a_proven_difference_is_the_instruments_in_either_direction() {
    for (first, again, words) in [(5, 120, "more request errors"), (120, 5, "less request errors")] {
        let health = of(&shares(&[(Share::Errors.slot(), table(first, again, 0, 3000))]));
        let (alarm, paired, canary) = only(&health);
        assert!(alarm.starts_with("Instrument fault: ") && alarm.contains(words), "{alarm}");
        assert!(paired && canary, "the whole line of measuring is in doubt");
        assert_eq!(repeat(&health).nogo.len(), 1);
    }
    // Half a point more is within the margin of errors, proven or not.
    assert!(of(&shares(&[(Share::Errors.slot(), table(0, 120, 0, 30_000))])).instrument.alarms.is_empty());
    assert_eq!(of(&shares(&[(FIRST_LABEL, table(0, 300, 0, 3000))])).instrument.alarms.len(), 1, "labels as well");
}

#[test]
fn what_the_policy_leaves_out_is_not_asked() {
    let evidence = shares(&[(Share::Errors.slot(), table(5, 120, 0, 3000))]);
    let without = Policy::parse("[guardrails.errors]\nenabled = false\n").expect("policy");
    let health = health(&evidence, &without, levels(&without));
    assert!(health.instrument.alarms.is_empty());
    assert_eq!(repeat(&health).discordance.len(), 1, "the floor is shown all the same");
}

#[test]
fn disagreement_is_a_floor_and_no_fault() {
    // The baseline's answers differ from its own in two of three requests.
    let differs = PairedCounts { both_bad: 2000, both_good: 1000, ..PairedCounts::default() };
    let health = of(&shares(&[(Share::AnswerDisagreement.slot(), differs)]));
    assert!(health.instrument.alarms.is_empty());
    assert_eq!(repeat(&health).discordance[0].discordant, 2000);
}

#[test]
fn a_slower_repetition_is_a_fault_however_slow_the_margin() {
    let same = of(&latencies(1.0, 5000));
    assert!(same.instrument.alarms.is_empty(), "{:?}", same.instrument.alarms);
    for (factor, words) in [(1.06, "proven slower"), (0.94, "proven faster")] {
        let health = of(&latencies(factor, 5000));
        assert!(health.instrument.alarms[0].contains(words), "{:?}", health.instrument.alarms);
        let median = &repeat(&health).latency[0];
        assert_eq!((median.metric.as_str(), median.pairs), ("ttft_p50", 5000));
        // The median of 1 to 2 seconds moves by the factor itself.
        assert!(median.ratio_lower.unwrap() < factor && factor < median.ratio_upper.unwrap(), "{median:?}");
    }
}

#[test]
fn bounds_of_the_ratio_tighten_around_one() {
    let width = |requests| {
        let health = of(&latencies(1.0, requests));
        let median = repeat(&health).latency[0].clone();
        let (lower, upper) = (median.ratio_lower.unwrap_or(0.0), median.ratio_upper.unwrap_or(f64::INFINITY));
        assert!(lower < 1.0 && 1.0 < upper, "{median:?}");
        upper - lower
    };
    assert!(width(200) > width(2000) && width(2000) > width(20_000));
}

#[test]
fn thresholds_without_tested_repetitions_ask_nothing() {
    let mut evidence = latencies(1.0, 500);
    evidence.repeat.latency = Default::default();
    assert!(repeat(&of(&evidence)).latency.is_empty());
}

#[test]
fn the_level_is_the_verdicts_or_a_share_of_the_family() {
    let policy = Policy::default();
    let evidence = latencies(1.0, 500);
    let asked = |alarm| {
        let health = health(&evidence, &policy, LevelsInForce { alarm, ..levels(&policy) });
        repeat(&health).alpha
    };
    assert!((asked(1e-4) - 1e-4).abs() < 1e-18);
    // Three quantiles, two directions.
    assert!((asked(0.01) - 0.01 / 6.0).abs() < 1e-15);
}

#[test]
fn a_fault_of_the_instrument_disables_promotion() {
    let faulty = shares(&[(Share::Errors.slot(), table(5, 120, 0, 3000))]);
    let judged = crate::judge(&faulty, &Policy::default());
    assert_eq!(judged.verdict, crate::verdict::Decision::Hold, "nothing is proven against the candidate");
    assert!(judged.reasons.iter().any(|reason| reason.starts_with("Instrument fault: ")), "{:#?}", judged.reasons);
    assert!(judged.next_weight_percent.abs() < 1e-12 && judged.instrument.repeat.is_some());
}
