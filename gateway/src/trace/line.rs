//! One line of the log for each exchange, for whoever has no collector: which request, which arm, how it ended, how long it
//! took and what it cost. Without content, like a span.
//!
//! It is at level `debug` with a target of its own, `weighbridge::exchange`, so that it has to be asked for: every exchange
//! is on record anyway, and most logs are kept for other things.

use super::context::Trace;
use datasets::Exchange;
use std::sync::Arc;

/// Tells of one that has ended.
pub(crate) fn tell(exchange: &Exchange, trace: Option<&Arc<Trace>>) {
    tracing::debug!(
        target: "weighbridge::exchange",
        pair = exchange.pair,
        request = exchange.request,
        trace = trace.map(|trace| tracing::field::display(trace.id)),
        migration = exchange.migration,
        arm = exchange.arm.name(),
        role = crate::telemetry::role_name(exchange.role),
        epoch = exchange.epoch,
        endpoint = exchange.endpoint.name(),
        provider = exchange.provider,
        model = super::attributes::short(&exchange.model),
        streamed = exchange.streamed,
        status = exchange.status,
        error = exchange.error.map(wire::ErrorKind::name),
        attempts = exchange.attempts,
        first_event_us = exchange.first_event_us,
        first_visible_us = exchange.first_visible_us,
        duration_us = exchange.duration_us,
        prompt_tokens = exchange.usage.map(|usage| usage.prompt),
        completion_tokens = exchange.usage.map(|usage| usage.completion),
        cost_nanos = exchange.cost_nanos,
        "exchange"
    );
}
