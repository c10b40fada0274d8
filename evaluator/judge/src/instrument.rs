//! Is the measuring itself sound? Every alarm here holds the verdict.
//!
//! A judge can only be as good as its evidence, and evidence goes wrong in ways that look like a result: a mirror that
//! drops what is slow, a split that is none, clocks that disagree, rows that could not be read on one side only. Each
//! is counted where it happens and tested here. The strongest test asks everything at once: the baseline against its own
//! repetition, by the verdict's own rules, where any finding is the instrument's ([`repeat`]).
//!
//! Alarms about pairs concern the pairs, alarms about the split the served traffic, those about the guard its own flags,
//! all others everything.

mod counts;
mod earlier;
mod guard;
mod mirror;
mod repeat;
mod rows;
mod split;

pub use guard::{GuardArm, GuardHealth};

use crate::evidence::Evidence;
use crate::guardrail::LevelsInForce;
use crate::metric::Share;
use crate::policy::Policy;
use crate::verdict::Instrument;
use crate::words;

/// The instrument's health, and which alarms concern which evidence.
pub(crate) struct Health {
    pub(crate) instrument: Instrument,
    /// Alarms that concern pairs and served traffic together.
    pub(crate) combined: Vec<String>,
    /// Alarms that concern the pairs.
    pub(crate) paired: Vec<String>,
    /// Alarms that concern the served traffic.
    pub(crate) canary: Vec<String>,
    /// Alarms that concern what the guard flagged, those above included.
    pub(crate) guard: Vec<String>,
}

pub(crate) fn health(evidence: &Evidence, policy: &Policy, levels: LevelsInForce) -> Health {
    let limits = policy.instrument;
    let given = &evidence.instrument;
    let mut instrument = given.clone();
    let mut both = given.alarms.clone();
    if given.replay_degraded {
        both.push("The replay could not keep its schedule, so latencies are not comparable.".to_owned());
    }
    [instrument.reject_share_baseline, instrument.reject_share_candidate] = rows::reject_shares(given);
    both.extend(rows::alarms(&instrument, limits));
    if !(0.0..=100.0).contains(&evidence.weight_percent) {
        both.push(format!("The weight of {} % on record is not a percentage.", evidence.weight_percent));
    }
    both.extend(evidence.earlier_epochs.iter().filter_map(|epoch| earlier::failed(epoch, policy, levels)));
    instrument.repeat = repeat::health(evidence, policy, levels);
    both.extend(instrument.repeat.iter().flat_map(repeat::alarms));

    let mirror = mirror::examine(given, limits);
    instrument.mirror_loss = mirror.loss;
    instrument.mirror_length_p = mirror.length_p;
    let mut paired_only = mirror.alarms;
    paired_only.extend(rows::pair_alarms(given, limits));

    let split = split::examine(evidence, policy);
    instrument.srm_units = split.units;
    instrument.srm_p = split.p;
    instrument.srm_e = split.e;
    let canary_only = split.alarms;

    let combined: Vec<String> = both.iter().chain(&paired_only).chain(&canary_only).cloned().collect();
    let guard: Vec<String> = combined.iter().cloned().chain(guard_alarms(given, policy)).collect();
    instrument.alarms.clone_from(&guard);
    let with_both = |own: Vec<String>| both.iter().cloned().chain(own).collect();
    Health { combined, paired: with_both(paired_only), canary: with_both(canary_only), guard, instrument }
}

/// A policy that does not ask for the guard's flags needs no guard.
fn guard_alarms(given: &Instrument, policy: &Policy) -> Vec<String> {
    match &given.guard {
        Some(health) if policy.share_margin(Share::GuardFlags).enabled => {
            guard::alarms(health, policy.instrument.guard_failed_percent)
        }
        _ => Vec::new(),
    }
}

/// What a reader of the latencies must know where the baseline's answers come from a log. It holds nothing: the
/// latencies that the log has are the best there is, and those that it lacks are missing evidence already.
pub(crate) fn recorded_note(instrument: &Instrument) -> Option<String> {
    let (recorded, untimed) = (instrument.recorded_pairs, instrument.untimed_pairs);
    let of_pairs = part(recorded, instrument.pairs.max(recorded));
    let contemporaneous =
        "so its latencies are not contemporaneous with the candidate's: they are of another time and load";
    match (recorded, untimed) {
        (0, _) => None,
        (_, 0) => Some(format!("In {of_pairs} pairs the baseline's answer is from a log, {contemporaneous}.")),
        (_, all) if all >= recorded => Some(format!(
            "In {of_pairs} pairs the baseline's answer is from a log that does not tell how long it took, so no latency can be \
             compared there."
        )),
        _ => Some(format!(
            "In {of_pairs} pairs the baseline's answer is from a log, {contemporaneous}; {} of these logged answers do not \
             tell how long they took, and no latency is compared there.",
            words::count(untimed)
        )),
    }
}

/// `12 of 3 400 (0.35 %)`.
fn part(count: u64, whole: u64) -> String {
    format!("{} of {} ({:.2} %)", words::count(count), words::count(whole), percent(count, whole))
}

fn percent(count: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { count as f64 / whole as f64 * 100.0 }
}

#[cfg(test)]
mod tests;
