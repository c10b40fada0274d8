//! Usage on a terminal, 80 columns wide.
//!
//! What does not fit gives way in this order: columns in which nothing was counted, the last digits of token counts, and then
//! the first columns of names, which become headings over their rows. Money is never shortened.

use crate::lines;
use crate::table::{Column, Table, compact};
use gateway::usage::{Report, Row, Tokens};
use wire::price::decimal;

/// Rows that are shown: the dearest, in the order of the report. `--json` has all.
const ROWS_MAX: usize = 60;
/// Decimal places of money.
const PLACES: u32 = 6;

/// A column of numbers: its head, whether it stands there even if it is zero throughout, and its value.
type Number = (&'static str, bool, fn(&Row) -> u64);

const NUMBERS: [Number; 7] = [
    ("requests", true, |row| row.requests),
    ("failures", false, |row| row.failures),
    ("prompt", true, |row| row.tokens.prompt),
    ("cached", false, |row| row.tokens.cached),
    ("completion", true, |row| row.tokens.completion),
    ("reasoning", false, |row| row.tokens.reasoning),
    ("estimated", false, |row| row.tokens.estimated),
];

/// The whole text.
pub(super) fn of(report: &Report) -> String {
    let shown = dearest(&report.rows);
    let left_out = report.rows.len() - shown.len();
    let mut text = layout(report, &shown);
    if left_out > 0 {
        let said = format!(
            "{left_out} more rows, each at most as dear, are in the total alone; --json has all, and fewer columns in --by make fewer rows."
        );
        text.push_str(&lines::paragraph(&said, 0));
    }
    text.push_str(&estimates(&report.total));
    if report.total.unpriced > 0 {
        let said = format!("{} calls have no known price: the money is too low.", report.total.unpriced);
        text.push_str(&lines::paragraph(&said, 0));
    }
    if report.folded > 0 {
        let said = format!("{} records are counted under `other`, to bound the number of rows.", report.folded);
        text.push_str(&lines::paragraph(&said, 0));
    }
    text
}

fn dearest(rows: &[Row]) -> Vec<&Row> {
    let mut order: Vec<usize> = (0..rows.len()).collect();
    order.sort_by_key(|place| rows.get(*place).map(|row| std::cmp::Reverse((row.cost_nanos, row.requests))));
    order.truncate(ROWS_MAX);
    order.sort_unstable();
    order.into_iter().filter_map(|place| rows.get(place)).collect()
}

/// The first layout that fits; the last one has every name that there is in headings.
fn layout(report: &Report, shown: &[&Row]) -> String {
    let mut tries = std::iter::once((0, false)).chain((0..=report.by.len()).map(|headings| (headings, true)));
    let fitting = tries.find(|(headings, short)| fits(report, shown, *headings, *short));
    let (headings, short) = fitting.unwrap_or((report.by.len(), true));
    let (table, heads) = built(report, shown, headings, short);
    let text = table.text();
    let mut rows = text.lines();
    let mut out = rows.next().map_or_else(String::new, |line| line.to_owned() + "\n");
    for (line, head) in rows.zip(heads) {
        out.push_str(&head);
        out.push_str(line);
        out.push('\n');
    }
    out
}

fn fits(report: &Report, shown: &[&Row], headings: usize, short: bool) -> bool {
    built(report, shown, headings, short).0.width_min() <= lines::WIDTH
}

/// The table, and what stands before each of its rows: a heading wherever its names change.
fn built(report: &Report, shown: &[&Row], headings: usize, short: bool) -> (Table, Vec<String>) {
    let (above, beside) = report.by.split_at(headings);
    let numbers: Vec<Number> =
        NUMBERS.into_iter().filter(|(_, always, count)| *always || count(&report.total) > 0).collect();
    let mut columns: Vec<Column> =
        if beside.is_empty() { vec![Column::whole("")] } else { beside.iter().map(|name| column(name)).collect() };
    columns.extend(numbers.iter().map(|(head, ..)| Column::number(*head)));
    columns.push(Column::number("usd"));
    let mut table = Table::new(columns, if headings > 0 { 2 } else { 0 });
    let count = |number: u64| if short { compact(number) } else { number.to_string() };
    let mut add = |row: &Row, first: Option<&str>| {
        let value = |name: &String| row.of.get(name).cloned().unwrap_or_default();
        let mut cells: Vec<String> = beside.iter().map(value).collect();
        if beside.is_empty() {
            cells.push(String::new());
        }
        if let (Some(first), Some(cell)) = (first, cells.first_mut()) {
            first.clone_into(cell);
        }
        cells.extend(numbers.iter().map(|(_, _, number)| count(number(row))));
        cells.push(decimal(row.cost_nanos, PLACES));
        table.row(&cells);
    };
    let (mut heads, mut last) = (Vec::new(), None);
    for row in shown {
        let names: Vec<String> =
            above.iter().map(|name| format!("{name} {}", row.of.get(name).map_or("", String::as_str))).collect();
        let heading = (!names.is_empty()).then(|| names.join(", "));
        let changed = heading.as_ref().filter(|heading| last.as_ref() != Some(*heading));
        heads.push(
            changed.map_or_else(String::new, |heading| lines::wrapped(&crate::render::name(heading), 0, 2) + "\n"),
        );
        last = heading;
        add(row, None);
    }
    heads.push(if headings > 0 { "all of it\n".to_owned() } else { String::new() });
    add(&report.total, Some("total"));
    (table, heads)
}

/// Names that anybody may have chosen are cut where they are long; those of a known few stay whole.
fn column(name: &str) -> Column {
    if matches!(name, "consumer" | "model" | "migration") { Column::text(name) } else { Column::whole(name) }
}

/// How much of the total is estimated, in a sentence; empty if nothing is.
fn estimates(total: &Row) -> String {
    if total.estimated_requests == 0 {
        return String::new();
    }
    let percent = |part: u64, whole: u64| {
        // Upwards: what is there is never shown as nothing.
        let tenths = (u128::from(part) * 1000).div_ceil(u128::from(whole.max(1)));
        format!("{}.{} %", tenths / 10, tenths % 10)
    };
    let Tokens { prompt, completion, estimated, .. } = total.tokens;
    let tokens = percent(estimated, prompt.saturating_add(completion));
    let nanos = |nanos: i64| u64::try_from(nanos).unwrap_or(0);
    let money = percent(nanos(total.estimated_cost_nanos), nanos(total.cost_nanos));
    let (calls, all) = (total.estimated_requests, total.requests);
    lines::paragraph(
        &format!(
            "No count came for {calls} of {all} calls: {tokens} of the tokens and {money} of the money are estimates."
        ),
        0,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use gateway::usage::SCHEMA;

    fn row(names: &[(&str, &str)], requests: u64, cost_nanos: i64) -> Row {
        let of = names.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let tokens = Tokens { prompt: requests * 1000, completion: requests * 100, ..Tokens::default() };
        Row { of, requests, tokens, cost_nanos, ..Row::default() }
    }

    fn report(by: &[&str], rows: Vec<Row>) -> Report {
        let total = row(&[], rows.iter().map(|row| row.requests).sum(), rows.iter().map(|row| row.cost_nanos).sum());
        Report {
            schema: SCHEMA.to_owned(),
            since: None,
            consumer: None,
            by: by.iter().map(|name| (*name).to_owned()).collect(),
            rows,
            total,
            folded: 0,
        }
    }

    #[test]
    fn a_small_table_has_every_digit_and_no_column_of_zeros() {
        let rows = vec![row(&[("model", "gpt-4o")], 3, 1_500_000), row(&[("model", "deepseek-flash")], 1200, 500)];
        let expected = "\
model           requests   prompt  completion       usd
gpt-4o                 3     3000         300  0.001500
deepseek-flash      1200  1200000      120000  0.000001
total               1203  1203000      120300  0.001501
";
        assert_eq!(of(&report(&["model"], rows)), expected);
    }

    #[test]
    fn whatever_the_columns_all_lines_fit() {
        let names = [
            ("day", "2026-11-23"),
            ("consumer", "a-consumer-with-a-rather-long-name"),
            ("model", "deepseek-reasoner-2026-09-10"),
            ("arm", "candidate"),
            ("payer", "experiment"),
        ];
        let by: Vec<&str> = names.iter().map(|(name, _)| *name).collect();
        let mut rows: Vec<Row> = (0..100).map(|cost| row(&names, u64::MAX / 1_000_000, cost * 1_000_000_000)).collect();
        rows[0].of.insert("day".to_owned(), "2026-11-22".to_owned());
        rows[99].of.insert("day".to_owned(), "2026-11-24".to_owned());
        let mut all = report(&by, rows[..50].to_vec());
        all.total.tokens.cached = 7;
        all.total.tokens.reasoning = 7;
        all.total.failures = 7;
        let text = of(&all);
        assert!(text.lines().all(|line| line.chars().count() <= lines::WIDTH), "{text}");
        assert!(text.contains("day 2026-11-22") && text.contains("all of it\n  total"), "{text}");
        assert!(text.contains("49.000000"), "money stays whole: {text}");
        let cut = of(&report(&by, rows));
        assert!(cut.contains("40 more rows, each at most as dear"), "{cut}");
        assert!(cut.contains("day 2026-11-24") && !cut.contains("2026-11-22"), "the dearest stay: {cut}");
    }

    #[test]
    fn estimates_and_missing_prices_are_told() {
        let mut all = report(&["model"], vec![row(&[("model", "m")], 2, 1_200)]);
        all.total.estimated_requests = 1;
        all.total.tokens.estimated = 1_100;
        all.total.estimated_cost_nanos = 300;
        all.total.unpriced = 3;
        let text = of(&all);
        let said = "No count came for 1 of 2 calls: 50.0 % of the tokens and 25.0 % of the money are\nestimates.\n";
        assert!(
            text.contains(said) && text.ends_with("3 calls have no known price: the money is too low.\n"),
            "{text}"
        );
    }
}
