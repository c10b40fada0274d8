//! Folds an answer, streamed or whole, into one outcome.
//!
//! The fold never keeps more than a stated number of bytes of text; counts go on beyond it.

use crate::endpoint::Endpoint;
use crate::error::ErrorKind;
use crate::json::Text;
use crate::usage::{Characters, Usage};
use serde::Deserialize;
use serde_json::value::RawValue;

/// What a chunk showed the client. Time to first token starts counting at [`Seen::Content`] or [`Seen::Reasoning`]:
/// role-only and usage-only chunks do not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// Nothing that a person would read: a role, a usage report, a finish mark.
    Frame,
    /// Reasoning text.
    Reasoning,
    /// Visible text or a piece of a tool call.
    Content,
    /// The end mark `[DONE]`.
    Done,
    /// An error event inside the stream.
    Error,
    /// No valid JSON.
    Malformed,
}

/// The state of a fold.
#[derive(Debug, Clone)]
pub struct Fold {
    endpoint: Endpoint,
    text: String,
    text_bytes_max: usize,
    truncated: bool,
    characters: Characters,
    reasoning: Characters,
    tool_calls: u64,
    refused: bool,
    finish_reason: Option<String>,
    usage: Option<Usage>,
    model: Option<String>,
    done: bool,
    error: Option<String>,
    malformed: u64,
    chunks_with_text: u64,
    reasoning_text: String,
    tool_call_ids: Vec<String>,
    tool_leak: bool,
}

/// What became of the answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Text of the first choice, at most the stated bytes.
    pub text: String,
    /// `text` was cut.
    pub truncated: bool,
    /// Characters of visible text, tool-call arguments included, in all choices.
    pub characters: Characters,
    /// Characters of reasoning text.
    pub reasoning: Characters,
    /// Tool calls begun.
    pub tool_calls: u64,
    /// The model refused in the `refusal` member.
    pub refused: bool,
    /// Finish reason of the first choice.
    pub finish_reason: Option<String>,
    /// Reported usage.
    pub usage: Option<Usage>,
    /// Model that answered.
    pub model: Option<String>,
    /// The stream was ended by `[DONE]`, or the body was whole.
    pub complete: bool,
    /// Message of an error event inside the stream.
    pub error: Option<String>,
    /// Chunks that were no JSON.
    pub malformed: u64,
    /// Chunks that carried text.
    pub chunks_with_text: u64,
    /// Reasoning text of the first choice, at most [`REASONING_BYTES_MAX`] bytes; empty if it was longer, because a
    /// part of it would be refused or misread when it is sent back.
    pub reasoning_text: String,
    /// Ids of the first choice's tool calls, at most [`TOOL_CALLS_MAX`].
    pub tool_call_ids: Vec<String>,
    /// The visible text holds the model's own markup for tool calls: a call that the provider failed to read.
    pub tool_leak: bool,
    /// Where it came from: not every endpoint's answers have a finish reason.
    pub endpoint: Endpoint,
}

/// Bytes of reasoning text that are kept for sending them back.
pub const REASONING_BYTES_MAX: usize = 256 * 1024;
/// Tool calls of one answer whose ids are kept: the most tools that a request may offer.
pub const TOOL_CALLS_MAX: usize = 128;

#[derive(Deserialize)]
struct Chunk<'a> {
    #[serde(borrow, default)]
    model: Option<Text<'a>>,
    #[serde(borrow, default)]
    choices: Option<Vec<Choice<'a>>>,
    #[serde(borrow, default)]
    usage: Option<&'a RawValue>,
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Choice<'a> {
    #[serde(default)]
    index: u64,
    #[serde(borrow, default)]
    delta: Option<Delta<'a>>,
    #[serde(borrow, default)]
    message: Option<Delta<'a>>,
    #[serde(borrow, default)]
    finish_reason: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct Delta<'a> {
    #[serde(borrow, default)]
    content: Option<Text<'a>>,
    #[serde(borrow, default)]
    reasoning_content: Option<Text<'a>>,
    #[serde(borrow, default)]
    refusal: Option<Text<'a>>,
    #[serde(borrow, default)]
    tool_calls: Option<Vec<ToolCall<'a>>>,
}

#[derive(Deserialize)]
struct ToolCall<'a> {
    #[serde(borrow, default)]
    id: Option<Text<'a>>,
    #[serde(borrow, default)]
    function: Option<Function<'a>>,
}

#[derive(Deserialize)]
struct Function<'a> {
    #[serde(borrow, default)]
    arguments: Option<Text<'a>>,
}

impl Fold {
    /// A fold that keeps at most `text_bytes_max` bytes of the first choice's text.
    #[must_use]
    pub fn new(endpoint: Endpoint, text_bytes_max: usize) -> Self {
        Self {
            endpoint,
            reasoning_text: String::new(),
            tool_call_ids: Vec::new(),
            tool_leak: false,
            text: String::new(),
            text_bytes_max,
            truncated: false,
            characters: Characters::default(),
            reasoning: Characters::default(),
            tool_calls: 0,
            refused: false,
            finish_reason: None,
            usage: None,
            model: None,
            done: false,
            error: None,
            malformed: 0,
            chunks_with_text: 0,
        }
    }

    /// Takes the data of one stream event.
    pub fn chunk(&mut self, data: &str) -> Seen {
        if data.starts_with(crate::sse::encode::DONE) {
            self.done = true;
            return Seen::Done;
        }
        let seen = self.json(data.as_bytes());
        if matches!(seen, Seen::Content | Seen::Reasoning) {
            self.chunks_with_text += 1;
        }
        seen
    }

    /// Takes a whole, not streamed, answer.
    pub fn whole(&mut self, body: &[u8]) -> Seen {
        let seen = self.json(body);
        self.done = !matches!(seen, Seen::Malformed);
        seen
    }

    /// The end mark or an error event was seen: whatever happens now, nothing that matters can follow.
    #[must_use]
    pub const fn is_over(&self) -> bool {
        self.done || self.error.is_some()
    }

    /// The outcome so far.
    #[must_use]
    pub fn answer(self) -> Answer {
        Answer {
            text: self.text,
            truncated: self.truncated,
            characters: self.characters,
            reasoning: self.reasoning,
            tool_calls: self.tool_calls,
            refused: self.refused,
            finish_reason: self.finish_reason,
            usage: self.usage,
            model: self.model,
            complete: self.done,
            error: self.error,
            malformed: self.malformed,
            chunks_with_text: self.chunks_with_text,
            reasoning_text: self.reasoning_text,
            tool_call_ids: self.tool_call_ids,
            tool_leak: self.tool_leak,
            endpoint: self.endpoint,
        }
    }

    fn json(&mut self, bytes: &[u8]) -> Seen {
        let Ok(chunk) = serde_json::from_slice::<Chunk<'_>>(bytes) else {
            self.malformed += 1;
            return Seen::Malformed;
        };
        if let Some(error) = chunk.error {
            self.error = Some(error_message(error.get()));
            return Seen::Error;
        }
        if self.model.is_none() {
            self.model = chunk.model.map(|model| model.0.into_owned());
        }
        // The last report counts: some providers send running totals.
        if let Some(usage) = chunk.usage.and_then(|usage| Usage::from_json(usage.get())) {
            self.usage = Some(usage);
        }
        let mut seen = Seen::Frame;
        for choice in chunk.choices.unwrap_or_default() {
            if choice.index == 0
                && let Some(reason) = choice.finish_reason
            {
                self.finish_reason = Some(reason.0.into_owned());
            }
            if let Some(delta) = choice.delta.or(choice.message) {
                seen = strongest(seen, self.delta(&delta, choice.index == 0));
            }
        }
        seen
    }

    fn delta(&mut self, delta: &Delta<'_>, first_choice: bool) -> Seen {
        let mut seen = Seen::Frame;
        if let Some(text) = delta.reasoning_content.as_ref().filter(|text| !text.0.is_empty()) {
            self.reasoning.add(&text.0);
            seen = Seen::Reasoning;
        }
        if let Some(text) = delta.content.as_ref().filter(|text| !text.0.is_empty()) {
            self.characters.add(&text.0);
            if first_choice {
                self.keep(&text.0);
            }
            seen = Seen::Content;
        }
        if delta.refusal.as_ref().is_some_and(|text| !text.0.is_empty()) {
            self.refused = true;
            seen = Seen::Content;
        }
        for call in delta.tool_calls.iter().flatten() {
            self.tool_calls += u64::from(call.id.is_some());
            if let Some(arguments) = call.function.as_ref().and_then(|function| function.arguments.as_ref()) {
                self.characters.add(&arguments.0);
            }
            seen = Seen::Content;
        }
        seen
    }

    fn keep(&mut self, text: &str) {
        let room = self.text_bytes_max.saturating_sub(self.text.len());
        let end = if text.len() <= room { text.len() } else { text.floor_char_boundary(room) };
        self.truncated |= end < text.len();
        self.text.push_str(text.get(..end).unwrap_or_default());
    }
}

impl Answer {
    /// What is wrong with an answer that came with a good status and was not broken off on the way: an error event, a
    /// chunk that is no JSON, or a stream without its end mark.
    #[must_use]
    pub const fn fault(&self) -> Option<ErrorKind> {
        if self.error.is_some() {
            Some(ErrorKind::Server)
        } else if self.malformed > 0 {
            Some(ErrorKind::Malformed)
        } else if !self.complete {
            Some(ErrorKind::Truncated)
        } else {
            None
        }
    }

    /// Whether the answer fails its form: it was cut off, filtered, empty, or not the JSON that was asked for.
    /// The name says which; `None` means the form is fine.
    #[must_use]
    pub fn form_failure(&self, json_wanted: bool) -> Option<&'static str> {
        match self.finish_reason.as_deref() {
            Some("stop" | "tool_calls" | "function_call") => {}
            Some("length") => return Some("length"),
            Some("content_filter") => return Some("content_filter"),
            Some(_) => return Some("other_finish"),
            None => return Some("no_finish"),
        }
        if self.characters.total() == 0 && self.tool_calls == 0 && !self.refused {
            return Some("empty");
        }
        let judge_json = json_wanted && self.tool_calls == 0 && !self.refused && !self.truncated;
        if judge_json && serde_json::from_str::<serde::de::IgnoredAny>(&self.text).is_err() {
            return Some("not_json");
        }
        None
    }
}

fn strongest(a: Seen, b: Seen) -> Seen {
    if a == Seen::Content || b == Seen::Frame { a } else { b }
}

fn error_message(raw: &str) -> String {
    #[derive(Deserialize)]
    struct Message {
        message: Option<String>,
    }
    serde_json::from_str::<Message>(raw)
        .ok()
        .and_then(|error| error.message)
        .unwrap_or_else(|| "the provider sent an error without a message".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_openai_stream_folds_to_text_usage_and_finish() {
        let mut fold = Fold::new(Endpoint::Chat, 1000);
        let seen: Vec<Seen> = [
            r#"{"model":"gpt-4o","choices":[{"index":0,"delta":{"role":"assistant","content":"","refusal":null},"finish_reason":null}],"usage":null}"#,
            r#"{"choices":[{"index":0,"delta":{"content":"Hel\u006co"},"finish_reason":null}],"usage":null}"#,
            r#"{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":null}"#,
            r#"{"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":1,"total_tokens":4}}"#,
            "[DONE]",
        ]
        .iter()
        .map(|data| fold.chunk(data))
        .collect();
        assert_eq!(seen, [Seen::Frame, Seen::Content, Seen::Frame, Seen::Frame, Seen::Done]);
        let answer = fold.answer();
        assert_eq!(answer.text, "Hello");
        assert_eq!(answer.usage.unwrap().prompt, 3);
        assert_eq!(answer.finish_reason.as_deref(), Some("stop"));
        assert_eq!(answer.form_failure(false), None);
        assert!(answer.complete);
    }

    #[test]
    fn a_deepseek_stream_shows_reasoning_before_content() {
        let mut fold = Fold::new(Endpoint::Chat, 1000);
        assert_eq!(
            fold.chunk(r#"{"choices":[{"index":0,"delta":{"content":null,"reasoning_content":"hm"}}]}"#),
            Seen::Reasoning
        );
        assert_eq!(
            fold.chunk(r#"{"choices":[{"index":0,"delta":{"content":"x","reasoning_content":null}}]}"#),
            Seen::Content
        );
        let last = r#"{"choices":[{"index":0,"delta":{"content":""},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":9}}"#;
        assert_eq!(fold.chunk(last), Seen::Frame);
        let answer = fold.answer();
        assert_eq!((answer.reasoning.total(), answer.characters.total(), answer.usage.unwrap().completion), (2, 1, 9));
    }

    #[test]
    fn a_whole_answer_with_a_tool_call_is_not_empty() {
        let mut fold = Fold::new(Endpoint::Chat, 10);
        fold.whole(br#"{"choices":[{"index":0,"message":{"role":"assistant","content":null,"tool_calls":[{"id":"call_1","type":"function","function":{"name":"f","arguments":"{}"}}]},"finish_reason":"tool_calls"}]}"#);
        let answer = fold.answer();
        assert_eq!((answer.tool_calls, answer.form_failure(true)), (1, None));
    }

    #[test]
    fn form_failures_have_names() {
        let form = |body: &str, json: bool| {
            let mut fold = Fold::new(Endpoint::Chat, 1000);
            fold.whole(body.as_bytes());
            fold.answer().form_failure(json)
        };
        let of = |text: &str, finish: &str| {
            format!(r#"{{"choices":[{{"index":0,"message":{{"content":{text}}},"finish_reason":"{finish}"}}]}}"#)
        };
        assert_eq!(form(&of("\"x\"", "length"), false), Some("length"));
        assert_eq!(form(&of("\"x\"", "content_filter"), false), Some("content_filter"));
        assert_eq!(form(&of("\"x\"", "insufficient_system_resource"), false), Some("other_finish"));
        assert_eq!(form(&of("\"\"", "stop"), false), Some("empty"));
        assert_eq!(form(&of("\"x\"", "stop"), true), Some("not_json"));
        assert_eq!(form(&of(r#""{\"a\":1}""#, "stop"), true), None);
        assert_eq!(form("{}", false), Some("no_finish"));
    }

    #[test]
    fn text_is_capped_and_counts_go_on() {
        let mut fold = Fold::new(Endpoint::Chat, 4);
        fold.chunk(r#"{"choices":[{"index":0,"delta":{"content":"你好世界"}}]}"#);
        let answer = fold.answer();
        assert_eq!((answer.text.as_str(), answer.truncated, answer.characters.total()), ("你", true, 4));
    }

    #[test]
    fn errors_and_garbage_are_told_apart() {
        let mut fold = Fold::new(Endpoint::Chat, 4);
        assert_eq!(fold.chunk(r#"{"error":{"message":"boom"}}"#), Seen::Error);
        assert_eq!(fold.chunk("{oops"), Seen::Malformed);
        let answer = fold.answer();
        assert_eq!((answer.error.as_deref(), answer.malformed, answer.complete), (Some("boom"), 1, false));
        assert_eq!(answer.fault(), Some(ErrorKind::Server));
        assert_eq!(Fold::new(Endpoint::Chat, 4).answer().fault(), Some(ErrorKind::Truncated));
    }
}
