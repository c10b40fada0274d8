use super::*;
use crate::counters::{Canary, CanaryEpoch, PairedCounts};
use crate::evidence::Rates;
use crate::metric::Share;
use crate::stats::blocks::BlockCounts;

mod laws;

fn pairs(only_candidate_bad: u64, only_baseline_bad: u64, total: u64) -> Evidence {
    let mut evidence = Evidence::default();
    let paired = evidence.paired.epochs.entry(0).or_default();
    paired.pairs = total;
    *paired.table_mut(Share::Errors.slot()) = PairedCounts {
        only_candidate_bad,
        only_baseline_bad,
        both_bad: 0,
        both_good: total - only_candidate_bad - only_baseline_bad,
    };
    evidence
}

/// Served traffic of epoch 1: requests and errors of the baseline and of the candidate.
fn served(baseline: (u64, u64), candidate: (u64, u64)) -> Canary {
    let mut epoch = CanaryEpoch::default();
    let hour = epoch.hours.entry(0).or_default();
    hour.baseline.add_share(Share::Errors, baseline.0, baseline.1);
    hour.candidate.add_share(Share::Errors, candidate.0, candidate.1);
    let mut canary = Canary::default();
    canary.epochs.insert(1, epoch);
    canary
}

fn go(evidence: &Evidence, policy: &Policy) -> NextWeight {
    next_weight(&Situation::of(Decision::Go), evidence, policy)
}

fn policy(text: &str) -> Policy {
    Policy::parse(text).expect("policy")
}

fn outcome(next: &NextWeight) -> (f64, &'static str) {
    (next.percent, next.bound)
}

#[test]
fn without_evidence_the_budget_allows_less_than_the_first_rung() {
    let next = go(&Evidence::default(), &Policy::default());
    assert!((next.bounds.risk_percent.unwrap() - 0.8).abs() < 1e-9, "{:?}", next.bounds);
    assert_eq!((outcome(&next), next.bounds.excess_upper), ((0.0, "risk"), Some(1.0)));
}

#[test]
fn shadow_pairs_buy_weight_until_the_ladder_is_the_brake() {
    let next = go(&pairs(3, 3, 1000), &Policy::default());
    assert!((30.0..80.0).contains(&next.bounds.risk_percent.unwrap()), "{:?}", next.bounds);
    assert_eq!(outcome(&next), (1.0, "ladder"));
}

#[test]
fn hold_stays_and_no_go_is_zero() {
    let mut evidence = pairs(3, 3, 5000);
    evidence.weight_percent = 10.0;
    let policy = Policy::default();
    for want in [false, true] {
        let hold = Situation { hold_for_want_of_evidence_only: want, ..Situation::of(Decision::Hold) };
        assert_eq!(
            outcome(&next_weight(&hold, &evidence, &policy)),
            (10.0, "verdict"),
            "a default never climbs on HOLD"
        );
    }
    let stop = next_weight(&Situation::of(Decision::NoGo), &evidence, &policy);
    assert_eq!(outcome(&stop), (0.0, "verdict"));
}

#[test]
fn a_hold_for_want_of_evidence_climbs_as_far_as_the_policy_lets_it() {
    let climbing = policy("[weight]\nhold_climbs_to_percent = 25\n");
    let want = Situation { hold_for_want_of_evidence_only: true, ..Situation::of(Decision::Hold) };
    let mut evidence = pairs(3, 3, 5000);
    for (now, next) in [(0.0, 1.0), (1.0, 5.0), (10.0, 25.0)] {
        evidence.weight_percent = now;
        assert_eq!(outcome(&next_weight(&want, &evidence, &climbing)), (next, "ladder"));
        let doubt = Situation { hold_for_want_of_evidence_only: false, ..want };
        assert_eq!(outcome(&next_weight(&doubt, &evidence, &climbing)), (now, "verdict"));
    }
    evidence.weight_percent = 25.0;
    assert_eq!(outcome(&next_weight(&want, &evidence, &climbing)), (25.0, "verdict"));
    let between = policy("[weight]\nhold_climbs_to_percent = 20\n");
    evidence.weight_percent = 10.0;
    assert_eq!(outcome(&next_weight(&want, &evidence, &between)), (10.0, "policy"));
    evidence.weight_percent = 0.0;
    evidence.paired.epochs.clear();
    assert_eq!(outcome(&next_weight(&want, &evidence, &climbing)), (0.0, "risk"), "within all other bounds");
}

#[test]
fn an_estimate_beyond_the_margin_takes_a_rung_while_undecided() {
    let bad = Situation { estimate_above_margin: true, ..Situation::of(Decision::Hold) };
    let both = Situation { hold_for_want_of_evidence_only: true, ..bad };
    let mut evidence = pairs(3, 3, 5000);
    for (now, next) in [(25.0, 10.0), (7.0, 5.0), (1.0, 0.0), (0.0, 0.0)] {
        evidence.weight_percent = now;
        for situation in [bad, both] {
            let got = next_weight(&situation, &evidence, &policy("[weight]\nhold_climbs_to_percent = 25\n"));
            assert_eq!(outcome(&got), (next, "verdict"));
        }
    }
}

#[test]
fn proven_rate_limiting_halves_the_weight() {
    let mut evidence = pairs(0, 0, 100_000);
    for decision in [Decision::Go, Decision::Hold] {
        let limited = Situation { rate_limited_above_margin: true, ..Situation::of(decision) };
        for (now, next) in [(50.0, 25.0), (25.0, 10.0), (5.0, 1.0), (1.0, 0.0)] {
            evidence.weight_percent = now;
            assert_eq!(outcome(&next_weight(&limited, &evidence, &Policy::default())), (next, "capacity"));
        }
    }
    let limited = Situation { rate_limited_above_margin: true, ..Situation::of(Decision::NoGo) };
    assert_eq!(outcome(&next_weight(&limited, &evidence, &Policy::default())), (0.0, "verdict"));
}

#[test]
fn the_full_weight_needs_a_judged_rung_and_the_policy_has_a_maximum() {
    let mut evidence = pairs(0, 0, 1_000_000);
    evidence.weight_percent = 10.0;
    assert_eq!(outcome(&go(&evidence, &policy("[weight]\nladder_percent = [10, 100]\n"))), (10.0, "policy"));
    assert_eq!(outcome(&go(&evidence, &policy("[weight]\nmax_percent = 20\n"))), (10.0, "policy"));
    for now in [50.0, 100.0] {
        evidence.weight_percent = now;
        assert_eq!(outcome(&go(&evidence, &Policy::default())), (100.0, "ladder"));
        for decision in [Decision::Go, Decision::Hold] {
            let lowered = next_weight(&Situation::of(decision), &evidence, &policy("[weight]\nmax_percent = 20\n"));
            assert_eq!(outcome(&lowered), (10.0, "policy"), "no recommendation goes above the maximum");
        }
    }
}

#[test]
fn a_break_must_be_undone_within_the_budget() {
    let mut evidence = pairs(0, 0, 1_000_000);
    evidence.weight_percent = 10.0;
    let next = go(&evidence, &Policy::default());
    assert_eq!((outcome(&next), next.bounds.reaction_percent), ((25.0, "ladder"), None));
    assert!(next.why.contains("no rate of traffic is on record"), "{}", next.why);
    // 120 failures; 100 000 an hour for six minutes at an excess of 6 % are 600.
    evidence.rates.requests_per_hour = Some(100_000.0);
    let next = go(&evidence, &policy("[weight]\nworst_excess = 0.06\n"));
    assert!((next.bounds.reaction_percent.unwrap() - 20.0).abs() < 1e-9);
    assert_eq!(outcome(&next), (10.0, "reaction"));
    evidence.rates.requests_per_hour = Some(80_000.0);
    assert_eq!(outcome(&go(&evidence, &policy("[weight]\nworst_excess = 0.06\n"))), (25.0, "ladder"));
}

#[test]
fn the_defaults_let_ten_thousand_requests_an_hour_reach_full_weight() {
    let mut evidence = pairs(0, 0, 1_000_000);
    evidence.weight_percent = 50.0;
    evidence.rates.requests_per_hour = Some(10_000.0);
    assert_eq!(outcome(&go(&evidence, &Policy::default())), (100.0, "ladder"));
}

#[test]
fn capacity_limits_and_takes_back() {
    let limited = policy("[capacity]\nrequests_per_minute = 3000\ntokens_per_minute = 2000000\nconcurrency = 500\n");
    let mut evidence = pairs(0, 0, 1_000_000);
    evidence.weight_percent = 10.0;
    let next = go(&evidence, &limited);
    assert_eq!((outcome(&next), next.bounds.capacity_percent), ((25.0, "ladder"), None));
    assert!(next.why.contains("limit of 3000 requests a minute"), "{}", next.why);
    evidence.rates = Rates {
        requests_per_minute_peak: Some(6000.0),
        tokens_per_minute_peak: Some(1_000_000.0),
        duration_p95_seconds: Some(20.0),
        ..Rates::default()
    };
    // 0.7 * min(3000/6000, 2, 500/(100 * 20)).
    let next = go(&evidence, &limited);
    assert!((next.bounds.capacity_percent.unwrap() - 17.5).abs() < 1e-9, "{:?}", next.bounds);
    assert_eq!(outcome(&next), (10.0, "capacity"));
    evidence.weight_percent = 25.0;
    assert_eq!(outcome(&go(&evidence, &limited)), (10.0, "capacity"), "the peak has outgrown the limit");
    let doubt = next_weight(&Situation::of(Decision::Hold), &evidence, &limited);
    assert_eq!(outcome(&doubt), (25.0, "verdict"));
}

#[test]
fn harm_already_done_uses_up_the_budget() {
    let mut evidence = pairs(0, 0, 10_000);
    evidence.weight_percent = 5.0;
    evidence.earlier_extra_failures = 120.0;
    let next = go(&evidence, &Policy::default());
    assert_eq!(
        (outcome(&next), next.bounds.risk_percent, next.bounds.left_requests),
        ((0.0, "risk"), Some(0.0), Some(0.0))
    );
    evidence.weight_percent = 100.0;
    assert_eq!(outcome(&go(&evidence, &Policy::default())), (100.0, "ladder"), "over is over");

    evidence.earlier_extra_failures = 0.0;
    evidence.canary = Some(served((20_000, 200), (2000, 50)));
    let spent = go(&evidence, &Policy::default()).bounds.spent_requests;
    assert!((spent.unwrap() - 30.0).abs() < 1e-9);
}

#[test]
fn of_two_reasons_to_go_down_the_one_that_goes_further_counts() {
    // Nothing is left of the budget, and the provider's limit alone would allow 1 %.
    let mut evidence = pairs(0, 0, 10_000);
    evidence.weight_percent = 5.0;
    evidence.earlier_extra_failures = 120.0;
    evidence.rates.requests_per_minute_peak = Some(45_000.0);
    let next = go(&evidence, &policy("[capacity]\nrequests_per_minute = 3000\n"));
    assert!((1.0..5.0).contains(&next.bounds.capacity_percent.unwrap()), "{:?}", next.bounds);
    assert_eq!(outcome(&next), (0.0, "risk"));
}

#[test]
fn at_full_weight_the_pairs_tell_what_the_baseline_would_have_done() {
    let mut evidence = pairs(0, 100, 10_000);
    evidence.weight_percent = 100.0;
    evidence.canary = Some(served((0, 0), (50_000, 510)));
    let bounds = go(&evidence, &Policy::default()).bounds;
    assert!((bounds.spent_requests.unwrap() - 10.0).abs() < 1e-9, "{bounds:?}");
    assert!(bounds.excess_upper.unwrap() < 0.0, "the pairs alone: {bounds:?}");
}

#[test]
fn staying_is_a_step_that_must_be_afforded() {
    // An excess of 0.3 points, within the margin; another step at 25 % costs 3.75.
    let mut evidence = pairs(300, 0, 100_000);
    evidence.weight_percent = 25.0;
    let at = |left: f64, evidence: &mut Evidence| {
        evidence.earlier_extra_failures = 120.0 - left;
        outcome(&go(evidence, &Policy::default()))
    };
    assert_eq!(at(12.0, &mut evidence), (25.0, "risk"));
    assert_eq!(at(11.0, &mut evidence), (10.0, "risk"));
    assert_eq!(at(0.1, &mut evidence), (0.0, "risk"));
}

#[test]
fn few_served_requests_bound_the_excess_worse_than_many_pairs() {
    let mut evidence = pairs(1, 1, 5000);
    let paired = excess_upper(&evidence, 0.05);
    evidence.canary = Some(served((5000, 0), (50, 0)));
    let of_totals = excess_upper(&evidence, 0.05);
    assert!(of_totals > 5.0 * paired);
    // Pairs of the same time bound it as well.
    let of_shadow = evidence.paired.epochs.remove(&0).unwrap();
    evidence.paired.epochs.insert(1, of_shadow);
    // Blocks, where there are some, instead of totals.
    let mut blocks = BlockCounts::default();
    blocks.add_many(20, 0, false, 2000).unwrap();
    let epoch = evidence.canary.as_mut().unwrap().epochs.get_mut(&1).unwrap();
    for day in [3, 4] {
        epoch.block(day, Share::Errors.slot()).merge(&blocks);
    }
    let of_blocks = excess_upper(&evidence, 0.05);
    assert!(of_blocks < of_totals && of_blocks >= paired, "{of_blocks}");
    evidence.paired.epochs.clear();
    assert!((excess_upper(&evidence, 0.05) - of_blocks).abs() < of_blocks, "served traffic alone");
}

#[test]
fn the_floor_of_the_statistics_raises_nothing_but_says_so() {
    let mut evidence = pairs(50, 50, 10_000);
    evidence.rates.requests_per_hour = Some(1000.0);
    let next = go(&evidence, &Policy::default());
    // 2 * 0.005 * 0.995 * (1.645 + 1.282)^2 / 0.005^2 = 3409 candidate requests out of 24 000.
    assert!((next.bounds.statistics_percent.unwrap() - 14.2).abs() < 0.05, "{:?}", next.bounds);
    assert_eq!(outcome(&next), (1.0, "ladder"));
    assert!(next.why.contains("341 hours") && next.why.contains("soak longer"), "{}", next.why);
    evidence.weight_percent = 25.0;
    let next = go(&evidence, &Policy::default());
    assert!(!next.why.contains("soak"), "{}", next.why);
}

#[test]
fn a_weight_that_is_no_percentage_counts_as_zero() {
    let evidence = Evidence { weight_percent: f64::NAN, ..Evidence::default() };
    assert!(next_weight(&Situation::of(Decision::Hold), &evidence, &Policy::default()).percent.abs() < 1e-12);
    let odd = Evidence {
        rates: Rates { requests_per_hour: Some(f64::NAN), requests_per_minute_peak: Some(-1.0), ..Rates::default() },
        ..pairs(0, 0, 1_000_000)
    };
    let next = go(&odd, &policy("[capacity]\nrequests_per_minute = 3000\n"));
    assert_eq!((next.bounds.reaction_percent, next.bounds.capacity_percent), (None, None));
}
