//! The trail of what people changed while the gateway ran.

use super::audit_file::{AuditCounts, AuditFile};
use crate::lane::Snapshot;
use crate::live_guard::AlarmShown;
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Changes that are remembered; the oldest is forgotten first.
pub(crate) const ENTRIES_MAX: usize = 1000;
/// Characters of a reason that are kept.
pub(crate) const REASON_CHARS_MAX: usize = 1000;

/// What was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    /// The candidate's weight.
    Weight,
    /// The same, to nothing.
    Rollback,
    /// Whether copies are offered; the percentages are shares of copies then.
    Shadow,
    /// What a pipeline is told; nothing of ours was changed by it.
    Answer,
}

/// By whose hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Who {
    /// Somebody with the admin token.
    Token,
    /// Somebody who has logged in to the console.
    Console,
    /// The autopilot that leads.
    Autopilot,
    /// A changed configuration.
    Config,
    /// The gateway by itself: Redis had lost what it held.
    Gateway,
    /// Somebody with a token that only reads; changes nothing.
    Reader,
    /// Somebody else's pipeline, which asked.
    Pipeline,
    /// The live guard: harm is proven.
    LiveGuard,
}

impl What {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Weight => "weight",
            Self::Rollback => "rollback",
            Self::Shadow => "shadow",
            Self::Answer => "answer",
        }
    }
}

impl Who {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Console => "console",
            Self::Autopilot => "autopilot",
            Self::Config => "config",
            Self::Gateway => "gateway",
            Self::Reader => "reader",
            Self::Pipeline => "pipeline",
            Self::LiveGuard => "live-guard",
        }
    }
}

/// What is to be said of a change beside its numbers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Note<'a> {
    pub what: What,
    pub who: Who,
    pub reason: &'a str,
}

impl<'a> Note<'a> {
    /// A weight that follows from a configuration.
    pub(crate) const fn config(reason: &'a str) -> Self {
        Self { what: What::Weight, who: Who::Config, reason }
    }

    /// A weight that Redis is given back.
    pub(crate) const fn gateway(reason: &'a str) -> Self {
        Self { what: What::Weight, who: Who::Gateway, reason }
    }
}

/// One change.
#[derive(Debug, Clone, serde::Serialize)]
pub(crate) struct AuditEntry {
    pub at: String,
    pub migration: String,
    /// [`What::name`].
    pub what: String,
    pub from_percent: f64,
    pub to_percent: f64,
    pub epoch: u64,
    pub reason: String,
    /// [`Who::name`].
    pub who: String,
    /// Which replica was told, where there are several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replica: Option<String>,
}

impl AuditEntry {
    /// A change of the weight.
    pub(crate) fn weight(migration: &str, old: Snapshot, new: Snapshot, note: Note<'_>, now_us: i64) -> Self {
        let percents = (old.weights.candidate.percent(), new.weights.candidate.percent());
        Self::new(migration, percents, new.epoch, note, now_us)
    }

    /// Any change, from one share to another.
    pub(crate) fn new(migration: &str, (from, to): (f64, f64), epoch: u64, note: Note<'_>, now_us: i64) -> Self {
        Self {
            at: at(now_us),
            migration: migration.to_owned(),
            what: note.what.name().to_owned(),
            from_percent: from,
            to_percent: to,
            epoch,
            reason: note.reason.to_owned(),
            who: note.who.name().to_owned(),
            replica: None,
        }
    }

    /// Reads an entry as it is shared between replicas.
    pub(crate) fn from_shared(line: &str) -> Option<Self> {
        #[derive(serde::Deserialize)]
        struct Line {
            at: String,
            migration: String,
            // Of a release that only knew weights.
            #[serde(default = "weight")]
            what: String,
            from_bp: u32,
            to_bp: u32,
            epoch: u64,
            reason: String,
            #[serde(default)]
            who: String,
            replica: String,
        }
        fn weight() -> String {
            What::Weight.name().to_owned()
        }
        let line: Line = serde_json::from_str(line).ok()?;
        Some(Self {
            at: line.at,
            migration: line.migration,
            what: line.what,
            from_percent: f64::from(line.from_bp) / 100.0,
            to_percent: f64::from(line.to_bp) / 100.0,
            epoch: line.epoch,
            reason: line.reason,
            who: line.who,
            replica: Some(line.replica),
        })
    }
}

/// An instant as the trail writes it.
pub(crate) fn at(now_us: i64) -> String {
    jiff::Timestamp::from_microsecond(now_us).unwrap_or_default().to_string()
}

/// What a line of the log says of a change.
fn told(what: &str) -> &'static str {
    match what {
        _ if what == What::Shadow.name() => "shadow changed",
        _ if what == What::Answer.name() => "a pipeline is told something else",
        _ => "weight changed",
    }
}

/// What this process changed, the oldest first.
#[derive(Debug, Default)]
pub(crate) struct Trail {
    entries: Mutex<VecDeque<AuditEntry>>,
    file: AuditFile,
}

impl Trail {
    /// One that is written to a file as well.
    pub(crate) fn with_file(file: AuditFile) -> Self {
        Self { file, ..Self::default() }
    }

    /// Lines of the file; `None` where there is none.
    pub(crate) fn counts(&self) -> Option<AuditCounts> {
        self.file.counts()
    }

    /// No more lines come.
    pub(crate) fn close(&self) {
        self.file.close();
    }

    /// An alarm of the live guard, for the file; what changed is noted by itself.
    pub(crate) fn alarm(&self, migration: &str, alarm: &AlarmShown) {
        self.file.alarm(migration, alarm);
    }

    pub(crate) fn note(&self, entry: AuditEntry) {
        let AuditEntry { migration, what, from_percent, to_percent, epoch, reason, who, .. } = &entry;
        tracing::info!(migration, what, who, from = from_percent, to = to_percent, epoch, reason, "{}", told(what));
        self.file.change(&entry);
        let mut entries = self.entries();
        if entries.len() == ENTRIES_MAX {
            entries.pop_front();
        }
        entries.push_back(entry);
    }

    /// The latest changes, the oldest first.
    pub(crate) fn latest(&self, most: usize) -> Vec<AuditEntry> {
        let entries = self.entries();
        entries.iter().skip(entries.len().saturating_sub(most)).cloned().collect()
    }

    /// The latest change of this kind.
    pub(crate) fn find(&self, is_it: impl Fn(&AuditEntry) -> bool) -> Option<AuditEntry> {
        self.entries().iter().rev().find(|entry| is_it(entry)).cloned()
    }

    fn entries(&self) -> MutexGuard<'_, VecDeque<AuditEntry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_trail_forgets_the_oldest() {
        let trail = Trail::default();
        let note = Note { what: What::Shadow, who: Who::Console, reason: "why" };
        for number in 0..ENTRIES_MAX as u64 + 5 {
            trail.note(AuditEntry::new("m", (100.0, 0.0), number, note, 0));
        }
        let all = trail.latest(usize::MAX);
        assert_eq!((all.len(), all[0].epoch), (ENTRIES_MAX, 5));
        let last = trail.latest(1).remove(0);
        assert_eq!((last.what.as_str(), last.who.as_str(), last.epoch), ("shadow", "console", 1004));
    }

    #[test]
    fn a_line_of_an_older_release_is_a_weight_of_nobody_known() {
        let line = r#"{"at":"t","migration":"m","from_bp":500,"to_bp":1000,"epoch":7,"reason":"r","replica":"a"}"#;
        let entry = AuditEntry::from_shared(line).unwrap();
        assert_eq!((entry.what.as_str(), entry.who.as_str()), ("weight", ""));
        let newer = line.replace("\"at\"", "\"what\":\"rollback\",\"who\":\"console\",\"at\"");
        let entry = AuditEntry::from_shared(&newer).unwrap();
        assert_eq!((entry.what.as_str(), entry.who.as_str()), ("rollback", "console"));
    }
}
