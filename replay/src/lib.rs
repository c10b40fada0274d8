//! Plays a request log at a gateway or a provider, on time, and tells when it was not.
//!
//! ```text
//! log ─► select ─► plan (rewrite, schedule: pure) ─► supply     reader: a thread, ahead of time
//!                                                      │
//!                  agenda (sessions: pure) ◄───────────┘        dispatcher: a thread, or the lanes of a closed loop
//!                     │ due
//!                     ▼
//!                  worker: send, read, time                     a few threads, one runtime each
//!                     │ done
//!                     ▼
//!                  outcome (pure) ─► records, tally, summary     collector: a thread
//! ```
//!
//! Three rules shape it. Every send instant is an offset from one origin, so lateness never adds up. Latency is
//! reported from the planned instant as well as from the send, and a run that was late, dropped or left something
//! unfinished is *degraded*: its numbers describe the replayer, not the target, and must not pass a gate. And nothing
//! goes to a host outside the machine and private networks unless the caller allows it.
//!
//! [`load`] reads logs, [`dry_run()`] says what would happen, [`run`] does it.

mod agenda;
pub mod allow;
mod board;
mod budget;
pub mod client;
mod collect;
mod connections;
mod drive;
pub mod dry_run;
mod error;
mod feed;
mod finished;
mod ids;
mod lanes;
mod log;
mod measure;
mod options;
mod outcome;
mod plan;
pub mod progress;
mod reader;
mod recorded;
mod run;
pub mod schedule;
pub mod select;
mod sessions;
mod stop;
pub mod summary;
mod supply;
mod worker;
mod workers;

#[cfg(test)]
mod tests;

pub use board::{Lag, Live};
pub use dry_run::{DryRun, dry_run};
pub use error::ReplayError;
pub use log::{Log, load, load_as};
pub use options::{ApiKey, ArmChoice, ReplayOptions};
pub use progress::Progress;
pub use run::run;
pub use schedule::{Rate, RateError, Timetable};
pub use select::{Selection, Shard};
pub use sessions::SessionMode;
pub use stop::Stop;
pub use summary::Summary;
pub use tokio_util::sync::CancellationToken;

/// A duration in whole microseconds.
pub(crate) fn micros(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
