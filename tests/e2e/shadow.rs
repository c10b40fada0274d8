//! The mirror: complete while it can be, bounded when it cannot, and never felt by the client.

use crate::harness::{Plan, chat, until};
use datasets::{Arm, Exchange, Format, Lines, Role, ShadowFate};
use mocks::{Faults, Latency, Profile};
use serde_json::json;

#[tokio::test]
async fn every_request_is_mirrored_and_joined_by_its_pair() {
    let house = Plan { shadow_percent: 100.0, ..Plan::default() }.build().await;
    for index in 0..20 {
        let answer = house.ask(&chat(&format!("question {index}"), &json!({"stream": index % 2 == 0}))).await;
        assert_eq!((answer.status, answer.header("x-weighbridge-arm")), (200, "baseline"));
    }
    let records = house.records().await;
    let served: Vec<_> = records.iter().filter(|record| record.role == Role::Served).collect();
    let shadow: Vec<_> = records.iter().filter(|record| record.role == Role::Shadow).collect();
    assert_eq!((served.len(), shadow.len()), (20, 20));
    for record in served {
        assert_eq!(record.shadow, Some(ShadowFate::Sent));
        let copy = shadow.iter().find(|copy| copy.pair == record.pair).expect("a copy");
        assert_eq!(
            (copy.arm, copy.provider.as_str(), copy.model.as_str()),
            (Arm::Candidate, "deepseek", "deepseek-flash")
        );
        assert_eq!((copy.at_us, copy.epoch, &copy.unit), (record.at_us, record.epoch, &record.unit));
        assert!(copy.usage.is_some() && copy.cost_nanos.is_some());
    }
}

#[tokio::test]
async fn a_candidate_that_hangs_is_never_felt_by_the_client() {
    // The candidate would take ten minutes for a first byte; the clients are all served while it hangs.
    let hangs =
        Profile { time_scale: 1.0, first_token: Latency { median_ms: 600_000.0, sigma: 0.0 }, ..Profile::instant() };
    let house = Plan {
        shadow_percent: 100.0,
        deepseek: hangs,
        extra: "shadow.workers = 2\nshadow.queue_jobs_max = 3\nserver.drain_timeout = \"1s\"\n",
        ..Plan::default()
    };
    let house = house.build().await;
    for index in 0..10 {
        assert_eq!(house.ask(&chat(&format!("q {index}"), &json!({}))).await.status, 200);
    }
    let counts = house.gateway.shadow_counts();
    assert_eq!(counts.accepted + counts.dropped, 10, "{counts:?}");
    // Two under way, three waiting; one more may have been taken up in between.
    assert!((3..=6).contains(&counts.accepted) && counts.finished == 0, "{counts:?}");
    let records = house.records.clone();
    let summary = house.gateway.shutdown().await;
    assert_eq!((summary.shadow.finished, summary.shadow.abandoned), (2, counts.accepted - 2));
    let lines: Vec<datasets::Exchange> =
        datasets::Lines::open(&records, datasets::Format::Exchanges).unwrap().map(Result::unwrap).collect();
    let (copies, served): (Vec<_>, Vec<_>) = lines.iter().partition(|line| line.role == datasets::Role::Shadow);
    assert_eq!(served.len(), 10, "every served request is on record");
    assert!(copies.iter().all(|copy| copy.error == Some(wire::ErrorKind::GatewayStopped)), "{copies:?}");
    assert_eq!(copies.len(), 2, "so are the copies that were under way: they may be billed");
    let full = lines.iter().filter(|record| record.shadow == Some(ShadowFate::QueueFull)).count();
    assert_eq!(full as u64, counts.dropped);
}

#[tokio::test]
async fn a_candidate_that_is_not_there_is_evidence_and_nothing_more() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let house = Plan { shadow_percent: 100.0, candidate_url: Some(format!("http://{address}")), ..Plan::default() };
    let house = house.build().await;
    assert_eq!(house.ask(&chat("hello", &json!({}))).await.status, 200);
    let records = house.records().await;
    let copy = records.iter().find(|record| record.role == Role::Shadow).expect("a record of the failure");
    assert_eq!(copy.error, Some(wire::ErrorKind::Connect));
}

#[tokio::test]
async fn failing_copies_are_recorded_by_kind() {
    let faults = Faults { error_429: 1.0, ..Faults::default() };
    let house = Plan { shadow_percent: 100.0, deepseek: Profile { faults, ..Profile::instant() }, ..Plan::default() };
    let house = house.build().await;
    assert_eq!(house.ask(&chat("hello", &json!({"stream": true}))).await.status, 200);
    until("the copy ends", || house.gateway.shadow_counts().finished == 1).await;
    let records = house.records().await;
    let copy = records.iter().find(|record| record.role == Role::Shadow).unwrap();
    assert_eq!((copy.status, copy.error), (429, Some(wire::ErrorKind::RateLimit)));
}

/// Copies and repetitions of one house.
fn of_role(records: &[Exchange], role: Role) -> Vec<&Exchange> {
    records.iter().filter(|record| record.role == role).collect()
}

#[tokio::test]
async fn streams_and_tool_calls_are_mirrored_like_everything_else_and_no_tool_is_run() {
    let house = Plan { shadow_percent: 100.0, ..Plan::default() }.build().await;
    let tools = json!([{"type": "function", "function": {"name": "delete_everything", "parameters":
        {"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]}}}]);
    for stream in [false, true] {
        let more = json!({"stream": stream, "tools": tools, "tool_choice": "required"});
        let answer = house.ask(&chat("call the tool", &more)).await;
        assert_eq!((answer.status, answer.header("x-weighbridge-arm")), (200, "baseline"));
        assert!(answer.text.contains("delete_everything"), "{}", answer.text);
    }
    let records = house.records().await;
    for (served, copy) in of_role(&records, Role::Served).iter().zip(of_role(&records, Role::Shadow)) {
        assert_eq!((served.streamed, served.finish_reason.as_deref()), (copy.streamed, Some("tool_calls")));
        assert_eq!(
            (copy.status, copy.error, copy.finish_reason.as_deref()),
            (200, None, Some("tool_calls")),
            "{copy:?}"
        );
        assert_eq!(copy.ttft_us.is_some(), copy.streamed, "a copy that is streamed is timed like the client's answer");
    }
    // What a model asked for went nowhere: each provider was called once a request, and a copy holds what the client
    // asked and not what anybody answered.
    let copies = house.deepseek.requests().recent();
    assert_eq!((house.openai.requests().counts().received, copies.len()), (2, 2));
    for (copy, stream) in copies.iter().zip([false, true]) {
        let body = copy.json();
        assert_eq!(
            (&body["model"], &body["messages"]),
            (&json!("deepseek-flash"), &chat("call the tool", &json!({}))["messages"])
        );
        assert_eq!((body["stream"] == true, &body["tools"]), (stream, &tools));
        assert_eq!(copy.path, "/chat/completions");
    }
}

#[tokio::test]
async fn the_second_call_of_the_baseline_is_on_record_as_such_and_billed_apart() {
    let migration = "repeat_percent = 100";
    let house = Plan { shadow_percent: 100.0, migration, ..Plan::default() }.build().await;
    for index in 0..5 {
        assert_eq!(house.ask(&chat(&format!("question {index}"), &json!({}))).await.status, 200);
    }
    let records = house.records().await;
    let repeats = of_role(&records, Role::Repeat);
    assert_eq!((repeats.len(), of_role(&records, Role::Shadow).len()), (5, 5));
    let mut spent_nanos = 0;
    for repeat in repeats {
        let served = records.iter().find(|record| record.role == Role::Served && record.pair == repeat.pair).unwrap();
        assert_eq!((repeat.arm, &repeat.provider, &repeat.model), (Arm::Baseline, &served.provider, &served.model));
        assert_eq!((repeat.usage, repeat.cost_nanos), (served.usage, served.cost_nanos));
        assert_eq!(repeat.answer, served.answer, "this mock does not differ from itself");
    }
    for record in records.iter().filter(|record| record.role != Role::Served) {
        spent_nanos += record.cost_nanos.unwrap();
    }
    // What copies and repetitions cost counts against the mirror's money, what clients got does not.
    assert_eq!(house.gateway.shadow_counts().spent_today_nanos, spent_nanos);
    let calls = house.openai.requests().recent();
    assert_eq!(calls.len(), 10);
    for index in 0..5 {
        let asked = format!("question {index}");
        assert_eq!(calls.iter().filter(|call| call.json()["messages"][0]["content"] == asked).count(), 2);
    }
}

/// A candidate that never answers.
fn hanging() -> Profile {
    Profile { time_scale: 1.0, first_token: Latency { median_ms: 600_000.0, sigma: 0.0 }, ..Profile::instant() }
}

const AT_ONCE: &str = "server.drain_timeout = \"100ms\"\n";

#[tokio::test]
async fn copies_that_do_not_fit_are_counted_by_their_reason() {
    let question = |index: usize| chat(&format!("question {index} {}", "x".repeat(900)), &json!({}));
    // Jobs: one under way, two waiting. Bytes: four bodies and a bit. Money: a few copies, a tenth of a cent.
    let cases = [
        (ShadowFate::QueueFull, "queue_full", "shadow.workers = 1\nshadow.queue_jobs_max = 2\n"),
        (ShadowFate::BytesFull, "bytes_full", "shadow.queue_bytes_max = 4800\n"),
        (ShadowFate::BudgetSpent, "budget_spent", "shadow.cost_per_day_max_usd = \"0.001\"\n"),
    ];
    for (fate, name, extra) in cases {
        let house = Plan { shadow_percent: 100.0, deepseek: hanging(), extra, ..Plan::default() }.build().await;
        for index in 0..12 {
            assert_eq!(house.ask(&question(index)).await.status, 200);
        }
        let counts = house.gateway.shadow_counts();
        assert_eq!(counts.accepted + counts.dropped, 12, "{counts:?}");
        assert!(counts.accepted > 0 && counts.dropped > 0, "{name}: {counts:?}");
        assert_eq!(counts.dropped_by_reason[name], counts.dropped, "{counts:?}");
        let page = house.admin("/metrics").await.text;
        let line = format!("weighbridge_shadow_dropped_total{{reason=\"{name}\"}} {}\n", counts.dropped);
        assert!(page.contains(&line), "{line} is not in {page}");
        // Read from the file, because the copies never end.
        until("all served requests are on record", || served(&house.records).len() == 12).await;
        let fates = served(&house.records);
        assert_eq!(fates.iter().filter(|found| **found == Some(fate)).count() as u64, counts.dropped);
        assert_eq!(fates.iter().filter(|found| **found == Some(ShadowFate::Sent)).count() as u64, counts.accepted);
    }
}

/// Fates of the copies of all served requests that are in the file; the last line may be half written yet.
fn served(path: &std::path::Path) -> Vec<Option<ShadowFate>> {
    let lines = Lines::open(path, Format::Exchanges).unwrap().map_while(Result::ok);
    lines.filter(|record: &Exchange| record.role == Role::Served).map(|record| record.shadow).collect()
}

#[tokio::test]
async fn the_candidates_own_bound_and_breaker_leave_gaps_that_are_counted() {
    let busy = Plan {
        shadow_percent: 100.0,
        deepseek: hanging(),
        deepseek_extra: "requests_in_flight_max = 2",
        extra: AT_ONCE,
        ..Plan::default()
    };
    let house = busy.build().await;
    for index in 0..6 {
        assert_eq!(house.ask(&chat(&format!("q {index}"), &json!({}))).await.status, 200);
    }
    // Two hang; the others were not taken, or could not be sent and are over: counted, and nobody's failure.
    until("four are counted", || house.gateway.shadow_counts().dropped_by_reason["candidate_busy"] == 4).await;
    until("and over", || house.gateway.shadow_counts().held == 2).await;
    assert_eq!(house.deepseek.requests().counts().received, 2);
    // What the candidate serves has a bound of its own, which the mirror does not fill.
    let epoch = house.gateway.epoch();
    assert_eq!(house.set_weight(100.0, epoch).await.status, 200);
    let request = house.client.post(house.url()).json(&chat("a client's", &json!({})));
    let asked = tokio::spawn(request.send());
    until("a served request reaches the candidate", || house.deepseek.requests().counts().received == 3).await;
    asked.abort();
    let summary = house.gateway.shutdown().await;
    assert_eq!((summary.shadow.finished, summary.shadow.abandoned, summary.shadow.dropped), (2, 0, 4));

    let down = Profile { faults: Faults { error_500: 1.0, ..Faults::default() }, ..Profile::instant() };
    let breaker = "retry = { attempts_max = 1 }\nbreaker = { minimum = 3, failure_percent = 50, open_for = \"600s\", open_for_max = \"600s\" }";
    let house =
        Plan { shadow_percent: 100.0, deepseek: down, deepseek_extra: breaker, ..Plan::default() }.build().await;
    for index in 0..8 {
        assert_eq!(house.ask(&chat(&format!("q {index}"), &json!({}))).await.status, 200);
        house.gateway.settle().await;
    }
    let counts = house.gateway.shadow_counts();
    assert_eq!((counts.accepted, counts.finished, counts.dropped_by_reason["breaker_open"]), (3, 3, 5), "{counts:?}");
    let records = house.records().await;
    assert_eq!(of_role(&records, Role::Shadow).len(), 3);
    let open =
        of_role(&records, Role::Served).iter().filter(|record| record.shadow == Some(ShadowFate::BreakerOpen)).count();
    assert_eq!(open, 5);
}

#[tokio::test]
async fn whatever_the_candidate_does_clients_get_the_same_bytes() {
    let faults = |faults| Profile { faults, ..Profile::instant() };
    let candidates = [
        hanging(),
        Profile {
            gap: Latency { median_ms: 600_000.0, sigma: 0.0 },
            time_scale: 1.0,
            first_token: Latency { median_ms: 1.0, sigma: 0.0 },
            ..Profile::instant()
        },
        faults(Faults { error_500: 1.0, ..Faults::default() }),
        faults(Faults { reset: 1.0, ..Faults::default() }),
        faults(Faults { abort: 1.0, ..Faults::default() }),
        faults(Faults { stall: 1.0, ..Faults::default() }),
        faults(Faults { bad_json: 1.0, ..Faults::default() }),
    ];
    let questions = || (0..4).map(|index| chat(&format!("q {index}"), &json!({"stream": index % 2 == 0})));
    // Apart from the time in it.
    let timeless = |text: &str| {
        let mut parts = text.split("\"created\":");
        let first = parts.next().unwrap().to_owned();
        parts.fold(first, |text, part| text + part.trim_start_matches(|c: char| c.is_ascii_digit()))
    };
    let alone = Plan::default().build().await;
    let mut expected = Vec::new();
    for question in questions() {
        let answer = alone.ask(&question).await;
        expected.push((answer.status, timeless(&answer.text)));
    }
    for deepseek in candidates {
        let house = Plan { shadow_percent: 100.0, deepseek, extra: AT_ONCE, ..Plan::default() }.build().await;
        for (question, expected) in questions().zip(&expected) {
            let answer = house.ask(&question).await;
            assert_eq!(&(answer.status, timeless(&answer.text)), expected);
        }
        assert_eq!(house.gateway.shadow_counts().accepted, 4);
    }
}

#[tokio::test]
async fn who_is_mirrored_is_known_before_any_answer_is() {
    // One house whose baseline answers, one whose baseline fails, and one that keeps the copies waiting for ever.
    let down = Profile { faults: Faults { error_500: 1.0, ..Faults::default() }, ..Profile::instant() };
    let mut decisions = Vec::new();
    for openai in [Profile::instant(), down] {
        let extra = "breaker = false\nretry = { attempts_max = 1 }";
        let house = Plan { shadow_percent: 30.0, openai, openai_extra: extra, ..Plan::default() }.build().await;
        for index in 0..40 {
            // Two turns of each conversation.
            for turn in ["first", "second"] {
                let mut body = chat(&format!("conversation {index}"), &json!({}));
                if turn == "second" {
                    body["messages"].as_array_mut().unwrap().extend([
                        json!({"role": "assistant", "content": "yes"}),
                        json!({"role": "user", "content": "go on"}),
                    ]);
                }
                house.ask(&body).await;
            }
        }
        let records = house.records().await;
        let fates: Vec<_> =
            of_role(&records, Role::Served).iter().map(|record| (record.shadow, record.shadow_bp)).collect();
        assert!(fates.iter().all(|(_, shadow_bp)| *shadow_bp == Some(3000)), "{fates:?}");
        assert!(
            fates.chunks(2).all(|turns| turns[0] == turns[1]),
            "a conversation is mirrored as a whole or not at all"
        );
        assert_eq!(
            of_role(&records, Role::Shadow).len(),
            fates.iter().filter(|(fate, _)| *fate == Some(ShadowFate::Sent)).count()
        );
        decisions.push(fates);
    }
    assert_eq!(decisions[0], decisions[1]);
    let sent = decisions[0].iter().filter(|(fate, _)| *fate == Some(ShadowFate::Sent)).count();
    assert!((6..=50).contains(&sent), "{sent} of 80 at 30%");
}
