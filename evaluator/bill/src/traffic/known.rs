//! What is known of one kind of request: what its pairs teach, and its requests without a copy.

use super::money::{Billed, Leg, Legs, Rate};
use super::{GROUPS, WEEK_HOURS};
use crate::strata::{Kind, Language};
use crate::sums::Tokens;
use datasets::Arm;
use std::collections::BTreeMap;

/// Price lists of the other arm that are told apart in a cell. Beyond them the pairs' own clock stands in.
const RATES_MAX: usize = 8;

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
    pub(super) fn add(&mut self, group: usize, hour: usize, nanos: i64) {
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

/// The key under which a rate is kept: itself, or none where there are too many already.
pub(super) fn bounded<T>(kept: &BTreeMap<Option<Rate>, T>, rate: Option<Rate>) -> Option<Rate> {
    if kept.len() < RATES_MAX || kept.contains_key(&rate) { rate } else { None }
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
