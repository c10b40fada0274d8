//! Measures one answer as its bytes pass, for both arms alike, and edits frames where the client must not see them
//! as they are.

use crate::exchange::Outcome;
use crate::safety::Listener;
use bytes::{Bytes, BytesMut};
use guard::Action;
use std::time::{Duration, Instant};
use wire::chat::{Answer, Firsts, Fold, Seen};
use wire::provider::{Adapter, ClientError, Edit, View};
use wire::sse::{Decoder, Frame};
use wire::{Endpoint, ErrorKind};

/// Most bytes that one unfinished frame may have. A stream that exceeds it is broken off: it is no event stream.
const FRAME_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Most bytes of a whole (not streamed) answer that are kept until its end, for its record or to be changed. A longer one
/// passes unread where nothing has to change, and its usage is an estimate.
const WHOLE_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Running measurement of one answer.
pub(crate) struct Meter {
    sent: Instant,
    status: u16,
    /// The answer is an event stream.
    framed: bool,
    decoder: Decoder,
    whole: Vec<Bytes>,
    whole_bytes: usize,
    /// The whole answer is longer than what is kept of it.
    overflowed: bool,
    adapter: &'static dyn Adapter,
    endpoint: Endpoint,
    fold: Fold,
    begun: bool,
    /// The error event that the stream brought.
    failed: Option<ClientError>,
    /// Where the guard judges answers: hears what is said.
    listener: Option<Listener>,
    /// When what came first came, since sending.
    firsts: Firsts<Duration>,
}

/// How frames are edited on their way to the client. Streams always pass frame by frame, so that what the gateway itself
/// may have to say never lands inside one.
pub(crate) struct Editor {
    pub adapter: &'static dyn Adapter,
    pub endpoint: Endpoint,
    pub wants_usage: bool,
    /// The model's name for the client, instead of the provider's.
    pub model: Option<String>,
    pub reasoning: bool,
    /// The client speaks the deprecated form of tools.
    pub functions: bool,
    /// Comments (keep-alive) pass.
    pub comments: bool,
}

impl Editor {
    pub(crate) fn view(&self) -> View<'_> {
        let Self { wants_usage, reasoning, functions, .. } = *self;
        View { wants_usage, model: self.model.as_deref(), reasoning, functions }
    }
}

/// What the frames of one push add up to. The usual push holds one frame that passes untouched: no byte is copied.
enum Out {
    Nothing,
    One(Bytes),
    Many(BytesMut),
}

impl Out {
    fn push(&mut self, bytes: Bytes) {
        match self {
            _ if bytes.is_empty() => {}
            Self::Nothing => *self = Self::One(bytes),
            Self::One(first) => {
                let mut many = BytesMut::with_capacity(2 * (first.len() + bytes.len()));
                many.extend_from_slice(first);
                many.extend_from_slice(&bytes);
                *self = Self::Many(many);
            }
            Self::Many(many) => many.extend_from_slice(&bytes),
        }
    }

    fn bytes(self) -> Bytes {
        match self {
            Self::Nothing => Bytes::new(),
            Self::One(bytes) => bytes,
            Self::Many(many) => many.freeze(),
        }
    }
}

impl Meter {
    /// `sent` is the instant at which the request left; `framed` says that the answer is an event stream;
    /// `answer_bytes_max` bounds the text that is kept for judging.
    pub(crate) fn new(
        sent: Instant,
        status: u16,
        framed: bool,
        adapter: &'static dyn Adapter,
        endpoint: Endpoint,
        answer_bytes_max: usize,
    ) -> Self {
        Self {
            sent,
            status,
            framed,
            decoder: Decoder::new(),
            whole: Vec::new(),
            whole_bytes: 0,
            overflowed: false,
            adapter,
            endpoint,
            fold: Fold::new(endpoint, answer_bytes_max),
            begun: false,
            failed: None,
            listener: None,
            firsts: Firsts::default(),
        }
    }

    /// Has a listener hear what is said, if there is one.
    pub(crate) fn heard_by(self, listener: Option<Listener>) -> Self {
        Self { listener, ..self }
    }

    /// Takes bytes in; returns what the client gets. Without an editor the bytes are only measured.
    ///
    /// # Errors
    /// The stream holds no frames.
    pub(crate) fn bytes(&mut self, bytes: Bytes, now: Instant, editor: Option<&Editor>) -> Result<Bytes, ErrorKind> {
        if !self.framed {
            self.begun = true;
            self.whole_bytes = self.whole_bytes.saturating_add(bytes.len());
            self.overflowed |= self.whole_bytes > WHOLE_BYTES_MAX;
            if self.overflowed {
                self.whole = Vec::new();
            } else {
                self.whole.push(bytes.clone());
            }
            return Ok(bytes);
        }
        self.decoder.push(bytes);
        let mut out = Out::Nothing;
        while let Some(frame) = self.decoder.next_frame() {
            self.frame(&frame, now, editor, &mut out);
        }
        if self.decoder.pending_bytes() > FRAME_BYTES_MAX {
            return Err(ErrorKind::Malformed);
        }
        Ok(out.bytes())
    }

    /// Nothing that matters can follow any more.
    pub(crate) const fn is_over(&self) -> bool {
        self.fold.is_over()
    }

    /// A whole answer is longer than what may be kept.
    pub(crate) const fn has_overflowed(&self) -> bool {
        self.overflowed
    }

    /// The first token was here: text, reasoning or a tool call; or there is nothing more to come.
    pub(crate) const fn has_spoken(&self) -> bool {
        self.firsts.text.is_some() || self.fold.is_over()
    }

    /// The answer has begun: an event, not only comments.
    pub(crate) const fn has_begun(&self) -> bool {
        self.begun
    }

    /// What is left when the stream ends: an unclosed frame.
    pub(crate) fn rest(&mut self, now: Instant, editor: Option<&Editor>) -> Bytes {
        let mut out = Out::Nothing;
        if let Some(frame) = self.decoder.finish() {
            self.frame(&frame, now, editor, &mut out);
        }
        out.bytes()
    }

    fn frame(&mut self, frame: &Frame, now: Instant, editor: Option<&Editor>, out: &mut Out) {
        let Some(data) = frame.data() else {
            if editor.is_some_and(|editor| editor.comments) {
                out.push(frame.harmless());
            }
            return;
        };
        self.begun = true;
        if let Some(listener) = &mut self.listener {
            listener.event(data);
        }
        let seen = self.fold.chunk(data);
        self.firsts.see(seen, now - self.sent);
        if seen == Seen::Error && self.failed.is_none() {
            self.failed = Some(self.adapter.error_event(self.endpoint, data));
        }
        let Some(editor) = editor else { return };
        match editor.adapter.edit(editor.endpoint, data, &editor.view()) {
            Edit::Keep => out.push(frame.harmless()),
            Edit::Drop => {}
            Edit::Replace(events) => {
                let mut bytes = Vec::with_capacity(frame.raw.len());
                frame.replace_data(&mut bytes, &events);
                out.push(Bytes::from(bytes));
            }
        }
    }

    /// The bytes of a whole answer, once it has come completely.
    pub(crate) fn whole_body(&mut self) -> Bytes {
        if self.whole.len() > 1 {
            let mut joined = BytesMut::with_capacity(self.whole_bytes);
            self.whole.iter().for_each(|piece| joined.extend_from_slice(piece));
            self.whole = vec![joined.freeze()];
        }
        self.whole.first().cloned().unwrap_or_default()
    }

    /// What is wrong with a stream that began with an error and nothing else.
    pub(crate) fn failed_first(&self) -> Option<ClientError> {
        if self.firsts.text.is_none() { self.failed.clone() } else { None }
    }

    /// The error that a whole answer is in spite of its status.
    pub(crate) fn error_behind(&mut self) -> Option<ClientError> {
        if self.framed || self.overflowed || !self.adapter.edits_whole(self.endpoint) {
            return None;
        }
        let body = self.whole_body();
        self.adapter.edit_whole(self.endpoint, &body, &View::default()).err()
    }

    /// The end. `failure` is what broke the answer off, if anything did.
    pub(crate) fn finish(mut self, failure: Option<ErrorKind>, now: Instant) -> Outcome {
        if !self.framed && !self.overflowed {
            // Of one that broke off as much was written as came; the client may have left when all of it was here.
            let body = self.whole_body();
            self.fold.whole(&body);
            if let Some(listener) = self.listener.as_mut().filter(|_| failure.is_none()) {
                listener.whole(&body);
            }
        }
        if self.overflowed
            && let Some(listener) = &mut self.listener
        {
            listener.overflowed();
        }
        let mut answer: Answer = self.fold.answer();
        if self.overflowed {
            answer.written.add_bytes(self.whole_bytes as u64);
        }
        Outcome {
            status: self.status,
            first_event_us: self.firsts.event.map(micros),
            ttft_us: self.firsts.text.map(micros),
            first_visible_us: self.firsts.visible.map(micros),
            duration_us: micros(now - self.sent),
            error: failure.or(self.failed.map(|error| error.kind)).or_else(|| {
                // What was too long to be read is not known to be wrong.
                if self.overflowed { None } else { answer.fault() }
            }),
            answer: Some(answer),
            said: self.listener.map(Listener::said),
            guard: None,
            done: Action::None,
            cut: false,
        }
    }
}

/// An answer that failed before it began.
pub(crate) fn failed(sent: Instant, now: Instant, status: u16, error: ErrorKind) -> Outcome {
    Outcome {
        status,
        first_event_us: None,
        ttft_us: None,
        first_visible_us: None,
        duration_us: micros(now - sent),
        error: Some(error),
        answer: None,
        said: None,
        guard: None,
        done: Action::None,
        cut: false,
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
