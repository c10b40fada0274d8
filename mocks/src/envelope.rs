//! The names an answer goes by: ids, time, model, fingerprint.

use rand::Rng;

use crate::dice::Dice;

/// What all chunks of one answer share.
#[derive(Clone, Debug)]
pub(crate) struct Envelope {
    /// What the ids of chat completions, responses and the like have behind their prefixes.
    pub(crate) stem: String,
    /// Unix seconds.
    pub(crate) created: u64,
    /// The model's name as the provider reports it.
    pub(crate) model: String,
    pub(crate) fingerprint: String,
    /// Prefix of tool call ids, without the provider's decoration.
    pub(crate) call_stem: String,
    /// For the provider's request id header.
    pub(crate) trace: String,
}

/// `length` characters of letters and digits.
pub(crate) fn token(dice: &mut Dice, length: usize) -> String {
    const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let draw = |_| ALPHABET.get((dice.next_u32() % 62) as usize).map_or('0', |byte| char::from(*byte));
    (0..length).map(draw).collect()
}

/// 32 hexadecimal digits.
pub(crate) fn hexadecimal(dice: &mut Dice) -> String {
    format!("{:016x}{:016x}", dice.next_u64(), dice.next_u64())
}

/// A version 4 UUID, whose bits come from the seed.
pub(crate) fn uuid(dice: &mut Dice) -> String {
    let mut bytes = [0; 16];
    dice.fill_bytes(&mut bytes);
    uuid::Builder::from_random_bytes(bytes).into_uuid().to_string()
}
