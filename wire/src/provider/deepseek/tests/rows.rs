//! A case for every row of the matrices.

use super::*;
use crate::provider::JsonSchema;
use crate::provider::cases::{Becomes, Case, check};
use crate::provider::matrix::to_markdown;
use Becomes::{Baseline, Sent};

fn case(member: &'static str, feature: &'static str, request: &'static str, becomes: Becomes) -> Case {
    Case { member, feature, request, model: "deepseek-flash", policy: Policy::default(), becomes }
}

#[test]
fn every_row_of_chat_does_what_it_says() {
    let tools: String = vec![r#"{"type":"function","function":{"name":"f"}}"#; 129].join(",");
    let too_many: &'static str = format!(r#""tools":[{tools}]"#).leak();
    let mut cases = chat_cases();
    cases.extend(refusals::chat());
    cases.push(case("tools", "tools>128", too_many, Baseline));
    check(&DeepSeek, Endpoint::Chat, &cases);
}

#[test]
fn every_row_of_responses_does_what_it_says() {
    let tools: String = vec![r#"{"type":"function","name":"some_name"}"#; 129].join(",");
    let too_many: &'static str = format!(r#""tools":[{tools}]"#).leak();
    let mut cases = responses_cases();
    cases.extend(refusals::responses());
    cases.push(case("tools", "tools>128", too_many, Baseline));
    check(&DeepSeek, Endpoint::Responses, &cases);
}

#[test]
fn the_table_can_be_printed() {
    let text = to_markdown(DeepSeek.matrix(Endpoint::Chat));
    assert!(text.contains("| `seed` | seed | dropped, warned as `seed` | the API knows no seed |"), "{text}");
    assert!(text.contains("| `max_completion_tokens` | max_completion_tokens | renamed to `max_tokens` |"));
    assert_eq!(text.lines().count(), DeepSeek.matrix(Endpoint::Chat).len() + 2);
}

fn chat_cases() -> Vec<Case> {
    vec![
        case("n", "one answer", r#""n":1"#, Sent(&[("/n", Some("1"))], &[])),
        case("n", "n>1", r#""n":2"#, Baseline),
        case("seed", "seed", r#""seed":7"#, Sent(&[("/seed", None)], &["seed"])),
        case("stop", "stop sequences", r#""stop":["a","b"]"#, Sent(&[("/stop", Some(r#"["a","b"]"#))], &[])),
        case(
            "stop",
            "stop>16",
            r#""stop":["1","2","3","4","5","6","7","8","9","10","11","12","13","14","15","16","17"]"#,
            Baseline,
        ),
        case("user", "user", r#""user":"anna""#, Sent(&[("/user", None)], &[])),
        case("audio", "audio", r#""audio":{}"#, Baseline),
        case("model", "model", r#""x":1"#, Sent(&[("/model", Some(r#""deepseek-flash""#))], &[])),
        case("store", "store", r#""store":true"#, Sent(&[("/store", None)], &["store"])),
        case(
            "tools",
            "tools",
            r#""tools":[{"type":"function","function":{"name":"f"}}]"#,
            Sent(&[("/tools/0/function/name", Some(r#""f""#))], &[]),
        ),
        case("tools", "tools other than functions", r#""tools":[{"type":"custom"}]"#, Baseline),
        case(
            "tools",
            "strict schemas",
            r#""tools":[{"type":"function","function":{"name":"f","strict":true}}]"#,
            Sent(&[("/tools/0/function", Some(r#"{"name":"f"}"#))], &["tools.strict"]),
        ),
        case("top_p", "top_p", r#""top_p":0.5"#, Sent(&[("/top_p", Some("0.5"))], &[])),
        case("top_p", "top_p 0", r#""top_p":0.0"#, Sent(&[("/top_p", None)], &["top_p"])),
        case("stream", "streaming", r#""stream":true"#, Sent(&[("/stream", Some("true"))], &[])),
        case("logprobs", "logprobs", r#""logprobs":true"#, Sent(&[("/logprobs", Some("true"))], &[])),
        case("messages", "messages", r#""x":1"#, Sent(&[("/messages/0/content", Some(r#""hi""#))], &[])),
        case(
            "messages",
            "audio content",
            r#""messages":[{"role":"user","content":[{"type":"input_audio","input_audio":{}}]}]"#,
            Baseline,
        ),
        case(
            "messages",
            "file content",
            r#""messages":[{"role":"user","content":[{"type":"file","file":{}}]}]"#,
            Baseline,
        ),
        Case {
            model: "deepseek-v4-pro",
            ..case(
                "messages",
                "images",
                r#""messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"x"}}]}]"#,
                Baseline,
            )
        },
        case(
            "messages",
            "custom tool calls",
            r#""messages":[{"role":"assistant","tool_calls":[{"id":"c","type":"custom","custom":{}}]}]"#,
            Baseline,
        ),
        case(
            "messages",
            "developer role",
            r#""messages":[{"role":"developer","content":"d"}]"#,
            Sent(&[("/messages/0/role", Some(r#""system""#))], &[]),
        ),
        case(
            "messages",
            "function role",
            r#""messages":[{"role":"assistant","function_call":{"name":"f"}},{"role":"function","name":"f","content":"1"}]"#,
            Sent(&[("/messages/1/role", Some(r#""tool""#))], &[]),
        ),
        case(
            "messages",
            "refusals",
            r#""messages":[{"role":"assistant","content":null,"refusal":"no"}]"#,
            Sent(&[("/messages/0/content", Some(r#""no""#)), ("/messages/0/refusal", None)], &[]),
        ),
        case(
            "messages",
            "cache breakpoints",
            r#""messages":[{"role":"user","content":[{"type":"text","text":"t","prompt_cache_breakpoint":{}}]}]"#,
            Sent(&[("/messages/0/content/0", Some(r#"{"type":"text","text":"t"}"#))], &[]),
        ),
        case(
            "messages",
            "reasoning of earlier turns",
            r#""reasoning_effort":"low","messages":[{"role":"user","content":"q"},{"role":"assistant","content":"a"}]"#,
            Sent(&[("/reasoning_effort", Some(r#""low""#))], &[]),
        ),
        case("metadata", "metadata", r#""metadata":{"a":"b"}"#, Sent(&[("/metadata", None)], &["metadata"])),
        case(
            "thinking",
            "DeepSeek's own switch",
            r#""thinking":{"type":"enabled"}"#,
            Sent(&[("/thinking/type", Some(r#""enabled""#))], &[]),
        ),
        case("functions", "functions beside tools", r#""functions":[],"tools":[]"#, Baseline),
        case(
            "functions",
            "functions",
            r#""functions":[{"name":"f"}]"#,
            Sent(&[("/tools/0/function/name", Some(r#""f""#)), ("/functions", None)], &[]),
        ),
        case("verbosity", "verbosity", r#""verbosity":"low""#, Sent(&[("/verbosity", None)], &["verbosity"])),
        case("logit_bias", "logit_bias", r#""logit_bias":{"50256":-100}"#, Baseline),
        case("logit_bias", "empty logit_bias", r#""logit_bias":{ }"#, Sent(&[("/logit_bias", None)], &[])),
        case("max_tokens", "max_tokens", r#""max_tokens":999999999"#, Sent(&[("/max_tokens", Some("393216"))], &[])),
        case("modalities", "text output", r#""modalities":["text"]"#, Sent(&[("/modalities", None)], &[])),
        case("modalities", "audio output", r#""modalities":["text","audio"]"#, Baseline),
        case("moderation", "moderation", r#""moderation":{"model":"m"}"#, Baseline),
        case(
            "prediction",
            "prediction",
            r#""prediction":{"type":"content","content":"x"}"#,
            Sent(&[("/prediction", None)], &["prediction"]),
        ),
        case("temperature", "temperature", r#""temperature":0.25"#, Sent(&[("/temperature", Some("0.25"))], &[])),
        case("tool_choice", "tool_choice auto", r#""tool_choice":"auto""#, Sent(&[("/tool_choice", None)], &[])),
        case(
            "tool_choice",
            "tool_choice none",
            r#""tool_choice":"none""#,
            Sent(&[("/tool_choice", Some(r#""none""#))], &[]),
        ),
        case(
            "tool_choice",
            "forced tool choice",
            r#""tool_choice":"required","thinking":{"type":"enabled"}"#,
            Sent(&[("/tool_choice", Some(r#""required""#)), ("/thinking/type", Some(r#""disabled""#))], &["thinking"]),
        ),
        case(
            "tool_choice",
            "allowed_tools",
            r#""tools":[{"type":"function","function":{"name":"a"}},{"type":"function","function":{"name":"b"}}],"tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"required","tools":[{"type":"function","function":{"name":"b"}}]}}"#,
            Sent(
                &[
                    ("/tools/0/function/name", Some(r#""b""#)),
                    ("/tools/1", None),
                    ("/tool_choice", Some(r#""required""#)),
                ],
                &[],
            ),
        ),
        case("tool_choice", "custom tool choice", r#""tool_choice":{"type":"custom","custom":{"name":"x"}}"#, Baseline),
        case(
            "service_tier",
            "service_tier",
            r#""service_tier":"flex""#,
            Sent(&[("/service_tier", None)], &["service_tier"]),
        ),
        case("top_logprobs", "top_logprobs", r#""top_logprobs":3"#, Sent(&[("/top_logprobs", Some("3"))], &[])),
        case(
            "function_call",
            "function_call",
            r#""functions":[{"name":"f"}],"function_call":"none""#,
            Sent(&[("/tool_choice", Some(r#""none""#)), ("/function_call", None)], &[]),
        ),
        case(
            "stream_options",
            "stream options",
            r#""stream_options":{"include_usage":true}"#,
            Sent(&[("/stream_options", None)], &[]),
        ),
        case(
            "response_format",
            "text format",
            r#""response_format":{"type":"text"}"#,
            Sent(&[("/response_format/type", Some(r#""text""#))], &[]),
        ),
        case(
            "response_format",
            "json_object",
            r#""response_format":{"type":"json_object"}"#,
            Sent(
                &[("/response_format/type", Some(r#""json_object""#)), ("/messages/0/role", Some(r#""system""#))],
                &[],
            ),
        ),
        case(
            "response_format",
            "json_schema",
            r#""response_format":{"type":"json_schema","json_schema":{"schema":{}}}"#,
            Baseline,
        ),
        Case {
            policy: Policy { json_schema: JsonSchema::Instruct, ..Policy::default() },
            ..case(
                "response_format",
                "json_schema as an instruction",
                r#""response_format":{"type":"json_schema","json_schema":{"name":"n","schema":{"type":"object"}}}"#,
                Sent(
                    &[
                        ("/response_format", Some(r#"{"type":"json_object"}"#)),
                        ("/messages/1/content", Some(r#""hi""#)),
                    ],
                    &[],
                ),
            )
        },
        case(
            "prompt_cache_key",
            "prompt_cache_key",
            r#""prompt_cache_key":"k""#,
            Sent(&[("/prompt_cache_key", None)], &["prompt_cache_key"]),
        ),
        case(
            "presence_penalty",
            "presence_penalty",
            r#""presence_penalty":1"#,
            Sent(&[("/presence_penalty", None)], &["presence_penalty"]),
        ),
        case(
            "reasoning_effort",
            "reasoning_effort",
            r#""reasoning_effort":"medium""#,
            Sent(&[("/reasoning_effort", Some(r#""high""#)), ("/thinking", None)], &[]),
        ),
        case(
            "frequency_penalty",
            "frequency_penalty",
            r#""frequency_penalty":1"#,
            Sent(&[("/frequency_penalty", None)], &["frequency_penalty"]),
        ),
        case(
            "safety_identifier",
            "safety_identifier",
            r#""safety_identifier":"anna""#,
            Sent(&[("/safety_identifier", None)], &[]),
        ),
        case("web_search_options", "web_search_options", r#""web_search_options":{}"#, Baseline),
        case(
            "parallel_tool_calls",
            "parallel_tool_calls",
            r#""parallel_tool_calls":false"#,
            Sent(&[("/parallel_tool_calls", None)], &["parallel_tool_calls"]),
        ),
        case(
            "prompt_cache_options",
            "prompt_cache_options",
            r#""prompt_cache_options":{}"#,
            Sent(&[("/prompt_cache_options", None)], &["prompt_cache_options"]),
        ),
        case(
            "prompt_cache_retention",
            "prompt_cache_retention",
            r#""prompt_cache_retention":"24h""#,
            Sent(&[("/prompt_cache_retention", None)], &["prompt_cache_retention"]),
        ),
        case(
            "max_completion_tokens",
            "max_completion_tokens",
            r#""max_completion_tokens":7"#,
            Sent(&[("/max_tokens", Some("7")), ("/max_completion_tokens", None)], &[]),
        ),
    ]
}

fn responses_cases() -> Vec<Case> {
    vec![
        case(
            "text",
            "text format",
            r#""text":{"format":{"type":"json_schema","schema":{}}}"#,
            Sent(&[("/text/format/type", Some(r#""json_schema""#))], &[]),
        ),
        case("user", "user", r#""user":"anna""#, Sent(&[("/user", None)], &[])),
        case(
            "input",
            "input",
            r#""x":1"#,
            Sent(&[("/input", Some(r#""hi""#)), ("/reasoning/effort", Some(r#""none""#))], &[]),
        ),
        case("input", "stored items", r#""input":[{"type":"item_reference","id":"i"}]"#, Baseline),
        case("input", "audio content", r#""input":[{"role":"user","content":[{"type":"input_audio"}]}]"#, Baseline),
        case("input", "file content", r#""input":[{"role":"user","content":[{"type":"input_file"}]}]"#, Baseline),
        Case {
            model: "deepseek-v4-pro",
            ..case("input", "images", r#""input":[{"role":"user","content":[{"type":"input_image"}]}]"#, Baseline)
        },
        case(
            "input",
            "developer role",
            r#""input":[{"role":"developer","content":"d"},{"role":"user","content":"u"}]"#,
            Sent(&[("/input/0/role", Some(r#""system""#)), ("/input/1/role", Some(r#""user""#))], &[]),
        ),
        case("model", "model", r#""x":1"#, Sent(&[("/model", Some(r#""deepseek-flash""#))], &[])),
        case("store", "store", r#""store":true"#, Baseline),
        case("store", "store false", r#""store":false"#, Sent(&[("/store", None)], &[])),
        case(
            "tools",
            "tools",
            r#""tools":[{"type":"function","name":"f"}]"#,
            Sent(&[("/tools/0/name", Some(r#""f""#))], &[]),
        ),
        case("tools", "tools other than functions", r#""tools":[{"type":"web_search"}]"#, Baseline),
        case("prompt", "stored prompt", r#""prompt":{"id":"p"}"#, Baseline),
        case(
            "include",
            "include",
            r#""include":["reasoning.encrypted_content"]"#,
            Sent(&[("/include", None)], &["include"]),
        ),
        case("metadata", "metadata", r#""metadata":{}"#, Sent(&[("/metadata", None)], &["metadata"])),
        case(
            "reasoning",
            "reasoning",
            r#""reasoning":{"effort":"medium","summary":"auto"}"#,
            Sent(&[("/reasoning", Some(r#"{"effort":"high"}"#))], &[]),
        ),
        case("background", "background", r#""background":true"#, Baseline),
        case("background", "no background", r#""background":false"#, Sent(&[("/background", None)], &[])),
        case("moderation", "moderation", r#""moderation":{}"#, Baseline),
        case("truncation", "truncation", r#""truncation":"auto""#, Sent(&[("/truncation", None)], &["truncation"])),
        case(
            "tool_choice",
            "forced tool choice",
            r#""tool_choice":"required","reasoning":{"effort":"high"}"#,
            Sent(&[("/reasoning/effort", Some(r#""none""#)), ("/tool_choice", Some(r#""required""#))], &["reasoning"]),
        ),
        case(
            "tool_choice",
            "allowed_tools",
            r#""tool_choice":{"type":"allowed_tools","mode":"auto","tools":[]}"#,
            Baseline,
        ),
        case("conversation", "conversation", r#""conversation":"c""#, Baseline),
        case(
            "service_tier",
            "service_tier",
            r#""service_tier":"flex""#,
            Sent(&[("/service_tier", None)], &["service_tier"]),
        ),
        case(
            "max_tool_calls",
            "max_tool_calls",
            r#""max_tool_calls":1"#,
            Sent(&[("/max_tool_calls", None)], &["max_tool_calls"]),
        ),
        case(
            "prompt_cache_key",
            "prompt_cache_key",
            r#""prompt_cache_key":"k""#,
            Sent(&[("/prompt_cache_key", None)], &["prompt_cache_key"]),
        ),
        case(
            "max_output_tokens",
            "max_output_tokens",
            r#""max_output_tokens":999999999"#,
            Sent(&[("/max_output_tokens", Some("393216"))], &[]),
        ),
        case(
            "safety_identifier",
            "safety_identifier",
            r#""safety_identifier":"anna""#,
            Sent(&[("/safety_identifier", None)], &[]),
        ),
        case(
            "parallel_tool_calls",
            "parallel_tool_calls",
            r#""parallel_tool_calls":false"#,
            Sent(&[("/parallel_tool_calls", None)], &["parallel_tool_calls"]),
        ),
        case("previous_response_id", "previous_response_id", r#""previous_response_id":"r""#, Baseline),
    ]
}
