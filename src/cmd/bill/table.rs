//! The bill on a terminal, 80 columns wide.

use crate::lines::{self, WIDTH};
use crate::render;
use bill::document::Document;
use judge::verdict::{Amount, Bill, CacheTable, Counterfactual, Paid, Saving};
use std::fmt::Write as _;

/// Groups that are shown; `--json` and `--csv` have all.
const GROUPS_MAX: usize = 30;
/// Strata that are shown.
const STRATA_MAX: usize = 8;

/// The whole text.
pub(super) fn of(document: &Document) -> String {
    let mut out = head(document);
    out.push_str(&paid(document));
    let bill = &document.bill;
    if let Some(counterfactual) = &bill.counterfactual {
        out.push_str(&both_arms(counterfactual));
    }
    out.push_str(&bill.saving_per_month.as_ref().map(month).unwrap_or_default());
    out.push_str(&bill.cache.as_ref().map(cache).unwrap_or_default());
    out.push_str(&lengths(bill));
    out.push_str(&remarks(bill));
    out
}

fn head(document: &Document) -> String {
    let minute = |at_us: i64| {
        let text = jiff::Timestamp::from_microsecond(at_us).map(|at| at.to_string()).unwrap_or_default();
        text.get(..16).unwrap_or_default().replace('T', " ")
    };
    let (from, to) = (minute(document.window.from_us), minute(document.window.to_us));
    let clock = document.priced_at.as_ref().map_or_else(String::new, |at| format!(", all priced as at {at}"));
    let (migration, currency) = (render::name(&document.migration), &document.bill.currency);
    wrapped(&format!("Migration {migration}, sent {from} to {to} UTC, in {currency}{clock}.\n"))
}

/// What was paid, by the columns that were asked for.
fn paid(document: &Document) -> String {
    let columns: Vec<&str> = document.columns.iter().map(String::as_str).collect();
    let shown = &document.paid[..document.paid.len().min(GROUPS_MAX)];
    let cells = |paid: &Paid| columns.iter().map(|column| key(paid, column)).collect::<Vec<_>>();
    let keys: Vec<Vec<String>> = shown.iter().map(cells).collect();
    let room = WIDTH - 39;
    let places = places(&document.total.amount);
    let widths = widths(&columns, &keys, room);
    let line = |cells: &[String], rest: &str| {
        let keys = cells.iter().zip(&widths).map(|(cell, width)| format!("{:width$}", cut(cell, *width)));
        format!("{} {rest}\n", keys.collect::<Vec<_>>().join(" ")).trim_end().to_owned() + "\n"
    };
    let heads: Vec<String> = columns.iter().map(|column| (*column).to_owned()).collect();
    let numbers = format!("{:>9} {:>9} {:>9} {:>9}", "exchanges", "paid", "estimated", "in no sum");
    let mut out = "\nPaid\n".to_owned() + &line(&heads, &numbers);
    for (cells, paid) in keys.iter().zip(shown) {
        out.push_str(&line(cells, &figures(paid, places)));
    }
    let mut total: Vec<String> = vec![String::new(); columns.len()];
    if let Some(first) = total.first_mut() {
        "total".clone_into(first);
    }
    out.push_str(&line(&total, &figures(&document.total, places)));
    if document.paid.len() > GROUPS_MAX {
        _ = writeln!(out, "{} more groups are in --json and --csv.", document.paid.len() - GROUPS_MAX);
    }
    out.push_str(&in_no_sum(&document.total));
    let shadow: f64 = document.bill.shadow.parse().unwrap_or(0.0);
    if shadow > 0.0 {
        _ = writeln!(
            out,
            "Of it {} for the experiment itself: copies and repetitions.",
            money(&document.bill.shadow, places)
        );
    }
    out
}

/// Why exchanges are in no sum.
fn in_no_sum(total: &Paid) -> String {
    let said: Vec<String> = [(total.unpriced, "have no price"), (total.without_usage, "nobody counted tokens for")]
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, why)| format!("{count} {why}"))
        .collect();
    if said.is_empty() { String::new() } else { wrapped(&format!("In no sum: {}.", said.join(", "))) }
}

fn figures(paid: &Paid, places: usize) -> String {
    let missing = paid.unpriced + paid.without_usage;
    let share = if paid.priced == 0 { 0.0 } else { paid.estimated as f64 / paid.priced as f64 };
    let estimated = if paid.estimated == 0 { "-".to_owned() } else { format!("{:.1} %", share * 100.0) };
    let amount = if paid.priced == 0 { "-".to_owned() } else { money(&paid.amount, places) };
    let missing = if missing == 0 { "-".to_owned() } else { missing.to_string() };
    format!("{:>9} {:>9} {estimated:>9} {missing:>9}", paid.exchanges, amount)
}

fn key(paid: &Paid, column: &str) -> String {
    let text = |text: &Option<String>| text.as_deref().map(render::name).unwrap_or_default();
    match column {
        "arm" => text(&paid.arm),
        "role" => text(&paid.role),
        "consumer" => text(&paid.consumer),
        "model" => text(&paid.model),
        "day" => text(&paid.day),
        _ => paid.hour.map_or_else(String::new, |hour| format!("{hour:02}")),
    }
}

/// Widths of the columns so that all fit; names give way, the widest first.
fn widths(columns: &[&str], keys: &[Vec<String>], room: usize) -> Vec<usize> {
    let longest = |place: usize| {
        let cells = keys.iter().filter_map(|cells| cells.get(place)).map(|cell| cell.chars().count());
        cells.chain([columns.get(place).map_or(0, |name| name.len()), 5 * usize::from(place == 0)]).max().unwrap_or(0)
    };
    let mut widths: Vec<usize> = (0..columns.len()).map(longest).collect();
    let gives_way = |place: usize| matches!(columns.get(place), Some(&"consumer" | &"model"));
    while widths.iter().sum::<usize>() + widths.len() > room {
        let names = widths.iter_mut().enumerate().filter(|(place, width)| gives_way(*place) && **width > 5);
        match names.map(|(_, width)| width).max() {
            Some(widest) => *widest -= 1,
            None => break,
        }
    }
    widths
}

fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    text.chars().take(width.saturating_sub(1)).chain(['…']).collect()
}

/// The same traffic on either arm.
fn both_arms(said: &Counterfactual) -> String {
    let mut out = "\nThe same traffic on either arm, each request once and at its own clock\n".to_owned();
    _ = writeln!(
        out,
        "{} requests: {} with both costs known, {} estimated; {} of unknown cost and {} failed ones are in no sum.",
        said.requests, said.requests_paired, said.requests_estimated, said.requests_unknown, said.requests_failed
    );
    out = wrapped(&out);
    let places = places(&said.as_served);
    _ = writeln!(out, "{:28} {:>13}  95 % interval", "", "");
    _ = writeln!(out, "{:28} {:>13}", "as it was served", money(&said.as_served, places));
    out.push_str(&amount("all on the baseline", said.baseline.as_ref(), places));
    out.push_str(&amount("all on the candidate", said.candidate.as_ref(), places));
    out.push_str(&amount("saved by the candidate", said.saving.as_ref(), places));
    out + &strata(said)
}

/// The ratios that stand in for missing copies.
fn strata(said: &Counterfactual) -> String {
    let mut out = String::new();
    if !said.strata.is_empty() {
        _ = writeln!(out, "\nRatios for requests without a copy (other arm's money over the serving arm's)");
        _ = writeln!(
            out,
            "{:24} {:7} {:10} {:>8} {:>7}  95 % interval",
            "served by", "script", "kind", "requests", "ratio"
        );
        for stratum in said.strata.iter().take(STRATA_MAX) {
            let interval = stratum.ratio_lower.zip(stratum.ratio_upper);
            let interval =
                interval.map_or_else(|| "-".to_owned(), |(lower, upper)| format!("{lower:.3} to {upper:.3}"));
            let pooled = if stratum.taken_from == "stratum" { "" } else { "*" };
            let ratio = stratum.ratio.map_or_else(|| "-".to_owned(), |ratio| format!("{ratio:.3}"));
            let line = format!(
                "{:24} {:7} {:10} {:>8} {ratio:>7}{pooled:1} {interval}",
                cut(&render::name(&stratum.model), 24),
                stratum.language,
                stratum.kind,
                stratum.requests
            );
            _ = writeln!(out, "{}", line.trim_end());
        }
        if said.strata.len() > STRATA_MAX {
            _ = writeln!(out, "{} more kinds are in --json.", said.strata.len() - STRATA_MAX);
        }
        if said.strata.iter().any(|stratum| stratum.taken_from != "stratum") {
            out.push_str("* Too few pairs of this kind: the ratio of its model's pairs, or of its arm's.\n");
        }
    }
    out
}

fn amount(name: &str, amount: Option<&Amount>, places: usize) -> String {
    let Some(amount) = amount else { return format!("{name:28} {:>13}\n", "not known") };
    let exact = amount.lower.as_ref() == Some(&amount.value) && amount.upper.as_ref() == Some(&amount.value);
    let interval = match (&amount.lower, &amount.upper) {
        _ if exact => "known, not estimated".to_owned(),
        (Some(lower), Some(upper)) => format!("{} to {}", money(lower, places), money(upper, places)),
        _ => "too few pairs for an interval".to_owned(),
    };
    format!("{name:28} {:>13}  {interval}\n", money(&amount.value, places))
}

/// An amount of a month. A window that is no week has none of its hours' chance to tell, which is no want of pairs.
fn of_month(name: &str, month: &Amount, places: usize) -> String {
    if month.lower.is_none() || month.upper.is_none() {
        return format!("{name:28} {:>13}  no interval can be told\n", money(&month.value, places));
    }
    amount(name, Some(month), places)
}

fn month(saving: &Saving) -> String {
    let how = match saving.scaled_by.as_str() {
        "hour-of-week" => "by hour of the week",
        "mean-rate" => "by the mean rate: the window is shorter than a week",
        _ => "to the number that was stated",
    };
    let head =
        format!("\nA month of {:.0} requests, scaled {how} ({:.1} h observed)\n", saving.requests, saving.window_hours);
    let mut out = wrapped(&head);
    let places = places(&saving.baseline.value);
    out.push_str(&of_month("on the baseline", &saving.baseline, places));
    out.push_str(&of_month("on the candidate", &saving.candidate, places));
    out.push_str(&of_month("saved at today's hours", &saving.amount, places));
    out.push_str(&of_month("saved off-peak", &saving.off_peak, places));
    let percent = |share: f64| share * 100.0;
    let mut note = format!(
        "Off-peak: {:.1} % of the requests at the cheapest time of their day. {}",
        percent(saving.can_wait_share),
        saving.can_wait_rule
    );
    if saving.unknown_share > 0.0 {
        _ = write!(
            note,
            " {:.1} % of the requests have no known cost and are in no sum.",
            percent(saving.unknown_share)
        );
    }
    if saving.estimated_share > 0.0 {
        _ = write!(note, " {:.1} % of the money rests on estimated token counts.", percent(saving.estimated_share));
    }
    out + &wrapped(&(note + "\n"))
}

fn cache(table: &CacheTable) -> String {
    let monthly = table.rows.iter().any(|row| row.saving_per_month.is_some());
    let mut out = "\nThe candidate's bill by how much of the prompts its cache knows\n".to_owned();
    let month = if monthly { "saved a month" } else { "" };
    _ = writeln!(out, "{}", format!("{:28} {:>13} {:>13} {month:>15}", "", "candidate", "saved").trim_end());
    let of = places(table.rows.first().map_or("0", |row| &row.candidate));
    for row in &table.rows {
        let name = match row.name.as_str() {
            "cold" => "cold, after a switch",
            "observed" => "as observed",
            "baseline" => "the baseline's rate",
            _ => "warm",
        };
        let month = row.saving_per_month.as_deref().map(|saving| money(saving, places(saving))).unwrap_or_default();
        let name = format!("{name} {:.1} %", row.hit_rate * 100.0);
        let (candidate, saved) = (money(&row.candidate, of), money(&row.saving, of));
        let line = format!("{name:28} {candidate:>13} {saved:>13} {month:>15}");
        _ = writeln!(out, "{}", line.trim_end());
    }
    out + &wrapped(&format!("{}\n", table.reading))
}

/// Answers by their characters: tokens of two providers are not of one size.
fn lengths(bill: &Bill) -> String {
    let rows = bill.by_arm.iter().filter(|paid| paid.chars_per_answer.is_some());
    let lines: Vec<String> = rows
        .map(|paid| {
            let name = [&paid.arm, &paid.role].into_iter().flatten().cloned().collect::<Vec<_>>().join(", ");
            let per_1000 = paid.per_1000_chars.as_deref().map_or_else(|| "-".to_owned(), |amount| money(amount, 6));
            format!("{name:28} {:>13.1} {per_1000:>13}\n", paid.chars_per_answer.unwrap_or(0.0))
        })
        .collect();
    if lines.is_empty() {
        return String::new();
    }
    let head = format!("{:28} {:>13} {:>13}\n", "", "an answer", "per 1000");
    format!("\nCharacters of answers, and money for them\n{head}{}", lines.concat())
}

fn remarks(bill: &Bill) -> String {
    let stale = bill.stale.iter().map(|stale| &stale.why);
    let all: String = bill.notes.iter().chain(stale).map(|note| wrapped(&format!("- {note}\n"))).collect();
    if all.is_empty() { all } else { format!("\nRemarks\n{all}") }
}

/// Decimal places for amounts about as large as this one.
fn places(decimal: &str) -> usize {
    match decimal.parse::<f64>().unwrap_or(0.0).abs() {
        size if size >= 1000.0 => 2,
        size if size >= 1.0 => 4,
        _ => 6,
    }
}

fn money(decimal: &str, places: usize) -> String {
    format!("{:.places$}", decimal.parse::<f64>().unwrap_or(f64::NAN))
}

/// Lines of at most 80 columns, broken at spaces; what belongs to an item stands under its text.
fn wrapped(text: &str) -> String {
    let indent = |line: &str| if line.starts_with("- ") { 2 } else { 0 };
    text.lines().map(|line| lines::wrapped(line, 0, indent(line)) + "\n").collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminals_width_is_kept() {
        let long = "word ".repeat(60);
        assert!(wrapped(&long).lines().all(|line| line.chars().count() <= WIDTH));
        let keys = vec![vec!["baseline".to_owned(), "x".repeat(100), "y".repeat(60)]];
        let widths = widths(&["arm", "consumer", "model"], &keys, 43);
        assert!(widths.iter().sum::<usize>() + 3 <= 43, "{widths:?}");
        assert_eq!(cut("abcdef", 4), "abc…");
    }

    #[test]
    fn a_row_without_a_price_has_no_amount_and_says_why() {
        let paid =
            Paid { exchanges: 7, unpriced: 4, without_usage: 3, amount: "0.000000000".to_owned(), ..Paid::default() };
        assert_eq!(figures(&paid, 6).split_whitespace().collect::<Vec<_>>(), ["7", "-", "-", "7"]);
        assert_eq!(in_no_sum(&paid), "In no sum: 4 have no price, 3 nobody counted tokens for.\n");
        assert_eq!(in_no_sum(&Paid::default()), "");
    }

    #[test]
    fn a_name_of_the_log_moves_no_cursor() {
        let paid =
            Paid { consumer: Some("team\u{1b}[2J\na".to_owned()), model: Some("m\r".to_owned()), ..Paid::default() };
        assert_eq!(key(&paid, "consumer"), "team\u{fffd}[2J\u{fffd}a");
        assert_eq!(key(&paid, "model"), "m\u{fffd}");
    }

    #[test]
    fn money_keeps_what_can_be_seen() {
        let shown = |decimal: &str| money(decimal, places(decimal));
        assert_eq!((shown("0.000000525"), shown("1234.5")), ("0.000001".to_owned(), "1234.50".to_owned()));
        assert_eq!(shown("-1.25"), "-1.2500");
    }
}
