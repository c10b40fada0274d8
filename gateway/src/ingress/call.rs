//! One request, from its first byte to the answer: admitted, decided, sent, and sent to the baseline if the candidate
//! fails before its first byte.

use super::open::{Attempt, Failed};
use super::prepare::{Addressed, Head, Prepared, for_baseline, prepare};
use super::{admit, open};
use crate::callers::{Caller, Errand};
use crate::config::Config;
use crate::exchange::{Context, Leg};
use crate::lane::{Lane, Link};
use crate::place::Place;
use crate::plane::Plane;
use crate::problem::Problem;
use crate::quota::Ask;
use crate::reply::Reply;
use crate::routing::Asked;
use crate::safety::Inspected;
use crate::shadow::Job;
use crate::state::Shared;
use crate::trace::Root;
use bytes::Bytes;
use datasets::{Arm, Role, ShadowFate};
use http::{HeaderName, HeaderValue, Request, Response};
use hyper::body::Incoming;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use wire::Endpoint;
use wire::usage::Tally;

const FALLBACK: HeaderName = HeaderName::from_static("x-weighbridge-fallback");

/// Answers a call, or says in OpenAI's shape why not.
pub(super) async fn answer(
    shared: Arc<Shared>,
    endpoint: Endpoint,
    request: Request<Incoming>,
    peer: SocketAddr,
    pair: &str,
) -> Response<Reply> {
    let cut = shared.cut.clone();
    let root = shared.traces.begin(endpoint, request.headers(), pair);
    let mut notices = Headers::new();
    let answered = tokio::select! {
        biased;
        // A request that has no answer yet when the drain deadline passes gets none.
        () = cut.cancelled() => Err(Problem::busy("is shutting down")),
        answered = run(shared, endpoint, request, peer, (pair, root.as_ref()), &mut notices) => answered,
    };
    let response = tell(answered.unwrap_or_else(Problem::respond), notices);
    if let Some(root) = root {
        root.answered(response.status());
    }
    response
}

async fn run(
    shared: Arc<Shared>,
    endpoint: Endpoint,
    request: Request<Incoming>,
    peer: SocketAddr,
    (pair, root): (&str, Option<&Arc<Root>>),
    notices: &mut Headers,
) -> Result<Response<Reply>, Problem> {
    if shared.stopping.is_cancelled() {
        return Err(Problem::busy("is shutting down"));
    }
    let Ok(permit) = Arc::clone(&shared.permits).try_acquire_owned() else {
        shared.metrics.shed();
        return Err(Problem::busy("serves as many requests as it may"));
    };
    let plane = shared.plane.load_full();
    let (parts, body) = request.into_parts();
    let mut caller = shared.callers.admit(&plane.config, &parts, peer).await?;
    // Told with every answer from here on, whatever it is.
    *notices = std::mem::take(&mut caller.notices);
    admit::plain(&parts.headers)?;
    let limits = &plane.config.limits;
    let mut share = admit::Share::new(&shared.held, limits.request_bytes_in_flight);
    let mut body = admit::body(body, limits.request_bytes, &mut share).await?;
    let mut parsed = wire::Request::parse(endpoint, &body).map_err(|error| Problem::bad_request(&error))?;
    let at_us = crate::clock::now_us();
    // A slow upload is the client's time, not the gateway's.
    let arrived = Instant::now();
    let asked = Asked { endpoint: endpoint.name(), model: &parsed.model, consumer: caller.name.as_deref() };
    let lane = plane.select(&asked);
    let errand = Errand { endpoint, model: &parsed.model, migration: lane.name() };
    caller.may(&errand)?;
    // Once: what bounds the answer changes nothing of it.
    let mut measured = parsed.measure();
    let asked = ask(&shared, &plane, lane, &caller, &errand, (&parsed, &measured.1, body.len()), at_us);
    if let Some(trimmed) = asked.trimmed()? {
        body = trimmed;
        parsed = wire::Request::parse(endpoint, &body).map_err(|error| Problem::bad_request(&error))?;
    }
    // Before the guard: nobody over his quota makes us pay a moderator.
    let errand = Errand { endpoint, model: &parsed.model, migration: lane.name() };
    let asked = ask(&shared, &plane, lane, &caller, &errand, (&parsed, &measured.1, body.len()), at_us);
    let quota = shared.quotas.reserve(asked).await?;
    let left = quota.headers.clone();
    let mut place = Place::new(permit, quota, root.cloned());
    let (masked, watch) = match shared.safety.request(&plane, &caller, lane, (&parsed, &body), pair).await {
        Inspected::Passed(watch) => (None, watch),
        Inspected::Masked(masked, watch) => (Some(masked), Some(watch)),
        Inspected::Blocked(response) => {
            place.quota.answered();
            return Ok(tell(response, left));
        }
    };
    if let Some(masked) = masked {
        body = masked;
        parsed = wire::Request::parse(endpoint, &body).map_err(|error| Problem::bad_request(&error))?;
        measured = parsed.measure();
    }
    let (headers, consumer) = (&parts.headers, caller.name.clone());
    let trace = root.map(|root| root.trace());
    let head = Head { endpoint, headers, consumer, pair, arrived, at_us, measured, watch, trace };
    let prepared = prepare(&shared, &plane, lane, head, &parsed)?;
    if let Some(root) = root {
        root.decided(&prepared.context);
    }
    if let Some(feature) = prepared.unfit {
        shared.metrics.unfit(lane.name(), feature);
    }
    let response = serve(&shared, &plane.config, prepared, body.clone(), place).await?;
    Ok(tell(response, left))
}

fn ask<'a>(
    shared: &'a Shared,
    plane: &'a Plane,
    lane: &'a Lane,
    caller: &'a Caller,
    errand: &'a Errand<'a>,
    (request, tally, bytes): (&'a wire::Request<'a>, &'a Tally, usize),
    at_us: i64,
) -> Ask<'a> {
    let (rules, tariffs, metrics) = (&plane.config.quotas.rules, &plane.config.prices.tariffs, &shared.metrics);
    Ask { rules, caller, errand, request, tally, bytes, lane, tariffs, metrics, at_us }
}

type Headers = Vec<(HeaderName, HeaderValue)>;

/// What the caller has to know beside the answer.
fn tell(mut response: Response<Reply>, headers: Headers) -> Response<Reply> {
    response.headers_mut().extend(headers);
    response
}

/// Sends it; if the candidate fails before its first byte and the migration says so, asks the baseline instead.
async fn serve(
    shared: &Arc<Shared>,
    config: &Config,
    prepared: Prepared,
    body: Bytes,
    place: Place,
) -> Result<Response<Reply>, Problem> {
    let Prepared { plan, context, wants_usage, serve, copy, rewriting, model, unfit: _ } = prepared;
    let repeats = plan.repeat && plan.assignment.arm == Arm::Baseline;
    let fate = if copy.is_some() || repeats {
        let begun = Instant::now();
        let rewriting = copy.as_ref().map_or(Duration::ZERO, |_| rewriting);
        let fate = mirror(shared, &context, copy);
        if repeats {
            offer_repeat(shared, &context, &serve);
        }
        shared.metrics.copied(rewriting + begun.elapsed());
        fate
    } else {
        None
    };
    let fate = fate.or(plan.no_mirror);
    let arm = plan.assignment.arm;
    let fallback =
        context.lane.migration.as_ref().filter(|_| arm == Arm::Candidate).map(|migration| &migration.fallback);
    let attempt = Attempt {
        shared,
        config,
        context: &context,
        arm,
        role: Role::Served,
        shadow: fate,
        wants_usage,
        model: &model,
        hold: fallback.map(|fallback| fallback.hold).filter(|hold| !hold.is_zero()),
    };
    let failed = match open::open(attempt, serve, place).await {
        Ok(response) => return Ok(response),
        Err(failed) => failed,
    };
    let covered = fallback.is_some_and(|fallback| fallback.falls_back(failed.kind, failed.status));
    let Failed { problem, place, kind, .. } = *failed;
    let Some(mut place) = place.filter(|_| covered) else { return Ok(problem) };
    // Rare, so the request is read a second time rather than kept in the baseline's terms for every request.
    let parsed = wire::Request::parse(context.endpoint, &body).map_err(|error| Problem::bad_request(&error))?;
    let Ok(addressed) = for_baseline(shared, &context.lane, context.consumer.as_deref(), &parsed) else {
        // Nobody else can answer it: the candidate's own error is the answer.
        return Ok(problem);
    };
    place.quota.replaced(&shared.quotas);
    let attempt = Attempt {
        shared,
        config,
        context: &context,
        arm: Arm::Baseline,
        role: Role::Fallback,
        shadow: None,
        wants_usage,
        model: &model,
        hold: None,
    };
    let mut response = open::open(attempt, addressed, place).await.unwrap_or_else(|failed| failed.problem);
    response.headers_mut().insert(FALLBACK, HeaderValue::from_static(kind.name()));
    Ok(response)
}

/// Offers the copy to the mirror before the baseline is called, so that both start together; never waits.
fn mirror(shared: &Shared, context: &Arc<Context>, copy: Option<Addressed>) -> Option<ShadowFate> {
    let link = context.lane.candidate.as_ref()?;
    Some(offer(shared, context, link, (Arm::Candidate, Role::Shadow), copy?))
}

/// The baseline's second call: what a provider's answers differ among themselves. One that does not fit is no loss of
/// evidence, only less of it; the mirror counts it.
fn offer_repeat(shared: &Shared, context: &Arc<Context>, serve: &Addressed) {
    offer(shared, context, &context.lane.baseline, (Arm::Baseline, Role::Repeat), serve.clone());
}

fn offer(
    shared: &Shared,
    context: &Arc<Context>,
    link: &Arc<Link>,
    (arm, role): (Arm, Role),
    addressed: Addressed,
) -> ShadowFate {
    let Addressed { path, model, rewritten } = addressed;
    let (provider, dropped) = (link.provider(), rewritten.dropped);
    let span = shared.traces.leg(context);
    let leg = Leg { arm, role, provider, model, sent_us: 0, attempts: 1, dropped, shadow: None, watched: None, span };
    let body = Bytes::from(rewritten.body);
    let job = Job { path, body, link: Arc::clone(link), context: Arc::clone(context), leg };
    let estimate_nanos = Shared::estimate_nanos(&job);
    shared.mirror.offer(job, estimate_nanos)
}
