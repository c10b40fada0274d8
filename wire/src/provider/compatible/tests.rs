//! Tests of the adapter.

use super::*;
use crate::provider::Policy;
use crate::provider::cases::{Becomes, Case, check};
use Becomes::{Baseline, Sent};

fn case(member: &'static str, feature: &'static str, request: &'static str, becomes: Becomes) -> Case {
    Case { member, feature, request, model: "deepseek-flash", policy: Policy::default(), becomes }
}

#[test]
fn every_row_does_what_it_says() {
    check(&Compatible, Endpoint::Chat, &cases());
}

#[test]
fn every_row_of_the_older_endpoints_does_what_it_says() {
    let cases = [
        case("n", "n out of range", r#""n":0"#, Baseline),
        case("stop", "stop that is no text", r#""stop":{}"#, Baseline),
        case("user", "user", r#""user":"anna""#, Sent(&[("/x", None)], &[])),
        case("input", "tokens instead of text", r#""input":[15339,1917]"#, Baseline),
        case("model", "model", r#""x":1"#, Sent(&[("/model", Some(r#""deepseek-flash""#))], &[])),
        case("prompt", "tokens instead of text", r#""prompt":["hi",[15339]]"#, Baseline),
        case("logprobs", "logprobs that is no number", r#""logprobs":true"#, Baseline),
        case("logit_bias", "logit_bias", r#""logit_bias":{"50256":-100}"#, Baseline),
        case("max_tokens", "limit that is no number", r#""max_tokens":-1"#, Baseline),
        case("temperature", "temperature out of range", r#""temperature":-1"#, Baseline),
        case(
            "stream_options",
            "stream options",
            r#""stream":true,"stream_options":{"include_obfuscation":false}"#,
            Sent(&[("/stream_options/include_obfuscation", None)], &[]),
        ),
        case(
            "safety_identifier",
            "safety_identifier",
            r#""safety_identifier":"anna""#,
            Sent(&[("/safety_identifier", None)], &["safety_identifier"]),
        ),
    ];
    check(&Compatible, Endpoint::Completions, &cases);
    check(&Compatible, Endpoint::Embeddings, &cases);
}

#[test]
fn what_only_completions_take_passes() {
    let policy = Policy::default();
    let body = r#"{"model":"m","prompt":"once","logprobs":5,"max_tokens":0,"echo":true,"best_of":2,"stream":true,"stream_options":{"include_usage":true}}"#;
    let request = Request::parse(Endpoint::Completions, body.as_bytes()).unwrap();
    let sent = Compatible.rewrite(&request, &Target::new("m", &policy)).unwrap();
    assert_eq!((String::from_utf8(sent.body).unwrap(), sent.dropped), (body.to_owned(), Vec::new()));
}

#[test]
fn streams_are_asked_for_usage_which_the_client_sees_only_on_request() {
    let policy = Policy::default();
    let request = Request::parse(
        Endpoint::Chat,
        br#"{"model":"gpt-4o","messages":[{"role":"user","content":"q"}],"stream":true}"#,
    )
    .unwrap();
    let body = Compatible.rewrite(&request, &Target::new("local", &policy)).unwrap().body;
    assert_eq!(
        String::from_utf8(body).unwrap(),
        r#"{"model":"local","messages":[{"role":"user","content":"q"}],"stream":true,"stream_options":{"include_usage":true}}"#
    );
    let report = r#"{"id":"c","choices":[],"usage":{"prompt_tokens":1,"completion_tokens":1}}"#;
    assert_eq!(Compatible.edit(Endpoint::Chat, report, &View::default()), Edit::Drop);
    let view = View { wants_usage: true, ..View::default() };
    assert_eq!(Compatible.edit(Endpoint::Chat, report, &view), Edit::Keep);
}

#[test]
fn embeddings_and_completions_get_the_model_only() {
    let policy = Policy::default();
    for endpoint in [Endpoint::Completions, Endpoint::Embeddings] {
        let body = format!(r#"{{"model":"m","{}":["x"]}}"#, endpoint.subject());
        let request = Request::parse(endpoint, body.as_bytes()).unwrap();
        let sent = Compatible.rewrite(&request, &Target::new("local", &policy)).unwrap().body;
        assert_eq!(String::from_utf8(sent).unwrap(), body.replace("\"m\"", "\"local\""));
    }
    for endpoint in [Endpoint::Responses, Endpoint::Moderations] {
        assert_eq!(Compatible.path(endpoint), None);
    }
}

#[test]
fn the_end_user_is_not_named() {
    let policy = Policy { user_salt: "s".into(), ..Policy::default() };
    let request =
        Request::parse(Endpoint::Chat, br#"{"model":"m","messages":[{"role":"user","content":"q"}],"user":"anna"}"#)
            .unwrap();
    let body = Compatible.rewrite(&request, &Target::new("m", &policy)).unwrap().body;
    let body = String::from_utf8(body).unwrap();
    assert!(body.contains("\"user\":\"") && !body.contains("anna"), "{body}");
}

#[test]
fn errors_of_such_servers_take_openais_shape() {
    let vllm = br#"{"object":"error","message":"no such model","type":"NotFoundError","param":null,"code":404}"#;
    let error = Compatible.error(404, vllm);
    assert_eq!((&*error.body.error.message, &*error.body.error.kind), ("no such model", "invalid_request_error"));
    let ollama = br#"{"error":"model requires more memory"}"#;
    assert_eq!(Compatible.error(500, ollama).body.error.message, "model requires more memory");
    let fast = br#"{"detail":[{"loc":["body","n"],"msg":"must be positive"}]}"#;
    assert_eq!(Compatible.error(422, fast).body.error.message, "body.n: must be positive");
    let hidden = Compatible.edit_whole(Endpoint::Chat, br#"{"error":{"message":"m","code":503}}"#, &View::default());
    assert_eq!(hidden.unwrap_err().status, 503);
}

fn cases() -> Vec<Case> {
    let refused = |member, feature, request| case(member, feature, request, Baseline);
    vec![
        refused("n", "n out of range", r#""n":"2""#),
        refused("stop", "stop that is no text", r#""stop":{}"#),
        refused("tools", "unreadable tools", r#""tools":7"#),
        refused("logprobs", "logprobs that is no flag", r#""logprobs":"yes""#),
        refused("messages", "no messages", r#""messages":[]"#),
        refused("messages", "unreadable message", r#""messages":[7]"#),
        refused("messages", "unknown role", r#""messages":[{"role":"critic","content":"q"}]"#),
        refused("messages", "message without content", r#""messages":[{"role":"user"}]"#),
        refused("max_tokens", "limit that is no positive number", r#""max_tokens":0"#),
        refused("max_completion_tokens", "limit that is no positive number", r#""max_completion_tokens":0"#),
        refused("temperature", "temperature out of range", r#""temperature":-1"#),
        refused("tool_choice", "unknown tool choice", r#""tool_choice":"any""#),
        refused("tool_choice", "tool choice without tools", r#""tool_choice":"required""#),
        refused("response_format", "unknown format", r#""response_format":{}"#),
        refused("response_format", "json_schema without a schema", r#""response_format":{"type":"json_schema"}"#),
        case("n", "n", r#""n":2"#, Sent(&[("/n", Some("2"))], &[])),
        case("user", "user", r#""user":"anna""#, Sent(&[("/x", None)], &[])),
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
            "cache breakpoints",
            r#""messages":[{"role":"user","content":[{"type":"text","text":"t","prompt_cache_breakpoint":{}}]}]"#,
            Sent(&[("/messages/0/content/0", Some(r#"{"type":"text","text":"t"}"#))], &[]),
        ),
        case("metadata", "metadata", r#""metadata":{"a":"b"}"#, Sent(&[("/metadata", None)], &["metadata"])),
        case("functions", "functions", r#""functions":[{"name":"f"}]"#, Baseline),
        case("verbosity", "verbosity", r#""verbosity":"low""#, Sent(&[("/verbosity", None)], &["verbosity"])),
        case("logit_bias", "logit_bias", r#""logit_bias":{"50256":-100}"#, Baseline),
        case("modalities", "text output", r#""modalities":["text"]"#, Sent(&[("/modalities", None)], &[])),
        case("modalities", "audio output", r#""modalities":["text","audio"]"#, Baseline),
        case("moderation", "moderation", r#""moderation":{"model":"m"}"#, Baseline),
        case(
            "prediction",
            "prediction",
            r#""prediction":{"type":"content","content":"x"}"#,
            Sent(&[("/prediction", None)], &["prediction"]),
        ),
        case("tool_choice", "allowed_tools", r#""tool_choice":{"type":"allowed_tools"}"#, Baseline),
        case(
            "service_tier",
            "service_tier",
            r#""service_tier":"flex""#,
            Sent(&[("/service_tier", None)], &["service_tier"]),
        ),
        case("function_call", "function_call", r#""function_call":"none""#, Baseline),
        case(
            "prompt_cache_key",
            "prompt_cache_key",
            r#""prompt_cache_key":"k""#,
            Sent(&[("/prompt_cache_key", None)], &["prompt_cache_key"]),
        ),
        case(
            "safety_identifier",
            "safety_identifier",
            r#""safety_identifier":"anna""#,
            Sent(&[("/safety_identifier", None)], &["safety_identifier"]),
        ),
        case("web_search_options", "web_search_options", r#""web_search_options":{}"#, Baseline),
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
            Sent(&[("/max_tokens", Some("7")), ("/max_completion_tokens", Some("7"))], &[]),
        ),
        case(
            "stream_options",
            "stream options",
            r#""stream":true,"stream_options":{"include_obfuscation":false}"#,
            Sent(&[("/stream_options", Some(r#"{"include_usage":true}"#))], &[]),
        ),
    ]
}

#[test]
fn errors_in_vllms_words_take_openais() {
    let error = |status, body: &str| {
        let error = Compatible.error(status, body.as_bytes());
        (error.status, error.body.error.kind, error.body.error.code)
    };
    let body = r#"{"object":"error","message":"The model `x` does not exist.","type":"NotFoundError","param":null,"code":404}"#;
    assert_eq!(error(404, body), (404, "invalid_request_error".into(), Some("model_not_found".into())));
    let body = r#"{"object":"error","message":"too hot","type":"BadRequestError","param":null,"code":400}"#;
    assert_eq!(error(400, body), (400, "invalid_request_error".into(), None));
    let body = r#"{"error":{"message":"m","type":"requests","param":null,"code":"rate_limit_exceeded"}}"#;
    assert_eq!(error(429, body), (429, "requests".into(), Some("rate_limit_exceeded".into())));
}
