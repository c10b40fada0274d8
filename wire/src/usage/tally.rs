//! What a provider bills of a request, counted while the request is read and kept without its texts.

use super::tokens::{Tokens, Vocabulary};

/// Tokens that a provider puts around a message.
const FRAME_TOKENS: u64 = 4;
/// Tokens with which it begins the answer.
const ANSWER_FRAME_TOKENS: u64 = 3;
/// Tokens of a picture, and of one that is looked at roughly (`"detail": "low"`).
const PICTURE_TOKENS: [u64; 2] = [765, 85];
/// So many times these at `gpt-4o-mini`, whose pictures cost as much as those of `gpt-4o`.
const PICTURE_TIMES_MINI: u64 = 34;
/// Tokens of a file, whatever is in it.
pub(crate) const FILE_TOKENS: u64 = 1500;

/// How much a request asks the model to think.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Effort {
    /// It does not say.
    #[default]
    Unsaid,
    /// Not at all, or hardly.
    Off,
    /// Some.
    On,
}

/// What is billed of a request's prompt: texts, calls and results of tools, definitions, frames, pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Everything that becomes tokens by a vocabulary, frames included.
    pub text: Tokens,
    /// Pictures.
    pub pictures: u64,
    /// Of these, pictures that are looked at roughly.
    pub pictures_rough: u64,
    /// Thinking that was asked for.
    pub effort: Effort,
}

impl Tally {
    /// Estimated prompt tokens at a provider's model.
    #[must_use]
    pub fn tokens(&self, provider: &str, model: &str) -> u64 {
        let times = picture_times(model);
        self.text.count(Vocabulary::of(provider, model)).saturating_add(self.picture_tokens(times))
    }

    /// The same wherever it may be sent: never less than [`Self::tokens`] of any of these models at any provider.
    #[must_use]
    pub fn tokens_most<'a>(&self, models: impl IntoIterator<Item = &'a str>) -> u64 {
        let times = models.into_iter().map(picture_times).max().unwrap_or(PICTURE_TIMES_MINI);
        self.text.most().saturating_add(self.picture_tokens(times))
    }

    /// What stands around so many messages and before the answer.
    pub(crate) fn frames(&mut self, messages: u64) {
        self.text.add_tokens(messages.saturating_mul(FRAME_TOKENS).saturating_add(ANSWER_FRAME_TOKENS));
    }

    pub(crate) const fn picture(&mut self, rough: bool) {
        self.pictures += 1;
        self.pictures_rough += rough as u64;
    }

    const fn picture_tokens(&self, times: u64) -> u64 {
        let [close, rough] = PICTURE_TOKENS;
        let close = self.pictures.saturating_sub(self.pictures_rough).saturating_mul(close);
        close.saturating_add(self.pictures_rough.saturating_mul(rough)).saturating_mul(times)
    }
}

fn picture_times(model: &str) -> u64 {
    if model.starts_with("gpt-4o-mini") { PICTURE_TIMES_MINI } else { 1 }
}
