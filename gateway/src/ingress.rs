//! The client's side: thin handlers.

mod chat;
mod models;

use crate::problem::Problem;
use crate::state::Shared;
use axum::Router;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use http::Uri;
use std::sync::Arc;

/// The data plane.
pub(crate) fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/v1/chat/completions", post(chat::completions))
        .route("/v1/models", get(models::list))
        .method_not_allowed_fallback(|| async { Problem::wrong_method().into_response() })
        .fallback(unknown)
        .with_state(shared)
}

async fn unknown(uri: Uri) -> Response {
    Problem::not_found(uri.path()).into_response()
}
