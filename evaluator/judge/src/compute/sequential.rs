//! The methods of sequential evidence: looks at any time, plans, the split, strata.
//!
//! Names and inputs, beside those of [`crate::compute`] (levels one-sided, `side` `"lower"` or `"upper"`, `against`
//! `"at-most"` or `"at-least"`; `design_effect` may be left out and is then 1):
//!
//! | method | inputs | result |
//! | --- | --- | --- |
//! | `sequence-half-width`, `sequence-half-width-two-sided` | `information`, `planned_information`, `alpha` | number |
//! | `sequence-planned-information` | `distance`, `alpha`, `beta` | number |
//! | `sequence-reached-at` | `variance`, `distance`, `planned_information`, `alpha` | number, or null |
//! | `betting-scaled-log-wealth` | `minus`, `zero`, `plus`, `m`, `against`, `design_effect` | number |
//! | `betting-scaled-bound` | `minus`, `zero`, `plus`, `alpha`, `side`, `design_effect` | number |
//! | `tally-log-wealth` | `values` (rows of numerator, denominator, count), `m`, `against`, `design_effect` | number |
//! | `tally-bound` | `values`, `alpha`, `side`, `design_effect` | number |
//! | `tally-mean` | `values` | `n`, `mean` (null without values) |
//! | `blocks` | `weight`, `requests` (rows of stratum, minute, candidate, outcomes), `metric` | `counts` (rows of baselines, baselines bad, candidate bad, count), `unused` |
//! | `block-counts-log-wealth` | `counts` (rows as above), `m`, `against`, `design_effect` | number |
//! | `restarts-log-average` | `log_wealths`, `planned_starts` | number |
//! | `discordant-log-e` | `only_candidate_bad`, `discordant` | number |
//! | `srm-log-e` | `units_baseline`, `units_candidate`, `share`, `concentration` | number |
//! | `srm-homogeneity` | `groups` (rows of observed, intended) | number |
//! | `group-sequential` | `fractions`, `alpha`, `spending` (`"obrien-fleming"` or `"pocock"`) | list of boundaries |
//! | `power-futility` | `estimate`, `information`, `information_max`, `half_width_max`, `margin` | number |
//! | `power-futility-asked` | `estimate`, `information`, `fixed_information`, `alpha`, `margin` | number, or null (too early) |
//! | `power-sequential` | `variance`, `distance`, `alpha`, `beta` | `fixed`, `median`, `likely` |
//! | `power-design-effect` | `cluster_size`, `icc` | number |
//! | `stratified-risk-difference` | `strata` (rows of candidate n and events, baseline n and events) | `estimate`, `variance`, `strata`, `unused_strata`, `unused` |
//! | `stratified-mean-difference` | `strata` (rows of candidate n, sum, sum of squares, then the baseline's) | the same |

use serde::Deserialize;
use serde_json::{Value, json};

use super::inputs::{Against, Which};
use super::{Declined, read};
use crate::stats::betting::{self, Differences, Tally};
use crate::stats::blocks::{BlockCounts, BlockFormer, Served};
use crate::stats::group_sequential::{self, Spending};
use crate::stats::stratified::{self, StratifiedDifference, Stratum, Sums};
use crate::stats::{Side, discordant, power, restarts, sequence, srm};

/// Computes a method of the table above; None if it is not one of them.
pub(super) fn compute(method: &str, inputs: &Value) -> Option<Result<Value, Declined>> {
    let (family, question) = method.split_once('-').unwrap_or((method, ""));
    let answer = match (family, question) {
        ("sequence", "half-width" | "half-width-two-sided" | "planned-information" | "reached-at") => {
            sequences(question, inputs)
        }
        ("betting", "scaled-log-wealth" | "scaled-bound") => scaled_bets(question, inputs),
        ("tally", "log-wealth" | "bound" | "mean") => tallies(question, inputs),
        ("blocks", "") => blocks(inputs),
        ("block", "counts-log-wealth") => block_wealth(inputs),
        ("restarts", "log-average") => restarted(inputs),
        ("discordant", "log-e") => discordant_pairs(inputs),
        ("srm", "log-e" | "homogeneity") => split(question, inputs),
        ("group", "sequential") => boundaries(inputs),
        ("power", "futility" | "futility-asked" | "sequential" | "design-effect") => plans(question, inputs),
        ("stratified", "risk-difference" | "mean-difference") => strata(question, inputs),
        _ => return None,
    };
    Some(answer)
}

const fn one() -> f64 {
    1.0
}

macro_rules! inputs {
    ($($name:ident { $($(#[$meta:meta])* $field:ident: $kind:ty),+ $(,)? })+) => {
        $(
            #[derive(Debug, Deserialize)]
            #[serde(deny_unknown_fields)]
            struct $name {
                $($(#[$meta])* $field: $kind,)+
            }
        )+
    };
}

inputs! {
    Width { information: f64, planned_information: f64, alpha: f64 }
    Distance { distance: f64, alpha: f64, beta: f64 }
    Reached { variance: f64, distance: f64, planned_information: f64, alpha: f64 }
    ScaledWealth {
        minus: u64, zero: u64, plus: u64, m: f64, against: Against, #[serde(default = "one")] design_effect: f64,
    }
    ScaledBound {
        minus: u64, zero: u64, plus: u64, alpha: f64, side: Which, #[serde(default = "one")] design_effect: f64,
    }
    TallyWealth { values: Vec<(i32, u32, u64)>, m: f64, against: Against, #[serde(default = "one")] design_effect: f64 }
    TallyBound { values: Vec<(i32, u32, u64)>, alpha: f64, side: Which, #[serde(default = "one")] design_effect: f64 }
    TallyMean { values: Vec<(i32, u32, u64)> }
    Stream { weight: f64, requests: Vec<(u64, i64, bool, u64)>, metric: usize }
    BlockWealth { counts: BlockCounts, m: f64, against: Against, #[serde(default = "one")] design_effect: f64 }
    Restarts { log_wealths: Vec<f64>, planned_starts: usize }
    DiscordantPairs { only_candidate_bad: u64, discordant: u64 }
    Split { units_baseline: u64, units_candidate: u64, share: f64, concentration: f64 }
    Groups { groups: Vec<(u64, u64)> }
    Looks { fractions: Vec<f64>, alpha: f64, spending: SpendingName }
    Futility { estimate: f64, information: f64, information_max: f64, half_width_max: f64, margin: f64 }
    FutilityAsked { estimate: f64, information: f64, fixed_information: f64, alpha: f64, margin: f64 }
    Plan { variance: f64, distance: f64, alpha: f64, beta: f64 }
    Clusters { cluster_size: f64, icc: f64 }
    Strata { strata: Vec<(u64, u64, u64, u64)> }
    MeanStrata { strata: Vec<(u64, f64, f64, u64, f64, f64)> }
}

#[derive(Debug, Clone, Copy, Deserialize)]
enum SpendingName {
    #[serde(rename = "obrien-fleming")]
    OBrienFleming,
    #[serde(rename = "pocock")]
    Pocock,
}

fn sequences(question: &str, inputs: &Value) -> Result<Value, Declined> {
    Ok(match question {
        "planned-information" => {
            let given: Distance = read(inputs)?;
            json!(sequence::planned_information(given.distance, given.alpha, given.beta)?)
        }
        "reached-at" => {
            let given: Reached = read(inputs)?;
            json!(sequence::reached_at(given.variance, given.distance, given.planned_information, given.alpha))
        }
        _ => {
            let given: Width = read(inputs)?;
            let one_sided = question == "half-width";
            let width = if one_sided { sequence::half_width } else { sequence::half_width_two_sided };
            json!(width(given.information, given.planned_information, given.alpha)?)
        }
    })
}

fn scaled_bets(question: &str, inputs: &Value) -> Result<Value, Declined> {
    if question == "scaled-log-wealth" {
        let given: ScaledWealth = read(inputs)?;
        let counts = Differences { minus: given.minus, zero: given.zero, plus: given.plus };
        return Ok(json!(betting::log_wealth_scaled(counts, given.m, given.against.into(), given.design_effect)?));
    }
    let given: ScaledBound = read(inputs)?;
    let counts = Differences { minus: given.minus, zero: given.zero, plus: given.plus };
    Ok(json!(match given.side.into() {
        Side::Lower => betting::lower_scaled(counts, given.design_effect, given.alpha)?,
        Side::Upper => betting::upper_scaled(counts, given.design_effect, given.alpha)?,
    }))
}

fn tallies(question: &str, inputs: &Value) -> Result<Value, Declined> {
    Ok(match question {
        "log-wealth" => {
            let given: TallyWealth = read(inputs)?;
            let tally = Tally::new(given.values)?;
            json!(tally.log_wealth(given.m, given.against.into(), given.design_effect)?)
        }
        "bound" => {
            let given: TallyBound = read(inputs)?;
            let tally = Tally::new(given.values)?;
            json!(match given.side.into() {
                Side::Lower => tally.lower(given.alpha, given.design_effect)?,
                Side::Upper => tally.upper(given.alpha, given.design_effect)?,
            })
        }
        _ => {
            let given: TallyMean = read(inputs)?;
            let tally = Tally::new(given.values)?;
            json!({"n": tally.n(), "mean": tally.mean()})
        }
    })
}

fn blocks(inputs: &Value) -> Result<Value, Declined> {
    let given: Stream = read(inputs)?;
    let mut former = BlockFormer::new(given.weight)?;
    let mut counts = BlockCounts::default();
    for (stratum, minute, candidate, outcomes) in given.requests {
        let served = Served { stratum, minute, candidate, outcomes };
        former.push(served, |block| counts.add(block, given.metric));
    }
    let unused = former.finish(|block| counts.add(block, given.metric));
    Ok(json!({
        "counts": counts,
        "unused": {"candidate": unused.candidate, "baseline": unused.baseline, "late": unused.late},
    }))
}

fn block_wealth(inputs: &Value) -> Result<Value, Declined> {
    let given: BlockWealth = read(inputs)?;
    let tally = given.counts.to_tally()?;
    Ok(json!(tally.log_wealth(given.m, given.against.into(), given.design_effect)?))
}

fn restarted(inputs: &Value) -> Result<Value, Declined> {
    let given: Restarts = read(inputs)?;
    Ok(json!(restarts::log_average(&given.log_wealths, given.planned_starts)?))
}

fn discordant_pairs(inputs: &Value) -> Result<Value, Declined> {
    let given: DiscordantPairs = read(inputs)?;
    Ok(json!(discordant::log_e_value(given.only_candidate_bad, given.discordant)?))
}

fn split(question: &str, inputs: &Value) -> Result<Value, Declined> {
    if question == "homogeneity" {
        let given: Groups = read(inputs)?;
        return Ok(json!(srm::homogeneity_p(&given.groups)?));
    }
    let given: Split = read(inputs)?;
    Ok(json!(srm::log_e_value(given.units_baseline, given.units_candidate, given.share, given.concentration)?))
}

fn boundaries(inputs: &Value) -> Result<Value, Declined> {
    let given: Looks = read(inputs)?;
    let spending = match given.spending {
        SpendingName::OBrienFleming => Spending::OBrienFleming,
        SpendingName::Pocock => Spending::Pocock,
    };
    Ok(json!(group_sequential::boundaries(&given.fractions, given.alpha, spending)?))
}

fn plans(question: &str, inputs: &Value) -> Result<Value, Declined> {
    Ok(match question {
        "futility" => {
            let Futility { estimate, information, information_max, half_width_max, margin } = read(inputs)?;
            json!(power::futility(estimate, information, information_max, half_width_max, margin)?)
        }
        "futility-asked" => {
            let FutilityAsked { estimate, information, fixed_information, alpha, margin } = read(inputs)?;
            json!(power::futility_asked(estimate, information, fixed_information, alpha, margin)?)
        }
        "sequential" => {
            let given: Plan = read(inputs)?;
            let plan = power::sequential(given.variance, given.distance, given.alpha, given.beta)?;
            json!({"fixed": plan.fixed, "median": plan.median, "likely": plan.likely})
        }
        _ => {
            let given: Clusters = read(inputs)?;
            json!(power::design_effect(given.cluster_size, given.icc)?)
        }
    })
}

fn strata(question: &str, inputs: &Value) -> Result<Value, Declined> {
    let found = if question == "risk-difference" {
        let given: Strata = read(inputs)?;
        let row = |(candidate_n, candidate_x, baseline_n, baseline_x)| Stratum {
            candidate_n,
            candidate_x,
            baseline_n,
            baseline_x,
        };
        stratified::risk_difference(&given.strata.into_iter().map(row).collect::<Vec<_>>())?
    } else {
        let given: MeanStrata = read(inputs)?;
        let row = |(candidate, sum, squares, baseline, other_sum, other_squares)| {
            (Sums { n: candidate, sum, squares }, Sums { n: baseline, sum: other_sum, squares: other_squares })
        };
        stratified::mean_difference(&given.strata.into_iter().map(row).collect::<Vec<_>>())?
    };
    let StratifiedDifference { estimate, variance, strata, unused_strata, unused } = found;
    Ok(json!({
        "estimate": estimate, "variance": variance, "strata": strata, "unused_strata": unused_strata, "unused": unused,
    }))
}
