//! The admin plane: health, and what may be changed while the gateway runs. It has a listener of its own and a token
//! ([`access`]).
//!
//! A weight change names the epoch it was decided on (`If-Match`, from `ETag`); if somebody was faster, it is refused
//! with 412, so that two controllers can never undo each other unseen. The way back to the baseline ([`rollback`]) and the
//! pause of the mirror ([`shadow`]) need none. Of several autopilots one leads ([`lease`]). [`verdict`] keeps what an evaluation said last, and [`audit`] what was
//! changed by whom.

pub(crate) mod access;
pub(crate) mod audit;
pub(crate) mod audit_file;
pub(crate) mod lease;
pub(crate) mod recent;
mod rollback;
pub(crate) mod shadow;
pub(crate) mod verdict;

use crate::lane::{Lane, Snapshot};
use crate::plane::PlaneError;
use crate::problem::Problem;
use crate::routing::WeightBp;
use crate::state::{NotChanged, Shared, Wanted};
use access::Pass;
use audit::{Note, What, Who};
use axum::extract::{Extension, Path, State};
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use axum::{Json, Router};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The state of a migration, as the admin plane shows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MigrationState {
    /// Name.
    pub name: String,
    /// Candidate weight.
    pub weight_percent: f64,
    /// Mirrored share.
    pub shadow_percent: f64,
    /// Epoch of constant weight; also the `ETag`.
    pub epoch: u64,
    /// Baseline provider.
    pub baseline: String,
    /// Candidate provider.
    pub candidate: String,
    /// Since when and why the mirror is paused; absent where it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shadow_paused: Option<ShadowPause>,
}

/// Somebody has paused the mirror.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShadowPause {
    /// Since when, microseconds since the Unix epoch.
    pub at_us: i64,
    /// Why.
    pub reason: String,
}

/// Body of a weight change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WeightChange {
    /// New candidate weight.
    pub weight_percent: f64,
    /// For the audit.
    #[serde(default)]
    pub reason: String,
}

pub(crate) fn router(shared: Arc<Shared>) -> Router {
    let guarded = Router::new()
        .route("/admin/v1/migrations/{name}/weight", put(change))
        .route("/admin/v1/migrations/{name}/rollback", post(rollback::roll_back))
        .route("/admin/v1/migrations/{name}/shadow", put(shadow::change))
        .route("/admin/v1/audit", get(trail))
        .route("/admin/v1/providers", get(providers))
        .route("/admin/v1/config/reload", post(reload))
        .merge(crate::replicas::routes())
        .merge(crate::callers::routes::routes())
        .merge(crate::quota::routes::routes())
        .merge(verdict::routes())
        .merge(lease::routes())
        .merge(crate::live_guard::routes())
        .merge(recent::routes())
        .merge(crate::console::guarded_routes())
        .route_layer(middleware::from_fn_with_state(Arc::clone(&shared), access::authorise));
    // What a token that reads opens, too. Nothing here changes anything.
    let readable = Router::new()
        .route("/admin/v1/migrations", get(list))
        .route("/admin/v1/migrations/{name}/weight", get(show))
        .route("/metrics", get(metrics))
        .merge(verdict::readable_routes())
        .merge(crate::pipelines::routes())
        .route_layer(middleware::from_fn_with_state(Arc::clone(&shared), access::authorise_reader));
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .merge(guarded)
        .merge(readable)
        .merge(crate::console::open_routes())
        .fallback(|| async { unknown("address") })
        .layer(middleware::map_response(crate::console::protect))
        .with_state(shared)
}

pub(crate) fn problem(status: StatusCode, code: &str, message: impl Into<String>) -> Response {
    Problem::new(status, "invalid_request_error", Some(code), message).into_response()
}

pub(crate) fn unknown(what: &str) -> Response {
    problem(StatusCode::NOT_FOUND, "not_found", format!("unknown {what}"))
}

async fn ready(State(shared): State<Arc<Shared>>) -> Response {
    if shared.leaving.is_cancelled() {
        (StatusCode::SERVICE_UNAVAILABLE, "stopping\n").into_response()
    } else {
        "ready\n".into_response()
    }
}

async fn list(State(shared): State<Arc<Shared>>) -> Response {
    let plane = shared.plane.load();
    let migrations: Vec<MigrationState> = plane.lanes.iter().map(|lane| state(lane, lane.snapshot())).collect();
    Json(serde_json::json!({
        "migrations": migrations,
        "records": shared.recorder.counts(),
        "shadow": shared.mirror.counts(crate::clock::now_us()),
        "config_digest": plane.config.digest,
    }))
    .into_response()
}

async fn show(State(shared): State<Arc<Shared>>, Path(name): Path<String>) -> Response {
    match shared.plane.load().lane(&name) {
        Some(lane) => tagged(lane, lane.snapshot()),
        None => unknown("migration"),
    }
}

/// How each provider is doing, for serving and for mirroring.
async fn providers(State(shared): State<Arc<Shared>>) -> Response {
    let plane = shared.plane.load();
    let all = plane.links.iter().map(|(name, link)| {
        (name.clone(), serde_json::json!({"serving": link.serve.counts(), "mirroring": link.mirror.counts()}))
    });
    Json(serde_json::Value::Object(all.collect())).into_response()
}

/// Reads the configuration again; what is wrong with it is said, and then nothing has changed.
async fn reload(State(shared): State<Arc<Shared>>) -> Response {
    let Some(read) = &shared.reload else {
        return problem(StatusCode::NOT_IMPLEMENTED, "no_config_file", "this gateway was not started from a file");
    };
    let config = match read() {
        Ok(config) => config,
        Err(error) => return problem(StatusCode::UNPROCESSABLE_ENTITY, "invalid_config", error.to_string()),
    };
    match shared.replace(config, crate::clock::now_us()).await {
        Ok(()) => list(State(shared)).await,
        Err(error @ PlaneError::NeedsRestart { .. }) => {
            problem(StatusCode::CONFLICT, "needs_restart", error.to_string())
        }
        Err(error @ PlaneError::Replicas(_)) => {
            problem(StatusCode::SERVICE_UNAVAILABLE, "replicas_unreachable", error.to_string())
        }
        Err(error) => problem(StatusCode::UNPROCESSABLE_ENTITY, "invalid_config", error.to_string()),
    }
}

async fn metrics(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Response {
    crate::telemetry::scrape(&shared, &headers)
}

async fn change(
    State(shared): State<Arc<Shared>>,
    Extension(pass): Extension<Pass>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: axum::body::Bytes,
) -> Response {
    if shared.plane.load().lane(&name).is_none() {
        return unknown("migration");
    }
    let Some(expected) = headers.get(header::IF_MATCH).and_then(|tag| epoch_of(tag.to_str().ok()?)) else {
        let message = "send If-Match with the epoch that GET returned as ETag, so that no other change is undone";
        return problem(StatusCode::PRECONDITION_REQUIRED, "precondition_required", message);
    };
    let change: WeightChange = match serde_json::from_slice(&body) {
        Ok(change) => change,
        Err(error) => return problem(StatusCode::BAD_REQUEST, "invalid_body", error.to_string()),
    };
    let weight = match WeightBp::from_percent(change.weight_percent) {
        Ok(weight) => weight,
        Err(message) => return problem(StatusCode::BAD_REQUEST, "invalid_weight", message),
    };
    let reason = match access::reason(pass, &change.reason) {
        Ok(reason) => reason,
        Err(refused) => return *refused,
    };
    let fence = match lease::fence_of(&headers) {
        Ok(fence) => fence,
        Err(refused) => return *refused,
    };
    // Whoever leads is an autopilot.
    let who = if fence.is_some() && pass.who == Who::Token { Who::Autopilot } else { pass.who };
    let note = Note { what: What::Weight, who, reason: &reason };
    let wanted = Wanted { expected, weight, fence };
    match shared.change_weight_fenced(&name, wanted, note, crate::clock::now_us()).await {
        Ok((lane, new)) => tagged(&lane, new),
        Err(error) => not_changed(error, "the weight"),
    }
}

/// Why something is as it was.
fn not_changed(why: NotChanged, what: &str) -> Response {
    match why {
        NotChanged::Unknown => unknown("migration"),
        NotChanged::Epoch(now) => {
            let message = format!("the epoch is {} by now: read the weight again", now.epoch);
            problem(StatusCode::PRECONDITION_FAILED, "epoch_changed", message)
        }
        NotChanged::Fenced => lease::lost(),
        NotChanged::Home(error) => {
            let done = if error.is_uncertain() { "it is not known whether it did" } else { "nothing has changed" };
            let message = format!("{what} cannot be changed on all replicas: {error}; {done}: read it again");
            problem(StatusCode::SERVICE_UNAVAILABLE, "replicas_unreachable", message)
        }
    }
}

/// The changes on all replicas; while Redis is away, those of this one.
async fn trail(State(shared): State<Arc<Shared>>) -> Response {
    if let Some(replicas) = &shared.replicas
        && let Ok(mut entries) = replicas.audit().await
    {
        // What pipelines were told is not shared: each replica answers for itself.
        let is_answer = |entry: &audit::AuditEntry| entry.what == What::Answer.name();
        entries.extend(shared.audit.latest(audit::ENTRIES_MAX).into_iter().filter(is_answer));
        entries.sort_by(|one, next| one.at.cmp(&next.at));
        return Json(serde_json::json!({ "changes": entries, "shared": true })).into_response();
    }
    let entries = shared.audit.latest(audit::ENTRIES_MAX);
    Json(serde_json::json!({ "changes": entries, "shared": false })).into_response()
}

fn state(lane: &Lane, snapshot: Snapshot) -> MigrationState {
    MigrationState {
        name: lane.name().to_owned(),
        weight_percent: snapshot.weights.candidate.percent(),
        shadow_percent: snapshot.weights.shadow.percent(),
        epoch: snapshot.epoch,
        baseline: lane.baseline.provider().to_owned(),
        candidate: lane.candidate.as_ref().map_or("", |link| link.provider()).to_owned(),
        shadow_paused: lane.pause(),
    }
}

fn tagged(lane: &Lane, snapshot: Snapshot) -> Response {
    let mut response = Json(state(lane, snapshot)).into_response();
    if let Ok(tag) = HeaderValue::from_str(&format!("\"{}\"", snapshot.epoch)) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
}

fn epoch_of(tag: &str) -> Option<u64> {
    tag.trim().trim_matches('"').parse().ok()
}
