//! Answers in OpenAI's form: what chunks and whole answers of OpenAI-compatible providers need until a client of
//! OpenAI can read them.

use super::View;
use super::draft::quoted;
use super::splice::Splice;
use super::{ClientError, Edit};
use crate::json::Few;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// What a provider does differently in its answers.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Manners {
    /// Put before ids, which are bare there; empty for none.
    pub(super) id_prefix: &'static str,
    /// Members that hold reasoning text, which OpenAI does not show, may be there.
    pub(super) reasons: bool,
    /// Finish reasons that are failures.
    pub(super) failures: &'static [&'static str],
}

/// What an error object inside an answer means to the client.
pub(super) type Translate<'t> = &'t dyn Fn(&RawValue) -> ClientError;

#[derive(Deserialize)]
pub(super) struct Chunk<'a> {
    #[serde(borrow, default)]
    id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    model: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "raw")]
    choices: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "raw")]
    usage: Option<&'a RawValue>,
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Choice<'a> {
    #[serde(borrow, default)]
    delta: Option<Said<'a>>,
    #[serde(borrow, default)]
    message: Option<Said<'a>>,
    #[serde(borrow, default)]
    logprobs: Option<Said<'a>>,
    #[serde(borrow, default)]
    finish_reason: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Said<'a> {
    #[serde(borrow, default, deserialize_with = "raw")]
    reasoning_content: Option<&'a RawValue>,
}

/// A member that is there, `null` included.
fn raw<'de: 'a, 'a, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'a RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

fn has_value(value: &RawValue) -> bool {
    value.get() != "null"
}

/// What stays the same for every chunk of an answer, as JSON.
struct Shown {
    model: Option<String>,
}

/// What to do with one chunk of a stream.
pub(super) fn edit(data: &str, view: &View<'_>, manners: Manners, translate: Translate<'_>) -> Edit {
    let Ok(chunk) = serde_json::from_str::<Chunk<'_>>(data) else { return Edit::Keep };
    if let Some(error) = chunk.error {
        return Edit::Replace(vec![translate(error).body.to_json()]);
    }
    let Ok(choices) = choices_of(&chunk) else { return Edit::Keep };
    if let Some(error) = choices.iter().find_map(|choice| failure(choice, manners)) {
        return Edit::Replace(vec![error.body.to_json()]);
    }
    let reported = chunk.usage.filter(|usage| has_value(usage));
    if reported.is_some() && choices.is_empty() && !view.wants_usage {
        return Edit::Drop;
    }
    let shown = Shown { model: view.model.map(quoted) };
    let mut splice = Splice::new(data);
    polish(&mut splice, &chunk, &choices, &shown, view, manners);
    match (chunk.usage, reported) {
        (Some(usage), Some(_)) if view.wants_usage && !choices.is_empty() => {
            return split_usage(&chunk, usage, splice, data, &shown, manners);
        }
        (Some(usage), _) if !view.wants_usage => splice.remove("usage", usage),
        _ => {}
    }
    if splice.is_empty() { Edit::Keep } else { Edit::Replace(vec![splice.finish()]) }
}

/// Changes that a chunk and a whole answer share.
fn polish<'a>(
    splice: &mut Splice<'a>,
    chunk: &Chunk<'a>,
    choices: &Few<Choice<'a>>,
    shown: &'a Shown,
    view: &View<'_>,
    manners: Manners,
) {
    head(splice, chunk, shown, manners);
    if !manners.reasons || view.reasoning {
        return;
    }
    for choice in choices.iter() {
        for said in [&choice.delta, &choice.message, &choice.logprobs].into_iter().flatten() {
            if let Some(reasoning) = said.reasoning_content {
                splice.remove("reasoning_content", reasoning);
            }
        }
    }
}

fn head<'a>(splice: &mut Splice<'a>, chunk: &Chunk<'a>, shown: &'a Shown, manners: Manners) {
    if let Some(id) = chunk.id
        && !manners.id_prefix.is_empty()
        && id.get().strip_prefix('"').is_some_and(|id| !id.starts_with(manners.id_prefix))
    {
        splice.prefix(id, manners.id_prefix);
    }
    if let (Some(model), Some(shown)) = (chunk.model, &shown.model) {
        splice.replace(model, shown);
    }
}

/// The finish chunk with usage becomes OpenAI's two: the finish, then usage with no choices.
fn split_usage<'a>(
    chunk: &Chunk<'a>,
    usage: &'a RawValue,
    mut finish: Splice<'a>,
    data: &'a str,
    shown: &'a Shown,
    manners: Manners,
) -> Edit {
    finish.replace(usage, "null");
    let mut report = Splice::new(data);
    head(&mut report, chunk, shown, manners);
    if let Some(choices) = chunk.choices {
        report.replace(choices, "[]");
    }
    Edit::Replace(vec![finish.finish(), report.finish()])
}

fn choices_of<'a>(chunk: &Chunk<'a>) -> Result<Few<Choice<'a>>, serde_json::Error> {
    chunk.choices.filter(|raw| has_value(raw)).map_or_else(|| Ok(Few::default()), |raw| serde_json::from_str(raw.get()))
}

/// A finish reason that means the answer was given up.
fn failure(choice: &Choice<'_>, manners: Manners) -> Option<ClientError> {
    let reason = choice.finish_reason?.get().trim_matches('"');
    manners.failures.contains(&reason).then(|| ClientError::gave_up(reason))
}

/// A whole answer, as the client shall see it.
pub(super) fn edit_whole(
    body: &[u8],
    view: &View<'_>,
    manners: Manners,
    translate: Translate<'_>,
) -> Result<Option<Vec<u8>>, ClientError> {
    // Blank lines keep the connection alive while the request waits its turn.
    let Some(text) = std::str::from_utf8(body).ok().map(str::trim).filter(|text| text.starts_with('{')) else {
        return Err(ClientError::unreadable());
    };
    let Ok(chunk) = serde_json::from_str::<Chunk<'_>>(text) else { return Err(ClientError::unreadable()) };
    if let Some(error) = chunk.error {
        return Err(translate(error));
    }
    let Ok(choices) = choices_of(&chunk) else { return Ok(None) };
    if let Some(error) = choices.iter().find_map(|choice| failure(choice, manners)) {
        return Err(error);
    }
    let shown = Shown { model: view.model.map(quoted) };
    let mut splice = Splice::new(text);
    polish(&mut splice, &chunk, &choices, &shown, view, manners);
    let details = chunk.usage.and_then(cached_details);
    if let (Some(usage), Some(details)) = (chunk.usage, &details) {
        splice.prefix(usage, details);
    }
    if splice.is_empty() && text.len() == body.len() { Ok(None) } else { Ok(Some(splice.finish().into_bytes())) }
}

/// OpenAI's form of cache hits, where a report has them only in the provider's own: goes first into the object.
fn cached_details(usage: &RawValue) -> Option<String> {
    #[derive(Deserialize)]
    struct Hits {
        prompt_cache_hit_tokens: Option<u64>,
        prompt_tokens_details: Option<serde::de::IgnoredAny>,
    }
    let hits: Hits = serde_json::from_str(usage.get()).ok()?;
    let cached = hits.prompt_cache_hit_tokens.filter(|_| hits.prompt_tokens_details.is_none())?;
    Some(format!(r#""prompt_tokens_details":{{"cached_tokens":{cached}}},"#))
}

/// What to do with an event of a response: only the model's name may have to be another.
pub(super) fn edit_response(data: &str, view: &View<'_>) -> Edit {
    #[derive(Deserialize)]
    struct Event<'a> {
        #[serde(borrow, default)]
        response: Option<Response<'a>>,
    }
    #[derive(Deserialize)]
    struct Response<'a> {
        #[serde(borrow, default)]
        model: Option<&'a RawValue>,
    }
    let Some(shown) = view.model.map(quoted) else { return Edit::Keep };
    if memchr::memmem::find(data.as_bytes(), b"\"response\"").is_none() {
        return Edit::Keep;
    }
    let Ok(event) = serde_json::from_str::<Event<'_>>(data) else { return Edit::Keep };
    let Some(model) = event.response.and_then(|response| response.model) else { return Edit::Keep };
    let mut splice = Splice::new(data);
    splice.replace(model, &shown);
    Edit::Replace(vec![splice.finish()])
}
