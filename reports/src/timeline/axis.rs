//! Time of a story: from instants to places and words.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::format;

const SECOND: i64 = 1_000_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// Steps between two ticks.
const STEPS: [i64; 22] = [
    SECOND,
    2 * SECOND,
    5 * SECOND,
    10 * SECOND,
    30 * SECOND,
    MINUTE,
    2 * MINUTE,
    5 * MINUTE,
    10 * MINUTE,
    30 * MINUTE,
    HOUR,
    2 * HOUR,
    3 * HOUR,
    6 * HOUR,
    12 * HOUR,
    DAY,
    2 * DAY,
    7 * DAY,
    14 * DAY,
    30 * DAY,
    90 * DAY,
    365 * DAY,
];

/// The time that a page shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Axis {
    from_us: i64,
    to_us: i64,
    speed: i64,
}

impl Axis {
    /// From the first instant to the last, at least a second.
    pub(super) fn over(instants: impl Iterator<Item = i64>, speed: u32) -> Self {
        let (mut from, mut to) = (i64::MAX, i64::MIN);
        for at in instants {
            (from, to) = (from.min(at), to.max(at));
        }
        let from = if from == i64::MAX { 0 } else { from };
        Self { from_us: from, to_us: to.max(from.saturating_add(SECOND)), speed: i64::from(speed.max(1)) }
    }

    /// Place of an instant, 0 to 1.
    pub(super) fn place(&self, at_us: i64) -> f64 {
        let whole = self.to_us.saturating_sub(self.from_us).max(1) as f64;
        (at_us.saturating_sub(self.from_us) as f64 / whole).clamp(0.0, 1.0)
    }

    /// Length of the whole, in the story's time.
    pub(super) fn length(&self) -> String {
        format::span(0, self.told(self.to_us))
    }

    /// Time of the story since its beginning.
    fn told(&self, at_us: i64) -> i64 {
        at_us.saturating_sub(self.from_us).saturating_mul(self.speed)
    }

    /// An instant in the story's words: `day 3, 06:00`, or the calendar's.
    pub(super) fn said(&self, at_us: i64) -> String {
        if self.speed == 1 {
            return strftime(at_us, "%-d %b, %H:%M:%S");
        }
        let told = self.told(at_us).max(0);
        format!("day {}, {}", told / DAY + 1, clock(told))
    }

    /// Ticks at round times, at most so many: place and words.
    pub(super) fn ticks(&self, most: usize) -> Vec<(f64, String)> {
        let (from, to) =
            if self.speed == 1 { (self.from_us, self.to_us) } else { (0, self.told(self.to_us).max(SECOND)) };
        let length = to.saturating_sub(from).max(1);
        let most = i64::try_from(most.max(1)).unwrap_or(1);
        let step = STEPS.into_iter().find(|step| length / step < most).unwrap_or(length / most + 1);
        let first = from.div_euclid(step).saturating_mul(step);
        let instants = (0..=most).map(|index| first.saturating_add(step.saturating_mul(index)));
        instants
            .filter(|at| (from..=to).contains(at))
            .map(|at| {
                let place = at.saturating_sub(from) as f64 / length as f64;
                (place, if self.speed == 1 { tick(at, step, length) } else { told_tick(at, step) })
            })
            .collect()
    }
}

/// Time of day of a span since the beginning.
fn clock(told_us: i64) -> String {
    format!("{:02}:{:02}", told_us / HOUR % 24, told_us / MINUTE % 60)
}

fn told_tick(at: i64, step: i64) -> String {
    let day = at / DAY + 1;
    if step >= DAY { format!("day {day}") } else { format!("day {day}, {}", clock(at)) }
}

fn tick(at: i64, step: i64, length: i64) -> String {
    let form = match (step, length) {
        (step, _) if step >= DAY => "%-d %b",
        (_, length) if length >= DAY => "%-d %b, %H:%M",
        (step, _) if step >= MINUTE => "%H:%M",
        _ => "%H:%M:%S",
    };
    strftime(at, form)
}

fn strftime(us: i64, form: &str) -> String {
    Timestamp::from_microsecond(us)
        .map_or_else(|_| format!("{us} µs"), |at| at.to_zoned(TimeZone::UTC).strftime(form).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 23 November 2026, 14:00 UTC.
    const START: i64 = 1_795_442_400_000_000;

    #[test]
    fn ticks_are_round_and_not_too_many() {
        for (length, speed, first) in [
            (3 * HOUR, 1, "14:00"),
            (90 * SECOND, 1, "14:00:00"),
            (40 * HOUR, 1, "23 Nov, 18:00"),
            (20 * DAY, 1, "26 Nov"),
            (200 * SECOND, 2400, "day 1"),
            (20 * SECOND, 2400, "day 1, 00:00"),
        ] {
            let axis = Axis::over([START, START + length].into_iter(), speed);
            for most in [4, 8] {
                let ticks = axis.ticks(most);
                assert!((2..=most + 1).contains(&ticks.len()), "{length}: {ticks:?}");
                assert!(ticks.iter().all(|(place, _)| (0.0..=1.0).contains(place)), "{ticks:?}");
            }
            assert_eq!(axis.ticks(8)[0].1, first);
        }
    }

    #[test]
    fn odd_instants_have_a_place_too() {
        for axis in [
            Axis::over(std::iter::empty(), 1),
            Axis::over([START].into_iter(), 0),
            Axis::over([i64::MIN, i64::MAX].into_iter(), u32::MAX),
            Axis::over([i64::MAX].into_iter(), 3),
        ] {
            assert!(axis.ticks(8).len() <= 9);
            for at in [i64::MIN, 0, START, i64::MAX] {
                assert!((0.0..=1.0).contains(&axis.place(at)), "{axis:?}");
                assert!(!axis.said(at).is_empty());
            }
        }
        assert_eq!(Axis::over([0, 100 * SECOND].into_iter(), 2400).said(50 * SECOND), "day 2, 09:20");
        assert_eq!(Axis::over([START].into_iter(), 1).said(START), "23 Nov, 14:00:00");
    }
}
