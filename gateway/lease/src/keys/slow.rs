//! Wrong keys cost time: the more of them come from one address, the longer it waits for each answer.
//!
//! A right key is never slowed, wherever it comes from: this is asked after a key was found to be wrong, and only how soon
//! the refusal is told depends on it. The answers of one address are told one after another, so that many connections at
//! once are no faster than one.
//!
//! Two bounds. At most `sources` addresses are remembered; a new one takes the place of the one that has been quiet for
//! longest. At most `waiting_per_source` answers of one address wait (and the gateway bounds all of them together); one more
//! is told at once, because holding it would cost the gateway more than it costs the guesser. For IPv6 an address is its
//! /64, which one customer has whole.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};

/// How much time wrong keys cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BrakePolicy {
    /// Wrong keys that cost nothing: people mistype, and programs try again.
    pub free: u32,
    /// Wait of the first one that costs, microseconds; doubled with each one more.
    pub first_us: i64,
    /// Longest wait.
    pub longest_us: i64,
    /// One wrong key is forgotten after so much quiet.
    pub forget_us: i64,
    /// Addresses that are remembered.
    pub sources: usize,
    /// Answers of one address that wait at once.
    pub waiting_per_source: u32,
}

impl Default for BrakePolicy {
    fn default() -> Self {
        Self {
            free: 3,
            first_us: 100_000,
            longest_us: 10_000_000,
            forget_us: 30_000_000,
            sources: 4096,
            waiting_per_source: 4,
        }
    }
}

impl BrakePolicy {
    /// How long the answer to the wrong key of this number waits, microseconds.
    fn wait_us(&self, count: u32) -> i64 {
        let costs = count.saturating_sub(self.free);
        if costs == 0 {
            return 0;
        }
        let doubled = self.first_us.saturating_mul(1_i64.checked_shl((costs - 1).min(62)).unwrap_or(i64::MAX));
        doubled.clamp(0, self.longest_us.max(0))
    }

    fn is_full(&self, queued_us: i64, wait_us: i64) -> bool {
        queued_us > wait_us.saturating_mul(i64::from(self.waiting_per_source.saturating_sub(1)))
    }
}

#[derive(Debug, Clone, Copy)]
struct Wrong {
    count: u32,
    last_us: i64,
    /// When its last answer is told.
    told_us: i64,
}

impl Wrong {
    /// How long the answers that wait already still do. A clock that was set back must not make anybody wait for years.
    fn queued_us(&self, now_us: i64) -> i64 {
        self.told_us.saturating_sub(now_us).max(0)
    }
}

/// See the module's text.
#[derive(Debug, Default)]
pub struct Brake {
    policy: BrakePolicy,
    sources: HashMap<IpAddr, Wrong>,
}

impl Brake {
    /// With nobody remembered.
    #[must_use]
    pub fn new(policy: BrakePolicy) -> Self {
        Self { policy, sources: HashMap::new() }
    }

    /// A wrong key came from there: how long its answer waits, microseconds. `None` if as many of this address wait already
    /// as may: then it is told at once.
    pub fn wrong(&mut self, source: IpAddr, now_us: i64) -> Option<i64> {
        let policy = self.policy;
        let source = customer(source);
        if !self.sources.contains_key(&source) && self.sources.len() >= policy.sources.max(1) {
            self.forget_quietest();
        }
        let wrong = self.sources.entry(source).or_insert(Wrong { count: 0, last_us: now_us, told_us: now_us });
        let quiet_us = now_us.saturating_sub(wrong.last_us).max(0);
        let forgotten = u32::try_from(quiet_us / policy.forget_us.max(1)).unwrap_or(u32::MAX);
        wrong.count = wrong.count.saturating_sub(forgotten).saturating_add(1);
        wrong.last_us = now_us;
        let wait_us = policy.wait_us(wrong.count);
        if wait_us == 0 {
            return Some(0);
        }
        let queued_us = wrong.queued_us(now_us);
        if policy.is_full(queued_us, wait_us) {
            return None;
        }
        let wait_us = queued_us.saturating_add(wait_us);
        wrong.told_us = now_us.saturating_add(wait_us);
        Some(wait_us)
    }

    /// Whether as many wrong keys of this address wait for their answers as may. Where a secret is short enough to be guessed,
    /// nothing of that address is looked at until they have been told: whoever does not wait for answers learns nothing.
    #[must_use]
    pub fn is_full(&self, source: IpAddr, now_us: i64) -> bool {
        self.sources.get(&customer(source)).is_some_and(|wrong| {
            let wait_us = self.policy.wait_us(wrong.count);
            wait_us > 0 && self.policy.is_full(wrong.queued_us(now_us), wait_us)
        })
    }

    fn forget_quietest(&mut self) {
        if let Some(quietest) = self.sources.iter().min_by_key(|(_, wrong)| wrong.last_us).map(|(source, _)| *source) {
            self.sources.remove(&quietest);
        }
    }

    /// Addresses that are remembered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.sources.len()
    }

    /// Whether nobody is remembered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sources.is_empty()
    }
}

/// Who is behind an address.
fn customer(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SECOND: i64 = 1_000_000;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn each_wrong_key_waits_longer_than_the_one_before() {
        let mut brake = Brake::default();
        let mut now_us = 0;
        let mut waits = Vec::new();
        for _ in 0..12 {
            let wait_us = brake.wrong(address("192.0.2.1"), now_us).unwrap();
            waits.push(wait_us / 1000);
            now_us += wait_us;
        }
        assert_eq!(waits, [0, 0, 0, 100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000]);
        assert_eq!(brake.wrong(address("192.0.2.2"), now_us), Some(0), "somebody else");
        let later = now_us + 10 * 30 * SECOND;
        assert_eq!(brake.wrong(address("192.0.2.1"), later), Some(0), "ten are forgotten by then");
    }

    #[test]
    fn a_source_is_full_while_as_many_of_its_guesses_wait_as_may_and_no_longer() {
        let mut brake = Brake::default();
        let (guesser, other) = (address("192.0.2.1"), address("192.0.2.2"));
        let mut told_us = 0;
        for _ in 0..40 {
            told_us = brake.wrong(guesser, 0).unwrap_or(told_us);
        }
        assert!(brake.is_full(guesser, 0) && !brake.is_full(other, 0));
        assert!(!brake.is_full(guesser, told_us), "whoever waits is listened to again");
        let mut patient = Brake::default();
        let mut now_us = 0;
        for _ in 0..40 {
            assert!(!patient.is_full(other, now_us));
            now_us += patient.wrong(other, now_us).unwrap();
        }
    }

    #[test]
    fn many_at_once_are_told_one_after_another_and_only_so_many_wait() {
        let mut brake =
            Brake::new(BrakePolicy { free: 0, longest_us: SECOND, forget_us: 1000 * SECOND, ..BrakePolicy::default() });
        let guesser = address("2001:db8:1:2::1");
        while brake.wrong(guesser, 0).is_some_and(|wait_us| wait_us < SECOND) {}
        let told: Vec<_> = (0..10).map(|_| brake.wrong(guesser, 100 * SECOND)).collect();
        assert_eq!(told[..4], [Some(SECOND), Some(2 * SECOND), Some(3 * SECOND), Some(4 * SECOND)]);
        assert!(told[4..].iter().all(Option::is_none), "{told:?}");
        let neighbour = address("2001:db8:1:2:ffff::9");
        assert_eq!(brake.wrong(neighbour, 100 * SECOND), None, "the same customer");
        assert_eq!(brake.len(), 1);
    }

    #[test]
    fn the_quietest_address_is_forgotten_first() {
        let mut brake = Brake::new(BrakePolicy { free: 1, sources: 2, ..BrakePolicy::default() });
        for (at, source) in [(1, "192.0.2.1"), (2, "192.0.2.2"), (3, "192.0.2.1"), (4, "192.0.2.3")] {
            brake.wrong(address(source), at);
        }
        assert_eq!(brake.len(), 2);
        assert_ne!(brake.wrong(address("192.0.2.1"), 5), Some(0), "it was not quiet");
        assert_eq!(brake.wrong(address("192.0.2.2"), 6), Some(0));
    }

    proptest! {
        #[test]
        fn it_is_bounded_whatever_the_clock_does(calls in proptest::collection::vec((0_u32..50, -100_i64..100), 0..300)) {
            let policy = BrakePolicy { sources: 8, ..BrakePolicy::default() };
            let mut brake = Brake::new(policy);
            for (source, second) in calls {
                let wait_us = brake.wrong(IpAddr::V4(source.into()), second * SECOND).unwrap_or(0);
                prop_assert!((0..=policy.longest_us * i64::from(policy.waiting_per_source)).contains(&wait_us));
                prop_assert!(brake.len() <= 8);
            }
        }
    }
}
