//! `weighbridge plan`.

mod log;
mod money;
mod source;
mod table;

use crate::args;
use crate::cmd::evaluate::{failure, policy};
use crate::outcome::{Exit, Failure};
use crate::render;
use bill::project::Document;
use evaluator::Options;
use judge::evidence::Evidence;
use judge::plan::{Plan, Traffic, plan, plan_assuming};
use money::StageMoney;
use serde::Serialize;
use source::Source;

/// A plan, and what a log adds to it.
#[derive(Debug, Serialize)]
struct Made {
    #[serde(flatten)]
    plan: Plan,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    from_log: Option<FromLog>,
}

/// Parts of a plan that only a request log has.
#[derive(Debug, Serialize)]
struct FromLog {
    /// What was read.
    log: log::Told,
    /// Money of each stage.
    money: Vec<StageMoney>,
    /// What the log costs at either provider (weighbridge.projection/1).
    projection: Document,
}

pub(super) fn run(args: &args::Plan) -> Result<Exit, Failure> {
    let made = match source::of(&args.records)? {
        Source::Records => from_records(args)?,
        Source::Log => from_log(args)?,
    };
    if args.json {
        let json = serde_json::to_string_pretty(&made)
            .map_err(|error| Failure { exit: Exit::Bug, message: format!("cannot write the plan: {error}") })?;
        render::result(&json);
    } else {
        render::result(&table::text(&made));
    }
    Ok(Exit::Done)
}

fn from_records(args: &args::Plan) -> Result<Made, Failure> {
    let policy = policy(args.policy.as_deref())?;
    let mut options = Options::new(policy.clone(), env!("CARGO_PKG_VERSION"));
    options.tariffs = Some(args.prices.tariffs()?);
    let evidence = if args.records.is_empty() {
        Evidence::default()
    } else {
        evaluator::evidence(&args.records, &options).map_err(|error| failure(&error))?
    };
    let requests_per_hour = match args.rate.as_deref() {
        Some(text) => rate(text)?,
        None => evidence
            .rates
            .requests_per_hour
            .or(evidence.rates.pairs_per_hour)
            .filter(|rate| *rate > 0.0)
            .ok_or_else(|| {
                Failure::usage("the records do not tell how many requests an hour there are: name --rate, as 10000/h")
            })?,
    };
    let traffic = Traffic { requests_per_hour, shadow_percent: args.shadow_percent };
    Ok(Made { plan: plan(&evidence, &policy, traffic), from_log: None })
}

/// Nobody was called yet: rate, errors, latencies and money are the log's, and the rest is the default scenario's.
fn from_log(args: &args::Plan) -> Result<Made, Failure> {
    let policy = policy(args.policy.as_deref())?;
    let tariffs = args.prices.tariffs()?;
    let named = args.rate.as_deref().map(rate).transpose()?;
    let log::Log { told, projection, evidence } = log::read(args, &policy, &tariffs, named)?;
    let whole = named.or(projection.log.requests_per_hour).ok_or_else(|| {
        Failure::usage("the log does not tell how many requests an hour there are: name --rate, as 10000/h")
    })?;
    if told.movable == 0 {
        return Err(Failure::usage("no request of the log can go to the candidate: `weighbridge preflight` says why"));
    }
    // Only what can go to the candidate is mirrored and compared.
    let requests_per_hour = whole * told.movable as f64 / told.requests as f64;
    let traffic = Traffic { requests_per_hour, shadow_percent: args.shadow_percent };
    let plan = plan_assuming(&evidence, &policy, traffic);
    let money = money::of(&plan, &projection);
    Ok(Made { plan, from_log: Some(FromLog { log: told, money, projection }) })
}

/// `10000/h`, `200/min` or `3/s`, as requests an hour.
fn rate(text: &str) -> Result<f64, Failure> {
    let wrong =
        || Failure::usage(format!("--rate is `{text}`: expected a number with its unit: 10000/h, 200/min or 3/s"));
    let (number, unit) = text.split_once('/').ok_or_else(wrong)?;
    let factor = match unit.trim() {
        "h" => 1.0,
        "min" => 60.0,
        "s" => 3600.0,
        _ => return Err(wrong()),
    };
    let number: f64 = number.trim().parse().map_err(|_| wrong())?;
    if number > 0.0 && number.is_finite() { Ok(number * factor) } else { Err(wrong()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_has_a_unit() {
        for (text, per_hour) in [("10000/h", 10_000.0), ("200/min", 12_000.0), ("2.5/s", 9_000.0)] {
            assert!((rate(text).unwrap() - per_hour).abs() < 1e-9, "{text}");
        }
        for wrong in ["", "10", "10/d", "-1/h", "x/h", "inf/s"] {
            assert!(rate(wrong).unwrap_err().message.contains("--rate"), "{wrong}");
        }
    }
}
