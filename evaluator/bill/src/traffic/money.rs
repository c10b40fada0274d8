//! Money of one leg under each way to price it, and the price lists that a clock is made of.

use wire::price::Row;

/// Money of one leg in nano-dollars, at its own clock and otherwise.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Leg {
    /// As it was sent.
    pub own: i64,
    /// At the cheapest time of its day if it can wait, else as it was sent.
    pub off_peak: i64,
    /// With nothing of the prompt in the cache.
    pub cold: i64,
    /// With all of the prompt in the cache.
    pub warm: i64,
}

impl Leg {
    /// A leg of which only the money as sent matters.
    #[must_use]
    pub const fn plain(own: i64) -> Self {
        Self { own, off_peak: own, cold: own, warm: own }
    }
}

/// Sums of legs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Legs {
    /// As sent.
    pub own: i128,
    /// What can wait at the cheapest time of its day.
    pub off_peak: i128,
    /// With a cold cache.
    pub cold: i128,
    /// With a warm cache.
    pub warm: i128,
}

impl Legs {
    pub(super) fn add(&mut self, leg: &Leg) {
        self.own += i128::from(leg.own);
        self.off_peak += i128::from(leg.off_peak);
        self.cold += i128::from(leg.cold);
        self.warm += i128::from(leg.warm);
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        self.own = self.own.saturating_add(other.own);
        self.off_peak = self.off_peak.saturating_add(other.off_peak);
        self.cold = self.cold.saturating_add(other.cold);
        self.warm = self.warm.saturating_add(other.warm);
    }
}

/// A price list as pico-dollars a token: uncached input, cached input, cache writes, output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rate(pub [u64; 4]);

/// Tokens that a [`Rate`] prices: uncached, cached, cache writes, completion.
pub type Billed = [u128; 4];

impl Rate {
    /// What so many tokens cost in nano-dollars, without any rounding to exchanges.
    #[must_use]
    pub fn cost(&self, tokens: &Billed) -> f64 {
        self.0.iter().zip(tokens).map(|(price, tokens)| *price as f64 * *tokens as f64).sum::<f64>() / 1e3
    }

    /// The price list of a row of the table, in the standard tier and for short prompts of text.
    #[must_use]
    pub fn of(row: &Row) -> Self {
        let rates = &row.rates;
        let write = rates.cache_write_pico.unwrap_or(rates.input_pico);
        Self([rates.input_pico, rates.cached_pico, write, rates.output_pico])
    }

    /// By how much input and output one list is dearer than another; a row of the day at which this is least is its cheapest.
    #[must_use]
    pub fn dearness(&self) -> u64 {
        let [input, _, _, output] = self.0;
        input.saturating_add(output)
    }
}
