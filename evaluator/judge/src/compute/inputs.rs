//! The inputs of every method, as JSON objects. Unknown fields are errors: a misspelt one must not be ignored.

use serde::Deserialize;

use crate::evidence::Evidence;
use crate::stats::{Side, betting::Hypothesis};

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Which {
    Lower,
    Upper,
}

impl From<Which> for Side {
    fn from(which: Which) -> Self {
        match which {
            Which::Lower => Self::Lower,
            Which::Upper => Self::Upper,
        }
    }
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Against {
    AtMost,
    AtLeast,
}

impl From<Against> for Hypothesis {
    fn from(against: Against) -> Self {
        match against {
            Against::AtMost => Self::AtMost,
            Against::AtLeast => Self::AtLeast,
        }
    }
}

macro_rules! inputs {
    ($($name:ident { $($field:ident: $kind:ty),+ $(,)? })+) => {
        $(
            #[derive(Debug, Deserialize)]
            #[serde(deny_unknown_fields)]
            pub(super) struct $name {
                $(pub(super) $field: $kind,)+
            }
        )+
    };
}

pub(super) use inputs;

inputs! {
    Counts { events: u64, n: u64, alpha: f64, side: Which }
    Discordant { only_candidate_bad: u64, only_baseline_bad: u64 }
    PairedShare { only_candidate_bad: u64, only_baseline_bad: u64, pairs: u64, alpha: f64, side: Which }
    TwoArms {
        candidate_events: u64, candidate_n: u64, baseline_events: u64, baseline_n: u64, alpha: f64, side: Which,
    }
    Values { values: Vec<Option<f64>>, share: f64, alpha: f64 }
    LatencyColumns { baseline: Vec<Option<f64>>, candidate: Vec<Option<f64>>, share: f64, alpha: f64 }
    Columns { baseline: Vec<f64>, candidate: Vec<f64>, alpha: f64 }
    LogWealth { minus: u64, zero: u64, plus: u64, m: f64, against: Against }
    BettingBound { minus: u64, zero: u64, plus: u64, alpha: f64, side: Which }
    Split { units_baseline: u64, units_candidate: u64, share: f64 }
    PowerDifference { variance: f64, distance: f64, alpha: f64, beta: f64 }
    PowerZeroEvents { margin: f64, alpha: f64 }
    PowerQuantile { log_sd: f64, share: f64, margin_ratio: f64, alpha: f64, beta: f64 }
    Share { share: f64 }
    UpperT { alpha: f64, degrees: f64 }
}

/// The inputs of a whole judgement.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Judgement {
    pub(super) evidence: Evidence,
    #[serde(default)]
    pub(super) policy: String,
}
