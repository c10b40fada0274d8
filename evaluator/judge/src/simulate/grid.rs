//! Latencies as cells between all counted thresholds.
//!
//! The counters know of a latency only between which of their thresholds it lies. So a served request's latency is drawn
//! as a cell of the common grid of all thresholds, with exact probabilities, instead of as a value: a draw costs as much
//! as a roll of a die, and nothing that is counted can tell the difference.

use crate::counters::canary::{ServedOutcome, block_outcomes};
use crate::counters::{Plan, Thresholds};
use crate::metric::Latency;

/// The cells of one latency.
#[derive(Debug, Clone)]
pub(super) struct Grid {
    /// Upper ends of all cells but the last two, ascending, microseconds.
    edges_us: Vec<u64>,
    /// A value in each cell; `None` in the last one, that of failed requests.
    pub(super) values_us: Vec<Option<u64>>,
    /// Outcomes that blocks compare, by arm and cell.
    pub(super) outcomes: [Vec<u64>; 2],
}

impl Grid {
    /// The grid of a latency; one cell and that of failures where the plan has no thresholds.
    pub(super) fn new(plan: &Plan, latency: Latency) -> Self {
        let edges = |thresholds: &Thresholds| thresholds.edges_us.iter().flatten().copied().collect();
        let mut edges_us: Vec<u64> = plan.of(latency).map_or_else(Vec::new, edges);
        edges_us.sort_unstable();
        edges_us.dedup();
        let last = edges_us.last().copied().unwrap_or(1);
        let starts = std::iter::once(0).chain(edges_us.iter().copied());
        let ends = edges_us.iter().copied().chain([last.saturating_mul(2)]);
        // The upper half of a cell, so that the value is above the lower edge even where they touch.
        let finite = starts.zip(ends).map(|(start, end)| Some(end - (end - start) / 2));
        let values_us: Vec<Option<u64>> = finite.chain([None]).collect();
        let outcomes = [false, true].map(|candidate| {
            let of = |value: &Option<u64>| {
                let mut outcome = ServedOutcome { candidate, ..ServedOutcome::default() };
                outcome.latency_us[latency.slot()] = Some(*value);
                block_outcomes(plan, &outcome)
            };
            values_us.iter().map(of).collect()
        });
        Self { edges_us, values_us, outcomes }
    }

    /// The cell of a value; that of failures for `None`.
    pub(super) fn cell(&self, value_us: Option<u64>) -> usize {
        value_us.map_or(self.edges_us.len() + 1, |value| self.edges_us.partition_point(|edge| *edge < value))
    }

    /// The cell of failed requests.
    pub(super) fn failed(&self) -> usize {
        self.values_us.len() - 1
    }

    /// Probabilities of the cells but the last, given the chance of a value above a threshold.
    pub(super) fn probabilities(&self, above: impl Fn(f64) -> f64) -> Vec<f64> {
        let mut before = 1.0;
        let mut cells = Vec::with_capacity(self.edges_us.len() + 1);
        for edge in &self.edges_us {
            let after = above(*edge as f64);
            cells.push(f64::max(before - after, 0.0));
            before = after;
        }
        cells.push(f64::max(before, 0.0));
        cells
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cell_is_told_apart_as_its_values_are() {
        let thresholds = Thresholds::at([420_000, 900_000, 1_500_000], 1000, [1.1, 1.15, 1.25]);
        let plan = Plan::new([Some(thresholds), None, None], Vec::new()).unwrap();
        let grid = Grid::new(&plan, Latency::Ttft);
        for (cell, value) in grid.values_us.iter().enumerate() {
            assert_eq!(grid.cell(*value), cell);
        }
        assert_eq!(grid.failed(), grid.cell(None));
        // Above the baseline's own median, not above the candidate's at the margin.
        let cell = grid.cell(Some(430_000));
        assert_ne!(grid.outcomes[0][cell], 0);
        let total: f64 = grid.probabilities(|threshold| (-threshold / 5e5).exp()).iter().sum();
        assert!((total - 1.0).abs() < 1e-12);
    }
}
