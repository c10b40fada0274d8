//! Which spans there are, whose children they are, and what they say.

use super::collector::Collector;
use super::*;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;

const PAIR: &str = "weight_percent = 0\nshadow_percent = 100\nrepeat_percent = 100";

#[tokio::test]
async fn a_request_its_answer_its_copy_and_its_repetition_are_one_trace_that_continues_the_clients() {
    let collector = Collector::start().await;
    let wants = Wants { migration: PAIR, traces: "propagate = [\"deepseek\"]", ..Wants::default() };
    let house = House::start(&collector.address(), wants).await;
    let headers = [("traceparent", TRACEPARENT), ("tracestate", "rojo=1,congo=2"), ("x-request-id", "mine-7")];
    let (status, pair) = house.ask(&headers).await;
    assert_eq!(status, 200);
    let epoch = house.running.epoch().to_string();
    let (openai, deepseek) = house.stop().await;
    let spans = collector.spans().await;
    assert_eq!(spans.len(), 4, "{spans:#?}");
    let (root, served) = (server(&spans), role(&spans, "served"));
    let (shadow, repeat) = (role(&spans, "shadow"), role(&spans, "repeat"));
    assert_eq!(hex(&root.parent_span_id), "00f067aa0ba902b7");
    for span in &spans {
        assert_eq!(hex(&span.trace_id), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!((span.trace_state.as_str(), span.flags & 1), ("rojo=1,congo=2", 1));
        assert_eq!(attribute(span, "weighbridge.pair").as_deref(), Some(&*pair));
        assert_eq!(attribute(span, "weighbridge.migration").as_deref(), Some("move"));
        assert_eq!(attribute(span, "weighbridge.epoch").as_deref(), Some(&*epoch));
        assert_eq!(attribute(span, "weighbridge.weight_percent").as_deref(), Some("0"));
        assert_eq!(attribute(span, "weighbridge.request_id").as_deref(), Some("mine-7"));
        assert!(span.start_time_unix_nano > 1_700_000_000_000_000_000);
        assert!(span.end_time_unix_nano >= span.start_time_unix_nano);
    }
    for leg in [&served, &shadow, &repeat] {
        assert_eq!((&leg.parent_span_id, leg.kind), (&root.span_id, SpanKind::Client as i32));
        assert_eq!(leg.flags, 0x101, "its parent is known to be none of another process");
        assert!(leg.start_time_unix_nano >= root.start_time_unix_nano);
    }
    assert_eq!((root.kind, root.flags), (SpanKind::Server as i32, 0x301));
    assert_eq!(root.name, "POST /v1/chat/completions");
    assert!(root.end_time_unix_nano >= served.end_time_unix_nano, "it ends with the last byte");
    let ids: std::collections::BTreeSet<_> = spans.iter().map(|span| span.span_id.clone()).collect();
    assert_eq!(ids.len(), 4);
    // The provider that is named goes on below its own leg; the other one learns nothing.
    let expected = format!("00-4bf92f3577b34da6a3ce929d0e0e4736-{}-01", hex(&shadow.span_id));
    assert_eq!(seen(&deepseek, "traceparent").await, [Some(expected)]);
    assert_eq!(seen(&deepseek, "tracestate").await, [Some("rojo=1,congo=2".to_owned())]);
    assert_eq!(seen(&openai, "traceparent").await, [None, None]);
    assert_eq!(seen(&openai, "tracestate").await, [None, None]);
}

#[tokio::test]
async fn a_leg_speaks_the_conventions() {
    let collector = Collector::start().await;
    let house = House::start(&collector.address(), Wants { migration: PAIR, ..Wants::default() }).await;
    house.ask(&[]).await;
    let port = house.deepseek.address().port().to_string();
    house.stop().await;
    let export = &collector.exports().await[0].resource_spans[0];
    let resource = Span { attributes: export.resource.clone().unwrap().attributes, ..Span::default() };
    assert_eq!(attribute(&resource, "service.name").as_deref(), Some("weighbridge"));
    assert_eq!(attribute(&resource, "service.version").as_deref(), Some(env!("CARGO_PKG_VERSION")));
    assert!(attribute(&resource, "service.instance.id").is_some());
    assert_eq!(export.scope_spans[0].scope.as_ref().unwrap().name, "weighbridge");
    let spans = collector.spans().await;
    let root = server(&spans);
    assert!(root.parent_span_id.is_empty(), "nobody before it");
    assert_eq!(attribute(&root, "http.route").as_deref(), Some("/v1/chat/completions"));
    assert_eq!(attribute(&root, "http.response.status_code").as_deref(), Some("200"));
    assert_eq!(attribute(&root, "weighbridge.arm").as_deref(), Some("baseline"));
    assert_eq!(attribute(&root, "weighbridge.assigned_by").as_deref(), Some("weight"));
    let shadow = role(&spans, "shadow");
    assert_eq!(shadow.name, "chat deepseek-flash");
    for (key, expected) in [
        ("gen_ai.operation.name", "chat"),
        ("gen_ai.provider.name", "deepseek"),
        ("gen_ai.request.model", "deepseek-flash"),
        ("gen_ai.request.stream", "false"),
        ("gen_ai.response.model", "deepseek-flash"),
        ("gen_ai.response.finish_reasons", "stop"),
        ("gen_ai.usage.input_tokens", "5"),
        ("gen_ai.usage.output_tokens", "2"),
        ("openai.api.type", "chat_completions"),
        ("server.address", "127.0.0.1"),
        ("server.port", &port),
        ("http.response.status_code", "200"),
        ("weighbridge.arm", "candidate"),
        ("weighbridge.attempts", "1"),
        ("weighbridge.usage_estimated", "false"),
    ] {
        assert_eq!(attribute(&shadow, key).as_deref(), Some(expected), "{key}");
    }
    assert!(attribute(&shadow, "weighbridge.cost_nanos").is_some());
    assert_eq!(attribute(&shadow, "error.type"), None);
    assert_eq!(shadow.status.unwrap().code, StatusCode::Unset as i32);
}

#[tokio::test]
async fn a_candidate_that_fails_and_the_baseline_that_answers_stand_side_by_side() {
    let collector = Collector::start().await;
    let failing = ResponseTemplate::new(500).set_body_string("canary-error");
    let migration = "weight_percent = 100\nfallback = { on = [\"5xx\"] }";
    let wants = Wants { migration, ..Wants::default() };
    let house = House::start_with(answer("gpt-4o-mini"), failing, &collector.address(), wants).await;
    assert_eq!(house.ask(&[]).await.0, 200);
    let (_, deepseek) = house.stop().await;
    let spans = collector.spans().await;
    assert_eq!(spans.len(), 3, "{spans:#?}");
    let (root, served, fallback) = (server(&spans), role(&spans, "served"), role(&spans, "fallback"));
    assert_eq!(attribute(&served, "weighbridge.arm").as_deref(), Some("candidate"));
    assert_eq!(attribute(&served, "http.response.status_code").as_deref(), Some("500"));
    assert_eq!(attribute(&served, "error.type").as_deref(), Some("server"));
    assert_eq!(served.status.clone().unwrap().code, StatusCode::Error as i32);
    // Tries are counted on the leg that they belong to.
    assert_eq!(attribute(&served, "weighbridge.attempts").as_deref(), Some("2"));
    assert_eq!(deepseek.received_requests().await.unwrap().len(), 2);
    assert_eq!(attribute(&fallback, "weighbridge.arm").as_deref(), Some("baseline"));
    assert_eq!((&served.parent_span_id, &fallback.parent_span_id), (&root.span_id, &root.span_id));
    assert_eq!(attribute(&root, "http.response.status_code").as_deref(), Some("200"));
    assert_eq!(root.status.unwrap().code, StatusCode::Unset as i32);
}

#[tokio::test]
async fn a_stream_ends_its_span_with_its_last_byte() {
    let collector = Collector::start().await;
    let stream = "data: {\"id\":\"1\",\"model\":\"deepseek-flash\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"canary-answer\"}}]}\n\n\
                  data: {\"id\":\"1\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n\
                  data: {\"id\":\"1\",\"choices\":[],\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":2}}\n\ndata: [DONE]\n\n";
    let response = ResponseTemplate::new(200).set_body_raw(stream, "text/event-stream");
    let wants = Wants { migration: "weight_percent = 100", ..Wants::default() };
    let house = House::start_with(answer("gpt-4o-mini"), response, &collector.address(), wants).await;
    let messages = json!({"stream": true, "messages": [{"role": "user", "content": "canary-prompt"}]});
    assert_eq!(house.ask_with(&messages, &[]).await.0, 200);
    house.stop().await;
    let spans = collector.spans().await;
    assert_eq!(spans.len(), 2, "{spans:#?}");
    let (root, served) = (server(&spans), role(&spans, "served"));
    assert_eq!(attribute(&served, "gen_ai.request.stream").as_deref(), Some("true"));
    for key in ["gen_ai.response.time_to_first_chunk", "weighbridge.time_to_first_text"] {
        let seconds: f64 = attribute(&served, key).unwrap().parse().unwrap();
        assert!(seconds > 0.0 && seconds < 60.0, "{key} is {seconds}");
    }
    assert!(root.end_time_unix_nano >= served.end_time_unix_nano);
}

#[tokio::test]
async fn a_request_that_is_refused_has_a_span_of_its_own_and_no_other() {
    let collector = Collector::start().await;
    let house = House::start(&collector.address(), Wants { migration: PAIR, ..Wants::default() }).await;
    let (status, pair) = house.ask_with(&json!({"messages": 7, "model": 7}), &[]).await;
    assert_eq!(status, 400);
    house.stop().await;
    let spans = collector.spans().await;
    assert_eq!(spans.len(), 1, "{spans:#?}");
    let root = server(&spans);
    assert_eq!(attribute(&root, "http.response.status_code").as_deref(), Some("400"));
    assert_eq!(attribute(&root, "weighbridge.pair").as_deref(), Some(&*pair));
    assert_eq!(attribute(&root, "weighbridge.migration"), None);
    assert_eq!(root.status.unwrap().code, StatusCode::Unset as i32, "it was the client's error");
}

#[tokio::test]
async fn a_client_decides_what_is_sampled_and_without_its_word_the_share_does() {
    let unsampled = TRACEPARENT.replace("-01", "-00");
    for (traces, header, expected) in [
        ("sample_percent = 0", Some(TRACEPARENT), 2),
        ("sample_percent = 0", None, 0),
        ("sample_percent = 100", Some(unsampled.as_str()), 0),
        ("sample_percent = 100", None, 2),
        ("sample_percent = 0\nclients = \"ignore\"", Some(TRACEPARENT), 0),
        ("sample_percent = 100\nclients = \"ignore\"", Some(unsampled.as_str()), 2),
        // What is malformed is not there.
        ("sample_percent = 0", Some("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7"), 0),
    ] {
        let collector = Collector::start().await;
        let wants = Wants { migration: "weight_percent = 100", traces, ..Wants::default() };
        let house = House::start(&collector.address(), wants).await;
        let headers: Vec<(&str, &str)> = header.map(|header| ("traceparent", header)).into_iter().collect();
        assert_eq!(house.ask(&headers).await.0, 200);
        house.stop().await;
        let spans = collector.spans().await;
        assert_eq!(spans.len(), expected, "{traces}, {header:?}: {spans:#?}");
        let continued = spans.iter().filter(|span| hex(&span.trace_id).starts_with("4bf92f35")).count();
        assert_eq!(continued, if traces.contains("ignore") || header.is_none() { 0 } else { expected });
    }
}

#[tokio::test]
async fn a_trace_that_is_not_sampled_goes_on_all_the_same() {
    let collector = Collector::start().await;
    let traces = "sample_percent = 0\npropagate = [\"deepseek\"]";
    let wants = Wants { migration: "weight_percent = 100", traces, ..Wants::default() };
    let house = House::start(&collector.address(), wants).await;
    let unsampled = TRACEPARENT.replace("-01", "-00");
    house.ask(&[("traceparent", &unsampled)]).await;
    let (_, deepseek) = house.stop().await;
    let line = seen(&deepseek, "traceparent").await[0].clone().unwrap();
    assert!(line.starts_with("00-4bf92f3577b34da6a3ce929d0e0e4736-") && line.ends_with("-00"), "{line}");
    assert!(!line.contains("00f067aa0ba902b7"), "the client's span is not the provider's parent");
    assert!(collector.spans().await.is_empty());
}
