//! Who asks, and what: the first gates of a request.

use crate::config::{Authenticate, Config};
use crate::problem::Problem;
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, header};
use http_body::Body;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use std::sync::Arc;
use std::time::Duration;

/// How long a client may take to send its request: until then it holds a permit.
const REQUEST_BODY_TIMEOUT: Duration = Duration::from_secs(60);

/// The consumer whose key came with the request. `None` for a key that is nobody's, where that is allowed.
///
/// # Errors
/// Keys are required, and there is none or a wrong one; the answer does not say which.
pub(super) fn consumer(config: &Config, headers: &HeaderMap) -> Result<Option<Arc<str>>, Problem> {
    let consumer = key(headers).and_then(|key| config.consumers.find(key));
    match (config.authenticate, consumer) {
        (Authenticate::Keys, None) => Err(Problem::unauthorised()),
        (_, consumer) => Ok(consumer),
    }
}

fn key(headers: &HeaderMap) -> Option<&str> {
    let bearer = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).and_then(|value| {
        let (scheme, key) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then_some(key.trim())
    });
    bearer.or_else(|| headers.get("x-api-key").and_then(|value| value.to_str().ok()))
}

/// The request's body, at most `limit` bytes. One that comes in one piece is not copied.
///
/// # Errors
/// It is longer, or did not arrive.
pub(super) async fn body(body: Incoming, limit: usize) -> Result<Bytes, Problem> {
    if body.size_hint().lower() > limit as u64 {
        return Err(Problem::too_large(limit));
    }
    match tokio::time::timeout(REQUEST_BODY_TIMEOUT, collect(body, limit)).await {
        Ok(read) => read,
        Err(_) => Err(Problem::unread("did not arrive in time")),
    }
}

async fn collect(mut body: Incoming, limit: usize) -> Result<Bytes, Problem> {
    let mut first = Bytes::new();
    let mut all = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else { return Err(Problem::unread("broke off")) };
        let Ok(piece) = frame.into_data() else { continue };
        if first.len() + all.len() + piece.len() > limit {
            return Err(Problem::too_large(limit));
        }
        if first.is_empty() && all.is_empty() {
            first = piece;
        } else {
            if all.is_empty() {
                all.reserve(first.len() + piece.len());
                all.extend_from_slice(&std::mem::take(&mut first));
            }
            all.extend_from_slice(&piece);
        }
    }
    Ok(if all.is_empty() { first } else { all.freeze() })
}
