//! Sums by key, with a bound: what does not fit is added up as "other", so that nothing is lost and nothing grows.

use crate::sums::Sums;
use std::collections::HashMap;
use std::hash::Hash;

/// Places of the table of recent keys; traffic comes in runs of the same few groups.
const RECENT: usize = 64;

/// Sums of at most so many groups.
#[derive(Debug, Clone)]
pub struct Book<K> {
    numbers: HashMap<K, u32>,
    rows: Vec<(K, Sums)>,
    other: Sums,
    rows_max: usize,
    /// Keys with their numbers, by what the caller says they are like.
    recent: Vec<Option<(K, u32)>>,
}

impl<K: Copy + Eq + Hash + Ord> Book<K> {
    /// An empty book of at most `rows_max` groups.
    #[must_use]
    pub fn new(rows_max: usize) -> Self {
        Self {
            numbers: HashMap::new(),
            rows: Vec::new(),
            other: Sums::default(),
            rows_max: rows_max.min(u32::MAX as usize),
            recent: vec![None; RECENT],
        }
    }

    /// The sums of a group; those of "other" if there are too many already. `like` is any number that differs between
    /// groups that follow on each other; it only makes the search shorter.
    pub fn of(&mut self, key: K, like: usize) -> &mut Sums {
        let place = like % RECENT;
        let known = self.recent.get(place).copied().flatten().filter(|(recent, _)| *recent == key);
        let number = match known {
            Some((_, number)) => Some(number),
            None => self.number(key),
        };
        if let (Some(number), Some(slot)) = (number, self.recent.get_mut(place)) {
            *slot = Some((key, number));
        }
        match number.and_then(|number| self.rows.get_mut(number as usize)) {
            Some((_, sums)) => sums,
            None => &mut self.other,
        }
    }

    fn number(&mut self, key: K) -> Option<u32> {
        if let Some(number) = self.numbers.get(&key) {
            return Some(*number);
        }
        if self.rows.len() >= self.rows_max {
            return None;
        }
        let number = self.rows.len() as u32;
        self.rows.push((key, Sums::default()));
        self.numbers.insert(key, number);
        Some(number)
    }

    /// Adds another book's sums.
    pub fn merge(&mut self, other: &Self) {
        for (key, sums) in &other.rows {
            self.of(*key, 0).merge(sums);
        }
        self.other.merge(&other.other);
    }

    /// The groups in the order of their keys, and what is in none of them.
    #[must_use]
    pub fn sorted(mut self) -> (Vec<(K, Sums)>, Sums) {
        self.rows.sort_unstable_by_key(|(key, _)| *key);
        (self.rows, self.other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sums::{Cost, Line};

    const LINE: Line =
        Line { answered: true, usage: None, cost: Cost::Priced { nanos: 7, peak: false }, answer_chars: 1 };

    #[test]
    fn what_does_not_fit_is_other_and_nothing_is_lost() {
        let mut book = Book::new(2);
        for key in [3, 1, 2, 1, 2, 3] {
            book.of(key, 5).add(&LINE);
        }
        let mut second = Book::new(2);
        for key in [9, 1] {
            second.of(key, key).add(&LINE);
        }
        book.merge(&second);
        let (rows, other) = book.sorted();
        let counts: Vec<(usize, u64)> = rows.iter().map(|(key, sums)| (*key, sums.exchanges)).collect();
        assert_eq!(counts, [(1, 3), (3, 2)]);
        assert_eq!((other.exchanges, other.nanos), (3, 21));
    }
}
