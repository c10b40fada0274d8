//! The gate's rule, pure: only a fresh, matching GO raises anything.
//!
//! Every check is made and told, also behind one that failed: whoever reads the answer sees all that is in the way at once.
//! The first failed one decides. A raise follows from all of them together and from nothing else, and it never goes further
//! than the next rung of the policy's ladder, whatever number the verdict holds.
//!
//! Weights are compared in hundredths of a percent, the steps in which a weight can be set; a number that is none of them
//! (not finite, below 0, above 100, finer) equals nothing.
//!
//! The rule speaks of raises alone. Lowering a weight needs no proof and is not asked here.

mod checks;

use crate::policy::Policy;
use crate::signature::Signed;
use crate::state::{History, InForce};
use judge::verdict::Verdict;

/// Clocks of two machines may differ by this much before a verdict counts as one from the future.
pub const CLOCK_SKEW_US: i64 = 5 * 60 * 1_000_000;

/// One thing that must hold.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Check {
    /// Short name, for machines: `schema`, `verdict`, `signature`, `age`, `migration`, `epoch`, `generation`, `weight`,
    /// `degraded`, `next-weight`, `ladder`, `cool-down`, `unused`, `freeze`, `kill-switch`.
    pub name: &'static str,
    /// It holds.
    pub passed: bool,
    /// What was found, and where it does not hold what to do.
    pub why: String,
}

/// What to do about the weight.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Step {
    /// Raise it to this, percent.
    Raise {
        /// New candidate weight, percent.
        to_percent: f64,
    },
    /// Leave it.
    Stay,
}

/// What was decided, and why.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// Everything that was asked, in order.
    pub checks: Vec<Check>,
    /// What to do.
    pub step: Step,
    /// In one sentence.
    pub why: String,
}

impl Decision {
    /// The check that decided against a raise; `None` where all hold, be it that there is nothing to raise.
    #[must_use]
    pub fn obstacle(&self) -> Option<&Check> {
        self.checks.iter().find(|check| !check.passed)
    }
}

/// What is known beside the verdict and the target.
#[derive(Debug, Clone, Copy)]
pub struct Situation<'a> {
    /// Now, microseconds since the Unix epoch.
    pub now_us: i64,
    /// Whose verdict it is.
    pub signed: &'a Signed,
    /// The kill switch is pulled; see [`Policy::killed`].
    pub killed: bool,
    /// What the log says about this migration at this target.
    pub history: History,
}

/// Decides.
#[must_use]
pub fn decide(verdict: &Verdict, in_force: &InForce, policy: &Policy, situation: Situation<'_>) -> Decision {
    let case = checks::Case { verdict, in_force, policy, situation };
    let checks = case.all();
    if let Some(obstacle) = checks.iter().find(|check| !check.passed) {
        let why = obstacle.why.clone();
        return Decision { checks, step: Step::Stay, why };
    }
    let (now, next) = (hundredths(in_force.weight_percent), hundredths(verdict.next_weight_percent));
    match next.filter(|next| now.is_some_and(|now| *next > now)) {
        Some(next) => {
            let to_percent = f64::from(next) / 100.0;
            let why = format!("a GO for {}%, and nothing is in the way of {to_percent}%", in_force.weight_percent);
            Decision { checks, step: Step::Raise { to_percent }, why }
        }
        None => {
            let (next, bound) = (verdict.next_weight_percent, checks::word(&verdict.next_weight_bound));
            let why = format!("GO, but the next weight is {next}% ({bound} bound): nothing to raise");
            Decision { checks, step: Step::Stay, why }
        }
    }
}

/// A percentage as whole hundredths of a percent, 0 to 10 000; `None` for a number that no weight can be.
#[must_use]
pub fn hundredths(percent: f64) -> Option<u32> {
    let scaled = percent * 100.0;
    let whole = scaled.round();
    // Not-a-number is in no range.
    let is_one = (0.0..=10_000.0).contains(&whole) && (scaled - whole).abs() < 1e-6;
    is_one.then_some(whole as u32)
}

#[cfg(test)]
mod tests;
