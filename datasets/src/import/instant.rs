//! Instants as logs write them, to microseconds since the Unix epoch.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// Numbers above this are milliseconds, not seconds: as seconds it is the year 5138.
const SECONDS_MAX: f64 = 1e11;
/// Above this, microseconds.
const MILLISECONDS_MAX: f64 = 1e14;
/// Above this, nanoseconds.
const MICROSECONDS_MAX: f64 = 1e17;

/// An instant as text: RFC 3339; a date and a time with or without an offset (UTC is meant then); a number of seconds,
/// milliseconds, microseconds or nanoseconds since the epoch, told apart by its size.
pub(super) fn of_text(text: &str) -> Option<i64> {
    let text = text.trim();
    if let Ok(timestamp) = text.parse::<Timestamp>() {
        return Some(timestamp.as_microsecond());
    }
    if let Ok(number) = text.parse::<f64>() {
        return of_number(number);
    }
    // Offsets without minutes, as PostgreSQL writes them.
    if let Ok(timestamp) = format!("{text}:00").parse::<Timestamp>() {
        return Some(timestamp.as_microsecond());
    }
    let civil: DateTime = text.strip_suffix(" UTC").unwrap_or(text).parse().ok()?;
    civil.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp().as_microsecond())
}

fn of_number(number: f64) -> Option<i64> {
    if !number.is_finite() || number < 0.0 {
        return None;
    }
    let scale = match number {
        _ if number < SECONDS_MAX => 1e6,
        _ if number < MILLISECONDS_MAX => 1e3,
        _ if number < MICROSECONDS_MAX => 1.0,
        _ => 1e-3,
    };
    let micros = (number * scale).round();
    (micros < 9e18).then_some(micros as i64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn of_value(value: &Value) -> Option<i64> {
        of_text(value.as_str().map_or_else(|| value.to_string(), str::to_owned).as_str())
    }

    #[test]
    fn every_way_of_writing_an_instant_gives_the_same_one() {
        let expected = Some(1_763_800_000_250_000);
        for value in [
            json!("2025-11-22T08:26:40.25Z"),
            json!("2025-11-22T09:26:40.250+01:00"),
            json!("2025-11-22 08:26:40.25+00"),
            json!("2025-11-22 08:26:40.25"),
            json!("2025-11-22T08:26:40.250"),
            json!("2025-11-22 08:26:40.25 UTC"),
            json!(1_763_800_000.25),
            json!("1763800000.25"),
            json!(1_763_800_000_250_i64),
            json!(1_763_800_000_250_000_i64),
            json!(1_763_800_000_250_000_000_i64),
        ] {
            assert_eq!(of_value(&value), expected, "{value}");
        }
        for value in [json!("yesterday"), json!(-1), json!(null), json!(""), json!(f64::MAX), json!([1])] {
            assert_eq!(of_value(&value), None, "{value}");
        }
    }
}
