//! What a conversation holds that a provider may not take, found in one pass without keeping anything.

use crate::endpoint::Endpoint;
use crate::json::Text;
use crate::request::Request;
use serde::de::{Deserializer, SeqAccess, Visitor};
use serde::{Deserialize, de::IgnoredAny};
use serde_json::value::RawValue;
use std::borrow::Cow;
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
    ids: Vec<Cow<'a, str>>,
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
                Some(id) if role == "tool" => open.ids.iter().position(|open| *open == id.0),
                // Functions have no ids.
                _ => open.ids.iter().position(|open| role == "function" && open.is_empty()),
            };
            match answered {
                Some(place) => drop(open.ids.swap_remove(place)),
                None => drop(self.lone_result.get_or_insert(index)),
            }
            return;
        }
        self.close(open);
        open.answer = index;
        if message.function_call.is_some() {
            open.ids.push(Cow::Borrowed(""));
        }
        let Some(calls) = message.tool_calls else { return };
        match serde_json::from_str::<Vec<Call<'a>>>(calls.get()) {
            Ok(calls) => {
                self.custom_calls |= calls.iter().any(|call| call.kind.as_ref().is_some_and(|kind| kind.0 == "custom"));
                open.ids.extend(calls.into_iter().map(|call| call.id.map_or(Cow::Borrowed("\0"), |id| id.0)));
            }
            Err(_) => drop(self.unreadable.get_or_insert(index)),
        }
    }

    /// Nothing may stand between a call and its result.
    fn close(&mut self, open: &mut Open<'_>) {
        if open.ids.iter().any(|id| id.is_empty()) {
            self.lone_function.get_or_insert(open.answer);
        }
        if open.ids.iter().any(|id| !id.is_empty()) {
            self.lone_call.get_or_insert(open.answer);
        }
        open.ids.clear();
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
