//! What a conversation holds that a provider may not take, found in one pass without keeping anything.

use crate::endpoint::Endpoint;
use crate::json::Text;
use crate::request::Request;
use serde::de::{Deserializer, SeqAccess, Visitor};
use serde::{Deserialize, de::IgnoredAny};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;

/// What the messages of a chat (or the items of a response's input) hold. Where one of them is wrong, its index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct History {
    /// How many there are, up to the first that cannot be read.
    pub(super) count: usize,
    /// A message of the role `developer`.
    pub(super) developer: bool,
    /// A message of the role `function`, or an answer with `function_call`.
    pub(super) functions: bool,
    /// A tool was called or answered.
    pub(super) tools: bool,
    /// A call of a tool that is no function.
    pub(super) custom_calls: bool,
    /// An answer without its reasoning text.
    pub(super) bare_answers: bool,
    /// An answer that refused.
    pub(super) refusals: bool,
    /// Spoken input or output.
    pub(super) audio: bool,
    /// Attached files.
    pub(super) files: bool,
    /// Images.
    pub(super) images: usize,
    /// Marks for the provider's prompt cache.
    pub(super) cache_breakpoints: bool,
    /// Items that only the server that made them can read.
    pub(super) references: bool,
    /// The last message is an answer, to be gone on with.
    pub(super) ends_with_answer: bool,
    /// An answer that is to be gone on with to the letter.
    pub(super) prefix: bool,
    /// A message that is no object, or whose members have other types than those of messages.
    pub(super) unreadable: Option<usize>,
    /// A role that nobody knows.
    pub(super) odd_role: Option<usize>,
    /// A message without content that needs some.
    pub(super) no_content: Option<usize>,
    /// A content part that no provider knows.
    pub(super) odd_part: Option<usize>,
    /// A tool's result in parts.
    pub(super) result_in_parts: Option<usize>,
    /// A tool's result that answers no call right before it.
    pub(super) lone_result: Option<usize>,
    /// An answer with a call that no result follows.
    pub(super) lone_call: Option<usize>,
    /// The same of a deprecated call, which is none where functions are known.
    pub(super) lone_function: Option<usize>,
}

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow, default, rename = "type")]
    kind: Option<Text<'a>>,
    #[serde(borrow, default)]
    role: Option<Text<'a>>,
    #[serde(borrow, default)]
    content: Option<&'a RawValue>,
    #[serde(default)]
    reasoning_content: Option<IgnoredAny>,
    #[serde(borrow, default)]
    tool_calls: Option<&'a RawValue>,
    #[serde(borrow, default)]
    tool_call_id: Option<Text<'a>>,
    #[serde(default)]
    function_call: Option<IgnoredAny>,
    #[serde(default)]
    refusal: Option<IgnoredAny>,
    #[serde(default)]
    audio: Option<IgnoredAny>,
    #[serde(borrow, default)]
    prefix: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Part<'a> {
    #[serde(borrow, default, rename = "type")]
    kind: Option<Text<'a>>,
    #[serde(default)]
    prompt_cache_breakpoint: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct Call<'a> {
    #[serde(borrow, default, rename = "type")]
    kind: Option<Text<'a>>,
    #[serde(borrow, default)]
    id: Option<Text<'a>>,
}

/// The calls that still want their results, and whose they are.
#[derive(Default)]
struct Open<'a> {
    answer: usize,
    /// Deprecated calls, which have no ids.
    functions: usize,
    /// How many calls have this id: a request may hold so many that nobody must look for one by walking along them.
    calls: HashMap<Cow<'a, str>, usize>,
}

impl<'a> Open<'a> {
    fn call(&mut self, id: Cow<'a, str>) {
        *self.calls.entry(id).or_default() += 1;
    }

    /// Takes out a call that has its result now. Says whether there was one.
    fn answer(&mut self, id: &str) -> bool {
        let Some(count) = self.calls.get_mut(id) else { return false };
        *count -= 1;
        if *count == 0 {
            self.calls.remove(id);
        }
        true
    }

    /// The same of a function's call.
    fn answer_function(&mut self) -> bool {
        let left = self.functions.checked_sub(1);
        self.functions = left.unwrap_or(0);
        left.is_some()
    }
}

impl History {
    pub(super) fn read(request: &Request<'_>) -> Self {
        let mut history = Self::default();
        if let Some(raw) = request.object.get(request.endpoint.subject())
            && raw.get().starts_with('[')
        {
            let list = Messages { history: &mut history, endpoint: request.endpoint };
            if serde_json::Deserializer::from_str(raw.get()).deserialize_seq(list).is_err() {
                history.unreadable = Some(history.count);
            }
        }
        history
    }

    fn message<'a>(&mut self, message: &Message<'a>, open: &mut Open<'a>) {
        let role = message.role.as_ref().map_or("", |role| &*role.0);
        self.developer |= role == "developer";
        self.functions |= role == "function" || message.function_call.is_some();
        self.tools |= role == "tool" || message.tool_calls.is_some();
        self.refusals |= message.refusal.is_some();
        self.audio |= message.audio.is_some();
        self.bare_answers |= role == "assistant" && message.reasoning_content.is_none();
        self.ends_with_answer = role == "assistant";
        self.prefix |= message.prefix.is_some_and(|prefix| prefix.get() == "true");
        let index = self.count;
        if !matches!(role, "system" | "developer" | "user" | "assistant" | "tool" | "function") {
            self.odd_role.get_or_insert(index);
        }
        match message.content.map(RawValue::get) {
            None => {
                let says_otherwise = message.refusal.is_some()
                    || message.audio.is_some()
                    || message.function_call.is_some()
                    || message.tool_calls.is_some_and(|calls| calls.get().len() > "[]".len());
                if !matches!(role, "assistant" | "function") || (role == "assistant" && !says_otherwise) {
                    self.no_content.get_or_insert(index);
                }
            }
            Some(content) if content.starts_with('[') => {
                if role == "tool" {
                    self.result_in_parts.get_or_insert(index);
                }
                self.parts(content);
            }
            Some(content) if content.starts_with('"') => {}
            Some(_) => {
                self.unreadable.get_or_insert(index);
            }
        }
        self.calls(message, role, open);
    }

    /// Follows calls and their results: results stand right behind the answer that called, in any order.
    fn calls<'a>(&mut self, message: &Message<'a>, role: &str, open: &mut Open<'a>) {
        let index = self.count;
        if matches!(role, "tool" | "function") {
            let answered = match &message.tool_call_id {
                Some(id) if role == "tool" => open.answer(&id.0),
                _ => role == "function" && open.answer_function(),
            };
            if !answered {
                self.lone_result.get_or_insert(index);
            }
            return;
        }
        self.close(open);
        open.answer = index;
        if message.function_call.is_some() {
            open.functions += 1;
        }
        let Some(calls) = message.tool_calls else { return };
        match serde_json::from_str::<Vec<Call<'a>>>(calls.get()) {
            Ok(calls) => {
                self.custom_calls |= calls.iter().any(|call| call.kind.as_ref().is_some_and(|kind| kind.0 == "custom"));
                for call in calls {
                    // No result can name a call that has no id.
                    open.call(call.id.map_or(Cow::Borrowed("\0"), |id| id.0));
                }
            }
            Err(_) => drop(self.unreadable.get_or_insert(index)),
        }
    }

    /// Nothing may stand between a call and its result.
    fn close(&mut self, open: &mut Open<'_>) {
        if open.functions > 0 {
            self.lone_function.get_or_insert(open.answer);
        }
        if !open.calls.is_empty() {
            self.lone_call.get_or_insert(open.answer);
        }
        open.functions = 0;
        open.calls.clear();
    }

    fn item<'a>(&mut self, item: &Message<'a>) {
        match item.kind.as_ref().map(|kind| &*kind.0) {
            None | Some("message") => self.message(item, &mut Open::default()),
            Some("function_call" | "function_call_output") => self.tools = true,
            Some("reasoning") => {}
            Some(_) => self.references = true,
        }
    }

    fn parts(&mut self, content: &str) {
        let index = self.count;
        let Ok(parts) = serde_json::from_str::<Vec<Part<'_>>>(content) else {
            self.odd_part.get_or_insert(index);
            return;
        };
        for part in &parts {
            self.cache_breakpoints |= part.prompt_cache_breakpoint.is_some();
            match part.kind.as_ref().map_or("", |kind| &*kind.0) {
                "text" | "input_text" | "output_text" => {}
                "image_url" | "input_image" => self.images += 1,
                "input_audio" => self.audio = true,
                "file" | "input_file" => self.files = true,
                "refusal" => self.refusals = true,
                _ => drop(self.odd_part.get_or_insert(index)),
            }
        }
    }
}

struct Messages<'h> {
    history: &'h mut History,
    endpoint: Endpoint,
}

impl<'de> Visitor<'de> for Messages<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a list of messages")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut messages: A) -> Result<(), A::Error> {
        let mut open = Open::default();
        while let Some(message) = messages.next_element::<Message<'de>>()? {
            if self.endpoint == Endpoint::Responses {
                self.history.item(&message);
            } else {
                self.history.message(&message, &mut open);
            }
            self.history.count += 1;
        }
        self.history.close(&mut open);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn history(messages: &str) -> History {
        let body = format!(r#"{{"model":"m","messages":{messages}}}"#);
        History::read(&Request::parse(Endpoint::Chat, body.as_bytes()).unwrap())
    }

    #[test]
    fn calls_and_results_are_matched_by_id_and_number() {
        let call = |ids: &[&str]| {
            let calls: Vec<String> = ids.iter().map(|id| format!(r#"{{"id":"{id}","type":"function"}}"#)).collect();
            format!(r#"{{"role":"assistant","tool_calls":[{}]}}"#, calls.join(","))
        };
        let result = |id: &str| format!(r#"{{"role":"tool","tool_call_id":"{id}","content":"1"}}"#);
        let lone = |messages: &[String]| {
            let history = history(&format!("[{}]", messages.join(",")));
            (history.lone_call, history.lone_result, history.lone_function)
        };
        assert_eq!(lone(&[call(&["a", "b"]), result("b"), result("a")]), (None, None, None));
        assert_eq!(lone(&[call(&["a", "a"]), result("a")]), (Some(0), None, None));
        assert_eq!(lone(&[call(&["a"]), result("a"), result("a")]), (None, Some(2), None));
        assert_eq!(lone(&[call(&[""])]), (Some(0), None, None), "a call without a name is no function's");
        let old = r#"{"role":"assistant","function_call":{"name":"f","arguments":"{}"}}"#.to_owned();
        let said = r#"{"role":"function","name":"f","content":"1"}"#.to_owned();
        assert_eq!(lone(&[old.clone(), said.clone()]), (None, None, None));
        assert_eq!(lone(&[old.clone(), said.clone(), said]), (None, Some(2), None));
        assert_eq!(lone(&[old.clone(), result("")]), (None, Some(1), Some(0)), "a function's call has no id");
        assert_eq!(lone(&[old]), (None, None, Some(0)));
    }

    /// Walking along the open calls for each result would be 10^10 comparisons.
    #[test]
    fn very_many_calls_and_results_are_read_in_one_pass() {
        const COUNT: usize = 100_000;
        let calls: Vec<String> = (0..COUNT).map(|id| format!(r#"{{"id":"{id}"}}"#)).collect();
        let results: Vec<String> =
            (1..=COUNT).rev().map(|id| format!(r#"{{"role":"tool","tool_call_id":"{id}","content":""}}"#)).collect();
        let answer = format!(r#"{{"role":"assistant","tool_calls":[{}]}}"#, calls.join(","));
        let history = history(&format!("[{answer},{}]", results.join(",")));
        assert_eq!((history.count, history.lone_result, history.lone_call), (COUNT + 1, Some(1), Some(0)));
    }
}
