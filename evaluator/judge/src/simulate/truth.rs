//! What is truly beyond its margin in a scenario: then a promotion is false, and otherwise a rollback is.

use super::law::{self, Change, Curve, LATENCIES, changes};
use super::population::{Population, mean_cost};
use super::scenario::Scenario;
use crate::metric::{Quantile, Share};
use crate::policy::Policy;

/// Metrics that are beyond their margins at some hour and rung, by name; `None` where the truth is not known, because
/// recorded pairs are all there is.
#[must_use]
pub fn beyond_margins(scenario: &Scenario, population: &Population, policy: &Policy) -> Option<Vec<String>> {
    if *population != Population::Synthetic {
        return None;
    }
    let mut states: Vec<[Change; 2]> = Vec::new();
    for hour in 0..scenario.time.horizon_hours {
        for weight in std::iter::once(0.0).chain(policy.weight.ladder_percent.iter().copied()) {
            let change = changes(scenario, hour * 60, weight);
            if !states.contains(&change) {
                states.push(change);
            }
        }
    }
    let mut beyond: Vec<String> = states.iter().flat_map(|change| of_state(scenario, policy, change)).collect();
    beyond.sort_unstable();
    beyond.dedup();
    Some(beyond)
}

fn of_state(scenario: &Scenario, policy: &Policy, change: &[Change; 2]) -> Vec<String> {
    let mut beyond = Vec::new();
    let failures = [0, 1].map(|arm: usize| law::failures(scenario, arm == 1, &change[arm]));
    for (share, _) in scenario.shares_in_order() {
        let margin = policy.share_margin(share);
        let own = |arm: usize| law::share(scenario, share, arm == 1, &change[arm]);
        let excess = if share == Share::Errors { failures[1] - failures[0] } else { own(1) - own(0) };
        if margin.enabled && (excess > margin.value || (share.two_sided() && -excess > margin.value)) {
            beyond.push(share.name().to_owned());
        }
    }
    let laws = [&scenario.latency.ttft, &scenario.latency.duration];
    for (place, (latency, law)) in LATENCIES.into_iter().zip(laws).enumerate() {
        let [baseline, candidate] = [0, 1].map(|arm: usize| Curve::new(law, arm == 1, &change[arm], place));
        for quantile in Quantile::ALL {
            let Some(margin) = policy.latency_margin(latency, quantile).filter(|margin| margin.enabled) else {
                continue;
            };
            let within = quantile.share() / (1.0 - failures[0]);
            if within >= 1.0 {
                // The baseline's own quantile is a failure: nothing is slower.
                continue;
            }
            let edge = margin.value * baseline.quantile_us(within);
            let above = failures[1] + (1.0 - failures[1]) * candidate.above(edge);
            if above > 1.0 - quantile.share() + 1e-9 {
                beyond.push(format!("{}_{}", latency.name(), quantile.name()));
            }
        }
    }
    let cost = policy.guardrails.cost;
    let [baseline, candidate] = [0, 1].map(|arm: usize| mean_cost(scenario, arm == 1, &change[arm]));
    if cost.enabled && candidate > baseline * cost.value {
        beyond.push("cost".to_owned());
    }
    beyond
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_truth_follows_from_the_laws() {
        let beyond = |text: &str| {
            let scenario = Scenario::parse(text).unwrap();
            beyond_margins(&scenario, &Population::Synthetic, &Policy::default()).unwrap()
        };
        assert!(beyond("").is_empty(), "{:?}", beyond(""));
        assert!(beyond("[latency.ttft]\ncandidate_ratio = 1.03").is_empty());
        assert_eq!(beyond("[latency.ttft]\ncandidate_ratio = 1.12"), ["ttft_p50"]);
        assert!(beyond("[shares.errors]\ncandidate_percent = 2").contains(&"errors".to_owned()));
        assert_eq!(beyond("[cost]\ncandidate_ratio = 1.1"), ["cost"]);
        let at_quarter = "[[effects]]\nmetric = \"blocked\"\nfrom_weight_percent = 25\nadd_points = 2";
        assert_eq!(beyond(at_quarter), ["blocked"]);
    }
}
