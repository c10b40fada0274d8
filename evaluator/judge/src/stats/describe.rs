//! Descriptive helpers: what the evaluator shows beside the judged figures. Nothing here decides.

/// Values at equally spaced shares from 0 to 1, for pictures: `points` order statistics, the first the smallest, the
/// last the largest, in between rank `ceil(n share)`. `None` in the input is a failed request, ranked last, and stays
/// `None`. Empty without values or with fewer than two points.
#[must_use]
pub fn spread_us(values_us: &[Option<u64>], points: usize) -> Vec<Option<u64>> {
    if values_us.is_empty() || points < 2 {
        return Vec::new();
    }
    let mut ascending: Vec<u64> = values_us.iter().map(|value| value.unwrap_or(u64::MAX)).collect();
    ascending.sort_unstable();
    let n = ascending.len();
    (0..points)
        .map(|point| {
            // Whole-number arithmetic, so that rank ceil(n * point / last) is exact.
            let rank = (n * point).div_ceil(points - 1).clamp(1, n);
            ascending.get(rank - 1).copied().filter(|value| *value != u64::MAX)
        })
        .collect()
}

/// Latencies as the estimators take them: microseconds, failed requests infinite.
#[must_use]
pub fn as_latencies(values_us: &[Option<u64>]) -> Vec<f64> {
    values_us.iter().map(|value| value.map_or(f64::INFINITY, |us| us as f64)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spread_runs_from_smallest_to_largest() {
        let values: Vec<Option<u64>> = (1..=100).rev().map(Some).collect();
        assert_eq!(spread_us(&values, 5), [Some(1), Some(25), Some(50), Some(75), Some(100)]);
        assert_eq!(spread_us(&[Some(7), None], 3), [Some(7), Some(7), None]);
        assert!(spread_us(&[], 201).is_empty());
    }
}
