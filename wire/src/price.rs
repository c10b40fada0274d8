//! What tokens cost, on the clock of the request.
//!
//! Prices are kept in pico-dollars a token (1 USD per million tokens is 1 000 000 pico-dollars a token), because
//! the cheapest cached tokens cost a fraction of a nano-dollar. One exchange is summed exactly and
//! rounded once, half up, to nano-dollars: that is the only rounding of money in the project. (A price that is itself the
//! result of a division, from another currency or from an hour of a GPU, is a whole number of pico-dollars from the moment that
//! the table is read.)
//!
//! The clock is the instant of sending. Providers do not say whether the beginning or the end of a request decides; its
//! sending is the instant that the sender knows and can choose.
//!
//! An unknown price is `None` and never zero: whoever adds up counts what is missing and shows it. So is the price of a tier that
//! the table does not have.

mod amount;
mod lookup;
mod period;
mod read;
mod row;
mod stale;
mod table;
mod tier;

pub use amount::Factor;
pub use lookup::InForce;
pub use period::{Calendar, Period, Window};
pub use row::{CacheLifetime, LongContext, Options, Rates, Row, TierPrice, Tiers};
pub use stale::{Doubt, Mark, STALE_AFTER_DAYS, Stale};
pub use table::{Alias, TariffError, Tariffs};
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

/// Microseconds of a day.
const DAY_US: i64 = 86_400_000_000;

/// The most changes of price that are looked at within a day.
const CHANGES_MAX: usize = 256;

impl Tariffs {
    /// The row that prices a call: that of the model that answered, or, if the table does not know it at the instant of
    /// sending, of the one that was asked for.
    #[must_use]
    pub fn row_of(&self, call: &Call<'_>) -> Option<&Row> {
        let of = |name| self.find(call.provider, name, call.sent_us);
        call.answered.and_then(of).or_else(|| of(call.asked))
    }

    fn priced_name<'c>(&self, call: &Call<'c>) -> Option<&'c str> {
        let known = |name: &&str| self.find(call.provider, name, call.sent_us).is_some();
        call.answered.filter(known).or_else(|| Some(call.asked).filter(known))
    }

    /// Cost of an exchange on the clock of its sending. `None` if the table has no price for this provider, model, time and
    /// tier.
    #[must_use]
    pub fn price(&self, call: &Call<'_>, usage: &Usage) -> Option<Priced<'_>> {
        self.row_of(call)?.price(usage, call.tier)
    }

    /// The rows that are in force for a model at some time of the UTC day of an instant, each once, the one of the instant first:
    /// its own period and the others of that day.
    #[must_use]
    pub fn periods_of(&self, provider: &str, model: &str, at_us: i64) -> Vec<&Row> {
        let mut rows: Vec<&Row> = self.find(provider, model, at_us).into_iter().collect();
        let mut next_us = at_us.div_euclid(DAY_US).saturating_mul(DAY_US);
        let end_us = next_us.saturating_add(DAY_US);
        for _ in 0..CHANGES_MAX {
            if next_us >= end_us {
                break;
            }
            let in_force = self.in_force(provider, model, next_us);
            rows.extend(in_force.row.filter(|row| !rows.iter().any(|known| std::ptr::eq(*known, *row))));
            next_us = in_force.until_us;
        }
        rows
    }

    /// What the same call costs at the cheapest hour of its UTC day.
    #[must_use]
    pub fn cheapest(&self, call: &Call<'_>, usage: &Usage) -> Option<Priced<'_>> {
        let rows = self.periods_of(call.provider, self.priced_name(call)?, call.sent_us);
        let priced = rows.into_iter().filter_map(|row| row.price(usage, call.tier));
        priced.min_by_key(|priced| priced.nanos)
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
mod tests;
