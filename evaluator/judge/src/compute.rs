//! Every public estimator by name, over JSON: so that any outside tool can check our numbers.
//!
//! Names and inputs (all levels one-sided, `side` is `"lower"` or `"upper"`, `null` among latencies is a failed request):
//!
//! | method | inputs | result |
//! | --- | --- | --- |
//! | `wilson`, `clopper-pearson` | `events`, `n`, `alpha`, `side` | number |
//! | `tango`, `paired-bound` | `only_candidate_bad`, `only_baseline_bad`, `pairs`, `alpha`, `side` | number |
//! | `mcnemar-exact`, `mcnemar-mid-p` | `only_candidate_bad`, `only_baseline_bad` | number |
//! | `miettinen-nurminen`, `unpaired-bound` | `candidate_events`, `candidate_n`, `baseline_events`, `baseline_n`, `alpha`, `side` | number |
//! | `quantile-interval` | `values`, `share`, `alpha` | `point`, `lower`, `upper` (null: no finite limit) |
//! | `quantile-ratio-paired`, `quantile-ratio-unpaired` | `baseline`, `candidate`, `share`, `alpha` | `baseline`, `candidate`, `correlation`, `estimate`, `lower`, `upper` |
//! | `mean-ratio-paired`, `mean-ratio-unpaired` | `baseline`, `candidate`, `alpha` | `estimate`, `lower`, `upper`, `log_standard_error`, `degrees` |
//! | `betting-log-wealth` | `minus`, `zero`, `plus`, `m`, `against` (`"at-most"` or `"at-least"`) | number |
//! | `betting-bound` | `minus`, `zero`, `plus`, `alpha`, `side` | number |
//! | `srm` | `units_baseline`, `units_candidate`, `share` | number |
//! | `power-difference` | `variance`, `distance`, `alpha`, `beta` | number |
//! | `power-zero-events` | `margin`, `alpha` | number |
//! | `power-quantile` | `log_sd`, `share`, `margin_ratio`, `alpha`, `beta` | number |
//! | `normal-quantile` | `share` | number |
//! | `t-upper-quantile` | `alpha`, `degrees` | number |
//! | `judge` | `evidence` (see [`crate::evidence::Evidence`]; what is left out is empty), `policy` (TOML text, may be left out) | the whole judgement |
//!
//! The methods of clusters, ratios, quantiles and ranks stand in the header of `compute/clusters.rs`, those of
//! sequential evidence in that of `compute/sequential.rs`.

mod clusters;
mod inputs;
mod sequential;

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::policy::Policy;
use crate::stats::quantile::QuantilePair;
use crate::stats::ratio::MeanRatio;
use crate::stats::{Refusal, Side, betting, paired, power, proportion, quantile, special, srm, unpaired};
use inputs::{
    BettingBound, Columns, Counts, Discordant, Judgement, LatencyColumns, LogWealth, PairedShare, PowerDifference,
    PowerQuantile, PowerZeroEvents, Split, TwoArms, UpperT, Values,
};

/// Why a computation was refused.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Declined {
    /// No method has this name.
    #[error("unknown-method: no method `{0}`; the list stands in the documentation of `judge::compute`")]
    UnknownMethod(String),
    /// The inputs are not those of the method.
    #[error("bad-input: {0}")]
    BadInput(String),
    /// The estimator has no answer.
    #[error("{reason}: {0}", reason = .0.reason())]
    Refused(#[from] Refusal),
}

/// Computes one method; see the table above.
///
/// # Errors
///
/// [`Declined`], whose text begins with a stable reason: that of the [`Refusal`], `unknown-method` or `bad-input`.
pub fn compute(method: &str, inputs: &Value) -> Result<Value, Declined> {
    match method {
        "wilson" | "clopper-pearson" => share(method, &read(inputs)?),
        "tango" | "paired-bound" | "mcnemar-exact" | "mcnemar-mid-p" => pairs(method, inputs),
        "miettinen-nurminen" | "unpaired-bound" => two_arms(method, &read(inputs)?),
        "quantile-interval" | "quantile-ratio-paired" | "quantile-ratio-unpaired" => quantiles(method, inputs),
        "mean-ratio-paired" | "mean-ratio-unpaired" => mean_ratio(method, &read(inputs)?),
        "betting-log-wealth" | "betting-bound" => bets(method, inputs),
        "srm" => {
            let split: Split = read(inputs)?;
            Ok(json!(srm::p_value(split.units_baseline, split.units_candidate, split.share)?))
        }
        "power-difference" | "power-zero-events" | "power-quantile" => sizes(method, inputs),
        "normal-quantile" | "t-upper-quantile" => specials(method, inputs),
        "judge" => judgement(&read(inputs)?),
        other => clusters::compute(other, inputs)
            .or_else(|| sequential::compute(other, inputs))
            .unwrap_or_else(|| Err(Declined::UnknownMethod(other.to_owned()))),
    }
}

fn read<T: DeserializeOwned>(inputs: &Value) -> Result<T, Declined> {
    serde_json::from_value(inputs.clone()).map_err(|error| Declined::BadInput(error.to_string()))
}

fn share(method: &str, given: &Counts) -> Result<Value, Declined> {
    let side = given.side.into();
    Ok(json!(match method {
        "wilson" => proportion::wilson(given.events, given.n, given.alpha, side)?,
        _ => proportion::clopper_pearson(given.events, given.n, given.alpha, side)?,
    }))
}

fn pairs(method: &str, inputs: &Value) -> Result<Value, Declined> {
    if method.starts_with("mcnemar") {
        let given: Discordant = read(inputs)?;
        let test = if method == "mcnemar-exact" { paired::mcnemar_exact } else { paired::mcnemar_mid_p };
        return Ok(json!(test(given.only_candidate_bad, given.only_baseline_bad)));
    }
    let given: PairedShare = read(inputs)?;
    let bound = if method == "tango" { paired::tango } else { paired::bound };
    let (c01, c10) = (given.only_candidate_bad, given.only_baseline_bad);
    Ok(json!(bound(c01, c10, given.pairs, given.alpha, given.side.into())?))
}

fn two_arms(method: &str, given: &TwoArms) -> Result<Value, Declined> {
    let candidate = unpaired::Arm { events: given.candidate_events, n: given.candidate_n };
    let baseline = unpaired::Arm { events: given.baseline_events, n: given.baseline_n };
    let bound = if method == "miettinen-nurminen" { unpaired::miettinen_nurminen } else { unpaired::bound };
    Ok(json!(bound(candidate, baseline, given.alpha, given.side.into())?))
}

fn quantiles(method: &str, inputs: &Value) -> Result<Value, Declined> {
    if method == "quantile-interval" {
        let given: Values = read(inputs)?;
        let mut ascending = latencies(&given.values);
        ascending.sort_unstable_by(f64::total_cmp);
        let interval = quantile::interval(&ascending, given.share, given.alpha)?;
        let point = interval.point.is_finite().then_some(interval.point);
        return Ok(json!({"point": point, "lower": interval.lower, "upper": interval.upper}));
    }
    let given: LatencyColumns = read(inputs)?;
    let (baseline, candidate) = (latencies(&given.baseline), latencies(&given.candidate));
    let compare = if method == "quantile-ratio-paired" { QuantilePair::paired } else { QuantilePair::unpaired };
    let pair = compare(&baseline, &candidate, given.share)?;
    Ok(json!({
        "baseline": pair.baseline(),
        "candidate": pair.candidate(),
        "correlation": pair.correlation(),
        "estimate": pair.estimate(),
        "lower": pair.bound(given.alpha, Side::Lower)?,
        "upper": pair.bound(given.alpha, Side::Upper)?,
    }))
}

fn latencies(values: &[Option<f64>]) -> Vec<f64> {
    values.iter().map(|value| value.unwrap_or(f64::INFINITY)).collect()
}

fn mean_ratio(method: &str, given: &Columns) -> Result<Value, Declined> {
    let compare = if method == "mean-ratio-paired" { MeanRatio::paired } else { MeanRatio::unpaired };
    let ratio = compare(&given.baseline, &given.candidate)?;
    Ok(json!({
        "estimate": ratio.estimate(),
        "lower": ratio.bound(given.alpha, Side::Lower)?,
        "upper": ratio.bound(given.alpha, Side::Upper)?,
        "log_standard_error": ratio.log_standard_error,
        "degrees": ratio.degrees,
    }))
}

fn bets(method: &str, inputs: &Value) -> Result<Value, Declined> {
    if method == "betting-log-wealth" {
        let given: LogWealth = read(inputs)?;
        let counts = betting::Differences { minus: given.minus, zero: given.zero, plus: given.plus };
        return Ok(json!(betting::log_wealth(counts, given.m, given.against.into())?));
    }
    let given: BettingBound = read(inputs)?;
    let counts = betting::Differences { minus: given.minus, zero: given.zero, plus: given.plus };
    Ok(json!(match given.side.into() {
        Side::Lower => betting::lower(counts, given.alpha)?,
        Side::Upper => betting::upper(counts, given.alpha)?,
    }))
}

fn sizes(method: &str, inputs: &Value) -> Result<Value, Declined> {
    Ok(json!(match method {
        "power-difference" => {
            let given: PowerDifference = read(inputs)?;
            power::for_difference(given.variance, given.distance, given.alpha, given.beta)?
        }
        "power-zero-events" => {
            let given: PowerZeroEvents = read(inputs)?;
            power::for_zero_events(given.margin, given.alpha)?
        }
        _ => {
            let given: PowerQuantile = read(inputs)?;
            power::for_quantile(given.log_sd, given.share, given.margin_ratio, given.alpha, given.beta)?
        }
    }))
}

fn specials(method: &str, inputs: &Value) -> Result<Value, Declined> {
    let value = if method == "normal-quantile" {
        let given: inputs::Share = read(inputs)?;
        special::normal_quantile(given.share)
    } else {
        let given: UpperT = read(inputs)?;
        special::t_upper_quantile(given.alpha, given.degrees)
    };
    if value.is_finite() {
        Ok(json!(value))
    } else {
        Err(Declined::BadInput("outside the function's range".to_owned()))
    }
}

fn judgement(given: &Judgement) -> Result<Value, Declined> {
    let bad = |message: String| Declined::BadInput(message);
    let policy = Policy::parse(&given.policy).map_err(|error| bad(format!("policy: {error}")))?;
    serde_json::to_value(crate::judge(&given.evidence, &policy)).map_err(|error| bad(error.to_string()))
}

#[cfg(test)]
mod tests;
