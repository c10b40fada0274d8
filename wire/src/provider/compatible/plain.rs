//! The matrix of completions and embeddings at compatible servers, ordered by length and name of the member.
//!
//! These endpoints are older than chat, and some names mean something else here: `logprobs` is how many alternatives are
//! wanted, and a limit of 0 asks for an echo of the prompt and nothing more. So they share no table with chat.

use super::super::matrix::Row;
use super::super::{Loss, refusals, steps, values};
use serde_json::value::RawValue;

const TOKENS: &str = "token numbers mean something else in another tokeniser";

/// What becomes of each feature.
pub(super) static TABLE: &[Row] = &[
    refusals::ANSWERS,
    refusals::STOP,
    Row::rewritten("user", "user", steps::hash_user, "hashed: the provider need not know whom we serve"),
    Row::baseline("input", "tokens instead of text", TOKENS).when(|_, input| is_of_tokens(input)),
    Row::rewritten("model", "model", steps::model, "the migration's model"),
    Row::baseline("prompt", "tokens instead of text", TOKENS).when(|_, prompt| is_of_tokens(prompt)),
    Row::refused(
        "logprobs",
        "logprobs that is no number",
        |_, value| steps::number(value).is_none(),
        "a whole number of alternatives is taken",
    ),
    Row::baseline("logit_bias", "logit_bias", TOKENS).when(|_, bias| !steps::is_empty(bias)),
    Row::refused(
        "max_tokens",
        "limit that is no number",
        |_, value| steps::number(value).is_none(),
        "a whole number is taken",
    )
    .detail(values::number_detail),
    refusals::TEMPERATURE,
    Row::settled("stream_options", "stream options", "usage is always asked for"),
    Row::dropped("safety_identifier", "only OpenAI knows it").loses(Loss::Harmless),
];

/// Whether a text is given as the numbers of its tokens, or a list of texts holds such a one.
fn is_of_tokens(value: &RawValue) -> bool {
    let is_token = |entry: &&RawValue| entry.get().starts_with(|first: char| first.is_ascii_digit() || first == '[');
    serde_json::from_str::<Vec<&RawValue>>(value.get()).is_ok_and(|list| list.iter().any(is_token))
}
