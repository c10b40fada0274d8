//! The client's side: which address is what.

mod admit;
mod call;
mod models;
mod open;
mod prepare;

pub(crate) use open::{error_behind, is_event_stream};

use crate::problem::Problem;
use crate::reply::Reply;
use crate::state::Shared;
use http::{Method, Request, Response};
use hyper::body::Incoming;
use std::sync::Arc;
use wire::Endpoint;

/// Answers one request of the data plane.
pub(crate) async fn handle(shared: Arc<Shared>, request: Request<Incoming>) -> Response<Reply> {
    let path = request.uri().path();
    // Clients that were configured for DeepSeek leave the version out.
    let versioned = if path.starts_with("/v1/") { path.to_owned() } else { format!("/v1{path}") };
    if let Some(endpoint) = Endpoint::of_path(&versioned) {
        return match *request.method() {
            Method::POST => call::answer(shared, endpoint, request).await,
            _ => Problem::wrong_method().respond(),
        };
    }
    match versioned.strip_prefix("/v1/models") {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => match *request.method() {
            Method::GET => models::answer(&shared, request.headers(), rest.trim_start_matches('/')),
            _ => Problem::wrong_method().respond(),
        },
        _ => Problem::not_found(path).respond(),
    }
}
