//! Reading a price table from TOML.
//!
//! The text is read by hand from its spans and not by derived deserialisers, so that each mistake is named with its line,
//! its field, what was expected and what to do. The first mistake ends the reading.

mod check;
mod clocks;
mod fields;
mod prices;

use super::TariffError;
use super::amount::Rate;
use super::table::Parts;
use fields::{Document, Fields};
use std::collections::BTreeMap;

/// The form of the text.
const SCHEMA: &str = "weighbridge.tariffs/1";

/// The one reporting currency.
pub(super) const CURRENCY: &str = "USD";

/// The most rows of a table.
const ROWS_MAX: usize = 20_000;

/// The most aliases of a table.
const ALIASES_MAX: usize = 2_000;

/// A currency's rate, and how it is told.
struct Exchange {
    rate: Rate,
    day_us: i64,
    told: String,
}

/// Reads the parts of a table; names that it does not define may be those of `bundled`.
pub(super) fn parts(text: &str, bundled: Option<&Parts>) -> Result<Parts, TariffError> {
    let document = Document::parse(text)?;
    let mut root = document.root();
    header(&mut root)?;
    let checked_us = root.day("checked")?.map(|(day, _)| day.saturating_mul(86_400_000_000));
    let checked_us =
        root.required("checked", checked_us, "the day on which the prices were last compared, such as 2026-11-22")?;
    let mut parts = Parts { checked_us, ..Parts::default() };
    parts.calendars = clocks::calendars(&mut root)?;
    parts.periods = clocks::periods(&mut root, &parts.calendars, bundled)?;
    parts.terms = prices::terms(&mut root)?;
    parts.options = prices::options(&mut root)?;
    let exchanges = exchanges(&mut root)?;
    let known = prices::Known { parts: &parts, bundled, exchanges: &exchanges };
    let (rows, row_lines) = prices::rows(&mut root, &known)?;
    let (aliases, alias_lines) = prices::aliases(&mut root)?;
    root.finish()?;
    parts.rows = rows;
    parts.aliases = aliases;
    check::rows(&parts, bundled, &row_lines)?;
    check::aliases(&parts, &alias_lines)?;
    Ok(parts)
}

fn header(root: &mut Fields<'_>) -> Result<(), TariffError> {
    let schema = root.text("schema")?;
    let schema = root.required("schema", schema, &format!("\"{SCHEMA}\""))?;
    if schema != SCHEMA {
        return Err(root.wrong("schema", format!("is `{schema}`: this version reads \"{SCHEMA}\"")));
    }
    let currency = root.text("currency")?;
    let currency = root.required("currency", currency, &format!("\"{CURRENCY}\""))?;
    if currency != CURRENCY {
        return Err(root.wrong(
            "currency",
            format!(
                "is `{currency}`: all money is reported in {CURRENCY}; keep \"{CURRENCY}\" here, give the rows `currency = \
                 \"{currency}\"`, and state the rate in [exchange.{currency}]"
            ),
        ));
    }
    Ok(())
}

fn exchanges(root: &mut Fields<'_>) -> Result<BTreeMap<String, Exchange>, TariffError> {
    let mut all = BTreeMap::new();
    for (name, mut fields) in root.named("exchange")? {
        let text = fields.text("rate")?;
        let expected = format!("what one {name} is worth in {CURRENCY}, such as \"0.1405\"");
        let text = fields.required("rate", text, &expected)?;
        let rate = Rate::parse(text).ok_or_else(|| {
            fields.wrong("rate", format!("is `{text}`: expected {expected}, above 0 and with at most eight decimals"))
        })?;
        let day = fields.day("day")?;
        let (number, day) = fields.required("day", day, "the day of the rate, such as 2026-11-20")?;
        let source = fields.source()?;
        fields.finish()?;
        let told = format!("{name} at {text} {CURRENCY} of {day} ({source})");
        all.insert(name, Exchange { rate, day_us: number.saturating_mul(86_400_000_000), told });
    }
    Ok(all)
}
