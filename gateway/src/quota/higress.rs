//! Quota routes as Higress' ai-quota has them, for tools that speak to it today: on the data plane, below the chat
//! endpoint, with the key of one consumer who may.
//!
//! * `GET .../v1/chat/completions/quota?consumer=NAME` answers `{"quota": 970, "consumer": "NAME"}`.
//! * `POST .../v1/chat/completions/quota/refresh` with the form `consumer=NAME&quota=1000` sets a balance.
//! * `POST .../v1/chat/completions/quota/delta` with the form `consumer=NAME&value=-30` changes it.
//!
//! They act on the consumer's lifetime balance of tokens. What differs: a call under way has its most already taken off, and
//! errors have OpenAI's shape. Who has no key gets 401, another consumer 403.

use super::store::{Away, Top};
use crate::config::{Higress, QuotaRule};
use crate::plane::Plane;
use crate::problem::Problem;
use crate::reply::Reply;
use crate::state::Shared;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use lease::quota::{AMOUNT_MAX, Limit};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

/// Longest form.
const FORM_BYTES_MAX: usize = 16 * 1024;
/// How long a client may take to send it.
const FORM_TIMEOUT: Duration = Duration::from_secs(10);
/// Longest name of a consumer.
const CONSUMER_BYTES_MAX: usize = 64;
const CHAT: &str = "/chat/completions";

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action {
    Query,
    Refresh,
    Delta,
}

/// The action at a path below the version; `None` if it is none of these.
fn action(config: &Higress, path: &str, method: &Method) -> Option<Action> {
    let rest = path.strip_prefix(CHAT)?.strip_prefix(config.path.as_str())?;
    match (rest, method) {
        ("", &Method::GET) => Some(Action::Query),
        ("/refresh", &Method::POST) => Some(Action::Refresh),
        ("/delta", &Method::POST) => Some(Action::Delta),
        _ => None,
    }
}

/// Whether a path, without its version, is one of these routes.
pub(crate) fn is_here(plane: &Plane, path: &str, method: &Method) -> bool {
    plane.config.quotas.higress.as_ref().is_some_and(|config| action(config, path, method).is_some())
}

/// Answers.
pub(crate) async fn answer(
    shared: &Shared,
    request: Request<Incoming>,
    peer: SocketAddr,
    path: &str,
) -> Response<Reply> {
    run(shared, request, peer, path).await.unwrap_or_else(Problem::respond)
}

async fn run(
    shared: &Shared,
    request: Request<Incoming>,
    peer: SocketAddr,
    path: &str,
) -> Result<Response<Reply>, Problem> {
    let plane = shared.plane.load_full();
    let (parts, body) = request.into_parts();
    let caller = shared.callers.admit(&plane.config, &parts, peer).await?;
    let quotas = &plane.config.quotas;
    let found = quotas.higress.as_ref().and_then(|config| Some((config, action(config, path, &parts.method)?)));
    let Some((config, action)) = found else { return Err(Problem::not_found(path)) };
    match caller.name.as_deref() {
        // A key that was narrowed was given out for something else than changing balances.
        Some(name) if name == config.admin_consumer && caller.is_narrowed() => {
            return Err(refused(
                StatusCode::FORBIDDEN,
                "only a key of the quota administrator without narrower scopes opens this",
            ));
        }
        Some(name) if name == config.admin_consumer => {}
        Some(_) => return Err(refused(StatusCode::FORBIDDEN, "only the quota administrator's key opens this")),
        None => return Err(Problem::unauthorised()),
    }
    let balance = quotas.rules.iter().find(|rule| *rule.name == *config.rule).and_then(QuotaRule::balance);
    let Some(limit) = balance else { return Err(Problem::not_found(path)) };
    let form = match action {
        Action::Query => parts.uri.query().unwrap_or_default().as_bytes().to_vec(),
        Action::Refresh | Action::Delta => read(body).await?,
    };
    let form: BTreeMap<String, String> = form_urlencoded::parse(&form).into_owned().collect();
    act(shared, limit, action, &form).await
}

async fn act(
    shared: &Shared,
    limit: &Limit,
    action: Action,
    form: &BTreeMap<String, String>,
) -> Result<Response<Reply>, Problem> {
    let consumer = form.get("consumer").map_or("", String::as_str);
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    if consumer.is_empty() || consumer.len() > CONSUMER_BYTES_MAX || !consumer.bytes().all(plain) {
        return Err(refused(StatusCode::BAD_REQUEST, "`consumer` is missing or no name of a consumer"));
    }
    let account = limit.account(&format!("consumer={consumer}"));
    let number = |name: &str| form.get(name).and_then(|text| text.trim().parse::<i64>().ok());
    let number = |name: &str| number(name).filter(|number| number.unsigned_abs() <= AMOUNT_MAX);
    let (store, now_us) = (shared.quotas.store(), crate::clock::now_us());
    match action {
        Action::Query => {
            let left = store.left(now_us, &account, limit).await.map_err(|away| unreachable(&away))?.left;
            Ok(Reply::json(StatusCode::OK, serde_json::json!({"quota": left, "consumer": consumer}).to_string()))
        }
        Action::Refresh => {
            let wanted = number("quota").and_then(|quota| u64::try_from(quota).ok());
            let Some(quota) = wanted else {
                return Err(refused(StatusCode::BAD_REQUEST, "`quota` has to be a number, 0 or more"));
            };
            store.top(now_us, &account, limit, Top::To(quota)).await.map_err(|away| unreachable(&away))?;
            tracing::info!(consumer, quota, "a balance was set");
            Ok(text("refresh quota successful"))
        }
        Action::Delta => {
            let Some(value) = number("value") else {
                return Err(refused(StatusCode::BAD_REQUEST, "`value` has to be a whole number"));
            };
            store.top(now_us, &account, limit, Top::By(value)).await.map_err(|away| unreachable(&away))?;
            tracing::info!(consumer, value, "a balance was changed");
            Ok(text("delta quota successful"))
        }
    }
}

fn unreachable(away: &Away) -> Problem {
    refused(StatusCode::SERVICE_UNAVAILABLE, &away.to_string())
}

async fn read(body: Incoming) -> Result<Vec<u8>, Problem> {
    match tokio::time::timeout(FORM_TIMEOUT, Limited::new(body, FORM_BYTES_MAX).collect()).await {
        Ok(Ok(read)) => Ok(read.to_bytes().to_vec()),
        Ok(Err(_)) => Err(Problem::too_large(FORM_BYTES_MAX)),
        Err(_) => Err(Problem::unread("did not arrive in time")),
    }
}

fn refused(status: StatusCode, message: &str) -> Problem {
    Problem::new(status, "invalid_request_error", Some("quota_request"), message)
}

fn text(text: &'static str) -> Response<Reply> {
    let mut response = Reply::json(StatusCode::OK, text);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_these_paths_and_methods_are_taken() {
        let config = Higress { admin_consumer: "root".into(), path: "/quota".into(), rule: "balance".into() };
        let of = |path: &str, method: Method| action(&config, path, &method);
        assert_eq!(of("/chat/completions/quota", Method::GET), Some(Action::Query));
        assert_eq!(of("/chat/completions/quota/refresh", Method::POST), Some(Action::Refresh));
        assert_eq!(of("/chat/completions/quota/delta", Method::POST), Some(Action::Delta));
        for (path, method) in [
            ("/chat/completions/quota", Method::POST),
            ("/chat/completions/quota/delta", Method::GET),
            ("/chat/completions/quotas", Method::GET),
            ("/chat/completions", Method::GET),
            ("/completions/quota", Method::GET),
        ] {
            assert_eq!(of(path, method), None, "{path}");
        }
    }
}
