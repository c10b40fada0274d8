//! Stretches of time in which evidence is counted, so that the course of the bounds can be told afterwards.
//!
//! They follow from the instants of the evidence alone: a pair's is that of its later row, because before there was no
//! pair. Requests of one instant are never parted. Where traffic is served, stretches end with a minute: blocks of served
//! requests do too, so that none of them is cut.

use crate::pair::Pair;
use crate::rows::Row;
use datasets::Arm;
use judge::course::{LOOKS_MAX, places};
use judge::policy::Looks;
use std::collections::BTreeSet;

const _: () = assert!(LOOKS_MAX < 256, "a pair's stretch is kept in a byte");

const MINUTE_US: i64 = 60_000_000;
const HOUR_US: i64 = 60 * MINUTE_US;
/// Fewer looks than this say nothing about a course.
const LOOKS_MIN: usize = 12;
/// Epochs of pairs, and hours of served traffic, at which a look costs twice as much as without: the alarms of pairs start
/// anew with each epoch, and the arms of served traffic are compared hour by hour.
const EPOCHS_THAT_DOUBLE: usize = 8;
const HOURS_THAT_DOUBLE: usize = 200;

/// Where stretches end. There is always at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stretches {
    /// Last instant of each stretch but the last, ascending.
    ends_us: Vec<i64>,
    /// The newest evidence in each.
    newest_us: Vec<i64>,
}

impl Stretches {
    /// One stretch for each look. `newest_us` is the newest evidence of all.
    pub(super) fn of(pairs: &[Pair<'_>], served: &[&Row], looks: Looks, newest_us: i64) -> Self {
        let one = Self { ends_us: Vec::new(), newest_us: vec![newest_us] };
        if looks == Looks::One {
            return one;
        }
        let of_candidate = served.iter().filter(|row| row.arm == Arm::Candidate);
        let mut instants: Vec<i64> = pairs.iter().map(instant).chain(of_candidate.map(|row| row.at_us)).collect();
        // Nearly sorted already.
        instants.sort();
        let to_minute = |at_us: i64| {
            let minute = at_us.div_euclid(MINUTE_US).saturating_add(1).saturating_mul(MINUTE_US);
            if served.is_empty() { at_us } else { minute.saturating_sub(1) }
        };
        let chosen = places(instants.len(), affordable(pairs, served)).into_iter();
        let mut ends_us: Vec<i64> =
            chosen.filter_map(|place| instants.get(place.checked_sub(1)?).copied()).map(to_minute).collect();
        ends_us.dedup();
        // The last stretch takes what is left, whatever its instant.
        ends_us.pop();
        let newest = |end: &i64| {
            let within = instants.partition_point(|at_us| at_us <= end);
            within.checked_sub(1).and_then(|last| instants.get(last)).copied().unwrap_or(*end)
        };
        let newest_us = ends_us.iter().map(newest).chain([newest_us]).collect();
        Self { ends_us, newest_us }
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.newest_us.len()
    }

    /// The newest evidence in each.
    pub(super) fn newest_us(&self) -> &[i64] {
        &self.newest_us
    }

    /// The stretch of an instant.
    pub(super) fn at(&self, at_us: i64) -> usize {
        self.ends_us.partition_point(|end| *end < at_us)
    }

    /// The stretch of each pair.
    pub(super) fn of_pairs(&self, pairs: &[Pair<'_>]) -> Vec<u8> {
        pairs.iter().map(|pair| u8::try_from(self.at(instant(pair))).unwrap_or(u8::MAX)).collect()
    }
}

/// When both outcomes were there to be asked for.
fn instant(pair: &Pair<'_>) -> i64 {
    pair.baseline.at_us.max(pair.candidate.at_us)
}

/// Fewer looks where one is dear, so that a course takes about as long everywhere.
fn affordable(pairs: &[Pair<'_>], served: &[&Row]) -> usize {
    let epochs: BTreeSet<u64> = pairs.chunk_by(|a, b| a.epoch() == b.epoch()).map(|run| run[0].epoch()).collect();
    let hours = served.chunk_by(|a, b| a.at_us.div_euclid(HOUR_US) == b.at_us.div_euclid(HOUR_US)).count();
    let times = 1.0 + epochs.len() as f64 / EPOCHS_THAT_DOUBLE as f64 + hours as f64 / HOURS_THAT_DOUBLE as f64;
    ((LOOKS_MAX as f64 * (1.0 + 1.0 / EPOCHS_THAT_DOUBLE as f64) / times) as usize).clamp(LOOKS_MIN, LOOKS_MAX)
}
