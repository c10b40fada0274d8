//! What a client gets: a body that is known, or one that is on its way.

use crate::place::Place;
use crate::relay::Relay;
use crate::safety::Guarding;
use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use http_body::{Body, Frame, SizeHint};
use std::pin::Pin;
use std::task::{Context, Poll};

/// Body of an answer.
pub(crate) enum Reply {
    /// All of it; `None` once it was handed over. Holds its place among the requests served until it is sent.
    Whole { bytes: Option<Bytes>, _held: Option<Place> },
    /// The provider's bytes on their way through.
    Relay(Box<Relay>),
    /// The same as the guard lets it through.
    Guarded(Guarding),
}

impl Reply {
    /// A JSON answer.
    pub(crate) fn json(status: StatusCode, body: impl Into<Bytes>) -> Response<Self> {
        let mut response = Response::new(Self::Whole { bytes: Some(body.into()), _held: None });
        *response.status_mut() = status;
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        response
    }
}

impl Body for Reply {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        match self.get_mut() {
            Self::Whole { bytes, .. } => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Self::Relay(relay) => Pin::new(&mut **relay).poll_frame(task),
            Self::Guarded(guarded) => Pin::new(guarded).poll_frame(task),
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Whole { bytes: None, .. })
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole { bytes, .. } => SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)),
            Self::Relay(relay) => relay.size_hint(),
            Self::Guarded(_) => SizeHint::default(),
        }
    }
}
