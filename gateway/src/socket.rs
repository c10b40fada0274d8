//! A client's socket that does not wait for ever: neither for the first bytes of a client that says nothing, nor for a
//! client that takes nothing of what it asked for.
//!
//! Both would otherwise hold a place among the connections, and the second one a permit and a provider's connection, for as
//! long as the client likes: the protocol's own timers begin only with a request's first byte and end with its last.

use std::io::{Error, ErrorKind, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

/// How long a client may take nothing while bytes wait for it.
pub(crate) const STUCK_AFTER: Duration = Duration::from_secs(60);
/// Bytes after which the protocol is known and its own timers run.
const GREETING_BYTES: usize = 24;

/// See the module's text.
pub(crate) struct Socket<S> {
    stream: S,
    /// Runs until the client has said enough to tell its protocol.
    silent: Option<Pin<Box<Sleep>>>,
    heard_bytes: usize,
    /// Runs while a write waits.
    stuck: Option<Pin<Box<Sleep>>>,
    is_stuck: bool,
}

impl<S> Socket<S> {
    pub(crate) fn new(stream: S, silent_max: Duration) -> Self {
        let silent = Some(Box::pin(tokio::time::sleep(silent_max)));
        Self { stream, silent, heard_bytes: 0, stuck: None, is_stuck: false }
    }

    /// What a write came to: progress, or a wait that must not last.
    fn watch<T>(&mut self, task: &mut Context<'_>, written: Poll<Result<T, Error>>) -> Poll<Result<T, Error>> {
        if written.is_ready() {
            self.is_stuck = false;
            return written;
        }
        let end = Instant::now() + STUCK_AFTER;
        let timer = self.stuck.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(end)));
        if !std::mem::replace(&mut self.is_stuck, true) {
            timer.as_mut().reset(end);
        }
        timer.as_mut().poll(task).map(|()| Err(Error::new(ErrorKind::TimedOut, "the client takes nothing")))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Socket<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        task: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<Result<(), Error>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(task, buffer);
        if self.silent.is_some() {
            self.heard_bytes += buffer.filled().len() - before;
            if self.heard_bytes >= GREETING_BYTES {
                self.silent = None;
            }
        }
        if read.is_pending()
            && let Some(silent) = &mut self.silent
            && silent.as_mut().poll(task).is_ready()
        {
            return Poll::Ready(Err(Error::new(ErrorKind::TimedOut, "the client says nothing")));
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Socket<S> {
    fn poll_write(mut self: Pin<&mut Self>, task: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize, Error>> {
        let written = Pin::new(&mut self.stream).poll_write(task, bytes);
        // Whoever is answered has said enough.
        self.silent = None;
        self.watch(task, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        task: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<Result<usize, Error>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(task, slices);
        self.silent = None;
        self.watch(task, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Pin::new(&mut self.stream).poll_flush(task)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Pin::new(&mut self.stream).poll_shutdown(task)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    const SILENT: Duration = Duration::from_secs(75);

    #[tokio::test(start_paused = true)]
    async fn a_client_that_says_nothing_or_too_little_is_left() {
        let (mut client, server) = tokio::io::duplex(1024);
        let mut socket = Socket::new(server, SILENT);
        client.write_all(b"PRI * H").await.unwrap();
        let mut buffer = [0; 64];
        assert_eq!(socket.read(&mut buffer).await.unwrap(), 7);
        let start = Instant::now();
        assert_eq!(socket.read(&mut buffer).await.unwrap_err().kind(), ErrorKind::TimedOut);
        assert!(start.elapsed() <= SILENT);
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_has_spoken_may_wait_as_long_as_it_likes() {
        let (mut client, server) = tokio::io::duplex(1024);
        let mut socket = Socket::new(server, SILENT);
        client.write_all(b"POST /v1/embeddings HTTP/1.1\r\n").await.unwrap();
        let mut buffer = [0; 64];
        assert!(socket.read(&mut buffer).await.unwrap() >= GREETING_BYTES);
        assert!(tokio::time::timeout(10 * SILENT, socket.read(&mut buffer)).await.is_err(), "no error of ours");
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_takes_nothing_is_left_and_a_slow_one_is_not() {
        let (mut client, server) = tokio::io::duplex(8);
        let mut socket = Socket::new(server, SILENT);
        let reading = tokio::spawn(async move {
            let mut byte = [0];
            for _ in 0..20 {
                tokio::time::sleep(STUCK_AFTER / 2).await;
                client.read_exact(&mut byte).await.unwrap();
            }
            client
        });
        socket.write_all(&[0; 28]).await.unwrap();
        let client = reading.await.unwrap();
        let start = Instant::now();
        assert_eq!(socket.write_all(&[0; 28]).await.unwrap_err().kind(), ErrorKind::TimedOut);
        assert_eq!(start.elapsed().as_secs(), STUCK_AFTER.as_secs());
        drop(client);
    }
}
