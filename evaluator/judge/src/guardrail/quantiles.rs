//! How far apart the arms' latencies are at the usual quantiles, as differences in time.
//!
//! This describes and decides nothing. The intervals are those of one look: order statistics of each arm (Woodruff 1952)
//! put together by MOVER on the scale of time (Zou & Donner 2008), see [`crate::stats::quantile`]. A failed request is
//! infinitely slow: a quantile that lies among failures has no value, and a limit that would need one is absent. Requests
//! of one consumer resemble each other, so that the numbers of values are divided by the larger of the design effects at
//! the median and at the 95th percentile. In served traffic the arms' requests are different ones, and their hours are not
//! made alike here; the guardrails do that.

use super::measure::{paired_independence, served_independence};
use super::views::{PairsView, ServedView};
use crate::counters::Histogram;
use crate::evidence::Evidence;
use crate::metric::{Latency, Quantile};
use crate::stats::Side;
use crate::stats::quantile::{QuantileRatio, ranks};
use crate::verdict::QuantileDifference;
use crate::words::{ALL, CANARY};

/// Shares at which the arms are compared.
pub const SHARES: [f64; 7] = [0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99];
/// One-sided level of either end: two-sided 95 %.
const ALPHA: f64 = 0.025;

/// By [`Latency::slot`] and by place in [`SHARES`]: correlation over the pairs of "slower than one's own quantile".
pub type Correlations = [[f64; SHARES.len()]; 3];

/// The value of an arm at each of [`SHARES`]: the largest that its bucket allows, microseconds; `None` where it lies among
/// failures or nothing was counted.
#[must_use]
pub fn points_us(histogram: &Histogram) -> [Option<u64>; SHARES.len()] {
    SHARES.map(|share| Some(edges(histogram, share)?.1))
}

/// Compares both arms of the pairs, and of served traffic if there is any.
#[must_use]
pub fn quantile_differences(evidence: &Evidence, correlations: &Correlations) -> Vec<QuantileDifference> {
    let pairs = PairsView::new(&evidence.paired, &evidence.plan);
    let served = evidence.canary.as_ref().map(|canary| ServedView::new(canary, &evidence.plan));
    let mut all = Vec::new();
    for latency in [Latency::Ttft, Latency::Duration, Latency::InterToken] {
        let slot = latency.slot();
        let counts = &pairs.pooled.latency[slot];
        let factor = [Quantile::P50, Quantile::P95]
            .map(|quantile| paired_independence(&pairs, latency, quantile).factor(ALPHA))
            .into_iter()
            .fold(1.0, f64::max);
        let arms = Arms { latency, segment: ALL, baseline: &counts.baseline, candidate: &counts.candidate, factor };
        all.extend(SHARES.into_iter().zip(correlations[slot]).filter_map(|(share, r)| arms.at(share, r)));
    }
    let Some(served) = served else { return all };
    for latency in [Latency::Ttft, Latency::Duration, Latency::InterToken] {
        let slot = latency.slot();
        let (baseline, candidate) = (&served.canary.latency_baseline[slot], &served.canary.latency_candidate[slot]);
        let factor = [Quantile::P50, Quantile::P95]
            .map(|quantile| served_independence(&served, latency, quantile).factor(ALPHA))
            .into_iter()
            .fold(1.0, f64::max);
        let arms = Arms { latency, segment: CANARY, baseline, candidate, factor };
        all.extend(SHARES.into_iter().filter_map(|share| arms.at(share, 0.0)));
    }
    all
}

/// One latency of both arms.
struct Arms<'a> {
    latency: Latency,
    segment: &'static str,
    baseline: &'a Histogram,
    candidate: &'a Histogram,
    /// Factor of the variance that dependence makes.
    factor: f64,
}

impl Arms<'_> {
    fn at(&self, share: f64, correlation: f64) -> Option<QuantileDifference> {
        if self.baseline.n() == 0 || self.candidate.n() == 0 {
            return None;
        }
        let middle = |histogram| edges(histogram, share).map(|(low, high)| low + (high - low) / 2);
        let (baseline_us, candidate_us) = (middle(self.baseline), middle(self.candidate));
        let both = QuantileRatio {
            baseline: self.baseline,
            candidate: self.candidate,
            baseline_effective: self.baseline.n() as f64 / self.factor,
            candidate_effective: self.candidate.n() as f64 / self.factor,
            share,
            correlation: correlation.clamp(-1.0, 1.0),
        };
        let bound = |side| both.difference_bound(ALPHA, side).ok().flatten();
        Some(QuantileDifference {
            metric: self.latency.name().to_owned(),
            segment: self.segment.to_owned(),
            share,
            baseline_us,
            candidate_us,
            difference_us: baseline_us.zip(candidate_us).map(|(baseline, candidate)| less(candidate, baseline)),
            lower_us: bound(Side::Lower).map(|bound| bound.floor() as i64),
            upper_us: bound(Side::Upper).map(|bound| bound.ceil() as i64),
        })
    }
}

/// Smallest and largest value of the bucket of the quantile.
fn edges(histogram: &Histogram, share: f64) -> Option<(u64, u64)> {
    let n = histogram.n();
    histogram.at_rank(ranks(n, share, ALPHA, n as f64).ok()?.point)
}

fn less(candidate: u64, baseline: u64) -> i64 {
    let difference = i128::from(candidate) - i128::from(baseline);
    i64::try_from(difference).unwrap_or(if difference < 0 { i64::MIN } else { i64::MAX })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::counters::{PairOutcome, Plan};

    fn evidence(pairs: impl Iterator<Item = [Option<u64>; 2]>) -> Evidence {
        let mut evidence = Evidence::default();
        for values in pairs {
            let mut outcome = PairOutcome::default();
            outcome.latency_us[Latency::Duration.slot()] = Some(values);
            evidence.paired.add(&Plan::default(), 1, None, &outcome);
        }
        evidence
    }

    fn at(found: &[QuantileDifference], share: f64) -> QuantileDifference {
        found.iter().find(|one| (one.share - share).abs() < 1e-9).unwrap().clone()
    }

    #[test]
    fn a_shift_is_found_at_every_share_and_lies_in_its_interval() {
        let evidence = evidence((0..4_000u64).map(|index| [Some(10_000 + index), Some(10_500 + index)]));
        let found = quantile_differences(&evidence, &Correlations::default());
        assert_eq!(found.len(), SHARES.len());
        for one in &found {
            // Buckets are at most 0.2 % wide.
            assert!((one.difference_us.unwrap() - 500).abs() < 60, "{one:?}");
            assert!(one.lower_us.unwrap() <= 500 && one.upper_us.unwrap() >= 500, "{one:?}");
            assert_eq!((one.metric.as_str(), one.segment.as_str()), ("duration", "all"));
        }
        // What is known to go together differs by less.
        let together = quantile_differences(&evidence, &[[0.95; SHARES.len()]; 3]);
        let width = |one: &QuantileDifference| one.upper_us.unwrap() - one.lower_us.unwrap();
        assert!(width(&at(&together, 0.5)) < width(&at(&found, 0.5)));
        assert_eq!(points_us(&evidence.paired.pooled().latency[Latency::Duration.slot()].baseline)[2], Some(11_999));
    }

    #[test]
    fn quantiles_among_failures_have_no_value_and_no_limit() {
        let evidence = evidence((0..1_000u64).map(|index| {
            let candidate = Some(2_000 + index).filter(|_| index < 930);
            [Some(1_000 + index), candidate]
        }));
        let found = quantile_differences(&evidence, &Correlations::default());
        let (median, p90, p95) = (at(&found, 0.5), at(&found, 0.9), at(&found, 0.95));
        assert!(median.upper_us.is_some() && p90.candidate_us.is_some());
        assert_eq!((p95.candidate_us, p95.difference_us, p95.lower_us, p95.upper_us), (None, None, None, None));
        assert!(p95.baseline_us.is_some());
        assert!(quantile_differences(&Evidence::default(), &Correlations::default()).is_empty());
    }
}
