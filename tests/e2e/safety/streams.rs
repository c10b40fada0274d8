//! Streams: held back, judged, let through or cut, in every mode.

use super::{ADDRESS, BAD, BOTH, SENTENCE, by_hand, chunk, events, guarded, is_blocked, of_answer, text, told};
use crate::harness::{Plan, chat, read};
use crate::raw::{Client, soon};
use datasets::GuardAction;
use mocks::{Latency, Profile, Provider, Script};
use serde_json::{Value, json};
use wire::ErrorKind;
use wire::usage::UsageSource;

const MODES: [&str; 3] = ["window", "full", "end"];

/// A small window, so that short answers have several.
fn mode(mode: &str) -> String {
    let window = if mode == "window" { "window_characters = 60\noverlap_characters = 30\n" } else { "" };
    format!("{BOTH}stream = \"{mode}\"\n{window}")
}

fn long(with: &str) -> String {
    let words = "a quiet walk along the river in the evening light ";
    format!("{}{with} {}", words.repeat(6), words.repeat(6))
}

fn says(content: &str) -> Script {
    let mut script = Script::new();
    for provider in [Provider::OpenAi, Provider::DeepSeek] {
        script.say(provider, "tell", content);
    }
    script
}

#[tokio::test]
async fn harmless_streams_are_the_providers_byte_for_byte() {
    for name in MODES {
        let house = Plan { script: says(&long("")), ..guarded(&mode(name)) }.build().await;
        let body = chat("tell", &json!({"stream": true, "stream_options": {"include_usage": true}}));
        let through = house.ask(&body).await;
        let direct =
            house.client.post(format!("{}/chat/completions", house.openai.base_url())).bearer_auth("k").json(&body);
        let direct = read(direct.send().await.unwrap()).await;
        let timeless = |text: &str| {
            let mut parts: Vec<String> = text.split("\"created\":").map(str::to_owned).collect();
            for part in parts.iter_mut().skip(1) {
                *part = part.trim_start_matches(|one: char| one.is_ascii_digit()).to_owned();
            }
            parts.concat()
        };
        assert_eq!(timeless(&through.text), timeless(&direct.text), "{name}");
        let record = house.records_of(1).await.remove(0);
        assert_eq!((of_answer(&record).action, record.error), (GuardAction::None, None));
        assert_eq!(record.usage.unwrap().source, UsageSource::Provider);
    }
}

#[tokio::test]
async fn a_violation_ends_the_stream_properly_and_nothing_of_it_went_out() {
    for name in MODES {
        for wants_usage in [false, true] {
            let house = Plan { script: says(&long(BAD)), ..guarded(&mode(name)) }.build().await;
            let body = chat("tell", &json!({"stream": true, "stream_options": {"include_usage": wants_usage}}));
            let answer = house.ask(&body).await;
            assert_eq!(answer.status, 200);
            let events = events(&answer.text);
            assert_eq!(events.last().map(String::as_str), Some("[DONE]"), "{name}");
            let last: Value = serde_json::from_str(&events[events.len() - 2]).unwrap();
            assert_eq!(
                (&last["model"], &last["choices"][0]["finish_reason"]),
                (&json!("from-security-guard"), &json!("stop"))
            );
            assert_eq!(answer.text.matches("\"finish_reason\":\"stop\"").count(), 1, "{name}: {}", answer.text);
            let said = told(&answer.text, 0, "content");
            assert!(said.ends_with(SENTENCE), "{name}: {said}");
            // Judged at the end, it can only be told.
            assert_eq!(said.contains(BAD), name == "end", "{name}: {said}");
            if name != "end" {
                let shown = said.strip_suffix(SENTENCE).unwrap();
                assert!(long(BAD).starts_with(shown) && shown.len() < long(BAD).find(BAD).unwrap());
                assert_eq!(shown.is_empty(), name == "full");
            }
            // The chunk with the role has no text and went out at once, so the stream had begun.
            assert_eq!(last.get("usage").is_some(), wants_usage, "{last}");
            let record = house.records_of(1).await.remove(0);
            assert!(is_blocked(of_answer(&record), "illicit"), "{name}: {record:?}");
            assert_eq!((record.error, record.form_failure, record.moderation), (None, None, None));
            assert!(record.usage.unwrap().completion > 0, "what came is counted");
        }
    }
}

#[tokio::test]
async fn the_provider_is_hung_up_on_and_what_it_said_is_counted() {
    let (provider, house) = by_hand(guarded(&mode("window"))).await;
    let request = chat("tell", &json!({"stream": true}));
    let answer = tokio::join!(house.ask(&request), async {
        let mut call = provider.call().await;
        call.begin_stream().await;
        call.send(chunk(0, &json!({"role": "assistant", "content": ""}), None)).await;
        call.send(text(0, &format!("{} take a {BAD} and then some more of all that", "x".repeat(60)))).await;
        // It would go on for ever.
        call.hung_up().await;
    });
    assert!(answer.0.text.ends_with("data: [DONE]\n\n"), "{}", answer.0.text);
    let record = house.records_of(1).await.remove(0);
    assert_eq!(record.usage.unwrap().source, UsageSource::Estimate);
    assert!(record.usage.unwrap().completion > 10);
    assert!(is_blocked(of_answer(&record), "illicit"));
    assert_eq!((record.error, record.answer), (None, None), "cut, and not the provider's fault");
}

#[tokio::test]
async fn text_is_held_comments_are_not_and_whole_frames_go_out_in_order() {
    let (provider, house) = by_hand(guarded(&mode("window"))).await;
    let mut client = Client::connect(house.gateway.address).await;
    client.ask(&chat("tell", &json!({"stream": true}))).await;
    let mut call = provider.call().await;
    call.begin_stream().await;
    let role = chunk(0, &json!({"role": "assistant", "content": ""}), None);
    call.send(&role).await;
    client.head().await;
    assert_eq!(client.chunk().await.unwrap(), role.as_bytes());
    // Too little to be judged: it waits, and a comment overtakes it.
    let first = text(0, "hello ");
    call.send(&first).await;
    call.send(": keep-alive\n\n").await;
    assert_eq!(client.chunk().await.unwrap(), b": keep-alive\n\n");
    // Enough: what is older than the overlap goes out.
    let (second, third) = (text(0, &"b".repeat(50)), text(0, &"c".repeat(31)));
    call.send(format!("{second}{third}")).await;
    assert_eq!(client.chunk().await.unwrap(), format!("{first}{second}").as_bytes());
    let end = chunk(0, &json!({}), Some("stop")) + "data: [DONE]\n\n";
    call.send(&end).await;
    drop(call);
    let mut rest = Vec::new();
    while let Some(more) = client.chunk().await {
        rest.extend_from_slice(&more);
    }
    assert_eq!(String::from_utf8(rest).unwrap(), third + &end);
    assert_eq!(of_answer(&house.records_of(1).await[0]).action, GuardAction::None);
}

#[tokio::test]
async fn a_violation_is_found_in_any_choice_in_arguments_and_in_reasoning() {
    let (one, two) = BAD.split_at(7);
    let arguments = |text: &str| json!({"tool_calls": [{"index": 0, "function": {"arguments": text}}]});
    for deltas in [
        vec![
            (0, json!({"content": "fine "})),
            (1, json!({"content": one})),
            (0, json!({"content": "again"})),
            (1, json!({"content": two})),
        ],
        vec![(0, arguments("{\"query\":\"")), (0, arguments(one)), (0, arguments(two))],
        vec![
            (0, json!({"reasoning_content": one})),
            (0, json!({"reasoning_content": two})),
            (0, json!({"content": "fine"})),
        ],
    ] {
        for name in MODES {
            let (provider, house) = by_hand(guarded(&mode(name))).await;
            let request = chat("tell", &json!({"stream": true}));
            let (answer, ()) = tokio::join!(house.ask(&request), async {
                let mut call = provider.call().await;
                call.begin_stream().await;
                for (choice, delta) in &deltas {
                    call.send(chunk(*choice, delta, None)).await;
                }
                for choice in 0..=deltas.iter().map(|(choice, _)| *choice).max().unwrap() {
                    call.send(chunk(choice, &json!({}), Some("stop"))).await;
                }
                // The gateway may have hung up by now.
                call.send("data: [DONE]\n\n").await;
            });
            assert!(answer.text.contains("from-security-guard") && answer.text.ends_with("data: [DONE]\n\n"));
            assert_eq!(answer.text.contains(two.trim()), name == "end", "{name}: {}", answer.text);
            assert!(is_blocked(of_answer(&house.records_of(1).await[0]), "illicit"));
        }
    }
}

#[tokio::test]
async fn masks_stand_in_streams_too_over_all_its_pieces() {
    for name in ["window", "full"] {
        for weight_percent in [0.0, 100.0] {
            let plan =
                Plan { weight_percent, script: says(&long(&format!("ask {ADDRESS} or"))), ..guarded(&mode(name)) };
            let house = plan.build().await;
            let answer = house.ask(&chat("tell", &json!({"stream": true}))).await;
            assert_eq!(told(&answer.text, 0, "content"), long("ask [email] or"), "{name}");
            assert_eq!(answer.events().last(), Some(&"[DONE]"));
            assert_eq!(of_answer(&house.records_of(1).await[0]).action, GuardAction::Masked);
        }
    }
}

#[tokio::test]
async fn streams_of_the_other_endpoints_are_guarded_too() {
    for (path, member, limit) in [("completions", "prompt", "max_tokens"), ("responses", "input", "max_output_tokens")]
    {
        for (content, is_blocked) in [(long(BAD), true), (long(&format!("ask {ADDRESS} or")), false)] {
            let house = Plan { script: says(&content), ..guarded(&mode("window")) }.build().await;
            let answer =
                house.ask_at(path, &json!({"model": "gpt-4o-mini", member: "tell", "stream": true, limit: 2000})).await;
            assert_eq!(answer.text.contains("from-security-guard"), is_blocked, "{path}: {}", answer.text);
            assert!(!answer.text.contains("fruit") && !answer.text.contains("jane"), "{path}: {}", answer.text);
            let end = if path == "responses" { "event: response.completed" } else { "data: [DONE]" };
            assert_eq!(answer.text.matches(end).count(), 1, "{path}: {}", answer.text);
            let record = house.records_of(1).await.remove(0);
            assert_eq!(of_answer(&record).action == GuardAction::Blocked, is_blocked, "{record:?}");
        }
    }
}

#[tokio::test]
async fn a_client_that_leaves_while_its_answer_is_held_is_noticed() {
    let slow = Profile {
        time_scale: 1.0,
        first_token: Latency { median_ms: 1.0, sigma: 0.0 },
        gap: Latency { median_ms: 600_000.0, sigma: 0.0 },
        ..Profile::instant()
    };
    for name in ["window", "full"] {
        let house = Plan { openai: slow.clone(), ..guarded(&mode(name)) }.build().await;
        let request = house.client.post(house.url()).bearer_auth("k").json(&chat("tell", &json!({"stream": true})));
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200);
        drop(response);
        let record = house.records_of(1).await.remove(0);
        assert_eq!(record.error, Some(ErrorKind::ClientCancelled), "{name}");
        assert_eq!(record.guard.unwrap().response, None, "nobody judged what nobody got");
    }
}

#[tokio::test]
async fn a_provider_that_breaks_off_is_told_behind_what_was_judged() {
    let (provider, house) = by_hand(guarded(&mode("full"))).await;
    let request = chat("tell", &json!({"stream": true}));
    let (answer, ()) = tokio::join!(house.ask(&request), async {
        let mut call = provider.call().await;
        call.begin_stream().await;
        call.send(text(0, "half an answer")).await;
    });
    assert!(
        told(&answer.text.replace("{\"error\"", "{\"choices\":[],\"error\""), 0, "content").contains("half an answer")
    );
    assert!(answer.text.contains("truncated"), "{}", answer.text);
    let record = house.records_of(1).await.remove(0);
    assert_eq!(record.error, Some(ErrorKind::Truncated));
}

#[tokio::test]
async fn a_gateway_that_stops_ends_held_streams() {
    let slow = Profile {
        time_scale: 1.0,
        gap: Latency { median_ms: 600_000.0, sigma: 0.0 },
        first_token: Latency { median_ms: 1.0, sigma: 0.0 },
        ..Profile::instant()
    };
    let plan = guarded(&mode("full"));
    let extra = format!("server.drain_timeout = \"100ms\"\n{}", plan.extra);
    let house = Plan { openai: slow, extra: Box::leak(extra.into_boxed_str()), ..plan }.build().await;
    let request = house.client.post(house.url()).bearer_auth("k").json(&chat("tell", &json!({"stream": true})));
    let response = request.send().await.unwrap();
    let (records, _folder) = (house.records.clone(), house._folder);
    let summary = soon("the gateway stops", house.gateway.shutdown()).await;
    assert_eq!(summary.records.written, 1);
    let record = datasets::Lines::<datasets::Exchange>::open(&records, datasets::Format::Exchanges)
        .unwrap()
        .next()
        .unwrap()
        .unwrap();
    assert_eq!(record.error, Some(ErrorKind::GatewayStopped));
    drop(response);
}
