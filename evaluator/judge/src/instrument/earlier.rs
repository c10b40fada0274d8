//! Earlier epochs: a failure is not forgotten because the weight has changed since.

use crate::evidence::EarlierEpoch;
use crate::guardrail::LevelsInForce;
use crate::metric::Share;
use crate::policy::Policy;
use crate::stats::Side;
use crate::stats::unpaired::{self, Arm};

/// An earlier epoch whose served traffic failed, by the rule of the judged one: the error guardrail or the hard stop.
pub(super) fn failed(earlier: &EarlierEpoch, policy: &Policy, levels: LevelsInForce) -> Option<String> {
    let candidate = Arm { events: earlier.candidate_errors, n: earlier.candidate_requests };
    let baseline = Arm { events: earlier.baseline_errors, n: earlier.baseline_requests };
    let margin = policy.share_margin(Share::Errors);
    let share = |arm: Arm| arm.events as f64 / arm.n.max(1) as f64;
    let proven = || {
        // A bound lies below its estimate; most epochs need not be asked for it.
        if share(candidate) - share(baseline) <= margin.value {
            return false;
        }
        let lower = unpaired::bound(candidate, baseline, levels.alarm, Side::Lower);
        margin.enabled && lower.is_ok_and(|lower| lower > margin.value)
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
