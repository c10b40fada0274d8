//! `weighbridge prices set`: one price into a table of one's own.
//!
//! The text is edited, not written anew: comments, order and everything that the command does not know stay. The new text is
//! read as every other table is before it replaces the old one, so a file that was right cannot become wrong.

use super::show::{amount, instant};
use crate::args::{self, Amounts, Machine};
use crate::lines::paragraph;
use crate::outcome::{Exit, Failure};
use crate::render;
use std::path::Path;
use toml_edit::{ArrayOfTables, DocumentMut, Item, Table, value};
use wire::price::{Row, Tariffs};

/// Fields of a price in amounts per million tokens, and of one by the hour of a machine: each rules the other out.
const OF_AMOUNTS: [&str; 9] = [
    "input",
    "cached_input",
    "output",
    "cache_write",
    "cache_write_long",
    "reasoning",
    "audio_input",
    "image_input",
    "audio_output",
];
/// Fields that say what the amounts of a row are, and that the command has no option for: a row that is replaced may not
/// keep them, because they belong to the amounts of before.
const NOT_SET: [&str; 7] =
    ["currency", "cache_write", "cache_write_long", "reasoning", "audio_input", "image_input", "audio_output"];
const OF_MACHINES: [&str; 6] = [
    "per_gpu_hour",
    "gpus",
    "utilisation",
    "input_tokens_per_hour",
    "cached_tokens_per_hour",
    "output_tokens_per_hour",
];

pub(super) fn run(args: &args::PricesSet, now_us: i64) -> Result<Exit, Failure> {
    let shown = args.file.display();
    let before = match std::fs::read_to_string(&args.file) {
        Ok(text) => Some(text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => return Err(Failure::usage(format!("cannot read {shown}: {error}; check --file"))),
    };
    let price = Price::new(args, now_us)?;
    let text = edited(before.as_deref(), &price, &args.file)?;
    let tariffs = Tariffs::parse(&text)
        .map_err(|error| Failure::usage(format!("{shown} would not be right, so nothing was written: {error}")))?;
    datasets::file::write_whole(&args.file, text.as_bytes()).map_err(Failure::world)?;
    let bundled = Tariffs::embedded().map_err(|error| Failure { exit: Exit::Bug, message: error.to_string() })?;
    if let Some(row) = tariffs.rows().iter().find(|row| price.is_of(row)) {
        render::result(&told(row));
        let all = bundled.clone().overlaid_by(tariffs.clone());
        super::gaps::of(row, &all, &bundled).iter().for_each(|gap| render::note(paragraph(gap, 0).trim_end()));
    }
    let made = if before.is_none() { "made" } else { "written" };
    render::note(&format!(
        "{made}  {shown}; use it with --prices, WEIGHBRIDGE_PRICES, or [prices] file in the gateway"
    ));
    Ok(Exit::Done)
}

/// What is to be written.
struct Price<'a> {
    provider: &'a str,
    model: &'a str,
    period: Option<&'a str>,
    from_us: i64,
    until_us: Option<i64>,
    amounts: &'a Amounts,
    machine: &'a Machine,
    source: String,
    today: String,
}

impl<'a> Price<'a> {
    fn new(args: &'a args::PricesSet, now_us: i64) -> Result<Self, Failure> {
        const DAY_US: i64 = 86_400_000_000;
        let today_us = now_us.div_euclid(DAY_US).saturating_mul(DAY_US);
        let today = instant(today_us);
        let from_us = args.from.as_deref().map_or(Ok(today_us), |text| super::instant_us("--from", text))?;
        let until_us = args.until.as_deref().map(|text| super::instant_us("--until", text)).transpose()?;
        if until_us.is_some_and(|until_us| until_us <= from_us) {
            return Err(Failure::usage(
                "--until is not after --from: name the first instant at which the price is over",
            ));
        }
        Ok(Self {
            provider: &args.provider,
            model: &args.model,
            period: args.period.as_deref(),
            from_us,
            until_us,
            amounts: &args.amounts,
            machine: &args.machine,
            source: args.source.clone().unwrap_or_else(|| format!("set by hand on {today}")),
            today,
        })
    }

    fn is_of(&self, row: &Row) -> bool {
        let Row { provider, model, period, valid_from_us, .. } = row;
        provider == self.provider
            && model == self.model
            && period.as_deref() == self.period
            && *valid_from_us == self.from_us
    }

    /// Whether a table of the document is the price that is to be replaced.
    fn stands_in(&self, table: &Table) -> bool {
        let text = |key: &str| table.get(key).and_then(Item::as_str);
        let from = table.get("valid_from").and_then(Item::as_datetime).map(ToString::to_string);
        text("provider") == Some(self.provider)
            && text("model") == Some(self.model)
            && text("period") == self.period
            && from.and_then(|from| super::instant_us("valid_from", &from).ok()) == Some(self.from_us)
    }

    /// What the price that is to be replaced states beside what the command sets.
    fn left_over(&self, table: &Table) -> Vec<&'static str> {
        // A machine's price takes the place of all amounts.
        let by_hour = self.machine.per_gpu_hour.is_some();
        let stays = |key: &&str| table.contains_key(key) && !(by_hour && OF_AMOUNTS.contains(key));
        let own_amounts = |(_, tier): (&str, &Item)| tier.is_table_like();
        let tiers = table.get("tiers").and_then(Item::as_table_like).is_some_and(|tiers| tiers.iter().any(own_amounts));
        NOT_SET.into_iter().filter(stays).chain(tiers.then_some("tiers")).collect()
    }

    fn fill(&self, table: &mut Table) -> Result<(), Failure> {
        let mut set = |key: &str, new: Option<Item>| match new {
            // An old value keeps the comment that stands behind it.
            Some(Item::Value(mut new)) => {
                if let Some(old) = table.get(key).and_then(Item::as_value) {
                    *new.decor_mut() = old.decor().clone();
                }
                table.insert(key, Item::Value(new));
            }
            _ => drop(table.remove(key)),
        };
        let text = |text: &Option<String>| text.as_deref().map(value);
        set("provider", Some(value(self.provider)));
        set("model", Some(value(self.model)));
        set("period", self.period.map(value));
        set("valid_from", Some(datetime(self.from_us)?));
        set("valid_until", self.until_us.map(datetime).transpose()?);
        if self.machine.per_gpu_hour.is_some() {
            OF_AMOUNTS.iter().for_each(|key| set(key, None));
            set("per_gpu_hour", text(&self.machine.per_gpu_hour));
            set("gpus", text(&self.machine.gpus));
            set("utilisation", text(&self.machine.utilisation));
            set("input_tokens_per_hour", self.machine.input_tokens_per_hour.map(value));
            set("cached_tokens_per_hour", self.machine.cached_tokens_per_hour.map(value));
            set("output_tokens_per_hour", self.machine.output_tokens_per_hour.map(value));
        } else {
            OF_MACHINES.iter().for_each(|key| set(key, None));
            set("input", text(&self.amounts.input));
            set("cached_input", text(&self.amounts.cached));
            set("output", text(&self.amounts.output));
        }
        set("checked", Some(datetime(super::instant_us("checked", &self.today)?)?));
        set("source", Some(value(&self.source)));
        Ok(())
    }
}

/// The document with the price in it.
fn edited(before: Option<&str>, price: &Price<'_>, file: &Path) -> Result<String, Failure> {
    let begun = format!(
        "# Prices of our own, laid over those that come with weighbridge.\n\nschema = \"weighbridge.tariffs/1\"\ncurrency = \
         \"USD\"\nchecked = {}\n",
        price.today
    );
    let shown = file.display();
    let mut document: DocumentMut = before.unwrap_or(&begun).parse().map_err(|error: toml_edit::TomlError| {
        Failure::usage(format!("{shown} is not TOML: {}", error.to_string().trim_end()))
    })?;
    let prices = document.entry("prices").or_insert_with(|| Item::ArrayOfTables(ArrayOfTables::new()));
    let Some(prices) = prices.as_array_of_tables_mut() else {
        return Err(Failure::usage(format!(
            "{shown}: prices is no list of [[prices]] tables: write each price as one"
        )));
    };
    let place = prices.iter().position(|table| price.stands_in(table));
    match place.and_then(|place| prices.get_mut(place)) {
        Some(table) => {
            let left_over = price.left_over(table);
            if !left_over.is_empty() {
                return Err(Failure::usage(format!(
                    "{shown}: the price of {} at {} from {} states {}, too, which this command cannot set and which \
                     belongs to the amounts of before, so nothing was written: take it out or write the row by hand, or \
                     name another --from",
                    price.model,
                    price.provider,
                    instant(price.from_us),
                    left_over.join(", ")
                )));
            }
            price.fill(table)?;
        }
        None => {
            let mut table = Table::new();
            table.decor_mut().set_prefix("\n");
            price.fill(&mut table)?;
            prices.push(table);
        }
    }
    Ok(document.to_string())
}

/// An instant as TOML has it, or the day that it begins.
fn datetime(at_us: i64) -> Result<Item, Failure> {
    let text = instant(at_us);
    let parsed: Result<toml_edit::Datetime, _> = text.parse();
    parsed
        .map(value)
        .map_err(|_| Failure::usage(format!("{text} is no instant that a table can hold: name another one")))
}

/// What is in the file now, in amounts per million tokens.
fn told(row: &Row) -> String {
    let rates = &row.rates;
    let hours = row.period.as_deref().map(|period| format!(" in the hours of {period}")).unwrap_or_default();
    let until = row.valid_until_us.map(|until_us| format!(" to {}", instant(until_us))).unwrap_or_default();
    format!(
        "{} at {}{hours}, from {}{until}, USD per million tokens:\n  input {}, cached {}, output {}\n",
        row.model,
        row.provider,
        instant(row.valid_from_us),
        amount(rates.input_pico),
        amount(rates.cached_pico),
        amount(rates.output_pico)
    )
}

#[cfg(test)]
mod tests;
