//! What an answer costs.

use super::{Choice, Speaker, Usage};
use crate::prefix_cache::{FRAME_TOKENS, Grid};
use crate::request::{ChatRequest, Message};
use crate::script::ScriptAnswer;

impl Speaker<'_> {
    pub(super) fn usage(self, request: &ChatRequest, scripted: Option<&ScriptAnswer>, choices: &[Choice]) -> Usage {
        let images = request.messages.iter().flat_map(|message| &message.images);
        let image = images.map(|image| self.face.image_tokens(&request.model, *image)).sum();
        let prompt =
            scripted.and_then(|answer| answer.prompt_tokens).unwrap_or_else(|| self.prompt_tokens(request) + image);
        let recorded = scripted.and_then(|answer| answer.cached_tokens);
        let remembered = self.remembered_tokens(request);
        let cached = recorded.or(remembered).unwrap_or_else(|| self.cached_share(prompt)).min(prompt);
        let reasoning = choices.iter().map(|choice| choice.reasoning_tokens).sum();
        let visible: u64 = choices.iter().map(|choice| choice.visible_tokens).sum();
        Usage { prompt, cached, image, reasoning, completion: reasoning + visible }
    }

    /// Text of all messages, plus the few tokens that frame each message and the answer.
    fn prompt_tokens(self, request: &ChatRequest) -> u64 {
        let messages: u64 = request.messages.iter().map(|message| self.message_tokens(message)).sum();
        let tools: u64 = request.tools.iter().map(|tool| self.count(&tool.definition)).sum();
        messages + tools + 3
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
