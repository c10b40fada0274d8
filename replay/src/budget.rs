//! A cap on what a run may cost. Reserve before the send, settle after it.
//!
//! What a request will cost is not known before its answer has ended, so a likely high cost is set aside first and
//! corrected later. The cap holds as long as no answer costs more than was set aside for it; what a longer answer
//! costs beyond that is booked as it is, and nothing follows it.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use wire::Usage;
use wire::UsageSource;
use wire::price::{Call, Tariffs, Tier};
use wire::provider::Provider;

/// Completion tokens that are set aside for a request that names no bound and whose log knows no answer.
const COMPLETION_TOKENS_UNKNOWN: u64 = 4_096;
/// A recorded answer's tokens are set aside so many times: another model may say more.
const RECORDED_TIMES: u64 = 2;

/// Prompt tokens of one picture at most.
const PICTURE_TOKENS_MAX: u64 = 40_000;
/// Money of a run, nano-dollars.
#[derive(Debug)]
pub(crate) struct Budget {
    limit_nanos: Option<i64>,
    /// Spent and set aside.
    committed_nanos: AtomicI64,
    exhausted: AtomicBool,
}

impl Budget {
    /// `None` is no limit.
    pub(crate) fn new(limit_nanos: Option<i64>) -> Self {
        Self { limit_nanos, committed_nanos: AtomicI64::new(0), exhausted: AtomicBool::new(false) }
    }

    /// Sets `estimate_nanos` aside; `false` if that is more than is left: the request must not be sent. A small
    /// request may still fit after a large one did not, but a run that sends only what is cheap would measure another
    /// load, so after the first refusal nothing fits.
    pub(crate) fn admit(&self, estimate_nanos: i64) -> bool {
        let Some(limit) = self.limit_nanos else { return true };
        if self.is_exhausted() {
            return false;
        }
        let fits = |committed: i64| {
            let after = committed.saturating_add(estimate_nanos.max(0));
            (after <= limit).then_some(after)
        };
        let admitted = self.committed_nanos.fetch_update(Ordering::AcqRel, Ordering::Acquire, fits).is_ok();
        if !admitted {
            self.exhausted.store(true, Ordering::Release);
        }
        admitted
    }

    /// Replaces what was set aside by what it cost. An unknown cost keeps the estimate.
    pub(crate) fn settle(&self, estimate_nanos: i64, real_nanos: Option<i64>) {
        if self.limit_nanos.is_some()
            && let Some(real) = real_nanos
        {
            let difference = real.max(0).saturating_sub(estimate_nanos.max(0));
            self.committed_nanos.fetch_add(difference, Ordering::AcqRel);
        }
    }

    /// Whether a request was refused for lack of money; nothing is sent after it.
    pub(crate) fn is_exhausted(&self) -> bool {
        self.exhausted.load(Ordering::Acquire)
    }
}

/// What a request will not cost more than as long as its answer keeps to a bound, nano-dollars; `None` where the table has
/// no price for the model.
///
/// A token of a text has at least one byte, and what a provider puts around a message is shorter than its JSON, so the body's
/// bytes bound the prompt, all of it uncached; a picture behind an address counts as many tokens as the largest. The completion
/// is what the request allows at most, if it says so; else twice the recorded one, and 4,096 tokens for each choice at least.
/// The tier is the dearer of the one that it asks for and the standard one, into which a provider may put it.
pub(crate) fn estimate(
    tariffs: &Tariffs,
    provider: Provider,
    model: &str,
    at_us: i64,
    body: &[u8],
    completion: Completion,
) -> Option<i64> {
    let recorded = completion.recorded.map(|tokens| tokens.saturating_mul(RECORDED_TIMES));
    let unknown = || recorded.unwrap_or(0).max(COMPLETION_TOKENS_UNKNOWN.saturating_mul(completion.choices.max(1)));
    let pictures = memchr::memmem::find_iter(body, b"\"image_url\"").count() as u64;
    let usage = Usage::new(
        (body.len() as u64).saturating_add(pictures.saturating_mul(PICTURE_TOKENS_MAX)),
        completion.allowed.unwrap_or_else(unknown),
        UsageSource::Estimate,
    );
    let of_tier = |tier| {
        let call = Call { tier, ..Call::new(provider.name(), model, at_us) };
        tariffs.price(&call, &usage).map(|priced| priced.nanos)
    };
    Some(of_tier(Tier::Standard)?.max(of_tier(completion.tier.at(provider.name()))?))
}

/// What is known of a completion's tokens and price before the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Completion {
    /// The most that the request allows in all its choices (`max_tokens`, `max_completion_tokens`).
    pub(crate) allowed: Option<u64>,
    /// Answers that are asked for at once.
    pub(crate) choices: u64,
    /// What the log recorded.
    pub(crate) recorded: Option<u64>,
    /// Service tier that is asked for.
    pub(crate) tier: Tier,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn at_the_limit_nothing_more_is_admitted_even_if_small() {
        let budget = Budget::new(Some(100));
        assert!(budget.admit(60) && budget.admit(30));
        assert!(!budget.is_exhausted());
        assert!(!budget.admit(20));
        assert!(budget.is_exhausted() && !budget.admit(1));
    }

    #[test]
    fn settling_frees_what_was_not_needed_and_books_what_was() {
        let budget = Budget::new(Some(100));
        assert!(budget.admit(80));
        budget.settle(80, Some(10));
        assert!(budget.admit(90));
        budget.settle(90, Some(300));
        assert!(!budget.admit(0));
        let unknown = Budget::new(Some(100));
        assert!(unknown.admit(80));
        unknown.settle(80, None);
        assert!(!unknown.admit(30));
    }

    #[test]
    fn without_a_limit_everything_is_admitted() {
        let budget = Budget::new(None);
        assert!((0..10).all(|_| budget.admit(i64::MAX)));
    }

    #[test]
    fn estimates_take_the_bound_of_the_request_before_the_log() {
        let tariffs = Tariffs::embedded().unwrap();
        let at_us = "2026-11-20T05:00:00Z".parse::<jiff::Timestamp>().unwrap().as_microsecond();
        let prompt = [b'x'; 1_500];
        let of = |allowed, recorded| {
            estimate(
                &tariffs,
                Provider::OpenAi,
                "gpt-4o-mini",
                at_us,
                &prompt,
                Completion { allowed, choices: 1, recorded, tier: Tier::Standard },
            )
            .unwrap()
        };
        // 1,500 bytes at 0.15 USD, completions at 0.60 USD per million.
        assert_eq!(of(Some(100), Some(9_999)), 225_000 + 60_000);
        assert_eq!(of(None, Some(5_000)), 225_000 + 10_000 * 600);
        assert_eq!(of(None, Some(500)), 225_000 + 4_096 * 600);
        assert_eq!(of(None, None), 225_000 + 4_096 * 600);
        let of_tier = |provider, model, tier| {
            let completion = Completion { allowed: Some(100), choices: 1, recorded: None, tier };
            estimate(&tariffs, provider, model, at_us, &prompt, completion)
        };
        let openai = |tier| of_tier(Provider::OpenAi, "gpt-4o-mini", tier);
        assert_eq!(openai(Tier::Priority), Some(2 * 285_000));
        assert_eq!(openai(Tier::Flex), Some(285_000), "it may be served as usual");
        assert_eq!(openai(Tier::Ultrafast), None, "nobody knows");
        let deepseek = |tier| of_tier(Provider::DeepSeek, "deepseek-flash", tier).unwrap();
        assert_eq!(deepseek(Tier::Priority), deepseek(Tier::Standard), "there is one tier");
        let none = estimate(&tariffs, Provider::Compatible, "llama", at_us, &prompt, Completion::default());
        assert_eq!(none, None);
    }

    proptest! {
        #[test]
        fn what_is_admitted_never_sums_to_more_than_the_limit(
            limit in 0i64..1_000_000, estimates in proptest::collection::vec(0i64..100_000, 0..50),
        ) {
            let budget = Budget::new(Some(limit));
            let mut spent = 0;
            for (number, estimate) in estimates.into_iter().enumerate() {
                if budget.admit(estimate) {
                    let real = estimate / (1 + number as i64 % 3);
                    budget.settle(estimate, Some(real));
                    spent += real;
                }
            }
            prop_assert!(spent <= limit);
        }
    }
}
