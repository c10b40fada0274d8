//! Arms, pairs and records.

use super::server::{EVENTS, Reply, Server, json, pieces, stream};
use super::{STREAMED, WHOLE, options, play, recorded, records, row, rows};
use crate::{ArmChoice, ReplayOptions};
use datasets::{Arm, Moderation, Redaction, Role, digest};
use std::collections::BTreeMap;
use wire::ErrorKind;

fn candidate(target: &str, out: &std::path::Path) -> ReplayOptions {
    ReplayOptions {
        arm: ArmChoice::Forced(Arm::Candidate),
        models: BTreeMap::from([("*".into(), "deepseek-flash".into())]),
        out: Some(out.to_owned()),
        ..options(target, "max:1")
    }
}

#[tokio::test]
async fn as_routed_the_gateway_says_arm_epoch_and_pair() {
    let server = Server::start(|n, _| {
        let headers = match n {
            0 => "x-weighbridge-arm: candidate\r\nx-weighbridge-epoch: 7\r\nx-request-id: gw-1\r\n",
            1 => "x-weighbridge-arm: baseline\r\nx-weighbridge-epoch: 7\r\n",
            _ => "",
        };
        Reply::Stream(200, format!("{EVENTS}{headers}"), pieces(0, 2, 0))
    })
    .await;
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out.ndjson");
    let options = ReplayOptions { out: Some(out.clone()), ..options(&server.url, "max:1") };
    let summary = play(rows(3, STREAMED), options).await.unwrap();
    assert_eq!(summary.records, 3);
    let seen: Vec<_> = records(&out)
        .into_iter()
        .map(|r| (r.pair, r.request.unwrap(), r.arm, r.role, r.epoch, r.provider, r.model))
        .collect();
    let gpt = "gpt-4o-mini".to_owned();
    assert_eq!(
        seen,
        [
            ("gw-1".into(), "r0".into(), Arm::Candidate, Role::Observed, 7, "deepseek".into(), gpt.clone()),
            ("r1".into(), "r1".into(), Arm::Baseline, Role::Observed, 7, "openai".into(), gpt.clone()),
            ("r2".into(), "r2".into(), Arm::Baseline, Role::Observed, 1, "openai".into(), gpt),
        ]
    );
}

#[tokio::test]
async fn two_replays_of_one_log_join_by_pair_and_are_priced() {
    let server = Server::start(|_, _| stream(0, 3, 0)).await;
    let folder = tempfile::tempdir().unwrap();
    let (old, new) = (folder.path().join("old.ndjson"), folder.path().join("new.ndjson"));
    let baseline = ReplayOptions { arm: ArmChoice::Forced(Arm::Baseline), ..candidate(&server.url, &old) };
    play(rows(2, STREAMED), baseline).await.unwrap();
    let summary = play(rows(2, STREAMED), candidate(&server.url, &new)).await.unwrap();
    let (old, new) = (records(&old), records(&new));
    for (a, b) in old.iter().zip(&new) {
        assert_eq!((a.arm, b.arm, a.role, b.role), (Arm::Baseline, Arm::Candidate, Role::Replayed, Role::Replayed));
        assert_eq!((&a.pair, &a.unit, &a.answer_digest), (&b.pair, &b.unit, &b.answer_digest));
        assert_eq!((a.model.as_str(), b.model.as_str()), ("gpt-4o-mini", "deepseek-flash"));
        assert_eq!((a.prompt_chars, a.answer_chars, a.form_failure.as_deref()), (11, 9, None));
        assert!(a.cost_nanos.unwrap() > 0 && b.cost_nanos.unwrap() > 0);
        assert!(a.ttft_us.unwrap() <= a.duration_us && a.sent_us >= a.at_us);
        assert!(a.first_event_us.unwrap() <= a.ttft_us.unwrap() && a.first_visible_us == a.ttft_us);
        assert_eq!(a.answer, None);
        assert_eq!(a.answer_digest.as_deref(), Some(digest::content("weighbridge", "ab ab ab ").as_str()));
    }
    assert_eq!(summary.cost_nanos, new.iter().filter_map(|record| record.cost_nanos).sum::<i64>());
    // The baseline was asked for usage; DeepSeek had its own model and no thinking.
    let seen = server.seen.lock().unwrap();
    assert!(seen[0].1.contains("include_usage") && seen[0].0.starts_with("post /v1/chat/completions"));
    assert!(seen[2].1.contains(r#""thinking":{"type":"disabled"}"#) && seen[2].0.starts_with("post /chat/completions"));
}

#[tokio::test]
async fn the_recorded_baseline_saves_its_calls() {
    let server = Server::start(|_, _| stream(0, 3, 0)).await;
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out.ndjson");
    let mut log = rows(3, STREAMED);
    log[0].recorded = Some(recorded());
    log[2].recorded = Some(datasets::Recorded {
        status: 429,
        error: Some(ErrorKind::RateLimit),
        usage: None,
        answer: None,
        ..recorded()
    });
    let options = ReplayOptions { baseline_recorded: true, redaction: Redaction::Full, ..candidate(&server.url, &out) };
    let summary = play(log, options).await.unwrap();
    assert_eq!((server.count(), summary.sent, summary.records), (3, 3, 5));
    let all = records(&out);
    let arms: Vec<_> = all.iter().map(|record| (record.pair.as_str(), record.arm)).collect();
    let (b, c) = (Arm::Baseline, Arm::Candidate);
    assert_eq!(arms, [("r0", b), ("r0", c), ("r1", c), ("r2", b), ("r2", c)]);
    assert_eq!(
        (all[0].at_us, all[0].role, all[0].answer.as_deref()),
        (all[1].at_us, Role::Replayed, Some("as it was"))
    );
    assert_eq!((all[0].ttft_us, all[0].duration_us, all[0].form_failure.as_deref()), (Some(5), 9, None));
    assert_eq!((all[0].first_event_us, all[0].first_visible_us), (None, None), "a log does not tell");
    // 1000 x 0.15 + 500 x 0.60 USD per million.
    assert_eq!(all[0].cost_nanos, Some(450_000));
    assert_eq!((all[3].error, all[3].cost_nanos, all[3].status), (Some(ErrorKind::RateLimit), None, 429));
}

#[tokio::test]
async fn provider_refusals_are_read_in_the_providers_own_words() {
    let server = Server::start(|n, _| match n {
        0 => json(400, r#"{"error":{"message":"Content Exists Risk","type":"invalid_request_error"}}"#),
        _ => json(402, r#"{"error":{"message":"Insufficient Balance"}}"#),
    })
    .await;
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out.ndjson");
    let log = vec![row("a", 0, WHOLE), row("b", 1, r#"{"model":"m","n":3,"messages":[]}"#), row("c", 2, WHOLE)];
    let summary = play(log, candidate(&server.url, &out)).await.unwrap();
    assert_eq!((summary.planned, &summary.skipped), (2, &BTreeMap::from([("n>1".to_owned(), 1)])));
    let all = records(&out);
    assert_eq!((all[0].error, all[0].moderation), (Some(ErrorKind::Moderation), Some(Moderation::BlockedByProvider)));
    assert_eq!((all[1].error, all[1].moderation), (Some(ErrorKind::Quota), None));
}

fn first(rows: u64) -> crate::Selection {
    crate::Selection { limit: Some(rows), ..crate::Selection::default() }
}

#[tokio::test]
async fn a_resumed_run_sends_only_what_has_no_record() {
    let server = Server::start(|_, _| stream(0, 1, 0)).await;
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out.ndjson");
    let log = || {
        let mut log = rows(10, STREAMED);
        log.iter_mut().for_each(|row| row.recorded = Some(recorded()));
        log
    };
    let all = || ReplayOptions { baseline_recorded: true, resume: true, ..candidate(&server.url, &out) };
    play(log(), ReplayOptions { selection: first(4), resume: false, ..all() }).await.unwrap();
    // As after a crash between the two lines of a pair and in the middle of one.
    let text = std::fs::read_to_string(&out).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    std::fs::write(&out, format!("{}\n{}", lines[..8].join("\n"), &lines[8][..40])).unwrap();

    let summary = play(log(), all()).await.unwrap();
    assert_eq!((summary.already_done, summary.sent), (3, 7));
    assert_eq!(server.count(), 4 + 7);
    let mut seen: Vec<_> = records(&out).into_iter().map(|record| (record.pair, record.arm)).collect();
    let lines = seen.len();
    seen.sort();
    seen.dedup();
    assert_eq!((lines, seen.len()), (20, 20));
    let again = play(log(), all()).await.unwrap();
    assert_eq!((again.sent, again.already_done, again.degraded, server.count()), (0, 10, false, 11));
    let error = play(log(), ReplayOptions { resume: false, ..all() }).await.unwrap_err().to_string();
    assert!(error.contains("out.ndjson") && error.contains("--resume"), "{error}");
}

#[tokio::test]
async fn calls_refusals_demands_and_scripts_are_on_record() {
    let call = |arguments: &str| {
        let message = format!(r#"{{"tool_calls":[{{"id":"a","function":{{"name":"f","arguments":"{arguments}"}}}}]}}"#);
        format!(r#"{{"choices":[{{"index":0,"message":{message},"finish_reason":"tool_calls"}}]}}"#)
    };
    let bodies = [
        call(r#"{\"a\":1,\"b\":2}"#),
        call(r#"{ \"b\": 2, \"a\": 1.0 }"#),
        r#"{"choices":[{"index":0,"message":{"refusal":"No."},"finish_reason":"stop"}]}"#.to_owned(),
        r#"{"choices":[{"index":0,"message":{"content":"Let us talk."},"finish_reason":"stop"}]}"#.to_owned(),
    ];
    let server = Server::start(move |n, _| json(200, &bodies[n % 4])).await;
    let forced = r#"{"model":"m","messages":[{"role":"user","content":"天气 ok"}],"tool_choice":"required"}"#;
    let folder = tempfile::tempdir().unwrap();
    let mut kept = Vec::new();
    for redaction in [Redaction::Hashed, Redaction::None] {
        let out = folder.path().join(format!("{redaction:?}.ndjson"));
        let mut log = rows(4, WHOLE);
        log[3] = row("r3", 3_000, forced);
        play(log, ReplayOptions { out: Some(out.clone()), redaction, ..options(&server.url, "max:1") }).await.unwrap();
        kept.push(records(&out));
    }
    let hashed = &kept[0];
    let digest = digest::content("weighbridge", r#"[["f",{"a":1,"b":2}]]"#);
    let calls: Vec<_> = hashed.iter().map(|record| record.tools_digest.as_deref()).collect();
    assert_eq!(calls, [Some(&*digest), Some(&*digest), None, None]);
    assert!(kept[1].iter().all(|record| record.tools_digest.is_none()), "redaction mode none keeps no digest");
    assert_eq!(hashed.iter().map(|record| record.refused).collect::<Vec<_>>(), [false, false, true, false]);
    assert_eq!(hashed.iter().map(|record| record.structured).collect::<Vec<_>>(), [false, false, false, true]);
    assert_eq!(
        (hashed[3].prompt_chars, hashed[3].prompt_wide_chars, hashed[0].prompt_wide_chars),
        (5, Some(2), Some(0))
    );
    assert_eq!((hashed[2].form_failure.as_deref(), hashed[3].form_failure.as_deref()), (None, Some("no_tool_call")));
    assert!(hashed.iter().all(|record| record.quality.is_none()));
}
