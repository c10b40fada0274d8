//! Who leads a migration, as all replicas share it: one script on the time of Redis.
//!
//! A change of the weight that carries a fence is refused by the same script that makes it, if the fence is not the newest or
//! its lease is over: between asking and changing nobody can take the lead.

use super::Replicas;
use super::change::WEIGHT_KEPT;
use super::store::{Function, StoreError};
use crate::admin::lease::{Held, LeaseStep};

impl Replicas {
    /// The key of a migration's lease.
    pub(super) fn lease_key(&self, migration: &str) -> String {
        self.store.key(&format!("lease:{migration}"))
    }

    /// Takes a lease, lets it go, or looks who has it.
    ///
    /// # Errors
    /// Redis did not do it, or did not say so.
    pub(crate) async fn lease(&self, migration: &str, step: &LeaseStep<'_>) -> Result<Held, StoreError> {
        let (word, holder, ttl_ms, fence) = match *step {
            LeaseStep::Take { holder, ttl_ms } => ("take", holder, ttl_ms, 0),
            LeaseStep::Release { holder, fence } => ("release", holder, 0, fence),
            LeaseStep::Look => ("look", "", 0, 0),
        };
        let mut call = self.lease.prepare_invoke();
        call.key(self.lease_key(migration))
            .arg(word)
            .arg(holder)
            .arg(ttl_ms)
            .arg(fence)
            .arg(u64::try_from(WEIGHT_KEPT.as_millis()).unwrap_or(u64::MAX));
        let (held, holder, fence, left_ms): (u8, String, u64, u64) = self.store.run(Function::Weights, &call).await?;
        Ok(Held { held: held == 1, holder, fence, left_ms })
    }
}
