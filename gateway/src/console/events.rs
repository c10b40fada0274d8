//! Documents to whoever looks, as server-sent events.
//!
//! `hello` has everything, `now` comes about once a second without the curves, `bye` is the last one. All streams send the
//! same bytes. One that is slow holds no queue: it takes the newest document when it can, and misses those between. A stream
//! ends with its session, and when the gateway is gone; so none of them holds a stop up.

use super::files::NO_STORE;
use super::{Console, SessionId, document};
use crate::admin::access::Pass;
use crate::admin::problem;
use crate::state::Shared;
use axum::body::Body;
use axum::extract::{Extension, State};
use axum::response::{IntoResponse, Response};
use bytes::{BufMut, Bytes, BytesMut};
use futures_util::stream::{self, Stream};
use http::{HeaderName, HeaderValue, StatusCode, header};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, watch};

/// After so much silence a comment says that the connection lives.
const ALIVE_AFTER: Duration = Duration::from_secs(15);

/// An event with JSON, which has no line breaks, as its data.
pub(super) fn event(name: &str, json: &[u8]) -> Bytes {
    let mut bytes = BytesMut::with_capacity(name.len() + json.len() + 24);
    for part in [b"event: ", name.as_bytes(), b"\ndata: ", json, b"\n\n"] {
        bytes.put_slice(part);
    }
    bytes.freeze()
}

pub(super) async fn stream(State(shared): State<Arc<Shared>>, Extension(pass): Extension<Pass>) -> Response {
    let Ok(place) = Arc::clone(&shared.console.streams).try_acquire_owned() else {
        let message = "as many streams are open as may be: close a console, or read GET /admin/v1/console";
        let busy = problem(StatusCode::SERVICE_UNAVAILABLE, "too_many_streams", message);
        return ([(header::RETRY_AFTER, HeaderValue::from_static("10"))], busy).into_response();
    };
    let viewer = Viewer {
        newest: shared.console.newest.subscribe(),
        session: pass.session,
        step: Step::Hello,
        shared,
        _place: place,
    };
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream")),
        NO_STORE,
        // Proxies that would collect it first are asked not to.
        (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no")),
    ];
    (headers, Body::from_stream(viewer.events())).into_response()
}

/// One stream.
struct Viewer {
    shared: Arc<Shared>,
    newest: watch::Receiver<Bytes>,
    session: Option<SessionId>,
    step: Step,
    _place: OwnedSemaphorePermit,
}

enum Step {
    Hello,
    Now,
    Over,
}

impl Viewer {
    fn events(self) -> impl Stream<Item = Result<Bytes, Infallible>> {
        stream::unfold(self, |mut viewer| async move {
            let next = viewer.next().await?;
            Some((Ok(next), viewer))
        })
    }

    async fn next(&mut self) -> Option<Bytes> {
        match self.step {
            Step::Hello => {
                self.step = Step::Now;
                Some(event("hello", &document(&self.shared, true).await))
            }
            Step::Now => Some(self.later().await.unwrap_or_else(|| {
                self.step = Step::Over;
                event("bye", b"{}")
            })),
            Step::Over => None,
        }
    }

    /// What comes after the first event; `None` if nothing does.
    async fn later(&mut self) -> Option<Bytes> {
        let gone = self.shared.gone.clone();
        let changed = tokio::select! {
            biased;
            () = gone.cancelled() => return None,
            changed = tokio::time::timeout(ALIVE_AFTER, self.newest.changed()) => changed,
        };
        if !lasts(&self.shared.console, self.session) {
            return None;
        }
        match changed {
            Ok(Ok(())) => Some(self.newest.borrow_and_update().clone()),
            Ok(Err(_)) => None,
            Err(_) => Some(Bytes::from_static(b": alive\n\n")),
        }
    }
}

/// Whether a stream may go on: whoever showed the token itself has no session that could end.
fn lasts(console: &Console, session: Option<SessionId>) -> bool {
    session.is_none_or(|session| console.sessions().ends_us_of(session, crate::clock::now_us()).is_some())
}
