//! Many questions at once: adjusted p-values, and the two-sided margin as two one-sided questions.
//!
//! A p-value that could not be computed (absent, NaN, outside 0 to 1) counts as 1 and stays in the family: a metric
//! that failed to be measured must not make the others look better.

/// Holm's adjusted p-values (1979), in the order given: reject where at most the family's level. Valid under any
/// dependence. The i-th smallest of `k` becomes the largest of `(k - j + 1) p_j` for `j` up to `i`, 1 at most.
#[must_use]
pub fn holm(p_values: &[Option<f64>]) -> Vec<f64> {
    let (order, family) = (ascending(p_values), p_values.len());
    let mut adjusted = vec![1.0; family];
    let mut largest = 0.0_f64;
    for (rank, (index, p)) in order.into_iter().enumerate() {
        largest = largest.max((family - rank) as f64 * p).min(1.0);
        adjusted[index] = largest;
    }
    adjusted
}

/// Benjamini and Hochberg's adjusted p-values (1995), in the order given: rejecting those at most `q` keeps the expected
/// share of false rejections at `q` for independent or positively dependent questions. The i-th smallest of `k` becomes
/// the smallest of `k p_j / j` for `j` from `i` on.
#[must_use]
pub fn benjamini_hochberg(p_values: &[Option<f64>]) -> Vec<f64> {
    let (order, family) = (ascending(p_values), p_values.len());
    let mut adjusted = vec![1.0; family];
    let mut smallest = 1.0_f64;
    for (rank, (index, p)) in order.into_iter().enumerate().rev() {
        // The factor first: it is 1 exactly for the largest and never above Holm's, and a product keeps that order when
        // it is rounded.
        smallest = smallest.min(p * (family as f64 / (rank + 1) as f64));
        adjusted[index] = smallest;
    }
    adjusted
}

/// Indices with usable p-values, smallest first, ties in the order given.
fn ascending(p_values: &[Option<f64>]) -> Vec<(usize, f64)> {
    let usable = |p: &Option<f64>| p.filter(|p| (0.0..=1.0).contains(p)).unwrap_or(1.0);
    let mut order: Vec<(usize, f64)> = p_values.iter().map(usable).enumerate().collect();
    order.sort_by(|a, b| a.1.total_cmp(&b.1));
    order
}

/// What two one-sided bounds say of an effect that may differ in neither direction by more than a margin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Equivalence {
    /// Both bounds lie inside the margins: equivalence is proven at the bounds' one-sided level (Schuirmann 1987).
    Within,
    /// The lower bound lies above the upper margin.
    Above,
    /// The upper bound lies below the lower margin.
    Below,
    /// Neither is proven; also where a bound is missing or not a number.
    Undecided,
}

/// Two one-sided tests (TOST): the bounds of the effect, each at the level asked for, against the margins around it. No
/// correction is needed, because both must reject (intersection-union, Berger 1982). A bound that could not be computed
/// is `None`; a margin pair in the wrong order proves nothing.
#[must_use]
pub fn two_one_sided(lower: Option<f64>, upper: Option<f64>, margin_below: f64, margin_above: f64) -> Equivalence {
    if margin_below.is_nan() || margin_above.is_nan() || margin_below >= margin_above {
        return Equivalence::Undecided;
    }
    // Bounds that cross contradict each other and prove nothing; a comparison with NaN is false.
    match (lower, upper) {
        (Some(low), Some(high)) if low > high => Equivalence::Undecided,
        (Some(low), Some(high)) if low > margin_below && high < margin_above => Equivalence::Within,
        (Some(low), _) if low > margin_above => Equivalence::Above,
        (_, Some(high)) if high < margin_below => Equivalence::Below,
        _ => Equivalence::Undecided,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_p_value_stays_in_the_family() {
        let with = holm(&[Some(0.01), None, Some(f64::NAN), Some(1.5)]);
        assert!((with[0] - 0.04).abs() < 1e-15 && with[1..].iter().all(|p| (*p - 1.0).abs() < 1e-15), "{with:?}");
        let of = benjamini_hochberg(&[None, Some(0.01), Some(f64::NAN), Some(-0.5)]);
        assert!((of[1] - 0.04).abs() < 1e-15 && (of[3] - 1.0).abs() < 1e-15, "{of:?}");
        assert!(holm(&[]).is_empty() && benjamini_hochberg(&[]).is_empty());
    }

    #[test]
    fn rounding_keeps_the_adjustments_in_order() {
        // Times three and divided by three, this p-value would be one unit in the last place above itself.
        let family = [Some(0.884_867_018_072_908_2), Some(0.0), Some(0.0)];
        let (strict, mild) = (holm(&family), benjamini_hochberg(&family));
        assert!(
            strict[0] >= mild[0] && mild[0].to_bits() == 0.884_867_018_072_908_2_f64.to_bits(),
            "{strict:?} {mild:?}"
        );
    }

    #[test]
    fn both_directions_must_be_proven() {
        let say = |low, high| two_one_sided(low, high, -0.01, 0.01);
        assert_eq!(say(Some(-0.009), Some(0.009)), Equivalence::Within);
        assert_eq!(say(Some(-0.02), Some(0.009)), Equivalence::Undecided);
        assert_eq!(say(None, Some(0.009)), Equivalence::Undecided);
        assert_eq!(say(Some(0.011), None), Equivalence::Above);
        assert_eq!(say(None, Some(-0.011)), Equivalence::Below);
        assert_eq!(say(Some(f64::NAN), Some(0.0)), Equivalence::Undecided);
        assert_eq!(say(Some(0.005), Some(-0.005)), Equivalence::Undecided);
        assert_eq!(two_one_sided(Some(0.0), Some(0.0), 0.01, -0.01), Equivalence::Undecided);
        assert_eq!(two_one_sided(Some(0.0), Some(0.0), f64::NAN, 0.01), Equivalence::Undecided);
    }
}
