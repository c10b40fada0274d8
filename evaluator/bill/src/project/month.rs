//! A month like the log.
//!
//! What a month is made of is [`Month`](crate::reckon::Month)'s rule, the same for records and for logs: hour by hour of the
//! week where the log has seen a week, else its mean rate, or the number of requests that somebody named.
//!
//! Its interval joins two errors that have nothing to do with each other, as squares: that of ratios and estimates, and
//! the chance in the traffic ([`Series`](super::series::Series)). Records leave out the chance in how many requests come,
//! because a gateway knows its traffic; a log is all that is known of it, so here it counts.
//!
//! A log that is shorter than a week has not met all of the week's prices. Its interval then reaches to what the same requests
//! cost at the dearest hours, and at the cheapest: where in between the month lies, the log cannot tell.

use super::Projection;
use super::based::{Based, Basis};
use super::document::{Money, Month, Nanos};
use super::scale::{Scale, whole};
use super::tally::Bill;
use crate::reckon::{self, Window};
use crate::traffic::{Slice, WEEK_HOURS};

/// The month that the log tells of; a sentence where it tells of none.
pub(super) fn scaling(projection: &Projection<'_>) -> Result<reckon::Month, &'static str> {
    let mut hours = vec![Slice::default(); WEEK_HOURS];
    for (hour, cell) in &projection.hours.cells {
        if let Some(slice) = hours.get_mut(*hour) {
            slice.requests = cell.requests;
        }
    }
    let (from_us, to_us) = projection.span_us.unwrap_or_default();
    reckon::Month::of(
        Window { from_us, to_us, month_requests: projection.options.month_requests, prices_vary: false },
        &hours,
    )
}

/// The month with one choice; `None` without a request that has a price. `sure`: the log's answers are known.
pub(super) fn of(
    projection: &Projection<'_>,
    scale: &Scale,
    month: &reckon::Month,
    (choice, bill): (usize, &Bill),
    sure: bool,
) -> Option<Month> {
    let (mut against, mut cost, mut priced) = (0.0, 0.0, 0);
    for (hour, cell) in &projection.hours.cells {
        let Some(pair) = cell.choices.get(choice) else { continue };
        against += scale.likely(&pair.against) * month.weight(*hour);
        cost += scale.likely(&pair.likely) * month.weight(*hour);
        priced += cell.requests;
    }
    if priced == 0 {
        return None;
    }
    let times = month.requests / priced as f64;
    let saving = against - cost;
    // A log that ends within the week has not seen all its prices: so far the other hours may be off.
    let unseen = |other: &Based| match month.hours_seen < WEEK_HOURS && projection.dated {
        true => (scale.likely(&bill.pair.likely) - scale.likely(other)).abs() * times,
        false => 0.0,
    };
    let prices = (unseen(&bill.dearest), unseen(&bill.cheapest));
    let half = projection.series.half_width(choice, |sum| scale.likely(sum)).map(|half| half * times);
    let waits = scale.likely(&bill.pair.likely) - scale.likely(&bill.batch_moved);
    Some(Month {
        scaled_by: month.scaled_by,
        window_hours: month.window_hours,
        requests: month.requests,
        against: Nanos(whole(against)),
        cost: Nanos(whole(cost)),
        saving: half.filter(|_| sure).map(|half| interval(saving, &scale.saving(&bill.pair), times, (half, prices))),
        saving_batch_moved: sure.then(|| Nanos(whole(saving + waits * times))),
    })
}

/// Whether what moves costs more at some hours of the week than at others.
pub(super) fn varies(bill: &Bill) -> bool {
    Basis::ALL.into_iter().any(|basis| bill.dearest.of(basis) != bill.cheapest.of(basis))
}

fn interval(value: f64, log: &Money, times: f64, (half, prices): (f64, (f64, f64))) -> Money {
    let below = log.value.0.saturating_sub(log.lower.0) as f64 * times;
    let above = log.upper.0.saturating_sub(log.value.0) as f64 * times;
    Money {
        value: Nanos(whole(value)),
        lower: Nanos(whole(value - below.hypot(half) - prices.0)),
        upper: Nanos(whole(value + above.hypot(half) + prices.1)),
    }
}
