//! Pausing the mirror of a migration, and letting it go on.
//!
//! A pause stops new copies and second calls at once; those that wait or are under way end as they would have. No epoch
//! begins, for nobody is served otherwise; what would have been copied says `paused` in its record. A pause outlives a
//! changed configuration and ends with the process; where replicas share a weight, they share a pause, too.

use super::access::{Pass, reason};
use super::audit::{AuditEntry, Note, What};
use super::{ShadowPause, not_changed, problem, tagged};
use crate::lane::Lane;
use crate::state::{NotChanged, Shared};
use axum::extract::{Extension, Path, State};
use axum::response::Response;
use http::StatusCode;
use serde::Deserialize;
use std::sync::Arc;

/// Body of the change.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    paused: bool,
    #[serde(default)]
    reason: String,
}

pub(super) async fn change(
    State(shared): State<Arc<Shared>>,
    Extension(pass): Extension<Pass>,
    Path(name): Path<String>,
    body: axum::body::Bytes,
) -> Response {
    let asked: Change = match serde_json::from_slice(&body) {
        Ok(asked) => asked,
        Err(error) => return problem(StatusCode::BAD_REQUEST, "invalid_body", error.to_string()),
    };
    let reason = match reason(pass, &asked.reason) {
        Ok(reason) => reason,
        Err(refused) => return *refused,
    };
    let note = Note { what: What::Shadow, who: pass.who, reason: &reason };
    match shared.pause(&name, asked.paused, note, crate::clock::now_us()).await {
        Ok(lane) => tagged(&lane, lane.snapshot()),
        Err(error) => not_changed(error, "the mirror"),
    }
}

impl Shared {
    /// Pauses a migration's mirror, or lets it go on; changes nothing where it is so already.
    ///
    /// # Errors
    /// There is no such migration, or the other replicas cannot be told.
    async fn pause(&self, name: &str, paused: bool, note: Note<'_>, now_us: i64) -> Result<Arc<Lane>, NotChanged> {
        let _order = self.changes.lock().await;
        let plane = self.plane.load_full();
        let lane = plane.lane(name).cloned().ok_or(NotChanged::Unknown)?;
        if let Some(replicas) = &self.replicas {
            replicas.look_at_pause(&lane).await.map_err(NotChanged::Home)?;
        }
        if lane.is_paused() == paused {
            return Ok(lane);
        }
        let pause = paused.then(|| ShadowPause { at_us: now_us, reason: note.reason.to_owned() });
        match &self.replicas {
            None => lane.set_pause(pause),
            Some(replicas) => replicas.change_pause(&lane, pause, note, now_us).await.map_err(NotChanged::Home)?,
        }
        let snapshot = lane.snapshot();
        let entry = AuditEntry::new(lane.name(), shares(&lane, paused), snapshot.epoch, note, now_us);
        self.audit.note(entry);
        Ok(lane)
    }
}

/// The share of copies before and after, percent.
pub(crate) fn shares(lane: &Lane, paused: bool) -> (f64, f64) {
    let share = lane.snapshot().weights.shadow.percent();
    if paused { (share, 0.0) } else { (0.0, share) }
}
