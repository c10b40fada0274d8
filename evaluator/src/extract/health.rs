//! Health of the measuring, and facts that stop a migration.

use super::paired::{PairCounts, Unlabelled};
use super::{Judged, Sources};
use datasets::{Arm, Exchange};
use judge::verdict::Instrument;
use wire::ErrorKind;

/// How many of the candidate's newest exchanges tell whether its key works.
const NEWEST: usize = 10;

/// What the loader and the join know; the judge completes it.
pub(super) fn instrument(sources: &Sources<'_>, judged: &Judged, pair_counts: &PairCounts) -> Instrument {
    let (reject_share_baseline, reject_share_candidate) = sources.counts.reject_shares();
    Instrument {
        mirror_intended: sources.pairing.mirror_intended,
        mirror_observed: sources.pairing.mirror_observed,
        pairs: sources.pairing.pairs.len() as u64,
        unmatched: sources.pairing.unmatched.clone(),
        reject_share_baseline,
        reject_share_candidate,
        replay_degraded: sources.replay_degraded,
        alarms: alarms(sources, judged, pair_counts),
        ..Instrument::default()
    }
}

fn alarms(sources: &Sources<'_>, judged: &Judged, pair_counts: &PairCounts) -> Vec<String> {
    let mut alarms = Vec::new();
    if judged.mixed {
        alarms.push(format!(
            "The records of epoch {} carry different weights, so its split cannot be judged.",
            judged.epoch
        ));
    }
    let limits = sources.policy.instrument;
    let rows = sources.exchanges.len() as u64 + sources.counts.broken;
    if percent(sources.counts.broken, rows) > limits.reject_share_points {
        alarms.push(format!(
            "{} of {rows} lines could not be read at all, and which arm they belong to is unknown.",
            sources.counts.broken
        ));
    }
    for (metric, found) in &pair_counts.labels {
        let half = found.baseline_only + found.candidate_only;
        let known = found.pairs + half;
        if percent(half, known) > limits.mirror_loss_percent {
            alarms.push(half_labelled(metric, found));
        }
    }
    alarms
}

/// A grader that gives up on odd answers hides exactly those that matter.
fn half_labelled(metric: &str, found: &Unlabelled) -> String {
    format!(
        "Label {metric}: in {} pairs only one of the two answers is labelled ({} lack the candidate's, {} the baseline's), \
         so the labelled pairs may be a biased selection.",
        found.baseline_only + found.candidate_only,
        found.candidate_only,
        found.baseline_only
    )
}

fn percent(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 * 100.0 }
}

/// A revoked key or an empty account: at least half of the candidate's newest exchanges were refused for it. A single
/// refusal in the past is an error like any other.
pub(super) fn hard_stops(exchanges: &[Exchange]) -> Vec<String> {
    let mut newest: Vec<&Exchange> = exchanges.iter().filter(|exchange| exchange.arm == Arm::Candidate).collect();
    newest.sort_by_key(|exchange| exchange.sent_us);
    let newest = newest.get(newest.len().saturating_sub(NEWEST)..).unwrap_or_default();
    [
        (ErrorKind::Auth, "for its key (401 or 403); check the key"),
        (ErrorKind::Quota, "for want of money or quota; top it up"),
    ]
    .into_iter()
    .filter_map(|(kind, what)| {
        let refused = newest.iter().filter(|exchange| exchange.error == Some(kind)).count();
        (refused > 0 && refused * 2 >= newest.len()).then(|| {
            format!("Hard stop: the candidate refused {refused} of its newest {} requests {what}.", newest.len())
        })
    })
    .collect()
}
