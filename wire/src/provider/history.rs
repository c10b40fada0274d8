//! What a conversation holds that a provider may not take, found in one pass without keeping anything.

use crate::endpoint::Endpoint;
use crate::json::Text;
use crate::request::Request;
use serde::de::{Deserializer, SeqAccess, Visitor};
use serde::{Deserialize, de::IgnoredAny};
use serde_json::value::RawValue;
use std::fmt;

/// What the messages of a chat (or the items of a response's input) hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct History {
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
    pub(super) images: bool,
    /// Marks for the provider's prompt cache.
    pub(super) cache_breakpoints: bool,
    /// Items that only the server that made them can read.
    pub(super) references: bool,
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
    #[serde(default)]
    function_call: Option<IgnoredAny>,
    #[serde(default)]
    refusal: Option<IgnoredAny>,
    #[serde(default)]
    audio: Option<IgnoredAny>,
}

impl History {
    pub(super) fn read(request: &Request<'_>) -> Self {
        let mut history = Self::default();
        if let Some(raw) = request.object.get(request.endpoint.subject())
            && raw.get().starts_with('[')
        {
            let list = Messages { history: &mut history, endpoint: request.endpoint };
            // What cannot be read is the provider's to refuse.
            let _unreadable_from_here = serde_json::Deserializer::from_str(raw.get()).deserialize_seq(list);
        }
        history
    }

    fn message(&mut self, message: &Message<'_>) {
        let role = message.role.as_ref().map_or("", |role| &*role.0);
        self.developer |= role == "developer";
        self.functions |= role == "function" || message.function_call.is_some();
        self.tools |= role == "tool" || message.tool_calls.is_some();
        self.refusals |= message.refusal.is_some();
        self.audio |= message.audio.is_some();
        self.bare_answers |= role == "assistant" && message.reasoning_content.is_none();
        self.custom_calls |= message.tool_calls.is_some_and(|calls| holds(calls, "\"custom\""));
        if let Some(content) = message.content.filter(|content| content.get().starts_with('[')) {
            self.parts(content);
        }
    }

    fn item(&mut self, item: &Message<'_>) {
        match item.kind.as_ref().map(|kind| &*kind.0) {
            None | Some("message") => self.message(item),
            Some("function_call" | "function_call_output") => self.tools = true,
            Some("reasoning") => {}
            Some(_) => self.references = true,
        }
    }

    /// Parts are recognised by their type's name, which may also stand in a text: then the request is treated with
    /// more care than it needs.
    fn parts(&mut self, content: &RawValue) {
        self.images |= holds(content, "\"image_url\"") || holds(content, "\"input_image\"");
        self.audio |= holds(content, "\"input_audio\"");
        self.files |= holds(content, "\"file\"") || holds(content, "\"input_file\"");
        self.refusals |= holds(content, "\"refusal\"");
        self.cache_breakpoints |= holds(content, "\"prompt_cache_breakpoint\"");
    }
}

fn holds(raw: &RawValue, needle: &str) -> bool {
    memchr::memmem::find(raw.get().as_bytes(), needle.as_bytes()).is_some()
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
        while let Some(message) = messages.next_element::<Message<'de>>()? {
            if self.endpoint == Endpoint::Responses {
                self.history.item(&message);
            } else {
                self.history.message(&message);
            }
        }
        Ok(())
    }
}
