//! Labels by metric, request and answer.

use crate::error::EvaluateError;
use crate::load::{name_of, open};
use crate::rows::{Row, hash64, key::Domain};
use datasets::{Format, Label};
use judge::verdict::Input;
use std::collections::{BTreeMap, HashMap};
use std::num::NonZeroU64;
use std::path::{Path, PathBuf};

/// What is known about the answers. A label sticks to the answer: both arms get it if both gave that answer.
#[derive(Debug, Default)]
pub struct Labels {
    /// Metric, then request and digest of the answer as hashes. The maps inside are only looked up, never walked.
    by_metric: BTreeMap<String, HashMap<(NonZeroU64, NonZeroU64), bool>>,
}

impl Labels {
    /// Reads label files.
    ///
    /// # Errors
    /// A file cannot be read, a line is broken, a metric is named like a fixed guardrail, or two labels contradict each
    /// other.
    pub fn load(paths: &[PathBuf]) -> Result<(Self, Vec<Input>), EvaluateError> {
        let mut labels = Self::default();
        let mut inputs = Vec::new();
        for path in paths {
            let (mut lines, digest) = open::<Label>(path, Format::Labels)?;
            let mut rows = 0;
            while let Some(label) = lines.next() {
                rows += 1;
                labels.add(label?).map_err(|refused| refused.at(path, lines.line()))?;
            }
            inputs.push(Input { name: name_of(path), digest: digest.hex(), rows });
        }
        Ok((labels, inputs))
    }

    /// Adds one label, or gives it back if its name is taken or it contradicts an earlier one.
    fn add(&mut self, label: Label) -> Result<(), Refused> {
        if judge::metric::is_fixed_name(&label.metric) {
            return Err(Refused::NameTaken(label));
        }
        let answer = (hash64(Domain::Request, &label.request), hash64(Domain::Answer, &label.answer_digest));
        let known = *self.by_metric.entry(label.metric.clone()).or_default().entry(answer).or_insert(label.good);
        if known == label.good { Ok(()) } else { Err(Refused::Contradicts(label)) }
    }

    /// Metrics, sorted.
    pub fn metrics(&self) -> impl Iterator<Item = &str> {
        self.by_metric.keys().map(String::as_str)
    }

    /// Whether the answer is good; `None` if it has no label of this metric.
    #[must_use]
    pub fn good(&self, metric: &str, row: &Row) -> Option<bool> {
        self.by_metric.get(metric)?.get(&(row.request?, row.answer?)).copied()
    }
}

/// A label that cannot be used.
enum Refused {
    /// Its metric is named like a fixed guardrail.
    NameTaken(Label),
    /// It contradicts an earlier one.
    Contradicts(Label),
}

impl Refused {
    fn at(self, path: &Path, line: u64) -> EvaluateError {
        let path = path.to_owned();
        match self {
            Self::NameTaken(label) => EvaluateError::LabelNameTaken { path, line, metric: label.metric },
            Self::Contradicts(label) => {
                EvaluateError::LabelConflict { path, line, metric: label.metric, request: label.request }
            }
        }
    }
}
