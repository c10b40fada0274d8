//! The inputs of the methods of [`super`].

use serde::{Deserialize, Deserializer, de::Error};

use crate::compute::inputs::{Which, inputs};

/// A whole number of any size: JSON carries at most 2^64, so that larger ones come as text.
#[derive(Debug, Clone, Copy)]
pub(super) struct Whole<T>(pub(super) T);

#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Signed(i64),
    Unsigned(u64),
    Text(String),
}

impl<'de, T: std::str::FromStr> Deserialize<'de> for Whole<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = match Written::deserialize(deserializer)? {
            Written::Signed(number) => number.to_string(),
            Written::Unsigned(number) => number.to_string(),
            Written::Text(text) => text,
        };
        let expected = || D::Error::custom(format!("`{text}` is not a whole number of the range expected here"));
        text.parse().map(Whole).map_err(|_| expected())
    }
}

inputs! {
    Clusters { numerators: Vec<f64>, sizes: Vec<f64> }
    ClusterSums {
        clusters: u64, s: Whole<i128>, n: Whole<u128>, ss: Whole<u128>, sn: Whole<i128>, nn: Whole<u128>,
    }
    DesignEffect { numerators: Vec<f64>, sizes: Vec<f64>, iid_variance: f64 }
    Inflation { effective: f64, alpha: f64 }
    Covariate { values: Vec<f64>, before: Vec<f64>, weights: Vec<f64> }
    Units { candidate: Vec<bool>, sums: Vec<f64>, sizes: Vec<f64>, before: Vec<Option<f64>> }
    UnitsTest { units: Units, margin: f64, permutations: u32, seed: u64 }
    UnitsBound { units: Units, alpha: f64, side: Which, permutations: u32, seed: u64 }
    Pairs { n: u64, b: Whole<i128>, c: Whole<i128>, bb: Whole<u128>, cc: Whole<u128>, bc: Whole<i128> }
    PairsRatio { sums: Pairs, alpha: f64, design_effect: Option<f64>, degrees: Option<f64> }
    PairsDifference { sums: Pairs, ratio: f64 }
    OneArm { n: u64, sum: Whole<i128>, squares: Whole<u128> }
    ArmsRatio { baseline: OneArm, candidate: OneArm, alpha: f64 }
    TwoRatios { baseline: Clusters, candidate: Clusters, alpha: f64 }
    Fieller {
        baseline: f64, baseline_variance: f64, candidate: f64, candidate_variance: f64, covariance: f64, degrees: f64,
        alpha: f64, side: Which,
    }
    RankOf { n: u64, share: f64, alpha: f64, n_effective: f64 }
    EffectiveValues { values: Vec<Option<f64>>, share: f64, alpha: f64, n_effective: f64 }
    EffectiveColumns {
        baseline: Vec<Option<f64>>, candidate: Vec<Option<f64>>, paired: bool, share: f64, alpha: f64,
        baseline_effective: f64, candidate_effective: f64,
    }
    BucketCounts { edges: Vec<f64>, counts: Vec<u64>, failed: u64 }
    BucketColumns {
        baseline: BucketCounts, candidate: BucketCounts, correlation: f64, share: f64, alpha: f64,
        baseline_effective: f64, candidate_effective: f64,
    }
    ShareOf { values: Vec<Option<f64>>, share: f64 }
    TwoSamples { baseline: Vec<Option<f64>>, candidate: Vec<Option<f64>> }
    Band { n: u64, total: f64 }
    Family { p_values: Vec<Option<f64>> }
    Margins { lower: Option<f64>, upper: Option<f64>, margin_below: f64, margin_above: f64 }
    EffectiveShare { events: f64, n: f64, alpha: f64, side: Which }
    EffectivePairs {
        only_candidate_bad: u64, only_baseline_bad: u64, pairs: u64, design_effect: f64, alpha: f64, side: Which,
    }
    EffectiveArms {
        candidate_events: u64, candidate_n: u64, baseline_events: u64, baseline_n: u64, candidate_design_effect: f64,
        baseline_design_effect: f64, alpha: f64, side: Which,
    }
    PairedTable {
        both_bad: u64, only_candidate_bad: u64, only_baseline_bad: u64, neither_bad: u64, alpha: f64, side: Which,
    }
}
