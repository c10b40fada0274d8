//! A price table: what it says, and another one laid over it.

use super::lookup::{Entry, Target};
use super::period::{Calendar, Clock, Period};
use super::read;
use super::row::{Options, Row, Terms};
use super::stale::Mark;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, LazyLock};

static EMBEDDED: LazyLock<Result<Tariffs, TariffError>> =
    LazyLock::new(|| Tariffs::read(include_str!("tariffs.toml"), None));

/// What is wrong with a price table.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("price table, line {line}{}{field}: {message}", if field.is_empty() { "" } else { ", " })]
pub struct TariffError {
    /// Line in the text, from 1.
    pub line: u64,
    /// Path of the field, such as `prices.input`; empty if the text is not TOML.
    pub field: String,
    /// What was found, what was expected, and what to do.
    pub message: String,
}

/// Another name of a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alias {
    /// Provider name.
    pub provider: String,
    /// The name that is not the model's own.
    pub alias: String,
    /// The model that answers to it.
    pub model: String,
    /// First instant, microseconds since the Unix epoch.
    pub from_us: i64,
    /// First instant at which it is no name of the model any more, if that is known.
    pub until_us: Option<i64>,
    /// Whether it was read at its source.
    pub mark: Option<Mark>,
    /// Where it was read.
    pub source: String,
}

/// What a table says, before it is put in order.
#[derive(Debug, Clone, Default)]
pub(super) struct Parts {
    pub(super) checked_us: i64,
    pub(super) rows: Vec<Row>,
    pub(super) aliases: Vec<Alias>,
    pub(super) periods: BTreeMap<String, Period>,
    pub(super) calendars: BTreeMap<String, Calendar>,
    pub(super) terms: BTreeMap<String, Terms>,
    pub(super) options: BTreeMap<String, Options>,
}

/// A price table.
#[derive(Debug, Clone)]
pub struct Tariffs {
    /// What was read.
    pub(super) parts: Parts,
    /// What the table takes from the bundled one because it names it without defining it.
    borrowed: Borrowed,
    /// By provider and name, in the order in which they begin.
    pub(super) names: HashMap<String, HashMap<String, Vec<Entry>>>,
    digest: String,
}

/// Periods and calendars of another table.
#[derive(Debug, Clone, Default)]
pub(super) struct Borrowed {
    periods: BTreeMap<String, Period>,
    calendars: BTreeMap<String, Calendar>,
}

impl Tariffs {
    /// The table that comes with this version.
    ///
    /// # Errors
    /// Never in a released version: a test reads the embedded table.
    pub fn embedded() -> Result<Self, TariffError> {
        EMBEDDED.clone()
    }

    /// Reads a table. Periods, calendars and terms that it names without defining them are the bundled ones.
    ///
    /// # Errors
    /// Something is not of the form that the bundled table shows; the error names line and field.
    pub fn parse(text: &str) -> Result<Self, TariffError> {
        Self::read(text, Some(&EMBEDDED.as_ref().map_err(Clone::clone)?.parts))
    }

    fn read(text: &str, bundled: Option<&Parts>) -> Result<Self, TariffError> {
        let parts = read::parts(text, bundled)?;
        let borrowed = bundled.map_or_else(Borrowed::default, |bundled| Borrowed {
            periods: bundled.periods.clone(),
            calendars: bundled.calendars.clone(),
        });
        let digest = hex(&Sha256::digest(text.as_bytes()));
        Ok(Self::build(parts, borrowed, digest))
    }

    /// This table with another laid over it. A row or an alias of `own` replaces the bundled ones of its provider and name from
    /// its beginning on; periods, calendars and options replace those of their name.
    #[must_use]
    pub fn overlaid_by(self, own: Self) -> Self {
        let mut starts: HashMap<(String, String), i64> = HashMap::new();
        let rows = own.parts.rows.iter().map(|row| (&row.provider, &row.model, row.valid_from_us));
        let aliases = own.parts.aliases.iter().map(|alias| (&alias.provider, &alias.alias, alias.from_us));
        for (provider, name, from_us) in rows.chain(aliases) {
            let start = starts.entry((provider.clone(), name.clone())).or_insert(from_us);
            *start = (*start).min(from_us);
        }
        let cut = |provider: &String, name: &String, from_us: i64, until_us: &mut Option<i64>| {
            let Some(start) = starts.get(&(provider.clone(), name.clone())).copied() else { return true };
            *until_us = Some(until_us.map_or(start, |until| until.min(start)));
            from_us < start
        };
        let mut parts = self.parts;
        parts.rows.retain_mut(|row| cut(&row.provider, &row.model, row.valid_from_us, &mut row.valid_until_us));
        parts.aliases.retain_mut(|alias| cut(&alias.provider, &alias.alias, alias.from_us, &mut alias.until_us));
        parts.rows.extend(own.parts.rows);
        parts.aliases.extend(own.parts.aliases);
        parts.periods.extend(own.parts.periods);
        parts.calendars.extend(own.parts.calendars);
        parts.terms.extend(own.parts.terms);
        parts.options.extend(own.parts.options);
        parts.checked_us = parts.checked_us.min(own.parts.checked_us);
        let mut borrowed = self.borrowed;
        borrowed.periods.extend(own.borrowed.periods);
        borrowed.calendars.extend(own.borrowed.calendars);
        let digest = hex(&Sha256::digest(format!("{}\n{}", self.digest, own.digest).as_bytes()));
        Self::build(parts, borrowed, digest)
    }

    fn build(mut parts: Parts, borrowed: Borrowed, digest: String) -> Self {
        for row in &mut parts.rows {
            row.options = parts.options.get(&row.provider).copied().unwrap_or_default();
        }
        let clocks = clocks(&parts, &borrowed);
        let mut names: HashMap<String, HashMap<String, Vec<Entry>>> = HashMap::new();
        for (index, row) in parts.rows.iter().enumerate() {
            let clock = row.period.as_ref().and_then(|period| clocks.get(period.as_str())).cloned();
            let target = if clock.is_some() { Target::Timed(index) } else { Target::Row(index) };
            let entry = Entry { from_us: row.valid_from_us, until_us: row.valid_until_us, clock, target };
            names.entry(row.provider.clone()).or_default().entry(row.model.clone()).or_default().push(entry);
        }
        for (index, alias) in parts.aliases.iter().enumerate() {
            let (from_us, until_us) = (alias.from_us, alias.until_us);
            let entry = Entry { from_us, until_us, clock: None, target: Target::Alias(index) };
            names.entry(alias.provider.clone()).or_default().entry(alias.alias.clone()).or_default().push(entry);
        }
        for entries in names.values_mut().flat_map(HashMap::values_mut) {
            entries.sort_by_key(|entry| (entry.from_us, entry.target));
        }
        Self { parts, borrowed, names, digest }
    }

    /// All rows, in the order of the table; those of an own table come last.
    #[must_use]
    pub fn rows(&self) -> &[Row] {
        &self.parts.rows
    }

    /// All aliases, in the order of the table.
    #[must_use]
    pub fn aliases(&self) -> &[Alias] {
        &self.parts.aliases
    }

    /// The periods that rows may name, by name.
    #[must_use]
    pub const fn periods(&self) -> &BTreeMap<String, Period> {
        &self.parts.periods
    }

    /// The calendars that periods may name, by name.
    #[must_use]
    pub const fn calendars(&self) -> &BTreeMap<String, Calendar> {
        &self.parts.calendars
    }

    /// A period by name, those of the bundled table that this one only names included.
    #[must_use]
    pub fn period(&self, name: &str) -> Option<&Period> {
        self.parts.periods.get(name).or_else(|| self.borrowed.periods.get(name))
    }

    /// A calendar by name, those of the bundled table that this one only names included.
    #[must_use]
    pub fn calendar(&self, name: &str) -> Option<&Calendar> {
        self.parts.calendars.get(name).or_else(|| self.borrowed.calendars.get(name))
    }

    /// SHA-256 of the table's text, hexadecimal; of both digests, if one table lies over another.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// The currency of all amounts. Money is nano-dollars everywhere in the project, so there is one.
    #[must_use]
    pub const fn currency(&self) -> &'static str {
        read::CURRENCY
    }

    /// When the table was last compared with its sources, microseconds since the Unix epoch; of two tables the older one.
    #[must_use]
    pub const fn checked_us(&self) -> i64 {
        self.parts.checked_us
    }
}

/// Periods with their calendars, by name. A name that nobody defines has no clock; reading refuses such a table.
fn clocks(parts: &Parts, borrowed: &Borrowed) -> HashMap<String, Arc<Clock>> {
    let all: BTreeMap<&String, &Calendar> = borrowed.calendars.iter().chain(&parts.calendars).collect();
    let calendars: HashMap<&str, Arc<Calendar>> =
        all.into_iter().map(|(name, calendar)| (name.as_str(), Arc::new(calendar.clone()))).collect();
    let periods = borrowed.periods.iter().chain(&parts.periods);
    let clock = |period: &Period| {
        let calendar = period.calendar.as_ref().and_then(|name| calendars.get(name.as_str())).cloned();
        Arc::new(Clock::new(period.clone(), calendar.unwrap_or_default()))
    };
    periods.map(|(name, period)| (name.clone(), clock(period))).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
