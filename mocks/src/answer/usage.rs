//! What an answer costs.

use super::{Choice, Speaker, Usage};
use crate::prefix_cache::{FRAME_TOKENS, Grid};
use crate::request::{Audio, ChatRequest, Message};
use crate::script::ScriptAnswer;

impl Speaker<'_> {
    pub(super) fn usage(self, request: &ChatRequest, scripted: Option<&ScriptAnswer>, choices: &[Choice]) -> Usage {
        let images = request.messages.iter().flat_map(|message| &message.images);
        let image: u64 = images.map(|image| self.face.image_tokens(&request.model, *image)).sum();
        let sound: u64 = request.messages.iter().map(|message| self.face.sound_tokens(message.sound_bytes)).sum();
        let counted = || self.prompt_tokens(request) + image + sound;
        let prompt = scripted.and_then(|answer| answer.prompt_tokens).unwrap_or_else(counted);
        let recorded = scripted.and_then(|answer| answer.cached_tokens);
        let remembered = self.remembered_tokens(request);
        let found = recorded.or(remembered).unwrap_or_else(|| self.cached_share(prompt)).min(prompt);
        // Who says what is to be cached gets no more from the cache than that, and pays for what was not there.
        let marked = if request.explicit_cache && self.face.bills_cache_writes() {
            Some(self.marked_tokens(request).min(prompt))
        } else {
            None
        };
        let cached = marked.map_or(found, |marked| found.min(marked));
        let cache_write = marked.map_or(0, |marked| marked - cached);
        let reasoning = choices.iter().map(|choice| choice.reasoning_tokens).sum();
        let visible: u64 = choices.iter().map(|choice| choice.visible_tokens).sum();
        let speaks = request.audio == Audio::Yes && self.face.dialect().refusals;
        let texts = choices.iter().filter(|choice| speaks && choice.content.is_some());
        // As if each token of what is said were one of its sound.
        let spoken = texts.map(|choice| choice.visible_tokens).sum();
        let completion = reasoning + visible;
        // A recorded count may be smaller than what pictures and speech cost here.
        let (image, sound) = (image.min(prompt), sound.min(prompt));
        Usage { prompt, completion, cached, cache_write, image, sound, reasoning, spoken }
    }

    /// Tokens up to the last breakpoint, in whole blocks: tools come first, and then the messages in their order.
    fn marked_tokens(self, request: &ChatRequest) -> u64 {
        let Some(last) = request.messages.iter().rposition(|message| message.has_cache_breakpoint) else { return 0 };
        let messages: u64 = request.messages.iter().take(last + 1).map(|message| self.message_tokens(message)).sum();
        self.whole_blocks(messages + self.tools_tokens(request))
    }

    fn tools_tokens(self, request: &ChatRequest) -> u64 {
        request.tools.iter().map(|tool| self.count(&tool.definition)).sum()
    }

    /// Text of all messages, plus the few tokens that frame each message and the answer.
    fn prompt_tokens(self, request: &ChatRequest) -> u64 {
        let messages: u64 = request.messages.iter().map(|message| self.message_tokens(message)).sum();
        messages + self.tools_tokens(request) + 3
    }

    fn message_tokens(self, message: &Message) -> u64 {
        self.count(&message.text) + FRAME_TOKENS
    }

    /// Tokens of the longest beginning of this conversation that an earlier request had too, in whole blocks.
    fn remembered_tokens(self, request: &ChatRequest) -> Option<u64> {
        let cache = self.cache?;
        let messages = request.messages.iter().map(|message| (message.role.as_str(), message.text.as_str()));
        let grid = Grid { provider: self.provider, block_tokens: self.profile.cache_block_tokens };
        let known = cache.look_up([request.user_id.as_str(), request.model.as_str()], messages, grid);
        Some(self.whole_blocks(known))
    }

    pub(super) fn cached_share(self, prompt: u64) -> u64 {
        // The cast is exact enough for any real prompt and cannot exceed it, as the share is at most 1.
        self.whole_blocks((prompt as f64 * self.profile.cached_share) as u64)
    }

    fn whole_blocks(self, tokens: u64) -> u64 {
        let block = self.profile.cache_block_tokens.max(1);
        let blocks = tokens / block * block;
        if blocks < self.profile.cache_tokens_min { 0 } else { blocks }
    }

    /// Recorded completion tokens less the recorded reasoning, so that switching thinking off saves what it should.
    pub(super) fn recorded_visible_tokens(self, answer: &ScriptAnswer, text: &str) -> u64 {
        let Some(completion) = answer.completion_tokens else {
            return self.count(text);
        };
        let estimated = || answer.reasoning.as_deref().map_or(0, |reasoning| self.count(reasoning));
        completion.saturating_sub(answer.reasoning_tokens.unwrap_or_else(estimated))
    }
}
