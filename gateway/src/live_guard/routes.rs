//! What the admin plane tells about live guards.

use super::LiveGuardShown;
use crate::state::Shared;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use http::StatusCode;
use std::sync::Arc;

/// The routes; who may use them is decided where they are merged.
pub(crate) fn routes() -> Router<Arc<Shared>> {
    Router::new().route("/admin/v1/migrations/{name}/live-guard", get(show))
}

async fn show(State(shared): State<Arc<Shared>>, Path(name): Path<String>) -> Response {
    match shared.plane.load().lane(&name).and_then(|lane| LiveGuardShown::of(lane)) {
        Some(shown) => Json(shown).into_response(),
        None => {
            crate::admin::problem(StatusCode::NOT_FOUND, "unknown_migration", format!("there is no migration `{name}`"))
        }
    }
}
