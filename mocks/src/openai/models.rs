//! OpenAI's models: which names stand for which snapshot, which reason, and the list of them.

use serde_json::{Value, json};

use super::INVALID;
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
