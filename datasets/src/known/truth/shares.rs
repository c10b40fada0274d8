//! True shares and means.

use crate::known::leg::TOKENS_A_CHARACTER;
use crate::known::profile::{Behaviour, BlockAs, Profile, Prompts};
use wire::price::Row;

/// One arm's shares: of all requests, or as each says.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ends {
    /// Everything that failed but blocks.
    pub(super) errors: f64,
    pub(super) rate_limited: f64,
    pub(super) timeouts: f64,
    /// Blocked, in either form.
    pub(super) blocked: f64,
    /// Blocks that came as errors.
    refused_by_provider: f64,
    pub(super) refused: f64,
    pub(super) truncated: f64,
    /// Of the answers to requests that demanded a form.
    pub(super) structured_failures: f64,
    /// Answers that fail their form in any way, of the answers.
    pub(super) form_failures: f64,
    /// Answers that the guard flags, of the answers.
    pub(super) guard_flags: f64,
}

impl Ends {
    /// `failed` are the arm's own errors, 429 and timeouts.
    pub(super) fn new(profile: &Profile, arm: &Behaviour, failed: [f64; 3]) -> Self {
        let common = profile.prompts.failing_share;
        let own: f64 = failed.iter().sum();
        let survived = (1.0 - common) * (1.0 - own);
        let block = block_share(profile, arm);
        let answered = survived * (1.0 - block);
        let as_error = if arm.block_as == BlockAs::Error { survived * block } else { 0.0 };
        let filtered = survived * block - as_error;
        let (refused, truncated) = (arm.refused, (1.0 - arm.refused) * arm.truncated);
        let malformed = (1.0 - arm.refused) * (1.0 - arm.truncated) * arm.structured_failure;
        let all = answered + filtered;
        Self {
            errors: common + (1.0 - common) * own,
            rate_limited: (1.0 - common) * failed[1],
            timeouts: (1.0 - common) * failed[2],
            blocked: survived * block,
            refused_by_provider: as_error,
            refused: answered * refused,
            truncated: answered * truncated,
            // What is demanded and filtered or cut is no valid form either.
            structured_failures: if all > 0.0 { (filtered + answered * (truncated + malformed)) / all } else { 0.0 },
            form_failures: if all > 0.0 { (filtered + answered * plain_failures(profile, arm)) / all } else { 0.0 },
            guard_flags: guard_flags(profile, arm),
        }
    }

    /// Everything that failed, blocks that came as errors included: what ranks last among the times.
    pub(super) fn failures(&self) -> f64 {
        self.errors + self.refused_by_provider
    }
}

/// Bad prompts and others: their share, the share of them that an arm blocks, and that of the answers that the guard flags.
fn kinds(profile: &Profile, arm: &Behaviour) -> [(f64, f64, f64); 2] {
    let bad = profile.prompts.bad_share;
    [(bad, arm.blocks_bad, arm.guard_flags_bad), (1.0 - bad, arm.blocked, arm.guard_flags)]
}

/// Share of prompts of one kind that an arm answers, blocks apart that come as whole answers.
fn kept(arm: &Behaviour, blocks: f64) -> f64 {
    if arm.block_as == BlockAs::Error { 1.0 - blocks } else { 1.0 }
}

fn guard_flags(profile: &Profile, arm: &Behaviour) -> f64 {
    let (mut answered, mut flagged) = (0.0, 0.0);
    for (share, blocks, flags) in kinds(profile, arm) {
        answered += share * kept(arm, blocks);
        flagged += share * kept(arm, blocks) * flags;
    }
    if answered > 0.0 { flagged / answered } else { 0.0 }
}

/// Share of what is not failed that a moderator blocks.
fn block_share(profile: &Profile, arm: &Behaviour) -> f64 {
    let bad = profile.prompts.bad_share;
    bad * arm.blocks_bad + (1.0 - bad) * arm.blocked
}

/// Form failures of an answer that was not blocked: cut, or no JSON where it was demanded.
fn plain_failures(profile: &Profile, arm: &Behaviour) -> f64 {
    let malformed = (1.0 - arm.truncated) * arm.structured_failure * profile.traffic.structured_share;
    (1.0 - arm.refused) * (arm.truncated + malformed)
}

/// Share of requests with an answer, given the arm's own failures.
pub(super) fn answered(profile: &Profile, arm: &Behaviour, failed: [f64; 3]) -> f64 {
    let survived = (1.0 - profile.prompts.failing_share) * (1.0 - failed.iter().sum::<f64>());
    match arm.block_as {
        BlockAs::Filter => survived,
        BlockAs::Error => survived * (1.0 - block_share(profile, arm)),
    }
}

/// What depends on both arms at once: they see the same prompts, and a prompt is bad for both.
#[derive(Debug, Clone, Copy)]
pub(super) struct Joint {
    /// By arm, of the pairs in which both answered.
    pub(super) form_failures: [f64; 2],
    /// Answers that the guard flags, of the same pairs.
    pub(super) guard_flags: [f64; 2],
    /// Blocked by the baseline and not by the candidate, which did not fail either; of all pairs.
    pub(super) blocked_by_baseline_only: f64,
    /// The same of the baseline asked once more.
    pub(super) blocked_again: f64,
}

impl Joint {
    /// `survived` is the probability that neither arm failed by itself.
    pub(super) fn new(profile: &Profile, survived: f64) -> Self {
        let arms = [&profile.baseline, &profile.candidate];
        let bad = profile.prompts.bad_share;
        let mut answered = 0.0;
        let mut failing = [0.0; 2];
        let (mut missed, mut again) = (0.0, 0.0);
        for (share, blocks) in [(bad, arms.map(|arm| arm.blocks_bad)), (1.0 - bad, arms.map(|arm| arm.blocked))] {
            let kept =
                [0, 1].map(|arm: usize| if arms[arm].block_as == BlockAs::Error { 1.0 - blocks[arm] } else { 1.0 });
            answered += share * kept[0] * kept[1];
            for arm in [0, 1] {
                let filtered = if arms[arm].block_as == BlockAs::Filter { blocks[arm] } else { 0.0 };
                let plain = (1.0 - blocks[arm]) * plain_failures(profile, arms[arm]);
                failing[arm] += share * kept[1 - arm] * (filtered + plain);
            }
            missed += share * blocks[0] * (1.0 - blocks[1]);
            again += share * blocks[0] * (1.0 - blocks[0]);
        }
        let survived = survived * (1.0 - profile.prompts.failing_share);
        let form_failures = failing.map(|failing| if answered > 0.0 { failing / answered } else { 0.0 });
        let [of_baseline, of_candidate] = arms.map(|arm| kinds(profile, arm));
        let mut flagged = [0.0; 2];
        for ((share, blocks_b, flags_b), (_, blocks_c, flags_c)) in of_baseline.into_iter().zip(of_candidate) {
            let both = share * kept(arms[0], blocks_b) * kept(arms[1], blocks_c);
            flagged[0] += both * flags_b;
            flagged[1] += both * flags_c;
        }
        let guard_flags = flagged.map(|flagged| if answered > 0.0 { flagged / answered } else { 0.0 });
        Self {
            form_failures,
            guard_flags,
            blocked_by_baseline_only: survived * missed,
            blocked_again: survived * again,
        }
    }
}

/// Mean of exp(sigma x normal).
fn log_normal_mean(sigma: f64) -> f64 {
    libm::exp(sigma * sigma / 2.0)
}

/// Mean tokens of an answer.
pub(super) fn completion_tokens(arm: &Behaviour, prompts: &Prompts) -> f64 {
    arm.tokens * arm.tokens_ratio * log_normal_mean(libm::hypot(prompts.tokens_sigma, arm.tokens_sigma)) + 1.0
}

/// Mean cost of an answer under a price, nano-dollars.
pub(super) fn mean_cost(profile: &Profile, arm: &Behaviour, price: &Row) -> f64 {
    let traffic = &profile.traffic;
    let narrow = TOKENS_A_CHARACTER[0] * arm.prompt_tokens_ratio;
    let wide = TOKENS_A_CHARACTER[1] * arm.prompt_tokens_ratio_wide;
    let a_character = (1.0 - traffic.wide_share) * narrow + traffic.wide_share * wide;
    let prompt = traffic.prompt_chars * log_normal_mean(traffic.prompt_sigma) * a_character;
    let fresh = prompt * (1.0 - arm.cached_share) * price.rates.input_pico as f64;
    let cached = prompt * arm.cached_share * price.rates.cached_pico as f64;
    let written = completion_tokens(arm, &profile.prompts) * price.rates.output_pico as f64;
    (fresh + cached + written) / 1000.0
}
