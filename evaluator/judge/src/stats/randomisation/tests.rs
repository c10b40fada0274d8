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
    assert!((p_value(&units, 0.0, 99, 1).unwrap() - 1.0).abs() < 1e-15);
    assert_eq!(bound(&units, 0.05, Side::Lower, 99, 1).unwrap_err().reason(), "level-unreachable");
}
