//! Running suites of checks in both languages.

use super::install::Client;
use crate::command::{finish, say};

/// Who is expected to answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Arm {
    /// There is no gateway.
    Direct,
    Baseline,
    Candidate,
    /// One of the two: who can do what is not the matter.
    Either,
}

impl Arm {
    const fn name(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Baseline => "baseline",
            Self::Candidate => "candidate",
            Self::Either => "either",
        }
    }
}

/// A suite against one address. A process runs several, because clients take longer to load than to run.
#[derive(Debug)]
pub(crate) struct Suite {
    pub name: &'static str,
    pub arm: Arm,
    pub url: String,
}

/// What one client reports of suites that passed.
#[derive(Debug)]
pub(crate) struct Ran {
    pub client: &'static str,
    /// The body of the last request with unknown members, where a suite has one.
    pub sent: String,
}

/// Runs suites in both languages side by side; panics with the lines of the checks that failed. Empty where no client
/// can be had, which is said aloud, or fails with `WEIGHBRIDGE_REQUIRE_CLIENTS`.
pub(crate) async fn run(suites: &[Suite], not_yet: &[&str]) -> Vec<Ran> {
    let mut arguments = vec![not_yet.join(",")];
    for Suite { name, arm, url } in suites {
        arguments.extend([(*name).to_owned(), arm.name().to_owned(), url.clone()]);
    }
    let (python, node) = tokio::join!(one(Client::Python, &arguments), one(Client::Node, &arguments));
    let mut ran = Vec::new();
    let mut failed = Vec::new();
    for outcome in [python, node].into_iter().flatten() {
        match outcome {
            Ok(passed) => ran.push(passed),
            Err(lines) => failed.push(lines),
        }
    }
    assert!(failed.is_empty(), "\n{}", failed.join("\n"));
    ran
}

/// `None` if the client cannot be had, `Err` with the lines that say what failed.
async fn one(client: Client, arguments: &[String]) -> Option<Result<Ran, String>> {
    let name = client.name();
    let mut command = match tokio::task::spawn_blocking(move || client.command()).await.unwrap() {
        Ok(command) => command,
        Err(why) => {
            let required = std::env::var_os("WEIGHBRIDGE_REQUIRE_CLIENTS").is_some();
            assert!(!required, "the {name} client cannot be had: {why}");
            say(&format!("skipped: the {name} client cannot be had here ({why})"));
            return None;
        }
    };
    command.args(arguments).env("NO_PROXY", "127.0.0.1").env("no_proxy", "127.0.0.1");
    let ran = finish(command).await;
    let lines = |mark: &str| -> Vec<String> {
        ran.out.lines().filter_map(|line| line.strip_prefix(mark)).map(|line| format!("{name}: {line}")).collect()
    };
    let failed = lines("FAIL ");
    if !failed.is_empty() {
        return Some(Err(failed.join("\n")));
    }
    if ran.code != 0 {
        return Some(Err(format!("{name} ended with {}\n{}\n{}", ran.code, ran.out, ran.err)));
    }
    assert!(!lines("ok ").is_empty() || !lines("skip ").is_empty(), "{name} has no checks for {arguments:?}");
    let sent = ran.out.lines().filter_map(|line| line.strip_prefix("sent ")).next_back();
    let sent = sent.map(|line| serde_json::from_str(line).unwrap()).unwrap_or_default();
    Some(Ok(Ran { client: name, sent }))
}
