//! Evidence that should not exist: it is answered, and it never passes.

use super::build::*;
use crate::counters::PairedCounts;
use crate::counters::{LatencyPairs, Paired};
use crate::evidence::{Evidence, SegmentEvidence};
use crate::judge;
use crate::metric::{Latency, Share};
use crate::policy::Policy;
use crate::verdict::{Decision, State};

#[test]
fn odd_evidence_is_answered_and_never_passes() {
    let free = pairs(1000, |index| {
        let mut outcome = usual(index, 1000);
        outcome.cost_nanos = outcome.cost_nanos.map(|[_, candidate]| [0, candidate]);
        outcome
    });
    let all_failed = pairs(1000, |index| {
        let mut outcome = usual(index, 1000);
        for latency in [Latency::Ttft, Latency::Duration] {
            *latency_mut(&mut outcome, latency) = [None, None];
        }
        outcome
    });
    let mut huge = healthy(1000);
    if let Some(paired) = huge.paired.epochs.get_mut(&0) {
        *paired.table_mut(0) =
            PairedCounts { both_bad: u64::MAX, only_candidate_bad: u64::MAX, only_baseline_bad: 3, both_good: 1 };
    }
    let nowhere = |weight: f64| Evidence { weight_percent: weight, canary: None, ..healthy(100) };
    let unplanned = Evidence { plan: crate::counters::Plan::default(), ..healthy(1000) };
    let all = [
        ("free", free),
        ("all failed", all_failed),
        ("huge", huge),
        ("infinite weight", nowhere(f64::INFINITY)),
        ("no weight", nowhere(f64::NAN)),
        ("negative weight", nowhere(-5.0)),
        ("no plan", unplanned),
    ];
    for (name, evidence) in all {
        for looks in ["any", "one"] {
            let judged = judge(&evidence, &Policy::parse(&format!("[levels]\nlooks = \"{looks}\"\n")).unwrap());
            assert!(judged.next_weight_percent.is_finite(), "{name}");
            if name != "no plan" || looks == "any" {
                assert_ne!(judged.verdict, Decision::Go, "{name} {looks}");
            }
        }
    }
}

/// Every counter of a pair's counters multiplied.
fn times(paired: &Paired, doublings: u32) -> Paired {
    let mut all = paired.clone();
    for _ in 0..doublings {
        let half = all.clone();
        all.merge(&half);
    }
    all
}

#[test]
fn counts_of_any_size_are_answered() {
    let evidence = healthy(2500);
    let canary = served(&evidence.plan, [2_000, 2_000], [20, 20]);
    for doublings in [10, 20, 30, 45, 52, 53, 70] {
        let mut large = Evidence { canary: Some(canary.clone()), weight_percent: 50.0, ..evidence.clone() };
        for paired in large.paired.epochs.values_mut() {
            *paired = times(paired, doublings);
        }
        for _ in 0..doublings {
            let half = large.canary.clone();
            if let (Some(own), Some(half)) = (&mut large.canary, &half) {
                own.merge(half);
            }
        }
        for looks in ["any", "one"] {
            let policy = Policy::parse(&format!("[levels]\nlooks = \"{looks}\"\n")).unwrap();
            let judged = judge(&large, &policy);
            for guardrail in &judged.guardrails {
                for value in [guardrail.lower, guardrail.upper, guardrail.estimate].into_iter().flatten() {
                    assert!(value.is_finite(), "{doublings} {looks} {guardrail:?}");
                }
            }
        }
        // The same shares over more and more pairs: once proven, they stay proven while the counters are whole.
        if doublings <= 45 {
            assert_eq!(state_of(&judged(&large), "errors", "all"), State::Pass, "{doublings}");
        }
    }
}

#[test]
fn one_consumer_proves_nothing() {
    let with = |consumers: u64| {
        let mut evidence = Evidence { plan: plan(&[]), ..Evidence::default() };
        let plan = evidence.plan.clone();
        for index in 0..5000 {
            evidence.paired.add(&plan, 0, Some(index % consumers), &usual(index * 1237 % 5000, 5000));
        }
        judged(&evidence)
    };
    let one = with(1);
    assert_eq!(one.verdict, Decision::Hold);
    assert!(one.guardrails.iter().all(|g| g.state == State::HoldInsufficient), "{:#?}", one.reasons);
    assert!(of(&one, "errors", "all").why.contains("clusters"), "{}", of(&one, "errors", "all").why);
    assert_eq!(with(4).verdict, Decision::Hold);
    assert_eq!(with(500).verdict, Decision::Go, "{:#?}", with(500).reasons);
}

#[test]
fn a_refused_guardrail_is_not_futile() {
    // Two consumers, one of whom fails often: that may be the consumer. More consumers would tell.
    let mut evidence = Evidence { plan: plan(&[]), ..Evidence::default() };
    let plan = evidence.plan.clone();
    for index in 0..200_000 {
        let mut outcome = pair(index);
        outcome.candidate.insert_if(Share::Errors.slot(), index % 2 == 0 && index % 60 == 0);
        evidence.paired.add(&plan, 0, Some(index % 2), &outcome);
    }
    assert_eq!(state_of(&judged(&evidence), "errors", "all"), State::HoldInsufficient);
}

#[test]
fn a_critical_segment_must_pass_and_must_be_there() {
    let policy = Policy::parse("[segments]\ncritical = [\"model=a\", \"model=b\"]\n").unwrap();
    let mut evidence = healthy(5000);
    let segment = |from: &Evidence| SegmentEvidence { paired: from.paired.clone(), canary: None };
    evidence.segments.insert("model=a".to_owned(), segment(&healthy(5000)));
    evidence.segments.insert(
        "model=other".to_owned(),
        segment(&failing(5000, Bad { only_candidate: 900, only_baseline: 0, both: 0 })),
    );
    let missing = judge(&evidence, &policy);
    assert_eq!(missing.verdict, Decision::Hold);
    assert_eq!(metrics(&missing, "model=b"), ["errors"]);
    assert_eq!(state_of(&missing, "errors", "model=b"), State::HoldInsufficient);
    assert!(metrics(&missing, "model=other").is_empty(), "only declared segments are judged");
    evidence.segments.insert("model=b".to_owned(), segment(&healthy(5000)));
    assert_eq!(judge(&evidence, &policy).verdict, Decision::Go, "{:#?}", judge(&evidence, &policy).reasons);
    evidence.segments.insert("model=b".to_owned(), SegmentEvidence::default());
    assert_eq!(judge(&evidence, &policy).verdict, Decision::Hold, "there, and empty");
    let harmed = failing(5000, Bad { only_candidate: 300, only_baseline: 0, both: 0 });
    evidence.segments.insert("model=b".to_owned(), segment(&harmed));
    assert_eq!(judge(&evidence, &policy).verdict, Decision::NoGo);
}

#[test]
fn judging_twice_gives_the_same_bytes() {
    let mut evidence = healthy(1500);
    evidence.weight_percent = 5.0;
    evidence.canary = Some(served(&evidence.plan, [9500, 500], [95, 6]));
    let text = |judged: &crate::Judged| serde_json::to_string(judged).unwrap();
    let (first, second) = (judged(&evidence), judged(&evidence.clone()));
    assert_eq!(text(&first), text(&second));
    assert_eq!(first, second);
}

#[test]
fn latencies_without_any_exceedance_hold() {
    // Every request takes the same time: nothing is ever above a threshold, and nothing is proven by it.
    let evidence = pairs(5000, |index| {
        let mut outcome = usual(index, 5000);
        *latency_mut(&mut outcome, Latency::Duration) = [Some(DURATION_US); 2];
        outcome
    });
    let judged = judged(&evidence);
    assert_eq!(state_of(&judged, "duration_p50", "all"), State::HoldInsufficient);
    assert_eq!(LatencyPairs::default().correlation(crate::metric::Quantile::P50, 0).to_bits(), 0.0_f64.to_bits());
}
