//! Token counts of one exchange: as the provider reports them, and as they are estimated where the report was lost.
//!
//! [`Usage`] is what records hold. [`Tally`] is what a provider bills of a request, counted while it is read; [`Ended`] turns
//! it and what came of the answer into a usage when a call has ended. Gateway and replay both ask it, so that what one
//! charges is what the other records.

mod lost;
mod tally;
mod tokens;

pub use lost::{Ended, Loss};
pub(crate) use tally::FILE_TOKENS;
pub use tally::{Effort, Tally};
pub use tokens::{Tokens, Vocabulary};

use serde::{Deserialize, Serialize};

/// Where the counts come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UsageSource {
    /// The provider reported them.
    Provider,
    /// Estimated from what was asked and what came of the answer, because no report came: see [`Ended`].
    Estimate,
}

/// Tokens of one exchange. `cached`, `cache_write`, `prompt_audio` and `prompt_image` are parts of `prompt`, `reasoning` and
/// `completion_audio` parts of `completion`; an absent part means unknown, not zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// All prompt tokens.
    pub prompt: u64,
    /// All completion tokens, reasoning included.
    pub completion: u64,
    /// Prompt tokens read from a cache.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cached: Option<u64>,
    /// Prompt tokens written to a cache that bills it. None of them is `cached`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_write: Option<u64>,
    /// Prompt tokens of speech.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt_audio: Option<u64>,
    /// Prompt tokens of pictures.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt_image: Option<u64>,
    /// Completion tokens spent on reasoning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reasoning: Option<u64>,
    /// Completion tokens of speech.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completion_audio: Option<u64>,
    /// Who counted.
    pub source: UsageSource,
}

/// The `usage` object as any vendor sends it: chat and completions say prompt and completion, responses say input and
/// output, embeddings have no completion. Some servers say both; where the two differ, one of them was left at zero, so the
/// larger counts.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Reported {
    prompt_tokens: Option<u64>,
    input_tokens: Option<u64>,
    completion_tokens: Option<u64>,
    output_tokens: Option<u64>,
    total_tokens: Option<u64>,
    prompt_tokens_details: Option<PromptDetails>,
    input_tokens_details: Option<PromptDetails>,
    completion_tokens_details: Option<CompletionDetails>,
    output_tokens_details: Option<CompletionDetails>,
    prompt_cache_hit_tokens: Option<u64>,
}

#[derive(Debug, Deserialize)]
struct PromptDetails {
    #[serde(default)]
    cached_tokens: Option<u64>,
    #[serde(default)]
    cache_write_tokens: Option<u64>,
    #[serde(default)]
    audio_tokens: Option<u64>,
    #[serde(default)]
    image_tokens: Option<u64>,
}

#[derive(Debug, Deserialize)]
struct CompletionDetails {
    #[serde(default)]
    reasoning_tokens: Option<u64>,
    #[serde(default)]
    audio_tokens: Option<u64>,
}

impl Usage {
    /// Counts of which no part is known.
    #[must_use]
    pub const fn new(prompt: u64, completion: u64, source: UsageSource) -> Self {
        Self {
            prompt,
            completion,
            cached: None,
            cache_write: None,
            prompt_audio: None,
            prompt_image: None,
            reasoning: None,
            completion_audio: None,
            source,
        }
    }

    /// Reads a provider's `usage` object. DeepSeek reports cache hits twice (`prompt_tokens_details.cached_tokens`
    /// and `prompt_cache_hit_tokens`); they are one number and are never added. A report without completion tokens
    /// counts only if its total says that there were none.
    #[must_use]
    pub fn from_json(text: &str) -> Option<Self> {
        let reported: Reported = serde_json::from_str(text).ok()?;
        let prompt = reported.prompt_tokens.max(reported.input_tokens)?;
        let none_completed = reported.total_tokens == Some(prompt);
        let completion = reported.completion_tokens.max(reported.output_tokens).or(none_completed.then_some(0))?;
        let of_prompt = reported.prompt_tokens_details.or(reported.input_tokens_details);
        let of_prompt = of_prompt.as_ref();
        let cached = of_prompt.and_then(|details| details.cached_tokens).or(reported.prompt_cache_hit_tokens);
        let cached = cached.map(|cached| cached.min(prompt));
        let uncached = prompt - cached.unwrap_or(0);
        let part = |count: Option<u64>, whole: u64| count.map(|count| count.min(whole));
        let of_completion = reported.completion_tokens_details.or(reported.output_tokens_details);
        let of_completion = of_completion.as_ref();
        Some(Self {
            cached,
            cache_write: part(of_prompt.and_then(|details| details.cache_write_tokens), uncached),
            prompt_audio: part(of_prompt.and_then(|details| details.audio_tokens), prompt).filter(|count| *count > 0),
            prompt_image: part(of_prompt.and_then(|details| details.image_tokens), prompt).filter(|count| *count > 0),
            reasoning: part(of_completion.and_then(|details| details.reasoning_tokens), completion),
            completion_audio: part(of_completion.and_then(|details| details.audio_tokens), completion)
                .filter(|count| *count > 0),
            ..Self::new(prompt, completion, UsageSource::Provider)
        })
    }
}

/// Character counts by what they cost in tokens: what records say of texts that they do not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Characters {
    /// Characters of Chinese, Japanese and Korean scripts.
    pub wide: u64,
    /// All others.
    pub narrow: u64,
}

impl Characters {
    /// Counts a text.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let mut count = Self::default();
        count.add(text);
        count
    }

    /// Adds a text's characters.
    pub fn add(&mut self, text: &str) {
        if text.is_ascii() {
            self.narrow += text.len() as u64;
            return;
        }
        for character in text.chars() {
            if matches!(u32::from(character), 0x2E80..=0x9FFF | 0xAC00..=0xD7AF | 0xF900..=0xFAFF | 0x20000..=0x3FFFF) {
                self.wide += 1;
            } else {
                self.narrow += 1;
            }
        }
    }

    /// All characters.
    #[must_use]
    pub const fn total(self) -> u64 {
        self.wide + self.narrow
    }

    /// Tokens, roughly, rounded up, where only the characters are known: good to a factor of about 1.5. Where the text is at
    /// hand, [`Tokens`] is better.
    #[must_use]
    pub const fn tokens(self) -> u64 {
        (self.wide * 2).div_ceil(3) + self.narrow.div_ceil(4)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_vendors_shapes_are_read_and_cache_hits_counted_once() {
        let openai = r#"{"prompt_tokens":100,"completion_tokens":20,"total_tokens":120,
            "prompt_tokens_details":{"cached_tokens":64,"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":5}}"#;
        let deepseek = r#"{"prompt_tokens":100,"completion_tokens":20,"total_tokens":120,
            "prompt_tokens_details":{"cached_tokens":64},"prompt_cache_hit_tokens":64,"prompt_cache_miss_tokens":36}"#;
        let a = Usage::from_json(openai).unwrap();
        let b = Usage::from_json(deepseek).unwrap();
        assert_eq!((a.prompt, a.completion, a.cached, a.reasoning), (100, 20, Some(64), Some(5)));
        assert_eq!((b.prompt, b.completion, b.cached, b.reasoning), (100, 20, Some(64), None));
    }

    #[test]
    fn a_report_that_says_both_names_counts_once() {
        let both = r#"{"prompt_tokens":100,"input_tokens":100,"completion_tokens":20,"output_tokens":20,"total_tokens":120,
            "prompt_tokens_details":null,"input_tokens_details":{"cached_tokens":64},
            "completion_tokens_details":{"reasoning_tokens":5},"output_tokens_details":null}"#;
        let both = Usage::from_json(both).unwrap();
        assert_eq!((both.prompt, both.completion, both.cached, both.reasoning), (100, 20, Some(64), Some(5)));
        let zero = r#"{"prompt_tokens":100,"input_tokens":0,"completion_tokens":20,"output_tokens":0}"#;
        let zero = Usage::from_json(zero).unwrap();
        assert_eq!((zero.prompt, zero.completion), (100, 20));
        let responses = Usage::from_json(r#"{"input_tokens":7,"output_tokens":2,"prompt_tokens":null}"#).unwrap();
        assert_eq!((responses.prompt, responses.completion), (7, 2));
    }

    #[test]
    fn nonsense_is_unknown_and_parts_never_exceed_the_whole() {
        assert_eq!(Usage::from_json("null"), None);
        assert_eq!(Usage::from_json(r#"{"prompt_tokens":1}"#), None);
        assert_eq!(Usage::from_json(r#"{"prompt_tokens":1,"total_tokens":2}"#), None);
        assert_eq!(Usage::from_json(r#"{"prompt_tokens":-1,"completion_tokens":0}"#), None);
        let odd = r#"{"prompt_tokens":10,"completion_tokens":1,"prompt_cache_hit_tokens":99}"#;
        assert_eq!(Usage::from_json(odd).unwrap().cached, Some(10));
    }

    #[test]
    fn characters_count_by_script() {
        assert_eq!(Characters::of("abcd 你好"), Characters { wide: 2, narrow: 5 });
        assert_eq!(Characters::of("abcd 你好").tokens(), 2 + 2);
    }
}
