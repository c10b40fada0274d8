//! How often keys are used, and when for the last time.
//!
//! A use costs two atomic writes. Counts are taken together once a second or so, and then go into what is kept.

use lease::keys::{Day, Key, Usage};
use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

const DAY_US: i64 = 86_400_000_000;

/// Uses of one key since they were last taken together.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    /// Of even and of odd days, so that a count that is taken just after midnight still goes to the day before.
    uses: [AtomicU64; 2],
    last_us: AtomicI64,
    /// Uses since the gateway began, if it is an old key that goes away.
    old_uses: Option<Arc<AtomicU64>>,
}

impl Meter {
    /// The key opened.
    pub(crate) fn used(&self, now_us: i64) {
        let [even, odd] = &self.uses;
        let uses = if now_us.div_euclid(DAY_US) % 2 == 0 { even } else { odd };
        uses.fetch_add(1, Ordering::Relaxed);
        self.last_us.fetch_max(now_us, Ordering::Relaxed);
        if let Some(old) = &self.old_uses {
            old.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// All of them, by the ids of their keys.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    meters: Mutex<HashMap<String, Arc<Meter>>>,
    counted: Mutex<Counted>,
    old_uses: Arc<AtomicU64>,
}

#[derive(Debug, Default)]
struct Counted {
    /// Everything that is known.
    all: Usage,
    /// What is not yet kept.
    fresh: Usage,
}

impl Tally {
    /// Goes on from what is kept.
    pub(crate) fn new(kept: Usage) -> Self {
        Self { counted: Mutex::new(Counted { all: kept, fresh: Usage::default() }), ..Self::default() }
    }

    /// The meter of a key: the one it had before, if it had one.
    pub(super) fn meter(&self, key: &Key) -> Arc<Meter> {
        let is_old = key.origin == lease::keys::Origin::Adopted;
        let mut meters = self.meters.lock().unwrap_or_else(PoisonError::into_inner);
        let meter = meters.entry(key.id.clone()).or_insert_with(|| {
            let old_uses = is_old.then(|| Arc::clone(&self.old_uses));
            Arc::new(Meter { old_uses, ..Meter::default() })
        });
        Arc::clone(meter)
    }

    /// Uses of old keys since the gateway began.
    pub(crate) fn old_uses(&self) -> u64 {
        self.old_uses.load(Ordering::Relaxed)
    }

    /// Everything that is known by now.
    pub(crate) fn usage(&self, now_us: i64) -> Usage {
        self.take_together(now_us).all.clone()
    }

    /// What has not been kept yet, for whoever keeps it now. If that fails, it is given back.
    pub(crate) fn take_fresh(&self, now_us: i64) -> Usage {
        std::mem::take(&mut self.take_together(now_us).fresh)
    }

    /// See [`Self::take_fresh`].
    pub(crate) fn give_back(&self, fresh: &Usage) {
        self.counted().fresh.merge(fresh);
    }

    /// Takes over what is kept now: what was kept of here, and what other gateways counted.
    pub(crate) fn learn(&self, kept: Usage) {
        let mut counted = self.counted();
        let fresh = counted.fresh.clone();
        counted.all = kept;
        counted.all.merge(&fresh);
    }

    /// Forgets keys that are gone.
    pub(crate) fn retain(&self, is_there: impl Fn(&str) -> bool) {
        // A meter that somebody still holds goes on counting for nobody; that is a request under way at most.
        self.meters.lock().unwrap_or_else(PoisonError::into_inner).retain(|id, _| is_there(id));
        self.counted().all.retain(is_there);
    }

    fn counted(&self) -> MutexGuard<'_, Counted> {
        self.counted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take_together(&self, now_us: i64) -> MutexGuard<'_, Counted> {
        let mut counted = self.counted();
        let today = now_us.div_euclid(DAY_US);
        let meters = self.meters.lock().unwrap_or_else(PoisonError::into_inner);
        for (id, meter) in meters.iter() {
            let [even, odd] = &meter.uses;
            let last_us = meter.last_us.load(Ordering::Relaxed);
            for (parity, uses) in [(0, even), (1, odd)] {
                let uses = uses.swap(0, Ordering::Relaxed);
                if uses > 0 {
                    let day = if today.rem_euclid(2) == parity { now_us } else { now_us - DAY_US };
                    let Counted { all, fresh } = &mut *counted;
                    [all, fresh].into_iter().for_each(|usage| usage.add(id, Day::of(day), uses, last_us));
                }
            }
        }
        counted
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lease::keys::{Digest, Instant};

    #[test]
    fn uses_go_to_their_day_and_a_key_keeps_its_meter() {
        let tally = Tally::default();
        let key = Key::adopted("a".to_owned(), Digest::of("a"), Instant::from_us(0));
        tally.meter(&key).used(10 * DAY_US - 1);
        tally.meter(&key).used(10 * DAY_US + 1);
        tally.meter(&key).used(10 * DAY_US + 2);
        let usage = tally.usage(10 * DAY_US + 5);
        let days: Vec<(i64, u64)> =
            usage.of("a").unwrap().uses_by_day.iter().map(|(day, uses)| (day.number(), *uses)).collect();
        assert_eq!((days, tally.old_uses()), (vec![(9, 1), (10, 2)], 3));
        assert_eq!(usage.of("a").unwrap().last_used_at, Some(Instant::from_us(10 * DAY_US + 2)));
        let fresh = tally.take_fresh(10 * DAY_US + 6);
        assert_eq!(fresh, usage);
        assert!(tally.take_fresh(10 * DAY_US + 7).is_empty());
        tally.give_back(&fresh);
        assert_eq!(tally.take_fresh(10 * DAY_US + 8), usage, "nothing is lost when it could not be kept");
        let mut kept = usage.clone();
        kept.add("a", Day::of(0), 5, 1);
        tally.meter(&key).used(10 * DAY_US + 8);
        assert!(!tally.usage(10 * DAY_US + 8).is_empty());
        tally.learn(kept);
        let sum: u64 = tally.usage(10 * DAY_US + 9).of("a").unwrap().uses_by_day.values().sum();
        assert_eq!(sum, 3 + 5 + 1, "what is kept, another one's, and what is not yet kept");
        tally.retain(|_| false);
        assert!(tally.usage(10 * DAY_US + 9).is_empty());
    }
}
