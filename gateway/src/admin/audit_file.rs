//! The trail on disk: every change of a weight as a line of the hash-chained log ([`gate::audit`]).
//!
//! A change never waits for the disk. Lines wait in a queue of [`QUEUE`] for a task that writes them one after another, each
//! on disk before the next; one more is counted and told, as is a disk that refuses.

use super::audit::{AuditEntry, What};
use crate::live_guard::AlarmShown;
use gate::audit::{Entry, Log};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::mpsc;

/// Lines that wait, at most.
const QUEUE: usize = 1024;

/// Numbers of lines.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct AuditCounts {
    /// On disk.
    pub written: u64,
    /// The disk refused, or too many waited.
    pub lost: u64,
}

#[derive(Debug, Default)]
struct Counters {
    written: AtomicU64,
    lost: AtomicU64,
}

/// Where lines are handed in; `None` where no file is configured.
#[derive(Debug, Default)]
pub(crate) struct AuditFile {
    sender: Mutex<Option<mpsc::Sender<Entry>>>,
    counters: Arc<Counters>,
    replica: Option<String>,
}

impl AuditFile {
    /// Opens the queue; the task that is returned writes until [`Self::close`] and then what is left.
    pub(crate) fn open(
        path: Option<PathBuf>,
        replica: Option<String>,
    ) -> (Self, impl Future<Output = ()> + Send + 'static) {
        let counters = Arc::new(Counters::default());
        let (sender, receiver) = mpsc::channel(QUEUE);
        let sender = path.is_some().then_some(sender);
        let file = Self { sender: Mutex::new(sender), counters: Arc::clone(&counters), replica };
        let writing = async move {
            if let Some(path) = path {
                write(Log::new(path), receiver, &counters).await;
            }
        };
        (file, writing)
    }

    pub(crate) fn counts(&self) -> Option<AuditCounts> {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let counts = AuditCounts { written: read(&self.counters.written), lost: read(&self.counters.lost) };
        let open = self.sender.lock().unwrap_or_else(PoisonError::into_inner).is_some();
        (open || counts != AuditCounts::default()).then_some(counts)
    }

    /// No more lines come.
    pub(crate) fn close(&self) {
        *self.sender.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// A change.
    pub(super) fn change(&self, entry: &AuditEntry) {
        let lowered = entry.to_percent < entry.from_percent;
        let what = match entry.what.as_str() {
            what if what == What::Rollback.name() => gate::audit::What::Rollback,
            what if what == What::Shadow.name() && lowered => gate::audit::What::ShadowPause,
            what if what == What::Shadow.name() => gate::audit::What::ShadowResume,
            what if what == What::Answer.name() => gate::audit::What::Stay,
            _ => gate::audit::What::Set,
        };
        self.line(Entry {
            at: entry.at.clone(),
            what,
            who: entry.who.clone(),
            replica: entry.replica.clone().or_else(|| self.replica.clone()),
            migration: entry.migration.clone(),
            target: TARGET.to_owned(),
            from_percent: Some(entry.from_percent),
            to_percent: Some(entry.to_percent),
            epoch: Some(entry.epoch),
            why: entry.reason.clone(),
            evidence: None,
        });
    }

    /// An alarm of the live guard; the change that it leads to is a line of its own.
    pub(super) fn alarm(&self, migration: &str, alarm: &AlarmShown) {
        self.line(Entry {
            at: alarm.at.clone(),
            what: gate::audit::What::Alarm,
            who: super::audit::Who::LiveGuard.name().to_owned(),
            replica: self.replica.clone(),
            migration: migration.to_owned(),
            target: TARGET.to_owned(),
            from_percent: Some(alarm.from_percent),
            to_percent: Some(alarm.to_percent),
            epoch: Some(alarm.epoch),
            why: alarm.why.clone(),
            evidence: None,
        });
    }

    fn line(&self, entry: Entry) {
        let sender = self.sender.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if sender.is_some_and(|sender| sender.try_send(entry).is_err()) {
            self.counters.lost.fetch_add(1, Ordering::Relaxed);
            tracing::error!("a line of the audit file is lost: too many wait for the disk");
        }
    }
}

/// Where these weights live.
const TARGET: &str = "gateway";

async fn write(log: Log, mut lines: mpsc::Receiver<Entry>, counters: &Counters) {
    while let Some(entry) = lines.recv().await {
        let appending = log.clone();
        let appended = tokio::task::spawn_blocking(move || appending.append(&entry)).await;
        let problem = match appended {
            Ok(Ok(_)) => {
                counters.written.fetch_add(1, Ordering::Relaxed);
                continue;
            }
            Ok(Err(error)) => error.to_string(),
            Err(error) => error.to_string(),
        };
        counters.lost.fetch_add(1, Ordering::Relaxed);
        tracing::error!(path = %log.path().display(), problem, "a line of the audit file is lost");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::audit::{Note, Who};

    fn entry(number: u64) -> AuditEntry {
        let note = Note { what: What::Rollback, who: Who::LiveGuard, reason: "errors" };
        AuditEntry::new("m", (5.0, 1.0), number, note, 0)
    }

    #[tokio::test]
    async fn what_was_handed_in_is_on_disk_when_the_task_ends() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.ndjson");
        let (file, writing) = AuditFile::open(Some(path.clone()), Some("a".to_owned()));
        (1..=5).for_each(|number| file.change(&entry(number)));
        file.close();
        writing.await;
        assert_eq!(file.counts(), Some(AuditCounts { written: 5, lost: 0 }));
        let entries = Log::new(&path).read().unwrap();
        assert_eq!(entries.iter().map(|entry| entry.epoch).collect::<Vec<_>>(), (1..=5).map(Some).collect::<Vec<_>>());
        assert_eq!((entries[0].who.as_str(), entries[0].what), ("live-guard", gate::audit::What::Rollback));
    }

    /// It is no change of the weight, and nobody who reads the log may take it for one.
    #[tokio::test]
    async fn what_a_pipeline_is_told_is_a_line_that_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.ndjson");
        let (file, writing) = AuditFile::open(Some(path.clone()), None);
        let note = Note { what: What::Answer, who: Who::Pipeline, reason: "argo is told go" };
        file.change(&AuditEntry::new("m", (5.0, 5.0), 7, note, 0));
        file.close();
        writing.await;
        let entries = Log::new(&path).read().unwrap();
        assert_eq!((entries[0].who.as_str(), entries[0].what), ("pipeline", gate::audit::What::Stay));
    }

    #[tokio::test]
    async fn a_disk_that_refuses_is_counted_and_holds_nothing_up() {
        let folder = tempfile::tempdir().unwrap();
        let (file, writing) = AuditFile::open(Some(folder.path().to_owned()), None);
        (1..=QUEUE as u64 + 3).for_each(|number| file.change(&entry(number)));
        file.close();
        writing.await;
        assert_eq!(file.counts(), Some(AuditCounts { written: 0, lost: QUEUE as u64 + 3 }));
        assert_eq!(AuditFile::default().counts(), None);
    }
}
