//! Which pairs are evidence about the candidate of today.
//!
//! Pairs of all epochs are pooled, because a pair says how the two models compare, not how traffic was split. That
//! holds only as long as they are the same two models: after a change of the mapping, what the old candidate did proves
//! nothing about the new one. A baseline model's pairs count if their candidate model is one that its newest pairs ask
//! for. Where the newest epoch has no pair at all, only served traffic can tell what runs today.

use super::Pair;
use crate::rows::{NameId, Names, Row, Rows};
use datasets::Arm;
use std::collections::{BTreeMap, BTreeSet};

/// Microseconds of an hour.
const HOUR_US: f64 = 3_600.0 * 1e6;

/// The instant before which rows are too old, microseconds since the Unix epoch, counted back from the newest row.
pub(super) fn oldest_us(rows: &[Row], max_age_hours: f64) -> i64 {
    let newest_us = rows.iter().map(|row| row.at_us).max().unwrap_or(0);
    // Saturates; no age reaches that far.
    newest_us.saturating_sub((max_age_hours * HOUR_US) as i64)
}

/// Pairs with the models of today.
pub(super) struct Current<'a> {
    pub(super) pairs: Vec<Pair<'a>>,
    pub(super) left_out: u64,
    /// Candidate models of the pairs left out, without those that still count for another baseline model.
    pub(super) replaced: BTreeSet<NameId>,
}

/// Leaves out pairs whose candidate model is no longer the one asked for.
pub(super) fn of_current_models<'a>(pairs: &[Pair<'a>], rows: &Rows) -> Current<'a> {
    let names = rows.names();
    let newest_epoch = rows.all().iter().map(|row| row.epoch).max().unwrap_or(0);
    let mut newest: BTreeMap<Option<NameId>, (u64, BTreeSet<Option<NameId>>)> = BTreeMap::new();
    for pair in pairs {
        let (epoch, models) = newest.entry(names.model(pair.baseline.route)).or_default();
        if pair.epoch() > *epoch {
            models.clear();
            *epoch = pair.epoch();
        }
        if pair.epoch() == *epoch {
            models.insert(names.model(pair.candidate.route));
        }
    }
    let asked_today = asked_without_pairs(pairs, rows, newest_epoch);
    let counts = |pair: &Pair<'_>| {
        let model = names.model(pair.candidate.route);
        newest.get(&names.model(pair.baseline.route)).is_some_and(|(_, models)| models.contains(&model))
            && (asked_today.is_empty() || asked_today.contains(&model))
    };
    let (kept, left_out): (Vec<Pair<'a>>, Vec<Pair<'a>>) = pairs.iter().copied().partition(counts);
    let (in_use, unused) = (candidate_models(&kept, names), candidate_models(&left_out, names));
    let replaced = unused.difference(&in_use).flatten().copied().collect();
    Current { left_out: left_out.len() as u64, pairs: kept, replaced }
}

fn candidate_models(pairs: &[Pair<'_>], names: &Names) -> BTreeSet<Option<NameId>> {
    pairs.iter().map(|pair| names.model(pair.candidate.route)).collect()
}

/// Models that the candidate was asked for in the newest epoch, if that epoch has no pair; else empty.
fn asked_without_pairs(pairs: &[Pair<'_>], rows: &Rows, newest_epoch: u64) -> BTreeSet<Option<NameId>> {
    if pairs.iter().any(|pair| pair.epoch() == newest_epoch) {
        return BTreeSet::new();
    }
    let of_today = rows.all().iter().filter(|row| row.epoch == newest_epoch && row.arm == Arm::Candidate);
    of_today.map(|row| rows.names().model(row.route)).collect()
}
