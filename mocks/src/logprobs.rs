//! Log probabilities of an answer's tokens: made up, but the same for the same token, and in falling order.

use serde_json::{Value, json};

use crate::timeline::pieces;

/// Alternatives are the token with one of these in front; a model's real ones would be other words.
const VARIANTS: &str = " _.-~*+#=^|/:;!?%&<>";

/// The log probabilities of one piece of text of `tokens` tokens, `top` alternatives each.
pub(crate) fn of(piece: &str, tokens: u64, top: u64) -> Vec<Value> {
    pieces(piece, tokens).map(|token| entry(token, top)).collect()
}

/// The same in the form of legacy completions: parallel lists. `offset` is where the piece begins in its text.
pub(crate) fn legacy(piece: &str, tokens: u64, top: u64, offset: usize) -> Value {
    let tokens: Vec<&str> = pieces(piece, tokens).collect();
    let mut at = offset;
    let offsets: Vec<usize> = tokens
        .iter()
        .map(|token| {
            at += token.chars().count();
            at - token.chars().count()
        })
        .collect();
    let alternatives =
        |token: &&str| -> Value { ranked(token, top).map(|(text, value)| (text, json!(value))).collect() };
    json!({
        "tokens": tokens,
        "token_logprobs": tokens.iter().map(|token| likelihood(token)).collect::<Vec<_>>(),
        "top_logprobs": tokens.iter().map(alternatives).collect::<Vec<_>>(),
        "text_offset": offsets,
    })
}

fn entry(token: &str, top: u64) -> Value {
    let one = |text: &str, value: f64| json!({"token": text, "logprob": value, "bytes": text.as_bytes()});
    let mut entry = one(token, likelihood(token));
    entry["top_logprobs"] = ranked(token, top).map(|(text, value)| one(&text, value)).collect();
    entry
}

/// The token itself and then less likely ones.
fn ranked(token: &str, top: u64) -> impl Iterator<Item = (String, f64)> {
    let first = (token.to_owned(), likelihood(token));
    let others = VARIANTS
        .chars()
        .enumerate()
        .map(move |(rank, variant)| (format!("{variant}{token}"), likelihood(token) - 1.5 - rank as f64 / 2.0));
    std::iter::once(first).chain(others.collect::<Vec<_>>()).take(usize::try_from(top).unwrap_or(0))
}

/// From 0 down to -1, by the token's bytes.
fn likelihood(token: &str) -> f64 {
    let sum: u32 = token.bytes().map(u32::from).sum();
    -f64::from(sum % 1000) / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_put_together_are_the_text_and_alternatives_fall() {
        let entries = of("A scale for lorries.", 5, 3);
        let text: String = entries.iter().filter_map(|entry| entry["token"].as_str()).collect();
        assert_eq!((text.as_str(), entries.len()), ("A scale for lorries.", 5));
        for entry in &entries {
            let top = entry["top_logprobs"].as_array().unwrap();
            assert_eq!(top.len(), 3);
            assert_eq!(top[0]["token"], entry["token"]);
            assert!(top.windows(2).all(|pair| pair[0]["logprob"].as_f64() > pair[1]["logprob"].as_f64()));
            assert_eq!(entry["bytes"].as_array().unwrap().len(), entry["token"].as_str().unwrap().len());
        }
        let legacy = legacy("A scale", 3, 2, 10);
        assert_eq!(legacy["text_offset"][0], 10);
        assert_eq!(legacy["top_logprobs"][0].as_object().unwrap().len(), 2);
    }
}
