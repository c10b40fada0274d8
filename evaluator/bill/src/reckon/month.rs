//! A month made of a window.
//!
//! Traffic has a week's rhythm, and so have prices. Where the window holds a week, each hour of the week counts as often as
//! it comes in a month, however often it came in the window; a window of ten days, whose Mondays are two, does not make
//! a month of Mondays. A shorter window can only be scaled by its mean rate, and the document says so; where prices differ
//! between hours, it has not met them all, and a month made of it has no interval: its chance is not all that is unknown.

use super::Window;
use crate::traffic::{Slice, WEEK_HOURS};

/// Hours of a month: a twelfth of 365.25 days.
pub const MONTH_HOURS: f64 = 730.5;
/// Shorter windows say nothing of a month.
const WINDOW_HOURS_MIN: f64 = 1.0;
const HOUR_US: i64 = 3_600_000_000;
/// Hour of the week in which the Unix epoch began: Thursday, 00:00 UTC.
const EPOCH_HOUR: i64 = 3 * 24;

/// How often each hour of the week counts.
#[derive(Debug, Clone, PartialEq)]
pub struct Month {
    weights: Vec<f64>,
    /// Requests a month.
    pub requests: f64,
    /// `hour-of-week`, `mean-rate` or `stated`.
    pub scaled_by: &'static str,
    /// Length of the window, hours.
    pub window_hours: f64,
    /// Hours of the week that the window touches, at most 168.
    pub hours_seen: usize,
}

/// The hour of the week of an instant: 0 is Monday, 00:00 UTC.
#[must_use]
pub fn hour_of_week(at_us: i64) -> usize {
    (at_us.div_euclid(HOUR_US) + EPOCH_HOUR).rem_euclid(WEEK_HOURS as i64) as usize
}

impl Month {
    /// The month of a window whose requests, by hour of the week, are given.
    ///
    /// # Errors
    /// A sentence why nothing can be said of a month.
    pub fn of(window: Window, hours: &[Slice]) -> Result<Self, &'static str> {
        // Instants are sorted; a window that is not one has no length.
        let length_us = window.to_us.saturating_sub(window.from_us).max(0);
        let window_hours = length_us as f64 / HOUR_US as f64;
        let (mut weights, mut scaled_by) = if window_hours >= WEEK_HOURS as f64 {
            (by_hour_of_week(window.from_us, length_us), "hour-of-week")
        } else if window_hours >= WINDOW_HOURS_MIN {
            (vec![MONTH_HOURS / window_hours; WEEK_HOURS], "mean-rate")
        } else if window.month_requests.is_some() {
            (vec![1.0; WEEK_HOURS], "stated")
        } else {
            return Err(
                "The window is shorter than an hour, which says nothing of a month: state the requests a month \
                        (`weighbridge bill --month-requests`).",
            );
        };
        let counted = |weights: &[f64]| {
            weights.iter().zip(hours).map(|(weight, slice)| weight * slice.requests as f64).sum::<f64>()
        };
        let mut requests = counted(&weights);
        if let Some(stated) = window.month_requests.filter(|_| requests > 0.0) {
            weights.iter_mut().for_each(|weight| *weight *= stated / requests);
            (requests, scaled_by) = (stated, "stated");
        }
        let hours_seen = hours_seen(window.from_us, length_us);
        Ok(Self { weights, requests, scaled_by, window_hours, hours_seen })
    }

    /// What is to be said of hours that the window does not hold; `varying`: prices differ between hours.
    #[must_use]
    pub fn remark(&self, varying: bool) -> Option<String> {
        (self.hours_seen < WEEK_HOURS && varying).then(|| {
            format!(
                "The window covers {} of the {WEEK_HOURS} hours of the week, and prices differ between hours: a month is \
                 told at the prices of the hours seen; prices of other hours are not in it.",
                self.hours_seen
            )
        })
    }

    /// How often an hour of the week counts.
    #[must_use]
    pub fn weight(&self, hour: usize) -> f64 {
        self.weights.get(hour).copied().unwrap_or(0.0)
    }
}

/// Hours of the week that a window touches.
fn hours_seen(from_us: i64, length_us: i64) -> usize {
    let hour = |at_us: i64| at_us.div_euclid(HOUR_US);
    let touched = hour(from_us.saturating_add(length_us)).saturating_sub(hour(from_us)).saturating_add(1);
    // Between 1 and 168: a window that begins within an hour and lasts a week touches that hour twice.
    touched.clamp(1, WEEK_HOURS as i64) as usize
}

/// Comings of each hour of the week in a month over those in the window; parts of hours count as parts.
fn by_hour_of_week(from_us: i64, length_us: i64) -> Vec<f64> {
    let week_us = WEEK_HOURS as i64 * HOUR_US;
    let whole_weeks = length_us / week_us;
    let mut covered = vec![whole_weeks as f64; WEEK_HOURS];
    let end_us = from_us.saturating_add(length_us);
    let mut at_us = from_us.saturating_add(whole_weeks * week_us);
    while at_us < end_us {
        let next_us = (at_us.div_euclid(HOUR_US) + 1).saturating_mul(HOUR_US).min(end_us);
        if let Some(covered) = covered.get_mut(hour_of_week(at_us)) {
            *covered += (next_us - at_us) as f64 / HOUR_US as f64;
        }
        if next_us <= at_us {
            break;
        }
        at_us = next_us;
    }
    covered.into_iter().map(|covered| MONTH_HOURS / WEEK_HOURS as f64 / covered).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Monday, 23 November 2026, 00:00 UTC.
    const MONDAY_US: i64 = 1_795_392_000_000_000;

    fn hours(requests: u64) -> Vec<Slice> {
        vec![Slice { requests, ..Slice::default() }; WEEK_HOURS]
    }

    fn window(hours: f64) -> Window {
        Window {
            from_us: MONDAY_US,
            to_us: MONDAY_US + (hours * HOUR_US as f64) as i64,
            month_requests: None,
            prices_vary: false,
        }
    }

    #[test]
    fn weeks_begin_on_monday() {
        assert_eq!(hour_of_week(MONDAY_US), 0);
        assert_eq!(hour_of_week(MONDAY_US - 1), 167);
        assert_eq!(hour_of_week(MONDAY_US + 25 * HOUR_US), 25);
        assert_eq!(hour_of_week(i64::MIN), hour_of_week(i64::MIN / HOUR_US * HOUR_US - 1));
    }

    #[test]
    fn ten_days_do_not_make_a_month_of_their_second_mondays() {
        let month = Month::of(window(240.0), &hours(1)).unwrap();
        assert_eq!(month.scaled_by, "hour-of-week");
        // Monday to Wednesday came twice, Thursday to Sunday once.
        assert!((month.weight(0) * 2.0 - month.weight(167)).abs() < 1e-12);
        assert!((month.weight(167) - 730.5 / 168.0).abs() < 1e-12);
        let whole_weeks = Month::of(window(336.0), &hours(2)).unwrap();
        assert!((whole_weeks.requests - 730.5).abs() < 1e-9, "{}", whole_weeks.requests);
    }

    #[test]
    fn a_shorter_window_has_a_mean_rate_and_a_minute_has_none() {
        let mut counts = vec![Slice::default(); WEEK_HOURS];
        counts[3].requests = 48;
        let month = Month::of(window(24.0), &counts).unwrap();
        assert_eq!((month.scaled_by, month.requests.round()), ("mean-rate", 1461.0));
        assert!(Month::of(window(0.1), &counts).unwrap_err().contains("--month-requests"));
        let stated = Window { month_requests: Some(1e6), ..window(0.1) };
        let month = Month::of(stated, &counts).unwrap();
        assert_eq!((month.scaled_by, month.requests), ("stated", 1e6));
        assert!((month.weight(3) * 48.0 - 1e6).abs() < 1e-6);
    }

    #[test]
    fn hours_that_were_not_seen_are_told_where_prices_differ() {
        let half_past = |hours: f64| {
            let window = window(hours);
            Window { from_us: window.from_us + HOUR_US / 2, to_us: window.to_us + HOUR_US / 2, ..window }
        };
        for (hours, seen) in [(1.0, 2), (23.6, 25), (166.0, 167), (400.0, 168)] {
            let month = Month::of(half_past(hours), &self::hours(1)).unwrap();
            assert_eq!(month.hours_seen, seen, "{hours}");
            assert_eq!(month.remark(true).is_some(), seen < 168);
            assert_eq!(month.remark(false), None);
        }
        let remark = Month::of(half_past(1.0), &self::hours(1)).unwrap().remark(true).unwrap();
        assert!(remark.starts_with("The window covers 2 of the 168 hours of the week"), "{remark}");
    }

    #[test]
    fn instants_of_nonsense_end() {
        for (from_us, to_us) in [(i64::MIN, i64::MAX), (i64::MAX, i64::MIN), (i64::MAX - 1, i64::MAX), (0, 0)] {
            let window = Window { from_us, to_us, month_requests: Some(1.0), prices_vary: true };
            assert!(Month::of(window, &hours(1)).is_ok(), "{from_us} {to_us}");
        }
    }
}
