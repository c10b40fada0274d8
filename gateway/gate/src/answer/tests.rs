#![expect(clippy::float_cmp, reason = "weights and scores here are exact")]

use super::flagger::{Call, Hook, reply};
use super::*;
use proptest::prelude::*;
use serde_json::{Value, json};

const NOON_US: i64 = 1_795_435_200_000_000;
const HOUR_US: i64 = 3_600_000_000;

/// A verdict with two guardrails that decide and one that is watched.
fn verdict(decision: &str, states: [&str; 3]) -> Verdict {
    let rail = |metric: &str, state: &str, decides: bool| {
        json!({"metric": metric, "segment": "all", "decides": decides, "state": state, "scale": "difference",
            "estimate": 0.001, "lower": -0.001, "upper": 0.003, "margin": 0.005, "alpha": 0.05, "alpha_alarm": 0.01,
            "n": 5000, "baseline_value": 0.01, "candidate_value": 0.011, "method": "tango-score",
            "direction": "lower-is-better", "why": format!("{metric} is {state}")})
    };
    let value = json!({"schema": "weighbridge.verdict/1", "verdict": decision, "reasons": [format!("it is {decision}")],
        "migration": "move", "epoch": 7, "weight_percent": 5.0, "next_weight_percent": 10.0, "next_weight_bound": "ladder",
        "needed": [], "guardrails": [rail("watched", states[0], false), rail("errors", states[1], true),
        rail("ttft_p95", states[2], true)], "instrument": {}, "bill": judge::verdict::Bill::default(),
        "window": {"from_us": 1_000_000, "to_us": 2_000_000}, "inputs": [], "policy_digest": "p", "tariff_digest": "t",
        "seed": 0, "version": "0.1.0", "created_at": "2026-11-23T12:00:00Z",
        "evidence": {"latency": [], "tokens": [], "outcomes": []}});
    serde_json::from_value(value).unwrap()
}

fn judged(decision: &str) -> Judged {
    Judged::of(&verdict(decision, ["pass"; 3]))
}

fn standing() -> Standing {
    Standing { epoch: 7, weight_percent: 5.0, rolled_back: None }
}

fn says(judged: &Judged, standing: &Standing, now_us: i64) -> (Says, String) {
    let answer = told(Some(judged), standing, now_us).unwrap();
    (answer.says, answer.why.join("; "))
}

#[test]
fn a_fresh_verdict_about_what_is_in_force_is_told_as_it_is() {
    for (decision, expected) in [("go", Says::Go), ("hold", Says::Wait), ("no-go", Says::Stop)] {
        let (says, why) = says(&judged(decision), &standing(), NOON_US + HOUR_US);
        assert_eq!((says, why), (expected, format!("it is {decision}")));
    }
}

#[test]
fn whatever_is_not_about_now_waits_and_says_why() {
    let now_us = NOON_US + HOUR_US;
    let cases = [
        (Standing { epoch: 8, ..standing() }, now_us, "epoch 8 is in force"),
        (Standing { weight_percent: 10.0, ..standing() }, now_us, "10% is in force"),
        (Standing { weight_percent: f64::NAN, ..standing() }, now_us, "weight"),
        (standing(), NOON_US + STALE_AFTER_US + 1, "more than 24 hours old"),
        (standing(), NOON_US - CLOCK_SKEW_US - 1, "of the future"),
    ];
    for decision in ["go", "hold", "no-go"] {
        for (standing, now_us, expected) in &cases {
            let (says, why) = says(&judged(decision), standing, *now_us);
            assert_eq!(says, Says::Wait, "{decision}, {expected}");
            assert!(why.contains(expected), "{why}");
        }
    }
    let undated = Judged { created_us: None, ..judged("go") };
    assert_eq!(says(&undated, &standing(), now_us).0, Says::Wait, "an unknown age is no young one");
    assert_eq!(says(&judged("go"), &standing(), NOON_US - CLOCK_SKEW_US).0, Says::Go, "clocks may differ a little");
}

#[test]
fn a_rollback_in_force_stops_until_a_fresh_go_on_its_epoch() {
    let rolled = Standing { rolled_back: Some("errors".to_owned()), ..standing() };
    let now_us = NOON_US + HOUR_US;
    assert_eq!(told(None, &rolled, now_us).unwrap().says, Says::Stop);
    assert_eq!(told(None, &standing(), now_us), None);
    for decision in ["hold", "no-go"] {
        assert_eq!(says(&judged(decision), &rolled, now_us).0, Says::Stop, "{decision}");
    }
    assert_eq!(says(&judged("go"), &rolled, now_us).0, Says::Go);
    let (said, why) = says(&judged("go"), &Standing { epoch: 8, ..rolled }, now_us);
    assert_eq!(said, Says::Stop, "a GO on the epoch before overtakes nothing");
    assert!(why.contains("began with a rollback: errors") && why.contains("judges epoch 7"), "{why}");
}

#[test]
fn argo_sees_exactly_one_of_three() {
    for (decision, expected) in [("go", "pass"), ("hold", "inconclusive"), ("no-go", "fail")] {
        let (judged, standing) = (judged(decision), standing());
        let answer = told(Some(&judged), &standing, NOON_US).unwrap();
        let body = serde_json::to_value(argo::measurement("move", Some(&judged), &standing, &answer)).unwrap();
        for word in ["pass", "inconclusive", "fail"] {
            assert_eq!(body[word], word == expected, "{decision}: {body}");
        }
        assert_eq!((&body["verdict"], &body["score"]), (&decision.into(), &100.0.into()));
        assert_eq!(body["reasons"], json!([format!("it is {decision}")]));
    }
}

#[test]
fn the_score_is_the_share_of_proven_guardrails_and_decides_nothing() {
    let scored = |states| Judged::of(&verdict("no-go", states)).score();
    assert_eq!(scored(["fail", "pass", "pass-regressed"]), 100.0, "a NO-GO all the same: what is watched has failed");
    assert_eq!(scored(["pass", "pass", "hold-insufficient"]), 50.0);
    assert_eq!(scored(["pass", "fail", "futile"]), 0.0);
    assert_eq!(super::score(2, 3), 66.6, "never rounded up to a whole");
    assert_eq!(super::score(0, 0), 0.0, "nothing to prove is nothing proven");
    assert!(super::score(usize::MAX, usize::MAX).is_finite());
}

#[test]
fn flagger_hears_a_yes_only_where_it_is_meant() {
    let answers = ["go", "hold", "no-go"].map(|decision| told(Some(&judged(decision)), &standing(), NOON_US).unwrap());
    let yes = |hook| {
        let [go, hold, no_go] = answers.each_ref().map(|answer| reply(hook, Some(answer)).yes);
        (go, hold, no_go, reply(hook, None).yes)
    };
    for hook in
        [Hook::ConfirmRollout, Hook::PreRollout, Hook::Rollout, Hook::ConfirmTrafficIncrease, Hook::ConfirmPromotion]
    {
        assert_eq!(yes(hook), (true, false, false, false), "{}", hook.name());
    }
    assert_eq!(yes(Hook::Rollback), (false, false, true, false), "a yes rolls back at once");
    for hook in [Hook::PostRollout, Hook::Event] {
        assert_eq!(yes(hook), (true, true, true, true), "{}", hook.name());
    }
    assert!(reply(Hook::Rollout, Some(&answers[1])).text.contains("wait: it is hold"));
    assert!(reply(Hook::Rollout, None).text.contains("no verdict was given"));
    for hook in Hook::ALL {
        assert_eq!(Hook::of(hook.name()), Some(hook));
    }
    assert_eq!(Hook::of("Rollback"), None);
}

#[test]
fn a_call_of_flagger_is_read_within_bounds() {
    let body = json!({"name": "chat", "namespace": "shop", "phase": "Progressing", "checksum": "85d557f47b",
        "metadata": {"eventMessage": "New revision\ndetected", "eventType": "Normal"}, "buildId": 1});
    let call = Call::read(body.to_string().as_bytes()).unwrap();
    assert_eq!((call.name.as_str(), call.phase.as_str()), ("chat", "Progressing"));
    assert_eq!(call.event_message(), "New revision detected", "one line, as logs want it");
    let old = Call::read(br#"{"name": "chat", "namespace": "shop", "metadata": null}"#).unwrap();
    assert_eq!((old.checksum.as_str(), old.event_message()), ("", ""));
    let wide: Value = (0..1000).map(|number| (format!("key{number}"), Value::from("x".repeat(5000)))).collect();
    let wide = json!({"name": "n".repeat(5000), "namespace": "s", "phase": "p", "metadata": wide});
    let call = Call::read(wide.to_string().as_bytes()).unwrap();
    assert_eq!(call.name.len(), 300);
    assert!(call.metadata.unwrap().iter().all(|(_, value)| value.len() == 300));
    for wrong in
        ["", "[]", "null", "{}", r#"{"name": "", "namespace": "s"}"#, r#"{"name": "secret-words", "namespace": 1}"#]
    {
        let error = Call::read(wrong.as_bytes()).unwrap_err();
        assert!(error.contains("expected") && !error.contains("secret-words"), "{error}");
    }
}

#[test]
fn kayenta_ends_with_a_verdict_and_runs_until_there_is_one() {
    let shape = |decision: &str, standing: &Standing| {
        let judged = Judged::of(&verdict(decision, ["pass", "pass", "hold-insufficient"]));
        let answer = told(Some(&judged), standing, NOON_US).unwrap();
        serde_json::to_value(kayenta::execution("move", Some(&judged), standing, &answer)).unwrap()
    };
    let go = shape("go", &standing());
    assert_eq!(
        (&go["complete"], &go["executionStatus"], &go["status"]),
        (&true.into(), &"SUCCEEDED".into(), &"succeeded".into())
    );
    let result = &go["canaryAnalysisExecutionResult"];
    assert_eq!((&result["didPassThresholds"], &result["hasWarnings"]), (&true.into(), &false.into()));
    assert_eq!(result["canaryScores"], json!([50.0]));
    let judge = &result["canaryExecutionResults"][0]["result"]["judgeResult"];
    let classes: Vec<_> = judge["results"].as_array().unwrap().iter().map(|one| &one["classification"]).collect();
    assert_eq!(classes, ["Pass", "Nodata", "Pass"], "those that decide first: {judge}");
    assert_eq!(
        judge["groupScores"],
        json!([{"name": "all", "score": 50.0, "classification": "Marginal",
        "classificationReason": "1 of 2 guardrails are proven"}])
    );
    assert_eq!(judge["score"]["classification"], "Pass", "the verdict, not the score");

    let no_go = shape("no-go", &standing());
    assert_eq!((&no_go["complete"], &no_go["executionStatus"]), (&true.into(), &"TERMINAL".into()));
    for waits in [shape("hold", &standing()), shape("go", &Standing { epoch: 8, ..standing() })] {
        assert_eq!((&waits["complete"], &waits["executionStatus"]), (&false.into(), &"RUNNING".into()));
        assert_eq!(waits["canaryAnalysisExecutionResult"]["didPassThresholds"], false);
        assert!(waits.get("endTimeIso").is_none(), "{waits}");
    }
    assert_eq!(shape("go", &Standing { epoch: 8, ..standing() })["canaryAnalysisExecutionResult"]["hasWarnings"], true);

    let rolled = Standing { epoch: 9, rolled_back: Some("errors".to_owned()), ..standing() };
    let answer = told(None, &rolled, NOON_US).unwrap();
    let alone = serde_json::to_value(kayenta::execution("move", None, &rolled, &answer)).unwrap();
    assert_eq!((&alone["executionStatus"], &alone["pipelineId"]), (&"TERMINAL".into(), &"move/9".into()));
    assert_eq!(alone["canaryAnalysisExecutionResult"]["canaryExecutionResults"], json!([]));

    let held = serde_json::to_value(kayenta::of_verdict(&verdict("hold", ["pass"; 3]))).unwrap();
    assert_eq!(
        (&held["complete"], &held["executionStatus"]),
        (&true.into(), &"TERMINAL".into()),
        "a file does not run on"
    );
}

#[test]
fn what_is_kept_is_bounded_whatever_was_given() {
    let mut huge = verdict("hold", ["pass"; 3]);
    huge.guardrails = std::iter::repeat_n(huge.guardrails[1].clone(), 5000).collect();
    huge.reasons = std::iter::repeat_n("line\none ".repeat(10_000), 1000).collect();
    let judged = Judged::of(&huge);
    assert_eq!((judged.guardrails.len(), judged.deciding, judged.reasons.len()), (GUARDRAILS_MAX, 5000, REASONS_MAX));
    assert!(judged.reasons.iter().all(|reason| !reason.contains('\n') && reason.chars().count() == REASON_CHARS_MAX));
    let answer = told(Some(&judged), &standing(), NOON_US).unwrap();
    assert!(
        serde_json::to_string(&kayenta::execution("move", Some(&judged), &standing(), &answer)).unwrap().len()
            < 100_000
    );
    for hook in Hook::ALL {
        assert!(reply(hook, Some(&answer)).text.chars().count() <= 300);
    }
}

proptest! {
    /// Only a GO that is fresh and about this epoch and this weight lets anything go, and only then.
    #[test]
    fn nothing_else_ever_lets_go(
        decision in prop::sample::select(vec!["go", "hold", "no-go"]),
        epoch in 6_u64..9,
        weight in prop::sample::select(vec![0.0, 5.0, 5.004, 5.01, 10.0, f64::NAN, f64::INFINITY]),
        age_us in prop::sample::select(vec![i64::MIN, -10 * CLOCK_SKEW_US, 0, STALE_AFTER_US, STALE_AFTER_US + 1, i64::MAX]),
        rolled_back in prop::option::of("[a-z]{0,8}"),
        dated in any::<bool>(),
    ) {
        let mut judged = judged(decision);
        if !dated { judged.created_us = None; }
        let standing = Standing { epoch, weight_percent: weight, rolled_back: rolled_back.clone() };
        let answer = told(Some(&judged), &standing, NOON_US.saturating_add(age_us)).unwrap();
        let about_now = epoch == 7 && (weight == 5.0 || weight == 5.004) && dated && (age_us == 0 || age_us == STALE_AFTER_US);
        prop_assert_eq!(answer.says == Says::Go, decision == "go" && about_now);
        let proven_harm = decision == "no-go" && about_now;
        prop_assert_eq!(answer.says == Says::Stop, proven_harm || (rolled_back.is_some() && answer.says != Says::Go));
        prop_assert!(!answer.why.is_empty());
    }
}
