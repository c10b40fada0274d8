//! The prices of one week, to which requests of any time are brought.
//!
//! What a move would save is a matter of today's prices at the hours at which people ask. So a request keeps its hour of the
//! week and is priced in the seven days that end now: at its own hour, which tells peak from off-peak, but not at the
//! prices of the year in which the log was made. A log that does not tell the hour gets the mean over all hours.

use std::collections::{BTreeSet, HashMap};
use wire::Usage;
use wire::price::{Call, Row, STALE_AFTER_DAYS, Tariffs, Tier};

pub(super) const HOUR_US: i64 = 3_600_000_000;
pub(super) const WEEK_US: i64 = 7 * 24 * HOUR_US;

/// Instants before this one, in 2001, count from the start of a log and not from the Unix epoch.
pub const DATED_FROM_US: i64 = 1_000_000_000_000_000;

/// Models whose prices are kept at hand; others are looked up anew.
const MODELS_MAX: usize = 256;

/// Changes of price that are looked at within a week; after them the last price holds.
const CHANGES_MAX: usize = 1000;

/// When a request was sent, as far as the log tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum When {
    /// At this instant.
    At(i64),
    /// At some hour.
    Undated,
}

impl When {
    pub(super) const fn of(at_us: i64, untimed: bool) -> Self {
        if untimed || at_us < DATED_FROM_US { Self::Undated } else { Self::At(at_us) }
    }
}

/// What one exchange costs, in nano-dollars.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Cost {
    /// At its own hour.
    pub own: i128,
    /// At the hour of the week at which it is cheapest.
    pub cheapest: i128,
    /// At the hour at which it is dearest.
    pub dearest: i128,
    /// How much of `own` is at a price above the cheapest.
    pub peak: i128,
}

/// One price of the week: an instant of it, and how long it holds.
type Span = (i64, i64);

#[derive(Debug)]
pub(super) struct Week<'t> {
    tariffs: &'t Tariffs,
    ends_us: i64,
    prices: HashMap<String, Vec<Span>>,
    /// What is doubtful about the prices that were used, a sentence each.
    pub stale: BTreeSet<String>,
}

impl<'t> Week<'t> {
    pub(super) fn new(tariffs: &'t Tariffs, ends_us: i64) -> Self {
        Self { tariffs, ends_us, prices: HashMap::new(), stale: BTreeSet::new() }
    }

    /// The same hour of the week in the seven days that end now.
    pub(super) fn placed(&self, at_us: i64) -> i64 {
        let back = self.ends_us.saturating_sub(at_us).rem_euclid(WEEK_US);
        self.ends_us.saturating_sub(back)
    }

    /// What an exchange costs this week; `None` where an hour that matters has no price.
    pub(super) fn cost(&mut self, call: &Call<'_>, when: When, usage: &Usage) -> Option<Cost> {
        let tariffs = self.tariffs;
        let at = |sent_us: i64| tariffs.price(&Call { sent_us, ..*call }, usage).map(|priced| i128::from(priced.nanos));
        let own_us = match when {
            When::At(at_us) => Some(self.placed(at_us)),
            When::Undated => None,
        };
        let own = own_us.map(|own_us| at(own_us).ok_or(())).transpose().ok()?;
        let spans = self.spans(call);
        let prices: Option<Vec<(i128, i64)>> =
            spans.iter().map(|(at_us, long_us)| Some((at(*at_us)?, *long_us))).collect();
        let prices = match (prices, own) {
            (Some(prices), _) => prices,
            // Some hours of the week have no price, but this one has.
            (None, Some(own)) => vec![(own, WEEK_US)],
            (None, None) => return None,
        };
        let cheapest = prices.iter().map(|(nanos, _)| *nanos).min()?;
        let dearest = prices.iter().map(|(nanos, _)| *nanos).max()?;
        let mean = |part: fn(i128, i128) -> i128| {
            let sum: i128 = prices.iter().map(|(nanos, long_us)| part(*nanos, cheapest) * i128::from(*long_us)).sum();
            let all: i128 = prices.iter().map(|(_, long_us)| i128::from(*long_us)).sum();
            rounded(sum, all)
        };
        let above = |nanos: i128, cheapest: i128| if nanos > cheapest { nanos } else { 0 };
        Some(match own {
            Some(own) => Cost { own, cheapest, dearest, peak: above(own, cheapest) },
            None => Cost { own: mean(|nanos, _| nanos), cheapest, dearest, peak: mean(above) },
        })
    }

    /// The different prices of a model in the week.
    fn spans(&mut self, call: &Call<'_>) -> Vec<Span> {
        let key = format!("{}\0{}\0{}", call.provider, call.asked, call.answered.unwrap_or_default());
        if let Some(known) = self.prices.get(&key) {
            return known.clone();
        }
        let spans = self.look_up(call);
        if self.prices.len() < MODELS_MAX {
            self.prices.insert(key, spans.clone());
        }
        spans
    }

    /// From one change of price to the next.
    fn look_up(&mut self, call: &Call<'_>) -> Vec<Span> {
        let mut spans: Vec<(Option<&'t Row>, Span)> = Vec::new();
        let mut at_us = self.ends_us.saturating_sub(WEEK_US);
        for _ in 0..CHANGES_MAX {
            if at_us >= self.ends_us {
                break;
            }
            let (row, until_us) = self.in_force(call, at_us);
            let until_us = until_us.clamp(at_us.saturating_add(1), self.ends_us);
            let long_us = until_us.saturating_sub(at_us);
            let known =
                spans.iter_mut().find(|(known, _)| known.map(std::ptr::from_ref) == row.map(std::ptr::from_ref));
            match known {
                Some((_, (_, sum_us))) => *sum_us += long_us,
                None => spans.push((row, (at_us, long_us))),
            }
            at_us = until_us;
        }
        for row in spans.iter().filter_map(|(row, _)| *row) {
            let doubts = row.stale(self.ends_us).into_iter().chain(row.old(self.ends_us, STALE_AFTER_DAYS));
            self.stale.extend(doubts.map(|doubt| doubt.sentence));
        }
        spans.into_iter().map(|(_, span)| span).collect()
    }

    /// The price of a call at an instant, and until when that holds.
    fn in_force(&self, call: &Call<'_>, at_us: i64) -> (Option<&'t Row>, i64) {
        let of = |model: &str| self.tariffs.in_force(call.provider, model, at_us);
        let asked = of(call.asked);
        match call.answered.map(of) {
            Some(answered) => (answered.row.or(asked.row), answered.until_us.min(asked.until_us)),
            None => (asked.row, asked.until_us),
        }
    }
}

/// A call in the standard tier, whenever.
pub(super) const fn call<'a>(provider: &'a str, model: &'a str, answered: Option<&'a str>, tier: Tier) -> Call<'a> {
    Call { provider, asked: model, answered, sent_us: 0, tier }
}

/// A quotient rounded half up; 0 by 0 is 0.
pub(super) const fn rounded(sum: i128, parts: i128) -> i128 {
    if parts <= 0 { 0 } else { (sum + parts / 2).div_euclid(parts) }
}
