//! Digests of content and files.

use sha2::{Digest, Sha256};

/// Digest of a text that may be private: the first 128 bits of SHA-256 over salt, a zero byte and the text,
/// hexadecimal. The same salt gives the same digest, so equal answers can be told without keeping them.
#[must_use]
pub fn content(salt: &str, text: &str) -> String {
    let mut hash = Sha256::new();
    hash.update(salt.as_bytes());
    hash.update([0]);
    hash.update(text.as_bytes());
    hex(hash.finalize().get(..16).unwrap_or_default())
}

/// The first 64 bits of SHA-256, to tell many texts apart in little memory.
pub(crate) fn short(bytes: &[u8]) -> u64 {
    Sha256::digest(bytes).first_chunk().map_or(0, |first| u64::from_le_bytes(*first))
}

/// SHA-256 of bytes, hexadecimal.
#[must_use]
pub fn of_bytes(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Bytes as lower-case hexadecimal.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |nibble: u8| char::from(DIGITS[usize::from(nibble & 15)]);
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        text.push(digit(byte >> 4));
        text.push(digit(*byte));
    }
    text
}
