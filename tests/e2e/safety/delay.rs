//! What the guard costs in time, seen by a client: until the first text, and until the end.

use super::{guarded_by, told};
use crate::harness::{Plan, chat};
use futures_util::StreamExt;
use mocks::{Latency, ModerationConfig, ModerationService, Profile, Provider, Script, start_moderation};
use serde_json::json;
use std::time::{Duration, Instant};

/// A provider that speaks as fast as real ones do, and a judge that takes its time.
const GAP: Latency = Latency { median_ms: 10.0, sigma: 0.0 };
const JUDGE: Latency = Latency { median_ms: 60.0, sigma: 0.0 };

struct Times {
    first_text: Duration,
    end: Duration,
}

async fn times(policy: Option<&str>) -> Times {
    let profile = Profile { time_scale: 1.0, first_token: JUDGE, ..Profile::instant() };
    let config = ModerationConfig { profile, ..ModerationConfig::instant(ModerationService::OpenAi) };
    let judge = start_moderation(crate::harness::ANY, config).await.unwrap();
    let backends = format!(
        "[safety.backends.judge]\nkind = \"openai\"\nbase_url = \"http://{}/v1\"\napi_key_env = \"KEY\"\n",
        judge.addr
    );
    let plan = match policy {
        Some(policy) => guarded_by(&backends, &format!("response = [\"judge\"]\n{policy}")),
        None => Plan::default(),
    };
    let mut script = Script::new();
    script.say(Provider::OpenAi, "tell", "some words about nothing ".repeat(24));
    let first_token = Latency { median_ms: 20.0, sigma: 0.0 };
    let openai = Profile { time_scale: 1.0, first_token, gap: GAP, ..Profile::instant() };
    let house = Plan { openai, script, ..plan }.build().await;
    let start = Instant::now();
    let request = house.client.post(house.url()).bearer_auth("k").json(&chat("tell", &json!({"stream": true})));
    let mut pieces = request.send().await.unwrap().bytes_stream();
    let (mut text, mut first_text) = (String::new(), None);
    while let Some(piece) = pieces.next().await {
        text.push_str(std::str::from_utf8(&piece.unwrap()).unwrap());
        // A piece may end within a frame.
        let whole = text.rfind("\n\n").unwrap_or(0);
        if first_text.is_none() && !told(&text[..whole], 0, "content").is_empty() {
            first_text = Some(start.elapsed());
        }
    }
    assert!(text.ends_with("data: [DONE]\n\n"));
    Times { first_text: first_text.unwrap(), end: start.elapsed() }
}

#[tokio::test]
async fn each_mode_costs_what_its_description_says() {
    let none = times(None).await;
    let mut seen = Vec::new();
    for policy in [
        "mode = \"observe\"",
        "stream = \"end\"",
        "stream = \"window\"\nwindow_characters = 100\noverlap_characters = 50",
        "stream = \"window\"",
        "stream = \"full\"",
    ] {
        let times = times(Some(policy)).await;
        eprintln!(
            "{:<72} first text {:>6.0} ms, end {:>6.0} ms (without a guard {:.0} and {:.0})",
            policy.replace('\n', ", "),
            times.first_text.as_secs_f64() * 1e3,
            times.end.as_secs_f64() * 1e3,
            none.first_text.as_secs_f64() * 1e3,
            none.end.as_secs_f64() * 1e3,
        );
        seen.push(times);
    }
    let [observe, end, small, window, full] = &seen[..] else { panic!("five modes") };
    // The machine may be slow: only what is far apart is compared.
    let spoken = none.end - none.first_text;
    for free in [observe, end] {
        assert!(free.first_text < none.first_text + spoken / 3, "text goes out at once");
    }
    assert!(small.first_text < window.first_text && window.first_text < full.first_text);
    assert!(full.first_text > none.first_text + spoken / 2, "everything is held");
    assert!(small.first_text < none.first_text + spoken * 2 / 3, "a window is a part of the answer");
}
