//! A real Prometheus of its own: on a free port, in a folder of its own, killed at the end, also by a panic.

use serde_json::Value;
use std::fs::File;
use std::io::Write;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The shipped files.
pub(crate) fn deploy() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy")
}

/// Whether a program of Debian's package is there; where it is not, says so, or fails if it has to be.
pub(crate) fn has(program: &str) -> bool {
    let there = Command::new(program).arg("--version").output().is_ok_and(|output| output.status.success());
    if !there {
        let required = std::env::var_os("WEIGHBRIDGE_REQUIRE_PROMETHEUS").is_some();
        assert!(!required, "no {program} here: install Debian's package `prometheus`");
        // Past the runner's capture.
        let text = format!("skipped: no {program} here (Debian's package `prometheus`)\n");
        std::io::stderr().write_all(text.as_bytes()).unwrap();
    }
    there
}

/// The text with one thing put in another's place, which has to stand there exactly once.
pub(crate) fn swap(text: &str, from: &str, to: &str) -> String {
    assert_eq!(text.matches(from).count(), 1, "{from} in\n{text}");
    text.replace(from, to)
}

/// The shipped configuration for one gateway on loopback, a look a second; beside it the shipped rules.
///
/// Returns its path in `folder`, which also gets the token.
pub(crate) fn configuration(folder: &Path, gateway: SocketAddr, token: &str) -> PathBuf {
    let shipped = deploy().join("prometheus");
    let secret = folder.join("token");
    std::fs::write(&secret, token).unwrap();
    std::fs::copy(shipped.join("rules.yml"), folder.join("rules.yml")).unwrap();
    let mut text = std::fs::read_to_string(shipped.join("prometheus.yml")).unwrap();
    for (from, to) in [
        ("scrape_interval: 15s", "scrape_interval: 1s"),
        ("scrape_timeout: 10s", "scrape_timeout: 1s"),
        ("evaluation_interval: 15s", "evaluation_interval: 1s"),
        ("gateway:8081", &gateway.to_string()),
        ("/run/secrets/weighbridge-read-token", &secret.display().to_string()),
    ] {
        text = swap(&text, from, to);
    }
    let path = folder.join("prometheus.yml");
    std::fs::write(&path, text).unwrap();
    path
}

/// How long a start may take on a busy machine.
const START_MAX: Duration = Duration::from_secs(60);
/// Another process may be faster to a port that was free a moment ago.
const PORTS_TRIED: usize = 5;

/// The process and what it keeps.
pub(crate) struct Prometheus {
    process: Child,
    address: SocketAddr,
    client: reqwest::Client,
    folder: TempDir,
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

impl Prometheus {
    /// Starts it with a configuration.
    pub(crate) async fn start(configuration: &Path) -> Self {
        let client = reqwest::Client::builder().timeout(Duration::from_secs(30)).build().unwrap();
        for _ in 0..PORTS_TRIED {
            let folder = tempfile::tempdir().unwrap();
            let address = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap();
            let log = File::create(folder.path().join("log")).unwrap();
            let process = Command::new("prometheus")
                .arg(format!("--config.file={}", configuration.display()))
                .arg(format!("--storage.tsdb.path={}", folder.path().join("data").display()))
                .arg(format!("--web.listen-address={address}"))
                .args(["--log.level=warn"])
                .stdin(Stdio::null())
                .stdout(log.try_clone().unwrap())
                .stderr(log)
                .spawn()
                .unwrap();
            let mut server = Self { process, address, client: client.clone(), folder };
            if server.is_ready().await {
                return server;
            }
        }
        panic!("prometheus does not start: see {}", configuration.display());
    }

    /// Whether it answers in time; `false` if it ended, for example because its port was taken.
    async fn is_ready(&mut self) -> bool {
        let begun = Instant::now();
        while begun.elapsed() < START_MAX {
            if self.process.try_wait().unwrap().is_some() {
                return false;
            }
            let url = format!("http://{}/-/ready", self.address);
            if self.client.get(url).send().await.is_ok_and(|answer| answer.status() == 200) {
                return true;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("prometheus is not ready after {START_MAX:?}: {}", self.log());
    }

    /// What it has complained about.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// `data` of an answer below `/api/v1/`, asked with a form.
    pub(crate) async fn ask(&self, path: &str, form: &[(&str, &str)]) -> Result<Value, String> {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let request = self.client.post(format!("http://{}/api/v1/{path}", self.address)).body(body);
        let answer = request.header("content-type", "application/x-www-form-urlencoded").send().await.unwrap();
        Self::data(answer).await
    }

    /// `data` of an answer below `/api/v1/`.
    pub(crate) async fn get(&self, path: &str) -> Result<Value, String> {
        Self::data(self.client.get(format!("http://{}/api/v1/{path}", self.address)).send().await.unwrap()).await
    }

    async fn data(answer: reqwest::Response) -> Result<Value, String> {
        let mut answer: Value = answer.json().await.unwrap();
        if answer["status"] == "success" { Ok(answer["data"].take()) } else { Err(answer["error"].to_string()) }
    }

    /// The values that an expression has now, one for each series; without those that are no number.
    pub(crate) async fn values(&self, expression: &str) -> Result<Vec<f64>, String> {
        let data = self.ask("query", &[("query", expression)]).await?;
        let sample = |sample: &Value| sample.as_str().unwrap().parse::<f64>().unwrap();
        let values: Vec<f64> = match data["resultType"].as_str().unwrap() {
            "scalar" => vec![sample(&data["result"][1])],
            _ => data["result"].as_array().unwrap().iter().map(|one| sample(&one["value"][1])).collect(),
        };
        Ok(values.into_iter().filter(|value| !value.is_nan()).collect())
    }
}
