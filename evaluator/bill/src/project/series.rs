//! How much a log's savings vary over its length, so that a month can be told from it with an interval.
//!
//! The log is cut into blocks of equal length, of time or of requests, whose number stays bounded: when there are too many,
//! neighbours are merged and the blocks become twice as long. At the end there are at most [`BATCHES`] batches of whole
//! blocks, long enough to be nearly independent of each other, and Student's t tells the interval of their mean (the method
//! of batch means). What varies between hours counts as chance too, which makes the interval wider and never narrower.

use super::based::Based;
use judge::stats::special::t_upper_quantile;
use std::collections::BTreeMap;

/// Blocks that are kept.
const BLOCKS_MAX: usize = 256;
/// Batches at the end.
const BATCHES: i64 = 20;
/// Batches below which no interval is told.
const BATCHES_MIN: i64 = 8;

/// Sums by block, one amount a choice.
#[derive(Debug, Clone)]
pub(super) struct Series {
    width: i64,
    choices: usize,
    blocks: BTreeMap<i64, Vec<Based>>,
}

impl Series {
    /// `width` is the length of the first blocks, in the unit of the positions.
    pub(super) const fn new(width: i64, choices: usize) -> Self {
        Self { width, choices, blocks: BTreeMap::new() }
    }

    pub(super) fn add(&mut self, position: i64, savings: &[Based]) {
        let block =
            self.blocks.entry(position.div_euclid(self.width)).or_insert_with(|| vec![Based::default(); self.choices]);
        for (sum, saving) in block.iter_mut().zip(savings) {
            sum.plus(saving);
        }
        while self.blocks.len() > BLOCKS_MAX {
            self.halve();
        }
    }

    fn halve(&mut self) {
        self.width = self.width.saturating_mul(2);
        for (index, sums) in std::mem::take(&mut self.blocks) {
            let block = self.blocks.entry(index.div_euclid(2)).or_insert_with(|| vec![Based::default(); self.choices]);
            for (sum, more) in block.iter_mut().zip(&sums) {
                sum.plus(more);
            }
        }
    }

    /// Half the width of the interval (95 %) of a choice's whole saving, as the log is one of many that it could have been.
    /// `None` where there are too few batches to tell.
    pub(super) fn half_width(&self, choice: usize, value: impl Fn(&Based) -> f64) -> Option<f64> {
        let (first, last) = (*self.blocks.keys().next()?, *self.blocks.keys().next_back()?);
        let blocks = last.checked_sub(first)?.checked_add(1)?;
        let long = blocks.checked_add(BATCHES - 1)? / BATCHES;
        let batches = (blocks + long - 1) / long;
        if batches < BATCHES_MIN {
            return None;
        }
        let mut sums = vec![0.0; usize::try_from(batches).ok()?];
        for (index, amounts) in &self.blocks {
            let batch = usize::try_from((index - first) / long).ok()?;
            if let (Some(sum), Some(amount)) = (sums.get_mut(batch), amounts.get(choice)) {
                *sum += value(amount);
            }
        }
        let count = sums.len() as f64;
        let mean = sums.iter().sum::<f64>() / count;
        let variance = sums.iter().map(|sum| (sum - mean).powi(2)).sum::<f64>() / (count - 1.0);
        Some(t_upper_quantile(0.025, count - 1.0) * (variance * count).sqrt())
    }
}
