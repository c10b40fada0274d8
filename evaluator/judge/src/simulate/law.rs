//! How an arm behaves at one time and weight, and what is truly different between the arms.

use super::scenario::{Concerns, LatencyLaw, Scenario};
use crate::metric::Share;
use crate::stats::special::normal_upper_tail;

/// The simulated latencies, in this order.
pub(super) const LATENCIES: [crate::metric::Latency; 2] =
    [crate::metric::Latency::Ttft, crate::metric::Latency::Duration];

/// What differs from the population as it was, for one arm.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Change {
    /// Added to shares (not points).
    pub(super) shares: Vec<(Share, f64)>,
    /// Factors on the latencies.
    pub(super) latency: [f64; 2],
    /// Added to the slow parts (a share).
    pub(super) slow: [f64; 2],
    /// Factor on the cost.
    pub(super) cost: f64,
}

/// Changes of baseline and candidate at a minute of the migration and a weight.
pub(super) fn changes(scenario: &Scenario, minute: u32, weight_percent: f64) -> [Change; 2] {
    let hour = f64::from(minute) / 60.0;
    let daily = scenario.traffic.latency_by_hour.get(scenario.hour_of_day(minute)).copied().unwrap_or(1.0);
    let none = Change { shares: Vec::new(), latency: [daily; 2], slow: [0.0; 2], cost: 1.0 };
    let mut both = [none.clone(), none];
    for effect in scenario.effects.iter().filter(|effect| effect.shows(hour, weight_percent)) {
        let first = usize::from(effect.arm == Concerns::Candidate);
        for change in both.iter_mut().skip(first) {
            match effect.metric.as_str() {
                "cost" => change.cost *= effect.ratio,
                "ttft" | "duration" => {
                    let place = usize::from(effect.metric == "duration");
                    change.latency[place] *= effect.ratio;
                    change.slow[place] += effect.slow_add_points / 100.0;
                }
                name => {
                    let share = Share::ALL.into_iter().find(|share| share.name() == name);
                    change.shares.extend(share.map(|share| (share, effect.add_points / 100.0)));
                }
            }
        }
    }
    both
}

impl Change {
    /// What is added to a share.
    pub(super) fn added(&self, share: Share) -> f64 {
        self.shares.iter().filter(|(own, _)| *own == share).map(|(_, added)| added).sum()
    }
}

/// A log-normal curve with a slow part, microseconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Curve {
    pub(super) log_median: f64,
    pub(super) log_sd: f64,
    pub(super) slow_share: f64,
    pub(super) log_slow: f64,
}

impl Curve {
    pub(super) fn new(law: &LatencyLaw, candidate: bool, change: &Change, place: usize) -> Self {
        let (ratio, slow) = if candidate {
            (law.candidate_ratio, law.candidate_slow_percent)
        } else {
            (1.0, law.baseline_slow_percent)
        };
        Self {
            log_median: (law.median_ms * 1000.0 * ratio * change.latency[place]).ln(),
            log_sd: law.log_sd,
            slow_share: (slow / 100.0 + change.slow[place]).clamp(0.0, 1.0),
            log_slow: law.slow_factor.ln(),
        }
    }

    /// The same, slower by a factor whose logarithm is given.
    pub(super) fn shifted(self, log_factor: f64) -> Self {
        Self { log_median: self.log_median + log_factor, ..self }
    }

    /// Chance of a value above a threshold.
    pub(super) fn above(&self, threshold_us: f64) -> f64 {
        let tail = |log_median: f64| {
            let z = (threshold_us.ln() - log_median) / self.log_sd.max(1e-9);
            normal_upper_tail(z)
        };
        (1.0 - self.slow_share) * tail(self.log_median) + self.slow_share * tail(self.log_median + self.log_slow)
    }

    /// The value that a share of the requests does not exceed, by bisection of the logarithm.
    pub(super) fn quantile_us(&self, share: f64) -> f64 {
        let (mut low, mut high) = (self.log_median - 20.0, self.log_median + 20.0);
        for _ in 0..80 {
            let middle = f64::midpoint(low, high);
            if self.above(middle.exp()) > 1.0 - share { low = middle } else { high = middle }
        }
        high.exp()
    }
}

/// True share of bad outcomes of an arm (0 to 1).
pub(super) fn share(scenario: &Scenario, share: Share, candidate: bool, change: &Change) -> f64 {
    let law = scenario.shares.get(share.name());
    let percent = law.map_or(0.0, |law| if candidate { law.candidate_percent } else { law.baseline_percent });
    (percent / 100.0 + change.added(share)).clamp(0.0, 1.0)
}

/// True share of failed requests, those refused for want of quota included.
pub(super) fn failures(scenario: &Scenario, candidate: bool, change: &Change) -> f64 {
    let errors = share(scenario, Share::Errors, candidate, change);
    let limited = share(scenario, Share::RateLimited, candidate, change);
    1.0 - (1.0 - errors) * (1.0 - limited)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn effects_show_from_their_hour_and_weight_on() {
        let text = "[[effects]]\nmetric = \"errors\"\nfrom_hour = 2\nuntil_hour = 3\nfrom_weight_percent = 25\nadd_points = 3\n\
                    [[effects]]\nmetric = \"ttft\"\narm = \"both\"\nfrom_hour = 1\nratio = 1.5\n";
        let scenario = Scenario::parse(text).unwrap();
        let errors = |minute, weight| changes(&scenario, minute, weight)[1].added(Share::Errors);
        assert!((errors(120, 25.0) - 0.03).abs() < 1e-12);
        for (minute, weight) in [(119, 25.0), (180, 25.0), (120, 24.0)] {
            assert!(errors(minute, weight).abs() < 1e-12, "{minute} {weight}");
        }
        let [baseline, candidate] = changes(&scenario, 60, 0.0);
        assert_eq!((baseline.latency, candidate.latency), ([1.5, 1.0], [1.5, 1.0]));
        assert!(baseline.added(Share::Errors).abs() < 1e-12);
    }

    #[test]
    fn a_curve_knows_its_quantiles() {
        let law = Scenario::parse("").unwrap().latency.ttft;
        let none = Change { shares: Vec::new(), latency: [1.0; 2], slow: [0.0; 2], cost: 1.0 };
        let curve = Curve::new(&law, false, &none, 0);
        for share in [0.5, 0.95, 0.99] {
            assert!((curve.above(curve.quantile_us(share)) - (1.0 - share)).abs() < 1e-9);
        }
        // Without a slow part the median is the law's own.
        let plain = Curve { slow_share: 0.0, ..curve };
        assert!((plain.quantile_us(0.5) - 420_000.0).abs() < 1e-3);
    }
}
