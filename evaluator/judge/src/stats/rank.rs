//! Whole distributions at a glance: reported, never judged.
//!
//! Mann and Whitney's statistic and Hodges and Lehmann's shift answer "where", and are blind to tails: a candidate
//! that fails one request in a hundred looks unchanged to both. Kolmogorov and Smirnov's distance sees any difference
//! and says nothing of its size in seconds. They stand beside the judged figures, for people.

use super::Refusal;
use super::special::normal_upper_tail;

/// Mann and Whitney's comparison of two samples (1947).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MannWhitney {
    /// Pairs in which the candidate's value is larger, ties counted half.
    pub u: f64,
    /// Common-language effect size: probability that a random value of the candidate exceeds one of the baseline, ties
    /// counted half (McGraw & Wong 1992; with ties Vargha & Delaney 2000). One half means no shift.
    pub effect: f64,
    /// Two-sided p-value by the normal approximation with corrections for ties and continuity; 1 where all values are
    /// equal.
    pub p_value: f64,
}

/// Compares two samples by ranks. Infinity is a value: a failed request, larger than any other and equal to its like.
///
/// # Errors
///
/// Refuses an empty sample and NaN.
pub fn mann_whitney(baseline: &[f64], candidate: &[f64]) -> Result<MannWhitney, Refusal> {
    let (b, c) = (sorted(baseline)?, sorted(candidate)?);
    let (nb, nc) = (b.len() as f64, c.len() as f64);
    let (mut u, mut ties) = (0.0, 0.0);
    let (mut below_b, mut below_c) = (0, 0);
    while below_b < b.len() || below_c < c.len() {
        let value = next_value(&b[below_b..], &c[below_c..]);
        let equal_b = run(&b[below_b..], value);
        let equal_c = run(&c[below_c..], value);
        u += equal_c as f64 * (below_b as f64 + equal_b as f64 / 2.0);
        let tied = (equal_b + equal_c) as f64;
        ties += tied * tied * tied - tied;
        below_b += equal_b;
        below_c += equal_c;
    }
    let n = nb + nc;
    let variance = nb * nc / 12.0 * (n + 1.0 - ties / (n * (n - 1.0)));
    let distance = (u - nb * nc / 2.0).abs() - 0.5;
    // Without variance every value is the same; rounding may leave a speck of it.
    let p_value =
        if variance > 1e-9 * nb * nc { (2.0 * normal_upper_tail(distance / variance.sqrt())).min(1.0) } else { 1.0 };
    Ok(MannWhitney { u, effect: u / (nb * nc), p_value })
}

/// Hodges and Lehmann's shift (1963): the median of all differences candidate minus baseline, exactly, without listing
/// them. The bits of a float are searched, 64 steps of one pass over both samples each, for the smallest difference that
/// has half of all at or below it.
///
/// # Errors
///
/// Refuses an empty sample and values that are not finite: infinity minus infinity has no rank.
pub fn hodges_lehmann(baseline: &[f64], candidate: &[f64]) -> Result<f64, Refusal> {
    for values in [baseline, candidate] {
        if let Some(index) = values.iter().position(|value| !value.is_finite()) {
            return Err(Refusal::NotFinite { index, value: values[index] });
        }
    }
    let (b, c) = (sorted(baseline)?, sorted(candidate)?);
    let pairs = b.len() as u128 * c.len() as u128;
    let lower = difference_of_rank(&b, &c, pairs.div_ceil(2));
    let upper = if pairs % 2 == 1 { lower } else { difference_of_rank(&b, &c, pairs / 2 + 1) };
    let shift = lower / 2.0 + upper / 2.0;
    if shift.is_finite() { Ok(shift) } else { Err(Refusal::NotFinite { index: 0, value: shift }) }
}

/// The difference of 1-based `rank` among all `c - b`, both ascending.
fn difference_of_rank(b: &[f64], c: &[f64], rank: u128) -> f64 {
    let (mut low, mut high) = (ordered(f64::NEG_INFINITY), ordered(f64::INFINITY));
    while low < high {
        let middle = low + (high - low) / 2;
        if at_most(b, c, from_ordered(middle)) >= rank {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    from_ordered(low)
}

/// Number of differences `c - b` of at most `limit`. As `b` rises more of `c` qualify: rounding keeps that order.
fn at_most(b: &[f64], c: &[f64], limit: f64) -> u128 {
    let (mut count, mut qualifying) = (0_u128, 0);
    for value in b {
        while qualifying < c.len() && c[qualifying] - value <= limit {
            qualifying += 1;
        }
        count += qualifying as u128;
    }
    count
}

/// Bits of a float in an order that is the floats' own.
fn ordered(value: f64) -> u64 {
    let bits = value.to_bits();
    if bits >> 63 == 1 { !bits } else { bits | (1 << 63) }
}

fn from_ordered(key: u64) -> f64 {
    f64::from_bits(if key >> 63 == 1 { key & !(1 << 63) } else { !key })
}

/// Kolmogorov and Smirnov's distance of two samples: the largest difference between their distribution functions, 0 to 1.
///
/// # Errors
///
/// Refuses an empty sample and NaN; infinity is a value.
pub fn kolmogorov_smirnov(baseline: &[f64], candidate: &[f64]) -> Result<f64, Refusal> {
    let (b, c) = (sorted(baseline)?, sorted(candidate)?);
    let (mut below_b, mut below_c, mut largest) = (0, 0, 0.0_f64);
    while below_b < b.len() || below_c < c.len() {
        let value = next_value(&b[below_b..], &c[below_c..]);
        below_b += run(&b[below_b..], value);
        below_c += run(&c[below_c..], value);
        largest = largest.max((below_b as f64 / b.len() as f64 - below_c as f64 / c.len() as f64).abs());
    }
    Ok(largest)
}

/// Half-width of the band that holds a whole distribution function but for probability `total` (Dvoretzky, Kiefer,
/// Wolfowitz 1956 with Massart's constant, 1990): `sqrt(ln(2 / total) / (2 n))`. `total` counts both sides of the band,
/// unlike the one-sided levels elsewhere. Two samples differ somewhere if their distance exceeds the sum of two
/// half-widths.
///
/// # Errors
///
/// Refuses an empty sample and a `total` outside 0 to 1.
pub fn band(n: u64, total: f64) -> Result<f64, Refusal> {
    if n == 0 {
        return Err(Refusal::NoObservations);
    }
    if !(total > 0.0 && total < 1.0) {
        return Err(Refusal::ShareOutOfRange { share: total });
    }
    Ok(((2.0 / total).ln() / (2.0 * n as f64)).sqrt())
}

/// The smaller of two ascending samples' first values; infinity if both are empty.
fn next_value(b: &[f64], c: &[f64]) -> f64 {
    let first = |values: &[f64]| values.first().copied().unwrap_or(f64::INFINITY);
    first(b).min(first(c))
}

/// How many values at the start are at most `value`.
fn run(ascending: &[f64], value: f64) -> usize {
    ascending.iter().take_while(|each| **each <= value).count()
}

fn sorted(values: &[f64]) -> Result<Vec<f64>, Refusal> {
    if values.is_empty() {
        return Err(Refusal::NoObservations);
    }
    if let Some(index) = values.iter().position(|value| value.is_nan()) {
        return Err(Refusal::NotFinite { index, value: f64::NAN });
    }
    let mut ascending = values.to_vec();
    ascending.sort_unstable_by(f64::total_cmp);
    Ok(ascending)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_keep_their_order_as_keys() {
        let values = [f64::NEG_INFINITY, -2.5, -5e-324, -0.0, 0.0, 5e-324, 1.0, f64::INFINITY];
        assert!(values.windows(2).all(|pair| ordered(pair[0]) < ordered(pair[1])));
        assert!(values.iter().all(|value| from_ordered(ordered(*value)).to_bits() == value.to_bits()));
    }

    #[test]
    fn failures_are_the_largest_values() {
        let (b, c) = ([1.0, 2.0, 3.0, f64::INFINITY], [1.0, 2.0, f64::INFINITY, f64::INFINITY]);
        let compared = mann_whitney(&b, &c).unwrap();
        assert!((compared.u - (0.5 + 1.5 + 3.5 + 3.5)).abs() < 1e-12, "{}", compared.u);
        assert!((kolmogorov_smirnov(&b, &c).unwrap() - 0.25).abs() < 1e-15);
        assert_eq!(hodges_lehmann(&b, &c).unwrap_err().reason(), "not-finite");
    }

    #[test]
    fn equal_and_single_values_are_answered() {
        let same = mann_whitney(&[4.0; 9], &[4.0; 5]).unwrap();
        assert!((same.effect - 0.5).abs() < 1e-15 && (same.p_value - 1.0).abs() < 1e-15);
        assert!((mann_whitney(&[1.0], &[2.0]).unwrap().effect - 1.0).abs() < 1e-15);
        assert!((hodges_lehmann(&[1.0], &[2.5]).unwrap() - 1.5).abs() < 1e-15);
        assert_eq!(mann_whitney(&[], &[1.0]).unwrap_err().reason(), "no-observations");
        assert_eq!(kolmogorov_smirnov(&[1.0], &[f64::NAN]).unwrap_err().reason(), "not-finite");
        assert_eq!(band(0, 0.05).unwrap_err().reason(), "no-observations");
        assert_eq!(band(5, 1.0).unwrap_err().reason(), "share-out-of-range");
    }

    #[test]
    fn the_shift_of_large_samples_is_the_median_of_all_differences() {
        let (b, c): (Vec<f64>, Vec<f64>) =
            (0..301_u32).map(|i| (f64::from(i * 7919 % 1000), f64::from(i * 104_729 % 1300) * 1.01)).unzip();
        let mut all: Vec<f64> = c.iter().flat_map(|c| b.iter().map(move |b| c - b)).collect();
        all.sort_unstable_by(f64::total_cmp);
        let median = all[all.len() / 2];
        assert!((hodges_lehmann(&b, &c).unwrap() - median).abs() < f64::EPSILON);
    }
}
