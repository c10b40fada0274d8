//! An answer as it comes from a provider, under its deadlines: the one way in which everybody reads it, whether a client
//! waits for it or nobody does.

use crate::deadline::Deadline;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header};
use http_body::Body;
use hyper::body::Incoming;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use wire::ErrorKind;

/// See the module's text.
pub(crate) struct Receiving {
    body: Incoming,
    deadline: Deadline,
}

/// What came next.
pub(crate) enum Next {
    Piece(Bytes),
    End,
    /// The answer is over before its end, and why in words.
    Broken(ErrorKind, &'static str),
}

impl Receiving {
    pub(crate) const fn new(body: Incoming, deadline: Deadline) -> Self {
        Self { body, deadline }
    }

    /// The next piece. Deadlines run only while the provider is waited for, except for the total: an answer that never
    /// pauses has to end, too.
    pub(crate) fn poll_next(&mut self, task: &mut Context<'_>) -> Poll<Next> {
        loop {
            let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(task) else {
                ready!(self.deadline.poll(task));
                return Poll::Ready(Next::Broken(ErrorKind::Timeout, self.deadline.reason()));
            };
            if !self.deadline.heard() {
                return Poll::Ready(Next::Broken(ErrorKind::Timeout, self.deadline.reason()));
            }
            return Poll::Ready(match frame {
                None => Next::End,
                Some(Err(_)) => Next::Broken(ErrorKind::Truncated, "the provider broke the answer off"),
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(bytes) => Next::Piece(bytes),
                    // Trailers have no meaning in these protocols.
                    Err(_) => continue,
                },
            });
        }
    }

    /// The same for those who wait.
    pub(crate) async fn next(&mut self) -> Next {
        poll_fn(|task| self.poll_next(task)).await
    }

    /// The answer proper has begun. Says whether it had not before.
    pub(crate) const fn begun(&mut self) -> bool {
        self.deadline.begun()
    }

    /// Everything that was announced has come.
    pub(crate) fn is_complete(&self) -> bool {
        self.body.is_end_stream()
    }

    pub(crate) fn size_hint(&self) -> http_body::SizeHint {
        self.body.size_hint()
    }
}

/// Whether the answer is a stream of events.
pub(crate) fn is_event_stream(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
    kind.get(..17).is_some_and(|kind| kind.eq_ignore_ascii_case(b"text/event-stream"))
}
