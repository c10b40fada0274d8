//! Verdicts of texts that come again.
//!
//! A chat sends its whole history with every turn, so most of what a guard sees it has seen before. Kept is the hash of a
//! text and what was said of it, never the text. Only verdicts are kept: a failure says nothing about a text. While one
//! asks, others with the same text wait for his verdict; if he gets none, the next of them asks.

use guard::{Phase, Verdict};
use quick_cache::Weighter;
use quick_cache::sync::{Cache, EntryAction, EntryResult};
use sha2::{Digest, Sha256};
use std::future::Future;
use std::time::Duration;
use tokio::time::Instant;

/// What a key, its place in the cache, and an empty verdict take, bytes, about.
const ENTRY_BYTES: usize = 160;

/// SHA-256 of a phase and a text. Keys of different back ends never meet: each has a cache of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Key([u8; 32]);

impl Key {
    pub(super) fn new(phase: Phase, text: &str) -> Self {
        let side: &[u8] = match phase {
            Phase::Request => b"request\0",
            Phase::Response => b"response\0",
        };
        Self(Sha256::new().chain_update(side).chain_update(text).finalize().into())
    }
}

#[derive(Debug, Clone)]
struct Kept {
    verdict: Verdict,
    at: Instant,
}

#[derive(Debug, Clone)]
struct Bytes;

impl Weighter<Key, Kept> for Bytes {
    fn weight(&self, _: &Key, kept: &Kept) -> u64 {
        let findings = kept.verdict.findings.iter();
        let bytes: usize = findings.map(|one| size_of_val(one) + one.label.len() + size_of_val(&*one.spans)).sum();
        u64::try_from(ENTRY_BYTES + bytes).unwrap_or(u64::MAX)
    }
}

/// See the module's text.
#[derive(Debug)]
pub(super) struct Verdicts {
    cache: Cache<Key, Kept, Bytes>,
    keeps_for: Duration,
}

/// Where a verdict came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    Memory,
    Asked,
}

impl Verdicts {
    /// Room for about so many bytes.
    pub(super) fn new(bytes_max: usize, keeps_for: Duration) -> Self {
        let bytes = u64::try_from(bytes_max).unwrap_or(u64::MAX);
        Self { cache: Cache::with_weighter(bytes_max / ENTRY_BYTES, bytes, Bytes), keeps_for }
    }

    pub(super) fn bytes(&self) -> u64 {
        self.cache.weight()
    }

    /// The verdict that is known, or that `ask` brings.
    ///
    /// # Errors
    /// That of `ask`.
    pub(super) async fn get<E, F: Future<Output = Result<Verdict, E>>>(
        &self,
        key: Key,
        ask: impl FnOnce() -> F,
    ) -> Result<(Verdict, Source), E> {
        // The usual way to a known verdict shares its lock with others.
        if let Some(kept) = self.cache.get(&key).filter(|kept| self.counts(kept)) {
            return Ok((kept.verdict, Source::Memory));
        }
        let known = |_: &Key, kept: &mut Kept| {
            if self.counts(kept) { EntryAction::Retain(kept.verdict.clone()) } else { EntryAction::ReplaceWithGuard }
        };
        let place = match self.cache.entry_async(&key, known).await {
            EntryResult::Retained(verdict) => return Ok((verdict, Source::Memory)),
            EntryResult::Vacant(place) | EntryResult::Replaced(place, _) => Some(place),
            EntryResult::Removed(..) | EntryResult::Timeout => None,
        };
        let verdict = ask().await?;
        if let Some(place) = place {
            // Nothing is lost if the place was taken away meanwhile: it is asked again.
            drop(place.insert(Kept { verdict: verdict.clone(), at: Instant::now() }));
        }
        Ok((verdict, Source::Asked))
    }

    fn counts(&self, kept: &Kept) -> bool {
        kept.at.elapsed() < self.keeps_for
    }
}
