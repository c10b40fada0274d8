//! The guard: what is blocked, masked or only seen, of requests and of answers, in every form that a client may ask for.

mod answers;
mod delay;
mod evidence;
mod failures;
mod requests;
mod streams;

use crate::harness::{Answer, House, Plan};
use crate::raw::Provider;
use datasets::{Exchange, GuardAction, GuardCheck};
use serde_json::Value;

/// What no client may read or send. Two words, so that it can be cut into pieces.
const BAD: &str = "forbidden fruit";
/// Harmful in another category, with a bar of its own.
const MILD: &str = "rude remark";
const SENTENCE: &str = "That is not for me to say.";
const ADDRESS: &str = "jane.roe@example.org";
const WORDS: &str = "name = \"own\"\n[[words]]\ncategory = \"illicit\"\nlevel = \"high\"\nterms = \"forbidden fruit\"\n\
                     [[words]]\ncategory = \"profanity\"\nlevel = \"medium\"\nterms = \"rude remark\"\n";

/// The back ends of these tests, and policies by what they are for. `FOLDER` is where the house keeps its files.
const BACKENDS: &str = r#"
[safety.backends.words]
kind = "lists"
files = ["FOLDER/words.toml"]
[safety.backends.personal]
kind = "personal"
"#;

/// A house whose one policy, `guarded`, has these lines.
fn guarded(policy: &str) -> Plan {
    guarded_by(BACKENDS, policy)
}

fn guarded_by(backends: &str, policy: &str) -> Plan {
    let extra = format!(
        "[safety]\npolicy = \"guarded\"\n{backends}\n[safety.policies.guarded]\nsentence = \"{SENTENCE}\"\n{policy}\n"
    );
    Plan { extra: Box::leak(extra.into_boxed_str()), words: WORDS, ..Plan::default() }
}

/// Both sides are judged by words, and personal data is masked.
const BOTH: &str = "request = [\"words\", \"personal\"]\nresponse = [\"words\", \"personal\"]\n\
                    actions = { sensitive_data = \"mask\" }\nbars = { sensitive_data = \"low\", profanity = \"medium\" }\n";

/// A house that blocks a request about the thing, and whose baseline speaks of it when it is told to tell.
pub(crate) async fn of_the_clients() -> House {
    let mut script = mocks::Script::new();
    let quiet = "a quiet walk along the river ".repeat(8);
    script.say(mocks::Provider::OpenAi, "Tell me.", format!("{quiet}{BAD} {quiet}"));
    let window = "window_characters = 60\noverlap_characters = 30";
    Plan { script, ..guarded(&format!("{BOTH}{window}")) }.build().await
}

impl House {
    async fn ask_at(&self, path: &str, body: &Value) -> Answer {
        let url = format!("http://{}/v1/{path}", self.gateway.address);
        let request = self.client.post(url).bearer_auth("sk-old-key-of-the-client").json(body);
        crate::harness::read(request.send().await.unwrap()).await
    }

    /// The records, once there are as many: a verdict may come after the answer.
    async fn records_of(&self, count: usize) -> Vec<Exchange> {
        crate::raw::soon("records", async {
            loop {
                let records = self.records().await;
                if records.len() >= count {
                    return records;
                }
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
        })
        .await
    }

    /// The value of one sample of the metrics page.
    async fn sample(&self, start: &str) -> f64 {
        let page = self.admin("/metrics").await.text;
        let line = page.lines().find(|line| line.starts_with(start));
        line.map_or(0.0, |line| line.rsplit(' ').next().unwrap().parse().unwrap())
    }
}

/// What the guard said of a record's answer.
fn of_answer(record: &Exchange) -> &GuardCheck {
    record.guard.as_ref().expect("a guard looked").response.as_ref().expect("at the answer")
}

fn is_blocked(check: &GuardCheck, category: &str) -> bool {
    check.action == GuardAction::Blocked && check.categories == [category] && check.failed.is_empty()
}

/// The events of a stream, whatever stands between `data:` and the data.
fn events(text: &str) -> Vec<String> {
    let data = |line: &str| line.strip_prefix("data:").map(|data| data.trim_start().to_owned());
    text.lines().filter_map(data).collect()
}

/// Everything that a choice of a stream said in one member of its deltas.
fn told(text: &str, choice: u64, member: &str) -> String {
    let chunks = events(text);
    let chunks =
        chunks.iter().filter(|event| *event != "[DONE]").map(|event| serde_json::from_str::<Value>(event).unwrap());
    chunks
        .flat_map(|chunk| chunk["choices"].as_array().cloned().unwrap_or_default())
        .filter(|one| one["index"] == choice)
        .filter_map(|one| one["delta"][member].as_str().map(str::to_owned))
        .collect()
}

/// One chunk of a stream as a provider writes it.
fn chunk(choice: u64, delta: &Value, finish: Option<&str>) -> String {
    let choice = serde_json::json!({"index": choice, "delta": delta, "logprobs": null, "finish_reason": finish});
    let chunk = serde_json::json!({
        "id": "chatcmpl-of-the-test", "object": "chat.completion.chunk", "created": 1_700_000_000, "model": "gpt-4o-mini",
        "choices": [choice]
    });
    format!("data: {chunk}\n\n")
}

fn text(choice: u64, content: &str) -> String {
    chunk(choice, &serde_json::json!({"content": content}), None)
}

/// A house before a provider that says what a test writes.
async fn by_hand(plan: Plan) -> (Provider, House) {
    let provider = Provider::start().await;
    let house = Plan { baseline_url: Some(provider.url.clone()), ..plan }.build().await;
    (provider, house)
}
