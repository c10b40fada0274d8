//! Finds keys that come twice, in memory that does not grow with their number.
//!
//! Keys are hashed and spread over buckets; a bucket that is full goes to a temporary file. At the end each bucket is
//! sorted by itself: equal keys are in the same one.

use sha2::{Digest, Sha256};
use std::io::{Read, Seek, SeekFrom, Write};

/// Buckets. With a hundred million keys, one is sorted in 50 MB.
const BUCKETS: usize = 64;
/// Keys of a bucket that are in memory, at most; of all of them 32 MB.
const BUCKET_KEYS_MAX: usize = 16 * 1024;
/// Bytes of a key's hash and of its place.
const ENTRY_BYTES: usize = 24;

/// A key's hash and where it was met.
type Entry = (u128, u64);

/// Keys so far.
#[derive(Debug)]
pub(super) struct Duplicates {
    buckets: Vec<Bucket>,
    /// Keys of a bucket that are in memory, at most.
    keys_max: usize,
}

#[derive(Debug, Default)]
struct Bucket {
    waiting: Vec<Entry>,
    spilled: Option<std::fs::File>,
}

impl Default for Duplicates {
    fn default() -> Self {
        Self { buckets: (0..BUCKETS).map(|_| Bucket::default()).collect(), keys_max: BUCKET_KEYS_MAX }
    }
}

impl Duplicates {
    /// Adds a key, made of several texts.
    ///
    /// # Errors
    /// The temporary file cannot be written.
    pub(super) fn add(&mut self, key: &[&str], place: u64) -> std::io::Result<()> {
        let mut hash = Sha256::new();
        for text in key {
            hash.update((text.len() as u64).to_le_bytes());
            hash.update(text.as_bytes());
        }
        let mut bytes = [0; 16];
        bytes.copy_from_slice(hash.finalize().get(..16).unwrap_or(&[0; 16]));
        let hash = u128::from_le_bytes(bytes);
        match self.buckets.get_mut(hash as usize % BUCKETS) {
            Some(bucket) => bucket.add((hash, place), self.keys_max),
            None => Ok(()),
        }
    }

    /// Calls `with` with the places of each key that came again: its first place, and the later one.
    ///
    /// # Errors
    /// The temporary file cannot be read.
    pub(super) fn finish(self, mut with: impl FnMut(u64, u64)) -> std::io::Result<()> {
        for bucket in self.buckets {
            let mut entries = bucket.entries()?;
            entries.sort_unstable();
            for same in entries.chunk_by(|a, b| a.0 == b.0) {
                let first = same.first().map_or(0, |entry| entry.1);
                same.iter().skip(1).for_each(|again| with(first, again.1));
            }
        }
        Ok(())
    }
}

impl Bucket {
    fn add(&mut self, entry: Entry, keys_max: usize) -> std::io::Result<()> {
        self.waiting.push(entry);
        if self.waiting.len() < keys_max {
            return Ok(());
        }
        let mut bytes = Vec::with_capacity(self.waiting.len() * ENTRY_BYTES);
        for (hash, place) in self.waiting.drain(..) {
            bytes.extend(hash.to_le_bytes());
            bytes.extend(place.to_le_bytes());
        }
        if self.spilled.is_none() {
            self.spilled = Some(tempfile::tempfile()?);
        }
        self.spilled.as_mut().map_or(Ok(()), |file| file.write_all(&bytes))
    }

    fn entries(self) -> std::io::Result<Vec<Entry>> {
        let mut entries = self.waiting;
        let Some(mut file) = self.spilled else { return Ok(entries) };
        let mut bytes = Vec::new();
        file.seek(SeekFrom::Start(0))?;
        file.read_to_end(&mut bytes)?;
        for entry in bytes.chunks_exact(ENTRY_BYTES) {
            let (hash, place) = entry.split_at(16);
            let hash = u128::from_le_bytes(hash.try_into().unwrap_or_default());
            entries.push((hash, u64::from_le_bytes(place.try_into().unwrap_or_default())));
        }
        Ok(entries)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_come_again_are_found_among_more_than_fit_into_memory() {
        let mut keys = Duplicates { keys_max: 50, ..Duplicates::default() };
        let count = 12_000u64;
        for place in 1..=count {
            let number = if place % 3_000 == 0 { 7 } else { place };
            keys.add(&[&number.to_string(), "x"], place).unwrap();
        }
        keys.add(&["7x", ""], count + 1).unwrap();
        assert!(keys.buckets.iter().all(|bucket| bucket.spilled.is_some()));
        let mut found = Vec::new();
        keys.finish(|first, again| found.push((first, again))).unwrap();
        found.sort_unstable();
        assert_eq!(found, [(7, 3_000), (7, 6_000), (7, 9_000), (7, 12_000)]);
    }
}
