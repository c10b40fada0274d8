//! How a new key is made: `wb-ID-SECRET`, in small letters and digits that survive being read aloud, copied and clicked.

use super::digest::Digest;
use sha2::{Digest as _, Sha256};
use std::fmt;

/// Base 32 without the digits that look like letters.
const LETTERS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
/// Letters of a public id: 60 bits.
const ID_LETTERS: usize = 12;

/// Chance as an argument: 256 bits of the system's, spread over as many values as a change needs.
pub struct Chance {
    seed: [u8; 32],
    drawn: u64,
}

impl Chance {
    /// From 32 bytes that nobody can guess.
    #[must_use]
    pub const fn new(seed: [u8; 32]) -> Self {
        Self { seed, drawn: 0 }
    }

    fn draw(&mut self) -> [u8; 32] {
        self.drawn += 1;
        // The seed stands in front and has a fixed length, so no two draws hash the same bytes.
        Sha256::new().chain_update(self.seed).chain_update(self.drawn.to_be_bytes()).finalize().into()
    }

    /// The public id of a key: unique enough to be drawn blindly, and checked all the same.
    pub(super) fn id(&mut self) -> String {
        let mut id = letters(&self.draw());
        id.truncate(ID_LETTERS);
        id
    }

    /// A key with this id.
    pub(super) fn key(&mut self, id: &str) -> Fresh {
        let key = format!("wb-{id}-{}", letters(&self.draw()));
        Fresh { digest: Digest::of(&key), shown: format!("wb-{id}-"), key }
    }
}

impl fmt::Debug for Chance {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Chance").finish_non_exhaustive()
    }
}

/// A key that nobody has seen yet.
pub(super) struct Fresh {
    pub key: String,
    /// Its first characters, which tell whose it is and open nothing.
    pub shown: String,
    pub digest: Digest,
}

/// Five bits a letter.
fn letters(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 8 / 5 + 1);
    let (mut held, mut bits) = (0_u32, 0_u32);
    let mut push = |five: u32| text.push(char::from(LETTERS[five as usize & 31]));
    for byte in bytes {
        held = (held << 8 | u32::from(*byte)) & 0xffff;
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            push(held >> bits);
        }
    }
    if bits > 0 {
        push(held << (5 - bits));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn letters_are_those_of_base_32() {
        // printf foobar | base32
        assert_eq!(letters(b"foobar"), "mzxw6ytboi");
        assert_eq!(letters(b""), "");
        assert_eq!(letters(&[255; 32]).len(), 52);
    }

    #[test]
    fn keys_have_their_form_and_never_repeat() {
        let mut chance = Chance::new([7; 32]);
        let mut seen = BTreeSet::new();
        for _ in 0..1000 {
            let id = chance.id();
            let fresh = chance.key(&id);
            let parts: Vec<&str> = fresh.key.split('-').collect();
            assert_eq!((parts[0], parts[1], parts[1].len(), parts[2].len()), ("wb", &*id, 12, 52));
            assert!(fresh.key.bytes().all(|byte| byte == b'-' || LETTERS.contains(&byte)));
            assert_eq!((fresh.shown.as_str(), fresh.digest), (&fresh.key[..16], Digest::of(&fresh.key)));
            assert!(seen.insert(id) && seen.insert(fresh.key));
        }
        assert_eq!(Chance::new([7; 32]).id(), Chance::new([7; 32]).id(), "chance is an argument");
        assert_ne!(Chance::new([7; 32]).id(), Chance::new([8; 32]).id());
    }
}
