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
//! They stay in memory as [`Row`]s, 168 bytes each; their texts go as soon as they are read.

mod files;
mod hashed;
mod lines;

use crate::error::EvaluateError;
use crate::parquet;
use crate::rows::{Names, ROWS_MAX, Row, Rows};
use datasets::{Arm, NO_MIGRATION, Role};
use judge::verdict::Input;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

pub(crate) use files::name_of;
pub(crate) use hashed::{of_file as digest_of, open};

/// The record files that the paths name, each once, those of folders and of their partitions included.
///
/// # Errors
/// A folder cannot be read, or has no record file.
pub fn files_of(paths: &[PathBuf]) -> Result<Vec<PathBuf>, EvaluateError> {
    files::list(paths).map(|listed| listed.files)
}

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
    /// Rows of the judged migration of epochs that were not asked for, left out.
    pub earlier_epochs: u64,
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
    /// Rows of the judged migration that were sent before they arrived: a clock that was set between the two. They count.
    pub sent_before_arrival: u64,
    /// Closed parts that lie beside a named file and were not named themselves.
    pub unnamed_parts: u64,
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
    pub rows: Rows,
    /// Rows that only cost money: fallbacks and repetitions, in the same order and with the same names.
    pub aside: Vec<Row>,
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
    load_since(paths, migration, skip_broken, 0)
}

/// The same without the rows of epochs before this one.
///
/// # Errors
/// As [`load`]; and no row is left.
pub fn load_since(
    paths: &[PathBuf],
    migration: Option<&str>,
    skip_broken: bool,
    since_epoch: u64,
) -> Result<Loaded, EvaluateError> {
    let read = |listed: &files::Listed| {
        let mut loading = Loading {
            skip_broken,
            empty_files: listed.empty,
            unnamed_parts: listed.unnamed_parts,
            ..Loading::default()
        };
        // Tables say how many rows they have; a list that grows would for a moment be there twice.
        let tables = listed.files.iter().filter(|file| parquet::is_parquet(file));
        let rows = tables.map(|file| parquet::rows_of(file)).fold(0usize, usize::saturating_add);
        // Without the memory the reading itself fails, and says where.
        let _reserved = loading.rows.try_reserve_exact(rows);
        listed.files.iter().try_for_each(|file| loading.file(file))?;
        Ok(loading)
    };
    files::read_settled(|| files::list(paths), read)?.finish(migration, since_epoch)
}

#[derive(Default)]
struct Loading {
    skip_broken: bool,
    names: Names,
    rows: Vec<Row>,
    inputs: Vec<Input>,
    broken: ByArm,
    broken_unknown: u64,
    cut_off: u64,
    empty_files: u64,
    unnamed_parts: u64,
}

impl Loading {
    fn file(&mut self, path: &Path) -> Result<(), EvaluateError> {
        if parquet::is_parquet(path) { self.table(path) } else { self.lines(path) }
    }

    /// A Parquet file is finished once it has its footer, so it is hashed in a pass of its own.
    fn table(&mut self, path: &Path) -> Result<(), EvaluateError> {
        let (read, digest) = std::thread::scope(|scope| {
            let digest = scope.spawn(|| hashed::of_file(path));
            let read = parquet::read(path, &mut self.names, &mut self.rows, self.skip_broken);
            (read, digest.join())
        });
        let read = read?;
        let digest = digest.unwrap_or_else(|_| hashed::of_file(path))?;
        self.count_broken(&read.broken, read.broken_unknown);
        self.inputs.push(Input { name: name_of(path), digest, rows: read.records });
        Ok(())
    }

    fn lines(&mut self, path: &Path) -> Result<(), EvaluateError> {
        let read = lines::read(path, &mut self.names, &mut self.rows, self.skip_broken)?;
        self.count_broken(&read.broken, read.broken_unknown);
        self.cut_off += u64::from(read.cut_off);
        self.inputs.push(read.input);
        Ok(())
    }

    fn count_broken(&mut self, broken: &ByArm, unknown: u64) {
        self.broken.baseline += broken.baseline;
        self.broken.candidate += broken.candidate;
        self.broken_unknown += unknown;
    }

    fn finish(mut self, wanted: Option<&str>, since_epoch: u64) -> Result<Loaded, EvaluateError> {
        if self.rows.len() > ROWS_MAX {
            return Err(EvaluateError::TooManyRows { found: self.rows.len(), most: ROWS_MAX });
        }
        let migration = self.choose_migration(wanted)?;
        let chosen = self.names.intern_migration(&migration);
        let observed = self.rows.iter().filter(|row| row.role == Role::Observed).count();
        let given = self.rows.len() - observed;
        self.rows.retain(|row| row.role != Role::Observed && row.migration() == chosen);
        let of_migration = self.rows.len();
        self.rows.retain(|row| row.epoch >= since_epoch);
        if self.rows.is_empty() && of_migration > 0 {
            return Err(EvaluateError::NoRecordsSince { epoch: since_epoch });
        }
        let mut counts = LoadCounts {
            seen: self.broken,
            rejected: self.broken,
            broken: self.broken_unknown,
            observed: observed as u64,
            cut_off: self.cut_off,
            empty_files: self.empty_files,
            unnamed_parts: self.unnamed_parts,
            other_migration: (given - of_migration) as u64,
            earlier_epochs: (of_migration - self.rows.len()) as u64,
            ..LoadCounts::default()
        };
        let mut aside = Vec::new();
        let (rows, duplicates) = Rows::gather(self.rows, self.names, |row| counts.keeps(row, &mut aside));
        counts.duplicates = duplicates;
        self.inputs.sort_by(|a, b| (&a.name, &a.digest).cmp(&(&b.name, &b.digest)));
        Ok(Loaded { rows, aside, inputs: self.inputs, counts, migration })
    }

    /// The migration to judge. Traffic that no migration took is nobody's evidence; it is counted with the other
    /// migrations' rows.
    fn choose_migration(&self, wanted: Option<&str>) -> Result<String, EvaluateError> {
        let mut present = vec![false; self.names.migrations().len()];
        for row in self.rows.iter().filter(|row| row.role != Role::Observed) {
            if let Some(present) = present.get_mut(row.migration().position()) {
                *present = true;
            }
        }
        let present = self.names.migrations().iter().zip(present).filter(|(_, present)| *present);
        let present: BTreeSet<&str> = present.map(|(name, _)| name.as_str()).collect();
        let names: Vec<String> =
            present.iter().filter(|name| **name != NO_MIGRATION).map(|name| (*name).to_owned()).collect();
        match (wanted, names.as_slice()) {
            (_, []) => {
                let files: Vec<&str> = self.inputs.iter().map(|input| input.name.as_str()).collect();
                Err(EvaluateError::NoRecords { files: files.join(", ") })
            }
            (None, [only]) => Ok(only.clone()),
            (None, _) => Err(EvaluateError::SeveralMigrations { names }),
            (Some(wanted), _) if present.contains(wanted) => Ok(wanted.to_owned()),
            (Some(wanted), _) => Err(EvaluateError::UnknownMigration { wanted: wanted.to_owned(), names }),
        }
    }
}

impl LoadCounts {
    /// Counts a row of the judged migration. Whether it is evidence; what only costs money goes `aside`.
    fn keeps(&mut self, row: &Row, aside: &mut Vec<Row>) -> bool {
        match row.role {
            Role::Fallback => self.fallbacks += 1,
            Role::Repeat => self.repeats += 1,
            Role::Served | Role::Shadow | Role::Replayed | Role::Observed => {}
        }
        if matches!(row.role, Role::Fallback | Role::Repeat) {
            // It is paid for, whether or not it can be true; what cannot is shown, and never compared.
            if let Some(fault) = row.fault() {
                *self.reasons.entry(fault.reason()).or_default() += 1;
            }
            aside.push(*row);
            return false;
        }
        *self.seen.of(row.arm) += 1;
        if row.sent_us < row.at_us {
            self.sent_before_arrival += 1;
        }
        let Some(fault) = row.fault() else { return true };
        *self.rejected.of(row.arm) += 1;
        *self.reasons.entry(fault.reason()).or_default() += 1;
        false
    }
}
