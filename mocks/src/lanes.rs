//! How many requests of a model are in flight, where a profile limits it by model.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The lanes of one mock, by model.
#[derive(Debug, Default)]
pub(crate) struct Lanes(BTreeMap<String, Arc<Lane>>);

/// One model's requests.
#[derive(Debug)]
pub(crate) struct Lane {
    in_flight: AtomicU64,
    limit: u64,
}

/// A request in its lane; dropped, it has left.
#[derive(Debug)]
pub(crate) struct Seat(Arc<Lane>);

impl Lanes {
    pub(crate) fn new(limits: &BTreeMap<String, u64>) -> Self {
        let lane = |limit: &u64| Arc::new(Lane { in_flight: AtomicU64::new(0), limit: *limit });
        Self(limits.iter().map(|(model, limit)| (model.clone(), lane(limit))).collect())
    }

    /// The lane of a model, if it has a limit.
    pub(crate) fn of(&self, model: &str) -> Option<&Arc<Lane>> {
        self.0.get(model)
    }
}

impl Lane {
    /// A seat while there is one.
    ///
    /// # Errors
    /// The limit that is reached: the model's own, or the smaller one given.
    pub(crate) fn enter(self: &Arc<Self>, other_limit: Option<u64>) -> Result<Seat, u64> {
        let limit = other_limit.unwrap_or(u64::MAX).min(self.limit);
        let seat = Seat(Arc::clone(self));
        if self.in_flight.fetch_add(1, Ordering::Relaxed) < limit { Ok(seat) } else { Err(limit) }
    }
}

impl Seat {
    pub(crate) fn lane(&self) -> &Arc<Lane> {
        &self.0
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_lane_refuses_until_somebody_leaves() {
        let lanes = Lanes::new(&[("pro".to_owned(), 2)].into());
        assert!(lanes.of("flash").is_none());
        let lane = lanes.of("pro").unwrap();
        let first = lane.enter(None).unwrap();
        assert_eq!(lane.enter(Some(1)).unwrap_err(), 1);
        let _second = lane.enter(None).unwrap();
        assert_eq!(lane.enter(None).unwrap_err(), 2);
        drop(first);
        assert!(lane.enter(Some(9)).is_ok());
    }
}
