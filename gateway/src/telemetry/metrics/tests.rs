//! The page is parsed back by a parser that accepts nothing but what OpenMetrics allows.

mod readings;
mod strict;
mod views;

use super::*;
use crate::telemetry::names;
use datasets::Moderation;
use readings::readings;
use strict::Parsed;
use wire::ErrorKind;

fn exchange(model: &str) -> Exchange {
    let text = r#"{"pair":"p","arm":"baseline","role":"served","migration":"m","epoch":1,"weight_bp":1000,
        "provider":"openai","model":"x","streamed":true,"at_us":1,"sent_us":2,"first_event_us":90000,"ttft_us":200000,"first_visible_us":700000,"duration_us":1200000,
        "status":200,"consumer":"team-a","prompt_chars":4,"answer_chars":5,"cost_nanos":525000,
        "usage":{"prompt":100,"completion":11,"cached":40,"reasoning":3,"source":"provider"}}"#;
    Exchange { model: model.to_owned(), ..serde_json::from_str(text).unwrap() }
}

fn metrics() -> Metrics {
    Metrics::new(1_700_000_000_500_000)
}

/// Only our own names.
const OWN: MetricViews = MetricViews { gen_ai: false, higress: false };

fn page(metrics: &Metrics, readings: Readings) -> Parsed {
    seen(metrics, readings, OWN)
}

fn seen(metrics: &Metrics, readings: Readings, views: MetricViews) -> Parsed {
    let text = metrics.render(readings, views).unwrap();
    strict::parse(&text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

const BASE: &str = "arm=baseline,consumer=team-a,endpoint=chat,migration=m,model=gpt-4o,provider=openai,role=served";

#[test]
fn an_exchange_adds_its_tokens_money_and_times() {
    let metrics = metrics();
    metrics.observe(&exchange("gpt-4o"));
    metrics.observe(&exchange("gpt-4o"));
    let page = page(&metrics, Readings::default());
    for (name, expected) in [
        ("weighbridge_prompt_tokens_total", 200.0),
        ("weighbridge_prompt_cached_tokens_total", 80.0),
        ("weighbridge_completion_tokens_total", 22.0),
        ("weighbridge_completion_reasoning_tokens_total", 6.0),
        ("weighbridge_cost_usd_total", 0.001_05),
        ("weighbridge_duration_seconds_sum", 2.4),
        ("weighbridge_duration_seconds_count", 2.0),
        ("weighbridge_first_event_seconds_sum", 0.18),
        ("weighbridge_first_token_seconds_sum", 0.4),
        ("weighbridge_first_visible_seconds_sum", 1.4),
        // (1.2 s - 0.2 s) over the ten tokens after the first.
        ("weighbridge_output_token_seconds_sum", 0.2),
        ("weighbridge_output_token_seconds_count", 2.0),
    ] {
        let value = page.value(name, BASE);
        assert!((value - expected).abs() < 1e-9, "{name} is {value}");
    }
    assert!((page.value("weighbridge_exchanges_total", &with("outcome", "ok")) - 2.0).abs() < 1e-9);
    let bucket = |le: &str| page.value("weighbridge_duration_seconds_bucket", &with("le", le));
    assert!(bucket("0.64") < 0.5 && bucket("1.28") > 1.5 && bucket("+Inf") > 1.5);
    // What did not happen is not there.
    for absent in ["weighbridge_retries_total", "weighbridge_fallbacks_total", "weighbridge_exchanges_unpriced_total"] {
        assert_eq!(page.find(absent, BASE), None, "{absent}");
    }
}

/// The base labels and one more, in the order in which [`Parsed`] names them.
fn with(name: &str, value: &str) -> String {
    let more = format!("{name}={value}");
    let mut all: Vec<&str> = BASE.split(',').chain([more.as_str()]).collect();
    all.sort_unstable();
    all.join(",")
}

#[test]
fn failures_are_counted_by_kind_and_are_no_latency() {
    let metrics = metrics();
    metrics.observe(&exchange("deepseek-flash"));
    let failed = Exchange {
        error: Some(ErrorKind::RateLimit),
        role: Role::Fallback,
        attempts: 3,
        usage: None,
        ttft_us: None,
        moderation: Some(Moderation::BlockedByProvider),
        form_failure: Some("something_new".to_owned()),
        ..exchange("deepseek-flash")
    };
    metrics.observe(&failed);
    let page = page(&metrics, Readings::default());
    let fallback = |text: &str| text.replace("gpt-4o", "deepseek-flash").replace("role=served", "role=fallback");
    let base = fallback(BASE);
    for (name, expected) in [
        ("weighbridge_retries_total", 2.0),
        ("weighbridge_fallbacks_total", 1.0),
        ("weighbridge_moderation_blocks_total", 1.0),
    ] {
        assert!((page.value(name, &base) - expected).abs() < 1e-9, "{name}");
    }
    let outcome = fallback(&with("outcome", "rate_limit"));
    assert!((page.value("weighbridge_exchanges_total", &outcome) - 1.0).abs() < 1e-9);
    let failure = fallback(&with("failure", "other"));
    assert!((page.value("weighbridge_form_failures_total", &failure) - 1.0).abs() < 1e-9);
    assert_eq!(page.find("weighbridge_duration_seconds_count", &base), None);
}

#[test]
fn series_are_bounded_whatever_clients_name() {
    let metrics = metrics();
    for number in 0..SERIES_MAX + 500 {
        metrics.observe(&exchange(&format!("ft:model-{number}")));
    }
    let page = page(&metrics, Readings::default());
    let total: f64 = page.all("weighbridge_exchanges_total").map(|(_, value)| value).sum();
    assert!((total - 2500.0).abs() < 1e-9);
    assert_eq!(page.all("weighbridge_exchanges_total").count(), SERIES_MAX + 1);
    assert!((page.value("weighbridge_exchanges_folded_total", "") - 500.0).abs() < 1e-9);
}

#[test]
fn an_invented_model_that_fails_is_no_label_and_a_configured_one_is() {
    let metrics = metrics();
    let config =
        crate::Config::parse(include_str!("../../../examples/split.toml"), std::path::Path::new("split.toml"), &|_| {
            Some("x".to_owned())
        });
    metrics.learn_models(&config.unwrap().migrations);
    for model in ["invented-by-a-client", "deepseek-flash"] {
        let failed = Exchange { error: Some(ErrorKind::NotFound), ..exchange(model) };
        metrics.observe(&failed);
    }
    let text = metrics.render(Readings::default(), OWN).unwrap();
    assert!(text.contains("model=\"deepseek-flash\"") && text.contains("model=\"other\""));
    assert!(!text.contains("invented"));
}

#[test]
fn models_in_use_are_those_with_a_label_each_once() {
    let metrics = metrics();
    metrics.observe(&exchange("gpt-4o"));
    metrics.observe(&Exchange { consumer: None, ..exchange("gpt-4o") });
    metrics.observe(&Exchange { provider: "deepseek".to_owned(), ..exchange("deepseek-flash") });
    metrics.observe(&exchange("no label of a provider"));
    let pair = |provider: &str, model: &str| (provider.to_owned(), model.to_owned());
    let expected = [pair("deepseek", "deepseek-flash"), pair("openai", "gpt-4o")];
    assert_eq!(metrics.models_in_use().into_iter().collect::<Vec<_>>(), expected);
}

#[test]
fn readings_are_on_the_page() {
    let metrics = metrics();
    metrics.sent_after(Duration::from_micros(120));
    metrics.copied(Duration::from_nanos(1500));
    metrics.copied(Duration::from_nanos(2499));
    for _ in 0..3 {
        metrics.shed();
        metrics.unfit("m", "n>1");
    }
    let page = page(&metrics, readings());
    let provider = "plane=serving,provider=a \"quoted\\name\"\nof two lines";
    for (name, labels, expected) in [
        ("weighbridge_requests_in_flight", "", 7.0),
        ("weighbridge_requests_shed_total", "reason=requests_in_flight", 3.0),
        ("weighbridge_requests_shed_total", "reason=request_bytes_in_flight", 2.0),
        ("weighbridge_requests_in_flight_max", "", 4096.0),
        ("weighbridge_requests_held_bytes", "", 77.0),
        ("weighbridge_requests_held_max_bytes", "", 1000.0),
        ("weighbridge_migration_info", "baseline=openai,candidate=deepseek,migration=m", 1.0),
        ("weighbridge_shadow_paused", "migration=m", 1.0),
        ("weighbridge_verdict", "migration=m,verdict=no-go", 1.0),
        ("weighbridge_verdict", "migration=m,verdict=go", 0.0),
        ("weighbridge_verdict_age_seconds", "migration=m", 90.0),
        ("weighbridge_verdict_in_force", "migration=m", 1.0),
        ("weighbridge_guardrail_state", "metric=error_rate,migration=m,segment=all,state=fail", 1.0),
        (
            "weighbridge_guardrail_state",
            "metric=latency_p95,migration=m,segment=consumer=\"a\",state=hold-insufficient",
            1.0,
        ),
        ("weighbridge_shadow_tax_seconds_bucket", "le=0.000002", 2.0),
        ("weighbridge_shadow_tax_seconds_bucket", "le=0.000001", 0.0),
        ("weighbridge_shadow_tax_seconds_sum", "", 0.000_004),
        ("weighbridge_shadow_queue_copies", "", 1.0),
        ("weighbridge_shadow_queue_max_copies", "", 10.0),
        ("weighbridge_shadow_held_max_bytes", "", 20.0),
        ("weighbridge_shadow_budget_usd", "", 25.0),
        ("weighbridge_records_queue_max_lines", "", 30.0),
        ("weighbridge_unfit_total", "feature=n>1,migration=m", 3.0),
        ("weighbridge_weight_percent", "migration=m", 12.34),
        ("weighbridge_shadow_percent", "migration=m", 100.0),
        ("weighbridge_epoch", "migration=m", 1_700_000_000_123.0),
        ("weighbridge_shadow_dropped_total", "reason=budget_spent", 5.0),
        ("weighbridge_shadow_spent_today_usd", "", 1.5),
        ("weighbridge_price_table_age_seconds", "", 86_400.0),
        ("weighbridge_price_stale", "model=a \"b\",provider=openai", 1.0),
        ("weighbridge_price_stale", "model=c,provider=deepseek", 0.0),
        ("weighbridge_records_written_total", "", 9.0),
        ("weighbridge_records_healthy", "", 0.0),
        ("weighbridge_spans_exported_total", "", 8.0),
        ("weighbridge_spans_dropped_total", "reason=queue_full", 2.0),
        ("weighbridge_quota_refused_total", "limit=team-a", 5.0),
        ("weighbridge_quota_left_percent", "limit=team-a,unit=tokens", 12.5),
        ("weighbridge_quota_journal_errors_total", "", 4.0),
        ("weighbridge_records_dropped_total", "reason=disk", 3.0),
        ("weighbridge_provider_retries_total", provider, 5.0),
        ("weighbridge_provider_refused_total", &format!("{provider},reason=breaker"), 8.0),
        ("weighbridge_breaker_opened_total", provider, 12.0),
        ("weighbridge_provider_keys", &format!("{provider},state=in_use"), 2.0),
        ("weighbridge_provider_keys", &format!("{provider},state=resting"), 1.0),
        ("weighbridge_provider_key_failovers_total", provider, 14.0),
        ("weighbridge_breaker_state", &format!("{provider},state=half_open"), 1.0),
        ("weighbridge_breaker_state", &format!("{provider},state=closed"), 0.0),
        ("weighbridge_keys_refused_total", "reason=unknown", 3.0),
        ("weighbridge_keys_waiting", "", 4.0),
        ("weighbridge_keys_old_uses_total", "", 6.0),
        ("weighbridge_keys_changes_total", "result=refused", 1.0),
        ("weighbridge_overhead_seconds_bucket", "le=0.00015", 1.0),
        ("weighbridge_overhead_seconds_bucket", "le=0.0001", 0.0),
        ("weighbridge_guard_checks_total", "backend=judge", 5.0),
        ("weighbridge_guard_calls_total", "backend=judge", 1.0),
        ("weighbridge_guard_cached_total", "backend=judge", 4.0),
        ("weighbridge_guard_failures_total", "backend=judge,reason=malformed", 1.0),
        ("weighbridge_guard_failures_total", "backend=judge,reason=timeout", 0.0),
        ("weighbridge_guard_call_seconds_bucket", "backend=judge,le=0.025", 1.0),
        ("weighbridge_guard_call_seconds_bucket", "backend=judge,le=0.01", 0.0),
        ("weighbridge_guard_in_flight", "backend=judge", 2.0),
        ("weighbridge_guard_cache_bytes", "backend=judge", 3.0),
        ("weighbridge_guard_breaker_state", "backend=judge,state=open", 1.0),
        ("weighbridge_redis_up", "", 1.0),
        ("weighbridge_redis_failures_total", "function=quotas", 6.0),
        ("process_start_time_seconds", "", 1_700_000_000.5),
        ("weighbridge_build_info", &format!("version={}", env!("CARGO_PKG_VERSION")), 1.0),
    ] {
        let value = page.value(name, labels);
        assert!((value - expected).abs() < 1e-9, "{name}{{{labels}}} is {value}");
    }
}

#[test]
fn every_family_of_the_list_is_on_a_full_page_once_with_the_labels_it_promises() {
    let metrics = metrics();
    let full = Exchange { form_failure: Some("empty".to_owned()), ..exchange("gpt-4o") };
    metrics.observe(&full);
    let page = page(&metrics, readings());
    for metric in names::own() {
        assert_eq!(page.families.iter().filter(|family| *family == metric.name).count(), 1, "{}", metric.name);
        for (labels, _) in page.of_family(metric.name) {
            let names: Vec<&str> = labels.iter().map(|label| label.0.as_str()).filter(|name| *name != "le").collect();
            assert_eq!(names, metric.labels, "{}", metric.name);
        }
    }
    assert_eq!(page.families.len(), names::own().len());
}
