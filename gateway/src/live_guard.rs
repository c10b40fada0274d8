//! The live guard: takes traffic away from a candidate as soon as harm is proven, on all replicas, and says why.
//!
//! Every request that the weight drew is told to its lane's [`Watch`] when it is sent and when it has ended: some additions
//! under a lock that nobody holds for longer. One task looks at the counts, every [`LOOK_INTERVAL`]: it adds those of the
//! other replicas, asks [`judge::live`], and on an alarm lowers the weight by compare-and-swap, again and again until it is
//! down. It never raises anything. Each look is on a schedule and not on an outcome, so that the sum over replicas is one
//! sequence of blocks, and its bets are exact.
//!
//! **While Redis is away** nothing shared can be changed, and harm does not wait: this replica serves the baseline itself,
//! in an epoch of its own that it offers to nobody, and lowers the shared weight as soon as Redis answers. Meanwhile each
//! replica judges what it knows, at its part of the level.
//!
//! **Whom it tells**: the log line, the trail of changes, the audit file, the page of metrics, the console, and a webhook.
//! None of them can hold a rollback up: they are told afterwards, through queues that are bounded.

mod act;
mod look;
mod outcome;
mod routes;
mod rungs;
mod shown;
mod watch;
mod webhook;

#[cfg(test)]
mod tests;

pub(crate) use routes::routes;
pub(crate) use shown::LiveGuardShown;
#[cfg(test)]
pub(crate) use shown::NearestShown;
pub(crate) use watch::{AlarmShown, Watch, Watched};
pub(crate) use webhook::{Messages, WebhookCounts};

use crate::routing::WeightBp;
use crate::state::Shared;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::MissedTickBehavior;

/// How often counts are looked at. An alarm is acted upon within it, and within a second with what Redis and a message to the
/// other replicas take.
const LOOK_INTERVAL: Duration = Duration::from_millis(200);

/// A rollback that the other replicas have not been told yet.
#[derive(Debug, Clone)]
pub(crate) struct Owed {
    target: WeightBp,
    why: String,
}

/// Looks until the gateway is gone.
pub(crate) async fn run(shared: Arc<Shared>) {
    let gone = shared.gone.clone();
    let looking = async {
        let mut ticks = tokio::time::interval(LOOK_INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            ticks.tick().await;
            let plane = shared.plane.load_full();
            for lane in &plane.lanes {
                look::look(&shared, lane).await;
            }
        }
    };
    gone.run_until_cancelled(looking).await;
}
