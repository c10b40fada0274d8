//! Which beginnings of conversations were seen before, as a provider's automatic prefix cache knows it.
//!
//! Hits depend on the order in which requests arrive, unlike everything else a mock says, so a profile has to ask for it.
//! Prefixes are remembered message by message as hashes; the oldest are forgotten when the room is full.

use std::collections::hash_map::DefaultHasher;
use std::collections::{HashSet, VecDeque};
use std::hash::{Hash, Hasher};
use std::sync::{Mutex, PoisonError};

/// Prefixes remembered; beyond it the oldest goes.
const PREFIXES_MAX: usize = 4096;

/// The prefixes of one mock.
#[derive(Debug, Default)]
pub(crate) struct PrefixCache {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    known: HashSet<u64>,
    order: VecDeque<u64>,
}

impl PrefixCache {
    /// Tokens of the longest known prefix of `messages` (role, text, tokens) within a partition; all prefixes are known
    /// from now on.
    pub(crate) fn look_up<'a>(
        &self,
        partition: [&str; 2],
        messages: impl Iterator<Item = (&'a str, &'a str, u64)>,
    ) -> u64 {
        let mut hasher = DefaultHasher::new();
        partition.hash(&mut hasher);
        // A panic elsewhere cannot leave the set half changed in a way that matters.
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut hit, mut total, mut unbroken) = (0, 0, true);
        for (role, text, tokens) in messages {
            (role, text).hash(&mut hasher);
            total += tokens;
            unbroken &= !state.learn(hasher.finish());
            if unbroken {
                hit = total;
            }
        }
        hit
    }
}

impl State {
    /// Whether the prefix is new.
    fn learn(&mut self, prefix: u64) -> bool {
        if !self.known.insert(prefix) {
            return false;
        }
        self.order.push_back(prefix);
        if self.order.len() > PREFIXES_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grown_conversation_hits_its_beginning_within_its_partition() {
        let cache = PrefixCache::default();
        let turn = |partition: [&str; 2], texts: &[&str]| {
            cache.look_up(partition, texts.iter().map(|text| ("user", *text, 100)))
        };
        assert_eq!(turn(["anna", "m"], &["a", "b"]), 0);
        assert_eq!(turn(["anna", "m"], &["a", "b", "c"]), 200);
        assert_eq!(turn(["anna", "m"], &["x", "b", "c"]), 0);
        assert_eq!(turn(["bert", "m"], &["a", "b"]), 0);
    }

    #[test]
    fn the_room_is_bounded() {
        let cache = PrefixCache::default();
        for index in 0..=PREFIXES_MAX {
            let text = index.to_string();
            cache.look_up(["", ""], std::iter::once(("user", text.as_str(), 1)));
        }
        assert_eq!(cache.state.lock().unwrap().known.len(), PREFIXES_MAX);
        assert_eq!(cache.look_up(["", ""], std::iter::once(("user", "0", 1))), 0, "the first one was forgotten");
    }
}
