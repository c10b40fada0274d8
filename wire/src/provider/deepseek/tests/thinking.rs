//! Whether the model thinks, by policy, wish and history.

use super::*;
use crate::provider::Thinking;
use std::sync::Arc;

const TOOLS: &str = r#","tools":[{"type":"function","function":{"name":"f"}}]"#;

fn thinks(members: &str, thinking: Thinking) -> (bool, Vec<&'static str>) {
    let (body, dropped) = rewrite_with(members, &Policy { thinking, ..Policy::default() }).unwrap();
    (body.pointer("/thinking/type") != Some(&Value::from("disabled")), dropped)
}

#[test]
fn the_policy_decides_and_says_what_it_overrules() {
    use Thinking::{Always, Never, OnRequest};
    let none: Vec<&str> = Vec::new();
    let asked = r#","reasoning_effort":"high""#;
    let refused = r#","reasoning_effort":"none""#;
    assert_eq!(thinks("", OnRequest), (false, none.clone()));
    assert_eq!(thinks(asked, OnRequest), (true, none.clone()));
    assert_eq!(thinks(refused, OnRequest), (false, none.clone()));
    assert_eq!(thinks("", Never), (false, none.clone()));
    assert_eq!(thinks(asked, Never), (false, vec!["reasoning_effort"]));
    assert_eq!(thinks("", Always), (true, none.clone()));
    assert_eq!(thinks(refused, Always), (false, none.clone()));
    assert_eq!(thinks(r#","thinking":{"type":"enabled"}"#, OnRequest), (true, none.clone()));
    assert_eq!(thinks(r#","thinking":{"type":"enabled"}"#, Never), (false, vec!["thinking"]));
    assert_eq!(thinks(r#","thinking":{"type":"disabled"},"reasoning_effort":"high""#, OnRequest), (false, none));
}

#[test]
fn efforts_are_said_in_the_providers_words() {
    for (asked, sent) in
        [("minimal", "low"), ("low", "low"), ("medium", "high"), ("high", "high"), ("xhigh", "high"), ("max", "max")]
    {
        let (body, _) = rewrite_with(&format!(r#","reasoning_effort":"{asked}""#), &Policy::default()).unwrap();
        assert_eq!(body["reasoning_effort"], sent);
        assert!(body.get("thinking").is_none());
    }
}

#[test]
fn a_forced_choice_forbids_thinking() {
    for choice in [r#""required""#, r#"{"type":"function","function":{"name":"f"}}"#] {
        let members = format!(r#"{TOOLS},"reasoning_effort":"low","tool_choice":{choice}"#);
        assert_eq!(thinks(&members, Thinking::OnRequest), (false, vec!["reasoning_effort"]), "{choice}");
    }
    let members = format!(r#"{TOOLS},"reasoning_effort":"low","tool_choice":"auto""#);
    assert_eq!(thinks(&members, Thinking::OnRequest), (true, vec![]));
    assert_eq!(thinks(&format!(r#"{TOOLS},"tool_choice":"required""#), Thinking::Always), (false, vec![]));
}

fn turns(messages: &str, more: &str, recall: &dyn Fn(&str) -> Option<Arc<str>>) -> (Value, Vec<&'static str>) {
    let body = format!(r#"{{"model":"m","reasoning_effort":"high","messages":[{messages}]{more}}}"#);
    let policy = Policy::default();
    rewrite(&body, &Target { recall, ..Target::new("deepseek-flash", &policy) }).unwrap()
}

const USER: &str = r#"{"role":"user","content":"q"}"#;
const PLAIN: &str = r#"{"role":"assistant","content":"a","tool_calls":null}"#;
const FULL: &str = r#"{"role":"assistant","content":"a","reasoning_content":"because"}"#;
const CALL: &str = r#"{"role":"assistant","content":null,"tool_calls":[{"id":"call_1","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"call_1","content":"1"}"#;

#[test]
fn a_conversation_with_tools_thinks_only_with_all_its_reasoning() {
    let thinks = |messages: &str, more: &str| turns(messages, more, &|_| None).0.get("thinking").is_none();
    assert!(thinks(&format!("{USER},{PLAIN},{USER}"), ""), "without tools nothing has to come back");
    assert!(
        thinks(&format!("{USER},{PLAIN},{USER}"), TOOLS),
        "a blank stands for what an answer without calls thought"
    );
    assert!(thinks(&format!("{USER},{FULL},{USER}"), TOOLS));
    assert!(!thinks(&format!("{USER},{CALL}"), TOOLS));
    assert!(!thinks(&format!("{USER},{CALL}"), ""), "a call in the history is enough");
}

#[test]
fn reasoning_is_put_back_where_it_is_remembered() {
    let recall = |id: &str| (id == "call_1").then(|| Arc::from("I \"thought\""));
    let (sent, dropped) = turns(&format!("{USER},{FULL},{CALL}"), TOOLS, &recall);
    assert_eq!(sent["messages"][2]["reasoning_content"], "I \"thought\"");
    assert_eq!(sent["messages"][1]["reasoning_content"], "because");
    assert_eq!((sent.get("thinking"), dropped.len()), (None, 0));
    // One lost turn is enough to do without.
    let (sent, _) = turns(&format!("{USER},{PLAIN},{CALL}"), TOOLS, &recall);
    assert_eq!(sent["messages"][1]["reasoning_content"], " ");
    let (sent, dropped) = turns(&format!("{USER},{PLAIN},{CALL}"), TOOLS, &|_| None);
    assert_eq!((&sent["thinking"]["type"], dropped), (&Value::from("disabled"), vec!["reasoning_effort"]));
    assert!(sent.get("reasoning_effort").is_none());
}

#[test]
fn responses_follow_the_same_policy() {
    let effort = |members: &str, thinking: Thinking| {
        let body = format!(r#"{{"model":"m","input":"q","store":false{members}}}"#);
        let request = Request::parse(Endpoint::Responses, body.as_bytes()).unwrap();
        let policy = Policy { thinking, ..Policy::default() };
        let done = DeepSeek.rewrite(&request, &Target::new("deepseek-flash", &policy)).unwrap();
        let sent: Value = serde_json::from_slice(&done.body).unwrap();
        (sent.pointer("/reasoning/effort").and_then(Value::as_str).map(str::to_owned), done.dropped)
    };
    let asked = r#","reasoning":{"effort":"xhigh"}"#;
    assert_eq!(effort("", Thinking::OnRequest), (Some("none".into()), vec![]));
    assert_eq!(effort(asked, Thinking::OnRequest), (Some("high".into()), vec![]));
    assert_eq!(effort(asked, Thinking::Never), (Some("none".into()), vec!["reasoning"]));
    assert_eq!(effort("", Thinking::Always), (None, vec![]));
    assert_eq!(effort(r#","reasoning":{"effort":"none"}"#, Thinking::Always), (Some("none".into()), vec![]));
}

/// Looking for each message's reasoning among all of it would be 5 * 10^9 comparisons.
#[test]
fn the_reasoning_of_very_many_answers_costs_no_square_of_their_number() {
    const COUNT: usize = 100_000;
    let answers = vec![r#"{"role":"assistant","content":"a"}"#; COUNT].join(",");
    let (body, dropped) = turns(&format!("{USER},{answers},{USER}"), TOOLS, &|_| None);
    let messages = body["messages"].as_array().unwrap();
    let bare = messages.iter().filter(|message| message.get("reasoning_content").is_none()).count();
    assert_eq!((messages.len(), bare, dropped), (COUNT + 2, 2, vec![]));
}
