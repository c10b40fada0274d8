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
///
/// # Errors
/// Never: it is written to memory.
pub(super) fn of(document: &Document) -> Result<Vec<u8>, csv::Error> {
    let names = document.columns.iter().flat_map(|column| match column.as_str() {
        "model" => vec!["provider", "model"],
        other => vec![other],
    });
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(names.chain(NUMBERS))?;
    for paid in &document.paid {
        let keys = document.columns.iter().flat_map(|column| key(paid, column)).map(|name| no_formula(&name));
        writer.write_record(keys.chain(numbers(paid, &document.bill.currency)))?;
    }
    writer.into_inner().map_err(|error| error.into_error().into())
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

/// A name that a spreadsheet would take for a formula gets an apostrophe before it.
fn no_formula(name: &str) -> String {
    if name.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{name}") } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_text_and_never_formulas() {
        let paid = Paid { consumer: Some("=a, \"b\"".to_owned()), amount: "0.5".to_owned(), ..Paid::default() };
        let document = Document {
            columns: vec!["consumer".to_owned()],
            paid: vec![paid],
            schema: String::new(),
            migration: String::new(),
            window: judge::verdict::Window::default(),
            priced_at: None,
            total: Paid::default(),
            bill: judge::verdict::Bill::default(),
            left_out: Vec::new(),
            inputs: Vec::new(),
            tariff_digest: String::new(),
            version: String::new(),
        };
        let text = String::from_utf8(of(&document).unwrap()).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[0].starts_with("consumer,exchanges,"), "{text}");
        assert!(lines[1].starts_with("\"'=a, \"\"b\"\"\",0,"), "{text}");
    }
}
