//! Contemporaneous blocks of served traffic: one request of the candidate against the next ones of the baseline.
//!
//! In a canary the arms serve different requests, at rates that change with the weight, in hours that differ. A block
//! is one request of the candidate and up to k requests of the baseline of the same stratum and minute, and its value
//! is `X = y_C - mean(y_B)` in [-1, 1]: whatever drifts by the hour moves both sides and cancels. The values feed a
//! [`super::betting::Tally`], whose bets are exact at every look.
//!
//! Why that is valid. The mean of X, given everything before the block, must be the true difference. It is if, within
//! a stratum and minute, requests reach an arm at random (the split does that), and if *the grouping never looks at
//! an outcome*: which requests form a block follows from the order of arrivals and their arms alone. So a block may
//! also close at the end of its minute with fewer baselines than planned: how many arrived says nothing about how they
//! ended, and with k' of them the mean of X is the same and only its variance larger. What would break it is leaving
//! out or putting back requests by what became of them; feed requests in order of arrival, once their outcomes are
//! known, and feed all. Requests that no block took are counted as unused, by arm.
//!
//! Both are pure state machines: [`Grouping`] decides from arrivals alone which requests form a block, [`BlockFormer`]
//! does the same where outcomes come with the requests. Time is an argument, nothing is drawn, nothing is read.

mod counts;
mod grouping;

use std::collections::BTreeMap;

use super::Refusal;

pub use self::counts::BlockCounts;
pub use self::grouping::{Arrival, Grouping, Taken};

/// Most baselines in a block: beyond, the variance hardly falls.
pub const BASELINES_MAX: u8 = 20;

/// Yes/no outcomes that a request may have.
pub const METRICS_MAX: usize = 64;

/// One served request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Served {
    /// What must be the same within a block (model, tier, ...), as a number of the caller's choosing.
    pub stratum: u64,
    /// Minute of arrival, since any epoch.
    pub minute: i64,
    /// Whether the candidate served it.
    pub candidate: bool,
    /// Outcomes: bit i is set where the request was bad in metric i.
    pub outcomes: u64,
}

/// A closed block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Block {
    candidate: u64,
    baselines: u8,
    bad: [u8; METRICS_MAX],
}

impl Block {
    /// Baselines in the block, from 1 to [`BASELINES_MAX`].
    #[must_use]
    pub const fn baselines(&self) -> u8 {
        self.baselines
    }

    /// Baselines that were bad in a metric (none where `metric` is 64 or more).
    #[must_use]
    pub fn baselines_bad(&self, metric: usize) -> u8 {
        self.bad.get(metric).copied().unwrap_or(0)
    }

    /// Whether the candidate's request was bad in a metric.
    #[must_use]
    pub const fn candidate_bad(&self, metric: usize) -> bool {
        metric < METRICS_MAX && self.candidate >> metric & 1 == 1
    }

    /// `X = y_C - mean(y_B)` of a metric as numerator and denominator, not reduced.
    #[must_use]
    pub fn difference(&self, metric: usize) -> (i32, u32) {
        let own = if self.candidate_bad(metric) { i32::from(self.baselines) } else { 0 };
        (own - i32::from(self.baselines_bad(metric)), u32::from(self.baselines))
    }
}

/// Requests that no block took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Unused {
    /// Of the candidate: no baseline followed within the minute.
    pub candidate: u64,
    /// Of the baseline: no candidate was waiting.
    pub baseline: u64,
    /// Of either arm: fed after a later minute.
    pub late: u64,
}

/// Forms blocks from requests whose outcomes are known, fed in order of arrival.
#[derive(Debug, Clone)]
pub struct BlockFormer {
    grouping: Grouping,
    /// Outcomes of the blocks that are not over: the candidate's, and how many baselines were bad.
    open: BTreeMap<u64, (u64, [u8; METRICS_MAX])>,
}

impl BlockFormer {
    /// A former for a candidate's share `weight` of the traffic; see [`Grouping::new`].
    ///
    /// # Errors
    ///
    /// Refuses shares that are not above 0 and below 1: with one arm only there is nothing to compare.
    pub fn new(weight: f64) -> Result<Self, Refusal> {
        Ok(Self { grouping: Grouping::new(weight)?, open: BTreeMap::new() })
    }

    /// Takes a new share; blocks whose candidate has arrived already keep their size.
    ///
    /// # Errors
    ///
    /// As [`Self::new`].
    pub fn reweight(&mut self, weight: f64) -> Result<(), Refusal> {
        self.grouping.reweight(weight)
    }

    /// Takes a request; `closed` is called for each block that is complete, or over because its minute is.
    pub fn push(&mut self, served: Served, mut closed: impl FnMut(&Block)) {
        let Self { grouping, open } = self;
        let arrival = Arrival { stratum: served.stratum, minute: served.minute, candidate: served.candidate };
        // A block that this very request completes is closed with it.
        let mut completed = None;
        let taken = grouping.push(arrival, |id, baselines, last| {
            if last {
                completed = Some((id, baselines));
            } else {
                close(open, id, baselines, &mut closed);
            }
        });
        match taken {
            Taken::Opens(id) => drop(open.insert(id, (served.outcomes, [0; METRICS_MAX]))),
            Taken::Joins(id) => {
                if let Some((_, bad)) = open.get_mut(&id) {
                    for (metric, bad) in bad.iter_mut().enumerate() {
                        *bad += (served.outcomes >> metric & 1) as u8;
                    }
                }
            }
            Taken::Unused => {}
        }
        if let Some((id, baselines)) = completed {
            close(open, id, baselines, &mut closed);
        }
    }

    /// Ends the last minute: closes what has a baseline and counts the rest as unused.
    pub fn finish(mut self, mut closed: impl FnMut(&Block)) -> Unused {
        let Self { grouping, open } = &mut self;
        grouping.end_minute(|id, baselines, _| close(open, id, baselines, &mut closed));
        self.grouping.unused()
    }

    /// Requests that no block took so far.
    #[must_use]
    pub const fn unused(&self) -> Unused {
        self.grouping.unused()
    }
}

fn close(open: &mut BTreeMap<u64, (u64, [u8; METRICS_MAX])>, id: u64, baselines: u8, closed: &mut impl FnMut(&Block)) {
    if let Some((candidate, bad)) = open.remove(&id).filter(|_| baselines > 0) {
        closed(&Block { candidate, baselines, bad });
    }
}

#[cfg(test)]
mod tests;
