//! `POST /v1/chat/completions`, from socket to provider.

use crate::exchange::{Context, Leg};
use crate::meter::{Editor, Meter};
use crate::problem::Problem;
use crate::relay::Relay;
use crate::routing::{Plan, plan, split};
use crate::shadow::Job;
use crate::state::{Shared, Snapshot};
use crate::ticket::Ticket;
use crate::upstream::{Sent, Upstream, Wish};
use axum::body::{Body, to_bytes};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use datasets::{Arm, Role, ShadowFate};
use http::{HeaderMap, HeaderName, HeaderValue, header};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::OwnedSemaphorePermit;
use uuid::Uuid;
use wire::chat::Request;
use wire::provider::Rewritten;
use wire::usage::Characters;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const ARM: HeaderName = HeaderName::from_static("x-weighbridge-arm");
const EPOCH: HeaderName = HeaderName::from_static("x-weighbridge-epoch");
const DROPPED: HeaderName = HeaderName::from_static("x-weighbridge-dropped");
/// How long a client may take to send its request: until then it holds a permit.
const REQUEST_BODY_TIMEOUT: Duration = Duration::from_secs(60);
/// Longest request id that is taken over from a client.
const REQUEST_ID_BYTES_MAX: usize = 128;
/// Provider headers that the client gets to see.
const PASSED_ON: [HeaderName; 4] = [
    header::CONTENT_TYPE,
    header::RETRY_AFTER,
    HeaderName::from_static("retry-after-ms"),
    HeaderName::from_static("openai-processing-ms"),
];

/// One request, ready to go.
struct Prepared {
    plan: Plan,
    context: Arc<Context>,
    client_wants_usage: bool,
    serve: Rewritten,
    serve_model: String,
    /// What the mirror gets, if it gets one.
    copy: Option<(Rewritten, String)>,
}

pub(super) async fn completions(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Body) -> Response {
    let snapshot = **shared.snapshot.load();
    let pair = Uuid::now_v7().to_string();
    let answer = async {
        tokio::select! {
            biased;
            // A request that has no answer yet when the drain deadline passes gets none.
            () = shared.cut.cancelled() => Err(Problem::busy("is shutting down")),
            answer = answer(&shared, snapshot, &pair, &headers, body) => answer,
        }
    };
    let mut response = answer.await.unwrap_or_else(IntoResponse::into_response);
    let answered = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(&pair) {
        answered.insert(REQUEST_ID, id);
    }
    answered.insert(EPOCH, HeaderValue::from(snapshot.epoch));
    response
}

async fn answer(
    shared: &Arc<Shared>,
    snapshot: Snapshot,
    pair: &str,
    headers: &HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    if shared.stopping.is_cancelled() {
        return Err(Problem::busy("is shutting down"));
    }
    let Ok(permit) = Arc::clone(&shared.permits).try_acquire_owned() else {
        return Err(Problem::busy("serves as many requests as it may"));
    };
    let limit = shared.config.limits.request_bytes;
    let body = match tokio::time::timeout(REQUEST_BODY_TIMEOUT, to_bytes(body, limit)).await {
        Ok(Ok(body)) => body,
        Ok(Err(error)) if too_long(&error) => return Err(Problem::too_large(limit)),
        Ok(Err(_)) => return Err(Problem::unread("broke off")),
        Err(_) => return Err(Problem::unread("did not arrive in time")),
    };
    let request = Request::parse(&body).map_err(|error| Problem::bad_request(&error))?;
    let prepared = prepare(shared, snapshot, pair, headers, &request)?;
    serve(shared, prepared, permit).await
}

/// Whether a body was refused for its length, not because the client stopped sending.
fn too_long(error: &axum::Error) -> bool {
    let mut cause: Option<&dyn std::error::Error> = Some(error);
    while let Some(error) = cause {
        if error.is::<http_body_util::LengthLimitError>() {
            return true;
        }
        cause = error.source();
    }
    false
}

/// Decides and rewrites; touches nothing outside.
fn prepare(
    shared: &Shared,
    snapshot: Snapshot,
    pair: &str,
    headers: &HeaderMap,
    request: &Request<'_>,
) -> Result<Prepared, Problem> {
    let migration = &shared.config.migration;
    let text = |name: &HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let unit = split::unit_bytes(&request.unit(text(&shared.config.conversation_header)));
    // The candidate's form is needed to know whether it can serve at all, and again for serving or mirroring.
    let target = migration.models.get(&request.model);
    let in_play = snapshot.weights.candidate.bp() > 0 || snapshot.weights.shadow.bp() > 0;
    let for_candidate = target
        .filter(|_| in_play)
        .and_then(|model| Some((shared.candidate.adapter().rewrite(request, model).ok()?, model.clone())));
    // While nothing goes to the candidate, nobody asks whether it could serve.
    let fits = for_candidate.is_some() || !in_play;
    let plan = plan(&migration.salt, &unit, snapshot.weights, fits);
    let (serve, serve_model, copy) = match (plan.serve, for_candidate) {
        (Arm::Candidate, Some((rewritten, model))) => (rewritten, model, None),
        (_, for_candidate) => {
            let rewritten = shared.baseline.adapter().rewrite(request, &request.model).map_err(unfit_baseline)?;
            (rewritten, request.model.clone(), for_candidate.filter(|_| plan.mirror))
        }
    };
    let mut prompt = Characters::default();
    request.for_each_text(|text| prompt.add(text));
    let context = Context {
        pair: pair.to_owned(),
        request: text(&REQUEST_ID).filter(|id| id.len() <= REQUEST_ID_BYTES_MAX).map(str::to_owned),
        unit: datasets::digest::content(&migration.salt, &datasets::digest::hex(&unit)),
        migration: migration.name.clone(),
        snapshot,
        at_us: crate::clock::now_us(),
        streamed: request.stream,
        wants_json: request.wants_json(),
        prompt,
    };
    Ok(Prepared {
        plan,
        context: Arc::new(context),
        client_wants_usage: request.include_usage,
        serve,
        serve_model,
        copy,
    })
}

fn unfit_baseline(unfit: wire::provider::Unfit) -> Problem {
    let message = format!("no provider of this gateway can serve {}", unfit.feature);
    Problem::new(http::StatusCode::BAD_REQUEST, "invalid_request_error", Some("unsupported_value"), message)
}

async fn serve(shared: &Arc<Shared>, prepared: Prepared, permit: OwnedSemaphorePermit) -> Result<Response, Problem> {
    let Prepared { plan, context, client_wants_usage, serve, serve_model, copy } = prepared;
    let upstream = match plan.serve {
        Arm::Baseline => &shared.baseline,
        Arm::Candidate => &shared.candidate,
    };
    let fate = mirror(shared, &context, copy).or(plan.no_mirror);
    let leg = Leg {
        arm: plan.serve,
        role: Role::Served,
        provider: upstream.name(),
        model: serve_model,
        sent_us: crate::clock::now_us(),
        dropped: serve.dropped,
        shadow: fate,
    };
    let mut ticket = Ticket::new(Arc::clone(shared), context, leg, permit);
    let wish = Wish { streamed: ticket.context.streamed, retries: true };
    let failure = match upstream.send(upstream.adapter().chat_path(), Bytes::from(serve.body), wish).await {
        Ok(sent) => return Ok(relay(upstream, sent, ticket, client_wants_usage)),
        Err(failure) => *failure,
    };
    ticket.fail(failure.status, failure.kind);
    if failure.refusal.is_some() {
        return Err(Problem::busy("gives this provider a rest"));
    }
    let Some(error) = failure.client else {
        return Err(Problem::unreachable(upstream.name(), failure.kind));
    };
    let mut answered = Problem::from_provider(upstream.name(), error, failure.retry_after).into_response();
    label(shared, &ticket.leg, answered.headers_mut());
    Ok(answered)
}

/// Offers the copy to the mirror before the baseline is called, so that both start together; never waits.
fn mirror(shared: &Shared, context: &Arc<Context>, copy: Option<(Rewritten, String)>) -> Option<ShadowFate> {
    let (rewritten, model) = copy?;
    let leg = Leg {
        arm: Arm::Candidate,
        role: Role::Shadow,
        provider: shared.candidate.name(),
        model,
        sent_us: 0,
        dropped: rewritten.dropped,
        shadow: None,
    };
    Some(shared.mirror.offer(Job { body: Bytes::from(rewritten.body), context: Arc::clone(context), leg }))
}

/// The answer whose body is the provider's.
fn relay(upstream: &Upstream, sent: Sent, ticket: Ticket, client_wants_usage: bool) -> Response {
    let adapter = upstream.adapter();
    let response = &sent.response;
    let streamed = ticket.context.streamed;
    let editor = streamed.then_some(Editor { adapter, client_wants_usage });
    let mut headers = HeaderMap::new();
    for name in PASSED_ON {
        if let Some(value) = response.headers().get(&name) {
            headers.insert(name, value.clone());
        }
    }
    label(&ticket.shared, &ticket.leg, &mut headers);
    let status = response.status();
    let meter = Meter::new(ticket.sent, status.as_u16(), streamed, ticket.shared.config.records.as_ref());
    (status, headers, Body::from_stream(Relay::new(sent, meter, editor, ticket, upstream.config.timeouts.idle)))
        .into_response()
}

/// Headers that say who answered and what was left out.
fn label(shared: &Shared, leg: &Leg, headers: &mut HeaderMap) {
    if shared.config.reveal_arm {
        headers.insert(ARM, HeaderValue::from_static(leg.arm.name()));
    }
    if let Ok(dropped) = HeaderValue::from_str(&leg.dropped.join(", "))
        && !dropped.is_empty()
    {
        headers.insert(DROPPED, dropped);
    }
}
