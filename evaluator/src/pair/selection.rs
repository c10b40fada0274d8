//! Which pairs are evidence about the candidate of today.
//!
//! Pairs of all epochs are pooled, because a pair says how the two models compare, not how traffic was split. That
//! holds only as long as they are the same two models: after a change of the mapping, what the old candidate did proves
//! nothing about the new one. A baseline model's pairs count if their candidate model is one that its newest pairs ask
//! for. Where the newest epoch has no pair at all, only served traffic can tell what runs today.

use super::Pair;
use crate::rows::{NameId, RouteId, Row, Rows};
use datasets::Arm;
use std::collections::{BTreeMap, BTreeSet};

/// Microseconds of an hour.
const HOUR_US: f64 = 3_600.0 * 1e6;

/// The instant before which rows are too old, microseconds since the Unix epoch, counted back from the newest row.
pub(super) fn oldest_us(rows: &[Row], max_age_hours: f64) -> i64 {
    // Rows are sorted by time.
    let newest_us = rows.last().map_or(0, |row| row.at_us);
    // Saturates; no age reaches that far.
    newest_us.saturating_sub((max_age_hours * HOUR_US) as i64)
}

/// What was left out.
pub(super) struct Current {
    pub(super) left_out: u64,
    /// Candidate models of the pairs left out, without those that still count for another baseline model.
    pub(super) replaced: BTreeSet<NameId>,
}

/// Leaves out pairs whose candidate model is no longer the one asked for.
pub(super) fn of_current_models(pairs: &mut Vec<Pair<'_>>, rows: &Rows) -> Current {
    let names = rows.names();
    let newest_epoch = rows.all().iter().map(|row| row.epoch).max().unwrap_or(0);
    let mut newest: BTreeMap<Option<NameId>, (u64, BTreeSet<Option<NameId>>)> = BTreeMap::new();
    // Traffic is mostly alike: what the pair before had says the same again.
    let mut before = None;
    for pair in pairs.iter().filter(|pair| before.replace(looked_at(pair)) != Some(looked_at(pair))) {
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
    let (mut in_use, mut unused) = (BTreeSet::new(), BTreeSet::new());
    let (mut before, mut left_out) = (None, 0);
    pairs.retain(|pair| {
        let routes = (pair.baseline.route, pair.candidate.route);
        let stays = match before {
            Some((same, stays)) if same == routes => stays,
            _ => {
                let stays = counts(pair);
                let models = if stays { &mut in_use } else { &mut unused };
                models.insert(names.model(pair.candidate.route));
                before = Some((routes, stays));
                stays
            }
        };
        left_out += u64::from(!stays);
        stays
    });
    let replaced = unused.difference(&in_use).flatten().copied().collect();
    Current { left_out, replaced }
}

/// What the choice depends on.
const fn looked_at(pair: &Pair<'_>) -> (RouteId, RouteId, u64) {
    (pair.baseline.route, pair.candidate.route, pair.epoch())
}

/// Models that the candidate was asked for in the newest epoch, if that epoch has no pair; else empty.
fn asked_without_pairs(pairs: &[Pair<'_>], rows: &Rows, newest_epoch: u64) -> BTreeSet<Option<NameId>> {
    if pairs.iter().any(|pair| pair.epoch() == newest_epoch) {
        return BTreeSet::new();
    }
    let of_today = rows.all().iter().filter(|row| row.epoch == newest_epoch && row.arm == Arm::Candidate);
    of_today.map(|row| rows.names().model(row.route)).collect()
}
