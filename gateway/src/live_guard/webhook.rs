//! Messages about alarms, to whoever has a webhook.
//!
//! A message waits in a queue of [`QUEUE`]; one more is dropped and counted. Each is tried [`TRIES`] times, with the same
//! id, so that a receiver that took one twice can tell.

use super::watch::AlarmShown;
use crate::config::{Migration, Webhook};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// Messages that wait, at most.
const QUEUE: usize = 64;
/// How often a message is tried.
const TRIES: u32 = 5;
/// How long one try may take.
const TRY_MAX: Duration = Duration::from_secs(5);
/// Wait before the second try; it doubles with each.
const WAIT: Duration = Duration::from_secs(1);

/// A message on its way.
struct Message {
    webhook: Webhook,
    id: String,
    body: Vec<u8>,
}

/// Numbers of messages.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct WebhookCounts {
    /// Answered with a 2xx.
    pub delivered: u64,
    /// Given up after all tries.
    pub failed: u64,
    /// Not taken: the queue was full.
    pub dropped: u64,
}

#[derive(Debug, Default)]
struct Counters {
    delivered: AtomicU64,
    failed: AtomicU64,
    dropped: AtomicU64,
}

/// Where messages are handed in.
pub(crate) struct Messages {
    sender: mpsc::Sender<Message>,
    receiver: Mutex<Option<mpsc::Receiver<Message>>>,
    counters: Arc<Counters>,
    replica: Option<String>,
}

impl Messages {
    /// `replica` is this gateway's name, where there are several.
    pub(crate) fn new(replica: Option<String>) -> Self {
        let (sender, receiver) = mpsc::channel(QUEUE);
        Self { sender, receiver: Mutex::new(Some(receiver)), counters: Arc::default(), replica }
    }

    pub(crate) fn counts(&self) -> WebhookCounts {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let counters = &self.counters;
        WebhookCounts {
            delivered: read(&counters.delivered),
            failed: read(&counters.failed),
            dropped: read(&counters.dropped),
        }
    }

    /// Hands an alarm in, where the migration has a webhook. Never waits.
    pub(super) fn alarm(&self, migration: &Migration, alarm: &AlarmShown, epoch: u64, everywhere: bool) {
        let Some(webhook) = migration.live_guard.webhook.clone() else { return };
        let id = uuid::Uuid::now_v7().to_string();
        let body = serde_json::json!({
            "schema": "weighbridge.alarm/1",
            "id": id,
            "at": alarm.at,
            "migration": migration.name,
            "alarm": alarm.alarm,
            "why": alarm.why,
            "from_percent": alarm.from_percent,
            "to_percent": alarm.to_percent,
            "judged_epoch": alarm.epoch,
            "epoch": epoch,
            "everywhere": everywhere,
            "replica": self.replica,
        });
        let message = Message { webhook, id, body: body.to_string().into_bytes() };
        if self.sender.try_send(message).is_err() {
            self.counters.dropped.fetch_add(1, Ordering::Relaxed);
            tracing::error!(migration = migration.name, "a message about an alarm is dropped: too many wait");
        }
    }

    /// Sends what is handed in, until the gateway is gone.
    pub(crate) fn sending(&self, gone: CancellationToken) -> impl Future<Output = ()> + Send + 'static {
        let receiver = self.receiver.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
        let counters = Arc::clone(&self.counters);
        async move {
            let (Some(mut receiver), Ok(client)) = (receiver, client()) else { return };
            let sending = async {
                while let Some(message) = receiver.recv().await {
                    let delivered = deliver(&client, &message).await;
                    let counter = if delivered { &counters.delivered } else { &counters.failed };
                    counter.fetch_add(1, Ordering::Relaxed);
                }
            };
            gone.run_until_cancelled(sending).await;
        }
    }
}

fn client() -> Result<reqwest::Client, reqwest::Error> {
    reqwest::Client::builder().timeout(TRY_MAX).redirect(reqwest::redirect::Policy::none()).build()
}

async fn deliver(client: &reqwest::Client, message: &Message) -> bool {
    let mut wait = WAIT;
    for attempt in 1..=TRIES {
        let mut request = client
            .post(message.webhook.url.clone())
            .header("content-type", "application/json")
            .header("idempotency-key", &message.id)
            .body(message.body.clone());
        if let Some(secret) = &message.webhook.secret {
            request = request.header("x-weighbridge-signature", signature(secret.expose(), &message.body));
        }
        // No address in the log: it may hold a secret.
        let problem = match request.send().await {
            Ok(answer) if answer.status().is_success() => return true,
            Ok(answer) => format!("HTTP {}", answer.status().as_u16()),
            Err(error) => error.without_url().to_string(),
        };
        tracing::warn!(attempt, of = TRIES, problem, "the webhook did not take a message about an alarm");
        if attempt < TRIES {
            tokio::time::sleep(wait).await;
            wait *= 2;
        }
    }
    false
}

/// `sha256=` and the HMAC of the body, hexadecimal.
fn signature(secret: &str, body: &[u8]) -> String {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else { return String::new() };
    mac.update(body);
    let bytes = mac.finalize().into_bytes();
    bytes.iter().fold("sha256=".to_owned(), |text, byte| format!("{text}{byte:02x}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_signed_as_receivers_check_it() {
        // The second test case of RFC 4231.
        assert_eq!(
            signature("Jefe", b"what do ya want for nothing?"),
            "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
    }
}
