//! Windows of time, as slots.
//!
//! Every window is cut into slots that are numbered along time. What is taken lands in the slot of its instant and counts
//! until the slot no longer does. A rolling window has many slots, a calendar window one for each period, and a lifetime
//! one for all time, so that accounts need not know which window they have.

use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan, civil};
use std::fmt;

/// Slots of a rolling window; one more may count in part.
pub const SLOTS: i64 = 60;

const SECOND_US: i64 = 1_000_000;

/// A period of the calendar, UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Period {
    /// A second of the clock.
    Second,
    /// A minute of the clock.
    Minute,
    /// An hour of the clock.
    Hour,
    /// From midnight to midnight.
    Day,
    /// From the first to the last.
    Month,
}

/// The time over which a limit counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Window {
    /// The last `span_us` microseconds, at any time. At least [`SLOTS`] microseconds.
    Rolling {
        /// Microseconds.
        span_us: i64,
    },
    /// The present period of the calendar, UTC.
    Calendar(Period),
    /// All time: a balance that ends, until somebody tops it up.
    Lifetime,
}

impl Period {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Second, Self::Minute, Self::Hour, Self::Day, Self::Month];

    /// Its name: `second`, `minute`, `hour`, `day` or `month`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Second => "second",
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Month => "month",
        }
    }

    /// Its length where all are alike, microseconds.
    const fn length_us(self) -> Option<i64> {
        match self {
            Self::Second => Some(SECOND_US),
            Self::Minute => Some(60 * SECOND_US),
            Self::Hour => Some(3600 * SECOND_US),
            Self::Day => Some(86_400 * SECOND_US),
            Self::Month => None,
        }
    }

    fn index(self, at_us: i64) -> i64 {
        self.length_us().map_or_else(|| month_of(at_us), |length| at_us.div_euclid(length))
    }

    fn start_us(self, index: i64) -> i64 {
        self.length_us().map_or_else(|| month_start_us(index), |length| index.saturating_mul(length))
    }
}

impl Window {
    /// The slot into which falls what is taken at an instant, microseconds since the Unix epoch.
    #[must_use]
    pub fn slot(self, at_us: i64) -> i64 {
        match self {
            Self::Rolling { span_us } => at_us.div_euclid(width_us(span_us)),
            Self::Calendar(period) => period.index(at_us),
            Self::Lifetime => 0,
        }
    }

    /// The oldest slot that counts at an instant.
    #[must_use]
    pub fn oldest(self, at_us: i64) -> i64 {
        match self {
            Self::Rolling { span_us } => at_us.saturating_sub(span_us).div_euclid(width_us(span_us)),
            Self::Calendar(period) => period.index(at_us),
            Self::Lifetime => 0,
        }
    }

    /// The instant at which a slot no longer counts, microseconds since the Unix epoch; `None`: it always does.
    #[must_use]
    pub fn free_at_us(self, slot: i64) -> Option<i64> {
        match self {
            Self::Rolling { span_us } => {
                Some(slot.saturating_add(1).saturating_mul(width_us(span_us)).saturating_add(span_us))
            }
            Self::Calendar(period) => Some(period.start_us(slot.saturating_add(1))),
            Self::Lifetime => None,
        }
    }

    /// Reads what [`Display`](fmt::Display) wrote.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text == "lifetime" {
            return Some(Self::Lifetime);
        }
        if let Some(period) = Period::ALL.into_iter().find(|period| period.name() == text) {
            return Some(Self::Calendar(period));
        }
        let span_us = text.strip_suffix("us")?.parse().ok().filter(|span_us| *span_us >= SLOTS)?;
        Some(Self::Rolling { span_us })
    }
}

/// `86400000000us`, `day` or `lifetime`.
impl fmt::Display for Window {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rolling { span_us } => write!(formatter, "{span_us}us"),
            Self::Calendar(period) => formatter.write_str(period.name()),
            Self::Lifetime => formatter.write_str("lifetime"),
        }
    }
}

/// Width of a rolling window's slots, microseconds.
const fn width_us(span_us: i64) -> i64 {
    let width = span_us / SLOTS + (span_us % SLOTS != 0) as i64;
    if width < 1 { 1 } else { width }
}

/// Months since January of year 0.
fn month_of(at_us: i64) -> i64 {
    let date = TimeZone::UTC.to_datetime(Timestamp::from_microsecond(at_us).unwrap_or_default());
    i64::from(date.year()) * 12 + i64::from(date.month()) - 1
}

fn month_start_us(index: i64) -> i64 {
    let (year, month) = (i16::try_from(index.div_euclid(12)), i8::try_from(index.rem_euclid(12) + 1));
    let (Ok(year), Ok(month)) = (year, month) else { return i64::MAX };
    let Ok(first) = civil::Date::new(year, month, 1) else { return i64::MAX };
    let midnight = first.checked_add(0.days()).ok().and_then(|date| date.to_zoned(TimeZone::UTC).ok());
    midnight.map_or(i64::MAX, |zoned| zoned.timestamp().as_microsecond())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(text: &str) -> i64 {
        text.parse::<Timestamp>().unwrap().as_microsecond()
    }

    #[test]
    fn calendar_windows_end_where_the_calendar_says() {
        let now = at("2024-02-28T23:59:59.5Z");
        for (period, end) in [
            (Period::Second, "2024-02-29T00:00:00Z"),
            (Period::Minute, "2024-02-29T00:00:00Z"),
            (Period::Hour, "2024-02-29T00:00:00Z"),
            (Period::Day, "2024-02-29T00:00:00Z"),
            (Period::Month, "2024-03-01T00:00:00Z"),
        ] {
            let window = Window::Calendar(period);
            let slot = window.slot(now);
            let end_us = window.free_at_us(slot).unwrap();
            assert_eq!(end_us, at(end), "{}", period.name());
            assert_eq!((window.oldest(end_us - 1), window.oldest(end_us)), (slot, slot + 1), "{}", period.name());
        }
        let december = Window::Calendar(Period::Month);
        assert_eq!(december.free_at_us(december.slot(at("2026-12-31T23:00:00Z"))), Some(at("2027-01-01T00:00:00Z")));
        assert_eq!(december.free_at_us(i64::MAX), Some(i64::MAX));
    }

    #[test]
    fn a_balance_never_comes_back_by_itself() {
        assert_eq!((Window::Lifetime.slot(5), Window::Lifetime.free_at_us(0)), (0, None));
        assert_eq!(Window::Lifetime.oldest(i64::MAX), 0);
    }

    #[test]
    fn windows_are_read_as_they_are_written() {
        let windows = Period::ALL.map(Window::Calendar).into_iter();
        for window in windows.chain([Window::Lifetime, Window::Rolling { span_us: 90_000_000 }]) {
            assert_eq!(Window::parse(&window.to_string()), Some(window));
        }
        for wrong in ["", "us", "59us", "-60us", "week", "1d"] {
            assert_eq!(Window::parse(wrong), None, "{wrong}");
        }
    }

    proptest! {
        /// What was taken less than a span ago still counts; what was taken a span and a slot ago no longer does.
        #[test]
        fn a_rolling_window_is_never_shorter_than_its_span_and_longer_by_one_slot_at_most(
            taken in -1_000_000_000_000i64..2_000_000_000_000_000,
            span_us in SLOTS..10_000_000_000,
            ago in 0i64..30_000_000_000,
        ) {
            let window = Window::Rolling { span_us };
            let (slot, now) = (window.slot(taken), taken + ago);
            let counts = slot >= window.oldest(now);
            prop_assert!(counts || ago >= span_us, "gone after {} of {}", ago, span_us);
            prop_assert!(!counts || ago < span_us + width_us(span_us), "still here after {} of {}", ago, span_us);
            prop_assert_eq!(counts, now < window.free_at_us(slot).unwrap());
            prop_assert!(window.slot(now) - window.oldest(now) <= SLOTS);
        }
    }
}
