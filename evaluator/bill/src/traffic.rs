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

use crate::strata::{Kind, Language};
use crate::sums::Tokens;
use datasets::Arm;
use std::collections::BTreeMap;
use wire::price::Row;

/// Random groups of conversations.
pub const GROUPS: usize = 256;
/// Hours of a week.
pub const WEEK_HOURS: usize = 168;
/// Models of each arm that are told apart; further ones are one.
pub const MODELS_MAX: u32 = 16;
/// Price lists of the other arm that are told apart in a cell. Beyond them the pairs' own clock stands in.
const RATES_MAX: usize = 16;

/// Money of one leg in nano-dollars, at its own clock and otherwise.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Leg {
    /// As it was sent.
    pub own: i64,
    /// At the cheapest time of its day if it can wait, else as it was sent.
    pub off_peak: i64,
    /// With nothing of the prompt in the cache.
    pub cold: i64,
    /// With all of the prompt in the cache.
    pub warm: i64,
}

impl Leg {
    /// A leg of which only the money as sent matters.
    #[must_use]
    pub const fn plain(own: i64) -> Self {
        Self { own, off_peak: own, cold: own, warm: own }
    }
}

/// Sums of legs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Legs {
    /// As sent.
    pub own: i128,
    /// What can wait at the cheapest time of its day.
    pub off_peak: i128,
    /// With a cold cache.
    pub cold: i128,
    /// With a warm cache.
    pub warm: i128,
}

impl Legs {
    fn add(&mut self, leg: &Leg) {
        self.own += i128::from(leg.own);
        self.off_peak += i128::from(leg.off_peak);
        self.cold += i128::from(leg.cold);
        self.warm += i128::from(leg.warm);
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        self.own = self.own.saturating_add(other.own);
        self.off_peak = self.off_peak.saturating_add(other.off_peak);
        self.cold = self.cold.saturating_add(other.cold);
        self.warm = self.warm.saturating_add(other.warm);
    }
}

/// A price list as pico-dollars a token: uncached input, cached input, cache writes, output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rate(pub [u64; 4]);

/// Tokens that a [`Rate`] prices: uncached, cached, cache writes, completion.
pub type Billed = [u128; 4];

impl Rate {
    /// What so many tokens cost in nano-dollars, without any rounding to exchanges.
    #[must_use]
    pub fn cost(&self, tokens: &Billed) -> f64 {
        self.0.iter().zip(tokens).map(|(price, tokens)| *price as f64 * *tokens as f64).sum::<f64>() / 1e3
    }

    /// The price list of a row of the table, in the standard tier and for short prompts of text.
    #[must_use]
    pub fn of(row: &Row) -> Self {
        let rates = &row.rates;
        let write = rates.cache_write_pico.unwrap_or(rates.input_pico);
        Self([rates.input_pico, rates.cached_pico, write, rates.output_pico])
    }

    /// By how much input and output one list is dearer than another; a row of the day at which this is least is its cheapest.
    #[must_use]
    pub fn dearness(&self) -> u64 {
        let [input, _, _, output] = self.0;
        input.saturating_add(output)
    }
}

/// A kind of request as one arm served it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cell {
    /// The arm whose record says so.
    pub served: Arm,
    /// Number of its model, below [`MODELS_MAX`]; that number itself stands for all others.
    pub model: u32,
    /// Script of the prompt.
    pub language: Language,
    /// What was asked for.
    pub kind: Kind,
}

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
    /// Requests that the asked arm did not answer.
    pub failed: u64,
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

/// Requests without a copy: their served money by group and by hour.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rest {
    /// Nano-dollars by random group.
    pub groups: Vec<i128>,
    /// Nano-dollars by hour of the week.
    pub hours: Vec<i128>,
}

impl Default for Rest {
    fn default() -> Self {
        Self { groups: vec![0; GROUPS], hours: vec![0; WEEK_HOURS] }
    }
}

impl Rest {
    fn add(&mut self, group: usize, hour: usize, nanos: i64) {
        for (sums, place) in [(&mut self.groups, group), (&mut self.hours, hour)] {
            if let Some(sum) = sums.get_mut(place) {
                *sum += i128::from(nanos);
            }
        }
    }

    fn merge(&mut self, other: &Self) {
        for (sums, others) in [(&mut self.groups, &other.groups), (&mut self.hours, &other.hours)] {
            for (sum, other) in sums.iter_mut().zip(others) {
                *sum += other;
            }
        }
    }
}

/// What pairs teach, by random group: requests, money of the arm that served (x) and of the other (y).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Taught {
    /// Pairs.
    pub pairs: u64,
    /// Nano-dollars of the served side.
    pub x: i128,
    /// Nano-dollars of the other side, as sent.
    pub y: i128,
}

/// Everything known of one kind of request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    /// Pairs by random group; empty without any.
    pub taught: Vec<Taught>,
    /// The other side's money under each way to price it.
    pub legs: Legs,
    /// The other side's tokens by the price list they were billed at.
    pub billed: BTreeMap<Option<Rate>, Billed>,
    /// Requests without a copy.
    pub rest_requests: u64,
    /// Their money by the other arm's price list as sent.
    pub rest: BTreeMap<Option<Rate>, Rest>,
    /// The same by the price list at which those that can wait would be sent.
    pub rest_off_peak: BTreeMap<Option<Rate>, Rest>,
}

/// What one pair teaches about one kind of request.
#[derive(Debug, Clone, Copy)]
pub struct Lesson {
    /// The kind, as its side `x` was served.
    pub cell: Cell,
    /// Nano-dollars of that side.
    pub x: i64,
    /// The other side's money.
    pub y: Leg,
    /// The other side's tokens.
    pub tokens: Tokens,
    /// The price list they were billed at.
    pub rate: Option<Rate>,
}

/// A request whose other arm is not known.
#[derive(Debug, Clone, Copy)]
pub struct Alone {
    /// Its kind.
    pub cell: Cell,
    /// The served side's money.
    pub leg: Leg,
    /// The served side's tokens.
    pub tokens: Tokens,
    /// The other arm's price list at the time of sending, if that arm has one.
    pub rate: Option<Rate>,
    /// The same at the cheapest time of the day, if the request can wait; else `rate`.
    pub rate_off_peak: Option<Rate>,
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

    /// A request that the asked arm did not answer.
    pub const fn failed(&mut self) {
        self.totals.failed += 1;
    }

    /// A failed request that another arm answered after all: it is counted with that answer, and only once.
    pub const fn answered_after_all(&mut self) {
        self.totals.failed = self.totals.failed.saturating_sub(1);
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

/// The key under which a rate is kept: itself, or none where there are too many already.
fn bounded<T>(kept: &BTreeMap<Option<Rate>, T>, rate: Option<Rate>) -> Option<Rate> {
    if kept.len() < RATES_MAX || kept.contains_key(&rate) { rate } else { None }
}

impl Totals {
    fn merge(&mut self, other: &Self) {
        self.requests += other.requests;
        self.paired += other.paired;
        self.waiting += other.waiting;
        self.unknown += other.unknown;
        self.failed += other.failed;
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

impl Known {
    pub(crate) fn merge(&mut self, other: &Self) {
        self.teach(other);
        self.rest_requests += other.rest_requests;
        for (rest, others) in [(&mut self.rest, &other.rest), (&mut self.rest_off_peak, &other.rest_off_peak)] {
            for (rate, other) in others {
                let rate = bounded(rest, *rate);
                rest.entry(rate).or_default().merge(other);
            }
        }
    }

    /// Adds what another kind's pairs teach, and nothing of its rest.
    pub(crate) fn teach(&mut self, other: &Self) {
        if self.taught.is_empty() {
            self.taught.clone_from(&other.taught);
        } else {
            for (taught, other) in self.taught.iter_mut().zip(&other.taught) {
                taught.pairs += other.pairs;
                taught.x = taught.x.saturating_add(other.x);
                taught.y = taught.y.saturating_add(other.y);
            }
        }
        self.legs.merge(&other.legs);
        for (rate, billed) in &other.billed {
            let rate = bounded(&self.billed, *rate);
            let sums = self.billed.entry(rate).or_default();
            sums.iter_mut().zip(billed).for_each(|(sum, tokens)| *sum = sum.saturating_add(*tokens));
        }
    }
}
