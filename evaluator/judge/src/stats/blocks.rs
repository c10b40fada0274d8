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
//! This is a pure state machine: time is an argument, nothing is drawn, nothing is read.

mod counts;

use std::collections::{BTreeMap, VecDeque};

use super::Refusal;

pub use self::counts::BlockCounts;

/// Most baselines in a block: beyond, the variance hardly falls.
pub const BASELINES_MAX: u8 = 20;

/// Yes/no outcomes that a request may have.
pub const METRICS_MAX: usize = 64;

/// Most candidates of one stratum that may wait for baselines within a minute; later ones count as unused.
const WAITING_MAX: usize = 65_536;

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

/// Candidates of one stratum that wait, in order of arrival; baselines go to the first.
#[derive(Debug, Clone)]
struct Waiting {
    /// Outcomes of the candidate, and the baselines wanted when it arrived.
    candidates: VecDeque<(u64, u8)>,
    /// The first one's baselines so far.
    filled: u8,
    bad: [u8; METRICS_MAX],
}

impl Waiting {
    const fn new() -> Self {
        Self { candidates: VecDeque::new(), filled: 0, bad: [0; METRICS_MAX] }
    }

    /// Closes the first one's block with the baselines it has.
    fn close(&mut self) -> Option<Block> {
        let (candidate, _) = if self.filled > 0 { self.candidates.pop_front()? } else { return None };
        let block = Block { candidate, baselines: self.filled, bad: self.bad };
        self.filled = 0;
        self.bad = [0; METRICS_MAX];
        Some(block)
    }
}

/// Forms blocks from requests fed in order of arrival.
#[derive(Debug, Clone)]
pub struct BlockFormer {
    wanted: u8,
    minute: i64,
    strata: BTreeMap<u64, Waiting>,
    unused: Unused,
}

impl BlockFormer {
    /// A former for a candidate's share `weight` of the traffic, above 0 and below 1: `k = floor((1 - w) / w)`
    /// baselines a block, at least 1 and at most [`BASELINES_MAX`].
    ///
    /// # Errors
    ///
    /// Refuses other shares: with one arm only there is nothing to compare.
    pub fn new(weight: f64) -> Result<Self, Refusal> {
        let wanted = baselines_wanted(weight)?;
        Ok(Self { wanted, minute: i64::MIN, strata: BTreeMap::new(), unused: Unused::default() })
    }

    /// Takes a new share; blocks whose candidate has arrived already keep their size.
    ///
    /// # Errors
    ///
    /// As [`Self::new`].
    pub fn reweight(&mut self, weight: f64) -> Result<(), Refusal> {
        self.wanted = baselines_wanted(weight)?;
        Ok(())
    }

    /// Takes a request; `closed` is called for each block that is complete, or over because its minute is.
    pub fn push(&mut self, served: Served, mut closed: impl FnMut(&Block)) {
        if served.minute < self.minute {
            self.unused.late += 1;
            return;
        }
        if served.minute > self.minute {
            self.end_minute(&mut closed);
            self.minute = served.minute;
        }
        if served.candidate {
            let waiting = self.strata.entry(served.stratum).or_insert_with(Waiting::new);
            if waiting.candidates.len() < WAITING_MAX {
                waiting.candidates.push_back((served.outcomes, self.wanted));
            } else {
                self.unused.candidate += 1;
            }
            return;
        }
        let Some(waiting) = self.strata.get_mut(&served.stratum) else {
            self.unused.baseline += 1;
            return;
        };
        let Some((_, wanted)) = waiting.candidates.front().copied() else {
            self.unused.baseline += 1;
            return;
        };
        waiting.filled += 1;
        for (metric, bad) in waiting.bad.iter_mut().enumerate() {
            *bad += (served.outcomes >> metric & 1) as u8;
        }
        if waiting.filled >= wanted
            && let Some(block) = waiting.close()
        {
            closed(&block);
        }
    }

    /// Ends the last minute: closes what has a baseline and counts the rest as unused.
    pub fn finish(mut self, mut closed: impl FnMut(&Block)) -> Unused {
        self.end_minute(&mut closed);
        self.unused
    }

    /// Requests that no block took so far.
    #[must_use]
    pub const fn unused(&self) -> Unused {
        self.unused
    }

    fn end_minute(&mut self, closed: &mut impl FnMut(&Block)) {
        for mut waiting in std::mem::take(&mut self.strata).into_values() {
            if let Some(block) = waiting.close() {
                closed(&block);
            }
            self.unused.candidate += waiting.candidates.len() as u64;
        }
    }
}

fn baselines_wanted(weight: f64) -> Result<u8, Refusal> {
    if !(weight > 0.0 && weight < 1.0) {
        return Err(Refusal::ShareOutOfRange { share: weight });
    }
    // One part in 1e9 is rounding: at a tenth of the traffic nine baselines are meant.
    Ok(((1.0 - weight) / weight * (1.0 + 1e-9)).floor().clamp(1.0, f64::from(BASELINES_MAX)) as u8)
}

#[cfg(test)]
mod tests;
