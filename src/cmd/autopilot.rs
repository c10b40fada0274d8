//! `weighbridge autopilot`: evaluates, publishes, decides and moves, again and again, until it is stopped.
//!
//! It keeps nothing that it could not read again: evidence is the record files, decisions are the audit log, the weight is the
//! gateway's. Killed at any point and started again it goes on where it was ([`gate::pilot`] argues why). One bad look (a broken
//! line, a gateway or a Redis that is away) never ends it: it says so and looks again, first soon, then less often. Only what
//! its user has to change before anything can work ends it, and a signal, between two moves.

mod act;
mod adjusting;
mod config;
mod judging;
mod leader;
mod look;
mod money;
mod records;
mod shelf;
mod tell;

use crate::args;
use crate::cmd::gate::AdminPlane;
use crate::outcome::{Exit, Failure};
use crate::stop;
use config::Config;
use gate::audit::Log;
use judge::verdict::Decision;
use leader::Leader;
use look::Memory;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// How often the gateway is asked whether its epoch has changed.
const POLL: Duration = Duration::from_secs(1);
/// Moves that follow on each other without a pause, at most.
const MOVES_IN_A_ROW: usize = 4;

pub(super) async fn run(args: &args::Autopilot) -> Result<Exit, Failure> {
    let mut flight = Flight::begin(&args.config, args.dry_run).await?;
    if args.once {
        let looked = flight.look().await;
        flight.leader.give_back().await;
        return looked.map(|looked| looked.exit());
    }
    flight.fly(&stop::on_signal()).await;
    Ok(Exit::Done)
}

/// The same beside a gateway in one process, until `stop`.
///
/// # Errors
/// What the user has to change.
pub(super) async fn beside(config: &Path, stop: &CancellationToken) -> Result<(), Failure> {
    Flight::begin(config, false).await?.fly(stop).await;
    Ok(())
}

/// Everything that a look needs.
struct Flight {
    config: Arc<Config>,
    plane: Arc<AdminPlane>,
    leader: Leader,
    log: Log,
    memory: Memory,
    dry_run: bool,
}

/// What a look came to.
struct Looked {
    decision: Option<Decision>,
    /// Something was changed.
    moved: bool,
    /// The gate had nothing against it: there is nothing to raise.
    at_the_top: bool,
    epoch: u64,
}

impl Looked {
    /// As the gate's: 0 moved, or nothing to raise; 1 NO-GO; 3 left alone.
    fn exit(&self) -> Exit {
        match self.decision {
            Some(Decision::NoGo) => Exit::NoGo,
            _ if self.moved || self.at_the_top => Exit::Done,
            _ => Exit::Hold,
        }
    }
}

impl Flight {
    async fn begin(config: &Path, dry_run: bool) -> Result<Self, Failure> {
        let config = Arc::new(Config::read(config)?);
        let token = config::token(&config.token_env)?;
        let plane = Arc::new(AdminPlane::given_by("gateway.target", &config.target, &token)?);
        shelf::make(&config.out)?;
        let leader = Leader::begin(&plane, &config, dry_run).await;
        let memory = Memory::begin(&config.out);
        let log = Log::new(&config.audit);
        Ok(Self { config, plane, leader, log, memory, dry_run })
    }

    /// Looks and moves until it is stopped, and gives the lead back then.
    async fn fly(&mut self, stop: &CancellationToken) {
        tell::begun(&self.config, self.plane.shown(), self.dry_run);
        let (mut failed, mut moves) = (0_u32, 0);
        loop {
            let (pause, epoch) = match self.look().await {
                Ok(looked) => {
                    failed = 0;
                    moves = if looked.moved { moves + 1 } else { 0 };
                    let again = moves > 0 && moves < MOVES_IN_A_ROW;
                    (if again { Duration::ZERO } else { self.config.interval }, Some(looked.epoch))
                }
                Err(failure) => {
                    failed = failed.saturating_add(1);
                    let pause = pause_after(failed, self.config.interval);
                    self.memory.teller.failed(&failure.message, failed, pause);
                    (pause, None)
                }
            };
            if !self.rest(pause, epoch, stop).await {
                break;
            }
        }
        self.leader.give_back().await;
    }

    /// Waits for the next look; a changed epoch cuts it short. Says whether to go on.
    async fn rest(&self, pause: Duration, epoch: Option<u64>, stop: &CancellationToken) -> bool {
        let until = Instant::now() + pause;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            tokio::select! {
                () = stop.cancelled() => return false,
                () = tokio::time::sleep(left.min(POLL)) => {}
            }
            if Instant::now() >= until {
                return true;
            }
            // A gateway that is away for a moment is the next look's matter.
            if let (Some(epoch), Ok(state)) = (epoch, self.plane.migration(&self.config.migration).await)
                && state.epoch != epoch
            {
                return true;
            }
        }
    }
}

/// The pause after so many failed looks in a row: 1 s, 2 s, 4 s, ... up to the interval.
fn pause_after(failed: u32, interval: Duration) -> Duration {
    let seconds = 1_u64.checked_shl(failed.saturating_sub(1)).unwrap_or(u64::MAX);
    Duration::from_secs(seconds).min(interval)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_up_to_the_interval() {
        let minute = Duration::from_secs(60);
        let pauses = [1, 2, 3, 6, 7, 64, 65, u32::MAX].map(|failed| pause_after(failed, minute).as_secs());
        assert_eq!(pauses, [1, 2, 4, 32, 60, 60, 60, 60]);
        assert_eq!(pause_after(1, Duration::from_millis(50)), Duration::from_millis(50));
    }
}
