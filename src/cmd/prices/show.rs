//! Prices as people and programs read them: amounts in dollars per million tokens, instants as short as they are exact.

use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use wire::price::{LongContext, Mark, Rates, Row, Tariffs, Tier, TierPrice};

/// Pico-dollars a token as dollars per million tokens, exact, with at least two decimals.
pub(super) fn amount(pico: u64) -> String {
    let fraction = format!("{:06}", pico % 1_000_000);
    let cut = fraction.trim_end_matches('0').len().max(2);
    format!("{}.{}", pico / 1_000_000, fraction.get(..cut).unwrap_or(&fraction))
}

/// An instant: the day alone if it begins one in UTC.
pub(super) fn instant(at_us: i64) -> String {
    let text = jiff::Timestamp::from_microsecond(at_us).unwrap_or_default().to_string();
    text.strip_suffix("T00:00:00Z").map_or_else(|| text.clone(), str::to_owned)
}

/// A price, for programs: amounts are dollars per million tokens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Shown {
    pub provider: String,
    pub model: String,
    /// Hours that it is for; `null` for all that have no price of their own.
    pub period: Option<String>,
    /// It prices a call of this instant.
    pub in_force: bool,
    pub valid_from: String,
    pub valid_until: Option<String>,
    pub amounts: BTreeMap<&'static str, String>,
    /// Multipliers of other tiers (`times`), or their own amounts.
    pub tiers: BTreeMap<&'static str, ShownTier>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub long_context: Option<ShownLong>,
    /// Surcharge of processing in one region, as a multiplier.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub regional: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub computed_from: Option<String>,
    pub checked: String,
    pub mark: Option<&'static str>,
    pub source: String,
    /// What is doubtful about it at the instant, a sentence each.
    pub doubts: Vec<String>,
}

/// What a tier costs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ShownTier {
    /// The standard price, multiplied.
    Times(String),
    /// Its own.
    Amounts(BTreeMap<&'static str, String>),
}

/// Dearer prompts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct ShownLong {
    pub above_tokens: u64,
    pub input_times: String,
    pub output_times: String,
}

impl Shown {
    pub(super) fn new(row: &Row, tariffs: &Tariffs, at_us: i64, stale_after_days: u32) -> Self {
        let in_force = tariffs.find(&row.provider, &row.model, at_us).is_some_and(|found| std::ptr::eq(found, row));
        let tiers = [Tier::Batch, Tier::Flex, Tier::Priority, Tier::Ultrafast];
        let tiers = tiers.into_iter().filter_map(|tier| Some((tier_name(tier), of_tier(row.tiers.get(tier)?))));
        let doubts = row.stale(at_us).into_iter().chain(row.old(at_us, stale_after_days));
        Self {
            provider: row.provider.clone(),
            model: row.model.clone(),
            period: row.period.clone(),
            in_force,
            valid_from: instant(row.valid_from_us),
            valid_until: row.valid_until_us.map(instant),
            amounts: amounts(&row.rates),
            tiers: tiers.collect(),
            long_context: row.long_context.map(long),
            regional: row.regional.map(|factor| factor.to_string()),
            computed_from: row.computed_from.clone(),
            checked: instant(row.checked_us),
            mark: row.mark.map(|mark| match mark {
                Mark::Unverified => "unverified",
                Mark::Inferred => "inferred",
            }),
            source: row.source.clone(),
            doubts: doubts.map(|stale| stale.sentence).collect(),
        }
    }

    pub(super) fn amount(&self, name: &str) -> &str {
        self.amounts.get(name).map_or("-", String::as_str)
    }
}

const fn tier_name(tier: Tier) -> &'static str {
    match tier {
        Tier::Standard => "standard",
        Tier::Batch => "batch",
        Tier::Flex => "flex",
        Tier::Priority => "priority",
        Tier::Ultrafast => "ultrafast",
    }
}

fn of_tier(price: TierPrice) -> ShownTier {
    match price {
        TierPrice::Times(factor) => ShownTier::Times(factor.to_string()),
        TierPrice::Own(rates) => ShownTier::Amounts(amounts(&rates)),
    }
}

fn long(long: LongContext) -> ShownLong {
    ShownLong {
        above_tokens: long.above_tokens,
        input_times: long.input.to_string(),
        output_times: long.output.to_string(),
    }
}

/// By the names that a table has for them.
fn amounts(rates: &Rates) -> BTreeMap<&'static str, String> {
    let Rates { input_pico, cached_pico, output_pico, .. } = *rates;
    let usual = [("input", input_pico), ("cached_input", cached_pico), ("output", output_pico)];
    let parts = [
        ("cache_write", rates.cache_write_pico),
        ("cache_write_long", rates.cache_write_long_pico),
        ("reasoning", rates.reasoning_pico),
        ("audio_input", rates.audio_input_pico),
        ("image_input", rates.image_input_pico),
        ("audio_output", rates.audio_output_pico),
    ];
    let parts = parts.into_iter().filter_map(|(name, pico)| Some((name, pico?)));
    usual.into_iter().chain(parts).map(|(name, pico)| (name, amount(pico))).collect()
}

/// Rows that price calls around an instant, hour by hour: of each model the newest one of each period, down to the newest
/// one for all hours; and the last one, where all are over.
pub(super) fn current(tariffs: &Tariffs, at_us: i64) -> Vec<&Row> {
    let mut models: BTreeMap<(&str, &str), Vec<&Row>> = BTreeMap::new();
    for row in tariffs.rows().iter().filter(|row| row.valid_from_us <= at_us) {
        models.entry((&row.provider, &row.model)).or_default().push(row);
    }
    let mut current = Vec::new();
    for ((provider, model), mut rows) in models {
        // A name that is another model's now, or was, has no price of its own any more.
        let in_force = tariffs.in_force(provider, model, at_us);
        let Some(last) = in_force.row.filter(|_| in_force.alias.is_none()) else { continue };
        rows.sort_by_key(|row| (row.valid_from_us, row.period.is_some()));
        let mut periods = BTreeSet::new();
        let before = current.len();
        for row in rows.into_iter().rev().filter(|row| row.valid_until_us.is_none_or(|until_us| at_us < until_us)) {
            if periods.insert(row.period.as_deref()) {
                current.push(row);
            }
            if row.period.is_none() {
                break;
            }
        }
        if current.len() == before {
            current.push(last);
        }
    }
    current
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_exact_and_instants_are_short() {
        for (pico, text) in [(150_000, "0.15"), (3_625, "0.003625"), (8_000_000, "8.00"), (0, "0.00"), (1, "0.000001")]
        {
            assert_eq!(amount(pico), text);
        }
        assert_eq!(instant(86_400_000_000), "1970-01-02");
        assert_eq!(instant(86_401_000_000), "1970-01-02T00:00:01Z");
    }
}
