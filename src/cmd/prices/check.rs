//! `weighbridge prices check`: an own table before it prices anything.

use super::show::{amount, instant};
use crate::args;
use crate::cmd::import;
use crate::cmd::records::source::{Record, Source};
use crate::lines::paragraph;
use crate::outcome::{Exit, Failure};
use crate::prices::own;
use crate::render;
use bill::project::DATED_FROM_US;
use datasets::LoggedRequest;
use datasets::import::ImportOptions;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use wire::price::{Call, Row, Tariffs, Tier};
use wire::{Usage, UsageSource};

/// Name and version of the JSON.
const SCHEMA: &str = "weighbridge.prices-check/1";
/// Models of a log that are told apart; the calls of any more count together.
const MODELS_MAX: usize = 10_000;
/// What stands for models beyond the bound.
const OTHER: &str = "other";

/// The findings.
#[derive(Debug, Default, PartialEq, Serialize)]
struct Check {
    schema: &'static str,
    /// The table is right, and no model of the log is without a price.
    good: bool,
    prices: usize,
    aliases: usize,
    /// Bundled prices that are not used any more.
    overrides: Vec<Override>,
    /// What is surely not meant, or doubtful; a sentence each.
    warnings: Vec<String>,
    /// Models of the log that have no price when they were called.
    unpriced: Vec<Unpriced>,
    /// Calls in the log, and those that have a price.
    calls: u64,
    priced_calls: u64,
}

/// A price that replaces bundled ones.
#[derive(Debug, PartialEq, Serialize)]
struct Override {
    provider: String,
    model: String,
    from: String,
    /// Input, cached input and output of before, dollars per million tokens; `null` where the bundled table has none then.
    before: Option<[String; 3]>,
    now: [String; 3],
    /// Bundled prices that begin later and are hidden as well.
    later_hidden: usize,
}

/// A model without a price in a service tier.
#[derive(Debug, PartialEq, Serialize)]
struct Unpriced {
    provider: String,
    model: String,
    tier: Tier,
    calls: u64,
    first: String,
    last: String,
}

pub(super) fn run(args: &args::PricesCheck, now_us: i64) -> Result<Exit, Failure> {
    let own = own(&args.file)?;
    let bundled = Tariffs::embedded().map_err(|error| Failure { exit: Exit::Bug, message: error.to_string() })?;
    let mut check = of_table(&own, &bundled, now_us, args.stale_after);
    let mut calls = Calls { tariffs: bundled.overlaid_by(own), now_us, all: 0, priced: 0, missing: BTreeMap::new() };
    read(args, &mut calls)?;
    (check.calls, check.priced_calls) = (calls.all, calls.priced);
    check.unpriced = calls.unpriced();
    check.good = check.unpriced.is_empty();
    render::result(&if args.json { super::json(&check)? } else { text(&check, args) });
    Ok(if check.good { Exit::Done } else { Exit::Usage })
}

fn three(row: &Row) -> [String; 3] {
    [row.rates.input_pico, row.rates.cached_pico, row.rates.output_pico].map(amount)
}

/// What the table says beside the bundled one.
fn of_table(own: &Tariffs, bundled: &Tariffs, now_us: i64, stale_after_days: u32) -> Check {
    let mut first: BTreeMap<(&str, &str), &Row> = BTreeMap::new();
    for row in own.rows() {
        let begins = first.entry((&row.provider, &row.model)).or_insert(row);
        if (row.valid_from_us, row.period.is_some()) < (begins.valid_from_us, begins.period.is_some()) {
            *begins = row;
        }
    }
    let overrides = first.values().filter_map(|row| overridden(row, bundled)).collect();
    let mut warnings: Vec<String> =
        own.stale(now_us, stale_after_days).into_iter().map(|stale| stale.sentence).collect();
    warnings.extend(own.strangers());
    let all = bundled.clone().overlaid_by(own.clone());
    // What has ended already is told as doubtful above.
    let runs = |row: &&&Row| row.valid_until_us.is_none_or(|until_us| until_us > now_us);
    warnings.extend(first.values().filter(runs).flat_map(|row| super::gaps::of(row, &all, bundled)));
    let begins = |row: &&Row| row.valid_from_us > now_us;
    for row in first.into_values().filter(begins) {
        let at = instant(row.valid_from_us);
        warnings.push(format!("The price of {} at {} begins only at {at}.", row.model, row.provider));
    }
    Check {
        schema: SCHEMA,
        prices: own.rows().len(),
        aliases: own.aliases().len(),
        overrides,
        warnings,
        ..Check::default()
    }
}

/// What a model's first own price replaces; `None` if the bundled table does not know the model from then on.
fn overridden(row: &Row, bundled: &Tariffs) -> Option<Override> {
    let before = bundled.find(&row.provider, &row.model, row.valid_from_us);
    let is_later = |other: &&Row| {
        other.provider == row.provider && other.model == row.model && other.valid_from_us > row.valid_from_us
    };
    let later_hidden = bundled.rows().iter().filter(is_later).count();
    (before.is_some() || later_hidden > 0).then(|| Override {
        provider: row.provider.clone(),
        model: row.model.clone(),
        from: instant(row.valid_from_us),
        before: before.map(three),
        now: three(row),
        later_hidden,
    })
}

/// Calls of a log, by whether they have a price.
struct Calls {
    tariffs: Tariffs,
    now_us: i64,
    all: u64,
    priced: u64,
    /// By provider, model and service tier: calls, the first and the last one.
    missing: BTreeMap<(String, String, Tier), (u64, i64, i64)>,
}

impl Calls {
    /// Has a price what a bill would price, by the same rule; a call whose tokens are not known has the price of none.
    fn add(&mut self, call: &Call<'_>, usage: Option<&Usage>) {
        self.all += 1;
        let usage = usage.copied().unwrap_or_else(|| Usage::new(0, 0, UsageSource::Estimate));
        if self.tariffs.price(call, &usage).is_some() {
            self.priced += 1;
            return;
        }
        let at_us = call.sent_us;
        let mut key = (call.provider.to_owned(), call.asked.to_owned(), call.tier);
        if self.missing.len() >= MODELS_MAX && !self.missing.contains_key(&key) {
            key = (OTHER.to_owned(), OTHER.to_owned(), Tier::Standard);
        }
        let (calls, first, last) = self.missing.entry(key).or_insert((0, at_us, at_us));
        (*calls, *first, *last) = (*calls + 1, at_us.min(*first), at_us.max(*last));
    }

    /// A logged request, as the provider that is meant would price it. One without a time, or with one that counts from the
    /// start of its log, is one of now. The tier is the one that it was answered in, else the one that it asks for.
    fn add_logged(&mut self, row: &LoggedRequest, provider: &str, untimed: bool) {
        let body: Body = serde_json::from_str(row.body.get()).unwrap_or_default();
        let asked_tier = || body.service_tier.as_str().map(Tier::of_answer).unwrap_or_default();
        let tier = row.recorded.as_ref().map_or_else(asked_tier, |recorded| recorded.tier);
        let sent_us = if untimed || row.at_us < DATED_FROM_US { self.now_us } else { row.at_us };
        let usage = row.recorded.as_ref().and_then(|recorded| recorded.usage);
        self.add(&Call { provider, asked: &body.model, answered: None, sent_us, tier }, usage.as_ref());
    }

    /// The most calls first.
    fn unpriced(self) -> Vec<Unpriced> {
        let row = |((provider, model, tier), (calls, first, last))| Unpriced {
            provider,
            model,
            tier,
            calls,
            first: instant(first),
            last: instant(last),
        };
        let mut rows: Vec<Unpriced> = self.missing.into_iter().map(row).collect();
        rows.sort_by_key(|row| std::cmp::Reverse(row.calls));
        rows
    }
}

fn read(args: &args::PricesCheck, calls: &mut Calls) -> Result<(), Failure> {
    for path in &args.log {
        if let Ok(mut source) = Source::open(path) {
            let untimed = source.header().untimed;
            while let Some(record) = source.next_whole() {
                match record? {
                    Record::Exchange(row) => calls.add(
                        &Call {
                            provider: &row.provider,
                            asked: &row.model,
                            answered: row.model_answered.as_deref(),
                            sent_us: row.sent_us,
                            tier: row.tier,
                        },
                        row.usage.as_ref(),
                    ),
                    Record::Request(row) => calls.add_logged(&row, &args.provider, untimed),
                    Record::Label(_) => {
                        let shown = path.display();
                        return Err(Failure::usage(format!("{shown} holds labels, which name no model: name a log")));
                    }
                }
            }
            continue;
        }
        let options: ImportOptions = import::options(&args.from)?;
        let mut log = datasets::import::open(std::slice::from_ref(path), options).map_err(import::failure)?;
        while let Some(row) = log.next() {
            let row = row.map_err(import::failure)?;
            calls.add_logged(&row, &args.provider, log.is_untimed());
        }
    }
    Ok(())
}

/// What a request asks for; empty if it names nothing.
#[derive(Default, serde::Deserialize)]
struct Body {
    #[serde(default)]
    model: String,
    #[serde(default)]
    service_tier: serde_json::Value,
}

fn text(check: &Check, args: &args::PricesCheck) -> String {
    let mut text = format!(
        "{}: {} prices and {} aliases, all of the right form.\n",
        args.file.display(),
        check.prices,
        check.aliases
    );
    if !check.overrides.is_empty() {
        text.push_str("\nReplaces bundled prices (input / cached / output, USD per million tokens):\n");
    }
    for one in &check.overrides {
        let before = one.before.as_ref().map_or_else(|| "no price".to_owned(), |before| before.join(" / "));
        let now = one.now.join(" / ");
        // Writing into a string cannot fail, here and below.
        _ = writeln!(text, "  {} at {}, from {}:\n    {before}  ->  {now}", one.model, one.provider, one.from);
        if one.later_hidden > 0 {
            let hidden = format!("{} bundled prices that begin later are not used either.", one.later_hidden);
            text.push_str(&paragraph(&hidden, 4));
        }
    }
    if !check.warnings.is_empty() {
        text.push_str("\nTo look at:\n");
        check.warnings.iter().for_each(|warning| text.push_str(&paragraph(warning, 2)));
    }
    if !args.log.is_empty() {
        _ = writeln!(text, "\n{} of {} calls in the log have a price.", check.priced_calls, check.calls);
    }
    for one in &check.unpriced {
        let tier = if one.tier == Tier::Standard { String::new() } else { format!(" in the tier {:?}", one.tier) };
        let model = render::name(&one.model);
        let told = format!(
            "No price: {model} at {}{}, {} calls, {} to {}.",
            render::name(&one.provider),
            tier.to_lowercase(),
            one.calls,
            one.first,
            one.last
        );
        text.push_str(&paragraph(&told, 2));
    }
    text
}

#[cfg(test)]
mod tests;
