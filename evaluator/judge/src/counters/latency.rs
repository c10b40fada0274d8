//! Latencies as exceedances of frozen thresholds, and as histograms.

use serde::{Deserialize, Serialize};

use super::histogram::Histogram;
use super::plan::Thresholds;
use crate::metric::Quantile;
use crate::stats::betting::Differences;

/// One latency over pairs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LatencyPairs {
    /// Pairs in the test: those outside of the reference.
    pub tested: u64,
    /// By quantile and by "the baseline was above its threshold" (no, yes): pairs by the candidate's cell in the grid of
    /// ratios; a value in cell k is above the first k edges. As many cells as ratios and one more.
    cells: [[Vec<u64>; 2]; 3],
    /// The baseline's values, those of the reference included.
    pub baseline: Histogram,
    /// The candidate's values, likewise.
    pub candidate: Histogram,
}

impl LatencyPairs {
    /// Counts a pair `times` times, microseconds, `None` a failed request. `reference` pairs made the thresholds and are
    /// not tested against them. Returns the difference of exceedances at the margin for each quantile, if tested.
    pub fn add(
        &mut self,
        thresholds: Option<&Thresholds>,
        [baseline, candidate]: [Option<u64>; 2],
        reference: bool,
        times: u64,
    ) -> Option<[i32; 3]> {
        self.baseline.add_many(baseline, times);
        self.candidate.add_many(candidate, times);
        let thresholds = thresholds.filter(|_| !reference)?;
        self.tested = self.tested.saturating_add(times);
        let mut at_margin = [0; 3];
        for (quantile, difference) in Quantile::ALL.into_iter().zip(&mut at_margin) {
            let slot = quantile.slot();
            let slow = baseline.is_none_or(|value| value > thresholds.tau_us[slot]);
            let edges = &thresholds.edges_us[slot];
            let cell = cell_of(edges, candidate);
            let cells = &mut self.cells[slot][usize::from(slow)];
            cells.resize(edges.len() + 1, 0);
            if let Some(count) = cells.get_mut(cell) {
                *count = count.saturating_add(times);
            }
            *difference = i32::from(cell > thresholds.margin_at[slot]) - i32::from(slow);
        }
        Some(at_margin)
    }

    /// Adds another one of the same plan.
    pub fn merge(&mut self, other: &Self) {
        self.merge_tested(other);
        self.baseline.merge(&other.baseline);
        self.candidate.merge(&other.candidate);
    }

    /// The differences `1{candidate > ratio tau} - 1{baseline > tau}` at the ratio of this place in the grid.
    #[must_use]
    pub fn differences(&self, quantile: Quantile, place: usize) -> Differences {
        let above = |cells: &[u64]| cells.iter().skip(place + 1).fold(0u64, |sum, count| sum.saturating_add(*count));
        let [fast, slow] = &self.cells[quantile.slot()];
        let (plus, slow_both) = (above(fast), above(slow));
        let minus = slow.iter().fold(0u64, |sum, count| sum.saturating_add(*count)).saturating_sub(slow_both);
        Differences { minus, zero: self.tested.saturating_sub(plus).saturating_sub(minus), plus }
    }

    /// [`Self::differences`] at every place of a grid of so many ratios.
    #[must_use]
    pub fn all_differences(&self, quantile: Quantile, ratios: usize) -> Vec<Differences> {
        let [fast, slow] = &self.cells[quantile.slot()];
        let all_slow = slow.iter().fold(0u64, |sum, count| sum.saturating_add(*count));
        let pluses = above_each(fast, ratios).into_iter();
        let differences = pluses.zip(above_each(slow, ratios)).map(|(plus, both)| {
            let minus = all_slow.saturating_sub(both);
            Differences { minus, zero: self.tested.saturating_sub(plus).saturating_sub(minus), plus }
        });
        differences.collect()
    }

    /// Adds the tested counts of another one of the same plan, and not its histograms.
    pub(crate) fn merge_tested(&mut self, other: &Self) {
        self.tested = self.tested.saturating_add(other.tested);
        for (own, others) in self.cells.iter_mut().flatten().zip(other.cells.iter().flatten()) {
            add_up(own, others);
        }
    }

    /// Correlation of "the baseline is above its threshold" and "the candidate is above the ratio of this place times
    /// it" over the tested pairs; 0 where it is undefined.
    #[must_use]
    pub fn correlation(&self, quantile: Quantile, place: usize) -> f64 {
        let differences = self.differences(quantile, place);
        let total = |cells: &[u64]| cells.iter().fold(0u64, |sum, count| sum.saturating_add(*count)) as f64;
        let slow = total(&self.cells[quantile.slot()][1]);
        let (n, both) = (self.tested as f64, slow - differences.minus as f64);
        let above = both + differences.plus as f64;
        let spread = (slow * (n - slow) * above * (n - above)).sqrt();
        if spread > 0.0 { (n * both - slow * above) / spread } else { 0.0 }
    }
}

/// One latency of one arm of served traffic, in one stratum.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LatencyServed {
    /// Requests.
    pub n: u64,
    /// By quantile: requests by their cell in the grid of ratios.
    cells: [Vec<u64>; 3],
}

impl LatencyServed {
    /// Counts a request `times` times, microseconds, `None` a failed one.
    pub fn add(&mut self, thresholds: &Thresholds, value: Option<u64>, times: u64) {
        self.n = self.n.saturating_add(times);
        for (cells, edges) in self.cells.iter_mut().zip(&thresholds.edges_us) {
            cells.resize(edges.len() + 1, 0);
            if let Some(count) = cells.get_mut(cell_of(edges, value)) {
                *count = count.saturating_add(times);
            }
        }
    }

    /// Adds another one of the same plan.
    pub fn merge(&mut self, other: &Self) {
        self.n = self.n.saturating_add(other.n);
        for (own, others) in self.cells.iter_mut().zip(&other.cells) {
            add_up(own, others);
        }
    }

    /// [`Self::above`] at every place of a grid of so many ratios.
    #[must_use]
    pub fn all_above(&self, quantile: Quantile, ratios: usize) -> Vec<u64> {
        above_each(&self.cells[quantile.slot()], ratios)
    }

    /// Requests above the ratio of this place times the threshold.
    #[must_use]
    pub fn above(&self, quantile: Quantile, place: usize) -> u64 {
        self.cells[quantile.slot()].iter().skip(place + 1).fold(0, |sum, count| sum.saturating_add(*count))
    }
}

/// Counts beyond each place of a grid of so many ratios.
fn above_each(cells: &[u64], ratios: usize) -> Vec<u64> {
    let mut above = vec![0; ratios];
    let mut sum = 0u64;
    for (place, count) in cells.iter().enumerate().rev() {
        if let Some(own) = above.get_mut(place) {
            *own = sum;
        }
        sum = sum.saturating_add(*count);
    }
    above
}

/// How many edges a value is above; a failed request is above all.
pub(crate) fn cell_of(edges_us: &[u64], value_us: Option<u64>) -> usize {
    value_us.map_or(edges_us.len(), |value| edges_us.partition_point(|edge| *edge < value))
}

fn add_up(own: &mut Vec<u64>, others: &[u64]) {
    if own.len() < others.len() {
        own.resize(others.len(), 0);
    }
    for (count, other) in own.iter_mut().zip(others) {
        *count = count.saturating_add(*other);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_are_counted_at_every_ratio() {
        let thresholds = Thresholds::at([100, 200, 300], 1000, [1.10, 1.15, 1.25]);
        let mut counts = LatencyPairs::default();
        let (margin, equal) = (thresholds.margin_at[0], thresholds.equal_at[0]);
        // Above tau on one side, on the other, on both, and a failure of the candidate.
        assert_eq!(counts.add(Some(&thresholds), [Some(100), Some(110)], false, 1), Some([0, 0, 0]));
        assert_eq!(counts.add(Some(&thresholds), [Some(100), Some(111)], false, 1), Some([1, 0, 0]));
        assert_eq!(counts.add(Some(&thresholds), [Some(101), Some(100)], false, 1), Some([-1, 0, 0]));
        assert_eq!(counts.add(Some(&thresholds), [Some(101), None], false, 1), Some([0, 1, 1]));
        assert_eq!(counts.add(Some(&thresholds), [Some(1), Some(999)], true, 1), None);
        assert_eq!(counts.differences(Quantile::P50, margin), Differences { minus: 1, zero: 2, plus: 1 });
        assert_eq!(counts.differences(Quantile::P50, equal), Differences { minus: 1, zero: 1, plus: 2 });
        assert_eq!((counts.tested, counts.baseline.n()), (4, 5));
        for quantile in Quantile::ALL {
            let ratios = thresholds.ratios[quantile.slot()].len();
            let each: Vec<Differences> = (0..ratios).map(|place| counts.differences(quantile, place)).collect();
            assert_eq!(counts.all_differences(quantile, ratios), each);
            assert_eq!(LatencyPairs::default().all_differences(quantile, 3), [Differences::default(); 3]);
        }
    }
}
