//! Joins the two arms by pair id.
//!
//! A pair is one request with both arms' outcomes: what the baseline served or was sent on purpose beside the
//! candidate's mirrored or replayed copy, or the other way round. Whatever makes no pair is counted by reason, never
//! dropped silently. What is too old, or was answered by another model than the candidate of today ([`selection`]), is
//! no evidence about today either. A request whose client went away is no pair either: its outcome says nothing about a provider.

mod selection;

use crate::rows::{NameId, Row, Rows, role_rank};
use datasets::{Arm, Role, ShadowFate};
use judge::verdict::{Count, MirrorLength};
use std::collections::{BTreeMap, BTreeSet};
use wire::ErrorKind;

/// How far the arms' instants of arrival may lie apart, microseconds. They are copies of one number, unless a clock or a
/// recorder is wrong.
const ARRIVAL_TOLERANCE_US: u64 = 1_000_000;

/// Octaves of a prompt's length, and that of empty prompts.
const OCTAVES: usize = u32::BITS as usize + 1;

/// One request as both arms answered it.
#[derive(Debug, Clone, Copy)]
pub struct Pair<'a> {
    /// The baseline's outcome.
    pub baseline: &'a Row,
    /// The candidate's outcome.
    pub candidate: &'a Row,
}

impl Pair<'_> {
    /// The epoch of the candidate's outcome, which is what is judged.
    #[must_use]
    pub const fn epoch(&self) -> u64 {
        self.candidate.epoch
    }
}

/// The joined arms.
#[derive(Debug, Default)]
pub struct Pairing<'a> {
    /// Complete pairs, sorted by time and pair key.
    pub pairs: Vec<Pair<'a>>,
    /// Requests that make no pair, by reason.
    pub unmatched: Vec<Count>,
    /// Requests whose second outcome was intended.
    pub mirror_intended: u64,
    /// Those of them whose second outcome is on record.
    pub mirror_observed: u64,
    /// The same by length of the prompt, in octaves, ascending.
    pub mirrored: Vec<MirrorLength>,
    /// Rows before this instant are too old to count, microseconds since the Unix epoch.
    pub oldest_us: i64,
    /// Pairs whose arms carry different epochs. They count, in the candidate's epoch.
    pub mixed_epochs: u64,
    /// Pairs whose arms carry instants of arrival more than a second apart, or of which one was sent before it arrived.
    /// They count.
    pub skewed_clocks: u64,
    /// Candidate models of pairs that were left out because another model answers today.
    pub replaced: BTreeSet<NameId>,
}

/// Joins the arms. Pairs come in the order of the earlier one of their rows. Pairs more than `max_age_hours` older than
/// the newest row do not count.
#[must_use]
pub fn pair(rows: &Rows, max_age_hours: f64) -> Pairing<'_> {
    let mut sorting = Sorting::new(rows.all(), selection::oldest_us(rows.all(), max_age_hours));
    for of_pair in rows.by_pair() {
        let best = |arm| of_pair.clone().filter(|row| row.arm == arm).min_by_key(|row| role_rank(row.role));
        let (baseline, candidate) = (best(Arm::Baseline), best(Arm::Candidate));
        let used = usize::from(baseline.is_some()) + usize::from(candidate.is_some());
        sorting.second_outcomes += (of_pair.count() - used) as u64;
        match (baseline, candidate) {
            (Some(baseline), Some(candidate)) => sorting.both(Pair { baseline, candidate }),
            (Some(alone), None) => sorting.alone(alone, "candidate missing"),
            (None, Some(alone)) => sorting.alone(alone, "baseline missing"),
            (None, None) => {}
        }
    }
    sorting.count("second outcome of the same arm", sorting.second_outcomes);
    let current = selection::of_current_models(&mut sorting.pairing.pairs, rows);
    sorting.count("another candidate model", current.left_out);
    sorting.pairing.replaced = current.replaced;
    sorting.finish()
}

/// Sorts joined rows into pairs and reasons.
struct Sorting<'a> {
    pairing: Pairing<'a>,
    reasons: BTreeMap<&'static str, u64>,
    /// Both arms were replayed somewhere, so a request replayed on one arm only was meant for both.
    both_replayed: bool,
    second_outcomes: u64,
    /// Intended second outcomes and those on record, by octave of the prompt's length; empty prompts first.
    mirrored: [[u64; 2]; OCTAVES],
}

impl<'a> Sorting<'a> {
    fn new(rows: &[Row], oldest_us: i64) -> Self {
        let replayed = |arm| rows.iter().any(|row| row.role == Role::Replayed && row.arm == arm);
        Self {
            pairing: Pairing { oldest_us, ..Pairing::default() },
            reasons: BTreeMap::new(),
            both_replayed: replayed(Arm::Baseline) && replayed(Arm::Candidate),
            second_outcomes: 0,
            mirrored: [[0; 2]; OCTAVES],
        }
    }

    fn count(&mut self, reason: &'static str, count: u64) {
        if count > 0 {
            *self.reasons.entry(reason).or_default() += count;
        }
    }

    fn both(&mut self, pair: Pair<'a>) {
        let reason = match (pair.baseline.role, pair.candidate.role) {
            (Role::Served, Role::Served) => Some("served by both arms"),
            (Role::Shadow, Role::Shadow) => Some("served side missing"),
            _ if stopped(pair.baseline) || stopped(pair.candidate) => Some(GATEWAY_STOPPED),
            _ if pair.baseline.cancelled() || pair.candidate.cancelled() => Some(CLIENT_CANCELLED),
            _ if self.too_old(pair.baseline) || self.too_old(pair.candidate) => Some("too old"),
            _ => None,
        };
        if self.intended(pair.baseline) || self.intended(pair.candidate) {
            self.pairing.mirror_intended += 1;
            let observed = reason.is_none_or(|reason| matches!(reason, CLIENT_CANCELLED | GATEWAY_STOPPED));
            self.pairing.mirror_observed += u64::from(observed);
            self.mirrored(pair.baseline.prompt_chars, observed);
        }
        match reason {
            Some(reason) => self.count(reason, 1),
            None => self.keep(pair),
        }
    }

    fn mirrored(&mut self, prompt_chars: u32, observed: bool) {
        let octave = prompt_chars.checked_ilog2().map_or(0, |octave| octave as usize + 1);
        if let Some([intended, on_record]) = self.mirrored.get_mut(octave) {
            *intended += 1;
            *on_record += u64::from(observed);
        }
    }

    fn keep(&mut self, pair: Pair<'a>) {
        self.pairing.mixed_epochs += u64::from(pair.baseline.epoch != pair.candidate.epoch);
        let apart_us = pair.baseline.at_us.abs_diff(pair.candidate.at_us);
        let turned_back = |row: &Row| row.sent_us < row.at_us;
        let skewed = apart_us > ARRIVAL_TOLERANCE_US || turned_back(pair.baseline) || turned_back(pair.candidate);
        self.pairing.skewed_clocks += u64::from(skewed);
        self.pairing.pairs.push(pair);
    }

    fn alone(&mut self, row: &Row, partner_missing: &'static str) {
        if self.intended(row) {
            self.pairing.mirror_intended += 1;
            self.mirrored(row.prompt_chars, false);
        }
        let reason = match (row.role, row.shadow) {
            (Role::Served, Some(ShadowFate::NotSampled)) => "not sampled",
            (Role::Served, Some(ShadowFate::QueueFull)) => "queue full",
            (Role::Served, Some(ShadowFate::Unfit)) => "unfit",
            (Role::Served, Some(ShadowFate::ShuttingDown)) => "shutting down",
            (Role::Served, Some(ShadowFate::BytesFull)) => "queue full of bytes",
            (Role::Served, Some(ShadowFate::BudgetSpent)) => "budget spent",
            (Role::Served, Some(ShadowFate::CandidateBusy)) => "candidate busy",
            (Role::Served, Some(ShadowFate::BreakerOpen)) => "breaker open",
            (Role::Served, Some(ShadowFate::Paused)) => "mirror paused",
            (Role::Served, None) => "not mirrored",
            (Role::Shadow, _) => "served side missing",
            _ => partner_missing,
        };
        self.count(reason, 1);
    }

    /// Whether a second outcome of this request was intended. The sampling is decided before the answer is known, so
    /// what was not sampled, or was asked while somebody had paused the mirror, is no loss; what was sampled and then lost is.
    /// A mirrored copy without its served row was intended too, and the pair is lost. What is too old to be a pair is
    /// too old to be a loss.
    const fn intended(&self, row: &Row) -> bool {
        if self.too_old(row) {
            return false;
        }
        match (row.role, row.shadow) {
            (Role::Served, Some(ShadowFate::NotSampled | ShadowFate::Paused | ShadowFate::Unfit) | None)
            | (Role::Observed | Role::Fallback | Role::Repeat, _) => false,
            (Role::Served, Some(_)) | (Role::Shadow, _) => true,
            (Role::Replayed, _) => self.both_replayed,
        }
    }

    const fn too_old(&self, row: &Row) -> bool {
        row.at_us < self.pairing.oldest_us
    }

    fn finish(mut self) -> Pairing<'a> {
        let octaves = std::iter::once(0).chain((0..u32::BITS).map(|octave| 1 << octave));
        self.pairing.mirrored = octaves
            .zip(self.mirrored)
            .filter(|(_, [intended, _])| *intended > 0)
            .map(|(prompt_chars_from, [intended, observed])| MirrorLength { prompt_chars_from, intended, observed })
            .collect();
        self.pairing.unmatched =
            self.reasons.iter().map(|(name, count)| Count { name: (*name).to_owned(), count: *count }).collect();
        self.pairing
    }
}

/// Reasons of pairs that ran on both sides and yet say nothing.
const CLIENT_CANCELLED: &str = "client cancelled";
const GATEWAY_STOPPED: &str = "gateway stopped";

/// The gateway's own stop cut the exchange off, or its own bound kept it from being sent.
fn stopped(row: &Row) -> bool {
    matches!(row.error, Some(ErrorKind::GatewayStopped | ErrorKind::GatewayBusy))
}
