//! What the admin plane tells about replicas.

use super::store::FUNCTIONS;
use crate::state::Shared;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::json;
use std::sync::Arc;

/// The routes; who may use them is decided where they are merged.
pub(crate) fn routes() -> Router<Arc<Shared>> {
    Router::new().route("/admin/v1/replicas", get(show))
}

async fn show(State(shared): State<Arc<Shared>>) -> Response {
    let Some(replicas) = &shared.replicas else {
        return Json(json!({"shared": false, "replicas": []})).into_response();
    };
    let alive = replicas.beat().await.unwrap_or_default();
    let counts = replicas.counts();
    let by_function = |counts: &[u64; FUNCTIONS.len()]| -> serde_json::Map<String, serde_json::Value> {
        FUNCTIONS.iter().zip(counts).map(|(name, count)| ((*name).to_owned(), json!(count))).collect()
    };
    let alive: Vec<_> = alive.into_iter().map(|(name, ms)| json!({"name": name, "heard_ms_ago": ms})).collect();
    Json(json!({
        "shared": true,
        "name": replicas.name,
        "redis_up": counts.up,
        "calls": by_function(&counts.calls),
        "failures": by_function(&counts.failures),
        "replicas": alive,
    }))
    .into_response()
}
