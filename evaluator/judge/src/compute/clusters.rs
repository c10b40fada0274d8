//! The methods of clusters, ratios, quantiles and ranks; a part of the table in [`crate::compute`].
//!
//! `null` among values is a failed request; sums beyond 2^64 are given as text.
//!
//! | method | inputs | result |
//! | --- | --- | --- |
//! | `cluster-ratio` | `numerators`, `sizes` (one per cluster) | `ratio`, `variance`, `kish` |
//! | `cluster-sums` | `clusters`, `s`, `n`, `ss`, `sn`, `nn` | `ratio`, `variance`, `kish` |
//! | `design-effect` | `numerators`, `sizes`, `iid_variance` | number |
//! | `t-inflation` | `effective`, `alpha` | number |
//! | `cuped` | `values`, `before`, `weights` | `theta`, `correlation`, `variance_factor`, `adjusted` |
//! | `randomisation-p` | `units` (`candidate`, `sums`, `sizes`, `before`: one per unit), `margin`, `permutations`, `seed` | number |
//! | `randomisation-bound` | `units`, `alpha`, `side`, `permutations`, `seed` | number |
//! | `randomisation-difference` | `candidate`, `sums`, `sizes`, `before` | number |
//! | `mean-ratio-from-sums` | `sums` (`n`, `b`, `c`, `bb`, `cc`, `bc`), `alpha`; with clusters `design_effect`, `degrees` | as `mean-ratio-paired` |
//! | `mean-ratio-unpaired-from-sums` | `baseline`, `candidate` (each `n`, `sum`, `squares`), `alpha` | as `mean-ratio-unpaired` |
//! | `difference-at` | `sums` as above, `ratio` | `mean`, `variance` of that mean |
//! | `ratio-of-ratios`, `ratio-of-ratios-unpaired` | `baseline`, `candidate` (each `numerators`, `sizes`), `alpha` | as `mean-ratio-paired` |
//! | `fieller` | `baseline`, `baseline_variance`, `candidate`, `candidate_variance`, `covariance`, `degrees`, `alpha`, `side` | number |
//! | `quantile-ranks` | `n`, `share`, `alpha`, `n_effective` | `low`, `point`, `high` (null: does not exist) |
//! | `quantile-interval-effective` | `values`, `share`, `alpha`, `n_effective` | `point`, `lower`, `upper` |
//! | `quantile-ratio-effective` | `baseline`, `candidate`, `paired`, `share`, `alpha`, `baseline_effective`, `candidate_effective` | `lower`, `upper` |
//! | `quantile-ratio-buckets` | as above, each arm as `edges` (one more than buckets), `counts`, `failed`, and `correlation` | `lower`, `upper` |
//! | `harrell-davis` | `values`, `share` | number, null where infinite |
//! | `mann-whitney` | `baseline`, `candidate` | `u`, `effect`, `p_value` |
//! | `hodges-lehmann`, `kolmogorov-smirnov` | `baseline`, `candidate` | number |
//! | `band` | `n`, `total` | number |
//! | `holm`, `benjamini-hochberg` | `p_values` (null: could not be computed) | adjusted, in the same order |
//! | `two-one-sided` | `lower`, `upper`, `margin_below`, `margin_above` | `"within"`, `"above"`, `"below"`, `"undecided"` |
//! | `clopper-pearson-effective` | `events`, `n` (need not be whole), `alpha`, `side` | number |
//! | `tango-effective`, `paired-bound-effective` | `only_candidate_bad`, `only_baseline_bad`, `pairs`, `design_effect`, `alpha`, `side` | number |
//! | `newcombe-paired` | `both_bad`, `only_candidate_bad`, `only_baseline_bad`, `neither_bad`, `alpha`, `side` | number |
//! | `farrington-manning`, `newcombe` | as `miettinen-nurminen` | number |
//! | `unpaired-bound-effective` | as `unpaired-bound`, `candidate_design_effect`, `baseline_design_effect` | number |

mod inputs;
mod quantiles;

use serde_json::{Value, json};

use self::inputs::{
    ArmsRatio, Band, ClusterSums, Clusters, Covariate, DesignEffect, EffectiveArms, EffectivePairs, EffectiveShare,
    Family, Fieller, Inflation, Margins, OneArm, PairedTable, Pairs, PairsDifference, PairsRatio, TwoRatios,
    TwoSamples, Units, UnitsBound, UnitsTest,
};
use super::inputs::TwoArms;
use super::{Declined, latencies, read};
use crate::stats::adjust::{Row, Slope};
use crate::stats::cluster::{Moments, t_inflation};
use crate::stats::multiple::{self, Equivalence};
use crate::stats::randomisation::{self, UnitTotals};
use crate::stats::ratio::{ArmSums, Estimates, MeanRatio, PairedSums, RatioOfRatios};
use crate::stats::{Refusal, Side, paired, proportion, rank, unpaired};

/// Computes one method of the table above; `None` if the name is none of them.
pub(super) fn compute(method: &str, inputs: &Value) -> Option<Result<Value, Declined>> {
    Some(match method {
        "cluster-ratio" | "cluster-sums" | "design-effect" | "t-inflation" => clusters(method, inputs),
        "cuped" => read(inputs).and_then(|given| cuped(&given)),
        "randomisation-p" | "randomisation-bound" | "randomisation-difference" => randomised(method, inputs),
        "mean-ratio-from-sums" | "mean-ratio-unpaired-from-sums" | "difference-at" => from_sums(method, inputs),
        "ratio-of-ratios" | "ratio-of-ratios-unpaired" => {
            read(inputs).and_then(|given| ratio_of_ratios(method, &given))
        }
        "fieller" => read(inputs).and_then(|given| fieller(&given)),
        "quantile-ranks"
        | "quantile-interval-effective"
        | "quantile-ratio-effective"
        | "quantile-ratio-buckets"
        | "harrell-davis" => quantiles::compute(method, inputs),
        "mann-whitney" | "hodges-lehmann" | "kolmogorov-smirnov" | "band" => ranks(method, inputs),
        "holm" | "benjamini-hochberg" | "two-one-sided" => families(method, inputs),
        "clopper-pearson-effective" | "tango-effective" | "paired-bound-effective" | "newcombe-paired" => {
            shares(method, inputs)
        }
        "farrington-manning" | "newcombe" | "unpaired-bound-effective" => arms(method, inputs),
        _ => return None,
    })
}

fn aligned(left: usize, right: usize) -> Result<(), Declined> {
    if left == right { Ok(()) } else { Err(Refusal::NotAligned { baseline: left, candidate: right }.into()) }
}

fn rows(given: &Clusters) -> Result<Vec<(f64, f64)>, Declined> {
    aligned(given.numerators.len(), given.sizes.len())?;
    Ok(given.numerators.iter().copied().zip(given.sizes.iter().copied()).collect())
}

fn clusters(method: &str, inputs: &Value) -> Result<Value, Declined> {
    let moments = match method {
        "t-inflation" => {
            let given: Inflation = read(inputs)?;
            return Ok(json!(t_inflation(given.effective, given.alpha)?));
        }
        "design-effect" => {
            let given: DesignEffect = read(inputs)?;
            aligned(given.numerators.len(), given.sizes.len())?;
            let moments = Moments::of(given.numerators.into_iter().zip(given.sizes));
            return Ok(json!(moments.design_effect(given.iid_variance)?));
        }
        "cluster-ratio" => Moments::of(rows(&read(inputs)?)?),
        _ => {
            let given: ClusterSums = read(inputs)?;
            Moments::from_sums(given.clusters, given.s.0, given.n.0, given.ss.0, given.sn.0, given.nn.0)
        }
    };
    Ok(json!({"ratio": moments.ratio()?, "variance": moments.variance()?, "kish": moments.kish()}))
}

fn cuped(given: &Covariate) -> Result<Value, Declined> {
    aligned(given.values.len(), given.before.len())?;
    aligned(given.values.len(), given.weights.len())?;
    let rows: Vec<Row> = (given.values.iter().zip(&given.before).zip(&given.weights))
        .map(|((value, before), weight)| Row { value: *value, before: *before, weight: *weight })
        .collect();
    let slope = Slope::of(&rows)?;
    let adjusted: Vec<f64> = rows.iter().map(|row| slope.adjusted(row.value, row.before)).collect();
    Ok(json!({
        "theta": slope.theta,
        "correlation": slope.correlation,
        "variance_factor": slope.variance_factor(),
        "adjusted": adjusted,
    }))
}

fn units(given: &Units) -> Result<Vec<UnitTotals>, Declined> {
    for length in [given.sums.len(), given.sizes.len(), given.before.len()] {
        aligned(given.candidate.len(), length)?;
    }
    let columns = given.candidate.iter().zip(&given.sums).zip(given.sizes.iter().zip(&given.before));
    Ok(columns
        .map(|((candidate, sum), (size, before))| UnitTotals {
            candidate: *candidate,
            sum: *sum,
            size: *size,
            before: *before,
        })
        .collect())
}

fn randomised(method: &str, inputs: &Value) -> Result<Value, Declined> {
    Ok(json!(match method {
        "randomisation-p" => {
            let given: UnitsTest = read(inputs)?;
            randomisation::p_value(&units(&given.units)?, given.margin, given.permutations, given.seed)?
        }
        "randomisation-bound" => {
            let given: UnitsBound = read(inputs)?;
            let (alpha, side) = (given.alpha, given.side.into());
            randomisation::bound(&units(&given.units)?, alpha, side, given.permutations, given.seed)?
        }
        _ => randomisation::difference(&units(&read(inputs)?)?)?,
    }))
}

fn of_pairs(given: &Pairs) -> PairedSums {
    PairedSums { n: given.n, b: given.b.0, c: given.c.0, bb: given.bb.0, cc: given.cc.0, bc: given.bc.0 }
}

fn from_sums(method: &str, inputs: &Value) -> Result<Value, Declined> {
    match method {
        "difference-at" => {
            let given: PairsDifference = read(inputs)?;
            let (mean, variance) = of_pairs(&given.sums).difference_at(given.ratio)?;
            Ok(json!({"mean": mean, "variance": variance}))
        }
        "mean-ratio-from-sums" => {
            let given: PairsRatio = read(inputs)?;
            let ratio = MeanRatio::from_sums(&of_pairs(&given.sums))?;
            let degrees = given.degrees.unwrap_or(ratio.degrees);
            bounds(&ratio.inflated(given.design_effect.unwrap_or(1.0), degrees)?, given.alpha)
        }
        _ => {
            let given: ArmsRatio = read(inputs)?;
            let arm = |arm: &OneArm| ArmSums { n: arm.n, sum: arm.sum.0, squares: arm.squares.0 };
            bounds(&MeanRatio::unpaired_from_sums(&arm(&given.baseline), &arm(&given.candidate))?, given.alpha)
        }
    }
}

fn bounds(ratio: &MeanRatio, alpha: f64) -> Result<Value, Declined> {
    Ok(json!({
        "estimate": ratio.estimate(),
        "lower": ratio.bound(alpha, Side::Lower)?,
        "upper": ratio.bound(alpha, Side::Upper)?,
        "log_standard_error": ratio.log_standard_error,
        "degrees": ratio.degrees,
    }))
}

fn ratio_of_ratios(method: &str, given: &TwoRatios) -> Result<Value, Declined> {
    let (baseline, candidate) = (rows(&given.baseline)?, rows(&given.candidate)?);
    let ratio = if method == "ratio-of-ratios" {
        aligned(baseline.len(), candidate.len())?;
        RatioOfRatios::of(baseline.into_iter().zip(candidate)).ratio()?
    } else {
        RatioOfRatios::unpaired(&Moments::of(baseline), &Moments::of(candidate))?
    };
    bounds(&ratio, given.alpha)
}

fn fieller(given: &Fieller) -> Result<Value, Declined> {
    let estimates = Estimates {
        baseline: given.baseline,
        baseline_variance: given.baseline_variance,
        candidate: given.candidate,
        candidate_variance: given.candidate_variance,
        covariance: given.covariance,
        degrees: given.degrees,
    };
    Ok(json!(estimates.fieller(given.alpha, given.side.into())?))
}

fn ranks(method: &str, inputs: &Value) -> Result<Value, Declined> {
    if method == "band" {
        let given: Band = read(inputs)?;
        return Ok(json!(rank::band(given.n, given.total)?));
    }
    let given: TwoSamples = read(inputs)?;
    let (baseline, candidate) = (latencies(&given.baseline), latencies(&given.candidate));
    Ok(match method {
        "mann-whitney" => {
            let compared = rank::mann_whitney(&baseline, &candidate)?;
            json!({"u": compared.u, "effect": compared.effect, "p_value": compared.p_value})
        }
        "hodges-lehmann" => json!(rank::hodges_lehmann(&baseline, &candidate)?),
        _ => json!(rank::kolmogorov_smirnov(&baseline, &candidate)?),
    })
}

fn families(method: &str, inputs: &Value) -> Result<Value, Declined> {
    if method == "two-one-sided" {
        let given: Margins = read(inputs)?;
        let said = multiple::two_one_sided(given.lower, given.upper, given.margin_below, given.margin_above);
        return Ok(json!(match said {
            Equivalence::Within => "within",
            Equivalence::Above => "above",
            Equivalence::Below => "below",
            Equivalence::Undecided => "undecided",
        }));
    }
    let given: Family = read(inputs)?;
    let adjust = if method == "holm" { multiple::holm } else { multiple::benjamini_hochberg };
    Ok(json!(adjust(&given.p_values)))
}

fn shares(method: &str, inputs: &Value) -> Result<Value, Declined> {
    if method == "clopper-pearson-effective" {
        let given: EffectiveShare = read(inputs)?;
        let limit = proportion::clopper_pearson_effective(given.events, given.n, given.alpha, given.side.into())?;
        return Ok(json!(limit));
    }
    if method == "newcombe-paired" {
        let given: PairedTable = read(inputs)?;
        let table = paired::Table {
            both_bad: given.both_bad,
            only_candidate_bad: given.only_candidate_bad,
            only_baseline_bad: given.only_baseline_bad,
            neither_bad: given.neither_bad,
        };
        return Ok(json!(table.newcombe(given.alpha, given.side.into())?));
    }
    let given: EffectivePairs = read(inputs)?;
    let counts = paired::Discordant::of(given.only_candidate_bad, given.only_baseline_bad, given.pairs);
    let bound = if method == "tango-effective" { paired::tango_effective } else { paired::bound_effective };
    Ok(json!(bound(counts.over(given.design_effect), given.alpha, given.side.into())?))
}

fn arms(method: &str, inputs: &Value) -> Result<Value, Declined> {
    if method == "unpaired-bound-effective" {
        let given: EffectiveArms = read(inputs)?;
        let candidate = unpaired::Arm { events: given.candidate_events, n: given.candidate_n };
        let baseline = unpaired::Arm { events: given.baseline_events, n: given.baseline_n };
        let (candidate, baseline) =
            (candidate.over(given.candidate_design_effect), baseline.over(given.baseline_design_effect));
        return Ok(json!(unpaired::bound_effective(candidate, baseline, given.alpha, given.side.into())?));
    }
    let given: TwoArms = read(inputs)?;
    let candidate = unpaired::Arm { events: given.candidate_events, n: given.candidate_n };
    let baseline = unpaired::Arm { events: given.baseline_events, n: given.baseline_n };
    let bound = if method == "newcombe" { unpaired::newcombe } else { unpaired::farrington_manning };
    Ok(json!(bound(candidate, baseline, given.alpha, given.side.into())?))
}
