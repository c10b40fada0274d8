//! Rules to compare with, as they are in use: each simplified to its decision, on the same traffic.
//!
//! None of them mirrors anything, and none of them asks for proof: the first looks again and again as if each look were
//! the only one, the second holds the last few minutes against fixed limits, the third compares an hour's minutes by
//! ranks and passes what it cannot tell. See the operating characteristics in the crate's README.

use super::ledger::Traffic;
use super::ramp::{Account, Ramp};
use super::tick::ArmTick;
use super::world::{Request, World};
use crate::counters::Thresholds;
use crate::metric::{Latency, Quantile, Share};
use crate::stats::special::normal_quantile;

/// Rungs of the naive ladder, percent.
const LADDER_PERCENT: [f64; 5] = [1.0, 5.0, 10.0, 25.0, 50.0];

/// One of the rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Naive {
    /// Cumulative z-tests on errors and on the share of slow requests at every look, each at two-sided 5 %; a rung every
    /// step unless one is significant.
    Peeking,
    /// Limits on the candidate alone over the last look's minutes, in Flagger's manner: errors up to 2 %, 95 % of first
    /// tokens within 1.25 times the usual 95th percentile; 10 points more each good look, everything at half, taken back
    /// after five bad looks.
    StaticLimits,
    /// Sixty one-minute points a rung of errors, blocks and slow requests, compared in Kayenta's manner: taken back where
    /// the 98 % interval of the shift lies above a quarter of the estimated shift.
    Windows,
}

impl Naive {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Peeking, Self::StaticLimits, Self::Windows];

    /// For tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Peeking => "naive peeking",
            Self::StaticLimits => "static limits",
            Self::Windows => "one-hour windows",
        }
    }
}

pub(super) fn ramp(world: &mut World<'_>, rule: Naive) -> Ramp {
    match rule {
        Naive::Peeking => peeking(world),
        Naive::StaticLimits => static_limits(world),
        Naive::Windows => windows(world),
    }
}

/// Both arms of some minutes.
fn serve(world: &mut World<'_>, first: u32, minutes: u32, weight_percent: f64) -> ([ArmTick; 2], Traffic) {
    let mut arms = [ArmTick::new(&world.grids), ArmTick::new(&world.grids)];
    let mut traffic = Traffic::default();
    for minute in first..first + minutes {
        traffic.requests += world.minute(minute, weight_percent / 100.0, 0.0, |request| {
            if let Request::Served(candidate, draw, _) = request {
                arms[usize::from(candidate)].add(draw);
                traffic.candidate += u64::from(candidate);
            }
        });
    }
    (arms, traffic)
}

/// First cell of first tokens slower than `ratio` times the usual 95th percentile.
fn slow_from(world: &World<'_>, ratio: f64) -> usize {
    let edge = |thresholds: &Thresholds| (thresholds.tau_us[Quantile::P95.slot()] as f64 * ratio) as u64;
    let edge = world.plan.of(Latency::Ttft).map_or(u64::MAX - 1, edge);
    world.grids[0].cell(Some(edge)) + 1
}

/// Answered requests that were slow.
fn slow(arm: &ArmTick, from: usize) -> u64 {
    let cells = &arm.cells[0];
    cells.iter().take(cells.len().saturating_sub(1)).skip(from).map(|count| u64::from(*count)).sum()
}

fn share(part: u64, whole: u64) -> f64 {
    part as f64 / whole.max(1) as f64
}

fn peeking(world: &mut World<'_>) -> Ramp {
    let time = world.scenario.time;
    let mut account = Account::new(world);
    let mut sums = [ArmTick::new(&world.grids), ArmTick::new(&world.grids)];
    let from = slow_from(world, 1.0);
    for look in 0..world.scenario.ticks() {
        let minute = look * time.check_minutes;
        let Some(weight) = LADDER_PERCENT.get((minute / time.step_minutes) as usize).copied() else {
            return account.promoted(world, minute);
        };
        let (arms, traffic) = serve(world, minute, time.check_minutes, weight);
        account.book(world, minute, weight, traffic);
        sums.iter_mut().zip(&arms).for_each(|(sum, arm)| sum.merge(arm));
        let counts =
            [("errors", sums.each_ref().map(ArmTick::failed)), ("slow", sums.each_ref().map(|arm| slow(arm, from)))];
        if let Some((name, _)) = counts.into_iter().find(|(_, bad)| z_of(*bad, [sums[0].n, sums[1].n]) > 1.96) {
            return account.rolled_back(world, minute + time.check_minutes, weight, name.to_owned());
        }
    }
    account.open()
}

/// Pooled z statistic of the candidate's share less the baseline's.
fn z_of(bad: [u64; 2], n: [u64; 2]) -> f64 {
    let pooled = share(bad[0] + bad[1], n[0] + n[1]);
    let error = (pooled * (1.0 - pooled) * (1.0 / n[0].max(1) as f64 + 1.0 / n[1].max(1) as f64)).sqrt();
    if error > 0.0 { (share(bad[1], n[1]) - share(bad[0], n[0])) / error } else { 0.0 }
}

fn static_limits(world: &mut World<'_>) -> Ramp {
    let time = world.scenario.time;
    let mut account = Account::new(world);
    let from = slow_from(world, 1.25);
    let (mut weight, mut bad_looks) = (10.0, 0);
    for look in 0..world.scenario.ticks() {
        let minute = look * time.check_minutes;
        let (arms, traffic) = serve(world, minute, time.check_minutes, weight);
        account.book(world, minute, weight, traffic);
        let candidate = &arms[1];
        let answered = candidate.n - candidate.failed();
        let limits = [
            ("errors", share(candidate.failed(), candidate.n) > 0.02),
            ("slow", share(slow(candidate, from), answered) > 0.05),
        ];
        let now = minute + time.check_minutes;
        match limits.into_iter().find(|(_, beyond)| *beyond) {
            Some((name, _)) => {
                bad_looks += 1;
                if bad_looks >= 5 {
                    return account.rolled_back(world, now, weight, name.to_owned());
                }
            }
            None if weight >= 50.0 => return account.promoted(world, now),
            None => weight += 10.0,
        }
    }
    account.open()
}

fn windows(world: &mut World<'_>) -> Ramp {
    let time = world.scenario.time;
    let mut account = Account::new(world);
    let from = slow_from(world, 1.0);
    let mut minute = 0;
    for weight in LADDER_PERCENT {
        // By metric, arm and minute.
        let mut points: [[Vec<f64>; 2]; 3] = Default::default();
        for point in 0..60 {
            if minute >= time.horizon_hours * 60 {
                return account.open();
            }
            let (arms, traffic) = serve(world, minute, 1, weight);
            let look = point % time.check_minutes == 0;
            account.book_part(world, minute, weight, traffic, look);
            minute += 1;
            if arms.iter().any(|arm| arm.n == 0) {
                continue;
            }
            for (arm, counts) in arms.iter().enumerate() {
                points[0][arm].push(share(counts.failed(), counts.n));
                points[1][arm].push(share(slow(counts, from), counts.n - counts.failed()));
                points[2][arm].push(share(counts.bad[Share::Blocked.slot()], counts.n));
            }
        }
        let names = ["errors", "slow", "blocked"];
        if let Some((name, _)) = names.into_iter().zip(&points).find(|(_, [b, c])| is_high(b, c)) {
            return account.rolled_back(world, minute, weight, name.to_owned());
        }
    }
    account.promoted(world, minute)
}

/// Whether the candidate's points count as higher: the 98 % interval of the shift (order statistics of all differences,
/// Hodges & Lehmann 1963, with the normal approximation of the rank sum) lies above a quarter of the estimated shift, and
/// its mean is not below the baseline's.
fn is_high(baseline: &[f64], candidate: &[f64]) -> bool {
    let (n_b, n_c) = (baseline.len() as f64, candidate.len() as f64);
    let mut shifts: Vec<f64> =
        candidate.iter().flat_map(|candidate| baseline.iter().map(move |baseline| candidate - baseline)).collect();
    shifts.sort_by(f64::total_cmp);
    let spread = normal_quantile(0.99) * (n_b * n_c * (n_b + n_c + 1.0) / 12.0).sqrt();
    let rank = (n_b * n_c / 2.0 - spread).floor();
    let (Some(lower), Some(middle)) = (shifts.get(rank.max(0.0) as usize), shifts.get(shifts.len() / 2)) else {
        return false;
    };
    let mean = |points: &[f64]| points.iter().sum::<f64>() / points.len().max(1) as f64;
    rank >= 0.0 && *lower > 0.25 * middle.abs() && mean(candidate) >= mean(baseline)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_of_zeros_cannot_fail() {
        // Errors in 20 of 60 minutes on one side, none on the other: most differences are zero, and so is the shift.
        let none = vec![0.0; 60];
        let some: Vec<f64> = (0..60).map(|minute| if minute % 3 == 0 { 0.02 } else { 0.0 }).collect();
        assert!(!is_high(&none, &some));
        let all: Vec<f64> = (0..60).map(|minute| 0.02 + f64::from(minute) * 1e-5).collect();
        assert!(is_high(&none, &all));
        assert!(!is_high(&all, &none));
    }

    #[test]
    fn z_is_the_pooled_one() {
        // 30 of 1000 against 10 of 1000, by hand: p = 0.02, se = 0.006261.
        assert!((z_of([10, 30], [1000, 1000]) - 3.194).abs() < 1e-3);
        assert!(z_of([0, 0], [100, 100]).abs() < 1e-12);
    }
}
