//! The world of a simulation, as TOML laid over the embedded defaults.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::metric::Share;

/// The default scenario with all its comments, as TOML.
pub const DEFAULT_TOML: &str = include_str!("scenario.default.toml");

/// Why a scenario was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ScenarioError {
    /// Not TOML.
    #[error("not valid TOML: {0}")]
    Syntax(String),
    /// A key or a value that no scenario has.
    #[error("{0}; see the default scenario for the keys and their units")]
    Shape(String),
    /// A value outside its range.
    #[error("`{key}` is {found}; expected {expected}")]
    OutOfRange {
        /// The key with its tables.
        key: String,
        /// The value as read.
        found: String,
        /// What was expected.
        expected: &'static str,
    },
}

/// A simulated world. Field names and units are those of the TOML file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// What tables and charts call it.
    pub name: String,
    /// Clock.
    pub time: Time,
    /// How much is asked.
    pub traffic: Traffic,
    /// The mirror.
    pub shadow: Shadow,
    /// Bad outcomes by [`Share::name`].
    pub shares: BTreeMap<String, ShareLaw>,
    /// Latencies.
    pub latency: LatencyLaws,
    /// Money.
    pub cost: CostLaw,
    /// Whose requests resemble each other.
    pub consumers: Consumers,
    /// What changes on the way.
    #[serde(default)]
    pub effects: Vec<Effect>,
}

/// Clock of a migration.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Time {
    /// Minutes between looks.
    pub check_minutes: u32,
    /// Minutes a rung lasts at least.
    pub step_minutes: u32,
    /// Minutes from a NO-GO until the candidate serves nothing.
    pub rollback_minutes: u32,
    /// Hours after which it is over.
    pub horizon_hours: u32,
    /// Hour of the day at the beginning.
    pub start_hour: u32,
}

/// Requests over the day.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Traffic {
    /// Requests an hour, on average over a day.
    pub requests_per_hour: f64,
    /// Weights of the 24 hours; empty: even.
    pub by_hour: Vec<f64>,
    /// Factors on both arms' latencies; empty: none.
    pub latency_by_hour: Vec<f64>,
}

/// The mirror.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shadow {
    /// Mirrored share before the candidate serves, percent.
    pub percent: f64,
    /// Pairs before the candidate may serve.
    pub pairs: u64,
    /// Mirrored share of the baseline's requests while the candidate serves, percent.
    pub while_serving_percent: f64,
    /// Lost share of the mirrored, percent.
    pub lost_percent: f64,
}

/// One kind of bad outcome.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShareLaw {
    /// The baseline's share, percent.
    pub baseline_percent: f64,
    /// The candidate's share, percent.
    pub candidate_percent: f64,
    /// How much of the smaller share both arms have in common within pairs, percent.
    pub shared_percent: f64,
}

/// Both latencies.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LatencyLaws {
    /// Time to first token.
    pub ttft: LatencyLaw,
    /// Time to the last byte.
    pub duration: LatencyLaw,
}

/// A log-normal latency with a slow part.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LatencyLaw {
    /// Median of the ordinary part, milliseconds.
    pub median_ms: f64,
    /// Standard deviation of its logarithm.
    pub log_sd: f64,
    /// Correlation of the logarithms within pairs, 0 to 1.
    pub shared: f64,
    /// Factor of the candidate.
    pub candidate_ratio: f64,
    /// Factor of the slow part.
    pub slow_factor: f64,
    /// The baseline's slow part, percent.
    pub baseline_slow_percent: f64,
    /// The candidate's slow part, percent.
    pub candidate_slow_percent: f64,
}

/// Money per request.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CostLaw {
    /// The baseline's mean, units of the currency.
    pub baseline_mean: f64,
    /// The candidate's mean over it.
    pub candidate_ratio: f64,
    /// Standard deviation of the logarithm.
    pub log_sd: f64,
    /// Correlation of the logarithms within pairs, 0 to 1.
    pub shared: f64,
}

/// Consumers and how far they differ.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Consumers {
    /// How many; 0: every request stands for itself.
    pub count: u32,
    /// Exponent of Zipf's law of their sizes.
    pub zipf: f64,
    /// Standard deviation of their logarithms, both arms alike.
    pub log_sd: f64,
    /// Standard deviation of the difference between the arms.
    pub arm_log_sd: f64,
}

/// Whom an effect concerns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Concerns {
    /// The candidate alone.
    Candidate,
    /// Both arms alike.
    Both,
}

/// Something that changes on the way.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Effect {
    /// A share, `ttft`, `duration` or `cost`.
    pub metric: String,
    /// Whom it concerns.
    #[serde(default = "candidate")]
    pub arm: Concerns,
    /// First hour of the migration.
    #[serde(default)]
    pub from_hour: f64,
    /// Hour at which it is over; never if absent.
    pub until_hour: Option<f64>,
    /// Smallest weight at which it shows, percent.
    #[serde(default)]
    pub from_weight_percent: f64,
    /// Added to a share, percentage points.
    #[serde(default)]
    pub add_points: f64,
    /// Factor on a latency or on the cost.
    #[serde(default = "one")]
    pub ratio: f64,
    /// Added to the slow part of a latency, percentage points.
    #[serde(default)]
    pub slow_add_points: f64,
}

const fn candidate() -> Concerns {
    Concerns::Candidate
}

const fn one() -> f64 {
    1.0
}

impl Effect {
    /// Whether it shows at an hour of the migration and a weight.
    #[must_use]
    pub fn shows(&self, hour: f64, weight_percent: f64) -> bool {
        hour >= self.from_hour
            && self.until_hour.is_none_or(|until| hour < until)
            && weight_percent >= self.from_weight_percent
    }
}

impl Scenario {
    /// Name of the default scenario.
    pub const UNNAMED: &str = "identical";

    /// Reads a scenario, laid over the defaults. An empty text is the default scenario.
    ///
    /// # Errors
    ///
    /// [`ScenarioError`] if the text is not TOML, has an unknown key, a value of the wrong kind, or one out of its range.
    pub fn parse(text: &str) -> Result<Self, ScenarioError> {
        let read = |text: &str| text.parse::<toml::Table>().map_err(|error| ScenarioError::Syntax(error.to_string()));
        let mut table = read(DEFAULT_TOML)?;
        lay_over(&mut table, read(text)?);
        let scenario: Self = table
            .try_into()
            .map_err(|error: toml::de::Error| ScenarioError::Shape(error.to_string().trim_end().replace('\n', " ")))?;
        super::valid::check(&scenario)?;
        Ok(scenario)
    }

    /// Shares by their places, ascending.
    pub(super) fn shares_in_order(&self) -> Vec<(Share, ShareLaw)> {
        let of = |share: Share| self.shares.get(share.name()).map(|law| (share, *law));
        Share::ALL.into_iter().filter_map(of).collect()
    }

    /// Looks until the horizon.
    #[must_use]
    pub const fn ticks(&self) -> u32 {
        self.time.horizon_hours * 60 / self.time.check_minutes
    }

    /// Hour of the day at a minute of the migration, 0 to 23.
    #[must_use]
    pub const fn hour_of_day(&self, minute: u32) -> usize {
        ((self.time.start_hour + minute / 60) % 24) as usize
    }

    /// Requests expected in one minute, at a minute of the migration.
    #[must_use]
    pub fn requests_per_minute(&self, minute: u32) -> f64 {
        let weights = &self.traffic.by_hour;
        let mean = weights.iter().sum::<f64>() / weights.len().max(1) as f64;
        let shape = weights.get(self.hour_of_day(minute)).map_or(1.0, |weight| weight / mean);
        self.traffic.requests_per_hour / 60.0 * shape
    }
}

/// Tables key by key, everything else as a whole.
fn lay_over(below: &mut toml::Table, above: toml::Table) {
    for (key, value) in above {
        match (below.get_mut(&key), value) {
            (Some(toml::Value::Table(below)), toml::Value::Table(above)) => lay_over(below, above),
            (_, value) => {
                below.insert(key, value);
            }
        }
    }
}
