//! Time of day as providers bill it: weekdays, windows to the minute, and days that are exceptions.
//!
//! A period lives in one fixed offset from UTC: its weekdays, its windows and its holidays are all days and minutes there.
//! China has had one offset and no summer time since 1991, and no provider bills by a zone that changes its clocks; such
//! a zone would have to be written as two periods with dated prices.
//!
//! A window belongs to the day on which it begins. One that runs past midnight keeps the weekday, and the holiday, of its
//! beginning.

use std::sync::Arc;

const MINUTE_US: i128 = 60_000_000;
const DAY_US: i128 = 86_400_000_000;

/// How far ahead the next edge is looked for. A calm stretch is longer only around long holidays, and then the answer "for
/// at least so long" is still true.
const HORIZON_DAYS: i128 = 9;

/// Days that are not what their weekday says, in the days of whoever's calendar it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Calendar {
    /// Days off, days since 1 January 1970, ascending.
    pub holidays: Vec<i64>,
    /// Days worked although they are on a weekend, days since 1 January 1970, ascending.
    pub working_days: Vec<i64>,
    /// The last day of what is announced, days since 1 January 1970; later holidays are inferred. `None` if all are announced.
    pub announced_until: Option<i64>,
    /// Where the days were read, and which of them are inferred.
    pub source: String,
}

/// Minutes of a day, `begin` in it and `end` not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// First minute, 0 to 1439.
    pub begin_minute: u16,
    /// First minute that is out again, above `begin_minute`; above 1440 it is on the next day.
    pub end_minute: u16,
}

/// Hours with a price of their own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Period {
    /// Monday to Sunday.
    pub weekdays: [bool; 7],
    /// Times of those days, at least one.
    pub windows: Vec<Window>,
    /// Minutes by which the local clock is ahead of UTC.
    pub utc_offset_minutes: i32,
    /// Name of the calendar whose holidays are left out.
    pub calendar: Option<String>,
    /// Whether the calendar's working days count, whatever their weekday.
    pub working_days: bool,
    /// Where the hours were read.
    pub source: String,
}

/// A period with its calendar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Clock {
    period: Period,
    calendar: Arc<Calendar>,
}

impl Clock {
    pub(super) const fn new(period: Period, calendar: Arc<Calendar>) -> Self {
        Self { period, calendar }
    }

    /// Whether the instant (microseconds since the Unix epoch) lies in the period.
    pub(super) fn contains(&self, at_us: i64) -> bool {
        let local = self.local(at_us);
        let today = local.div_euclid(DAY_US);
        [today - 1, today].into_iter().filter(|day| self.counts(*day)).any(|day| {
            let minute = (local - day * DAY_US).div_euclid(MINUTE_US);
            self.period
                .windows
                .iter()
                .any(|window| (i128::from(window.begin_minute)..i128::from(window.end_minute)).contains(&minute))
        })
    }

    /// An instant until which, exclusively, the answer of [`Clock::contains`] stays what it is.
    pub(super) fn until_us(&self, at_us: i64) -> i64 {
        let local = self.local(at_us);
        let today = local.div_euclid(DAY_US);
        let horizon = (today + HORIZON_DAYS) * DAY_US;
        let edges = (today - 1..today + HORIZON_DAYS).filter(|day| self.counts(*day)).flat_map(|day| {
            self.period.windows.iter().flat_map(move |window| {
                [window.begin_minute, window.end_minute].map(|minute| day * DAY_US + i128::from(minute) * MINUTE_US)
            })
        });
        let next = edges.filter(|edge| *edge > local).min().unwrap_or(horizon).min(horizon);
        i64::try_from(next - self.offset()).unwrap_or(i64::MAX)
    }

    /// Whether windows begin on this local day.
    fn counts(&self, day: i128) -> bool {
        let Ok(day) = i64::try_from(day) else { return false };
        if self.calendar.holidays.binary_search(&day).is_ok() {
            return false;
        }
        if self.period.working_days && self.calendar.working_days.binary_search(&day).is_ok() {
            return true;
        }
        // 1 January 1970 was a Thursday.
        let weekday = usize::try_from((day + 3).rem_euclid(7)).unwrap_or(0);
        self.period.weekdays.get(weekday).copied().unwrap_or(false)
    }

    fn offset(&self) -> i128 {
        i128::from(self.period.utc_offset_minutes) * MINUTE_US
    }

    fn local(&self, at_us: i64) -> i128 {
        i128::from(at_us) + self.offset()
    }
}

impl Period {
    /// Whether two periods share a minute of an ordinary week, whatever the holidays.
    pub(super) fn meets(&self, other: &Self) -> bool {
        let plain =
            |period: &Self| Clock::new(Self { calendar: None, working_days: false, ..period.clone() }, Arc::default());
        let (one, two) = (plain(self), plain(other));
        one.begins_in(&two) || two.begins_in(&one)
    }
}

impl Clock {
    /// Whether a window of an ordinary week begins in the other's.
    fn begins_in(&self, other: &Self) -> bool {
        // Any week will do; this one is long after the epoch, so that nothing is negative.
        (700..707).filter(|day| self.counts(*day)).any(|day| {
            self.period.windows.iter().any(|window| {
                let begin = day * DAY_US + i128::from(window.begin_minute) * MINUTE_US - self.offset();
                i64::try_from(begin).is_ok_and(|begin| other.contains(begin))
            })
        })
    }
}
