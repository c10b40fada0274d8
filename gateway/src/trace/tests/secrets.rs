//! What never leaves in a span.

use super::collector::Collector;
use super::*;

const EVERYTHING: &str = "weight_percent = 0\nshadow_percent = 100\nrepeat_percent = 100";

/// Requests that are answered, copied to a provider that refuses them, and repeated; and one that is refused here.
async fn traffic(traces: &str) -> (Collector, Vec<Span>) {
    let collector = Collector::start().await;
    let folder = tempfile::tempdir().unwrap();
    let records = folder.path().join("records.ndjson");
    // Records may keep answers: spans must not, even then.
    let more = format!("[records]\npath = \"{}\"\nredaction = \"full\"", records.display());
    let wants = Wants { migration: EVERYTHING, traces, more: &more };
    let failing = ResponseTemplate::new(400).set_body_json(json!({"error": {"message": "canary-error", "code": "x"}}));
    let house = House::start_with(answer("gpt-4o-mini"), failing, &collector.address(), wants).await;
    for round in 0..8 {
        let content = format!("canary-prompt {round}");
        let tools = json!([{"type": "function", "function": {"name": "canary_tool", "parameters": {"type": "object", "properties": {}}}}]);
        let messages = json!([{"role": "system", "content": "canary-system"}, {"role": "user", "content": content}]);
        house.ask_with(&json!({"messages": messages, "tools": tools}), &[]).await;
    }
    house.ask_with(&json!({"messages": "canary-prompt", "model": 7}), &[]).await;
    house.stop().await;
    assert!(std::fs::read_to_string(&records).unwrap().contains("canary-answer"), "the answer was there to be kept");
    let spans = collector.spans().await;
    (collector, spans)
}

#[tokio::test]
async fn no_content_no_key_and_no_consumer_stands_in_a_span() {
    let (collector, spans) = traffic("").await;
    assert_eq!(spans.len(), 8 * 4 + 1, "each with its answer, its copy and its repetition, and the refused one");
    let seen: Vec<u8> = collector.bodies().await.concat();
    let seen = String::from_utf8_lossy(&seen);
    assert!(seen.contains("weighbridge.pair"), "attributes can be found by their text");
    let at = seen.find("canary");
    assert_eq!(at, None, "...{}", &seen[at.unwrap_or(0).saturating_sub(40)..].chars().take(120).collect::<String>());
}

#[tokio::test]
async fn the_consumer_is_named_where_it_is_wanted_and_nothing_else() {
    let (collector, spans) = traffic("consumer = true").await;
    let named = spans.iter().filter(|span| attribute(span, "weighbridge.consumer").as_deref() == Some("canary-team"));
    assert_eq!(named.count(), 8 * 4, "of the refused one nobody knows what it would have been");
    let seen: Vec<u8> = collector.bodies().await.concat();
    let seen = String::from_utf8_lossy(&seen).replace("canary-team", "");
    assert!(!seen.contains("canary"), "{seen}");
}
