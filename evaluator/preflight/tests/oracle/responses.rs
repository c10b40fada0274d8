//! Features of responses, with what the provider's documentation says of them.

use crate::catalogue::{FLASH, Feature, PRO, Raw};
use serde_json::{Value, json};
use wire::provider::Effect::{self, Fails, Loses, Rewritten, Same};

/// Nothing is stored there, so that a request which does not say so refers to nothing.
pub(crate) fn base() -> Value {
    json!({"model": "gpt-4o-mini", "store": false, "input": [{"role": "user", "content": "Say hello."}]})
}

const fn feature(name: &'static str, raw: Raw, effect: Effect, put: fn(&mut Value)) -> Feature {
    Feature { name, put, raw, effect: (effect, effect), model: None }
}

/// Fine as it came; that nothing is to be stored is left out, because nothing is.
const fn fine(name: &'static str, put: fn(&mut Value)) -> Feature {
    Feature { name, put, raw: Raw::Fine, effect: (Same, Rewritten), model: None }
}

fn say(body: &mut Value, item: Value) {
    if let Some(items) = body["input"].as_array_mut() {
        items.push(item);
    }
}

fn tools(body: &mut Value) {
    body["tools"] =
        json!([{"type": "function", "name": "weather", "parameters": {"type": "object", "properties": {}}}]);
}

pub(crate) fn features() -> Vec<Feature> {
    [usual(), unlooked()].concat()
}

fn usual() -> Vec<Feature> {
    use Raw::{Fine, Ignored, Refused};
    const IMAGE: fn(&mut Value) = |b| {
        say(b, json!({"role": "user", "content": [{"type": "input_image", "image_url": "https://example.org/a.png"}]}));
    };
    vec![
        fine("instructions", |b| b["instructions"] = json!("Be brief.")),
        fine("text input", |b| b["input"] = json!("Say hello.")),
        feature("stored by default", Ignored, Fails, |b| drop(b.as_object_mut().and_then(|b| b.remove("store")))),
        feature("stored", Ignored, Fails, |b| b["store"] = json!(true)),
        feature("previous response", Refused, Fails, |b| b["previous_response_id"] = json!("resp_1")),
        feature("conversation", Refused, Fails, |b| b["conversation"] = json!("conv_1")),
        feature("background", Ignored, Fails, |b| b["background"] = json!(true)),
        fine("schema", |b| {
            b["text"] = json!({"format": {"type": "json_schema", "name": "s", "schema": {"type": "object",
                "properties": {"a": {"type": "string"}}}}});
        }),
        fine("tools", tools),
        feature("web search", Ignored, Fails, |b| b["tools"] = json!([{"type": "web_search"}])),
        feature("choice required", Fine, Rewritten, |b| {
            tools(b);
            b["tool_choice"] = json!("required");
        }),
        feature("one call at a time", Ignored, Loses, |b| {
            tools(b);
            b["parallel_tool_calls"] = json!(false);
        }),
        fine("effort", |b| b["reasoning"] = json!({"effort": "low"})),
        fine("max_output_tokens", |b| b["max_output_tokens"] = json!(100)),
        feature("max_output_tokens 393217", Ignored, Rewritten, |b| b["max_output_tokens"] = json!(393_217)),
        fine("temperature 1", |b| b["temperature"] = json!(1)),
        feature("developer role", Ignored, Rewritten, |b| say(b, json!({"role": "developer", "content": "Be kind."}))),
        fine("image", IMAGE).at(FLASH),
        feature("image to the blind", Ignored, Fails, IMAGE).at(PRO),
        feature("metadata", Ignored, Loses, |b| b["metadata"] = json!({"team": "a"})),
        feature("truncation", Ignored, Loses, |b| b["truncation"] = json!("auto")),
        feature("include", Ignored, Loses, |b| b["include"] = json!(["reasoning.encrypted_content"])),
        feature("service_tier", Ignored, Loses, |b| b["service_tier"] = json!("flex")),
        feature("user", Ignored, Rewritten, |b| b["user"] = json!("alice")),
        feature("prompt_cache_key", Ignored, Loses, |b| b["prompt_cache_key"] = json!("k")),
    ]
}

/// Refused, or not kept, by the documentation; the mock reads the text of a response's input and not much more.
fn unlooked() -> Vec<Feature> {
    use Raw::Unlooked;
    vec![
        feature("format unheard of", Unlooked, Fails, |b| b["text"] = json!({"format": {"type": "xml"}})),
        feature("input that is a number", Unlooked, Fails, |b| b["input"] = json!(5)),
        feature("unheard role", Unlooked, Fails, |b| say(b, json!({"role": "critic", "content": "Hm."}))),
        feature("stored item", Unlooked, Fails, |b| say(b, json!({"type": "item_reference", "id": "msg_1"}))),
        feature("speech", Unlooked, Fails, |b| {
            say(b, json!({"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": "AA=="}}]}));
        }),
        feature("file", Unlooked, Fails, |b| {
            say(b, json!({"role": "user", "content": [{"type": "input_file", "file_id": "file-1"}]}));
        }),
        feature("input beyond the window", Unlooked, Fails, |b| b["input"] = json!("a long word ".repeat(1_000_000))),
        feature("tools that are no list", Unlooked, Fails, |b| b["tools"] = json!("weather")),
        feature("129 tools", Unlooked, Fails, |b| {
            b["tools"] = (0..129).map(|number| json!({"type": "function", "name": format!("f{number}")})).collect();
        }),
        feature("tool without name", Unlooked, Fails, |b| b["tools"] = json!([{"type": "function"}])),
        feature("tool schema of a list", Unlooked, Fails, |b| {
            b["tools"] = json!([{"type": "function", "name": "f", "parameters": {"type": "array"}}]);
        }),
        feature("temperature 2.1", Unlooked, Fails, |b| b["temperature"] = json!(2.1)),
        feature("top_p 1.5", Unlooked, Fails, |b| b["top_p"] = json!(1.5)),
        feature("stored prompt", Unlooked, Fails, |b| b["prompt"] = json!({"id": "pmpt_1"})),
        feature("user_id of 513 bytes", Unlooked, Fails, |b| b["user_id"] = json!("u".repeat(513))),
        feature("moderation", Unlooked, Fails, |b| b["moderation"] = json!({"model": "omni-moderation-latest"})),
        feature("choice unheard of", Unlooked, Fails, |b| {
            tools(b);
            b["tool_choice"] = json!("perhaps");
        }),
        feature("choice of an absent tool", Unlooked, Fails, |b| {
            tools(b);
            b["tool_choice"] = json!({"type": "function", "name": "nobody"});
        }),
        feature("allowed tools", Unlooked, Fails, |b| {
            tools(b);
            b["tool_choice"] = json!({"type": "allowed_tools", "mode": "auto", "tools": []});
        }),
        feature("instructions that are a number", Unlooked, Fails, |b| b["instructions"] = json!(5)),
        feature("max_output_tokens 0", Unlooked, Fails, |b| b["max_output_tokens"] = json!(0)),
    ]
}
