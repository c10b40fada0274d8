//! Harrell and Davis' estimate of a quantile: smoother than an order statistic, shown beside it, never judged.

use super::super::Refusal;
use super::super::special::beta_cdf;

/// Weights beyond this many standard deviations of the rank are below 1e-20 and left out.
const REACH: f64 = 10.0;

/// Weight at which a failed request makes the estimate infinite.
const NOTICEABLE: f64 = 1e-12;

/// Harrell and Davis' estimate (1982) from ascending values: the order statistics weighted by the increments of the
/// beta distribution function with shapes `(n+1) share` and `(n+1)(1-share)` between `(i-1)/n` and `i/n`. `None` where
/// a failed request (infinity) carries weight.
///
/// # Errors
///
/// Refuses an empty sample, NaN and shares outside 0 to 1.
pub fn harrell_davis(ascending: &[f64], share: f64) -> Result<Option<f64>, Refusal> {
    if !(share > 0.0 && share < 1.0) {
        return Err(Refusal::ShareOutOfRange { share });
    }
    if ascending.is_empty() {
        return Err(Refusal::NoObservations);
    }
    let n = ascending.len() as f64;
    let (a, b) = ((n + 1.0) * share, (n + 1.0) * (1.0 - share));
    let reach = REACH * (share * (1.0 - share) / (n + 2.0)).sqrt() * n + REACH * REACH;
    let first = (n * share - reach).floor().max(0.0) as usize;
    let last = ((n * share + reach).ceil() as usize).min(ascending.len());
    let (mut sum, mut weights) = (0.0, 0.0);
    let mut below = if first == 0 { 0.0 } else { beta_cdf(a, b, first as f64 / n) };
    for (index, value) in ascending.iter().enumerate().take(last).skip(first) {
        if value.is_nan() {
            return Err(Refusal::NotFinite { index, value: *value });
        }
        let above = beta_cdf(a, b, (index + 1) as f64 / n);
        let weight = (above - below).max(0.0);
        below = above;
        if value.is_infinite() {
            if weight > NOTICEABLE {
                return Ok(None);
            }
            continue;
        }
        sum += weight * value;
        weights += weight;
    }
    let estimate = sum / weights;
    Ok(estimate.is_finite().then_some(estimate))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn symmetric_values_have_their_middle() {
        let values: Vec<f64> = (0..1001).map(f64::from).collect();
        assert!((harrell_davis(&values, 0.5).unwrap().unwrap() - 500.0).abs() < 1e-9);
        assert!((harrell_davis(&[3.0], 0.9).unwrap().unwrap() - 3.0).abs() < 1e-15);
    }

    #[test]
    fn failures_count_where_they_carry_weight() {
        let mut values: Vec<f64> = (1..=1000).map(f64::from).collect();
        values[970..].fill(f64::INFINITY);
        assert!(harrell_davis(&values, 0.5).unwrap().is_some());
        assert_eq!(harrell_davis(&values, 0.96).unwrap(), None);
        assert_eq!(harrell_davis(&[], 0.5).unwrap_err().reason(), "no-observations");
        assert_eq!(harrell_davis(&[f64::NAN], 0.5).unwrap_err().reason(), "not-finite");
        assert_eq!(harrell_davis(&[1.0], 0.0).unwrap_err().reason(), "share-out-of-range");
    }
}
