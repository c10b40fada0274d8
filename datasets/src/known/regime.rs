//! What is in force at an instant: epoch and weight, effects that come and go, prices.
//!
//! Nothing changes within a minute, so a regime is found once a minute of virtual time and holds for all its requests.
//! Requests are counted by the regime's effects: the truth of a stretch is the mean over what was in force in it,
//! weighted by its requests.

use super::profile::{Behaviour, Drift, Profile, Whom};
use wire::price::{Row, Tariffs};

const MINUTE_US: i64 = 60_000_000;
const HOUR_US: f64 = 3_600e6;
const DAY_HOURS: f64 = 24.0;

/// What an arm does in a regime beyond what its profile says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Effects {
    /// Added to the share of errors.
    pub(super) error: f64,
    /// Added to the share of 429.
    pub(super) rate_limited: f64,
    /// Factor on all times.
    pub(super) latency: f64,
}

/// A minute's regime.
#[derive(Debug, Clone)]
pub(super) struct Regime {
    /// The first instant after it.
    pub(super) until_us: i64,
    /// Index of the epoch.
    pub(super) epoch: usize,
    /// Candidate weight, hundredths of a percent.
    pub(super) weight_bp: u32,
    /// By arm: baseline, candidate.
    pub(super) effects: [Effects; 2],
    /// By arm.
    pub(super) prices: [Option<Row>; 2],
    /// Arrivals an hour.
    pub(super) rate: f64,
}

/// The regimes of a profile.
#[derive(Debug)]
pub(super) struct Timetable<'a> {
    profile: &'a Profile,
    start_us: i64,
    tariffs: Tariffs,
}

impl<'a> Timetable<'a> {
    pub(super) const fn new(profile: &'a Profile, start_us: i64, tariffs: Tariffs) -> Self {
        Self { profile, start_us, tariffs }
    }

    /// The regime of the minute in which an instant lies.
    pub(super) fn at(&self, at_us: i64) -> Regime {
        let minute_us = at_us.div_euclid(MINUTE_US) * MINUTE_US;
        let hours = (minute_us - self.start_us).max(0) as f64 / HOUR_US;
        let hour_of_day = minute_us.rem_euclid(24 * 3_600_000_000) as f64 / HOUR_US;
        let (epoch, weight_bp) = self.epoch(hours);
        let profile = self.profile;
        let mut effects = [Whom::Baseline, Whom::Candidate].map(|arm| drifted(&profile.drift, arm, hours, hour_of_day));
        if f64::from(weight_bp) > profile.load.above_percent * 100.0 {
            effects[1].error += profile.load.error;
            effects[1].rate_limited += profile.load.rate_limited;
            effects[1].latency *= profile.load.latency_ratio;
        }
        let traffic = &profile.traffic;
        let angle = std::f64::consts::TAU * (hour_of_day - traffic.busiest_hour) / DAY_HOURS;
        let price = |arm: &Behaviour| self.tariffs.find(&arm.provider, &arm.model, minute_us).cloned();
        Regime {
            until_us: minute_us + MINUTE_US,
            epoch,
            weight_bp,
            effects,
            prices: [price(&profile.baseline), price(&profile.candidate)],
            rate: traffic.requests_per_hour * (1.0 + traffic.daily_swing * libm::cos(angle)),
        }
    }

    fn epoch(&self, hours: f64) -> (usize, u32) {
        let mut end = 0.0;
        let epochs = &self.profile.epochs;
        let running = epochs.iter().position(|epoch| {
            end += epoch.hours;
            hours < end
        });
        let index = running.unwrap_or(epochs.len().saturating_sub(1));
        let percent = epochs.get(index).map_or(0.0, |epoch| epoch.weight_percent);
        (index, (percent * 100.0).round() as u32)
    }
}

fn drifted(drifts: &[Drift], arm: Whom, hours: f64, hour_of_day: f64) -> Effects {
    let mut effects = Effects { error: 0.0, rate_limited: 0.0, latency: 1.0 };
    for drift in drifts.iter().filter(|drift| drift.arm == arm || drift.arm == Whom::Both) {
        let since =
            if drift.daily { (hour_of_day - drift.from_hour).rem_euclid(DAY_HOURS) } else { hours - drift.from_hour };
        if (0.0..drift.hours).contains(&since) {
            effects.error += drift.error;
            effects.latency *= drift.latency_ratio;
        }
    }
    effects
}

/// Requests that arrived under the same effects and prices, within one epoch.
#[derive(Debug, Clone)]
pub(super) struct Cell {
    pub(super) epoch: usize,
    pub(super) weight_bp: u32,
    pub(super) effects: [Effects; 2],
    pub(super) prices: [Option<Row>; 2],
    pub(super) requests: u64,
}

impl Cell {
    pub(super) fn new(regime: &Regime) -> Self {
        let Regime { epoch, weight_bp, effects, prices, .. } = regime.clone();
        Self { epoch, weight_bp, effects, prices, requests: 0 }
    }

    pub(super) fn holds(&self, regime: &Regime) -> bool {
        self.epoch == regime.epoch && self.effects == regime.effects && self.prices == regime.prices
    }
}

/// Shares of the failures that exclude each other: error, 429, timeout. The error share has a consumer's factor, and
/// what was added; together they are at most 1.
pub(super) fn failures(arm: &Behaviour, effects: &Effects, error_factor: f64) -> [f64; 3] {
    let limited = (arm.rate_limited + effects.rate_limited).clamp(0.0, 1.0 - arm.timeout);
    let error = (arm.error * error_factor + effects.error).clamp(0.0, 1.0 - arm.timeout - limited);
    [error, limited, arm.timeout]
}
