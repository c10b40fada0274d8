//! Seeded generators of logs: requests as applications would have sent them, and what both vendors answered.
//!
//! What is real in them are figures ([`expected`], and the tables behind it): the rhythm of arrivals, the sizes in
//! tokens, the ratio between the two vendors' tokenizers. What is made are all texts, names and numbers: templates and
//! word lists of this project. There are two generators. [`demo_log`] makes texts that are shorter than the token
//! counts beside them (about one character a prompt token at most, two characters a completion token), so that a demo
//! spends its time on the tool and not on copying, and nothing fails. [`mixed_log`] makes what a replay has to cope
//! with, at full length.
//!
//! Both are pure: the same [`Settings`] give the same bytes on every platform. They therefore use whole numbers only,
//! one fixed generator (ChaCha8), and no hash map whose order could differ.

mod assemble;
mod dice;
pub(crate) mod figures;
mod mixed;
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

impl Pattern {
    /// Name of the bundled log in this rhythm, and beginning of its ids.
    const fn name(self) -> &'static str {
        match self {
            Self::Calm => "calm",
            Self::Violent => "violent",
        }
    }
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

/// The settings of the bundled log `demo`.
pub const DEMO: Settings = Settings { seed: 20_261_122, requests: 2_000, pattern: Pattern::Calm };
/// The settings of the bundled log `calm`. The peak of so short a log is a matter of luck, here and in the next one:
/// the seed is the first from the date on (2026-11-23) with which it comes near to what was measured.
pub const CALM: Settings = Settings { seed: 20_261_144, requests: 1_200, pattern: Pattern::Calm };
/// The settings of the bundled log `violent`.
pub const VIOLENT: Settings = Settings { seed: 20_261_192, requests: 1_200, pattern: Pattern::Violent };

/// A log with the answers of both vendors.
#[derive(Debug, Clone)]
pub struct MadeLog {
    /// The requests, in order of time, each with the baseline's recorded answer.
    pub requests: Vec<LoggedRequest>,
    /// One line for each prompt, in the order in which they were first sent.
    pub script: Vec<ScriptLine>,
    /// First line of the request log.
    pub header: Header,
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

/// Generates a log like `demo`: calm conversations without failures.
///
/// # Errors
/// A generated body does not serialise; this would be a mistake in the generator.
pub fn demo_log(settings: Settings) -> Result<MadeLog, serde_json::Error> {
    let plan = plan::plan(settings);
    let (requests, script) = assemble::assemble(&plan, settings.seed)?;
    let header = header(format!("weighbridge make_demo, seed {}", settings.seed), "1.0");
    Ok(MadeLog { requests, script, header })
}

/// Generates a log like `calm` and `violent`: with tools, schemas, long contexts, moderated prompts, failures and
/// retries.
///
/// # Errors
/// As [`demo_log`].
pub fn mixed_log(settings: Settings) -> Result<MadeLog, serde_json::Error> {
    let (requests, script) = mixed::make(settings)?;
    let header =
        header(format!("weighbridge make_bundled, {}, seed {}", settings.pattern.name(), settings.seed), "2.0");
    Ok(MadeLog { requests, script, header })
}

/// `creator` has no version of the program in it: the file shall not change with it. `version` is the oldest one that has
/// all its members: nothing in it needs a newer reader.
fn header(creator: String, version: &str) -> Header {
    let mut header = Header::new(Format::Requests, Redaction::Full);
    header.creator = creator;
    version.clone_into(&mut header.version);
    "times are microseconds since the start of the log".clone_into(&mut header.clock);
    header
}

impl MadeLog {
    /// The request log as a file: header and one line a request, LF only.
    ///
    /// # Errors
    /// A request does not serialise; this would be a mistake in the generator.
    pub fn requests_text(&self) -> Result<String, serde_json::Error> {
        Ok(serde_json::to_string(&self.header)? + "\n" + &lines(&self.requests)?)
    }

    /// The script as a file: one line a prompt, no header, LF only.
    ///
    /// # Errors
    /// As [`MadeLog::requests_text`].
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
