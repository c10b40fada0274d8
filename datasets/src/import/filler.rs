//! Prompts for traces that have none: of the right length, and with equal beginnings where the trace says so.
//!
//! **Length.** No tokenizer is at hand, and the two vendors have different ones. So prompts are made of words that both
//! count as one token each: 1,024 common English words, or 512 Chinese ones. A word more is a token more. Measured over
//! 200 prompts of 20 to 8,000 words in each language: English words are tokens one for one in OpenAI's `o200k_base` and
//! in DeepSeek's tokenizers of V3, V3.2 and V4. Chinese words stand side by side, so that some neighbours melt together
//! and some fall apart: 0.06 % more tokens than words in `o200k_base`, 0.13 % fewer in DeepSeek's, and a single prompt of
//! 400 words or more at most 0.7 % off. (V2.5: one token in one short English prompt, 0.6 % more in Chinese.) What a chat
//! adds by itself is taken off first, [`CHAT_TOKENS`]: right for OpenAI, three or four too many for DeepSeek, whose frame
//! is smaller.
//!
//! **Prefixes.** The text of a block of a prefix is drawn from the block's hash: equal leading hashes give equal leading
//! text, to the token, and different ones differ from their first words on.
//!
//! **Uniqueness.** The last [`UNIQUE_WORDS`] words at least are drawn from the request's id, 60 bits or more, so that no
//! two requests of a log are the same, and a cache of answers cannot flatter a replay. A prompt is therefore never
//! shorter than that.
//!
//! **Speed.** One pass, one buffer, as large as the text is likely to be. Measured: 0.9 GB of bodies, or 140,000 prompts of
//! 1,000 tokens, for each second of processor time of an optimised build on one core of a small server, the check that a
//! body is JSON included. `filler_speed` in the tests measures it again.

mod words;

use super::ImportOptions;
use super::entry::Lengths;
use super::finish::raw;
use crate::digest;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::value::RawValue;
use words::{Language, Words};

/// Tokens that a chat of one message has beside its text: OpenAI counts three for the message, one for its role and
/// three for the beginning of the answer.
const CHAT_TOKENS: u64 = 7;
/// Words that no other request has.
const UNIQUE_WORDS: u64 = 7;
/// Longest prompt that is made. No model takes more.
pub(super) const TOKENS_MAX: u64 = 4_000_000;

/// What a stream of words is drawn for.
#[derive(Debug, Clone, Copy)]
enum Purpose {
    Request = 1,
    Block = 2,
    Language = 3,
}

/// The body of a chat request of these sizes. The same id, seed and sizes give the same text. Sizes above
/// [`TOKENS_MAX`] are cut.
///
/// # Errors
/// It does not serialise, which would be a bug.
pub(super) fn body(lengths: &Lengths, id: &str, options: &ImportOptions) -> Result<Box<RawValue>, serde_json::Error> {
    let own = digest::short(id.as_bytes());
    let words = language(lengths, own, options).words();
    let count = lengths.prompt_tokens.min(TOKENS_MAX).saturating_sub(CHAT_TOKENS).max(UNIQUE_WORDS);
    let model = serde_json::to_string(lengths.model.as_deref().unwrap_or(&options.model))?;
    // The frame and the numbers have less than 160 bytes.
    let mut body = String::with_capacity(model.len() + 160 + words.bytes_of(count));
    body.push_str("{\"model\":");
    body.push_str(&model);
    body.push_str(",\"messages\":[{\"role\":\"user\",\"content\":\"");
    prompt(&mut body, lengths, own, count, words, options.seed);
    body.push_str("\"}]");
    if let Some(most) = lengths.completion_tokens {
        // A limit of 0 is refused everywhere.
        body.push_str(",\"max_tokens\":");
        body.push_str(&most.max(1).to_string());
    }
    if options.stream {
        body.push_str(",\"stream\":true,\"stream_options\":{\"include_usage\":true}");
    }
    body.push('}');
    raw(body)
}

/// `count` words: those of the blocks, as far as they go, and the request's own.
fn prompt(text: &mut String, lengths: &Lengths, own: u64, count: u64, words: &Words, seed: u64) {
    let begin = text.len();
    let mut left = count.saturating_sub(UNIQUE_WORDS);
    for hash in &lengths.prefix_blocks {
        let taken = left.min(lengths.block_tokens);
        if taken == 0 {
            break;
        }
        words.draw(text, &mut stream(seed, Purpose::Block, *hash), taken);
        left -= taken;
    }
    words.draw(text, &mut stream(seed, Purpose::Request, own), left + UNIQUE_WORDS);
    // English words bring the space before them.
    if text.as_bytes().get(begin) == Some(&b' ') {
        text.remove(begin);
    }
}

/// Requests with the same first block have the same language, or they could not begin alike.
fn language(lengths: &Lengths, own: u64, options: &ImportOptions) -> Language {
    let percent = u64::from(options.chinese_percent);
    if percent == 0 {
        return Language::English;
    }
    let value = lengths.prefix_blocks.first().copied().unwrap_or(own);
    let drawn = stream(options.seed, Purpose::Language, value).next_u64() % 100;
    if drawn < percent { Language::Chinese } else { Language::English }
}

/// Draws that are the same on every platform. The generator mixes; its key needs no mixing.
fn stream(seed: u64, purpose: Purpose, value: u64) -> ChaCha8Rng {
    let mut key = [0; 32];
    for (place, part) in key.chunks_exact_mut(8).zip([seed, purpose as u64, value]) {
        place.copy_from_slice(&part.to_le_bytes());
    }
    ChaCha8Rng::from_seed(key)
}

#[cfg(test)]
mod tests;
