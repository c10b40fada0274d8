//! A month like the log.
//!
//! Its length is a twelfth of a year. How much of it the log is, is told from what is known, in this order: the number of
//! requests that somebody named; the hours of the week, each for itself, of a log that has seen all of them; else the log's
//! mean rate, as if the rest of the month were like it. The last one holds for a log of minutes as little as it sounds, and
//! the document says which it was.
//!
//! Its interval joins two errors that have nothing to do with each other, as squares: that of ratios and estimates, and
//! the chance in the traffic ([`Series`](super::series::Series)).

use super::Projection;
use super::document::{Money, Month, Nanos};
use super::scale::{Scale, whole};
use super::tally::{Bill, Pair};
use super::week::{HOUR_US, WEEK_US};

/// Microseconds of a month.
const MONTH_US: f64 = 365.25 / 12.0 * 24.0 * HOUR_US as f64;

/// Requests below which no month is told.
const REQUESTS_MIN: u64 = 30;

/// `sure`: the log's answers are known.
pub(super) fn of(projection: &Projection<'_>, scale: &Scale, choice: usize, bill: &Bill, sure: bool) -> Option<Month> {
    let log = &projection.log;
    if log.requests < REQUESTS_MIN {
        return None;
    }
    let pair = &bill.pair;
    let (mut against, mut cost) = (scale.likely(&pair.against), scale.likely(&pair.likely));
    let (from, factor) = factor(projection)?;
    let whole_saving = scale.saving(pair);
    let half = projection.series.half_width(choice, |sum| scale.likely(sum)).map(|half| half * factor);
    let weekly = (from == "rate").then(|| by_hours(projection, scale, choice)).flatten();
    let from = match weekly {
        Some((of_baseline, of_choice)) => {
            (against, cost) = (of_baseline, of_choice);
            "week"
        }
        None => {
            (against, cost) = (against * factor, cost * factor);
            from
        }
    };
    let saving = half.filter(|_| sure).map(|half| interval(against - cost, &whole_saving, factor, half));
    let waits = scale.likely(&pair.likely) - scale.likely(&bill.batch_moved);
    Some(Month {
        from,
        requests: log.requests as f64 * factor,
        against: Nanos(whole(against)),
        cost: Nanos(whole(cost)),
        saving,
        saving_batch_moved: Nanos(whole(against - cost + waits * factor)),
    })
}

/// How many logs a month is.
fn factor(projection: &Projection<'_>) -> Option<(&'static str, f64)> {
    if let Some(requests) = projection.options.month_requests {
        return Some(("requests", requests / projection.log.requests as f64));
    }
    let (first, last) = projection.span_us?;
    let span = last.saturating_sub(first) as f64;
    (span > 0.0).then(|| ("rate", MONTH_US / span))
}

/// The month's bills, hour of the week by hour of the week; `None` if the log has not seen all of them.
fn by_hours(projection: &Projection<'_>, scale: &Scale, choice: usize) -> Option<(f64, f64)> {
    let (first, last) = projection.span_us.filter(|_| projection.dated)?;
    if last.saturating_sub(first) < WEEK_US {
        return None;
    }
    let (mut against, mut cost) = (0.0, 0.0);
    let month_of_hour = MONTH_US / 168.0;
    for hour in 0..168u8 {
        let Some(cell) = projection.hours.cells.get(&hour) else { continue };
        let seen = seen_us(first, last, i64::from(hour));
        let pair = cell.choices.get(choice).copied().unwrap_or_else(Pair::default);
        // A log of a week has seen every hour for an hour, but for its very ends.
        let factor = month_of_hour / (seen.max(HOUR_US / 2) as f64);
        against += scale.likely(&pair.against) * factor;
        cost += scale.likely(&pair.likely) * factor;
    }
    Some((against, cost))
}

/// How long an hour of the week was seen between two instants, microseconds.
fn seen_us(first: i64, last: i64, hour: i64) -> i64 {
    // Monday is three days after Thursday, 1 January 1970, less a week.
    let offset = hour * HOUR_US - 3 * 24 * HOUR_US;
    let up_to = |at: i64| {
        let since = at.saturating_sub(offset);
        since.div_euclid(WEEK_US) * HOUR_US + since.rem_euclid(WEEK_US).min(HOUR_US)
    };
    up_to(last) - up_to(first)
}

fn interval(value: f64, log: &Money, factor: f64, half: f64) -> Money {
    let below = (log.value.0.saturating_sub(log.lower.0)) as f64 * factor;
    let above = (log.upper.0.saturating_sub(log.value.0)) as f64 * factor;
    Money {
        value: Nanos(whole(value)),
        lower: Nanos(whole(value - below.hypot(half))),
        upper: Nanos(whole(value + above.hypot(half))),
    }
}
