//! The official `openai` clients for Python and Node, unchanged, against the gateway.
//!
//! The checks themselves are in `clients/python` and `clients/node`: the same table in both languages, a line of output
//! each, so that a failure says which. Here are the houses they run against. A house is the same for both languages,
//! and they run side by side. What the clients cannot see is looked up afterwards: what reached the providers, and what
//! was recorded.

#[path = "clients/house.rs"]
mod house;
#[path = "clients/install.rs"]
mod install;
#[path = "clients/suite.rs"]
mod suite;

use crate::harness::{House, PROVIDER_KEY, until};
use datasets::Role;
use house::Situation;
use mocks::{Faults, Latency, Profile, Provider, RecordedRequest};
use suite::{Arm, Ran, Suite, run};
use wire::ErrorKind;

/// Waits between a refusal and the next attempt that the rate-limited mocks advise. Longer than what clients choose.
const RETRY_AFTER_MS: u64 = 900;

fn faulty(faults: Faults) -> Profile {
    Profile { faults, retry_after_ms: RETRY_AFTER_MS, ..Profile::instant() }
}

/// Both providers behave the same, so that falling back does not help; a house for each arm.
async fn on_each_arm(name: &'static str, profile: Profile) -> Vec<(House, Suite)> {
    let mut houses = Vec::new();
    for (weight_percent, arm) in [(0.0, Arm::Baseline), (100.0, Arm::Candidate)] {
        let (openai, deepseek) = (profile.clone(), profile.clone());
        let house = Situation { openai, deepseek, weight_percent, ..Situation::default() }.build().await;
        let suite = house.suite(name, arm);
        houses.push((house, suite));
    }
    houses
}

/// Runs all suites in one go, while their houses stand.
async fn run_all(houses: Vec<(House, Suite)>) {
    let (houses, suites): (Vec<House>, Vec<Suite>) = houses.into_iter().unzip();
    run(&suites, &[]).await;
    drop(houses);
}

#[tokio::test]
async fn what_the_guard_says_is_an_answer_like_any_other() {
    let house = crate::safety::of_the_clients().await;
    run(&[house.suite("guarded", Arm::Baseline)], &[]).await;
}

#[tokio::test]
async fn everything_is_served_by_the_baseline() {
    let house = Situation::default().build().await;
    let ran = run(&[house.suite("features", Arm::Baseline)], &[]).await;
    let seen = house.openai.requests().recent();
    for Ran { client, sent } in &ran {
        // What the client sent is what the provider got, to the byte: nothing in it had to be changed.
        let same = seen.iter().filter(|request| request.body == sent.as_bytes()).count();
        assert_eq!(same, 1, "{client}: {sent}");
    }
    assert!(house.deepseek.requests().recent().is_empty(), "a weight of zero is none");
    strangers(&seen);
}

#[tokio::test]
async fn the_candidate_serves_what_it_can_and_the_baseline_the_rest() {
    let house = Situation { weight_percent: 100.0, ..Situation::default() }.build().await;
    let ran = run(&[house.suite("features", Arm::Candidate)], &[]).await;
    let seen = house.deepseek.requests().recent();
    for Ran { client, sent } in &ran {
        let unknown = &sent[sent.find("\"x_number\"").unwrap()..sent.len() - 1];
        let same = |request: &&RecordedRequest| String::from_utf8_lossy(&request.body).contains(unknown);
        assert_eq!(seen.iter().filter(same).count(), 1, "{client}: {unknown}");
    }
    strangers(&seen);
    strangers(&house.openai.requests().recent());
}

#[tokio::test]
async fn the_shadow_changes_nothing_for_clients() {
    let house = Situation { shadow_percent: 100.0, ..Situation::default() }.build().await;
    run(&[house.suite("features", Arm::Baseline)], &[]).await;
}

#[tokio::test]
async fn a_failing_candidate_is_not_noticed() {
    let mut houses = Vec::new();
    for faults in [Faults { error_503: 1.0, ..Faults::default() }, Faults { reset: 1.0, ..Faults::default() }] {
        let situation = Situation { weight_percent: 100.0, deepseek: faulty(faults), ..Situation::default() };
        let house = situation.build().await;
        let suite = house.suite("features", Arm::Baseline);
        houses.push((house, suite));
    }
    run_all(houses).await;
}

#[tokio::test]
async fn refusals_of_the_providers_are_the_clients_own_exceptions() {
    let mut houses = Vec::new();
    for (suite, faults) in [
        ("rate_limit", Faults { error_429: 1.0, ..Faults::default() }),
        ("server_error", Faults { error_500: 1.0, ..Faults::default() }),
        ("server_error", Faults { error_503: 1.0, ..Faults::default() }),
        // Streams that break off.
        ("broken_stream", Faults { error_event: 1.0, ..Faults::default() }),
        ("broken_stream", Faults { truncate: 1.0, ..Faults::default() }),
    ] {
        houses.extend(on_each_arm(suite, faulty(faults)).await);
    }
    run_all(houses).await;
}

#[tokio::test]
async fn a_refused_key_of_the_gateway_is_not_the_clients_fault() {
    let mut houses = Vec::new();
    for (weight_percent, arm) in [(0.0, Arm::Baseline), (100.0, Arm::Candidate)] {
        let situation = Situation { weight_percent, accept_key: Some("sk-another".to_owned()), ..Situation::default() };
        let house = situation.build().await;
        let suite = house.suite("wrong_key", arm);
        houses.push((house, suite));
    }
    run_all(houses).await;
}

#[tokio::test]
async fn a_client_that_leaves_in_the_middle_leaves_a_record_and_ends_the_upstream() {
    for (house, suite) in on_each_arm("abort", faulty(Faults { stall: 1.0, ..Faults::default() })).await {
        let mock = if suite.arm == Arm::Baseline { &house.openai } else { &house.deepseek };
        // Three streams a client.
        let streams = 3 * run(&[suite], &[]).await.len();
        until("the upstream is left", || mock.requests().counts().cancelled == streams as u64).await;
        let records = house.records().await;
        let left = |role, error| records.iter().filter(|r| r.role == role && r.error == error).count();
        assert_eq!(left(Role::Served, Some(ErrorKind::ClientCancelled)), streams, "{records:?}");
    }
}

#[tokio::test]
async fn a_client_that_gives_up_before_the_first_byte_leaves_a_record_and_ends_the_upstream() {
    let slow =
        Profile { time_scale: 1.0, first_token: Latency { median_ms: 300_000.0, sigma: 0.0 }, ..Profile::instant() };
    let house = Situation { openai: slow, ..Situation::default() }.build().await;
    let calls = 2 * run(&[house.suite("slow", Arm::Baseline)], &[]).await.len();
    until("the upstream is left", || house.openai.requests().counts().in_flight == 0).await;
    let records = house.records().await;
    let left = records.iter().filter(|record| record.error == Some(ErrorKind::ClientCancelled)).count();
    assert_eq!((left, records.len()), (calls, calls), "{records:?}");
}

#[tokio::test]
async fn a_queued_candidate_is_waited_for() {
    // Blank lines before whole answers, comments before streams, both while the model has not begun.
    let queued = Profile {
        time_scale: 1.0,
        queue_share: 1.0,
        queue_ms: 60,
        keep_alive_ms: 20,
        first_token: Latency { median_ms: 0.1, sigma: 0.0 },
        gap: Latency { median_ms: 0.01, sigma: 0.0 },
        ..Profile::instant()
    };
    let house = Situation { deepseek: queued, weight_percent: 100.0, ..Situation::default() }.build().await;
    let others = ["formats/", "errors/", "completions/", "embeddings/", "responses/", "moderations/", "models/"];
    run(&[house.suite("features", Arm::Candidate)], &others).await;
}

#[tokio::test]
async fn any_server_that_speaks_as_openai_can_be_the_candidate() {
    let candidate = Provider::Compatible;
    let house = Situation { candidate, weight_percent: 100.0, ..Situation::default() }.build().await;
    run(&[house.suite("features", Arm::Either)], &[]).await;
    assert!(!house.deepseek.requests().recent().is_empty(), "the candidate was never asked");
}

#[tokio::test]
async fn the_checks_hold_against_the_mock_itself() {
    let house = Situation::default().build().await;
    let locked = Situation { accept_key: Some("sk-another".to_owned()), ..Situation::default() }.build().await;
    let direct = |name, house: &House| Suite { name, arm: Arm::Direct, url: house.openai.base_url() };
    run(&[direct("features", &house), direct("wrong_key", &locked)], &[]).await;
}

/// Nothing that belongs to the client alone reaches a provider.
fn strangers(requests: &[RecordedRequest]) {
    assert!(!requests.is_empty(), "the provider was never asked");
    for request in requests {
        for (name, value) in &request.headers {
            let value = value.to_str().unwrap();
            assert!(!value.contains("of-the-client") && !value.contains("OpenAI/"), "{name}: {value}");
            assert!(!name.as_str().starts_with("x-stainless") && name != "x-weighbridge-consumer", "{name}: {value}");
        }
        // What is squeezed cannot be counted, and a client's wish for it is not ours.
        assert!(
            request.headers.get("accept-encoding").is_none_or(|value| value == "identity"),
            "{:?}",
            request.headers
        );
        assert_eq!(request.headers["authorization"], format!("Bearer {PROVIDER_KEY}"));
    }
}
