//! Several logs as one, in the order of their times, as replay plays them.

use crate::cmd::import::failure;
use crate::outcome::Failure;
use datasets::LoggedRequest;
use datasets::import::{self, Import, ImportOptions};
use std::path::PathBuf;

/// A log's next request, read ahead.
struct Ahead {
    logged: LoggedRequest,
    line: Option<u64>,
    request: u64,
}

struct Log {
    name: String,
    rows: Import,
    count: u64,
    ahead: Option<Ahead>,
}

/// The logs under way.
pub(super) struct Logs {
    logs: Vec<Log>,
}

/// A request and where it stands.
pub(super) struct Row<'l> {
    pub logged: LoggedRequest,
    pub file: &'l str,
    pub line: Option<u64>,
    pub request: u64,
}

/// What is known of a log once it was read.
pub(super) struct Told {
    pub name: String,
    pub skipped: u64,
    pub skips: Vec<String>,
}

impl Logs {
    pub(super) fn open(paths: &[PathBuf], options: &ImportOptions) -> Result<Self, Failure> {
        let mut logs = Vec::with_capacity(paths.len());
        for path in paths {
            let rows = import::open(std::slice::from_ref(path), options.clone()).map_err(failure)?;
            let mut log = Log { name: path.display().to_string(), rows, count: 0, ahead: None };
            log.read_ahead()?;
            logs.push(log);
        }
        Ok(Self { logs })
    }

    /// Whether one of them has no times, only an order. Known once their first rows were read.
    pub(super) fn are_untimed(&self) -> bool {
        self.logs.iter().any(|log| log.rows.is_untimed())
    }

    /// The earliest request of those that come next.
    pub(super) fn next_row(&mut self) -> Result<Option<Row<'_>>, Failure> {
        let at = |log: &Log| log.ahead.as_ref().map(|ahead| ahead.logged.at_us);
        let earliest = self.logs.iter_mut().filter(|log| log.ahead.is_some()).min_by_key(|log| at(log));
        let Some(log) = earliest else { return Ok(None) };
        let Some(Ahead { logged, line, request }) = log.ahead.take() else { return Ok(None) };
        log.read_ahead()?;
        Ok(Some(Row { logged, file: &log.name, line, request }))
    }

    pub(super) fn told(self) -> impl Iterator<Item = Told> {
        self.logs.into_iter().map(|log| {
            let report = log.rows.report();
            Told {
                skipped: report.skipped,
                skips: report.skips.iter().map(|skip| skip.message.clone()).collect(),
                name: log.name,
            }
        })
    }
}

impl Log {
    fn read_ahead(&mut self) -> Result<(), Failure> {
        let Some(next) = self.rows.next() else { return Ok(()) };
        self.count += 1;
        let logged = next.map_err(failure)?;
        self.ahead = Some(Ahead { logged, line: self.rows.line(), request: self.count });
        Ok(())
    }
}
