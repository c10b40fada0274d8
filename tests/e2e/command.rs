//! The command as users run it.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// What a run left.
#[derive(Debug)]
pub(crate) struct Ran {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

/// The command, with the tests' secrets and nothing of the caller's.
pub(crate) fn weighbridge<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_weighbridge"));
    command
        .args(args)
        .env("OPENAI_API_KEY", crate::harness::PROVIDER_KEY)
        .env("DEEPSEEK_API_KEY", crate::harness::PROVIDER_KEY)
        .env("WEIGHBRIDGE_ADMIN_TOKEN", crate::harness::TOKEN)
        .env("NO_COLOR", "1")
        .env_remove("WEIGHBRIDGE_LOG")
        .env_remove("WEIGHBRIDGE_LOG_FORMAT")
        .env_remove("RUST_BACKTRACE")
        .env_remove("WEIGHBRIDGE_PRICES")
        .stdin(Stdio::null());
    command
}

/// Runs to the end, off the async threads.
pub(crate) async fn run<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>) -> Ran {
    finish(weighbridge(args)).await
}

pub(crate) async fn finish(mut command: Command) -> Ran {
    tokio::task::spawn_blocking(move || command.output().unwrap().into()).await.unwrap()
}

/// The root of the project.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A file of the real data, or `None` after saying so aloud: a test that cannot run is never silent.
pub(crate) fn real_data(file: &str) -> Option<PathBuf> {
    let folder =
        std::env::var_os("WEIGHBRIDGE_REAL_DATA").map_or_else(|| root().join("../shared/datasets"), PathBuf::from);
    let path = folder.join(file);
    if path.exists() {
        return Some(path);
    }
    say(&format!("skipped: no real data here ({file})"));
    None
}

/// Says something past the test runner's capture.
#[expect(clippy::explicit_write, reason = "the printing macros are captured, this is not")]
pub(crate) fn say(text: &str) {
    use std::io::Write;
    writeln!(std::io::stderr(), "{text}").unwrap();
}
