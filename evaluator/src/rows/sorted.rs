//! Rows in their fixed order, with the rows of one pair linked.
//!
//! Sorting is by index first: the rows themselves move once, to where they belong. What a gateway writes is nearly
//! sorted, so this stays close to one walk through the memory.
//!
//! Rows of one pair are found by a hash table of row numbers. They lie close together in time, so that the second one
//! nearly always finds the first one's slot in the cache, which a sort or a join by key would not.

use super::names::Names;
use super::row::Row;
use datasets::Exchange;

/// In a link: no later row of the same pair.
const LAST: u32 = u32::MAX >> 1;
/// In a link: there is an earlier row of the same pair.
const HAS_EARLIER: u32 = !LAST;

/// More rows than this are refused: their numbers take 31 bits.
pub(crate) const ROWS_MAX: usize = LAST as usize;

/// Rows sorted by time, pair, arm, role and sending time, each pair, arm and role once.
#[derive(Debug, Clone, Default)]
pub struct Rows {
    rows: Vec<Row>,
    names: Names,
    /// For each row the number of the next one of its pair, or [`LAST`]; with [`HAS_EARLIER`] on all but the first one.
    links: Vec<u32>,
}

impl Rows {
    /// Rows of records, for tests and for evidence in memory. Of rows that agree in pair, arm and role the one sent first
    /// stays. Nothing else is left out: neither faulty rows nor other migrations' or roles'. At most 2^31 - 1 are taken.
    #[must_use]
    pub fn of(exchanges: &[Exchange]) -> Self {
        let mut names = Names::default();
        let rows = exchanges.iter().take(ROWS_MAX).map(|exchange| Row::of(exchange, &mut names)).collect();
        Self::gather(rows, names, |_| true).0
    }

    /// Renumbers, sorts and links at most [`ROWS_MAX`] rows, leaves out those that repeat pair, arm and role of one sent
    /// earlier, and of the others those that `keep` refuses; it is asked about each in the fixed order. Also gives the
    /// number of repetitions.
    pub(crate) fn gather(mut rows: Vec<Row>, names: Names, mut keep: impl FnMut(&Row) -> bool) -> (Self, u64) {
        let (names, numbers) = names.sorted();
        if !numbers.is_identity() {
            rows.iter_mut().for_each(|row| *row = row.renumbered(&numbers));
        }
        sort(&mut rows);
        let mut links = Links::of(&rows);
        let repeated = links.repeated.iter().filter(|repeated| **repeated).count() as u64;
        let mut number = 0;
        rows.retain(|row| {
            let stays = !links.repeated.get(number).copied().unwrap_or(false) && keep(row);
            links.stays(number, stays);
            number += 1;
            stays
        });
        let links = links.compacted(rows.len());
        (Self { rows, names, links }, repeated)
    }

    /// All rows, sorted.
    #[must_use]
    pub fn all(&self) -> &[Row] {
        &self.rows
    }

    /// Their names.
    #[must_use]
    pub const fn names(&self) -> &Names {
        &self.names
    }

    /// How many there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// For each pair its rows, in the fixed order; the pairs in the order of their first rows.
    pub fn by_pair(&self) -> impl Iterator<Item = impl Iterator<Item = &Row> + Clone> {
        let firsts = self.links.iter().zip(0u32..).filter(|(link, _)| **link & HAS_EARLIER == 0);
        firsts.map(|(_, first)| self.from(first))
    }

    fn from(&self, first: u32) -> impl Iterator<Item = &Row> + Clone {
        let next = |number: &u32| self.links.get(*number as usize).map(|link| link & LAST).filter(|next| *next != LAST);
        std::iter::successors(Some(first), next).filter_map(|number| self.rows.get(number as usize))
    }
}

/// Sorts by [`Row::order`].
fn sort(rows: &mut [Row]) {
    if rows.is_sorted_by(|a, b| a.order(b).is_le()) {
        return;
    }
    let mut by_time: Vec<(i64, u32)> = rows.iter().map(|row| row.at_us).zip(0..).collect();
    by_time.sort_unstable();
    for same_time in by_time.chunk_by_mut(|a, b| a.0 == b.0).filter(|same_time| same_time.len() > 1) {
        let row = |number: u32| rows.get(number as usize);
        same_time.sort_unstable_by(|(_, a), (_, b)| match (row(*a), row(*b)) {
            (Some(a), Some(b)) => a.order(b),
            _ => a.cmp(b),
        });
    }
    permute(rows, by_time.into_iter().map(|(_, number)| number).collect());
}

/// Brings row `from[i]` to place `i`, along the cycles of the permutation, each row moving once.
fn permute(rows: &mut [Row], mut from: Vec<u32>) {
    for start in 0..from.len() {
        if from[start] as usize == start {
            continue;
        }
        let (mut place, first) = (start, rows[start]);
        loop {
            let source = std::mem::replace(&mut from[place], place as u32) as usize;
            if source == start {
                rows[place] = first;
                break;
            }
            rows[place] = rows[source];
            place = source;
        }
    }
}

/// Rows of one pair, linked backwards, before some of them are left out.
struct Links {
    /// The row before this one in its pair, or [`LAST`]; after [`Links::stays`] the new number of the last one that stays.
    earlier: Vec<u32>,
    repeated: Vec<bool>,
    compacted: Vec<u32>,
}

impl Links {
    fn of(rows: &[Row]) -> Self {
        let mut links =
            Self { earlier: vec![LAST; rows.len()], repeated: vec![false; rows.len()], compacted: Vec::new() };
        // At most half full, so that a search ends soon.
        let slots = (rows.len() * 3 / 2).next_power_of_two().max(2);
        let mut newest = vec![LAST; slots];
        for (number, row) in rows.iter().enumerate() {
            let mut slot = row.pair.mixed() as usize & (slots - 1);
            while newest[slot] != LAST && rows[newest[slot] as usize].pair != row.pair {
                slot = (slot + 1) & (slots - 1);
            }
            links.earlier[number] = newest[slot];
            if !links.repeats(rows, number) {
                newest[slot] = number as u32;
            }
        }
        links
    }

    /// Whether a row repeats one of its pair's that was sent before it. If that one was sent later, it is the repetition.
    /// Repetitions leave the chain, so that it stays as short as there are arms and roles, whatever a file repeats.
    fn repeats(&mut self, rows: &[Row], number: usize) -> bool {
        let row = &rows[number];
        let (mut later, mut earlier) = (number, self.earlier[number]);
        while earlier != LAST {
            let place = earlier as usize;
            let other = &rows[place];
            if other.arm == row.arm && other.role == row.role {
                let number_repeats = other.order_of_twins(row).is_le();
                if number_repeats {
                    self.repeated[number] = true;
                } else {
                    self.repeated[place] = true;
                    self.earlier[later] = self.earlier[place];
                }
                return number_repeats;
            }
            (later, earlier) = (place, self.earlier[place]);
        }
        false
    }

    /// Told of each row in turn whether it stays. `earlier` of a row becomes the new number of the last row of its pair
    /// up to it that stays, so that the next one of the pair finds it there.
    fn stays(&mut self, number: usize, stays: bool) {
        let earlier = self.earlier[number];
        let before = if earlier == LAST { LAST } else { self.earlier[earlier as usize] };
        if !stays {
            self.earlier[number] = before;
            return;
        }
        let new = self.compacted.len() as u32;
        if before == LAST {
            self.compacted.push(LAST);
        } else {
            let link = &mut self.compacted[before as usize];
            *link = *link & HAS_EARLIER | new;
            self.compacted.push(LAST | HAS_EARLIER);
        }
        self.earlier[number] = new;
    }

    fn compacted(self, rows: usize) -> Vec<u32> {
        debug_assert_eq!(self.compacted.len(), rows);
        self.compacted
    }
}
