//! A weight as it is in force somewhere, and what was done to it before.

use crate::audit::{Entry, Evidence, What};

/// What a target says about itself, as far as it knows.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct InForce {
    /// The target, as people write it; without secrets.
    pub target: String,
    /// The migration; `None` where the target knows no names.
    pub migration: Option<String>,
    /// Candidate weight, percent of the traffic (0 to 100).
    pub weight_percent: f64,
    /// Mirrored share, percent; `None` where the target does not say.
    pub shadow_percent: Option<f64>,
    /// Epoch of constant weight; `None` where the target counts none. The gateway's epochs are milliseconds since the Unix
    /// epoch, or a little more.
    pub epoch: Option<u64>,
    /// What a change must still find in force: an `ETag`, a resource version, a file's digest.
    pub generation: Option<String>,
    /// When the weight was changed last, microseconds since the Unix epoch.
    pub changed_at_us: Option<i64>,
}

/// What the log says about one migration at one target. Instants are microseconds since the Unix epoch; one that cannot be
/// read counts as the last there is, so that it stops what depends on it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct History {
    /// When the weight was raised last.
    pub raised_at_us: Option<i64>,
    /// When it was changed last, in whatever direction.
    pub changed_at_us: Option<i64>,
    /// When this very evidence raised it.
    pub used_at_us: Option<i64>,
}

impl History {
    /// Reads a log, the oldest entry first.
    ///
    /// A raise is logged before it is carried out. If the line after it says that the weight has stayed (`failure` with a
    /// weight *after* that is the weight *before*), it never was; a failure that leaves this open takes nothing back.
    pub fn of<'a>(
        entries: impl IntoIterator<Item = &'a Entry>,
        migration: &str,
        target: &str,
        evidence: &Evidence,
    ) -> Self {
        let mut reader = Reader::default();
        for entry in entries {
            if entry.migration == migration && entry.target == target {
                reader.read(entry, evidence);
            }
        }
        reader.history
    }
}

#[derive(Debug, Default)]
struct Reader {
    history: History,
    /// Before the last raise, with the digest of the verdict that raised.
    before: Option<(History, Option<String>)>,
}

impl Reader {
    fn read(&mut self, entry: &Entry, evidence: &Evidence) {
        let at_us = entry.at.parse::<jiff::Timestamp>().map_or(i64::MAX, jiff::Timestamp::as_microsecond);
        match entry.what {
            What::Raise => {
                let digest = entry.evidence.as_ref().map(|evidence| evidence.digest.clone());
                self.before = Some((self.history, digest));
                self.history.raised_at_us = Some(at_us);
                self.history.changed_at_us = Some(at_us);
                if entry.evidence.as_ref().is_some_and(|used| used.is_same(evidence)) {
                    self.history.used_at_us = Some(at_us);
                }
            }
            What::Lower | What::Rollback | What::Set => {
                self.before = None;
                self.history.changed_at_us = Some(at_us);
            }
            What::Failure => {
                let stayed = entry.to_percent.is_some() && entry.to_percent == entry.from_percent;
                let digest = entry.evidence.as_ref().map(|evidence| &evidence.digest);
                let same = |(_, raised_by): &(History, Option<String>)| raised_by.as_ref() == digest;
                if let Some((history, _)) = self.before.take_if(|before| stayed && same(before)) {
                    self.history = history;
                }
            }
            What::Stay | What::DryRun | What::ShadowPause | What::ShadowResume | What::Alarm | What::Lead => {}
        }
    }
}
