//! The policy: margins, levels, floors and budgets that are fixed before anyone looks at data.
//!
//! A policy is a TOML text laid over the defaults in `policy.default.toml` (embedded, and the only place where a
//! default stands). Reading is strict: a key that is not known there is an error with its line and the nearest known
//! key, because a misspelt margin that is silently ignored would be a margin nobody chose.

mod error;
mod layer;
mod read;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;
use sha2::{Digest, Sha256};

pub use error::PolicyError;
use layer::Layers;

use crate::metric::{Latency, Quantile, Share};

/// The default policy with all its comments, as TOML.
pub const DEFAULT_TOML: &str = include_str!("policy.default.toml");

/// Line in the policy below which a reference error share changes the margin, percent.
const SMALL_REFERENCE_PERCENT: f64 = 0.5;
/// Smallest error margin that a reference share can lead to, percentage points.
const SMALLEST_ERROR_MARGIN_POINTS: f64 = 0.1;

/// A validated policy. Field names and units are those of the TOML file.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Policy {
    /// Accepted chances of a wrong answer, and how often one looks.
    pub levels: Levels,
    /// Observations without which nothing passes.
    pub floors: Floors,
    /// Which rows are still evidence.
    pub evidence: EvidenceLimits,
    /// Parts of the traffic that are looked at by themselves.
    pub segments: Segments,
    /// When to stop at once.
    pub hard_stop: HardStop,
    /// When more evidence will not help.
    pub futility: Futility,
    /// When the measuring itself is in doubt.
    pub instrument: InstrumentLimits,
    /// How the weight may move.
    pub weight: WeightPolicy,
    /// What the candidate's provider can take.
    pub capacity: Capacity,
    /// Margins of the guardrails.
    pub guardrails: Margins,
    /// Margins of labelled quality metrics by name; `default` holds for those without an entry.
    pub labels: BTreeMap<String, Margin>,
}

/// How often the evidence is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Looks {
    /// As often as one likes: bounds hold at every look.
    Any,
    /// Once, at a time fixed beforehand: tighter bounds, which a second look invalidates.
    One,
}

/// Accepted chances of a wrong answer, one-sided.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Levels {
    /// False GO.
    pub alpha_go: f64,
    /// False NO-GO over the family of alarms.
    pub alpha_nogo: f64,
    /// Chance that a candidate which is truly equal does not pass with the planned evidence.
    pub beta: f64,
    /// How often the evidence is looked at.
    pub looks: Looks,
    /// Starts that restarted alarms are averaged over.
    pub planned_starts: u64,
}

/// Observations without which nothing passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Floors {
    /// Pairs, or requests in the smaller arm.
    pub pairs: u64,
    /// The same for 95th percentiles.
    pub pairs_p95: u64,
    /// The same for 99th percentiles.
    pub pairs_p99: u64,
    /// Effective number of independent consumers or conversations, of each arm.
    pub clusters: u64,
    /// Events (discordant pairs) below which the exact bound stands in for the asymptotic one.
    pub events: u64,
}

/// Whose requests resemble each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClusterBy {
    /// Those of a consumer; of a conversation where no consumer is named.
    Consumer,
    /// Those of a conversation.
    Conversation,
    /// Nobody's: every request stands for itself.
    Request,
}

/// Which rows are still evidence.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct EvidenceLimits {
    /// Pairs, and what earlier epochs served, count up to this age, hours before the newest row.
    pub max_age_hours: f64,
    /// Baseline requests that make the latency thresholds, at most.
    pub reference_requests: u64,
    /// Whose requests resemble each other.
    pub cluster_by: ClusterBy,
}

/// Parts of the traffic.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Segments {
    /// Fields that make segments: `model`, `endpoint`, `consumer`, `streamed`, `prompt_length`, `language`.
    pub by: Vec<String>,
    /// Segments that must pass as well, for example `model=gpt-4o`.
    pub critical: Vec<String>,
    /// Segments that are reported at most, the largest first; critical ones always are.
    pub max: u64,
}

/// The absolute limit on the candidate's errors.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct HardStop {
    /// NO-GO above this error share, percent.
    pub error_percent: f64,
    /// Judged from this many requests on.
    pub min_requests: u64,
}

/// When more evidence will not help.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Futility {
    /// Asked at all.
    pub enabled: bool,
    /// From this share of the planned information on.
    pub from_share: f64,
    /// Horizon, as a multiple of the planned information.
    pub horizon: f64,
    /// Futile if the chance to pass by then is below this.
    pub power_below: f64,
}

/// Limits of the instrument's health.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct InstrumentLimits {
    /// Tolerated mirror loss, percent of the intended.
    pub mirror_loss_percent: f64,
    /// p-value below which the mirror loses some lengths of prompts more than others.
    pub mirror_p: f64,
    /// Tolerated difference of the arms' reject shares, percentage points.
    pub reject_share_points: f64,
    /// p-value below which the split counts as broken.
    pub srm_p: f64,
    /// e-value above which the split counts as broken, at any look.
    pub srm_e: f64,
    /// Share of pairs whose clocks disagree, percent.
    pub clock_skew_percent: f64,
    /// 99th percentile of a replay's lateness, milliseconds.
    pub replay_lag_ms: f64,
    /// Exchanges of an arm that the guard did not judge whole, and pairs of which it saw one answer only, percent.
    pub guard_failed_percent: f64,
}

/// How the weight may move.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WeightPolicy {
    /// Rungs, ascending, percent.
    pub ladder_percent: Vec<f64>,
    /// No recommendation goes above this, percent.
    pub max_percent: f64,
    /// 100 % needs a GO judged at this weight or more, percent.
    pub full_weight_needs_percent: f64,
    /// A HOLD for want of evidence may still raise the weight up to this, percent, within all other bounds.
    pub hold_climbs_to_percent: f64,
    /// Extra failed requests the migration may cause in total.
    pub harm_budget_requests: f64,
    /// Requests of both arms expected until the next verdict.
    pub requests_per_step: f64,
    /// Share of the remaining budget one step may risk (0 to 1).
    pub risk_share: f64,
    /// Smallest excess error share assumed (0 to 1).
    pub smallest_excess: f64,
    /// Minutes from a change to its detection and undoing: between checks, and for the way back.
    pub reaction_minutes: f64,
    /// Excess error share assumed while nobody has noticed yet (0 to 1).
    pub worst_excess: f64,
    /// Hours that a rung should last at most.
    pub soak_hours: f64,
}

/// What the candidate's provider can take; absent where there is no limit.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Capacity {
    /// Share of the limits that may be used (0 to 1).
    pub headroom: f64,
    /// Requests a minute.
    pub requests_per_minute: Option<f64>,
    /// Tokens a minute.
    pub tokens_per_minute: Option<f64>,
    /// Requests in flight.
    pub concurrency: Option<f64>,
}

/// Margins of the guardrails.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Margins {
    /// By [`Share::slot`], percentage points; see [`Policy::share_margin`] for the error margin in force.
    shares: [Margin; Share::COUNT],
    /// How many fewer of [`Share::GuardFlags`] the candidate may have, percentage points.
    pub fewer_guard_flags_points: f64,
    /// By [`Latency::slot`] and [`Quantile::slot`], ratios; `None` where it is never asked.
    latency: [[Option<Margin>; 3]; 3],
    /// Frozen error share of the baseline, percent, if one is named.
    pub errors_reference_percent: Option<f64>,
    /// Limit of [`Share::SlowTtft`], microseconds.
    pub slow_ttft_us: u64,
    /// Limit of [`Share::SlowDuration`], microseconds.
    pub slow_duration_us: u64,
    /// Mean cost per request, ratio.
    pub cost: Margin,
    /// Mean quality score, percentage points of the scale.
    pub quality: Margin,
    /// Range of the ratio of output tokens outside of which it is flagged.
    pub answer_chars_range: [f64; 2],
}

/// One margin; percentage points or a ratio, as its place says.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Margin {
    /// Left out of the verdict if false.
    pub enabled: bool,
    /// The margin itself.
    pub value: f64,
}

impl Policy {
    /// Reads a policy, laid over the defaults. An empty text is the default policy.
    ///
    /// # Errors
    ///
    /// [`PolicyError`] with the line if the text is not TOML, has an unknown key, a value of the wrong kind, or a
    /// value out of its range.
    pub fn parse(text: &str) -> Result<Self, PolicyError> {
        Self::from_layers(&Layers::read(DEFAULT_TOML, text)?)
    }

    /// The margin of a share in force, as a share (not points). For errors: `margin_points`, or with a frozen reference
    /// error share below 0.5 % half of that share, but 0.1 points at least and never more than `margin_points`.
    #[must_use]
    pub fn share_margin(&self, share: Share) -> Margin {
        let margin = self.guardrails.shares[share.slot()];
        let points = if share == Share::Errors { self.error_margin_points() } else { margin.value };
        Margin { value: points / 100.0, ..margin }
    }

    /// The margin of too few of a two-sided share, as a share: the same as of too many, but for the guard's flags.
    #[must_use]
    pub fn fewer_margin(&self, share: Share) -> Margin {
        let margin = self.share_margin(share);
        match share {
            Share::GuardFlags => Margin { value: self.guardrails.fewer_guard_flags_points / 100.0, ..margin },
            _ => margin,
        }
    }

    /// The margin of a latency's quantile, a ratio; `None` where it is never asked.
    #[must_use]
    pub const fn latency_margin(&self, latency: Latency, quantile: Quantile) -> Option<Margin> {
        self.guardrails.latency[latency.slot()][quantile.slot()]
    }

    /// The margins of a latency as the thresholds want them; a quantile that is never asked has that of the highest asked.
    #[must_use]
    pub fn latency_margins(&self, latency: Latency) -> [f64; 3] {
        let mut last = 1.0;
        Quantile::ALL.map(|quantile| {
            last = self.latency_margin(latency, quantile).map_or(last, |margin| margin.value);
            last
        })
    }

    fn error_margin_points(&self) -> f64 {
        let set = self.guardrails.shares[Share::Errors.slot()].value;
        match self.guardrails.errors_reference_percent {
            Some(reference) if reference < SMALL_REFERENCE_PERCENT => {
                (0.5 * reference).max(SMALLEST_ERROR_MARGIN_POINTS).min(set)
            }
            _ => set,
        }
    }

    /// The margin of a labelled metric.
    #[must_use]
    pub fn label_margin(&self, name: &str) -> Margin {
        let fallback = Margin { enabled: false, value: 0.0 };
        self.labels.get(name).or_else(|| self.labels.get(DEFAULT_LABEL)).copied().unwrap_or(fallback)
    }

    /// Labels that the policy demands by name.
    pub fn demanded_labels(&self) -> impl Iterator<Item = &str> {
        self.labels.iter().filter(|(name, margin)| *name != DEFAULT_LABEL && margin.enabled).map(|(name, _)| &**name)
    }

    /// SHA-256, hexadecimal, of the effective policy. Comments, order and spelling of the TOML text (`1` or `1.0`) do
    /// not change it; every value does.
    #[must_use]
    pub fn digest(&self) -> String {
        // A policy holds finite numbers, booleans and strings only, so that writing it as JSON cannot fail.
        let canonical = serde_json::to_vec(self).unwrap_or_default();
        Sha256::digest(&canonical).iter().fold(String::with_capacity(64), |mut hex, byte| {
            // Writing to a string cannot fail.
            _ = write!(hex, "{byte:02x}");
            hex
        })
    }

    fn from_layers(layers: &Layers) -> Result<Self, PolicyError> {
        let share = |key: &str| layers.number(key, 0.0, 1.0);
        let policy = Self {
            levels: read::levels(layers)?,
            floors: Floors {
                pairs: layers.count("floors.pairs", 1)?,
                pairs_p95: layers.count("floors.pairs_p95", 1)?,
                pairs_p99: layers.count("floors.pairs_p99", 1)?,
                clusters: layers.count("floors.clusters", 0)?,
                events: layers.count("floors.events", 0)?,
            },
            evidence: EvidenceLimits {
                max_age_hours: layers.number("evidence.max_age_hours", 0.01, 1e6)?,
                reference_requests: layers.count("evidence.reference_requests", 50)?,
                cluster_by: layers.one_of(
                    "evidence.cluster_by",
                    &[
                        ("consumer", ClusterBy::Consumer),
                        ("conversation", ClusterBy::Conversation),
                        ("request", ClusterBy::Request),
                    ],
                )?,
            },
            segments: read::segments(layers)?,
            hard_stop: HardStop {
                error_percent: layers.number("hard_stop.error_percent", 0.0, 100.0)?,
                min_requests: layers.count("hard_stop.min_requests", 1)?,
            },
            futility: Futility {
                enabled: layers.flag("futility.enabled")?,
                from_share: share("futility.from_share")?,
                horizon: layers.number("futility.horizon", 1.0, 1e6)?,
                power_below: share("futility.power_below")?,
            },
            instrument: InstrumentLimits {
                mirror_loss_percent: layers.number("instrument.mirror_loss_percent", 0.0, 100.0)?,
                mirror_p: layers.number("instrument.mirror_p", 0.0, 0.5)?,
                reject_share_points: layers.number("instrument.reject_share_points", 0.0, 100.0)?,
                srm_p: layers.number("instrument.srm_p", 0.0, 0.5)?,
                srm_e: layers.number("instrument.srm_e", 1.0, 1e300)?,
                clock_skew_percent: layers.number("instrument.clock_skew_percent", 0.0, 100.0)?,
                replay_lag_ms: layers.number("instrument.replay_lag_ms", 0.0, 1e6)?,
                guard_failed_percent: layers.number("instrument.guard_failed_percent", 0.0, 100.0)?,
            },
            weight: read::weight(layers)?,
            capacity: Capacity {
                headroom: share("capacity.headroom")?,
                requests_per_minute: layers.number_if_named("capacity.requests_per_minute", 1.0, 1e12)?,
                tokens_per_minute: layers.number_if_named("capacity.tokens_per_minute", 1.0, 1e15)?,
                concurrency: layers.number_if_named("capacity.concurrency", 1.0, 1e9)?,
            },
            guardrails: read::margins(layers)?,
            labels: read::labels(layers)?,
        };
        Ok(policy)
    }
}

impl Default for Policy {
    /// The default policy. A test makes sure that the embedded text is valid; were it not, this policy would have no
    /// guardrail and an empty ladder, which holds every verdict.
    fn default() -> Self {
        Self::parse("").unwrap_or_else(|_| Self::holds_everything())
    }
}

/// Name of the entry that holds for labels without one.
const DEFAULT_LABEL: &str = "default";

impl Policy {
    fn holds_everything() -> Self {
        let off = Margin { enabled: false, value: 0.0 };
        Self {
            levels: Levels { alpha_go: 0.05, alpha_nogo: 0.01, beta: 0.1, looks: Looks::Any, planned_starts: 1 },
            floors: Floors {
                pairs: u64::MAX,
                pairs_p95: u64::MAX,
                pairs_p99: u64::MAX,
                clusters: u64::MAX,
                events: u64::MAX,
            },
            evidence: EvidenceLimits { max_age_hours: 0.0, reference_requests: 50, cluster_by: ClusterBy::Consumer },
            segments: Segments { by: Vec::new(), critical: Vec::new(), max: 0 },
            hard_stop: HardStop { error_percent: 10.0, min_requests: 30 },
            futility: Futility { enabled: false, from_share: 1.0, horizon: 1.0, power_below: 0.0 },
            instrument: InstrumentLimits {
                mirror_loss_percent: 0.0,
                mirror_p: 0.5,
                reject_share_points: 0.0,
                srm_p: 0.5,
                srm_e: 1.0,
                clock_skew_percent: 0.0,
                replay_lag_ms: 0.0,
                guard_failed_percent: 0.0,
            },
            weight: WeightPolicy {
                ladder_percent: Vec::new(),
                max_percent: 0.0,
                full_weight_needs_percent: 100.0,
                hold_climbs_to_percent: 0.0,
                harm_budget_requests: 0.0,
                requests_per_step: 1.0,
                risk_share: 0.0,
                smallest_excess: 1.0,
                reaction_minutes: 1e9,
                worst_excess: 1.0,
                soak_hours: 1.0,
            },
            capacity: Capacity { headroom: 0.0, requests_per_minute: None, tokens_per_minute: None, concurrency: None },
            guardrails: Margins {
                shares: [off; Share::COUNT],
                fewer_guard_flags_points: 0.0,
                latency: [[None; 3]; 3],
                errors_reference_percent: None,
                slow_ttft_us: u64::MAX,
                slow_duration_us: u64::MAX,
                cost: off,
                quality: off,
                answer_chars_range: [0.0, f64::MAX],
            },
            labels: BTreeMap::new(),
        }
    }
}

#[cfg(test)]
mod tests;
