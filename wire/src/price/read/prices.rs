//! Terms, options, rows and aliases.

use super::fields::Fields;
use super::{ALIASES_MAX, Exchange, ROWS_MAX};
use crate::price::TariffError;
use crate::price::amount::{Amount, Factor, Machine};
use crate::price::row::{CacheLifetime, LongContext, Options, Rates, Row, Terms, TierPrice, Tiers};
use crate::price::table::{Alias, Parts};
use std::collections::BTreeMap;

/// What rows may name.
pub(super) struct Known<'a> {
    pub(super) parts: &'a Parts,
    pub(super) bundled: Option<&'a Parts>,
    pub(super) exchanges: &'a BTreeMap<String, Exchange>,
}

/// How a row's amounts become prices.
#[derive(Clone, Copy)]
struct Money<'a> {
    exchange: Option<&'a Exchange>,
}

/// An amount as a price, pico-dollars a token.
impl Money<'_> {
    fn price(self, fields: &mut Fields<'_>, key: &'static str) -> Result<Option<u64>, TariffError> {
        let Some(amount) = fields.amount(key)? else { return Ok(None) };
        let price = amount.per_million_tokens(self.exchange.map(|exchange| exchange.rate));
        price.map(Some).ok_or_else(|| too_large(fields, key))
    }
}

fn too_large(fields: &Fields<'_>, key: &str) -> TariffError {
    fields.wrong(key, "is more than 1000000000 USD per million tokens: expected less".to_owned())
}

pub(super) fn terms(root: &mut Fields<'_>) -> Result<BTreeMap<String, Terms>, TariffError> {
    let mut all = BTreeMap::new();
    for (name, mut fields) in root.named("terms")? {
        let terms = terms_of(&mut fields, Terms::default(), Money { exchange: None })?;
        fields.source()?;
        fields.finish()?;
        all.insert(name, terms);
    }
    Ok(all)
}

/// The terms that a table states, over those it has already.
fn terms_of(fields: &mut Fields<'_>, base: Terms, money: Money<'_>) -> Result<Terms, TariffError> {
    let mut tiers = base.tiers;
    if let Some(mut inner) = fields.table("tiers")? {
        tiers = Tiers {
            batch: tier(&mut inner, "batch", money)?.or(tiers.batch),
            flex: tier(&mut inner, "flex", money)?.or(tiers.flex),
            priority: tier(&mut inner, "priority", money)?.or(tiers.priority),
            ultrafast: tier(&mut inner, "ultrafast", money)?.or(tiers.ultrafast),
        };
        inner.finish()?;
    }
    let long_context = match fields.table("long_context")? {
        None => base.long_context,
        Some(mut inner) => {
            let (above, input, output) =
                (inner.count("above_tokens")?, inner.factor("input")?, inner.factor("output")?);
            let long = LongContext {
                above_tokens: inner.required("above_tokens", above, "the longest prompt at the usual price, tokens")?,
                input: input.unwrap_or(Factor::ONE),
                output: output.unwrap_or(Factor::ONE),
            };
            inner.finish()?;
            Some(long)
        }
    };
    Ok(Terms { tiers, long_context, regional: fields.factor("regional")?.or(base.regional) })
}

fn tier(fields: &mut Fields<'_>, key: &'static str, money: Money<'_>) -> Result<Option<TierPrice>, TariffError> {
    if !fields.is_table(key) {
        return Ok(fields.factor(key)?.map(TierPrice::Times));
    }
    let Some(mut inner) = fields.table(key)? else { return Ok(None) };
    let rates = rates(&mut inner, money)?;
    inner.finish()?;
    Ok(Some(TierPrice::Own(rates)))
}

/// Amounts per million tokens.
fn rates(fields: &mut Fields<'_>, money: Money<'_>) -> Result<Rates, TariffError> {
    let input = money.price(fields, "input")?;
    let input_pico = fields.required("input", input, "the price of a million input tokens, such as \"0.15\"")?;
    let output = money.price(fields, "output")?;
    let output_pico = fields.required("output", output, "the price of a million output tokens, such as \"0.60\"")?;
    Ok(Rates {
        input_pico,
        cached_pico: money.price(fields, "cached_input")?.unwrap_or(input_pico),
        output_pico,
        cache_write_pico: money.price(fields, "cache_write")?,
        cache_write_long_pico: money.price(fields, "cache_write_long")?,
        reasoning_pico: money.price(fields, "reasoning")?,
        audio_input_pico: money.price(fields, "audio_input")?,
        image_input_pico: money.price(fields, "image_input")?,
        audio_output_pico: money.price(fields, "audio_output")?,
    })
}

/// The price of a token on a machine that is paid by the hour, and how it is told.
fn hourly(fields: &mut Fields<'_>, hour: Amount, money: Money<'_>) -> Result<Rates, TariffError> {
    let (gpus, utilisation) = (fields.factor("gpus")?, fields.factor("utilisation")?);
    let utilisation = utilisation.unwrap_or(Factor::ONE);
    if utilisation > Factor::ONE {
        return Err(fields.wrong("utilisation", format!("is {utilisation}: expected a share of at most 1")));
    }
    let machine = Machine { gpus: gpus.unwrap_or(Factor::ONE), utilisation };
    let mut price = |key: &'static str| -> Result<Option<u64>, TariffError> {
        let Some(tokens) = fields.count(key)? else { return Ok(None) };
        let pico = hour.per_gpu_hour(machine, tokens, money.exchange.map(|exchange| exchange.rate));
        pico.map(Some).ok_or_else(|| too_large(fields, key))
    };
    let (input, cached) = (price("input_tokens_per_hour")?, price("cached_tokens_per_hour")?);
    let output = price("output_tokens_per_hour")?;
    let expected = "tokens that the machine does in an hour in which it does nothing else";
    let input_pico = fields.required("input_tokens_per_hour", input, expected)?;
    let output_pico = fields.required("output_tokens_per_hour", output, expected)?;
    Ok(Rates {
        input_pico,
        cached_pico: cached.unwrap_or(input_pico),
        output_pico,
        cache_write_pico: None,
        cache_write_long_pico: None,
        reasoning_pico: None,
        audio_input_pico: None,
        image_input_pico: None,
        audio_output_pico: None,
    })
}

pub(super) fn options(root: &mut Fields<'_>) -> Result<BTreeMap<String, Options>, TariffError> {
    let mut all = BTreeMap::new();
    for (name, mut fields) in root.named("options")? {
        let regional = fields.flag("regional")?;
        let cache_lifetime = match fields.text("cache_lifetime")? {
            None | Some("short") => CacheLifetime::Short,
            Some("long") => CacheLifetime::Long,
            Some(_) => {
                return Err(fields.wrong("cache_lifetime", "is unknown: expected \"short\" or \"long\"".to_owned()));
            }
        };
        fields.finish()?;
        all.insert(name, Options { regional, cache_lifetime });
    }
    Ok(all)
}

/// Rows, and the line of each.
pub(super) fn rows(root: &mut Fields<'_>, known: &Known<'_>) -> Result<(Vec<Row>, Vec<u64>), TariffError> {
    let (mut rows, mut lines) = (Vec::new(), Vec::new());
    for mut fields in root.repeated("prices", ROWS_MAX)? {
        rows.push(row(&mut fields, known)?);
        lines.push(fields.line());
        fields.finish()?;
    }
    Ok((rows, lines))
}

fn row(fields: &mut Fields<'_>, known: &Known<'_>) -> Result<Row, TariffError> {
    let provider = fields.name("provider", "the provider's kind: \"openai\", \"deepseek\" or \"compatible\"")?;
    let model = fields.name("model", "the model's name as the provider's answers say it")?;
    let (valid_from_us, valid_until_us) = validity(fields, "valid_from", "valid_until")?;
    let period = fields.text("period")?.map(str::to_owned);
    let has_period = |parts: &Parts| period.as_ref().is_none_or(|period| parts.periods.contains_key(period));
    if !has_period(known.parts) && !known.bundled.is_some_and(has_period) {
        let unknown = period.unwrap_or_default();
        let message = format!("is `{unknown}`, which is not defined: add [periods.{unknown}], or correct the name");
        return Err(fields.wrong("period", message));
    }
    let money = Money { exchange: exchange(fields, known)? };
    let (rates, of_hour) = match fields.amount("per_gpu_hour")? {
        None => (rates(fields, money)?, None),
        Some(hour) => (hourly(fields, hour, money)?, fields.text("per_gpu_hour").ok().flatten()),
    };
    let of_hour = of_hour.map(|amount| format!("{amount} per GPU hour"));
    let told = of_hour.into_iter().chain(money.exchange.map(|exchange| exchange.told.clone()));
    let told: Vec<String> = told.collect();
    let base = named_terms(fields, known)?;
    let terms = terms_of(fields, base, money)?;
    Ok(Row {
        provider,
        model,
        period,
        valid_from_us,
        valid_until_us,
        rates,
        tiers: terms.tiers,
        long_context: terms.long_context,
        regional: terms.regional,
        options: Options::default(),
        computed_from: (!told.is_empty()).then(|| told.join(", ")),
        checked_us: checked(fields, known, money)?,
        mark: fields.mark()?,
        source: fields.source()?,
    })
}

/// When a price was last compared: no later than the rate that it was converted at.
fn checked(fields: &mut Fields<'_>, known: &Known<'_>, money: Money<'_>) -> Result<i64, TariffError> {
    let own = fields.day("checked")?.map(|(day, _)| day.saturating_mul(86_400_000_000));
    let checked_us = own.unwrap_or(known.parts.checked_us);
    Ok(money.exchange.map_or(checked_us, |exchange| checked_us.min(exchange.day_us)))
}

fn named_terms(fields: &mut Fields<'_>, known: &Known<'_>) -> Result<Terms, TariffError> {
    let Some(name) = fields.text("terms")? else { return Ok(Terms::default()) };
    let bundled = known.bundled.and_then(|bundled| bundled.terms.get(name));
    known.parts.terms.get(name).or(bundled).copied().ok_or_else(|| {
        fields.wrong("terms", format!("is `{name}`, which is not defined: add [terms.{name}], or correct the name"))
    })
}

fn exchange<'a>(fields: &mut Fields<'_>, known: &Known<'a>) -> Result<Option<&'a Exchange>, TariffError> {
    match fields.text("currency")? {
        None => Ok(None),
        Some(super::CURRENCY) => Ok(None),
        Some(name) => known.exchanges.get(name).map(Some).ok_or_else(|| {
            fields.wrong(
                "currency",
                format!("is `{name}`, whose rate is not stated: add [exchange.{name}] with rate, day and source"),
            )
        }),
    }
}

/// First instant and the first one after.
fn validity(
    fields: &mut Fields<'_>,
    from: &'static str,
    until: &'static str,
) -> Result<(i64, Option<i64>), TariffError> {
    let (from_us, until_us) = (fields.instant(from)?, fields.instant(until)?);
    let from_us = fields.required(from, from_us, "the first instant, such as 2026-09-10T04:00:00Z")?;
    if until_us.is_some_and(|until_us| until_us <= from_us) {
        let message = format!("is not after `{from}`: expected the first instant that is out again");
        return Err(fields.wrong(until, message));
    }
    Ok((from_us, until_us))
}

/// Aliases, and the line of each.
pub(super) fn aliases(root: &mut Fields<'_>) -> Result<(Vec<Alias>, Vec<u64>), TariffError> {
    let (mut aliases, mut lines) = (Vec::new(), Vec::new());
    for mut fields in root.repeated("aliases", ALIASES_MAX)? {
        let provider = fields.name("provider", "the provider's kind: \"openai\", \"deepseek\" or \"compatible\"")?;
        let alias = fields.name("alias", "the name that is not the model's own")?;
        let model = fields.name("model", "the model that answers to it")?;
        let (from_us, until_us) = validity(&mut fields, "from", "until")?;
        let alias = Alias { provider, alias, model, from_us, until_us, mark: fields.mark()?, source: fields.source()? };
        aliases.push(alias);
        lines.push(fields.line());
        fields.finish()?;
    }
    Ok((aliases, lines))
}
