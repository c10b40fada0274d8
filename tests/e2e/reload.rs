//! A changed configuration: in force as a whole or not at all, and nobody who is being served notices.

use crate::command::weighbridge;
use crate::door::Door;
use crate::harness::{Answer, House, PROVIDER_KEY, Plan, TOKEN, chat, client, environment, read, until};
use futures_util::{Stream, StreamExt};
use gateway::Config;
use mocks::{Latency, Length, MockConfig, Profile, Provider};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use tokio_util::sync::CancellationToken;

/// A stream of 200 words that takes some seconds; one word is said at once.
fn unhurried() -> Profile {
    Profile {
        time_scale: 1.0,
        first_token: Latency { median_ms: 1.0, sigma: 0.0 },
        gap: Latency { median_ms: 25.0, sigma: 0.0 },
        answer: Length { median_tokens: 200.0, sigma: 0.0, tokens_max: 200 },
        ..Profile::instant()
    }
}

/// Writes the configuration with every `from` replaced, which has to be there.
fn rewrite(house: &House, changes: &[(&str, &str)]) {
    let mut text = std::fs::read_to_string(house.config()).unwrap();
    for (from, to) in changes {
        assert!(text.contains(from), "`{from}` is not in:\n{text}");
        text = text.replace(from, to);
    }
    std::fs::write(house.config(), text).unwrap();
}

async fn changed(house: &House, changes: &[(&str, &str)]) -> Answer {
    rewrite(house, changes);
    house.reload().await
}

/// Weight and epoch.
async fn state(house: &House) -> (Value, u64) {
    let state = house.admin("/admin/v1/migrations/move/weight").await.json();
    (state["weight_percent"].clone(), state["epoch"].as_u64().unwrap())
}

async fn audit(house: &House) -> Vec<Value> {
    house.admin("/admin/v1/audit").await.json()["changes"].as_array().unwrap().clone()
}

fn stream_of(house: &House) -> reqwest::RequestBuilder {
    house.client.post(house.url()).bearer_auth("k").json(&chat("hello", &json!({"stream": true})))
}

/// Reads on to the end.
async fn read_on<B: AsRef<[u8]>>(mut pieces: impl Stream<Item = reqwest::Result<B>> + Unpin) -> String {
    let mut bytes = Vec::new();
    while let Some(piece) = pieces.next().await {
        bytes.extend_from_slice(piece.unwrap().as_ref());
    }
    String::from_utf8(bytes).unwrap()
}

#[tokio::test]
async fn many_reloads_cost_no_request_and_no_frame() {
    let house = Plan { openai: unhurried(), ..Plan::default() }.build().await;
    let house = Arc::new(house);
    let mut open = stream_of(&house).send().await.unwrap().bytes_stream();
    let first = open.next().await.unwrap().unwrap();
    assert!(first.starts_with(b"data: "));

    let (over, answered) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let clients: Vec<_> = (0..6)
        .map(|number| {
            let (house, over, answered) = (Arc::clone(&house), Arc::clone(&over), Arc::clone(&answered));
            tokio::spawn(async move {
                while !over.load(Ordering::SeqCst) {
                    let body = chat("hi", &json!({"max_tokens": 1, "stream": number % 2 == 0}));
                    let answer = house.ask(&body).await;
                    assert_eq!(answer.status, 200, "{}", answer.text);
                    assert!(!answer.text.contains("\"error\""), "{}", answer.text);
                    assert!(number % 2 == 1 || answer.events().last() == Some(&"[DONE]"), "{}", answer.text);
                    answered.fetch_add(1, Ordering::SeqCst);
                }
            })
        })
        .collect();
    // Weights come and go, and the baseline's connections are thrown away and made anew.
    let weights = ["weight_percent = 0.0", "weight_percent = 30.0"];
    let deadlines = ["base_url = \"http", "idle_timeout = \"90s\"\nbase_url = \"http"];
    for round in 0..30 {
        let (from, to) = (weights[round % 2], weights[(round + 1) % 2]);
        let (plain, other) = (deadlines[round % 2], deadlines[(round + 1) % 2]);
        let answer = changed(&house, &[(from, to), (plain, other)]).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
    }
    let served = answered.load(Ordering::SeqCst);
    until("requests after the last change", || answered.load(Ordering::SeqCst) > served + 12).await;
    over.store(true, Ordering::SeqCst);
    for client in clients {
        client.await.unwrap();
    }
    assert!(house.openai.requests().counts().in_flight >= 1, "the open stream was open all the time");
    let rest = read_on(open).await;
    assert!(rest.ends_with("data: [DONE]\n\n") && !rest.contains("\"error\""), "{rest}");
    let words = first.len() + rest.len();
    assert!(words > 200 * 20, "200 words, each in a frame of its own: {words} bytes");
    let records = house.records().await;
    assert!(records.iter().all(|record| record.error.is_none()), "no exchange failed");
    assert_eq!(records.len() as u64, answered.load(Ordering::SeqCst) + 1, "and each is on record once");
}

#[tokio::test]
async fn the_files_new_weight_begins_an_epoch_and_is_audited() {
    let house = Plan { weight_percent: 5.0, ..Plan::default() }.build().await;
    let (_, epoch) = state(&house).await;
    let same = house.reload().await;
    assert_eq!((same.status, state(&house).await), (200, (json!(5.0), epoch)), "nothing changed, nothing begins");
    let answer = changed(&house, &[("weight_percent = 5.0", "weight_percent = 30.25")]).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let (weight, later) = state(&house).await;
    assert!(weight == json!(30.25) && later > epoch, "{weight} in {later}, {epoch} before");
    let audit = audit(&house).await;
    let [change] = audit.as_slice() else { panic!("{audit:?}") };
    assert_eq!((&change["from_percent"], &change["to_percent"]), (&json!(5.0), &json!(30.25)));
    assert_eq!((&change["epoch"], &change["reason"]), (&json!(later), &json!("configuration reloaded")));
    let answer = house.ask(&chat("hi", &json!({}))).await;
    assert_eq!(answer.header("x-weighbridge-epoch"), later.to_string());
    let gone = house.set_weight(50.0, epoch).await;
    assert_eq!(gone.status, 412, "a change that was decided on the old epoch: {}", gone.text);
}

#[tokio::test]
async fn a_weight_that_was_set_outlives_changes_elsewhere_in_the_file() {
    let house = Plan { weight_percent: 5.0, ..Plan::default() }.build().await;
    assert_eq!(house.set_weight(40.0, house.gateway.epoch()).await.status, 200);
    let (_, epoch) = state(&house).await;
    let answer = changed(&house, &[("server.listen", "server.reveal_arm = false\nserver.listen")]).await;
    assert_eq!((answer.status, state(&house).await), (200, (json!(40.0), epoch)), "{}", answer.text);
    assert_eq!(house.ask(&chat("hi", &json!({}))).await.header("x-weighbridge-arm"), "", "the rest is in force");

    // A provider that is reached in another way is no longer what was measured.
    let answer = changed(&house, &[("kind = \"deepseek\"", "kind = \"deepseek\"\nidle_timeout = \"9s\"")]).await;
    let (weight, later) = state(&house).await;
    assert_eq!((answer.status, weight), (200, json!(40.0)), "{}", answer.text);
    assert!(later > epoch);

    changed(&house, &[("weight_percent = 5.0", "weight_percent = 10.0")]).await;
    assert_eq!(state(&house).await.0, json!(10.0), "the file was changed in this very place: it counts");
    assert_eq!(house.set_weight(20.0, house.gateway.epoch()).await.status, 200, "and can be changed again");
    assert_eq!(state(&house).await.0, json!(20.0));
}

#[tokio::test]
async fn a_broken_file_changes_nothing_and_says_why() {
    let house = Plan { weight_percent: 5.0, ..Plan::default() }.build().await;
    let good = std::fs::read_to_string(house.config()).unwrap();
    let before = house.admin("/admin/v1/migrations").await.json()["config_digest"].clone();
    let state_before = state(&house).await;
    for (changes, sentences) in [
        (vec![("weight_percent = 5.0", "weight_percent = = 5.0")], vec!["gateway.toml, line "]),
        (vec![("weight_percent = 5.0", "wieght_percent = 5.0")], vec!["did you mean `weight_percent`?"]),
        (
            vec![
                ("candidate = \"deepseek\"", "candidate = \"deepsek\""),
                ("weight_percent = 5.0", "weight_percent = 101"),
            ],
            vec!["migrations.move.candidate is `deepsek`", "101 is no weight"],
        ),
        (vec![("api_key_env = \"KEY\"", "api_key_env = \"UNSET\"")], vec!["UNSET, which is not set"]),
    ] {
        let answer = changed(&house, &changes).await;
        assert_eq!((answer.status, &answer.json()["error"]["code"]), (422, &json!("invalid_config")), "{changes:?}");
        let message = answer.json()["error"]["message"].as_str().unwrap().to_owned();
        for sentence in sentences {
            assert!(message.contains(sentence), "`{sentence}` is not in:\n{message}");
        }
        assert!(!message.contains(PROVIDER_KEY) && !message.contains(TOKEN), "{message}");
        assert_eq!(house.admin("/admin/v1/migrations").await.json()["config_digest"], before);
        assert_eq!(state(&house).await, state_before);
        assert_eq!(house.ask(&chat("hi", &json!({}))).await.status, 200);
        std::fs::write(house.config(), &good).unwrap();
    }
    std::fs::remove_file(house.config()).unwrap();
    let answer = house.reload().await;
    assert_eq!(answer.status, 422);
    assert!(answer.text.contains("cannot read"), "{}", answer.text);
    assert_eq!(audit(&house).await, Vec::<Value>::new());
}

#[tokio::test]
async fn what_needs_a_restart_is_named_and_the_rest_waits_too() {
    let house = Plan { weight_percent: 5.0, ..Plan::default() }.build().await;
    let before = state(&house).await;
    let answer = changed(
        &house,
        &[
            ("server.listen = \"127.0.0.1:0\"", "server.listen = \"127.0.0.1:1\"\nserver.requests_in_flight_max = 7"),
            ("redaction = \"full\"", "redaction = \"none\""),
            ("weight_percent = 5.0", "weight_percent = 50.0"),
        ],
    )
    .await;
    assert_eq!((answer.status, &answer.json()["error"]["code"]), (409, &json!("needs_restart")));
    for key in ["server.listen", "server.requests_in_flight_max", "[records]"] {
        assert!(answer.text.contains(key), "{key} is not in {}", answer.text);
    }
    assert!(!answer.text.contains("admin.listen"), "{}", answer.text);
    assert_eq!(state(&house).await, before, "as a whole or not at all");
}

#[tokio::test]
async fn a_provider_that_is_taken_away_ends_what_it_began() {
    let deepseek = unhurried();
    let house = Plan { weight_percent: 100.0, deepseek, ..Plan::default() }.build().await;
    let next = mocks::start(crate::harness::ANY, MockConfig::instant(Provider::Compatible)).await.unwrap();
    let response = stream_of(&house).send().await.unwrap();
    let epoch = response.headers()["x-weighbridge-epoch"].to_str().unwrap().to_owned();
    let mut open = response.bytes_stream();
    let first = open.next().await.unwrap().unwrap();
    assert!(first.starts_with(b"data: "));
    let (old, new) = (house.deepseek.base_url(), next.base_url());
    let answer = changed(
        &house,
        &[
            ("[providers.deepseek]\nkind = \"deepseek\"", "[providers.local]\nkind = \"compatible\""),
            ("candidate = \"deepseek\"", "candidate = \"local\""),
            (&old, &new),
        ],
    )
    .await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let providers = house.admin("/admin/v1/providers").await.json();
    assert!(providers.get("deepseek").is_none() && providers.get("local").is_some(), "{providers}");
    let moved = house.ask(&chat("hello", &json!({}))).await;
    assert_eq!((moved.status, next.requests().counts().received), (200, 1), "{}", moved.text);
    assert_ne!(moved.header("x-weighbridge-epoch"), epoch, "another candidate is another experiment");
    assert_eq!(house.deepseek.requests().counts().in_flight, 1, "what it began is not over");
    let rest = read_on(open).await;
    assert!(rest.ends_with("data: [DONE]\n\n") && !rest.contains("\"error\""), "{rest}");
    let records = house.records().await;
    let of = |provider: &str| records.iter().find(|record| record.provider == provider).unwrap();
    assert_eq!((of("deepseek").error, of("deepseek").epoch.to_string()), (None, epoch));
    assert_eq!(of("compatible").error, None);
}

#[tokio::test]
async fn connections_to_an_unchanged_provider_are_kept() {
    let inside = mocks::start(crate::harness::ANY, MockConfig::instant(Provider::DeepSeek)).await.unwrap();
    let door = Door::before(inside.addr, true).await;
    let candidate_url = Some(door.url());
    let house = Plan { weight_percent: 100.0, candidate_url, ..Plan::default() }.build().await;
    let ask = async |times: usize| {
        for _ in 0..times {
            let answer = house.ask(&chat("hi", &json!({}))).await;
            assert_eq!((answer.status, answer.header("x-weighbridge-arm")), (200, "candidate"), "{}", answer.text);
        }
        door.connections()
    };
    assert_eq!(ask(3).await, 1);
    let answer = changed(&house, &[("kind = \"openai\"", "kind = \"openai\"\nidle_timeout = \"9s\"")]).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(ask(3).await, 1, "the candidate's section is the same");
    let answer = changed(&house, &[("kind = \"deepseek\"", "kind = \"deepseek\"\nidle_timeout = \"9s\"")]).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(ask(3).await, 2, "now it is not");
}

/// `weighbridge serve` as a process, with what it says.
struct Served {
    child: Child,
    admin: String,
    said: Arc<Mutex<String>>,
}

impl Served {
    fn start(config: &Path, more: &[&str]) -> Self {
        let mut command = weighbridge(["serve".as_ref(), "--config".as_ref(), config.as_os_str()]);
        command.env("KEY", PROVIDER_KEY).args(more).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let admin = loop {
            let line = lines.next().expect("it says where it listens").unwrap();
            if let Some((_, address)) = line.split_once("admin    http://") {
                break address.to_owned();
            }
        };
        let said = Arc::new(Mutex::new(String::new()));
        let (mut errors, heard) = (child.stderr.take().unwrap(), Arc::clone(&said));
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(bytes @ 1..) = errors.read(&mut buffer) {
                heard.lock().unwrap().push_str(&String::from_utf8_lossy(&buffer[..bytes]));
            }
        });
        Self { child, admin, said }
    }

    async fn says(&self, words: &str) {
        until(words, || self.said.lock().unwrap().contains(words)).await;
    }

    fn hang_up(&self) {
        let sent = Command::new("kill").args(["-HUP", &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    async fn weight(&self) -> Value {
        let url = format!("http://{}/admin/v1/migrations/move/weight", self.admin);
        let answer = read(client().get(url).bearer_auth(TOKEN).send().await.unwrap()).await;
        answer.json()["weight_percent"].clone()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// A configuration file of its own, for a process, from that of a house.
fn file_for_a_process(house: &House) -> std::path::PathBuf {
    let text = std::fs::read_to_string(house.config()).unwrap();
    let path = house.records.with_file_name("served.toml");
    std::fs::write(&path, text.replace("records.ndjson", "served.ndjson")).unwrap();
    Config::read(&path, &environment).unwrap();
    path
}

fn replace_in(path: &Path, from: &str, to: &str) {
    let text = std::fs::read_to_string(path).unwrap();
    assert!(text.contains(from), "{text}");
    // As careful people do it: written beside, then put in place.
    let beside = path.with_extension("new");
    std::fs::write(&beside, text.replace(from, to)).unwrap();
    std::fs::rename(&beside, path).unwrap();
}

#[cfg(unix)]
#[tokio::test]
async fn a_hangup_makes_the_command_read_its_file_again() {
    let house = Plan { weight_percent: 5.0, ..Plan::default() }.build().await;
    let path = file_for_a_process(&house);
    let served = Served::start(&path, &[]);
    // At once: whoever sees the address may send the signal.
    replace_in(&path, "weight_percent = 5.0", "weight_percent = 30.0");
    served.hang_up();
    served.says("the configuration was read again and is in force").await;
    assert_eq!(served.weight().await, json!(30.0));

    replace_in(&path, "candidate = \"deepseek\"", "candidate = \"deepsek\"");
    replace_in(&path, "weight_percent = 30.0", "weight_percent = 40.0");
    served.hang_up();
    served.says("is not used").await;
    served.says("migrations.move.candidate is `deepsek`: expected one of the providers: deepseek, openai").await;
    assert_eq!(served.weight().await, json!(30.0));

    replace_in(&path, "candidate = \"deepsek\"", "candidate = ");
    served.hang_up();
    served.says("served.toml, line ").await;
    assert_eq!(served.weight().await, json!(30.0));

    replace_in(&path, "candidate = \n", "candidate = \"deepseek\"\n");
    replace_in(&path, "redaction = \"full\"", "redaction = \"none\"");
    served.hang_up();
    served.says("[records] cannot be changed while the gateway runs").await;
    assert_eq!(served.weight().await, json!(30.0));
}

#[tokio::test]
async fn a_watched_file_is_read_again_when_it_changes() {
    let house = Plan { weight_percent: 5.0, ..Plan::default() }.build().await;
    let path = file_for_a_process(&house);
    let served = Served::start(&path, &["--watch"]);
    replace_in(&path, "weight_percent = 5.0", "weight_percent = 30.0");
    served.says("the configuration was read again and is in force").await;
    assert_eq!(served.weight().await, json!(30.0));
    replace_in(&path, "weight_percent = 30.0", "weight_percent = 300.0");
    served.says("300 is no weight").await;
    assert_eq!(served.weight().await, json!(30.0));
}

/// Reloads and changes of the weight come from different hands, and at the same time.
#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn no_reload_swallows_a_weight_that_was_accepted() {
    let house = Arc::new(Plan { weight_percent: 5.0, ..Plan::default() }.build().await);
    let config = Config::read(&house.config(), &environment).unwrap();
    let over = CancellationToken::new();
    // A test that fails ends the reloads, too: the runtime would wait for them for ever.
    let _ends = over.clone().drop_guard();
    let reloading = {
        let (house, over) = (Arc::clone(&house), over.clone());
        tokio::spawn(async move {
            while !over.is_cancelled() {
                house.gateway.reload(config.clone()).await.unwrap();
                tokio::task::yield_now().await;
            }
        })
    };
    for round in 1..=100 {
        let percent = f64::from(round) / 4.0;
        let answer = house.set_weight(percent, house.gateway.epoch()).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert_eq!(state(&house).await.0, json!(percent));
    }
    over.cancel();
    reloading.await.unwrap();
}

#[tokio::test]
async fn a_key_that_is_taken_out_of_the_file_opens_nothing_any_more() {
    // SHA-256 of `key-of-anna` and of `key-of-ben`.
    let (anna, ben) = (
        "4ec09e0f005569aa1e1f579f993d94d9a96b8c2d51fdb8f17cd711aaf2798398",
        "37f550767902f9edd26b5572672dfe734f26baa32a94f4fb26cef116e2ea636f",
    );
    let extra = format!("server.authenticate = \"keys\"\n[consumers.anna]\nkeys_sha256 = [\"{anna}\"]\n");
    let house = Plan { extra: extra.leak(), ..Plan::default() }.build().await;
    let status = async |key: &str| {
        house.client.post(house.url()).bearer_auth(key).json(&chat("hi", &json!({}))).send().await.unwrap().status()
    };
    assert_eq!((status("key-of-anna").await.as_u16(), status("key-of-ben").await.as_u16()), (200, 401));
    assert_eq!(changed(&house, &[("[consumers.anna]", "[consumers.ben]"), (anna, ben)]).await.status, 200);
    assert_eq!((status("key-of-anna").await.as_u16(), status("key-of-ben").await.as_u16()), (401, 200));
    let consumers: Vec<_> = house.records().await.into_iter().map(|record| record.consumer).collect();
    assert_eq!(consumers, [Some("anna".to_owned()), Some("ben".to_owned())]);
}
