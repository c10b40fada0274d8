//! Instants, as people read them: RFC 3339 in text, microseconds in code.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, SpanRelativeTo, Timestamp};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;

/// Microseconds since the Unix epoch, within the years that a calendar of four digits has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(i64);

impl Instant {
    /// From microseconds since the Unix epoch; outside the calendar, its nearest end.
    #[must_use]
    pub fn from_us(us: i64) -> Self {
        Self(us.clamp(Timestamp::MIN.as_second() * 1_000_000, last_us()))
    }

    /// Microseconds since the Unix epoch.
    #[must_use]
    pub const fn us(self) -> i64 {
        self.0
    }

    /// Reads what a person gives: an instant (`2026-12-31T18:00:00Z`), a day (`2026-12-31`, its first second in UTC), or a
    /// time from now (`30d`, `24h`). `None` for anything else.
    #[must_use]
    pub fn parse(text: &str, now_us: i64) -> Option<Self> {
        let text = text.trim();
        if let Ok(instant) = text.parse::<Timestamp>() {
            return Some(Self::from_us(instant.as_microsecond()));
        }
        if let Ok(day) = text.parse::<Date>() {
            return day.to_zoned(TimeZone::UTC).ok().map(|day| Self(day.timestamp().as_microsecond()));
        }
        let span = text.parse::<Span>().ok()?.to_duration(SpanRelativeTo::days_are_24_hours()).ok()?;
        let later = now_us.checked_add(i64::try_from(span.as_micros()).ok()?)?;
        (later >= now_us && later <= last_us()).then_some(Self(later))
    }

    /// Later by so much.
    #[must_use]
    pub fn plus_seconds(self, seconds: u64) -> Self {
        let us = i64::try_from(seconds).unwrap_or(i64::MAX).saturating_mul(1_000_000);
        Self::from_us(self.0.saturating_add(us))
    }

    /// Whole seconds since the Unix epoch.
    #[must_use]
    pub const fn unix_seconds(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// As HTTP dates are written: `Thu, 31 Dec 2026 00:00:00 GMT`.
    #[must_use]
    pub fn http_date(self) -> String {
        jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&self.timestamp()).unwrap_or_default()
    }

    fn timestamp(self) -> Timestamp {
        Timestamp::from_microsecond(self.0).unwrap_or_default()
    }
}

/// The last second of the calendar.
fn last_us() -> i64 {
    Timestamp::MAX.as_second() * 1_000_000
}

impl fmt::Display for Instant {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.timestamp().fmt(formatter)
    }
}

impl Serialize for Instant {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Instant {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let instant = text.parse::<Timestamp>();
        instant
            .map(|instant| Self::from_us(instant.as_microsecond()))
            .map_err(|_| de::Error::custom("expected an instant such as 2026-12-31T00:00:00Z"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_is_given_in_three_ways_and_shown_in_one() {
        let now_us = 1_795_427_200_000_000;
        let shown = |text: &str| Instant::parse(text, now_us).map(|instant| instant.to_string());
        assert_eq!(shown("2026-12-31T18:00:00+01:00").as_deref(), Some("2026-12-31T17:00:00Z"));
        assert_eq!(shown(" 2026-12-31 ").as_deref(), Some("2026-12-31T00:00:00Z"));
        assert_eq!(shown("1d 12h"), Some(Instant::from_us(now_us + 129_600_000_000).to_string()));
        for wrong in ["", "soon", "-1h", "7", "1 month", "2026-13-01", "9999999999999h"] {
            assert_eq!(shown(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn headers_have_the_forms_that_their_standards_demand() {
        let instant = Instant::parse("2026-12-31", 0).unwrap();
        assert_eq!(instant.http_date(), "Thu, 31 Dec 2026 00:00:00 GMT");
        assert_eq!(instant.unix_seconds(), 1_798_675_200);
        assert_eq!(Instant::from_us(i64::MAX).plus_seconds(u64::MAX).to_string().get(..4), Some("9999"));
    }
}
