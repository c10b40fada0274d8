//! `GET /v1/models`: what clients may ask for.

use crate::state::Shared;
use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};
use std::sync::Arc;

/// The baseline's model names, because those are what clients send.
pub(super) async fn list(State(shared): State<Arc<Shared>>) -> Json<Value> {
    let owner = shared.baseline.name();
    let models = shared.config.migration.models.names();
    let data: Vec<Value> =
        models.map(|id| json!({"id": id, "object": "model", "created": 0, "owned_by": owner})).collect();
    Json(json!({"object": "list", "data": data}))
}
