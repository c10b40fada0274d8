//! A seeded generator of a demo log: requests as an application would have sent them, and what both vendors answered.
//!
//! What is real in it are figures ([`expected`], and the tables behind it): the rhythm of arrivals, the sizes in
//! tokens, the ratio between the two vendors' tokenizers. What is made are all texts, names and numbers: templates and
//! word lists of this project. The texts are shorter than the token counts beside them (about one character a prompt
//! token at most, two characters a completion token), so that a demo spends its time on the tool and not on copying.
//!
//! The generator is pure: the same [`Settings`] give the same bytes on every platform. It therefore uses whole numbers
//! only, one fixed generator (ChaCha8), and no hash map whose order could differ.

mod assemble;
mod dice;
pub(crate) mod figures;
mod plan;
mod scenes;
mod words;
mod write;

pub use figures::expected;

use crate::{Format, Header, LoggedRequest, Redaction};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Language of a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    /// About 70 % of requests.
    English,
    /// About 30 %.
    Chinese,
}

/// Rhythm of the arrivals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Pattern {
    /// People who chat: 5.6 requests a second, nearly a Poisson process.
    #[default]
    Calm,
    /// Code completion: bursts of up to 67 requests a second between silences of minutes.
    Violent,
}

/// What to generate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// Seed of all draws.
    pub seed: u64,
    /// Number of requests.
    pub requests: usize,
    /// Rhythm of the arrivals.
    pub pattern: Pattern,
}

/// The settings of the bundled log.
pub const DEMO: Settings = Settings { seed: 20_261_122, requests: 2_000, pattern: Pattern::Calm };

/// A log with the answers of both vendors.
#[derive(Debug, Clone)]
pub struct DemoLog {
    /// The requests, in order of time, each with the baseline's recorded answer.
    pub requests: Vec<LoggedRequest>,
    /// One line for each request, in the same order.
    pub script: Vec<ScriptLine>,
    /// What they were made from.
    pub settings: Settings,
}

/// What both vendors answer to one prompt: a line of the mocks' script file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScriptLine {
    /// Text of the last user message; no two lines have the same.
    pub prompt: String,
    /// The answer at OpenAI.
    pub openai: ScriptAnswer,
    /// The answer at DeepSeek.
    pub deepseek: ScriptAnswer,
}

/// One vendor's answer, counted in its own tokens.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScriptAnswer {
    /// Visible text; null beside tool calls.
    pub content: Option<String>,
    /// Calls of functions, if the model wants any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tool_calls: Vec<ScriptToolCall>,
    /// Tokens of the whole prompt.
    pub prompt_tokens: u64,
    /// Tokens of the answer.
    pub completion_tokens: u64,
    /// Part of `prompt_tokens` that came from the cache.
    pub cached_tokens: u64,
    /// `stop`, `length` or `tool_calls`.
    pub finish_reason: String,
}

/// One call of a function.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScriptToolCall {
    /// The function.
    pub name: String,
    /// Its arguments, an object.
    pub arguments: Value,
}

/// Generates a log.
///
/// # Errors
/// A generated body does not serialise; this would be a mistake in the generator.
pub fn demo_log(settings: Settings) -> Result<DemoLog, serde_json::Error> {
    let plan = plan::plan(settings);
    let (requests, script) = assemble::assemble(&plan, settings.seed)?;
    Ok(DemoLog { requests, script, settings })
}

impl DemoLog {
    /// The request log as a file: header and one line a request, LF only.
    ///
    /// # Errors
    /// A request does not serialise; this would be a mistake in the generator.
    pub fn requests_text(&self) -> Result<String, serde_json::Error> {
        let mut header = Header::new(Format::Requests, Redaction::Full);
        // Not the program's version: the file shall not change with it.
        header.creator = format!("weighbridge make_demo, seed {}", self.settings.seed);
        "times are microseconds since the start of the log".clone_into(&mut header.clock);
        // Nothing in it needs a newer reader.
        "1.0".clone_into(&mut header.version);
        Ok(serde_json::to_string(&header)? + "\n" + &lines(&self.requests)?)
    }

    /// The script as a file: one line a prompt, no header, LF only.
    ///
    /// # Errors
    /// As [`DemoLog::requests_text`].
    pub fn script_text(&self) -> Result<String, serde_json::Error> {
        lines(&self.script)
    }
}

fn lines<T: Serialize>(items: &[T]) -> Result<String, serde_json::Error> {
    let mut text = String::new();
    for item in items {
        text += &serde_json::to_string(item)?;
        text.push('\n');
    }
    Ok(text)
}

#[cfg(test)]
mod tests;
