//! The same exchanges under the names of others.

use super::*;
use crate::telemetry::names::views;
use crate::telemetry::plain::of_open_metrics;
use std::io::Write;
use std::process::{Command, Stdio};
use wire::{Usage, UsageSource};

const ALL: MetricViews = MetricViews { gen_ai: true, higress: true };

/// Two migrations, arms, roles, consumers and endpoints; one failure, one estimate and one copy.
fn observed() -> Metrics {
    let metrics = metrics();
    let served = || exchange("gpt-4o");
    metrics.observe(&served());
    metrics.observe(&Exchange { migration: "n".to_owned(), endpoint: wire::Endpoint::Responses, ..served() });
    metrics.observe(&Exchange { consumer: None, ..served() });
    let estimated = served().usage.map(|usage| Usage { source: UsageSource::Estimate, ..usage });
    metrics.observe(&Exchange { usage: estimated, ..served() });
    let failed = |error| Exchange { error: Some(error), usage: None, ttft_us: None, ..served() };
    metrics.observe(&failed(ErrorKind::Timeout));
    metrics.observe(&failed(ErrorKind::GatewayBusy));
    let copy =
        Exchange { provider: "deepseek".to_owned(), arm: datasets::Arm::Candidate, ..exchange("deepseek-flash") };
    metrics.observe(&Exchange { role: Role::Shadow, ..copy.clone() });
    let usage = Some(Usage::new(300, 2000, UsageSource::Provider));
    metrics.observe(&Exchange { role: Role::Served, duration_us: 400_000_000, usage, ..copy });
    metrics
}

fn check(page: &Parsed, expected: &[(&str, &str, f64)]) {
    for (name, labels, expected) in expected {
        let value = page.value(name, labels);
        assert!((value - expected).abs() < 1e-9, "{name}{{{labels}}} is {value}, not {expected}");
    }
}

#[test]
fn calls_are_told_in_opentelemetrys_words() {
    let page = seen(&observed(), Readings::default(), MetricViews { gen_ai: true, higress: false });
    let call = |model: &str, provider: &str, role: &str| {
        format!(
            "gen_ai_operation_name=chat,gen_ai_provider_name={provider},gen_ai_request_model={model},weighbridge_role={role}"
        )
    };
    let served = call("gpt-4o", "openai", "served");
    let shadow = call("deepseek-flash", "deepseek", "shadow");
    let candidate = call("deepseek-flash", "deepseek", "served");
    let tokens =
        |call: &str, kind: &str| call.replace(",weighbridge", &format!(",gen_ai_token_type={kind},weighbridge"));
    let timed_out = format!("error_type=timeout,{served}");
    check(
        &page,
        &[
            // Three reports: the estimate is none. Both migrations, consumers and endpoints are one.
            ("gen_ai_client_token_usage_count", &tokens(&served, "input"), 3.0),
            ("gen_ai_client_token_usage_sum", &tokens(&served, "input"), 300.0),
            ("gen_ai_client_token_usage_sum", &tokens(&served, "output"), 33.0),
            ("gen_ai_client_token_usage_sum", &tokens(&shadow, "output"), 11.0),
            (
                "gen_ai_client_token_usage_bucket",
                &format!(
                    "{},le=16384.0,{}",
                    tokens(&candidate, "input").split_once(",weigh").unwrap().0,
                    "weighbridge_role=served"
                ),
                1.0,
            ),
            ("gen_ai_client_operation_duration_seconds_count", &served, 4.0),
            ("gen_ai_client_operation_duration_seconds_count", &timed_out, 1.0),
            ("gen_ai_client_operation_duration_seconds_sum", &timed_out, 1.2),
            ("gen_ai_client_operation_time_to_first_chunk_seconds_sum", &shadow, 0.09),
            ("gen_ai_server_time_to_first_token_seconds_count", &served, 4.0),
            ("gen_ai_server_time_to_first_token_seconds_sum", &shadow, 0.2),
            ("gen_ai_server_time_per_output_token_seconds_count", &served, 4.0),
        ],
    );
    assert_eq!(
        page.find("gen_ai_client_operation_duration_seconds_count", &format!("error_type=gateway_busy,{served}")),
        None
    );
    // A call that thought for minutes lies below the last bound.
    let within = |le: &str| {
        let labels = candidate.replace(",weighbridge", &format!(",le={le},weighbridge"));
        page.value("gen_ai_client_operation_duration_seconds_bucket", &labels)
    };
    assert!(within("327.68") < 0.5 && within("655.36") > 0.5);
    for metric in views::GEN_AI {
        assert!(page.of_family(metric.name).all(|(labels, _)| {
            labels.iter().all(|(name, _)| name == "le" || metric.labels.contains(&name.as_str()))
        }));
    }
}

#[test]
fn the_conventions_buckets_are_all_there() {
    let page = seen(&observed(), Readings::default(), ALL);
    let bounds = |name: &str| {
        let bounds = page.all(name).flat_map(|(labels, _)| labels.iter().filter(|label| label.0 == "le"));
        bounds.filter_map(|label| label.1.parse::<f64>().ok()).map(|bound| bound.to_string()).collect::<BTreeSet<_>>()
    };
    let operation = "0.01,0.02,0.04,0.08,0.16,0.32,0.64,1.28,2.56,5.12,10.24,20.48,40.96,81.92,163.84,327.68,655.36";
    let tokens = "1,4,16,64,256,1024,4096,16384,65536,262144,1048576,4194304,16777216,67108864";
    let first = "0.001,0.005,0.01,0.02,0.04,0.06,0.08,0.1,0.25,0.5,0.75,1,2.5,5,7.5,10,163.84,655.36";
    let later = "0.01,0.025,0.05,0.075,0.1,0.15,0.2,0.3,0.4,0.5,0.75,1,2.5";
    for (name, expected) in [
        ("gen_ai_client_operation_duration_seconds_bucket", operation),
        ("gen_ai_client_operation_time_to_first_chunk_seconds_bucket", operation),
        ("gen_ai_client_token_usage_bucket", tokens),
        ("gen_ai_server_time_to_first_token_seconds_bucket", first),
        ("gen_ai_server_time_per_output_token_seconds_bucket", later),
    ] {
        let bounds = bounds(name);
        assert!(expected.split(',').all(|bound| bounds.contains(bound)), "{name}: {bounds:?}");
    }
}

#[test]
fn higress_counters_are_what_clients_got() {
    let page = seen(&observed(), Readings::default(), MetricViews { gen_ai: false, higress: true });
    let name = |name: &str| format!("route_upstream_model_consumer_metric_{name}");
    let team = "ai_cluster=openai,ai_consumer=team-a,ai_model=gpt-4o,ai_route=m";
    let nobody = &team.replace("team-a", "none");
    let elsewhere = &team.replace("route=m", "route=n");
    let candidate = "ai_cluster=deepseek,ai_consumer=team-a,ai_model=deepseek-flash,ai_route=m";
    check(
        &page,
        &[
            (&name("input_token"), team, 100.0),
            (&name("output_token"), team, 11.0),
            (&name("total_token"), team, 111.0),
            (&name("llm_service_duration"), team, 1200.0),
            (&name("llm_duration_count"), team, 1.0),
            (&name("llm_first_token_duration"), team, 200.0),
            (&name("llm_stream_duration_count"), team, 1.0),
            (&name("input_token"), nobody, 100.0),
            (&name("llm_duration_count"), elsewhere, 1.0),
            // The copy is nobody's; only what was served is here.
            (&name("total_token"), candidate, 2300.0),
            (&name("llm_duration_count"), candidate, 1.0),
        ],
    );
    assert_eq!(page.all(&name("input_token")).count(), 4);
    for metric in views::HIGRESS {
        assert_eq!(page.of_family(metric.name).count(), 4, "{}", metric.name);
    }
}

#[test]
fn views_are_shown_only_where_they_are_wanted() {
    let families = |views| seen(&observed(), readings(), views).families;
    let own = families(OWN);
    assert!(own.iter().all(|family| family.starts_with("weighbridge_") || family.starts_with("process_")));
    let count = families(ALL).len();
    assert_eq!(count, own.len() + views::GEN_AI.len() + views::HIGRESS.len());
}

/// What Prometheus' own checker says of a page in the older text: its complaints, nothing if it is content.
fn promtool(page: &str) -> Option<String> {
    let mut command = Command::new("promtool");
    let checking =
        command.args(["check", "metrics"]).stdin(Stdio::piped()).stderr(Stdio::piped()).stdout(Stdio::piped());
    let Ok(mut child) = checking.spawn() else {
        eprintln!("skipped: promtool is not installed, so nobody else has looked at the page");
        return None;
    };
    child.stdin.take().unwrap().write_all(page.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    Some(String::from_utf8(output.stderr).unwrap() + &String::from_utf8(output.stdout).unwrap())
}

#[test]
fn prometheus_own_checker_is_content_with_the_older_text() {
    let page = |views| of_open_metrics(&observed().render(readings(), views).unwrap());
    let Some(complaints) = promtool(&page(MetricViews { gen_ai: true, higress: false })) else { return };
    assert_eq!(complaints, "");
    // Higress' names are not as Prometheus would have them, and have to be as they are.
    let complaints = promtool(&page(ALL)).unwrap();
    let others: Vec<&str> =
        complaints.lines().filter(|line| !line.starts_with("route_upstream_model_consumer_metric_")).collect();
    assert_eq!(others, Vec::<&str>::new());
    let broken = promtool(&format!("{}weighbridge_epoch 1 2 3\n", page(ALL))).unwrap();
    assert!(broken.contains("error while linting"), "it does look: {broken}");
}
