use super::*;

fn pairs(only_candidate_bad: u64, only_baseline_bad: u64, total: u64) -> Evidence {
    let mut evidence = Evidence::default();
    evidence.paired.errors = PairedCounts {
        only_candidate_bad,
        only_baseline_bad,
        both_bad: 0,
        both_good: total - only_candidate_bad - only_baseline_bad,
    };
    evidence
}

#[test]
fn without_evidence_the_budget_allows_less_than_the_first_rung() {
    let next = next_weight(Decision::Go, &Evidence::default(), &Policy::default());
    assert!((next.risk_percent - 0.8).abs() < 1e-9, "{}", next.risk_percent);
    assert_eq!((next.percent, next.bound), (0.0, "risk"));
}

#[test]
fn shadow_pairs_buy_weight_until_the_ladder_is_the_brake() {
    let next = next_weight(Decision::Go, &pairs(3, 3, 1000), &Policy::default());
    assert!((30.0..80.0).contains(&next.risk_percent), "{}", next.risk_percent);
    assert_eq!((next.percent, next.bound), (1.0, "ladder"));
}

#[test]
fn hold_stays_and_no_go_is_zero() {
    let mut evidence = pairs(3, 3, 5000);
    evidence.weight_percent = 10.0;
    let policy = Policy::default();
    let hold = next_weight(Decision::Hold, &evidence, &policy);
    assert_eq!((hold.percent, hold.bound), (10.0, "verdict"));
    let stop = next_weight(Decision::NoGo, &evidence, &policy);
    assert_eq!((stop.percent, stop.bound), (0.0, "verdict"));
}

#[test]
fn the_full_weight_needs_a_judged_rung_and_the_policy_has_a_maximum() {
    let mut evidence = pairs(0, 0, 1_000_000);
    evidence.weight_percent = 10.0;
    let short = Policy::parse("[weight]\nladder_percent = [10, 100]\n").expect("policy");
    let next = next_weight(Decision::Go, &evidence, &short);
    assert_eq!((next.percent, next.bound), (10.0, "policy"));
    let capped = Policy::parse("[weight]\nmax_percent = 20\n").expect("policy");
    let next = next_weight(Decision::Go, &evidence, &capped);
    assert_eq!((next.percent, next.bound), (10.0, "policy"));
    evidence.weight_percent = 50.0;
    let next = next_weight(Decision::Go, &evidence, &Policy::default());
    assert_eq!((next.percent, next.bound), (100.0, "ladder"));
    evidence.weight_percent = 100.0;
    let next = next_weight(Decision::Go, &evidence, &Policy::default());
    assert_eq!((next.percent, next.bound), (100.0, "ladder"));
}

#[test]
fn harm_already_done_uses_up_the_budget() {
    let mut evidence = pairs(0, 0, 10_000);
    evidence.weight_percent = 5.0;
    evidence.earlier_extra_failures = 120.0;
    let next = next_weight(Decision::Go, &evidence, &Policy::default());
    assert_eq!((next.percent, next.bound, next.risk_percent), (5.0, "risk", 0.0));

    evidence.earlier_extra_failures = 0.0;
    let arm = |requests, errors| CanaryArm { units: requests, requests, errors, ..CanaryArm::default() };
    evidence.canary =
        Some(CanaryEvidence { baseline: arm(20_000, 200), candidate: arm(2000, 50), ..CanaryEvidence::default() });
    assert!((spent(&evidence) - 30.0).abs() < 1e-9);
}

#[test]
fn few_served_requests_bound_the_excess_worse_than_many_pairs() {
    let mut evidence = pairs(1, 1, 5000);
    let paired = excess_upper(&evidence, 0.05);
    let arm = |requests| CanaryArm { units: requests, requests, ..CanaryArm::default() };
    evidence.canary = Some(CanaryEvidence { baseline: arm(5000), candidate: arm(50), ..CanaryEvidence::default() });
    assert!(excess_upper(&evidence, 0.05) > 5.0 * paired);
}

#[test]
fn a_weight_that_is_no_percentage_counts_as_zero() {
    let evidence = Evidence { weight_percent: f64::NAN, ..Evidence::default() };
    assert!(next_weight(Decision::Hold, &evidence, &Policy::default()).percent.abs() < 1e-12);
}
