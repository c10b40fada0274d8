//! Fresh starts of an e-process: a change at a higher rung must not have to undo old evidence.
//!
//! A wealth that has lost for a week needs long to win it back when the candidate breaks on Friday. So a new process
//! starts at every rung (and every day), and the alarm asks their average: each wealth has a mean of 1 at most under
//! the hypothesis, at any time, so the average over a *planned* number of starts has too. (The e-detectors of Shin,
//! Ramdas and Rinaldo 2024 grow from the same seed.) The price is at most the logarithm of that number.

use super::Refusal;

/// Logarithm of the mean wealth over `planned_starts` processes, from the logarithms of those started so far; one not
/// yet started still holds its 1. A process that has lost everything is minus infinity. The order given does not
/// matter, not even for the last bit.
///
/// # Errors
///
/// Refuses more processes than planned (their number must be fixed before data), no planned start, and logarithms
/// that are NaN or plus infinity.
pub fn log_average(log_wealths: &[f64], planned_starts: usize) -> Result<f64, Refusal> {
    if planned_starts == 0 || log_wealths.len() > planned_starts {
        return Err(Refusal::OutOfRange {
            what: "number of processes started",
            value: log_wealths.len() as f64,
            expected: "at most the number planned before data, and that at least 1",
        });
    }
    for (index, value) in log_wealths.iter().copied().enumerate() {
        if value.is_nan() || value == f64::INFINITY {
            return Err(Refusal::NotFinite { index, value });
        }
    }
    let mut ascending = log_wealths.to_vec();
    ascending.sort_unstable_by(f64::total_cmp);
    let idle = planned_starts - ascending.len();
    let floor = if idle > 0 { 0.0 } else { f64::NEG_INFINITY };
    let largest = ascending.last().copied().unwrap_or(floor).max(floor);
    if largest == f64::NEG_INFINITY {
        return Ok(largest);
    }
    let sum: f64 = ascending.iter().map(|log| (log - largest).exp()).sum();
    let resting = if idle > 0 { idle as f64 * (-largest).exp() } else { 0.0 };
    Ok(largest + (sum + resting).ln() - (planned_starts as f64).ln())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_not_started_hold_their_stake() {
        assert_eq!(log_average(&[], 7), Ok(0.0));
        let one = log_average(&[10.0_f64.ln()], 4).unwrap();
        assert!((one - (13.0_f64 / 4.0).ln()).abs() < 1e-15, "{one}");
        let all = log_average(&[f64::NEG_INFINITY, 2.0_f64.ln()], 2).unwrap();
        assert!(all.abs() < 1e-15, "{all}");
    }

    #[test]
    fn extremes_stay_finite_and_nonsense_is_refused() {
        assert!((log_average(&[1e9, -1e9], 10).unwrap() - (1e9 - 10.0_f64.ln())).abs() < 1e-6);
        assert!((log_average(&[-1e9], 2).unwrap() - 0.5_f64.ln()).abs() < 1e-15);
        assert_eq!(log_average(&[f64::NEG_INFINITY], 1), Ok(f64::NEG_INFINITY));
        assert_eq!(log_average(&[0.0, 0.0], 1).unwrap_err().reason(), "out-of-range");
        assert_eq!(log_average(&[], 0).unwrap_err().reason(), "out-of-range");
        assert_eq!(log_average(&[f64::NAN], 3).unwrap_err().reason(), "not-finite");
        assert_eq!(log_average(&[f64::INFINITY], 3).unwrap_err().reason(), "not-finite");
    }
}
