//! What has ended, as spans of OTLP. Pure.
//!
//! A request is a server span by the HTTP conventions, each call of a provider below it a client span by the GenAI
//! conventions. What only a migration knows stands under `weighbridge.`. A span says no more than the exchange's record:
//! never content, never a key, and the consumer only where the configuration wants it.

use super::attributes::Attributes;
use super::context::Trace;
use crate::exchange::Context;
use datasets::{Exchange, Moderation};
use http::Uri;
use opentelemetry::trace::{SpanId, TraceFlags};
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{Span, SpanFlags, Status};
use std::sync::Arc;
use wire::{Endpoint, UsageSource};

/// A span to be, as it waits for its export.
pub(super) enum Finished {
    Request(Box<Ended>),
    Leg(Box<EndedLeg>),
}

/// A client's request, answered to its last byte.
pub(super) struct Ended {
    pub trace: Arc<Trace>,
    pub endpoint: Endpoint,
    pub pair: String,
    pub begun_us: i64,
    pub ended_us: i64,
    /// 0: the client left before there was one.
    pub status: u16,
    /// `None` if it was refused before it was decided who serves.
    pub context: Option<Arc<Context>>,
}

/// One call of a provider, retries included.
pub(super) struct EndedLeg {
    pub trace: Arc<Trace>,
    pub span: SpanId,
    /// Base URL of the provider.
    pub address: Uri,
    pub exchange: Exchange,
}

impl Finished {
    /// `consumer`: spans name the consumer.
    pub(super) fn into_span(self, consumer: bool) -> Span {
        match self {
            Self::Request(ended) => request(&ended, consumer),
            Self::Leg(leg) => self::leg(&leg, consumer),
        }
    }
}

fn request(ended: &Ended, consumer: bool) -> Span {
    let trace = &ended.trace;
    let mut all = Attributes::default();
    all.text("http.request.method", "POST");
    all.text("http.route", ended.endpoint.path());
    all.text("url.scheme", "http");
    if ended.status == 0 {
        all.text("error.type", "client_cancelled");
    } else {
        all.number("http.response.status_code", u64::from(ended.status));
    }
    all.text("weighbridge.pair", &ended.pair);
    if let Some(context) = &ended.context {
        all.text("weighbridge.migration", context.lane.name());
        all.text("weighbridge.arm", context.assignment.arm.name());
        all.text("weighbridge.assigned_by", context.assignment.by.name());
        all.number("weighbridge.epoch", context.snapshot.epoch);
        all.real("weighbridge.weight_percent", context.snapshot.weights.candidate.percent());
        all.maybe_text("weighbridge.request_id", context.request.as_deref());
        all.maybe_text("weighbridge.consumer", context.consumer.as_deref().filter(|_| consumer));
    }
    // By the conventions, what a client did wrong is no error of the server.
    let failed = ended.status >= 500;
    if failed {
        all.text("error.type", &ended.status.to_string());
    }
    Span {
        name: format!("POST {}", ended.endpoint.path()),
        kind: SpanKind::Server.into(),
        start_time_unix_nano: nanos(ended.begun_us),
        end_time_unix_nano: nanos(ended.ended_us.max(ended.begun_us)),
        attributes: all.into_inner(),
        status: status(failed.then(String::new)),
        ..Span::of(trace, trace.span, trace.parent, trace.parent != SpanId::INVALID)
    }
}

fn leg(leg: &EndedLeg, consumer: bool) -> Span {
    let exchange = &leg.exchange;
    let mut all = Attributes::default();
    generative(&mut all, exchange);
    let address = &leg.address;
    all.maybe_text("server.address", address.host());
    all.number("server.port", u64::from(address.port_u16().unwrap_or(default_port(address))));
    if exchange.status > 0 {
        all.number("http.response.status_code", u64::from(exchange.status));
    }
    all.maybe_text("error.type", exchange.error.map(wire::ErrorKind::name));
    migration(&mut all, exchange);
    all.maybe_text("weighbridge.consumer", exchange.consumer.as_deref().filter(|_| consumer));
    let lasted_us = i64::try_from(exchange.duration_us).unwrap_or(i64::MAX);
    Span {
        name: format!("{} {}", operation(exchange.endpoint), super::attributes::short(&exchange.model)),
        kind: SpanKind::Client.into(),
        start_time_unix_nano: nanos(exchange.sent_us),
        end_time_unix_nano: nanos(exchange.sent_us.saturating_add(lasted_us)),
        attributes: all.into_inner(),
        status: status(exchange.error.map(|error| error.name().to_owned())),
        ..Span::of(&leg.trace, leg.span, leg.trace.span, false)
    }
}

/// By the conventions for generative models.
fn generative(all: &mut Attributes, exchange: &Exchange) {
    all.text("gen_ai.operation.name", operation(exchange.endpoint));
    all.text("gen_ai.provider.name", &exchange.provider);
    all.text("gen_ai.request.model", &exchange.model);
    all.flag("gen_ai.request.stream", exchange.streamed);
    all.maybe_text("gen_ai.response.model", exchange.model_answered.as_deref());
    all.texts("gen_ai.response.finish_reasons", exchange.finish_reason.as_slice());
    all.maybe_seconds("gen_ai.response.time_to_first_chunk", exchange.first_event_us.or(exchange.ttft_us));
    if exchange.structured {
        all.text("gen_ai.output.type", "json");
    }
    match exchange.endpoint {
        Endpoint::Chat => all.text("openai.api.type", "chat_completions"),
        Endpoint::Responses => all.text("openai.api.type", "responses"),
        Endpoint::Completions | Endpoint::Embeddings | Endpoint::Moderations => {}
    }
    let Some(usage) = exchange.usage else { return };
    all.number("gen_ai.usage.input_tokens", usage.prompt);
    all.number("gen_ai.usage.output_tokens", usage.completion);
    all.maybe_number("gen_ai.usage.cache_read.input_tokens", usage.cached);
    all.maybe_number("gen_ai.usage.cache_creation.input_tokens", usage.cache_write);
    all.maybe_number("gen_ai.usage.reasoning.output_tokens", usage.reasoning);
}

/// What only a migration knows.
fn migration(all: &mut Attributes, exchange: &Exchange) {
    all.text("weighbridge.pair", &exchange.pair);
    all.maybe_text("weighbridge.request_id", exchange.request.as_deref());
    all.text("weighbridge.migration", &exchange.migration);
    all.text("weighbridge.arm", exchange.arm.name());
    all.text("weighbridge.role", crate::telemetry::role_name(exchange.role));
    all.number("weighbridge.epoch", exchange.epoch);
    all.real("weighbridge.weight_percent", f64::from(exchange.weight_bp) / 100.0);
    all.maybe_text("weighbridge.assigned_by", exchange.assigned_by.map(datasets::AssignedBy::name));
    all.maybe_seconds("weighbridge.time_to_first_text", exchange.ttft_us);
    all.maybe_seconds("weighbridge.time_to_first_visible_text", exchange.first_visible_us);
    all.number("weighbridge.attempts", u64::from(exchange.attempts));
    if let Some(cost_nanos) = exchange.cost_nanos {
        all.integer("weighbridge.cost_nanos", cost_nanos);
    }
    // An estimate is never shown as if it were a report.
    if let Some(usage) = exchange.usage {
        all.flag("weighbridge.usage_estimated", usage.source == UsageSource::Estimate);
    }
    all.maybe_text("weighbridge.form_failure", exchange.form_failure.as_deref());
    if exchange.moderation == Some(Moderation::BlockedByProvider) {
        all.flag("weighbridge.blocked_by_provider", true);
    }
    all.texts("weighbridge.dropped", &exchange.dropped);
}

/// A span that has nothing but its place in the trace; implemented here because it is ours to say.
trait Placed {
    fn of(trace: &Trace, span: SpanId, parent: SpanId, is_remote: bool) -> Self;
}

impl Placed for Span {
    fn of(trace: &Trace, span: SpanId, parent: SpanId, is_remote: bool) -> Self {
        let mut flags = u32::from(TraceFlags::SAMPLED.to_u8()) | SpanFlags::ContextHasIsRemoteMask as u32;
        if is_remote {
            flags |= SpanFlags::ContextIsRemoteMask as u32;
        }
        let parent = if parent == SpanId::INVALID { Vec::new() } else { parent.to_bytes().to_vec() };
        Self {
            trace_id: trace.id.to_bytes().to_vec(),
            span_id: span.to_bytes().to_vec(),
            trace_state: trace.state.header(),
            parent_span_id: parent,
            flags,
            ..Self::default()
        }
    }
}

fn status(error: Option<String>) -> Option<Status> {
    let code = if error.is_some() { StatusCode::Error } else { StatusCode::Unset };
    Some(Status { code: code.into(), message: error.unwrap_or_default() })
}

/// The conventions have no word for moderations; this is the one that is left free for such.
const fn operation(endpoint: Endpoint) -> &'static str {
    match endpoint {
        Endpoint::Chat | Endpoint::Responses => "chat",
        Endpoint::Completions => "text_completion",
        Endpoint::Embeddings => "embeddings",
        Endpoint::Moderations => "moderation",
    }
}

fn default_port(address: &Uri) -> u16 {
    if address.scheme_str() == Some("http") { 80 } else { 443 }
}

fn nanos(at_us: i64) -> u64 {
    u64::try_from(at_us).unwrap_or(0).saturating_mul(1000)
}
