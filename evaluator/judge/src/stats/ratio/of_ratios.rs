//! R2: a ratio of two ratios of totals, over clusters: cost per thousand tokens, or cost per request when requests
//! come in clusters (R1 with C1: the denominator is the number of requests).

use super::super::Refusal;
use super::super::cluster::Moments;
use super::MeanRatio;

/// One row per cluster that both arms share: numerators and denominators of both.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Row {
    baseline: (f64, f64),
    candidate: (f64, f64),
}

/// Clusters in which both arms were observed, each with its own ratio of totals `m = sum numerator / sum denominator`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RatioOfRatios {
    rows: Vec<Row>,
}

impl RatioOfRatios {
    /// Clusters as `(baseline, candidate)`, each `(numerator, denominator)`. A pair of requests alone is a cluster.
    #[must_use]
    pub fn of(clusters: impl IntoIterator<Item = ((f64, f64), (f64, f64))>) -> Self {
        Self { rows: clusters.into_iter().map(|(baseline, candidate)| Row { baseline, candidate }).collect() }
    }

    /// The ratio with the linearised variance of its logarithm (delta method over clusters; Deng, Knoblich, Lu 2018):
    /// `G/(G-1) sum_g ((S_Cg - R_C N_Cg)/S_C - (S_Bg - R_B N_Bg)/S_B)^2`, which contains the covariance of the arms;
    /// degrees of freedom are Kish's effective clusters of the smaller arm, less one.
    ///
    /// # Errors
    ///
    /// Refuses fewer than two clusters or effective clusters, a total that is not above zero, and values that are not
    /// finite or are negative.
    pub fn ratio(&self) -> Result<MeanRatio, Refusal> {
        for (index, row) in self.rows.iter().enumerate() {
            for value in [row.baseline.0, row.baseline.1, row.candidate.0, row.candidate.1] {
                if !value.is_finite() {
                    return Err(Refusal::NotFinite { index, value });
                }
                if value < 0.0 {
                    return Err(Refusal::NotPositive { index, value });
                }
            }
        }
        let baseline = Moments::of(self.rows.iter().map(|row| row.baseline));
        let candidate = Moments::of(self.rows.iter().map(|row| row.candidate));
        let (ratio_b, ratio_c) = (positive(&baseline)?, positive(&candidate)?);
        if baseline.clusters < 2 {
            return Err(Refusal::TooFew { n: baseline.clusters, needed: 2 });
        }
        let effective = baseline.kish().min(candidate.kish());
        let residual: f64 = self
            .rows
            .iter()
            .map(|row| {
                let of_candidate = (row.candidate.0 - ratio_c * row.candidate.1) / candidate.s;
                let of_baseline = (row.baseline.0 - ratio_b * row.baseline.1) / baseline.s;
                (of_candidate - of_baseline).powi(2)
            })
            .sum();
        let clusters = baseline.clusters as f64;
        Ok(MeanRatio {
            baseline: ratio_b,
            candidate: ratio_c,
            log_standard_error: (clusters / (clusters - 1.0) * residual).sqrt(),
            degrees: degrees(effective, 1.0)?,
            baseline_relative_variance: baseline.variance()? / (ratio_b * ratio_b),
        })
    }

    /// The same for arms with separate clusters, from the moments of each: no covariance, and Kish's effective
    /// clusters of both less two as degrees of freedom.
    ///
    /// # Errors
    ///
    /// As [`Moments::variance`]; a ratio of zero or below and two or fewer effective clusters are refused.
    pub fn unpaired(baseline: &Moments, candidate: &Moments) -> Result<MeanRatio, Refusal> {
        let (ratio_b, ratio_c) = (positive(baseline)?, positive(candidate)?);
        let of_baseline = baseline.variance()? / (ratio_b * ratio_b);
        let of_candidate = candidate.variance()? / (ratio_c * ratio_c);
        Ok(MeanRatio {
            baseline: ratio_b,
            candidate: ratio_c,
            log_standard_error: (of_baseline + of_candidate).sqrt(),
            degrees: degrees(baseline.kish() + candidate.kish(), 2.0)?,
            baseline_relative_variance: of_baseline,
        })
    }
}

fn positive(moments: &Moments) -> Result<f64, Refusal> {
    let ratio = moments.ratio()?;
    if ratio > 0.0 { Ok(ratio) } else { Err(Refusal::MeanNotPositive) }
}

/// Less than a tenth of a degree has no t quantile worth the name.
fn degrees(effective: f64, used: f64) -> Result<f64, Refusal> {
    let degrees = effective - used;
    if degrees >= 0.1 { Ok(degrees) } else { Err(Refusal::TooFewClusters { effective, needed: used + 1.0 }) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::Side;

    #[test]
    fn single_pairs_are_clusters_of_one() {
        let (b, c) = ([3.0, 5.0, 9.0, 2.0, 7.0], [2.0, 6.0, 5.0, 2.5, 4.0]);
        let rows = b.iter().zip(c).map(|(b, c)| ((*b, 1.0), (c, 1.0)));
        let (clustered, plain) = (RatioOfRatios::of(rows).ratio().unwrap(), MeanRatio::paired(&b, &c).unwrap());
        for side in [Side::Lower, Side::Upper] {
            let (left, right) = (clustered.bound(0.05, side).unwrap(), plain.bound(0.05, side).unwrap());
            assert!((left - right).abs() < 1e-12, "{left} {right}");
        }
    }

    #[test]
    fn one_giant_cluster_is_refused() {
        let reason = |rows: Vec<((f64, f64), (f64, f64))>| RatioOfRatios::of(rows).ratio().unwrap_err().reason();
        assert_eq!(reason(vec![((1e9, 1e9), (1e9, 1e9)), ((1.0, 1.0), (1.0, 1.0))]), "too-few-clusters");
        assert_eq!(reason(vec![((1.0, 1.0), (1.0, 1.0))]), "too-few-observations");
        assert_eq!(reason(vec![]), "no-observations");
        assert_eq!(reason(vec![((0.0, 1.0), (1.0, 1.0)); 3]), "mean-not-positive");
        assert_eq!(reason(vec![((f64::NAN, 1.0), (1.0, 1.0)); 3]), "not-finite");
        assert_eq!(reason(vec![((-1.0, 1.0), (1.0, 1.0)); 3]), "not-positive");
    }
}
