//! `weighbridge plan`.

use crate::args;
use crate::cmd::evaluate::{failure, policy};
use crate::outcome::{Exit, Failure};
use crate::render;
use evaluator::Options;
use judge::evidence::Evidence;
use judge::plan::{Plan, Stage, Traffic, plan};
use std::fmt::Write as _;

/// Beyond this many hours a guardrail is not planned with.
const HOURS_WORTH_WAITING: f64 = 1000.0;

pub(super) fn run(args: &args::Plan) -> Result<Exit, Failure> {
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
    let plan = plan(&evidence, &policy, traffic);
    if args.json {
        let json = serde_json::to_string_pretty(&plan)
            .map_err(|error| Failure { exit: Exit::Bug, message: format!("cannot write the plan: {error}") })?;
        render::result(&json);
    } else {
        render::result(&table(&plan));
    }
    Ok(Exit::Done)
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

fn table(plan: &Plan) -> String {
    let mut out = if plan.assumed {
        "No pairs are recorded: variances are those of the default scenario.\n".to_owned()
    } else {
        format!("From {} pairs.\n", plan.pairs)
    };
    // Writing to a string cannot fail, here and below.
    _ = writeln!(
        out,
        "{:.0} requests an hour, {} % of them mirrored. Medians, for a candidate that is truly equal.\n",
        plan.traffic.requests_per_hour, plan.traffic.shadow_percent
    );
    if !plan.failed.is_empty() {
        _ = writeln!(out, "NO-GO already: {}.\n", plan.failed.join(", "));
    }
    _ = writeln!(out, "{:10} {:>12} {:>9} {:>12}  slowest guardrail", "stage", "requests", "hours", "money");
    for stage in &plan.stages {
        out.push_str(&line(stage));
    }
    if let Some(shadow) = plan.stages.first() {
        out.push_str(&by_guardrail(shadow));
    }
    out
}

/// The shadow's guardrails one by one, and those that it will not decide.
fn by_guardrail(shadow: &Stage) -> String {
    let mut out = format!("\n{:22} {:>9} {:>12} {:>9}\n", "in the shadow", "there", "more pairs", "hours");
    for guardrail in &shadow.guardrails {
        _ = writeln!(
            out,
            "{:22} {:>9} {:>12} {:>9}",
            guardrail.metric,
            guardrail.have,
            number(guardrail.observations, 0),
            number(guardrail.hours, 1)
        );
    }
    let never = |hours: Option<f64>| hours.is_none_or(|hours| hours > HOURS_WORTH_WAITING);
    let hopeless: Vec<&str> = shadow
        .guardrails
        .iter()
        .filter(|guardrail| never(guardrail.hours))
        .map(|guardrail| &*guardrail.metric)
        .collect();
    if !hopeless.is_empty() {
        _ = writeln!(
            out,
            "\nNot worth waiting for: {}. A failed request is slower than any limit, so that near a quantile's share of \
             failures nothing can be proven of it; widen the margin, or leave the guardrail out.",
            hopeless.join(", ")
        );
    }
    out
}

fn number(value: Option<f64>, digits: usize) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("{value:.digits$}"))
}

fn line(stage: &Stage) -> String {
    let name = if stage.weight_percent > 0.0 { format!("{} %", stage.weight_percent) } else { "shadow".to_owned() };
    format!(
        "{name:10} {:>12} {:>9} {:>12}  {}\n",
        number(stage.requests, 0),
        number(stage.hours, 1),
        number(stage.cost, 2),
        stage.slowest.as_deref().unwrap_or("-")
    )
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

    #[test]
    fn what_cannot_be_said_is_not_a_number() {
        let stage = Stage {
            weight_percent: 5.0,
            guardrails: Vec::new(),
            requests: None,
            hours: None,
            cost: None,
            slowest: None,
        };
        assert_eq!(line(&stage).split_whitespace().collect::<Vec<_>>(), ["5", "%", "-", "-", "-", "-"]);
    }
}
