//! OpenAI's models: which names stand for which snapshot, which reason, and the list of them.

use serde_json::{Value, json};

use jiff::civil::{Date, date};

use super::INVALID;
use crate::profile::world;
use crate::refusal::Refusal;

/// Names that stand for a dated snapshot, which is what an answer reports. Newer models have no snapshots.
const SNAPSHOTS: [(&str, &str); 8] = [
    ("gpt-4o", "gpt-4o-2024-08-06"),
    ("gpt-4o-mini", "gpt-4o-mini-2024-07-18"),
    ("gpt-4.1", "gpt-4.1-2025-04-14"),
    ("gpt-4.1-mini", "gpt-4.1-mini-2025-04-14"),
    ("gpt-4.1-nano", "gpt-4.1-nano-2025-04-14"),
    ("gpt-5", "gpt-5-2025-08-07"),
    ("gpt-5-mini", "gpt-5-mini-2025-08-07"),
    ("gpt-5-nano", "gpt-5-nano-2025-08-07"),
];

/// Unix time reported as the birth of every model.
const CREATED: u64 = 1_720_000_000;

/// The last days of models: from these days on, the name is unknown. A dated snapshot goes with its family.
const LAST_DAYS: [(&str, Date); 24] = [
    ("gpt-3.5-turbo-1106", date(2026, 9, 28)),
    ("gpt-4.1-nano", date(2026, 10, 23)),
    ("o4-mini", date(2026, 10, 23)),
    ("o3-mini", date(2026, 10, 23)),
    ("o1", date(2026, 10, 23)),
    ("gpt-4-turbo", date(2026, 10, 23)),
    ("gpt-4", date(2026, 10, 23)),
    ("gpt-3.5-turbo", date(2026, 10, 23)),
    ("gpt-4o-search-preview", date(2026, 7, 23)),
    ("gpt-4o-mini-search-preview", date(2026, 7, 23)),
    ("gpt-5-codex", date(2026, 7, 23)),
    ("gpt-5-chat-latest", date(2026, 7, 23)),
    ("gpt-5", date(2026, 12, 11)),
    ("gpt-5-mini", date(2026, 12, 11)),
    ("gpt-5-nano", date(2026, 12, 11)),
    ("o3", date(2026, 12, 11)),
    ("gpt-4.1", date(2027, 1, 14)),
    ("gpt-4.1-mini", date(2027, 1, 14)),
    ("gpt-4o", date(2027, 1, 14)),
    ("gpt-4o-mini", date(2027, 1, 14)),
    ("gpt-audio-mini", date(2027, 1, 20)),
    ("gpt-5.1", date(2027, 4, 1)),
    ("gpt-5.4-nano", date(2027, 4, 1)),
    ("chatgpt-4o-latest", date(2026, 7, 23)),
];

/// Whether a model's last day is over at an instant, Unix seconds.
pub(super) fn is_over(name: &str, now: u64) -> bool {
    let last = LAST_DAYS
        .iter()
        .find(|(model, _)| *model == name)
        .or_else(|| LAST_DAYS.iter().find(|(model, _)| name.strip_prefix(model).is_some_and(is_date_suffix)));
    last.is_some_and(|(_, day)| world::date(now).is_some_and(|today| today >= *day))
}

/// Whether what stands behind a family's name is a date, as in `-2025-04-14` and `-1106`.
fn is_date_suffix(rest: &str) -> bool {
    let digits = |character: char| character.is_ascii_digit() || character == '-';
    rest.strip_prefix('-').is_some_and(|rest| rest.len() >= 4 && rest.chars().all(digits))
}

/// The name an answer reports for the name asked for.
pub(super) fn snapshot(name: &str) -> &str {
    SNAPSHOTS.iter().find(|(alias, _)| *alias == name).map_or(name, |(_, snapshot)| snapshot)
}

/// Whether a model reasons, and therefore refuses `max_tokens`.
pub(super) fn reasons(name: &str) -> bool {
    ["o1", "o3", "o4", "gpt-5", "gpt-6"].iter().any(|prefix| name.starts_with(prefix))
}

pub(super) fn unknown(name: &str) -> Refusal {
    let message = format!("The model `{name}` does not exist or you do not have access to it.");
    Refusal::new(404, INVALID, Some("model_not_found"), message)
}

/// The list of models, or one of them. Without a configured list every name is served, and well-known ones are listed.
pub(super) fn list(only: Option<&str>, models: Option<&[String]>) -> Result<String, Refusal> {
    if let Some(name) = only {
        let served = models.is_none_or(|models| models.iter().any(|model| model == name));
        return if served { Ok(model(name).to_string()) } else { Err(unknown(name)) };
    }
    let data: Vec<Value> = match models {
        Some(models) => models.iter().map(|name| model(name)).collect(),
        None => SNAPSHOTS.iter().flat_map(|(alias, snapshot)| [model(alias), model(snapshot)]).collect(),
    };
    Ok(json!({"object": "list", "data": data}).to_string())
}

fn model(name: &str) -> Value {
    json!({"id": name, "object": "model", "created": CREATED, "owned_by": "openai"})
}
