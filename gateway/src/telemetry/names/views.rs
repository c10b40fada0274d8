//! The same numbers under names that others gave: OpenTelemetry's GenAI conventions, and Higress' `ai-statistics`.

use super::{Metric, metric};

const CALL: [&str; 4] = ["gen_ai_operation_name", "gen_ai_provider_name", "gen_ai_request_model", "weighbridge_role"];
const CALL_TOKEN: [&str; 5] =
    ["gen_ai_operation_name", "gen_ai_provider_name", "gen_ai_request_model", "weighbridge_role", "gen_ai_token_type"];
const CALL_ERROR: [&str; 5] =
    ["gen_ai_operation_name", "gen_ai_provider_name", "gen_ai_request_model", "weighbridge_role", "error_type"];

/// Tokens of a call.
pub(in super::super) const TOKEN_USAGE: Metric =
    metric("gen_ai_client_token_usage", "Tokens of a call as its provider reported them", &CALL_TOKEN);
/// Time of a call.
pub(in super::super) const OPERATION_DURATION: Metric = metric(
    "gen_ai_client_operation_duration_seconds",
    "From sending a call to its last byte, or to its failure",
    &CALL_ERROR,
);
/// First chunk.
pub(in super::super) const TIME_TO_FIRST_CHUNK: Metric = metric(
    "gen_ai_client_operation_time_to_first_chunk_seconds",
    "From sending a call to the first event of its stream",
    &CALL,
);
/// First token.
pub(in super::super) const TIME_TO_FIRST_TOKEN: Metric = metric(
    "gen_ai_server_time_to_first_token_seconds",
    "From sending a call to the first text of its stream, as the gateway sees it",
    &CALL,
);
/// Later tokens.
pub(in super::super) const TIME_PER_OUTPUT_TOKEN: Metric = metric(
    "gen_ai_server_time_per_output_token_seconds",
    "Mean time of each token after the first of a streamed answer, as the gateway sees it",
    &CALL,
);

/// All of OpenTelemetry's.
#[cfg(test)]
pub(in super::super) const GEN_AI: &[Metric] =
    &[TOKEN_USAGE, OPERATION_DURATION, TIME_TO_FIRST_CHUNK, TIME_TO_FIRST_TOKEN, TIME_PER_OUTPUT_TOKEN];

const ROUTE: [&str; 4] = ["ai_route", "ai_cluster", "ai_model", "ai_consumer"];

/// All of Higress', in the order of [`HigressCounts`](super::super::page::higress::HigressCounts).
pub(in super::super) const HIGRESS: &[Metric] = &[
    metric("route_upstream_model_consumer_metric_input_token", "Prompt tokens of answers with a report", &ROUTE),
    metric("route_upstream_model_consumer_metric_output_token", "Completion tokens of answers with a report", &ROUTE),
    metric("route_upstream_model_consumer_metric_total_token", "Tokens of answers with a report", &ROUTE),
    metric(
        "route_upstream_model_consumer_metric_llm_service_duration",
        "Milliseconds of answers with a report, all together",
        &ROUTE,
    ),
    metric("route_upstream_model_consumer_metric_llm_duration_count", "Answers with a report", &ROUTE),
    metric(
        "route_upstream_model_consumer_metric_llm_first_token_duration",
        "Milliseconds to the first token of streams with a report, all together",
        &ROUTE,
    ),
    metric("route_upstream_model_consumer_metric_llm_stream_duration_count", "Streams with a report", &ROUTE),
];
