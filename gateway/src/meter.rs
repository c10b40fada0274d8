//! Measures one answer as its bytes pass, for both arms alike, and edits frames where the client must not see them
//! as they are.

use crate::config::Records;
use crate::exchange::Outcome;
use bytes::Bytes;
use std::time::{Duration, Instant};
use wire::ErrorKind;
use wire::chat::{Fold, Seen};
use wire::provider::{Adapter, Edit};
use wire::sse::Decoder;

/// Most bytes that one unfinished frame may have. A stream that exceeds it is broken off: it is no event stream.
const FRAME_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Most bytes of a whole (not streamed) answer that are read for its record; a longer one passes, uncounted beyond.
const WHOLE_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Bytes of an answer that are kept for judging its form if records do not say.
const ANSWER_BYTES_MAX: usize = 256 * 1024;

/// Running measurement of one answer.
pub(crate) struct Meter {
    sent: Instant,
    status: u16,
    streamed: bool,
    decoder: Decoder,
    whole: Vec<u8>,
    fold: Fold,
    ttft: Option<Duration>,
}

/// How frames are edited on their way to the client. Streams always pass frame by frame, so that what the gateway itself
/// may have to say never lands inside one.
#[derive(Clone, Copy)]
pub(crate) struct Editor {
    pub adapter: &'static dyn Adapter,
    pub client_wants_usage: bool,
}

impl Meter {
    /// `sent` is the instant at which the request left.
    pub(crate) fn new(sent: Instant, status: u16, streamed: bool, records: Option<&Records>) -> Self {
        let answer_bytes_max = records.map_or(ANSWER_BYTES_MAX, |records| records.answer_bytes_max);
        Self {
            sent,
            status,
            streamed,
            decoder: Decoder::new(),
            whole: Vec::new(),
            fold: Fold::new(answer_bytes_max),
            ttft: None,
        }
    }

    /// Takes bytes in; returns what the client gets. Without an editor there is no client: the bytes are only measured.
    ///
    /// # Errors
    /// The stream holds no frames.
    pub(crate) fn bytes(&mut self, bytes: Bytes, now: Instant, editor: Option<Editor>) -> Result<Bytes, ErrorKind> {
        if !self.streamed {
            let room = WHOLE_BYTES_MAX.saturating_sub(self.whole.len());
            self.whole.extend_from_slice(bytes.get(..room.min(bytes.len())).unwrap_or_default());
            return Ok(bytes);
        }
        self.decoder.push(&bytes);
        let mut out = Vec::new();
        while let Some(frame) = self.decoder.next_frame() {
            self.frame(frame.data.as_deref(), &frame.raw, now, editor, &mut out);
        }
        if self.decoder.pending_bytes() > FRAME_BYTES_MAX {
            return Err(ErrorKind::Malformed);
        }
        Ok(if editor.is_some() { Bytes::from(out) } else { bytes })
    }

    /// Nothing that matters can follow any more.
    pub(crate) const fn is_over(&self) -> bool {
        self.fold.is_over()
    }

    /// What is left when the stream ends: an unclosed frame.
    pub(crate) fn rest(&mut self, now: Instant, editor: Option<Editor>) -> Bytes {
        let mut out = Vec::new();
        if let Some(frame) = self.decoder.finish() {
            self.frame(frame.data.as_deref(), &frame.raw, now, editor, &mut out);
        }
        Bytes::from(out)
    }

    fn frame(&mut self, data: Option<&str>, raw: &[u8], now: Instant, editor: Option<Editor>, out: &mut Vec<u8>) {
        let Some(data) = data else {
            if editor.is_some() {
                out.extend_from_slice(raw);
            }
            return;
        };
        if matches!(self.fold.chunk(data), Seen::Content | Seen::Reasoning) && self.ttft.is_none() {
            self.ttft = Some(now - self.sent);
        }
        let Some(editor) = editor else { return };
        match editor.adapter.edit(data, editor.client_wants_usage) {
            Edit::Keep => out.extend_from_slice(raw),
            Edit::Drop => {}
            Edit::Replace(events) => events.iter().for_each(|event| wire::sse::encode::data(out, event)),
        }
    }

    /// The end. `failure` is what broke the answer off, if anything did.
    pub(crate) fn finish(mut self, failure: Option<ErrorKind>, now: Instant) -> Outcome {
        if !self.streamed && failure.is_none() {
            self.fold.whole(&self.whole);
        }
        let answer = self.fold.answer();
        Outcome {
            status: self.status,
            ttft_us: self.ttft.map(micros),
            duration_us: micros(now - self.sent),
            error: failure.or_else(|| answer.fault()),
            answer: Some(answer),
        }
    }
}

/// An answer that failed before it began.
pub(crate) fn failed(sent: Instant, now: Instant, status: u16, error: ErrorKind) -> Outcome {
    Outcome { status, ttft_us: None, duration_us: micros(now - sent), error: Some(error), answer: None }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
