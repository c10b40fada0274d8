//! The log of a running gateway, as a program reads it: all of standard error, from the first line to the last.

use crate::command::weighbridge;
use crate::harness::{ANY, PROVIDER_KEY, TOKEN, chat, client, until};
use mocks::{MockConfig, Provider};
use serde_json::{Value, json};
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

const PROMPT: &str = "the-prompt-nobody-else-may-read";

fn lines(text: &str) -> Vec<Value> {
    let read = |line: &str| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    let lines: Vec<Value> = text.lines().map(read).collect();
    for line in &lines {
        for key in ["timestamp", "level", "target", "message"] {
            assert!(line[key].is_string(), "{key} is missing in {line}");
        }
    }
    lines
}

#[tokio::test]
async fn with_json_every_line_of_standard_error_is_an_object_and_none_holds_content() {
    let folder = tempfile::tempdir().unwrap();
    let openai = mocks::start(ANY, MockConfig::instant(Provider::OpenAi)).await.unwrap();
    let deepseek = mocks::start(ANY, MockConfig::instant(Provider::DeepSeek)).await.unwrap();
    let config = folder.path().join("gateway.toml");
    let text = format!(
        "server.listen = \"127.0.0.1:0\"\nadmin.listen = \"127.0.0.1:0\"\n[providers.openai]\nkind = \"openai\"\n\
         base_url = \"{}\"\napi_key_env = \"OPENAI_API_KEY\"\n[providers.deepseek]\nkind = \"deepseek\"\nbase_url = \"{}\"\n\
         api_key_env = \"DEEPSEEK_API_KEY\"\n[migrations.move]\nbaseline = \"openai\"\ncandidate = \"deepseek\"\n\
         weight_percent = 0\nshadow_percent = 100\nmodels = {{ \"gpt-4o-mini\" = \"deepseek-flash\" }}\n",
        openai.base_url(),
        deepseek.base_url()
    );
    std::fs::write(&config, text).unwrap();
    let log = folder.path().join("log");
    let mut command = weighbridge(["serve", "--log-format", "json", "--config"]);
    command.arg(&config).env("WEIGHBRIDGE_LOG", "trace").stdout(Stdio::piped()).stderr(File::create(&log).unwrap());
    let mut child = command.spawn().unwrap();
    let first = BufReader::new(child.stdout.take().unwrap()).lines().next().unwrap().unwrap();
    let url = format!("{}/chat/completions", first.split_whitespace().last().unwrap());
    for stream in [false, true] {
        let answer = client().post(&url).json(&chat(PROMPT, &json!({"stream": stream}))).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        answer.bytes().await.unwrap();
    }
    let read = || std::fs::read_to_string(&log).unwrap();
    let told = || read().matches("\"target\":\"weighbridge::exchange\"").count() == 4;
    until("both answers and both copies are told", told).await;
    assert!(std::process::Command::new("kill").arg(child.id().to_string()).status().unwrap().success());
    until("it has stopped", || child.try_wait().unwrap().is_some()).await;
    let all = lines(&read());
    let exchanges: Vec<&Value> = all.iter().filter(|line| line["target"] == "weighbridge::exchange").collect();
    for line in &exchanges {
        assert!(line["pair"].is_string() && line["epoch"].is_u64() && line["migration"] == "move", "{line}");
        assert!(line["arm"] == if line["role"] == "shadow" { "candidate" } else { "baseline" }, "{line}");
    }
    assert!(all.iter().any(|line| line["message"] == "gateway is up"));
    let remark = all.iter().find(|line| line["target"] == "weighbridge").expect("remarks are lines, too");
    assert!(remark["message"].as_str().unwrap().starts_with("stopping: "), "{remark}");
    for secret in [PROMPT, PROVIDER_KEY, TOKEN] {
        assert!(!read().contains(secret), "{secret}");
    }
}

#[test]
fn a_failure_and_a_filter_that_is_none_are_lines_too() {
    let mut command = weighbridge(["serve", "--config", "there-is-none.toml"]);
    command.env("WEIGHBRIDGE_LOG_FORMAT", "json").env("WEIGHBRIDGE_LOG", "gateway=loud");
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let lines = lines(&String::from_utf8(output.stderr).unwrap());
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[0]["message"].as_str().unwrap().starts_with("WEIGHBRIDGE_LOG is no filter"), "{}", lines[0]);
    assert_eq!((lines[1]["level"].as_str(), lines[1]["exit_code"].as_u64()), (Some("ERROR"), Some(2)));
    assert!(lines[1]["message"].as_str().unwrap().contains("there-is-none.toml"), "{}", lines[1]);
}
