//! The policy: margins, levels, floors and budgets that are fixed before anyone looks at data.
//!
//! A policy is a TOML text laid over the defaults in `policy.default.toml` (embedded, and the only place where a
//! default stands). Reading is strict: a key that is not known there is an error with its line and the nearest known
//! key, because a misspelt margin that is silently ignored would be a margin nobody chose.

mod error;
mod layer;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;
use sha2::{Digest, Sha256};

pub use error::PolicyError;
use layer::Layers;

/// The default policy with all its comments, as TOML.
pub const DEFAULT_TOML: &str = include_str!("policy.default.toml");

/// Line in the policy below which a reference error share changes the margin, percent.
const SMALL_REFERENCE_PERCENT: f64 = 0.5;
/// Smallest error margin that a reference share can lead to, percentage points.
const SMALLEST_ERROR_MARGIN_POINTS: f64 = 0.1;

/// A validated policy. Field names and units are those of the TOML file.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Policy {
    /// Accepted chances of a wrong answer.
    pub levels: Levels,
    /// Observations without which nothing passes.
    pub floors: Floors,
    /// Which rows are still evidence.
    pub evidence: EvidenceLimits,
    /// When to stop at once.
    pub hard_stop: HardStop,
    /// When the measuring itself is in doubt.
    pub instrument: InstrumentLimits,
    /// How the weight may move.
    pub weight: WeightPolicy,
    /// Margins of the guardrails.
    pub guardrails: Margins,
    /// Margins of labelled quality metrics by name; `default` holds for those without an entry.
    pub labels: BTreeMap<String, Margin>,
}

/// Accepted chances of a wrong answer, one-sided.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Levels {
    /// False GO.
    pub alpha_go: f64,
    /// False NO-GO over the family of alarms.
    pub alpha_nogo: f64,
}

/// Observations without which nothing passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Floors {
    /// Pairs, or requests in the smaller arm.
    pub pairs: u64,
    /// The same for 95th percentiles.
    pub pairs_p95: u64,
}

/// Which rows are still evidence.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct EvidenceLimits {
    /// Pairs, and what earlier epochs served, count up to this age, hours before the newest row.
    pub max_age_hours: f64,
}

/// The absolute limit on the candidate's errors.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct HardStop {
    /// NO-GO above this error share, percent.
    pub error_percent: f64,
    /// Judged from this many requests on.
    pub min_requests: u64,
}

/// Limits of the instrument's health.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct InstrumentLimits {
    /// Tolerated mirror loss, percent of the intended.
    pub mirror_loss_percent: f64,
    /// Tolerated difference of the arms' reject shares, percentage points.
    pub reject_share_points: f64,
    /// p-value below which the split counts as broken.
    pub srm_p: f64,
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
    /// Extra failed requests the migration may cause in total.
    pub harm_budget_requests: f64,
    /// Requests of both arms expected until the next verdict.
    pub requests_per_step: f64,
    /// Share of the remaining budget one step may risk (0 to 1).
    pub risk_share: f64,
    /// Smallest excess error share assumed (0 to 1).
    pub smallest_excess: f64,
}

/// Margins of the fixed guardrails.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Margins {
    /// Request errors, percentage points; see [`Policy::error_margin_points`] for the margin in force.
    pub errors: Margin,
    /// Frozen error share of the baseline, percent, if one is named.
    pub errors_reference_percent: Option<f64>,
    /// Answers of no use, percentage points.
    pub answer_failures: Margin,
    /// Median time to first token, ratio.
    pub ttft_p50: Margin,
    /// 95th percentile of the time to first token, ratio.
    pub ttft_p95: Margin,
    /// Median time to the last byte, ratio.
    pub duration_p50: Margin,
    /// 95th percentile of the time to the last byte, ratio.
    pub duration_p95: Margin,
    /// Mean cost per request, ratio.
    pub cost: Margin,
    /// Requests that the client gave up on, served traffic, percentage points.
    pub cancellations: Margin,
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

    /// The error margin in force, percentage points: `margin_points`, or with a frozen reference error share below
    /// 0.5 % half of that share, but 0.1 points at least and never more than `margin_points`.
    #[must_use]
    pub fn error_margin_points(&self) -> f64 {
        let set = self.guardrails.errors.value;
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
        let policy = Self {
            levels: Levels {
                alpha_go: layers.number_below("levels.alpha_go", 1e-6, 0.5)?,
                alpha_nogo: layers.number("levels.alpha_nogo", 1e-9, 0.5)?,
            },
            floors: Floors { pairs: layers.count("floors.pairs", 1)?, pairs_p95: layers.count("floors.pairs_p95", 1)? },
            evidence: EvidenceLimits { max_age_hours: layers.number("evidence.max_age_hours", 0.01, 1e6)? },
            hard_stop: HardStop {
                error_percent: layers.number("hard_stop.error_percent", 0.0, 100.0)?,
                min_requests: layers.count("hard_stop.min_requests", 1)?,
            },
            instrument: InstrumentLimits {
                mirror_loss_percent: layers.number("instrument.mirror_loss_percent", 0.0, 100.0)?,
                reject_share_points: layers.number("instrument.reject_share_points", 0.0, 100.0)?,
                srm_p: layers.number("instrument.srm_p", 0.0, 0.5)?,
            },
            weight: weight(layers)?,
            guardrails: margins(layers)?,
            labels: labels(layers)?,
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
            levels: Levels { alpha_go: 0.05, alpha_nogo: 0.01 },
            floors: Floors { pairs: u64::MAX, pairs_p95: u64::MAX },
            evidence: EvidenceLimits { max_age_hours: 0.0 },
            hard_stop: HardStop { error_percent: 10.0, min_requests: 30 },
            instrument: InstrumentLimits { mirror_loss_percent: 0.0, reject_share_points: 0.0, srm_p: 0.5 },
            weight: WeightPolicy {
                ladder_percent: Vec::new(),
                max_percent: 0.0,
                full_weight_needs_percent: 100.0,
                harm_budget_requests: 0.0,
                requests_per_step: 1.0,
                risk_share: 0.0,
                smallest_excess: 1.0,
            },
            guardrails: Margins {
                errors: off,
                errors_reference_percent: None,
                answer_failures: off,
                ttft_p50: off,
                ttft_p95: off,
                duration_p50: off,
                duration_p95: off,
                cost: off,
                cancellations: off,
            },
            labels: BTreeMap::new(),
        }
    }
}

fn weight(layers: &Layers) -> Result<WeightPolicy, PolicyError> {
    Ok(WeightPolicy {
        ladder_percent: layers.ladder("weight.ladder_percent")?,
        max_percent: layers.number("weight.max_percent", 0.0, 100.0)?,
        full_weight_needs_percent: layers.number("weight.full_weight_needs_percent", 0.0, 100.0)?,
        harm_budget_requests: layers.number("weight.harm_budget_requests", 0.0, 1e12)?,
        requests_per_step: layers.number("weight.requests_per_step", 1.0, 1e12)?,
        risk_share: layers.number("weight.risk_share", 0.0, 1.0)?,
        smallest_excess: layers.number("weight.smallest_excess", 1e-9, 1.0)?,
    })
}

fn margins(layers: &Layers) -> Result<Margins, PolicyError> {
    let points = |name: &str| -> Result<Margin, PolicyError> {
        Ok(Margin {
            enabled: layers.flag(&format!("guardrails.{name}.enabled"))?,
            value: layers.number(&format!("guardrails.{name}.margin_points"), 1e-6, 100.0)?,
        })
    };
    let ratio = |name: &str, smallest: f64| -> Result<Margin, PolicyError> {
        Ok(Margin {
            enabled: layers.flag(&format!("guardrails.{name}.enabled"))?,
            value: layers.number(&format!("guardrails.{name}.margin_ratio"), smallest, 100.0)?,
        })
    };
    Ok(Margins {
        errors: points("errors")?,
        errors_reference_percent: layers.number_if_named("guardrails.errors.reference_error_percent", 0.0, 100.0)?,
        answer_failures: points("answer_failures")?,
        ttft_p50: ratio("ttft_p50", 0.01)?,
        ttft_p95: ratio("ttft_p95", 0.01)?,
        duration_p50: ratio("duration_p50", 0.01)?,
        duration_p95: ratio("duration_p95", 0.01)?,
        cost: ratio("cost", 0.01)?,
        cancellations: points("cancellations")?,
    })
}

fn labels(layers: &Layers) -> Result<BTreeMap<String, Margin>, PolicyError> {
    let default = Margin {
        enabled: layers.flag("labels.default.enabled")?,
        value: layers.number("labels.default.margin_points", 1e-6, 100.0)?,
    };
    let mut margins = BTreeMap::from([(DEFAULT_LABEL.to_owned(), default)]);
    for name in layers.names_below("labels") {
        let value = layers.number_if_named(&format!("labels.{name}.margin_points"), 1e-6, 100.0)?;
        let enabled = layers.flag_if_named(&format!("labels.{name}.enabled"))?;
        margins.insert(name, Margin { enabled: enabled.unwrap_or(true), value: value.unwrap_or(default.value) });
    }
    Ok(margins)
}

#[cfg(test)]
mod tests;
