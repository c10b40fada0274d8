//! weighbridge's own request logs: what was written comes back byte for byte.

use super::input::Input;
use super::report::Report;
use super::{Field, ImportError};
use crate::{Format, Lines, LoggedRequest};

/// Own files, one after the other.
pub(super) struct Own {
    /// Files that are still to be read, the next one last.
    rest: Vec<Input>,
    lines: Lines<LoggedRequest>,
    untimed: bool,
    newest_us: i64,
    report: Report,
}

impl Own {
    /// Reads the header of the first file; the others come when their turn does.
    pub(super) fn open(inputs: Vec<Input>) -> Result<Self, ImportError> {
        let mut rest: Vec<Input> = inputs.into_iter().rev().collect();
        let Some(first) = rest.pop() else {
            return Err(ImportError::Options("no log is named: name a file, or `-` for standard input".to_owned()));
        };
        let lines = lines(first)?;
        let untimed = lines.header().untimed;
        Ok(Self { rest, lines, untimed, newest_us: i64::MIN, report: Report::default() })
    }

    pub(super) const fn report(&self) -> &Report {
        &self.report
    }

    pub(super) const fn is_untimed(&self) -> bool {
        self.untimed
    }

    /// Line of the newest request.
    pub(super) const fn line(&self) -> u64 {
        self.lines.line()
    }

    pub(super) fn skip(&mut self, error: &ImportError) {
        self.report.skip(error.to_string());
    }

    pub(super) fn next_request(&mut self) -> Result<Option<LoggedRequest>, ImportError> {
        loop {
            if let Some(request) = self.lines.next() {
                let request = request?;
                self.account(&request);
                return Ok(Some(request));
            }
            let Some(input) = self.rest.pop() else { return Ok(None) };
            let path = input.path().to_owned();
            self.lines = lines(input)?;
            if self.lines.header().untimed != self.untimed {
                let message = "one log has times and the other has none; play them one after the other".to_owned();
                return Err(ImportError::Format { path, message });
            }
        }
    }

    fn account(&mut self, request: &LoggedRequest) {
        self.report.requests += 1;
        self.report.out_of_order += u64::from(request.at_us < self.newest_us);
        self.newest_us = self.newest_us.max(request.at_us);
        self.report.fill(Field::Id, true);
        self.report.fill(Field::Time, !self.untimed);
        self.report.fill(Field::Prompt, true);
        self.report.fill_from(request);
    }
}

fn lines(input: Input) -> Result<Lines<LoggedRequest>, ImportError> {
    let (path, source) = input.into_source();
    Ok(Lines::from_reader(&path, source, Format::Requests)?)
}
