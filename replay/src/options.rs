//! What a caller may choose.

use crate::error::ReplayError;
use crate::schedule::Rate;
use crate::select::Selection;
use crate::sessions::SessionMode;
use datasets::{Arm, Redaction};
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;
use wire::price::{TariffError, Tariffs};
use wire::provider::Provider;

/// Highest bound of requests in flight.
const IN_FLIGHT_MAX: usize = 1_000_000;
/// Most connections of a closed loop.
const CONNECTIONS_MAX: u32 = 50_000;

/// Who decides which arm answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ArmChoice {
    /// The target does: it is a gateway, and says which arm in its answer.
    #[default]
    AsRouted,
    /// The target is a provider, and stands for this arm.
    Forced(Arm),
}

impl std::str::FromStr for ArmChoice {
    type Err = ReplayError;

    fn from_str(text: &str) -> Result<Self, ReplayError> {
        match text {
            "as-routed" => Ok(Self::AsRouted),
            "baseline" => Ok(Self::Forced(Arm::Baseline)),
            "candidate" => Ok(Self::Forced(Arm::Candidate)),
            _ => Err(ReplayError::Options(format!("arm is `{text}`: expected as-routed, baseline or candidate"))),
        }
    }
}

impl fmt::Display for ArmChoice {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::AsRouted => "as-routed",
            Self::Forced(arm) => arm.name(),
        })
    }
}

/// An API key. It does not print.
#[derive(Clone)]
pub struct ApiKey(String);

impl ApiKey {
    /// Takes the key, for example from an environment variable.
    #[must_use]
    pub fn new(key: impl Into<String>) -> Self {
        Self(key.into())
    }

    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("ApiKey(hidden)")
    }
}

/// Everything a caller may choose. Start from [`ReplayOptions::default`] and set `target`.
#[derive(Debug, Clone)]
pub struct ReplayOptions {
    /// Address of the gateway or provider; see [`crate::client::endpoint`] for how the path is completed.
    pub target: String,
    /// Targets outside this machine and private networks are allowed (`--allow-remote`): they may cost money.
    pub allow_remote: bool,
    /// Hosts of one's own that may be called although they are not near (`--allow-host`), named exactly.
    pub allow_hosts: Vec<String>,
    /// Most that the run may cost, nano-dollars; a remote target needs it.
    pub budget_nanos: Option<i64>,
    /// Sent as `Authorization: Bearer`.
    pub api_key: Option<ApiKey>,
    /// How fast.
    pub rate: Rate,
    /// Which rows are played.
    pub selection: Selection,
    /// How turns of one conversation depend on each other.
    pub sessions: SessionMode,
    /// What is planned within this time from the start is reported apart.
    pub warm_up: Duration,
    /// Which arm answers.
    pub arm: ArmChoice,
    /// With [`Arm::Candidate`]: the log's own recorded answers become the baseline's exchanges.
    pub baseline_recorded: bool,
    /// Provider of the baseline arm.
    pub baseline_provider: Provider,
    /// Provider of the candidate arm.
    pub candidate_provider: Provider,
    /// Model in the log to model at the candidate's provider; the key `*` stands for all others. A model that no key
    /// covers keeps its name, but is refused if a DeepSeek candidate is called and the name is not DeepSeek's.
    pub models: BTreeMap<String, String>,
    /// Broken rows are skipped and counted; else the first one ends the run.
    pub skip_broken: bool,
    /// Nothing is sent later than this after the start.
    pub duration: Option<Duration>,
    /// How long answers are waited for after the last request; what is unfinished then is counted and cancelled.
    pub drain: Duration,
    /// Most requests in flight on an open-loop schedule. At the bound a request is counted as dropped, never delayed.
    pub in_flight_max: usize,
    /// Deadline of a connection.
    pub connect_timeout: Duration,
    /// Deadline of a whole exchange.
    pub total_timeout: Duration,
    /// Most bytes kept of one answer's text.
    pub answer_bytes_max: usize,
    /// Where exchange records go.
    pub out: Option<PathBuf>,
    /// Go on with `out`: requests that have a record there are not sent again.
    pub resume: bool,
    /// What is kept of answers.
    pub redaction: Redaction,
    /// Salt of digests; answers can be compared across files of the same salt.
    pub salt: String,
    /// Name of the migration in the records.
    pub migration: String,
    /// Epoch in the records, where the target does not say it.
    pub epoch: u64,
    /// Candidate weight in the records, hundredths of a percent.
    pub weight_bp: u32,
    /// Seed of random schedules.
    pub seed: u64,
    /// Prices, if not those that come with this version.
    pub tariffs: Option<Tariffs>,
    /// A 99th percentile of send lag above this makes an open-loop run degraded, microseconds.
    pub lag_limit_us: u64,
}

impl Default for ReplayOptions {
    fn default() -> Self {
        Self {
            target: String::new(),
            allow_remote: false,
            allow_hosts: Vec::new(),
            budget_nanos: None,
            api_key: None,
            rate: Rate::default(),
            selection: Selection::default(),
            sessions: SessionMode::default(),
            warm_up: Duration::ZERO,
            arm: ArmChoice::default(),
            baseline_recorded: false,
            baseline_provider: Provider::OpenAi,
            candidate_provider: Provider::DeepSeek,
            models: BTreeMap::new(),
            skip_broken: false,
            duration: None,
            drain: Duration::from_secs(30),
            in_flight_max: 4096,
            connect_timeout: Duration::from_secs(5),
            total_timeout: Duration::from_secs(600),
            answer_bytes_max: 1024 * 1024,
            out: None,
            resume: false,
            redaction: Redaction::Hashed,
            salt: "weighbridge".to_owned(),
            migration: "replay".to_owned(),
            epoch: 1,
            weight_bp: 0,
            seed: 0,
            tariffs: None,
            lag_limit_us: 10_000,
        }
    }
}

impl ReplayOptions {
    /// The prices to use.
    ///
    /// # Errors
    /// None are given, and those that come with this version are broken.
    pub(crate) fn tariffs(&self) -> Result<Tariffs, TariffError> {
        self.tariffs.clone().map_or_else(Tariffs::embedded, Ok)
    }

    /// Provider of an arm.
    #[must_use]
    pub const fn provider(&self, arm: Arm) -> Provider {
        match arm {
            Arm::Baseline => self.baseline_provider,
            Arm::Candidate => self.candidate_provider,
        }
    }

    /// The model that an arm is asked for where the log asks for `logged`. The baseline keeps the logged name.
    #[must_use]
    pub fn model<'a>(&'a self, arm: Arm, logged: &'a str) -> &'a str {
        match arm {
            Arm::Baseline => logged,
            Arm::Candidate => self.models.get(logged).or_else(|| self.models.get("*")).map_or(logged, String::as_str),
        }
    }

    /// Refuses options that contradict each other.
    pub(crate) fn check(&self) -> Result<(), ReplayError> {
        let wrong = |message: &str| Err(ReplayError::Options(message.to_owned()));
        if self.baseline_recorded && self.arm != ArmChoice::Forced(Arm::Candidate) {
            return wrong("`--baseline recorded` needs `--arm candidate`: the log stands in for the baseline only");
        }
        if self.baseline_recorded && self.out.is_none() {
            return wrong("`--baseline recorded` needs `--out`: its exchanges have nowhere to go");
        }
        if self.resume && self.out.is_none() {
            return wrong("`--resume` needs `--out`: the records say what is finished");
        }
        if self.in_flight_max == 0 {
            return wrong("the bound of requests in flight is 0, expected at least 1");
        }
        if self.in_flight_max > IN_FLIGHT_MAX {
            return wrong("the bound of requests in flight is above 1000000, more than one machine has room for");
        }
        if matches!(self.rate, Rate::Closed { connections } if connections > CONNECTIONS_MAX) {
            return wrong("the rate asks for more than 50000 connections, more than one machine has ports for");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_does_not_print() {
        let options = ReplayOptions { api_key: Some(ApiKey::new("sk-secret")), ..ReplayOptions::default() };
        assert!(!format!("{options:?}").contains("sk-secret"));
    }

    #[test]
    fn models_are_mapped_for_the_candidate_only() {
        let models =
            BTreeMap::from([("gpt-4o".into(), "deepseek-v4-pro".into()), ("*".into(), "deepseek-flash".into())]);
        let options = ReplayOptions { models, ..ReplayOptions::default() };
        assert_eq!(options.model(Arm::Candidate, "gpt-4o"), "deepseek-v4-pro");
        assert_eq!(options.model(Arm::Candidate, "gpt-4o-mini"), "deepseek-flash");
        assert_eq!(options.model(Arm::Baseline, "gpt-4o"), "gpt-4o");
    }

    #[test]
    fn contradictions_are_refused() {
        let base = ReplayOptions::default;
        for options in [
            ReplayOptions { baseline_recorded: true, ..base() },
            ReplayOptions { baseline_recorded: true, arm: ArmChoice::Forced(Arm::Candidate), ..base() },
            ReplayOptions { resume: true, ..base() },
            ReplayOptions { in_flight_max: 0, ..base() },
            ReplayOptions { in_flight_max: usize::MAX, ..base() },
            ReplayOptions { rate: Rate::Closed { connections: u32::MAX }, ..base() },
        ] {
            assert!(matches!(options.check(), Err(ReplayError::Options(_))), "{options:?}");
        }
        assert!(base().check().is_ok());
        assert!("sideways".parse::<ArmChoice>().unwrap_err().to_string().contains("as-routed"));
    }
}
