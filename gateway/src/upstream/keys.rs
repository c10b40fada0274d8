//! The keys of one provider: the first or each in its turn, and one that the provider refuses rests while the others go on.
//!
//! A key is refused when the provider does not know it any more (401), when there is no money behind it (402,
//! `insufficient_quota`), or when it has had its share for now (429). The first two rest for a minute, twice as long each
//! time in a row up to ten minutes, and are then tried again; the third rests for as long as the provider says. When all
//! of them rest, the one that wakes first is asked anyway: a refusal of the provider says more than one of ours.

use crate::config::KeyUse;
use http::HeaderValue;
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use wire::ErrorKind;

/// Rest of a key that is unknown or without money; doubled each time in a row.
const REST_FIRST: Duration = Duration::from_secs(60);
/// Longest of them.
const REST_MAX: Duration = Duration::from_secs(600);
/// Rest of a key that has had its share, where the provider names no time.
const REST_LIMITED: Duration = Duration::from_secs(1);

/// See the module's text.
#[derive(Debug)]
pub(super) struct Keys {
    all: Vec<Key>,
    /// Whose turn it is; `None`: always the first.
    next: Option<AtomicUsize>,
    /// Instants are kept as milliseconds since this one.
    start: Instant,
}

#[derive(Debug)]
struct Key {
    /// What stands in the header, sensitive.
    authorization: HeaderValue,
    /// 0: it does not rest.
    rests_until_ms: AtomicU64,
    refused_in_a_row: AtomicU32,
}

/// The key of one try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Turn {
    place: usize,
    /// It rests, and so do all others.
    resting: bool,
}

impl Keys {
    pub(super) fn new(authorizations: &[HeaderValue], key_use: KeyUse, now: Instant) -> Self {
        let key = |authorization: &HeaderValue| Key {
            authorization: authorization.clone(),
            rests_until_ms: AtomicU64::new(0),
            refused_in_a_row: AtomicU32::new(0),
        };
        Self {
            all: authorizations.iter().map(key).collect(),
            next: (key_use == KeyUse::InTurn).then(AtomicUsize::default),
            start: now,
        }
    }

    /// How many there are.
    pub(super) fn len(&self) -> u32 {
        u32::try_from(self.all.len()).unwrap_or(u32::MAX)
    }

    /// The key whose turn it is; `None` for a provider that wants none.
    pub(super) fn turn(&self, now: Instant) -> Option<Turn> {
        match self.all.len() {
            0 => None,
            1 => Some(Turn { place: 0, resting: self.rests(0, now) }),
            count => {
                let first = self.next.as_ref().map_or(0, |next| next.fetch_add(1, Ordering::Relaxed));
                let places = || (0..count).map(|step| first.wrapping_add(step) % count);
                let awake = places().find(|place| !self.rests(*place, now));
                let place = awake.or_else(|| places().min_by_key(|place| self.wakes_ms(*place)))?;
                Some(Turn { place, resting: awake.is_none() })
            }
        }
    }

    /// What stands in the header of a request with this key.
    pub(super) fn authorization(&self, turn: Turn) -> Option<&HeaderValue> {
        self.all.get(turn.place).map(|key| &key.authorization)
    }

    /// The provider took the key.
    pub(super) fn accepted(&self, turn: Turn) {
        // Only written where something changes: all requests pass here.
        if let Some(key) = self.all.get(turn.place).filter(|key| key.refused_in_a_row.load(Ordering::Relaxed) > 0) {
            key.refused_in_a_row.store(0, Ordering::Relaxed);
            key.rests_until_ms.store(0, Ordering::Relaxed);
        }
    }

    /// The provider's answer to a try. Says whether it was the key that was refused and another one is awake.
    pub(super) fn refused(
        &self,
        turn: Turn,
        (kind, status): (ErrorKind, u16),
        advised: Option<Duration>,
        now: Instant,
    ) -> bool {
        let Some(key) = self.all.get(turn.place).filter(|_| self.all.len() > 1) else { return false };
        let rest = match kind {
            ErrorKind::Quota => rest(key.refused_in_a_row.fetch_add(1, Ordering::Relaxed)),
            ErrorKind::Auth if status == 401 => rest(key.refused_in_a_row.fetch_add(1, Ordering::Relaxed)),
            ErrorKind::RateLimit => advised.unwrap_or(REST_LIMITED).min(REST_MAX),
            _ => return false,
        };
        key.rests_until_ms.fetch_max(self.ms(now + rest).max(1), Ordering::Relaxed);
        (0..self.all.len()).any(|place| !self.rests(place, now))
    }

    /// How many there are, and how many of them rest.
    pub(super) fn counts(&self, now: Instant) -> (usize, usize) {
        let count = self.all.len();
        (count, (0..count).filter(|place| self.rests(*place, now)).count())
    }

    fn rests(&self, place: usize, now: Instant) -> bool {
        self.wakes_ms(place) > self.ms(now)
    }

    fn wakes_ms(&self, place: usize) -> u64 {
        self.all.get(place).map_or(0, |key| key.rests_until_ms.load(Ordering::Relaxed))
    }

    fn ms(&self, instant: Instant) -> u64 {
        u64::try_from(instant.saturating_duration_since(self.start).as_millis()).unwrap_or(u64::MAX)
    }
}

fn rest(refused_before: u32) -> Duration {
    REST_FIRST.saturating_mul(1 << refused_before.min(16)).min(REST_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNKNOWN: (ErrorKind, u16) = (ErrorKind::Auth, 401);
    const SECOND: Duration = Duration::from_secs(1);

    fn keys(count: usize) -> (Keys, Instant) {
        let now = Instant::now();
        let all: Vec<HeaderValue> =
            (0..count).map(|number| HeaderValue::from_str(&format!("Bearer key-{number}")).unwrap()).collect();
        (Keys::new(&all, KeyUse::InTurn, now), now)
    }

    fn places(keys: &Keys, now: Instant, count: usize) -> Vec<usize> {
        (0..count).map(|_| keys.turn(now).unwrap().place).collect()
    }

    #[test]
    fn keys_take_turns_and_a_refused_one_is_left_out_until_it_has_rested() {
        let (keys, now) = keys(3);
        assert_eq!(places(&keys, now, 6), [0, 1, 2, 0, 1, 2]);
        assert!(keys.refused(Turn { place: 1, resting: false }, UNKNOWN, None, now), "two others are awake");
        assert_eq!(keys.counts(now), (3, 1));
        assert!(!places(&keys, now + 59 * SECOND, 9).contains(&1));
        let later = now + 60 * SECOND;
        assert!(places(&keys, later, 3).contains(&1), "tried again after a minute");
        keys.refused(Turn { place: 1, resting: false }, UNKNOWN, None, later);
        assert!(!places(&keys, later + 119 * SECOND, 9).contains(&1), "and then rests twice as long");
        keys.accepted(Turn { place: 1, resting: false });
        assert_eq!(keys.counts(later), (3, 0));
    }

    #[test]
    fn the_first_that_does_not_rest_is_used_unless_all_take_turns() {
        let now = Instant::now();
        let all = ["Bearer a", "Bearer b", "Bearer c"].map(HeaderValue::from_static);
        let keys = Keys::new(&all, KeyUse::First, now);
        assert_eq!(places(&keys, now, 3), [0, 0, 0]);
        assert!(keys.refused(Turn { place: 0, resting: false }, UNKNOWN, None, now));
        assert_eq!(places(&keys, now, 2), [1, 1]);
        assert_eq!(places(&keys, now + 60 * SECOND, 2), [0, 0], "back to the first once it has rested");
    }

    #[test]
    fn when_all_rest_the_one_that_wakes_first_is_asked() {
        let (keys, now) = keys(2);
        assert!(keys.refused(Turn { place: 0, resting: false }, (ErrorKind::Quota, 402), None, now));
        let limited = (ErrorKind::RateLimit, 429);
        assert!(!keys.refused(Turn { place: 1, resting: false }, limited, Some(5 * SECOND), now), "nobody is left");
        assert_eq!(keys.turn(now), Some(Turn { place: 1, resting: true }));
        assert_eq!(keys.turn(now + 5 * SECOND), Some(Turn { place: 1, resting: false }));
    }

    #[test]
    fn one_key_never_rests_and_none_is_no_key() {
        let (one, now) = keys(1);
        assert!(!one.refused(Turn { place: 0, resting: false }, UNKNOWN, None, now));
        assert_eq!(one.turn(now), Some(Turn { place: 0, resting: false }));
        assert_eq!(keys(0).0.turn(now), None);
    }

    #[test]
    fn what_does_not_concern_the_key_leaves_it_alone() {
        let (keys, now) = keys(2);
        for answer in [(ErrorKind::Server, 500), (ErrorKind::Auth, 403), (ErrorKind::BadRequest, 400)] {
            assert!(!keys.refused(Turn { place: 0, resting: false }, answer, None, now), "{answer:?}");
        }
        assert_eq!(keys.counts(now), (2, 0));
    }
}
