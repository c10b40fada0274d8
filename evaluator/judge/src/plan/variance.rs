//! Variance of one observation: in a pair, and in each arm by itself.

use crate::counters::{Paired, Plan};
use crate::metric::{Latency, Quantile, Share};
use crate::verdict::Guardrail;

/// Variances of one observation of a guardrail's effect.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct PerRequest {
    /// Of the difference within a pair.
    pair: f64,
    /// Of the candidate's request.
    candidate: f64,
    /// Of the baseline's request.
    baseline: f64,
}

impl PerRequest {
    /// As the pairs show them; `None` where they show none.
    pub(super) fn of(guardrail: &Guardrail, pooled: &Paired, plan: &Plan) -> Option<Self> {
        let metric = guardrail.metric.as_str();
        let plain = metric.strip_prefix("fewer_").unwrap_or(metric);
        if let Some(share) = Share::ALL.into_iter().find(|share| share.name() == plain) {
            let table = pooled.share(share);
            let n = table.pairs() as f64;
            let (baseline, candidate) = (table.baseline_bad() as f64 / n, table.candidate_bad() as f64 / n);
            // One more than were seen: that none differ yet is no proof that none ever will.
            let discordant = (table.discordant() + 1) as f64 / n;
            return Self::positive(discordant - (candidate - baseline).powi(2), candidate, baseline);
        }
        if let Some((latency, quantile)) = quantile(metric) {
            let place = plan.of(latency)?.margin_at[quantile.slot()];
            let counts = &pooled.latency[latency.slot()];
            let (margin, equal) = (counts.differences(quantile, place), quantile.share());
            let n = (margin.plus + margin.minus + margin.zero) as f64;
            let (plus, minus) = (margin.plus as f64 / n, margin.minus as f64 / n);
            let baseline = 1.0 - equal;
            let candidate = (baseline + plus - minus).clamp(0.0, 1.0);
            return Self::positive(plus + minus - (plus - minus).powi(2), candidate, baseline);
        }
        if metric == "cost" && pooled.cost.n > 1 {
            let (sums, ratio) = (pooled.cost, guardrail.margin);
            let n = sums.n as f64;
            let spread = |squares: u128, sum: i128| squares as f64 / n - (sum as f64 / n).powi(2);
            let (_, variance) = sums.difference_at(ratio).ok()?;
            let pair = variance * n;
            let (candidate, baseline) = (spread(sums.cc, sums.c), ratio * ratio * spread(sums.bb, sums.b));
            return (pair > 0.0).then_some(Self { pair, candidate, baseline });
        }
        None
    }

    /// Of shares of bad outcomes.
    fn positive(pair: f64, candidate: f64, baseline: f64) -> Option<Self> {
        let binomial = |share: f64| share * (1.0 - share);
        (pair > 0.0).then(|| Self { pair, candidate: binomial(candidate), baseline: binomial(baseline) })
    }

    /// Requests of both arms at a candidate's share that tell as much as one pair.
    pub(super) fn requests_per_pair(self, weight: f64) -> f64 {
        (self.candidate / weight + self.baseline / (1.0 - weight)) / self.pair
    }
}

fn quantile(metric: &str) -> Option<(Latency, Quantile)> {
    Latency::ALL.into_iter().find_map(|latency| {
        let rest = metric.strip_prefix(latency.name())?.strip_prefix('_')?;
        Quantile::ALL.into_iter().find(|quantile| quantile.name() == rest).map(|quantile| (latency, quantile))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_the_traffic_tells_most() {
        // Independent arms of 1 %: a pair tells as much as four requests split in halves.
        let variances = PerRequest::positive(0.0198, 0.01, 0.01).unwrap();
        assert!((variances.requests_per_pair(0.5) - 2.0).abs() < 1e-9);
        assert!(variances.requests_per_pair(0.1) > 2.7 * variances.requests_per_pair(0.5));
        assert!((variances.requests_per_pair(0.1) - variances.requests_per_pair(0.9)).abs() < 1e-9);
        assert_eq!(quantile("duration_p95"), Some((Latency::Duration, Quantile::P95)));
        assert_eq!(quantile("inter_token_p50"), Some((Latency::InterToken, Quantile::P50)));
        assert_eq!(quantile("ttft_p90"), None);
    }
}
