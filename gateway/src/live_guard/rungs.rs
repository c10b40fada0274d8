//! Which weights are safe to go back to. Pure.
//!
//! A weight is safe once somebody has raised it to a higher one, and until the weight is lowered, by an alarm or by hand. What
//! happened before the process began is not known, and what is not known is not safe; replicas tell each other.

use crate::config::BackTo;
use crate::lane::Snapshot;
use crate::routing::WeightBp;
use serde::{Deserialize, Serialize};

/// Weights that are remembered: a ladder has no more.
const SAFE_MAX: usize = 32;

/// See the module's text.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Rungs {
    /// Epoch and weight that were in force last, hundredths of a percent.
    seen: Option<(u64, u32)>,
    /// Safe weights, ascending, hundredths of a percent.
    safe: Vec<u32>,
}

impl Rungs {
    /// Takes notice of what is in force; true where that is news.
    pub(super) fn observe(&mut self, now: Snapshot) -> bool {
        let weight = now.weights.candidate.bp();
        let before = self.seen.replace((now.epoch, weight));
        let Some((epoch, before)) = before else { return false };
        if epoch == now.epoch {
            return false;
        }
        if weight > before && before > 0 && !self.safe.contains(&before) && self.safe.len() < SAFE_MAX {
            self.safe.push(before);
            self.safe.sort_unstable();
        }
        if weight < before {
            // Somebody lowered it, or another replica's guard did: whatever the reason was, it may hold further down as well.
            self.safe.clear();
        }
        true
    }

    /// Takes what another replica knows of the same epoch, if that is more.
    pub(super) fn learn(&mut self, other: &Self) {
        if self.seen.is_some() && self.seen == other.seen && self.safe.is_empty() {
            self.safe = other.safe.iter().copied().take(SAFE_MAX).collect();
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.safe.is_empty()
    }

    /// As it is shared.
    pub(super) fn to_text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Where an alarm at this weight leads. After it nothing is safe any more: the next one leads to nothing.
    pub(super) fn alarmed(&mut self, at: WeightBp, back_to: BackTo) -> WeightBp {
        let safe = std::mem::take(&mut self.safe);
        let below = safe.into_iter().rfind(|safe| *safe < at.bp() && back_to == BackTo::LastSafe);
        below.and_then(|safe| WeightBp::from_percent(f64::from(safe) / 100.0).ok()).unwrap_or(WeightBp::ZERO)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::routing::Weights;

    fn weight(percent: f64) -> WeightBp {
        WeightBp::from_percent(percent).unwrap()
    }

    fn at(epoch: u64, percent: f64) -> Snapshot {
        Snapshot { epoch, weights: Weights { candidate: weight(percent), shadow: WeightBp::ZERO } }
    }

    fn climbed(percents: &[f64]) -> Rungs {
        let mut rungs = Rungs::default();
        for (epoch, percent) in (1..).zip(percents) {
            rungs.observe(at(epoch, *percent));
        }
        rungs
    }

    #[test]
    fn an_alarm_leads_to_the_rung_that_was_left_upwards_and_the_next_one_to_nothing() {
        for (climb, expected) in [
            (&[0.0, 1.0, 5.0, 25.0][..], 5.0),
            (&[0.0, 1.0], 0.0),
            (&[50.0], 0.0),
            (&[5.0, 50.0, 25.0], 0.0),
            (&[1.0, 5.0, 0.0, 25.0], 0.0),
            (&[5.0, 5.0, 10.0], 5.0),
        ] {
            let mut rungs = climbed(climb);
            let now = weight(*climb.last().unwrap());
            assert_eq!(rungs.clone().alarmed(now, BackTo::Baseline), WeightBp::ZERO, "{climb:?}");
            let target = rungs.alarmed(now, BackTo::LastSafe);
            assert_eq!(target, weight(expected), "{climb:?}");
            rungs.observe(Snapshot { epoch: 99, ..at(99, target.percent()) });
            assert_eq!(rungs.alarmed(target, BackTo::LastSafe), WeightBp::ZERO, "{climb:?}");
        }
    }

    #[test]
    fn a_replica_that_starts_learns_of_the_same_epoch_only() {
        let known = climbed(&[1.0, 5.0, 10.0]);
        let mut fresh = Rungs::default();
        fresh.learn(&known);
        assert_eq!(fresh, Rungs::default());
        fresh.observe(at(3, 10.0));
        fresh.learn(&known);
        assert_eq!(fresh, known);
        let mut other = Rungs::default();
        other.observe(at(4, 10.0));
        other.learn(&known);
        assert_eq!(other.alarmed(weight(10.0), BackTo::LastSafe), WeightBp::ZERO);
    }
}
