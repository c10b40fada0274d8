//! The data plane's socket: accepts connections, speaks HTTP/1.1 and HTTP/2 on them, and ends them in order.
//!
//! Own loop instead of a server framework's, because a gateway needs what those hide: a bound on connections, a deadline
//! for request heads, limits on their size, and a stop that tells every connection.

use crate::ingress;
use crate::socket::Socket;
use crate::state::Shared;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use std::convert::Infallible;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;

/// How long a connection may take to send a request's head; also how long it may stay without a request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(75);
/// Most bytes of a request's head, and of what is read ahead on a connection.
const HEAD_BYTES_MAX: usize = 64 * 1024;
/// Streams that one HTTP/2 connection may have open.
const STREAMS_MAX: u32 = 256;
/// Pause after a failed accept (no file descriptors left, for example), so that the loop does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Accepts until the gateway stops; every connection is a task of `tasks`.
pub(crate) async fn run(listener: TcpListener, shared: Arc<Shared>, tasks: TaskTracker) {
    let connections = Arc::new(Semaphore::new(shared.connections_max));
    let builder = builder();
    loop {
        // At the bound, nobody is accepted: new connections wait in the system's queue.
        let place = tokio::select! {
            () = shared.stopping.cancelled() => return,
            place = Arc::clone(&connections).acquire_owned() => place,
        };
        let (stream, peer) = tokio::select! {
            () = shared.stopping.cancelled() => return,
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(error) if is_of_the_connection(&error) => continue,
                Err(error) => {
                    tracing::warn!(%error, "cannot accept connections; trying again");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            },
        };
        let (shared, builder) = (Arc::clone(&shared), builder.clone());
        tasks.spawn(async move {
            let _place = place;
            connection(stream, peer, &builder, shared).await;
        });
    }
}

/// Not `pipeline_flush`: it would put off the flush of a stream while the client's next request waits behind it, and lift
/// the bound on what is kept for a client that does not read.
fn builder() -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT).max_buf_size(HEAD_BYTES_MAX);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS_MAX)
        .max_send_buf_size(HEAD_BYTES_MAX)
        .max_header_list_size(u32::try_from(HEAD_BYTES_MAX).unwrap_or(u32::MAX))
        .keep_alive_interval(Some(HEAD_TIMEOUT));
    builder
}

/// One connection, until it ends or the gateway stops.
async fn connection(stream: TcpStream, peer: SocketAddr, builder: &Builder<TokioExecutor>, shared: Arc<Shared>) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY not set");
    }
    let stopping = shared.stopping.clone();
    let service = service_fn(move |request| {
        let shared = Arc::clone(&shared);
        async move { Ok::<_, Infallible>(ingress::handle(shared, request, peer).await) }
    });
    let mut serving = pin!(builder.serve_connection(TokioIo::new(Socket::new(stream, HEAD_TIMEOUT)), service));
    let ended = tokio::select! {
        ended = serving.as_mut() => ended,
        () = stopping.cancelled() => {
            serving.as_mut().graceful_shutdown();
            serving.await
        }
    };
    if let Err(error) = ended {
        // A client that breaks off, or speaks something else: its own business.
        tracing::debug!(error = %error, "a connection ended early");
    }
}

/// Errors of `accept` that concern one connection only.
fn is_of_the_connection(error: &std::io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ConnectionAborted
            | ErrorKind::ConnectionReset
            | ErrorKind::ConnectionRefused
            | ErrorKind::Interrupted
    )
}
