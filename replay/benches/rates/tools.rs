//! The tools, each run as a process of its own.

use crate::Fault;
use serde_json::Value;
use std::io::Write;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

/// Who sends.
#[derive(Debug)]
pub(crate) enum Tool {
    /// This crate.
    Replay,
    Oha(PathBuf),
    Wrk(PathBuf),
}

/// What a tool reports.
#[derive(Debug)]
pub(crate) struct Figures {
    pub(crate) per_second: f64,
    /// Median and 99th percentile, where the tool knows it.
    pub(crate) lag_us: Option<(u64, u64)>,
    pub(crate) whole_p99_ms: f64,
    pub(crate) failed: u64,
}

impl Tool {
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Replay => "replay",
            Self::Oha(_) => "oha",
            Self::Wrk(_) => "wrk",
        }
    }
}

/// The body that all of them send.
pub(crate) fn body(streamed: bool) -> String {
    format!(r#"{{"model":"gpt-4o-mini","stream":{streamed},"messages":[{{"role":"user","content":"hello there"}}]}}"#)
}

/// Runs a tool at `url` for a time. `rate` is one of `replay`'s; the others read the number in it, if any.
pub(crate) fn run(
    tool: &Tool,
    url: &str,
    rate: &str,
    connections: u32,
    time: Duration,
    streamed: bool,
) -> Result<Figures, Fault> {
    let address = format!("{url}/v1/chat/completions");
    let (body, seconds) = (body(streamed), time.as_secs());
    match tool {
        Tool::Replay => replay(url, rate, seconds, streamed),
        Tool::Oha(path) => {
            let mut command = Command::new(path);
            command.args(["--no-tui", "--output-format", "json", "-m", "POST", "-T", "application/json", "-d", &body]);
            command.args(["-c", &connections.to_string(), "-z", &format!("{seconds}s")]);
            if let Some(per_second) = rate.strip_suffix("/s") {
                command.args(["-q", per_second]);
            }
            let report: Value = serde_json::from_slice(&output(command.arg(&address))?)?;
            Ok(Figures {
                per_second: report["summary"]["requestsPerSec"].as_f64().ok_or("oha reports no rate")?,
                lag_us: None,
                whole_p99_ms: report["latencyPercentiles"]["p99"].as_f64().unwrap_or(0.0) * 1e3,
                failed: report["errorDistribution"].as_object().map_or(0, |errors| {
                    // Those that the end of the time cut off are no failures.
                    let of = |(kind, count): (&String, &Value)| (!kind.contains("deadline")).then(|| count.as_u64());
                    errors.iter().filter_map(of).flatten().sum()
                }),
            })
        }
        Tool::Wrk(path) => {
            let mut script = tempfile::NamedTempFile::new()?;
            write!(
                script,
                "wrk.method = 'POST'\nwrk.headers['Content-Type'] = 'application/json'\nwrk.body = '{body}'"
            )?;
            let mut command = Command::new(path);
            command.args(["-t1", &format!("-c{connections}"), &format!("-d{seconds}s"), "-s"]);
            let report = String::from_utf8(output(command.arg(script.path()).arg(&address))?)?;
            let rate =
                report.lines().find_map(|line| line.strip_prefix("Requests/sec:")).ok_or("wrk reports no rate")?;
            Ok(Figures { per_second: rate.trim().parse()?, lag_us: None, whole_p99_ms: 0.0, failed: 0 })
        }
    }
}

fn replay(url: &str, rate: &str, seconds: u64, streamed: bool) -> Result<Figures, Fault> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["play", url, rate, &seconds.to_string(), &streamed.to_string()]);
    let summary: replay::Summary = serde_json::from_slice(&output(&mut command)?)?;
    Ok(Figures {
        per_second: summary.achieved_rate_per_second,
        lag_us: Some((summary.lag_us.p50, summary.lag_us.p99)),
        whole_p99_ms: summary.latency.duration_from_sent.map_or(0.0, |whole| whole.p99_us as f64 / 1e3),
        failed: summary.failed_total() + summary.dropped + summary.unfinished,
    })
}

fn output(command: &mut Command) -> Result<Vec<u8>, Fault> {
    let output = command.output()?;
    if !output.status.success() {
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(format!("{} failed: {message}", command.get_program().to_string_lossy()).into());
    }
    Ok(output.stdout)
}
