//! The body that is sent to the client: the provider's bytes on their way through.
//!
//! It owns everything that has to end with the last byte: the permit, the measurement and the record. When the
//! client goes away, hyper drops the body; the provider's connection is dropped with it and the record says so.
//! Nothing is read ahead: the provider is asked for more only when the client has taken what came, so a slow reader
//! costs one read buffer and no more.

use crate::meter::{Editor, Meter};
use crate::receive::{Next, Receiving};
use crate::ticket::Ticket;
use bytes::Bytes;
use datasets::GuardCheck;
use guard::Action;
use http_body::{Body, Frame, SizeHint};
use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;
use tokio_util::sync::WaitForCancellationFutureOwned;
use wire::ErrorKind;
use wire::chat::ErrorBody;

/// See the module's text.
pub(crate) struct Relay {
    receiving: Receiving,
    /// What was read while it was still open who would answer.
    ahead: VecDeque<Bytes>,
    /// Present until the record is written.
    open: Option<(Meter, Ticket)>,
    editor: Option<Editor>,
    /// Made when the provider is waited for the first time: most whole answers never wait.
    cut: Option<Pin<Box<WaitForCancellationFutureOwned>>>,
    /// Present in the guard's hands, which decides when the answer goes on record; holds how it ended, and when.
    guarded: Option<Option<(Option<ErrorKind>, Instant)>>,
}

/// What a body is polled for.
type Polled = Poll<Option<Result<Frame<Bytes>, std::io::Error>>>;

impl Relay {
    /// `ahead` holds bytes for the client that were read already; `editor` is there for streams.
    pub(crate) fn new(
        receiving: Receiving,
        ahead: VecDeque<Bytes>,
        meter: Meter,
        editor: Option<Editor>,
        ticket: Ticket,
    ) -> Self {
        Self { receiving, ahead, open: Some((meter, ticket)), editor, cut: None, guarded: None }
    }

    /// The guard reads it: it goes on record when the guard says so, or as cancelled when it is dropped before.
    pub(crate) const fn guarded(mut self) -> Self {
        self.guarded = Some(None);
        self
    }

    /// The next piece, for the guard.
    pub(crate) async fn frame(&mut self) -> Option<Result<Frame<Bytes>, std::io::Error>> {
        std::future::poll_fn(|task| Pin::new(&mut *self).poll_frame(task)).await
    }

    /// Puts a guarded answer on record. `check` is the guard's verdict if it is known, `done` what the guard did. An answer
    /// that it cut is no failure of the provider.
    pub(crate) fn settle(&mut self, check: Option<GuardCheck>, done: Action) {
        let ended = self.guarded.take().flatten();
        let Some((meter, mut ticket)) = self.open.take() else { return };
        let (failure, at) = ended.unwrap_or_else(|| (None, Instant::now()));
        let mut outcome = meter.finish(failure, at);
        outcome.guard = check;
        outcome.done = done;
        if ended.is_none() && done == Action::Blocked {
            outcome.cut = true;
            outcome.error = None;
        }
        ticket.close(outcome);
    }

    fn close(&mut self, failure: Option<ErrorKind>) {
        if let Some(ended) = &mut self.guarded {
            ended.get_or_insert_with(|| (failure, Instant::now()));
            return;
        }
        if let Some((meter, mut ticket)) = self.open.take() {
            ticket.close(meter.finish(failure, Instant::now()));
        }
    }

    /// Whether open answers have to end now; wakes the task when they have to.
    fn is_cut(&mut self, task: &mut Context<'_>) -> bool {
        let Some((_, ticket)) = &self.open else { return false };
        let cut = self.cut.get_or_insert_with(|| Box::pin(ticket.shared.cut.clone().cancelled_owned()));
        cut.as_mut().poll(task).is_ready()
    }

    fn is_over(&self) -> bool {
        self.open.as_ref().is_some_and(|(meter, _)| meter.is_over())
    }

    /// The last words to the client when the answer breaks off: an error event in a stream; a whole answer can only
    /// be cut, so that the client sees it is incomplete.
    fn break_off(&mut self, kind: ErrorKind, why: &str) -> Polled {
        if self.is_over() {
            // What goes wrong behind the end mark concerns nobody any more.
            self.close(None);
            return Poll::Ready(None);
        }
        self.close(Some(kind));
        if self.editor.is_none() {
            return Poll::Ready(Some(Err(std::io::Error::other(why.to_owned()))));
        }
        let mut event = Vec::new();
        wire::sse::encode::data(&mut event, &ErrorBody::new("server_error", Some(kind.name()), why).to_json());
        Poll::Ready(Some(Ok(Frame::data(Bytes::from(event)))))
    }

    /// The provider's stream has ended.
    fn end(&mut self) -> Polled {
        let Some((meter, _)) = self.open.as_mut() else { return Poll::Ready(None) };
        let rest = meter.rest(Instant::now(), self.editor.as_ref());
        if self.editor.is_some() && !self.is_over() {
            return self.break_off(ErrorKind::Truncated, "the provider broke the answer off");
        }
        self.close(None);
        Poll::Ready((!rest.is_empty()).then(|| Ok(Frame::data(rest))))
    }
}

impl Body for Relay {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Polled {
        let this = &mut *self;
        if let Some(bytes) = this.ahead.pop_front() {
            return Poll::Ready(Some(Ok(Frame::data(bytes))));
        }
        loop {
            if this.open.is_none() || this.guarded.is_some_and(|ended| ended.is_some()) {
                return Poll::Ready(None);
            }
            let Poll::Ready(next) = this.receiving.poll_next(task) else {
                if this.is_cut(task) {
                    return this.break_off(ErrorKind::GatewayStopped, "the gateway is shutting down");
                }
                return Poll::Pending;
            };
            let Some((meter, ticket)) = this.open.as_mut() else { return Poll::Ready(None) };
            match next {
                Next::Piece(bytes) => match meter.bytes(bytes, Instant::now(), this.editor.as_ref()) {
                    Ok(bytes) => {
                        if meter.has_spoken() && this.receiving.begun() {
                            ticket.begun();
                        }
                        if !bytes.is_empty() {
                            return Poll::Ready(Some(Ok(Frame::data(bytes))));
                        }
                    }
                    Err(kind) => return this.break_off(kind, "the provider's answer cannot be read"),
                },
                Next::Broken(kind, why) => return this.break_off(kind, why),
                Next::End => return this.end(),
            }
        }
    }

    /// Known for whole answers, so that the client gets their length and not chunks.
    fn size_hint(&self) -> SizeHint {
        if self.editor.is_some() || !self.ahead.is_empty() { SizeHint::default() } else { self.receiving.size_hint() }
    }
}

impl Drop for Relay {
    /// Dropped before its end: the client went away. Many clients do so at the end mark, and hyper does so once it has
    /// sent as many bytes as were announced; neither is a cancellation.
    fn drop(&mut self) {
        // What the guard held did not reach the client, even if the provider had ended well.
        let ended = self.guarded.take();
        let failed = ended.flatten().and_then(|(failure, _)| failure);
        let over = ended.is_none() && self.is_over() || (self.editor.is_none() && self.receiving.is_complete());
        let stopped = self.open.as_ref().is_some_and(|(_, ticket)| ticket.shared.cut.is_cancelled());
        let left = if stopped { ErrorKind::GatewayStopped } else { ErrorKind::ClientCancelled };
        self.close((!over).then_some(failed.unwrap_or(left)));
    }
}
