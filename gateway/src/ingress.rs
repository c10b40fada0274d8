//! The client's side: which address is what.

mod admit;
mod call;
mod models;
mod open;
mod prepare;

pub(crate) use admit::Held;

use crate::problem::Problem;
use crate::quota::higress;
use crate::reply::Reply;
use crate::state::Shared;
use http::{HeaderName, HeaderValue, Method, Request, Response};
use hyper::body::Incoming;
use std::net::SocketAddr;
use std::sync::Arc;
use uuid::Uuid;
use wire::Endpoint;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Answers one request of the data plane. Every answer carries the id under which it may be on record.
pub(crate) async fn handle(shared: Arc<Shared>, request: Request<Incoming>, peer: SocketAddr) -> Response<Reply> {
    let pair = Uuid::now_v7().to_string();
    let mut response = route(shared, request, peer, &pair).await;
    if let Ok(id) = HeaderValue::from_str(&pair) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}

async fn route(shared: Arc<Shared>, request: Request<Incoming>, peer: SocketAddr, pair: &str) -> Response<Reply> {
    // Clients that were configured for DeepSeek leave the version out.
    let path = request.uri().path();
    let path = path.strip_prefix("/v1").unwrap_or(path);
    let endpoint = Endpoint::ALL.into_iter().find(|endpoint| endpoint.path_below_version() == path);
    let model = path.strip_prefix("/models").filter(|rest| rest.is_empty() || rest.starts_with('/'));
    match (endpoint, model, request.method()) {
        (Some(endpoint), _, &Method::POST) => call::answer(shared, endpoint, request, peer, pair).await,
        (None, Some(name), &Method::GET) => {
            let name = name.trim_start_matches('/').to_owned();
            models::answer(&shared, &request.into_parts().0, peer, &name).await
        }
        (None, None, method) if higress::is_here(&shared.plane.load(), path, method) => {
            let path = path.to_owned();
            higress::answer(&shared, request, peer, &path).await
        }
        (None, None, _) => Problem::not_found(request.uri().path()).respond(),
        _ => Problem::wrong_method().respond(),
    }
}
