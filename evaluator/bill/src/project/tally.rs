//! Sums of the pass, by choice and by group.

use super::based::Based;
use std::collections::BTreeMap;

/// What one choice of models costs, beside what the baseline costs for the same requests.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Pair {
    pub against: Based,
    pub low: Based,
    pub likely: Based,
    pub high: Based,
}

impl Pair {
    pub(super) fn plus(&mut self, other: &Self) {
        self.against.plus(&other.against);
        self.low.plus(&other.low);
        self.likely.plus(&other.likely);
        self.high.plus(&other.high);
    }
}

/// One request with one choice, and a choice's sums: the likely bill under other conditions.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Bill {
    pub pair: Pair,
    /// Of the requests that move.
    pub moved: Pair,
    pub cheapest: Based,
    pub dearest: Based,
    /// What is paid above the cheapest price.
    pub peak: Based,
    pub batch_moved: Based,
    /// Nothing cached.
    pub cold: Based,
    /// Nine tenths cached.
    pub warm: Based,
    /// Of it the answers of what moves.
    pub answers: Based,
}

impl Bill {
    pub(super) fn plus(&mut self, other: &Self) {
        self.pair.plus(&other.pair);
        self.moved.plus(&other.moved);
        for (sum, more) in [
            (&mut self.cheapest, &other.cheapest),
            (&mut self.dearest, &other.dearest),
            (&mut self.peak, &other.peak),
            (&mut self.batch_moved, &other.batch_moved),
            (&mut self.cold, &other.cold),
            (&mut self.warm, &other.warm),
            (&mut self.answers, &other.answers),
        ] {
            sum.plus(more);
        }
    }
}

/// Sums of a group of requests.
#[derive(Debug, Clone, Default)]
pub(super) struct Cell {
    pub requests: u64,
    pub baseline: Based,
    pub choices: Vec<Pair>,
}

impl Cell {
    pub(super) fn add(&mut self, baseline: &Based, pairs: impl ExactSizeIterator<Item = Pair>) {
        self.requests += 1;
        self.baseline.plus(baseline);
        self.choices.resize(pairs.len(), Pair::default());
        for (sum, pair) in self.choices.iter_mut().zip(pairs) {
            sum.plus(&pair);
        }
    }
}

/// Cells by name, as many as there is room for; what comes later is summed up without its name. They are in the order of
/// their names, so that sums over them round in the same way in every run.
#[derive(Debug, Clone)]
pub(super) struct Groups<K> {
    room: usize,
    pub cells: BTreeMap<K, Cell>,
    pub other: Cell,
}

impl<K: Ord> Groups<K> {
    pub(super) fn new(room: usize) -> Self {
        Self { room, cells: BTreeMap::new(), other: Cell::default() }
    }

    /// The cell of a name.
    pub(super) fn cell<Q>(&mut self, name: &Q) -> &mut Cell
    where
        K: std::borrow::Borrow<Q>,
        Q: Ord + ToOwned<Owned = K> + ?Sized,
    {
        if !self.cells.contains_key(name) {
            if self.cells.len() >= self.room {
                return &mut self.other;
            }
            self.cells.insert(name.to_owned(), Cell::default());
        }
        match self.cells.get_mut(name) {
            Some(cell) => cell,
            None => &mut self.other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_summed_in_one_order_whoever_came_first() {
        let mut groups: Groups<usize> = Groups::new(168);
        for hour in (0..168).map(|step| step * 97 % 168) {
            groups.cell(&hour).add(&Based::default(), std::iter::empty());
        }
        assert_eq!(groups.cells.len(), 168);
        assert!(groups.cells.keys().is_sorted(), "{:?}", groups.cells.keys());
    }
}
