//! Counters of closed blocks, one set a metric: whole numbers that may be merged in any order.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{BASELINES_MAX, Block};
use crate::stats::Refusal;
use crate::stats::betting::Tally;

/// How often a block had so many baselines, so many of them bad, and a candidate that was bad or not.
///
/// Written as rows `[baselines, baselines_bad, candidate_bad, count]`, ascending.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Row>", into = "Vec<Row>")]
pub struct BlockCounts {
    counts: BTreeMap<(u8, u8, bool), u64>,
}

type Row = (u8, u8, bool, u64);

impl BlockCounts {
    /// Counts one metric of a block.
    pub fn add(&mut self, block: &Block, metric: usize) {
        self.raise((block.baselines(), block.baselines_bad(metric), block.candidate_bad(metric)), 1);
    }

    /// Counts `count` blocks with `baselines` (1 to [`BASELINES_MAX`]), of which `baselines_bad` were bad.
    ///
    /// # Errors
    ///
    /// Refuses blocks that cannot be.
    pub fn add_many(
        &mut self,
        baselines: u8,
        baselines_bad: u8,
        candidate_bad: bool,
        count: u64,
    ) -> Result<(), Refusal> {
        if baselines == 0 || baselines > BASELINES_MAX {
            let value = f64::from(baselines);
            return Err(Refusal::OutOfRange { what: "baselines in a block", value, expected: "1 to 20" });
        }
        if baselines_bad > baselines {
            return Err(Refusal::CountsInconsistent { part: u64::from(baselines_bad), whole: u64::from(baselines) });
        }
        self.raise((baselines, baselines_bad, candidate_bad), count);
        Ok(())
    }

    fn raise(&mut self, key: (u8, u8, bool), by: u64) {
        if by > 0 {
            let slot = self.counts.entry(key).or_insert(0);
            *slot = slot.saturating_add(by);
        }
    }

    /// Adds the blocks of another set.
    pub fn merge(&mut self, other: &Self) {
        for (key, count) in &other.counts {
            self.raise(*key, *count);
        }
    }

    /// Number of blocks, which is that of the candidate's requests in them.
    #[must_use]
    pub fn blocks(&self) -> u64 {
        self.counts.values().fold(0, |sum, count| sum.saturating_add(*count))
    }

    /// Bad requests of the candidate.
    #[must_use]
    pub fn candidate_bad(&self) -> u64 {
        let bad = self.counts.iter().filter(|((_, _, bad), _)| *bad);
        bad.fold(0, |sum, (_, count)| sum.saturating_add(*count))
    }

    /// The blocks' values `y_C - mean(y_B)`.
    ///
    /// # Errors
    ///
    /// None that can occur: blocks that cannot be were refused when counted.
    pub fn to_tally(&self) -> Result<Tally, Refusal> {
        Tally::new(self.counts.iter().map(|((baselines, bad, candidate), count)| {
            let own = if *candidate { i32::from(*baselines) } else { 0 };
            (own - i32::from(*bad), u32::from(*baselines), *count)
        }))
    }
}

impl TryFrom<Vec<Row>> for BlockCounts {
    type Error = Refusal;

    fn try_from(rows: Vec<Row>) -> Result<Self, Refusal> {
        let mut counts = Self::default();
        for (baselines, baselines_bad, candidate_bad, count) in rows {
            counts.add_many(baselines, baselines_bad, candidate_bad, count)?;
        }
        Ok(counts)
    }
}

impl From<BlockCounts> for Vec<Row> {
    fn from(counts: BlockCounts) -> Self {
        counts
            .counts
            .into_iter()
            .map(|((baselines, bad, candidate), count)| (baselines, bad, candidate, count))
            .collect()
    }
}
