//! Running one suite of checks in both languages.

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

/// What one client reports of a suite that passed.
#[derive(Debug)]
pub(crate) struct Ran {
    pub client: &'static str,
    /// The body of the request with unknown members, where the suite has one.
    pub sent: String,
}

/// Runs a suite in both languages side by side; panics with the lines of the checks that failed. Empty where no client
/// can be had, which is said aloud, or fails with `WEIGHBRIDGE_REQUIRE_CLIENTS`.
pub(crate) async fn run(url: &str, suite: &str, arm: Arm, not_yet: &[&str]) -> Vec<Ran> {
    let (python, node) =
        tokio::join!(one(Client::Python, url, suite, arm, not_yet), one(Client::Node, url, suite, arm, not_yet));
    let (passed, failed): (Vec<_>, Vec<_>) = [python, node].into_iter().flatten().partition(Result::is_ok);
    let failed: Vec<String> = failed.into_iter().filter_map(Result::err).collect();
    assert!(failed.is_empty(), "{suite}, {arm:?}:\n{}", failed.join("\n"));
    passed.into_iter().filter_map(Result::ok).collect()
}

/// `None` if the client cannot be had, `Err` with the lines that say what failed.
async fn one(client: Client, url: &str, suite: &str, arm: Arm, not_yet: &[&str]) -> Option<Result<Ran, String>> {
    let name = client.name();
    let mut command = match tokio::task::spawn_blocking(move || client.command()).await.unwrap() {
        Ok(command) => command,
        Err(why) => {
            assert!(
                std::env::var_os("WEIGHBRIDGE_REQUIRE_CLIENTS").is_none(),
                "the {name} client cannot be had: {why}"
            );
            say(&format!("skipped: the {name} client cannot be had here ({why})"));
            return None;
        }
    };
    command
        .args([url, suite, arm.name(), &not_yet.join(",")])
        .env("NO_PROXY", "127.0.0.1")
        .env("no_proxy", "127.0.0.1");
    let ran = finish(command).await;
    let lines =
        |mark: &str| ran.out.lines().filter_map(|line| line.strip_prefix(mark)).map(str::to_owned).collect::<Vec<_>>();
    let failed = lines("FAIL ");
    if ran.code != 0 || !failed.is_empty() {
        let rest = if failed.is_empty() { format!("\n{}\n{}", ran.out, ran.err) } else { String::new() };
        return Some(Err(format!("{name}: {}{rest}", failed.join(&format!("\n{name}: ")))));
    }
    assert!(!lines("ok ").is_empty() || !lines("skip ").is_empty(), "{name} has no checks for {suite}: {}", ran.out);
    let sent = lines("sent ").first().map(|line| serde_json::from_str(line).unwrap()).unwrap_or_default();
    Some(Ok(Ran { client: name, sent }))
}
