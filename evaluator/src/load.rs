//! Record files to clean rows in one fixed order.
//!
//! Reading is strict: a line that is no exchange is an error with file and line, because a record that is silently
//! left out could be the one that fails. With `skip_broken` such lines are counted instead. Rows that are readable
//! but impossible ([`validity`]) are always counted, by arm, and feed the verdict's reject shares.
//!
//! One kind of broken line is no error: the last one of a file that ends without a line end, which its writer had not
//! finished. It is skipped and counted.
//!
//! A row that repeats pair, arm and role of another one is left out here, once and for all that follows: the one sent
//! first counts, because it is what the client met.
//!
//! Rows that are no evidence about either arm but cost money (a baseline that stepped in for a failed candidate, a
//! baseline that was asked once more) are set aside: nothing that compares the arms ever sees them.
//!
//! The rows come back sorted by content, never by file, so that splitting or shuffling the files changes nothing.
//! They stay in memory, without the answers' texts: about one kilobyte a row.

mod files;
mod hashed;
pub mod validity;

use crate::error::EvaluateError;
use datasets::{Arm, Exchange, Format, NO_MIGRATION, ReadError, Role};
use judge::verdict::Input;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

pub(crate) use files::name_of;
pub(crate) use hashed::open;

/// A count for each arm.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ByArm {
    /// The baseline's.
    pub baseline: u64,
    /// The candidate's.
    pub candidate: u64,
}

impl ByArm {
    /// The count of one arm.
    pub const fn of(&mut self, arm: Arm) -> &mut u64 {
        match arm {
            Arm::Baseline => &mut self.baseline,
            Arm::Candidate => &mut self.candidate,
        }
    }
}

/// What was met while reading.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LoadCounts {
    /// Readable exchanges of the arms, of the judged migration, rejected ones included.
    pub seen: ByArm,
    /// Refused rows of the judged migration: impossible ones, and under `skip_broken` broken ones whose arm can still
    /// be told (those belong to no migration for certain, and count).
    pub rejected: ByArm,
    /// The impossible rows by reason.
    pub reasons: BTreeMap<&'static str, u64>,
    /// Lines under `skip_broken` of which not even the arm can be told.
    pub broken: u64,
    /// Rows seen from the client's side, left out.
    pub observed: u64,
    /// Rows of other migrations, left out.
    pub other_migration: u64,
    /// Rows that repeat pair, arm and role of a row sent earlier, left out.
    pub duplicates: u64,
    /// Answers of the baseline that stepped in after the candidate had failed, set aside.
    pub fallbacks: u64,
    /// Answers of the baseline that was asked the same once more, set aside.
    pub repeats: u64,
    /// Files whose last line has no line end and is no row: still being written when they were read.
    pub cut_off: u64,
    /// Empty files in folders, passed over.
    pub empty_files: u64,
}

impl LoadCounts {
    /// Refused rows among all rows of each arm; 0 where there are no rows.
    #[must_use]
    pub fn reject_shares(&self) -> (f64, f64) {
        let share = |rejected: u64, seen: u64| if seen == 0 { 0.0 } else { rejected as f64 / seen as f64 };
        (share(self.rejected.baseline, self.seen.baseline), share(self.rejected.candidate, self.seen.candidate))
    }
}

/// All rows to judge.
#[derive(Debug)]
pub struct Loaded {
    /// Rows, sorted by time, pair, arm, role and sending time.
    pub exchanges: Vec<Exchange>,
    /// Rows that only cost money: fallbacks and repetitions, in the same order.
    pub aside: Vec<Exchange>,
    /// Files, sorted by name.
    pub inputs: Vec<Input>,
    /// What was left out.
    pub counts: LoadCounts,
    /// The migration that all rows belong to.
    pub migration: String,
}

/// Reads all records of one migration.
///
/// # Errors
/// A file cannot be read, a line is broken (unless `skip_broken`), there is no row, or the rows belong to several
/// migrations and none was chosen.
pub fn load(paths: &[PathBuf], migration: Option<&str>, skip_broken: bool) -> Result<Loaded, EvaluateError> {
    let read = |listed: &files::Listed| {
        let mut loading = Loading { skip_broken, empty_files: listed.empty, ..Loading::default() };
        listed.files.iter().try_for_each(|file| loading.file(file))?;
        Ok(loading)
    };
    files::read_settled(|| files::list(paths), read)?.finish(migration)
}

#[derive(Default)]
struct Loading {
    skip_broken: bool,
    by_migration: BTreeMap<String, Vec<Exchange>>,
    inputs: Vec<Input>,
    broken: ByArm,
    broken_unknown: u64,
    observed: u64,
    cut_off: u64,
    empty_files: u64,
}

/// As much of a broken row as may still be readable.
#[derive(Deserialize)]
struct ArmOnly {
    arm: Arm,
}

impl Loading {
    fn file(&mut self, path: &Path) -> Result<(), EvaluateError> {
        let (mut lines, digest) = open::<Box<RawValue>>(path, Format::Exchanges)?;
        let mut rows = 0;
        let mut next = lines.next();
        while let Some(line) = next {
            let number = lines.line();
            let parsed = line.map_err(Broken::from).and_then(|text| parse(path, number, &text));
            next = lines.next();
            let cut_off = || next.is_none() && lines.line() == number && digest.unterminated();
            match parsed {
                Ok(exchange) => {
                    rows += 1;
                    self.row(exchange);
                }
                Err(Broken { error: ReadError::Line { .. }, .. }) if cut_off() => self.cut_off += 1,
                Err(Broken { error: ReadError::Line { .. }, arm }) if self.skip_broken => match arm {
                    Some(arm) => *self.broken.of(arm) += 1,
                    None => self.broken_unknown += 1,
                },
                Err(broken) => return Err(broken.error.into()),
            }
        }
        self.inputs.push(Input { name: name_of(path), digest: digest.hex(), rows });
        Ok(())
    }

    fn row(&mut self, mut exchange: Exchange) {
        if exchange.role == Role::Observed {
            self.observed += 1;
            return;
        }
        // Texts may be long and nothing here reads them: answers are told apart by their digests.
        exchange.answer = None;
        match self.by_migration.get_mut(&exchange.migration) {
            Some(rows) => rows.push(exchange),
            None => {
                self.by_migration.insert(exchange.migration.clone(), vec![exchange]);
            }
        }
    }

    fn finish(mut self, wanted: Option<&str>) -> Result<Loaded, EvaluateError> {
        // Traffic that no migration took is nobody's evidence; it is counted with the other migrations' rows.
        let names: Vec<String> = self.by_migration.keys().filter(|name| *name != NO_MIGRATION).cloned().collect();
        let migration = match (wanted, names.as_slice()) {
            (_, []) => {
                let files: Vec<&str> = self.inputs.iter().map(|input| input.name.as_str()).collect();
                return Err(EvaluateError::NoRecords { files: files.join(", ") });
            }
            (None, [only]) => only.clone(),
            (None, _) => return Err(EvaluateError::SeveralMigrations { names }),
            (Some(wanted), _) if self.by_migration.contains_key(wanted) => wanted.to_owned(),
            (Some(wanted), _) => return Err(EvaluateError::UnknownMigration { wanted: wanted.to_owned(), names }),
        };
        let rows = self.by_migration.remove(&migration).unwrap_or_default();
        let mut counts = LoadCounts {
            seen: self.broken,
            rejected: self.broken,
            broken: self.broken_unknown,
            observed: self.observed,
            cut_off: self.cut_off,
            empty_files: self.empty_files,
            other_migration: self.by_migration.values().map(|rows| rows.len() as u64).sum(),
            ..LoadCounts::default()
        };
        let given = rows.len();
        let rows = once(rows);
        counts.duplicates = (given - rows.len()) as u64;
        let (mut exchanges, mut aside) = (Vec::with_capacity(rows.len()), Vec::new());
        for exchange in rows {
            match exchange.role {
                Role::Fallback => counts.fallbacks += 1,
                Role::Repeat => counts.repeats += 1,
                Role::Served | Role::Shadow | Role::Replayed | Role::Observed => {}
            }
            if matches!(exchange.role, Role::Fallback | Role::Repeat) {
                aside.push(exchange);
                continue;
            }
            *counts.seen.of(exchange.arm) += 1;
            match validity::impossible(&exchange) {
                None => exchanges.push(exchange),
                Some(reason) => {
                    *counts.rejected.of(exchange.arm) += 1;
                    *counts.reasons.entry(reason).or_default() += 1;
                }
            }
        }
        exchanges.sort_by(order);
        aside.sort_by(order);
        self.inputs.sort_by(|a, b| (&a.name, &a.digest).cmp(&(&b.name, &b.digest)));
        Ok(Loaded { exchanges, aside, inputs: self.inputs, counts, migration })
    }
}

/// A line that is no exchange, with its arm if that can be told.
struct Broken {
    error: ReadError,
    arm: Option<Arm>,
}

impl From<ReadError> for Broken {
    fn from(error: ReadError) -> Self {
        Self { error, arm: None }
    }
}

fn parse(path: &Path, line: u64, text: &RawValue) -> Result<Exchange, Broken> {
    serde_json::from_str(text.get()).map_err(|error| Broken {
        error: ReadError::Line { path: path.to_owned(), line, message: error.to_string() },
        arm: serde_json::from_str::<ArmOnly>(text.get()).ok().map(|row| row.arm),
    })
}

/// Rank of a role: what a client got counts before what was sent on purpose, and that before a mirrored copy.
pub(crate) const fn role_rank(role: Role) -> u32 {
    match role {
        Role::Served => 0,
        Role::Replayed => 1,
        Role::Shadow => 2,
        Role::Fallback => 3,
        Role::Repeat => 4,
        Role::Observed => 5,
    }
}

/// The rows without those that repeat pair, arm and role of a row sent earlier.
fn once(mut rows: Vec<Exchange>) -> Vec<Exchange> {
    fn key(row: &Exchange) -> (&str, Arm, u32) {
        (&row.pair, row.arm, role_rank(row.role))
    }
    rows.sort_by(|a, b| key(a).cmp(&key(b)).then_with(|| a.sent_us.cmp(&b.sent_us)).then_with(|| order(a, b)));
    rows.dedup_by(|later, first| key(later) == key(first));
    rows
}

/// The fixed order. Rows that agree in all of the keys are compared as text, so that the order never depends on the
/// files.
fn order(a: &Exchange, b: &Exchange) -> Ordering {
    a.at_us
        .cmp(&b.at_us)
        .then_with(|| a.pair.cmp(&b.pair))
        .then_with(|| a.arm.cmp(&b.arm))
        .then_with(|| role_rank(a.role).cmp(&role_rank(b.role)))
        .then_with(|| a.sent_us.cmp(&b.sent_us))
        .then_with(|| {
            let text = |exchange: &Exchange| serde_json::to_string(exchange).unwrap_or_default();
            text(a).cmp(&text(b))
        })
}
