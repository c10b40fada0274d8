//! Summaries of several machines as the summary of one run.
//!
//! Nothing is averaged: counts, sums and histograms add up, and everything else is worked out from them as in a single
//! run. The order of merging does not matter, and a merged summary can be merged again.

use super::parts::{Counts, Facts, Parts};
use super::tally::Tally;
use super::{SCHEMA, Summary};

/// Why summaries cannot be merged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MergeError {
    /// There are none.
    #[error("no summary to merge: name the summaries of all machines")]
    None,
    /// They are of different runs.
    #[error(
        "the summaries are of different runs: {member} is `{one}` in one and `{other}` in another; merge only what \
         the machines of one run have written (`--shard 1/n` to `n/n`, all else alike)"
    )]
    Different {
        /// What differs.
        member: &'static str,
        /// One value.
        one: String,
        /// Another.
        other: String,
    },
    /// One machine's summary is there twice.
    #[error("machine {index} of {of} is there twice; name each summary once")]
    Twice {
        /// Which machine.
        index: u32,
        /// Of how many.
        of: u32,
    },
    /// A summary of another version, or changed by hand.
    #[error("a summary cannot be merged: {0}")]
    Unsound(String),
}

impl Summary {
    /// Merges the summaries of the shards of one run. Not all of them need to be there; the result says which are.
    ///
    /// # Errors
    /// There is none, they are of different runs, one is there twice, or one is damaged.
    pub fn merge(summaries: impl IntoIterator<Item = Self>) -> Result<Self, MergeError> {
        let mut summaries = summaries.into_iter();
        let mut sum = summaries.next().ok_or(MergeError::None)?.into_parts()?;
        for summary in summaries {
            let parts = summary.into_parts()?;
            same(&sum.facts, &parts.facts)?;
            if let Some(index) = parts.shards.iter().find(|index| sum.shards.contains(index)) {
                return Err(MergeError::Twice { index: *index, of: parts.facts.shards_of });
            }
            sum.add(parts);
        }
        Ok(sum.summary())
    }

    /// Takes a summary apart again.
    fn into_parts(mut self) -> Result<Parts, MergeError> {
        let unsound = |message: &str| Err(MergeError::Unsound(message.to_owned()));
        if self.schema != SCHEMA {
            return unsound(&format!("its schema is `{}`, expected `{SCHEMA}`", self.schema));
        }
        if !self.distributions.phases.is_sound() {
            return unsound("its time line is not as weighbridge writes it");
        }
        let (Some(started_us), Some(ended_us)) = (instant_us(&self.started_at), instant_us(&self.ended_at)) else {
            return unsound("its start or end is no RFC 3339 time");
        };
        if let [only] = self.shards.as_slice()
            && self.shards_of > 1
            && self.is_late()
        {
            self.shard_reasons = vec![format!("machine {only}: {}", self.lateness())];
        }
        let facts = Facts {
            target: self.target,
            rate: self.rate,
            arm: self.arm,
            sessions: self.sessions,
            seed: self.seed,
            lag_limit_us: self.lag_limit_us,
            warm_up_us: self.distributions.phases.warm_up_us(),
            baseline_recorded: self.baseline_recorded,
            shards_of: self.shards_of,
        };
        let counts = Counts {
            sent: self.sent,
            dropped: self.dropped_because,
            not_sent: self.not_sent_because,
            skipped: self.skipped,
            already_done: self.already_done,
            broken: self.broken,
            ended_by: self.ended_by,
            ids_unchecked: self.ids_unchecked,
            rest_uncounted: self.rest_uncounted,
            records: self.records,
            stopped: self.stopped,
            delayed: self.delayed,
            in_flight_at_end: self.in_flight_at_end,
            drain_us: self.drain_us,
            planned_us: self.distributions.planned_us,
            selected: self.selected,
            budget_nanos: self.budget_nanos,
        };
        let tally = Tally {
            ok: self.ok,
            failed: self.failed,
            tokens: self.tokens,
            cost_nanos: self.cost_nanos,
            unpriced: self.unpriced,
            sent_us: self.distributions.sent_us,
            latency: self.distributions.latency,
            chunk_gap: self.distributions.chunk_gap,
            phases: self.distributions.phases,
        };
        Ok(Parts {
            facts,
            counts,
            tally,
            lag: self.distributions.lag,
            wall_us: (started_us, ended_us),
            shards: self.shards,
            shard_reasons: self.shard_reasons,
        })
    }
}

fn instant_us(text: &str) -> Option<i64> {
    text.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_microsecond)
}

/// Refuses facts of different runs.
fn same(one: &Facts, other: &Facts) -> Result<(), MergeError> {
    let pairs = [
        ("target", &one.target, &other.target),
        ("rate", &one.rate, &other.rate),
        ("arm", &one.arm, &other.arm),
        ("sessions", &one.sessions, &other.sessions),
    ];
    let numbers = [
        ("seed", one.seed, other.seed),
        ("lag_limit_us", one.lag_limit_us, other.lag_limit_us),
        ("warm-up (microseconds)", one.warm_up_us, other.warm_up_us),
        ("baseline_recorded", u64::from(one.baseline_recorded), u64::from(other.baseline_recorded)),
        ("shards_of", u64::from(one.shards_of), u64::from(other.shards_of)),
    ];
    let texts = pairs.into_iter().map(|(member, one, other)| (member, one.clone(), other.clone()));
    let numbers = numbers.into_iter().map(|(member, one, other)| (member, one.to_string(), other.to_string()));
    match texts.chain(numbers).find(|(_, one, other)| one != other) {
        Some((member, one, other)) => Err(MergeError::Different { member, one, other }),
        None => Ok(()),
    }
}
