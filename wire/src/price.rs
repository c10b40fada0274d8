//! What tokens cost, on the clock of the request.
//!
//! Prices are kept in pico-dollars a token (1 USD per million tokens is 1 000 000 pico-dollars a token), because
//! the cheapest cached tokens cost a fraction of a nano-dollar. One exchange is summed exactly in pico-dollars and
//! rounded once, half up, to nano-dollars: that is the only rounding of money in the project.

mod clock;
mod table;
mod tier;

pub use clock::Period;
pub use table::{Row, TariffError, Tariffs};
pub use tier::Tier;

use crate::usage::Usage;

/// What is priced beside the tokens: which model answered, when, and in which tier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Call<'a> {
    /// Provider name.
    pub provider: &'a str,
    /// Model that was asked for.
    pub asked: &'a str,
    /// Model that answered, if it said so. It is priced; where the table does not know it, the one that was asked for.
    pub answered: Option<&'a str>,
    /// When the request was sent, microseconds since the Unix epoch.
    pub sent_us: i64,
    /// Tier that it was served in.
    pub tier: Tier,
}

impl<'a> Call<'a> {
    /// A call in the standard tier to a model whose answer does not matter.
    #[must_use]
    pub const fn new(provider: &'a str, model: &'a str, sent_us: i64) -> Self {
        Self { provider, asked: model, answered: None, sent_us, tier: Tier::Standard }
    }
}

/// A priced exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Priced<'a> {
    /// Cost in nano-dollars.
    pub nanos: i64,
    /// The row that was used.
    pub row: &'a Row,
}

impl Tariffs {
    /// Cost of an exchange on the clock of its sending. `None` if the table has no price for this provider, model and time.
    #[must_use]
    pub fn price(&self, call: &Call<'_>, usage: &Usage) -> Option<Priced<'_>> {
        let of = |model: &str| self.find(call.provider, model, call.sent_us);
        call.answered.and_then(of).or_else(|| of(call.asked))?.price(usage, call.tier)
    }
}

impl Row {
    /// Cost of an exchange at this price, whenever it was. `None` if it is more than 9.2e9 dollars.
    #[must_use]
    pub fn price(&self, usage: &Usage, _tier: Tier) -> Option<Priced<'_>> {
        let cached = usage.cached.unwrap_or(0).min(usage.prompt);
        let pico = u128::from(usage.prompt - cached) * u128::from(self.input_pico)
            + u128::from(cached) * u128::from(self.cached_pico)
            + u128::from(usage.completion) * u128::from(self.output_pico);
        let nanos = i64::try_from((pico + 500) / 1000).ok()?;
        Some(Priced { nanos, row: self })
    }
}

/// Nano-dollars as a decimal string with `digits` places (at most 9), rounded half away from zero.
#[must_use]
pub fn decimal(nanos: i64, digits: u32) -> String {
    let digits = digits.min(9);
    let unit = 10u64.pow(9 - digits);
    let rounded = (nanos.unsigned_abs() + unit / 2) / unit;
    let scale = 10u64.pow(digits);
    let sign = if nanos < 0 && rounded > 0 { "-" } else { "" };
    if digits == 0 {
        return format!("{sign}{rounded}");
    }
    format!("{sign}{}.{:0width$}", rounded / scale, rounded % scale, width = digits as usize)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::usage::UsageSource;

    fn at(text: &str) -> i64 {
        text.parse::<jiff::Timestamp>().unwrap().as_microsecond()
    }

    fn usage(prompt: u64, cached: u64, completion: u64) -> Usage {
        Usage { cached: Some(cached), ..Usage::new(prompt, completion, UsageSource::Provider) }
    }

    fn nanos(provider: &str, model: &str, time: &str, usage: &Usage) -> Option<i64> {
        Tariffs::embedded().unwrap().price(&Call::new(provider, model, at(time)), usage).map(|priced| priced.nanos)
    }

    #[test]
    fn golden_bills() {
        // 1000 uncached x 0.15 + 1000 cached x 0.075 + 500 x 0.60 USD per million = 0.000525 USD.
        let small = usage(2000, 1000, 500);
        assert_eq!(nanos("openai", "gpt-4o-mini", "2026-11-20T12:00:00Z", &small), Some(525_000));
        assert_eq!(nanos("openai", "gpt-4o-mini-2024-07-18", "2026-11-20T12:00:00Z", &small), Some(525_000));
        // Friday 02:00 UTC is peak: 0.30, 0.006, 1.20. Half of it off-peak.
        assert_eq!(nanos("deepseek", "deepseek-flash", "2026-11-20T02:00:00Z", &small), Some(906_000));
        assert_eq!(nanos("deepseek", "deepseek-flash", "2026-11-20T05:00:00Z", &small), Some(453_000));
        // A server of one's own has no price until a tariff names it.
        assert_eq!(nanos("compatible", "llama", "2026-11-20T05:00:00Z", &small), None);
    }

    #[test]
    fn peak_hours_begin_and_end_to_the_microsecond_and_not_on_weekends() {
        let one = usage(1_000_000, 0, 0);
        let price = |time| nanos("deepseek", "deepseek-flash", time, &one).unwrap() / 1_000_000;
        for (time, milli_dollars) in [
            ("2026-11-20T00:59:59.999999Z", 150),
            ("2026-11-20T01:00:00Z", 300),
            ("2026-11-20T03:59:59.999999Z", 300),
            ("2026-11-20T04:00:00Z", 150),
            ("2026-11-20T06:00:00Z", 300),
            ("2026-11-20T10:00:00Z", 150),
            ("2026-11-21T02:00:00Z", 150),
        ] {
            assert_eq!(price(time), milli_dollars, "{time}");
        }
    }

    #[test]
    fn the_price_of_the_day_counts_and_unknown_is_unknown() {
        let one = usage(1_000_000, 0, 0);
        assert_eq!(nanos("openai", "gpt-5.6-sol", "2026-08-20T23:59:59Z", &one), Some(5_000_000_000));
        assert_eq!(nanos("openai", "gpt-5.6-sol", "2026-08-21T00:00:00Z", &one), Some(4_000_000_000));
        assert_eq!(nanos("openai", "gpt-5.6-sol", "2026-01-01T00:00:00Z", &one), None);
        assert_eq!(nanos("openai", "no-such-model", "2026-11-20T00:00:00Z", &one), None);
    }

    #[test]
    fn a_fraction_of_a_nano_dollar_is_kept_until_the_end() {
        // deepseek-v4-pro at launch: cached input 0.003625 USD per million = 3625 pico-dollars a token.
        let cached =
            |tokens| nanos("deepseek", "deepseek-v4-pro", "2026-05-01T00:00:00Z", &usage(tokens, tokens, 0)).unwrap();
        assert_eq!((cached(1), cached(4), cached(1000)), (4, 15, 3625));
    }

    #[test]
    fn money_prints_as_decimals() {
        assert_eq!(decimal(525_000, 6), "0.000525");
        assert_eq!(decimal(1_234_567_890, 2), "1.23");
        assert_eq!(decimal(-1_235_000_000, 2), "-1.24");
        assert_eq!(decimal(-1, 2), "0.00");
        assert_eq!(decimal(1_500_000_000, 0), "2");
    }
}
