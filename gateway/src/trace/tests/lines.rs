//! The log as a program reads it.

use super::collector::Collector;
use super::*;
use serde_json::Value as Json;
use std::io::Write;
use std::sync::{Arc, Mutex};

/// What was logged on this test's thread, on which everything of its gateway but the writer of records runs.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Log {
    /// As the command does it.
    fn begin(&self, filter: &str) -> tracing::subscriber::DefaultGuard {
        let log = self.clone();
        let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(move || log.clone());
        let lines = lines.json().flatten_event(true).with_current_span(false).with_span_list(false);
        tracing::subscriber::set_default(lines.finish())
    }

    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    /// Every line, each a JSON object that has what every line has.
    fn lines(&self) -> Vec<Json> {
        let lines: Vec<Json> = self.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        for line in &lines {
            for key in ["timestamp", "level", "target", "message"] {
                assert!(line[key].is_string(), "{key} is missing in {line}");
            }
        }
        lines
    }
}

#[tokio::test]
async fn each_exchange_is_one_line_that_tells_all_but_what_was_said() {
    let log = Log::default();
    let _logging = log.begin("trace");
    let collector = Collector::start().await;
    let failing = ResponseTemplate::new(503).set_body_string("canary-error");
    let migration = "weight_percent = 0\nshadow_percent = 100";
    let wants = Wants { migration, ..Wants::default() };
    let house = House::start_with(answer("gpt-4o-mini-1"), failing, &collector.address(), wants).await;
    let (status, pair) = house.ask(&[("traceparent", TRACEPARENT), ("x-request-id", "mine-7")]).await;
    assert_eq!(status, 200);
    let epoch = house.running.epoch();
    house.stop().await;
    let lines = log.lines();
    let exchanges: Vec<&Json> = lines.iter().filter(|line| line["target"] == "weighbridge::exchange").collect();
    assert_eq!(exchanges.len(), 2, "{}", log.text());
    for line in &exchanges {
        assert_eq!((line["level"].as_str(), line["message"].as_str()), (Some("DEBUG"), Some("exchange")));
        assert_eq!((line["pair"].as_str(), line["request"].as_str()), (Some(&*pair), Some("mine-7")));
        assert_eq!(line["trace"], "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!((line["migration"].as_str(), line["epoch"].as_u64()), (Some("move"), Some(epoch)));
        assert!(line["duration_us"].is_u64(), "{line}");
    }
    let of = |role: &str| *exchanges.iter().find(|line| line["role"] == role).unwrap();
    let (served, shadow) = (of("served"), of("shadow"));
    assert_eq!((&served["arm"], &served["status"], &served["error"]), (&json!("baseline"), &json!(200), &Json::Null));
    assert_eq!((&served["prompt_tokens"], &served["completion_tokens"]), (&json!(5), &json!(2)));
    assert_eq!((&shadow["arm"], &shadow["status"]), (&json!("candidate"), &json!(503)));
    assert!(shadow["error"].is_string() && shadow["attempts"] == 2, "{shadow}");
    let text = log.text();
    assert!(text.contains("gateway is up"), "the rest is there, too");
    let at = text.find("canary");
    assert_eq!(at, None, "...{}", text[at.unwrap_or(0)..].chars().take(100).collect::<String>());
}

#[tokio::test]
async fn nobody_gets_a_line_for_each_exchange_who_did_not_ask() {
    let log = Log::default();
    let _logging = log.begin("info");
    let collector = Collector::start().await;
    let wants = Wants { migration: "weight_percent = 0", ..Wants::default() };
    let house = House::start(&collector.address(), wants).await;
    assert_eq!(house.ask(&[]).await.0, 200);
    house.stop().await;
    assert!(log.lines().iter().all(|line| line["target"] != "weighbridge::exchange"), "{}", log.text());
    assert!(log.text().contains("gateway is up"));
}
