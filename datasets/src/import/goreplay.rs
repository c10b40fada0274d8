//! GoReplay captures (`.gor`): raw requests and answers, told apart by a line of three monkeys.
//!
//! A record begins with `type id time latency`: type 1 a request, 2 the answer to it, 3 the answer to a copy that was
//! replayed (left alone); the id is the same in request and answer; time and latency are nanoseconds. Since version 1.1
//! the time of an answer is that of its first byte and its latency the time to its last, so a call lasted from the
//! request's time to the answer's time and latency. The first byte is one of the headers, no text, so no first token is
//! told. Without a latency there is no duration.
//!
//! **Pairs.** Answers stand behind their requests as a rule, and before them at times. A request waits for its answer,
//! and goes out in the order of requests with it, or without it where one of these bounds is reached: [`WAITING_MAX`]
//! requests or [`WAITING_BYTES_MAX`] bytes wait, [`WAIT_NANOS_MAX`] have passed in the capture, or it ends. Of answers
//! without a request, [`EARLY_MAX`] or [`EARLY_BYTES_MAX`] bytes are kept. Those that found none are counted in a note.
//!
//! **Bodies.** Chunks and gzip, deflate or zstd are undone. `Content-Length` is believed only to tell that an answer was
//! cut off by the capture, which is not held against the provider. `br` stays shut: such answers have status and
//! duration only.
//!
//! **Keys.** Headers are looked at for the host, the key and the session, and are not kept; the consumer is a digest of
//! the key.

mod pairs;
mod records;

use super::detect::Head;
use super::entry::{Entry, Reader};
use super::format::Field;
use super::in_turn::InTurn;
use super::input::Input;
use super::{ImportError, ImportOptions};
use pairs::Pairs;
use records::Records;

/// What the format can fill.
pub(super) const FILLS: &[Field] = &[
    Field::Id,
    Field::Time,
    Field::Session,
    Field::Consumer,
    Field::Prompt,
    Field::Answered,
    Field::Duration,
    Field::Usage,
    Field::Cached,
    Field::CacheWrite,
    Field::Audio,
    Field::Image,
    Field::Reasoning,
    Field::Tier,
    Field::Answer,
    Field::Tools,
    Field::FinishReason,
    Field::Error,
];

/// Requests that wait for their answers.
const WAITING_MAX: usize = 4096;
/// Bytes of them, and of the answers that came for those that are not first.
const WAITING_BYTES_MAX: usize = 64 * 1024 * 1024;
/// How long a request waits, in the capture's own time.
const WAIT_NANOS_MAX: i64 = 15 * 60 * 1_000_000_000;
/// Answers that wait for their requests.
const EARLY_MAX: usize = 1024;
/// Bytes of them.
const EARLY_BYTES_MAX: usize = 32 * 1024 * 1024;

/// Whether a file begins like one of this format.
pub(super) fn is_it(head: &Head) -> bool {
    let mut lines = head.text().lines();
    let Some(Ok(meta)) = lines.next().map(records::Meta::parse) else { return false };
    let request = lines.next().unwrap_or_default();
    if meta.kind == records::Kind::Request { request.contains(" HTTP/") } else { request.starts_with("HTTP/") }
}

/// Reads the files.
///
/// # Errors
/// The options do not fit, or a file cannot be read.
pub(super) fn open(inputs: Vec<Input>, _options: &ImportOptions) -> Result<Box<dyn Reader>, ImportError> {
    InTurn::open(inputs, |input| Ok(GoReplay { records: Records::new(input), pairs: Pairs::default(), ended: false }))
}

struct GoReplay {
    records: Records,
    pairs: Pairs,
    ended: bool,
}

impl Reader for GoReplay {
    fn next_entry(&mut self) -> Result<Option<Entry>, ImportError> {
        loop {
            if let Some(entry) = self.pairs.ready(self.ended) {
                return Ok(Some(entry));
            }
            if self.ended {
                return Ok(None);
            }
            match self.records.next_record()? {
                Some(record) => self.pairs.take(record)?,
                None => self.ended = true,
            }
        }
    }

    fn passed_over(&self) -> u64 {
        self.pairs.passed_over()
    }

    fn take_note(&mut self) -> Option<String> {
        let lone = self.pairs.take_lone(self.ended);
        (lone > 0).then(|| format!("{lone} answers of the capture have no request in it, or came too long before it"))
    }
}

#[cfg(test)]
mod tests;
