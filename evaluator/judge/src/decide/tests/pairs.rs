//! The rules of the verdict over pairs.

use super::build::*;
use crate::counters::Thresholds;
use crate::evidence::{Evidence, Rates};
use crate::judge;
use crate::metric::{FIRST_LABEL, Latency, Share};
use crate::policy::Policy;
use crate::verdict::{Decision, State};

#[test]
fn a_healthy_candidate_is_go() {
    let judged = judged(&healthy(5000));
    assert_eq!(judged.verdict, Decision::Go, "{:#?}", judged.reasons);
    let latencies = ["ttft_p50", "ttft_p95", "ttft_p99", "duration_p50", "duration_p95", "duration_p99"];
    let names: Vec<&str> = ["errors", "answer_failures"].into_iter().chain(latencies).chain(["cost"]).collect();
    assert_eq!(metrics(&judged, "all"), names);
    assert_eq!(judged.guardrails.len(), names.len());
    assert!(judged.needed.is_empty());
    assert!(judged.reasons[0].starts_with("All 9 guardrails"));
    for guardrail in &judged.guardrails {
        assert!(guardrail.upper.unwrap() <= guardrail.margin, "{guardrail:?}");
        assert!(guardrail.lower.unwrap() <= guardrail.estimate.unwrap(), "{guardrail:?}");
        assert!((guardrail.alpha_alarm - 0.01 / 9.0).abs() < 1e-15);
    }
}

#[test]
fn no_evidence_is_never_a_pass() {
    let judged = judged(&Evidence::default());
    assert_eq!(judged.verdict, Decision::Hold);
    assert!(judged.guardrails.iter().all(|g| g.state == State::HoldInsufficient && g.decides));
    assert_eq!(judged.needed.len(), judged.guardrails.len());
    assert_eq!(
        metrics(&judged, "all"),
        ["errors", "answer_failures", "duration_p50", "duration_p95", "duration_p99", "cost"]
    );
    // 598 clean pairs would prove half a point at one look; to be looked at at any time they must be some more.
    assert!((598..1500).contains(&judged.needed[0].pairs.unwrap()), "{:?}", judged.needed);
    let once = judge(&Evidence::default(), &Policy::parse("[levels]\nlooks = \"one\"\n").unwrap());
    assert_eq!(once.needed[0].pairs, Some(598));
}

#[test]
fn every_guardrail_disabled_is_hold() {
    let all = metrics(&judged(&healthy(1000)), "all")
        .iter()
        .map(|name| format!("[guardrails.{name}]\nenabled = false\n"))
        .collect::<String>();
    let judged = judge(&healthy(1000), &Policy::parse(&all).unwrap());
    assert_eq!(judged.verdict, Decision::Hold);
    assert!(judged.guardrails.is_empty());
    assert!(judged.reasons[0].contains("No guardrail is enabled"));
    assert!(judged.reasons.iter().any(|reason| reason.contains("the policy disables it: errors, answer_failures, ")));
}

#[test]
fn more_errors_are_no_go() {
    let judged = judged(&failing(5000, Bad { both: 25, only_candidate: 160, only_baseline: 10 }));
    assert_eq!(judged.verdict, Decision::NoGo);
    assert_eq!(state_of(&judged, "errors", "all"), State::Fail);
    let start = "Request errors (candidate 3.70 %, baseline 0.70 %)";
    assert!(judged.reasons[0].starts_with(start), "{}", judged.reasons[0]);
}

#[test]
fn worse_within_the_margin_is_a_pass_that_says_so() {
    // The same request on both sides, 5 % slower: almost no noise, so the slowdown itself is proven.
    let evidence = pairs(20_000, |index| {
        let mut outcome = usual(index, 20_000);
        let values = latency_mut(&mut outcome, Latency::Duration);
        values[1] = values[0].map(|us| us * 105 / 100);
        outcome
    });
    let judged = judged(&evidence);
    assert_eq!(judged.verdict, Decision::Go, "{:#?}", judged.reasons);
    assert_eq!(state_of(&judged, "duration_p50", "all"), State::PassRegressed);
    assert!(judged.reasons.iter().any(|reason| reason.contains("yet proven worse than the baseline")));
    let duration = of(&judged, "duration_p50", "all");
    assert!(
        (1.0..=1.05).contains(&duration.lower.unwrap()) && (1.05..1.10).contains(&duration.upper.unwrap()),
        "{duration:?}"
    );
}

#[test]
fn a_slow_candidate_is_no_go() {
    let evidence = pairs(3000, |index| {
        let mut outcome = usual(index, 3000);
        latency_mut(&mut outcome, Latency::Ttft)[1] = Some(latency(index + 31, TTFT_US) * 140 / 100);
        outcome
    });
    let judged = judged(&evidence);
    assert_eq!((judged.verdict, state_of(&judged, "ttft_p50", "all")), (Decision::NoGo, State::Fail));
    let slow = of(&judged, "ttft_p50", "all");
    assert!((1.10..=1.40).contains(&slow.lower.unwrap()), "{slow:?}");
    assert!(slow.upper.unwrap() >= 1.40, "{slow:?}");
    assert_eq!(state_of(&judged, "duration_p50", "all"), State::Pass);
}

#[test]
fn floors_hold_a_small_sample_and_say_how_many_are_missing() {
    let evidence = Evidence { rates: Rates { pairs_per_hour: Some(500.0), ..Rates::default() }, ..healthy(1999) };
    let judged = judged(&evidence);
    assert_eq!(judged.verdict, Decision::Hold);
    assert_eq!(state_of(&judged, "ttft_p99", "all"), State::HoldInsufficient);
    let p99 = judged.needed.iter().find(|needed| needed.metric == "ttft_p99").unwrap();
    assert!(p99.pairs.unwrap() >= 1);
    for needed in &judged.needed {
        assert_eq!(needed.hours, needed.pairs.map(|pairs| pairs as f64 / 500.0));
    }
    let floored = judge(&healthy(1999), &Policy::parse("[floors]\npairs = 2000\n").unwrap());
    let cost = of(&floored, "cost", "all");
    assert_eq!(cost.state, State::HoldInsufficient);
    assert!(cost.why.contains("only 1 999 of at least 2 000 pairs; about 1 more needed"), "{}", cost.why);
}

#[test]
fn failed_requests_count_as_infinitely_slow() {
    // 6 % time out: no finite p95 exists, whatever the rest looks like.
    let evidence = pairs(5000, |index| {
        let mut outcome = usual(index, 5000);
        if index % 16 == 0 {
            latency_mut(&mut outcome, Latency::Duration)[1] = None;
        }
        outcome
    });
    let judged = judged(&evidence);
    let guardrail = of(&judged, "duration_p95", "all");
    assert_ne!(guardrail.state, State::Pass);
    assert_eq!((guardrail.upper, guardrail.candidate_value, guardrail.estimate), (None, None, None));
    assert!(guardrail.baseline_value.is_some());
}

#[test]
fn a_hard_stop_needs_thirty_requests_and_more_than_a_tenth() {
    let with = |both: u64, n: u64| {
        let evidence = failing(n, Bad { both, only_candidate: 0, only_baseline: 0 });
        judged(&evidence).verdict
    };
    assert_eq!(with(4, 30), Decision::NoGo, "4 of 30 failed, on both sides");
    assert_eq!(with(3, 30), Decision::Hold, "3 of 30 is exactly a tenth");
    assert_eq!(with(29, 29), Decision::Hold, "29 are too few");
    let named = Evidence { hard_stops: vec!["The key was revoked.".to_owned()], ..healthy(5000) };
    let judged = judged(&named);
    assert_eq!((judged.verdict, judged.reasons[0].as_str()), (Decision::NoGo, "The key was revoked."));
}

#[test]
fn without_streaming_the_time_to_first_token_is_left_out_and_said_so() {
    let evidence = pairs(5000, |index| {
        let mut outcome = usual(index, 5000);
        outcome.latency_us[Latency::Ttft.slot()] = None;
        outcome
    });
    let judged = judged(&evidence);
    assert_eq!(judged.verdict, Decision::Go);
    assert!(judged.guardrails.iter().all(|g| !g.metric.starts_with("ttft")));
    assert!(judged.reasons.iter().any(|reason| reason.contains("No request was streamed, so `ttft` is not judged")));
}

#[test]
fn labels_are_judged_when_carried_and_demanded_when_named() {
    let mut evidence = Evidence { plan: plan(&["exact"]), ..Evidence::default() };
    add_pairs(&mut evidence, 0, 5000, |index| {
        let mut outcome = usual(index, 5000);
        Bad { both: 500, only_candidate: 40, only_baseline: 45 }.mark(&mut outcome, FIRST_LABEL, index);
        outcome
    });
    let judged = judged(&evidence);
    assert_eq!((judged.verdict, state_of(&judged, "exact", "all")), (Decision::Go, State::Pass));
    let demanding = Policy::parse("[labels.intent]\nmargin_points = 1.0\n").unwrap();
    let judged = judge(&evidence, &demanding);
    assert_eq!((judged.verdict, state_of(&judged, "intent", "all")), (Decision::Hold, State::HoldInsufficient));
}

#[test]
fn a_dearer_candidate_fails_on_cost() {
    let evidence = pairs(1000, |index| {
        let mut outcome = usual(index, 1000);
        outcome.cost_nanos = outcome.cost_nanos.map(|[baseline, _]| [baseline, baseline * 2]);
        outcome
    });
    let judged = judged(&evidence);
    assert_eq!((judged.verdict, state_of(&judged, "cost", "all")), (Decision::NoGo, State::Fail));
}

#[test]
fn a_handful_of_costs_is_neither_passed_nor_failed() {
    let evidence = pairs(5000, |index| {
        let mut outcome = usual(index, 5000);
        outcome.cost_nanos = outcome.cost_nanos.map(|[baseline, _]| [baseline, baseline * 9]).filter(|_| index < 29);
        outcome
    });
    let judged = judged(&evidence);
    assert_eq!((judged.verdict, state_of(&judged, "cost", "all")), (Decision::Hold, State::HoldInsufficient));
    let cost = of(&judged, "cost", "all");
    assert!(cost.why.contains("29 observations; at least 30 are needed"), "{}", cost.why);
}

#[test]
fn costs_that_never_vary_are_still_proven_cheaper() {
    // A fixed prompt and a fixed answer: the bill's ratio is what it is.
    let with = |candidate: i64| {
        judged(&pairs(5000, |index| {
            let mut outcome = usual(index, 5000);
            outcome.cost_nanos = Some([1_000_000, candidate]);
            outcome
        }))
    };
    let cheap = with(300_000);
    assert_eq!(state_of(&cheap, "cost", "all"), State::Pass, "{}", of(&cheap, "cost", "all").why);
    assert!((of(&cheap, "cost", "all").upper.unwrap() - 0.3).abs() < 1e-6);
    assert_eq!(state_of(&with(1_200_000), "cost", "all"), State::Fail);
    assert_ne!(state_of(&with(1_000_000), "cost", "all"), State::Pass, "an equal bill is no saving");
}

#[test]
fn pairs_of_the_past_do_not_pass_alone() {
    let mut evidence = Evidence { judged_epoch_observations: Some(199), ..healthy(5000) };
    let thin = judged(&evidence);
    assert_eq!(thin.verdict, Decision::Hold);
    assert!(thin.guardrails.iter().all(|g| g.state == State::HoldInsufficient), "{:#?}", thin.guardrails);
    assert!(thin.needed.iter().all(|needed| needed.pairs == Some(1)), "{:?}", thin.needed);
    let expected = "the newest epoch itself holds only 199 of at least 200";
    assert!(thin.reasons[0].contains(expected), "{:?}", thin.reasons);
    evidence.judged_epoch_observations = Some(200);
    assert_eq!(judged(&evidence).verdict, Decision::Go);
    // Proven harm is harm, however little the newest epoch holds.
    let harm = failing(5000, Bad { only_candidate: 300, only_baseline: 10, both: 25 });
    assert_eq!(judged(&Evidence { judged_epoch_observations: Some(0), ..harm }).verdict, Decision::NoGo);
}

#[test]
fn a_failure_that_begins_late_is_found_by_the_epoch_it_begins_in() {
    // Forty thousand pairs in which the candidate was better, then one epoch with 2 % more errors.
    let good = |index: u64| {
        let mut outcome = usual(index, 40_000);
        outcome.candidate = without(outcome.candidate, Share::Errors.slot());
        outcome
    };
    let bad = |index: u64| {
        let mut outcome = pair(index);
        outcome.candidate.insert_if(Share::Errors.slot(), index.is_multiple_of(25));
        outcome
    };
    let mut evidence = pairs(40_000, good);
    add_pairs(&mut evidence, 1, 1500, bad);
    let restarted = judged(&evidence);
    assert_eq!(state_of(&restarted, "errors", "all"), State::Fail, "{}", of(&restarted, "errors", "all").why);
    // In one epoch the same counts are an average that passes.
    let mut pooled = Evidence { plan: evidence.plan.clone(), ..Evidence::default() };
    add_pairs(&mut pooled, 0, 40_000, good);
    add_pairs(&mut pooled, 0, 1500, bad);
    assert_ne!(state_of(&judged(&pooled), "errors", "all"), State::Fail);
}

#[test]
fn both_directions_of_a_block_harm() {
    let with = |only_candidate: u64, only_baseline: u64| {
        judged(&pairs(5000, |index| {
            let mut outcome = usual(index, 5000);
            Bad { only_candidate, only_baseline, both: 20 }.mark(&mut outcome, Share::Blocked.slot(), index);
            outcome
        }))
    };
    let equal = with(12, 12);
    assert_eq!(
        (state_of(&equal, "blocked", "all"), state_of(&equal, "fewer_blocked", "all")),
        (State::Pass, State::Pass)
    );
    let more = with(150, 10);
    assert_eq!((more.verdict, state_of(&more, "blocked", "all")), (Decision::NoGo, State::Fail));
    let fewer = with(10, 150);
    assert_eq!((fewer.verdict, state_of(&fewer, "fewer_blocked", "all")), (Decision::NoGo, State::Fail));
    // One is the other with the arms exchanged.
    let (a, b) = (of(&more, "blocked", "all"), of(&fewer, "fewer_blocked", "all"));
    assert_eq!((a.estimate, a.lower, a.upper), (b.estimate, b.lower, b.upper));
    let (a, b) = (of(&more, "fewer_blocked", "all"), of(&fewer, "blocked", "all"));
    assert_eq!((a.estimate, a.lower, a.upper), (b.estimate, b.lower, b.upper));
}

#[test]
fn a_repetition_that_is_not_blocked_widens_the_margin_by_no_more_than_it_proves() {
    let missed = Share::Missed.slot();
    let with = |repeats: u64, unblocked: u64| {
        let mut evidence = pairs(5000, |index| {
            let mut outcome = usual(index, 5000);
            Bad { only_candidate: 100, only_baseline: 0, both: 0 }.mark(&mut outcome, missed, index);
            outcome
        });
        let plan = evidence.plan.clone();
        for index in 0..repeats {
            let mut outcome = pair(index);
            Bad { only_candidate: unblocked, only_baseline: 0, both: 0 }.mark(&mut outcome, missed, index);
            evidence.repeat.add(&plan, &outcome);
        }
        judged(&evidence)
    };
    // One repeated request that happened not to be blocked proves nothing about the others.
    let one = with(1, 1);
    assert!(of(&one, "missed", "all").margin < 0.06, "{}", of(&one, "missed", "all").margin);
    assert_ne!(state_of(&one, "missed", "all"), State::Pass);
    assert_eq!(of(&with(0, 0), "missed", "all").margin.to_bits(), 0.005_f64.to_bits());
    let many = with(20_000, 800);
    assert!((0.040..0.045).contains(&of(&many, "missed", "all").margin));
    assert_eq!(state_of(&many, "missed", "all"), State::PassRegressed);
}

#[test]
fn one_look_is_tighter_and_needs_fewer_pairs() {
    let once = Policy::parse("[levels]\nlooks = \"one\"\n").unwrap();
    let evidence = healthy(2500);
    let (any, one) = (judged(&evidence), judge(&evidence, &once));
    assert_eq!(one.verdict, Decision::Go, "{:#?}", one.reasons);
    assert_eq!(metrics(&one, "all"), metrics(&any, "all"));
    for metric in ["errors", "answer_failures", "cost"] {
        assert!(of(&one, metric, "all").upper < of(&any, metric, "all").upper, "{metric}");
    }
    assert_eq!(of(&one, "errors", "all").method, "tango-score");
    let failed = judge(&failing(5000, Bad { both: 25, only_candidate: 160, only_baseline: 10 }), &once);
    assert_eq!((failed.verdict, state_of(&failed, "errors", "all")), (Decision::NoGo, State::Fail));
}

#[test]
fn a_quality_score_is_a_guardrail_when_it_is_there() {
    let with = |candidate: i64| {
        judged(&pairs(5000, |index| {
            let noise = i64::try_from(index % 11).unwrap() * 10_000;
            let mut outcome = usual(index, 5000);
            outcome.quality_millionths = Some([800_000 + noise, candidate + noise / 2]);
            outcome
        }))
    };
    assert_eq!(state_of(&with(830_000), "quality", "all"), State::Pass);
    let worse = with(700_000);
    assert_eq!((worse.verdict, state_of(&worse, "quality", "all")), (Decision::NoGo, State::Fail));
    assert!((of(&worse, "quality", "all").estimate.unwrap() - 0.125).abs() < 1e-3);
    assert!(metrics(&judged(&healthy(300)), "all").iter().all(|metric| *metric != "quality"));
}

#[test]
fn an_equal_candidate_is_not_futile_where_failures_hide_the_quantile() {
    // One request in fifty fails on either side: there is no finite p99 to compare, whoever the candidate is, and the
    // threshold is the slowest request that did not fail.
    let mut evidence = Evidence { plan: plan(&[]), ..Evidence::default() };
    let tau = [DURATION_US, DURATION_US * 145 / 100, DURATION_US * 3 / 2];
    evidence.plan.latency[Latency::Duration.slot()] = Some(Thresholds::at(tau, 1000, [1.10, 1.15, 1.25]));
    add_pairs(&mut evidence, 0, 14_000, |index| {
        let mut outcome = usual(index, 14_000);
        let values = latency_mut(&mut outcome, Latency::Duration);
        values[0] = values[0].filter(|_| index % 50 != 0);
        values[1] = values[1].filter(|_| index % 50 != 7);
        outcome
    });
    let judged = judged(&evidence);
    assert_eq!(state_of(&judged, "duration_p99", "all"), State::HoldInsufficient, "{:#?}", judged.reasons);
    assert_eq!(judged.verdict, Decision::Hold);
}
