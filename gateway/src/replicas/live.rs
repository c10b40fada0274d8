//! Counts of the live guard that replicas share, and lanes that do not follow Redis for a while.
//!
//! Each process writes all that it has counted in an epoch into a field of its own, again and again: what was written twice
//! counts once, and what a lost answer leaves open does not matter. Everybody adds up all fields.

use super::Replicas;
use super::store::{Function, StoreError};
use judge::live::Tallied;
use std::collections::BTreeMap;
use std::sync::PoisonError;

/// How long an epoch's counts are remembered that nobody writes any more, milliseconds: a day.
const KEPT_MS: u64 = 24 * 3_600_000;
/// Processes whose counts are added up, at most.
const PROCESSES_MAX: usize = 256;

/// What a replica has to tell.
pub(crate) struct LiveShare<'a> {
    pub counts: &'a Tallied,
    /// Safe weights, if it knows any, or that there are none.
    pub rungs: Option<String>,
}

impl Replicas {
    /// Tells what this replica has counted in an epoch; returns what each other one has, and what is known about safe
    /// weights.
    ///
    /// # Errors
    /// Redis did not say.
    pub(crate) async fn share_live(
        &self,
        migration: &str,
        epoch: u64,
        share: LiveShare<'_>,
    ) -> Result<(BTreeMap<String, Tallied>, Option<String>), StoreError> {
        let key = self.store.key(&format!("live:{migration}:{epoch}"));
        let rungs_key = self.store.key(&format!("rungs:{migration}"));
        let text = serde_json::to_string(share.counts).map_err(|_| StoreError::Unexpected)?;
        let mut commands = redis::pipe();
        commands.cmd("HSET").arg(&key).arg(&self.process).arg(text).ignore();
        commands.cmd("PEXPIRE").arg(&key).arg(KEPT_MS).ignore();
        if let Some(rungs) = share.rungs {
            commands.cmd("SET").arg(&rungs_key).arg(rungs).arg("PX").arg(30 * KEPT_MS).ignore();
        }
        commands.cmd("HGETALL").arg(&key);
        commands.cmd("GET").arg(&rungs_key);
        let (fields, rungs): (BTreeMap<String, String>, Option<String>) =
            self.store.query(Function::Weights, &commands).await?;
        let others = fields.into_iter().filter(|(process, _)| *process != self.process).take(PROCESSES_MAX);
        // Counts of another release that are not understood are left out.
        let others = others.filter_map(|(process, text)| Some((process, serde_json::from_str(&text).ok()?)));
        Ok((others.collect(), rungs))
    }

    /// From now on a lane does not take what Redis has: the baseline serves, until the other replicas know why.
    pub(crate) fn hold(&self, migration: &str) {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).insert(migration.to_owned());
    }

    /// It follows again.
    pub(crate) fn let_go(&self, migration: &str) {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).remove(migration);
        self.heard.notify_one();
    }

    pub(super) fn holds(&self, migration: &str) -> bool {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).contains(migration)
    }
}
