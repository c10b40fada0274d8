//! Tests of the adapter.

mod answers;
mod errors;
mod refusals;
mod rows;
mod thinking;

use super::*;
use crate::provider::Policy;
use serde_json::Value;

/// A chat request with these members beside model and messages, as it would be sent.
fn rewrite_with(members: &str, policy: &Policy) -> Result<(Value, Vec<&'static str>), &'static str> {
    rewrite(&chat(members), &Target::new("deepseek-flash", policy))
}

fn rewrite(body: &str, target: &Target<'_>) -> Result<(Value, Vec<&'static str>), &'static str> {
    let request = Request::parse(Endpoint::Chat, body.as_bytes()).unwrap();
    let done = DeepSeek.rewrite(&request, target).map_err(|unfit| unfit.feature)?;
    Ok((serde_json::from_slice(&done.body).unwrap(), done.dropped))
}

fn chat(members: &str) -> String {
    format!(r#"{{"model":"gpt-4o-mini","messages":[{{"role":"user","content":"hi"}}]{members}}}"#)
}

fn text(body: &str) -> String {
    let policy = Policy::default();
    let request = Request::parse(Endpoint::Chat, body.as_bytes()).unwrap();
    String::from_utf8(DeepSeek.rewrite(&request, &Target::new("deepseek-flash", &policy)).unwrap().body).unwrap()
}

#[test]
fn a_plain_request_gets_the_model_and_no_thinking() {
    let (body, dropped) = rewrite_with(r#","temperature":0.2,"x_unknown":{"a":1}"#, &Policy::default()).unwrap();
    assert_eq!(body["model"], "deepseek-flash");
    assert_eq!(body["thinking"]["type"], "disabled");
    assert_eq!(body["temperature"], 0.2);
    assert_eq!(body["x_unknown"]["a"], 1);
    assert!(dropped.is_empty());
}

#[test]
fn what_is_not_changed_keeps_its_bytes() {
    assert_eq!(
        text(
            r#"{ "model": "gpt-4o",  "x":[1.50, 12345678901234567890], "messages":[{"role":"user",  "content":"a"}]}"#
        ),
        r#"{"model":"deepseek-flash","x":[1.50, 12345678901234567890],"messages":[{"role":"user",  "content":"a"}],"thinking":{"type":"disabled"}}"#
    );
    let body =
        text(r#"{"model":"m","messages":[{"role":"developer","content":"d"},{"role":"user",  "content":"1.50"}]}"#);
    assert!(body.contains(r#"{"role":"system","content":"d"},{"role":"user",  "content":"1.50"}"#), "{body}");
}

#[test]
fn the_last_double_counts_and_null_asks_for_nothing() {
    let body = text(
        r#"{"model":"m","messages":[{"role":"user","content":"q"}],"temperature":1,"temperature":0.5,"seed":null,"tools":null,"n":null}"#,
    );
    assert_eq!(
        body,
        r#"{"model":"deepseek-flash","messages":[{"role":"user","content":"q"}],"temperature":0.5,"thinking":{"type":"disabled"}}"#
    );
}

#[test]
fn the_newer_limit_counts_whichever_comes_first() {
    for members in [r#","max_tokens":5,"max_completion_tokens":7"#, r#","max_completion_tokens":7,"max_tokens":5"#] {
        let (body, _) = rewrite_with(members, &Policy::default()).unwrap();
        assert_eq!((&body["max_tokens"], body.get("max_completion_tokens")), (&Value::from(7), None), "{members}");
    }
    let (body, _) = rewrite_with(r#","max_tokens":5,"max_completion_tokens":999999999"#, &Policy::default()).unwrap();
    assert_eq!((&body["max_tokens"], body.get("max_completion_tokens")), (&Value::from(393_216), None));
}

#[test]
fn the_end_user_is_hashed_with_the_secret() {
    let of = |members: &str, salt: &str| {
        let policy = Policy { user_salt: salt.into(), ..Policy::default() };
        let (body, dropped) = rewrite_with(members, &policy).unwrap();
        assert!(dropped.is_empty() && !body.to_string().contains("anna"));
        body["user_id"].as_str().unwrap().to_owned()
    };
    let plain = of(r#","user":"anna""#, "a");
    assert_eq!(plain.len(), 32);
    assert_ne!(plain, of(r#","user":"anna""#, "b"));
    assert_eq!(plain, of(r#","user":"else","safety_identifier":"anna""#, "a"), "the newer member counts");
}

#[test]
fn functions_of_old_become_tools() {
    let body = r#"{"model":"m","functions":[{"name":"f","parameters":{"type":"object"}}],"function_call":{"name":"f"},"messages":[
        {"role":"user","content":"q"},{"role":"assistant","content":null,"function_call":{"name":"f","arguments":"{}"}},
        {"role":"function","name":"f","content":"1"}]}"#;
    let (sent, _) = rewrite(body, &Target::new("deepseek-flash", &Policy::default())).unwrap();
    assert_eq!(sent["tools"][0]["function"]["name"], "f");
    assert_eq!(sent["tool_choice"]["function"]["name"], "f");
    assert_eq!(sent["messages"][1]["tool_calls"][0]["function"]["arguments"], "{}");
    assert_eq!(sent["messages"][2]["role"], "tool");
    assert_eq!(sent["messages"][1]["tool_calls"][0]["id"], sent["messages"][2]["tool_call_id"]);
    for gone in ["functions", "function_call"] {
        assert!(sent.get(gone).is_none(), "{gone}");
    }
    assert!(sent["messages"][1].get("function_call").is_none());
}

#[test]
fn allowed_tools_and_strict_marks_go_together_in_either_order() {
    let tools = r#""tools":[{"type":"function","function":{"name":"a","strict":true}},{"type":"function","function":{"name":"b"}}]"#;
    let choice = r#""tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"auto","tools":[{"type":"function","function":{"name":"a"}}]}}"#;
    for members in [format!(",{tools},{choice}"), format!(",{choice},{tools}")] {
        let (sent, dropped) = rewrite_with(&members, &Policy::default()).unwrap();
        assert_eq!(sent["tools"], serde_json::json!([{"type":"function","function":{"name":"a"}}]), "{members}");
        assert_eq!((sent.get("tool_choice"), &*dropped), (None, &["tools.strict"][..]));
    }
    let nothing = choice.replace("\"a\"", "\"z\"");
    assert!(rewrite_with(&format!(",{tools},{nothing}"), &Policy::default()).is_err());
}

#[test]
fn instructions_follow_the_operators_own() {
    let body = r#"{"model":"m","response_format":{"type":"json_object"},"messages":[{"role":"developer","content":"d"},{"role":"user","content":"q"}]}"#;
    let (sent, _) = rewrite(body, &Target::new("deepseek-flash", &Policy::default())).unwrap();
    assert_eq!(sent["messages"][0]["content"], "d");
    assert!(sent["messages"][1]["content"].as_str().unwrap().contains("json"));
    assert_eq!(sent["messages"][2]["content"], "q");
    let said = body.replace("\"q\"", "\"as Json\"");
    let (sent, _) = rewrite(&said, &Target::new("deepseek-flash", &Policy::default())).unwrap();
    assert_eq!(sent["messages"].as_array().unwrap().len(), 2);
}

#[test]
fn former_names_of_models_are_sent_as_todays() {
    let request =
        Request::parse(Endpoint::Chat, br#"{"model":"m","messages":[{"role":"user","content":"q"}]}"#).unwrap();
    let policy = Policy::default();
    for (name, sent) in [("deepseek-chat", "deepseek-flash"), ("deepseek-v4-pro", "deepseek-v4-pro")] {
        let body = DeepSeek.rewrite(&request, &Target::new(name, &policy)).unwrap().body;
        assert_eq!(serde_json::from_slice::<Value>(&body).unwrap()["model"], sent);
    }
}

#[test]
fn endpoints_that_are_not_there_stay_on_the_baseline() {
    let policy = Policy::default();
    for endpoint in [Endpoint::Completions, Endpoint::Embeddings, Endpoint::Moderations] {
        let body = format!(r#"{{"model":"m","{}":"x"}}"#, endpoint.subject());
        let request = Request::parse(endpoint, body.as_bytes()).unwrap();
        assert_eq!(DeepSeek.path(endpoint), None);
        let unfit = DeepSeek.rewrite(&request, &Target::new("deepseek-flash", &policy)).unwrap_err();
        assert_eq!(unfit.feature, endpoint.name());
    }
}

/// Comparing each offered tool with each allowed one would be 2.5 * 10^9 comparisons.
#[test]
fn a_choice_among_very_many_tools_costs_no_square_of_their_number() {
    let tool = |index: usize| format!(r#"{{"type":"function","function":{{"name":"tool_{index}"}}}}"#);
    let offered: Vec<String> = (0..50_000).map(tool).collect();
    let allowed: Vec<String> = (50_000..100_000).map(tool).collect();
    let choice = |allowed: &str| {
        let choice = r#"{"type":"allowed_tools","allowed_tools":{"mode":"auto","tools":["#;
        format!(r#","tool_choice":{choice}{allowed}]}}}},"tools":[{}]"#, offered.join(","))
    };
    let policy = Policy::default();
    assert_eq!(rewrite_with(&choice(&allowed.join(",")), &policy), Err("allowed_tools that name no offered function"));
    assert_eq!(rewrite_with(&choice(&tool(7)), &policy), Err("tools>128"));
}

#[test]
fn a_choice_of_what_is_not_there_is_the_last_resorts_own_to_refuse() {
    let policy = Policy::default();
    let last = Target { last_resort: true, ..Target::new("deepseek-flash", &policy) };
    for (members, choice) in [
        (r#","function_call":{"name":"f"}"#, Some("f")),
        (r#","tool_choice":{"type":"function","function":{"name":"f"}}"#, Some("f")),
        (r#","function_call":["f"]"#, None),
    ] {
        let (once, _) = rewrite(&chat(members), &last).unwrap();
        let name = once.pointer("/tool_choice/function/name").and_then(Value::as_str);
        assert_eq!((name, once.get("function_call")), (choice, None), "{members}");
        assert_eq!(rewrite(&once.to_string(), &last).unwrap().0, once, "what was made for it is changed no more");
    }
    let kept = rewrite_with(r#","tool_choice":["function"]"#, &policy);
    assert_eq!(kept, Err("unknown tool choice"));
}
