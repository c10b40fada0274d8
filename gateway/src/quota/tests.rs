//! What is kept, and what a request asks for.

use super::journal::{Line, StoreError};
use super::reckon::most;
use super::*;
use crate::callers::{Caller, Errand};
use crate::config::{Config, PromptReserve};
use crate::plane::Plane;
use crate::telemetry::Metrics;
use crate::usage::Payer;
use lease::quota::{Entry, Window};
use std::io::Write;
use std::path::Path;
use std::time::Duration;
use wire::price::Tariffs;
use wire::usage::UsageSource;
use wire::{Endpoint, Request};

mod bounds;

/// Later than any clock on which this runs: what looks at the real one must not end these leases.
const NOW_US: i64 = 4_102_444_800_000_000;

fn store_of(file: Option<&Path>) -> QuotaStore {
    QuotaStore {
        file: file.map(Path::to_owned),
        usage: true,
        sync_interval: Duration::from_millis(5),
        ..QuotaStore::default()
    }
}

fn open(file: &Path) -> Store {
    Store::open(&store_of(Some(file)), NOW_US).unwrap()
}

fn limit(amount: u64) -> Limit {
    Limit { name: "team".into(), unit: Unit::Tokens, window: Window::Lifetime, amount }
}

fn take(store: &Store, limit: &Limit, id: u128, amount: u64) -> Result<Vec<lease::quota::Left>, Denied> {
    let claims = [Claim { account: limit.account("all"), limit, amount }];
    // The future is ready at once: the ledger is in this process.
    futures_util::FutureExt::now_or_never(store.reserve(NOW_US, NOW_US + 60_000_000, Id(id), &claims)).unwrap()
}

fn give(store: &Store, limit: &Limit, id: u128, reserved: u64, actual: u64) {
    let part = HeldPart { account: limit.account("all"), unit: limit.unit, amount: reserved };
    store.settle(NOW_US, Id(id), &[part], vec![actual]);
}

fn left(store: &Store, limit: &Limit) -> u64 {
    futures_util::FutureExt::now_or_never(store.left(NOW_US, &limit.account("all"), limit)).unwrap().unwrap().left
}

fn key(model: &str) -> Key {
    Key {
        day: 20_780,
        payer: Payer::Consumer,
        migration: "move".into(),
        consumer: "a".into(),
        model: model.into(),
        provider: "deepseek".into(),
        arm: Arm::Candidate,
        role: Role::Served,
    }
}

fn sums(nanos: i64) -> Sums {
    Sums { requests: 1, nanos, ..Sums::default() }
}

/// What a process that is killed leaves behind: the file as it is, without anything that is done when it ends.
fn killed(file: &Path) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(file, folder.path().join("q")).unwrap();
    folder
}

#[test]
fn a_killed_process_loses_nothing_and_gives_nothing_back() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("q");
    let (store, limit) = (open(&file), limit(1000));
    take(&store, &limit, 1, 300).unwrap();
    give(&store, &limit, 1, 300, 120);
    take(&store, &limit, 2, 400).unwrap();
    store.used(key("m"), sums(7));
    store.used(key("m"), sums(5));
    store.charge_experiment(key("m"), sums(5));
    let after = killed(&file);
    let again = open(&after.path().join("q"));
    // 120 were used, and the 400 of the call that was under way may have been.
    assert_eq!(left(&again, &limit), 480);
    assert_eq!((again.counts().open_calls, again.counts().leases_expired), (0, 1));
    assert_eq!(again.book(), store.book());
    let rows: Vec<_> = again.book().unwrap().rows().map(|(key, sums)| (key.payer, sums.nanos)).collect();
    assert_eq!(rows, [(Payer::Consumer, 7), (Payer::Experiment, 5)]);
    // An orderly end leaves the same, and the file to the next process.
    give(&store, &limit, 2, 400, 0);
    store.close();
    assert_eq!(left(&open(&file), &limit), 880);
}

#[test]
fn two_gateways_cannot_have_one_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("q");
    let _first = open(&file);
    let error = Store::open(&store_of(Some(&file)), NOW_US).unwrap_err();
    assert!(matches!(error, StoreError::Taken { .. }), "{error}");
    assert!(error.to_string().contains("another gateway"), "{error}");
}

#[test]
fn a_torn_last_line_is_cut_off_and_a_broken_one_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("q");
    let (store, limit) = (open(&file), limit(1000));
    take(&store, &limit, 1, 300).unwrap();
    store.close();
    let whole = std::fs::read(&file).unwrap();
    // However much of the last line is there, the lines before it count, and what is written next begins on a line.
    let begun = whole.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    for bytes in [begun, begun + 1, whole.len() - 1] {
        std::fs::write(&file, &whole[..bytes]).unwrap();
        let store = open(&file);
        assert_eq!(left(&store, &limit), 1000);
        take(&store, &limit, 2, 100).unwrap();
        store.close();
        assert_eq!(left(&open(&file), &limit), 900, "{bytes} bytes");
    }
    let mut opened = std::fs::OpenOptions::new().append(true).open(&file).unwrap();
    opened.write_all(b"{\"quota\":{\"unheard\":1}}\n").unwrap();
    let error = Store::open(&store_of(Some(&file)), NOW_US).unwrap_err().to_string();
    assert!(error.contains(", line ") && error.contains("unheard") && error.contains("move the file away"), "{error}");
    std::fs::write(&file, "{\"begin\":{\"format\":\"weighbridge.quotas\",\"version\":9}}\n").unwrap();
    let error = Store::open(&store_of(Some(&file)), NOW_US).unwrap_err().to_string();
    assert!(error.contains("weighbridge.quotas/9: expected weighbridge.quotas/1"), "{error}");
    std::fs::write(&file, "something else\n").unwrap();
    assert!(Store::open(&store_of(Some(&file)), NOW_US).is_err());
}

#[test]
fn a_grown_journal_is_written_anew_while_calls_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("q");
    let config = QuotaStore { compact_bytes: 64 * 1024, ..store_of(Some(&file)) };
    let (store, limit) = (Store::open(&config, NOW_US).unwrap(), limit(1_000_000));
    take(&store, &limit, 0, 10).unwrap();
    let mut id = 0;
    let deadline = std::time::Instant::now() + Duration::from_secs(20);
    let anew = loop {
        for _ in 0..100 {
            id += 1;
            take(&store, &limit, id, 3).unwrap();
            give(&store, &limit, id, 3, 1);
            store.used(key("m"), sums(1));
        }
        let bytes = std::fs::metadata(&file).unwrap().len();
        if id > 500 && bytes < 60_000 {
            break true;
        }
        if std::time::Instant::now() > deadline {
            break false;
        }
    };
    assert!(anew, "{id} calls and the journal was not written anew");
    // More after it, and then a kill: one call is still under way from before.
    take(&store, &limit, id + 1, 5).unwrap();
    let after = killed(&file);
    let again = open(&after.path().join("q"));
    let used = u64::try_from(id).unwrap() + 10 + 5;
    assert_eq!((left(&store, &limit), left(&again, &limit)), (1_000_000 - used, 1_000_000 - used));
    assert_eq!(again.book(), store.book());
}

#[test]
fn threads_cannot_pass_a_limit_together() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("q");
    let (store, limit) = (open(&file), limit(1000));
    let granted: u64 = std::thread::scope(|scope| {
        let thread = |number: u128| {
            let (store, limit) = (&store, &limit);
            move || {
                let mut used = 0;
                for call in 0..200 {
                    let id = number * 1000 + call;
                    if take(store, limit, id, 10).is_ok() {
                        let actual = u64::try_from(call % 11).unwrap();
                        if call % 3 > 0 {
                            give(store, limit, id, 10, actual);
                            used += actual;
                        } else {
                            used += 10;
                        }
                    }
                }
                used
            }
        };
        let threads: Vec<_> = (0..8).map(|number| scope.spawn(thread(number))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert!(granted <= 1000, "{granted}");
    assert_eq!(left(&store, &limit), 1000 - granted);
    let after = killed(&file);
    assert_eq!(left(&open(&after.path().join("q")), &limit), 1000 - granted);
}

#[test]
fn a_late_bill_is_charged_beyond_what_was_set_aside() {
    let (store, limit) = (Store::open(&store_of(None), NOW_US).unwrap(), limit(1000));
    take(&store, &limit, 1, 100).unwrap();
    let part = HeldPart { account: limit.account("all"), unit: limit.unit, amount: 100 };
    store.settle(NOW_US + 60_000_000, Id(1), &[part], vec![130]);
    assert_eq!((left(&store, &limit), store.counts().settled_late, store.counts().leases_expired), (870, 1, 1));
}

#[test]
fn lines_are_read_as_they_are_written() {
    for line in [
        Line::Quota(Entry::Abandon { at_us: 5 }),
        Line::Use { key: key("a\n\"b"), sums: sums(-3) },
        Line::Experiment { key: key(""), sums: sums(i64::MAX) },
    ] {
        let text = serde_json::to_string(&line).unwrap();
        assert!(!text.contains('\n'));
        assert_eq!(serde_json::from_str::<Line>(&text).unwrap(), line);
    }
}

fn part(unit: Unit, amount: u64) -> HeldPart {
    HeldPart { account: limit(1).account("all"), unit, amount }
}

#[test]
fn what_counts_as_used_depends_on_who_answered() {
    let units = Unit::ALL.map(|unit| part(unit, 1000));
    let used = |hold: &Hold| units.each_ref().map(|part| hold.used(part));
    let mut hold = Hold::default();
    assert_eq!(used(&hold), [0; 5], "nobody was asked");
    hold.answered();
    assert_eq!(used(&hold), [1, 0, 0, 0, 0], "the guard answered");
    let usage = Usage::new(30, 12, UsageSource::Provider);
    let charge = |usage, cost_nanos| Charge { usage, cost_nanos, entry: None };
    hold.charge(charge(None, None));
    assert_eq!(used(&hold), [1, 0, 0, 0, 0], "a provider failed before it used anything");
    hold.charge(charge(Some(usage), Some(77)));
    assert_eq!(used(&hold), [1, 30, 12, 42, 77]);
    hold.charge(charge(Some(usage), None));
    assert_eq!(used(&hold), [1, 30, 12, 42, 1000], "without a price what was set aside counts");
}

/// A gateway's plane with these quotas.
fn plane(quotas: &str, weight: u8) -> Plane {
    mapped(quotas, weight, "'gpt-4o-mini'='deepseek-v4-pro'")
}

/// The same with these models.
fn mapped(quotas: &str, weight: u8, models: &str) -> Plane {
    let text = format!(
        "[providers.openai]\nkind='openai'\nbase_url='http://127.0.0.1:1/v1'\napi_key_env='KEY'\n\
         [providers.deepseek]\nkind='deepseek'\nbase_url='http://127.0.0.1:1'\napi_key_env='KEY'\n\
         [migrations.move]\nbaseline='openai'\ncandidate='deepseek'\nweight_percent={weight}\n\
         models={{{models}}}\n[consumers.team-a]\nkeys_env='KEY'\n{quotas}"
    );
    let config = Config::parse(&text, Path::new("c"), &|_| Some("secret".to_owned())).unwrap();
    Plane::first(config, NOW_US).unwrap()
}

/// What a request asks for: limit, subject, amount; or the refusal's code.
fn asked(plane: &Plane, caller: &Caller, body: &str) -> Result<Vec<(String, String, u64)>, String> {
    with(plane, caller, body, |ask| {
        let claims = ask.claims(&plane.config.quotas.store).map_err(|problem| problem.body.error.code.unwrap())?;
        let shown = |claim: Claim<'_>| {
            let name = format!("{}/{}", claim.limit.name, claim.limit.unit.name());
            (name, claim.account.subject().to_owned(), claim.amount)
        };
        Ok(claims.into_iter().map(shown).collect())
    })
}

fn with<T>(plane: &Plane, caller: &Caller, body: &str, see: impl FnOnce(Ask<'_>) -> T) -> T {
    let request = Request::parse(Endpoint::Chat, body.as_bytes()).unwrap();
    let metrics = Metrics::new(0);
    metrics.learn_models(&plane.config.migrations);
    let lane = &plane.lanes[0];
    let errand = Errand { endpoint: Endpoint::Chat, model: &request.model, migration: lane.name() };
    see(Ask {
        rules: &plane.config.quotas.rules,
        caller,
        errand: &errand,
        request: &request,
        tally: &request.measure().1,
        bytes: body.len(),
        lane,
        tariffs: &Tariffs::embedded().unwrap(),
        metrics: &metrics,
        at_us: NOW_US,
    })
}

fn caller(name: Option<&str>, groups: &[&str]) -> Caller {
    let groups = groups.iter().map(|group| Arc::from(*group)).collect();
    let mut caller = Caller::default();
    (caller.name, caller.groups) = (name.map(Arc::from), groups);
    caller
}

const BODY: &str = r#"{"model":"gpt-4o-mini","messages":[{"role":"user","content":"hello"}],"max_tokens":100,"n":2}"#;

#[test]
fn rules_take_whom_they_name_and_keep_apart_what_they_say() {
    let plane = plane(
        "[[quotas]]\nname='all'\nwindow='day'\nrequests=1\n\
         [[quotas]]\nname='team'\nwindow='day'\nconsumers=['team-*','an*']\nper=['consumer','model']\noutput_tokens=1\n\
         [[quotas]]\nname='nobody'\nwindow='day'\nconsumers=['anonymous']\nper=['migration']\nrequests=1\n\
         [[quotas]]\nname='groups'\nwindow='day'\ngroups=['red','blue']\nper=['group']\nrequests=1\n\
         [[quotas]]\nname='model'\nwindow='day'\nmodels=['o1*']\nrequests=1\n",
        0,
    );
    let of = |caller: &Caller, body: &str| {
        let asked = asked(&plane, caller, body).unwrap();
        asked.into_iter().map(|(limit, subject, amount)| format!("{limit} {subject} {amount}")).collect::<Vec<_>>()
    };
    let team = "team/output_tokens consumer=team-a,model=gpt-4o-mini 200";
    assert_eq!(of(&caller(Some("team-a"), &[]), BODY), ["all/requests all 1", team]);
    assert_eq!(of(&caller(None, &[]), BODY), ["all/requests all 1", "nobody/requests migration=move 1"]);
    assert_eq!(of(&caller(Some("ann"), &[]), BODY)[1], team.replace("team-a", "ann"));
    let groups = of(&caller(Some("x"), &["red", "green", "blue"]), BODY);
    assert_eq!(groups, ["all/requests all 1", "groups/requests group=red 1", "groups/requests group=blue 1"]);
    // A client may name any model: it gets no account of its own.
    let named = of(&caller(Some("team-a"), &[]), &BODY.replace("gpt-4o-mini", "o1-whatever"));
    assert_eq!(named[1], "team/output_tokens consumer=team-a,model=other 200");
    assert_eq!(named[2], "model/requests all 1");
}

#[test]
fn money_is_reckoned_at_the_dearer_arm_and_refused_without_a_price() {
    let money = "[[quotas]]\nname='money'\nwindow='day'\nusd='1'\n";
    let nanos = |weight, body: &str| asked(&plane(money, weight), &caller(None, &[]), body).map(|all| all[0].2);
    let (alone, both) = (nanos(0, BODY).unwrap(), nanos(50, BODY).unwrap());
    let tariffs = Tariffs::embedded().unwrap();
    let request = Request::parse(Endpoint::Chat, BODY.as_bytes()).unwrap();
    let usage = most(&request, None, &request.measure().1, BODY.len(), &QuotaStore::default()).usage();
    let price = |provider: &str, model: &str| {
        u64::try_from(tariffs.price(&wire::price::Call::new(provider, model, NOW_US), &usage).unwrap().nanos).unwrap()
    };
    assert_eq!(alone, price("openai", "gpt-4o-mini"));
    assert_eq!(both, alone.max(price("deepseek", "deepseek-v4-pro")));
    // Priority costs twice as much; a provider may serve flex as usual, and DeepSeek has one tier.
    let tier = |name: &str| BODY.replace("\"n\":2", &format!("\"n\":2,\"service_tier\":\"{name}\""));
    let dear = nanos(0, &tier("priority")).unwrap();
    assert!(dear >= 2 * alone, "{dear} {alone}");
    assert!((alone..alone + alone / 10).contains(&nanos(0, &tier("flex")).unwrap()));
    assert_eq!(nanos(50, &tier("priority")).unwrap(), dear.max(nanos(50, &tier("default")).unwrap()));
    // Nobody knows what this one costs, and that is not nothing.
    assert_eq!(nanos(0, &tier("ultrafast")), Err("model_unpriced".to_owned()));
    let unheard = BODY.replace("gpt-4o-mini", "unheard");
    assert_eq!(nanos(0, &unheard), Err("model_unpriced".to_owned()));
    let free = plane(&format!("{money}unpriced='free'\n"), 0);
    assert_eq!(asked(&free, &caller(None, &[]), &unheard).unwrap()[0].2, 0);
}

#[test]
fn what_is_set_aside_is_more_than_what_is_used() {
    let config = |prompt_reserve| QuotaStore { prompt_reserve, output_tokens_default: 500, ..QuotaStore::default() };
    let of = |endpoint, body: &str, reserve| {
        let request = Request::parse(endpoint, body.as_bytes()).unwrap();
        most(&request, None, &request.measure().1, body.len(), &config(reserve))
    };
    let (likely, certain) = (PromptReserve::Likely, PromptReserve::Certain);
    let chat = |more: &str| {
        format!(r#"{{"model":"m","messages":[{{"role":"user","content":"{}"}}]{more}}}"#, "word ".repeat(400))
    };
    // 400 words are some 400 tokens.
    let usual = of(Endpoint::Chat, &chat(""), likely);
    assert!((400..=1000).contains(&usual.input) && usual.output == 500, "{usual:?}");
    let sure = of(Endpoint::Chat, &chat(""), certain);
    assert!(sure.input > chat("").len() as u64);
    assert_eq!(of(Endpoint::Chat, &chat(r#","max_tokens":7,"max_completion_tokens":9,"n":3"#), likely).output, 27);
    assert_eq!(of(Endpoint::Chat, &chat(r#","n":3"#), likely).output, 1500);
    // Whatever a provider makes of a member that stands twice, or of a fraction.
    assert_eq!(of(Endpoint::Chat, &chat(r#","max_tokens":900,"max_tokens":7"#), likely).output, 900);
    assert_eq!(of(Endpoint::Chat, &chat(r#","max_tokens":6.5,"n":2,"n":1"#), likely).output, 14);
    let tools = of(Endpoint::Chat, &chat(&format!(r#","tools":["{}"]"#, "x".repeat(4000))), likely);
    assert!(tools.input > usual.input + 900, "{tools:?}");
    assert_eq!(of(Endpoint::Embeddings, r#"{"model":"m","input":"x"}"#, likely).output, 0);
    assert_eq!(
        of(Endpoint::Completions, r#"{"model":"m","prompt":["a","b"],"max_tokens":5,"best_of":4}"#, likely).output,
        40
    );
    assert_eq!(of(Endpoint::Completions, r#"{"model":"m","prompt":[1,2,3],"max_tokens":5}"#, likely).output, 5);
    assert_eq!(of(Endpoint::Responses, r#"{"model":"m","input":"x","max_output_tokens":6}"#, likely).output, 6);
    let chinese =
        of(Endpoint::Chat, r#"{"model":"m","messages":[{"role":"user","content":"你好世界你好世界"}]}"#, likely);
    assert!(chinese.input >= 8, "{chinese:?}");
}

#[test]
fn pictures_are_set_aside_at_the_model_that_makes_most_of_them() {
    let image = r#"[{"type":"image_url","image_url":{"url":"https://x"}}]"#;
    let body = BODY.replace("gpt-4o-mini", "gpt-4o").replace("\"hello\"", image);
    let limits = "[[quotas]]\nname='input'\nwindow='day'\ninput_tokens=1\n";
    let input = |models: &str| {
        let plane = mapped(limits, 0, models);
        asked(&plane, &caller(None, &[]), &body).unwrap()[0].2
    };
    let (alike, mini) = (input("'gpt-4o'='deepseek-v4-pro'"), input("'gpt-4o'='gpt-4o-mini'"));
    assert!(alike < 2_000 && mini > 765 * 34, "{alike} {mini}");
}

/// What is set aside, for a chat request with more members.
fn set_aside(more: &str) -> (u64, u64) {
    let body = format!(r#"{{"model":"m","messages":[{{"role":"user","content":"hello"}}]{more}}}"#);
    let request = Request::parse(Endpoint::Chat, body.as_bytes()).unwrap();
    let config = QuotaStore { output_tokens_default: 500, ..QuotaStore::default() };
    let most = most(&request, None, &request.measure().1, body.len(), &config);
    (most.input, most.output)
}

#[test]
fn odd_numbers_are_no_way_past_a_quota() {
    for (more, output) in [
        (r#","n":"8""#, 4000),
        (r#","max_tokens":"100000""#, 100_000),
        (r#","max_tokens":"7","n":"3""#, 21),
        (r#","max_tokens":0"#, 500),
        (r#","max_tokens":-1"#, 500),
        (r#","max_tokens":"lots""#, 500),
        (r#","max_tokens":"lots","max_completion_tokens":9000"#, 9000),
        (r#","max_tokens":null"#, 500),
    ] {
        assert_eq!(set_aside(more).1, output, "{more}");
    }
}

#[test]
fn pictures_tools_and_calls_are_set_aside() {
    let usual = set_aside("").0;
    let words = "some words of text ".repeat(100);
    let picture = r#"{"role":"user","content":[{"type":"image_url","image_url":{"url":"https://x/y"}}]}"#;
    let call = format!(r#"{{"role":"assistant","tool_calls":[{{"function":{{"name":"f","arguments":"{words}"}}}}]}}"#);
    let of = |message: &str| {
        let body = format!(r#"{{"model":"gpt-4o-mini","messages":[{message}]}}"#);
        let request = Request::parse(Endpoint::Chat, body.as_bytes()).unwrap();
        most(&request, None, &request.measure().1, body.len(), &QuotaStore::default()).input
    };
    assert!(of(picture) > 25_000, "pictures cost a small model as many dollars as a large one");
    assert!(of(&call) > 500);
    assert!(set_aside(&format!(r#","tools":[{{"function":{{"description":"{words}"}}}}]"#)).0 > usual + 500);
    assert!(set_aside(&format!(r#","documents_of_a_vendor":"{words}""#)).0 > usual + 500, "whatever nobody here knows");
}

#[test]
fn output_is_bounded_by_lowering_or_by_refusing() {
    let rule = "[[quotas]]\nname='cap'\nwindow='day'\noutput_tokens_max=100\n";
    let lower = plane(rule, 0);
    let trimmed = |plane: &Plane, body: &str| {
        let trimmed = with(plane, &caller(None, &[]), body, |ask| ask.trimmed().map_err(|problem| *problem.body));
        trimmed.map(|bytes| bytes.map(|bytes| serde_json::from_slice::<serde_json::Value>(&bytes).unwrap()))
    };
    let body = |more: &str| format!(r#"{{"model":"m","messages":[]{more}}}"#);
    assert_eq!(trimmed(&lower, &body(r#","max_tokens":100"#)).unwrap(), None);
    assert_eq!(trimmed(&lower, &body("")).unwrap().unwrap()["max_completion_tokens"], 100);
    assert_eq!(trimmed(&lower, &body(r#","max_tokens":101"#)).unwrap().unwrap()["max_tokens"], 100);
    // All choices together.
    assert_eq!(trimmed(&lower, &body(r#","max_tokens":51,"n":2"#)).unwrap().unwrap()["max_tokens"], 50);
    let both = trimmed(&lower, &body(r#","max_tokens":500,"max_completion_tokens":7"#)).unwrap().unwrap();
    assert_eq!((&both["max_tokens"], &both["max_completion_tokens"]), (&100.into(), &7.into()));
    let twice = trimmed(&lower, &body(r#","max_tokens":500,"max_tokens":7"#)).unwrap().unwrap();
    assert_eq!(twice["max_tokens"], 7, "and it stands there once");
    for odd in [r#""100000""#, "0", "-1", r#""lots""#, "[]"] {
        let lowered = trimmed(&lower, &body(&format!(r#","max_tokens":{odd}"#))).unwrap().unwrap();
        assert_eq!(lowered["max_tokens"], 100, "{odd}");
    }
    assert_eq!(trimmed(&lower, &body(r#","max_tokens":"7""#)).unwrap(), None);
    let refuse = plane(&format!("{rule}output_tokens_beyond='refuse'\n"), 0);
    assert!(trimmed(&refuse, &body(r#","max_tokens":0"#)).unwrap_err().error.message.contains("no number above 0"));
    let error = trimmed(&refuse, &body(r#","max_tokens":101"#)).unwrap_err().error;
    assert_eq!(
        (error.param.as_deref(), error.code.as_deref()),
        (Some("max_completion_tokens"), Some("max_tokens_limit"))
    );
    assert!(error.message.contains("is 101: limit cap allows 100"), "{}", error.message);
    assert!(trimmed(&refuse, &body("")).unwrap_err().error.message.contains("is missing"));
    assert!(trimmed(&lower, &body(r#","n":101"#)).is_err(), "nothing is left for a choice");
    assert_eq!(trimmed(&plane("", 0), &body("")).unwrap(), None);
}
