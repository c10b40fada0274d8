//! One line: how it is written, and what a line of the file is.

use super::{Entry, Head};
use datasets::digest;
use serde::{Deserialize, Serialize};

/// A line of the file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// Number of the line, from 1; torn ones are not counted.
    pub n: u64,
    /// SHA-256 of the whole line before, hexadecimal, its line feed left out; of the first line 64 zeros.
    pub previous: String,
    /// SHA-256 of what stands between the whole line before and this one, the last line feed left out: a line that somebody
    /// could not finish, in rare cases several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub torn: Option<String>,
    /// The decision.
    pub entry: Entry,
    /// SHA-256 of the line's text without this member, hexadecimal. It always stands last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seal: Option<String>,
}

/// What stands between the text and the seal, and behind it.
const SEAL_BEFORE: &str = ",\"seal\":\"";
const SEAL_AFTER: &str = "\"}";
/// The whole member with the brace that ends the line.
const SEAL_BYTES: usize = SEAL_BEFORE.len() + 64 + SEAL_AFTER.len();

impl Line {
    /// The text of the file, sealed, without its line feed.
    pub(super) fn sealed(head: &Head, torn: Option<String>, entry: &Entry) -> serde_json::Result<String> {
        let line = Self { n: head.lines + 1, previous: head.hash.clone(), torn, entry: entry.clone(), seal: None };
        let mut text = serde_json::to_string(&line)?;
        let seal = digest::of_bytes(text.as_bytes());
        text.pop();
        Ok(text + SEAL_BEFORE + &seal + SEAL_AFTER)
    }
}

/// What a line of the file is, line feed left out.
#[derive(Debug)]
pub(super) enum Kind {
    /// A whole one.
    Whole(Box<Line>),
    /// The beginning of one.
    Torn,
    /// Neither; why.
    Neither(&'static str),
}

pub(super) fn kind(text: &[u8]) -> Kind {
    if text.is_empty() {
        return Kind::Neither("the line is empty");
    }
    match serde_json::from_slice::<Line>(text) {
        Ok(line) if is_sealed(text, line.seal.as_deref()) => Kind::Whole(Box::new(line)),
        Ok(_) => Kind::Neither("the line does not fit its seal"),
        // A file that was lengthened and not filled when the power went ends in zeros.
        Err(error) if error.is_eof() || text.iter().all(|byte| *byte == 0) || is_begun_and_zeros(text) => Kind::Torn,
        Err(_) => Kind::Neither("the line is no line of an audit log"),
    }
}

/// Whether an unfinished line may be the last one of a file. Its process was killed before the line feed; only another one that
/// was killed while it ended that line leaves a line feed. A line that has its seal and a line feed was whole once, and was
/// damaged.
pub(super) fn may_be_last(text: &[u8], ended: bool) -> bool {
    let begins = |at: &[u8]| at.starts_with(SEAL_BEFORE.as_bytes());
    !ended || !(0..text.len()).any(|at| text.get(at..).is_some_and(begins))
}

fn is_begun_and_zeros(text: &[u8]) -> bool {
    let end = text.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    let (begun, zeros) = text.split_at(end);
    !zeros.is_empty() && serde_json::from_slice::<serde_json::Value>(begun).is_err_and(|error| error.is_eof())
}

fn is_sealed(text: &[u8], seal: Option<&str>) -> bool {
    let Some(seal) = seal.filter(|seal| seal.len() == 64) else { return false };
    let Some(cut) = text.len().checked_sub(SEAL_BYTES) else { return false };
    let (before, member) = text.split_at(cut);
    let whole = [before, b"}"].concat();
    member == [SEAL_BEFORE, seal, SEAL_AFTER].concat().as_bytes() && digest::of_bytes(&whole) == seal
}

/// Hash of a line for the one behind it.
pub(super) fn hash(text: &[u8]) -> String {
    digest::of_bytes(text)
}
