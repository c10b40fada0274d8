//! Pure: medians, quantiles, and the interval of a difference of quantiles.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// Bootstrap samples behind an interval.
const RESAMPLES: usize = 500;
/// Pieces of time that a leg's round is cut into: neighbours share the machine's mood, so they are drawn together.
const BLOCKS: usize = 10;

/// The middle value; NaN for none.
pub(crate) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    match sorted.len() {
        0 => f64::NAN,
        length if length % 2 == 1 => sorted[length / 2],
        length => f64::midpoint(sorted[length / 2 - 1], sorted[length / 2]),
    }
}

/// Nearest-rank quantile of `values`, which it reorders; NaN for none.
pub(crate) fn quantile(values: &mut [u64], share: f64) -> f64 {
    if values.is_empty() {
        return f64::NAN;
    }
    let rank = ((values.len() as f64 * share).ceil() as usize).clamp(1, values.len()) - 1;
    *values.select_nth_unstable(rank).1 as f64
}

/// A difference with its 95% interval.
#[derive(Debug, Clone, Copy, serde::Serialize)]
pub(crate) struct Difference {
    pub value: f64,
    pub low: f64,
    pub high: f64,
}

/// Difference of a quantile, `with` less `without`; each holds one list a round, in order of time.
pub(crate) fn difference(with: &[Vec<u64>], without: &[Vec<u64>], share: f64) -> Difference {
    let pooled = |rounds: &[Vec<u64>]| quantile(&mut rounds.concat(), share);
    let (with_blocks, without_blocks) = (blocks(with), blocks(without));
    let mut random = StdRng::seed_from_u64(1);
    let mut resampled = |blocks: &[&[u64]]| {
        let drawn: Vec<&[u64]> = (0..blocks.len()).map(|_| blocks[random.random_range(0..blocks.len())]).collect();
        quantile(&mut drawn.concat(), share)
    };
    let mut differences: Vec<f64> =
        (0..RESAMPLES).map(|_| resampled(&with_blocks) - resampled(&without_blocks)).collect();
    differences.sort_by(f64::total_cmp);
    let at = |share: f64| differences[((RESAMPLES - 1) as f64 * share).round() as usize];
    Difference { value: pooled(with) - pooled(without), low: at(0.025), high: at(0.975) }
}

fn blocks(rounds: &[Vec<u64>]) -> Vec<&[u64]> {
    rounds.iter().flat_map(|round| round.chunks(round.len().div_ceil(BLOCKS).max(1))).collect()
}
