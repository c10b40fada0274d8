//! The last hour of every arm, from sums that are read every few seconds. Pure: samples and times are arguments.
//!
//! Counters only grow; what happened in a window is the newest sample less one from before. So a window costs nothing while
//! requests are served, and a missed tick only makes a step longer.
//!
//! Bounds: an arm keeps [`SAMPLES_MAX`] samples (five minutes, about 700 bytes each) and [`POINTS_MAX`] points (an hour, 64
//! bytes each), so about 90 KB; [`ARMS_MAX`] arms are followed, and what lies beyond is told since the start instead of by
//! windows.

use crate::telemetry::{ArmKey, Counts, Sample};
use serde::Serialize;
use std::collections::{BTreeMap, VecDeque};

/// Time between two samples, seconds.
pub(super) const STEP_SECONDS: i64 = 5;
/// The window that numbers are told for, seconds.
pub(super) const WINDOW_SECONDS: i64 = 300;
/// The window behind each point of a curve, seconds: one step alone holds too few requests for a quantile.
const SMOOTH_SECONDS: i64 = 60;
/// Points of a curve: an hour.
pub(super) const POINTS_MAX: usize = 720;
/// A window and the sample that it begins with.
const SAMPLES_MAX: usize = (WINDOW_SECONDS / STEP_SECONDS) as usize + 1;
/// Arms that are followed.
const ARMS_MAX: usize = 256;

const SECOND_US: i64 = 1_000_000;

/// What is in force of a migration at a sample.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct InForce {
    pub migration: String,
    pub epoch: u64,
    pub weight_percent: f64,
}

/// See the module's text.
#[derive(Debug, Default)]
pub(super) struct History {
    tracks: BTreeMap<ArmKey, Track>,
    overhead: VecDeque<(i64, Counts)>,
    weights: BTreeMap<String, VecDeque<(i64, f64)>>,
    last_us: Option<i64>,
}

#[derive(Debug, Default)]
struct Track {
    samples: VecDeque<(i64, Sample)>,
    points: VecDeque<Point>,
}

/// One point of an arm's curves.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(super) struct Point {
    at_us: i64,
    per_second: f64,
    error_share: Option<f64>,
    ttft_p50_us: Option<u64>,
    ttft_p95_us: Option<u64>,
    duration_p95_us: Option<u64>,
    cost_nanos: u64,
}

/// What happened in a window.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Window<T> {
    pub sums: T,
    pub seconds: f64,
}

/// All curves, for the page.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Curves {
    step_seconds: i64,
    /// Most points that a curve has.
    points: usize,
    migrations: BTreeMap<String, Vec<Curve>>,
    /// Weights with the instants since which they were in force.
    weights: BTreeMap<String, Vec<(i64, f64)>>,
}

/// Curves of one arm: lists of the same length, one value a point.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct Curve {
    arm: &'static str,
    role: &'static str,
    at_us: Vec<i64>,
    /// Over the step.
    per_second: Vec<f64>,
    /// Over a minute, as the quantiles.
    error_share: Vec<Option<f64>>,
    ttft_p50_us: Vec<Option<u64>>,
    ttft_p95_us: Vec<Option<u64>>,
    duration_p95_us: Vec<Option<u64>>,
    /// Of the step.
    cost_nanos: Vec<u64>,
}

impl History {
    /// Takes a sample of everything. Migrations that are not in force any more are forgotten.
    pub(super) fn take(&mut self, now_us: i64, arms: BTreeMap<ArmKey, Sample>, overhead: Counts, in_force: &[InForce]) {
        if self.last_us.is_some_and(|last_us| now_us <= last_us) {
            // The clock was set back: what was, was at other times.
            *self = Self::default();
        }
        let follows = |migration: &str| in_force.iter().any(|one| one.migration == migration);
        self.tracks.retain(|key, _| follows(&key.migration));
        self.weights.retain(|migration, _| follows(migration));
        for (key, sample) in arms.into_iter().filter(|(key, _)| follows(&key.migration)) {
            // An arm of a migration that was here before had nothing until now.
            let was_here = self.weights.contains_key(&key.migration);
            let had_nothing = self.last_us.filter(|_| was_here).map(|last_us| (last_us, Sample::default()));
            if self.tracks.len() >= ARMS_MAX && !self.tracks.contains_key(&key) {
                continue;
            }
            let track = self
                .tracks
                .entry(key)
                .or_insert_with(|| Track { samples: had_nothing.into_iter().collect(), points: VecDeque::new() });
            track.take(now_us, sample);
        }
        push(&mut self.overhead, (now_us, overhead), SAMPLES_MAX);
        for one in in_force {
            self.take_weight(one, now_us);
        }
        self.last_us = Some(now_us);
    }

    fn take_weight(&mut self, one: &InForce, now_us: i64) {
        let weights = self.weights.entry(one.migration.clone()).or_default();
        let Some((last_us, percent)) = weights.back().copied() else {
            weights.push_back((now_us, one.weight_percent));
            return;
        };
        if percent.to_bits() != one.weight_percent.to_bits() {
            // An epoch's number is the millisecond in which it began, unless two began in one.
            let began_us = i64::try_from(one.epoch).unwrap_or(i64::MAX).saturating_mul(1000);
            push(weights, (began_us.clamp(last_us, now_us), one.weight_percent), POINTS_MAX);
        }
        // One from before the hour stays: it says what the hour began with.
        let oldest_us = now_us - POINTS_MAX as i64 * STEP_SECONDS * SECOND_US;
        while weights.get(1).is_some_and(|(at_us, _)| *at_us < oldest_us) {
            weights.pop_front();
        }
    }

    /// What an arm did in the last minutes; `live` is its sample of this moment. `started_us` is when the process began, for
    /// arms that are not followed.
    pub(super) fn window(&self, key: &ArmKey, live: Sample, now_us: i64, started_us: i64) -> Window<Sample> {
        let from_us = now_us - WINDOW_SECONDS * SECOND_US;
        let began = at_or_after(&self.overhead, from_us).map(|(at_us, _)| *at_us);
        let Some(began_us) = began else { return Window { sums: live, seconds: seconds(now_us - started_us) } };
        match self.tracks.get(key) {
            Some(track) => {
                let sums = at_or_after(&track.samples, from_us).map(|(_, first)| live.clone().since(first));
                // The same window for all arms, also for one that has been used for a part of it only.
                Window { sums: sums.unwrap_or_default(), seconds: seconds(now_us - began_us) }
            }
            // Its first request came since the last tick.
            None if self.weights.contains_key(&key.migration) && self.tracks.len() < ARMS_MAX => {
                Window { sums: live, seconds: seconds(now_us - began_us) }
            }
            None => Window { sums: live, seconds: seconds(now_us - started_us) },
        }
    }

    /// The same of the gateway's own time.
    pub(super) fn overhead(&self, live: Counts, now_us: i64) -> Counts {
        match at_or_after(&self.overhead, now_us - WINDOW_SECONDS * SECOND_US) {
            Some((_, first)) => live.since(first),
            None => live,
        }
    }

    /// The newest point of an arm's curves: by it, who has the curves goes on with them.
    pub(super) fn newest(&self, key: &ArmKey) -> Option<Point> {
        self.tracks.get(key)?.points.back().copied()
    }

    /// The curves.
    pub(super) fn curves(&self) -> Curves {
        let mut migrations: BTreeMap<String, Vec<Curve>> = BTreeMap::new();
        for (key, track) in &self.tracks {
            migrations.entry(key.migration.clone()).or_default().push(track.curve(key));
        }
        let weights = self.weights.iter().map(|(name, weights)| (name.clone(), weights.iter().copied().collect()));
        Curves { step_seconds: STEP_SECONDS, points: POINTS_MAX, migrations, weights: weights.collect() }
    }
}

impl Track {
    fn take(&mut self, now_us: i64, sample: Sample) {
        if let Some((before_us, before)) = self.samples.back() {
            let step = sample.clone().since(before);
            let minute = at_or_after(&self.samples, now_us - SMOOTH_SECONDS * SECOND_US);
            let minute = minute.map_or_else(|| step.clone(), |(_, first)| sample.clone().since(first));
            let point = Point {
                at_us: now_us,
                per_second: per_second(step.requests(), seconds(now_us - before_us)),
                error_share: share(minute.errors(), minute.requests()),
                ttft_p50_us: minute.first_token.quantile_us(0.5),
                ttft_p95_us: minute.first_token.quantile_us(0.95),
                duration_p95_us: minute.duration.quantile_us(0.95),
                cost_nanos: of_a_step(step.cost_nanos, now_us - before_us),
            };
            push(&mut self.points, point, POINTS_MAX);
        }
        push(&mut self.samples, (now_us, sample), SAMPLES_MAX);
    }

    fn curve(&self, key: &ArmKey) -> Curve {
        let points = || self.points.iter();
        Curve {
            arm: key.arm,
            role: key.role,
            at_us: points().map(|point| point.at_us).collect(),
            per_second: points().map(|point| point.per_second).collect(),
            error_share: points().map(|point| point.error_share).collect(),
            ttft_p50_us: points().map(|point| point.ttft_p50_us).collect(),
            ttft_p95_us: points().map(|point| point.ttft_p95_us).collect(),
            duration_p95_us: points().map(|point| point.duration_p95_us).collect(),
            cost_nanos: points().map(|point| point.cost_nanos).collect(),
        }
    }
}

fn push<T>(ring: &mut VecDeque<T>, item: T, most: usize) {
    while ring.len() >= most {
        ring.pop_front();
    }
    ring.push_back(item);
}

/// The oldest that is not older than an instant, give or take half a step; ticks are late by a little.
fn at_or_after<T>(ring: &VecDeque<(i64, T)>, at_us: i64) -> Option<&(i64, T)> {
    ring.iter().find(|(taken_us, _)| *taken_us >= at_us - STEP_SECONDS * SECOND_US / 2)
}

#[expect(clippy::cast_precision_loss, reason = "a length of time")]
fn seconds(micros: i64) -> f64 {
    micros.max(0) as f64 / 1e6
}

/// Requests a second; a window of less than a second counts as one.
#[expect(clippy::cast_precision_loss, reason = "a rate")]
pub(super) fn per_second(requests: u64, seconds: f64) -> f64 {
    (requests as f64 / seconds.max(1.0) * 1000.0).round() / 1000.0
}

/// Money of a step as if it had lasted as long as steps do: a step that was late is no dearer hour.
fn of_a_step(nanos: u64, lasted_us: i64) -> u64 {
    let step_us = u128::from((STEP_SECONDS * SECOND_US).unsigned_abs());
    let lasted_us = u128::from(lasted_us.unsigned_abs().max(1));
    u64::try_from(u128::from(nanos) * step_us / lasted_us).unwrap_or(u64::MAX)
}

#[expect(clippy::cast_precision_loss, reason = "a share")]
fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

#[cfg(test)]
mod tests;
