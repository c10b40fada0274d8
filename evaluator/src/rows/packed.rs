//! Numbers in as many bytes as they need.

use datasets::FromLog;
use wire::price::Tier;

/// Microseconds or nano-dollars in 40 bits, unsigned: up to 12.7 days. Larger values become the largest one. Big-endian, so
/// that the derived order is that of the numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub(super) struct Unsigned40([u8; 5]);

impl Unsigned40 {
    pub(super) const MAX: u64 = (1 << 40) - 1;

    pub(super) fn saturating(value: u64) -> Self {
        let [_, _, _, a, b, c, d, e] = value.min(Self::MAX).to_be_bytes();
        Self([a, b, c, d, e])
    }

    pub(super) const fn get(self) -> u64 {
        let [a, b, c, d, e] = self.0;
        u64::from_be_bytes([0, 0, 0, a, b, c, d, e])
    }
}

/// The same with a value for "none": the stored number is one more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub(super) struct Optional40(Unsigned40);

impl Optional40 {
    pub(super) fn saturating(value: Option<u64>) -> Self {
        Self(Unsigned40::saturating(value.map_or(0, |value| value.saturating_add(1))))
    }

    pub(super) const fn get(self) -> Option<u64> {
        self.0.get().checked_sub(1)
    }
}

/// A count in 32 bits with a value for "none"; larger ones become the largest one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Optional32(u32);

impl Optional32 {
    /// The largest count that is told apart.
    pub(super) const MAX: u64 = u32::MAX as u64 - 1;
    const NONE: u32 = u32::MAX;

    pub(super) fn saturating(value: Option<u64>) -> Self {
        Self(value.map_or(Self::NONE, |value| value.min(Self::MAX) as u32))
    }

    /// As it is; none where it does not fit.
    pub(super) fn fitting(value: Option<u64>) -> Self {
        Self::saturating(value.filter(|value| *value <= Self::MAX))
    }

    pub(super) fn get(self) -> Option<u64> {
        (self.0 != Self::NONE).then_some(u64::from(self.0))
    }
}

/// A part of a token count in 24 bits with a value for "none"; larger ones become the largest one. No model reads or writes
/// sixteen million tokens in one call, and six such parts in a row have to stay small. Big-endian, so that the derived order
/// is that of the numbers; none comes last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Optional24([u8; 3]);

impl Optional24 {
    /// The largest count that is told apart.
    pub(super) const MAX: u64 = (1 << 24) - 2;
    const NONE: [u8; 3] = [u8::MAX; 3];

    pub(super) fn saturating(value: Option<u64>) -> Self {
        let Some(value) = value else { return Self(Self::NONE) };
        let [_, _, _, _, _, a, b, c] = value.min(Self::MAX).to_be_bytes();
        Self([a, b, c])
    }

    pub(super) fn get(self) -> Option<u64> {
        let [a, b, c] = self.0;
        (self.0 != Self::NONE).then_some(u64::from(u32::from_be_bytes([0, a, b, c])))
    }
}

/// Two answers to yes or no, whether and how a row is from a log, and its service tier, in one byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Flags(u8);

impl Flags {
    pub(super) fn new(first: bool, second: bool, recorded: Option<FromLog>, tier: Tier) -> Self {
        let recorded = match recorded {
            None => 0,
            Some(FromLog::Timed) => 1,
            Some(FromLog::Untimed) => 2,
        };
        let tier = match tier {
            Tier::Standard => 0,
            Tier::Batch => 1,
            Tier::Flex => 2,
            Tier::Priority => 3,
            Tier::Ultrafast => 4,
        };
        Self(u8::from(first) | u8::from(second) << 1 | recorded << 2 | tier << 4)
    }

    pub(super) const fn first(self) -> bool {
        self.0 & 1 != 0
    }

    pub(super) const fn second(self) -> bool {
        self.0 & 2 != 0
    }

    pub(super) const fn recorded(self) -> Option<FromLog> {
        match self.0 >> 2 & 0b11 {
            0 => None,
            1 => Some(FromLog::Timed),
            _ => Some(FromLog::Untimed),
        }
    }

    pub(super) const fn tier(self) -> Tier {
        match self.0 >> 4 {
            0 => Tier::Standard,
            1 => Tier::Batch,
            2 => Tier::Flex,
            3 => Tier::Priority,
            _ => Tier::Ultrafast,
        }
    }
}

/// Hundredths of a percent in 16 bits with a value for "none"; larger ones become one that is no percentage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Optional16(u16);

impl Optional16 {
    const NONE: u16 = u16::MAX;

    pub(super) fn saturating(value: Option<u32>) -> Self {
        Self(value.map_or(Self::NONE, saturating16))
    }

    pub(super) fn get(self) -> Option<u32> {
        (self.0 != Self::NONE).then_some(u32::from(self.0))
    }
}

/// A number in 16 bits; larger ones become 65,534.
pub(super) fn saturating16(value: u32) -> u16 {
    value.min(u32::from(u16::MAX) - 1) as u16
}
