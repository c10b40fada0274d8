//! Cases of the rows about values that are refused, and about what is lost without a word.

use super::*;
use crate::provider::cases::{Becomes, Case};
use Becomes::{Baseline, Sent};

fn case(member: &'static str, feature: &'static str, request: &'static str, becomes: Becomes) -> Case {
    Case { member, feature, request, model: "deepseek-flash", policy: Policy::default(), becomes }
}

fn refused(member: &'static str, feature: &'static str, request: &'static str) -> Case {
    case(member, feature, request, Baseline)
}

/// Passes as it is, but for thinking.
fn noted(member: &'static str, feature: &'static str, request: &'static str) -> Case {
    case(member, feature, request, Sent(&[], &[]))
}

const ORPHAN: &str = r#""messages":[{"role":"user","content":"q"},{"role":"tool","tool_call_id":"c","content":"1"}]"#;
const UNANSWERED: &str = r#""messages":[{"role":"assistant","tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"user","content":"q"}]"#;
const IN_PARTS: &str = r#""messages":[{"role":"assistant","tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"c","content":[{"type":"text","text":"1"}]}]"#;
const THINKING: &str = r#""reasoning_effort":"high","max_tokens":5,"temperature":0.5"#;

fn leaked(text: String) -> &'static str {
    text.leak()
}

/// A question of so many characters.
fn long(member: &str, characters: usize) -> &'static str {
    let text = "a".repeat(characters);
    leaked(match member {
        "messages" => format!(r#""messages":[{{"role":"user","content":"{text}"}}]"#),
        _ => format!(r#""input":"{text}""#),
    })
}

/// A picture that is too large.
fn heavy(member: &str, kind: &str) -> &'static str {
    let picture = "A".repeat(49 << 20);
    leaked(format!(
        r#""{member}":[{{"role":"user","content":[{{"type":"{kind}","image_url":{{"url":"{picture}"}}}}]}}]"#
    ))
}

pub(super) fn chat() -> Vec<Case> {
    let image = r#"{"type":"image_url","image_url":{"url":"x"}}"#;
    let images = vec![image; 601].join(",");
    let functions = (0..129).map(|index| format!(r#"{{"name":"f{index}"}}"#)).collect::<Vec<_>>().join(",");
    let former = |feature: &'static str, model: &'static str| Case { model, ..noted("model", feature, r#""x":1"#) };
    let mut cases = messages();
    cases.extend(tools());
    cases.extend([
        former("former model name", "deepseek-chat"),
        former("unknown model", "deepseek-next"),
        refused("messages", "images>600", leaked(format!(r#""messages":[{{"role":"user","content":[{images}]}}]"#))),
        refused("messages", "body>48 MiB", heavy("messages", "image_url")),
        refused("messages", "context window", long("messages", 6_400_000)),
        noted("messages", "context window in doubt", long("messages", 3_000_000)),
        refused("functions", "functions>128", leaked(format!(r#""functions":[{functions}]"#))),
        refused("user_id", "user_id>512", leaked(format!(r#""user_id":"{}""#, "u".repeat(513)))),
        refused("stop", "stop that is no text", r#""stop":[1]"#),
        noted("stop", "empty stop sequence", r#""stop":["a",""]"#),
        refused("top_p", "top_p out of range", r#""top_p":1.01"#),
        refused("temperature", "temperature out of range", r#""temperature":3"#),
        refused("logprobs", "logprobs that is no flag", r#""logprobs":5"#),
        refused("top_logprobs", "top_logprobs>20", r#""logprobs":true,"top_logprobs":21"#),
        refused("max_tokens", "limit that is no positive number", r#""max_tokens":0"#),
        refused("max_completion_tokens", "limit that is no positive number", r#""max_completion_tokens":"9""#),
        refused("thinking", "unknown switch", r#""thinking":{"type":"adaptive"}"#),
        refused("response_format", "unknown format", r#""response_format":{"type":"xml"}"#),
        Case {
            policy: Policy { json_schema: crate::provider::JsonSchema::Instruct, ..Policy::default() },
            ..refused("response_format", "json_schema without a schema", r#""response_format":{"type":"json_schema"}"#)
        },
        case(
            "presence_penalty",
            "presence_penalty 0",
            r#""presence_penalty":0.0"#,
            Sent(&[("/presence_penalty", None)], &[]),
        ),
        case(
            "frequency_penalty",
            "frequency_penalty 0",
            r#""frequency_penalty":0"#,
            Sent(&[("/frequency_penalty", None)], &[]),
        ),
        case(
            "parallel_tool_calls",
            "parallel calls",
            r#""parallel_tool_calls":true"#,
            Sent(&[("/parallel_tool_calls", None)], &[]),
        ),
        case(
            "service_tier",
            "usual service_tier",
            r#""service_tier":"auto""#,
            Sent(&[("/service_tier", None)], &["service_tier"]),
        ),
        noted("temperature", "temperature with thinking", THINKING),
        noted("max_tokens", "limit with thinking", THINKING),
        case(
            "max_completion_tokens",
            "limit with thinking",
            r#""reasoning_effort":"high","max_completion_tokens":5"#,
            Sent(&[("/max_tokens", Some("5"))], &[]),
        ),
        noted("reasoning_effort", "effort is rounded", r#""reasoning_effort":"medium""#),
        case(
            "reasoning_effort",
            "reasoning is lost",
            r#""reasoning_effort":"high","tool_choice":"required""#,
            Sent(&[("/thinking/type", Some(r#""disabled""#))], &["reasoning_effort"]),
        ),
        case(
            "thinking",
            "thinking is lost",
            r#""thinking":{"type":"enabled"},"tool_choice":"required""#,
            Sent(&[("/thinking/type", Some(r#""disabled""#))], &["thinking"]),
        ),
    ]);
    cases
}

fn messages() -> Vec<Case> {
    let refused = |feature, request| refused("messages", feature, request);
    vec![
        refused("no messages", r#""messages":[]"#),
        refused("unreadable message", r#""messages":[{"role":"user","content":7}]"#),
        refused("unknown role", r#""messages":[{"role":"critic","content":"q"}]"#),
        refused("unknown content part", r#""messages":[{"role":"user","content":[{"type":"video"}]}]"#),
        refused("message without content", r#""messages":[{"role":"user","content":null}]"#),
        refused("tool result without its call", ORPHAN),
        refused("tool call without its result", UNANSWERED),
        refused(
            "function call without its result",
            r#""messages":[{"role":"assistant","content":null,"function_call":{"name":"f","arguments":"{}"}}]"#,
        ),
        noted("messages", "tool result in parts", IN_PARTS),
        noted("messages", "ends with an answer", r#""messages":[{"role":"assistant","content":"a"}]"#),
    ]
}

fn tools() -> Vec<Case> {
    vec![
        refused("tools", "unreadable tools", r#""tools":{}"#),
        refused("tools", "tool name", r#""tools":[{"type":"function","function":{"name":"a b"}}]"#),
        refused(
            "tools",
            "tool name twice",
            r#""tools":[{"type":"function","function":{"name":"f"}},{"type":"function","function":{"name":"f"}}]"#,
        ),
        refused(
            "tools",
            "tool schema of no object",
            r#""tools":[{"type":"function","function":{"name":"f","parameters":{"type":"string"}}}]"#,
        ),
        case(
            "tools",
            "schemas that need not be strict",
            r#""tools":[{"type":"function","function":{"name":"f","strict":false}}]"#,
            Sent(&[("/tools/0/function", Some(r#"{"name":"f"}"#))], &[]),
        ),
        refused("functions", "unreadable functions", r#""functions":{}"#),
        refused("functions", "function name", r#""functions":[{"name":"f"},{"name":"f"}]"#),
        refused("functions", "function schema of no object", r#""functions":[{"name":"f","parameters":[]}]"#),
        refused(
            "function_call",
            "choice of a function that is not there",
            r#""functions":[{"name":"f"}],"function_call":{"name":"g"}"#,
        ),
        refused("tool_choice", "unknown tool choice", r#""tool_choice":"any""#),
        refused(
            "tool_choice",
            "choice of a tool that is not there",
            r#""tool_choice":{"type":"function","function":{"name":"g"}}"#,
        ),
        refused(
            "tool_choice",
            "allowed_tools that name no offered function",
            r#""tools":[],"tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"auto","tools":[]}}"#,
        ),
    ]
}

pub(super) fn responses() -> Vec<Case> {
    let former = |feature: &'static str, model: &'static str| Case { model, ..noted("model", feature, r#""x":1"#) };
    vec![
        former("former model name", "deepseek-chat"),
        former("unknown model", "deepseek-next"),
        refused("text", "unknown format", r#""text":{"format":{"type":"xml"}}"#),
        refused("input", "unreadable input", r#""input":7"#),
        refused("input", "unknown role", r#""input":[{"role":"critic","content":"q"}]"#),
        refused("input", "body>48 MiB", heavy("input", "input_image")),
        refused("input", "context window", long("input", 6_400_000)),
        noted("input", "context window in doubt", long("input", 3_000_000)),
        refused("tools", "unreadable tools", r#""tools":{}"#),
        refused("tools", "tool name", r#""tools":[{"type":"function","name":""}]"#),
        refused(
            "tools",
            "tool schema of no object",
            r#""tools":[{"type":"function","name":"f","parameters":{"type":"array"}}]"#,
        ),
        refused("top_p", "top_p out of range", r#""top_p":-1"#),
        case("top_p", "top_p 0", r#""top_p":0"#, Sent(&[("/top_p", None)], &["top_p"])),
        refused("user_id", "user_id>512", leaked(format!(r#""user_id":"{}""#, "u".repeat(513)))),
        case("truncation", "no truncation", r#""truncation":"disabled""#, Sent(&[("/truncation", None)], &[])),
        refused("temperature", "temperature out of range", r#""temperature":"warm""#),
        refused("tool_choice", "unknown tool choice", r#""tool_choice":{"type":"web_search"}"#),
        refused(
            "tool_choice",
            "choice of a tool that is not there",
            r#""tools":[{"type":"function","name":"f"}],"tool_choice":{"type":"function","name":"g"}"#,
        ),
        refused("instructions", "instructions that are no text", r#""instructions":["a"]"#),
        case(
            "service_tier",
            "usual service_tier",
            r#""service_tier":"default""#,
            Sent(&[("/service_tier", None)], &["service_tier"]),
        ),
        refused("max_output_tokens", "limit that is no positive number", r#""max_output_tokens":0"#),
        case(
            "parallel_tool_calls",
            "parallel calls",
            r#""parallel_tool_calls":true"#,
            Sent(&[("/parallel_tool_calls", None)], &[]),
        ),
    ]
}
