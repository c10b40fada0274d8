//! `[records]`: where evidence goes.

use super::check::{Checker, LIMIT_MAX};
use datasets::Redaction;
use serde::Deserialize;
use std::path::PathBuf;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawRecords {
    pub path: PathBuf,
    pub redaction: Option<Redaction>,
    pub salt: Option<String>,
    pub queue_lines_max: Option<usize>,
    pub answer_bytes_max: Option<usize>,
}

/// Where evidence goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Records {
    /// File.
    pub path: PathBuf,
    /// How content is kept.
    pub redaction: Redaction,
    /// Salt of content digests.
    pub salt: String,
    /// Records that wait for the disk.
    pub queue_lines_max: usize,
    /// Bytes of an answer that are kept for judging its form (and recorded under `full`).
    pub answer_bytes_max: usize,
}

impl Checker<'_> {
    pub(super) fn records(&mut self, raw: RawRecords) -> Option<Records> {
        let records = Records {
            path: raw.path,
            redaction: raw.redaction.unwrap_or_default(),
            salt: raw.salt.unwrap_or_else(|| "weighbridge".to_owned()),
            queue_lines_max: raw.queue_lines_max.unwrap_or(16_384),
            answer_bytes_max: raw.answer_bytes_max.unwrap_or(256 * 1024),
        };
        if !(1..=LIMIT_MAX).contains(&records.queue_lines_max) {
            let value = records.queue_lines_max;
            return self.problem(format!("records.queue_lines_max is {value}: expected 1 to {LIMIT_MAX}"));
        }
        Some(records)
    }
}
