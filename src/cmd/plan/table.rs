//! A plan in 80 columns.

use super::{FromLog, Made};
use bill::project::{Choice, Money, Nanos};
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
    _ = writeln!(out, "{}\n", wrapped(&rate, 0));
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
    _ = writeln!(
        out,
        ".\n{} of them can go to the candidate (`weighbridge preflight` lists the others).",
        told.movable
    );
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
    _ = writeln!(out, "{}", wrapped(&stands_in, 0));
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
    _ = writeln!(out, "{:22} {:>12}", projection.baseline.provider, dollars(projection.baseline.today.value));
    for choice in &projection.choices {
        let saving = choice
            .saving
            .map_or_else(|| ("-".to_owned(), "-".to_owned()), |saving| (dollars(saving.value), between(&saving)));
        _ = writeln!(out, "{:22} {:>12} {:>12}  {}", choice.name, dollars(choice.cost.value), saving.0, saving.1);
    }
    if let Some(choice) = projection.choices.first() {
        out.push_str(&month(choice));
        out.push_str(&if_otherwise(choice));
    }
    for note in projection.notes.iter().chain(&projection.stale) {
        _ = writeln!(out, "Note: {}", wrapped(note, 6));
    }
    out
}

fn month(choice: &Choice) -> String {
    let Some(month) = &choice.month else { return String::new() };
    let saving = match &month.saving {
        Some(saving) => format!("saving {} ({})", dollars(saving.value), between(saving)),
        None => "no saving can be told".to_owned(),
    };
    let later = month.saving_batch_moved.map(|later| format!("; {} if what can wait waits", dollars(later)));
    format!(
        "\nA month of {:.0} requests, as mapped: {} today, {} moved;\n{saving}{}.\n",
        month.requests,
        dollars(month.against),
        dollars(month.cost),
        later.unwrap_or_default()
    )
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
    format!("\n{}\n", wrapped(&said, 0))
}

fn dollars(nanos: Nanos) -> String {
    decimal(nanos.0, if nanos.0.unsigned_abs() < 10_000_000_000 { 4 } else { 2 })
}

fn between(money: &Money) -> String {
    format!("{} to {}", dollars(money.lower), dollars(money.upper))
}

fn day(instant: &str) -> &str {
    instant.split('T').next().unwrap_or_default()
}

/// A sentence in lines of at most 80 columns; the first one begins after so many others.
fn wrapped(text: &str, before: usize) -> String {
    let (mut out, mut column, mut begun) = (String::new(), before, false);
    for word in text.split_whitespace() {
        let long = word.chars().count();
        if begun && column + 1 + long > 80 {
            out.push('\n');
            column = 0;
        } else if begun {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += long;
        begun = true;
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
    fn sentences_stay_within_eighty_columns() {
        let text = wrapped(&"word ".repeat(60), 6);
        assert!(text.lines().all(|line| line.chars().count() <= 80) && text.lines().count() > 3, "{text}");
        assert_eq!(text.split_whitespace().count(), 60);
    }
}
