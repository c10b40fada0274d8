//! Mocks, gateway and files of one demo, and the steps of an act.

use super::super::{evaluate, gate, replay as replay_command, serve, sign};
use super::scenario::Scenario;
use super::{files, labels};
use crate::args;
use crate::outcome::{Exit, Failure};
use crate::prices::PriceTable;
use crate::{lines, render, stop, verdict_file};
use ::gate::Policy as GatePolicy;
use ::gate::audit::Log;
use ::gate::signature::SecretKey;
use datasets::LoggedRequest;
use evaluator::{Options, output};
use gateway::Config;
use judge::policy::Policy;
use judge::verdict::Verdict;
use mocks::{MockConfig, Provider};
use replay::{CancellationToken, ReplayOptions};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// The admin plane of the demo lives a minute on a port of its own on loopback.
const ADMIN_TOKEN: &str = "demo";

/// Everything that runs.
pub(super) struct Stage {
    pub scenario: Scenario,
    pub(super) out: PathBuf,
    seed: u64,
    pub(super) mocks: Vec<mocks::Running>,
    pub(super) gateway: gateway::Running,
    pub(super) plane: gate::AdminPlane,
    pub(super) policy: Policy,
    /// The key of this demo, made anew each time: it signs the verdicts that the gate is given.
    sign_key: SecretKey,
    gate_policy: GatePolicy,
    labels: Option<PathBuf>,
    pub(super) prices: PriceTable,
    pub(super) stop: CancellationToken,
}

/// What an act leaves.
pub(super) struct Act {
    pub verdict: Verdict,
    file: PathBuf,
    /// Summaries of all replays so far: the records that were judged come from all of them.
    pub replay_summaries: Vec<PathBuf>,
    pub page: PathBuf,
}

impl Stage {
    pub(super) async fn open(args: &args::Demo, scenario: Scenario) -> Result<Self, Failure> {
        let stop = stop::on_signal();
        // A table that is wrong is said before anything runs.
        args.prices.own_tariffs()?;
        let out = files::fresh_folder(&args.out)?;
        let policy = Policy::parse(&scenario.policy)
            .map_err(|error| Failure { exit: Exit::Bug, message: format!("the demo's policy: {error}") })?;
        evaluate::write(&out.join("policy.toml"), scenario.policy.as_bytes())?;
        let sign_key = sign::new_key(&out.join(files::SIGN_KEY))?;
        let gate_policy = files::write_gate_policy(&out, &policy)?;
        let label_path = out.join("labels.ndjson");
        let labels = match &scenario.graded {
            Some(answers) if labels::write(&label_path, answers, files::SALT)? => Some(label_path),
            _ => None,
        };
        files::write_mocks(&out, &scenario)?;
        let script = Arc::new(scenario.script.clone());
        let mut mocks = Vec::new();
        for (provider, profile) in Provider::ALL.into_iter().zip(scenario.profiles.clone()) {
            let config =
                MockConfig { seed: args.seed, script: Arc::clone(&script), profile, ..MockConfig::new(provider) };
            let any_port = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
            mocks.push(mocks::start(any_port, config).await.map_err(Failure::world)?);
        }
        let text = files::configuration(&scenario, &mocks, &out.join("records.ndjson"), args.prices.file.as_deref());
        evaluate::write(&out.join("gateway.toml"), text.as_bytes())?;
        let key = |name: &str| Some(if name.ends_with("TOKEN") { ADMIN_TOKEN } else { "demo-key" }.to_owned());
        let config = Config::parse(&text, &out.join("gateway.toml"), &key)
            .map_err(|error| Failure { exit: Exit::Bug, message: format!("the demo's configuration: {error}") })?;
        let gateway = gateway::start(config, None).await.map_err(serve::start_failure)?;
        let plane = gate::AdminPlane::new(&format!("http://{}", gateway.admin_address), ADMIN_TOKEN)?;
        Ok(Self {
            scenario,
            out,
            seed: args.seed,
            mocks,
            gateway,
            plane,
            policy,
            sign_key,
            gate_policy,
            labels,
            prices: args.prices.clone(),
            stop,
        })
    }

    pub(super) async fn close(self) {
        self.gateway.shutdown().await;
        for mock in self.mocks {
            mock.shutdown().await;
        }
    }

    pub(super) fn introduction(&self) -> String {
        format!(
            "weighbridge demo: {}\n{}\n\n  client ─► gateway http://{} ─► OpenAI   mock {}\n                    └─ copy ─►  DeepSeek mock {}",
            self.scenario.title,
            self.scenario.remark,
            self.gateway.address,
            self.mocks.first().map_or_else(String::new, mocks::Running::base_url),
            self.mocks.get(1).map_or_else(String::new, mocks::Running::base_url),
        )
    }

    /// Replay, evaluation and report. `earlier` are the replay summaries of the acts before, whose records are judged
    /// again with the new ones.
    pub(super) async fn act(
        &self,
        name: &str,
        requests: &[LoggedRequest],
        earlier: &[PathBuf],
    ) -> Result<Act, Failure> {
        let log = self.out.join(format!("requests-{name}.ndjson"));
        files::write_log(&log, requests)?;
        let weight = self.weight_percent();
        render::result(&format!(
            "\n{} phase: {} requests, {weight}% served by the candidate",
            capital(name),
            requests.len()
        ));
        let mut replay_summaries = earlier.to_vec();
        replay_summaries.push(self.replay(name, &log, requests).await?);
        self.gateway.settle().await;
        self.go_on()?;
        let act = self.judge(name, replay_summaries)?;
        self.go_on()?;
        Ok(act)
    }

    /// Ends the demo between two steps if somebody asked for it.
    pub(super) fn go_on(&self) -> Result<(), Failure> {
        if !self.stop.is_cancelled() {
            return Ok(());
        }
        Err(Failure::world(format!(
            "stopped by a signal; what was recorded so far is kept in {}",
            self.out.join("records.ndjson").display()
        )))
    }

    pub(super) async fn replay(&self, name: &str, log: &Path, requests: &[LoggedRequest]) -> Result<PathBuf, Failure> {
        let path = self.out.join(format!("replay-{name}.json"));
        let rate = format!("{}/s", self.scenario.rate_per_second);
        command(&format!(
            "weighbridge replay {} --target http://{} --rate {rate} --summary {}",
            log.display(),
            self.gateway.address,
            path.display()
        ));
        let options = ReplayOptions {
            target: format!("http://{}", self.gateway.address),
            rate: rate.parse().map_err(Failure::usage)?,
            seed: self.seed,
            ..ReplayOptions::default()
        };
        let progress = replay::progress::for_stderr();
        let summary = replay::run(requests.to_vec(), options, &*progress, self.stop.clone())
            .await
            .map_err(replay_command::failure)?;
        let json = serde_json::to_string_pretty(&summary).map_err(|error| Failure {
            exit: Exit::Bug,
            message: format!("the summary does not serialise: {error}"),
        })?;
        evaluate::write(&path, json.as_bytes())?;
        let lag_ms = Duration::from_micros(summary.lag_us.p99).as_secs_f64() * 1000.0;
        render::result(&format!(
            "  {} sent at {:.0}/s, {} failed, send lag p99 {lag_ms:.1} ms{}",
            summary.sent,
            summary.achieved_rate_per_second,
            summary.failed_total(),
            if summary.degraded { " (late: the run counts as degraded)" } else { "" },
        ));
        self.go_on()?;
        Ok(path)
    }

    fn judge(&self, name: &str, replay_summaries: Vec<PathBuf>) -> Result<Act, Failure> {
        let records = self.out.join("records.ndjson");
        let verdict_path = self.out.join(format!("verdict-{name}.json"));
        let folder = self.out.join(format!("report-{name}"));
        let labels = options_text("--labels", self.labels.as_slice());
        let prices = options_text("--prices", self.prices.file.as_slice());
        let summaries = options_text("--replay-summary", &replay_summaries);
        command(&format!(
            "weighbridge evaluate {} --policy {}{labels}{summaries}{prices} --sign-key {} --out {} --report {}",
            records.display(),
            self.out.join("policy.toml").display(),
            self.out.join(files::SIGN_KEY).display(),
            verdict_path.display(),
            folder.display()
        ));
        let mut options = Options::new(self.policy.clone(), env!("CARGO_PKG_VERSION"));
        options.tariffs = Some(self.prices.tariffs()?);
        options.labels.extend(self.labels.clone());
        options.replay_summaries.clone_from(&replay_summaries);
        let outcome = evaluator::evaluate(&[records], &options).map_err(|error| evaluate::failure(&error))?;
        let verdict = evaluate::signed(outcome.verdict, Some(&self.sign_key))?;
        evaluate::write(&verdict_path, output::to_json(&verdict).as_bytes())?;
        render::result(&evaluate::summary::of(&verdict, render::colour()));
        let written = reports::write(&verdict, &folder, reports::Options::default()).map_err(Failure::world)?;
        render::result(&format!("  report {}", written.page.display()));
        Ok(Act { verdict, file: verdict_path, replay_summaries, page: written.page })
    }

    /// Passes an act's verdict to the gate; says whether the weight was raised. Without `apply` the gate only says what
    /// it would do.
    pub(super) async fn gate(&self, act: &Act, apply: bool) -> Result<bool, Failure> {
        let flag = if apply { " --apply" } else { "" };
        let target = format!("http://{}", self.gateway.admin_address);
        let log = Log::new(self.out.join(files::AUDIT));
        command(&format!(
            "weighbridge gate {} --target {target} --policy {} --audit {}{flag}",
            act.file.display(),
            self.out.join(files::GATE_POLICY).display(),
            log.path().display()
        ));
        let opened = verdict_file::open(&act.file, &gate::trusted(&self.gate_policy)?)?;
        let passed = Box::pin(gate::pass(&self.plane, &opened, &self.gate_policy, &log, apply)).await?;
        render::result(&lines::paragraph(&passed.text, 2));
        Ok(passed.raised)
    }

    fn weight_percent(&self) -> f64 {
        self.gateway.weight_percent()
    }
}

pub(super) fn command(text: &str) {
    render::result(&format!("  $ {text}"));
}

/// An option once for each path.
fn options_text(option: &str, paths: &[PathBuf]) -> String {
    paths.iter().map(|path| format!(" {option} {}", path.display())).collect()
}

fn capital(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map(|first| first.to_uppercase().collect::<String>() + letters.as_str()).unwrap_or_default()
}
