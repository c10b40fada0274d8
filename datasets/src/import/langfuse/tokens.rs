//! Tokens and money of an observation.

use crate::import::reply::TokenParts;
use crate::import::row::{self, Row};
use crate::import::{ImportError, decimal, reply};
use serde_json::{Map, Value};
use wire::Usage;

/// Kinds that are a part of prompt or answer, under the names that Langfuse's integrations give them.
const CACHED: [&str; 4] = ["input_cached_tokens", "cache_read_input_tokens", "input_cache_read", "input_cached"];
const CACHE_WRITE: [&str; 3] = ["input_cache_write_tokens", "cache_creation_input_tokens", "input_cache_creation"];
const PROMPT_AUDIO: [&str; 2] = ["input_audio_tokens", "input_audio"];
const PROMPT_IMAGE: [&str; 2] = ["input_image_tokens", "input_image"];
const COMPLETION_AUDIO: [&str; 2] = ["output_audio_tokens", "output_audio"];
const REASONING: [&str; 3] = ["output_reasoning_tokens", "output_reasoning", "reasoning_tokens"];

/// The tokens, by kind or as older records have them.
pub(super) fn usage(row: &Row<'_>) -> Result<Option<Usage>, ImportError> {
    if let Some(Value::Object(kinds)) = row.value(row.either(&["usageDetails", "usage_details"]))? {
        return Ok(by_kind(&kinds));
    }
    if let Some(Value::Object(usage)) = row.value("usage")? {
        let found = |names: &[&str]| names.iter().find_map(|name| row::count(usage.get(*name)?));
        let (prompt, completion) = (found(&["input", "promptTokens"]), found(&["output", "completionTokens"]));
        let unit = usage.get("unit").and_then(Value::as_str).unwrap_or("TOKENS");
        return Ok(
            reply::usage(prompt, completion, TokenParts::default()).filter(|_| unit.eq_ignore_ascii_case("tokens"))
        );
    }
    let prompt = row.count(row.either(&["promptTokens", "prompt_tokens", "inputTokens", "input_tokens"]))?;
    let completion =
        row.count(row.either(&["completionTokens", "completion_tokens", "outputTokens", "output_tokens"]))?;
    Ok(reply::usage(prompt, completion, TokenParts::default()))
}

fn by_kind(kinds: &Map<String, Value>) -> Option<Usage> {
    let one = |name: &str| kinds.get(name).and_then(row::count);
    let first = |names: &[&str]| names.iter().find_map(|name| one(name));
    let sum = |is: fn(&str) -> bool| {
        let counts = kinds.iter().filter(|(name, _)| is(name)).filter_map(|(_, count)| row::count(count));
        counts.fold(0_u64, u64::saturating_add)
    };
    let (inputs, outputs) = (sum(is_input), sum(is_output));
    let whole = one("total").is_none_or(|total| inputs.saturating_add(outputs) == total);
    let (input, output) = (one("input"), one("output"));
    // Where the kinds overlap, `input` and `output` are the whole.
    let (prompt, completion) = if whole { (Some(inputs), Some(outputs)) } else { (input, output) };
    input.or(output)?;
    let parts = TokenParts {
        cached: first(&CACHED),
        cache_write: first(&CACHE_WRITE),
        prompt_audio: first(&PROMPT_AUDIO),
        prompt_image: first(&PROMPT_IMAGE),
        reasoning: first(&REASONING),
        completion_audio: first(&COMPLETION_AUDIO),
    };
    reply::usage(prompt, completion, parts)
}

fn is_input(name: &str) -> bool {
    name.starts_with("input") || name.starts_with("cache_")
}

fn is_output(name: &str) -> bool {
    name.starts_with("output") || name == "reasoning_tokens"
}

/// Nano-dollars: as it was told or counted, whichever Langfuse put forward.
pub(super) fn cost_nanos(row: &Row<'_>) -> Result<Option<i64>, ImportError> {
    let names = ["totalCost", "total_cost", "calculatedTotalCost", "calculated_total_cost"];
    if let Some(cost) = row.money(row.either(&names))? {
        return Ok(Some(cost));
    }
    let details = row.value(row.either(&["costDetails", "cost_details"]))?.unwrap_or_default();
    Ok(details.get("total").and_then(|total| match total {
        Value::Number(number) => decimal::nanos(&number.to_string()),
        Value::String(text) => decimal::nanos(text),
        _ => None,
    }))
}
