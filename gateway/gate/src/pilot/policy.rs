//! What the autopilot may do by itself.

use std::time::Duration;

/// What follows on the hold-back.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Then {
    /// Nothing: the baseline keeps its share until somebody takes it away.
    #[default]
    Stay,
    /// The candidate gets everything, with a GO at the weight of the hold-back.
    Finish,
}

/// See the module's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Share that the baseline keeps when the next rung is 100 %, hundredths of a percent; 0 for none. Without it alarms have
    /// nothing to compare with any more.
    pub hold_back_hundredths: u16,
    /// For how long there has to be evidence at that weight before anything follows.
    pub hold_back: Duration,
    /// What follows.
    pub then: Then,
    /// For how long there has to be evidence after a rollback before anything is raised again.
    pub after_rollback: Duration,
    /// After so many rollbacks nothing is raised until somebody sets a weight by hand. Each rollback forgets the evidence before
    /// it, and with it the harm that was counted: this bounds how often that may happen.
    pub rollbacks_max: u64,
    /// Money for copies in a period, nano-dollars; `None` for no limit.
    pub copies_budget_nanos: Option<i64>,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            hold_back_hundredths: 200,
            hold_back: Duration::from_hours(7 * 24),
            then: Then::Stay,
            after_rollback: Duration::from_hours(24),
            rollbacks_max: 3,
            copies_budget_nanos: None,
        }
    }
}
