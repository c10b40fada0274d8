//! What is counted, fixed before it is counted: thresholds of the latencies, limits, names of labelled metrics.
//!
//! "The candidate's p95 is at most rho times the baseline's" is the statement P(C > rho tau) <= P(B > tau) at
//! tau = the baseline's p95. With tau frozen from a reference that is not part of the test, it needs nothing but
//! counts of requests above thresholds, whatever the distribution looks like; see [`crate::stats::betting`]. An error
//! in tau means that a neighbouring quantile is tested, still exactly. So that bounds can be shown and not only a
//! decision, exceedances are counted over a whole grid of rho.

use serde::{Deserialize, Serialize};

use crate::metric::{LABELS_MAX, Latency, Quantile};

/// Ratios at which exceedances are always counted, besides the margins: every percent around no change, coarser beyond.
const COARSE_BELOW: [f64; 7] = [0.25, 0.33, 0.5, 0.6, 0.7, 0.8, 0.85];
const COARSE_ABOVE: [f64; 14] = [1.35, 1.4, 1.45, 1.5, 1.6, 1.7, 1.8, 2.0, 2.25, 2.5, 3.0, 4.0, 6.0, 10.0];

/// The threshold of a quantile that is not asked, because failures are most of what lies beyond it.
pub const NO_THRESHOLD: u64 = u64::MAX;

/// What two counters must agree in to be added up.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Plan {
    /// Thresholds by [`Latency::slot`]; `None` where nothing of it was seen in the reference.
    pub latency: [Option<Thresholds>; 3],
    /// Names of the labelled metrics, in the order of their places after [`crate::metric::FIRST_LABEL`].
    pub labels: Vec<String>,
}

/// Why counters cannot be added up.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// They were counted against different thresholds or labels.
    #[error("the counters were made with different plans (thresholds or labels); count both with one plan")]
    Different,
    /// More labelled metrics than there are places.
    #[error("{found} labelled metrics; at most {LABELS_MAX} can be judged at once")]
    TooManyLabels {
        /// How many there are.
        found: usize,
    },
}

/// Thresholds of one latency.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Thresholds {
    /// The baseline's quantiles in the reference, microseconds, by [`Quantile::slot`].
    pub tau_us: [u64; 3],
    /// Requests in the reference.
    pub reference: u64,
    /// Counted ratios, ascending, by quantile; 1 and the quantile's margin are among them.
    pub ratios: [Vec<f64>; 3],
    /// `floor(ratio * tau)`, microseconds, by quantile: a whole number is above the product exactly if it is above this.
    pub edges_us: [Vec<u64>; 3],
    /// Place of the margin among the ratios, by quantile.
    pub margin_at: [usize; 3],
    /// Place of 1 among the ratios, by quantile.
    pub equal_at: [usize; 3],
}

impl Thresholds {
    /// Thresholds from a reference and the margins (ratios, by [`Quantile::slot`]). `reference_us` is the baseline's
    /// latencies, `None` for failed ones; it may be in any order. `None` if it is empty or its median is infinite. A
    /// higher quantile beyond which failures outnumber slow answers is [`NO_THRESHOLD`]: it would ask about failures, which
    /// are judged by their share, and at the quantile that is a failure itself nothing can be slower.
    #[must_use]
    pub fn freeze(reference_us: &[Option<u64>], margins: [f64; 3]) -> Option<Self> {
        let mut ascending: Vec<u64> = reference_us.iter().map(|value| value.unwrap_or(u64::MAX)).collect();
        ascending.sort_unstable();
        let n = ascending.len();
        let failed = ascending.iter().rev().take_while(|value| **value == NO_THRESHOLD).count();
        let at = |quantile: Quantile| {
            let tail = (1.0 - quantile.share()) * n as f64;
            if quantile != Quantile::P50 && failed as f64 > tail / 2.0 + 1e-9 {
                return NO_THRESHOLD;
            }
            let rank = ((n as f64 * quantile.share() - 1e-9).ceil() as usize).clamp(1, n.max(1));
            ascending.get(rank - 1).copied().unwrap_or(NO_THRESHOLD)
        };
        if at(Quantile::P50) == NO_THRESHOLD {
            return None;
        }
        let tau_us = Quantile::ALL.map(|quantile| at(quantile).max(1));
        Some(Self::at(tau_us, n as u64, margins))
    }

    /// Thresholds at given quantiles of the baseline.
    #[must_use]
    pub fn at(tau_us: [u64; 3], reference: u64, margins: [f64; 3]) -> Self {
        let ratios = margins.map(grid);
        let place =
            |ratios: &[f64], wanted: f64| ratios.iter().position(|ratio| ratio.total_cmp(&wanted).is_eq()).unwrap_or(0);
        let margin_at = [0, 1, 2].map(|q: usize| place(&ratios[q], margins[q]));
        let equal_at = [0, 1, 2].map(|q: usize| place(&ratios[q], 1.0));
        let edges = |q: usize| ratios[q].iter().map(|ratio| (ratio * tau_us[q] as f64).floor() as u64).collect();
        Self { tau_us, reference, edges_us: [edges(0), edges(1), edges(2)], ratios, margin_at, equal_at }
    }
}

/// The counted ratios with one margin among them.
fn grid(margin: f64) -> Vec<f64> {
    let percents = (90..=130).map(|percent| f64::from(percent) / 100.0);
    let mut ratios: Vec<f64> = COARSE_BELOW.into_iter().chain(percents).chain(COARSE_ABOVE).chain([margin]).collect();
    ratios.sort_by(f64::total_cmp);
    ratios.dedup_by(|a, b| a.total_cmp(b).is_eq());
    ratios
}

impl Plan {
    /// A plan for these thresholds and labelled metrics.
    ///
    /// # Errors
    ///
    /// More labelled metrics than there are places.
    pub fn new(latency: [Option<Thresholds>; 3], labels: Vec<String>) -> Result<Self, PlanError> {
        if labels.len() > LABELS_MAX {
            return Err(PlanError::TooManyLabels { found: labels.len() });
        }
        Ok(Self { latency, labels })
    }

    /// The thresholds of a latency.
    #[must_use]
    pub fn of(&self, latency: Latency) -> Option<&Thresholds> {
        self.latency.get(latency.slot()).and_then(Option::as_ref)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_hold_margin_and_equality() {
        let reference: Vec<Option<u64>> = (1..=1000).rev().map(|value| Some(value * 1000)).collect();
        let thresholds = Thresholds::freeze(&reference, [1.10, 1.15, 1.255]).unwrap();
        assert_eq!(thresholds.tau_us, [500_000, 950_000, 990_000]);
        for q in 0..3 {
            let (margin, equal) = (thresholds.margin_at[q], thresholds.equal_at[q]);
            assert!((thresholds.ratios[q][margin] - [1.10, 1.15, 1.255][q]).abs() < 1e-12);
            assert_eq!(thresholds.edges_us[q][equal], thresholds.tau_us[q]);
            assert!(thresholds.edges_us[q].is_sorted());
        }
    }

    #[test]
    fn failures_in_the_reference_are_the_slowest() {
        let mut reference = vec![Some(10_000); 98];
        reference.extend([None; 2]);
        assert_eq!(Thresholds::freeze(&reference, [1.1; 3]).unwrap().tau_us, [10_000, 10_000, NO_THRESHOLD]);
        assert_eq!(Thresholds::freeze(&[None, None, Some(1)], [1.1; 3]), None);
        assert_eq!(Thresholds::freeze(&[], [1.1; 3]), None);
    }
}
