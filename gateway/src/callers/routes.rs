//! `/admin/v1/consumers`: consumers and their keys, shown and changed.
//!
//! Every change is one [`Change`]; the routes below `/{name}` are other ways to say the common ones. A change is made to what
//! is kept at that moment, so it undoes nobody's work, and `If-Match` with the generation from `ETag` is only asked for where a
//! change replaces what somebody may have read before. A key shows in the answer that made it, and nowhere else.

use super::CallersError;
use super::home::HomeError;
use crate::admin::{problem, unknown};
use crate::state::Shared;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use lease::keys::{Change, ChangeError, Instant, Old, Place, READING_MAX, Reading, Scopes, Until, read_list, syntax};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::sync::Arc;

/// For how long both keys work after a rotation that does not say.
const OVERLAP_SECONDS: u64 = 24 * 60 * 60;
/// No cache may keep an answer that holds a key.
const NO_STORE: (HeaderName, HeaderValue) = (header::CACHE_CONTROL, HeaderValue::from_static("no-store"));

type Answer = Result<Response, Response>;

/// See the module's text; behind the admin token.
pub(crate) fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/admin/v1/consumers", get(list).post(change))
        .route("/admin/v1/consumers/adopt", post(adopt))
        .route("/admin/v1/consumers/{name}", get(show).put(describe).delete(revoke_all))
        .route("/admin/v1/consumers/{name}/keys", post(create))
        .route("/admin/v1/consumers/{name}/keys/{id}", axum::routing::delete(revoke).patch(amend))
        .route("/admin/v1/consumers/{name}/keys/{id}/revoke", post(revoke))
        .route("/admin/v1/consumers/{name}/keys/{id}/restore", post(restore))
        .route("/admin/v1/consumers/{name}/keys/{id}/rotate", post(rotate))
        .layer(DefaultBodyLimit::max(READING_MAX))
}

async fn list(State(shared): State<Arc<Shared>>) -> Response {
    let listing = shared.callers.listing(crate::clock::now_us());
    let generation = listing.generation;
    tagged(Json(listing).into_response(), generation)
}

async fn show(State(shared): State<Arc<Shared>>, Path(name): Path<String>) -> Response {
    let listing = shared.callers.listing(crate::clock::now_us());
    match listing.consumers.into_iter().find(|consumer| consumer.name == name) {
        Some(consumer) => tagged(Json(consumer).into_response(), listing.generation),
        None => unknown("consumer"),
    }
}

async fn change(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Answer {
    let change: Change = json(&body)?;
    if matches!(change, Change::Consumer { .. }) {
        demand_match(&headers)?;
    }
    make(&shared, &headers, change).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Description {
    #[serde(default)]
    groups: Vec<String>,
    #[serde(default)]
    note: String,
    #[serde(default)]
    scopes: Scopes,
}

/// Replaces what a consumer is and may do, so it has to say which state it replaces.
async fn describe(
    State(shared): State<Arc<Shared>>,
    Path(consumer): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    demand_match(&headers)?;
    let Description { groups, note, scopes } = json(&body)?;
    make(&shared, &headers, Change::Consumer { consumer, groups, note, scopes }).await
}

async fn revoke_all(State(shared): State<Arc<Shared>>, Path(name): Path<String>, headers: HeaderMap) -> Answer {
    make(&shared, &headers, Change::Revoke { ids: Vec::new(), consumer: Some(name) }).await
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct NewKey {
    note: String,
    scopes: Scopes,
    expires_at: Option<Instant>,
}

async fn create(
    State(shared): State<Arc<Shared>>,
    Path(consumer): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    let NewKey { note, scopes, expires_at } = json_or_default(&body)?;
    make(&shared, &headers, Change::Create { consumer, note, scopes, expires_at }).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Adopted {
    keys: Vec<Old>,
    #[serde(default)]
    sunset_at: Option<Instant>,
}

/// `{"keys": [...], "sunset_at": ...}` as JSON; anything else is a list as `keys adopt` reads it.
async fn adopt(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Answer {
    let kind = headers.get(header::CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
    let is_json = kind.get(..16).is_some_and(|kind| kind.eq_ignore_ascii_case(b"application/json"));
    let (keys, sunset_at) = if is_json {
        let Adopted { keys, sunset_at } = json(&body)?;
        (keys, sunset_at)
    } else {
        let wrong = |message: String| problem(StatusCode::BAD_REQUEST, "invalid_body", message);
        let text = std::str::from_utf8(&body).map_err(|_| wrong("the list is no UTF-8".to_owned()))?;
        let keys = read_list(text, None, Reading::Guess, crate::clock::now_us());
        (keys.map_err(|error| wrong(error.to_string()))?, None)
    };
    make(&shared, &headers, Change::Adopt { keys, sunset_at }).await
}

type KeyPath = Path<(String, String)>;

async fn revoke(State(shared): State<Arc<Shared>>, Path(key): KeyPath, headers: HeaderMap) -> Answer {
    let ids = vec![owned(&shared, key)?];
    make(&shared, &headers, Change::Revoke { ids, consumer: None }).await
}

async fn restore(State(shared): State<Arc<Shared>>, Path(key): KeyPath, headers: HeaderMap) -> Answer {
    let ids = vec![owned(&shared, key)?];
    make(&shared, &headers, Change::Restore { ids, consumer: None }).await
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Rotation {
    overlap_seconds: Option<u64>,
    expires_at: Option<Instant>,
}

async fn rotate(State(shared): State<Arc<Shared>>, Path(key): KeyPath, headers: HeaderMap, body: Bytes) -> Answer {
    let id = owned(&shared, key)?;
    let Rotation { overlap_seconds, expires_at } = json_or_default(&body)?;
    let overlap_seconds = overlap_seconds.unwrap_or(OVERLAP_SECONDS);
    make(&shared, &headers, Change::Rotate { id, overlap_seconds, expires_at }).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Ends {
    #[serde(default)]
    expires_at: Option<Until>,
    #[serde(default)]
    sunset_at: Option<Until>,
}

async fn amend(State(shared): State<Arc<Shared>>, Path(key): KeyPath, headers: HeaderMap, body: Bytes) -> Answer {
    let ids = vec![owned(&shared, key)?];
    let Ends { expires_at, sunset_at } = json(&body)?;
    make(&shared, &headers, Change::Amend { ids, consumer: None, expires_at, sunset_at }).await
}

/// The id, if it is that of a key of this consumer.
#[expect(clippy::result_large_err, reason = "the error is the answer, made once a call by hand")]
fn owned(shared: &Shared, (name, id): (String, String)) -> Result<String, Response> {
    let listing = shared.callers.listing(crate::clock::now_us());
    let consumer = listing.consumers.iter().find(|consumer| consumer.name == name);
    match consumer.and_then(|consumer| Some((consumer.place, consumer.keys.iter().find(|key| key.id == id)?))) {
        Some((Place::Kept, _)) => Ok(id),
        Some((Place::Configuration, _)) => {
            let message = format!("consumer {name} stands in the configuration: change it there");
            Err(problem(StatusCode::CONFLICT, "configured", message))
        }
        None => Err(unknown("key")),
    }
}

async fn make(shared: &Shared, headers: &HeaderMap, change: Change) -> Answer {
    let expected = expected(headers)?;
    let outcome =
        shared.callers.change(&change, expected, crate::clock::now_us()).await.map_err(|error| refused(&error))?;
    let (what, generation) = (named(&change), outcome.generation);
    // Ids are public; the key itself stays out of the log.
    tracing::info!(change = what, generation, keys = outcome.changed.join(" "), "consumers changed");
    let status = if outcome.issued.is_some() { StatusCode::CREATED } else { StatusCode::OK };
    Ok(tagged((status, [NO_STORE], Json(outcome)).into_response(), generation))
}

const fn named(change: &Change) -> &'static str {
    match change {
        Change::Consumer { .. } => "consumer",
        Change::Create { .. } => "create",
        Change::Adopt { .. } => "adopt",
        Change::Rotate { .. } => "rotate",
        Change::Revoke { .. } => "revoke",
        Change::Restore { .. } => "restore",
        Change::Amend { .. } => "amend",
        Change::Remove { .. } => "remove",
    }
}

fn refused(error: &CallersError) -> Response {
    let (status, code) = match error {
        CallersError::Change(ChangeError::Generation { .. }) => (StatusCode::PRECONDITION_FAILED, "generation_changed"),
        CallersError::Change(ChangeError::Unknown { .. }) => (StatusCode::NOT_FOUND, "not_found"),
        CallersError::Change(_) => (StatusCode::BAD_REQUEST, "invalid_change"),
        CallersError::Ring(_) | CallersError::Document(_) => (StatusCode::CONFLICT, "conflict"),
        CallersError::Home(HomeError::Nowhere) => (StatusCode::CONFLICT, "no_key_file"),
        CallersError::Home(HomeError::Redis(_)) => (StatusCode::SERVICE_UNAVAILABLE, "replicas_unreachable"),
        CallersError::Home(_) | CallersError::Chance => (StatusCode::INTERNAL_SERVER_ERROR, "not_kept"),
        CallersError::Contended => (StatusCode::SERVICE_UNAVAILABLE, "contended"),
    };
    problem(status, code, error.to_string())
}

#[expect(clippy::result_large_err, reason = "the error is the answer, made once a call by hand")]
fn expected(headers: &HeaderMap) -> Result<Option<u64>, Response> {
    let Some(tag) = headers.get(header::IF_MATCH) else { return Ok(None) };
    match tag.to_str().ok().and_then(|tag| tag.trim().trim_matches('"').parse().ok()) {
        Some(generation) => Ok(Some(generation)),
        None => {
            let message = "If-Match is no generation: send the ETag of GET /admin/v1/consumers";
            Err(problem(StatusCode::BAD_REQUEST, "invalid_if_match", message))
        }
    }
}

#[expect(clippy::result_large_err, reason = "the error is the answer, made once a call by hand")]
fn demand_match(headers: &HeaderMap) -> Result<(), Response> {
    if headers.contains_key(header::IF_MATCH) {
        return Ok(());
    }
    let message = "send If-Match with the generation that GET returned as ETag, so that no other change is undone";
    Err(problem(StatusCode::PRECONDITION_REQUIRED, "precondition_required", message))
}

/// Reads a body; what is wrong with it is said without repeating it.
#[expect(clippy::result_large_err, reason = "the error is the answer, made once a call by hand")]
fn json<T: DeserializeOwned>(body: &[u8]) -> Result<T, Response> {
    serde_json::from_slice(body)
        .map_err(|error| problem(StatusCode::BAD_REQUEST, "invalid_body", format!("the body: {}", syntax(&error))))
}

#[expect(clippy::result_large_err, reason = "the error is the answer, made once a call by hand")]
fn json_or_default<T: DeserializeOwned + Default>(body: &[u8]) -> Result<T, Response> {
    if body.is_empty() { Ok(T::default()) } else { json(body) }
}

fn tagged(mut response: Response, generation: u64) -> Response {
    if let Ok(tag) = HeaderValue::from_str(&format!("\"{generation}\"")) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
}
