//! Ids as numbers.
//!
//! A pair id is a UUID nearly always (the gateway makes them), and then its 128 bits are the key. Any other id is
//! hashed (XXH3, seeded with the domain, so that the same text in two fields gives two numbers). The two bits that tell a
//! UUID's variant tell the two apart: both are set in a hash and in no UUID of RFC 9562, so that a UUID can be read back
//! from its key. Two ids out of 2.5 million share a key with a probability of 4e-26.
//!
//! Request ids, units and answers are only ever asked "the same or not": 64 bits, where two of 5 million share a number
//! with a probability of 7e-7. The hash is not made against forgers: who can write record files can write any verdict.

use std::num::{NonZeroU32, NonZeroU64};
use xxhash_rust::xxh3::{xxh3_64_with_seed, xxh3_128_with_seed};

/// What a text is the name of; seeds its hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Domain {
    /// A pair id.
    Pair = 1,
    /// A caller's request id.
    Request = 2,
    /// A unit of assignment.
    Unit = 3,
    /// An answer's digest.
    Answer = 4,
    /// The digest of an answer's tool calls.
    Tools = 5,
    /// A consumer's name.
    Consumer = 6,
}

/// Bits that a UUID has not both, and a hash has.
const HASHED: u128 = 0b11 << 62;

/// A pair id as 128 bits. Ordered as the UUID's text is, where it is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct PairKey {
    /// Upper half. Two halves instead of one `u128`, which would round the row's size up to a multiple of 16.
    high: u64,
    low: u64,
}

impl PairKey {
    /// The key of a pair id.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let hash = || xxh3_128_with_seed(text.as_bytes(), Domain::Pair as u64) | HASHED;
        let bits = uuid_bits(text.as_bytes()).filter(|bits| bits & HASHED != HASHED).unwrap_or_else(hash);
        Self { high: (bits >> 64) as u64, low: bits as u64 }
    }

    /// All 128 bits.
    #[must_use]
    pub const fn bits(self) -> u128 {
        (self.high as u128) << 64 | self.low as u128
    }

    /// The id, where it is a UUID; `None` where the key is a hash of it.
    #[must_use]
    pub fn uuid(self) -> Option<String> {
        if self.bits() & HASHED == HASHED {
            return None;
        }
        let digits = format!("{:032x}", self.bits());
        let part = |from: usize, to: usize| digits.get(from..to).unwrap_or_default();
        Some(format!("{}-{}-{}-{}-{}", part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)))
    }

    /// A well mixed number for partitioning. The bits of a UUID are not: version 7 begins with the time, and version 1
    /// ends with the machine.
    #[must_use]
    pub(crate) const fn mixed(self) -> u64 {
        let product = (self.high ^ 0x9E37_79B9_7F4A_7C15) as u128 * (self.low ^ 0xD6E8_FEB8_6659_FD93) as u128;
        (product >> 64) as u64 ^ product as u64
    }
}

/// A text as 64 bits, never zero.
#[must_use]
pub fn hash64(domain: Domain, text: &str) -> NonZeroU64 {
    NonZeroU64::new(xxh3_64_with_seed(text.as_bytes(), domain as u64)).unwrap_or(NonZeroU64::MAX)
}

/// A text as 32 bits, never zero: enough to compare the two answers of one pair.
#[must_use]
pub(crate) fn hash32(domain: Domain, text: &str) -> NonZeroU32 {
    NonZeroU32::new((hash64(domain, text).get() >> 32) as u32).unwrap_or(NonZeroU32::MAX)
}

/// Places of the hyphens in `xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx`.
const HYPHENS: [usize; 4] = [8, 13, 18, 23];

/// The bits of a UUID in its canonical, lower-case form. Other spellings are other ids, because files compare text.
fn uuid_bits(text: &[u8]) -> Option<u128> {
    let text: &[u8; 36] = text.try_into().ok()?;
    let mut bits = 0u128;
    let mut wrong = 0u8;
    for (place, byte) in text.iter().enumerate() {
        if HYPHENS.contains(&place) {
            wrong |= byte ^ b'-';
        } else {
            let digit = DIGITS[usize::from(*byte)];
            wrong |= digit & 0xF0;
            bits = bits << 4 | u128::from(digit & 0x0F);
        }
    }
    (wrong == 0).then_some(bits)
}

/// Value of a lower-case hexadecimal digit, 0xFF for other bytes.
const DIGITS: [u8; 256] = {
    let mut digits = [0xFF; 256];
    let mut value = 0;
    while value < 16 {
        digits[b"0123456789abcdef"[value] as usize] = value as u8;
        value += 1;
    }
    digits
};
