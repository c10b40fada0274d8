//! What both vendors refuse about the order and the form of messages and tools, each in its own words.

use super::{Message, Tool};
use serde_json::Value;

/// Most letters of a tool's name.
const NAME_MAX: usize = 64;

/// What is wrong with a conversation, and with which of its messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Disorder {
    /// A tool's result that answers no call right before it.
    LoneResult(usize),
    /// An answer with calls that no results follow.
    LoneCall(usize),
    /// An answer that says nothing and calls nothing.
    Silent(usize),
    /// A content part of a kind nobody knows.
    OddPart(usize),
}

/// The first disorder of a conversation.
pub(crate) fn disorder(messages: &[Message]) -> Option<Disorder> {
    let mut open: Vec<&str> = Vec::new();
    let mut caller = 0;
    for (index, message) in messages.iter().enumerate() {
        if message.has_odd_part {
            return Some(Disorder::OddPart(index));
        }
        if message.role == "tool" {
            let answered = message.answers.as_deref().and_then(|id| open.iter().position(|open| *open == id));
            match answered {
                Some(place) => drop(open.swap_remove(place)),
                None => return Some(Disorder::LoneResult(index)),
            }
            continue;
        }
        if !open.is_empty() {
            return Some(Disorder::LoneCall(caller));
        }
        if message.role == "assistant" && message.is_silent {
            return Some(Disorder::Silent(index));
        }
        open = message.calls.iter().map(String::as_str).collect();
        caller = index;
    }
    (!open.is_empty()).then_some(Disorder::LoneCall(caller))
}

/// The first function without a proper name.
pub(crate) fn ill_named(tools: &[Tool]) -> Option<usize> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    let proper = |name: &str| (1..=NAME_MAX).contains(&name.len()) && name.bytes().all(plain);
    tools.iter().position(|tool| tool.kind == "function" && !proper(&tool.name))
}

/// The first function whose parameters are no schema of an object.
pub(crate) fn ill_formed(tools: &[Tool]) -> Option<usize> {
    tools.iter().position(|tool| match &tool.parameters {
        Value::Null => false,
        Value::Object(schema) => !schema.get("type").is_some_and(|kind| kind == "object" || kind.is_array()),
        _ => true,
    })
}
