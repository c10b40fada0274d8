//! From an HTTP request to an HTTP answer.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{self, AUTHORIZATION};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::body::{Body, PacedBody, Script};
use super::listener::Line;
use super::memory::{Known, Memory};
use crate::clock::Clock;
use crate::lanes::Seat;
use crate::log::{Outcome, RequestLog, Ticket};
use crate::profile::Fault;
use crate::timeline::Ending;

/// Larger request bodies are refused; DeepSeek's own limit.
const BODY_BYTES_MAX: usize = 48 * 1024 * 1024;

/// What all requests of one mock share.
pub(super) struct App {
    pub(super) service: Box<dyn Service>,
    pub(super) log: RequestLog,
    pub(super) memory: Memory,
    pub(super) clock: Clock,
    pub(super) stop: CancellationToken,
}

/// Whoever is imitated: decides what is answered, and when, before the first byte of it is sent.
pub(super) trait Service: Send + Sync {
    /// `in_flight` counts this request too.
    fn plan(&self, call: &Call, body: Result<Bytes, String>, in_flight: u64) -> Plan;
    /// Whether an answer may be given from memory while so many requests are in flight.
    fn may_repeat(&self, in_flight: u64) -> bool;
    /// Whether [`Call::headers`] has to be filled.
    fn reads_headers(&self) -> bool {
        false
    }
}

/// A request without its body.
pub(super) struct Call {
    pub(super) method: Method,
    pub(super) uri: Uri,
    pub(super) authorization: Option<HeaderValue>,
    pub(super) request_id: Option<HeaderValue>,
    pub(super) retry_count: Option<HeaderValue>,
    /// All headers, for a service that reads them.
    pub(super) headers: HeaderMap,
    /// When it arrived by the mock's clock, Unix seconds.
    pub(super) now: u64,
}

impl Call {
    fn new(parts: &Parts, reads_headers: bool, now: u64) -> Self {
        let header = |name: &str| parts.headers.get(name).cloned();
        Self {
            method: parts.method.clone(),
            uri: parts.uri.clone(),
            authorization: parts.headers.get(AUTHORIZATION).cloned(),
            request_id: header("x-request-id"),
            retry_count: header("x-stainless-retry-count"),
            headers: if reads_headers { parts.headers.clone() } else { HeaderMap::new() },
            now,
        }
    }
}

/// An answer that is decided but not sent.
pub(super) struct Plan {
    pub(super) headers: HeaderMap,
    pub(super) fault: Option<Fault>,
    /// The request's place among those of its model, kept until its end.
    pub(super) seat: Option<Seat>,
    pub(super) reply: Reply,
    /// Whether the same question, asked again within the same second, gets the same answer.
    pub(super) repeatable: bool,
}

pub(super) enum Reply {
    /// A body that is due in one piece after so many microseconds.
    Once { status: u16, body: Bytes, due_us: u64 },
    /// A body, or a stream, whose bytes are due one after the other.
    Timed(Timed),
    /// No answer: the connection breaks.
    Reset,
}

/// A body with its own pace, behind status 200.
#[derive(Clone)]
pub(super) struct Timed {
    pub(super) script: Script,
    pub(super) stream: bool,
    /// Whether the status leaves before the first byte is due.
    pub(super) early: bool,
}

/// Answers one request, whatever its URL.
pub(super) async fn handle(app: Arc<App>, line: Line, request: Request<Incoming>) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let body = Limited::new(body, BODY_BYTES_MAX).collect().await;
    let body = body.map(http_body_util::Collected::to_bytes).map_err(|error| error.to_string());
    let start = Instant::now();
    let call = Call::new(&parts, app.service.reads_headers(), app.clock.unix_seconds());
    let bytes = body.as_ref().map_or_else(|_| Bytes::new(), Clone::clone);
    let mut ticket = app.log.open(parts.method.as_str(), call.uri.path(), parts.headers, &bytes);

    let remembers = body.is_ok() && app.service.may_repeat(ticket.in_flight);
    if let Some((known, seat)) = remembers.then(|| app.memory.recall(&call, &bytes)).flatten() {
        ticket.hold(seat);
        ticket.decided(200, known.fault);
        return app.timed(known.timed.clone(), known.headers.clone(), start, line, ticket).await;
    }
    let plan = app.service.plan(&call, body, ticket.in_flight);
    let lane = plan.seat.as_ref().map(|seat| Arc::clone(seat.lane()));
    ticket.hold(plan.seat);
    match plan.reply {
        Reply::Reset => {
            ticket.decided(0, plan.fault);
            ticket.ends(Outcome::Broken);
            line.cut();
            Response::new(Body::Whole(None))
        }
        Reply::Once { status, body, due_us } => {
            ticket.decided(status, plan.fault);
            app.wait(start, due_us).await;
            ticket.ends(Outcome::Finished);
            respond(status, plan.headers, "application/json", Body::whole(body))
        }
        Reply::Timed(timed) => {
            ticket.decided(200, plan.fault);
            if remembers && plan.repeatable {
                let known = Known { timed: timed.clone(), headers: plan.headers.clone(), fault: plan.fault, lane };
                app.memory.keep(&call, &bytes, known);
            }
            app.timed(timed, plan.headers, start, line, ticket).await
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

    /// An answer that takes its time. An unstreamed one that is sent in a single piece goes out with its length.
    async fn timed(
        &self,
        timed: Timed,
        headers: HeaderMap,
        start: Instant,
        line: Line,
        mut ticket: Ticket,
    ) -> Response<Body> {
        let Timed { script, stream, early } = timed;
        let first_us = script.steps.first().map_or(0, |step| step.due_us);
        let whole = !stream && script.steps.len() <= 1 && script.ending == Ending::Complete;
        if whole || !early {
            self.wait(start, first_us).await;
        }
        let kind = if stream { "text/event-stream; charset=utf-8" } else { "application/json" };
        let body = if whole {
            ticket.ends(Outcome::Finished);
            Body::whole(script.bytes)
        } else {
            Body::Paced(PacedBody::new(script, start, self.stop.clone(), line, ticket))
        };
        respond(200, headers, kind, body)
    }
}

fn respond(status: u16, mut headers: HeaderMap, kind: &'static str, body: Body) -> Response<Body> {
    headers.entry(header::CONTENT_TYPE).or_insert(HeaderValue::from_static(kind));
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    *response.headers_mut() = headers;
    response
}
