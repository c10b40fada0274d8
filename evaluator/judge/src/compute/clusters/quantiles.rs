//! The quantile methods of [`super`].

use serde_json::{Value, json};

use super::inputs::{BucketColumns, BucketCounts, EffectiveColumns, EffectiveValues, RankOf, ShareOf};
use crate::compute::{Declined, latencies, read};
use crate::stats::Side;
use crate::stats::quantile::{self, QuantilePair, QuantileRatio, Ranked};

pub(super) fn compute(method: &str, inputs: &Value) -> Result<Value, Declined> {
    match method {
        "quantile-ranks" => {
            let given: RankOf = read(inputs)?;
            let ranks = quantile::ranks(given.n, given.share, given.alpha, given.n_effective)?;
            Ok(json!({"low": ranks.low, "point": ranks.point, "high": ranks.high}))
        }
        "quantile-interval-effective" => {
            let given: EffectiveValues = read(inputs)?;
            let ascending = ascending(&given.values);
            let found = quantile::interval_effective(&ascending, given.share, given.alpha, given.n_effective)?;
            let point = found.point.is_finite().then_some(found.point);
            Ok(json!({"point": point, "lower": found.lower, "upper": found.upper}))
        }
        "quantile-ratio-effective" => {
            let given: EffectiveColumns = read(inputs)?;
            let (baseline, candidate) = (latencies(&given.baseline), latencies(&given.candidate));
            let compare = if given.paired { QuantilePair::paired } else { QuantilePair::unpaired };
            let pair = compare(&baseline, &candidate, given.share)?;
            let bound =
                |side| pair.bound_effective(given.alpha, side, given.baseline_effective, given.candidate_effective);
            Ok(json!({"lower": bound(Side::Lower)?, "upper": bound(Side::Upper)?}))
        }
        "quantile-ratio-buckets" => buckets(&read(inputs)?),
        _ => {
            let given: ShareOf = read(inputs)?;
            Ok(json!(quantile::harrell_davis(&ascending(&given.values), given.share)?))
        }
    }
}

fn ascending(values: &[Option<f64>]) -> Vec<f64> {
    let mut ascending = latencies(values);
    ascending.sort_unstable_by(f64::total_cmp);
    ascending
}

/// A histogram as JSON gives it.
struct Histogram<'a>(&'a BucketCounts);

impl Ranked for Histogram<'_> {
    fn n(&self) -> u64 {
        self.0.counts.iter().fold(self.0.failed, |sum, count| sum.saturating_add(*count))
    }

    fn at(&self, rank: u64) -> (f64, f64) {
        let mut seen = 0_u64;
        for (count, edges) in self.0.counts.iter().zip(self.0.edges.windows(2)) {
            seen = seen.saturating_add(*count);
            if seen >= rank {
                return (edges[0], edges[1]);
            }
        }
        (f64::INFINITY, f64::INFINITY)
    }
}

fn buckets(given: &BucketColumns) -> Result<Value, Declined> {
    for arm in [&given.baseline, &given.candidate] {
        let rising = arm.edges.windows(2).all(|edges| edges[0] > 0.0 && edges[0] < edges[1]);
        if arm.edges.len() != arm.counts.len() + 1 || !rising {
            let expected = "expected one more edge than counts, the edges above zero and rising";
            return Err(Declined::BadInput(expected.to_owned()));
        }
    }
    let ratio = QuantileRatio {
        baseline: &Histogram(&given.baseline),
        candidate: &Histogram(&given.candidate),
        baseline_effective: given.baseline_effective,
        candidate_effective: given.candidate_effective,
        share: given.share,
        correlation: given.correlation,
    };
    Ok(json!({"lower": ratio.bound(given.alpha, Side::Lower)?, "upper": ratio.bound(given.alpha, Side::Upper)?}))
}
