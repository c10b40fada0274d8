//! Grades of recorded answers as a label file.

use crate::outcome::Failure;
use datasets::{Appender, Format, Header, Label, Redaction, digest};
use evaluator::paired_answers::{PairedAnswer, PairedAnswers};
use std::collections::BTreeSet;
use std::path::Path;

/// Writes a label for every graded answer; `false` if there is none.
pub(super) fn write(path: &Path, answers: &PairedAnswers, salt: &str) -> Result<bool, Failure> {
    let Some(metric) = &answers.metric else { return Ok(false) };
    let mut file = Appender::open(path, &Header::new(Format::Labels, Redaction::Hashed)).map_err(Failure::world)?;
    for label in answers.rows.iter().flat_map(|row| labels(row, metric, salt)) {
        file.push(&label).map_err(Failure::world)?;
    }
    file.sync().map_err(Failure::world)?;
    Ok(true)
}

/// Both arms' labels; one if they gave the same answer.
fn labels(row: &PairedAnswer, metric: &str, salt: &str) -> Vec<Label> {
    let mut seen = BTreeSet::new();
    [&row.baseline, &row.candidate]
        .into_iter()
        .filter_map(|answer| Some((digest::content(salt, &answer.text), answer.good?)))
        .filter(|(digest, _)| seen.insert(digest.clone()))
        .map(|(answer_digest, good)| Label { request: row.id.clone(), answer_digest, metric: metric.to_owned(), good })
        .collect()
}
