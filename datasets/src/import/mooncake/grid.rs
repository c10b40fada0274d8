//! Clocks that are coarser than the traffic.
//!
//! Mooncake's instants stand on a grid of three seconds: replayed as they are, everything of three seconds would be sent
//! at once, a burst that never was. Where a grid is found, the requests of one instant are spread over the time until
//! the next one, evenly at random and in their order: what the trace knows is kept, and what it does not know is filled
//! with the least that can be assumed.
//!
//! The grid is the greatest common divisor of the differences between the first [`ROWS_MAX`] instants, give or take what
//! rounding did to them ([`SLACK_US`]; Mooncake's clock says 5.999 s for 6 s at times). It counts as one where it is coarse ([`STEP_US_MIN`]), was seen often enough, and requests share instants. Later rows that are off it
//! stay where they are. The draws depend on the seed and on the order of the rows only.

use super::super::ImportError;
use super::super::entry::{Content, Entry, Reader};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::collections::{BTreeSet, VecDeque};

/// Requests that are looked at before the first one goes out.
const ROWS_MAX: usize = 1024;
/// Bytes that these, or the requests of one instant, may have together.
const BYTES_MAX: usize = 16 * 1024 * 1024;
/// Finer grids are clocks that are good enough.
const STEP_US_MIN: u64 = 100_000;
/// How far an instant may lie beside the grid.
const SLACK_US: u64 = 2_000;
/// Instants are rounded to this before they are divided.
const UNIT_US: u64 = 10_000;
/// Instants that must have been seen.
const INSTANTS_MIN: usize = 8;
/// Requests of one instant that are spread together; more, or longer ones than [`BYTES_MAX`], are spread in several turns,
/// out of order.
const GROUP_MAX: usize = 4096;

type Item = Result<Entry, ImportError>;

/// A reader whose instants are spread over their grid.
pub(super) struct Jittered<R> {
    inner: R,
    draws: ChaCha8Rng,
    grid: Option<Grid>,
    looked: bool,
    /// Read, and not spread yet.
    ahead: VecDeque<Item>,
    /// Spread.
    ready: VecDeque<Entry>,
    note: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Grid {
    origin_us: i64,
    step_us: u64,
}

impl<R: Reader> Jittered<R> {
    pub(super) fn new(inner: R, seed: u64) -> Self {
        Self {
            inner,
            draws: ChaCha8Rng::seed_from_u64(seed),
            grid: None,
            looked: false,
            ahead: VecDeque::new(),
            ready: VecDeque::new(),
            note: None,
        }
    }

    fn look(&mut self) {
        self.looked = true;
        let mut bytes = 0;
        while self.ahead.len() < ROWS_MAX && bytes < BYTES_MAX {
            let Some(item) = self.inner.next_entry().transpose() else { break };
            let ends = item.as_ref().is_err_and(|error| !error.is_of_a_row());
            bytes += item.as_ref().map_or(0, bytes_of);
            self.ahead.push_back(item);
            if ends {
                break;
            }
        }
        let instants: Vec<i64> = self.ahead.iter().flatten().filter_map(|entry| entry.at_us).collect();
        self.grid = Grid::of(&instants);
        self.note = self.grid.map(|grid| {
            let seconds = grid.step_us as f64 / 1e6;
            format!(
                "the times stand on a grid of {seconds} s (seen in the first {} requests): each request is put at a \
                 random place, by the seed, in the {seconds} s from its instant on",
                instants.len()
            )
        });
    }

    fn pull(&mut self) -> Option<Item> {
        self.ahead.pop_front().or_else(|| self.inner.next_entry().transpose())
    }

    /// Reads the requests of one instant and spreads them.
    fn spread(&mut self, grid: Grid) -> Result<(), ImportError> {
        let mut bytes = 0;
        while self.ready.len() < GROUP_MAX && bytes < BYTES_MAX {
            match self.pull() {
                None => break,
                Some(Err(error)) if self.ready.is_empty() => return Err(error),
                Some(Ok(entry)) if self.ready.back().is_none_or(|last| last.at_us == entry.at_us) => {
                    bytes += bytes_of(&entry);
                    self.ready.push_back(entry);
                }
                Some(other) => {
                    self.ahead.push_front(other);
                    break;
                }
            }
        }
        let Some(at_us) = self.ready.front().and_then(|entry| entry.at_us).filter(|at_us| grid.has(*at_us)) else {
            return Ok(());
        };
        let step = grid.step_us;
        let mut places: Vec<u64> = self.ready.iter().map(|_| below(&mut self.draws, step)).collect();
        places.sort_unstable();
        for (entry, place) in self.ready.iter_mut().zip(places) {
            entry.at_us = Some(at_us.saturating_add_unsigned(place));
        }
        Ok(())
    }
}

/// A whole number below `end`; its bias is `end` / 2^64 at most.
fn below(draws: &mut ChaCha8Rng, end: u64) -> u64 {
    u64::try_from((u128::from(draws.next_u64()) * u128::from(end)) >> 64).unwrap_or(0)
}

fn bytes_of(entry: &Entry) -> usize {
    match &entry.content {
        Content::Body(body) => body.get().len(),
        Content::Lengths(lengths) => {
            lengths.prefix_blocks.len() * size_of::<u64>() + lengths.model.as_ref().map_or(0, String::len)
        }
    }
}

impl<R: Reader> Reader for Jittered<R> {
    fn next_entry(&mut self) -> Result<Option<Entry>, ImportError> {
        if !self.looked {
            self.look();
        }
        let Some(grid) = self.grid else { return self.pull().transpose() };
        if self.ready.is_empty() {
            self.spread(grid)?;
        }
        Ok(self.ready.pop_front())
    }

    fn passed_over(&self) -> u64 {
        self.inner.passed_over()
    }

    fn take_note(&mut self) -> Option<String> {
        self.note.take()
    }
}

impl Grid {
    fn of(instants: &[i64]) -> Option<Self> {
        let different: BTreeSet<i64> = instants.iter().copied().collect();
        let origin_us = *instants.first()?;
        let mut divisor = 0;
        for at_us in &different {
            let distance = at_us.abs_diff(origin_us);
            if beside(distance, UNIT_US) > SLACK_US {
                return None;
            }
            divisor = common_divisor(divisor, distance.saturating_add(UNIT_US / 2) / UNIT_US);
        }
        let step_us = divisor.saturating_mul(UNIT_US);
        let shared = instants.len() - different.len();
        let coarse = step_us >= STEP_US_MIN && different.len() >= INSTANTS_MIN && shared * 10 >= instants.len();
        coarse.then_some(Self { origin_us, step_us })
    }

    const fn has(self, at_us: i64) -> bool {
        beside(at_us.abs_diff(self.origin_us), self.step_us) <= SLACK_US
    }
}

/// From a distance to the nearest multiple of a step, which is not 0.
const fn beside(distance_us: u64, step_us: u64) -> u64 {
    let behind = distance_us % step_us;
    if behind < step_us - behind { behind } else { step_us - behind }
}

const fn common_divisor(mut one: u64, mut other: u64) -> u64 {
    while other != 0 {
        (one, other) = (other, one % other);
    }
    one
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grid_is_told_from_a_fine_clock_and_from_chance_whatever_rounding_did() {
        let grid: Vec<i64> = (0..40).map(|number| 7 + number / 2 * 3_000_000).collect();
        assert_eq!(Grid::of(&grid), Some(Grid { origin_us: 7, step_us: 3_000_000 }));
        let rounded: Vec<i64> =
            grid.iter().enumerate().map(|(place, at)| at - (place as i64 / 2 % 3 - 1) * 1_000).collect();
        assert_eq!(Grid::of(&rounded).map(|grid| grid.step_us), Some(3_000_000));
        assert_eq!(Grid::of(&grid[..14]), None, "seven instants are too few");
        let alone: Vec<i64> = (0..40).map(|number| number * 3_000_000).collect();
        assert_eq!(Grid::of(&alone), None, "nothing shares an instant");
        let mut fine = grid.clone();
        fine.push(3_004_007);
        assert_eq!(Grid::of(&fine), None);
        assert_eq!((Grid::of(&[]), Grid::of(&[i64::MIN, i64::MAX])), (None, None));
    }
}
