//! One price: what each part of an exchange costs in each tier.
//!
//! # How parts are priced
//!
//! Every token is priced exactly once. Prompt tokens fall into five groups: read from a cache, written to a cache, speech,
//! pictures, and the rest. Completion tokens fall into three: reasoning, speech, and the rest. A group without a price of its
//! own costs what its side costs, input or output. A provider reports the groups as overlapping counts (speech may have been read from
//! a cache, and no report says how much of it was), so they are filled in this order, each from what is left: cache reads,
//! cache writes, speech, pictures. Speech and pictures, which are dearer, are thereby taken to be new wherever they can be: where
//! a report leaves room, the bill is the higher one.
//!
//! A count that is missing is unknown. Its tokens are then in the rest: without a cache count, a prompt costs the full input price.
//!
//! Above the threshold of a long context the whole request is multiplied, not the tokens beyond it.

use super::amount::Factor;
use super::stale::Mark;
use super::{Priced, Tier};
use crate::usage::Usage;

/// Pico-dollars in a nano-dollar, times the scale of the three factors of an exchange: 10^3 x (10^4)^3.
const UNITS_A_NANO: u128 = 1_000 * 1_000_000_000_000;

/// Prices of an exchange's parts, pico-dollars a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rates {
    /// Input that no cache knew.
    pub input_pico: u64,
    /// Input read from a cache; what `input` costs, where the table says nothing else.
    pub cached_pico: u64,
    /// Output.
    pub output_pico: u64,
    /// Input written to a cache of the short lifetime.
    pub cache_write_pico: Option<u64>,
    /// Input written to a cache of the long lifetime.
    pub cache_write_long_pico: Option<u64>,
    /// Reasoning.
    pub reasoning_pico: Option<u64>,
    /// Speech in the prompt.
    pub audio_input_pico: Option<u64>,
    /// Pictures in the prompt.
    pub image_input_pico: Option<u64>,
    /// Speech in the answer.
    pub audio_output_pico: Option<u64>,
}

/// What a tier costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TierPrice {
    /// The standard price, multiplied.
    Times(Factor),
    /// A price of its own.
    Own(Rates),
}

/// Prices beside the standard tier. A tier without one is unknown, not standard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tiers {
    /// [`Tier::Batch`].
    pub batch: Option<TierPrice>,
    /// [`Tier::Flex`].
    pub flex: Option<TierPrice>,
    /// [`Tier::Priority`].
    pub priority: Option<TierPrice>,
    /// [`Tier::Ultrafast`].
    pub ultrafast: Option<TierPrice>,
}

/// Dearer prompts above a length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LongContext {
    /// The longest prompt at the usual price, tokens.
    pub above_tokens: u64,
    /// Multiplies all of the prompt.
    pub input: Factor,
    /// Multiplies all of the completion.
    pub output: Factor,
}

/// How long a cache keeps what was written to it. No report says it, so it is a choice of whoever sends the requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CacheLifetime {
    /// The provider's usual one (OpenAI: 30 minutes).
    #[default]
    Short,
    /// The one that must be asked for (OpenAI: 12 hours).
    Long,
}

/// What an account has chosen at a provider; answers do not show it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Options {
    /// Requests are processed in one region, at a surcharge.
    pub regional: bool,
    /// Lifetime of cache writes.
    pub cache_lifetime: CacheLifetime,
}

/// What many rows have in common beside their amounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Terms {
    pub(super) tiers: Tiers,
    pub(super) long_context: Option<LongContext>,
    pub(super) regional: Option<Factor>,
}

/// One price.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Provider name.
    pub provider: String,
    /// Model name.
    pub model: String,
    /// Name of the period it is for; `None` is every hour for which no other row of the model stands.
    pub period: Option<String>,
    /// First instant it holds, microseconds since the Unix epoch.
    pub valid_from_us: i64,
    /// First instant it does not hold any more, if that is known.
    pub valid_until_us: Option<i64>,
    /// The standard tier.
    pub rates: Rates,
    /// The other tiers.
    pub tiers: Tiers,
    /// Long prompts.
    pub long_context: Option<LongContext>,
    /// Surcharge of processing in one region.
    pub regional: Option<Factor>,
    /// What is chosen at the provider.
    pub options: Options,
    /// What the prices were computed from, if not from amounts per million tokens in the table's currency.
    pub computed_from: Option<String>,
    /// When it was last compared with its source, microseconds since the Unix epoch.
    pub checked_us: i64,
    /// Whether it was read at its source.
    pub mark: Option<Mark>,
    /// Where it was read.
    pub source: String,
}

impl Tiers {
    /// Price of a tier; the standard one has none here.
    #[must_use]
    pub const fn get(&self, tier: Tier) -> Option<TierPrice> {
        match tier {
            Tier::Standard => None,
            Tier::Batch => self.batch,
            Tier::Flex => self.flex,
            Tier::Priority => self.priority,
            Tier::Ultrafast => self.ultrafast,
        }
    }
}

impl Row {
    /// Cost of an exchange at this price, whenever it was. `None` if the row has no price for the tier, or if the cost is more than
    /// 9.2e9 dollars.
    #[must_use]
    pub fn price(&self, usage: &Usage, tier: Tier) -> Option<Priced<'_>> {
        let (rates, of_tier) = match tier {
            Tier::Standard => (self.rates, Factor::ONE),
            _ => match self.tiers.get(tier)? {
                TierPrice::Times(factor) => (self.rates, factor),
                TierPrice::Own(rates) => (rates, Factor::ONE),
            },
        };
        let long = self.long_context.filter(|long| usage.prompt > long.above_tokens);
        let (of_input, of_output) = long.map_or((Factor::ONE, Factor::ONE), |long| (long.input, long.output));
        let of_region = self.regional.filter(|_| self.options.regional).unwrap_or(Factor::ONE);
        let prompt = times(rates.prompt(usage, self.options.cache_lifetime)?, of_input)?;
        let completion = times(rates.completion(usage)?, of_output)?;
        let units = times(times(prompt.checked_add(completion)?, of_tier)?, of_region)?;
        // The only rounding of an exchange: half up, at the end.
        let nanos = i64::try_from(units.checked_add(UNITS_A_NANO / 2)? / UNITS_A_NANO).ok()?;
        Some(Priced { nanos, row: self })
    }
}

impl Rates {
    fn prompt(&self, usage: &Usage, lifetime: CacheLifetime) -> Option<u128> {
        let write = match lifetime {
            CacheLifetime::Short => self.cache_write_pico,
            CacheLifetime::Long => self.cache_write_long_pico.or(self.cache_write_pico),
        };
        split(
            usage.prompt,
            self.input_pico,
            [
                (usage.cached, Some(self.cached_pico)),
                (usage.cache_write, write),
                (usage.prompt_audio, self.audio_input_pico),
                (usage.prompt_image, self.image_input_pico),
            ],
        )
    }

    fn completion(&self, usage: &Usage) -> Option<u128> {
        split(
            usage.completion,
            self.output_pico,
            [(usage.completion_audio, self.audio_output_pico), (usage.reasoning, self.reasoning_pico)],
        )
    }
}

/// Parts in the order given, each from what is left, and the rest at the plain price; pico-dollars.
fn split<const N: usize>(whole: u64, plain_pico: u64, parts: [(Option<u64>, Option<u64>); N]) -> Option<u128> {
    let (mut left, mut sum) = (whole, 0u128);
    for (count, pico) in parts {
        let count = count.unwrap_or(0).min(left);
        left -= count;
        sum = sum.checked_add(u128::from(count) * u128::from(pico.unwrap_or(plain_pico)))?;
    }
    sum.checked_add(u128::from(left) * u128::from(plain_pico))
}

fn times(sum: u128, factor: Factor) -> Option<u128> {
    sum.checked_mul(u128::from(factor.ten_thousandths()))
}
