//! What the mirror loses, and whether it loses evenly.
//!
//! A pair whose candidate is missing for operational reasons is no data, but its absence is: a mirror under pressure
//! drops what is long first, and the pairs that are left flatter every tail. So the loss is bounded as a whole, and the
//! prompts are cut into thirds by length, whose shares on record must agree ([`srm::homogeneity_p`]).
//!
//! The p-value is for one look. While nothing is lost it is 1 at every look; a mirror that loses evenly below the limit
//! may in a long watch raise a false alarm, which holds and never passes.

use std::ops::Range;

use super::percent;
use crate::policy::InstrumentLimits;
use crate::stats::{Refusal, srm};
use crate::verdict::{Instrument, MirrorLength};
use crate::words;

/// The mirror's health.
pub(super) struct Mirror {
    pub(super) loss: Option<f64>,
    pub(super) length_p: Option<f64>,
    pub(super) alarms: Vec<String>,
}

pub(super) fn examine(given: &Instrument, limits: InstrumentLimits) -> Mirror {
    // From the lost ones, so that a loss of exactly the limit is within it.
    let loss = (given.mirror_intended > 0)
        .then(|| (given.mirror_intended as f64 - given.mirror_observed as f64) / given.mirror_intended as f64);
    let mut alarms = Vec::from_iter(overall(given, loss, limits));
    let (length_p, by_length) = by_length(given, limits);
    alarms.extend(by_length);
    Mirror { loss, length_p, alarms }
}

fn overall(given: &Instrument, loss: Option<f64>, limits: InstrumentLimits) -> Option<String> {
    if given.mirror_observed > given.mirror_intended {
        return Some(format!(
            "{} mirrored outcomes on record, but only {} were intended; the mirror's books are wrong.",
            words::count(given.mirror_observed),
            words::count(given.mirror_intended)
        ));
    }
    loss.filter(|loss| *loss * 100.0 > limits.mirror_loss_percent).map(|loss| {
        format!(
            "The outcome of {:.2} % of the mirrored requests is unknown (limit {}), so the pairs may be a \
             biased selection; if copies are still under way, evaluate again when they have ended.",
            loss * 100.0,
            words::percent(limits.mirror_loss_percent)
        )
    })
}

/// Prompts of neighbouring lengths.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Third {
    /// Characters: from, and below.
    pub(super) chars: Range<u64>,
    pub(super) intended: u64,
    pub(super) observed: u64,
}

/// Cuts the octaves into thirds of about as many intended requests each. An octave is not divided; it belongs to the
/// third in which its middle request lies. Thirds without an octave are left out.
pub(super) fn thirds(lengths: &[MirrorLength]) -> Vec<Third> {
    let mut ascending: Vec<MirrorLength> = lengths.iter().copied().filter(|length| length.intended > 0).collect();
    ascending.sort_by_key(|length| length.prompt_chars_from);
    let total: u128 = ascending.iter().map(|length| u128::from(length.intended)).sum();
    let mut thirds: Vec<(u128, Third)> = Vec::new();
    let mut before = 0_u128;
    for length in ascending {
        let middle = 2 * before + u128::from(length.intended);
        before += u128::from(length.intended);
        let place = (3 * middle / (2 * total).max(1)).min(2);
        let end = length.prompt_chars_from.saturating_mul(2).max(1);
        match thirds.last_mut().filter(|(last, _)| *last == place) {
            Some((_, third)) => {
                third.chars.end = end;
                third.intended = third.intended.saturating_add(length.intended);
                third.observed = third.observed.saturating_add(length.observed);
            }
            None => thirds.push((
                place,
                Third { chars: length.prompt_chars_from..end, intended: length.intended, observed: length.observed },
            )),
        }
    }
    thirds.into_iter().map(|(_, third)| third).collect()
}

/// p-value of the even loss, and the alarm that follows.
fn by_length(given: &Instrument, limits: InstrumentLimits) -> (Option<f64>, Option<String>) {
    if given.mirror_by_length.iter().any(|length| length.observed > length.intended) {
        let alarm = "More mirrored outcomes on record than were intended for some lengths of prompts; the mirror's books \
                     are wrong.";
        return (None, Some(alarm.to_owned()));
    }
    let mut groups = thirds(&given.mirror_by_length);
    let p = loop {
        let counts: Vec<(u64, u64)> = groups.iter().map(|third| (third.observed, third.intended)).collect();
        match srm::homogeneity_p(&counts) {
            Ok(p) => break p,
            // A tiny group beside huge ones cannot be tested by itself; its neighbour takes it.
            Err(Refusal::TooFew { .. }) if groups.len() > 2 => absorb_smallest(&mut groups),
            // One length of prompts only, or one that hardly occurs: there is nothing to compare.
            Err(_) => return (None, None),
        }
    };
    let lost = |third: &Third| percent(third.intended.saturating_sub(third.observed), third.intended);
    let Some(worst) = groups.iter().max_by(|a, b| lost(a).total_cmp(&lost(b))) else { return (Some(p), None) };
    let alarm = (p < limits.mirror_p).then(|| {
        let intended: u64 = given.mirror_by_length.iter().fold(0, |sum, length| sum.saturating_add(length.intended));
        let observed: u64 = given.mirror_by_length.iter().fold(0, |sum, length| sum.saturating_add(length.observed));
        format!(
            "The mirror does not lose evenly: the outcome of {:.2} % of the prompts of {} to {} characters is unknown, \
             against {:.2} % of all (p = {p:.1e}), so the pairs are a biased selection.",
            lost(worst),
            words::count(worst.chars.start),
            words::count(worst.chars.end - 1),
            percent(intended.saturating_sub(observed), intended)
        )
    });
    (Some(p), alarm)
}

fn absorb_smallest(groups: &mut Vec<Third>) {
    let Some(at) = (0..groups.len()).min_by_key(|at| groups[*at].intended) else { return };
    // The middle one goes to the smaller of its neighbours.
    let left = if at == 0 {
        0
    } else if at + 1 == groups.len() || groups[at - 1].intended <= groups[at + 1].intended {
        at - 1
    } else {
        at
    };
    let right = groups.remove(left + 1);
    let own = &mut groups[left];
    own.chars.end = right.chars.end;
    own.intended = own.intended.saturating_add(right.intended);
    own.observed = own.observed.saturating_add(right.observed);
}
