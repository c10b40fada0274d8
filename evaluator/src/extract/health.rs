//! Health of the measuring, and facts that stop a migration.

use super::pairs::{PairCounts, Unlabelled};
use super::{Judged, Sources, evidence_rows};
use crate::rows::{Row, role_rank};
use datasets::{Arm, Role};
use judge::metric::{Latency, Quantile};
use judge::verdict::{Count, Instrument};
use std::collections::BTreeMap;
use std::num::NonZeroU64;
use wire::ErrorKind;

/// How many of the candidate's newest exchanges tell whether its key works.
const NEWEST: usize = 10;

/// What the loader and the join know; the judge completes it.
pub(super) fn instrument(
    sources: &Sources<'_>,
    judged: &Judged,
    pair_counts: &PairCounts,
    served: &[&Row],
) -> Instrument {
    let (reject_share_baseline, reject_share_candidate) = sources.counts.reject_shares();
    let (seen, rejected) = (sources.counts.seen, sources.counts.rejected);
    let reasons = sources.counts.reasons.iter().map(|(name, count)| Count { name: (*name).to_owned(), count: *count });
    Instrument {
        mirror_intended: sources.pairing.mirror_intended,
        mirror_observed: sources.pairing.mirror_observed,
        pairs: sources.pairing.pairs.len() as u64,
        unmatched: unmatched(sources),
        reject_share_baseline,
        reject_share_candidate,
        rows: [seen.baseline, seen.candidate],
        rows_rejected: [rejected.baseline, rejected.candidate],
        rejected: reasons.collect(),
        unknown_arms: sources.counts.broken,
        duplicates: sources.counts.duplicates,
        clock_skew_pairs: sources.pairing.skewed_clocks,
        mixed_epochs: sources.pairing.mixed_epochs,
        mixed_tariffs: sources.priced.outdated(),
        recorded_pairs: pair_counts.recorded,
        untimed_pairs: pair_counts.untimed,
        untimed_streamed_pairs: pair_counts.untimed_streamed,
        replay_degraded: sources.replay_degraded,
        alarms: [
            alarms(sources, judged, pair_counts),
            unseen(sources, pair_counts),
            Vec::from_iter(repeated(sources, served)),
        ]
        .concat(),
        mirror_by_length: sources.pairing.mirrored.clone(),
        ..Instrument::default()
    }
}

/// What makes no pair, with the rows that never could.
fn unmatched(sources: &Sources<'_>) -> Vec<Count> {
    let aside = [
        ("baseline in place of a failed candidate", sources.counts.fallbacks),
        ("baseline repeated", sources.counts.repeats),
    ];
    let aside = aside.into_iter().filter(|(_, count)| *count > 0);
    let mut unmatched = sources.pairing.unmatched.clone();
    unmatched.extend(aside.map(|(name, count)| Count { name: name.to_owned(), count }));
    unmatched.sort_by(|a, b| a.name.cmp(&b.name));
    unmatched
}

fn alarms(sources: &Sources<'_>, judged: &Judged, pair_counts: &PairCounts) -> Vec<String> {
    let mut alarms = Vec::from_iter(late(sources));
    if judged.mixed {
        alarms.push(format!(
            "The records of epoch {} carry different weights, so its split cannot be judged.",
            judged.epoch
        ));
    }
    let limits = sources.policy.instrument;
    for (metric, found) in &pair_counts.labels {
        let half = found.baseline_only + found.candidate_only;
        let known = found.pairs + half;
        if percent(half, known) > limits.mirror_loss_percent {
            alarms.push(half_labelled(metric, found));
        }
    }
    alarms
}

/// Lateness of a replay, told by its own records: one that could not keep its schedule says so in its summary, but nobody
/// has to hand that in. The 99th percentile is above the limit where more than one row in a hundred is.
fn late(sources: &Sources<'_>) -> Option<String> {
    let limit_ms = sources.policy.instrument.replay_lag_ms;
    let sent = |row: &&Row| matches!(row.role, Role::Replayed | Role::Observed) && row.recorded().is_none();
    let (mut rows, mut late) = (0_u64, 0_u64);
    for row in sources.rows.all().iter().filter(sent) {
        rows += 1;
        late += u64::from(row.sent_us.saturating_sub(row.at_us) as f64 / 1e3 > limit_ms);
    }
    (late * 100 > rows).then(|| {
        format!(
            "The replay sent {late} of {rows} requests ({:.1} %, limit 1 %) more than {limit_ms} ms late, so its figures \
             describe the replay; run it again at a lower rate or on a faster machine.",
            percent(late, rows)
        )
    })
}

/// Labelled answers below this share of the answered pairs are a selection that somebody made, percent.
const LABELLED_PERCENT_AT_LEAST: f64 = 90.0;
/// Repeated request ids above this share are no accident, percent.
const REPEATED_PERCENT_AT_MOST: f64 = 1.0;

/// Answers of a token or none beside longer ones are common; beyond this share of the streamed pairs they are a selection,
/// percent.
const GAPS_PERCENT_AT_MOST: f64 = 5.0;

/// What single metrics do not see. Missing values are not random: a provider that reports no usage, or sends no first
/// token, does so on requests of its own choice. Metrics that the policy leaves out need nothing.
fn unseen(sources: &Sources<'_>, found: &PairCounts) -> Vec<String> {
    let policy = sources.policy;
    let limit = policy.instrument.mirror_loss_percent;
    let margins = &policy.guardrails;
    let mut alarms = Vec::new();
    let unpriced = sources.priced.unpriced();
    let answered = unpriced + sources.priced.priced();
    if margins.cost.enabled && percent(unpriced, answered) > limit {
        alarms.push(format!(
            "{unpriced} of {answered} answered pairs ({:.1} %, limit {limit} %) have no price, so the compared cost may be a \
             biased selection; see the notes of the bill.",
            percent(unpriced, answered)
        ));
    }
    let timed = |latency: Latency| {
        let asked = |quantile| policy.latency_margin(latency, quantile).is_some_and(|margin| margin.enabled);
        Quantile::ALL.into_iter().any(asked)
    };
    if timed(Latency::InterToken) && percent(found.one_gap, found.streamed) > limit.max(GAPS_PERCENT_AT_MOST) {
        alarms.push(format!(
            "In {} of {} streamed pairs ({:.1} %) only one of the two answers has gaps between tokens, so the compared \
             gaps may be a biased selection.",
            found.one_gap,
            found.streamed,
            percent(found.one_gap, found.streamed)
        ));
    }
    let pairs = sources.pairing.pairs.len() as u64;
    let share_untimed = percent(found.untimed, pairs);
    if found.untimed < pairs && share_untimed > limit && Latency::ALL.into_iter().any(timed) {
        alarms.push(format!(
            "In {} of {pairs} pairs ({share_untimed:.1} %, limit {limit} %) the baseline's answer is from a log that does not \
             tell how long it took, so the compared times may be a biased selection.",
            found.untimed
        ));
    }
    if timed(Latency::Ttft) && percent(found.one_first_token, found.streamed) > limit {
        alarms.push(format!(
            "In {} of {} streamed pairs ({:.1} %, limit {limit} %) only one of the two answers has a first token, so the \
             compared times may be a biased selection.",
            found.one_first_token,
            found.streamed,
            percent(found.one_first_token, found.streamed)
        ));
    }
    if margins.quality.enabled && percent(found.one_score, found.scored) > limit {
        alarms.push(format!(
            "In {} of {} scored pairs ({:.1} %, limit {limit} %) only one of the two answers has a quality score, so the \
             compared scores may be a biased selection.",
            found.one_score,
            found.scored,
            percent(found.one_score, found.scored)
        ));
    }
    for (metric, label) in found.labels.iter().filter(|(metric, _)| policy.label_margin(metric).enabled) {
        let share = percent(label.answered_labelled, label.answered);
        if label.answered > 0 && share < LABELLED_PERCENT_AT_LEAST {
            alarms.push(format!(
                "Label {metric}: {} of {} answered pairs ({share:.1} %) are labelled, fewer than {LABELLED_PERCENT_AT_LEAST} %, \
                 so they may be a biased selection.",
                label.answered_labelled, label.answered
            ));
        }
    }
    alarms
}

/// The same log played twice is one log: its requests are no new observations.
fn repeated(sources: &Sources<'_>, served: &[&Row]) -> Option<String> {
    let with_id = evidence_rows(sources, served).filter(|row| row.request.is_some());
    // Only served traffic can be in pairs as well.
    let (rows, ids) = if served.is_empty() {
        distinct_ids(with_id)
    } else {
        let mut once: Vec<&Row> = with_id.collect();
        once.sort_unstable_by_key(|row| std::ptr::from_ref(*row));
        once.dedup_by(|a, b| std::ptr::eq(*a, *b));
        distinct_ids(once.into_iter())
    };
    let share = percent(rows - ids, rows);
    (share > REPEATED_PERCENT_AT_MOST).then(|| {
        format!(
            "{share:.1} % of the exchanges repeat a request id of the same epoch, arm and role (limit \
             {REPEATED_PERCENT_AT_MOST} %): was the same log played twice?"
        )
    })
}

/// How many rows there are, and how many request ids by epoch, arm and role.
fn distinct_ids<'a>(rows: impl Iterator<Item = &'a Row>) -> (u64, u64) {
    let mut requests: BTreeMap<(u64, Arm, u32), Vec<u64>> = BTreeMap::new();
    for row in rows {
        let key = (row.epoch, row.arm, role_rank(row.role));
        requests.entry(key).or_default().extend(row.request.map(NonZeroU64::get));
    }
    let mut counts = (0, 0);
    for mut ids in requests.into_values() {
        counts.0 += ids.len() as u64;
        ids.sort_unstable();
        counts.1 += ids.chunk_by(|a, b| a == b).count() as u64;
    }
    counts
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

/// The exchanges that the candidate was sent last, ascending; of those sent at one instant the last ones.
fn newest_of_candidate(exchanges: &[Row]) -> Vec<&Row> {
    let mut newest: Vec<&Row> = Vec::with_capacity(NEWEST + 1);
    for exchange in exchanges.iter().filter(|exchange| exchange.arm == Arm::Candidate) {
        if newest.len() == NEWEST && newest.first().is_some_and(|oldest| oldest.sent_us > exchange.sent_us) {
            continue;
        }
        let place = newest.partition_point(|other| other.sent_us <= exchange.sent_us);
        newest.insert(place, exchange);
        if newest.len() > NEWEST {
            newest.remove(0);
        }
    }
    newest
}

/// A revoked key or an empty account: at least half of the candidate's newest exchanges were refused for it. A single
/// refusal in the past is an error like any other.
pub(super) fn hard_stops(exchanges: &[Row]) -> Vec<String> {
    let newest = newest_of_candidate(exchanges);
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
