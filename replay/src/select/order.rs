//! Puts a stream of rows in time order, as far as a bounded look ahead can.
//!
//! Logs are nearly sorted: lines are written when an answer ends, several writers share a file. A window of some
//! thousand rows mends that. A log that is sorted backwards would need all of its rows in memory; here its rows are
//! played as they come, and the run says so.

use crate::error::ReplayError;
use datasets::LoggedRequest;
use std::collections::VecDeque;

/// Most bytes of bodies and answers that are held back.
const BYTES_MAX: usize = 64 * 1024 * 1024;

/// A row in its place.
#[derive(Debug)]
pub(crate) struct Placed {
    pub(crate) row: Box<LoggedRequest>,
    /// It stood behind a later one.
    pub(crate) out_of_order: bool,
    /// A later one has been given out already.
    pub(crate) displaced: bool,
}

/// Rows in order; rows of one instant stay as they were.
pub(crate) struct Ordered<I> {
    rows: I,
    rows_max: usize,
    held: VecDeque<Placed>,
    held_bytes: usize,
    newest_read_us: i64,
    newest_given_us: i64,
    /// The source has ended, with this error if any.
    ended: Option<Option<ReplayError>>,
}

impl<I: Iterator<Item = Result<LoggedRequest, ReplayError>>> Ordered<I> {
    pub(crate) fn new(rows: I, rows_max: usize) -> Self {
        Self {
            rows,
            rows_max,
            held: VecDeque::new(),
            held_bytes: 0,
            newest_read_us: i64::MIN,
            newest_given_us: i64::MIN,
            ended: None,
        }
    }

    fn fill(&mut self) {
        while self.ended.is_none() && self.held.len() <= self.rows_max && self.held_bytes <= BYTES_MAX {
            match self.rows.next() {
                Some(Ok(row)) => self.hold(row),
                Some(Err(error)) => self.ended = Some(Some(error)),
                None => self.ended = Some(None),
            }
        }
    }

    fn hold(&mut self, row: LoggedRequest) {
        let at_us = row.at_us;
        self.held_bytes += bytes(&row);
        let out_of_order = at_us < self.newest_read_us;
        self.newest_read_us = self.newest_read_us.max(at_us);
        let placed = Placed { row: Box::new(row), out_of_order, displaced: false };
        if out_of_order {
            let place = self.held.partition_point(|held| held.row.at_us <= at_us);
            self.held.insert(place, placed);
        } else {
            self.held.push_back(placed);
        }
    }
}

impl<I: Iterator<Item = Result<LoggedRequest, ReplayError>>> Iterator for Ordered<I> {
    type Item = Result<Placed, ReplayError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.fill();
        match self.held.pop_front() {
            Some(mut placed) => {
                self.held_bytes -= bytes(&placed.row);
                placed.displaced = placed.row.at_us < self.newest_given_us;
                self.newest_given_us = self.newest_given_us.max(placed.row.at_us);
                Some(Ok(placed))
            }
            // What was read before the broken line is good.
            None => self.ended.as_mut()?.take().map(Err),
        }
    }
}

/// About what a row holds in memory beside its fixed part.
fn bytes(row: &LoggedRequest) -> usize {
    let answer = row.recorded.as_ref().and_then(|recorded| recorded.answer.as_ref()).map_or(0, String::len);
    row.body.get().len() + row.id.len() + answer
}

/// Merges logs by time, holding one row of each. Disorder within a log stays for [`Ordered`] to mend.
pub(crate) fn merge(mut logs: Vec<super::Rows>) -> super::Rows {
    if logs.len() == 1
        && let Some(only) = logs.pop()
    {
        return only;
    }
    let mut logs: Vec<_> = logs.into_iter().map(Iterator::peekable).collect();
    Box::new(std::iter::from_fn(move || {
        let earliest = logs
            .iter_mut()
            .filter_map(|log| {
                let at_us = match log.peek()? {
                    Ok(row) => row.at_us,
                    // An error comes at once.
                    Err(_) => i64::MIN,
                };
                Some((at_us, log))
            })
            .min_by_key(|(at_us, _)| *at_us)?;
        earliest.1.next()
    }))
}
