//! A file of lines to rows, on all cores.
//!
//! One thread reads and hashes, the others parse what it hands them in batches. Each numbers names on its own; the rows
//! come together in the file's order. Of several wrong lines the first one in the file is told, whoever met it.

use super::hashed::open;
use super::{ByArm, name_of};
use crate::error::EvaluateError;
use crate::rows::{Names, Row};
use datasets::{Arm, Exchange, Format, ReadError};
use judge::verdict::Input;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};

/// Lines that are handed over at once: enough to make the handing over cheap.
const BATCH_LINES: usize = 512;
/// Batches that wait for each thread, at most.
const BATCHES_WAITING: usize = 4;

/// What was met in a file beside its rows.
#[derive(Debug)]
pub(super) struct LinesRead {
    pub(super) input: Input,
    pub(super) broken: ByArm,
    pub(super) broken_unknown: u64,
    /// The last line has no line end and is no row.
    pub(super) cut_off: bool,
}

/// A line with its number.
type Line = (u64, Result<Box<RawValue>, ReadError>);

/// Lines in a row, with the number of their batch.
type Batch = (usize, Vec<Line>);

/// Appends the rows of a file in their order.
///
/// # Errors
/// The file cannot be read, or (without `skip_broken`) a line is no record.
pub(super) fn read(
    path: &Path,
    names: &mut Names,
    rows: &mut Vec<Row>,
    skip_broken: bool,
) -> Result<LinesRead, EvaluateError> {
    let (mut lines, digest) = open::<Box<RawValue>>(path, Format::Exchanges)?;
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let (sender, receiver) = sync_channel::<Batch>(threads * BATCHES_WAITING);
    let (receiver, stop) = (Mutex::new(receiver), AtomicBool::new(false));
    let parsing = Parsing { path, batches: &receiver, stop: &stop, skip_broken };
    let (at_end, parsed) = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(|| parsing.run())).collect();
        let numbered = std::iter::from_fn(|| lines.next().map(|line| (lines.line(), line)));
        let at_end = hand_over(numbered, &sender, &stop);
        // Without it the workers would wait for more.
        drop(sender);
        // A panic of a worker is one of ours.
        let join = |worker: std::thread::ScopedJoinHandle<'_, _>| {
            worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        };
        (at_end, workers.into_iter().map(join).collect::<Vec<Parsed>>())
    });
    let last_unfinished = (at_end && digest.unterminated()).then(|| lines.line());
    let mut total = Broken::default();
    let mut parts = Vec::new();
    for Parsed { names: theirs, batches, broken } in parsed {
        let numbers = names.absorb(&theirs);
        total.add(broken);
        parts.extend(batches.into_iter().map(|(batch, rows)| (batch, rows, numbers.clone())));
    }
    let cut_off = total.forgive(last_unfinished);
    if let Some((_, error)) = total.first {
        return Err(error.into());
    }
    parts.sort_by_key(|(batch, ..)| *batch);
    let start = rows.len();
    for (_, part, numbers) in parts {
        rows.extend(part.into_iter().map(|row| row.renumbered(&numbers)));
    }
    let input = Input { name: name_of(path), digest: digest.hex(), rows: (rows.len() - start) as u64 };
    Ok(LinesRead { input, broken: total.arms, broken_unknown: total.unknown, cut_off })
}

/// Hands lines over until the file ends (`true`), it cannot be read, or a worker gave up. A line goes out only once the
/// next one is known, so that whoever gives up at the last line finds the end reached.
fn hand_over(mut lines: impl Iterator<Item = Line>, sender: &SyncSender<Batch>, stop: &AtomicBool) -> bool {
    let mut batch = Vec::with_capacity(BATCH_LINES);
    let mut number = 0;
    let mut next = lines.next();
    while let Some(line) = next {
        let unreadable = matches!(line.1, Err(ReadError::File { .. }));
        batch.push(line);
        next = if unreadable { None } else { lines.next() };
        if batch.len() == BATCH_LINES || next.is_none() {
            let full = std::mem::replace(&mut batch, Vec::with_capacity(BATCH_LINES));
            if sender.send((number, full)).is_err() || unreadable {
                return false;
            }
            number += 1;
        }
        if next.is_some() && stop.load(Ordering::Relaxed) {
            return false;
        }
    }
    true
}

/// What the workers share.
struct Parsing<'a> {
    path: &'a Path,
    batches: &'a Mutex<Receiver<Batch>>,
    stop: &'a AtomicBool,
    skip_broken: bool,
}

/// What one worker made.
struct Parsed {
    names: Names,
    batches: Vec<(usize, Vec<Row>)>,
    broken: Broken,
}

/// Wrong lines.
#[derive(Default)]
struct Broken {
    /// The first one that stops the reading, with its line.
    first: Option<(u64, ReadError)>,
    /// The last one that is only counted, with its line and arm.
    last: Option<(u64, Option<Arm>)>,
    arms: ByArm,
    unknown: u64,
}

impl Broken {
    fn count(&mut self, line: u64, arm: Option<Arm>) {
        self.last = Some((line, arm));
        *self.of(arm) += 1;
    }

    fn of(&mut self, arm: Option<Arm>) -> &mut u64 {
        match arm {
            Some(arm) => self.arms.of(arm),
            None => &mut self.unknown,
        }
    }

    fn add(&mut self, other: Self) {
        self.arms.baseline += other.arms.baseline;
        self.arms.candidate += other.arms.candidate;
        self.unknown += other.unknown;
        self.last = self.last.max_by_line(other.last);
        self.first = match (self.first.take(), other.first) {
            (Some(ours), Some(theirs)) if ours.0 <= theirs.0 => Some(ours),
            (ours, theirs) => theirs.or(ours),
        };
    }

    /// Takes back what is wrong with an unfinished last line, if anything is; its writer is still at it.
    fn forgive(&mut self, unfinished: Option<u64>) -> bool {
        let Some(unfinished) = unfinished else { return false };
        if let Some((line, arm)) = self.last
            && line == unfinished
        {
            *self.of(arm) -= 1;
            return true;
        }
        self.first.take_if(|(line, error)| *line == unfinished && matches!(error, ReadError::Line { .. })).is_some()
    }
}

/// The later one of two lines.
trait Later {
    fn max_by_line(self, other: Self) -> Self;
}

impl Later for Option<(u64, Option<Arm>)> {
    fn max_by_line(self, other: Self) -> Self {
        if self.map(|(line, _)| line) >= other.map(|(line, _)| line) { self } else { other }
    }
}

/// As much of a broken row as may still be readable.
#[derive(Deserialize)]
struct ArmOnly {
    arm: Arm,
}

impl Parsing<'_> {
    /// Parses batches until there are no more, or a line stops the reading. Batches are taken in the file's order, so the
    /// first wrong line is met by somebody.
    fn run(&self) -> Parsed {
        let mut parsed = Parsed { names: Names::default(), batches: Vec::new(), broken: Broken::default() };
        while let Some((number, lines)) = self.next() {
            let mut rows = Vec::with_capacity(lines.len());
            for (line, text) in lines {
                if let Err((error, arm)) = self.line(line, text, &mut parsed.names, &mut rows) {
                    if self.skip_broken && matches!(error, ReadError::Line { .. }) {
                        parsed.broken.count(line, arm);
                    } else {
                        parsed.broken.first = Some((line, error));
                        self.stop.store(true, Ordering::Relaxed);
                        break;
                    }
                }
            }
            // Those before a wrong line too: if it is an unfinished last one, they count.
            parsed.batches.push((number, rows));
            if parsed.broken.first.is_some() {
                // Later lines do not matter any more, but who hands them over must not wait for ever.
                while self.next().is_some() {}
                break;
            }
        }
        parsed
    }

    fn next(&self) -> Option<Batch> {
        self.batches.lock().unwrap_or_else(PoisonError::into_inner).recv().ok()
    }

    fn line(
        &self,
        line: u64,
        text: Result<Box<RawValue>, ReadError>,
        names: &mut Names,
        rows: &mut Vec<Row>,
    ) -> Result<(), (ReadError, Option<Arm>)> {
        let text = text.map_err(|error| (error, None))?;
        let exchange: Exchange = serde_json::from_str(text.get()).map_err(|error| {
            let arm = serde_json::from_str::<ArmOnly>(text.get()).ok().map(|row| row.arm);
            (ReadError::Line { path: self.path.to_owned(), line, message: error.to_string() }, arm)
        })?;
        rows.push(Row::of(&exchange, names));
        Ok(())
    }
}
