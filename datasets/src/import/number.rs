//! Numbers of traces, and their bounds.

use super::ImportError;
use super::entry::Place;
use super::filler::TOKENS_MAX;

/// A number of seconds (or of any unit) that is finite and not negative.
pub(super) fn decimal(text: &str) -> Option<f64> {
    text.trim().parse().ok().filter(|number: &f64| number.is_finite() && *number >= 0.0)
}

/// A duration in units of so many microseconds, as whole microseconds. What is longer than three thousand years is
/// nonsense.
pub(super) fn micros(number: f64, unit_us: f64) -> Option<u64> {
    let micros = (number * unit_us).round();
    (0.0..1e17).contains(&micros).then_some(micros as u64)
}

/// A number of tokens of a prompt or an answer.
///
/// # Errors
/// It is no whole number, or larger than any model can take.
pub(super) fn tokens(place: &Place, member: &str, found: Option<u64>) -> Result<u64, ImportError> {
    let count = found.ok_or_else(|| {
        place.wrong(format!(
            "`{member}` is absent or no whole number, expected a number of tokens; mend or remove the row"
        ))
    })?;
    if count > TOKENS_MAX {
        let message = format!("`{member}` is {count} tokens, expected {TOKENS_MAX} at most; mend or remove the row");
        return Err(place.wrong(message));
    }
    Ok(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_amount_of_time_is_none() {
        assert_eq!((decimal("0.25"), decimal("nan"), decimal("-1"), decimal("1e999")), (Some(0.25), None, None, None));
        assert_eq!((micros(0.25, 1e6), micros(1e300, 1e6)), (Some(250_000), None));
    }

    #[test]
    fn tokens_beyond_any_model_are_refused_by_name() {
        let place = Place { path: "t.csv".into(), line: 3 };
        assert_eq!(tokens(&place, "in", Some(5)).unwrap(), 5);
        for found in [None, Some(TOKENS_MAX + 1)] {
            let error = tokens(&place, "in", found).unwrap_err().to_string();
            assert!(error.starts_with("t.csv, line 3: `in` is "), "{error}");
        }
    }
}
