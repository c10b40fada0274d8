//! Sums per cluster: what is needed to know how far requests of one consumer or conversation resemble each other.
//!
//! A hundred requests of one conversation are not a hundred independent observations. For each metric and cluster the
//! number of observations and the sum of their effects are kept; over the clusters, sums of squares and products, which
//! is all that the linearised variance needs (Deng, Knoblich, Lu 2018). A cluster that is complete can be closed: its
//! squares are added up and it is forgotten. An open cluster can still grow, and open clusters of two counters are
//! added cluster by cluster.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

use crate::metric::{Latency, Quantile, SHARE_SLOTS};

/// Place of a latency's exceedance at its margin among the effects of a cluster; the shares come first.
#[must_use]
pub const fn exceedance_slot(latency: Latency, quantile: Quantile) -> usize {
    SHARE_SLOTS + latency.slot() * 3 + quantile.slot()
}

/// Effects of a cluster: shares, and exceedances at the margin.
pub const EFFECT_SLOTS: usize = SHARE_SLOTS + 9;

/// An amount that is compared by means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Amount {
    /// Money, nano-units.
    Cost,
    /// Output tokens.
    AnswerChars,
    /// Quality score, millionths, good when large.
    Quality,
}

/// Amounts.
pub const AMOUNTS: usize = 3;

/// Observations and the sum of their effects, of one metric in one cluster.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Effect {
    /// Observations.
    pub n: u32,
    /// Sum of the effects: over pairs candidate less baseline, over served requests how many were bad.
    pub sum: i64,
}

/// One amount in one cluster.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AmountSums {
    /// Observations.
    pub n: u32,
    /// Sum over the baseline (0 where a cluster belongs to one arm).
    #[serde(with = "crate::wide")]
    pub b: i128,
    /// Sum over the candidate, or over the cluster's own arm.
    #[serde(with = "crate::wide")]
    pub c: i128,
}

/// Everything of one cluster.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ClusterSums {
    /// By place; see [`exceedance_slot`]. Shorter where the last ones were not asked.
    pub effects: Vec<Effect>,
    /// By amount.
    pub amounts: [AmountSums; AMOUNTS],
}

impl ClusterSums {
    /// Whether nothing was added.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.effects.iter().all(|effect| effect.n == 0) && self.amounts.iter().all(|amount| amount.n == 0)
    }

    /// Begins anew, for the next cluster.
    pub fn clear(&mut self) {
        self.effects.clear();
        self.amounts = [AmountSums::default(); AMOUNTS];
    }

    /// Adds an observation's effect.
    pub fn add(&mut self, slot: usize, effect: i64) {
        self.add_many(slot, 1, effect);
    }

    /// Adds several observations with the sum of their effects.
    pub fn add_many(&mut self, slot: usize, n: u32, sum: i64) {
        if slot >= EFFECT_SLOTS {
            return;
        }
        if self.effects.len() <= slot {
            self.effects.resize(slot + 1, Effect::default());
        }
        if let Some(own) = self.effects.get_mut(slot) {
            own.n = own.n.saturating_add(n);
            own.sum = own.sum.saturating_add(sum);
        }
    }

    /// Adds an observation's amounts.
    pub const fn add_amount(&mut self, amount: Amount, baseline: i64, candidate: i64) {
        let own = &mut self.amounts[amount as usize];
        own.n = own.n.saturating_add(1);
        own.b = own.b.saturating_add(baseline as i128);
        own.c = own.c.saturating_add(candidate as i128);
    }

    fn merge(&mut self, other: &Self) {
        for (slot, effect) in other.effects.iter().enumerate() {
            self.add_many(slot, effect.n, effect.sum);
        }
        for (own, other) in self.amounts.iter_mut().zip(other.amounts) {
            own.n = own.n.saturating_add(other.n);
            own.b = own.b.saturating_add(other.b);
            own.c = own.c.saturating_add(other.c);
        }
    }
}

/// Sums over clusters of one effect: s the effect's sum in a cluster, n its observations.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EffectMoments {
    /// Clusters with at least one observation.
    pub clusters: u64,
    /// Sum of s.
    #[serde(with = "crate::wide")]
    pub s: i128,
    /// Sum of n.
    #[serde(with = "crate::wide")]
    pub n: i128,
    /// Sum of s squared.
    #[serde(with = "crate::wide")]
    pub ss: i128,
    /// Sum of s n.
    #[serde(with = "crate::wide")]
    pub sn: i128,
    /// Sum of n squared.
    #[serde(with = "crate::wide")]
    pub nn: i128,
}

impl EffectMoments {
    /// Adds one cluster.
    pub const fn add(&mut self, effect: Effect) {
        if effect.n == 0 {
            return;
        }
        let (s, n) = (effect.sum as i128, effect.n as i128);
        self.clusters = self.clusters.saturating_add(1);
        self.s = self.s.saturating_add(s);
        self.n = self.n.saturating_add(n);
        self.ss = self.ss.saturating_add(s * s);
        self.sn = self.sn.saturating_add(s * n);
        self.nn = self.nn.saturating_add(n * n);
    }

    /// One cluster has grown: what stood for it is taken out, and what it is now comes in.
    const fn grow(&mut self, before: Effect, after: Effect) {
        let (mut old, mut new) = (Self::ZERO, Self::ZERO);
        old.add(before);
        new.add(after);
        self.clusters = self.clusters.saturating_add(new.clusters.saturating_sub(old.clusters));
        self.s = self.s.saturating_add(new.s - old.s);
        self.n = self.n.saturating_add(new.n - old.n);
        self.ss = self.ss.saturating_add(new.ss - old.ss);
        self.sn = self.sn.saturating_add(new.sn - old.sn);
        self.nn = self.nn.saturating_add(new.nn - old.nn);
    }

    const ZERO: Self = Self { clusters: 0, s: 0, n: 0, ss: 0, sn: 0, nn: 0 };

    /// Adds other clusters.
    pub const fn merge(&mut self, other: &Self) {
        self.clusters = self.clusters.saturating_add(other.clusters);
        self.s = self.s.saturating_add(other.s);
        self.n = self.n.saturating_add(other.n);
        self.ss = self.ss.saturating_add(other.ss);
        self.sn = self.sn.saturating_add(other.sn);
        self.nn = self.nn.saturating_add(other.nn);
    }
}

/// Sums over clusters of one amount: b and c the amounts' sums in a cluster, n its observations.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AmountMoments {
    /// Clusters with at least one observation.
    pub clusters: u64,
    /// Sum of n.
    #[serde(with = "crate::wide")]
    pub n: i128,
    /// Sum of n squared.
    #[serde(with = "crate::wide")]
    pub nn: i128,
    /// Sum of b.
    #[serde(with = "crate::wide")]
    pub b: i128,
    /// Sum of c.
    #[serde(with = "crate::wide")]
    pub c: i128,
    /// Sum of b squared.
    #[serde(with = "crate::wide")]
    pub bb: i128,
    /// Sum of c squared.
    #[serde(with = "crate::wide")]
    pub cc: i128,
    /// Sum of b c.
    #[serde(with = "crate::wide")]
    pub bc: i128,
    /// Sum of b n.
    #[serde(with = "crate::wide")]
    pub bn: i128,
    /// Sum of c n.
    #[serde(with = "crate::wide")]
    pub cn: i128,
}

impl AmountMoments {
    /// Adds one cluster. Squares that do not fit saturate; 1e19 nano-dollars in one cluster still do.
    pub const fn add(&mut self, sums: AmountSums) {
        if sums.n == 0 {
            return;
        }
        let n = sums.n as i128;
        self.clusters = self.clusters.saturating_add(1);
        self.n = self.n.saturating_add(n);
        self.nn = self.nn.saturating_add(n * n);
        self.b = self.b.saturating_add(sums.b);
        self.c = self.c.saturating_add(sums.c);
        self.bb = self.bb.saturating_add(sums.b.saturating_mul(sums.b));
        self.cc = self.cc.saturating_add(sums.c.saturating_mul(sums.c));
        self.bc = self.bc.saturating_add(sums.b.saturating_mul(sums.c));
        self.bn = self.bn.saturating_add(sums.b.saturating_mul(n));
        self.cn = self.cn.saturating_add(sums.c.saturating_mul(n));
    }

    /// One cluster has grown; as [`EffectMoments::grow`]. Squares saturate, so that differences of them fit.
    const fn grow(&mut self, before: AmountSums, after: AmountSums) {
        let (mut old, mut new) = (Self::ZERO, Self::ZERO);
        old.add(before);
        new.add(after);
        self.clusters = self.clusters.saturating_add(new.clusters.saturating_sub(old.clusters));
        self.n = self.n.saturating_add(new.n.saturating_sub(old.n));
        self.nn = self.nn.saturating_add(new.nn.saturating_sub(old.nn));
        self.b = self.b.saturating_add(new.b.saturating_sub(old.b));
        self.c = self.c.saturating_add(new.c.saturating_sub(old.c));
        self.bb = self.bb.saturating_add(new.bb.saturating_sub(old.bb));
        self.cc = self.cc.saturating_add(new.cc.saturating_sub(old.cc));
        self.bc = self.bc.saturating_add(new.bc.saturating_sub(old.bc));
        self.bn = self.bn.saturating_add(new.bn.saturating_sub(old.bn));
        self.cn = self.cn.saturating_add(new.cn.saturating_sub(old.cn));
    }

    const ZERO: Self = Self { clusters: 0, n: 0, nn: 0, b: 0, c: 0, bb: 0, cc: 0, bc: 0, bn: 0, cn: 0 };

    /// Adds other clusters.
    pub const fn merge(&mut self, other: &Self) {
        self.clusters = self.clusters.saturating_add(other.clusters);
        self.n = self.n.saturating_add(other.n);
        self.nn = self.nn.saturating_add(other.nn);
        self.b = self.b.saturating_add(other.b);
        self.c = self.c.saturating_add(other.c);
        self.bb = self.bb.saturating_add(other.bb);
        self.cc = self.cc.saturating_add(other.cc);
        self.bc = self.bc.saturating_add(other.bc);
        self.bn = self.bn.saturating_add(other.bn);
        self.cn = self.cn.saturating_add(other.cn);
    }
}

/// Clusters of one kind of evidence.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Clusters {
    /// Clusters that may still grow, by key.
    pub open: BTreeMap<u64, ClusterSums>,
    /// Closed ones, by effect.
    closed_effects: Vec<EffectMoments>,
    /// Closed ones, by amount.
    closed_amounts: [AmountMoments; AMOUNTS],
    /// How many were closed.
    closed: u64,
}

impl Clusters {
    /// The cluster of this key, to be added to.
    pub fn of(&mut self, key: u64) -> &mut ClusterSums {
        self.open.entry(key).or_default()
    }

    /// Clusters, open and closed.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.closed.saturating_add(self.open.len() as u64)
    }

    /// Whether every cluster is still known by itself.
    #[must_use]
    pub const fn all_open(&self) -> bool {
        self.closed == 0
    }

    /// Adds a complete cluster without keeping it.
    pub fn add_closed(&mut self, sums: &ClusterSums) {
        self.closed = self.closed.saturating_add(1);
        if self.closed_effects.len() < sums.effects.len() {
            self.closed_effects.resize(sums.effects.len(), EffectMoments::default());
        }
        for (moments, effect) in self.closed_effects.iter_mut().zip(&sums.effects) {
            moments.add(*effect);
        }
        for (moments, amount) in self.closed_amounts.iter_mut().zip(sums.amounts) {
            moments.add(amount);
        }
    }

    /// A cluster has grown from `before` (empty where it is new) to `after`, and neither is kept. What was added for it
    /// before, here or in clusters that these will be merged with, is taken out; so the sums of clusters that grow over
    /// time can be known at every instant without keeping any of them.
    pub fn grow(&mut self, before: &ClusterSums, after: &ClusterSums) {
        self.closed = self.closed.saturating_add(u64::from(before.is_empty() && !after.is_empty()));
        if self.closed_effects.len() < after.effects.len() {
            self.closed_effects.resize(after.effects.len(), EffectMoments::default());
        }
        for (slot, (moments, effect)) in self.closed_effects.iter_mut().zip(&after.effects).enumerate() {
            moments.grow(before.effects.get(slot).copied().unwrap_or_default(), *effect);
        }
        for ((moments, before), after) in self.closed_amounts.iter_mut().zip(before.amounts).zip(after.amounts) {
            moments.grow(before, after);
        }
    }

    /// Turns the open clusters of stretches of time, given in order, into what each stretch adds to the sums over the
    /// clusters so far: the first few stretches merged are then those first few, every cluster closed. Returns all
    /// clusters as they are after the last stretch, open.
    #[must_use]
    pub fn close_in_steps<'a>(stretches: impl IntoIterator<Item = &'a mut Self>) -> BTreeMap<u64, ClusterSums> {
        let mut so_far: BTreeMap<u64, ClusterSums> = BTreeMap::new();
        let mut before = ClusterSums::default();
        for stretch in stretches {
            for (key, sums) in std::mem::take(&mut stretch.open) {
                let own = so_far.entry(key).or_default();
                before.clone_from(own);
                if before.is_empty() {
                    *own = sums;
                } else {
                    own.merge(&sums);
                }
                stretch.grow(&before, own);
            }
        }
        so_far
    }

    /// Closes all open clusters: they are complete.
    pub fn close(&mut self) {
        for sums in std::mem::take(&mut self.open).into_values() {
            self.add_closed(&sums);
        }
    }

    /// Adds others: open ones cluster by cluster, closed ones as they are.
    pub fn merge(&mut self, other: &Self) {
        for (key, sums) in &other.open {
            self.of(*key).merge(sums);
        }
        self.closed = self.closed.saturating_add(other.closed);
        if self.closed_effects.len() < other.closed_effects.len() {
            self.closed_effects.resize(other.closed_effects.len(), EffectMoments::default());
        }
        for (own, others) in self.closed_effects.iter_mut().zip(&other.closed_effects) {
            own.merge(others);
        }
        for (own, others) in self.closed_amounts.iter_mut().zip(&other.closed_amounts) {
            own.merge(others);
        }
    }

    /// Sums over all clusters of one effect.
    #[must_use]
    pub fn effect(&self, slot: usize) -> EffectMoments {
        let mut moments = self.closed_effects.get(slot).copied().unwrap_or_default();
        for sums in self.open.values() {
            moments.add(sums.effects.get(slot).copied().unwrap_or_default());
        }
        moments
    }

    /// Sums over all clusters of one amount.
    #[must_use]
    pub fn amount(&self, amount: Amount) -> AmountMoments {
        let mut moments = self.closed_amounts[amount as usize];
        for sums in self.open.values() {
            moments.add(sums.amounts[amount as usize]);
        }
        moments
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stretches_closed_in_steps_give_every_prefix() {
        let added = [(1, 0, 1), (2, 5, -1), (1, 0, 1), (3, 30, 1), (2, 0, 1), (1, 5, 0), (3, 30, -1), (1, 40, 1)];
        let counted = |some: &[(u64, usize, i64)]| {
            let mut clusters = Clusters::default();
            for (key, slot, effect) in some {
                clusters.of(*key).add(*slot, *effect);
                clusters.of(*key).add_amount(Amount::Cost, 10 * effect, 7);
            }
            clusters
        };
        let mut stretches: Vec<Clusters> = added.chunks(2).map(counted).collect();
        let all = Clusters::close_in_steps(&mut stretches);
        assert_eq!(all, counted(&added).open);
        let mut running = Clusters::default();
        for (index, stretch) in stretches.iter().enumerate() {
            running.merge(stretch);
            let mut prefix = counted(added.get(..2 * index + 2).unwrap());
            prefix.close();
            assert_eq!(running, prefix, "stretch {index}");
        }
    }

    #[test]
    fn closing_changes_no_sum() {
        let mut clusters = Clusters::default();
        for (key, slot, effect) in [(1, 0, 1), (1, 0, -1), (2, 0, 1), (2, 40, 1), (3, 5, 0)] {
            clusters.of(key).add(slot, effect);
            clusters.of(key).add_amount(Amount::Cost, 10 * effect, 7);
        }
        let mut closed = clusters.clone();
        closed.close();
        assert!(closed.open.is_empty() && closed.count() == 3);
        for slot in 0..EFFECT_SLOTS {
            assert_eq!(clusters.effect(slot), closed.effect(slot));
        }
        assert_eq!(clusters.amount(Amount::Cost), closed.amount(Amount::Cost));
        assert_eq!(clusters.effect(0), EffectMoments { clusters: 2, s: 1, n: 3, ss: 1, sn: 1, nn: 5 });
    }
}
