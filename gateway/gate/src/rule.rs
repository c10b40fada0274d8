//! The gate's rule, pure: only a fresh, matching GO raises anything.
//!
//! Every check is made and told, also behind one that failed: whoever reads the answer sees all that is in the way at once.
//! The first failed one decides.

use crate::policy::Policy;
use crate::signature::Signed;
use crate::state::InForce;
use judge::verdict::Verdict;

/// Clocks of two machines may differ by this much before a verdict counts as one from the future.
pub const CLOCK_SKEW_US: i64 = 5 * 60 * 1_000_000;

/// One thing that must hold.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Check {
    /// Short name, for machines: `verdict`, `schema`, `signature`, `age`, `migration`, `epoch`, `weight`, `degraded`,
    /// `cool-down`, `ladder`, `freeze`, `kill-switch`.
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

/// What is known beside the verdict and the target.
#[derive(Debug, Clone, Copy)]
pub struct Situation<'a> {
    /// Now, microseconds since the Unix epoch.
    pub now_us: i64,
    /// Whose verdict it is.
    pub signed: &'a Signed,
    /// The kill switch is pulled.
    pub killed: bool,
    /// When this migration's weight was raised last, microseconds since the Unix epoch, as the log has it.
    pub raised_at_us: Option<i64>,
}

/// Decides.
#[must_use]
pub fn decide(verdict: &Verdict, in_force: &InForce, policy: &Policy, situation: Situation<'_>) -> Decision {
    _ = (verdict, in_force, policy, situation);
    Decision { checks: Vec::new(), step: Step::Stay, why: String::new() }
}
