//! What differs between the providers' answers, as data: one writer of streams and one of whole answers serve them all.

use crate::answer::Usage;

/// Where a stream reports usage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UsagePlace {
    /// In a chunk of its own without choices, and only if asked for.
    OwnChunk,
    /// On the finish chunk, which keeps its choice, asked for or not.
    FinishChunk,
}

/// One provider's way of writing answers.
pub(crate) struct Dialect {
    /// What stands in front of the id's stem, for chat completions and for legacy ones.
    pub(crate) chat_id_prefix: &'static str,
    pub(crate) completion_id_prefix: &'static str,
    /// Makes the id of a tool call from the answer's stem, the choice and the position.
    pub(crate) call_id: fn(stem: &str, choice: usize, position: usize) -> String,
    /// Whether whole tool calls carry their position.
    pub(crate) call_index_in_whole: bool,
    /// Members between `model` and `choices` of every chunk, and at the end of a whole answer.
    pub(crate) service_tier: bool,
    pub(crate) fingerprint: bool,
    /// Whether messages have `refusal` and `annotations`.
    pub(crate) refusals: bool,
    /// Whether messages say null or nothing where they have no reasoning and no calls, as vLLM's serialiser does.
    pub(crate) spells_out_nulls: bool,
    /// Whether a message beside tool calls has null for its content, or an empty text.
    pub(crate) null_content_beside_calls: bool,
    pub(crate) usage_place: UsagePlace,
    /// Whether all other chunks say `"usage":null` when usage was asked for.
    pub(crate) null_usage_elsewhere: bool,
    /// Whether the finish chunk carries an empty text rather than an empty delta.
    pub(crate) text_in_finish_delta: bool,
    /// Whether chunks are padded against onlookers unless asked not to be.
    pub(crate) obfuscates: bool,
    /// Whether every choice has `stop_reason`.
    pub(crate) stop_reason: bool,
    /// Usage as the provider spells it, JSON; the flag tells whether reasoning is shown.
    pub(crate) usage: fn(&Usage, thinking: bool) -> String,
}
