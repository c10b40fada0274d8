//! The mock, and what it says to a case.

use crate::catalogue::Case;
use crate::law::Judged;
use mocks::{MockConfig, Provider, Running};
use preflight::look;
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;
use wire::provider::Target;
use wire::{Endpoint, Request};

/// Requests that are under way at once.
const AT_ONCE: usize = 4;

pub(crate) struct Mock {
    running: Arc<Running>,
    client: reqwest::Client,
}

impl Mock {
    pub(crate) async fn start() -> Self {
        let running = mocks::start(([127, 0, 0, 1], 0).into(), MockConfig::instant(Provider::DeepSeek)).await.unwrap();
        let client = reqwest::Client::builder().timeout(Duration::from_secs(60)).build().unwrap();
        Self { running: Arc::new(running), client }
    }

    /// All cases, in their order.
    pub(crate) async fn judge_all(&self, cases: Vec<Case>) -> Vec<Judged> {
        let cases = Arc::new(cases);
        let mut tasks = Vec::new();
        for worker in 0..AT_ONCE {
            let (cases, url, client) = (Arc::clone(&cases), self.running.base_url(), self.client.clone());
            tasks.push(tokio::spawn(async move {
                let mut judged = Vec::new();
                for (index, case) in cases.iter().enumerate().skip(worker).step_by(AT_ONCE) {
                    judged.push((index, judge(&client, &url, case).await));
                }
                judged
            }));
        }
        let mut judged = Vec::new();
        for task in tasks {
            judged.extend(task.await.unwrap());
        }
        judged.sort_by_key(|(index, _)| *index);
        judged.into_iter().map(|(_, judged)| judged).collect()
    }
}

async fn judge(client: &reqwest::Client, url: &str, case: &Case) -> Judged {
    let mut raw = case.body.clone();
    raw["model"] = Value::from(case.model);
    let path = case.endpoint.path_below_version();
    let (raw_ok, raw_said) = send(client, url, path, raw.to_string().into_bytes()).await;
    let body = case.body.to_string();
    let request = Request::parse(case.endpoint, body.as_bytes()).unwrap();
    let look = look(wire::provider::Provider::DeepSeek, &request, &Target::new(case.model, &case.policy));
    let mut judged = Judged::new(case, &look, raw_ok, raw_said);
    if let Ok(sent) = look.sent {
        let (ok, said) = send(client, url, path, sent.body).await;
        (judged.rewritten_ok, judged.rewritten_said) = (Some(ok), said);
    }
    debug_assert!(case.endpoint != Endpoint::Embeddings || !raw_ok);
    judged
}

/// Whether the provider took it, and what it said if not.
async fn send(client: &reqwest::Client, url: &str, path: &str, body: Vec<u8>) -> (bool, String) {
    let request = client.post(format!("{url}{path}")).bearer_auth("any").header("content-type", "application/json");
    let answer = request.body(body).send().await.unwrap();
    let status = answer.status();
    let text = answer.text().await.unwrap();
    assert!(status.is_success() || matches!(status.as_u16(), 400 | 404 | 422), "{status}: {text}");
    (status.is_success(), if status.is_success() { String::new() } else { text })
}
