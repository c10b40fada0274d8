//! Samples and shards of whole sessions.
//!
//! Both draw by a hash of the session, so that all turns of a conversation are played or none, and by the same
//! machine. The hash is XXH3, which is the same on every machine and in every version.

use super::Shard;
use datasets::LoggedRequest;
use std::fmt;
use std::str::FromStr;
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// Keeps the draw of the shard apart from that of any sample: a shard of a sample is a fair part of it.
const SHARD_SEED: u64 = 0x7368_6172_6400_0001;
/// Keeps the draw of the sample apart from other uses of the same seed.
const SAMPLE_SALT: u64 = 0x7361_6d70_6c65_0001;

/// Hash of a text.
pub(super) fn hash(text: &str, seed: u64) -> u64 {
    xxh3_64_with_seed(text.as_bytes(), seed)
}

fn key(row: &LoggedRequest) -> &str {
    row.session.as_deref().unwrap_or(&row.id)
}

/// A share of the sessions.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Share {
    percent: f64,
}

/// A text that is no share or no shard.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no {what}: expected {expected}")]
pub struct ShareError {
    text: String,
    what: &'static str,
    expected: &'static str,
}

impl Share {
    /// Whether the row belongs to the sample. The same seed gives the same sample; a larger share only adds to it.
    pub(super) fn takes(self, row: &LoggedRequest, seed: u64) -> bool {
        // 53 bits are what a double holds exactly.
        let draw = (hash(key(row), seed ^ SAMPLE_SALT) >> 11) as f64 / (1u64 << 53) as f64;
        draw * 100.0 < self.percent
    }
}

impl FromStr for Share {
    type Err = ShareError;

    fn from_str(text: &str) -> Result<Self, ShareError> {
        text.strip_suffix('%')
            .filter(|digits| digits.starts_with(|first: char| first.is_ascii_digit() || first == '.'))
            .and_then(|digits| digits.parse().ok())
            .filter(|percent| (0.0..=100.0).contains(percent) && *percent > 0.0)
            .map(|percent| Self { percent })
            .ok_or_else(|| ShareError {
                text: text.to_owned(),
                what: "share",
                expected: "a percentage above 0% and at most 100%, such as 10% or 0.5%",
            })
    }
}

impl fmt::Display for Share {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}%", self.percent)
    }
}

impl Shard {
    /// Whether this machine plays the row.
    pub(super) fn owns(self, row: &LoggedRequest) -> bool {
        hash(key(row), SHARD_SEED) % u64::from(self.of.max(1)) == u64::from(self.index.saturating_sub(1))
    }
}

impl FromStr for Shard {
    type Err = ShareError;

    fn from_str(text: &str) -> Result<Self, ShareError> {
        let parse = || {
            let (index, of) = text.split_once('/')?;
            let shard = Self { index: index.parse().ok()?, of: of.parse().ok()? };
            (1..=shard.of).contains(&shard.index).then_some(shard)
        };
        parse().ok_or_else(|| ShareError {
            text: text.to_owned(),
            what: "shard",
            expected: "which one of how many, counted from 1, such as 1/4",
        })
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.index, self.of)
    }
}
