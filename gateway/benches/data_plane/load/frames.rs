//! Reads a stream of events as it arrives and checks that each numbered piece is the one expected next.

use std::time::Instant;

/// What was seen of a stream.
#[derive(Debug, Default)]
pub(crate) struct Frames {
    /// Bytes of a frame that is not complete yet.
    pending: Vec<u8>,
    pub pieces: u64,
    pub disordered: u64,
    /// When the first text was there.
    pub first: Option<Instant>,
    pub usage: bool,
    pub done: bool,
}

impl Frames {
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        if !self.pending.is_empty() {
            self.pending.extend_from_slice(bytes);
            let joined = std::mem::take(&mut self.pending);
            let used = self.frames(&joined);
            self.pending.extend_from_slice(&joined[used..]);
            return;
        }
        rest = &rest[self.frames(rest)..];
        self.pending.extend_from_slice(rest);
    }

    /// Takes the complete frames; returns their length.
    fn frames(&mut self, bytes: &[u8]) -> usize {
        let mut used = 0;
        while let Some(length) = bytes[used..].windows(2).position(|pair| pair == b"\n\n") {
            self.frame(&bytes[used..used + length]);
            used += length + 2;
        }
        used
    }

    fn frame(&mut self, frame: &[u8]) {
        if frame == b"data: [DONE]" {
            self.done = true;
        } else if let Some(mark) = frame.iter().position(|byte| *byte == b'#') {
            let digits = frame[mark + 1..].iter().take_while(|byte| byte.is_ascii_digit());
            let number = digits.fold(0, |number: u64, digit| number * 10 + u64::from(digit - b'0'));
            self.disordered += u64::from(number != self.pieces || self.done);
            self.pieces += 1;
            self.first.get_or_insert_with(Instant::now);
        } else if frame.windows(15).any(|part| part == b"\"prompt_tokens\"") {
            self.usage = true;
        }
    }
}
