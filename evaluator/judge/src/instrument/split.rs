//! Did the split send units where it should? Asked of units of assignment, never of requests.
//!
//! The judged epoch is looked at again and again while it grows, so that its alarm is an e-value, which holds at every
//! look; where the policy promises one look, the p-value alarms as well. An earlier epoch no longer changes, however
//! often one looks, so that its p-value is enough, and its served traffic still counts for the adjacent rung.
//!
//! The e-value averages two mixtures (the mean of e-values is one): concentration 100 as Lindon & Malek 2022 suggest,
//! which is sharp about the intended share, and 1, because the sharp one needs more than fifty units to notice that
//! *every* unit went to the same arm.

use crate::counters::CanaryEpoch;
use crate::evidence::Evidence;
use crate::policy::{Looks, Policy};
use crate::stats::{Refusal, srm};
use crate::words;

/// Concentrations of the averaged mixtures.
const CONCENTRATIONS: [f64; 2] = [1.0, 100.0];
/// Largest logarithm of an e-value that is written down; beyond, only its size would tell.
const LOG_E_SHOWN: f64 = 690.0;

/// What the split shows.
#[derive(Default)]
pub(super) struct Split {
    pub(super) units: Option<[u64; 2]>,
    pub(super) p: Option<f64>,
    pub(super) e: Option<f64>,
    pub(super) alarms: Vec<String>,
}

pub(super) fn examine(evidence: &Evidence, policy: &Policy) -> Split {
    let Some(canary) = &evidence.canary else { return Split::default() };
    let limits = policy.instrument;
    let mut split = Split::default();
    let mut epochs = canary.epochs.iter();
    // An epoch in which nothing was served yet has no split to check; its guardrails hold for want of evidence.
    if let Some((_, judged)) = epochs.next_back().filter(|(_, epoch)| served_something(epoch)) {
        let weight_percent = evidence.served_weight_percent.unwrap_or(f64::from(judged.weight_bp) / 100.0);
        split.units = Some([judged.units_baseline, judged.units_candidate]);
        match look(judged, weight_percent) {
            Ok((p, log_e)) => {
                split.p = Some(p);
                split.e = Some(log_e.min(LOG_E_SHOWN).exp());
                if log_e > limits.srm_e.ln() {
                    let e = log_e.min(LOG_E_SHOWN).exp();
                    split.alarms.push(mismatch(judged, weight_percent, "", &format!("e-value {e:.1e}")));
                } else if policy.levels.looks == Looks::One && p < limits.srm_p {
                    split.alarms.push(mismatch(judged, weight_percent, "", &format!("p = {p:.1e}")));
                }
            }
            Err(problem) => split.alarms.push(format!("The split cannot be checked: {problem}.")),
        }
    }
    for (number, epoch) in epochs.filter(|(_, epoch)| epoch.units_baseline > 0 || epoch.units_candidate > 0) {
        let weight_percent = f64::from(epoch.weight_bp) / 100.0;
        match look(epoch, weight_percent) {
            Ok((p, _)) if p < limits.srm_p => {
                let when = format!(" in epoch {number}");
                split.alarms.push(mismatch(epoch, weight_percent, &when, &format!("p = {p:.1e}")));
            }
            Ok(_) => {}
            Err(problem) => split.alarms.push(format!("The split of epoch {number} cannot be checked: {problem}.")),
        }
    }
    split
}

fn served_something(epoch: &CanaryEpoch) -> bool {
    !epoch.hours.is_empty() || epoch.units_baseline > 0 || epoch.units_candidate > 0
}

/// p-value and logarithm of the e-value. Served requests without a single counted unit are no clean bill of health.
fn look(epoch: &CanaryEpoch, weight_percent: f64) -> Result<(f64, f64), Refusal> {
    let (baseline, candidate, share) = (epoch.units_baseline, epoch.units_candidate, weight_percent / 100.0);
    let p = srm::p_value(baseline, candidate, share)?;
    let [wide, sharp] = CONCENTRATIONS.map(|concentration| srm::log_e_value(baseline, candidate, share, concentration));
    let (wide, sharp) = (wide?, sharp?);
    let largest = wide.max(sharp);
    Ok((p, largest + (((wide - largest).exp() + (sharp - largest).exp()) / 2.0).ln()))
}

fn mismatch(epoch: &CanaryEpoch, weight_percent: f64, when: &str, evidence: &str) -> String {
    let (baseline, candidate) = (epoch.units_baseline, epoch.units_candidate);
    let seen = candidate as f64 / (baseline as f64 + candidate as f64) * 100.0;
    format!(
        "Sample-ratio mismatch{when}: {} of {} units ({seen:.2} %) went to the candidate at a weight of {} ({evidence}).",
        words::count(candidate),
        words::count(baseline.saturating_add(candidate)),
        words::percent(weight_percent)
    )
}
