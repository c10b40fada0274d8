//! Words that are one token each in the tokenizers of both vendors.
//!
//! Made from the vocabularies of `o200k_base` and of DeepSeek V4: what both have as one token (English words with and
//! without the space before them), what is a whole word of the language, and neither violent nor political nor intimate,
//! so that no moderator takes offence at an accident.

use rand::Rng;
use std::sync::LazyLock;

/// What a prompt is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Language {
    English,
    Chinese,
}

/// A list of words, as long as a power of two.
#[derive(Debug)]
pub(super) struct Words {
    /// Each with what stands before it.
    pub(super) list: Vec<String>,
    /// Bits that choose a word.
    pub(super) bits: u32,
    /// Mean length of a word, bytes, in sixteenths.
    bytes_x16: usize,
}

static ENGLISH: LazyLock<Words> = LazyLock::new(|| Words::new(include_str!("english.txt"), " "));
static CHINESE: LazyLock<Words> = LazyLock::new(|| Words::new(include_str!("chinese.txt"), ""));

impl Language {
    pub(super) fn words(self) -> &'static Words {
        match self {
            Self::English => &ENGLISH,
            Self::Chinese => &CHINESE,
        }
    }
}

impl Words {
    fn new(text: &str, before: &str) -> Self {
        let mut list: Vec<String> = text.split_ascii_whitespace().map(|word| format!("{before}{word}")).collect();
        let bits = list.len().checked_ilog2().unwrap_or(0);
        list.truncate(1 << bits);
        let bytes: usize = list.iter().map(String::len).sum();
        Self { bytes_x16: (bytes * 16).div_ceil(list.len().max(1)), list, bits }
    }

    /// Bytes that this many words are likely to have, and a little more.
    pub(super) fn bytes_of(&self, count: u64) -> usize {
        let count = usize::try_from(count).unwrap_or(usize::MAX / 1024);
        count * self.bytes_x16 / 16 + count / 64 + 64
    }

    /// Adds `count` drawn words.
    pub(super) fn draw(&self, text: &mut String, source: &mut impl Rng, count: u64) {
        let each = u64::from(64 / self.bits.max(1));
        let mask = (1_u64 << self.bits) - 1;
        let mut left = count;
        while left > 0 {
            let mut drawn = source.next_u64();
            for _ in 0..left.min(each) {
                // The mask keeps the index inside the list.
                let word = usize::try_from(drawn & mask).ok().and_then(|index| self.list.get(index));
                text.push_str(word.map_or("", String::as_str));
                drawn >>= self.bits;
            }
            left = left.saturating_sub(each);
        }
    }
}
