//! From an HTTP request to an HTTP answer.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::body::Body;
use axum::extract::rejection::BytesRejection;
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::Response;
use bytes::Bytes;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::MockConfig;
use super::body::PacedBody;
use super::listener::Line;
use super::plan::{Call, Content};
use crate::face::Face;
use crate::log::{Outcome, RequestLog, Ticket};
use crate::prefix_cache::PrefixCache;
use crate::refusal::Refusal;
use crate::responses::state::Responses;
use crate::timeline::{Ending, Timeline};

/// What all requests of one mock share.
pub(super) struct App {
    pub(super) config: MockConfig,
    pub(super) face: &'static dyn Face,
    pub(super) log: RequestLog,
    pub(super) responses: Responses,
    pub(super) cache: PrefixCache,
    pub(super) stop: CancellationToken,
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
    let call = Call { post: method == Method::POST, method: method.as_str(), path: uri.path(), headers: &headers };
    let plan = app.plan(call, body, ticket.in_flight, unix_seconds());
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
            respond(refusal.status, parts, "application/json", Body::from(app.face.error_body(&refusal)))
        }
        Content::Json(text) => {
            app.face.headers(&plan.envelope, 1, &mut parts);
            ticket.decided(200, None);
            ticket.ends(Outcome::Finished);
            respond(200, parts, "application/json", Body::from(text))
        }
        Content::Timed { timeline, stream } => {
            let first_us = timeline.steps.first().map_or(0, |step| step.due_us);
            app.face.headers(&plan.envelope, first_us / 1000, &mut parts);
            ticket.decided(200, plan.fault);
            if !app.face.accepts_early() {
                app.wait(start, first_us).await;
            }
            let kind = if stream { "text/event-stream; charset=utf-8" } else { "application/json" };
            respond(200, parts, kind, app.timed_body(timeline, stream, start, line, ticket).await)
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

    /// A body that takes its time. An unstreamed one that is sent in a single piece goes out with its length.
    async fn timed_body(
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
