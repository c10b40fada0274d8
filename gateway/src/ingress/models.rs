//! `GET /v1/models`: what this client may ask for.

use crate::callers::Caller;
use crate::plane::Plane;
use crate::problem::Problem;
use crate::reply::Reply;
use crate::state::Shared;
use http::request::Parts;
use http::{Response, StatusCode};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::net::SocketAddr;

/// The list, or one of it. It names the baselines' models, because those are what clients send.
pub(super) async fn answer(shared: &Shared, parts: &Parts, peer: SocketAddr, name: &str) -> Response<Reply> {
    let plane = shared.plane.load_full();
    let caller = match shared.callers.admit(&plane.config, parts, peer).await {
        Ok(caller) => caller,
        Err(problem) => return problem.respond(),
    };
    let mut response = listed(&plane, &caller, name);
    response.headers_mut().extend(caller.notices);
    response
}

fn listed(plane: &Plane, caller: &Caller, name: &str) -> Response<Reply> {
    let mut seen = BTreeSet::new();
    let mut models = Vec::new();
    for lane in &plane.lanes {
        let owner = lane.baseline.provider();
        let names = lane.migration.iter().flat_map(|migration| migration.models.names());
        let theirs = names.filter(|name| caller.may_see(name, lane.name()) && seen.insert((*name).to_owned()));
        models.extend(theirs.map(|name| model(name, owner)));
    }
    if name.is_empty() {
        return Reply::json(StatusCode::OK, json!({"object": "list", "data": models}).to_string());
    }
    // Some names have a slash, and clients send it encoded.
    let name = name.replace("%2F", "/").replace("%2f", "/");
    match models.into_iter().find(|model| model["id"] == name) {
        Some(model) => Reply::json(StatusCode::OK, model.to_string()),
        None => Problem::unknown_model(&name).respond(),
    }
}

fn model(id: &str, owner: &str) -> Value {
    json!({"id": id, "object": "model", "created": 0, "owned_by": owner})
}
