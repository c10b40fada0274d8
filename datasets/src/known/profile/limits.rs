//! What a profile may say.

use super::{Behaviour, Profile};
use wire::price::Tariffs;

/// Most consumers: their state is kept in memory.
const CONSUMERS_MAX: f64 = 1_000_000.0;
/// Widest log-normal, on the log scale: beyond it times overflow everything else.
const SIGMA_MAX: f64 = 3.0;
/// Narrowest of an arm's own log-normals: a narrower one would need a finer integration of the truth.
const SIGMA_MIN: f64 = 0.1;
/// Largest factor on times and shares.
const FACTOR_MAX: f64 = 1000.0;
/// Longest time and largest size.
const SIZE_MAX: f64 = 1e7;

/// A key and what is wrong with it.
pub(super) struct Problem {
    pub(super) key: String,
    pub(super) message: String,
}

/// Everything that is wrong.
pub(super) fn check(profile: &Profile) -> Vec<Problem> {
    let mut checks = Checks(Vec::new());
    checks.traffic(profile);
    checks.arm("baseline", &profile.baseline);
    checks.arm("candidate", &profile.candidate);
    checks.rest(profile);
    checks.over_time(profile);
    checks.models(profile);
    checks.0
}

struct Checks(Vec<Problem>);

/// Whether a record may have it as a category or as a cause.
fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'))
}

impl Checks {
    fn wrong(&mut self, key: impl Into<String>, message: impl Into<String>) {
        self.0.push(Problem { key: key.into(), message: message.into() });
    }

    fn within(&mut self, table: &str, values: &[(&str, f64)], low: f64, high: f64) {
        for (name, value) in values {
            if !(low..=high).contains(value) {
                self.wrong(format!("{table}.{name}"), format!("is {value}; expected a number from {low} to {high}"));
            }
        }
    }

    fn category(&mut self, table: &str, name: &str, category: &str) {
        if !is_word(category) {
            let message = format!("is `{category}`; expected lower-case letters, digits and `_`");
            self.wrong(format!("{table}.{name}"), message);
        }
    }

    fn traffic(&mut self, profile: &Profile) {
        if profile.start.parse::<jiff::Timestamp>().is_err() {
            self.wrong("start", format!("is `{}`; expected a time such as 2026-11-17T00:00:00Z", profile.start));
        }
        let traffic = &profile.traffic;
        self.within("traffic", &[("requests_per_hour", traffic.requests_per_hour)], 0.01, 1e9);
        self.within("traffic", &[("daily_swing", traffic.daily_swing)], 0.0, 0.99);
        self.within("traffic", &[("busiest_hour", traffic.busiest_hour)], 0.0, 24.0);
        let shares = [
            ("streamed_share", traffic.streamed_share),
            ("structured_share", traffic.structured_share),
            ("tool_share", traffic.tool_share),
            ("wide_share", traffic.wide_share),
        ];
        self.within("traffic", &shares, 0.0, 1.0);
        self.within("traffic", &[("prompt_chars", traffic.prompt_chars)], 1.0, SIZE_MAX);
        self.within("traffic", &[("prompt_sigma", traffic.prompt_sigma)], 0.0, SIGMA_MAX);
        let consumers = &profile.consumers;
        self.within("consumers", &[("count", consumers.count as f64)], 1.0, CONSUMERS_MAX);
        self.within("consumers", &[("zipf", consumers.zipf)], 0.0, 5.0);
        self.within("consumers", &[("conversation_requests", consumers.conversation_requests)], 1.0, 1e6);
        let sigmas = [
            ("error_sigma", consumers.error_sigma),
            ("latency_sigma", consumers.latency_sigma),
            ("effect_sigma", consumers.effect_sigma),
        ];
        self.within("consumers", &sigmas, 0.0, SIGMA_MAX);
    }

    fn arm(&mut self, table: &str, arm: &Behaviour) {
        let shares = [
            ("cancelled", arm.cancelled),
            ("error", arm.error),
            ("rate_limited", arm.rate_limited),
            ("timeout", arm.timeout),
            ("blocks_bad", arm.blocks_bad),
            ("blocked", arm.blocked),
            ("refused", arm.refused),
            ("truncated", arm.truncated),
            ("structured_failure", arm.structured_failure),
            ("first_event_share", arm.first_event_share),
            ("thinking_share", arm.thinking_share),
            ("slow_share", arm.slow_share),
            ("cached_share", arm.cached_share),
            ("quality", arm.quality),
            ("guard_flags_bad", arm.guard_flags_bad),
            ("guard_flags", arm.guard_flags),
            ("guard_failed", arm.guard_failed),
            ("guard_unseen", arm.guard_unseen),
        ];
        self.category(table, "guard_category", &arm.guard_category);
        self.within(table, &shares, 0.0, 1.0);
        let sum = arm.error + arm.rate_limited + arm.timeout;
        if sum > 1.0 {
            self.wrong(format!("{table}.error"), format!("with rate_limited and timeout is {sum}; expected 1 at most"));
        }
        let sigmas =
            [("ttft_sigma", arm.ttft_sigma), ("token_sigma", arm.token_sigma), ("tokens_sigma", arm.tokens_sigma)];
        self.within(table, &sigmas, SIGMA_MIN, SIGMA_MAX);
        let sizes = [("ttft_ms", arm.ttft_ms), ("token_ms", arm.token_ms), ("tokens", arm.tokens)];
        self.within(table, &sizes, 0.01, SIZE_MAX);
        let factors = [
            ("latency_ratio", arm.latency_ratio),
            ("tokens_ratio", arm.tokens_ratio),
            ("prompt_tokens_ratio", arm.prompt_tokens_ratio),
            ("prompt_tokens_ratio_wide", arm.prompt_tokens_ratio_wide),
        ];
        self.within(table, &factors, 1.0 / FACTOR_MAX, FACTOR_MAX);
        self.within(table, &[("slow_factor", arm.slow_factor)], 1.0, FACTOR_MAX);
    }

    fn rest(&mut self, profile: &Profile) {
        let mirror = &profile.mirror;
        self.within("mirror", &[("share_percent", mirror.share_percent)], 0.0, 100.0);
        let shares = [
            ("lost", mirror.lost),
            ("queue_full", mirror.queue_full),
            ("long_drop", mirror.long_drop),
            ("repeat", mirror.repeat),
        ];
        self.within("mirror", &shares, 0.0, 1.0);
        self.within("mirror", &[("long_from_chars", mirror.long_from_chars)], 0.0, SIZE_MAX);
        if mirror.long_full_chars.is_nan() || mirror.long_full_chars <= mirror.long_from_chars {
            let message = format!("is {}; expected more than long_from_chars", mirror.long_full_chars);
            self.wrong("mirror.long_full_chars", message);
        }
        let prompts = &profile.prompts;
        let shares = [("bad_share", prompts.bad_share), ("failing_share", prompts.failing_share)];
        self.within("prompts", &shares, 0.0, 1.0);
        let sigmas = [("ttft_sigma", prompts.ttft_sigma), ("tokens_sigma", prompts.tokens_sigma)];
        self.within("prompts", &sigmas, 0.0, SIGMA_MAX);
        let answers = &profile.answers;
        let shares = [
            ("repeat_disagreement", answers.repeat_disagreement),
            ("candidate_disagreement", answers.candidate_disagreement),
            ("repeat_tool_disagreement", answers.repeat_tool_disagreement),
            ("candidate_tool_disagreement", answers.candidate_tool_disagreement),
        ];
        self.within("answers", &shares, 0.0, 1.0);
        let guard = &profile.guard;
        self.category("guard", "category_bad", &guard.category_bad);
        self.within("guard", &[("flags_requests", guard.flags_requests)], 0.0, 1.0);
        if !guard.failure.rsplit_once(':').is_some_and(|(name, failure)| !name.is_empty() && is_word(failure)) {
            self.wrong("guard.failure", format!("is `{}`; expected NAME:FAILURE such as llama:timeout", guard.failure));
        }
        let quality = &profile.quality;
        self.within("quality", &[("share", quality.share), ("shared", quality.shared)], 0.0, 1.0);
        // A score is a mean plus two uniform parts, so that none has to be cut off, which would move the mean.
        let reach = 3f64.sqrt() * (quality.shared.max(0.0).sqrt() + (1.0 - quality.shared).max(0.0).sqrt());
        let room = [profile.baseline.quality, profile.candidate.quality].map(|mean| mean.min(1.0 - mean));
        let largest = room[0].min(room[1]) / reach;
        if !(0.0..=largest).contains(&quality.spread) {
            let found = quality.spread;
            let message = format!("is {found}; with these means no score leaves 0 to 1 up to a spread of {largest:.4}");
            self.wrong("quality.spread", message);
        }
        let load = &profile.load;
        self.within("load", &[("above_percent", load.above_percent)], 0.0, 100.0);
        self.within("load", &[("error", load.error), ("rate_limited", load.rate_limited)], 0.0, 1.0);
        self.within("load", &[("latency_ratio", load.latency_ratio)], 1.0 / FACTOR_MAX, FACTOR_MAX);
    }

    fn over_time(&mut self, profile: &Profile) {
        if profile.epochs.is_empty() {
            self.wrong("epochs", "has no entry; expected one at least");
        }
        for (number, epoch) in profile.epochs.iter().enumerate() {
            let table = format!("epochs[{number}]");
            self.within(&table, &[("weight_percent", epoch.weight_percent)], 0.0, 100.0);
            self.within(&table, &[("hours", epoch.hours)], 0.02, SIZE_MAX);
        }
        for (number, drift) in profile.drift.iter().enumerate() {
            let table = format!("drift[{number}]");
            self.within(&table, &[("from_hour", drift.from_hour), ("hours", drift.hours)], 0.0, SIZE_MAX);
            self.within(&table, &[("error", drift.error)], -1.0, 1.0);
            self.within(&table, &[("latency_ratio", drift.latency_ratio)], 1.0 / FACTOR_MAX, FACTOR_MAX);
        }
    }

    fn models(&mut self, profile: &Profile) {
        let Ok(tariffs) = Tariffs::embedded() else { return };
        for (table, arm) in [("baseline", &profile.baseline), ("candidate", &profile.candidate)] {
            if tariffs.find(&arm.provider, &arm.model, profile.start_us()).is_none() {
                let (model, provider, start) = (&arm.model, &arm.provider, &profile.start);
                let message = format!("is `{model}`, which has no price at `{provider}` on {start}: choose another");
                self.wrong(format!("{table}.model"), message);
            }
        }
    }
}
