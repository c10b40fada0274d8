//! Whether a log is what was written.

use super::Head;
use super::line::{self, Kind, Line};
use super::log::LINE_BYTES_MAX;
use datasets::digest;
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::io::{self, BufRead, Read};

/// Unfinished lines that are listed, at most; a log with more was not left by processes that were killed.
const TORN_MAX: usize = 10_000;

/// What is known about a log from elsewhere. The log may have grown since.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Expected {
    /// Hash of a line that it must have.
    pub head: Option<String>,
    /// Decisions that it must have, at least; with `head` the number of that line.
    pub lines: Option<u64>,
}

/// What a log turned out to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum Outcome {
    /// It is as it was written.
    Verified(Verified),
    /// It is not.
    Broken(Broken),
}

/// A log that is as it was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verified {
    /// Its last decision.
    pub head: Head,
    /// Lines that somebody could not finish, by their place in the file.
    pub torn: Vec<Torn>,
}

/// A line that was not finished, because the process was killed or the power went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Torn {
    /// Place in the file, from 1.
    pub line: u64,
    /// Its length.
    pub bytes: usize,
    /// The line behind it tells of it; where none does, it is the last one, and the next append will.
    pub told: bool,
}

/// Where the log is not what was written, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Broken {
    /// Place in the file, from 1; one more than there are where something is missing at the end.
    pub line: u64,
    /// What is wrong.
    pub what: String,
    /// What should be there.
    pub expected: String,
    /// What is there.
    pub found: String,
    /// The last decision before that is as it was written.
    pub sound: Head,
}

/// Checks a log from its first line on, in little memory.
///
/// # Errors
/// It cannot be read.
pub fn verify(reader: impl BufRead, expected: &Expected) -> io::Result<Outcome> {
    scan(reader, expected, |_| ())
}

/// The same, handing out the decisions; those behind a break are not.
pub(super) fn scan(mut reader: impl BufRead, expected: &Expected, mut take: impl FnMut(Line)) -> io::Result<Outcome> {
    let mut state = State {
        place: 0,
        head: Head::none(),
        torn: Vec::new(),
        waiting: None,
        may_be_last: false,
        expected,
        met: false,
    };
    let mut text = Vec::new();
    loop {
        text.clear();
        // A line is never longer, so no file can fill the memory.
        let limit = LINE_BYTES_MAX as u64 + 2;
        if reader.by_ref().take(limit).read_until(b'\n', &mut text)? == 0 {
            return Ok(state.ended().map_or_else(Outcome::Broken, |()| {
                Outcome::Verified(Verified { head: state.head.clone(), torn: state.torn.clone() })
            }));
        }
        let ended = text.last() == Some(&b'\n');
        if ended {
            text.pop();
        }
        match state.line(&text, ended) {
            Ok(Some(line)) => take(line),
            Ok(None) => {}
            Err(broken) => return Ok(Outcome::Broken(broken)),
        }
    }
}

struct State<'a> {
    place: u64,
    head: Head,
    torn: Vec<Torn>,
    /// Unfinished lines that the next whole one has to tell of.
    waiting: Option<Sha256>,
    /// The last of them may be the file's last line.
    may_be_last: bool,
    expected: &'a Expected,
    /// The expected head was there.
    met: bool,
}

impl State<'_> {
    fn line(&mut self, text: &[u8], ended: bool) -> Result<Option<Line>, Broken> {
        self.place += 1;
        if text.len() > LINE_BYTES_MAX {
            return Err(self.broken(
                "the line is too long",
                format!("at most {LINE_BYTES_MAX} bytes"),
                "more".to_owned(),
            ));
        }
        match line::kind(text) {
            Kind::Whole(line) => self.whole(text, *line).map(Some),
            Kind::Torn if self.torn.len() >= TORN_MAX => {
                Err(self.broken("too many unfinished lines", format!("at most {TORN_MAX}"), "one more".to_owned()))
            }
            Kind::Torn => {
                match &mut self.waiting {
                    Some(region) => {
                        region.update(b"\n");
                        region.update(text);
                    }
                    None => self.waiting = Some(Sha256::new_with_prefix(text)),
                }
                self.may_be_last = line::may_be_last(text, ended);
                self.torn.push(Torn { line: self.place, bytes: text.len(), told: false });
                Ok(None)
            }
            Kind::Neither(what) => Err(self.broken(what, "a line as it was written".to_owned(), shown(text))),
        }
    }

    fn whole(&mut self, text: &[u8], line: Line) -> Result<Line, Broken> {
        let next = self.head.lines + 1;
        if line.n != next {
            return Err(self.broken(
                "a line is missing, or does not belong here",
                format!("n {next}"),
                format!("n {}", line.n),
            ));
        }
        if line.previous != self.head.hash {
            let (expected, found) = (format!("previous {}", self.head.hash), format!("previous {}", line.previous));
            return Err(self.broken("the line before was changed, or this one put in its place", expected, found));
        }
        let told = self.waiting.take().map(|region| digest::hex(&region.finalize()));
        if line.torn != told {
            let shown =
                |torn: &Option<String>| torn.as_ref().map_or("no torn line".to_owned(), |hash| format!("torn {hash}"));
            return Err(self.broken(
                "what was not finished before it is not what it tells of",
                shown(&told),
                shown(&line.torn),
            ));
        }
        self.torn.iter_mut().for_each(|torn| torn.told = true);
        self.head = Head { lines: line.n, hash: line::hash(text) };
        let is_place = self.expected.lines.is_none_or(|lines| lines == line.n);
        self.met |=
            is_place && self.expected.head.as_ref().is_some_and(|head| head.eq_ignore_ascii_case(&self.head.hash));
        Ok(line)
    }

    /// Whether nothing is missing at the end.
    fn ended(&mut self) -> Result<(), Broken> {
        if self.waiting.is_some() && !self.may_be_last {
            let expected = "a line as it was written".to_owned();
            return Err(self.broken(
                "the last line was damaged",
                expected,
                "an unfinished line with its line feed".to_owned(),
            ));
        }
        self.place += 1;
        if let Some(lines) = self.expected.lines.filter(|lines| self.head.lines < *lines) {
            return Err(self.broken(
                "the end is cut off",
                format!("{lines} decisions or more"),
                format!("{} decisions", self.head.lines),
            ));
        }
        match &self.expected.head {
            // That of a log without a line is met by every log.
            Some(head) if !self.met && *head != Head::none().hash => {
                let expected = match self.expected.lines {
                    Some(lines) => format!("decision {lines} with the hash {head}"),
                    None => format!("a decision with the hash {head}"),
                };
                Err(self.broken(
                    "the end is cut off, or the log is another one",
                    expected,
                    format!("the last is {}", self.head.hash),
                ))
            }
            _ => Ok(()),
        }
    }

    fn broken(&self, what: &str, expected: String, found: String) -> Broken {
        Broken { line: self.place, what: what.to_owned(), expected, found, sound: self.head.clone() }
    }
}

/// The beginning of a line, fit for one line of a terminal.
fn shown(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text.get(..120).unwrap_or(text));
    text.chars().map(|character| if character.is_control() { '\u{fffd}' } else { character }).collect()
}
