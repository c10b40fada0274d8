//! Files of paired answers: what two or more models once answered to the same prompts.
//!
//! One JSON object a line, lines ended by LF only (the texts hold other line separators): `id`, `prompt`,
//! `prompt_tokens` by tokenizer, and `answers` by model with `text`, `tokens` by tokenizer and, where the answers were
//! graded, `exact` or `all_followed`. Two of the models are read as baseline and candidate.

use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Why a file cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum PairedAnswersError {
    /// The file cannot be opened or read.
    #[error("cannot read {path}: {source}; check the path and its permissions")]
    File {
        /// File.
        path: PathBuf,
        /// Cause.
        source: std::io::Error,
    },
    /// A line is not what the format says.
    #[error("{path}, line {line}, field `{field}`: {message}; mend or remove the line")]
    Line {
        /// File.
        path: PathBuf,
        /// Line, from 1.
        line: u64,
        /// Field, with its parents.
        field: String,
        /// What was found and expected.
        message: String,
    },
    /// The file has no line.
    #[error("{path} holds no paired answers; name a file with one JSON object a line")]
    Empty {
        /// File.
        path: PathBuf,
    },
}

/// One answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Model that gave it, as the file names it.
    pub model: String,
    /// Its text.
    pub text: String,
    /// Tokens of the prompt in the model's own tokenizer.
    pub prompt_tokens: u64,
    /// Tokens of the text in the model's own tokenizer.
    pub completion_tokens: u64,
    /// Whether it is good; `None` if nobody graded it.
    pub good: Option<bool>,
}

/// Both answers to one prompt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PairedAnswer {
    /// Unique in the file.
    pub id: String,
    /// The prompt.
    pub prompt: String,
    /// The baseline's answer.
    pub baseline: Answer,
    /// The candidate's answer.
    pub candidate: Answer,
}

/// A file of paired answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PairedAnswers {
    /// The baseline's model.
    pub baseline_model: String,
    /// The candidate's model.
    pub candidate_model: String,
    /// What `good` means: `exact` or `followed`; `None` if the answers are not graded.
    pub metric: Option<String>,
    /// The rows, in the file's order.
    pub rows: Vec<PairedAnswer>,
}

/// Reads a file. Without a name, the baseline is the first model of the first line whose name starts with `gpt-4o-20`
/// (else with `gpt`), and the candidate the first one that starts with `deepseek` (else the first other one).
///
/// # Errors
/// The file cannot be read, a line is not of this form, or a model is missing; the error names line and field.
pub fn read(path: &Path, baseline: Option<&str>, candidate: Option<&str>) -> Result<PairedAnswers, PairedAnswersError> {
    let text =
        std::fs::read_to_string(path).map_err(|source| PairedAnswersError::File { path: path.to_owned(), source })?;
    let mut answers: Option<PairedAnswers> = None;
    for (index, line) in text.split('\n').enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let at = At { path, line: index as u64 + 1 };
        let row: Row = serde_json::from_str(line).map_err(|error| at.wrong("(whole line)", error.to_string()))?;
        if answers.is_none() {
            answers = Some(choose(at, &row, baseline, candidate)?);
        }
        if let Some(answers) = &mut answers {
            let row = pair(at, row, answers)?;
            answers.rows.push(row);
        }
    }
    answers.ok_or_else(|| PairedAnswersError::Empty { path: path.to_owned() })
}

#[derive(Deserialize)]
struct Row {
    id: String,
    prompt: String,
    prompt_tokens: BTreeMap<String, u64>,
    answers: Map<String, Value>,
}

#[derive(Deserialize)]
struct RawAnswer {
    text: String,
    tokens: BTreeMap<String, u64>,
    #[serde(default)]
    exact: Option<bool>,
    #[serde(default)]
    all_followed: Option<bool>,
}

/// Where we are.
#[derive(Clone, Copy)]
struct At<'a> {
    path: &'a Path,
    line: u64,
}

impl At<'_> {
    fn wrong(self, field: &str, message: String) -> PairedAnswersError {
        PairedAnswersError::Line { path: self.path.to_owned(), line: self.line, field: field.to_owned(), message }
    }
}

/// Chooses the two models and finds out how the answers are graded.
fn choose(
    at: At<'_>,
    row: &Row,
    baseline: Option<&str>,
    candidate: Option<&str>,
) -> Result<PairedAnswers, PairedAnswersError> {
    let names: Vec<&str> = row.answers.keys().map(String::as_str).collect();
    let starting = |start: &str| names.iter().copied().find(|name| name.starts_with(start));
    let none =
        |side: &str| at.wrong("answers", format!("no {side} among the models {}; name one of them", names.join(", ")));
    let baseline = match baseline {
        Some(name) => name,
        None => starting("gpt-4o-20").or_else(|| starting("gpt")).ok_or_else(|| none("baseline"))?,
    };
    let other = || names.iter().copied().find(|name| *name != baseline);
    let candidate = match candidate {
        Some(name) => name,
        None => starting("deepseek").or_else(other).ok_or_else(|| none("candidate"))?,
    };
    let graded = |field: &str| row.answers.get(baseline).is_some_and(|answer| answer.get(field).is_some());
    let metric = [("exact", "exact"), ("all_followed", "followed")].into_iter().find(|(field, _)| graded(field));
    Ok(PairedAnswers {
        baseline_model: baseline.to_owned(),
        candidate_model: candidate.to_owned(),
        metric: metric.map(|(_, name)| name.to_owned()),
        rows: Vec::new(),
    })
}

fn pair(at: At<'_>, row: Row, file: &PairedAnswers) -> Result<PairedAnswer, PairedAnswersError> {
    let graded = file.metric.is_some();
    let answer = |model: &str| answer(at, &row.answers, &row.prompt_tokens, model, graded);
    let baseline = answer(&file.baseline_model)?;
    let candidate = answer(&file.candidate_model)?;
    Ok(PairedAnswer { id: row.id, prompt: row.prompt, baseline, candidate })
}

fn answer(
    at: At<'_>,
    answers: &Map<String, Value>,
    prompt_tokens: &BTreeMap<String, u64>,
    model: &str,
    graded: bool,
) -> Result<Answer, PairedAnswersError> {
    let field = format!("answers.{model}");
    let names = || answers.keys().cloned().collect::<Vec<_>>().join(", ");
    let Some(value) = answers.get(model) else {
        return Err(at.wrong(&field, format!("missing, the line has answers of {}", names())));
    };
    let raw = RawAnswer::deserialize(value).map_err(|error| at.wrong(&field, error.to_string()))?;
    let good = raw.exact.or(raw.all_followed);
    if graded && good.is_none() {
        return Err(at.wrong(&field, "neither `exact` nor `all_followed`, although earlier answers have it".to_owned()));
    }
    Ok(Answer {
        model: model.to_owned(),
        prompt_tokens: tokens(at, "prompt_tokens", prompt_tokens, model)?,
        completion_tokens: tokens(at, &format!("{field}.tokens"), &raw.tokens, model)?,
        text: raw.text,
        good,
    })
}

/// The count in the model's own tokenizer.
fn tokens(at: At<'_>, field: &str, counts: &BTreeMap<String, u64>, model: &str) -> Result<u64, PairedAnswersError> {
    let tokenizers: &[&str] = if model.starts_with("deepseek") { &["deepseek"] } else { &["o200k", "cl100k"] };
    tokenizers
        .iter()
        .find_map(|tokenizer| counts.get(*tokenizer).copied())
        .ok_or_else(|| at.wrong(field, format!("no count by {}, which {model} is billed by", tokenizers.join(" or "))))
}

#[cfg(test)]
mod tests;
