//! Which requests form a block: by their arrivals and arms alone, before anybody knows how they end.

use std::collections::{BTreeMap, VecDeque};

use super::{BASELINES_MAX, Unused};
use crate::stats::Refusal;

/// Most candidates of one stratum that may wait for baselines within a minute; later ones count as unused.
const WAITING_MAX: usize = 65_536;

/// A request that arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrival {
    /// What must be the same within a block.
    pub stratum: u64,
    /// Minute of arrival, since any epoch.
    pub minute: i64,
    /// Whether the candidate serves it.
    pub candidate: bool,
}

/// What became of an arrival.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// It is the candidate's request of a new block. Numbers of blocks count up from 0.
    Opens(u64),
    /// It is a baseline's request of this block.
    Joins(u64),
    /// No block takes it.
    Unused,
}

/// Blocks of one stratum whose candidates wait, in order of arrival; baselines go to the first.
#[derive(Debug, Clone, Default)]
struct Waiting {
    /// Number of the block, and the baselines wanted when its candidate arrived.
    candidates: VecDeque<(u64, u8)>,
    /// The first one's baselines so far.
    filled: u8,
}

/// Groups requests fed in order of arrival.
#[derive(Debug, Clone)]
pub struct Grouping {
    wanted: u8,
    minute: i64,
    next: u64,
    strata: BTreeMap<u64, Waiting>,
    unused: Unused,
}

impl Grouping {
    /// A grouping for a candidate's share `weight` of the traffic, above 0 and below 1: `k = floor((1 - w) / w)`
    /// baselines a block, at least 1 and at most [`BASELINES_MAX`].
    ///
    /// # Errors
    ///
    /// Refuses other shares: with one arm only there is nothing to compare.
    pub fn new(weight: f64) -> Result<Self, Refusal> {
        let wanted = baselines_wanted(weight)?;
        Ok(Self { wanted, minute: i64::MIN, next: 0, strata: BTreeMap::new(), unused: Unused::default() })
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

    /// Takes an arrival. `over` is called with each block that is over and how many baselines it has, 0 where none
    /// came; the last argument says that this very arrival completes it.
    pub fn push(&mut self, arrival: Arrival, mut over: impl FnMut(u64, u8, bool)) -> Taken {
        if arrival.minute < self.minute {
            self.unused.late += 1;
            return Taken::Unused;
        }
        if arrival.minute > self.minute {
            self.end_minute(&mut over);
            self.minute = arrival.minute;
        }
        if arrival.candidate {
            let waiting = self.strata.entry(arrival.stratum).or_default();
            if waiting.candidates.len() >= WAITING_MAX {
                self.unused.candidate += 1;
                return Taken::Unused;
            }
            let id = self.next;
            self.next += 1;
            waiting.candidates.push_back((id, self.wanted));
            return Taken::Opens(id);
        }
        let first = self.strata.get_mut(&arrival.stratum);
        let Some((waiting, (id, wanted))) = first.and_then(|all| all.candidates.front().copied().map(|one| (all, one)))
        else {
            self.unused.baseline += 1;
            return Taken::Unused;
        };
        waiting.filled += 1;
        if waiting.filled >= wanted {
            over(id, std::mem::take(&mut waiting.filled), true);
            waiting.candidates.pop_front();
        }
        Taken::Joins(id)
    }

    /// Ends the minute: the first block of each stratum is over with the baselines it has, the others have none.
    pub fn end_minute(&mut self, mut over: impl FnMut(u64, u8, bool)) {
        for waiting in std::mem::take(&mut self.strata).into_values() {
            let mut baselines = waiting.filled;
            for (id, _) in waiting.candidates {
                if baselines == 0 {
                    self.unused.candidate += 1;
                }
                over(id, std::mem::take(&mut baselines), false);
            }
        }
    }

    /// Baselines that a new block wants.
    #[must_use]
    pub const fn wanted(&self) -> u8 {
        self.wanted
    }

    /// Requests that no block took so far.
    #[must_use]
    pub const fn unused(&self) -> Unused {
        self.unused
    }
}

fn baselines_wanted(weight: f64) -> Result<u8, Refusal> {
    if !(weight > 0.0 && weight < 1.0) {
        return Err(Refusal::ShareOutOfRange { share: weight });
    }
    // One part in 1e9 is rounding: at a tenth of the traffic nine baselines are meant.
    Ok(((1.0 - weight) / weight * (1.0 + 1e-9)).floor().clamp(1.0, f64::from(BASELINES_MAX)) as u8)
}
