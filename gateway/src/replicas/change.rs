//! Changing what is shared: by a script that compares the epoch, all or nothing.

use super::store::{Function, StoreError};
use super::weight::{Fields, Join, Origin, Proposal, SharedWeight, join};
use super::{Replicas, own};
use crate::admin::audit::{self, AuditEntry, Note};
use crate::lane::{Lane, Snapshot, next_epoch};
use crate::plane::Plane;
use crate::routing::WeightBp;
use crate::state;
use redis::{FromRedisValue, Script, ScriptInvocation, Value};
use std::sync::Arc;

/// A weight that no replica has read for so long is forgotten: nobody expects a migration that comes back next year to
/// begin where it was.
pub(super) const WEIGHT_KEPT: std::time::Duration = std::time::Duration::from_hours(30 * 24);
/// How often others may be faster before a replica gives up.
const TRIES_MAX: usize = 5;

/// What became of a change.
pub(crate) enum Changed {
    /// It is in force: what was, and what is.
    Done { old: Snapshot, new: Snapshot },
    /// The epoch is another one by now.
    Epoch(Snapshot),
    /// Whoever wanted it does not lead any more.
    Fenced,
}

/// What the script says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reply {
    Done,
    Epoch,
    Fenced,
}

/// A lane that begins, or begins anew, and what is to be said of it in the audit.
struct Joining {
    lane: Arc<Lane>,
    proposal: Proposal,
}

/// A change of one migration, as the script takes it.
struct Wanted<'a> {
    migration: &'a str,
    expected: u64,
    next: &'a SharedWeight,
    entry: String,
}

impl Replicas {
    /// The key of a migration's weight.
    pub(super) fn weight_key(&self, migration: &str) -> String {
        self.store.key(&format!("weight:{migration}"))
    }

    fn audit_key(&self) -> String {
        self.store.key("audit")
    }

    /// Keys and arguments that both scripts begin with.
    pub(super) fn call<'s>(&self, script: &'s Script) -> ScriptInvocation<'s> {
        let mut call = script.prepare_invoke();
        call.key(self.audit_key())
            .arg(self.store.channel())
            .arg(audit::ENTRIES_MAX)
            .arg(u64::try_from(WEIGHT_KEPT.as_millis()).unwrap_or(u64::MAX));
        call
    }

    fn entry(&self, migration: &str, to: WeightBp, note: Note<'_>, now_us: i64) -> String {
        serde_json::json!({
            "at": audit::at(now_us),
            "migration": migration,
            "what": note.what.name(),
            "who": note.who.name(),
            "to_bp": to.bp(),
            "reason": note.reason,
            "replica": self.name,
        })
        .to_string()
    }

    /// Sets a weight if `expected` is still its epoch, wherever it was changed.
    ///
    /// # Errors
    /// Redis did not do it, or did not say so.
    pub(crate) async fn change_weight(
        &self,
        plane: &Plane,
        lane: &Lane,
        wanted: state::Wanted,
        note: Note<'_>,
        now_us: i64,
    ) -> Result<Changed, StoreError> {
        let state::Wanted { expected, weight, fence } = wanted;
        let base = self.known(lane.name()).map_or_else(|| own(plane, lane, Origin::File), |known| known.weight);
        let next = SharedWeight { epoch: next_epoch(expected, now_us), weight, origin: Origin::Set, ..base.clone() };
        let entry = self.entry(lane.name(), weight, note, now_us);
        let wanted = Wanted { migration: lane.name(), expected, next: &next, entry };
        for _ in 0..TRIES_MAX {
            // What the change replaces is what all share, also where this replica serves something else for a while.
            let (served, known) = (lane.snapshot(), self.known(lane.name()));
            let before = known
                .filter(|known| known.weight.epoch == expected)
                .map_or(served, |known| known.weight.snapshot(served.weights.shadow));
            let (reply, states) = self.run_change(std::slice::from_ref(&wanted), fence).await?;
            if reply == Reply::Fenced {
                return Ok(Changed::Fenced);
            }
            let done = reply == Reply::Done;
            match states.into_iter().next().flatten() {
                Some(now) if !done && self.holds(lane.name()) => {
                    return Ok(Changed::Epoch(now.snapshot(served.weights.shadow)));
                }
                Some(now) => {
                    self.put(lane, &now);
                    let new = lane.snapshot();
                    return Ok(if done { Changed::Done { old: before, new } } else { Changed::Epoch(new) });
                }
                // It has lost its data a moment ago: it gets the weight back before anything is changed.
                None => drop(self.offer(lane.name(), &base, Note::gateway("Redis had no weight"), now_us, true).await?),
            }
        }
        Err(StoreError::Contended)
    }

    /// The snapshot of a lane as all replicas have it, which is in force then.
    ///
    /// # Errors
    /// Redis did not say.
    pub(crate) async fn look(&self, lane: &Lane) -> Result<Snapshot, StoreError> {
        match self.read(std::iter::once(lane.name())).await?.into_iter().next().flatten() {
            // What an alarm has taken out of force here does not come back to be lowered.
            Some(now) if self.holds(lane.name()) => Ok(now.snapshot(lane.snapshot().weights.shadow)),
            Some(now) => {
                self.put(lane, &now);
                Ok(lane.snapshot())
            }
            // Redis has lost it: the change gives it back first.
            None if self.holds(lane.name()) => {
                let shadow = lane.snapshot().weights.shadow;
                Ok(self.known(lane.name()).map_or_else(|| lane.snapshot(), |known| known.weight.snapshot(shadow)))
            }
            None => Ok(lane.snapshot()),
        }
    }

    /// Brings a plane in agreement with the other replicas before it is put in force: lanes that begin take the shared
    /// weight, lanes that the configuration has changed begin an epoch.
    ///
    /// # Errors
    /// Redis did not do it, or did not say so; then no lane of `new` was touched.
    pub(crate) async fn agree(&self, old: &Plane, new: &Plane, now_us: i64) -> Result<(), StoreError> {
        let joining: Vec<Joining> = new.lanes.iter().filter_map(|lane| self.joining(old, new, lane)).collect();
        if !joining.is_empty() {
            self.join(&joining, now_us).await?;
        }
        self.assume(new);
        Ok(())
    }

    /// Joins the lanes that could not do so before.
    pub(super) async fn join_late(&self, plane: &Plane, now_us: i64) -> Result<(), StoreError> {
        let late = |lane: &&Arc<Lane>| self.known(lane.name()).is_none_or(|known| !known.is_settled);
        let joining: Vec<Joining> = plane
            .lanes
            .iter()
            .filter(late)
            .map(|lane| {
                let known = self.known(lane.name()).map(|known| known.weight);
                let own = known.unwrap_or_else(|| own(plane, lane, Origin::File));
                Joining { lane: Arc::clone(lane), proposal: Proposal { own, file_changed: false } }
            })
            .collect();
        if joining.is_empty() { Ok(()) } else { self.join(&joining, now_us).await }
    }

    /// What there is to say about a lane of a new plane; nothing if it goes on as it was.
    fn joining(&self, old: &Plane, new: &Plane, lane: &Arc<Lane>) -> Option<Joining> {
        let before = old.lane(lane.name());
        if before.is_some_and(|before| before.snapshot() == lane.snapshot()) {
            return None;
        }
        let file = |lane: &Lane| lane.migration.as_ref().map(|migration| migration.weight);
        let file_changed = before.is_some_and(|before| file(before) != file(lane));
        let known = self.known(lane.name()).filter(|_| before.is_some());
        let mut own = own(new, lane, if file_changed { Origin::Set } else { Origin::File });
        if let Some(known) = known.filter(|_| !file_changed) {
            // Not the weight in force, which may be a stand-in's.
            (own.weight, own.origin) = (known.weight.weight, known.weight.origin);
        }
        Some(Joining { lane: Arc::clone(lane), proposal: Proposal { own, file_changed } })
    }

    async fn join(&self, joining: &[Joining], now_us: i64) -> Result<(), StoreError> {
        for _ in 0..TRIES_MAX {
            let stored = self.read(joining.iter().map(|one| one.lane.name())).await?;
            let steps: Vec<Join> =
                joining.iter().zip(&stored).map(|(one, stored)| join(&one.proposal, stored.as_ref(), now_us)).collect();
            if let Some(agreed) = self.try_join(joining, steps, now_us).await? {
                for (one, weight) in joining.iter().zip(&agreed) {
                    self.put(&one.lane, weight);
                }
                return Ok(());
            }
        }
        Err(StoreError::Contended)
    }

    /// Carries the steps out; `None` if somebody was faster. Offers first: they change nothing for anybody, so that what
    /// does is one script, and whole.
    async fn try_join(
        &self,
        joining: &[Joining],
        steps: Vec<Join>,
        now_us: i64,
    ) -> Result<Option<Vec<SharedWeight>>, StoreError> {
        let named = || joining.iter().map(|one| one.lane.name()).zip(&steps);
        for (migration, step) in named() {
            if let Join::Offer(own) = step
                && self.offer(migration, own, Note::config("first weight"), now_us, true).await? != *own
            {
                return Ok(None);
            }
        }
        let entry = |migration, next: &SharedWeight| {
            self.entry(migration, next.weight, Note::config("configuration changed"), now_us)
        };
        let wanted: Vec<Wanted<'_>> = named()
            .filter_map(|(migration, step)| match step {
                Join::Begin { expected, next } => {
                    Some(Wanted { migration, expected: *expected, next, entry: entry(migration, next) })
                }
                _ => None,
            })
            .collect();
        let mut begun = Vec::new();
        if !wanted.is_empty() {
            let (reply, states) = self.run_change(&wanted, None).await?;
            if reply != Reply::Done {
                return Ok(None);
            }
            begun = states;
        }
        let mut begun = begun.into_iter();
        let agreed = steps.iter().map(|step| match step {
            Join::Take(weight) | Join::Offer(weight) => Some(weight.clone()),
            Join::Begin { .. } => begun.next().flatten(),
        });
        agreed.collect::<Option<Vec<_>>>().ok_or(StoreError::Unexpected).map(Some)
    }

    /// Reads weights, in the order of the names.
    async fn read<'n>(
        &self,
        migrations: impl Iterator<Item = &'n str>,
    ) -> Result<Vec<Option<SharedWeight>>, StoreError> {
        let mut commands = redis::pipe();
        for migration in migrations {
            commands.cmd("HMGET").arg(self.weight_key(migration)).arg(SharedWeight::FIELDS.as_slice());
        }
        let values: Vec<Fields> = self.store.query(Function::Weights, &commands).await?;
        values.iter().map(|fields| SharedWeight::read(fields).map_err(|()| StoreError::Unexpected)).collect()
    }

    /// A fence is that of the first migration's lease.
    async fn run_change(
        &self,
        wanted: &[Wanted<'_>],
        fence: Option<u64>,
    ) -> Result<(Reply, Vec<Option<SharedWeight>>), StoreError> {
        let mut call = self.call(&self.change);
        let first = wanted.first().map_or("", |wanted| wanted.migration);
        call.key(self.lease_key(first)).arg(fence.map_or_else(String::new, |fence| fence.to_string()));
        for Wanted { migration, expected, next, entry } in wanted {
            call.key(self.weight_key(migration)).arg(*expected);
            arguments(&mut call, next);
            call.arg(entry.as_str());
        }
        let reply: Vec<Value> = self.store.run(Function::Weights, &call).await?;
        let mut reply = reply.into_iter();
        let done = match reply.next() {
            Some(Value::Int(1)) => Reply::Done,
            Some(Value::Int(2)) => Reply::Fenced,
            _ => Reply::Epoch,
        };
        let states: Vec<_> = reply.map(state).collect::<Result<_, _>>()?;
        if states.len() == wanted.len() { Ok((done, states)) } else { Err(StoreError::Unexpected) }
    }

    /// Offers a weight; returns what is in force afterwards.
    pub(super) async fn offer(
        &self,
        migration: &str,
        weight: &SharedWeight,
        note: Note<'_>,
        now_us: i64,
        only_if_absent: bool,
    ) -> Result<SharedWeight, StoreError> {
        let mut call = self.call(&self.offer);
        call.key(self.weight_key(migration)).arg(i32::from(only_if_absent));
        arguments(&mut call, weight);
        call.arg(self.entry(migration, weight.weight, note, now_us));
        let reply: Value = self.store.run(Function::Weights, &call).await?;
        state(reply)?.ok_or(StoreError::Unexpected)
    }

    /// The latest changes on all replicas, the oldest first.
    ///
    /// # Errors
    /// Redis did not say.
    pub(crate) async fn audit(&self) -> Result<Vec<AuditEntry>, StoreError> {
        let mut commands = redis::pipe();
        commands.cmd("LRANGE").arg(self.audit_key()).arg(0).arg(-1);
        let (lines,): (Vec<String>,) = self.store.query(Function::Weights, &commands).await?;
        // A line of a newer release that is not understood is left out.
        Ok(lines.iter().rev().filter_map(|line| AuditEntry::from_shared(line)).collect())
    }

    /// Commands that keep the weights of a plane from being forgotten.
    pub(super) fn keep(&self, plane: &Plane, commands: &mut redis::Pipeline) {
        for lane in &plane.lanes {
            let kept = u64::try_from(WEIGHT_KEPT.as_millis()).unwrap_or(u64::MAX);
            commands.cmd("PEXPIRE").arg(self.weight_key(lane.name())).arg(kept).ignore();
        }
        self.keep_pauses(plane, commands);
    }
}

fn arguments(call: &mut ScriptInvocation<'_>, weight: &SharedWeight) {
    call.arg(weight.epoch)
        .arg(weight.weight.bp())
        .arg(weight.file.bp())
        .arg(weight.shape.as_str())
        .arg(weight.origin.name());
}

fn state(value: Value) -> Result<Option<SharedWeight>, StoreError> {
    let fields = Fields::from_redis_value(value).map_err(|_| StoreError::Unexpected)?;
    SharedWeight::read(&fields).map_err(|()| StoreError::Unexpected)
}
