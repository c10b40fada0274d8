//! What pairs show of a guardrail that a plan needs: variances, and how far the margin is away.

use crate::counters::{Paired, Plan};
use crate::metric::{Latency, Quantile, Share};
use crate::policy::Policy;
use crate::verdict::Guardrail;

/// One guardrail's effect on the additive scale on which its confidence sequence runs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Effect {
    /// Variance of the difference in one pair.
    pub(super) pair: f64,
    /// Of a served request.
    pub(super) served: Served,
    /// From a candidate that is truly equal to the margin.
    pub(super) distance: f64,
    /// Observed effect, as far as it is noise and not the truth that is planned for.
    pub(super) observed: f64,
    /// Share of the candidate's requests that are events at the border; none are needed where this is 1.
    pub(super) events: f64,
    /// Pairs.
    pub(super) n: f64,
}

/// Variance of one served request.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Served {
    /// Of a share: of both arms together, and the difference that is to be ruled out.
    Share {
        /// Share of both arms together.
        both: f64,
        /// Difference at the border.
        border: f64,
    },
    /// Of a mean: of the candidate and of the baseline.
    Mean(f64, f64),
    /// Only pairs can show it.
    Never,
}

impl Served {
    /// `v_C / w + v_B / (1 - w)` at a candidate's share of the traffic: what the judge expects if the difference lay at the
    /// border, with as many events as there are.
    pub(super) fn per_request(self, weight: f64) -> f64 {
        match self {
            Self::Share { both, border } => {
                let (candidate, baseline) = (both + (1.0 - weight) * border, (both - weight * border).max(0.0));
                binomial(candidate.min(0.5)) / weight + binomial(baseline) / (1.0 - weight)
            }
            Self::Mean(candidate, baseline) => candidate / weight + baseline / (1.0 - weight),
            Self::Never => f64::INFINITY,
        }
    }
}

/// Quantile of a latency's metric name.
fn quantile(metric: &str) -> Option<(Latency, Quantile)> {
    Latency::ALL.into_iter().find_map(|latency| {
        let rest = metric.strip_prefix(latency.name())?.strip_prefix('_')?;
        Quantile::ALL.into_iter().find(|quantile| quantile.name() == rest).map(|quantile| (latency, quantile))
    })
}

fn binomial(share: f64) -> f64 {
    share * (1.0 - share)
}

impl Effect {
    /// As the pairs show it; `None` where they show none.
    pub(super) fn of(guardrail: &Guardrail, pooled: &Paired, plan: &Plan, policy: &Policy) -> Option<Self> {
        let metric = guardrail.metric.as_str();
        let plain = metric.strip_prefix("fewer_").unwrap_or(metric);
        if let Some(share) = Share::ALL.into_iter().find(|share| share.name() == plain) {
            return Self::of_share(guardrail, pooled, share, plain.len() < metric.len());
        }
        if let Some((latency, quantile)) = quantile(metric) {
            return Self::of_quantile(pooled, plan, latency, quantile);
        }
        match metric {
            "cost" => Self::of_cost(pooled, policy.guardrails.cost.value),
            "quality" => Self::of_quality(guardrail, pooled),
            label => {
                let place = plan.labels.iter().position(|name| name == label)?;
                Self::of_table(guardrail, pooled.label(place), false)
            }
        }
    }

    fn of_share(guardrail: &Guardrail, pooled: &Paired, share: Share, fewer: bool) -> Option<Self> {
        Self::of_table(guardrail, pooled.share(share), fewer)
    }

    fn of_table(guardrail: &Guardrail, table: crate::counters::PairedCounts, fewer: bool) -> Option<Self> {
        let n = table.pairs() as f64;
        if n <= 0.0 {
            return None;
        }
        let (baseline, candidate) = (table.baseline_bad() as f64 / n, table.candidate_bad() as f64 / n);
        let sign = if fewer { -1.0 } else { 1.0 };
        // One more than were seen: that no pair differs yet is no proof that none ever will.
        let discordant = (table.discordant() + 1) as f64 / n;
        let border = (baseline.max((table.baseline_bad() + 1) as f64 / n) + guardrail.margin).min(0.5);
        Some(Self {
            pair: discordant - (candidate - baseline).powi(2),
            served: Served::Share { both: f64::midpoint(baseline, candidate).max(0.5 / n), border: guardrail.margin },
            distance: guardrail.margin,
            observed: sign * (candidate - baseline),
            events: border,
            n,
        })
        .filter(|effect| effect.pair > 0.0)
    }

    fn of_quantile(pooled: &Paired, plan: &Plan, latency: Latency, quantile: Quantile) -> Option<Self> {
        let thresholds = plan.of(latency)?;
        let (slot, place) = (quantile.slot(), thresholds.margin_at[quantile.slot()]);
        let counts = &pooled.latency[latency.slot()];
        let n = counts.tested as f64;
        let margin = counts.differences(quantile, place);
        let (plus, minus) = (margin.plus as f64 / n, margin.minus as f64 / n);
        let above = |edge: u64| counts.baseline.above(edge, false) as f64 / counts.baseline.n() as f64;
        let edge = thresholds.edges_us[slot].get(place).copied()?;
        let (at_tau, at_margin) = (above(thresholds.tau_us[slot]), above(edge));
        let distance = at_tau - at_margin;
        let effect = Self {
            pair: plus + minus - (plus - minus).powi(2),
            served: Served::Share { both: f64::midpoint(at_tau, at_margin), border: 0.0 },
            distance,
            observed: plus - minus + distance,
            events: at_margin,
            n,
        };
        (n > 0.0 && effect.pair > 0.0 && distance > 0.0).then_some(effect)
    }

    /// An equal bill proves no saving: what was observed is planned for.
    fn of_cost(pooled: &Paired, ratio: f64) -> Option<Self> {
        let sums = pooled.cost;
        let n = sums.n as f64;
        let spread = |squares: u128, sum: i128| squares as f64 / n - (sum as f64 / n).powi(2);
        let (mean, variance) = sums.difference_at(ratio).ok()?;
        let effect = Self {
            pair: variance * n,
            served: Served::Mean(spread(sums.cc, sums.c), ratio * ratio * spread(sums.bb, sums.b)),
            distance: -mean,
            observed: 0.0,
            events: 1.0,
            n,
        };
        (mean < 0.0 && variance > 0.0).then_some(effect)
    }

    fn of_quality(guardrail: &Guardrail, pooled: &Paired) -> Option<Self> {
        let (mean, variance) = pooled.quality.difference_at(1.0).ok()?;
        let n = pooled.quality.n as f64;
        let pair = variance * n * 1e-12;
        let observed = -mean * 1e-6;
        (pair > 0.0).then_some(Self {
            pair,
            served: Served::Never,
            distance: guardrail.margin,
            observed,
            events: 1.0,
            n,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_the_traffic_tells_most() {
        let served = Served::Share { both: 0.01, border: 0.0 };
        assert!((served.per_request(0.5) - 4.0 * 0.0099).abs() < 1e-12);
        assert!(served.per_request(0.1) > 2.7 * served.per_request(0.5));
        // At the border the candidate's share is the larger one, and where it is rare that costs.
        let border = Served::Share { both: 0.01, border: 0.005 };
        assert!(border.per_request(0.1) > 1.3 * served.per_request(0.1));
    }

    #[test]
    fn names_of_quantiles_are_read() {
        assert_eq!(quantile("duration_p95"), Some((Latency::Duration, Quantile::P95)));
        assert_eq!(quantile("inter_token_p50"), Some((Latency::InterToken, Quantile::P50)));
        assert_eq!(quantile("ttft_p90"), None);
    }
}
