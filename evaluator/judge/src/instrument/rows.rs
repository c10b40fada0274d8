//! Bad data: rows that could not be used, and pairs that are none. All of it is counted and shown; what would bias the
//! rest is an alarm.
//!
//! Duplicates raise none: each counts once, so that nothing is lost and nothing doubled. Whether the same log was played
//! twice is for the evaluator to say, who sees the requests.

use super::{part, percent};
use crate::policy::InstrumentLimits;
use crate::verdict::Instrument;
use crate::words;

/// Shares of refused rows, baseline and candidate: from the counts, or as given where there are none.
pub(super) fn reject_shares(given: &Instrument) -> [f64; 2] {
    let shares = [given.reject_share_baseline, given.reject_share_candidate];
    if given.rows == [0, 0] {
        return shares;
    }
    [0, 1].map(|arm: usize| percent(given.rows_rejected[arm], given.rows[arm]) / 100.0)
}

/// Alarms about rows, which concern all evidence. Expects the reject shares completed.
pub(super) fn alarms(instrument: &Instrument, limits: InstrumentLimits) -> Vec<String> {
    let mut alarms = Vec::new();
    let apart = (instrument.reject_share_candidate - instrument.reject_share_baseline).abs() * 100.0;
    // NaN must alarm as well.
    let tolerable = apart <= limits.reject_share_points;
    if !tolerable {
        alarms.push(format!(
            "Rows refused at loading differ between the arms by {apart:.2} points (limit {}).{}",
            limits.reject_share_points,
            most_frequent(instrument)
        ));
    }
    let rows = instrument.rows[0].saturating_add(instrument.rows[1]).saturating_add(instrument.unknown_arms);
    if percent(instrument.unknown_arms, rows) > limits.reject_share_points {
        alarms.push(format!(
            "{} rows name neither arm (limit {}), and which arm lacks them is unknown; name the arms in the records.",
            part(instrument.unknown_arms, rows),
            words::percent(limits.reject_share_points)
        ));
    }
    alarms
}

fn most_frequent(instrument: &Instrument) -> String {
    // The first of equals by name, whatever their order in the list.
    let worst = instrument.rejected.iter().max_by(|a, b| a.count.cmp(&b.count).then(b.name.cmp(&a.name)));
    worst.map_or_else(String::new, |worst| format!(" Most of them: {} ({}).", worst.name, words::count(worst.count)))
}

/// Alarms about pairs, which concern the pairs alone.
pub(super) fn pair_alarms(given: &Instrument, limits: InstrumentLimits) -> Vec<String> {
    // Pairs with skewed clocks may be among the pairs or not; either way there are at least as many.
    let timed = given.pairs.max(given.clock_skew_pairs);
    let questions = [
        (
            given.clock_skew_pairs,
            timed,
            limits.clock_skew_percent,
            "pairs have clocks that disagree",
            "so neither their order nor their latencies can be trusted; set the clocks of the two recorders right",
        ),
        (
            given.mixed_epochs,
            given.pairs.max(given.mixed_epochs),
            limits.mirror_loss_percent,
            "pairs have halves of different epochs",
            "so the rest may be a biased selection; evaluate records from one side of the change",
        ),
        (
            given.mixed_tariffs,
            given.pairs.max(given.mixed_tariffs),
            limits.mirror_loss_percent,
            "pairs were answered at prices that have changed since",
            "so the cost rests on the others alone; evaluate records from after the change of prices",
        ),
    ];
    let alarm = |(count, whole, limit, what, then): (u64, u64, f64, &str, &str)| {
        (percent(count, whole) > limit)
            .then(|| format!("{} {what} (limit {}), {then}.", part(count, whole), words::percent(limit)))
    };
    questions.into_iter().filter_map(alarm).collect()
}
