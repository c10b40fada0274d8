//! How many requests are under way at once.
//!
//! A provider's cap counts a request from its sending until its answer is complete, for each account and model. The log
//! tells both instants where it has durations. They are those of today's provider: a slower candidate has more in flight,
//! which the document says beside the number.
//!
//! Rows come almost in order. They are put in order within a window of rows, as replay does; one that comes later still is
//! counted at the time that was reached, and said to be.

use crate::document::{Flight, InFlight};
use crate::facts;
use crate::text;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use wire::provider::Provider;

/// Rows that are held back to put them in order.
const WINDOW_ROWS: usize = 10_000;
/// Requests in flight that are kept for one model; of more it is only known that there are more.
const IN_FLIGHT_MAX: usize = 1_000_000;
/// Models of a candidate that are told apart; the rest is counted as one.
const MODELS_MAX: usize = 64;
const SECOND_US: i64 = 1_000_000;

/// Start, end and model of a request; in the order of the start.
type Interval = Reverse<(i64, Option<i64>, usize)>;

#[derive(Debug, Default)]
pub(crate) struct Flights {
    window: BinaryHeap<Interval>,
    lanes: Vec<Lane>,
    names: BTreeMap<String, usize>,
    now_us: Option<i64>,
    requests: u64,
    without_duration: u64,
    late: u64,
}

#[derive(Debug, Default)]
struct Lane {
    requests: u64,
    ends: BinaryHeap<Reverse<i64>>,
    timed: bool,
    peak: u64,
    peak_at_us: Option<i64>,
    at_least: bool,
    second: i64,
    in_second: u64,
    per_second_peak: u64,
}

impl Flights {
    /// A request that would go to `model`.
    pub(crate) fn add(&mut self, model: &str, at_us: i64, duration_us: Option<u64>) {
        let lane = self.lane(model);
        self.requests += 1;
        self.without_duration += u64::from(duration_us.is_none());
        let end = duration_us.map(|duration| at_us.saturating_add_unsigned(duration));
        self.window.push(Reverse((at_us, end, lane)));
        if self.window.len() > WINDOW_ROWS {
            self.take_oldest();
        }
    }

    fn lane(&mut self, model: &str) -> usize {
        let name = text::name(model);
        let full = self.names.len() >= MODELS_MAX;
        let name = if full && !self.names.contains_key(&name) { "other".to_owned() } else { name };
        let lanes = &mut self.lanes;
        *self.names.entry(name).or_insert_with(|| {
            lanes.push(Lane::default());
            lanes.len() - 1
        })
    }

    fn take_oldest(&mut self) {
        let Some(Reverse((start, end, lane))) = self.window.pop() else { return };
        let now = self.now_us.map_or(start, |now| now.max(start));
        self.late += u64::from(now > start);
        self.now_us = Some(now);
        if let Some(lane) = self.lanes.get_mut(lane) {
            lane.start(now, end);
        }
    }

    pub(crate) fn finish(mut self, candidate: Provider, untimed: bool) -> Flight {
        if untimed {
            return Flight { untimed, ..Flight::default() };
        }
        while !self.window.is_empty() {
            self.take_oldest();
        }
        let told = self.names.into_iter().filter_map(|(model, lane)| {
            let cap = facts::in_flight_max(candidate, &model);
            self.lanes.get(lane).map(|lane| lane.told(model, cap))
        });
        let mut models: Vec<InFlight> = told.collect();
        models.sort_by_key(|model| Reverse((model.peak, model.requests)));
        let share = if self.requests == 0 { 0.0 } else { self.without_duration as f64 / self.requests as f64 };
        Flight { untimed, without_duration: share, late: self.late, models }
    }
}

impl Lane {
    fn start(&mut self, now: i64, end: Option<i64>) {
        self.requests += 1;
        let second = now.div_euclid(SECOND_US);
        self.in_second = if self.requests > 1 && second == self.second { self.in_second + 1 } else { 1 };
        self.second = second;
        self.per_second_peak = self.per_second_peak.max(self.in_second);
        while self.ends.peek().is_some_and(|Reverse(end)| *end <= now) {
            self.ends.pop();
        }
        let Some(end) = end else { return };
        self.timed = true;
        if self.ends.len() >= IN_FLIGHT_MAX {
            self.at_least = true;
            return;
        }
        // A request that took no time was under way for an instant.
        self.ends.push(Reverse(end.max(now.saturating_add(1))));
        let in_flight = self.ends.len() as u64;
        if in_flight > self.peak {
            self.peak = in_flight;
            self.peak_at_us = Some(now);
        }
    }

    fn told(&self, model: String, cap: Option<u64>) -> InFlight {
        InFlight {
            model,
            requests: self.requests,
            peak: self.timed.then_some(self.peak),
            peak_at_us: self.peak_at_us,
            at_least: self.at_least,
            per_second_peak: self.per_second_peak,
            cap,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn flight(rows: &[(i64, Option<u64>)]) -> Flight {
        let mut flights = Flights::default();
        for (at_us, duration_us) in rows {
            flights.add("deepseek-flash", *at_us, *duration_us);
        }
        flights.finish(Provider::DeepSeek, false)
    }

    proptest! {
        #[test]
        fn the_peak_is_that_of_counting_at_every_start(
            rows in proptest::collection::vec((0i64..200, 1u64..60), 1..80)
        ) {
            let brute = rows.iter().map(|(at, _)| {
                rows.iter().filter(|(start, length)| *start <= *at && *at < *start + *length as i64).count() as u64
            }).max();
            let rows: Vec<(i64, Option<u64>)> = rows.iter().map(|(at, length)| (*at, Some(*length))).collect();
            let flight = flight(&rows);
            prop_assert_eq!(flight.models[0].peak, brute);
            prop_assert_eq!(flight.late, 0);
        }
    }

    #[test]
    fn missing_durations_are_said_and_only_the_pace_is_told() {
        let told = flight(&[(0, None), (10, None), (999_999, None), (1_000_000, None)]);
        assert_eq!((told.models[0].peak, told.models[0].per_second_peak), (None, 3));
        assert!((told.without_duration - 1.0).abs() < 1e-9);
        let half = flight(&[(0, None), (10, Some(5))]);
        assert_eq!(half.models[0].peak, Some(1));
        assert!((half.without_duration - 0.5).abs() < 1e-9);
    }

    #[test]
    fn rows_far_behind_are_counted_late_and_any_clock_is_borne() {
        let mut rows: Vec<(i64, Option<u64>)> = (0..20_001).map(|at| (at, Some(1))).collect();
        rows.push((0, Some(1)));
        assert_eq!(flight(&rows).late, 1);
        let odd = flight(&[(i64::MIN, Some(u64::MAX)), (i64::MAX, Some(u64::MAX)), (0, Some(0))]);
        assert_eq!(odd.models[0].requests, 3);
        let models = |count: usize| {
            let mut flights = Flights::default();
            (0..count).for_each(|number| flights.add(&format!("m{number}"), 0, None));
            flights.finish(Provider::Compatible, false).models.len()
        };
        assert_eq!((models(10), models(1000)), (10, MODELS_MAX + 1));
    }

    #[test]
    fn without_times_nothing_is_said() {
        let mut flights = Flights::default();
        flights.add("m", 0, Some(5));
        assert_eq!(flights.finish(Provider::DeepSeek, true), Flight { untimed: true, ..Flight::default() });
    }
}
