//! One request at one arm: what becomes of it.

use super::draws::Draws;
use super::profile::{Behaviour, BlockAs, Profile};
use super::regime::{Effects, failures};

/// Tokens a character, before an arm's own ratio: narrow scripts, wide ones.
pub(super) const TOKENS_A_CHARACTER: [f64; 2] = [0.25, 0.67];

/// What a request is, the same at both arms.
#[derive(Debug, Clone)]
pub(super) struct Prompt {
    pub(super) number: u64,
    /// Normal (0, 1): long, slow and verbose, or not.
    pub(super) factor: f64,
    pub(super) chars: u64,
    pub(super) wide: bool,
    pub(super) streamed: bool,
    pub(super) structured: bool,
    pub(super) tool: bool,
    pub(super) bad: bool,
    /// The guard flags it, if there is one.
    pub(super) flagged: bool,
    pub(super) failing: bool,
    pub(super) scored: bool,
    /// Uniform with mean 0 and variance 1: the prompt's part of the scores.
    pub(super) score: f64,
    pub(super) consumer: usize,
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Answered { refused: bool, truncated: bool, malformed: bool },
    Filtered,
    Refused,
    Failed,
    RateLimited,
    TimedOut,
    Cancelled,
}

/// What is measured of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Leg {
    pub(super) end: End,
    pub(super) ttft_us: u64,
    pub(super) first_event_us: u64,
    pub(super) first_visible_us: u64,
    pub(super) duration_us: u64,
    pub(super) prompt_tokens: u64,
    pub(super) cached_tokens: u64,
    pub(super) completion_tokens: u64,
    /// Part of them that is thought aloud.
    pub(super) reasoning_tokens: u64,
    pub(super) quality: Option<f64>,
}

/// What an arm is at a moment, for a consumer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Setting<'a> {
    pub(super) profile: &'a Profile,
    pub(super) arm: &'a Behaviour,
    pub(super) effects: Effects,
    pub(super) error_factor: f64,
    pub(super) latency_factor: f64,
    /// A client waits for the answer, and may go away.
    pub(super) served: bool,
}

/// Draws what becomes of a prompt. Every draw is made whatever the earlier ones said, so that a change of one share
/// moves no other draw.
pub(super) fn leg(setting: &Setting<'_>, prompt: &Prompt, draws: &mut Draws) -> Leg {
    let (arm, profile) = (setting.arm, setting.profile);
    let end = end(setting, prompt, draws);
    let slow = if draws.coin(arm.slow_share) { arm.slow_factor } else { 1.0 };
    let scale = arm.latency_ratio * setting.effects.latency * setting.latency_factor * slow;
    let prompts = &profile.prompts;
    let ttft_ms = scale * arm.ttft_ms * libm::exp(prompts.ttft_sigma * prompt.factor + arm.ttft_sigma * draws.normal());
    let tokens = arm.tokens
        * arm.tokens_ratio
        * libm::exp(prompts.tokens_sigma * prompt.factor + arm.tokens_sigma * draws.normal());
    let pauses_ms = scale * arm.token_ms * tokens * libm::exp(arm.token_sigma * draws.normal());
    let per_character = match prompt.wide {
        false => TOKENS_A_CHARACTER[0] * arm.prompt_tokens_ratio,
        true => TOKENS_A_CHARACTER[1] * arm.prompt_tokens_ratio_wide,
    };
    let prompt_tokens = whole(prompt.chars as f64 * per_character).max(1);
    let (when, own) = (draws.uniform(), draws.spread());
    let ttft_us = whole(ttft_ms * 1e3).max(1);
    let (ttft_us, duration_us) = match end {
        End::Answered { .. } | End::Filtered => (ttft_us, ttft_us + whole(pauses_ms * 1e3)),
        // It went away somewhere before the end.
        End::Cancelled => (ttft_us, whole((ttft_ms + pauses_ms) * when * 1e3).max(1)),
        End::TimedOut => (0, 60_000_000),
        End::Failed => (0, whole((ttft_ms * when).max(1.0) * 1e3)),
        End::RateLimited | End::Refused => (0, 20_000 + whole(when * 60_000.0)),
    };
    let quality = &profile.quality;
    let score =
        arm.quality + quality.spread * (quality.shared.sqrt() * prompt.score + (1.0 - quality.shared).sqrt() * own);
    Leg {
        end,
        ttft_us,
        first_event_us: whole(ttft_us as f64 * arm.first_event_share).max(1),
        first_visible_us: ttft_us + whole(pauses_ms * 1e3 * arm.thinking_share),
        duration_us,
        prompt_tokens,
        cached_tokens: whole(prompt_tokens as f64 * arm.cached_share),
        completion_tokens: whole(tokens) + 1,
        // One token is visible whatever the share.
        reasoning_tokens: (tokens * arm.thinking_share).floor() as u64,
        quality: prompt.scored.then_some((score * 1e6).round() / 1e6),
    }
}

fn end(setting: &Setting<'_>, prompt: &Prompt, draws: &mut Draws) -> End {
    let arm = setting.arm;
    let cancelled = draws.coin(arm.cancelled) && setting.served;
    let [error, limited, timeout] = failures(arm, &setting.effects, setting.error_factor);
    let place = draws.uniform();
    let blocked = draws.coin(if prompt.bad { arm.blocks_bad } else { arm.blocked });
    let (refused, truncated) = (draws.coin(arm.refused), draws.coin(arm.truncated));
    let malformed = draws.coin(arm.structured_failure) && prompt.structured;
    if cancelled {
        End::Cancelled
    } else if prompt.failing || place < error {
        End::Failed
    } else if place < error + limited {
        End::RateLimited
    } else if place < error + limited + timeout {
        End::TimedOut
    } else if blocked {
        match arm.block_as {
            BlockAs::Filter => End::Filtered,
            BlockAs::Error => End::Refused,
        }
    } else {
        // A refusal is short and plain; what was cut cannot be blamed for being no JSON.
        End::Answered { refused, truncated: truncated && !refused, malformed: malformed && !refused && !truncated }
    }
}

/// Rounded to the nearest whole number.
pub(super) fn whole(value: f64) -> u64 {
    value.round() as u64
}
