//! How far requests of one consumer or conversation resemble each other, and what that costs.
//!
//! The variance of a mean over clusters is the linearised one (Deng, Knoblich, Lu 2018); its ratio to the variance of
//! independent requests is the design effect, by which counts are divided (Rao & Scott 1992). Few clusters make that
//! ratio itself uncertain, for which the t quantile of the effective number of clusters stands in.

use std::cell::RefCell;
use std::collections::BTreeMap;

use crate::counters::Clusters;
use crate::counters::cluster::{Amount, AmountMoments, EffectMoments};
use crate::stats::cluster::{Moments, t_inflation};

/// Independence of the observations of one metric.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Independence {
    /// Factor on the variance of independent observations, 1 or more, without the allowance for few clusters.
    pub(crate) design_effect: f64,
    /// Kish's effective number of clusters; `None` where every request stands for itself.
    pub(crate) effective: Option<f64>,
}

impl Independence {
    /// Every request for itself.
    pub(crate) const COMPLETE: Self = Self { design_effect: 1.0, effective: None };

    /// Factor on the variance for a bound at this level, with the allowance for few clusters.
    pub(crate) fn factor(self, alpha: f64) -> f64 {
        let few = self.effective.map_or(1.0, |effective| allowance(effective.max(2.0), alpha));
        self.design_effect * few
    }

    /// The effective number of clusters where it is below the floor.
    pub(crate) fn too_few(self, floor: u64) -> Option<f64> {
        self.effective.filter(|effective| *effective < floor as f64)
    }

    /// The more cautious of two arms'.
    pub(crate) fn worse(self, other: Self) -> Self {
        let effective = match (self.effective, other.effective) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        Self { design_effect: self.design_effect.max(other.design_effect), effective }
    }
}

/// Allowances that a thread remembers at most.
const REMEMBERED: usize = 256;

thread_local! {
    /// A quantile of Student's t costs more than all the rest of a guardrail, and the metrics of one segment ask for the
    /// same few over and over. Remembering a pure function's values changes none of them.
    static ALLOWANCES: RefCell<BTreeMap<(u64, u64), f64>> = const { RefCell::new(BTreeMap::new()) };
}

/// [`t_inflation`], remembered.
fn allowance(effective: f64, alpha: f64) -> f64 {
    let key = (effective.to_bits(), alpha.to_bits());
    ALLOWANCES.with_borrow_mut(|known| {
        if known.len() >= REMEMBERED && !known.contains_key(&key) {
            known.clear();
        }
        *known.entry(key).or_insert_with(|| t_inflation(effective, alpha).unwrap_or(1.0))
    })
}

/// Independence of an effect, given the variance that its mean would have over independent requests. Where events are
/// `few`, an effect's own design effect says little: the larger of it and `frequent`, that of frequent effects of the same
/// clusters, stands in, and where there is none, every cluster counts as one observation.
pub(crate) fn of_effect(
    clusters: &Clusters,
    slot: usize,
    iid_variance: f64,
    few: bool,
    frequent: Option<f64>,
) -> Independence {
    let sums = clusters.effect(slot);
    if sums.clusters == 0 {
        return Independence::COMPLETE;
    }
    let moments = moments(&sums);
    let own = moments.design_effect(iid_variance).unwrap_or(1.0);
    let per_cluster = sums.n as f64 / sums.clusters as f64;
    let design_effect = if few { own.max(frequent.unwrap_or(per_cluster)) } else { own };
    Independence { design_effect, effective: Some(moments.kish()) }
}

/// The design effect of one effect, where it can be told.
pub(crate) fn design_effect(clusters: &Clusters, slot: usize, iid_variance: f64) -> Option<f64> {
    let sums = clusters.effect(slot);
    if sums.clusters < 2 { None } else { moments(&sums).design_effect(iid_variance).ok() }
}

/// Independence of `c - r b` of an amount, given the variance of its mean over independent requests.
pub(crate) fn of_amount(clusters: &Clusters, amount: Amount, ratio: f64, iid_variance: f64) -> Independence {
    let sums = clusters.amount(amount);
    if sums.clusters == 0 {
        return Independence::COMPLETE;
    }
    let kish = square(sums.n) / (sums.nn as f64).max(1.0);
    let variance = amount_variance(&sums, ratio);
    let design_effect =
        if iid_variance > 0.0 && variance.is_finite() { (variance / iid_variance).max(1.0) } else { 1.0 };
    Independence { design_effect, effective: Some(kish) }
}

/// `G/(G-1) sum (X_g - x n_g)^2 / n^2` with `X_g = c_g - r b_g` and x the mean.
fn amount_variance(sums: &AmountMoments, ratio: f64) -> f64 {
    let (groups, n) = (sums.clusters as f64, sums.n as f64);
    if sums.clusters < 2 || n <= 0.0 {
        return f64::NAN;
    }
    let mean = (sums.c as f64 - ratio * sums.b as f64) / n;
    let squares = sums.cc as f64 - 2.0 * ratio * sums.bc as f64 + ratio * ratio * sums.bb as f64;
    let products = sums.cn as f64 - ratio * sums.bn as f64;
    let residual = (squares - 2.0 * mean * products + mean * mean * sums.nn as f64).max(0.0);
    groups / (groups - 1.0) * residual / (n * n)
}

fn square(value: i128) -> f64 {
    value as f64 * value as f64
}

fn moments(sums: &EffectMoments) -> Moments {
    Moments::from_sums(
        sums.clusters,
        sums.s,
        sums.n.unsigned_abs(),
        sums.ss.unsigned_abs(),
        sums.sn,
        sums.nn.unsigned_abs(),
    )
}
