//! Back to the baseline, whatever the weight is by now.
//!
//! A change of the weight names the epoch that it was decided on, and loses against somebody who was faster. A rollback must
//! not lose: it is made on whatever epoch is in force, and made again if that has changed meanwhile.

use super::access::{Pass, reason};
use super::audit::{Note, What};
use super::{not_changed, problem, tagged};
use crate::lane::{Lane, Snapshot};
use crate::replicas::StoreError;
use crate::routing::WeightBp;
use crate::state::{NotChanged, Shared};
use axum::extract::{Extension, Path, State};
use axum::response::Response;
use http::StatusCode;
use serde::Deserialize;
use std::sync::Arc;

/// How often somebody may be faster before it is given up. Others are faster only where replicas share the weight.
const TRIES: usize = 16;

/// Body of a rollback; it may be empty where a token is shown.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rollback {
    #[serde(default)]
    reason: String,
}

pub(super) async fn roll_back(
    State(shared): State<Arc<Shared>>,
    Extension(pass): Extension<Pass>,
    Path(name): Path<String>,
    body: axum::body::Bytes,
) -> Response {
    let asked: Rollback = match if body.is_empty() { Ok(Rollback::default()) } else { serde_json::from_slice(&body) } {
        Ok(asked) => asked,
        Err(error) => return problem(StatusCode::BAD_REQUEST, "invalid_body", error.to_string()),
    };
    let reason = match reason(pass, &asked.reason) {
        Ok(reason) => reason,
        Err(refused) => return *refused,
    };
    let note = Note { what: What::Rollback, who: pass.who, reason: &reason };
    match shared.lower_to(&name, WeightBp::ZERO, note, crate::clock::now_us()).await {
        Ok((lane, now)) => tagged(&lane, now),
        Err(error) => not_changed(error, "the weight"),
    }
}

impl Shared {
    /// Lowers a migration's weight to this, whatever its epoch; changes nothing where it is no higher already.
    ///
    /// # Errors
    /// There is no such migration, or the other replicas cannot be told.
    pub(crate) async fn lower_to(
        &self,
        name: &str,
        target: WeightBp,
        note: Note<'_>,
        now_us: i64,
    ) -> Result<(Arc<Lane>, Snapshot), NotChanged> {
        let _order = self.changes.lock().await;
        let plane = self.plane.load_full();
        let lane = plane.lane(name).cloned().ok_or(NotChanged::Unknown)?;
        for _ in 0..TRIES {
            let now = match &self.replicas {
                None => lane.snapshot(),
                Some(replicas) => replicas.look(&lane).await.map_err(NotChanged::Home)?,
            };
            if now.weights.candidate <= target {
                return Ok((lane, now));
            }
            match self.put_weight(&plane, &lane, (now.epoch, target), note, now_us).await {
                Err(NotChanged::Epoch(_)) => {}
                done => return done.map(|new| (lane, new)),
            }
        }
        Err(NotChanged::Home(StoreError::Contended))
    }
}
