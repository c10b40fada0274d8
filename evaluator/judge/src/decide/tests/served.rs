//! Served traffic by itself, and together with pairs.

use super::build::*;
use crate::evidence::{Evidence, Rates};
use crate::judge;
use crate::metric::Share;
use crate::policy::Policy;
use crate::verdict::{Decision, EvidenceKind, State};

fn with_served(requests: [u64; 2], errors: [u64; 2]) -> Evidence {
    let evidence = healthy(5000);
    let canary = served(&evidence.plan, requests, errors);
    Evidence { weight_percent: 25.0, canary: Some(canary), ..evidence }
}

#[test]
fn served_traffic_is_added_to_the_pairs_and_watched_by_itself() {
    let judged = judged(&with_served([45_000, 15_000], [450, 150]));
    assert_eq!(judged.verdict, Decision::Go, "{:#?}", judged.reasons);
    let errors = of(&judged, "errors", "all");
    assert_eq!((errors.evidence, errors.decides, errors.n), (EvidenceKind::Combined, true, 20_000));
    let alone = of(&judged, "errors", "canary");
    assert_eq!(
        (alone.evidence, alone.decides, alone.n, alone.state),
        (EvidenceKind::Served, false, 15_000, State::Pass)
    );
    assert_eq!(state_of(&judged, "cancellations", "canary"), State::Pass);
    assert_eq!(state_of(&judged, "rate_limited", "canary"), State::Pass);
    assert!(of(&judged, "rate_limited", "canary").decides);
    // More evidence, tighter bound.
    assert!(errors.upper < of(&super::build::judged(&healthy(5000)), "errors", "all").upper);
}

#[test]
fn a_failure_in_served_traffic_is_a_failure() {
    let judged = judged(&with_served([15_000, 5_000], [150, 250]));
    assert_eq!(state_of(&judged, "errors", "canary"), State::Fail, "{}", of(&judged, "errors", "canary").why);
    assert_eq!(judged.verdict, Decision::NoGo);
}

#[test]
fn a_small_canary_does_not_hold_a_good_shadow_but_its_own_guardrails_do() {
    let mut evidence = with_served([990, 10], [10, 0]);
    evidence.rates = Rates { candidate_requests_per_hour: Some(100.0), ..Rates::default() };
    let judged = judged(&evidence);
    assert_eq!(judged.verdict, Decision::Hold);
    assert_eq!(state_of(&judged, "errors", "all"), State::Pass);
    assert_eq!(state_of(&judged, "errors", "canary"), State::HoldInsufficient);
    let of_canary: Vec<&str> =
        judged.needed.iter().filter(|n| n.segment == "canary").map(|n| n.metric.as_str()).collect();
    assert_eq!(of_canary, ["rate_limited", "cancellations"]);
    for needed in judged.needed.iter().filter(|needed| needed.segment == "canary") {
        assert_eq!(needed.hours, needed.pairs.map(|pairs| pairs as f64 / 100.0));
    }
}

#[test]
fn what_was_served_and_mirrored_counts_once() {
    // Every served request is in a pair as well: nothing may be added to the pairs' evidence.
    let evidence = healthy(5000);
    let mirrored = served_as(&evidence.plan, 1, [15_000, 5_000], |outcome, _| outcome.paired = true);
    let both = Evidence { weight_percent: 25.0, canary: Some(mirrored), ..evidence.clone() };
    let (both, alone) = (judged(&both), judged(&evidence));
    for metric in metrics(&alone, "all") {
        let (a, b) = (of(&both, metric, "all"), of(&alone, metric, "all"));
        assert_eq!((a.n, a.estimate, a.upper, a.events), (b.n, b.estimate, b.upper, b.events), "{metric}");
    }
    assert_eq!(of(&both, "errors", "canary").n, 5_000);
}

#[test]
fn pairs_and_served_traffic_that_contradict_each_other_hold() {
    // No difference over pairs; the candidate far better in served traffic. Both cannot be right.
    let judged = judged(&with_served([15_000, 5_000], [1_200, 50]));
    assert_eq!(state_of(&judged, "errors", "all"), State::HoldConflict, "{:#?}", judged.reasons);
    assert_eq!(judged.verdict, Decision::Hold);
    assert!(of(&judged, "errors", "all").why.contains("pairs say"), "{}", of(&judged, "errors", "all").why);
}

#[test]
fn one_served_consumer_proves_nothing_about_the_others() {
    // Four of a thousand pairs differ: not enough to pass. A single consumer's served traffic must not help it over.
    let evidence = healthy(1000);
    let of_one = |units: u64| {
        let canary = served_as(&evidence.plan, 1, [15_000, 15_000], |outcome, index| {
            outcome.unit = Some(index % units);
            outcome.bad.insert_if(Share::Errors.slot(), index % 100 == 0);
        });
        judged(&Evidence { weight_percent: 50.0, canary: Some(canary), ..evidence.clone() })
    };
    let (one, many) = (of_one(1), of_one(997));
    assert_eq!(state_of(&judged(&evidence), "errors", "all"), State::HoldInsufficient);
    assert_eq!(state_of(&many, "errors", "all"), State::Pass);
    assert_eq!(state_of(&one, "errors", "all"), State::HoldInsufficient, "{}", of(&one, "errors", "all").why);
    assert_eq!(of(&one, "errors", "all").upper, of(&judged(&evidence), "errors", "all").upper);
    assert_eq!(state_of(&one, "errors", "canary"), State::HoldInsufficient);
}

#[test]
fn at_full_weight_served_traffic_holds_for_want_of_a_baseline_and_still_stops() {
    let mut evidence = healthy(5000);
    evidence.weight_percent = 100.0;
    evidence.canary = Some(served(&evidence.plan, [0, 5000], [0, 10]));
    let held = judged(&evidence);
    assert_eq!(held.verdict, Decision::Hold);
    for metric in ["errors", "cancellations", "ttft_p50", "ttft_p95"] {
        assert_eq!(state_of(&held, metric, "canary"), State::HoldInsufficient);
    }
    let errors = of(&held, "errors", "canary");
    assert!(errors.why.contains("no baseline to compare the candidate's 5 000 requests with"), "{}", errors.why);
    let needed = held.needed.iter().find(|needed| needed.segment == "canary").unwrap();
    assert_eq!(needed.pairs, None, "more of the same decides nothing");
    evidence.canary = Some(served(&evidence.plan, [0, 5000], [0, 600]));
    assert_eq!(judged(&evidence).verdict, Decision::NoGo);
}

#[test]
fn clients_that_give_up_on_a_hanging_candidate_are_harm() {
    let mut evidence = healthy(5000);
    evidence.weight_percent = 25.0;
    let given_up = Share::Cancellations.slot();
    evidence.canary = Some(served_as(&evidence.plan, 1, [15_000, 5_000], |outcome, index| {
        outcome.bad.insert_if(given_up, outcome.candidate && index % 20 == 0);
    }));
    let harmed = judged(&evidence);
    assert_eq!(state_of(&harmed, "cancellations", "canary"), State::Fail);
    assert_eq!(harmed.verdict, Decision::NoGo);
    let start = "Requests given up by the client in served traffic (candidate 5.00 %, baseline 0.00 %)";
    assert!(harmed.reasons[0].starts_with(start), "{}", harmed.reasons[0]);
    let off = judge(&evidence, &Policy::parse("[guardrails.cancellations]\nenabled = false\n").unwrap());
    assert!(off.guardrails.iter().all(|g| g.metric != "cancellations"));
}

#[test]
fn rate_limits_are_judged_on_served_traffic_only() {
    let mut evidence = healthy(5000);
    evidence.weight_percent = 25.0;
    let limited = Share::RateLimited.slot();
    evidence.canary = Some(served_as(&evidence.plan, 1, [15_000, 5_000], |outcome, index| {
        outcome.bad.insert_if(limited, outcome.candidate && index % 50 == 0);
    }));
    let judged = judged(&evidence);
    // A provider that is asked for too much is no worse provider: the weight comes down, the migration goes on.
    assert_eq!((judged.verdict, state_of(&judged, "rate_limited", "canary")), (Decision::Hold, State::Fail));
    assert!(judged.next_weight_percent > 0.0 && judged.next_weight_percent <= 12.5, "{}", judged.next_weight_percent);
    assert!(!metrics(&judged, "all").contains(&"rate_limited"));
}

#[test]
fn without_blocks_served_traffic_does_not_alarm_at_a_single_looks_level() {
    // Evidence of an older writer, or of minutes in which the arms never met: no exact alarm can be raised from it, and
    // a bound for one look would raise false ones look by look.
    let evidence = healthy(5000);
    let mut canary = served(&evidence.plan, [15_000, 5_000], [150, 110]);
    canary.epochs.values_mut().for_each(|epoch| epoch.blocks.clear());
    let level = 0.01 / 27.0;
    let arm = |events, n| crate::stats::unpaired::Arm { events, n };
    let once =
        crate::stats::unpaired::bound(arm(110, 5_000), arm(150, 15_000), level, crate::stats::Side::Lower).unwrap();
    let judged = judged(&Evidence { weight_percent: 25.0, canary: Some(canary), ..evidence });
    let errors = of(&judged, "errors", "canary");
    assert!(once > 0.004 && errors.lower.is_none_or(|lower| lower < once - 0.001), "{once} {:?}", errors.lower);
}
