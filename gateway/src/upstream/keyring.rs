//! Which of a provider's keys is used: pure, with time as an argument.
//!
//! A key that is refused (401), or whose account has no money left, rests; the next one takes its place at once. The rest
//! doubles each time in a row, so that a key which is gone for good costs next to nothing, and one that was refused by mistake
//! comes back by itself. If all rest, the one whose rest ends first is used: the breaker says what becomes of a provider that
//! refuses everything.

use crate::config::KeyUse;
use std::time::Duration;
use tokio::time::Instant;

const REST_FIRST: Duration = Duration::from_secs(30);
const REST_MAX: Duration = Duration::from_secs(3600);

#[derive(Debug, Clone, Copy, Default)]
struct Key {
    rests_until: Option<Instant>,
    /// Refusals in a row.
    refusals: u32,
}

/// See the module's text.
#[derive(Debug)]
pub(super) struct Keyring {
    keys: Vec<Key>,
    key_use: KeyUse,
    turn: usize,
}

impl Keyring {
    pub(super) fn new(keys: usize, key_use: KeyUse) -> Self {
        Self { keys: vec![Key::default(); keys], key_use, turn: 0 }
    }

    /// The place of the key to use now.
    pub(super) fn pick(&mut self, now: Instant) -> usize {
        let count = self.keys.len().max(1);
        let first = match self.key_use {
            KeyUse::First => 0,
            KeyUse::InTurn => self.turn % count,
        };
        let in_order = (0..count).map(|step| (first + step) % count);
        let rests = |place: &usize| self.keys.get(*place).and_then(|key| key.rests_until).filter(|until| *until > now);
        let awake = in_order.clone().find(|place| rests(place).is_none());
        let picked = awake.or_else(|| in_order.min_by_key(rests)).unwrap_or(0);
        self.turn = (picked + 1) % count;
        picked
    }

    /// It opened.
    pub(super) fn accepted(&mut self, place: usize) {
        if let Some(key) = self.keys.get_mut(place) {
            *key = Key::default();
        }
    }

    /// It was refused. Whether another one is worth a try.
    pub(super) fn refused(&mut self, place: usize, now: Instant) -> bool {
        if let Some(key) = self.keys.get_mut(place) {
            let rest = REST_FIRST.saturating_mul(1 << key.refusals.min(16)).min(REST_MAX);
            *key = Key { rests_until: Some(now + rest), refusals: key.refusals.saturating_add(1) };
        }
        self.keys.iter().any(|key| key.rests_until.is_none_or(|until| until <= now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn the_first_is_used_until_it_is_refused_and_again_after_a_rest() {
        let now = Instant::now();
        let mut keyring = Keyring::new(3, KeyUse::First);
        assert_eq!((keyring.pick(now), keyring.pick(now)), (0, 0));
        assert!(keyring.refused(0, now));
        assert_eq!(keyring.pick(now), 1);
        assert!(keyring.refused(1, now + seconds(1)));
        assert!(!keyring.refused(2, now + seconds(2)), "none is left");
        assert_eq!(keyring.pick(now + seconds(3)), 0, "its rest ends first");
        assert_eq!(keyring.pick(now + seconds(30)), 0);
        assert!(!keyring.refused(0, now + seconds(30)));
        assert_eq!(keyring.pick(now + seconds(89)), 1, "the first rests for a minute this time");
        keyring.accepted(0);
        assert_eq!(keyring.pick(now + seconds(89)), 0);
        for _ in 0..100 {
            keyring.refused(0, now);
        }
        assert_eq!(keyring.pick(now + seconds(3600)), 0, "no rest is longer than an hour");
    }

    #[test]
    fn in_turn_each_is_used_and_one_that_rests_is_left_out() {
        let now = Instant::now();
        let mut keyring = Keyring::new(3, KeyUse::InTurn);
        let turns = |count: usize, keyring: &mut Keyring| (0..count).map(|_| keyring.pick(now)).collect::<Vec<_>>();
        assert_eq!(turns(4, &mut keyring), [0, 1, 2, 0]);
        keyring.refused(1, now);
        assert_eq!(turns(4, &mut keyring), [2, 0, 2, 0]);
    }
}
