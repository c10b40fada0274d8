//! The official `openai` Python client, unchanged, against the mocks and the gateway.
//!
//! It comes from PyPI into a virtual environment under the target folder. Where there is no Python or no PyPI, the test
//! says so aloud; `WEIGHBRIDGE_REQUIRE_CLIENTS` turns that into a failure.

use crate::command::{root, say};
use crate::harness::Plan;
use std::path::{Path, PathBuf};
use std::process::Command;

const CLIENT: &str = "openai==3.54.0";

/// The Python of an environment that has the client, or why there is none.
fn python() -> Result<PathBuf, String> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("clients-{}", CLIENT.replace("==", "-")));
    let python = folder.join("bin/python");
    let works = |program: &Path| {
        Command::new(program).args(["-c", "import openai"]).output().is_ok_and(|output| output.status.success())
    };
    if works(&python) {
        return Ok(python);
    }
    let step = |command: &mut Command| match command.output() {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => {
            Err(String::from_utf8_lossy(&output.stderr).lines().last().unwrap_or("no reason given").to_owned())
        }
        Err(error) => Err(error.to_string()),
    };
    step(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder))?;
    step(Command::new(&python).args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", CLIENT]))?;
    Ok(python)
}

#[tokio::test]
async fn the_official_client_runs_unchanged() {
    let python = match tokio::task::spawn_blocking(python).await.unwrap() {
        Ok(python) => python,
        Err(why) => {
            assert!(std::env::var_os("WEIGHBRIDGE_REQUIRE_CLIENTS").is_none(), "{CLIENT} cannot be had: {why}");
            say(&format!("skipped: {CLIENT} cannot be had here ({why})"));
            return;
        }
    };
    let baseline = Plan::default().build().await;
    let candidate = Plan { weight_percent: 100.0, shadow_percent: 100.0, ..Plan::default() }.build().await;
    for (what, model, url) in [
        ("mock openai", "gpt-4o-mini", baseline.openai.base_url()),
        ("mock deepseek", "deepseek-flash", baseline.deepseek.base_url()),
        ("gateway, baseline", "gpt-4o-mini", format!("http://{}/v1", baseline.gateway.address)),
        ("gateway, candidate", "gpt-4o-mini", format!("http://{}/v1", candidate.gateway.address)),
    ] {
        let mut command = Command::new(&python);
        command.arg(root().join("tests/e2e/openai_client.py")).args([&url, model]).env("OPENAI_API_KEY", "sk-any");
        let ran = crate::command::finish(command).await;
        assert_eq!(ran.code, 0, "{what}: {}\n{}", ran.out, ran.err);
    }
}
