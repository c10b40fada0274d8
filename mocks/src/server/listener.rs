//! Connections that can be reset on demand.
//!
//! A handler cannot break its connection: whatever it returns becomes an HTTP answer. So each connection carries a
//! switch. A handler that turns it makes the next write fail, the server drops the socket, and as lingering is off by
//! then, the peer sees a reset and not an orderly end.

use std::convert::Infallible;
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;

use super::handle::{self, App};

/// Pause after a failed accept, which mostly means that the process is out of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Connections served at once. More of them wait in the system's own queue until one is closed.
const CONNECTIONS_MAX: usize = 65_536;

/// Accepts connections until the mock stops, and then waits for those that are open.
pub(super) async fn serve(listener: TcpListener, app: Arc<App>) {
    let connections = TaskTracker::new();
    let seats = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let accept = async || {
        let seat = Arc::clone(&seats).acquire_owned().await;
        (seat, listener.accept().await)
    };
    loop {
        let (seat, accepted) = tokio::select! {
            accepted = accept() => accepted,
            () = app.stop.cancelled() => break,
        };
        match accepted {
            Ok((stream, _peer)) => {
                let app = Arc::clone(&app);
                connections.spawn(async move {
                    connection(stream, app).await;
                    drop(seat);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    connections.close();
    connections.wait().await;
}

/// Serves one connection until it is closed, or the mock stops: then the answer in flight is the last one.
async fn connection(stream: TcpStream, app: Arc<App>) {
    // Small chunks must leave at once.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "cannot turn off Nagle's algorithm");
    }
    let line = Line::default();
    let io = TokioIo::new(MockStream { stream, line: line.clone() });
    let service = service_fn(|request| {
        let answer = handle::handle(Arc::clone(&app), line.clone(), request);
        async move { Ok::<_, Infallible>(answer.await) }
    });
    let mut served = pin!(http1::Builder::new().serve_connection(io, service));
    let ended = tokio::select! {
        ended = served.as_mut() => ended,
        () = app.stop.cancelled() => {
            served.as_mut().graceful_shutdown();
            served.await
        }
    };
    if let Err(error) = ended {
        // Clients that go away are everyday business, and faults break connections on purpose.
        tracing::debug!(%error, "connection ended");
    }
}

/// A connection with its switch.
pub(super) struct MockStream {
    stream: TcpStream,
    line: Line,
}

/// The switch of a connection, as handlers see it.
#[derive(Clone, Debug, Default)]
pub(super) struct Line(Arc<AtomicBool>);

impl Line {
    /// Makes the connection break at its next write.
    pub(super) fn cut(&self) {
        self.0.store(true, Ordering::Release);
    }

    pub(super) fn is_cut(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

impl MockStream {
    fn check(&self) -> io::Result<()> {
        if !self.line.is_cut() {
            return Ok(());
        }
        if let Err(error) = self.stream.set_zero_linger() {
            tracing::debug!(%error, "cannot turn off lingering; the peer will see an orderly end");
        }
        Err(io::ErrorKind::ConnectionReset.into())
    }
}

impl AsyncRead for MockStream {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, into)
    }
}

impl AsyncWrite for MockStream {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.check()?;
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.check()?;
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
