//! Collectors that are well, dead, slow or full of complaints: no client notices, and every span is counted once.

use super::collector::Collector;
use super::*;

const ONE: &str = "weight_percent = 100";
/// Spans of one request that one arm serves.
const SPANS: u64 = 2;

/// Asks as often and expects that nobody notices anything.
async fn asked(house: &House, times: u64) {
    for _ in 0..times {
        assert_eq!(house.ask(&[]).await.0, 200);
    }
}

fn dropped(page: &str, reason: &str) -> u64 {
    sample(page, &format!("weighbridge_spans_dropped_total{{reason=\"{reason}\"}}"))
}

fn exported(page: &str) -> u64 {
    sample(page, "weighbridge_spans_exported_total")
}

/// Waits until as many spans have met their fate, and gives the page.
async fn counted(house: &House, spans: u64) -> String {
    let mut page = String::new();
    until("all spans are counted", async || {
        page = house.metrics().await;
        let reasons = ["queue_full", "export_failed", "rejected", "stopped"];
        exported(&page) + reasons.iter().map(|reason| dropped(&page, reason)).sum::<u64>() >= spans
    })
    .await;
    page
}

#[tokio::test]
async fn spans_leave_while_the_gateway_runs_and_are_counted() {
    let collector = Collector::start().await;
    let house = House::start(&collector.address(), Wants { migration: ONE, ..Wants::default() }).await;
    asked(&house, 3).await;
    let page = counted(&house, 3 * SPANS).await;
    assert_eq!((exported(&page), dropped(&page, "export_failed")), (3 * SPANS, 0));
    assert_eq!(collector.spans().await.len() as u64, 3 * SPANS);
    house.stop().await;
}

#[tokio::test]
async fn without_a_collector_there_are_neither_spans_nor_metrics_of_them() {
    let openai = provider(answer("a")).await;
    let mut config =
        config(&openai.uri(), &openai.uri(), "http://127.0.0.1:9", &Wants { migration: ONE, ..Wants::default() });
    config.traces = None;
    let running = crate::start(config, None).await.unwrap();
    let client = reqwest::Client::builder().timeout(Duration::from_secs(60)).build().unwrap();
    let house = House { deepseek: provider(answer("b")).await, openai, running, client };
    assert_eq!(house.ask(&[("traceparent", TRACEPARENT)]).await.0, 200);
    assert!(!house.metrics().await.contains("weighbridge_spans"));
    let (openai, _) = house.stop().await;
    assert_eq!(seen(&openai, "traceparent").await, [None]);
}

#[tokio::test]
async fn a_dead_collector_costs_no_client_anything() {
    // Nobody listens there any more.
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", gone.local_addr().unwrap());
    drop(gone);
    let wants = Wants { migration: ONE, traces: "timeout = \"150ms\"", ..Wants::default() };
    let house = House::start(&address, wants).await;
    asked(&house, 3).await;
    let page = counted(&house, 3 * SPANS).await;
    assert_eq!((dropped(&page, "export_failed"), exported(&page)), (3 * SPANS, 0));
    house.stop().await;
}

#[tokio::test]
async fn what_would_be_refused_again_is_sent_once() {
    let collector = Collector::answering(ResponseTemplate::new(500).set_body_string("canary")).await;
    let wants = Wants { migration: ONE, traces: "interval = \"200ms\"", ..Wants::default() };
    let house = House::start(&collector.address(), wants).await;
    asked(&house, 1).await;
    let page = counted(&house, SPANS).await;
    assert_eq!((dropped(&page, "export_failed"), exported(&page)), (SPANS, 0));
    let spans = collector.spans().await.len() as u64;
    assert_eq!(spans, SPANS, "each went out once");
    house.stop().await;
}

#[tokio::test]
async fn what_passes_is_tried_again_and_then_not_lost() {
    let busy = ResponseTemplate::new(503);
    let collector = Collector::answering_first(busy, 2, Collector::taking(0)).await;
    let wants = Wants { migration: ONE, traces: "timeout = \"60s\"", ..Wants::default() };
    let house = House::start(&collector.address(), wants).await;
    asked(&house, 1).await;
    let page = counted(&house, SPANS).await;
    assert_eq!((exported(&page), dropped(&page, "export_failed")), (SPANS, 0));
    assert!(collector.bodies().await.len() >= 3);
    house.stop().await;
}

#[tokio::test]
async fn what_a_collector_rejects_is_counted() {
    let collector = Collector::answering_first(Collector::taking(1), 1, Collector::taking(0)).await;
    let house = House::start(&collector.address(), Wants { migration: ONE, ..Wants::default() }).await;
    asked(&house, 1).await;
    let page = counted(&house, SPANS).await;
    assert_eq!((dropped(&page, "rejected"), exported(&page)), (1, SPANS - 1));
    house.stop().await;
}

#[tokio::test]
async fn a_slow_collector_fills_the_queue_and_what_does_not_fit_is_dropped() {
    let slow = Collector::taking(0).set_delay(Duration::from_secs(3600));
    let collector = Collector::answering(slow).await;
    let traces = "timeout = \"3600s\"\nqueue_spans_max = 4\nbatch_spans_max = 1";
    let house = House::start(&collector.address(), Wants { migration: ONE, traces, ..Wants::default() }).await;
    asked(&house, 1).await;
    // One span is under way for an hour; the other waits.
    until("an export is under way", async || !collector.bodies().await.is_empty()).await;
    asked(&house, 4).await;
    until("what does not fit was dropped", async || dropped(&house.metrics().await, "queue_full") == 5 * SPANS - 5)
        .await;
    assert_eq!(exported(&house.metrics().await), 0);
    drop(house);
}

#[tokio::test]
async fn stopping_exports_what_waits_and_gives_up_in_time() {
    // Nobody collects for an hour, except at the end.
    let collector = Collector::start().await;
    let wants = Wants { migration: ONE, traces: "interval = \"3600s\"\nbatch_spans_max = 4", ..Wants::default() };
    let house = House::start(&collector.address(), wants).await;
    asked(&house, 3).await;
    house.stop().await;
    let sizes: Vec<usize> =
        collector.exports().await.iter().map(|export| export.resource_spans[0].scope_spans[0].spans.len()).collect();
    assert_eq!(sizes, [4, 2], "a full batch at once, the rest at the end");
    // A collector that never answers cannot hold the end up.
    let hanging = Collector::answering(Collector::taking(0).set_delay(Duration::from_secs(3600))).await;
    let wants = Wants { migration: ONE, traces: "timeout = \"100ms\"", ..Wants::default() };
    let house = House::start(&hanging.address(), wants).await;
    asked(&house, 1).await;
    let stopped = tokio::time::timeout(Duration::from_secs(60), house.stop()).await;
    assert!(stopped.is_ok(), "it hangs with its collector");
}
