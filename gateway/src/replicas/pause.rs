//! Whether a migration's mirror is paused, as all replicas share it.
//!
//! Redis has a generation beside it, which only grows: a later one counts, on whichever replica it was made. Nobody
//! loses a race here, because there are only two states and either may be set at any time. A Redis that comes back
//! without its data gets the latest state back that any replica knows.

use super::Replicas;
use super::change::WEIGHT_KEPT;
use super::store::{Function, StoreError};
use super::weight::Fields;
use crate::admin::ShadowPause;
use crate::admin::audit::{self, Note};
use crate::lane::{Lane, next_epoch};
use crate::routing::WeightBp;
use redis::{FromRedisValue, Value};
use std::sync::PoisonError;

/// The fields that [`SharedPause::read`] reads, in its order.
pub(super) const FIELDS: [&str; 4] = ["generation", "paused", "at_us", "reason"];

/// See the module's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SharedPause {
    generation: u64,
    pause: Option<ShadowPause>,
}

/// What to do about a state that was read.
#[derive(Debug, PartialEq, Eq)]
enum Step {
    Keep,
    Take(SharedPause),
    Offer(SharedPause),
}

impl SharedPause {
    /// Reads a state; `Ok(None)` where Redis has none.
    ///
    /// # Errors
    /// It is none that this program writes.
    pub(super) fn read(fields: &[Option<String>]) -> Result<Option<Self>, ()> {
        let [generation, paused, at_us, reason] = fields else { return Err(()) };
        let Some(generation) = generation else { return Ok(None) };
        let pause = match (paused.as_deref(), at_us, reason) {
            (Some("0"), ..) => None,
            (Some("1"), Some(at_us), Some(reason)) => {
                Some(ShadowPause { at_us: at_us.parse().map_err(drop)?, reason: reason.clone() })
            }
            _ => return Err(()),
        };
        Ok(Some(Self { generation: generation.parse().map_err(drop)?, pause }))
    }
}

fn step(known: Option<&SharedPause>, stored: Option<SharedPause>) -> Step {
    match (known, stored) {
        (None, None) => Step::Keep,
        (Some(known), Some(stored)) if *known == stored => Step::Keep,
        (Some(known), stored) if stored.as_ref().is_none_or(|stored| stored.generation < known.generation) => {
            Step::Offer(known.clone())
        }
        (_, Some(stored)) => Step::Take(stored),
        (Some(_), None) => Step::Keep,
    }
}

impl Replicas {
    /// The key of a migration's pause.
    pub(super) fn pause_key(&self, migration: &str) -> String {
        self.store.key(&format!("pause:{migration}"))
    }

    /// Pauses a lane's mirror on all replicas, or lets it go on.
    ///
    /// # Errors
    /// Redis did not do it, or did not say so.
    pub(crate) async fn change_pause(
        &self,
        lane: &Lane,
        pause: Option<ShadowPause>,
        note: Note<'_>,
        now_us: i64,
    ) -> Result<(), StoreError> {
        let last = self.known_pause(lane).map_or(0, |known| known.generation);
        let next = SharedPause { generation: next_epoch(last, now_us), pause };
        let entry = self.pause_entry(lane, next.pause.is_some(), note, now_us);
        let now = self.run_pause(lane, &next, Some(&entry)).await?;
        self.put_pause(lane, now);
        Ok(())
    }

    /// Puts in force what Redis has, or gives it back what it has lost.
    ///
    /// # Errors
    /// Redis did not say.
    pub(super) async fn follow_pause(&self, lane: &Lane, stored: Option<SharedPause>) -> Result<(), StoreError> {
        match step(self.known_pause(lane).as_ref(), stored) {
            Step::Keep => Ok(()),
            Step::Take(stored) => {
                self.put_pause(lane, stored);
                Ok(())
            }
            Step::Offer(known) => {
                let now = self.run_pause(lane, &known, None).await?;
                self.put_pause(lane, now);
                Ok(())
            }
        }
    }

    /// Puts in force what Redis has now.
    ///
    /// # Errors
    /// Redis did not say.
    pub(crate) async fn look_at_pause(&self, lane: &Lane) -> Result<(), StoreError> {
        let mut commands = redis::pipe();
        commands.cmd("HMGET").arg(self.pause_key(lane.name())).arg(FIELDS.as_slice());
        let (fields,): (Fields,) = self.store.query(Function::Weights, &commands).await?;
        let stored = SharedPause::read(&fields).map_err(|()| StoreError::Unexpected)?;
        self.follow_pause(lane, stored).await
    }

    async fn run_pause(&self, lane: &Lane, next: &SharedPause, entry: Option<&str>) -> Result<SharedPause, StoreError> {
        let mut call = self.call(&self.pause);
        let (at_us, reason) = next.pause.as_ref().map_or((0, ""), |pause| (pause.at_us, pause.reason.as_str()));
        call.key(self.pause_key(lane.name()))
            .arg(i32::from(entry.is_none()))
            .arg(next.generation)
            .arg(i32::from(next.pause.is_some()))
            .arg(at_us)
            .arg(reason)
            .arg(entry.unwrap_or_default());
        let reply: Value = self.store.run(Function::Weights, &call).await?;
        let fields = Fields::from_redis_value(reply).map_err(|_| StoreError::Unexpected)?;
        SharedPause::read(&fields).ok().flatten().ok_or(StoreError::Unexpected)
    }

    fn pause_entry(&self, lane: &Lane, paused: bool, note: Note<'_>, now_us: i64) -> String {
        let snapshot = lane.snapshot();
        let share = snapshot.weights.shadow;
        let (from, to) = if paused { (share, WeightBp::ZERO) } else { (WeightBp::ZERO, share) };
        serde_json::json!({
            "at": audit::at(now_us),
            "migration": lane.name(),
            "what": note.what.name(),
            "who": note.who.name(),
            "from_bp": from.bp(),
            "to_bp": to.bp(),
            "epoch": snapshot.epoch,
            "reason": note.reason,
            "replica": self.name,
        })
        .to_string()
    }

    fn known_pause(&self, lane: &Lane) -> Option<SharedPause> {
        self.pauses.lock().unwrap_or_else(PoisonError::into_inner).get(lane.name()).cloned()
    }

    fn put_pause(&self, lane: &Lane, now: SharedPause) {
        if lane.pause() != now.pause {
            tracing::info!(migration = lane.name(), paused = now.pause.is_some(), "the shared pause is in force");
            lane.set_pause(now.pause.clone());
        }
        self.pauses.lock().unwrap_or_else(PoisonError::into_inner).insert(lane.name().to_owned(), now);
    }

    /// Keeps the pauses of a plane from being forgotten.
    pub(super) fn keep_pauses(&self, plane: &crate::plane::Plane, commands: &mut redis::Pipeline) {
        let kept = u64::try_from(WEIGHT_KEPT.as_millis()).unwrap_or(u64::MAX);
        let mut pauses = self.pauses.lock().unwrap_or_else(PoisonError::into_inner);
        pauses.retain(|name, _| plane.lane(name).is_some());
        drop(pauses);
        for lane in &plane.lanes {
            commands.cmd("PEXPIRE").arg(self.pause_key(lane.name())).arg(kept).ignore();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(generation: u64, reason: Option<&str>) -> SharedPause {
        let pause = reason.map(|reason| ShadowPause { at_us: 5, reason: reason.to_owned() });
        SharedPause { generation, pause }
    }

    #[test]
    fn the_later_generation_counts_and_a_loss_is_made_good() {
        let (one, two) = (state(1, Some("dear")), state(2, None));
        assert_eq!(step(None, None), Step::Keep);
        assert_eq!(step(Some(&one), Some(one.clone())), Step::Keep);
        assert_eq!(step(None, Some(one.clone())), Step::Take(one.clone()));
        assert_eq!(step(Some(&one), Some(two.clone())), Step::Take(two.clone()));
        assert_eq!(step(Some(&two), Some(one.clone())), Step::Offer(two.clone()));
        assert_eq!(step(Some(&one), None), Step::Offer(one));
    }

    #[test]
    fn what_nobody_understands_is_no_state() {
        let fields = |texts: [Option<&str>; 4]| SharedPause::read(&texts.map(|text| text.map(str::to_owned)));
        assert_eq!(fields([None, None, None, None]), Ok(None));
        assert_eq!(fields([Some("7"), Some("1"), Some("5"), Some("dear")]), Ok(Some(state(7, Some("dear")))));
        assert_eq!(fields([Some("7"), Some("0"), Some("0"), Some("")]), Ok(Some(state(7, None))));
        for wrong in [
            [Some("x"), Some("0"), None, None],
            [Some("7"), Some("yes"), None, None],
            [Some("7"), Some("1"), None, None],
        ] {
            assert!(fields(wrong).is_err(), "{wrong:?}");
        }
    }
}
