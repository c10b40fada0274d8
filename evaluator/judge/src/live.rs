//! The live guard: the judge's exact alarms on fresh outcomes, in memory, while they come in.
//!
//! One [`Live`] holds what an epoch of one migration has shown so far. It is told of every arrival and of every ending,
//! and does a few additions each time, whatever has been before. [`Rules::judge`] says what follows.
//!
//! **The same blocks.** Which requests form a block follows from their arrivals alone, by [`Grouping`], as in the
//! evaluator. That is why an arrival is told before anybody knows how it ends: failures often end sooner than answers, and
//! blocks made in the order of endings would begin every epoch with failures only. Until a request has ended it counts
//! against the alarm: a candidate as not bad, a baseline as bad. Wealth only grows with the candidate's bad requests and
//! falls with the baseline's, so no alarm is early on account of what is still under way (a baseline that fails by a
//! deadline takes a minute, a candidate that fails at once does not), and once all have ended the counts are, to the last
//! one, those of the evaluator on the same records. Blocks and refusals are asked in both directions; there what is
//! under way counts as not bad, in both arms alike.
//!
//! **The same bets, at levels of its own.** The wealth is [`Tally::log_wealth`] at the policy's margins. The family is
//! smaller (served shares only, no pairs), and the guard exists for failures, so that errors have [`ERRORS_SHARE`] of the
//! policy's `alpha_nogo` and all others together the rest; the sum is `alpha_nogo`, in every epoch. Of each part
//! [`FIRST_SHARE`] belongs to the process that began with the epoch.
//!
//! **Fresh starts.** What has lost its bets for a day needs long to win them back when the provider breaks. So a new
//! process starts with every [`WINDOW_BLOCKS`] blocks, and start j has `1 / (j (j + 1))` of what is left of the level:
//! that sums up to one over any number of starts, so none has to be planned (the judge plans 16 and starts by day, because
//! its evidence is of days). The newest [`WINDOWS_KEPT`] are asked; forgetting a process forgoes a bet, which is always
//! allowed.
//!
//! **Requests that resemble each other.** The judge divides by design effects, which asks for every cluster's sums. Here
//! a unit (a conversation, a consumer) may put [`UNIT_REQUESTS_MAX`] requests an hour into blocks; which ones follows from
//! their arrival alone, in both arms alike. So many failures in a row win no alarm: it takes two units, or one that fails
//! for hours. The hard stop counts every request, as the judge's does.
//!
//! **Not asked here**: latency quantiles (their thresholds are frozen from hundreds of records, which replicas that each
//! see a part would freeze at different values; fixed limits of slowness are asked), cost, labels, what only pairs show,
//! and what the judge holds for instead of failing (429 by itself, which is an error all the same, and too few flags).
//! At full weight no baseline is left, so that only the hard stops can speak.
//!
//! Counts are whole numbers that may be added over replicas: the wealth of the sum is the wealth of one gateway that had
//! formed all these blocks, whatever their order. Everything here is pure; time is an argument.

mod counts;
mod rules;
mod units;

pub use counts::{Arm, Tallied, WINDOWS_KEPT};
pub use rules::{Alarm, ERRORS_SHARE, FIRST_SHARE, Hint, Rules, Standing};
pub use units::UNIT_REQUESTS_MAX;

use crate::metric::{Share, ShareSet};
use crate::stats::blocks::{Arrival, Grouping, Taken};
use counts::{BlockKey, Outcome};
use std::collections::VecDeque;
use units::Units;

/// Blocks after which a process starts anew.
pub const WINDOW_BLOCKS: u64 = 1000;

/// Blocks whose requests have not all ended, at most; beyond, the oldest stays as it is, and what ends of it later is
/// counted in [`Live::late`].
const OPEN_MAX: usize = 65_536;

/// Microseconds of a minute.
const MINUTE_US: i64 = 60_000_000;

/// A request that was drawn for an arm by weight, and is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fresh {
    /// When it arrived, microseconds since the Unix epoch.
    pub at_us: i64,
    /// The candidate serves it.
    pub candidate: bool,
    /// It asks for a stream.
    pub streamed: bool,
    /// Digest of its assignment unit.
    pub unit: u64,
}

/// Where an arrival stands, to be shown again when it has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    block: Option<u64>,
    candidate: bool,
}

/// How a request ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ending {
    /// The shares in which it was bad, by [`Share::slot`].
    pub bad: ShareSet,
    /// The client left, or the gateway stopped: it says nothing about the provider but by [`Share::Cancellations`].
    pub cancelled: bool,
    /// The provider refused it for its key or for want of money (401, 402, 403).
    pub key_refused: bool,
}

/// A block whose requests have not all ended.
#[derive(Debug, Clone, Copy)]
struct Open {
    outcome: Outcome,
    streamed: bool,
    /// Requests that have not ended.
    running: u8,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Baselines may still join.
    Gathering,
    /// It is counted, in this window.
    Counted(u64),
    /// No baseline came.
    Void,
}

/// See the module's text.
#[derive(Debug, Clone)]
pub struct Live {
    epoch: u64,
    /// `None` where one arm serves nothing.
    grouping: Option<Grouping>,
    /// Number of the first open block.
    first: u64,
    open: VecDeque<Open>,
    units: Units,
    tallied: Tallied,
    /// The latest one.
    minute: i64,
    window: u64,
    refused_in_a_row: u32,
    late: u64,
}

impl Live {
    /// Begins an epoch in which the candidate has this share of the traffic, 0 to 1. A unit's bound is divided by the
    /// number of replicas, each of which sees a part of it.
    #[must_use]
    pub fn new(epoch: u64, weight: f64, replicas: u32) -> Self {
        Self {
            epoch,
            grouping: Grouping::new(weight).ok(),
            first: 0,
            open: VecDeque::new(),
            units: Units::new(replicas),
            tallied: Tallied::default(),
            minute: i64::MIN,
            window: 0,
            refused_in_a_row: 0,
            late: 0,
        }
    }

    /// Its epoch.
    #[must_use]
    pub const fn epoch(&self) -> u64 {
        self.epoch
    }

    /// What is counted so far.
    #[must_use]
    pub const fn tallied(&self) -> &Tallied {
        &self.tallied
    }

    /// The candidate's requests, the newest ones in a row, that were refused for the key or for want of money.
    #[must_use]
    pub const fn refused_in_a_row(&self) -> u32 {
        self.refused_in_a_row
    }

    /// Requests that ended when their block was forgotten already.
    #[must_use]
    pub const fn late(&self) -> u64 {
        self.late
    }

    /// The window that the sum over all replicas has reached; own blocks are never counted in an earlier one.
    pub fn reach(&mut self, window: u64) {
        self.window = self.window.max(window);
    }

    /// Takes an arrival.
    pub fn arrived(&mut self, fresh: Fresh) -> Place {
        let nowhere = Place { block: None, candidate: fresh.candidate };
        // A clock that is set back stands still until it has caught up: those who arrive meanwhile are contemporaries all the same.
        let minute = fresh.at_us.div_euclid(MINUTE_US).max(self.minute);
        self.minute = minute;
        if !self.units.take(fresh.unit, minute.div_euclid(60)) {
            return nowhere;
        }
        let Some(mut grouping) = self.grouping.take() else { return nowhere };
        let arrival = Arrival { stratum: u64::from(fresh.streamed), minute, candidate: fresh.candidate };
        let mut completed = None;
        let taken =
            grouping.push(
                arrival,
                |id, baselines, last| {
                    if last { completed = Some((id, baselines)) } else { self.over(id, baselines) }
                },
            );
        self.grouping = Some(grouping);
        let block = match taken {
            Taken::Unused => return nowhere,
            Taken::Opens(id) => {
                self.make_room();
                self.open.push_back(Open {
                    outcome: Outcome::new(fresh.streamed),
                    streamed: fresh.streamed,
                    running: 1,
                    state: State::Gathering,
                });
                id
            }
            Taken::Joins(id) => {
                if let Some(open) = self.find(id) {
                    open.running += 1;
                    open.outcome.joined();
                }
                id
            }
        };
        if let Some((id, baselines)) = completed {
            self.over(id, baselines);
        }
        Place { block: Some(block), candidate: fresh.candidate }
    }

    /// Takes an ending. Whoever was told a place in another epoch must not show it here.
    pub fn ended(&mut self, place: Place, ending: Ending) {
        self.tallied.arm_mut(place.candidate).add(ending);
        if place.candidate && !ending.cancelled {
            self.refused_in_a_row = if ending.key_refused { self.refused_in_a_row.saturating_add(1) } else { 0 };
        }
        let Some(id) = place.block else { return };
        let Some(open) = self.find(id) else {
            self.late += 1;
            return;
        };
        let before = *open;
        open.running = open.running.saturating_sub(1);
        open.outcome.ended(place.candidate, ending.bad);
        let after = *open;
        if let State::Counted(window) = after.state {
            let key = BlockKey { streamed: after.streamed, window };
            self.tallied.change(key, before.outcome, after.outcome);
        }
        self.let_go();
    }

    /// The block is over: nobody joins any more.
    fn over(&mut self, id: u64, baselines: u8) {
        self.window = self.window.max(self.tallied.blocks() / WINDOW_BLOCKS);
        let window = self.window;
        let Some(open) = self.find(id) else { return };
        open.state = if baselines == 0 { State::Void } else { State::Counted(window) };
        open.outcome.baselines = baselines;
        let counted = *open;
        if baselines > 0 {
            self.tallied.count(BlockKey { streamed: counted.streamed, window }, counted.outcome);
        }
        self.let_go();
    }

    fn find(&mut self, id: u64) -> Option<&mut Open> {
        self.open.get_mut(usize::try_from(id.checked_sub(self.first)?).ok()?)
    }

    /// Forgets the blocks in front that nothing can change any more.
    fn let_go(&mut self) {
        while self.open.front().is_some_and(|open| open.running == 0 && open.state != State::Gathering) {
            self.open.pop_front();
            self.first += 1;
        }
    }

    fn make_room(&mut self) {
        if self.open.len() >= OPEN_MAX {
            self.open.pop_front();
            self.first += 1;
        }
    }
}

/// The shares that are asked in one direction only.
const ASKED_ONE_WAY: [Share; 8] = [
    Share::Errors,
    Share::AnswerFailures,
    Share::StructuredFailures,
    Share::Truncations,
    Share::Cancellations,
    Share::GuardFlags,
    Share::SlowTtft,
    Share::SlowDuration,
];

/// The shares that the guard asks, in both directions where both harm.
const ASKED: [(Share, bool); 12] = [
    (Share::Errors, false),
    (Share::Blocked, false),
    (Share::Blocked, true),
    (Share::Refusals, false),
    (Share::Refusals, true),
    (Share::AnswerFailures, false),
    (Share::StructuredFailures, false),
    (Share::Truncations, false),
    (Share::Cancellations, false),
    (Share::GuardFlags, false),
    (Share::SlowTtft, false),
    (Share::SlowDuration, false),
];

#[cfg(test)]
mod tests;
