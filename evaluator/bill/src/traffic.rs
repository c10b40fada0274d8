//! The traffic, each request once: what it cost where it was served, and what is known of its cost on the other arm.
//!
//! Everything here is an integer sum, so that halves may be collected apart and merged. Three things are kept:
//! - *known*: requests that both arms answered, with the money of both;
//! - *lessons*: the same, by the kind of request ([`Cell`]), which teach what the other arm costs;
//! - *rest*: requests of which only the served side is known, by kind and by the price list that the other arm would have
//!   had at that moment ([`Rate`]).
//!
//! Requests of one conversation resemble each other, so that a variance must be taken over conversations. Their number is
//! not bounded; [`GROUPS`] random groups of conversations are, and serve as well: each conversation falls as a whole into
//! the group that its hash names, and groups vary like sums of independent conversations (the random groups of Hansen,
//! Hurwitz & Madow 1953; Wolter 2007, chapter 2).

mod known;
mod money;

pub use known::{Alone, Cell, Known, Lesson, Rest, Taught};
pub use money::{Billed, Leg, Legs, Rate};

use crate::sums::Tokens;
use datasets::Arm;
use known::bounded;
use std::collections::BTreeMap;

/// Random groups of conversations.
pub const GROUPS: usize = 256;
/// Hours of a week.
pub const WEEK_HOURS: usize = 168;
/// Models of each arm that are told apart; further ones are one.
pub const MODELS_MAX: u32 = 16;

/// What every request of the traffic has.
#[derive(Debug, Clone, Copy)]
pub struct Request {
    /// The arm that the client's answer came from.
    pub served: Arm,
    /// Hash of its conversation, or of itself where it has none. Its upper bits must be well mixed.
    pub conversation: u64,
    /// Hour of the week of its sending: 0 is Monday, 00:00 UTC. Below [`WEEK_HOURS`].
    pub hour_of_week: usize,
    /// It can wait for a cheaper time.
    pub waits: bool,
    /// The candidate is, or would be, dearer at that time than at the cheapest of the day.
    pub peak: bool,
    /// Token counts of the served side are an estimate.
    pub estimated: bool,
}

/// Exact sums over the traffic.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// Requests in the sums.
    pub requests: u64,
    /// Those of them with both arms known.
    pub paired: u64,
    /// Those of them that can wait.
    pub waiting: u64,
    /// Requests of which the served side has no known cost.
    pub unknown: u64,
    /// Calls for a request that the asked arm did not answer.
    pub failed: u64,
    /// Those of them for which another arm stepped in; these requests are counted with its answer.
    pub stepped_in: u64,
    /// What the traffic cost as it was split, nano-dollars.
    pub as_served: i128,
    /// The part of it that rests on estimated token counts.
    pub estimated: i128,
    /// Baseline's money that is known: of requests it served, and of pairs.
    pub baseline: i128,
    /// The same of the candidate.
    pub candidate: Legs,
    /// Tokens of the known legs, baseline and candidate.
    pub tokens: [Tokens; 2],
}

/// Known money of one slice of the traffic: a random group, or an hour of the week.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Slice {
    /// Requests.
    pub requests: u64,
    /// Requests at a dearer time of the candidate.
    pub peak: u64,
    /// Baseline's known money.
    pub baseline: i128,
    /// Candidate's known money as sent.
    pub candidate: i128,
    /// The same if what can wait were sent at the cheapest time.
    pub off_peak: i128,
}

/// The traffic's sums.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Traffic {
    pub(crate) totals: Totals,
    pub(crate) groups: Vec<Slice>,
    pub(crate) hours: Vec<Slice>,
    pub(crate) cells: BTreeMap<Cell, Known>,
}

impl Default for Traffic {
    fn default() -> Self {
        Self {
            totals: Totals::default(),
            groups: vec![Slice::default(); GROUPS],
            hours: vec![Slice::default(); WEEK_HOURS],
            cells: BTreeMap::new(),
        }
    }
}

/// The random group of a conversation.
const fn group_of(conversation: u64) -> usize {
    (conversation >> 56) as usize % GROUPS
}

impl Traffic {
    /// A request that both arms answered, with the tokens of both.
    pub fn pair(&mut self, request: &Request, baseline: i64, candidate: &Leg, tokens: [Tokens; 2]) {
        let served = match request.served {
            Arm::Baseline => baseline,
            Arm::Candidate => candidate.own,
        };
        self.count(request, served);
        self.totals.paired += 1;
        self.baseline(request, baseline, &tokens[0]);
        self.candidate(request, candidate, &tokens[1]);
    }

    /// What a pair teaches about requests of the same kind that have no copy.
    pub fn lesson(&mut self, conversation: u64, lesson: &Lesson) {
        let known = self.cells.entry(lesson.cell).or_default();
        if known.taught.is_empty() {
            known.taught = vec![Taught::default(); GROUPS];
        }
        if let Some(taught) = known.taught.get_mut(group_of(conversation)) {
            taught.pairs += 1;
            taught.x += i128::from(lesson.x);
            taught.y += i128::from(lesson.y.own);
        }
        known.legs.add(&lesson.y);
        let rate = bounded(&known.billed, lesson.rate);
        let Tokens { uncached, cached, cache_write, visible, reasoning } = lesson.tokens;
        let tokens = [uncached, cached, cache_write, visible.saturating_add(reasoning)];
        for (sum, tokens) in known.billed.entry(rate).or_default().iter_mut().zip(tokens) {
            *sum += u128::from(tokens);
        }
    }

    /// A request whose other arm is not known.
    pub fn alone(&mut self, request: &Request, alone: &Alone) {
        self.count(request, alone.leg.own);
        match request.served {
            Arm::Baseline => self.baseline(request, alone.leg.own, &alone.tokens),
            Arm::Candidate => self.candidate(request, &alone.leg, &alone.tokens),
        }
        let known = self.cells.entry(alone.cell).or_default();
        known.rest_requests += 1;
        let (group, hour) = (group_of(request.conversation), request.hour_of_week);
        for (rest, rate) in [(&mut known.rest, alone.rate), (&mut known.rest_off_peak, alone.rate_off_peak)] {
            let rate = bounded(rest, rate);
            rest.entry(rate).or_default().add(group, hour, alone.leg.own);
        }
    }

    /// A request of which the served side's cost is not known.
    pub const fn unknown(&mut self) {
        self.totals.unknown += 1;
    }

    /// A call that the asked arm did not answer.
    pub const fn failed(&mut self) {
        self.totals.failed += 1;
    }

    /// A call that was not answered and in whose place another arm stepped in.
    pub const fn stepped_in(&mut self) {
        self.totals.stepped_in += 1;
    }

    fn count(&mut self, request: &Request, served: i64) {
        let totals = &mut self.totals;
        totals.requests += 1;
        totals.waiting += u64::from(request.waits);
        totals.as_served += i128::from(served);
        totals.estimated += if request.estimated { i128::from(served) } else { 0 };
        for slice in self.slices(request) {
            slice.requests += 1;
            slice.peak += u64::from(request.peak);
        }
    }

    fn baseline(&mut self, request: &Request, nanos: i64, tokens: &Tokens) {
        self.totals.baseline += i128::from(nanos);
        self.totals.tokens[0].add(tokens);
        for slice in self.slices(request) {
            slice.baseline += i128::from(nanos);
        }
    }

    fn candidate(&mut self, request: &Request, leg: &Leg, tokens: &Tokens) {
        self.totals.candidate.add(leg);
        self.totals.tokens[1].add(tokens);
        for slice in self.slices(request) {
            slice.candidate += i128::from(leg.own);
            slice.off_peak += i128::from(leg.off_peak);
        }
    }

    fn slices(&mut self, request: &Request) -> impl Iterator<Item = &mut Slice> {
        let group = self.groups.get_mut(group_of(request.conversation));
        group.into_iter().chain(self.hours.get_mut(request.hour_of_week))
    }

    /// Adds the sums of other traffic.
    pub fn merge(&mut self, other: &Self) {
        self.totals.merge(&other.totals);
        for (slices, others) in [(&mut self.groups, &other.groups), (&mut self.hours, &other.hours)] {
            slices.iter_mut().zip(others).for_each(|(slice, other)| slice.merge(other));
        }
        for (cell, known) in &other.cells {
            self.cells.entry(*cell).or_default().merge(known);
        }
    }
}

impl Totals {
    fn merge(&mut self, other: &Self) {
        self.requests += other.requests;
        self.paired += other.paired;
        self.waiting += other.waiting;
        self.unknown += other.unknown;
        self.failed += other.failed;
        self.stepped_in += other.stepped_in;
        self.as_served = self.as_served.saturating_add(other.as_served);
        self.estimated = self.estimated.saturating_add(other.estimated);
        self.baseline = self.baseline.saturating_add(other.baseline);
        self.candidate.merge(&other.candidate);
        self.tokens.iter_mut().zip(&other.tokens).for_each(|(tokens, other)| tokens.add(other));
    }
}

impl Slice {
    fn merge(&mut self, other: &Self) {
        self.requests += other.requests;
        self.peak += other.peak;
        self.baseline = self.baseline.saturating_add(other.baseline);
        self.candidate = self.candidate.saturating_add(other.candidate);
        self.off_peak = self.off_peak.saturating_add(other.off_peak);
    }
}
