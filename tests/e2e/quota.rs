//! What consumers may use and did use: set aside before, settled after, on every way a request can end; and usage that
//! agrees with the records to the nano-dollar.

use crate::command::weighbridge;
use crate::harness::{ANY, Answer, House, PROVIDER_KEY, Plan, TOKEN, chat, client, read};
use datasets::{Arm, Exchange, Role};
use mocks::{Faults, Latency, MockConfig, Profile, Provider};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

mod usage;

const ANNA: &str = "key-of-anna";
const BEN: &str = "key-of-ben";
/// SHA-256 of the two keys.
const CONSUMERS: &str = r#"
[consumers.anna]
keys_sha256 = ["4ec09e0f005569aa1e1f579f993d94d9a96b8c2d51fdb8f17cd711aaf2798398"]
[consumers.ben]
keys_sha256 = ["37f550767902f9edd26b5572672dfe734f26baa32a94f4fb26cef116e2ea636f"]
"#;
/// Limits that nothing here reaches, in all units.
const WIDE: &str = r#"
[[quotas]]
name = "wide"
window = "lifetime"
requests = 1000
input_tokens = 10000000
output_tokens = 10000000
tokens = 10000000
usd = "1000"
[quota_store]
"#;

fn text(parts: &[&str]) -> &'static str {
    // A plan's lines live as long as the test process.
    Box::leak(parts.concat().into_boxed_str())
}

async fn ask(house: &House, key: &str, body: &Value) -> Answer {
    read(house.client.post(house.url()).bearer_auth(key).json(body).send().await.unwrap()).await
}

pub(crate) async fn json_of(house: &House, path: &str) -> Value {
    let answer = house.admin(path).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()
}

/// What the accounts of a limit hold, by unit: taken, and set aside.
async fn taken(house: &House) -> BTreeMap<String, (u64, u64)> {
    let state = json_of(house, "/admin/v1/quotas").await;
    let limits = state["quotas"].as_array().unwrap().iter();
    let sums = limits.map(|limit| {
        let accounts = limit["accounts"].as_array().unwrap();
        let sum = |name: &str| accounts.iter().map(|account| account[name].as_u64().unwrap()).sum();
        (limit["unit"].as_str().unwrap().to_owned(), (sum("taken"), sum("reserved")))
    });
    sums.collect()
}

/// Waits until nothing is set aside any more: what is set aside is given back when the last byte is gone.
async fn settled(house: &House) -> BTreeMap<String, u64> {
    for _ in 0..5000 {
        let now = taken(house).await;
        if now.values().all(|(_, reserved)| *reserved == 0) && !now.is_empty() {
            return now.into_iter().map(|(unit, (taken, _))| (unit, taken)).collect();
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    panic!("something stays set aside: {:?}", taken(house).await);
}

/// The calls that consumers pay for: of each request the last one of those that were made to serve it.
fn paid(records: &[Exchange]) -> Vec<&Exchange> {
    let mut by_pair: BTreeMap<&str, &Exchange> = BTreeMap::new();
    for record in records.iter().filter(|record| record.role == Role::Served) {
        by_pair.insert(&record.pair, record);
    }
    for record in records.iter().filter(|record| record.role == Role::Fallback) {
        by_pair.insert(&record.pair, record);
    }
    by_pair.into_values().collect()
}

/// What was taken is what the records of the paid calls say, and what was set aside is given back.
pub(crate) async fn agrees(house: &House, case: &str) {
    let taken = settled(house).await;
    let records = house.records().await;
    let paid = paid(&records);
    let tokens =
        |count: fn(&wire::Usage) -> u64| -> u64 { paid.iter().filter_map(|one| one.usage.as_ref()).map(count).sum() };
    let (input, output) = (tokens(|usage| usage.prompt), tokens(|usage| usage.completion));
    let nanos: i64 = paid.iter().filter_map(|one| one.cost_nanos).sum();
    let expected = BTreeMap::from([
        ("requests".to_owned(), paid.len() as u64),
        ("input_tokens".to_owned(), input),
        ("output_tokens".to_owned(), output),
        ("tokens".to_owned(), input + output),
        ("nano_dollars".to_owned(), u64::try_from(nanos).unwrap()),
    ]);
    assert_eq!(taken, expected, "{case}: {records:#?}");
    assert!(!records.is_empty(), "{case}");
}

pub(crate) fn wide() -> Plan {
    Plan { extra: text(&[WIDE]), ..Plan::default() }
}

pub(crate) fn faulty(faults: Faults) -> Profile {
    Profile { faults, ..Profile::instant() }
}

/// Never a first byte.
pub(crate) fn silent() -> Profile {
    Profile { time_scale: 1.0, first_token: Latency { median_ms: 600_000.0, sigma: 0.0 }, ..Profile::instant() }
}

#[tokio::test]
async fn every_answer_and_every_failure_of_a_provider_is_settled() {
    let short = "first_token_timeout = \"300ms\"\nheaders_timeout = \"300ms\"\nidle_timeout = \"300ms\"\ntotal_timeout = \"2s\"\n\
                 retry = { attempts_max = 1 }";
    for (case, profile) in [
        ("good", Profile::instant()),
        ("500", faulty(Faults { error_500: 1.0, ..Faults::default() })),
        ("429", faulty(Faults { error_429: 1.0, ..Faults::default() })),
        ("reset", faulty(Faults { reset: 1.0, ..Faults::default() })),
        ("truncated", faulty(Faults { truncate: 1.0, ..Faults::default() })),
        ("aborted", faulty(Faults { abort: 1.0, ..Faults::default() })),
        ("error event", faulty(Faults { error_event: 1.0, ..Faults::default() })),
        ("stalled", faulty(Faults { stall: 1.0, ..Faults::default() })),
        ("silent", silent()),
        ("bad JSON", faulty(Faults { bad_json: 1.0, ..Faults::default() })),
    ] {
        let house = Plan { openai: profile, openai_extra: short, ..wide() }.build().await;
        for streamed in [false, true] {
            let request = house.client.post(house.url()).json(&chat("hello there", &json!({"stream": streamed})));
            let response = request.send().await.unwrap();
            // An answer that breaks off is an error of the body for a client.
            let _broken = response.bytes().await;
        }
        agrees(&house, case).await;
    }
}

#[tokio::test]
async fn an_arm_that_was_replaced_and_copies_are_not_the_consumers_to_pay() {
    let failing = faulty(Faults { error_500: 1.0, ..Faults::default() });
    let plan = Plan { weight_percent: 100.0, deepseek: failing, ..wide() };
    let house = plan.build().await;
    for streamed in [false, true] {
        assert_eq!(house.ask(&chat("hello", &json!({"stream": streamed}))).await.status, 200);
    }
    agrees(&house, "fallback").await;

    // The copy to the candidate and the repeated call of the baseline have rows of their own, whose payer is the experiment.
    let house = Plan { shadow_percent: 100.0, migration: "repeat_percent = 100", ..wide() }.build().await;
    for _ in 0..3 {
        assert_eq!(house.ask(&chat("hello", &json!({}))).await.status, 200);
    }
    agrees(&house, "copies").await;
    let records = house.records().await;
    let roles = |role: Role| records.iter().filter(|record| record.role == role).count();
    assert_eq!((roles(Role::Served), roles(Role::Shadow), roles(Role::Repeat)), (3, 3, 3));
    let report = json_of(&house, "/admin/v1/usage?by=payer").await;
    let nanos = |payer: &str| {
        let row = report["rows"].as_array().unwrap().iter().find(|row| row["of"]["payer"] == payer).unwrap();
        (row["requests"].as_u64().unwrap(), row["cost_nanos"].as_i64().unwrap())
    };
    let sum = |served: bool| -> i64 {
        let of = records.iter().filter(|record| (record.role == Role::Served) == served);
        of.filter_map(|record| record.cost_nanos).sum()
    };
    assert_eq!((nanos("consumer"), nanos("experiment")), ((3, sum(true)), (6, sum(false))));
}

#[tokio::test]
async fn a_client_that_leaves_pays_for_what_came() {
    let stalled = faulty(Faults { stall: 1.0, ..Faults::default() });
    let house = Plan { openai: stalled, ..wide() }.build().await;
    let body = chat("hello there", &json!({"stream": true}));
    let mut response = house.client.post(house.url()).json(&body).send().await.unwrap();
    response.chunk().await.unwrap().unwrap();
    assert!(taken(&house).await["tokens"].1 > 0, "something is set aside while the answer is open");
    drop(response);
    agrees(&house, "a client left").await;
    assert!(house.records().await[0].usage.unwrap().completion > 0);
}

#[tokio::test]
async fn a_limit_is_told_in_openais_words_and_holds_for_whom_it_names() {
    let rule = "[[quotas]]\nname = \"daily\"\nconsumers = [\"an*\"]\nper = [\"consumer\"]\nwindow = \"1d\"\nrequests = 2\n\
                tokens = 100000\n[[quotas]]\nname = \"purse\"\nconsumers = [\"ben\"]\nwindow = \"lifetime\"\nusd = \"0.000001\"\n";
    let house = Plan { extra: text(&[CONSUMERS, rule]), ..Plan::default() }.build().await;
    let body = chat("hello", &json!({"max_tokens": 1000}));
    let first = ask(&house, ANNA, &body).await;
    assert_eq!((first.status, first.header("x-ratelimit-limit-requests")), (200, "2"), "{}", first.text);
    assert_eq!(first.header("x-ratelimit-remaining-requests"), "1");
    assert_eq!(first.header("x-ratelimit-limit-tokens"), "100000");
    assert!(first.header("x-ratelimit-reset-requests").ends_with('s'), "{:?}", first.headers);
    let left: u64 = first.header("x-ratelimit-remaining-tokens").parse().unwrap();
    assert!((90_000..99_000).contains(&left), "{left}");
    assert_eq!(ask(&house, ANNA, &body).await.status, 200);
    let refused = ask(&house, ANNA, &body).await;
    assert_eq!((refused.status, refused.header("x-ratelimit-remaining-requests")), (429, "0"));
    let seconds: u64 = refused.header("retry-after").parse().unwrap();
    assert!((86_000..=88_000).contains(&seconds), "{seconds}");
    assert!(!refused.header("retry-after-ms").is_empty());
    let error = &refused.json()["error"];
    assert_eq!((&error["type"], &error["code"]), (&json!("requests"), &json!("rate_limit_exceeded")));
    assert!(error["message"].as_str().unwrap().contains("Limit daily reached: 2 requests within 24h0m0s"), "{error}");
    // Money that never comes back: clients are told that trying again is of no use.
    let poor = ask(&house, BEN, &body).await;
    assert_eq!((poor.status, poor.header("x-should-retry"), poor.header("retry-after")), (429, "false", ""));
    assert_eq!(poor.json()["error"]["code"], "insufficient_quota");
    // Nobody else is limited, or told anything.
    let other = house.ask(&body).await;
    assert_eq!((other.status, other.header("x-ratelimit-limit-requests")), (200, ""));
    assert_eq!(house.records().await.len(), 3, "what is refused goes nowhere");
    let page = house.admin("/metrics").await.text;
    assert!(page.contains("weighbridge_quota_refused_total{limit=\"daily\"} 1\n"), "{page}");
    assert!(page.contains("weighbridge_quota_left_percent{limit=\"daily\",unit=\"requests\"} 0.0\n"), "{page}");
}

#[tokio::test]
async fn many_at_once_do_not_pass_a_limit_together() {
    let rule = "[[quotas]]\nname = \"tight\"\nwindow = \"lifetime\"\ntokens = 3000\n[quota_store]\nprompt_reserve = \"certain\"\n";
    let house = Plan { extra: rule, ..Plan::default() }.build().await;
    let body = chat("hello", &json!({"max_tokens": 200}));
    let all = futures_util::future::join_all((0..40).map(|_| house.ask(&body))).await;
    let granted = all.iter().filter(|answer| answer.status == 200).count();
    assert!(granted > 0 && all.iter().all(|answer| [200, 429].contains(&answer.status)));
    // Until nothing more is granted: used and not only set aside.
    for _ in 0..200 {
        if house.ask(&body).await.status == 429 {
            break;
        }
    }
    let used: u64 =
        house.records().await.iter().map(|one| one.usage.unwrap()).map(|one| one.prompt + one.completion).sum();
    assert!((1000..=3000).contains(&used), "{used}");
    assert_eq!(settled(&house).await["tokens"], used);
}

#[tokio::test]
async fn a_stop_in_the_middle_of_an_answer_settles_it_and_leaves_the_file_whole() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("quotas.ndjson");
    let store = format!("file = \"{}\"\n", file.display());
    let stalled = faulty(Faults { stall: 1.0, ..Faults::default() });
    let extra = text(&["server.drain_timeout = \"100ms\"\n", WIDE, &store]);
    let house = Plan { openai: stalled, extra, ..Plan::default() }.build().await;
    let body = chat("hello there", &json!({"stream": true}));
    let mut response = house.client.post(house.url()).json(&body).send().await.unwrap();
    response.chunk().await.unwrap().unwrap();
    let House { gateway, records, _folder, .. } = house;
    gateway.shutdown().await;
    let record = std::fs::read_to_string(records)
        .unwrap()
        .lines()
        .nth(1)
        .map(serde_json::from_str::<Exchange>)
        .unwrap()
        .unwrap();
    let usage = record.usage.unwrap();

    let house = Plan { extra: text(&[WIDE, &store]), ..Plan::default() }.build().await;
    let taken = settled(&house).await;
    assert_eq!((taken["requests"], taken["tokens"]), (1, usage.prompt + usage.completion));
    let report = json_of(&house, "/admin/v1/usage?by=day").await;
    assert_eq!(report["total"]["cost_nanos"].as_i64(), record.cost_nanos);
    assert_eq!(json_of(&house, "/admin/v1/quotas").await["leases_expired"], 0);
}

/// A gateway as a process of its own.
struct Process {
    child: std::process::Child,
    address: String,
    admin: String,
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ended = self.child.kill().and_then(|()| self.child.wait().map(drop));
    }
}

impl Process {
    fn start(config: &Path) -> Self {
        let mut command = weighbridge([Path::new("serve"), Path::new("--config"), config]);
        command.env("KEY", PROVIDER_KEY).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut address = || {
            let line = lines.next().expect("it prints where it listens").unwrap();
            line.split("http://").nth(1).unwrap().split('/').next().unwrap().trim().to_owned()
        };
        let (address, admin) = (address(), address());
        Self { child, address, admin }
    }

    async fn tokens(&self) -> Value {
        let url = format!("http://{}/admin/v1/quotas", self.admin);
        let state = read(client().get(url).bearer_auth(TOKEN).send().await.unwrap()).await.json();
        let quotas = state["quotas"].as_array().unwrap();
        quotas.iter().find(|limit| limit["unit"] == "tokens").unwrap()["accounts"][0].clone()
    }
}

#[tokio::test]
async fn a_killed_gateway_gives_nothing_back_that_may_have_been_spent() {
    let folder = tempfile::tempdir().unwrap();
    let profile = faulty(Faults { stall: 1.0, ..Faults::default() });
    let openai = mocks::start(ANY, MockConfig { profile, ..MockConfig::instant(Provider::OpenAi) }).await.unwrap();
    let store = format!("file = \"{}\"\n", folder.path().join("quotas.ndjson").display());
    let plan = Plan { extra: text(&[WIDE, &store]), ..Plan::default() };
    let config = folder.path().join("gateway.toml");
    std::fs::write(&config, plan.config(&openai.base_url(), "http://127.0.0.1:9", &folder.path().join("r.ndjson")))
        .unwrap();

    let mut process = Process::start(&config);
    let url = format!("http://{}/v1/chat/completions", process.address);
    let body = chat("hello there", &json!({"stream": true, "max_tokens": 777}));
    let mut response = client().post(url).json(&body).send().await.unwrap();
    response.chunk().await.unwrap().unwrap();
    let open = process.tokens().await;
    assert!(open["reserved"].as_u64().unwrap() >= 777 && open["reserved"] == open["taken"], "{open}");
    process.child.kill().unwrap();
    process.child.wait().unwrap();

    let again = Process::start(&config);
    let after = again.tokens().await;
    assert_eq!((&after["taken"], &after["reserved"]), (&open["taken"], &json!(0)), "what was set aside counts as used");
}

#[tokio::test]
async fn higress_tools_can_ask_for_and_change_balances() {
    let lines = "[[quotas]]\nname = \"balance\"\nconsumers = [\"ben\"]\nper = [\"consumer\"]\nwindow = \"lifetime\"\ntokens = 0\n\
                 [quotas_higress]\nenabled = true\nadmin_consumer = \"anna\"\n";
    let house = Plan { extra: text(&[CONSUMERS, lines]), ..Plan::default() }.build().await;
    let url = |rest: &str| format!("{}/quota{rest}", house.url());
    let post = async |rest: &str, key: &str, form: &'static str| {
        let request =
            house.client.post(url(rest)).bearer_auth(key).header("content-type", "application/x-www-form-urlencoded");
        read(request.body(form).send().await.unwrap()).await
    };
    let balance = async || {
        let answer = read(house.client.get(url("?consumer=ben")).bearer_auth(ANNA).send().await.unwrap()).await;
        assert_eq!((answer.status, &answer.json()["consumer"]), (200, &json!("ben")), "{}", answer.text);
        answer.json()["quota"].as_u64().unwrap()
    };
    assert_eq!(balance().await, 0);
    assert_eq!(ask(&house, BEN, &chat("hello", &json!({"max_tokens": 50}))).await.status, 429);
    let set = post("/refresh", ANNA, "consumer=ben&quota=10000").await;
    assert_eq!((set.status, set.text.as_str()), (200, "refresh quota successful"));
    assert_eq!(ask(&house, BEN, &chat("hello", &json!({"max_tokens": 50}))).await.status, 200);
    let usage = house.records().await[0].usage.unwrap();
    settled(&house).await;
    assert_eq!(balance().await, 10_000 - usage.prompt - usage.completion);
    let less = post("/delta", ANNA, "consumer=ben&value=-20000").await;
    assert_eq!((less.status, less.text.as_str()), (200, "delta quota successful"));
    assert_eq!(balance().await, 0);
    // Only the administrator's key opens them; without any it is 401.
    assert_eq!(post("/refresh", BEN, "consumer=ben&quota=1").await.status, 403);
    assert_eq!(post("/refresh", "nobody", "consumer=ben&quota=1").await.status, 401);
    for form in ["consumer=ben&quota=-1", "consumer=ben&quota=x", "quota=1", "consumer=b%2Fen&quota=1"] {
        assert_eq!(post("/refresh", ANNA, form).await.status, 400, "{form}");
    }
    assert_eq!(post("/refresh", ANNA, text(&["consumer=ben&quota=", &"1".repeat(20_000)])).await.status, 413);
    // The admin plane does the same with its own token.
    let admin = format!("http://{}/admin/v1/quotas/balance/refresh", house.gateway.admin_address);
    let change = json!({"consumer": "ben", "amount": 500});
    let changed = read(house.client.post(&admin).bearer_auth(TOKEN).json(&change).send().await.unwrap()).await;
    assert_eq!((changed.status, &changed.json()["left"]), (200, &json!(500)), "{}", changed.text);
    assert_eq!(read(house.client.post(&admin).json(&change).send().await.unwrap()).await.status, 401);
    assert_eq!(balance().await, 500);
}

#[tokio::test]
async fn output_is_lowered_to_what_a_rule_allows_so_that_nothing_is_ever_passed() {
    let rule = "[[quotas]]\nname = \"cap\"\nwindow = \"day\"\noutput_tokens_max = 5\n";
    let house = Plan { extra: rule, ..Plan::default() }.build().await;
    let answer = house.ask(&chat("tell me a long story", &json!({}))).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let record = &house.records().await[0];
    assert!(record.usage.unwrap().completion <= 5 && record.arm == Arm::Baseline, "{record:?}");
}

#[tokio::test]
async fn limits_change_with_the_configuration_and_what_was_used_stays() {
    let house = Plan { extra: "#LIMIT\n", ..Plan::default() }.build().await;
    let body = chat("hello", &json!({}));
    let limited = async |amount: u64| {
        let rule = format!("[[quotas]]\nname = \"r\"\nwindow = \"day\"\nrequests = {amount}\n#LIMIT\n");
        let text = std::fs::read_to_string(house.config()).unwrap();
        let (before, after) =
            (text.find("[[quotas]]").unwrap_or_else(|| text.find("#LIMIT").unwrap()), text.find("#LIMIT\n").unwrap());
        std::fs::write(house.config(), format!("{}{rule}{}", &text[..before], &text[after + 7..])).unwrap();
        assert_eq!(house.reload().await.status, 200);
    };
    assert_eq!(house.ask(&body).await.header("x-ratelimit-limit-requests"), "");
    limited(1).await;
    assert_eq!(house.ask(&body).await.status, 200);
    assert_eq!(house.ask(&body).await.status, 429);
    limited(3).await;
    assert_eq!(house.ask(&body).await.header("x-ratelimit-remaining-requests"), "1");
}
