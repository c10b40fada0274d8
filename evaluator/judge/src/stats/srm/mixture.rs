//! The continuous check of the split: an e-value that may be looked at after every unit.

use crate::stats::Refusal;
use crate::stats::stirling::{excess_deviance, stirling_error};

/// Prior units of an arm below which its share is no share: the terms would leave the range of numbers.
const SMALLEST: f64 = 1e-100;

/// Logarithm of the e-value against "each unit went to the candidate with probability `share`": a mixture of other
/// shares, Dirichlet about `share` with `concentration` (Lindon & Malek 2022, arXiv:2011.03567; two arms, 100 is
/// usual). With `a_i = concentration w_i` and counts `c_i` that is
/// `ln Gamma(A) - ln Gamma(A + N) + sum (ln Gamma(a_i + c_i) - ln Gamma(a_i)) - sum c_i ln w_i`, here with Stirling's
/// large parts taken off on paper, so that 1e9 units lose no digits. Without units it is 0.
///
/// # Errors
///
/// Refuses shares outside 0 to 1 (or of less than 1e-100 units of the concentration) and a concentration that is not from 1e-3 to 1e9. With [`Refusal::RoutingFault`] if
/// an arm of weight zero has units; an arm of weight zero without units leaves the test, and the answer is 0.
pub fn log_e_value(units_baseline: u64, units_candidate: u64, share: f64, concentration: f64) -> Result<f64, Refusal> {
    if !(0.0..=1.0).contains(&share) {
        return Err(Refusal::ShareOutOfRange { share });
    }
    if !(1e-3..=1e9).contains(&concentration) {
        let expected = "a number from 0.001 to 1e9; 100 is usual";
        return Err(Refusal::OutOfRange { what: "concentration", value: concentration, expected });
    }
    if share <= 0.0 || share >= 1.0 {
        let misplaced = if share <= 0.0 { units_candidate } else { units_baseline };
        return if misplaced > 0 { Err(Refusal::RoutingFault { units: misplaced }) } else { Ok(0.0) };
    }
    let (baseline, candidate) = (units_baseline as f64, units_candidate as f64);
    let prior = [concentration * (1.0 - share), concentration * share];
    if prior.iter().any(|a| *a < SMALLEST) {
        return Err(Refusal::ShareOutOfRange { share });
    }
    let (n, total) = (baseline + candidate, concentration + baseline + candidate);
    // Posterior mean share less the intended one, times the total.
    let surplus = candidate - share * n;
    let deviance = deviance_of(surplus / total, share);
    let leftover = |cells: [f64; 2], whole: f64| {
        let own: f64 = cells.iter().map(|cell| stirling_error(*cell) - (cell / whole).ln() / 2.0).sum();
        own - whole.ln() / 2.0 - stirling_error(whole)
    };
    let posterior = [prior[0] + baseline, prior[1] + candidate];
    Ok(total * deviance + (leftover(posterior, total) - leftover(prior, concentration)))
}

/// Divergence of a split with the candidate's share `share + shift` from the intended `share`.
fn deviance_of(shift: f64, share: f64) -> f64 {
    share * excess_deviance(shift / share) + (1.0 - share) * excess_deviance(-shift / (1.0 - share))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_counts_are_a_beta_binomial() {
        // One unit: predicted with its intended probability, so no evidence either way.
        assert!(log_e_value(0, 1, 0.3, 100.0).unwrap().abs() < 1e-12);
        assert!(log_e_value(0, 0, 0.3, 100.0).unwrap().abs() < 1e-12);
        // Two alike at one half and concentration 2: uniform mixture, 1/3 against 1/4.
        assert!((log_e_value(2, 0, 0.5, 2.0).unwrap() - (4.0_f64 / 3.0).ln()).abs() < 1e-12);
    }

    #[test]
    fn huge_and_hopeless_counts_end() {
        let even = log_e_value(1_000_000_000, 1_000_000_000, 0.5, 100.0).unwrap();
        assert!((-9.0..-8.0).contains(&even), "{even}");
        assert!(log_e_value(1_000_000_000, 1, 0.5, 100.0).unwrap() > 1e8);
        assert!(log_e_value(u64::MAX, u64::MAX, 1e-12, 100.0).unwrap().is_finite());
        assert_eq!(log_e_value(5, 0, 0.0, 100.0), Ok(0.0));
        assert_eq!(log_e_value(5, 1, 0.0, 100.0).unwrap_err().reason(), "routing-fault");
        assert_eq!(log_e_value(5, 1, f64::NAN, 100.0).unwrap_err().reason(), "share-out-of-range");
        assert_eq!(log_e_value(5, 1, 1e-320, 100.0).unwrap_err().reason(), "share-out-of-range");
        assert_eq!(log_e_value(5, 1, 0.5, 0.0).unwrap_err().reason(), "out-of-range");
    }
}
