//! The body that is sent to the client: the provider's bytes on their way through.
//!
//! It owns everything that has to end with the last byte: the permit, the measurement and the record. When the
//! client goes away, hyper drops the body; the provider's connection is dropped with it and the record says so.

use crate::meter::{Editor, Meter};
use crate::ticket::Ticket;
use crate::upstream::{Sent, Slot};
use bytes::Bytes;
use futures_util::Stream;
use http_body_util::BodyExt;
use std::pin::Pin;
use std::task::{Context as TaskContext, Poll};
use std::time::{Duration, Instant};
use tokio::time::Sleep;
use tokio_util::sync::WaitForCancellationFutureOwned;
use wire::ErrorKind;
use wire::chat::ErrorBody;

/// The provider sent nothing for as long as it may.
struct Silence;

type Pieces = Pin<Box<dyn Stream<Item = hyper::Result<Bytes>> + Send>>;

/// See the module's text.
pub(crate) struct Relay {
    pieces: Pieces,
    /// Present until the record is written.
    open: Option<(Meter, Ticket)>,
    editor: Option<Editor>,
    streamed: bool,
    cut: Pin<Box<WaitForCancellationFutureOwned>>,
    /// Runs only while the provider is waited for: time that the client takes is not the provider's silence.
    idle: Pin<Box<Sleep>>,
    idle_runs: bool,
    idle_timeout: Duration,
    total: Pin<Box<Sleep>>,
    slot: Slot,
}

impl Relay {
    pub(crate) fn new(
        sent: Sent,
        meter: Meter,
        editor: Option<Editor>,
        ticket: Ticket,
        idle_timeout: Duration,
    ) -> Self {
        Self {
            idle: Box::pin(tokio::time::sleep(idle_timeout)),
            idle_runs: false,
            idle_timeout,
            streamed: ticket.context.streamed,
            cut: Box::pin(ticket.shared.cut.clone().cancelled_owned()),
            pieces: Box::pin(sent.response.into_body().into_data_stream()),
            total: Box::pin(tokio::time::sleep_until(sent.deadline)),
            slot: sent.slot,
            open: Some((meter, ticket)),
            editor,
        }
    }

    fn close(&mut self, failure: Option<ErrorKind>) {
        if let Some((meter, mut ticket)) = self.open.take() {
            if failure.is_none_or(ErrorKind::blames_provider) {
                self.slot.report(failure.is_none());
            }
            ticket.close(meter.finish(failure, Instant::now()));
        }
    }

    fn is_over(&self) -> bool {
        self.open.as_ref().is_some_and(|(meter, _)| meter.is_over())
    }

    /// The provider's next piece, or its silence.
    fn next_piece(&mut self, task: &mut TaskContext<'_>) -> Poll<Result<Option<hyper::Result<Bytes>>, Silence>> {
        if let Poll::Ready(piece) = self.pieces.as_mut().poll_next(task) {
            self.idle_runs = false;
            return Poll::Ready(Ok(piece));
        }
        if !std::mem::replace(&mut self.idle_runs, true) {
            self.idle.as_mut().reset(tokio::time::Instant::now() + self.idle_timeout);
        }
        self.idle.as_mut().poll(task).map(|()| Err(Silence))
    }

    /// The last words to the client when the answer breaks off: an error event in a stream; a whole answer can only
    /// be cut, so that the client sees it is incomplete.
    fn break_off(&mut self, kind: ErrorKind, why: &str) -> Poll<Option<Result<Bytes, std::io::Error>>> {
        if self.is_over() {
            // What goes wrong behind the end mark concerns nobody any more.
            self.close(None);
            return Poll::Ready(None);
        }
        self.close(Some(kind));
        if !self.streamed {
            return Poll::Ready(Some(Err(std::io::Error::other(why.to_owned()))));
        }
        let mut event = Vec::new();
        wire::sse::encode::data(&mut event, &ErrorBody::new("server_error", Some(kind.name()), why).to_json());
        Poll::Ready(Some(Ok(Bytes::from(event))))
    }
}

impl Stream for Relay {
    type Item = Result<Bytes, std::io::Error>;

    fn poll_next(mut self: Pin<&mut Self>, task: &mut TaskContext<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if self.open.is_none() {
                return Poll::Ready(None);
            }
            if self.cut.as_mut().poll(task).is_ready() {
                return self.break_off(ErrorKind::GatewayStopped, "the gateway is shutting down");
            }
            if self.total.as_mut().poll(task).is_ready() {
                return self.break_off(ErrorKind::Timeout, "the answer took longer than it may");
            }
            let Ok(piece) = std::task::ready!(self.next_piece(task)) else {
                return self.break_off(ErrorKind::Timeout, "the provider went silent");
            };
            let editor = self.editor;
            let Some((meter, _)) = self.open.as_mut() else { return Poll::Ready(None) };
            match piece {
                Some(Ok(bytes)) => match meter.bytes(bytes, Instant::now(), editor) {
                    Ok(bytes) if bytes.is_empty() => {}
                    Ok(bytes) => return Poll::Ready(Some(Ok(bytes))),
                    Err(kind) => return self.break_off(kind, "the provider's answer cannot be read"),
                },
                Some(Err(_)) => return self.break_off(ErrorKind::Truncated, "the provider broke the answer off"),
                None => {
                    let rest = meter.rest(Instant::now(), editor);
                    if self.streamed && !self.is_over() {
                        return self.break_off(ErrorKind::Truncated, "the provider broke the answer off");
                    }
                    self.close(None);
                    if !rest.is_empty() {
                        return Poll::Ready(Some(Ok(rest)));
                    }
                }
            }
        }
    }
}

impl Drop for Relay {
    /// Dropped before its end: the client went away. Many clients do so at the end mark; that is no cancellation.
    fn drop(&mut self) {
        let over = self.is_over();
        self.close((!over).then_some(ErrorKind::ClientCancelled));
    }
}
