//! What became of an answer, and what is wrong with it.

use super::tools::ToolCalls;
use crate::endpoint::Endpoint;
use crate::error::ErrorKind;
use crate::price::Tier;
use crate::request::Form;
use crate::usage::{Characters, Tokens, Usage};

/// Finish reasons that mean the provider gave the answer up.
const GIVEN_UP: [&str; 3] = ["insufficient_system_resource", "aborted", "abort"];

/// Beginnings of the markup in which models of DeepSeek's family write tool calls. In visible text it is a call that
/// the provider failed to read.
const TOOL_MARKUP: [&str; 7] = [
    "<｜tool▁call",
    "<｜tool_call",
    "<｜DSML｜",
    "<|DSML|",
    "<|tool▁call",
    "<|tool_calls_begin|>",
    "<|tool_call_begin|>",
];

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
    /// Finish reason of the first choice, in chat's words.
    pub finish_reason: Option<String>,
    /// Reported usage.
    pub usage: Option<Usage>,
    /// Service tier that it was answered in, if it names one.
    pub tier: Option<Tier>,
    /// Estimate of everything that is billed as written, in all choices: text, refusals, reasoning, names and arguments of
    /// calls. What could not be read counts with all its bytes.
    pub written: Tokens,
    /// Model that answered.
    pub model: Option<String>,
    /// The stream was ended by its end mark, or the body was whole.
    pub complete: bool,
    /// Message of an error event inside the stream.
    pub error: Option<String>,
    /// Chunks that were no JSON.
    pub malformed: u64,
    /// Chunks that carried text.
    pub chunks_with_text: u64,
    /// Reasoning text of the first choice, at most [`REASONING_BYTES_MAX`](super::fold::REASONING_BYTES_MAX) bytes;
    /// empty if it was longer, because a part of it would be refused or misread when it is sent back.
    pub reasoning_text: String,
    /// Ids of the first choice's tool calls, at most [`TOOL_CALLS_MAX`](super::fold::TOOL_CALLS_MAX).
    pub tool_call_ids: Vec<String>,
    /// The first choice's tool calls, at most [`TOOL_BYTES_MAX`](super::tools::TOOL_BYTES_MAX) bytes of them.
    pub tools: ToolCalls,
    /// The kept text holds the model's own markup for tool calls: a call that the provider failed to read.
    pub tool_leak: bool,
    /// Where it came from: not every endpoint's answers have a finish reason.
    pub endpoint: Endpoint,
}

impl Answer {
    /// An answer of which nothing is known yet.
    #[must_use]
    pub const fn new(endpoint: Endpoint) -> Self {
        Self {
            text: String::new(),
            truncated: false,
            characters: Characters { wide: 0, narrow: 0 },
            reasoning: Characters { wide: 0, narrow: 0 },
            tool_calls: 0,
            refused: false,
            finish_reason: None,
            usage: None,
            tier: None,
            written: Tokens::NONE,
            model: None,
            complete: false,
            error: None,
            malformed: 0,
            chunks_with_text: 0,
            reasoning_text: String::new(),
            tool_call_ids: Vec::new(),
            tools: ToolCalls::new(),
            tool_leak: false,
            endpoint,
        }
    }

    /// What is wrong with an answer that came with a good status and was not broken off on the way: an error event, a
    /// chunk that is no JSON, a stream without its end mark, or an answer that the provider gave up.
    #[must_use]
    pub fn fault(&self) -> Option<ErrorKind> {
        if self.error.is_some() {
            Some(ErrorKind::Server)
        } else if self.malformed > 0 {
            Some(ErrorKind::Malformed)
        } else if self.finish_reason.as_deref().is_some_and(|reason| GIVEN_UP.contains(&reason)) {
            Some(ErrorKind::Overloaded)
        } else if !self.complete {
            Some(ErrorKind::Truncated)
        } else {
            None
        }
    }

    /// Whether the answer fails its form: it was cut off, filtered, empty, not the JSON or the call that was demanded, a
    /// call with arguments that are no JSON, or one that leaked into the text. The name says which; `None` means the
    /// form is fine. Embeddings and moderations have no form to fail.
    #[must_use]
    pub fn form_failure(&self, demanded: Form) -> Option<&'static str> {
        if matches!(self.endpoint, Endpoint::Embeddings | Endpoint::Moderations) {
            return None;
        }
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
        if self.tool_leak {
            return Some("tool_leak");
        }
        if self.tools.are_broken() {
            return Some("tool_not_json");
        }
        let text_only = self.tool_calls == 0 && !self.refused;
        if demanded == Form::Call && text_only {
            return Some("no_tool_call");
        }
        let judge_json = demanded == Form::Json && text_only && !self.truncated;
        if judge_json && serde_json::from_str::<serde::de::IgnoredAny>(&self.text).is_err() {
            return Some("not_json");
        }
        None
    }
}

/// Whether a text holds the markup of a tool call.
pub(super) fn leaks_tool_call(text: &str) -> bool {
    // Every one begins like this, and hardly any text holds it.
    let begins = ["<｜", "<|"].iter().any(|mark| memchr::memmem::find(text.as_bytes(), mark.as_bytes()).is_some());
    begins && TOOL_MARKUP.iter().any(|mark| text.contains(mark))
}
