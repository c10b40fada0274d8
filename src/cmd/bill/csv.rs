//! What was paid, as CSV: the columns that were asked for, then every count and amount.

use bill::document::Document;
use judge::verdict::Paid;

const NUMBERS: [&str; 20] = [
    "exchanges",
    "answered",
    "priced",
    "unpriced",
    "without_usage",
    "unbilled",
    "estimated",
    "peak",
    "amount",
    "estimated_amount",
    "peak_amount",
    "prompt_uncached",
    "prompt_cached",
    "prompt_cache_write",
    "completion_visible",
    "completion_reasoning",
    "answer_chars",
    "chars_per_answer",
    "per_1000_chars",
    "currency",
];

/// The whole file.
pub(super) fn of(document: &Document) -> String {
    let names = document.columns.iter().flat_map(|column| match column.as_str() {
        "model" => vec!["provider", "model"],
        other => vec![other],
    });
    let mut out = names.chain(NUMBERS).collect::<Vec<_>>().join(",") + "\n";
    for paid in &document.paid {
        let keys = document.columns.iter().flat_map(|column| key(paid, column));
        let cells: Vec<String> = keys.chain(numbers(paid, &document.bill.currency)).map(|cell| quoted(&cell)).collect();
        out.push_str(&cells.join(","));
        out.push('\n');
    }
    out
}

fn key(paid: &Paid, column: &str) -> Vec<String> {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    match column {
        "arm" => vec![text(&paid.arm)],
        "role" => vec![text(&paid.role)],
        "consumer" => vec![text(&paid.consumer)],
        "model" => vec![text(&paid.provider), text(&paid.model)],
        "day" => vec![text(&paid.day)],
        _ => vec![paid.hour.map_or_else(String::new, |hour| hour.to_string())],
    }
}

fn numbers(paid: &Paid, currency: &str) -> [String; 20] {
    [
        paid.exchanges.to_string(),
        paid.answered.to_string(),
        paid.priced.to_string(),
        paid.unpriced.to_string(),
        paid.without_usage.to_string(),
        paid.unbilled.to_string(),
        paid.estimated.to_string(),
        paid.peak.to_string(),
        paid.amount.clone(),
        paid.estimated_amount.clone(),
        paid.peak_amount.clone(),
        paid.prompt_uncached.to_string(),
        paid.prompt_cached.to_string(),
        paid.prompt_cache_write.to_string(),
        paid.completion_visible.to_string(),
        paid.completion_reasoning.to_string(),
        paid.answer_chars.to_string(),
        paid.chars_per_answer.map_or_else(String::new, |chars| chars.to_string()),
        paid.per_1000_chars.clone().unwrap_or_default(),
        currency.to_owned(),
    ]
}

/// A cell as RFC 4180 has it. A name that a spreadsheet would take for a formula gets an apostrophe before it.
fn quoted(cell: &str) -> String {
    let formula =
        cell.starts_with(['=', '+', '@', '\t', '\r']) || (cell.starts_with('-') && cell.parse::<f64>().is_err());
    let cell = if formula { format!("'{cell}") } else { cell.to_owned() };
    if cell.contains([',', '"', '\n', '\r']) { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell }
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn cells_are_text_and_never_formulas() {
        assert_eq!(quoted("gpt-4o"), "gpt-4o");
        assert_eq!(quoted("a \"b\", c"), "\"a \"\"b\"\", c\"");
        assert_eq!(quoted("=1+1"), "'=1+1");
        assert_eq!(quoted("-0.5"), "-0.5");
        assert_eq!(quoted("-cmd"), "'-cmd");
    }
}
