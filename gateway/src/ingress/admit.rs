//! The body of a request, and the bound on all of them.

use crate::problem::Problem;
use bytes::{Bytes, BytesMut};
use http::header::CONTENT_ENCODING;
use http::{HeaderMap, HeaderValue};
use http_body::Body;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

/// How long a client may take to send its request: until then it holds a place.
const REQUEST_BODY_TIMEOUT: Duration = Duration::from_secs(60);

/// Bytes of all requests that are being read or wait for their answer to begin.
#[derive(Debug, Default)]
pub(crate) struct Held {
    bytes: AtomicUsize,
    refused: AtomicU64,
}

impl Held {
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed) as u64
    }

    /// Requests refused because all together were too many bytes.
    pub(crate) fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }
}

/// A request's share of them, given back when it is dropped.
#[derive(Debug)]
pub(super) struct Share<'a> {
    held: &'a Held,
    bytes: usize,
    max: usize,
}

impl<'a> Share<'a> {
    pub(super) const fn new(held: &'a Held, max: usize) -> Self {
        Self { held, bytes: 0, max }
    }

    /// Takes more; `false` if all together would be too many.
    fn grow_to(&mut self, bytes: usize) -> bool {
        let more = bytes.saturating_sub(self.bytes);
        let before = self.held.bytes.fetch_add(more, Ordering::Relaxed);
        self.bytes += more;
        before + more <= self.max
    }
}

impl Drop for Share<'_> {
    fn drop(&mut self) {
        self.held.bytes.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// Whether the body is sent as it is.
///
/// # Errors
/// It is compressed.
pub(super) fn plain(headers: &HeaderMap) -> Result<(), Problem> {
    let identity = |value: &HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"identity");
    if headers.get_all(CONTENT_ENCODING).iter().all(identity) { Ok(()) } else { Err(Problem::encoded()) }
}

/// The request's body, at most `limit` bytes. One that comes in one piece is not copied.
///
/// # Errors
/// It is longer, there are too many bytes of all requests together, or it did not arrive.
pub(super) async fn body(body: Incoming, limit: usize, share: &mut Share<'_>) -> Result<Bytes, Problem> {
    if body.size_hint().lower() > limit as u64 {
        return Err(Problem::too_large(limit));
    }
    match tokio::time::timeout(REQUEST_BODY_TIMEOUT, collect(body, limit, share)).await {
        Ok(read) => read,
        Err(_) => Err(Problem::unread("did not arrive in time")),
    }
}

async fn collect(mut body: Incoming, limit: usize, share: &mut Share<'_>) -> Result<Bytes, Problem> {
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(0);
    let mut first = Bytes::new();
    let mut all = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else { return Err(Problem::unread("broke off")) };
        let Ok(piece) = frame.into_data() else { continue };
        let read = first.len() + all.len() + piece.len();
        if read > limit {
            return Err(Problem::too_large(limit));
        }
        if !share.grow_to(read) {
            share.held.refused.fetch_add(1, Ordering::Relaxed);
            return Err(Problem::busy("holds as many bytes of requests as it may"));
        }
        if first.is_empty() && all.is_empty() {
            first = piece;
        } else {
            if all.is_empty() {
                all.reserve(announced.max(read));
                all.extend_from_slice(&std::mem::take(&mut first));
            }
            all.extend_from_slice(&piece);
        }
    }
    Ok(if all.is_empty() { first } else { all.freeze() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_bounded_together_and_given_back() {
        let held = Held::default();
        let mut one = Share::new(&held, 100);
        let mut two = Share::new(&held, 100);
        assert!(one.grow_to(40) && one.grow_to(60) && two.grow_to(40));
        assert!(!two.grow_to(41));
        drop(two);
        assert_eq!(held.bytes.load(Ordering::Relaxed), 60);
        drop(one);
        assert_eq!(held.bytes.load(Ordering::Relaxed), 0);
    }
}
