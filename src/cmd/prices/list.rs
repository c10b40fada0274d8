//! `weighbridge prices list`.

use super::show::{Shown, ShownTier, current, instant};
use crate::args;
use crate::lines::paragraph;
use crate::outcome::{Exit, Failure};
use crate::render;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use wire::price::{Row, Tariffs};

/// Name and version of the JSON.
const SCHEMA: &str = "weighbridge.prices/1";
/// Now is told to the second.
const SECOND_US: i64 = 1_000_000;

/// What is listed, as JSON.
#[derive(Debug, Serialize)]
struct Listing {
    schema: &'static str,
    /// The instant that is asked about.
    at: String,
    /// Amounts are in it, per million tokens.
    currency: &'static str,
    /// When the table was last compared with its sources.
    checked: String,
    /// SHA-256 of the table's text; of both, where one lies over the other.
    digest: String,
    prices: Vec<Shown>,
    aliases: Vec<ShownAlias>,
}

/// Another name of a model.
#[derive(Debug, Serialize)]
struct ShownAlias {
    provider: String,
    alias: String,
    model: String,
    from: String,
    until: Option<String>,
    source: String,
}

pub(super) fn run(args: &args::PricesList, now_us: i64) -> Result<Exit, Failure> {
    let at_us =
        args.at.as_deref().map_or(Ok(now_us - now_us.rem_euclid(SECOND_US)), |text| super::instant_us("--at", text))?;
    let tariffs = args.prices.tariffs()?;
    let listing = listing(&tariffs, args, at_us);
    if args.json {
        render::result(&super::json(&listing)?);
    } else {
        render::result(&text(&listing, args.model.is_some()));
    }
    if listing.prices.is_empty() {
        return Err(Failure::usage("there is no such price: `weighbridge prices list --all` shows every one"));
    }
    Ok(Exit::Done)
}

fn listing(tariffs: &Tariffs, args: &args::PricesList, at_us: i64) -> Listing {
    let takes = |provider: &str, name: &str| {
        args.provider.as_deref().is_none_or(|wanted| wanted == provider)
            && args.model.as_deref().is_none_or(|wanted| is_like(wanted, name))
    };
    let aliases: Vec<_> = tariffs
        .aliases()
        .iter()
        .filter(|alias| takes(&alias.provider, &alias.alias))
        .filter(|alias| args.all || (alias.from_us <= at_us && alias.until_us.is_none_or(|until_us| at_us < until_us)))
        .collect();
    // Who asks for another name of a model wants its price.
    let is_meant = |row: &Row| {
        takes(&row.provider, &row.model)
            || aliases.iter().any(|alias| alias.provider == row.provider && alias.model == row.model)
    };
    let rows = if args.all { tariffs.rows().iter().collect() } else { current(tariffs, at_us) };
    let mut rows: Vec<&Row> = rows.into_iter().filter(|row| is_meant(row)).collect();
    rows.sort_by(|a, b| {
        let key = |row: &Row| (row.provider != "openai", row.provider.clone(), row.model.clone());
        key(a).cmp(&key(b)).then(b.valid_from_us.cmp(&a.valid_from_us)).then(b.period.cmp(&a.period))
    });
    Listing {
        schema: SCHEMA,
        at: instant(at_us),
        currency: tariffs.currency(),
        checked: instant(tariffs.checked_us()),
        digest: tariffs.digest().to_owned(),
        prices: rows.into_iter().map(|row| Shown::new(row, tariffs, at_us, args.stale_after)).collect(),
        aliases: aliases
            .into_iter()
            .map(|alias| ShownAlias {
                provider: alias.provider.clone(),
                alias: alias.alias.clone(),
                model: alias.model.clone(),
                from: instant(alias.from_us),
                until: alias.until_us.map(instant),
                source: alias.source.clone(),
            })
            .collect(),
    }
}

/// A name, or the beginning of one with a star behind it.
fn is_like(wanted: &str, name: &str) -> bool {
    wanted.strip_suffix('*').map_or(wanted == name, |beginning| name.starts_with(beginning))
}

/// One line a price, by provider; below it what else there is to say, if `details` are wanted.
fn text(listing: &Listing, details: bool) -> String {
    let head = format!(
        "{} per million tokens at {}; the table was checked on {}.",
        listing.currency, listing.at, listing.checked
    );
    let mut text = paragraph(&head, 0);
    let heading = ["", "model", "hours", "input", "cached", "output", "since"].map(str::to_owned);
    let mut lines = vec![heading.to_vec()];
    lines.extend(listing.prices.iter().map(|price| cells(price, listing)));
    let table = aligned(&lines);
    let mut rows = table.lines();
    let heading = rows.next().unwrap_or_default();
    let mut provider = "";
    // Writing into a string cannot fail, here and below.
    for (row, price) in rows.zip(&listing.prices) {
        if price.provider != provider {
            provider = &price.provider;
            _ = writeln!(text, "\n{provider}\n{heading}");
        }
        _ = writeln!(text, "{row}");
        if details {
            text.push_str(&detail(price));
        } else if let Some(until) = &price.valid_until {
            _ = writeln!(text, "     until {until}");
        }
    }
    for alias in &listing.aliases {
        let until = alias.until.as_deref().map(|until| format!(" to {until}")).unwrap_or_default();
        let told = format!("{} is another name of {}, since {}{until}.", alias.alias, alias.model, alias.from);
        text.push_str(&paragraph(&told, 0));
    }
    text.push_str(&legend(listing, details));
    text
}

/// A line of the table.
fn cells(price: &Shown, listing: &Listing) -> Vec<String> {
    let is_of_model = |other: &&Shown| other.model == price.model && other.provider == price.provider;
    let has_hours = listing.prices.iter().filter(is_of_model).any(|other| other.period.is_some());
    // The provider stands above, so `deepseek-peak` is its peak.
    let short = |period: &str| period.strip_prefix(&format!("{}-", price.provider)).unwrap_or(period).to_owned();
    let hours = price.period.as_deref().map_or_else(|| if has_hours { "other" } else { "" }.to_owned(), short);
    let (force, mark) = (if price.in_force { '*' } else { ' ' }, if price.doubts.is_empty() { ' ' } else { '!' });
    let [input, cached, output] = ["input", "cached_input", "output"].map(|name| price.amount(name).to_owned());
    let since = price.valid_from.split('T').next().unwrap_or_default().to_owned();
    vec![format!("{force}{mark}"), price.model.clone(), hours, input, cached, output, since]
}

/// What the signs mean, as far as there are any, and the doubts.
fn legend(listing: &Listing, details: bool) -> String {
    let mut text = String::from("\n");
    let timed = listing.prices.iter().any(|price| price.period.is_some());
    if timed || listing.prices.iter().any(|price| !price.in_force) {
        text.push_str("* prices a call of this instant\n");
    }
    let mut doubts: Vec<&str> = Vec::new();
    for doubt in listing.prices.iter().flat_map(|price| &price.doubts) {
        if !doubts.contains(&doubt.as_str()) {
            doubts.push(doubt);
        }
    }
    match doubts.len() {
        0 => {}
        1.. if details => text.push_str("! doubtful, see above\n"),
        _ => {
            text.push_str("! doubtful:\n");
            doubts.iter().for_each(|doubt| text.push_str(&paragraph(doubt, 2)));
        }
    }
    text
}

/// Tiers, parts, thresholds and where it was read.
fn detail(price: &Shown) -> String {
    const INDENT: usize = 5;
    let mut said = Vec::new();
    let usual = ["input", "cached_input", "output"];
    let of = |amounts: &BTreeMap<&'static str, String>| {
        let amounts = amounts.iter().map(|(name, amount)| format!("{} {amount}", name.replace('_', " ")));
        amounts.collect::<Vec<_>>().join(", ")
    };
    let parts: BTreeMap<_, _> = price
        .amounts
        .iter()
        .filter(|(name, _)| !usual.contains(name))
        .map(|(name, text)| (*name, text.clone()))
        .collect();
    if !parts.is_empty() {
        said.push(of(&parts));
    }
    let tiers = price.tiers.iter().map(|(name, tier)| match tier {
        ShownTier::Times(factor) => format!("{name} x{factor}"),
        ShownTier::Amounts(amounts) => format!("{name}: {}", of(amounts)),
    });
    let tiers: Vec<String> = tiers.collect();
    if !tiers.is_empty() {
        said.push(format!("tiers: {}", tiers.join(", ")));
    }
    if let Some(long) = &price.long_context {
        said.push(format!(
            "above {} prompt tokens: input x{}, output x{}",
            long.above_tokens, long.input_times, long.output_times
        ));
    }
    said.extend(price.regional.as_ref().map(|factor| format!("in one region: x{factor}")));
    said.extend(price.computed_from.as_ref().map(|from| format!("computed from {from}")));
    let until = price.valid_until.as_ref().map(|until| format!(" to {until}")).unwrap_or_default();
    said.push(format!("from {}{until}; checked on {}", price.valid_from, price.checked));
    said.push(format!("source: {}", price.source));
    said.extend(price.doubts.iter().map(|doubt| format!("! {doubt}")));
    said.iter().map(|line| paragraph(line, INDENT)).collect()
}

/// Columns as wide as their widest cell; amounts stand right.
fn aligned(lines: &[Vec<String>]) -> String {
    let columns = lines.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| lines.iter().filter_map(|line| line.get(column)).map(|cell| cell.chars().count()).max();
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
    let mut text = String::new();
    for line in lines {
        let cells = line.iter().zip(&widths).enumerate().map(|(column, (cell, width))| {
            if (3..6).contains(&column) { format!("{cell:>width$}") } else { format!("{cell:<width$}") }
        });
        text.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests;
