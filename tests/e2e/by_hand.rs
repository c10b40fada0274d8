//! The README's "By hand" after a demo: its own lines, run one by one, on free ports.

use crate::command::{Ran, finish, root, run, weighbridge};
use crate::docs;
use crate::harness::until;
use serde_json::Value;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// Few, and so the verdict is a HOLD.
const REQUESTS: usize = 200;

/// A server of the block; it ends with the test.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already; then there is nothing to end.
        let _ended = self.0.kill().and_then(|()| self.0.wait().map(drop));
    }
}

/// The reader's terminal: variables, servers, and where the block's addresses really are.
struct Terminal<'a> {
    folder: &'a Path,
    variables: Vec<(String, String)>,
    addresses: Vec<(&'static str, String)>,
    servers: Vec<Server>,
}

impl Terminal<'_> {
    fn command(&self, words: &[String]) -> Command {
        let mut command = weighbridge(words);
        for name in ["OPENAI_API_KEY", "DEEPSEEK_API_KEY", "WEIGHBRIDGE_ADMIN_TOKEN"] {
            command.env_remove(name);
        }
        command.envs(self.variables.iter().cloned()).current_dir(self.folder);
        command
    }

    fn real(&self, text: &str) -> String {
        let text = self.addresses.iter().fold(text.to_owned(), |text, (printed, real)| text.replace(printed, real));
        self.variables.iter().fold(text, |text, (name, value)| text.replace(&format!("${name}"), value))
    }

    /// Starts a server and reads the addresses that it prints once it is ready.
    fn start(&mut self, words: &[String], printed: &[&'static str]) {
        let mut child = self.command(words).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        for place in printed {
            let line = lines.next().unwrap_or_else(|| panic!("{words:?} ended")).unwrap();
            let address = line.split("http://").nth(1).unwrap_or_else(|| panic!("no address: {line}"));
            self.addresses.push((*place, address.split('/').next().unwrap().to_owned()));
        }
        self.servers.push(Server(child));
    }

    /// What the pause after the replay is for, as a condition.
    async fn copies_have_ended(&self) {
        let records = self.folder.join("records.ndjson");
        let lines = || std::fs::read_to_string(&records).map_or(0, |text| text.lines().count());
        until("a record per arm", || lines() == 1 + 2 * REQUESTS).await;
    }

    async fn line(&mut self, line: &str) -> Option<Ran> {
        if let Some(variables) = line.strip_prefix("export ") {
            let pairs = variables.split_whitespace().filter_map(|pair| pair.split_once('='));
            let pairs = pairs.filter(|(name, _)| *name != "PATH").map(|(name, value)| (name.into(), value.into()));
            self.variables.extend(pairs);
            return None;
        }
        if let Some((text, rest)) = line.strip_prefix("echo ").and_then(|echo| echo.split_once(" | weighbridge ")) {
            let mut words: Vec<String> = rest.split_whitespace().map(str::to_owned).collect();
            self.aim(&mut words);
            return Some(self.fed(&words, self.real(text.trim_matches('"'))).await);
        }
        if let Some(rest) = line.strip_prefix("curl -H ") {
            return Some(self.fetched(&self.real(rest)).await);
        }
        let Some(rest) = line.strip_prefix("weighbridge ") else {
            assert!(["sleep 1", "sleep 5", "kill %1 %2 %3"].contains(&line), "unknown line: {line}");
            if line == "sleep 5" {
                self.copies_have_ended().await;
            }
            return None;
        };
        let rest = self.real(rest);
        let mut words: Vec<String> = rest.split_whitespace().map(str::to_owned).collect();
        if words.last().is_some_and(|word| word == "&") {
            words.pop();
            match (words[0].as_str(), words[1].as_str()) {
                ("mock", provider) => {
                    let place = if provider == "openai" { "127.0.0.1:9101" } else { "127.0.0.1:9102" };
                    words.extend(["--listen".to_owned(), "127.0.0.1:0".to_owned()]);
                    self.start(&words, &[place]);
                }
                ("serve", _) => {
                    self.move_configuration(&words[2]);
                    self.start(&words, &["127.0.0.1:8080", "127.0.0.1:8081"]);
                }
                _ => panic!("no server: {line}"),
            }
            return None;
        }
        self.aim(&mut words);
        Some(finish(self.command(&words)).await)
    }

    /// Commands that ask the admin plane, at its real address.
    fn aim(&self, words: &mut Vec<String>) {
        if ["gate", "keys", "usage"].contains(&words[0].as_str()) {
            words.extend(["--target".to_owned(), self.real("http://127.0.0.1:8081")]);
        }
    }

    /// A command that reads its standard input.
    async fn fed(&self, words: &[String], input: String) -> Ran {
        let mut command = self.command(words);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        tokio::task::spawn_blocking(move || child.wait_with_output().unwrap().into()).await.unwrap()
    }

    /// `"NAME: VALUE" URL`, as curl would.
    async fn fetched(&self, rest: &str) -> Ran {
        let (header, url) = rest.trim_start_matches('"').split_once("\" ").unwrap();
        let (name, value) = header.split_once(": ").unwrap();
        let answer = crate::harness::client().get(url).header(name, value).send().await.unwrap();
        let code = i32::from(!answer.status().is_success());
        Ran { code, out: answer.text().await.unwrap(), err: String::new() }
    }

    /// The example's configuration, on free ports and with the mocks where they are.
    fn move_configuration(&self, path: &str) {
        let text = std::fs::read_to_string(root().join(path)).unwrap();
        for usual in ["127.0.0.1:9101", "127.0.0.1:9102"] {
            assert!(text.contains(usual), "{path} does not call the mocks where they listen");
        }
        let text = format!("server.listen = \"127.0.0.1:0\"\nadmin.listen = \"127.0.0.1:0\"\n{}", self.real(&text));
        std::fs::create_dir_all(self.folder.join(path).parent().unwrap()).unwrap();
        std::fs::write(self.folder.join(path), text).unwrap();
    }
}

#[tokio::test]
async fn the_lines_of_the_readme_run_as_they_are_printed_after_a_demo() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("weighbridge-demo");
    let demo =
        run(["demo", "--requests", &REQUESTS.to_string(), "--rate", "100", "--out", out.to_str().unwrap()]).await;
    assert_eq!(demo.code, 0, "{demo:?}");

    let mut terminal =
        Terminal { folder: folder.path(), variables: Vec::new(), addresses: Vec::new(), servers: Vec::new() };
    let lines = docs::commands(&docs::readme(), "By hand");
    assert!(lines[0].contains("$PWD/target/release"), "the command is the one that the set-up built: {}", lines[0]);
    let mut ran = Vec::new();
    for line in &lines {
        if let Some(end) = terminal.line(line).await {
            assert!(!end.err.contains("error:") && end.code != 2, "{line}: {end:?}");
            ran.push(end);
        }
    }
    let [key, replay, evaluate, report, gate, audit] = ran.as_slice() else { panic!("{lines:?}") };
    assert_eq!((replay.code, report.code), (0, 0), "{replay:?} {report:?}");
    let fingerprint = key.out.split_whitespace().last().unwrap();
    let own: Value =
        serde_json::from_str(&std::fs::read_to_string(folder.path().join("report/verdict.json")).unwrap()).unwrap();
    assert_eq!(own["signature"]["key"], fingerprint, "the report hands the signature on");
    assert!(gate.out.contains(&format!("signed by the trusted key {}", &fingerprint[..16])), "{gate:?}");
    assert!(audit.code == 0 && audit.out.contains("1 decision, each as it was written"), "{audit:?}");
    let verdict = std::fs::read_to_string(folder.path().join("verdict.json")).unwrap();
    let verdict: Value = serde_json::from_str(&verdict).unwrap();
    let inputs = verdict["inputs"].to_string();
    assert!(inputs.contains("replay.json"), "the verdict knows how the traffic was driven: {inputs}");
    assert!(folder.path().join("report/index.html").exists());
    // So few requests prove nothing, and the gate says so with the verdict's own exit code.
    assert_eq!((evaluate.code, gate.code), (3, 3), "{evaluate:?} {gate:?}");
    assert!(gate.out.contains("left alone: the verdict is HOLD"), "{gate:?}");
}

#[tokio::test]
async fn the_lines_about_keys_run_as_they_are_printed() {
    let folder = tempfile::tempdir().unwrap();
    let secrets = [("OPENAI_API_KEY", "any"), ("DEEPSEEK_API_KEY", "any"), ("WEIGHBRIDGE_ADMIN_TOKEN", "secret")];
    let variables = secrets.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    let mut terminal = Terminal { folder: folder.path(), variables, addresses: Vec::new(), servers: Vec::new() };
    let lines = docs::commands(&docs::readme(), "Keys, quotas, safety");
    let mut ran = Vec::new();
    for line in &lines {
        if let Some(end) = terminal.line(line).await {
            assert_eq!(end.code, 0, "{line}: {end:?}");
            ran.push(end);
        }
    }
    let [created, adopted, listed, models, used] = ran.as_slice() else { panic!("{lines:?}") };
    assert!(created.out.starts_with("wb-"), "{created:?}");
    assert!(adopted.out.contains("1 key changed"), "{adopted:?}");
    assert!(
        listed.out.contains("issued") && listed.out.contains("adopted") && !listed.out.contains("wb-"),
        "{listed:?}"
    );
    assert!(models.out.contains("gpt-4o-mini"), "the old key goes on working: {models:?}");
    assert!(used.out.contains("total"), "{used:?}");
    let kept = std::fs::read_to_string(folder.path().join("consumers.json")).unwrap();
    assert!(!kept.contains("sk-the-key") && !kept.contains(created.out.trim()), "{kept}");
}
