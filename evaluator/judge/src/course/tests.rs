use super::*;
use crate::counters::{Clusters, PairOutcome, Plan, Thresholds};
use crate::judge;
use crate::metric::{Latency, Share};

/// A number from 0 to 1 that looks random, from a counter.
fn noise(index: u64, stream: u64) -> f64 {
    let mut bits = (index * 16 + stream).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    (bits ^ (bits >> 31)) as f64 / u64::MAX as f64
}

fn plan() -> Plan {
    let reference: Vec<Option<u64>> = (0..500).map(|index| Some(1_000 + (noise(index, 9) * 3e3) as u64)).collect();
    let mut plan = Plan::default();
    plan.latency[Latency::Duration.slot()] = Thresholds::freeze(&reference, [1.10, 1.15, 1.25]);
    plan
}

fn outcome(index: u64) -> PairOutcome {
    let mut outcome = PairOutcome::default();
    for (stream, share) in [Share::Errors, Share::AnswerFailures, Share::Truncations].into_iter().enumerate() {
        outcome.asked.insert(share.slot());
        outcome.baseline.insert_if(share.slot(), noise(index, stream as u64) < 0.02);
        outcome.candidate.insert_if(share.slot(), noise(index, 3 + stream as u64) < 0.02);
    }
    let value = |stream: u64, scale: f64| Some(1_000 + (scale * noise(index, stream) * 3e3) as u64);
    outcome.latency_us[Latency::Duration.slot()] = Some([value(6, 1.0), value(7, 0.9)]);
    outcome.cost_nanos = Some([1_000 + (index % 7) as i64, 200 + (index % 5) as i64]);
    outcome
}

fn counted(plan: &Plan, from: u64, to: u64) -> PairedEvidence {
    let mut evidence = PairedEvidence::default();
    for index in from..to {
        evidence.add(plan, 1 + index / 1500, Some(index * 7 % 61), &outcome(index));
    }
    evidence
}

fn evidence(plan: &Plan, mut paired: PairedEvidence) -> Evidence {
    paired.clusters.close();
    Evidence { plan: plan.clone(), paired, ..Evidence::default() }
}

#[test]
fn every_look_is_what_a_judge_of_the_prefix_says_and_the_last_is_the_verdicts() {
    let (plan, policy) = (plan(), Policy::default());
    let n = 3_000;
    let places = places(n, LOOKS_MAX);
    let mut from = 0;
    let mut stretches: Vec<Stretch> = Vec::new();
    for to in &places {
        let paired = counted(&plan, from as u64, *to as u64);
        stretches.push(Stretch { at_us: *to as i64, paired, canary: None });
        from = *to;
    }
    let _all = Clusters::close_in_steps(stretches.iter_mut().map(|stretch| &mut stretch.paired.clusters));
    let whole = evidence(&plan, counted(&plan, 0, n as u64));
    let mut merged = PairedEvidence::default();
    stretches.iter().for_each(|stretch| merged.merge(&stretch.paired));
    assert_eq!(merged, whole.paired);
    let judged = judge(&whole, &policy);
    let courses = course(&stretches, &whole, &policy, &judged);
    assert!(courses.len() > 5 && courses.iter().any(|course| course.metric == "duration_p95"), "{courses:?}");
    for course in &courses {
        let own = |guardrail: &&Guardrail| guardrail.metric == course.metric && guardrail.segment == course.segment;
        let last = course.looks.last().unwrap();
        let verdicts = judged.guardrails.iter().find(own).unwrap();
        assert_eq!((last.n, last.lower, last.upper, last.state), {
            (verdicts.n, verdicts.lower, verdicts.upper, verdicts.state)
        });
        assert!(course.looks.len() <= LOOKS_MAX && course.looks.is_sorted_by_key(|look| (look.at_us, look.n)));
    }
    for place in places.iter().step_by(7) {
        let prefix = judge(&evidence(&plan, counted(&plan, 0, *place as u64)), &policy);
        if prefix.guardrails.len() != judged.guardrails.len() {
            continue;
        }
        for guardrail in prefix.guardrails.iter().filter(|guardrail| guardrail.decides && guardrail.n > 0) {
            let course = courses.iter().find(|course| course.metric == guardrail.metric).unwrap();
            let look = course.looks.iter().find(|look| look.at_us == *place as i64).unwrap();
            let found = (look.n, look.estimate, look.lower, look.upper, look.state);
            let said = (guardrail.n, guardrail.estimate, guardrail.lower, guardrail.upper, guardrail.state);
            assert_eq!(found, said, "{} after {place}", guardrail.metric);
        }
    }
}

#[test]
fn one_look_has_a_course_of_one() {
    let plan = plan();
    let policy = Policy::parse("[levels]\nlooks = \"one\"\n").unwrap();
    let whole = evidence(&plan, counted(&plan, 0, 800));
    let mut stretches =
        [0, 400].map(|from| Stretch { at_us: 1, paired: counted(&plan, from, from + 400), canary: None });
    let _all = Clusters::close_in_steps(stretches.iter_mut().map(|stretch| &mut stretch.paired.clusters));
    let courses = course(&stretches, &whole, &policy, &judge(&whole, &policy));
    assert!(!courses.is_empty() && courses.iter().all(|course| course.looks.len() == 1));
}

#[test]
fn looks_are_bounded_apart_and_end_at_everything() {
    for n in [0, 1, 9, 10, 25, 100, 1_000, 12_345, 5_000_000] {
        for looks in [1, 3, 12, LOOKS_MAX, 1_000] {
            let places = places(n, looks);
            assert!(places.len() <= looks.min(LOOKS_MAX), "{n} {looks} {places:?}");
            assert_eq!(places.last().copied(), (n > 0).then_some(n));
            assert!(places.windows(2).all(|two| two[1] - two[0] >= STEP_MIN), "{n} {looks} {places:?}");
        }
    }
    assert_eq!(places(5_000_000, LOOKS_MAX).len(), LOOKS_MAX);
}
