//! A push decoder: bytes in as they arrive, whole frames out.
//!
//! A frame is everything up to and including the blank line that ends it, so a stream can be passed on frame by
//! frame without changing a byte: the frames put together are the input. Comments and unknown fields stay inside
//! their frame. However the bytes are cut, the frames are the same (a property test holds this).
//!
//! Line ends may be LF, CRLF or CR, as the standard says (WHATWG HTML, section 9.2.6).

/// One frame of the stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// Its bytes, line ends and closing blank line included.
    pub raw: Vec<u8>,
    /// Its `data:` lines joined by LF; `None` for a frame of comments or blank lines.
    pub data: Option<String>,
}

/// Decoder state. Between two pushes it holds at most one unfinished frame.
#[derive(Debug, Default)]
pub struct Decoder {
    buffer: Vec<u8>,
    /// Where the unfinished frame starts; what is before has been handed out.
    frame_start: usize,
    /// Where the line starts that is being looked at.
    line_start: usize,
    /// Bytes before this have been searched for a line end.
    searched: usize,
}

impl Decoder {
    /// An empty decoder.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes bytes in. Call [`Decoder::next_frame`] until it returns `None`.
    pub fn push(&mut self, bytes: &[u8]) {
        // Frames handed out since the last push make room at once, not one by one.
        self.buffer.drain(..self.frame_start);
        self.line_start -= self.frame_start;
        self.searched -= self.frame_start;
        self.frame_start = 0;
        self.buffer.extend_from_slice(bytes);
    }

    /// Bytes of the unfinished frame.
    #[must_use]
    pub const fn pending_bytes(&self) -> usize {
        self.buffer.len() - self.frame_start
    }

    /// The next whole frame, if one is there.
    pub fn next_frame(&mut self) -> Option<Frame> {
        loop {
            let (line_end, next_line) = self.find_line_end()?;
            let blank = line_end == self.line_start;
            self.line_start = next_line;
            self.searched = next_line;
            if blank {
                return Some(self.cut(next_line));
            }
        }
    }

    /// What is left when the stream ends: a frame that was never closed, or nothing.
    pub fn finish(&mut self) -> Option<Frame> {
        if self.pending_bytes() == 0 { None } else { Some(self.cut(self.buffer.len())) }
    }

    /// End of the current line and start of the next. A CR at the very end waits: an LF may follow.
    fn find_line_end(&mut self) -> Option<(usize, usize)> {
        let rest = self.buffer.get(self.searched..)?;
        let Some(offset) = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')) else {
            self.searched = self.buffer.len();
            return None;
        };
        let end = self.searched + offset;
        if self.buffer.get(end) == Some(&b'\n') {
            return Some((end, end + 1));
        }
        match self.buffer.get(end + 1) {
            Some(b'\n') => Some((end, end + 2)),
            Some(_) => Some((end, end + 1)),
            None => {
                self.searched = end;
                None
            }
        }
    }

    fn cut(&mut self, end: usize) -> Frame {
        let raw = self.buffer.get(self.frame_start..end).unwrap_or_default().to_vec();
        self.frame_start = end;
        self.line_start = end;
        self.searched = end;
        let data = data_of(&raw);
        Frame { raw, data }
    }
}

/// Joins the `data` fields of a frame.
fn data_of(raw: &[u8]) -> Option<String> {
    let mut data: Option<String> = None;
    for line in raw.split(|byte| matches!(byte, b'\n' | b'\r')) {
        let Some(value) = line.strip_prefix(b"data") else { continue };
        let value = match value {
            [] => value,
            [b':', b' ', rest @ ..] | [b':', rest @ ..] => rest,
            _ => continue,
        };
        let value = String::from_utf8_lossy(value);
        match &mut data {
            None => data = Some(value.into_owned()),
            Some(joined) => {
                joined.push('\n');
                joined.push_str(&value);
            }
        }
    }
    data
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn frames(pieces: &[&[u8]]) -> Vec<Frame> {
        let mut decoder = Decoder::new();
        let mut frames = Vec::new();
        for piece in pieces {
            decoder.push(piece);
            while let Some(frame) = decoder.next_frame() {
                frames.push(frame);
            }
        }
        frames.extend(decoder.finish());
        frames
    }

    const STREAM: &[u8] =
        b": keep-alive\n\ndata: {\"a\":1}\n\ndata:{\"b\":2}\r\n\r\n\n: c\ndata: x\ndata: y\n\ndata: [DONE]\n\n";

    #[test]
    fn a_stream_of_every_kind_of_frame() {
        let data: Vec<Option<String>> = frames(&[STREAM]).into_iter().map(|frame| frame.data).collect();
        let expected = [None, Some("{\"a\":1}"), Some("{\"b\":2}"), None, Some("x\ny"), Some("[DONE]")];
        assert_eq!(data, expected.map(|text| text.map(str::to_owned)));
    }

    #[test]
    fn an_unclosed_frame_comes_out_at_the_end() {
        let all = frames(&[b"data: {\"a\":1}\n\ndata: {\"cut"]);
        assert_eq!(all.len(), 2);
        assert_eq!(all[1].data.as_deref(), Some("{\"cut"));
    }

    #[test]
    fn a_field_that_only_starts_with_data_is_not_data() {
        assert_eq!(frames(&[b"database: 1\n\n"])[0].data, None);
        assert_eq!(frames(&[b"data\n\n"])[0].data.as_deref(), Some(""));
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
    }
}
