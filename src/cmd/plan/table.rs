//! A plan in 80 columns.

use super::{FromLog, Made};
use crate::lines::wrapped;
use bill::project::{Choice, Money, Nanos};
use judge::metric::Latency;
use judge::plan::{Plan, Stage};
use std::fmt::Write as _;
use wire::price::decimal;

/// Beyond this many hours a guardrail is not planned with.
const HOURS_WORTH_WAITING: f64 = 1000.0;

pub(super) fn text(made: &Made) -> String {
    let plan = &made.plan;
    let mut out = match &made.from_log {
        Some(from) => of_log(from),
        None if plan.assumed => "No pairs are recorded: variances are those of the default scenario.\n".to_owned(),
        None => format!("From {} pairs.\n", plan.pairs),
    };
    // Writing to a string cannot fail, here and below.
    let rate = format!(
        "{:.0} requests an hour, {} % of them mirrored. Medians, for a candidate that is truly equal.",
        plan.traffic.requests_per_hour, plan.traffic.shadow_percent
    );
    _ = writeln!(out, "{}\n", wrapped(&rate, 0, 0));
    if !plan.failed.is_empty() {
        _ = writeln!(out, "NO-GO already: {}.\n", plan.failed.join(", "));
    }
    match &made.from_log {
        Some(from) => out.push_str(&stages_with_money(plan, from)),
        None => {
            _ = writeln!(out, "{:10} {:>12} {:>9} {:>12}  slowest guardrail", "stage", "requests", "hours", "money");
            for stage in &plan.stages {
                out.push_str(&line(stage));
            }
        }
    }
    if let Some(shadow) = plan.stages.first() {
        out.push_str(&by_guardrail(shadow));
    }
    if let Some(from) = &made.from_log {
        out.push_str(&bill(from));
    }
    out
}

/// What was read, and what stands in for the rest.
fn of_log(from: &FromLog) -> String {
    let told = &from.log;
    let mut out = format!("From a request log: {} requests", told.requests);
    if let Some(hours) = told.hours.filter(|hours| *hours > 0.0) {
        _ = write!(out, " in {}, {:.0} an hour", length(hours), told.requests as f64 / hours);
    }
    out.push_str(".\n");
    let movable =
        format!("{} of them can go to the candidate (`weighbridge preflight` lists the others).", told.movable);
    _ = writeln!(out, "{}", wrapped(&movable, 0, 0));
    if told.skipped > 0 {
        _ = writeln!(out, "{} rows could not be read and are left out.", told.skipped);
    }
    let mut own = Vec::new();
    if let Some(percent) = told.errors_percent {
        own.push(format!("errors ({percent:.2} %)"));
    }
    for (name, latency) in [("first text", told.ttft), ("duration", told.duration)] {
        if let Some(latency) = latency {
            own.push(format!("{name} (median {:.0} ms)", latency.median_ms));
        }
    }
    let of_its_own = if own.is_empty() { String::new() } else { format!(", with the log's own {}", own.join(", ")) };
    let stands_in = format!("No pairs are recorded: variances are those of the default scenario{of_its_own}.");
    _ = writeln!(out, "{}", wrapped(&stands_in, 0, 0));
    out
}

fn length(hours: f64) -> String {
    if hours >= 48.0 {
        format!("{:.1} days", hours / 24.0)
    } else if hours >= 2.0 {
        format!("{hours:.1} hours")
    } else {
        format!("{:.1} minutes", hours * 60.0)
    }
}

fn stages_with_money(plan: &Plan, from: &FromLog) -> String {
    let mut out =
        format!("{:9} {:>10} {:>8} {:>11}  {:19} slowest guardrail\n", "stage", "requests", "hours", "money", "95 %");
    for (stage, money) in plan.stages.iter().zip(&from.money) {
        let (value, interval) = match &money.money {
            Some(money) => (dollars(money.value), between(money)),
            None => ("-".to_owned(), "-".to_owned()),
        };
        _ = writeln!(
            out,
            "{:9} {:>10} {:>8} {value:>11}  {interval:19} {}",
            name(stage),
            number(stage.requests, 0),
            number(stage.hours, 1),
            stage.slowest.as_deref().unwrap_or("-")
        );
    }
    out.push_str("Money is what the stage costs beyond today's bill: below 0 it saves.\n");
    out
}

/// What moving everything would cost and save.
fn bill(from: &FromLog) -> String {
    let projection = &from.projection;
    let mut out = format!(
        "\nThe log's requests at the prices of the week to {}, {}:\n{:22} {:>12} {:>12}  95 %\n",
        day(&projection.now),
        projection.currency,
        "",
        "cost",
        "saving"
    );
    let priced = projection.log.billed.saturating_sub(projection.baseline.unpriced) > 0;
    let today = some_dollars(projection.baseline.today.value, priced);
    _ = writeln!(out, "{:22} {today:>12}", projection.baseline.provider);
    for choice in &projection.choices {
        let saving = choice
            .saving
            .map_or_else(|| ("-".to_owned(), "-".to_owned()), |saving| (dollars(saving.value), between(&saving)));
        _ = writeln!(
            out,
            "{:22} {:>12} {:>12}  {}",
            choice.name,
            some_dollars(choice.cost.value, choice.priced > 0),
            saving.0,
            saving.1
        );
    }
    if let Some(choice) = projection.choices.first().filter(|choice| choice.priced > 0) {
        out.push_str(&month(choice));
        out.push_str(&if_otherwise(choice));
    }
    for note in projection.notes.iter().chain(&projection.stale) {
        _ = writeln!(out, "Note: {}", wrapped(note, 6, 0));
    }
    out
}

fn month(choice: &Choice) -> String {
    let Some(month) = &choice.month else { return String::new() };
    let saving = match &month.saving {
        Some(saving) => format!("saving {} ({})", dollars(saving.value), between(saving)),
        // The sum above tells one: only how sure it is cannot be told.
        None if choice.saving.is_some() => {
            let saving = Nanos(month.against.0.saturating_sub(month.cost.0));
            format!("saving {}, without an interval: the log is too short for one", dollars(saving))
        }
        None => "no saving can be told".to_owned(),
    };
    let later = month.saving_batch_moved.map(|later| format!("; {} if what can wait waits", dollars(later)));
    let said = format!(
        "A month of {:.0} requests, as mapped: {} today, {} moved; {saving}{}.",
        month.requests,
        dollars(month.against),
        dollars(month.cost),
        later.unwrap_or_default()
    );
    format!("\n{}\n", wrapped(&said, 0, 0))
}

/// What the sums assume, and what they would be otherwise.
fn if_otherwise(choice: &Choice) -> String {
    let cached: Vec<String> = choice
        .cache
        .iter()
        .map(|cached| {
            let share =
                cached.share.map_or_else(|| "as much as today's".to_owned(), |share| format!("{:.0} %", share * 100.0));
            format!("{share}: {}", dollars(cached.cost))
        })
        .collect();
    let mut said = format!("As mapped, by what the candidate's cache holds: {}.", cached.join(", "));
    if let Some(thinking) = choice.thinking {
        _ = write!(
            said,
            " Thinking is switched off; with it {}, if it writes {:.1} times as much (not measured for today's models).",
            dollars(thinking.cost),
            f64::from(thinking.percent) / 100.0
        );
    }
    format!("\n{}\n", wrapped(&said, 0, 0))
}

fn dollars(nanos: Nanos) -> String {
    decimal(nanos.0, if nanos.0.unsigned_abs() < 10_000_000_000 { 4 } else { 2 })
}

/// An amount, where anything in it has a price.
fn some_dollars(nanos: Nanos, priced: bool) -> String {
    if priced { dollars(nanos) } else { "-".to_owned() }
}

fn between(money: &Money) -> String {
    format!("{} to {}", dollars(money.lower), dollars(money.upper))
}

fn day(instant: &str) -> &str {
    instant.split('T').next().unwrap_or_default()
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
        _ = writeln!(out, "\n{}", wrapped(&not_worth_waiting(&hopeless), 0, 0));
    }
    out
}

/// Guardrails that no plausible number of requests decides, and why, as far as that is known of their kind.
fn not_worth_waiting(metrics: &[&str]) -> String {
    let of_latency = |metric: &&&str| {
        Latency::ALL
            .iter()
            .any(|latency| metric.strip_prefix(latency.name()).is_some_and(|rest| rest.starts_with("_p")))
    };
    let mut said = format!("Not worth waiting for: {}.", metrics.join(", "));
    let latencies: Vec<&str> = metrics.iter().filter(of_latency).copied().collect();
    if !latencies.is_empty() {
        _ = write!(
            said,
            " A failed request is slower than any limit, so that near a quantile's share of failures nothing can be \
             proven of it ({}).",
            latencies.join(", ")
        );
    }
    if latencies.len() < metrics.len() {
        _ = write!(said, " What scatters much against its margin needs more than {HOURS_WORTH_WAITING:.0} hours.");
    }
    said + " Widen the margin, or leave the guardrail out."
}

fn number(value: Option<f64>, digits: usize) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("{value:.digits$}"))
}

fn name(stage: &Stage) -> String {
    if stage.weight_percent > 0.0 { format!("{} %", stage.weight_percent) } else { "shadow".to_owned() }
}

fn line(stage: &Stage) -> String {
    format!(
        "{:10} {:>12} {:>9} {:>12}  {}\n",
        name(stage),
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

    #[test]
    fn only_latencies_are_slower_than_any_limit() {
        let cost = not_worth_waiting(&["cost", "errors"]);
        assert!(!cost.contains("slower") && cost.contains("1000 hours"), "{cost}");
        let both = not_worth_waiting(&["cost", "ttft_p99"]);
        assert!(both.contains("proven of it (ttft_p99)") && both.contains("1000 hours"), "{both}");
        assert!(!not_worth_waiting(&["duration_p50"]).contains("1000 hours"));
    }

    #[test]
    fn nothing_with_a_price_is_no_sum_of_zero() {
        assert_eq!(
            (some_dollars(Nanos(0), false), some_dollars(Nanos(0), true)),
            ("-".to_owned(), "0.0000".to_owned())
        );
    }
}
