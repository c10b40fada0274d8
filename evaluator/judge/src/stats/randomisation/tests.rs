use super::*;

fn unit(candidate: bool, sum: f64, size: f64, before: Option<f64>) -> UnitTotals {
    UnitTotals { candidate, sum, size, before }
}

/// Ten units, five in each arm; the candidate's are all larger.
fn separated() -> Vec<UnitTotals> {
    (0..10).map(|i| unit(i >= 5, f64::from(i) * 10.0, 10.0, None)).collect()
}

#[test]
fn complete_separation_has_the_smallest_p_value() {
    // One of 252 assignments.
    let p = p_value(&separated(), 0.0, 999, 1).unwrap();
    assert!((p - 1.0 / 252.0).abs() < 1e-15, "{p}");
    assert!((difference(&separated()).unwrap() - 5.0).abs() < 1e-12);
}

#[test]
fn the_bound_is_where_the_p_value_crosses_the_level() {
    for permutations in [199, 999] {
        for alpha in [0.01, 0.05, 0.2] {
            let low = bound(&separated(), alpha, Side::Lower, permutations, 3).unwrap();
            assert!(p_value(&separated(), low - 1e-6, permutations, 3).unwrap() <= alpha);
            assert!(p_value(&separated(), low + 1e-6, permutations, 3).unwrap() > alpha);
            let high = bound(&separated(), alpha, Side::Upper, permutations, 3).unwrap();
            assert!(low < 5.0 && high > 5.0);
        }
    }
}

#[test]
fn equal_values_are_ties_and_no_evidence() {
    let same: Vec<UnitTotals> = (0..12).map(|i| unit(i % 2 == 0, 0.7 * 3.0, 3.0, None)).collect();
    assert!((p_value(&same, 0.0, 199, 1).unwrap() - 1.0).abs() < 1e-15);
}

#[test]
fn what_was_known_before_sharpens_the_bound() {
    // Units differ by far more than the effect, and did so before.
    let level = |i: u32| f64::from((i * 7) % 30);
    let units = |known: bool| -> Vec<UnitTotals> {
        (0..30)
            .map(|i| {
                let effect = if i % 2 == 0 { 1.0 } else { 0.0 } + f64::from(i % 5) * 0.1;
                unit(i % 2 == 0, 20.0 * (level(i) + effect), 20.0, known.then_some(level(i)))
            })
            .collect()
    };
    let width = |known| {
        let at = |side| bound(&units(known), 0.05, side, 499, 5).unwrap();
        at(Side::Upper) - at(Side::Lower)
    };
    assert!(width(true) < width(false) / 10.0, "{} {}", width(true), width(false));
    let bounds = bound(&units(true), 0.05, Side::Lower, 499, 5).unwrap();
    assert!(bounds > 0.5 && bounds < 1.1, "{bounds}");
}

#[test]
fn what_cannot_be_answered_is_refused() {
    let reason = |units: &[UnitTotals]| p_value(units, 0.0, 99, 1).unwrap_err().reason();
    assert_eq!(reason(&[]), "no-observations");
    assert_eq!(reason(&separated()[..6]), "too-few-observations");
    assert_eq!(reason(&[unit(true, f64::NAN, 1.0, None)]), "not-finite");
    assert_eq!(reason(&[unit(true, 1.0, 0.0, None)]), "not-positive");
    assert_eq!(p_value(&separated(), f64::INFINITY, 99, 1).unwrap_err().reason(), "margin-out-of-range");
    assert_eq!(p_value(&separated(), 0.0, 0, 1).unwrap_err().reason(), "too-few-observations");
    let unreachable = bound(&separated(), 0.001, Side::Lower, 99_999, 1).unwrap_err();
    assert_eq!(unreachable.reason(), "level-unreachable");
    assert!(unreachable.to_string().contains("11 units"), "{unreachable}");
    let few = bound(&separated(), 0.005, Side::Lower, 99, 1).unwrap_err().to_string();
    assert!(few.contains("199 permutations"), "{few}");
    assert_eq!(bound(&separated(), 0.5, Side::Lower, 99, 1).unwrap_err().reason(), "level-out-of-range");
}

#[test]
fn a_covariate_that_is_the_arm_leaves_nothing() {
    let units: Vec<UnitTotals> =
        (0..8).map(|i| unit(i < 4, f64::from(i), 1.0, Some(f64::from(u8::from(i < 4))))).collect();
    assert_eq!(difference(&units).unwrap_err().reason(), "variance-out-of-range");
    assert!(p_value(&units, 0.0, 99, 1).unwrap() > 0.2);
    assert_eq!(bound(&units, 0.05, Side::Lower, 99, 1).unwrap_err().reason(), "level-unreachable");
}

/// Twelve consumers of very unequal size that differ a lot, and no effect: the test keeps its level where a normal bound
/// on requests is wrong nearly always.
#[test]
fn no_effect_is_rejected_no_more_often_than_stated() {
    let mut state = 20_261_123_u64;
    let mut uniform = || {
        // A plain linear generator is good enough to make data with.
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1_u64 << 53) as f64
    };
    let runs = 2000;
    let mut rejected = 0;
    for seed in 0..runs {
        let mut bell = || (0..12).map(|_| uniform()).sum::<f64>() - 6.0;
        let units: Vec<UnitTotals> = (0..12)
            .map(|rank| {
                let (size, level) = (20_000.0 / f64::from(rank + 1), bell());
                let at = |noise: f64| level + 0.1 * noise;
                let (now, before) = (at(bell()), at(bell()));
                // Which arm is drawn below; here only alternating.
                unit(rank % 2 == 0, size * now, size, Some(before))
            })
            .collect();
        // A random assignment with six in each arm.
        let mut order: Vec<usize> = (0..12).collect();
        for last in (1..12).rev() {
            order.swap(last, (uniform() * (last + 1) as f64) as usize);
        }
        let units: Vec<UnitTotals> = order
            .iter()
            .enumerate()
            .map(|(place, index)| UnitTotals { candidate: place < 6, ..units[*index] })
            .collect();
        rejected += u32::from(p_value(&units, 0.0, 199, seed).unwrap() <= 0.05);
    }
    // 100 expected, standard deviation 9.7.
    assert!((61..=139).contains(&rejected), "{rejected} of {runs}");
}
