//! A push decoder: bytes in as they arrive, whole frames out.
//!
//! A frame is everything up to and including the blank line that ends it, so a stream can be passed on frame by
//! frame without changing a byte: the frames put together are the input. Comments and unknown fields stay inside
//! their frame. However the bytes are cut, the frames are the same (a property test holds this).
//!
//! Providers nearly always send whole frames, so a frame is a slice of the bytes that were pushed; only a frame
//! that spans pushes is copied, once. Each byte is searched once, whatever the cut.
//!
//! Line ends may be LF, CRLF or CR, as the standard says (WHATWG HTML, section 9.2.6).

use super::frame::Frame;
use bytes::{Bytes, BytesMut};

/// Decoder state. Between two pushes it holds at most one unfinished frame.
#[derive(Debug, Default)]
pub struct Decoder {
    /// Bytes of the unfinished frame from earlier pushes; all of them have been searched.
    carried: BytesMut,
    /// What is left of the last push.
    pushed: Bytes,
    /// Bytes of `pushed` that have been searched.
    searched: usize,
    /// The line being searched has at least one byte.
    line_has_bytes: bool,
    /// The last byte searched was a CR: an LF that follows belongs to it.
    after_cr: bool,
}

impl Decoder {
    /// An empty decoder.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes bytes in. Call [`Decoder::next_frame`] until it returns `None`.
    pub fn push(&mut self, bytes: Bytes) {
        if self.pushed.is_empty() {
            self.pushed = bytes;
            self.searched = 0;
        } else if self.searched == self.pushed.len() {
            self.carried.extend_from_slice(&self.pushed);
            self.pushed = bytes;
            self.searched = 0;
        } else {
            // Frames were left unread: they and the new bytes become one piece.
            let mut joined = BytesMut::with_capacity(self.pushed.len() + bytes.len());
            joined.extend_from_slice(&self.pushed);
            joined.extend_from_slice(&bytes);
            self.pushed = joined.freeze();
        }
    }

    /// Bytes of the unfinished frame.
    #[must_use]
    pub fn pending_bytes(&self) -> usize {
        self.carried.len() + self.pushed.len()
    }

    /// The next whole frame, if one is there.
    pub fn next_frame(&mut self) -> Option<Frame> {
        let end = self.find_frame_end()?;
        Some(self.cut(end))
    }

    /// What is left when the stream ends: a frame that was never closed, or nothing.
    pub fn finish(&mut self) -> Option<Frame> {
        if self.pending_bytes() == 0 {
            return None;
        }
        self.line_has_bytes = false;
        self.after_cr = false;
        Some(self.cut(self.pushed.len()))
    }

    /// Where in `pushed` the frame ends. A CR at the very end waits: an LF may follow.
    fn find_frame_end(&mut self) -> Option<usize> {
        loop {
            if self.after_cr {
                match self.pushed.get(self.searched) {
                    None => return None,
                    Some(b'\n') => self.searched += 1,
                    Some(_) => {}
                }
                self.after_cr = false;
                if self.line_was_blank() {
                    return Some(self.searched);
                }
            }
            let rest = self.pushed.get(self.searched..).unwrap_or_default();
            let Some(offset) = memchr::memchr2(b'\n', b'\r', rest) else {
                self.line_has_bytes |= !rest.is_empty();
                self.searched = self.pushed.len();
                return None;
            };
            self.line_has_bytes |= offset > 0;
            self.after_cr = rest.get(offset) == Some(&b'\r');
            self.searched += offset + 1;
            if !self.after_cr && self.line_was_blank() {
                return Some(self.searched);
            }
        }
    }

    /// A line ended: says whether it was blank, and begins the next.
    const fn line_was_blank(&mut self) -> bool {
        !std::mem::replace(&mut self.line_has_bytes, false)
    }

    fn cut(&mut self, end: usize) -> Frame {
        let tail = self.pushed.split_to(end.min(self.pushed.len()));
        self.searched = 0;
        if self.carried.is_empty() {
            return Frame::new(tail);
        }
        self.carried.extend_from_slice(&tail);
        Frame::new(self.carried.split().freeze())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn frames(pieces: &[&[u8]]) -> Vec<Frame> {
        let mut decoder = Decoder::new();
        let mut frames = Vec::new();
        for piece in pieces {
            decoder.push(Bytes::copy_from_slice(piece));
            while let Some(frame) = decoder.next_frame() {
                frames.push(frame);
            }
        }
        frames.extend(decoder.finish());
        frames
    }

    fn data(frames: &[Frame]) -> Vec<Option<&str>> {
        frames.iter().map(Frame::data).collect()
    }

    const STREAM: &[u8] =
        b": keep-alive\n\ndata: {\"a\":1}\n\ndata:{\"b\":2}\r\n\r\n\n: c\ndata: x\ndata: y\n\ndata: [DONE]\n\n";

    #[test]
    fn a_stream_of_every_kind_of_frame() {
        let expected = [None, Some("{\"a\":1}"), Some("{\"b\":2}"), None, Some("x\ny"), Some("[DONE]")];
        assert_eq!(data(&frames(&[STREAM])), expected);
    }

    #[test]
    fn an_unclosed_frame_comes_out_at_the_end() {
        let all = frames(&[b"data: {\"a\":1}\n\ndata: {\"cut"]);
        assert_eq!(data(&all), [Some("{\"a\":1}"), Some("{\"cut")]);
    }

    #[test]
    fn whole_frames_are_slices_of_what_was_pushed() {
        let pushed = Bytes::from_static(b"data: 1\n\ndata: 2\n\n");
        let mut decoder = Decoder::new();
        decoder.push(pushed.clone());
        let (first, second) = (decoder.next_frame().unwrap(), decoder.next_frame().unwrap());
        assert_eq!(first.raw.as_ptr(), pushed.as_ptr());
        assert_eq!(second.raw.as_ptr(), pushed.slice(9..).as_ptr());
        assert_eq!((decoder.next_frame(), decoder.pending_bytes()), (None, 0));
    }

    #[test]
    fn every_line_end_closes_a_frame_wherever_it_is_cut() {
        for end in ["\n", "\r\n", "\r"] {
            let stream = format!("data: a{end}{end}: c{end}data: b{end}{end}data: d{end}{end}");
            for cut in 0..=stream.len() {
                let (left, right) = stream.as_bytes().split_at(cut);
                let all = frames(&[left, right]);
                assert_eq!(data(&all), [Some("a"), Some("b"), Some("d")], "{end:?} cut at {cut}");
            }
        }
    }

    #[test]
    fn frames_left_unread_are_not_lost_by_the_next_push() {
        let mut decoder = Decoder::new();
        decoder.push(Bytes::from_static(b"data: 1\n\ndata: 2\n"));
        assert_eq!(decoder.next_frame().unwrap().data(), Some("1"));
        decoder.push(Bytes::from_static(b"\ndata: 3\n\n"));
        let rest: Vec<Frame> = std::iter::from_fn(|| decoder.next_frame()).collect();
        assert_eq!(data(&rest), [Some("2"), Some("3")]);
    }

    proptest! {
        #[test]
        fn any_cut_gives_the_same_frames(
            bytes in proptest::collection::vec(prop_oneof![
                Just(b'\n'), Just(b'\r'), Just(b':'), Just(b' '), Just(b'd'), Just(b'a'), Just(b't'), any::<u8>()
            ], 0..200),
            cuts in proptest::collection::vec(0usize..200, 0..8),
        ) {
            let whole = frames(&[&bytes]);
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
            cuts.sort_unstable();
            let mut pieces = Vec::new();
            let mut start = 0;
            for cut in cuts {
                pieces.push(&bytes[start..cut]);
                start = cut;
            }
            pieces.push(&bytes[start..]);
            prop_assert_eq!(&whole, &frames(&pieces));
            let joined: Vec<u8> = whole.into_iter().flat_map(|frame| frame.raw).collect();
            prop_assert_eq!(joined, bytes);
        }

        #[test]
        fn events_come_out_as_they_were_sent_in_number_and_order(
            texts in proptest::collection::vec("[^\r\n]{0,12}", 1..20),
            comments in proptest::collection::vec(any::<bool>(), 20),
            step in 1usize..40,
        ) {
            let mut stream = Vec::new();
            for (text, comment) in texts.iter().zip(&comments) {
                if *comment {
                    stream.extend_from_slice(b": keep-alive\n\n");
                }
                super::super::encode::data(&mut stream, text);
            }
            let pieces: Vec<&[u8]> = stream.chunks(step).collect();
            let all = frames(&pieces);
            let seen: Vec<&str> = all.iter().filter_map(Frame::data).collect();
            prop_assert_eq!(seen, texts.iter().map(String::as_str).collect::<Vec<_>>());
            let silent = all.iter().filter(|frame| frame.data().is_none()).count();
            prop_assert_eq!(silent, comments.iter().take(texts.len()).filter(|comment| **comment).count());
        }
    }
}
