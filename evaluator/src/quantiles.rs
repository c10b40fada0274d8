//! How far requests that are slow on one arm are slow on the other too: what makes a difference of quantiles sharper over
//! pairs than over separate requests.

use crate::extract::latencies_of;
use crate::pair::Pair;
use judge::counters::Paired;
use judge::quantiles::{Correlations, SHARES, points_us};

/// Cells of one arm: a value in cell k is above the first k of the arm's own quantiles.
const CELLS: usize = SHARES.len() + 1;

/// Correlation of "slower than one's own quantile" over the pairs, 0 where it is undefined. `pooled` are their counters.
pub(crate) fn correlations(pairs: &[Pair<'_>], pooled: &Paired) -> Correlations {
    let points = [0, 1, 2].map(|slot: usize| {
        let counts = &pooled.latency[slot];
        [&counts.baseline, &counts.candidate]
            .map(|histogram| points_us(histogram).map(|point| point.unwrap_or(u64::MAX)))
    });
    let mut tables = [[[0u64; CELLS]; CELLS]; 3];
    for pair in pairs {
        for ((table, points), values) in tables.iter_mut().zip(&points).zip(latencies_of(pair)) {
            let Some([baseline, candidate]) = values else { continue };
            let cell = |points: &[u64], value: Option<u64>| {
                // A failure is slower than everything.
                value.map_or(points.len(), |value| points.partition_point(|point| *point < value))
            };
            table[cell(&points[0], baseline)][cell(&points[1], candidate)] += 1;
        }
    }
    tables.map(|table| std::array::from_fn(|place| correlation(&table, place)))
}

/// Correlation of "above the quantile of this place" in either arm.
fn correlation(table: &[[u64; CELLS]; CELLS], place: usize) -> f64 {
    let (mut n, mut both, mut baseline, mut candidate) = (0u64, 0u64, 0u64, 0u64);
    for (of_baseline, row) in table.iter().enumerate() {
        for (of_candidate, count) in row.iter().enumerate() {
            let (slow, slower) = (of_baseline > place, of_candidate > place);
            n += count;
            both += if slow && slower { *count } else { 0 };
            baseline += if slow { *count } else { 0 };
            candidate += if slower { *count } else { 0 };
        }
    }
    let (n, both, baseline, candidate) = (n as f64, both as f64, baseline as f64, candidate as f64);
    let spread = (baseline * (n - baseline)).sqrt() * (candidate * (n - candidate)).sqrt();
    if spread > 0.0 { ((n * both - baseline * candidate) / spread).clamp(-1.0, 1.0) } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_together_has_a_correlation_of_one_and_what_does_not_none() {
        let mut together = [[0; CELLS]; CELLS];
        let mut apart = [[0; CELLS]; CELLS];
        for (cell, row) in together.iter_mut().enumerate() {
            row[cell] = 10;
        }
        apart.iter_mut().flatten().for_each(|count| *count = 3);
        for place in 0..SHARES.len() {
            assert!((correlation(&together, place) - 1.0).abs() < 1e-12);
            assert!(correlation(&apart, place).abs() < 1e-12);
            assert!(correlation(&[[0; CELLS]; CELLS], place).abs() < 1e-12);
        }
    }
}
