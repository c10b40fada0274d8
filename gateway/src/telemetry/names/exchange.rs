//! Of exchanges: one call of one provider for one request.

use super::{Metric, metric};

/// Labels of everything that is counted by exchange: one call of one provider for one request.
pub(in super::super) const EXCHANGE: [&str; 7] =
    ["migration", "arm", "role", "provider", "model", "consumer", "endpoint"];
const EXCHANGE_OUTCOME: [&str; 8] =
    ["migration", "arm", "role", "provider", "model", "consumer", "endpoint", "outcome"];
const EXCHANGE_FAILURE: [&str; 8] =
    ["migration", "arm", "role", "provider", "model", "consumer", "endpoint", "failure"];
/// Exchanges.
pub(in super::super) const EXCHANGES: Metric =
    metric("weighbridge_exchanges", "Ended exchanges by outcome: ok, or the kind of error", &EXCHANGE_OUTCOME);
/// Prompt tokens.
pub(in super::super) const PROMPT_TOKENS: Metric =
    metric("weighbridge_prompt_tokens", "Prompt tokens, cached ones included", &EXCHANGE);
/// Cached prompt tokens.
pub(in super::super) const CACHED_TOKENS: Metric =
    metric("weighbridge_prompt_cached_tokens", "Prompt tokens read from the provider's cache", &EXCHANGE);
/// Completion tokens.
pub(in super::super) const COMPLETION_TOKENS: Metric =
    metric("weighbridge_completion_tokens", "Completion tokens, reasoning included", &EXCHANGE);
/// Reasoning tokens.
pub(in super::super) const REASONING_TOKENS: Metric =
    metric("weighbridge_completion_reasoning_tokens", "Completion tokens spent on reasoning", &EXCHANGE);
/// Estimated usage.
pub(in super::super) const USAGE_ESTIMATED: Metric = metric(
    "weighbridge_exchanges_usage_estimated",
    "Exchanges whose tokens are estimated because no report came",
    &EXCHANGE,
);
/// Estimated usage by reason.
pub(in super::super) const USAGE_LOST: Metric = metric(
    "weighbridge_usage_estimated",
    "Exchanges whose tokens are estimated, by why no report came",
    &["arm", "reason"],
);
/// Money.
pub(in super::super) const COST: Metric =
    metric("weighbridge_cost_usd", "Cost by the tariff of the time, US dollars", &EXCHANGE);
/// No price.
pub(in super::super) const UNPRICED: Metric =
    metric("weighbridge_exchanges_unpriced", "Exchanges with tokens but without a known price", &EXCHANGE);
/// Latency.
pub(in super::super) const DURATION: Metric =
    metric("weighbridge_duration_seconds", "From sending to the last byte, exchanges without an error", &EXCHANGE);
/// Time to the first event.
pub(in super::super) const FIRST_EVENT: Metric = metric(
    "weighbridge_first_event_seconds",
    "From sending to the first event of a stream, whatever is in it: the way, the queue and the reading of the prompt",
    &EXCHANGE,
);
/// Time to first token.
pub(in super::super) const FIRST_TOKEN: Metric = metric(
    "weighbridge_first_token_seconds",
    "From sending to the first text of a streamed answer, thinking included",
    &EXCHANGE,
);
/// Time to the first visible text.
pub(in super::super) const FIRST_VISIBLE: Metric = metric(
    "weighbridge_first_visible_seconds",
    "From sending to the first visible text or call of a tool of a streamed answer: behind any thinking",
    &EXCHANGE,
);
/// Time per output token.
pub(in super::super) const OUTPUT_TOKEN: Metric = metric(
    "weighbridge_output_token_seconds",
    "Mean time of each token after the first of a streamed answer",
    &EXCHANGE,
);
/// Fallbacks.
pub(in super::super) const FALLBACKS: Metric =
    metric("weighbridge_fallbacks", "Answers of the baseline after the candidate had failed", &EXCHANGE);
/// Retries.
pub(in super::super) const RETRIES: Metric =
    metric("weighbridge_retries", "Calls beyond the first of an exchange", &EXCHANGE);
/// Form.
pub(in super::super) const FORM_FAILURES: Metric =
    metric("weighbridge_form_failures", "Answers that fail their form, by how they fail", &EXCHANGE_FAILURE);
/// Moderation.
pub(in super::super) const MODERATION_BLOCKS: Metric =
    metric("weighbridge_moderation_blocks", "Exchanges whose content a moderator blocked", &EXCHANGE);
/// Guard.
pub(in super::super) const GUARD_BLOCKS: Metric =
    metric("weighbridge_guard_blocks", "Answers that the guard blocked or cut", &EXCHANGE);
/// Folded.
pub(in super::super) const FOLDED: Metric = metric(
    "weighbridge_exchanges_folded",
    "Exchanges counted under model or consumer `other`, to bound the number of series",
    &[],
);
/// Series.
pub(in super::super) const SERIES: Metric = metric("weighbridge_series", "Label sets of exchanges in memory", &[]);

/// All of them.
#[cfg(test)]
pub(super) const ALL: &[Metric] = &[
    EXCHANGES,
    PROMPT_TOKENS,
    CACHED_TOKENS,
    COMPLETION_TOKENS,
    REASONING_TOKENS,
    USAGE_ESTIMATED,
    USAGE_LOST,
    COST,
    UNPRICED,
    DURATION,
    FIRST_EVENT,
    FIRST_TOKEN,
    FIRST_VISIBLE,
    OUTPUT_TOKEN,
    FALLBACKS,
    RETRIES,
    FORM_FAILURES,
    MODERATION_BLOCKS,
    GUARD_BLOCKS,
    FOLDED,
    SERIES,
];
