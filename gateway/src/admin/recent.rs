//! How the last calls of each arm went: means over at most [`CALLS`] of them, for those who let a weight follow latencies.
//!
//! A failed call counts as twice the slowest good one among them, as the load balancer does whose mode this stands in for; where
//! none was good there is no mean. Calls that ended for reasons of the client or of this gateway are not counted. One short lock
//! for an exchange, once it has ended.

use super::unknown;
use crate::state::Shared;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use datasets::{Arm, Exchange};
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use wire::ErrorKind;

/// Calls of an arm that are remembered; the oldest is forgotten first.
const CALLS: usize = 100;

/// A call that has ended.
#[derive(Debug, Clone, Copy)]
struct Call {
    failed: bool,
    duration_us: u64,
    first_token_us: Option<u64>,
}

/// See the module's text. As many as there are migrations, twice.
#[derive(Debug, Default)]
pub(crate) struct Recent(Mutex<BTreeMap<String, [VecDeque<Call>; 2]>>);

/// The numbers of one arm.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
struct Means {
    calls: u64,
    failures: u64,
    /// Absent where no call was good.
    mean_duration_us: Option<u64>,
    /// Of streamed calls; absent where none of them was good.
    mean_first_token_us: Option<u64>,
    /// Requests under way, served and mirrored.
    in_flight: u64,
}

impl Recent {
    /// Takes an exchange in. Migrations are those of the configurations this process has had.
    pub(crate) fn note(&self, exchange: &Exchange) {
        let nobodys = [ErrorKind::ClientCancelled, ErrorKind::GatewayStopped, ErrorKind::GatewayBusy].map(Some);
        if nobodys.contains(&exchange.error) {
            return;
        }
        let call = Call {
            failed: exchange.error.is_some(),
            duration_us: exchange.duration_us,
            first_token_us: exchange.ttft_us.filter(|_| exchange.streamed),
        };
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !all.contains_key(&exchange.migration) {
            all.insert(exchange.migration.clone(), Default::default());
        }
        let Some(arms) = all.get_mut(&exchange.migration) else { return };
        let [baseline, candidate] = arms;
        let calls = if exchange.arm == Arm::Baseline { baseline } else { candidate };
        if calls.len() == CALLS {
            calls.pop_front();
        }
        calls.push_back(call);
    }

    fn means(&self, migration: &str) -> [Means; 2] {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(migration).map_or_else(Default::default, |arms| arms.each_ref().map(means))
    }
}

fn means(calls: &VecDeque<Call>) -> Means {
    let failures = calls.iter().filter(|call| call.failed).count() as u64;
    Means {
        calls: calls.len() as u64,
        failures,
        mean_duration_us: mean(calls.iter().filter(|call| !call.failed).map(|call| call.duration_us), failures),
        mean_first_token_us: mean(
            calls.iter().filter(|call| !call.failed).filter_map(|call| call.first_token_us),
            failures,
        ),
        in_flight: 0,
    }
}

/// The mean of good calls and of failed ones, each of which counts as twice the slowest good one; rounded down.
fn mean(good: impl Iterator<Item = u64> + Clone, failures: u64) -> Option<u64> {
    let worst = good.clone().max()?;
    let sum = good.clone().map(u128::from).sum::<u128>() + 2 * u128::from(worst) * u128::from(failures);
    u64::try_from(sum / (good.count() as u128 + u128::from(failures))).ok()
}

pub(super) fn routes() -> Router<Arc<Shared>> {
    Router::new().route("/admin/v1/migrations/{name}/recent", get(show))
}

async fn show(State(shared): State<Arc<Shared>>, Path(name): Path<String>) -> Response {
    let plane = shared.plane.load();
    let Some(lane) = plane.lane(&name) else { return unknown("migration") };
    let under_way = |link: &crate::lane::Link| (link.serve.counts().in_flight + link.mirror.counts().in_flight) as u64;
    let [baseline, candidate] = shared.recent.means(&name);
    Json(serde_json::json!({
        "baseline": Means { in_flight: under_way(&lane.baseline), ..baseline },
        "candidate": Means { in_flight: lane.candidate.as_deref().map_or(0, under_way), ..candidate },
    }))
    .into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(failed: bool, duration_us: u64, first_token_us: Option<u64>) -> Call {
        Call { failed, duration_us, first_token_us }
    }

    #[test]
    fn a_failed_call_counts_as_twice_the_slowest_good_one() {
        let calls = [call(false, 100, Some(10)), call(false, 300, None), call(true, 5, None)];
        let means = means(&calls.into());
        assert_eq!((means.calls, means.failures), (3, 1));
        assert_eq!((means.mean_duration_us, means.mean_first_token_us), (Some(1000 / 3), Some(15)));
        assert_eq!(super::means(&[call(true, 5, None)].into()).mean_duration_us, None);
        assert_eq!(super::means(&VecDeque::new()), Means::default());
        let huge = super::means(&[call(false, u64::MAX, None), call(true, 1, None), call(true, 1, None)].into());
        assert_eq!(huge.mean_duration_us, None, "more than there are microseconds");
    }
}
