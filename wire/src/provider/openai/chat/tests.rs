//! A case for every row, and what must not be touched.

use super::super::OpenAi;
use crate::provider::cases::{Becomes, Case, check};
use crate::provider::{Adapter, Policy, Target};
use crate::{Endpoint, Request};
use Becomes::{Baseline, Sent};

fn on(
    model: &'static str,
    member: &'static str,
    feature: &'static str,
    request: &'static str,
    becomes: Becomes,
) -> Case {
    Case { member, feature, request, model, policy: Policy::default(), becomes }
}

fn refused(member: &'static str, feature: &'static str, request: &'static str) -> Case {
    on("gpt-4.1", member, feature, request, Baseline)
}

fn sent(
    (model, member, feature): (&'static str, &'static str, &'static str),
    request: &'static str,
    expected: &'static [(&'static str, Option<&'static str>)],
    dropped: &'static [&'static str],
) -> Case {
    on(model, member, feature, request, Sent(expected, dropped))
}

#[test]
fn every_row_does_what_it_says() {
    let mut cases = refusals();
    cases.extend(changes());
    check(&OpenAi, Endpoint::Chat, &cases);
}

fn refusals() -> Vec<Case> {
    let long: &'static str = format!(r#""messages":[{{"role":"user","content":"{}"}}]"#, "a".repeat(6_400_000)).leak();
    let doubtful: &'static str =
        format!(r#""messages":[{{"role":"user","content":"{}"}}]"#, "a".repeat(3_000_000)).leak();
    let tools = vec![r#"{"type":"function","function":{"name":"f"}}"#; 129].join(",");
    vec![
        refused("n", "n out of range", r#""n":0"#),
        refused("stop", "stop that is no text", r#""stop":7"#),
        refused("stop", "stop>4", r#""stop":["1","2","3","4","5"]"#),
        on("o3", "stop", "stop with this model", r#""stop":"a""#, Baseline),
        on("o3-2025-04-16", "stop", "stop with this model", r#""stop":"a""#, Baseline),
        on("o4-mini-2025-04-16", "stop", "stop with this model", r#""stop":["a"]"#, Baseline),
        refused("tools", "unreadable tools", r#""tools":7"#),
        refused("tools", "tools>128", format!(r#""tools":[{tools}]"#).leak()),
        refused("tools", "tool name", r#""tools":[{"type":"function","function":{"name":"a.b"}}]"#),
        refused(
            "tools",
            "tool schema of no object",
            r#""tools":[{"type":"function","function":{"name":"f","parameters":{}}}]"#,
        ),
        refused("top_p", "top_p out of range", r#""top_p":2"#),
        refused("logprobs", "logprobs that is no flag", r#""logprobs":1"#),
        refused("messages", "no messages", r#""messages":[]"#),
        refused("messages", "unreadable message", r#""messages":["a"]"#),
        refused("messages", "unknown role", r#""messages":[{"content":"a"}]"#),
        refused("messages", "unknown content part", r#""messages":[{"role":"user","content":["a"]}]"#),
        refused("messages", "message without content", r#""messages":[{"role":"assistant","content":null}]"#),
        refused(
            "messages",
            "tool result without its call",
            r#""messages":[{"role":"tool","tool_call_id":"c","content":"1"}]"#,
        ),
        refused(
            "messages",
            "tool call without its result",
            r#""messages":[{"role":"assistant","tool_calls":[{"id":"c","type":"function"}]}]"#,
        ),
        on(
            "gpt-4",
            "messages",
            "images",
            r#""messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"x"}}]}]"#,
            Baseline,
        ),
        refused("messages", "context window", long),
        sent(("gpt-4.1", "messages", "context window in doubt"), doubtful, &[], &[]),
        refused("max_tokens", "limit that is no positive number", r#""max_tokens":1.5"#),
        refused("modalities", "audio output without its voice", r#""modalities":["text","audio"]"#),
        refused("temperature", "temperature out of range", r#""temperature":2.1"#),
        refused("tool_choice", "tool choice without tools", r#""tool_choice":"auto""#),
        refused(
            "tool_choice",
            "unknown tool choice",
            r#""tools":[{"type":"function","function":{"name":"f"}}],"tool_choice":"any""#,
        ),
        refused(
            "tool_choice",
            "choice of a tool that is not there",
            r#""tools":[{"type":"function","function":{"name":"f"}}],"tool_choice":{"type":"function","function":{"name":"g"}}"#,
        ),
        refused("top_logprobs", "top_logprobs>20", r#""logprobs":true,"top_logprobs":21"#),
        refused("top_logprobs", "top_logprobs without logprobs", r#""top_logprobs":2"#),
        refused("response_format", "unknown format", r#""response_format":"text""#),
        refused("response_format", "json_schema without a schema", r#""response_format":{"type":"json_schema"}"#),
        refused("response_format", "json_object without the word json", r#""response_format":{"type":"json_object"}"#),
        refused("max_completion_tokens", "limit that is no positive number", r#""max_completion_tokens":-1"#),
    ]
}

fn changes() -> Vec<Case> {
    vec![
        sent(("gpt-4.1", "model", "model"), r#""x":1"#, &[("/model", Some("\"gpt-4.1\""))], &[]),
        sent(("gpt-9", "model", "unknown model"), r#""temperature":0.5"#, &[("/temperature", Some("0.5"))], &[]),
        sent(("gpt-5", "top_p", "top_p"), r#""top_p":0.5"#, &[("/top_p", None)], &["top_p"]),
        sent(("gpt-4.1", "user_id", "user_id"), r#""user_id":"u""#, &[("/user_id", None)], &["user_id"]),
        sent(
            ("gpt-4.1", "thinking", "thinking"),
            r#""thinking":{"type":"disabled"}"#,
            &[("/thinking", None)],
            &["thinking"],
        ),
        sent(
            ("gpt-5", "max_tokens", "max_tokens"),
            r#""max_tokens":200000"#,
            &[("/max_tokens", None), ("/max_completion_tokens", Some("128000"))],
            &[],
        ),
        sent(
            ("gpt-6-sol", "temperature", "temperature"),
            r#""temperature":0"#,
            &[("/temperature", None)],
            &["temperature"],
        ),
        sent(
            ("gpt-4.1", "stream_options", "stream options"),
            r#""stream_options":{"include_usage":true}"#,
            &[("/stream_options", None)],
            &[],
        ),
        sent(
            ("gpt-5", "presence_penalty", "presence_penalty"),
            r#""presence_penalty":1"#,
            &[("/presence_penalty", None)],
            &["presence_penalty"],
        ),
        sent(
            ("gpt-5", "frequency_penalty", "frequency_penalty"),
            r#""frequency_penalty":1"#,
            &[("/frequency_penalty", None)],
            &["frequency_penalty"],
        ),
        sent(
            ("gpt-4.1", "reasoning_effort", "reasoning_effort"),
            r#""reasoning_effort":"low""#,
            &[("/reasoning_effort", None)],
            &["reasoning_effort"],
        ),
        sent(
            ("gpt-6.2-sol", "reasoning_effort", "effort is rounded"),
            r#""reasoning_effort":"none""#,
            &[("/reasoning_effort", Some("\"low\""))],
            &[],
        ),
        sent(
            ("gpt-5", "temperature", "temperature"),
            r#""temperature":0.2,"reasoning_effort":"none""#,
            &[("/reasoning_effort", Some("\"minimal\"")), ("/temperature", None)],
            &["temperature"],
        ),
        sent(
            ("o3", "top_p", "top_p"),
            r#""reasoning_effort":"none","top_p":0.5"#,
            &[("/reasoning_effort", Some("\"low\"")), ("/top_p", None)],
            &["top_p"],
        ),
        sent(
            ("gpt-4.1", "max_completion_tokens", "max_completion_tokens"),
            r#""max_completion_tokens":40000"#,
            &[("/max_completion_tokens", Some("32768"))],
            &[],
        ),
    ]
}

#[test]
fn what_models_take_passes() {
    let policy = Policy::default();
    for (model, members) in [
        ("gpt-5.1", r#""temperature":0.2"#),
        ("gpt-5", r#""temperature":1,"top_p":1.0,"presence_penalty":0"#),
        ("gpt-5.2", r#""reasoning_effort":"none","top_p":0.5"#),
        ("gpt-4.1", r#""temperature":0.2,"max_tokens":5"#),
        ("gpt-5", r#""reasoning_effort":"minimal""#),
    ] {
        let body = format!(r#"{{"model":"{model}","messages":[{{"role":"user","content":"q"}}],{members}}}"#);
        let asked = body.replace(model, "deepseek-flash");
        let request = Request::parse(Endpoint::Chat, asked.as_bytes()).unwrap();
        let done = OpenAi.rewrite(&request, &Target::new(model, &policy)).unwrap();
        assert_eq!(String::from_utf8(done.body).unwrap(), body);
    }
}

#[test]
fn a_request_whose_model_stays_or_that_nobody_else_takes_is_sent_as_it_is() {
    let policy = Policy::default();
    let body = r#"{"model":"gpt-5","messages":[],"temperature":9,"max_tokens":0}"#;
    let request = Request::parse(Endpoint::Chat, body.as_bytes()).unwrap();
    let stays = OpenAi.rewrite(&request, &Target::new("gpt-5", &policy)).unwrap();
    assert_eq!(stays.body, body.as_bytes());
    let last = Target { last_resort: true, ..Target::new("gpt-6-sol", &policy) };
    let moved = OpenAi.rewrite(&request, &last).unwrap();
    assert_eq!(moved.body, body.replace("gpt-5", "gpt-6-sol").into_bytes());
    assert_eq!(crate::provider::outlook(crate::provider::Provider::OpenAi, &request, &last), []);
}
