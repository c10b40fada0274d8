//! Recorded answers: what a mock says to a prompt it has been given an answer for.
//!
//! A script is a map from the text of the last user message to what each provider answered. It comes from a file of
//! NDJSON, one prompt a line, or from code. With recorded answers the mocks turn a data set of two models' real answers
//! into two providers, so an evaluation over the mocks sees the real differences between the models.
//!
//! ```json
//! {"prompt": "2+2?", "openai": {"content": "4"}, "deepseek": {"content": "Four.", "completion_tokens": 3}}
//! ```

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use wire::provider::Provider;

/// Recorded answers by prompt.
#[derive(Clone, Debug, Default)]
pub struct Script {
    entries: HashMap<String, Answers>,
    replaced: u64,
}

#[derive(Clone, Debug, Default)]
struct Answers {
    openai: Option<ScriptAnswer>,
    deepseek: Option<ScriptAnswer>,
    compatible: Option<ScriptAnswer>,
}

/// What one provider answered to one prompt. Counts that are absent are estimated.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScriptAnswer {
    /// The visible text; may be null beside tool calls.
    #[serde(default)]
    pub content: Option<String>,
    /// The reasoning text DeepSeek shows while thinking. Absent or null: generated if thinking is on, as the provider
    /// would think too. An empty text: none.
    #[serde(default)]
    pub reasoning: Option<String>,
    /// Tool calls, made if the request offers tools and no tool result follows the prompt yet.
    #[serde(default)]
    pub tool_calls: Vec<ScriptToolCall>,
    /// Tokens of the whole prompt in the provider's own count.
    #[serde(default)]
    pub prompt_tokens: Option<u64>,
    /// Tokens of the answer, recorded reasoning included, in the provider's own count.
    #[serde(default)]
    pub completion_tokens: Option<u64>,
    /// Part of `prompt_tokens` read from the cache.
    #[serde(default)]
    pub cached_tokens: Option<u64>,
    /// Part of `completion_tokens` spent on reasoning.
    #[serde(default)]
    pub reasoning_tokens: Option<u64>,
    /// Why the answer ended; `stop` (or `tool_calls`) if absent.
    #[serde(default)]
    pub finish_reason: Option<String>,
}

/// One recorded tool call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScriptToolCall {
    /// The function.
    pub name: String,
    /// Its arguments: an object, or the text the model wrote.
    pub arguments: Value,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    prompt: String,
    #[serde(default)]
    openai: Option<ScriptAnswer>,
    #[serde(default)]
    deepseek: Option<ScriptAnswer>,
    #[serde(default)]
    compatible: Option<ScriptAnswer>,
}

/// A script file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ScriptError {
    /// The file could not be read.
    #[error("cannot read script {path}: {source}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A line is not a script entry.
    #[error(
        "script {path}, line {line}: {source}; expected one JSON object a line: \
         {{\"prompt\": \"...\", \"openai\": {{\"content\": \"...\"}}, \"deepseek\": {{\"content\": \"...\"}}}}"
    )]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        /// What is wrong, with the column.
        source: serde_json::Error,
    },
    /// A line is well-formed but says nothing usable.
    #[error("script {path}, line {line}: {problem}")]
    Senseless {
        /// The file.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        /// What is wrong and what was expected.
        problem: &'static str,
    },
}

impl Script {
    /// A script without answers: everything is generated.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads a file of NDJSON. Empty lines are skipped. When several lines have the same prompt, the later answer of
    /// each provider replaces the earlier one; [`Script::replaced`] counts how often that happened.
    ///
    /// # Errors
    /// Names the file, the line and what was expected there.
    pub fn read(path: &Path) -> Result<Self, ScriptError> {
        let text = std::fs::read(path).map_err(|source| ScriptError::Unreadable { path: path.to_owned(), source })?;
        Self::parse(path, &text)
    }

    /// Parses what [`Script::read`] reads, for scripts that come from elsewhere, such as a compressed file. `path` is
    /// used in messages only.
    ///
    /// # Errors
    /// As [`Script::read`].
    pub fn parse(path: &Path, text: &[u8]) -> Result<Self, ScriptError> {
        let mut script = Self::new();
        // Only line feeds end a line: recorded texts contain other Unicode line separators.
        for (index, line) in text.split(|byte| *byte == b'\n').enumerate() {
            if line.trim_ascii().is_empty() {
                continue;
            }
            script.read_line(line).map_err(|fault| fault.at(path, index + 1))?;
        }
        if script.replaced > 0 {
            let replaced = script.replaced;
            tracing::warn!(path = %path.display(), replaced, "script has several answers for one prompt; the last counts");
        }
        Ok(script)
    }

    fn read_line(&mut self, line: &[u8]) -> Result<(), LineFault> {
        let line: Line = serde_json::from_slice(line).map_err(LineFault::Malformed)?;
        if line.prompt.is_empty() {
            return Err(LineFault::Senseless("`prompt` is empty: expected the text of the last user message"));
        }
        let answers = [
            (Provider::OpenAi, line.openai),
            (Provider::DeepSeek, line.deepseek),
            (Provider::Compatible, line.compatible),
        ];
        if answers.iter().all(|(_, answer)| answer.is_none()) {
            return Err(LineFault::Senseless("no answer: expected `openai`, `deepseek` or `compatible`"));
        }
        for (provider, answer) in answers.into_iter().filter_map(|(provider, answer)| Some((provider, answer?))) {
            if answer.content.is_none() && answer.tool_calls.is_empty() {
                return Err(LineFault::Senseless("an answer without `content` and without `tool_calls` says nothing"));
            }
            self.insert(provider, line.prompt.as_str(), answer);
        }
        Ok(())
    }

    /// Records an answer, replacing and returning an earlier one for the same provider and prompt.
    pub fn insert(
        &mut self,
        provider: Provider,
        prompt: impl Into<String>,
        answer: ScriptAnswer,
    ) -> Option<ScriptAnswer> {
        let answers = self.entries.entry(prompt.into()).or_default();
        let earlier = answers.slot(provider).replace(answer);
        self.replaced += u64::from(earlier.is_some());
        earlier
    }

    /// Records a plain text answer; for tests.
    pub fn say(&mut self, provider: Provider, prompt: impl Into<String>, content: impl Into<String>) {
        self.insert(provider, prompt, ScriptAnswer { content: Some(content.into()), ..ScriptAnswer::default() });
    }

    /// What a provider answered to a prompt.
    #[must_use]
    pub fn get(&self, provider: Provider, prompt: &str) -> Option<&ScriptAnswer> {
        let answers = self.entries.get(prompt)?;
        match provider {
            Provider::OpenAi => answers.openai.as_ref(),
            Provider::DeepSeek => answers.deepseek.as_ref(),
            Provider::Compatible => answers.compatible.as_ref(),
        }
    }

    /// Number of prompts.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no recorded answer at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// How often an answer replaced an earlier one for the same provider and prompt.
    #[must_use]
    pub fn replaced(&self) -> u64 {
        self.replaced
    }
}

impl Answers {
    fn slot(&mut self, provider: Provider) -> &mut Option<ScriptAnswer> {
        match provider {
            Provider::OpenAi => &mut self.openai,
            Provider::DeepSeek => &mut self.deepseek,
            Provider::Compatible => &mut self.compatible,
        }
    }
}

impl ScriptToolCall {
    /// The arguments as the text that goes over the wire.
    pub(crate) fn arguments_text(&self) -> String {
        match &self.arguments {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        }
    }
}

enum LineFault {
    Malformed(serde_json::Error),
    Senseless(&'static str),
}

impl LineFault {
    fn at(self, path: &Path, line: usize) -> ScriptError {
        let path = path.to_owned();
        match self {
            Self::Malformed(source) => ScriptError::Malformed { path, line, source },
            Self::Senseless(problem) => ScriptError::Senseless { path, line, problem },
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn read(text: &str) -> Result<Script, ScriptError> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        Script::read(file.path())
    }

    #[test]
    fn reads_answers_per_vendor() {
        let script = read(concat!(
            r#"{"prompt":"a\u2028b","openai":{"content":"one","prompt_tokens":12},"deepseek":{"content":"eins"}}"#,
            "\n\n",
            r#"{"prompt":"c","deepseek":{"content":null,"tool_calls":[{"name":"f","arguments":{"x":1}}]}}"#,
        ))
        .unwrap();
        assert_eq!(script.len(), 2);
        assert_eq!(script.get(Provider::OpenAi, "a\u{2028}b").unwrap().prompt_tokens, Some(12));
        assert!(script.get(Provider::OpenAi, "c").is_none());
        assert_eq!(script.get(Provider::DeepSeek, "c").unwrap().tool_calls[0].arguments_text(), r#"{"x":1}"#);
    }

    #[test]
    fn the_last_answer_counts_and_replacements_are_counted() {
        let script = read(concat!(
            "{\"prompt\":\"a\",\"openai\":{\"content\":\"1\"}}\n",
            "{\"prompt\":\"a\",\"deepseek\":{\"content\":\"2\"}}\n",
            "{\"prompt\":\"a\",\"openai\":{\"content\":\"3\"}}\n",
        ))
        .unwrap();
        assert_eq!(script.get(Provider::OpenAi, "a").unwrap().content.as_deref(), Some("3"));
        assert_eq!(script.get(Provider::DeepSeek, "a").unwrap().content.as_deref(), Some("2"));
        assert_eq!(script.replaced(), 1);
    }

    #[test]
    fn errors_name_file_and_line_and_what_was_expected() {
        let good = "{\"prompt\":\"a\",\"openai\":{\"content\":\"1\"}}\n";
        for (bad, part) in [
            ("{\"prompt\":", "EOF"),
            ("{\"prompt\":\"b\",\"opnai\":{\"content\":\"1\"}}", "opnai"),
            ("{\"prompt\":\"b\"}", "expected `openai`"),
            ("{\"prompt\":\"b\",\"openai\":{}}", "says nothing"),
            ("{\"prompt\":\"\",\"openai\":{\"content\":\"1\"}}", "`prompt` is empty"),
        ] {
            let error = read(&format!("{good}\n{bad}\n")).unwrap_err().to_string();
            assert!(error.contains("line 3") && error.contains(part) && error.contains("script /"), "{error}");
        }
        let error = Script::read(Path::new("/nowhere/script.ndjson")).unwrap_err().to_string();
        assert!(error.contains("/nowhere/script.ndjson"), "{error}");
    }
}
