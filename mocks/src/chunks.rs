//! The frame that all chunks of one stream share: what stands before the choices and after them.
//!
//! Chunks are written byte by byte rather than built as values: a stream has hundreds of them, and only a few words differ.

use crate::dialect::{Dialect, UsagePlace};
use crate::envelope::Envelope;
use crate::face::StreamOptions;
use crate::request::ServiceTier;
use crate::sse;
use crate::timeline::Timeline;

/// Room for one chunk without its text, bytes; only a guess for the first allocation.
const CHUNK_BYTES: u64 = 330;

/// Padding that hides the length of chunks from onlookers: real ones are random, these are cut from here.
const PADDING: &str = "kG7dPq2xVn9Lw4ZtR8bYc3HsJ6mF1aUe5XoK0iTgQvBzNyWlDrCjMpEhSfAu";

/// Writes chunks between a beginning and an end that are the same in all of them.
pub(crate) struct Chunks<'a> {
    timeline: &'a mut Timeline,
    dialect: &'a Dialect,
    options: StreamOptions,
    head: String,
    written: usize,
}

impl<'a> Chunks<'a> {
    /// `object` is the kind of the chunks, `id` the answer's, `tokens` how long it will roughly be.
    pub(crate) fn new(
        dialect: &'a Dialect,
        (object, id): (&str, &str),
        (envelope, tier): (&Envelope, ServiceTier),
        options: StreamOptions,
        tokens: u64,
        timeline: &'a mut Timeline,
    ) -> Self {
        let chunks = tokens / u64::from(options.tokens_per_chunk.max(1)) + 4;
        timeline.bytes.reserve(usize::try_from(chunks.saturating_mul(CHUNK_BYTES)).unwrap_or(0).min(1 << 24));
        let tier =
            if dialect.service_tier { format!(",\"service_tier\":\"{}\"", tier.answered()) } else { String::new() };
        let fingerprint = if dialect.fingerprint {
            format!(",\"system_fingerprint\":{}", sse::to_quoted(&envelope.fingerprint))
        } else {
            String::new()
        };
        let head = format!(
            "data: {{\"id\":{},\"object\":\"{object}\",\"created\":{},\"model\":{}{tier}{fingerprint},\"choices\":[",
            sse::to_quoted(id),
            envelope.created,
            sse::to_quoted(&envelope.model),
        );
        Self { timeline, dialect, options, head, written: 0 }
    }

    /// One chunk with one choice, whose members `write` writes.
    pub(crate) fn choice(&mut self, due_us: u64, write: impl FnOnce(&mut Vec<u8>)) {
        self.frame(due_us, None, write);
    }

    /// The chunk that finishes a choice: with the usage on it, if that is the provider's place for it.
    pub(crate) fn finish(&mut self, due_us: u64, usage: &str, write: impl FnOnce(&mut Vec<u8>)) {
        let rides = self.dialect.usage_place == UsagePlace::FinishChunk;
        self.frame(due_us, rides.then_some(usage), write);
    }

    fn frame(&mut self, due_us: u64, usage: Option<&str>, write: impl FnOnce(&mut Vec<u8>)) {
        let out = &mut self.timeline.bytes;
        out.extend_from_slice(self.head.as_bytes());
        out.push(b'{');
        write(out);
        if self.dialect.stop_reason {
            out.extend_from_slice(b",\"stop_reason\":null");
        }
        out.extend_from_slice(b"}]");
        match usage {
            Some(usage) => {
                out.extend_from_slice(b",\"usage\":");
                out.extend_from_slice(usage.as_bytes());
            }
            None if self.options.include_usage && self.dialect.null_usage_elsewhere => {
                out.extend_from_slice(b",\"usage\":null");
            }
            None => {}
        }
        if self.dialect.obfuscates && self.options.include_obfuscation {
            out.extend_from_slice(b",\"obfuscation\":\"");
            out.extend_from_slice(padding(self.written).as_bytes());
            out.push(b'"');
        }
        out.extend_from_slice(b"}\n\n");
        self.written += 1;
        self.timeline.due(due_us);
    }

    /// A chunk without choices that carries one more member, given from its comma on.
    pub(crate) fn aside(&mut self, due_us: u64, member: &str) {
        let out = &mut self.timeline.bytes;
        out.extend_from_slice(self.head.as_bytes());
        out.push(b']');
        out.extend_from_slice(member.as_bytes());
        if self.options.include_usage && self.dialect.null_usage_elsewhere {
            out.extend_from_slice(b",\"usage\":null");
        }
        out.extend_from_slice(b"}\n\n");
        self.timeline.due(due_us);
    }

    /// The chunk without choices that carries the usage, if the provider has one and the client asked for it; then the end
    /// mark.
    pub(crate) fn end(self, due_us: u64, usage: &str) {
        let out = &mut self.timeline.bytes;
        if self.dialect.usage_place == UsagePlace::OwnChunk && self.options.include_usage {
            out.extend_from_slice(self.head.as_bytes());
            out.extend_from_slice(b"],\"usage\":");
            out.extend_from_slice(usage.as_bytes());
            out.extend_from_slice(b"}\n\n");
            self.timeline.due(due_us);
        }
        self.timeline.bytes.extend_from_slice(sse::DONE);
        self.timeline.due(due_us);
    }
}

/// The padding of the chunk with this number.
pub(crate) fn padding(number: usize) -> &'static str {
    let (start, length) = (number % 40, 4 + number * 7 % 11);
    PADDING.get(start..start + length).unwrap_or_default()
}
