//! Which rows of a log are played, in which order, and where they lie on one time line. Pure, and a stream: the log
//! may be longer than the memory.
//!
//! ```text
//! log ─► order (bounded) ─► window ─► filters ─► sample ─► limit ─► shard ─► Chosen
//! ```
//!
//! The order of the steps is a promise. Everything before the shard is the same on every machine, so that the shards
//! together play exactly what one machine would have played: the same rows ([`Chosen::ordinal`] counts them over all
//! shards), at the same instants ([`Chosen::at_us`] is measured on the whole time line).
//!
//! Nothing is left out in silence: every row that was read is counted under what became of it.

mod counts;
mod filter;
mod order;
mod share;
mod window;

pub use counts::Selected;
pub use filter::{Name, Span};
pub use share::{Share, ShareError};
pub use window::{Edge, EdgeError};

pub(crate) use counts::SelectCounts;
pub(crate) use order::merge;

use crate::error::ReplayError;
use datasets::{Endpoint, LoggedRequest};
use order::Ordered;
use std::sync::Arc;

/// A log, row by row; the first error ends it.
pub(crate) type Rows = Box<dyn Iterator<Item = Result<LoggedRequest, ReplayError>> + Send>;

/// Where a second lap begins if the first one has no pace of its own: its rows all have one instant.
const SEAM_DEFAULT_US: u64 = 1_000_000;

/// Which part of a log one machine plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Shard {
    /// Which one, counted from 1.
    pub index: u32,
    /// Of how many.
    pub of: u32,
}

/// Which rows are played. The default plays the whole log once.
#[derive(Debug, Clone, PartialEq)]
pub struct Selection {
    /// Rows before it are left out.
    pub from: Option<Edge>,
    /// Rows at and after it are left out.
    pub to: Option<Edge>,
    /// Models in the log, exact or with a `*` at the end; empty for all.
    pub models: Vec<Name>,
    /// Consumers in the log, exact or with a `*` at the end; empty for all.
    pub consumers: Vec<Name>,
    /// Endpoints; empty for all.
    pub endpoints: Vec<Endpoint>,
    /// Characters of the prompt.
    pub prompt_chars: Span,
    /// Which share of the sessions; rows without a session count one by one.
    pub sample: Option<Share>,
    /// Only this machine's part: whole sessions, and rows without a session one by one.
    pub shard: Option<Shard>,
    /// So many rows of all laps and shards together, then the end.
    pub limit: Option<u64>,
    /// How many times the log is played; `None` plays it again and again until the duration or the limit ends it.
    pub laps: Option<u64>,
    /// Longest pause between two rows on the time line, microseconds of the log.
    pub idle_cap_us: Option<u64>,
    /// Rows that are held back to put the log in order. A row that comes later than that is played at once, and
    /// counted as displaced.
    pub reorder_rows: usize,
}

impl Default for Selection {
    fn default() -> Self {
        Self {
            from: None,
            to: None,
            models: Vec::new(),
            consumers: Vec::new(),
            endpoints: Vec::new(),
            prompt_chars: Span::default(),
            sample: None,
            shard: None,
            limit: None,
            laps: Some(1),
            idle_cap_us: None,
            reorder_rows: 10_000,
        }
    }
}

/// A row that is to be played.
#[derive(Debug)]
pub(crate) struct Chosen {
    /// The row; in the second lap its id ends with `#2`.
    pub(crate) row: LoggedRequest,
    /// Place on the time line of the whole selection, microseconds from its first row: idle gaps are capped, laps
    /// follow each other. Never falls.
    pub(crate) at_us: u64,
    /// How many rows of all shards come before it.
    pub(crate) ordinal: u64,
    /// Counted from 0.
    pub(crate) lap: u64,
}

impl Chosen {
    /// What tells the sessions of all laps apart; `None` for a row without a session.
    pub(crate) fn session_key(&self) -> Option<u64> {
        self.row.session.as_deref().map(|session| share::hash(session, self.lap))
    }
}

/// Chooses rows. `open` opens the log anew for every lap, and must give the same rows each time.
pub(crate) fn select(
    open: impl Fn() -> Result<Rows, ReplayError> + Send + 'static,
    selection: &Selection,
    seed: u64,
    counts: Arc<SelectCounts>,
) -> impl Iterator<Item = Result<Chosen, ReplayError>> + Send {
    Select {
        open: Box::new(open),
        selection: selection.clone(),
        seed,
        counts,
        lap: None,
        laps_begun: 0,
        ordinal: 0,
        line: TimeLine::default(),
        ended: false,
    }
}

/// How many rows all shards together would play: a pass over the log, for schedules that depend on its length.
///
/// # Errors
/// The log cannot be read, or it would be played without end.
pub(crate) fn count(
    open: impl Fn() -> Result<Rows, ReplayError> + Send + 'static,
    selection: &Selection,
    seed: u64,
) -> Result<u64, ReplayError> {
    if selection.laps.is_none() && selection.limit.is_none() {
        return Err(ReplayError::Options(
            "the length of a log that is played without end is unknown: add `--limit` or `--duration`".to_owned(),
        ));
    }
    let whole = Selection { shard: None, ..selection.clone() };
    let mut rows = 0;
    for chosen in select(open, &whole, seed, Arc::default()) {
        chosen?;
        rows += 1;
    }
    Ok(rows)
}

type Open = Box<dyn Fn() -> Result<Rows, ReplayError> + Send>;

struct Select {
    open: Open,
    selection: Selection,
    seed: u64,
    counts: Arc<SelectCounts>,
    lap: Option<Lap>,
    laps_begun: u64,
    ordinal: u64,
    line: TimeLine,
    ended: bool,
}

/// One pass over the log.
struct Lap {
    rows: Ordered<Rows>,
    /// Time of the log's first row.
    origin_us: Option<i64>,
    /// Rows chosen in it, by all shards.
    chosen: u64,
}

/// What becomes of a row.
enum Fate {
    Play,
    Skip,
    /// The rest of the lap lies behind the window.
    EndLap,
}

impl Iterator for Select {
    type Item = Result<Chosen, ReplayError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let next = self.advance();
        self.ended = !matches!(next, Some(Ok(_)));
        next
    }
}

impl Select {
    fn advance(&mut self) -> Option<Result<Chosen, ReplayError>> {
        loop {
            if self.selection.limit.is_some_and(|limit| self.ordinal >= limit) {
                return None;
            }
            let Some(mut lap) = self.lap.take() else {
                match self.next_lap()? {
                    Ok(lap) => self.lap = Some(lap),
                    Err(error) => return Some(Err(error)),
                }
                continue;
            };
            let next = lap.rows.next();
            match next {
                // A lap that chose nothing would be followed by others like it, without end.
                None if lap.chosen == 0 => return None,
                None => {}
                Some(Err(error)) => return Some(Err(error)),
                Some(Ok(placed)) => match self.fate(&mut lap, &placed) {
                    Fate::EndLap if lap.chosen == 0 => return None,
                    Fate::EndLap => {}
                    Fate::Skip => self.lap = Some(lap),
                    Fate::Play => {
                        let chosen = self.choose(&mut lap, *placed.row);
                        self.lap = Some(lap);
                        if let Some(chosen) = chosen {
                            return Some(Ok(chosen));
                        }
                    }
                },
            }
        }
    }

    fn next_lap(&mut self) -> Option<Result<Lap, ReplayError>> {
        if self.selection.laps.is_some_and(|laps| self.laps_begun >= laps) {
            return None;
        }
        let rows = match (self.open)() {
            Ok(rows) => rows,
            Err(error) => return Some(Err(error)),
        };
        self.laps_begun += 1;
        self.counts.lap();
        self.line.seam(self.selection.idle_cap_us);
        Some(Ok(Lap { rows: Ordered::new(rows, self.selection.reorder_rows), origin_us: None, chosen: 0 }))
    }

    /// Window, filters and sample.
    fn fate(&self, lap: &mut Lap, placed: &order::Placed) -> Fate {
        let counts = &self.counts;
        counts.read(placed);
        let row = &placed.row;
        let origin_us = *lap.origin_us.get_or_insert(row.at_us);
        if self.selection.to.is_some_and(|edge| edge.is_at_or_before(row.at_us, origin_us)) {
            counts.outside_window();
            return Fate::EndLap;
        }
        if self.selection.from.is_some_and(|edge| !edge.is_at_or_before(row.at_us, origin_us)) {
            counts.outside_window();
            return Fate::Skip;
        }
        if !filter::passes(row, &self.selection) {
            counts.filtered();
            return Fate::Skip;
        }
        if self.selection.sample.is_some_and(|share| !share.takes(row, self.seed)) {
            counts.not_sampled();
            return Fate::Skip;
        }
        Fate::Play
    }

    /// Gives a row its place; `None` if it is another machine's.
    fn choose(&mut self, lap: &mut Lap, mut row: LoggedRequest) -> Option<Chosen> {
        let at_us = self.line.place(row.at_us, self.selection.idle_cap_us);
        let ordinal = self.ordinal;
        self.ordinal += 1;
        lap.chosen += 1;
        let ours = self.selection.shard.is_none_or(|shard| shard.owns(&row));
        self.counts.chosen(ours);
        let lap = self.laps_begun - 1;
        if lap > 0 {
            row.id = format!("{}#{}", row.id, lap + 1);
        }
        ours.then_some(Chosen { row, at_us, ordinal, lap })
    }
}

/// The time line: offsets from the first row that was chosen, laps one after another.
#[derive(Debug, Default)]
struct TimeLine {
    /// Time of the newest row of this lap in the log.
    log_us: Option<i64>,
    /// Its place.
    at_us: u64,
    /// Place of the first row of this lap.
    lap_start_us: u64,
    /// Rows in this lap.
    rows: u64,
    /// Where the next lap's first row goes.
    next_lap_us: u64,
}

impl TimeLine {
    /// Ends a lap. The next one follows after the mean gap of this one: its rate stays what it was, where no gap at
    /// all would send two rows at once, and the longest gap would make a calm spot.
    fn seam(&mut self, idle_cap_us: Option<u64>) {
        if self.rows > 0 {
            let span_us = self.at_us - self.lap_start_us;
            let mean_us = if span_us == 0 { SEAM_DEFAULT_US } else { (span_us / (self.rows - 1).max(1)).max(1) };
            self.next_lap_us = self.at_us.saturating_add(mean_us.min(idle_cap_us.unwrap_or(u64::MAX)));
        }
        self.log_us = None;
        self.rows = 0;
    }

    fn place(&mut self, log_us: i64, idle_cap_us: Option<u64>) -> u64 {
        match self.log_us {
            None => {
                self.at_us = self.next_lap_us;
                self.lap_start_us = self.at_us;
                self.log_us = Some(log_us);
            }
            Some(newest_us) => {
                // A displaced row goes out with the one before it.
                let gap_us = u64::try_from(log_us.saturating_sub(newest_us)).unwrap_or(0);
                self.at_us = self.at_us.saturating_add(gap_us.min(idle_cap_us.unwrap_or(u64::MAX)));
                self.log_us = Some(newest_us.max(log_us));
            }
        }
        self.rows += 1;
        self.at_us
    }
}

#[cfg(test)]
mod tests;
