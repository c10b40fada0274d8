//! Who leads a migration: of several autopilots one decides, the others watch.
//!
//! A lease is taken for a time, made longer by whoever has it, and given back or left to end. Where replicas share weights they
//! share leases, on the time of Redis; a gateway that is alone counts on its own monotonic clock. The clock of an
//! autopilot's host counts nowhere.
//!
//! Each time that somebody begins to lead, a number (the fence) grows. A change of the weight that carries the fence in
//! [`FENCE`] is refused unless it is the newest and its lease is not over: a leader that was asleep while another one took
//! over changes nothing when it wakes. Changes without a fence are those of people and of other tools; they are as free as before.

use super::access::Pass;
use super::{problem, unknown};
use crate::lane::next_epoch;
use crate::replicas::StoreError;
use crate::state::Shared;
use axum::extract::{Extension, Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The header that carries the fence of whoever leads.
pub(crate) const FENCE: &str = "x-weighbridge-lease";
/// Characters of a holder's name.
const HOLDER_CHARS_MAX: usize = 200;
/// Shortest and longest lease, milliseconds.
const TTL_MS: std::ops::RangeInclusive<u64> = 100..=600_000;

/// What is asked about a lease.
#[derive(Debug, Clone, Copy)]
pub(crate) enum LeaseStep<'a> {
    Take { holder: &'a str, ttl_ms: u64 },
    Release { holder: &'a str, fence: u64 },
    Look,
}

/// Who has a lease. The file format of the answer, too.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub(crate) struct Held {
    /// Whoever asked has it.
    pub held: bool,
    /// Who has it, or had it last; empty if nobody ever had.
    pub holder: String,
    /// Grows each time that somebody begins to lead.
    pub fence: u64,
    /// For how long it still holds, milliseconds; 0 if nobody has it.
    pub left_ms: u64,
}

/// Body of a request.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    holder: String,
    ttl_ms: u64,
}

/// Body of giving back.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct GivenBack {
    holder: String,
    fence: u64,
}

#[derive(Debug)]
struct Lease {
    holder: String,
    fence: u64,
    ends: Instant,
}

/// The leases of a gateway that is alone. As many as there are migrations.
#[derive(Debug, Default)]
pub(crate) struct Leases(Mutex<BTreeMap<String, Lease>>);

impl Leases {
    /// The fence is at least the time (microseconds since the Unix epoch), so that it grows over restarts, too.
    fn step(&self, migration: &str, step: LeaseStep<'_>, now: Instant, now_us: i64) -> Held {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let running = |lease: &Lease| lease.ends > now;
        match step {
            LeaseStep::Take { holder, ttl_ms } => {
                let ends = now + Duration::from_millis(ttl_ms);
                match all.get_mut(migration) {
                    Some(lease) if running(lease) && lease.holder != holder => {}
                    Some(lease) if running(lease) => lease.ends = ends,
                    old => {
                        let fence = next_epoch(old.map_or(0, |lease| lease.fence), now_us);
                        all.insert(migration.to_owned(), Lease { holder: holder.to_owned(), fence, ends });
                    }
                }
            }
            LeaseStep::Release { holder, fence } => {
                if let Some(lease) =
                    all.get_mut(migration).filter(|lease| lease.holder == holder && lease.fence == fence)
                {
                    lease.ends = now;
                }
            }
            LeaseStep::Look => {}
        }
        let asker = match step {
            LeaseStep::Take { holder, .. } | LeaseStep::Release { holder, .. } => Some(holder),
            LeaseStep::Look => None,
        };
        all.get(migration).map_or_else(Held::default, |lease| Held {
            held: running(lease) && asker == Some(lease.holder.as_str()),
            holder: lease.holder.clone(),
            fence: lease.fence,
            left_ms: u64::try_from(lease.ends.saturating_duration_since(now).as_millis()).unwrap_or(u64::MAX),
        })
    }

    /// Whether a fence is the newest of a migration, and its lease is not over.
    pub(crate) fn leads(&self, migration: &str, fence: u64, now: Instant) -> bool {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(migration).is_some_and(|lease| lease.fence == fence && lease.ends > now)
    }
}

pub(super) fn routes() -> Router<Arc<Shared>> {
    Router::new().route("/admin/v1/migrations/{name}/lease", post(take).get(show).delete(give_back))
}

/// The fence that a change carries; `Ok(None)` without one.
///
/// # Errors
/// 400: it is no number.
pub(super) fn fence_of(headers: &HeaderMap) -> Result<Option<u64>, Box<Response>> {
    let Some(value) = headers.get(FENCE) else { return Ok(None) };
    let fence = value.to_str().ok().and_then(|text| text.trim().parse().ok());
    fence.map(Some).ok_or_else(|| {
        let message = format!("`{FENCE}` is no number: send the `fence` that the lease came with");
        Box::new(problem(StatusCode::BAD_REQUEST, "invalid_lease", message))
    })
}

/// 409: somebody else leads, or the lease is over.
pub(super) fn lost() -> Response {
    let message = "this lease is over, or somebody else has taken the lead since: nothing has changed; take it anew";
    problem(StatusCode::CONFLICT, "lease_lost", message)
}

async fn take(State(shared): State<Arc<Shared>>, Path(name): Path<String>, body: axum::body::Bytes) -> Response {
    let asked: Asked = match serde_json::from_slice(&body) {
        Ok(asked) => asked,
        Err(error) => return problem(StatusCode::BAD_REQUEST, "invalid_body", error.to_string()),
    };
    let (length, shortest, longest) = (asked.holder.chars().count(), TTL_MS.start(), TTL_MS.end());
    if !(1..=HOLDER_CHARS_MAX).contains(&length) {
        let message = format!("`holder` has {length} characters: expected 1 to {HOLDER_CHARS_MAX}");
        return problem(StatusCode::BAD_REQUEST, "invalid_body", message);
    }
    if !TTL_MS.contains(&asked.ttl_ms) {
        let message = format!("`ttl_ms` is {}: expected {shortest} to {longest}", asked.ttl_ms);
        return problem(StatusCode::BAD_REQUEST, "invalid_body", message);
    }
    done(&shared, &name, LeaseStep::Take { holder: &asked.holder, ttl_ms: asked.ttl_ms }).await
}

async fn give_back(State(shared): State<Arc<Shared>>, Path(name): Path<String>, body: axum::body::Bytes) -> Response {
    match serde_json::from_slice::<GivenBack>(&body) {
        Ok(given) => done(&shared, &name, LeaseStep::Release { holder: &given.holder, fence: given.fence }).await,
        Err(error) => problem(StatusCode::BAD_REQUEST, "invalid_body", error.to_string()),
    }
}

async fn show(
    State(shared): State<Arc<Shared>>,
    Extension(_pass): Extension<Pass>,
    Path(name): Path<String>,
) -> Response {
    done(&shared, &name, LeaseStep::Look).await
}

async fn done(shared: &Shared, name: &str, step: LeaseStep<'_>) -> Response {
    if shared.plane.load().lane(name).is_none() {
        return unknown("migration");
    }
    match shared.lease(name, step).await {
        Ok(held) => Json(held).into_response(),
        Err(error) => {
            let message = format!("nobody leads while replicas cannot agree on it: {error}; ask again");
            problem(StatusCode::SERVICE_UNAVAILABLE, "replicas_unreachable", message)
        }
    }
}

impl Shared {
    async fn lease(&self, name: &str, step: LeaseStep<'_>) -> Result<Held, StoreError> {
        match &self.replicas {
            Some(replicas) => replicas.lease(name, &step).await,
            None => Ok(self.leases.step(name, step, Instant::now(), crate::clock::now_us())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn take(leases: &Leases, holder: &str, now: Instant) -> Held {
        leases.step("m", LeaseStep::Take { holder, ttl_ms: 1000 }, now, 5_000_000)
    }

    #[test]
    fn one_leads_until_its_time_is_over_and_the_next_has_a_greater_fence() {
        let (leases, begun) = (Leases::default(), Instant::now());
        let a = take(&leases, "a", begun);
        assert_eq!(a, Held { held: true, holder: "a".into(), fence: 5000, left_ms: 1000 });
        let b = take(&leases, "b", begun + 400 * MS);
        assert_eq!(b, Held { held: false, holder: "a".into(), fence: 5000, left_ms: 600 });
        let longer = take(&leases, "a", begun + 900 * MS);
        assert_eq!((longer.held, longer.fence, longer.left_ms), (true, 5000, 1000));
        assert!(!take(&leases, "b", begun + 1899 * MS).held);

        let b = take(&leases, "b", begun + 1900 * MS);
        assert_eq!((b.held, b.fence), (true, 5001));
        let now = begun + 1901 * MS;
        assert!(leases.leads("m", 5001, now) && !leases.leads("m", 5000, now) && !leases.leads("n", 5001, now));
        assert!(!take(&leases, "a", now).held, "who was asleep has lost it");
        assert!(!leases.leads("m", 5001, begun + 2900 * MS), "a lease that is over raises nothing");
        // Whoever begins anew has another fence, even the same one.
        assert_eq!(take(&leases, "b", begun + 3000 * MS).fence, 5002);
    }

    #[test]
    fn only_its_holder_gives_a_lease_back_and_looking_changes_nothing() {
        let (leases, now) = (Leases::default(), Instant::now());
        assert_eq!(leases.step("m", LeaseStep::Look, now, 0), Held::default());
        let fence = take(&leases, "a", now).fence;
        for (holder, fence) in [("b", fence), ("a", fence + 1)] {
            leases.step("m", LeaseStep::Release { holder, fence }, now, 0);
            assert_eq!(leases.step("m", LeaseStep::Look, now, 0).left_ms, 1000);
        }
        let released = leases.step("m", LeaseStep::Release { holder: "a", fence }, now, 0);
        assert_eq!((released.held, released.left_ms), (false, 0));
        assert!(take(&leases, "b", now).fence > fence);
    }
}
