//! No key and no digest of one leaves the gateway but in the one answer that makes it: not in answers, errors, logs, metrics,
//! records, nor in what the command prints.

use crate::command::{run, weighbridge};
use crate::harness::{ANY, PROVIDER_KEY, TOKEN, chat, client, read};
use mocks::{MockConfig, Provider};
use serde_json::json;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};

const OLD: &str = "sk-old-key-that-nobody-may-see";
const WRONG: &str = "sk-wrong-key-that-nobody-may-see";

/// It ends with the test.
struct Served(Child);

impl Drop for Served {
    fn drop(&mut self) {
        // It may have ended already; then there is nothing to end.
        let _ended = self.0.kill().and_then(|()| self.0.wait().map(drop));
    }
}

/// Starts a gateway of its own process that logs everything; its addresses.
fn serve(folder: &Path, openai: &str) -> (Served, String, String) {
    let config = folder.join("gateway.toml");
    let at = |name: &str| folder.join(name).display().to_string();
    let text = format!(
        "server.listen = \"127.0.0.1:0\"\nadmin.listen = \"127.0.0.1:0\"\nserver.authenticate = \"keys\"\n\
         keys.file = \"{}\"\nkeys.sources = [\"bearer\", {{ query = \"key\" }}]\n\
         [providers.openai]\nkind = \"openai\"\nbase_url = \"{openai}\"\napi_key_env = \"OPENAI_API_KEY\"\n\
         [providers.deepseek]\nkind = \"deepseek\"\nbase_url = \"http://127.0.0.1:9\"\napi_key_env = \"DEEPSEEK_API_KEY\"\n\
         [migrations.move]\nbaseline = \"openai\"\ncandidate = \"deepseek\"\nweight_percent = 0\n\
         models = {{ \"gpt-4o-mini\" = \"deepseek-flash\" }}\n[records]\npath = \"{}\"\nredaction = \"full\"\n",
        at("consumers.json"),
        at("records.ndjson"),
    );
    std::fs::write(&config, text).unwrap();
    let log = std::fs::File::create(folder.join("log")).unwrap();
    let mut command = weighbridge([Path::new("serve"), Path::new("--config"), &config]);
    command.env("WEIGHBRIDGE_LOG", "trace").stdout(Stdio::piped()).stderr(log);
    let mut child = command.spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut address = || {
        let line = lines.next().expect("it prints where it listens").unwrap();
        format!("http://{}", line.split("http://").nth(1).unwrap().trim_end_matches("/v1"))
    };
    let (data, admin) = (address(), address());
    (Served(child), data, admin)
}

#[tokio::test]
async fn a_whole_run_shows_each_key_to_nobody_but_whoever_made_it() {
    let folder = tempfile::tempdir().unwrap();
    let openai = mocks::start(ANY, MockConfig::instant(Provider::OpenAi)).await.unwrap();
    let (served, data, admin) = serve(folder.path(), &openai.base_url());
    let mut said = String::new();
    let list = folder.path().join("old.csv");
    std::fs::write(&list, format!("team-a,{OLD},2099-12-31\n")).unwrap();
    let created = run(["keys", "create", "team-a", "--target", &admin]).await;
    let new = created.out.trim().to_owned();
    assert_eq!(created.code, 0, "{}", created.err);
    said += &created.err;
    for args in [
        vec!["adopt", list.to_str().unwrap()],
        vec!["list"],
        vec!["list", "--json"],
        vec!["list", "--old"],
        vec!["revoke", &new],
        vec!["revoke", OLD],
        vec!["adopt", list.to_str().unwrap(), "--consumer", "team-b"],
    ] {
        let ran = run(["keys"].into_iter().chain(args).chain(["--target", &admin])).await;
        said += &format!("{}{}", ran.out, ran.err);
    }
    let url = format!("{data}/v1/chat/completions");
    for key in [&new, OLD, WRONG] {
        for body in [chat("hi", &json!({})), chat("hi", &json!({"stream": true})), json!({"model": 7})] {
            for query in ["", "?key=sk-other-key-that-nobody-may-see", &format!("?key={key}")] {
                let answer = client().post(format!("{url}{query}")).bearer_auth(key).json(&body).send().await.unwrap();
                let answer = read(answer).await;
                said += &format!("{:?}{}", answer.headers, answer.text);
            }
        }
        let unknown = client().get(format!("{data}/v1/nothing?key={key}")).bearer_auth(key).send().await.unwrap();
        said += &read(unknown).await.text;
    }
    for path in ["/metrics", "/admin/v1/consumers", "/admin/v1/migrations", "/admin/v1/audit", "/admin/v1/providers"] {
        let answer = client().get(format!("{admin}{path}")).bearer_auth(TOKEN).send().await.unwrap();
        said += &read(answer).await.text;
    }
    drop(served);
    let log = std::fs::read_to_string(folder.path().join("log")).unwrap();
    let records = std::fs::read_to_string(folder.path().join("records.ndjson")).unwrap();
    let kept = std::fs::read_to_string(folder.path().join("consumers.json")).unwrap();
    assert!(log.contains("consumers changed") && records.contains("team-a"), "there is something to look through");
    assert!(said.contains("weighbridge_keys_refused_total"));
    let digest = |key: &str| datasets::digest::of_bytes(key.as_bytes());
    for key in [&new, OLD, WRONG, "sk-other-key-that-nobody-may-see", PROVIDER_KEY, TOKEN] {
        let secret = key.rsplit_once("wb-").map_or(key, |_| &key[16..]);
        for (what, text) in [("said", &said), ("log", &log), ("records", &records), ("kept", &kept)] {
            assert!(!text.contains(secret), "{what}: {}", around(text, secret));
            let is_kept = what == "kept" && (key == new || key == OLD);
            assert!(is_kept || !text.contains(&digest(key)[..16]), "{what} has a digest");
        }
    }
}

fn around<'a>(text: &'a str, part: &str) -> &'a str {
    text.lines().find(|line| line.contains(part)).unwrap_or_default()
}
