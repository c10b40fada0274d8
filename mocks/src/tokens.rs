//! Token counts without a tokenizer: how many tokens a text would cost at each vendor, estimated from its characters.
//!
//! A mock has to report usage, and the two vendors count differently: on English text DeepSeek's vocabulary needs
//! about 14 % more tokens than OpenAI's `o200k`, on Chinese about 20 % fewer. A comparison of costs that ignores this
//! is wrong in sign for one of the languages, so the mocks reproduce it. The figures are averages over whole texts; a
//! single short text may be off by a third. Same text, same count, always.

use crate::vendor::Vendor;

/// Tokens per character, by the kind of the character, in thousandths.
struct Rates {
    /// Letters of alphabets with spaces between words, the spaces included.
    letter: u64,
    digit: u64,
    /// Chinese, Japanese and Korean characters.
    ideograph: u64,
    /// Punctuation, symbols, line breaks.
    symbol: u64,
}

const OPENAI: Rates = Rates { letter: 200, digit: 370, ideograph: 720, symbol: 500 };
const DEEPSEEK: Rates = Rates { letter: 228, digit: 420, ideograph: 575, symbol: 570 };

/// Estimated number of tokens of `text` at `vendor`: at least 1 for a text that is not empty, 0 for an empty one.
#[must_use]
pub fn estimate(vendor: Vendor, text: &str) -> u64 {
    let rates = match vendor {
        Vendor::OpenAi => OPENAI,
        Vendor::DeepSeek => DEEPSEEK,
    };
    let thousandths: u64 = text.chars().map(|character| rates.of(character)).sum();
    thousandths.div_ceil(1000)
}

impl Rates {
    fn of(&self, character: char) -> u64 {
        match character {
            'a'..='z' | 'A'..='Z' | ' ' => self.letter,
            '0'..='9' => self.digit,
            '\u{2E80}'..='\u{9FFF}' | '\u{AC00}'..='\u{D7AF}' | '\u{F900}'..='\u{FAFF}' | '\u{20000}'..='\u{3FFFF}' => {
                self.ideograph
            }
            // Full-width punctuation counts like the ideographs it stands between.
            '\u{FF00}'..='\u{FFEF}' => self.ideograph,
            other if other.is_alphabetic() => self.letter,
            _ => self.symbol,
        }
    }
}

/// The longest prefix of `text` that `tokens_max` tokens can hold, cut at a character.
pub(crate) fn prefix(vendor: Vendor, text: &str, tokens_max: u64, tokens_of_text: u64) -> &str {
    if tokens_of_text <= tokens_max {
        return text;
    }
    // The caller's count wins over our estimate: a recorded answer of 34 tokens is cut at half for a limit of 17.
    let count = tokens_of_text.max(1);
    let estimated = estimate(vendor, text);
    let thousandths_max = (estimated * 1000).saturating_mul(tokens_max) / count;
    let rates = match vendor {
        Vendor::OpenAi => OPENAI,
        Vendor::DeepSeek => DEEPSEEK,
    };
    let mut spent = 0;
    for (at, character) in text.char_indices() {
        spent += rates.of(character);
        if spent > thousandths_max {
            return text.get(..at).unwrap_or(text);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENGLISH: &str = "The quick brown fox jumps over the lazy dog while the rest of the pack looks on. It costs 12 dollars, \
         which nobody had expected; the farmer laughs and goes home.";
    const CHINESE: &str = "敏捷的棕色狐狸跳过了懒狗,而其他狐狸则在一旁观看。这件事谁也没有料到,农夫笑着回家去了。";

    #[test]
    fn the_vendors_differ_by_language_as_measured() {
        let ratio = |text: &str| {
            let text = text.repeat(20);
            estimate(Vendor::DeepSeek, &text) as f64 / estimate(Vendor::OpenAi, &text) as f64
        };
        assert!((1.12..1.16).contains(&ratio(ENGLISH)), "{}", ratio(ENGLISH));
        assert!((0.76..0.84).contains(&ratio(CHINESE)), "{}", ratio(CHINESE));
    }

    #[test]
    fn empty_is_free_and_anything_else_is_not() {
        for vendor in Vendor::ALL {
            assert_eq!(estimate(vendor, ""), 0);
            assert_eq!(estimate(vendor, "a"), 1);
        }
    }

    #[test]
    fn a_prefix_keeps_to_its_share_and_to_characters() {
        assert_eq!(prefix(Vendor::OpenAi, CHINESE, 10, 10), CHINESE);
        let half = prefix(Vendor::OpenAi, CHINESE, 10, 20);
        assert!(CHINESE.starts_with(half));
        let share = half.chars().count() as f64 / CHINESE.chars().count() as f64;
        assert!((0.4..0.6).contains(&share), "{share}");
        assert_eq!(prefix(Vendor::DeepSeek, ENGLISH, 0, 30), "");
    }
}
