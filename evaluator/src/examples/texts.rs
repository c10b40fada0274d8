//! What rows do not keep and examples show: pair ids that are no UUID, and answers.
//!
//! Both stand in the records only, which are read once more for them: for ids until all are found, and only if one is
//! needed (a UUID is its own key); for answers to the end, because a record may come twice and the choice between two
//! must not depend on the order of files. A line that was passed over as broken is passed over again. An id that is not
//! found (standard input, or a file that is gone) is shown as a number.

use crate::error::EvaluateError;
use crate::load;
use crate::pair::Pair;
use crate::parquet::{self, ParquetError, Reader};
use crate::rows::{PairKey, Row};
use datasets::{Arm, Exchange, Format, Lines, Redaction, Role};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

/// A pair whose texts are wanted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted<'a> {
    pub(super) pair: Pair<'a>,
}

/// Which record of a pair: its arm, role and sending time.
type Which = (PairKey, Arm, Role, i64);

const fn which(row: &Row) -> Which {
    (row.pair, row.arm, row.role, row.sent_us)
}

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Texts {
    ids: HashMap<PairKey, String>,
    answers: HashMap<Which, String>,
}

/// As much of a record as tells whose it is.
#[derive(Deserialize)]
struct Whose<'a> {
    #[serde(borrow)]
    pair: Cow<'a, str>,
}

/// As much of a record as an example may show beside its row.
#[derive(Deserialize)]
struct Answered {
    arm: Arm,
    role: Role,
    sent_us: i64,
    #[serde(default)]
    answer: Option<String>,
}

impl Texts {
    /// Reads the records once more, where that is needed.
    ///
    /// # Errors
    /// With answers: a file cannot be read.
    pub(super) fn read(records: &[PathBuf], wanted: &[Wanted<'_>], with_answers: bool) -> Result<Self, EvaluateError> {
        let keys: HashSet<PairKey> = wanted.iter().map(|wanted| wanted.pair.baseline.pair).collect();
        let unknown = keys.iter().filter(|key| key.uuid().is_none()).count();
        let mut reading = Reading { texts: Self::default(), keys, unknown, answers: None };
        if wanted.is_empty() || (unknown == 0 && !with_answers) {
            return Ok(reading.texts);
        }
        if with_answers {
            let rows = wanted.iter().flat_map(|wanted| [wanted.pair.baseline, wanted.pair.candidate]);
            reading.answers = Some(rows.map(which).collect());
        }
        let read = |reading: &mut Reading| load::files_of(records)?.iter().try_for_each(|file| reading.file(file));
        match read(&mut reading) {
            Err(error) if with_answers => Err(error),
            // A number instead of an id is no reason to give no verdict.
            Err(_) | Ok(()) => Ok(reading.texts),
        }
    }

    /// The pair's id; a number where it is not known.
    pub(super) fn id(&self, key: PairKey) -> String {
        let known = key.uuid().or_else(|| self.ids.get(&key).cloned());
        known.unwrap_or_else(|| format!("#{:032x}", key.bits()))
    }

    /// The answer, if it was asked for and is on record.
    pub(super) fn answer(&self, row: &Row) -> Option<&str> {
        self.answers.get(&which(row)).map(String::as_str)
    }
}

/// A second reading under way.
struct Reading {
    texts: Texts,
    keys: HashSet<PairKey>,
    /// Keys whose ids are still to be found.
    unknown: usize,
    /// Records whose answers are wanted.
    answers: Option<HashSet<Which>>,
}

impl Reading {
    fn done(&self) -> bool {
        self.unknown == 0 && self.answers.is_none()
    }

    fn file(&mut self, path: &Path) -> Result<(), EvaluateError> {
        if self.done() || path == Path::new("-") {
            return Ok(());
        }
        match (parquet::is_parquet(path), self.answers.is_some()) {
            (true, true) => self.table(path),
            (true, false) => Ok(parquet::each_pair_id(path, |id| {
                self.id(id);
                !self.done()
            })?),
            (false, _) => self.lines(path),
        }
    }

    fn lines(&mut self, path: &Path) -> Result<(), EvaluateError> {
        let lines = Lines::<Box<RawValue>>::open(path, Format::Exchanges)?;
        let full = lines.header().redaction == Redaction::Full;
        for line in lines {
            let text = match line {
                Ok(text) => text,
                Err(error @ datasets::ReadError::File { .. }) => return Err(error.into()),
                Err(_) => continue,
            };
            let Ok(whose) = serde_json::from_str::<Whose<'_>>(text.get()) else { continue };
            let Some(key) = self.id(&whose.pair).filter(|_| full) else {
                if self.done() {
                    break;
                }
                continue;
            };
            if let Ok(found) = serde_json::from_str::<Answered>(text.get()) {
                self.answer((key, found.arm, found.role, found.sent_us), found.answer);
            }
        }
        Ok(())
    }

    fn table(&mut self, path: &Path) -> Result<(), EvaluateError> {
        let reader = Reader::open(path)?;
        let full = reader.header().is_some_and(|header| header.redaction == Redaction::Full);
        for record in reader {
            let record: Exchange = match record {
                Ok(record) => record,
                Err(ParquetError::Value { .. }) => continue,
                Err(error) => return Err(error.into()),
            };
            if let Some(key) = self.id(&record.pair).filter(|_| full) {
                self.answer((key, record.arm, record.role, record.sent_us), record.answer);
            }
        }
        Ok(())
    }

    /// The key of an id, if it is of a pair that is wanted.
    fn id(&mut self, id: &str) -> Option<PairKey> {
        let key = PairKey::of(id);
        if !self.keys.contains(&key) {
            return None;
        }
        if key.uuid().is_none() && !self.texts.ids.contains_key(&key) {
            self.texts.ids.insert(key, id.to_owned());
            self.unknown = self.unknown.saturating_sub(1);
        }
        Some(key)
    }

    fn answer(&mut self, which: Which, answer: Option<String>) {
        let wanted = self.answers.as_ref().is_some_and(|answers| answers.contains(&which));
        let Some(answer) = answer.filter(|_| wanted) else { return };
        // Of two records that differ in nothing that is compared, the smaller text.
        let kept = self.texts.answers.entry(which).or_insert_with(|| answer.clone());
        if answer < *kept {
            *kept = answer;
        }
    }
}
