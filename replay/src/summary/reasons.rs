//! Why a run is degraded: its numbers describe the replayer, or the log, rather than the target.

use super::{Dropped, Summary};
use std::fmt::Write;

impl Summary {
    /// All reasons; none for a run that can be judged.
    pub(super) fn reasons(&self) -> Vec<String> {
        let mut reasons = Vec::new();
        let mut because = |holds: bool, text: String| {
            if holds {
                reasons.push(text);
            }
        };
        // A resumed run may find everything done.
        let all_done = self.planned == 0 && self.already_done > 0;
        because(self.sent == 0 && !all_done, "nothing was sent".to_owned());
        because(self.is_late(), self.lateness());
        for (reason, count) in &self.dropped_because {
            let why = match reason {
                Dropped::InFlight => "too many in flight",
                Dropped::Waiting => "too many turns waited for the previous answer of their session",
            };
            because(*count > 0, format!("{count} requests were dropped: {why}"));
        }
        because(
            self.displaced > 0,
            format!(
                "{} rows of the log stood too far behind their time and were sent late; sort the log first with \
                 `weighbridge records convert --sort`",
                self.displaced
            ),
        );
        because(self.unfinished > 0, format!("{} requests were unfinished at the end", self.unfinished));
        let ended_by = self.ended_by.as_deref().unwrap_or_default();
        because(!ended_by.is_empty(), format!("the log could not be read on: {ended_by}"));
        because(self.stopped, "the run was stopped early".to_owned());
        let money = self.not_sent_because.get(&super::NotSent::Budget).copied().unwrap_or(0);
        because(money > 0, format!("{money} requests were not sent: the budget was spent"));
        if self.shards.len() > 1 {
            reasons.extend(self.shard_reasons.iter().cloned());
        }
        reasons
    }

    /// Closed loops have no due times to be late for.
    pub(super) fn is_late(&self) -> bool {
        !self.rate.starts_with("max:") && self.lag_us.p99 > self.lag_limit_us
    }

    pub(super) fn lateness(&self) -> String {
        format!("requests went out late: lag p99 {} us is over the limit of {} us", self.lag_us.p99, self.lag_limit_us)
    }

    /// The machines whose counts these are, in words.
    pub(super) fn machines(&self) -> String {
        let mut names = String::new();
        for (place, index) in self.shards.iter().enumerate() {
            // Writing into a string cannot fail.
            let _infallible = write!(names, "{}{index}", if place > 0 { ", " } else { "" });
        }
        format!("{names} of {}", self.shards_of)
    }
}
