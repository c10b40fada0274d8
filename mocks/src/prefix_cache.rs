//! Which beginnings of conversations were seen before, as a provider's automatic prefix cache knows it.
//!
//! Hits depend on the order in which requests arrive, unlike everything else a mock says, so a profile has to ask for it.
//! Prefixes are remembered as hashes, at the end of each message and at each whole block of tokens, so that two long
//! messages which begin alike share their beginning; the oldest are forgotten when the room is full.

use std::collections::hash_map::DefaultHasher;
use std::collections::{HashSet, VecDeque};
use std::hash::{Hash, Hasher};
use std::sync::{Mutex, PoisonError};

use wire::provider::Provider;

use crate::tokens;

/// Prefixes remembered; beyond it the oldest goes.
const PREFIXES_MAX: usize = 65_536;
/// Tokens between two prefixes within a message, at least.
const BLOCK_TOKENS_MIN: u64 = 16;
/// Tokens that frame a message.
pub(crate) const FRAME_TOKENS: u64 = 4;

/// How a provider counts, and how far apart it remembers.
#[derive(Clone, Copy)]
pub(crate) struct Grid {
    pub(crate) provider: Provider,
    pub(crate) block_tokens: u64,
}

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
    /// Tokens of the longest known prefix of `messages` (role and text) within a partition; all prefixes are known from now
    /// on.
    pub(crate) fn look_up<'a>(
        &self,
        partition: [&str; 2],
        messages: impl Iterator<Item = (&'a str, &'a str)>,
        grid: Grid,
    ) -> u64 {
        let mut hasher = DefaultHasher::new();
        partition.hash(&mut hasher);
        // A panic elsewhere cannot leave the set half changed in a way that matters.
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let mut walk = Walk { hasher, hit: 0, unbroken: true };
        let mut total = 0;
        for (role, text) in messages {
            role.hash(&mut walk.hasher);
            let from = total + FRAME_TOKENS;
            let mut rest = text;
            for (at, position) in tokens::blocks(grid.provider, text, from, grid.block_tokens.max(BLOCK_TOKENS_MIN)) {
                let (piece, left) = rest.split_at(rest.len() - (text.len() - at));
                piece.hash(&mut walk.hasher);
                walk.pass(&mut state, position);
                rest = left;
            }
            rest.hash(&mut walk.hasher);
            total = from + tokens::estimate(grid.provider, text);
            "end of message".hash(&mut walk.hasher);
            walk.pass(&mut state, total);
        }
        walk.hit
    }
}

/// The way through a conversation.
struct Walk {
    hasher: DefaultHasher,
    hit: u64,
    /// Whether everything so far is known.
    unbroken: bool,
}

impl Walk {
    /// Learns the prefix that ends here, after so many tokens.
    fn pass(&mut self, state: &mut State, tokens: u64) {
        self.unbroken &= !state.learn(self.hasher.finish());
        if self.unbroken {
            self.hit = tokens;
        }
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

    const GRID: Grid = Grid { provider: Provider::DeepSeek, block_tokens: 256 };

    fn turn(cache: &PrefixCache, partition: [&str; 2], texts: &[&str]) -> u64 {
        cache.look_up(partition, texts.iter().map(|text| ("user", *text)), GRID)
    }

    #[test]
    fn a_grown_conversation_hits_its_beginning_within_its_partition() {
        let cache = PrefixCache::default();
        let of = |text: &str| FRAME_TOKENS + tokens::estimate(Provider::DeepSeek, text);
        assert_eq!(turn(&cache, ["anna", "m"], &["a", "b"]), 0);
        assert_eq!(turn(&cache, ["anna", "m"], &["a", "b", "c"]), of("a") + of("b"));
        assert_eq!(turn(&cache, ["anna", "m"], &["x", "b", "c"]), 0);
        assert_eq!(turn(&cache, ["bert", "m"], &["a", "b"]), 0);
        assert_eq!(turn(&cache, ["anna", "m"], &["ab", "c"]), 0, "where a message ends matters");
    }

    #[test]
    fn messages_that_begin_alike_share_whole_blocks() {
        let cache = PrefixCache::default();
        let examples = "Question and answer, given as an example of what is wanted. ".repeat(100);
        let tokens = tokens::estimate(Provider::DeepSeek, &examples);
        assert_eq!(turn(&cache, ["", "m"], &[&format!("{examples}What is a lorry?")]), 0);
        let hit = turn(&cache, ["", "m"], &[&format!("{examples}How heavy is it?")]);
        assert!(
            hit > 0 && hit.is_multiple_of(256) && hit <= tokens + FRAME_TOKENS && hit + 256 > tokens,
            "{hit} of {tokens}"
        );
        let changed = format!("!{examples}");
        assert_eq!(turn(&cache, ["", "m"], &[&changed]), 0);
    }

    #[test]
    fn blocks_end_at_characters_of_any_width() {
        for block_tokens in [1, 16, 17, 1_000_000_000] {
            let cache = PrefixCache::default();
            let grid = Grid { block_tokens, ..GRID };
            let text = "aß中𝄞 ".repeat(200);
            let ask = || cache.look_up(["", ""], [("user", text.as_str()), ("user", "")].into_iter(), grid);
            assert_eq!(ask(), 0);
            assert_eq!(ask(), 2 * FRAME_TOKENS + tokens::estimate(Provider::DeepSeek, &text));
        }
    }

    #[test]
    fn the_room_is_bounded() {
        let cache = PrefixCache::default();
        for index in 0..=PREFIXES_MAX {
            turn(&cache, ["", ""], &[&index.to_string()]);
        }
        assert_eq!(cache.state.lock().unwrap().known.len(), PREFIXES_MAX);
        assert_eq!(turn(&cache, ["", ""], &["0"]), 0, "the first one was forgotten");
    }
}
