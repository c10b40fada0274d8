//! Counts that are lost: whatever ends a call before the provider's report, its record holds an estimate that says so, of
//! everything that is billed; and records, usage, quotas and metrics agree about it to the nano-dollar.

use crate::command::run;
use crate::harness::{House, Plan, client, until};
use crate::quota::{agrees, faulty, json_of, silent, wide};
use crate::raw;
use datasets::{Arm, Exchange, Format, Lines, Role};
use mocks::{Faults, Profile};
use serde_json::{Value, json};
use wire::{ErrorKind, UsageSource};

/// Deadlines that end a test soon.
const SHORT: &str = "first_token_timeout = \"300ms\"\nheaders_timeout = \"300ms\"\nidle_timeout = \"300ms\"\ntotal_timeout = \"2s\"\n\
                     retry = { attempts_max = 1 }";

/// A request of which most is not visible text.
fn body(stream: bool) -> Value {
    let parameters = json!({"type": "object", "properties": {
        "location": {"type": "string", "description": "The city and state, e.g. San Francisco, CA"},
        "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]},
        "days_ahead": {"type": "integer", "minimum": 0, "maximum": 14}}, "required": ["location"]});
    let tool = |name: &str| {
        let description = "Tells the weather in a place that the user names, as a short sentence without any numbers";
        json!({"type": "function", "function": {"name": name, "description": description, "parameters": parameters}})
    };
    json!({"model": "gpt-4o-mini", "stream": stream, "max_tokens": 400, "tool_choice": "none",
        "messages": [{"role": "user", "content": "What will the weather be like in Paris tomorrow?"}],
        "tools": [tool("current_weather"), tool("weather_of_tomorrow"), tool("weather_of_last_week")]})
}

/// What the providers count of that prompt: each arm's own report.
async fn reported() -> [u64; 2] {
    let house = Plan { shadow_percent: 100.0, ..Plan::default() }.build().await;
    assert_eq!(house.ask(&body(false)).await.status, 200);
    let records = house.records().await;
    [Arm::Baseline, Arm::Candidate].map(|arm| {
        let usage = records.iter().find(|record| record.arm == arm).unwrap().usage.unwrap();
        assert_eq!(usage.source, UsageSource::Provider);
        usage.prompt
    })
}

/// The record says that it is an estimate, and its prompt is near what the provider would have reported.
fn is_estimate(record: &Exchange, reported: [u64; 2], case: &str) {
    let usage = record.usage.unwrap_or_else(|| panic!("{case}: no usage: {record:?}"));
    assert_eq!(usage.source, UsageSource::Estimate, "{case}");
    let reported = reported[usize::from(record.arm == Arm::Candidate)];
    let range = reported * 6 / 10..=reported * 14 / 10;
    assert!(range.contains(&usage.prompt), "{case}: {} where {reported} would be reported", usage.prompt);
    assert!(usage.completion <= 400, "{case}: never more than the request allows: {usage:?}");
    assert!(record.cost_nanos.is_some_and(|nanos| nanos > 0), "{case}");
}

/// Usage by the admin plane is the sum of the records, and the metrics count the estimates by their reason.
async fn is_told(house: &House, reason: &str, case: &str) {
    let records = house.records().await;
    let estimated: Vec<&Exchange> =
        records.iter().filter(|one| one.usage.is_some_and(|usage| usage.source == UsageSource::Estimate)).collect();
    let total = json_of(house, "/admin/v1/usage?by=day").await["total"].clone();
    let nanos = |records: &[&Exchange]| -> i64 { records.iter().filter_map(|one| one.cost_nanos).sum() };
    let tokens: u64 = estimated.iter().filter_map(|one| one.usage).map(|usage| usage.prompt + usage.completion).sum();
    assert_eq!(total["cost_nanos"], nanos(&records.iter().collect::<Vec<_>>()), "{case}");
    assert_eq!(total["estimated_cost_nanos"], nanos(&estimated), "{case}");
    assert_eq!(total["estimated_requests"], estimated.len(), "{case}");
    assert_eq!(total["tokens"]["estimated"], tokens, "{case}");
    let page = house.admin("/metrics").await.text;
    let arm = estimated[0].arm.name();
    let sample =
        format!("weighbridge_usage_estimated_total{{arm=\"{arm}\",reason=\"{reason}\"}} {}\n", estimated.len());
    assert!(page.contains(&sample), "{case}: {sample}{page}");
}

#[tokio::test]
async fn what_a_provider_breaks_off_is_estimated_marked_and_told() {
    let reported = reported().await;
    for (case, profile, streams, reason) in [
        ("truncated", faulty(Faults { truncate: 1.0, ..Faults::default() }), &[true][..], "broken_off"),
        ("connection broken", faulty(Faults { abort: 1.0, ..Faults::default() }), &[true, false], "broken_off"),
        ("stalled", faulty(Faults { stall: 1.0, ..Faults::default() }), &[true, false], "timeout"),
        ("silent", silent(), &[true, false], "timeout"),
    ] {
        let house = Plan { openai: profile, openai_extra: SHORT, ..wide() }.build().await;
        for stream in streams {
            let request = house.client.post(house.url()).json(&body(*stream));
            // An answer that breaks off is an error of the body for a client.
            let _broken = request.send().await.unwrap().bytes().await;
        }
        let records = house.records().await;
        assert_eq!(records.len(), streams.len(), "{case}");
        records.iter().for_each(|record| is_estimate(record, reported, case));
        agrees(&house, case).await;
        is_told(&house, reason, case).await;
    }
}

#[tokio::test]
async fn a_client_that_leaves_before_the_report_is_charged_for_what_it_asked() {
    let reported = reported().await;
    // In the middle of the answer.
    let stalled = faulty(Faults { stall: 1.0, ..Faults::default() });
    let house = Plan { openai: stalled, ..wide() }.build().await;
    let mut response = house.client.post(house.url()).json(&body(true)).send().await.unwrap();
    response.chunk().await.unwrap().unwrap();
    drop(response);
    agrees(&house, "in the middle").await;
    is_estimate(&house.records().await[0], reported, "in the middle");
    is_told(&house, "client_left", "in the middle").await;
    // Before any of it.
    for stream in [true, false] {
        let house = Plan { openai: silent(), ..wide() }.build().await;
        let asking = tokio::spawn(house.client.post(house.url()).json(&body(stream)).send());
        until("the provider was asked", || house.openai.requests().counts().received == 1).await;
        asking.abort();
        let _aborted = asking.await;
        agrees(&house, "before the answer").await;
        is_estimate(&house.records().await[0], reported, "before the answer");
        is_told(&house, "client_left", "before the answer").await;
    }
}

#[tokio::test]
async fn a_client_that_leaves_behind_the_report_is_charged_by_it() {
    let provider = raw::Provider::start().await;
    let house = Plan { baseline_url: Some(provider.url.clone()), ..wide() }.build().await;
    let (url, http) = (house.url(), client());
    let asking = tokio::spawn(async move {
        let mut asked = body(true);
        asked["stream_options"] = json!({"include_usage": true});
        let mut response = http.post(url).json(&asked).send().await.unwrap();
        let mut seen = String::new();
        while !seen.contains("prompt_tokens") {
            seen.push_str(&String::from_utf8_lossy(&response.chunk().await.unwrap().unwrap()));
        }
    });
    let mut call = provider.call().await;
    call.begin_stream().await;
    for chunk in [
        json!({"model": "gpt-4o-mini", "service_tier": "priority", "choices": [{"index": 0, "delta": {"content": "Rain."}}]}),
        json!({"choices": [], "usage": {"prompt_tokens": 1234, "completion_tokens": 5, "total_tokens": 1239}}),
    ] {
        call.send(format!("data: {chunk}\n\n")).await;
    }
    asking.await.unwrap();
    call.hung_up().await;
    agrees(&house, "behind the report").await;
    let record = &house.records().await[0];
    let usage = record.usage.unwrap();
    assert_eq!((usage.prompt, usage.completion, usage.source), (1234, 5, UsageSource::Provider));
    assert_eq!((record.error, record.tier), (Some(ErrorKind::ClientCancelled), wire::price::Tier::Priority));
}

#[tokio::test]
async fn what_was_refused_or_never_sent_costs_nothing() {
    for (case, profile) in [
        ("429", faulty(Faults { error_429: 1.0, ..Faults::default() })),
        ("500", faulty(Faults { error_500: 1.0, ..Faults::default() })),
        ("reset", faulty(Faults { reset: 1.0, ..Faults::default() })),
        ("late error", faulty(Faults { late_error: 1.0, ..Faults::default() })),
    ] {
        let house = Plan { openai: profile, openai_extra: SHORT, ..wide() }.build().await;
        for stream in [true, false] {
            let request = house.client.post(house.url()).json(&body(stream));
            let _failed = request.send().await.unwrap().bytes().await;
        }
        let records = house.records().await;
        assert!(records.iter().all(|record| record.usage.is_none() && record.error.is_some()), "{case}: {records:#?}");
        agrees(&house, case).await;
    }
    let nobody = Plan { baseline_url: Some("http://127.0.0.1:9/v1".to_owned()), openai_extra: SHORT, ..wide() };
    let house = nobody.build().await;
    house.ask(&body(false)).await;
    assert_eq!(house.records().await[0].usage, None);
    agrees(&house, "nobody there").await;
}

#[tokio::test]
async fn copies_are_estimated_by_the_same_rule_and_paid_by_the_experiment() {
    let reported = reported().await;
    let deepseek = faulty(Faults { truncate: 1.0, ..Faults::default() });
    let house = Plan { shadow_percent: 100.0, deepseek, deepseek_extra: SHORT, ..wide() }.build().await;
    assert_eq!(house.ask(&body(true)).await.status, 200);
    let records = house.records().await;
    let copy = records.iter().find(|record| record.role == Role::Shadow).unwrap();
    is_estimate(copy, reported, "copy");
    agrees(&house, "copy").await;
    is_told(&house, "broken_off", "copy").await;
    let report = json_of(&house, "/admin/v1/usage?by=payer").await;
    let row = report["rows"].as_array().unwrap().iter().find(|row| row["of"]["payer"] == "experiment").unwrap();
    assert_eq!((&row["estimated_requests"], &row["cost_nanos"]), (&json!(1), &json!(copy.cost_nanos)));
}

#[tokio::test]
async fn a_stop_leaves_estimates_of_answers_and_copies_under_way() {
    let reported = reported().await;
    let stalled = || -> Profile { faulty(Faults { stall: 1.0, ..Faults::default() }) };
    let plan = Plan {
        shadow_percent: 100.0,
        openai: stalled(),
        deepseek: stalled(),
        extra: "server.drain_timeout = \"200ms\"\n[quota_store]\n",
        ..Plan::default()
    };
    let house = plan.build().await;
    let mut response = house.client.post(house.url()).json(&body(true)).send().await.unwrap();
    response.chunk().await.unwrap().unwrap();
    until("the copy is under way", || house.deepseek.requests().counts().received == 1).await;
    let House { gateway, records: path, _folder, .. } = house;
    gateway.shutdown().await;
    drop(response);
    let records: Vec<Exchange> = Lines::open(&path, Format::Exchanges).unwrap().map(Result::unwrap).collect();
    assert_eq!(records.len(), 2, "{records:#?}");
    for record in &records {
        assert_eq!(record.error, Some(ErrorKind::GatewayStopped));
        is_estimate(record, reported, "stop");
    }
    // Summed up from the file, and said to people.
    let path = path.to_str().unwrap();
    let json = run(["usage", "--json", "--by", "arm", path]).await;
    let report: Value = serde_json::from_str(&json.out).unwrap();
    let nanos: i64 = records.iter().filter_map(|record| record.cost_nanos).sum();
    assert_eq!(report["total"]["estimated_cost_nanos"], nanos);
    assert_eq!(report["total"]["cost_nanos"], nanos);
    let table = run(["usage", "--by", "arm", path]).await;
    let said = "No count came for 2 of 2 calls: 100.0 % of the tokens and 100.0 % of the money\nare estimates.\n";
    assert!(table.out.ends_with(said), "{}", table.out);
}
