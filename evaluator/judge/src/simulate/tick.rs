//! Served requests of one tick, added up before they enter the evidence.

use super::grid::Grid;
use super::law::LATENCIES;
use super::population::is_of_answers;
use super::tables::Draw;
use crate::counters::canary::{Hour, ServedArm, equality_slot};
use crate::counters::cluster::exceedance_slot;
use crate::counters::{ArmSums, Canary, Plan};
use crate::metric::{Quantile, Share};
use crate::stats::blocks::{BASELINES_MAX, Block, BlockCounts};

/// One arm.
#[derive(Debug, Clone, Default)]
pub(super) struct ArmTick {
    /// Requests that ended by themselves.
    pub(super) n: u64,
    /// Requests whose client went away.
    pub(super) cancelled: u64,
    /// Bad ones by share.
    pub(super) bad: [u64; Share::COUNT],
    /// By latency and cell.
    pub(super) cells: [Vec<u32>; 2],
    /// Money of the answered ones.
    pub(super) cost: ArmSums,
}

impl ArmTick {
    pub(super) fn new(grids: &[Grid; 2]) -> Self {
        let cells = [0, 1].map(|place: usize| vec![0; grids[place].values_us.len()]);
        Self { cells, ..Self::default() }
    }

    pub(super) fn add(&mut self, draw: Draw) {
        if draw.is(Share::Cancellations) {
            self.cancelled += 1;
            return;
        }
        self.n += 1;
        let mut rest = draw.bad;
        while rest != 0 {
            if let Some(count) = self.bad.get_mut(rest.trailing_zeros() as usize) {
                *count += 1;
            }
            rest &= rest - 1;
        }
        for (cells, cell) in self.cells.iter_mut().zip(draw.cells) {
            if let Some(count) = cells.get_mut(usize::from(cell)) {
                *count += 1;
            }
        }
        draw.cost_nanos.into_iter().for_each(|cost| self.cost.push(cost));
    }

    pub(super) const fn failed(&self) -> u64 {
        self.bad[Share::Errors.slot()]
    }

    pub(super) const fn units(&self) -> u64 {
        self.n + self.cancelled
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.n += other.n;
        self.cancelled += other.cancelled;
        self.bad.iter_mut().zip(other.bad).for_each(|(own, other)| *own += other);
        for (own, other) in self.cells.iter_mut().zip(&other.cells) {
            own.iter_mut().zip(other).for_each(|(own, other)| *own += other);
        }
        self.cost.merge(&other.cost);
    }

    /// As counters. `shares`: those that the traffic has.
    pub(super) fn counted(&self, plan: &Plan, grids: &[Grid; 2], shares: &[Share]) -> ServedArm {
        let mut arm = ServedArm::default();
        for share in shares {
            let (n, bad) = match share {
                Share::Cancellations => (self.units(), self.cancelled),
                share if is_of_answers(share.slot()) => (self.n - self.failed(), self.bad[share.slot()]),
                share => (self.n, self.bad[share.slot()]),
            };
            arm.add_share(*share, n, bad);
        }
        for (place, latency) in LATENCIES.into_iter().enumerate() {
            let Some(thresholds) = plan.of(latency) else { continue };
            let cells = self.cells[place].iter().zip(&grids[place].values_us);
            for (count, value) in cells.filter(|(count, _)| **count > 0) {
                arm.latency[latency.slot()].add(thresholds, *value, u64::from(*count));
            }
        }
        arm.cost = self.cost;
        arm
    }

    /// Adds the latencies to histograms.
    fn describe(&self, grids: &[Grid; 2], histograms: &mut [crate::counters::Histogram; 3]) {
        for (place, latency) in LATENCIES.into_iter().enumerate() {
            let cells = self.cells[place].iter().zip(&grids[place].values_us);
            cells.for_each(|(count, value)| histograms[latency.slot()].add_many(*value, u64::from(*count)));
        }
    }
}

const SIDE: usize = BASELINES_MAX as usize + 1;
type Cells = [[[u32; 2]; SIDE]; SIDE];

/// Closed blocks of one tick, by outcome.
#[derive(Debug, Clone)]
pub(super) struct BlockTick {
    slots: Vec<usize>,
    /// By outcome: baselines, bad ones, candidate bad.
    cells: Vec<Cells>,
}

impl BlockTick {
    pub(super) fn new(shares: &[Share]) -> Self {
        let exceedances = LATENCIES.into_iter().flat_map(|latency| {
            Quantile::ALL
                .into_iter()
                .flat_map(move |quantile| [exceedance_slot(latency, quantile), equality_slot(latency, quantile)])
        });
        let slots: Vec<usize> = shares.iter().map(|share| share.slot()).chain(exceedances).collect();
        let cells = vec![[[[0; 2]; SIDE]; SIDE]; slots.len()];
        Self { slots, cells }
    }

    pub(super) fn add(&mut self, block: &Block) {
        let baselines = usize::from(block.baselines());
        for (slot, cells) in self.slots.iter().zip(&mut self.cells) {
            let bad = usize::from(block.baselines_bad(*slot));
            cells[baselines][bad][usize::from(block.candidate_bad(*slot))] += 1;
        }
    }

    /// Adds the blocks to the counters of a day and forgets them.
    fn drain(&mut self, mut of: impl FnMut(usize, &BlockCounts)) {
        for (slot, cells) in self.slots.iter().zip(&mut self.cells) {
            let mut counts = BlockCounts::default();
            for (baselines, by_bad) in cells.iter_mut().enumerate().skip(1) {
                for (bad, both) in by_bad.iter_mut().enumerate().take(baselines + 1) {
                    for (candidate, count) in both.iter_mut().enumerate().filter(|(_, count)| **count > 0) {
                        // Blocks of 1 to 20 baselines cannot be refused.
                        _ = counts.add_many(baselines as u8, bad as u8, candidate == 1, u64::from(*count));
                        *count = 0;
                    }
                }
            }
            of(*slot, &counts);
        }
    }
}

/// Everything that was served within one tick: requests in no pair, requests in one, and blocks.
#[derive(Debug, Clone)]
pub(super) struct Tick {
    /// By arm: outside of pairs.
    pub(super) apart: [ArmTick; 2],
    /// The baseline's half of pairs.
    pub(super) mirrored: ArmTick,
    pub(super) blocks: BlockTick,
}

impl Tick {
    pub(super) fn new(grids: &[Grid; 2], shares: &[Share]) -> Self {
        let arm = || ArmTick::new(grids);
        Self { apart: [arm(), arm()], mirrored: arm(), blocks: BlockTick::new(shares) }
    }

    /// Adds the tick to each canary, under this epoch and hour.
    pub(super) fn enter(
        mut self,
        plan: &Plan,
        grids: &[Grid; 2],
        shares: &[Share],
        (epoch, weight_bp, hour): (u64, u32, i64),
        canaries: &mut [&mut Canary],
    ) {
        let counted = |arm: &ArmTick| arm.counted(plan, grids, shares);
        let apart = Hour { baseline: counted(&self.apart[0]), candidate: counted(&self.apart[1]) };
        let mut all = apart.clone();
        all.baseline.merge(&counted(&self.mirrored));
        for canary in canaries.iter_mut() {
            let served = canary.epochs.entry(epoch).or_default();
            served.weight_bp = weight_bp;
            served.units_baseline += self.apart[0].units() + self.mirrored.units();
            served.units_candidate += self.apart[1].units();
            for (hours, own) in [(&mut served.hours, &all), (&mut served.hours_apart, &apart)] {
                let both = hours.entry(hour).or_default();
                both.baseline.merge(&own.baseline);
                both.candidate.merge(&own.candidate);
            }
            self.apart[0].describe(grids, &mut canary.latency_baseline);
            self.mirrored.describe(grids, &mut canary.latency_baseline);
            self.apart[1].describe(grids, &mut canary.latency_candidate);
        }
        self.blocks.drain(|slot, counts| {
            for canary in canaries.iter_mut() {
                canary.epochs.entry(epoch).or_default().block(hour.div_euclid(24), slot).merge(counts);
            }
        });
    }
}
