//! The page of numbers: what the records say, summed up, and nothing that is anybody's business.
#![expect(clippy::float_cmp, reason = "numbers of things, which are exact")]

use crate::harness::{Answer, House, PROVIDER_KEY, Plan, TOKEN, chat, environment, read, until};
use datasets::{Exchange, Role};
use mocks::{Faults, Latency, Profile};
use serde_json::json;
use std::collections::BTreeMap;
use std::path::Path;

/// Samples by name and labels, as they stand on the page.
struct Page {
    text: String,
    samples: BTreeMap<String, f64>,
}

impl Page {
    async fn of(house: &House) -> Self {
        let answer = scrape(house, Some("application/openmetrics-text; version=1.0.0; q=0.5, */*; q=0.1")).await;
        assert_eq!(answer.status, 200);
        assert!(answer.header("content-type").starts_with("application/openmetrics-text"));
        assert!(answer.text.ends_with("# EOF\n"));
        Self::parse(answer.text)
    }

    fn parse(text: String) -> Self {
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        let sample = |line: &str| {
            let (key, value) = line.rsplit_once(' ').unwrap();
            (key.to_owned(), value.parse().unwrap())
        };
        let samples = lines.map(sample).collect();
        Self { text, samples }
    }

    fn get(&self, key: &str) -> f64 {
        *self.samples.get(key).unwrap_or_else(|| panic!("{key} is not in\n{}", self.text))
    }

    /// The sum over all samples of a metric that carry these labels.
    fn sum(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let labels: Vec<String> = labels.iter().map(|(label, value)| format!("{label}=\"{value}\"")).collect();
        let fits = |key: &str| key.split('{').next() == Some(name) && labels.iter().all(|label| key.contains(label));
        self.samples.iter().filter(|(key, _)| fits(key)).map(|(_, value)| value).sum()
    }
}

/// The page as a scraper gets it that accepts this.
async fn scrape(house: &House, accept: Option<&str>) -> Answer {
    let request = house.client.get(format!("http://{}/metrics", house.gateway.admin_address)).bearer_auth(TOKEN);
    let request = accept.iter().fold(request, |request, accept| request.header("accept", *accept));
    read(request.send().await.unwrap()).await
}

const fn role(role: Role) -> &'static str {
    match role {
        Role::Served => "served",
        Role::Shadow => "shadow",
        Role::Fallback => "fallback",
        Role::Repeat => "repeat",
        Role::Replayed => "replayed",
        Role::Observed => "observed",
    }
}

/// Every counter of exchanges is the sum over the records, for each arm and role.
fn agree(page: &Page, records: &[Exchange]) {
    let mut groups: BTreeMap<_, Vec<&Exchange>> = BTreeMap::new();
    for record in records {
        groups.entry((record.arm.name(), role(record.role))).or_default().push(record);
    }
    assert_eq!(page.sum("weighbridge_exchanges_total", &[]), records.len() as f64, "{}", page.text);
    for ((arm, role), group) in groups {
        let labels = [("arm", arm), ("role", role)];
        let mut outcomes: BTreeMap<&str, f64> = BTreeMap::new();
        for record in &group {
            *outcomes.entry(record.error.map_or("ok", wire::ErrorKind::name)).or_default() += 1.0;
        }
        for (outcome, count) in outcomes {
            let counted = page.sum("weighbridge_exchanges_total", &[labels[0], labels[1], ("outcome", outcome)]);
            assert_eq!(counted, count, "{labels:?} {outcome}");
        }
        let total = |of: &dyn Fn(&Exchange) -> u64| group.iter().map(|record| of(record)).sum::<u64>() as f64;
        let prompt = total(&|record| record.usage.map_or(0, |usage| usage.prompt));
        let completion = total(&|record| record.usage.map_or(0, |usage| usage.completion));
        assert_eq!(page.sum("weighbridge_prompt_tokens_total", &labels), prompt, "{labels:?}");
        assert_eq!(page.sum("weighbridge_completion_tokens_total", &labels), completion, "{labels:?}");
        let cost = total(&|record| record.cost_nanos.unwrap_or_default().unsigned_abs()) / 1e9;
        let counted = page.sum("weighbridge_cost_usd_total", &labels);
        assert!((counted - cost).abs() < 1e-9, "{labels:?}: {counted} {cost}");
        let timed = total(&|record| u64::from(record.ttft_us.is_some()));
        assert_eq!(page.sum("weighbridge_first_token_seconds_count", &labels), timed, "{labels:?}");
        let fine = total(&|record| u64::from(record.error.is_none()));
        assert_eq!(page.sum("weighbridge_duration_seconds_count", &labels), fine, "{labels:?}");
        let again = total(&|record| u64::from(record.attempts - 1));
        assert_eq!(page.sum("weighbridge_retries_total", &labels), again, "{labels:?}");
    }
}

#[tokio::test]
async fn the_counters_are_the_records_summed_up_before_and_after_a_reload() {
    let faults = Faults { error_500: 0.2, error_429: 0.1, truncate: 0.2, ..Faults::default() };
    let deepseek = Profile { faults, ..Profile::instant() };
    let plan = || Plan {
        weight_percent: 50.0,
        shadow_percent: 100.0,
        deepseek: deepseek.clone(),
        deepseek_extra: "breaker = false",
        migration: "repeat_percent = 50",
        ..Plan::default()
    };
    let house = plan().build().await;
    for index in 0..60 {
        house.ask(&chat(&format!("question {index}"), &json!({"stream": index % 2 == 0}))).await;
    }
    let before = house.records().await;
    let page = Page::of(&house).await;
    agree(&page, &before);
    assert!(page.sum("weighbridge_fallbacks_total", &[]) > 0.0, "the candidate failed now and then");
    assert_eq!(page.get("weighbridge_weight_percent{migration=\"move\"}"), 50.0);
    assert_eq!(page.get("weighbridge_shadow_percent{migration=\"move\"}"), 100.0);

    let (openai, candidate) = (house.openai.base_url(), house.deepseek.base_url());
    let text = Plan { weight_percent: 25.0, ..plan() }.config(&openai, &candidate, &house.records);
    let config = gateway::Config::parse(&text, Path::new("test.toml"), &environment).unwrap();
    house.gateway.reload(config).await.unwrap();
    for index in 60..90 {
        house.ask(&chat(&format!("question {index}"), &json!({"stream": index % 2 == 0}))).await;
    }
    let records = house.records().await;
    assert!(records.len() >= before.len() + 30);
    let page = Page::of(&house).await;
    agree(&page, &records);
    assert_eq!(page.get("weighbridge_weight_percent{migration=\"move\"}"), 25.0);
    assert_eq!(page.get("weighbridge_epoch{migration=\"move\"}"), house.gateway.epoch() as f64);
    assert_eq!(page.get("weighbridge_records_written_total"), records.len() as f64);
    assert_eq!(page.get("weighbridge_records_healthy"), 1.0);
    assert!(page.sum("weighbridge_shadow_tax_seconds_count", &[]) > 0.0, "requests were mirrored");
    let copies = records.iter().filter(|record| matches!(record.role, Role::Shadow | Role::Repeat)).count();
    assert_eq!(page.get("weighbridge_shadow_finished_total"), copies as f64);
}

#[tokio::test]
async fn the_page_follows_what_is_going_on() {
    let constant = |median_ms| Latency { median_ms, sigma: 0.0 };
    let hanging = Profile { time_scale: 1.0, first_token: constant(600_000.0), ..Profile::instant() };
    let house = Plan { openai: hanging, extra: "server.requests_in_flight_max = 3\n", ..Plan::default() }.build().await;
    let held: Vec<_> = (0..3)
        .map(|index| tokio::spawn(house.client.post(house.url()).json(&chat(&format!("q {index}"), &json!({}))).send()))
        .collect();
    until("three are under way", || house.openai.requests().counts().in_flight == 3).await;
    assert_eq!(house.ask(&chat("one more", &json!({}))).await.status, 503);
    let page = Page::of(&house).await;
    assert_eq!(page.get("weighbridge_requests_in_flight"), 3.0);
    assert_eq!(page.get("weighbridge_provider_in_flight{provider=\"openai\",plane=\"serving\"}"), 3.0);
    assert_eq!(page.get("weighbridge_requests_shed_total{reason=\"requests_in_flight\"}"), 1.0);
    held.iter().for_each(tokio::task::JoinHandle::abort);
    until("the provider sees them go", || house.openai.requests().counts().in_flight == 0).await;
    let page = Page::of(&house).await;
    assert_eq!(page.get("weighbridge_requests_in_flight"), 0.0);
    assert_eq!(page.sum("weighbridge_exchanges_total", &[("outcome", "client_cancelled")]), 3.0);
}

#[tokio::test]
async fn breakers_show_for_serving_and_mirroring_apart() {
    let down = Profile { faults: Faults { error_500: 1.0, ..Faults::default() }, ..Profile::instant() };
    let breaker =
        "retry = { attempts_max = 1 }\nbreaker = { minimum = 3, open_for = \"600s\", open_for_max = \"600s\" }";
    let house =
        Plan { shadow_percent: 100.0, deepseek: down, deepseek_extra: breaker, ..Plan::default() }.build().await;
    for index in 0..5 {
        assert_eq!(house.ask(&chat(&format!("q {index}"), &json!({}))).await.status, 200);
        house.gateway.settle().await;
    }
    let page = Page::of(&house).await;
    let state = |provider: &str, plane: &str, state: &str| {
        page.get(&format!("weighbridge_breaker_state{{provider=\"{provider}\",plane=\"{plane}\",state=\"{state}\"}}"))
    };
    assert_eq!((state("deepseek", "mirroring", "open"), state("deepseek", "mirroring", "closed")), (1.0, 0.0));
    assert_eq!((state("deepseek", "serving", "open"), state("deepseek", "serving", "closed")), (0.0, 1.0));
    assert_eq!(state("openai", "serving", "closed"), 1.0);
    assert_eq!(page.get("weighbridge_breaker_opened_total{provider=\"deepseek\",plane=\"mirroring\"}"), 1.0);
    assert_eq!(page.get("weighbridge_shadow_dropped_total{reason=\"breaker_open\"}"), 2.0);
}

#[tokio::test]
async fn nobodys_secret_is_on_the_page() {
    let house = Plan { weight_percent: 50.0, shadow_percent: 100.0, ..Plan::default() }.build().await;
    let secrets =
        ["prompt-secret", "user-secret", "cache-secret", "model-secret", "header-secret", "sk-old-key-of-the-client"];
    let more = json!({"user": "user-secret", "prompt_cache_key": "cache-secret", "metadata": {"id": "user-secret"}});
    for (index, model) in ["gpt-4o-mini", "model-secret \" what", "gpt-4o-mini"].into_iter().enumerate() {
        let mut body = chat(&format!("prompt-secret {index}"), &more);
        body["model"] = json!(model);
        house.ask_as(&body, &[("x-request-id", "header-secret"), ("x-weighbridge-consumer", "header-secret")]).await;
    }
    let url = format!("http://{}/v1/header-secret", house.gateway.address);
    assert_eq!(house.client.get(url).send().await.unwrap().status(), 404);
    house.records().await;
    let page = Page::of(&house).await;
    for secret in secrets.into_iter().chain([PROVIDER_KEY, TOKEN]) {
        assert!(!page.text.contains(secret), "{secret} is in\n{}", page.text);
    }
    // And the page itself is for those who have the token.
    for token in ["", "wrong", PROVIDER_KEY] {
        let url = format!("http://{}/metrics", house.gateway.admin_address);
        let answer = read(house.client.get(url).bearer_auth(token).send().await.unwrap()).await;
        assert_eq!((answer.status, answer.text.contains("weighbridge_")), (401, false));
    }
    let url = format!("http://{}/metrics", house.gateway.address);
    assert_eq!(
        house.client.get(url).bearer_auth(TOKEN).send().await.unwrap().status(),
        404,
        "not on the clients' side"
    );
}

/// Without a word, with `*/*` and with `text/plain` it is the older text; the samples are the same.
#[tokio::test]
async fn scrapers_get_the_text_that_they_can_read_and_the_views_that_are_on() {
    let house = Plan { weight_percent: 50.0, extra: "metrics = { higress = true }\n", ..Plan::default() }.build().await;
    for index in 0..20 {
        let more = json!({"stream": index % 2 == 0, "stream_options": {"include_usage": true}});
        let more = if index % 2 == 0 { more } else { json!({}) };
        house.ask(&chat(&format!("question {index}"), &more)).await;
    }
    let records = house.records().await;
    let open = Page::of(&house).await;
    for accept in [None, Some("*/*"), Some("text/plain;version=0.0.4;q=1,*/*;q=0.1")] {
        let plain = scrape(&house, accept).await;
        assert_eq!(plain.header("content-type"), "text/plain; version=0.0.4; charset=utf-8", "{accept:?}");
        assert!(!plain.text.contains("# EOF"));
        assert!(plain.text.contains("# TYPE weighbridge_exchanges_total counter\n"));
        assert!(plain.text.contains("# TYPE route_upstream_model_consumer_metric_input_token counter\n"));
        let plain = Page::parse(plain.text);
        assert!(plain.samples.keys().eq(open.samples.keys()), "{}", plain.text);
    }
    let reported: Vec<&Exchange> = records
        .iter()
        .filter(|record| record.usage.is_some_and(|usage| usage.source == wire::UsageSource::Provider))
        .collect();
    assert!(reported.len() >= 20);
    let total = |of: &dyn Fn(&Exchange) -> u64| reported.iter().map(|record| of(record)).sum::<u64>() as f64;
    let input = total(&|record| record.usage.map_or(0, |usage| usage.prompt));
    assert_eq!(open.sum("gen_ai_client_token_usage_sum", &[("gen_ai_token_type", "input")]), input);
    assert_eq!(open.sum("route_upstream_model_consumer_metric_input_token", &[("ai_consumer", "none")]), input);
    let count = reported.len() as f64;
    assert_eq!(open.sum("route_upstream_model_consumer_metric_llm_duration_count", &[("ai_route", "move")]), count);
    assert_eq!(open.sum("gen_ai_client_operation_duration_seconds_count", &[]), records.len() as f64);
    for (provider, arm) in [("openai", datasets::Arm::Baseline), ("deepseek", datasets::Arm::Candidate)] {
        let of_arm = records.iter().filter(|record| record.arm == arm).count() as f64;
        let counted = open.sum(
            "gen_ai_client_operation_duration_seconds_count",
            &[("gen_ai_operation_name", "chat"), ("gen_ai_provider_name", provider)],
        );
        assert_eq!(counted, of_arm, "{provider}");
    }
}
