//! From an HTTP request to an HTTP answer.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::body::Body;
use axum::extract::rejection::BytesRejection;
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::Response;
use bytes::Bytes;
use serde_json::Value;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::MockConfig;
use super::body::PacedBody;
use super::listener::Line;
use crate::answer::Speaker;
use crate::dice::{self, Identity};
use crate::envelope::Envelope;
use crate::face::{Face, Route, StreamOptions};
use crate::log::{Outcome, RequestLog, Ticket};
use crate::profile::Fault;
use crate::refusal::Refusal;
use crate::request::ChatRequest;
use crate::sse;
use crate::timeline::{Delivery, Ending, Timeline};

/// What all requests of one mock share.
pub(super) struct App {
    pub(super) config: MockConfig,
    pub(super) face: &'static dyn Face,
    pub(super) log: RequestLog,
    pub(super) stop: CancellationToken,
}

/// An answer that is decided but not sent.
struct Plan {
    envelope: Envelope,
    fault: Option<Fault>,
    content: Content,
}

enum Content {
    /// An error status, due after so many microseconds.
    Refusal { refusal: Refusal, due_us: u64 },
    /// A small body that is due at once.
    Json(String),
    /// A chat completion.
    Chat { timeline: Timeline, stream: bool },
    /// No answer: the connection breaks.
    Reset,
}

/// The one handler behind every URL.
pub(super) async fn handle(
    State(app): State<Arc<App>>,
    ConnectInfo(line): ConnectInfo<Line>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let start = Instant::now();
    let bytes = body.as_ref().map_or_else(|_| Bytes::new(), Clone::clone);
    let mut ticket = app.log.open(method.as_str(), uri.path(), &headers, &bytes);
    let body = body.map_err(|rejection| rejection.body_text());
    let plan = app.plan(&method, uri.path(), &headers, body, ticket.in_flight);
    let mut parts = HeaderMap::with_capacity(16);
    match plan.content {
        Content::Reset => {
            ticket.decided(0, plan.fault);
            ticket.ends(Outcome::Broken);
            line.cut();
            Response::new(Body::empty())
        }
        Content::Refusal { refusal, due_us } => {
            app.face.headers(&plan.envelope, due_us / 1000, &mut parts);
            advise_to_wait(&refusal, &mut parts);
            ticket.decided(refusal.status, plan.fault);
            app.wait(start, due_us).await;
            ticket.ends(Outcome::Finished);
            respond(refusal.status, parts, "application/json", Body::from(refusal.body()))
        }
        Content::Json(text) => {
            app.face.headers(&plan.envelope, 1, &mut parts);
            ticket.decided(200, None);
            ticket.ends(Outcome::Finished);
            respond(200, parts, "application/json", Body::from(text))
        }
        Content::Chat { timeline, stream } => {
            let first_us = timeline.steps.first().map_or(0, |step| step.due_us);
            app.face.headers(&plan.envelope, first_us / 1000, &mut parts);
            ticket.decided(200, plan.fault);
            if !app.face.accepts_early() {
                app.wait(start, first_us).await;
            }
            let kind = if stream { "text/event-stream; charset=utf-8" } else { "application/json" };
            respond(200, parts, kind, app.chat_body(timeline, stream, start, line, ticket).await)
        }
    }
}

impl App {
    /// Waits until so many microseconds after the start, or the end of the mock.
    async fn wait(&self, start: Instant, due_us: u64) {
        let due = start + Duration::from_micros(due_us);
        if due_us > 0 && due > Instant::now() {
            tokio::select! {
                () = sleep_until(due) => {}
                () = self.stop.cancelled() => {}
            }
        }
    }

    /// A body for a chat answer. An unstreamed one that is sent in a single piece goes out with its length.
    async fn chat_body(
        &self,
        timeline: Timeline,
        stream: bool,
        start: Instant,
        line: Line,
        mut ticket: Ticket,
    ) -> Body {
        if stream || timeline.steps.len() > 1 || timeline.ending != Ending::Complete {
            return Body::from_stream(PacedBody::new(timeline, start, self.stop.clone(), line, ticket));
        }
        self.wait(start, timeline.steps.first().map_or(0, |step| step.due_us)).await;
        ticket.ends(Outcome::Finished);
        Body::from(timeline.bytes)
    }

    fn plan(
        &self,
        method: &Method,
        path: &str,
        headers: &HeaderMap,
        body: Result<Bytes, String>,
        in_flight: u64,
    ) -> Plan {
        let value = body.and_then(|bytes| {
            if bytes.is_empty() { Ok(Value::Null) } else { serde_json::from_slice(&bytes).map_err(|e| e.to_string()) }
        });
        let config = &self.config;
        let header = |name: &str| headers.get(name).map(HeaderValue::as_bytes);
        let identity = Identity { request_id: header("x-request-id"), retry_count: header("x-stainless-retry-count") };
        let null = Value::Null;
        let mut dice = dice::for_request(config.seed, config.vendor, value.as_ref().unwrap_or(&null), identity);
        let model = value.as_ref().ok().and_then(|body| body.get("model")).and_then(Value::as_str).unwrap_or_default();
        let envelope = self.face.envelope(model, unix_seconds(), &mut dice);
        let delivery = Delivery::draw(&config.profile, dice);
        let (fault, content) =
            match self.content(method, path, header("authorization"), value, &envelope, delivery, in_flight) {
                Ok(decided) => decided,
                Err(refusal) => (None, Content::Refusal { refusal, due_us: 0 }),
            };
        Plan { envelope, fault, content }
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one request, taken apart once by the only caller")]
    fn content(
        &self,
        method: &Method,
        path: &str,
        authorization: Option<&[u8]>,
        body: Result<Value, String>,
        envelope: &Envelope,
        delivery: Delivery,
        in_flight: u64,
    ) -> Result<(Option<Fault>, Content), Refusal> {
        let face = self.face;
        self.authorize(authorization)?;
        let models = self.config.models.as_deref();
        match face.route(method == Method::POST, path) {
            Route::Unknown => Err(face.no_such_url(method.as_str(), path)),
            Route::Models => Ok((None, Content::Json(face.models(None, models)?))),
            Route::Model(name) => Ok((None, Content::Json(face.models(Some(&name), models)?))),
            Route::Chat => {
                let body = body.map_err(|problem| face.unreadable(&problem))?;
                let request = ChatRequest::read(&body).map_err(|fault| face.misfit(&fault))?;
                face.check(&request, models)?;
                let limit = self.config.profile.concurrency_max;
                if limit > 0 && in_flight > limit {
                    return Err(face.too_many(limit, &self.config.profile));
                }
                Ok((delivery.fault, self.chat(&request, envelope, delivery)))
            }
        }
    }

    fn authorize(&self, authorization: Option<&[u8]>) -> Result<(), Refusal> {
        let key = authorization
            .and_then(|value| std::str::from_utf8(value).ok())
            .and_then(|value| value.strip_prefix("Bearer "))
            .map(str::trim)
            .filter(|key| !key.is_empty());
        let accepted = match (&self.config.accept_key, key) {
            (_, None) => false,
            (None, Some(_)) => true,
            (Some(accepted), Some(key)) => accepted == key,
        };
        if accepted { Ok(()) } else { Err(self.face.wrong_key(key)) }
    }

    fn chat(&self, request: &ChatRequest, envelope: &Envelope, delivery: Delivery) -> Content {
        let Delivery { fault, queue_us, keep_alive_us, mut pace } = delivery;
        let profile = &self.config.profile;
        if fault == Some(Fault::Reset) {
            return Content::Reset;
        }
        if let Some(refusal) = fault.and_then(|fault| self.face.refusal_for(fault, request.stream, profile)) {
            // A refusal for being too much comes at once; a failure takes about as long as a first token.
            let due_us = if refusal.status >= 500 { pace.now_us() } else { 0 };
            return Content::Refusal { refusal, due_us };
        }
        let thinking = self.face.thinks_aloud(request);
        let MockConfig { vendor, seed, script, .. } = &self.config;
        let speaker = Speaker { vendor: *vendor, seed: *seed, script, profile };
        let answer = speaker.answer(request, thinking, fault);

        let mut timeline = Timeline::with_capacity(0, 0);
        if self.face.accepts_early() && keep_alive_us > 0 {
            let sign = if request.stream { sse::KEEP_ALIVE } else { b"\n" };
            let mut due_us = keep_alive_us;
            while due_us < queue_us {
                timeline.bytes.extend_from_slice(sign);
                timeline.due(due_us);
                due_us += keep_alive_us;
            }
        }
        let options = StreamOptions {
            include_usage: request.include_usage,
            include_obfuscation: request.include_obfuscation,
            tokens_per_chunk: profile.tokens_per_chunk,
            thinking,
        };
        if request.stream {
            self.face.stream(&answer, envelope, options, &mut pace, &mut timeline);
        } else {
            timeline.bytes.extend_from_slice(self.face.whole(&answer, envelope, thinking).as_bytes());
            timeline.due(pace.skip(answer.usage.completion.div_ceil(u64::from(profile.tokens_per_chunk))));
        }
        self.spoil(&mut timeline, fault, request.stream);
        Content::Chat { timeline, stream: request.stream }
    }

    /// Applies a fault that shows in the body.
    fn spoil(&self, timeline: &mut Timeline, fault: Option<Fault>, stream: bool) {
        let ending = match fault {
            Some(Fault::Stall) => Ending::Stall,
            Some(Fault::Abort) => Ending::Abort,
            Some(Fault::Truncate) => Ending::Complete,
            Some(Fault::BadJson) if stream => return timeline.replace_middle(sse::BROKEN),
            Some(Fault::BadJson) => Ending::Complete,
            Some(Fault::ErrorEvent) if stream => {
                let mut frame = Vec::new();
                sse::event(&mut frame, &self.face.mid_stream_error().body());
                return timeline.cut_with(&frame);
            }
            _ => return,
        };
        if stream { timeline.cut(ending) } else { timeline.cut_bytes(ending) }
    }
}

fn advise_to_wait(refusal: &Refusal, headers: &mut HeaderMap) {
    if let Some(milliseconds) = refusal.retry_after_ms {
        headers.insert("retry-after-ms", HeaderValue::from(milliseconds));
        headers.insert(header::RETRY_AFTER, HeaderValue::from(milliseconds.div_ceil(1000)));
    }
}

fn respond(status: u16, mut headers: HeaderMap, kind: &'static str, body: Body) -> Response {
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    *response.headers_mut() = headers;
    response
}

fn unix_seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
