use super::*;
use crate::evidence::{CanaryArm, CanaryEvidence, PairedCounts};

/// Deterministic latencies around a median, distinct and in scrambled order.
fn latency(index: u64, median_us: u64) -> u64 {
    let scrambled = index.wrapping_mul(7919) % 1009;
    median_us / 2 + median_us * scrambled / 1009
}

/// A candidate that is as good as the baseline and costs a tenth, over `n` pairs.
fn healthy(n: u64) -> Evidence {
    let mut evidence = Evidence::default();
    let pairs = &mut evidence.paired;
    let table =
        PairedCounts { both_bad: n / 200, only_candidate_bad: n / 500, only_baseline_bad: n / 500, both_good: 0 };
    pairs.errors = PairedCounts { both_good: n - table.pairs(), ..table };
    pairs.answer_failures = pairs.errors;
    for index in 0..n {
        let (ttft, duration) = (latency(index, 400_000), latency(index, 2_000_000));
        pairs.ttft_us.push(Some(ttft), Some(latency(index + 31, 400_000)));
        pairs.duration_us.push(Some(duration), Some(latency(index + 57, 2_000_000)));
        let cost = 1_000_000 + i64::try_from(index % 977).unwrap() * 1000;
        pairs.cost_nanos.push(cost, cost / 10 + i64::try_from(index % 13).unwrap());
    }
    evidence.instrument.mirror_intended = n;
    evidence.instrument.mirror_observed = n;
    evidence.instrument.pairs = n;
    evidence
}

fn served(requests: [u64; 2], errors: [u64; 2]) -> CanaryEvidence {
    let arm = |i: usize| CanaryArm {
        units: requests[i],
        requests: requests[i],
        errors: errors[i],
        cancelled: 0,
        ttft_us: (0..requests[i]).map(|index| Some(latency(index, 400_000))).collect(),
    };
    CanaryEvidence {
        baseline: arm(0),
        candidate: arm(1),
        candidate_requests_per_hour: Some(100.0),
        weight_percent: None,
    }
}

fn state_of(judged: &Judged, metric: &str, segment: &str) -> State {
    let found = judged.guardrails.iter().find(|g| g.metric == metric && g.segment == segment);
    found.unwrap_or_else(|| panic!("no guardrail {metric} in {segment}")).state
}

#[test]
fn a_healthy_candidate_is_go_and_gets_the_first_rung() {
    let judged = judge(&healthy(5000), &Policy::default());
    assert_eq!(judged.verdict, Decision::Go, "{:#?}", judged.reasons);
    let names: Vec<&str> = judged.guardrails.iter().map(|g| g.metric.as_str()).collect();
    assert_eq!(names, ["errors", "answer_failures", "ttft_p50", "ttft_p95", "duration_p50", "duration_p95", "cost"]);
    assert_eq!(names, crate::FIXED_GUARDRAILS[..7]);
    assert_eq!((judged.next_weight_percent, judged.next_weight_bound.as_str()), (1.0, "ladder"));
    assert!(judged.needed.is_empty());
    assert!(judged.reasons[0].starts_with("All 7 guardrails"));
    for guardrail in &judged.guardrails {
        assert!(guardrail.upper.unwrap() < guardrail.margin, "{guardrail:?}");
        assert!((guardrail.alpha_alarm - 0.01 / 7.0).abs() < 1e-15);
    }
}

#[test]
fn no_evidence_is_never_a_pass() {
    let judged = judge(&Evidence::default(), &Policy::default());
    assert_eq!(judged.verdict, Decision::Hold);
    assert!(judged.guardrails.iter().all(|g| g.state == State::HoldInsufficient));
    assert_eq!(judged.needed.len(), 7);
    assert_eq!(judged.needed[0].pairs, Some(598));
    assert_eq!((judged.next_weight_percent, judged.next_weight_bound.as_str()), (0.0, "verdict"));
}

#[test]
fn every_guardrail_disabled_is_hold() {
    let text = ["errors", "answer_failures", "ttft_p50", "ttft_p95", "duration_p50", "duration_p95", "cost"]
        .map(|name| format!("[guardrails.{name}]\nenabled = false\n"))
        .concat();
    let judged = judge(&healthy(1000), &Policy::parse(&text).unwrap());
    assert_eq!(judged.verdict, Decision::Hold);
    assert!(judged.guardrails.is_empty());
    assert!(judged.reasons[0].contains("No guardrail is enabled"));
}

#[test]
fn more_errors_are_no_go_and_take_the_weight_to_zero() {
    let mut evidence = healthy(5000);
    evidence.weight_percent = 10.0;
    evidence.paired.errors =
        PairedCounts { both_bad: 25, only_candidate_bad: 110, only_baseline_bad: 10, both_good: 4855 };
    let judged = judge(&evidence, &Policy::default());
    assert_eq!(judged.verdict, Decision::NoGo);
    assert_eq!(state_of(&judged, "errors", "all"), State::Fail);
    assert!(
        judged.reasons[0].starts_with("Request errors (candidate 2.70 %, baseline 0.70 %)"),
        "{}",
        judged.reasons[0]
    );
    assert!(judged.next_weight_percent.abs() < 1e-12);
}

#[test]
fn worse_within_the_margin_is_a_pass_that_says_so() {
    let mut evidence = healthy(5000);
    for value in evidence.paired.duration_us.candidate.iter_mut().flatten() {
        *value = *value * 103 / 100;
    }
    // The same request on both sides, 3 % slower: almost no noise, so the slowdown itself is proven.
    evidence.paired.duration_us.candidate =
        evidence.paired.duration_us.baseline.iter().map(|value| value.map(|us| us * 103 / 100)).collect();
    let judged = judge(&evidence, &Policy::default());
    assert_eq!(judged.verdict, Decision::Go, "{:#?}", judged.reasons);
    assert_eq!(state_of(&judged, "duration_p50", "all"), State::PassRegressed);
    assert!(judged.reasons.iter().any(|reason| reason.contains("yet proven worse than the baseline")));
}

#[test]
fn floors_hold_a_small_sample_and_say_how_many_are_missing() {
    let judged = judge(&healthy(250), &Policy::default());
    assert_eq!(judged.verdict, Decision::Hold);
    assert_eq!(state_of(&judged, "ttft_p95", "all"), State::HoldInsufficient);
    let p95 = judged.needed.iter().find(|needed| needed.metric == "ttft_p95").unwrap();
    assert!(p95.pairs.unwrap() >= 150);
    assert!(judged.reasons.iter().any(|reason| reason.contains("only 250 of at least 400 pairs")));
}

#[test]
fn hours_follow_from_the_rate() {
    let mut evidence = healthy(250);
    evidence.pairs_per_hour = Some(500.0);
    let judged = judge(&evidence, &Policy::default());
    for needed in &judged.needed {
        assert_eq!(needed.hours, needed.pairs.map(|pairs| pairs as f64 / 500.0));
    }
}

#[test]
fn failed_requests_count_as_infinitely_slow() {
    let mut evidence = healthy(2000);
    // 6 % time out: no finite p95 exists, whatever the rest looks like.
    for value in evidence.paired.duration_us.candidate.iter_mut().step_by(16) {
        *value = None;
    }
    let judged = judge(&evidence, &Policy::default());
    assert_eq!(state_of(&judged, "duration_p95", "all"), State::HoldInsufficient);
    let guardrail = judged.guardrails.iter().find(|g| g.metric == "duration_p95").unwrap();
    assert_eq!((guardrail.upper, guardrail.candidate_value), (None, None));
    assert!(guardrail.baseline_value.is_some());
}

#[test]
fn a_hard_stop_needs_thirty_requests_and_more_than_a_tenth() {
    let mut evidence = Evidence::default();
    evidence.paired.errors = PairedCounts { both_bad: 4, only_candidate_bad: 0, only_baseline_bad: 0, both_good: 26 };
    assert_eq!(judge(&evidence, &Policy::default()).verdict, Decision::NoGo, "4 of 30 failed, on both sides");
    evidence.paired.errors = PairedCounts { both_bad: 3, only_candidate_bad: 0, only_baseline_bad: 0, both_good: 27 };
    assert_eq!(judge(&evidence, &Policy::default()).verdict, Decision::Hold, "3 of 30 is exactly a tenth");
    evidence.paired.errors = PairedCounts { both_bad: 29, ..PairedCounts::default() };
    assert_eq!(judge(&evidence, &Policy::default()).verdict, Decision::Hold, "29 are too few");
    let named = Evidence { hard_stops: vec!["The key was revoked.".to_owned()], ..healthy(5000) };
    let judged = judge(&named, &Policy::default());
    assert_eq!((judged.verdict, judged.reasons[0].as_str()), (Decision::NoGo, "The key was revoked."));
}

#[test]
fn a_doubtful_instrument_holds_what_would_pass() {
    let mut lossy = healthy(5000);
    lossy.instrument.mirror_intended = 5100;
    let mut rejecting = healthy(5000);
    rejecting.instrument.reject_share_candidate = 0.002;
    let mut nan = healthy(5000);
    nan.instrument.reject_share_candidate = f64::NAN;
    let mut late = healthy(5000);
    late.instrument.replay_degraded = true;
    let mut overfull = healthy(5000);
    overfull.instrument.mirror_intended = 4999;
    let mut named = healthy(5000);
    named.instrument.alarms.push("The clock jumped.".to_owned());
    let nowhere = Evidence { weight_percent: 130.0, ..healthy(5000) };
    for evidence in [lossy, rejecting, nan, late, overfull, nowhere, named] {
        let judged = judge(&evidence, &Policy::default());
        assert_eq!(judged.verdict, Decision::Hold);
        assert_eq!(state_of(&judged, "errors", "all"), State::HoldInstrument);
        assert_eq!(judged.instrument.alarms.len(), 1);
        assert_eq!(judged.reasons[0], judged.instrument.alarms[0]);
    }
    let loss = judge(&healthy(5000), &Policy::default()).instrument.mirror_loss;
    assert_eq!(loss, Some(0.0));
}

#[test]
fn proven_harm_beats_a_doubtful_instrument() {
    let mut evidence = healthy(5000);
    evidence.instrument.replay_degraded = true;
    evidence.paired.errors =
        PairedCounts { both_bad: 25, only_candidate_bad: 210, only_baseline_bad: 10, both_good: 4755 };
    assert_eq!(judge(&evidence, &Policy::default()).verdict, Decision::NoGo);
}

#[test]
fn served_traffic_has_guardrails_of_its_own() {
    let mut evidence = healthy(5000);
    evidence.weight_percent = 25.0;
    evidence.canary = Some(served([15_000, 5_000], [150, 50]));
    let judged = judge(&evidence, &Policy::default());
    assert_eq!(judged.verdict, Decision::Go, "{:#?}", judged.reasons);
    assert_eq!(state_of(&judged, "errors", "canary"), State::Pass);
    assert_eq!(state_of(&judged, "ttft_p95", "canary"), State::Pass);
    assert_eq!(state_of(&judged, "cancellations", "canary"), State::Pass);
    assert_eq!(judged.guardrails.len(), 11);
    assert_eq!(judged.instrument.srm_units, Some([15_000, 5_000]));
    assert!((judged.instrument.srm_p.unwrap() - 1.0).abs() < 1e-9);
    assert!((judged.next_weight_percent - 50.0).abs() < 1e-12);

    evidence.canary = Some(served([15_000, 5_000], [150, 200]));
    let judged = judge(&evidence, &Policy::default());
    assert_eq!(state_of(&judged, "errors", "canary"), State::Fail);
    assert_eq!((judged.verdict, judged.next_weight_percent), (Decision::NoGo, 0.0));
}

#[test]
fn a_small_canary_holds_a_good_shadow() {
    let mut evidence = healthy(5000);
    evidence.weight_percent = 1.0;
    evidence.canary = Some(served([990, 10], [10, 0]));
    let judged = judge(&evidence, &Policy::default());
    assert_eq!(judged.verdict, Decision::Hold);
    let needed = judged.needed.iter().find(|needed| needed.segment == "canary" && needed.metric == "errors").unwrap();
    assert!(needed.pairs.unwrap() >= 588);
    assert!(needed.hours.unwrap() > 5.0);
    assert_eq!((judged.next_weight_percent, judged.next_weight_bound.as_str()), (1.0, "verdict"));
}

#[test]
fn a_broken_split_holds_served_traffic_only() {
    let mut evidence = healthy(5000);
    evidence.weight_percent = 25.0;
    evidence.canary = Some(served([16_000, 4_000], [160, 40]));
    let judged = judge(&evidence, &Policy::default());
    assert_eq!(judged.verdict, Decision::Hold);
    assert_eq!(state_of(&judged, "errors", "all"), State::Pass);
    assert_eq!(state_of(&judged, "errors", "canary"), State::HoldInstrument);
    assert!(judged.instrument.alarms[0].starts_with("Sample-ratio mismatch"));

    evidence.weight_percent = 0.0;
    let judged = judge(&evidence, &Policy::default());
    assert!(judged.instrument.alarms[0].contains("routing is at fault"), "{:?}", judged.instrument.alarms);

    // Served requests without counted units leave the split unchecked, which is no clean bill of health.
    let mut unknown = served([15_000, 5_000], [150, 50]);
    (unknown.baseline.units, unknown.candidate.units) = (0, 0);
    evidence.weight_percent = 25.0;
    evidence.canary = Some(unknown);
    let judged = judge(&evidence, &Policy::default());
    assert_eq!(judged.verdict, Decision::Hold);
    assert!(judged.instrument.alarms[0].contains("cannot be checked"));
}

#[test]
fn without_streaming_the_time_to_first_token_is_left_out_and_said_so() {
    let mut evidence = healthy(5000);
    evidence.paired.ttft_us = crate::evidence::PairedLatency::default();
    let judged = judge(&evidence, &Policy::default());
    assert_eq!(judged.verdict, Decision::Go);
    assert!(judged.guardrails.iter().all(|g| !g.metric.starts_with("ttft")));
    assert!(judged.reasons.iter().any(|reason| reason.contains("No paired request was streamed")));
}

#[test]
fn labels_are_judged_when_carried_and_demanded_when_named() {
    let mut evidence = healthy(5000);
    let good = PairedCounts { both_bad: 500, only_candidate_bad: 40, only_baseline_bad: 45, both_good: 4415 };
    evidence.paired.labels.insert("exact".to_owned(), good);
    let judged = judge(&evidence, &Policy::default());
    assert_eq!((judged.verdict, state_of(&judged, "exact", "all")), (Decision::Go, State::Pass));
    let demanding = Policy::parse("[labels.intent]\nmargin_points = 1.0\n").unwrap();
    let judged = judge(&evidence, &demanding);
    assert_eq!((judged.verdict, state_of(&judged, "intent", "all")), (Decision::Hold, State::HoldInsufficient));
}

#[test]
fn a_dearer_candidate_fails_on_cost() {
    let mut evidence = healthy(1000);
    evidence.paired.cost_nanos.candidate = evidence.paired.cost_nanos.baseline.iter().map(|nanos| nanos * 2).collect();
    let judged = judge(&evidence, &Policy::default());
    assert_eq!((judged.verdict, state_of(&judged, "cost", "all")), (Decision::NoGo, State::Fail));
}

#[test]
fn odd_evidence_is_answered_and_never_passes() {
    let mut misaligned = healthy(1000);
    misaligned.paired.duration_us.candidate.pop();
    let mut free = healthy(1000);
    free.paired.cost_nanos.baseline.fill(0);
    let mut negative = healthy(1000);
    negative.paired.cost_nanos.candidate[5] = -1;
    let mut instant = healthy(1000);
    instant.paired.ttft_us.candidate[5] = Some(0);
    let mut huge = healthy(1000);
    huge.paired.errors =
        PairedCounts { both_bad: u64::MAX, only_candidate_bad: u64::MAX, only_baseline_bad: 3, both_good: 1 };
    let mut nowhere = healthy(1000);
    nowhere.weight_percent = f64::INFINITY;
    for (name, evidence) in [
        ("misaligned", misaligned),
        ("free", free),
        ("negative", negative),
        ("instant", instant),
        ("huge", huge),
        ("nowhere", nowhere),
    ] {
        let judged = judge(&evidence, &Policy::default());
        assert_ne!(judged.verdict, Decision::Go, "{name}");
        assert!(judged.next_weight_percent.is_finite(), "{name}");
    }
}

#[test]
fn judging_twice_gives_the_same_bytes() {
    let mut evidence = healthy(1500);
    evidence.weight_percent = 5.0;
    evidence.canary = Some(served([9500, 500], [95, 6]));
    let text =
        |judged: &Judged| serde_json::to_string(&(&judged.guardrails, &judged.needed, &judged.instrument)).unwrap();
    let (first, second) = (judge(&evidence, &Policy::default()), judge(&evidence.clone(), &Policy::default()));
    assert_eq!(text(&first), text(&second));
    assert_eq!(first, second);
}

#[test]
fn a_handful_of_costs_is_neither_passed_nor_failed() {
    let mut evidence = healthy(5000);
    evidence.paired.cost_nanos.baseline.truncate(29);
    evidence.paired.cost_nanos.candidate = evidence.paired.cost_nanos.baseline.iter().map(|nanos| nanos * 9).collect();
    let judged = judge(&evidence, &Policy::default());
    assert_eq!((judged.verdict, state_of(&judged, "cost", "all")), (Decision::Hold, State::HoldInsufficient));
    let cost = judged.guardrails.iter().find(|g| g.metric == "cost").unwrap();
    assert!(cost.why.contains("29 observations; at least 30 are needed"), "{}", cost.why);
}

#[test]
fn the_alarm_bound_is_the_cautious_one_where_few_pairs_differ() {
    // 12 of 12 discordant pairs against the candidate: the score bound alone would already raise the alarm.
    let levels = 0.01 / 7.0;
    let score = crate::stats::paired::bound(12, 0, 100, levels, crate::stats::Side::Lower).unwrap();
    let mut evidence = Evidence::default();
    evidence.paired.errors = PairedCounts { only_candidate_bad: 12, both_good: 88, ..PairedCounts::default() };
    let judged = judge(&evidence, &Policy::default());
    let errors = &judged.guardrails[0];
    assert!(errors.lower.unwrap() < score, "{:?} {score}", errors.lower);
    assert_eq!(errors.method, "tango-score+exact");
}

#[test]
fn at_full_weight_served_traffic_holds_for_want_of_a_baseline_and_still_stops() {
    let mut evidence = Evidence { weight_percent: 100.0, ..healthy(5000) };
    evidence.canary = Some(served([0, 5000], [0, 10]));
    let judged = judge(&evidence, &Policy::default());
    assert_eq!((judged.verdict, judged.next_weight_percent), (Decision::Hold, 100.0));
    for metric in ["errors", "cancellations", "ttft_p50", "ttft_p95"] {
        assert_eq!(state_of(&judged, metric, "canary"), State::HoldInsufficient);
    }
    let errors = judged.guardrails.iter().find(|g| g.metric == "errors" && g.segment == "canary").unwrap();
    assert!(errors.why.contains("no baseline to compare the candidate's 5 000 requests with"), "{}", errors.why);
    let needed = judged.needed.iter().find(|needed| needed.segment == "canary").unwrap();
    assert_eq!(needed.pairs, None, "more of the same decides nothing");
    assert_eq!(judged.instrument.alarms, Vec::<String>::new());
    evidence.canary = Some(served([0, 5000], [0, 600]));
    let judged = judge(&evidence, &Policy::default());
    assert_eq!((judged.verdict, judged.next_weight_percent), (Decision::NoGo, 0.0));
}

#[test]
fn clients_that_give_up_on_a_hanging_candidate_are_harm() {
    let mut evidence = Evidence { weight_percent: 25.0, ..healthy(5000) };
    let mut canary = served([15_000, 5_000], [150, 50]);
    canary.candidate.cancelled = 200;
    evidence.canary = Some(canary);
    let judged = judge(&evidence, &Policy::default());
    assert_eq!(state_of(&judged, "errors", "canary"), State::Pass);
    assert_eq!(state_of(&judged, "cancellations", "canary"), State::Fail);
    assert_eq!(judged.verdict, Decision::NoGo);
    let start = "Requests given up by the client in served traffic (candidate 3.85 %, baseline 0.00 %)";
    assert!(judged.reasons[0].starts_with(start), "{}", judged.reasons[0]);
    let text = "[guardrails.cancellations]\nenabled = false\n";
    let judged = judge(&evidence, &Policy::parse(text).unwrap());
    assert!(judged.guardrails.iter().all(|g| g.metric != "cancellations"));
}

#[test]
fn pairs_of_the_past_do_not_pass_alone() {
    let mut evidence = Evidence { judged_epoch_observations: Some(199), ..healthy(5000) };
    let judged = judge(&evidence, &Policy::default());
    assert_eq!(judged.verdict, Decision::Hold);
    assert!(judged.guardrails.iter().all(|g| g.state == State::HoldInsufficient), "{:#?}", judged.guardrails);
    assert!(judged.needed.iter().all(|needed| needed.pairs == Some(1)), "{:?}", judged.needed);
    assert!(
        judged.reasons[0].contains("the newest epoch itself holds only 199 of at least 200"),
        "{:?}",
        judged.reasons
    );
    evidence.judged_epoch_observations = Some(200);
    assert_eq!(judge(&evidence, &Policy::default()).verdict, Decision::Go);
    // Proven harm is harm, however little the newest epoch holds.
    evidence.judged_epoch_observations = Some(0);
    evidence.paired.errors.only_candidate_bad += 300;
    assert_eq!(judge(&evidence, &Policy::default()).verdict, Decision::NoGo);
}

#[test]
fn served_traffic_that_failed_in_an_earlier_epoch_is_not_forgotten() {
    use crate::evidence::EarlierEpoch;
    let failed = EarlierEpoch {
        epoch: 4,
        baseline_requests: 3000,
        baseline_errors: 0,
        candidate_requests: 1000,
        candidate_errors: 37,
    };
    let with = |earlier| judge(&Evidence { earlier_epochs: vec![earlier], ..healthy(5000) }, &Policy::default());
    let judged = with(failed);
    assert_eq!(judged.verdict, Decision::Hold);
    assert_eq!(
        judged.instrument.alarms,
        ["Served traffic failed in epoch 4 (errors 3.7 % against 0.0 %): evaluate records from after the repair."]
    );
    assert_eq!(with(EarlierEpoch { candidate_errors: 3, ..failed }).verdict, Decision::Go);
    // At full weight there is no baseline, but the hard stop holds as well.
    let alone = EarlierEpoch { baseline_requests: 0, candidate_errors: 300, ..failed };
    assert!(with(alone).instrument.alarms[0].contains("errors 30.0 % against no served baseline"));
}

#[test]
fn the_split_is_checked_against_the_weight_it_was_served_at() {
    let mut evidence = Evidence { weight_percent: 50.0, ..healthy(5000) };
    let canary = CanaryEvidence { weight_percent: Some(25.0), ..served([15_000, 5_000], [150, 50]) };
    evidence.canary = Some(canary);
    let judged = judge(&evidence, &Policy::default());
    assert!(judged.instrument.srm_p.unwrap() > 0.9 && judged.instrument.alarms.is_empty());
}

#[test]
fn the_mirror_alarm_says_that_copies_may_still_be_under_way() {
    let mut evidence = healthy(5000);
    evidence.instrument.mirror_intended = 5100;
    let alarm = &judge(&evidence, &Policy::default()).instrument.alarms[0];
    assert!(alarm.contains("if copies are still under way, evaluate again when they have ended"), "{alarm}");
}
