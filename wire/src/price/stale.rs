//! What is doubtful about a price, in a sentence.
//!
//! A doubtful price is still the best there is, so it prices; but whoever shows the money shows the doubt beside it.

use super::{Row, Tariffs};
use crate::provider::Provider;
use std::collections::BTreeSet;

/// Prices that nobody has compared with their source for more days are old, where nobody says otherwise.
pub const STALE_AFTER_DAYS: u32 = 45;

/// Providers of a table that are named in one sentence.
const STRANGERS_NAMED: usize = 8;

const DAY_US: i64 = 86_400_000_000;

/// Why a price was not simply read at its source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Mark {
    /// Nobody has compared it with the source.
    Unverified,
    /// A part of it is deduced from other statements.
    Inferred,
}

/// The kinds of doubt, the worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Doubt {
    /// The price has ended, and the table knows no later one.
    Ended,
    /// See [`Mark::Unverified`].
    Unverified,
    /// See [`Mark::Inferred`].
    Inferred,
    /// It is long since the price was compared with its source.
    Old,
}

/// A doubtful price.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stale {
    /// What kind of doubt.
    pub doubt: Doubt,
    /// Provider of the price; of the oldest one, if the whole table is old.
    pub provider: String,
    /// Model of the price; `None` if it is about the provider's prices altogether.
    pub model: Option<String>,
    /// A sentence that says it, with dates.
    pub sentence: String,
}

impl Row {
    /// What is doubtful about this price at an instant (microseconds since the Unix epoch), the worst first; its age is left out.
    #[must_use]
    pub fn stale(&self, at_us: i64) -> Option<Stale> {
        let (provider, model) = (&self.provider, &self.model);
        let ended = self.valid_until_us.filter(|until| *until <= at_us);
        let (doubt, sentence) = match (ended, self.mark) {
            (Some(until_us), _) => (
                Doubt::Ended,
                format!(
                    "The price of {model} at {provider} held until {}, and the table has no later one.",
                    day(until_us)
                ),
            ),
            (None, Some(Mark::Unverified)) => {
                (Doubt::Unverified, format!("The price of {model} at {provider} is not verified: {}.", self.source))
            }
            (None, Some(Mark::Inferred)) => {
                (Doubt::Inferred, format!("A part of the price of {model} at {provider} is inferred: {}.", self.source))
            }
            (None, None) => return None,
        };
        Some(Stale { doubt, provider: provider.clone(), model: Some(model.clone()), sentence })
    }

    /// Whether the price was last compared with its source more than so many days ago.
    #[must_use]
    pub fn old(&self, at_us: i64, days_max: u32) -> Option<Stale> {
        let days = at_us.saturating_sub(self.checked_us) / DAY_US;
        (days > i64::from(days_max)).then(|| Stale {
            doubt: Doubt::Old,
            provider: self.provider.clone(),
            model: None,
            sentence: format!(
                "Prices at {} were last compared with their sources on {}, {days} days ago.",
                self.provider,
                day(self.checked_us)
            ),
        })
    }
}

impl Tariffs {
    /// What is doubtful about the prices that stand at an instant, each in its own hours: each row once, each provider once if its
    /// prices are older than so many days, and each calendar once if the instant lies after the days that are announced. The
    /// worst first, then in the order of the table.
    #[must_use]
    pub fn stale(&self, at_us: i64, days_max: u32) -> Vec<Stale> {
        let mut all: Vec<Stale> = Vec::new();
        for row in self.rows() {
            let is_last = || self.find(&row.provider, &row.model, at_us).is_some_and(|found| std::ptr::eq(found, row));
            if !self.stands(row, at_us) && !is_last() {
                continue;
            }
            let doubts = [row.stale(at_us), row.old(at_us, days_max), self.beyond_calendar(row, at_us)];
            for doubt in doubts.into_iter().flatten() {
                if !all.contains(&doubt) {
                    all.push(doubt);
                }
            }
        }
        all.sort_by_key(|stale| stale.doubt);
        all
    }

    /// Which prices and aliases no call ever meets, in a sentence: those at a provider whose name is no kind of provider.
    #[must_use]
    pub fn strangers(&self) -> Option<String> {
        let kinds = Provider::ALL.map(Provider::name);
        let rows = self.rows().iter().map(|row| row.provider.as_str());
        let all = rows.chain(self.aliases().iter().map(|alias| alias.provider.as_str()));
        let strangers: BTreeSet<&str> = all.filter(|provider| !kinds.contains(provider)).collect();
        let named: Vec<String> = strangers.iter().take(STRANGERS_NAMED).map(|name| format!("`{name}`")).collect();
        let more = match strangers.len().saturating_sub(STRANGERS_NAMED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let (named, kinds) = (named.join(", "), kinds.join(", "));
        (!strangers.is_empty()).then(|| format!("No call is ever priced at {named}{more}: providers are {kinds}."))
    }

    /// Whether the hours of a row depend on holidays that nobody has announced.
    fn beyond_calendar(&self, row: &Row, at_us: i64) -> Option<Stale> {
        let name = self.period(row.period.as_deref()?)?.calendar.as_deref()?;
        let announced = self.calendar(name)?.announced_until?;
        let is_beyond = at_us.div_euclid(DAY_US) > announced;
        is_beyond.then(|| Stale {
            doubt: Doubt::Inferred,
            provider: row.provider.clone(),
            model: None,
            sentence: format!(
                "Holidays decide over prices at {}, and after {} those of the calendar {name} are not announced but inferred.",
                row.provider,
                day(announced.saturating_mul(DAY_US))
            ),
        })
    }
}

/// The day of an instant, as 2026-11-21 in UTC.
pub(super) fn day(at_us: i64) -> String {
    let text = jiff::Timestamp::from_microsecond(at_us).map(|at| at.to_string()).unwrap_or_default();
    text.split('T').next().unwrap_or_default().to_owned()
}
