//! Connections as the pool gets them: made within a deadline, counted, and knowing whether they have ever answered.
//!
//! The deadline stands around everything that a connection needs (name, TCP, TLS), which no single setting of the
//! libraries does. What a connection knows about itself answers one question: when it broke without an answer, was it
//! one that had been kept open and that the provider closed at just that moment? Then the request is simply sent
//! again on a new one.

use super::counters::Counters;
use http::Uri;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::{Connected, Connection};
use std::error::Error as StdError;
use std::future::Future;
use std::io::{Error, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;
use tower_service::Service;

/// No connection in time.
#[derive(Debug, thiserror::Error)]
#[error("no connection within {0:?}")]
pub(super) struct ConnectDeadline(Duration);

/// What a connection remembers. How many bytes a read brought cannot be seen from here, but reads can be counted: one
/// that broke without a word has finished one read since the last write at most, the one that found it broken.
#[derive(Debug, Clone, Default)]
pub(super) struct Memory(Arc<Reads>);

#[derive(Debug, Default)]
struct Reads {
    /// Reads that finished since the last write.
    since_write: AtomicU32,
    /// Something had come before the last write: the connection had been kept open after an answer.
    answered: AtomicBool,
}

impl Memory {
    /// It had answered before, and broke without a word to what was sent last.
    pub(super) fn went_stale(&self) -> bool {
        self.0.answered.load(Ordering::Relaxed) && self.0.since_write.load(Ordering::Relaxed) <= 1
    }

    fn writes(&self) {
        if self.0.since_write.swap(0, Ordering::Relaxed) > 0 {
            self.0.answered.store(true, Ordering::Relaxed);
        }
    }

    fn has_read(&self) {
        self.0.since_write.fetch_add(1, Ordering::Relaxed);
    }
}

/// Makes connections by `C`.
#[derive(Debug, Clone)]
pub(super) struct Connector<C> {
    inner: C,
    deadline: Duration,
    counters: Arc<Counters>,
}

impl<C> Connector<C> {
    pub(super) const fn new(inner: C, deadline: Duration, counters: Arc<Counters>) -> Self {
        Self { inner, deadline, counters }
    }
}

type BoxError = Box<dyn StdError + Send + Sync>;

impl<C> Service<Uri> for Connector<C>
where
    C: Service<Uri>,
    C::Error: Into<BoxError>,
    C::Future: Send + 'static,
    C::Response: Send,
{
    type Response = Link<C::Response>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let connecting = tokio::time::timeout(self.deadline, self.inner.call(uri));
        let (deadline, counters) = (self.deadline, Arc::clone(&self.counters));
        Box::pin(async move {
            let connected = match connecting.await {
                Ok(connected) => connected.map_err(Into::into),
                Err(_) => Err(ConnectDeadline(deadline).into()),
            };
            match connected {
                Ok(inner) => {
                    counters.connects.add_one();
                    Ok(Link { inner, memory: Memory::default() })
                }
                Err(error) => {
                    counters.connect_failures.add_one();
                    Err(error)
                }
            }
        })
    }
}

/// A connection.
#[derive(Debug)]
pub(super) struct Link<T> {
    inner: T,
    memory: Memory,
}

impl<T: Connection> Connection for Link<T> {
    /// Without the addresses that the inner one would attach to every answer: nobody reads them.
    fn connected(&self) -> Connected {
        let connected = Connected::new().extra(self.memory.clone());
        if self.inner.connected().is_negotiated_h2() { connected.negotiated_h2() } else { connected }
    }
}

impl<T: Read + Unpin> Read for Link<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<Result<(), Error>> {
        let polled = Pin::new(&mut self.inner).poll_read(context, buffer);
        if polled.is_ready() {
            self.memory.has_read();
        }
        polled
    }
}

impl<T: Write + Unpin> Write for Link<T> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize, Error>> {
        self.memory.writes();
        Pin::new(&mut self.inner).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<Result<usize, Error>> {
        self.memory.writes();
        Pin::new(&mut self.inner).poll_write_vectored(context, slices)
    }
}
