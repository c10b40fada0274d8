//! Is the measuring itself sound? Every alarm here holds the verdict.

use crate::evidence::{CanaryEvidence, EarlierEpoch, Evidence};
use crate::guardrail::LevelsInForce;
use crate::policy::{InstrumentLimits, Policy};
use crate::stats::unpaired::{self, Arm};
use crate::stats::{Refusal, Side, srm};
use crate::verdict::Instrument;
use crate::words;

/// The instrument's health, and which alarms concern which evidence.
pub(crate) struct Health {
    pub(crate) instrument: Instrument,
    /// Alarms that concern the pairs.
    pub(crate) paired: Vec<String>,
    /// Alarms that concern the served traffic.
    pub(crate) canary: Vec<String>,
}

pub(crate) fn health(evidence: &Evidence, policy: &Policy, levels: LevelsInForce) -> Health {
    let limits = policy.instrument;
    let given = &evidence.instrument;
    let mut instrument = given.clone();
    let mut both = given.alarms.clone();
    if given.replay_degraded {
        both.push("The replay could not keep its schedule, so latencies are not comparable.".to_owned());
    }
    both.extend(rejects(given, limits));
    if !(0.0..=100.0).contains(&evidence.weight_percent) {
        both.push(format!("The weight of {} % on record is not a percentage.", evidence.weight_percent));
    }
    both.extend(evidence.earlier_epochs.iter().filter_map(|earlier| failed_earlier(earlier, policy, levels)));
    instrument.mirror_loss = mirror_loss(given);
    let paired_only = mirror(given, instrument.mirror_loss, limits);

    let mut canary_only = Vec::new();
    instrument.srm_p = None;
    instrument.srm_units = None;
    // An epoch in which nothing was served yet has no split to check; its guardrails hold for want of evidence.
    if let Some(canary) = evidence.canary.as_ref().filter(|canary| served_something(canary)) {
        instrument.srm_units = Some([canary.baseline.units, canary.candidate.units]);
        let weight_percent = canary.weight_percent.unwrap_or(evidence.weight_percent);
        match split(canary, weight_percent) {
            Ok(p) => {
                instrument.srm_p = Some(p);
                canary_only.extend((p < limits.srm_p).then(|| mismatch(canary, weight_percent, p)));
            }
            Err(problem) => canary_only.push(format!("The split cannot be checked: {problem}.")),
        }
    }
    instrument.alarms = both.iter().chain(&paired_only).chain(&canary_only).cloned().collect();
    let with_both = |own: Vec<String>| both.iter().cloned().chain(own).collect();
    Health { paired: with_both(paired_only), canary: with_both(canary_only), instrument }
}

fn mirror_loss(given: &Instrument) -> Option<f64> {
    (given.mirror_intended > 0).then(|| 1.0 - given.mirror_observed as f64 / given.mirror_intended as f64)
}

fn mirror(given: &Instrument, loss: Option<f64>, limits: InstrumentLimits) -> Vec<String> {
    let mut alarms = Vec::new();
    if given.mirror_observed > given.mirror_intended {
        alarms.push(format!(
            "{} mirrored outcomes on record, but only {} were intended; the mirror's books are wrong.",
            words::count(given.mirror_observed),
            words::count(given.mirror_intended)
        ));
    } else if let Some(loss) = loss.filter(|loss| *loss * 100.0 > limits.mirror_loss_percent) {
        alarms.push(format!(
            "The outcome of {:.2} % of the mirrored requests is unknown (limit {}), so the pairs may be a \
             biased selection; if copies are still under way, evaluate again when they have ended.",
            loss * 100.0,
            words::percent(limits.mirror_loss_percent)
        ));
    }
    alarms
}

fn rejects(given: &Instrument, limits: InstrumentLimits) -> Option<String> {
    let apart = (given.reject_share_candidate - given.reject_share_baseline).abs() * 100.0;
    // NaN must alarm as well.
    let tolerable = apart <= limits.reject_share_points;
    (!tolerable).then(|| {
        format!(
            "Rows refused at loading differ between the arms by {apart:.2} points (limit {}).",
            limits.reject_share_points
        )
    })
}

/// An earlier epoch whose served traffic failed, by the rule of the judged one: the error guardrail or the hard stop.
fn failed_earlier(earlier: &EarlierEpoch, policy: &Policy, levels: LevelsInForce) -> Option<String> {
    let candidate = Arm { events: earlier.candidate_errors, n: earlier.candidate_requests };
    let baseline = Arm { events: earlier.baseline_errors, n: earlier.baseline_requests };
    let margin = policy.error_margin_points() / 100.0;
    let proven = || {
        let lower = unpaired::bound(candidate, baseline, levels.alarm, Side::Lower);
        policy.guardrails.errors.enabled && lower.is_ok_and(|lower| lower > margin)
    };
    let percent = |arm: Arm| arm.events as f64 / arm.n.max(1) as f64 * 100.0;
    let stop = policy.hard_stop;
    let stopped = candidate.n >= stop.min_requests.max(1) && percent(candidate) > stop.error_percent;
    (stopped || proven()).then(|| {
        let against =
            if baseline.n > 0 { format!("{:.1} %", percent(baseline)) } else { "no served baseline".to_owned() };
        format!(
            "Served traffic failed in epoch {} (errors {:.1} % against {against}): evaluate records from after the repair.",
            earlier.epoch,
            percent(candidate)
        )
    })
}

const fn served_something(canary: &CanaryEvidence) -> bool {
    let (baseline, candidate) = (&canary.baseline, &canary.candidate);
    baseline.requests > 0 || candidate.requests > 0 || baseline.units > 0 || candidate.units > 0
}

/// p-value of the split. Served requests without a single counted unit are no clean bill of health.
fn split(canary: &CanaryEvidence, weight_percent: f64) -> Result<f64, Refusal> {
    srm::p_value(canary.baseline.units, canary.candidate.units, weight_percent / 100.0)
}

fn mismatch(canary: &CanaryEvidence, weight_percent: f64, p: f64) -> String {
    let (baseline, candidate) = (canary.baseline.units, canary.candidate.units);
    let seen = candidate as f64 / (baseline as f64 + candidate as f64) * 100.0;
    format!(
        "Sample-ratio mismatch: {} of {} units ({seen:.2} %) went to the candidate at a weight of {} (p = {p:.1e}).",
        words::count(candidate),
        words::count(baseline.saturating_add(candidate)),
        words::percent(weight_percent)
    )
}
