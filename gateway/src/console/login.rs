//! Logging in: the token once, for a cookie that no script can read.

use super::files::NO_STORE;
use super::session::LIFE_SECONDS;
use crate::admin::access::{
    COOKIE, foreign, guessing, is_foreign, is_guessing, is_marked, is_token, slow_down, unauthorised,
};
use crate::admin::problem;
use crate::routing::rules::cookie;
use crate::state::Shared;
use axum::Router;
use axum::extract::State;
use axum::http::Request;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::Deserialize;
use std::sync::Arc;
use std::time::Duration;

/// Longest login that is read, bytes.
const LOGIN_BYTES_MAX: usize = 8 * 1024;
/// How long its body may take.
const LOGIN_READ_MAX: Duration = Duration::from_secs(10);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Login {
    token: String,
}

pub(super) fn routes() -> Router<Arc<Shared>> {
    Router::new().route("/console/session", get(show).post(log_in).delete(log_out))
}

/// Whether there is a session, and until when.
async fn show(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Response {
    let given = cookie(&headers, COOKIE);
    match given.and_then(|given| shared.console.session(given, crate::clock::now_us())) {
        Some((_, ends_us)) => {
            let body = serde_json::json!({"schema": "weighbridge.session/1", "expires_at_us": ends_us});
            ([NO_STORE], axum::Json(body)).into_response()
        }
        None => signed_out(),
    }
}

async fn log_in(State(shared): State<Arc<Shared>>, request: Request<axum::body::Body>) -> Response {
    let (parts, body) = request.into_parts();
    if is_foreign(&parts.headers) || !is_marked(&parts.headers) {
        return foreign();
    }
    if is_guessing(&shared, &parts.headers, &parts.extensions) {
        return guessing();
    }
    // Nobody has shown any right yet: a connection is not held for a body that does not come.
    let read = tokio::time::timeout(LOGIN_READ_MAX, axum::body::to_bytes(body, LOGIN_BYTES_MAX)).await;
    let read = read.ok().and_then(Result::ok);
    // Not told what is wrong with it: the text may hold a token.
    let Some(login) = read.and_then(|bytes| serde_json::from_slice::<Login>(&bytes).ok()) else {
        return problem(StatusCode::BAD_REQUEST, "invalid_body", "expected {\"token\": \"...\"}");
    };
    if !is_token(&shared, format!("Bearer {}", login.token.trim()).as_bytes()) {
        slow_down(&shared, &parts.headers, &parts.extensions).await;
        return unauthorised();
    }
    let Some(secret) = crate::callers::chance() else {
        let message = "the system gives no randomness, so no session can be made";
        return problem(StatusCode::INTERNAL_SERVER_ERROR, "no_randomness", message);
    };
    let value = shared.console.sessions().begin(secret, crate::clock::now_us());
    tracing::info!("somebody has logged in to the console");
    set_cookie(&parts.headers, &value, LIFE_SECONDS)
}

/// Ends the session, if there is one.
async fn log_out(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Response {
    if is_foreign(&headers) || !is_marked(&headers) {
        return foreign();
    }
    if let Some(given) = cookie(&headers, COOKIE) {
        shared.console.sessions().end(given);
    }
    set_cookie(&headers, "", 0)
}

fn signed_out() -> Response {
    problem(
        StatusCode::UNAUTHORIZED,
        "no_session",
        "nobody is logged in: send the admin token to POST /console/session",
    )
}

/// The cookie goes with no request of another site and is read by no script. It goes over plain HTTP only where that is
/// what the page itself came by.
fn set_cookie(headers: &HeaderMap, value: &str, life_seconds: i64) -> Response {
    let encrypted = headers.get("x-forwarded-proto").is_some_and(|proto| proto.as_bytes().starts_with(b"https"));
    let secure = if encrypted { "; Secure" } else { "" };
    let text = format!("{COOKIE}={value}; HttpOnly; SameSite=Strict; Path=/; Max-Age={life_seconds}{secure}");
    match HeaderValue::from_str(&text) {
        Ok(mut value) => {
            value.set_sensitive(true);
            (StatusCode::NO_CONTENT, [(header::SET_COOKIE, value), NO_STORE]).into_response()
        }
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
