//! Counts of blocks and of arms that may be added over replicas.
//!
//! Nearly all blocks hold nothing bad. They are counted once, by their size; only what is bad in some share is counted by
//! that share. A share's clean blocks are what is left.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{ASKED_ONE_WAY, Ending};
use crate::metric::{Share, ShareSet};
use crate::stats::Refusal;
use crate::stats::betting::Tally;
use crate::stats::blocks::BASELINES_MAX;

/// Windows that are kept, the newest.
pub const WINDOWS_KEPT: usize = 3;

/// Sizes of blocks, 0 included.
const SIZES: usize = BASELINES_MAX as usize + 1;

/// How a block's requests ended so far. A baseline that has not ended counts as bad where that can only lower the wealth.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Outcome {
    /// Baselines in it, once that is known.
    pub(super) baselines: u8,
    streamed: bool,
    /// Baselines that have not ended.
    running: u8,
    candidate: ShareSet,
    bad: [u8; Share::COUNT],
}

impl Outcome {
    pub(super) fn new(streamed: bool) -> Self {
        Self { streamed, ..Self::default() }
    }

    /// A baseline joins.
    pub(super) const fn joined(&mut self) {
        self.running = self.running.saturating_add(1);
    }

    pub(super) fn ended(&mut self, candidate: bool, bad: ShareSet) {
        if !candidate {
            self.running = self.running.saturating_sub(1);
        }
        for slot in bad.slots() {
            match self.bad.get_mut(slot) {
                Some(_) if candidate => self.candidate.insert(slot),
                Some(count) => *count = count.saturating_add(1),
                None => {}
            }
        }
    }

    /// Share, baselines, bad ones among them, whether the candidate was; of each share in which anything was bad.
    fn odd(self) -> impl Iterator<Item = Odd> {
        let against = ASKED_ONE_WAY.iter().filter(|share| self.streamed || **share != Share::SlowTtft);
        let against = against.fold(ShareSet::default(), |mut set, share| {
            set.insert(share.slot());
            set
        });
        let of = move |(slot, bad): (usize, u8)| {
            let running = if against.contains(slot) { self.running } else { 0 };
            let bad = bad.saturating_add(running).min(self.baselines);
            let candidate = self.candidate.contains(slot);
            (bad > 0 || candidate).then_some((slot as u8, self.baselines, bad, candidate))
        };
        self.bad.into_iter().enumerate().filter_map(of)
    }
}

/// Share's place, baselines, bad ones among them, whether the candidate was bad.
type Odd = (u8, u8, u8, bool);

/// Which counts a block is in.
#[derive(Debug, Clone, Copy)]
pub(super) struct BlockKey {
    pub(super) streamed: bool,
    pub(super) window: u64,
}

/// Blocks of one window, or of all.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Rows", into = "Rows")]
pub struct Counts {
    /// By size: whole, streamed.
    sizes: [Vec<u64>; 2],
    odd: BTreeMap<Odd, u64>,
}

/// As it travels between replicas: `[streamed, baselines, count]`, and `[share, baselines, bad, candidate, count]`.
#[derive(Serialize, Deserialize)]
struct Rows {
    #[serde(rename = "s")]
    sizes: Vec<(u8, u8, u64)>,
    #[serde(rename = "o")]
    odd: Vec<(u8, u8, u8, bool, u64)>,
}

impl From<Rows> for Counts {
    /// Rows that cannot be are left out.
    fn from(rows: Rows) -> Self {
        let mut counts = Self::default();
        for (streamed, baselines, count) in rows.sizes {
            counts.size(streamed == 1, baselines, count);
        }
        for (slot, baselines, bad, candidate, count) in rows.odd {
            if usize::from(slot) < Share::COUNT && (1..=BASELINES_MAX).contains(&baselines) && bad <= baselines {
                counts.raise((slot, baselines, bad, candidate), count);
            }
        }
        counts
    }
}

impl From<Counts> for Rows {
    fn from(counts: Counts) -> Self {
        let row = |streamed: u8, (size, count): (usize, &u64)| (streamed, size as u8, *count);
        let of = |streamed: u8, sizes: &[u64]| -> Vec<(u8, u8, u64)> {
            sizes.iter().enumerate().filter(|(_, count)| **count > 0).map(|one| row(streamed, one)).collect()
        };
        let [whole, streamed] = &counts.sizes;
        Self {
            sizes: [of(0, whole), of(1, streamed)].concat(),
            odd: counts.odd.iter().map(|((slot, k, bad, own), count)| (*slot, *k, *bad, *own, *count)).collect(),
        }
    }
}

impl Counts {
    fn size(&mut self, streamed: bool, baselines: u8, by: u64) {
        let sizes = &mut self.sizes[usize::from(streamed)];
        if baselines == 0 || baselines > BASELINES_MAX {
            return;
        }
        if sizes.is_empty() {
            sizes.resize(SIZES, 0);
        }
        if let Some(count) = sizes.get_mut(usize::from(baselines)) {
            *count = count.saturating_add(by);
        }
    }

    fn raise(&mut self, odd: Odd, by: u64) {
        let count = self.odd.entry(odd).or_default();
        *count = count.saturating_add(by);
    }

    fn lower(&mut self, odd: Odd) {
        if let Some(count) = self.odd.get_mut(&odd) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.odd.remove(&odd);
            }
        }
    }

    fn count(&mut self, streamed: bool, outcome: Outcome) {
        self.size(streamed, outcome.baselines, 1);
        outcome.odd().for_each(|odd| self.raise(odd, 1));
    }

    fn change(&mut self, before: Outcome, after: Outcome) {
        before.odd().for_each(|odd| self.lower(odd));
        after.odd().for_each(|odd| self.raise(odd, 1));
    }

    fn merge(&mut self, other: &Self) {
        for (streamed, sizes) in other.sizes.iter().enumerate() {
            for (size, count) in sizes.iter().enumerate().filter(|(_, count)| **count > 0) {
                self.size(streamed == 1, size as u8, *count);
            }
        }
        for (odd, count) in &other.odd {
            self.raise(*odd, *count);
        }
    }

    /// Number of blocks.
    #[must_use]
    pub fn blocks(&self) -> u64 {
        self.sizes.iter().flatten().fold(0, |sum, count| sum.saturating_add(*count))
    }

    /// The candidate's bad requests in blocks, in a share.
    #[must_use]
    pub fn candidate_bad(&self, share: Share) -> u64 {
        self.of(share).filter(|((.., own), _)| *own).fold(0, |sum, (_, count)| sum.saturating_add(count))
    }

    /// The baseline's bad requests in blocks, in a share.
    pub(super) fn baseline_bad(&self, share: Share) -> u64 {
        self.of(share).fold(0, |sum, ((_, _, bad, _), count)| sum.saturating_add(count.saturating_mul(bad.into())))
    }

    fn of(&self, share: Share) -> impl Iterator<Item = (Odd, u64)> {
        let slot = share.slot() as u8;
        self.odd.range((slot, 0, 0, false)..(slot + 1, 0, 0, false)).map(|(odd, count)| (*odd, *count))
    }

    /// The blocks' values of a share, as the evaluator counts them.
    ///
    /// # Errors
    ///
    /// None that can occur: blocks that cannot be are never counted.
    pub fn to_tally(&self, share: Share) -> Result<Tally, Refusal> {
        let mut clean = [0u64; SIZES];
        let [whole, streamed] = &self.sizes;
        // Only of streams a first token can be asked.
        let asked = [if share == Share::SlowTtft { &[] } else { whole.as_slice() }, streamed.as_slice()];
        for sizes in asked {
            clean.iter_mut().zip(sizes).for_each(|(clean, count)| *clean = clean.saturating_add(*count));
        }
        for ((_, baselines, ..), count) in self.of(share) {
            if let Some(clean) = clean.get_mut(usize::from(baselines)) {
                *clean = clean.saturating_sub(count);
            }
        }
        let zeros = clean.into_iter().enumerate().skip(1).map(|(size, count)| (0, size as u32, count));
        let odd = self.of(share).map(|((_, baselines, bad, own), count)| {
            let own = if own { i32::from(baselines) } else { 0 };
            (own - i32::from(bad), u32::from(baselines), count)
        });
        Tally::new(zeros.chain(odd))
    }
}

/// What an arm served.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arm {
    /// Requests that ended, without those that were cancelled.
    #[serde(rename = "n")]
    pub requests: u64,
    /// Bad ones, by [`Share::slot`].
    #[serde(rename = "b")]
    pub bad: [u64; Share::COUNT],
}

impl Arm {
    pub(super) fn add(&mut self, ending: Ending) {
        self.requests = self.requests.saturating_add(u64::from(!ending.cancelled));
        for slot in ending.bad.slots() {
            if let Some(count) = self.bad.get_mut(slot) {
                *count = count.saturating_add(1);
            }
        }
    }

    fn merge(&mut self, other: &Self) {
        self.requests = self.requests.saturating_add(other.requests);
        for (own, others) in self.bad.iter_mut().zip(other.bad) {
            *own = own.saturating_add(others);
        }
    }

    /// Failed requests.
    #[must_use]
    pub const fn errors(&self) -> u64 {
        self.bad[Share::Errors as usize]
    }
}

/// Everything that one replica has counted in an epoch, or the sum over several.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tallied {
    /// The baseline.
    #[serde(rename = "b")]
    pub baseline: Arm,
    /// The candidate.
    #[serde(rename = "c")]
    pub candidate: Arm,
    /// Blocks since the epoch began.
    #[serde(rename = "a")]
    pub(super) all: Counts,
    /// Blocks by window, the newest ones.
    #[serde(rename = "w")]
    pub(super) windows: BTreeMap<u64, Counts>,
}

impl Tallied {
    pub(super) const fn arm_mut(&mut self, candidate: bool) -> &mut Arm {
        if candidate { &mut self.candidate } else { &mut self.baseline }
    }

    /// Blocks since the epoch began.
    #[must_use]
    pub const fn all(&self) -> &Counts {
        &self.all
    }

    /// Number of blocks.
    #[must_use]
    pub fn blocks(&self) -> u64 {
        self.all.blocks()
    }

    /// Adds what another replica has counted in the same epoch.
    pub fn merge(&mut self, other: &Self) {
        self.baseline.merge(&other.baseline);
        self.candidate.merge(&other.candidate);
        self.all.merge(&other.all);
        for (window, counts) in &other.windows {
            self.windows.entry(*window).or_default().merge(counts);
        }
        self.forget_old();
    }

    pub(super) fn count(&mut self, key: BlockKey, outcome: Outcome) {
        self.all.count(key.streamed, outcome);
        self.windows.entry(key.window).or_default().count(key.streamed, outcome);
        self.forget_old();
    }

    pub(super) fn change(&mut self, key: BlockKey, before: Outcome, after: Outcome) {
        self.all.change(before, after);
        if let Some(counts) = self.windows.get_mut(&key.window) {
            counts.change(before, after);
        }
    }

    /// Blocks from each kept window to the end, the newest first.
    pub(super) fn since_each_window(&self) -> Vec<(u64, Counts)> {
        let mut running = Counts::default();
        let add = |(window, counts): (&u64, &Counts)| {
            running.merge(counts);
            (*window, running.clone())
        };
        self.windows.iter().rev().map(add).collect()
    }

    fn forget_old(&mut self) {
        while self.windows.len() > WINDOWS_KEPT {
            self.windows.pop_first();
        }
    }
}
