//! Features of chat completions, with what the provider's documentation says of them.

use crate::catalogue::{FLASH, Feature, PRO, Raw};
use serde_json::{Value, json};
use wire::provider::Effect::{self, Fails, Loses, Rewritten, Same};

pub(crate) fn base() -> Value {
    json!({"model": "gpt-4o-mini", "messages": [
        {"role": "system", "content": "Be brief."}, {"role": "user", "content": "Say hello."}]})
}

/// A function by this name.
fn tool(name: &str) -> Value {
    json!({"type": "function", "function": {"name": name, "description": "Looks it up.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}})
}

fn tools(body: &mut Value) {
    body["tools"] = json!([tool("weather"), tool("time")]);
}

fn say(body: &mut Value, message: Value) {
    if let Some(messages) = body["messages"].as_array_mut() {
        messages.push(message);
    }
}

/// A turn of the user that ends with this part.
fn part(body: &mut Value, part: &Value) {
    say(body, json!({"role": "user", "content": [{"type": "text", "text": "Look."}, part]}));
}

/// A call of a tool that was made and answered.
fn called(body: &mut Value) {
    say(
        body,
        json!({"role": "assistant", "content": null, "tool_calls": [
            {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": "{}"}}]}),
    );
    say(body, json!({"role": "tool", "tool_call_id": "call_1", "content": "Rain."}));
}

const fn feature(name: &'static str, raw: Raw, effect: Effect, put: fn(&mut Value)) -> Feature {
    Feature { name, put, raw, effect: (effect, effect), model: None }
}

/// A member whose value may or may not have to be changed.
const fn either(name: &'static str, raw: Raw, effect: (Effect, Effect), put: fn(&mut Value)) -> Feature {
    Feature { name, put, raw, effect, model: None }
}

pub(crate) fn features() -> Vec<Feature> {
    [values(), limits(), members(), formats(), tool_features(), turns(), parts(), wrong(), unlooked()].concat()
}

fn values() -> Vec<Feature> {
    use Raw::{Fine, Ignored, Refused};
    vec![
        feature("n 1", Fine, Same, |b| b["n"] = json!(1)),
        feature("n 2", Refused, Fails, |b| b["n"] = json!(2)),
        feature("n 0", Refused, Fails, |b| b["n"] = json!(0)),
        feature("temperature 0", Fine, Same, |b| b["temperature"] = json!(0)),
        feature("temperature 2", Fine, Same, |b| b["temperature"] = json!(2.0)),
        feature("temperature 2.1", Refused, Fails, |b| b["temperature"] = json!(2.1)),
        feature("temperature -0.1", Refused, Fails, |b| b["temperature"] = json!(-0.1)),
        either("top_p 0.5", Fine, (Same, Loses), |b| b["top_p"] = json!(0.5)),
        feature("top_p 0", Refused, Loses, |b| b["top_p"] = json!(0)),
        feature("top_p 1.5", Refused, Fails, |b| b["top_p"] = json!(1.5)),
        feature("stop", Fine, Same, |b| b["stop"] = json!("END")),
        feature("stop 16", Fine, Same, |b| b["stop"] = json!(vec!["x"; 16])),
        feature("stop 17", Refused, Fails, |b| b["stop"] = json!(vec!["x"; 17])),
        feature("logprobs", Fine, Same, |b| {
            b["logprobs"] = json!(true);
            b["top_logprobs"] = json!(20);
        }),
        feature("top_logprobs 21", Refused, Fails, |b| {
            b["logprobs"] = json!(true);
            b["top_logprobs"] = json!(21);
        }),
        feature("seed", Ignored, Loses, |b| b["seed"] = json!(7)),
        feature("presence_penalty", Ignored, Loses, |b| b["presence_penalty"] = json!(0.5)),
        feature("frequency_penalty", Ignored, Loses, |b| b["frequency_penalty"] = json!(0.5)),
        feature("logit_bias", Ignored, Fails, |b| b["logit_bias"] = json!({"50256": -100})),
        feature("empty logit_bias", Fine, Rewritten, |b| b["logit_bias"] = json!({})),
        feature("unknown member", Fine, Same, |b| b["x_new"] = json!({"a": 1})),
    ]
}

fn limits() -> Vec<Feature> {
    use Raw::{Fine, Ignored, Refused};
    vec![
        either("max_tokens 1", Fine, (Same, Rewritten), |b| b["max_tokens"] = json!(1)),
        either("max_tokens 393216", Fine, (Same, Rewritten), |b| b["max_tokens"] = json!(393_216)),
        feature("max_tokens 393217", Refused, Rewritten, |b| b["max_tokens"] = json!(393_217)),
        feature("max_tokens 0", Refused, Fails, |b| b["max_tokens"] = json!(0)),
        feature("max_completion_tokens", Ignored, Rewritten, |b| b["max_completion_tokens"] = json!(100)),
        feature("max_completion_tokens 400000", Ignored, Rewritten, |b| b["max_completion_tokens"] = json!(400_000)),
        feature("max_completion_tokens 0", Ignored, Fails, |b| b["max_completion_tokens"] = json!(0)),
        either("stream usage", Fine, (Same, Rewritten), |b| {
            b["stream"] = json!(true);
            b["stream_options"] = json!({"include_usage": true});
        }),
        feature("obfuscation", Ignored, Rewritten, |b| {
            b["stream"] = json!(true);
            b["stream_options"] = json!({"include_usage": true, "include_obfuscation": false});
        }),
        feature("stream options without stream", Refused, Rewritten, |b| {
            b["stream"] = json!(false);
            b["stream_options"] = json!({"include_usage": true});
        }),
        feature("long prompt", Fine, Same, |b| say(b, json!({"role": "user", "content": "word ".repeat(20_000)}))),
        feature("prompt beyond the window", Refused, Fails, |b| {
            b["messages"] = json!([{"role": "user", "content": "a long word ".repeat(1_000_000)}]);
        }),
    ]
}

fn members() -> Vec<Feature> {
    use Raw::{Fine, Ignored, Refused};
    vec![
        feature("user", Ignored, Rewritten, |b| b["user"] = json!("alice")),
        feature("safety_identifier", Ignored, Rewritten, |b| b["safety_identifier"] = json!("alice")),
        feature("user_id", Fine, Same, |b| b["user_id"] = json!("u1")),
        feature("user_id of 513 bytes", Refused, Fails, |b| b["user_id"] = json!("u".repeat(513))),
        feature("store", Ignored, Loses, |b| b["store"] = json!(true)),
        feature("metadata", Ignored, Loses, |b| b["metadata"] = json!({"team": "a"})),
        feature("service_tier", Ignored, Loses, |b| b["service_tier"] = json!("flex")),
        feature("verbosity", Ignored, Loses, |b| b["verbosity"] = json!("low")),
        feature("prediction", Ignored, Loses, |b| b["prediction"] = json!({"type": "content", "content": "Hello."})),
        feature("prompt_cache_key", Ignored, Loses, |b| b["prompt_cache_key"] = json!("k")),
        feature("prompt_cache_options", Ignored, Loses, |b| b["prompt_cache_options"] = json!({"mode": "explicit"})),
        feature("prompt_cache_retention", Ignored, Loses, |b| b["prompt_cache_retention"] = json!("24h")),
        feature("web_search_options", Ignored, Fails, |b| b["web_search_options"] = json!({})),
        feature("moderation", Ignored, Fails, |b| b["moderation"] = json!({"model": "omni-moderation-latest"})),
        feature("text output", Ignored, Rewritten, |b| b["modalities"] = json!(["text"])),
        feature("audio output", Ignored, Fails, |b| {
            b["modalities"] = json!(["text", "audio"]);
            b["audio"] = json!({"voice": "alloy", "format": "wav"});
        }),
        either("effort none", Ignored, (Same, Rewritten), |b| b["reasoning_effort"] = json!("none")),
        either("effort low", Fine, (Same, Rewritten), |b| b["reasoning_effort"] = json!("low")),
        either("effort high", Fine, (Same, Rewritten), |b| b["reasoning_effort"] = json!("high")),
        either("effort xhigh", Fine, (Same, Loses), |b| b["reasoning_effort"] = json!("xhigh")),
        either("effort unheard of", Refused, (Rewritten, Fails), |b| b["reasoning_effort"] = json!("huge")),
        either("thinking on", Fine, (Same, Rewritten), |b| b["thinking"] = json!({"type": "enabled"})),
        either("thinking off", Fine, (Same, Rewritten), |b| b["thinking"] = json!({"type": "disabled"})),
        feature("thinking unheard of", Refused, Fails, |b| b["thinking"] = json!({"type": "maybe"})),
    ]
}

fn formats() -> Vec<Feature> {
    use Raw::{Fine, Refused};
    vec![
        feature("text format", Fine, Same, |b| b["response_format"] = json!({"type": "text"})),
        either("json_object", Fine, (Same, Rewritten), |b| {
            say(b, json!({"role": "user", "content": "Answer in JSON."}));
            b["response_format"] = json!({"type": "json_object"});
        }),
        feature("json_object without the word", Refused, Rewritten, |b| {
            b["response_format"] = json!({"type": "json_object"});
        }),
        feature("json_schema", Refused, Fails, |b| {
            b["response_format"] = json!({"type": "json_schema", "json_schema": {"name": "s",
                "schema": {"type": "object", "properties": {"a": {"type": "string"}}}}});
        }),
        feature("format unheard of", Refused, Fails, |b| b["response_format"] = json!({"type": "xml"})),
    ]
}

fn tool_features() -> Vec<Feature> {
    use Raw::{Fine, Ignored, Refused};
    vec![
        feature("tools", Fine, Same, tools),
        feature("128 tools", Fine, Same, |b| {
            b["tools"] = (0..128).map(|number| tool(&format!("f{number}"))).collect();
        }),
        feature("129 tools", Refused, Fails, |b| {
            b["tools"] = (0..129).map(|number| tool(&format!("f{number}"))).collect();
        }),
        either("strict tools", Ignored, (Rewritten, Loses), |b| {
            tools(b);
            b["tools"][0]["function"]["strict"] = json!(true);
        }),
        feature("custom tool", Refused, Fails, |b| {
            b["tools"] = json!([{"type": "custom", "custom": {"name": "sql"}}]);
        }),
        either("choice auto", Fine, (Same, Rewritten), |b| {
            tools(b);
            b["tool_choice"] = json!("auto");
        }),
        feature("choice none", Fine, Same, |b| {
            tools(b);
            b["tool_choice"] = json!("none");
        }),
        feature("choice required", Refused, Rewritten, |b| {
            tools(b);
            b["tool_choice"] = json!("required");
        }),
        feature("choice by name", Refused, Rewritten, |b| {
            tools(b);
            b["tool_choice"] = json!({"type": "function", "function": {"name": "time"}});
        }),
        feature("choice of an absent tool", Refused, Fails, |b| {
            tools(b);
            b["tool_choice"] = json!({"type": "function", "function": {"name": "nobody"}});
        }),
        feature("allowed tools", Refused, Rewritten, |b| {
            tools(b);
            b["tool_choice"] = json!({"type": "allowed_tools", "allowed_tools": {"mode": "auto",
                "tools": [{"type": "function", "function": {"name": "time"}}]}});
        }),
        feature("allowed tools that are absent", Refused, Fails, |b| {
            tools(b);
            b["tool_choice"] = json!({"type": "allowed_tools", "allowed_tools": {"mode": "auto",
                "tools": [{"type": "function", "function": {"name": "nobody"}}]}});
        }),
        feature("one call at a time", Ignored, Loses, |b| {
            tools(b);
            b["parallel_tool_calls"] = json!(false);
        }),
        feature("functions", Ignored, Rewritten, |b| {
            b["functions"] = json!([{"name": "weather", "parameters": {"type": "object", "properties": {}}}]);
        }),
        feature("function_call", Ignored, Rewritten, |b| {
            b["functions"] = json!([{"name": "weather", "parameters": {"type": "object", "properties": {}}}]);
            b["function_call"] = json!({"name": "weather"});
        }),
    ]
}

fn turns() -> Vec<Feature> {
    use Raw::{Fine, Ignored, Refused};
    vec![
        feature("developer role", Refused, Rewritten, |b| {
            say(b, json!({"role": "developer", "content": "Be kind."}));
        }),
        feature("unheard role", Refused, Fails, |b| say(b, json!({"role": "critic", "content": "Hm."}))),
        feature("named speaker", Fine, Same, |b| {
            say(b, json!({"role": "user", "name": "ann", "content": "Me too."}));
        }),
        either("earlier calls", Refused, (Same, Rewritten), |b| {
            tools(b);
            called(b);
        }),
        feature("earlier function calls", Refused, Rewritten, |b| {
            b["functions"] = json!([{"name": "weather", "parameters": {"type": "object", "properties": {}}}]);
            say(
                b,
                json!({"role": "assistant", "content": null,
                "function_call": {"name": "weather", "arguments": "{}"}}),
            );
            say(b, json!({"role": "function", "name": "weather", "content": "Rain."}));
        }),
        feature("earlier custom call", Refused, Fails, |b| {
            say(
                b,
                json!({"role": "assistant", "content": null, "tool_calls": [
                {"id": "call_1", "type": "custom", "custom": {"name": "sql", "input": "select"}}]}),
            );
            say(b, json!({"role": "tool", "tool_call_id": "call_1", "content": "1"}));
        }),
        feature("earlier refusal", Ignored, Rewritten, |b| {
            say(b, json!({"role": "assistant", "content": null, "refusal": "I would rather not."}));
            say(b, json!({"role": "user", "content": "Why?"}));
        }),
    ]
}

fn parts() -> Vec<Feature> {
    use Raw::{Fine, Ignored};
    const IMAGE: fn(&mut Value) =
        |b| part(b, &json!({"type": "image_url", "image_url": {"url": "https://example.org/a.png"}}));
    vec![
        feature("text parts", Fine, Same, |b| part(b, &json!({"type": "text", "text": "More."}))),
        feature("image", Fine, Same, IMAGE).at(FLASH),
        feature("image to the blind", Ignored, Fails, IMAGE).at(PRO),
        feature("speech", Ignored, Fails, |b| {
            part(b, &json!({"type": "input_audio", "input_audio": {"data": "AA==", "format": "wav"}}));
        }),
        feature("file", Ignored, Fails, |b| part(b, &json!({"type": "file", "file": {"file_id": "file-1"}}))),
        feature("cache breakpoint", Ignored, Rewritten, |b| {
            part(b, &json!({"type": "text", "text": "More.", "prompt_cache_breakpoint": {"mode": "explicit"}}));
        }),
    ]
}

/// Requests that no provider takes.
fn wrong() -> Vec<Feature> {
    use Raw::Refused;
    vec![
        feature("no messages", Refused, Fails, |b| b["messages"] = json!([])),
        feature("user without content", Refused, Fails, |b| say(b, json!({"role": "user", "content": null}))),
        feature("content that is a number", Refused, Fails, |b| say(b, json!({"role": "user", "content": 5}))),
        feature("message without role", Refused, Fails, |b| say(b, json!({"content": "Hm."}))),
        feature("temperature in words", Refused, Fails, |b| b["temperature"] = json!("hot")),
        feature("max_tokens in words", Refused, Fails, |b| b["max_tokens"] = json!("many")),
        feature("negative max_tokens", Refused, Fails, |b| b["max_tokens"] = json!(-1)),
        feature("stop that is a number", Refused, Fails, |b| b["stop"] = json!(5)),
        feature("tools that are no list", Refused, Fails, |b| b["tools"] = json!("weather")),
        feature("tool without name", Refused, Fails, |b| b["tools"] = json!([{"type": "function", "function": {}}])),
        feature("choice unheard of", Refused, Fails, |b| {
            tools(b);
            b["tool_choice"] = json!("perhaps");
        }),
    ]
}

/// Refused by the documentation of both providers; the mock does not look at them.
fn unlooked() -> Vec<Feature> {
    use Raw::{Ignored, Refused, Unlooked};
    vec![
        feature("tool name twice", Unlooked, Fails, |b| b["tools"] = json!([tool("weather"), tool("weather")])),
        feature("tool schema of a list", Unlooked, Fails, |b| {
            tools(b);
            b["tools"][0]["function"]["parameters"] = json!({"type": "array"});
        }),
        feature("logprobs in words", Refused, Fails, |b| b["logprobs"] = json!("yes")),
        feature("601 images", Unlooked, Fails, |b| {
            let image = json!({"type": "image_url", "image_url": {"url": "https://example.org/a.png"}});
            let parts: Vec<Value> = vec![image; 601];
            say(b, json!({"role": "user", "content": parts}));
        })
        .at(FLASH),
        feature("part unheard of", Unlooked, Fails, |b| part(b, &json!({"type": "smell", "smell": "roses"}))),
        feature("result without its call", Unlooked, Fails, |b| {
            say(b, json!({"role": "tool", "tool_call_id": "call_9", "content": "Rain."}));
        }),
        feature("call without its result", Refused, Fails, |b| {
            called(b);
            if let Some(messages) = b["messages"].as_array_mut() {
                messages.pop();
            }
            say(b, json!({"role": "user", "content": "Well?"}));
        }),
        feature("function call without its result", Unlooked, Fails, |b| {
            b["functions"] = json!([{"name": "weather", "parameters": {"type": "object", "properties": {}}}]);
            say(
                b,
                json!({"role": "assistant", "content": null, "function_call": {"name": "weather", "arguments": "{}"}}),
            );
            say(b, json!({"role": "user", "content": "Well?"}));
        }),
        feature("functions that are no list", Unlooked, Fails, |b| b["functions"] = json!("weather")),
        feature("129 functions", Unlooked, Fails, |b| {
            b["functions"] = (0..129)
                .map(|number| json!({"name": format!("f{number}"), "parameters": {"type": "object", "properties": {}}}))
                .collect();
        }),
        feature("function without name", Unlooked, Fails, |b| b["functions"] = json!([{"description": "It."}])),
        feature("function schema of a list", Unlooked, Fails, |b| {
            b["functions"] = json!([{"name": "f", "parameters": {"type": "array"}}]);
        }),
        feature("choice of a custom tool", Refused, Fails, |b| {
            tools(b);
            b["tool_choice"] = json!({"type": "custom", "custom": {"name": "sql"}});
        }),
        feature("call of an absent function", Ignored, Fails, |b| {
            b["functions"] = json!([{"name": "f", "parameters": {"type": "object", "properties": {}}}]);
            b["function_call"] = json!({"name": "nobody"});
        }),
        feature("json_schema without a schema", Refused, Fails, |b| {
            b["response_format"] = json!({"type": "json_schema", "json_schema": {"name": "s"}});
        }),
    ]
}
