//! OpenAI Batch: the input file alone, or input and output files joined by `custom_id`.
//!
//! The output comes in no order, and failures may stand in an error file of their own, so all answers are read first and
//! laid down in a temporary file ([`answers`]); the requests then stream by. The files may be named in any order, what
//! each of them is tells its first row. A batch has no times: the log is marked as untimed. Who else offers batches
//! writes the same files; the answers are recorded as `openai`'s because the files do not say whose they are.
//!
//! Source of the fields: OpenAI's reference of the Batch API; codes of rows that were never sent (`batch_expired`,
//! `batch_cancelled`) from its guide.

mod answers;

use super::detect::Head;
use super::entry::{Content, Entry, Reader};
use super::format::Field;
use super::input::Input;
use super::row::Row;
use super::rows::Rows;
use super::{ImportError, ImportOptions, answered, calls, failure};
use crate::Recorded;
use answers::Answers;
use serde_json::Value;
use std::borrow::Cow;
use wire::price::Tier;

/// What the format can fill.
pub(super) const FILLS: &[Field] = &[
    Field::Id,
    Field::Prompt,
    Field::Answered,
    Field::Usage,
    Field::Cached,
    Field::CacheWrite,
    Field::Audio,
    Field::Image,
    Field::Reasoning,
    Field::Tier,
    Field::Answer,
    Field::Tools,
    Field::FinishReason,
    Field::Error,
];

/// Whether a file begins like one of this format.
pub(super) fn is_it(head: &Head) -> bool {
    is_input(head) || is_output(head)
}

fn is_input(head: &Head) -> bool {
    head.has(&["custom_id", "body"])
}

fn is_output(head: &Head) -> bool {
    let has = |name: &str| head.member(name).is_some_and(Value::is_object);
    head.has(&["custom_id"]) && !is_input(head) && (has("response") || has("error"))
}

/// Reads the files.
///
/// # Errors
/// The options do not fit, or a file cannot be read.
pub(super) fn open(inputs: Vec<Input>, _options: &ImportOptions) -> Result<Box<dyn Reader>, ImportError> {
    let first = inputs.first().map(|input| input.path().to_owned()).unwrap_or_default();
    let (outputs, inputs): (Vec<_>, Vec<_>) = inputs.into_iter().partition(|input| is_output(&Head::new(input.head())));
    if inputs.is_empty() {
        let message = "these are the answers of a batch; name its input file too, because the requests stand there";
        return Err(ImportError::Format { path: first, message: message.to_owned() });
    }
    let answers = if outputs.is_empty() { None } else { Some(Answers::new()?) };
    Ok(Box::new(Batch { outputs: Rows::new(outputs), answers, inputs: Rows::new(inputs), passed_over: 0 }))
}

struct Batch {
    /// Read to their end before the first request.
    outputs: Rows,
    answers: Option<Answers>,
    inputs: Rows,
    passed_over: u64,
}

impl Reader for Batch {
    fn next_entry(&mut self) -> Result<Option<Entry>, ImportError> {
        if let Some(answers) = &mut self.answers {
            while let Some(row) = self.outputs.next_row()? {
                answers.add(&row)?;
            }
        }
        loop {
            let Some(row) = self.inputs.next_row()? else {
                self.passed_over += self.answers.take().map_or(0, |answers| answers.len());
                return Ok(None);
            };
            let Some(endpoint) = endpoint(&row)? else {
                self.passed_over += 1;
                continue;
            };
            let id = row.text("custom_id")?.ok_or_else(|| row.wrong("custom_id", "a text"))?;
            let body = row.get("body").filter(|body| body.get().starts_with('{'));
            let body = body.ok_or_else(|| row.wrong("body", "an object"))?.to_owned();
            let answer = match &mut self.answers {
                Some(answers) => answers.take(&id)?,
                None => None,
            };
            let mut entry = Entry::new(row.place.clone(), Content::Body(body));
            entry.endpoint = endpoint;
            entry.recorded = answer.map(|answer| recorded(&answer, &entry)).transpose()?;
            entry.id = Some(id);
            return Ok(Some(entry));
        }
    }

    /// Other calls, and answers whose request is in none of the files.
    fn passed_over(&self) -> u64 {
        self.passed_over
    }
}

/// The endpoint of a call; `None` if it is no call that can be played.
fn endpoint(row: &Row<'_>) -> Result<Option<wire::Endpoint>, ImportError> {
    let is_post = row.text("method")?.is_none_or(|method| method.eq_ignore_ascii_case("POST"));
    let url = row.text("url")?.unwrap_or_else(|| "/v1/chat/completions".to_owned());
    Ok(calls::endpoint(&url).filter(|_| is_post))
}

/// The answer in a row of the output.
fn recorded(answer: &[u8], entry: &Entry) -> Result<Recorded, ImportError> {
    let row = Row::parse(entry.place.clone(), answer)?;
    let mut recorded = Recorded::new("openai", asked_model(entry).unwrap_or_default(), 0);
    if let Some(response) = row.json("response")? {
        let response = Row::parse(entry.place.clone(), response.as_bytes())?;
        recorded.status = answers::status(&response)?;
        let body = response.json("body")?.unwrap_or_default();
        answered::fill(&mut recorded, entry.endpoint, body.as_bytes());
    } else if let Some(error) = row.json("error")? {
        let error = Row::parse(entry.place.clone(), error.as_bytes())?;
        let code = error.text("code")?.unwrap_or_default();
        failure::note(&mut recorded, None, &[&code]);
    }
    // Whatever tier the answer names, it came and is billed as a part of a batch.
    recorded.tier = Tier::Batch;
    Ok(recorded)
}

fn asked_model(entry: &Entry) -> Option<String> {
    let Content::Body(body) = &entry.content else { return None };
    wire::json::Object::parse(body.get().as_bytes()).ok()?.text("model").map(Cow::into_owned)
}

#[cfg(test)]
mod tests;
