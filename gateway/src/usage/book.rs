//! Rows and what is added to them.

use crate::routing::budget::day_of;
use datasets::{Arm, Exchange, Role};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use wire::usage::UsageSource;

/// Consumer of callers without a name.
const ANONYMOUS: &str = "anonymous";
/// What stands for names that are not kept.
const OTHER: &str = "other";
/// Longest name that is kept.
const NAME_BYTES_MAX: usize = 256;

/// Who pays for a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Payer {
    /// The consumer who got the answer.
    Consumer,
    /// The migration for whose sake it was made.
    Experiment,
}

/// What a row is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Key {
    /// Days since 1970-01-01, UTC, of the request's arrival.
    pub day: i64,
    /// Who pays.
    pub payer: Payer,
    /// Migration, `none` for none.
    pub migration: String,
    /// Consumer whose request it was, `anonymous` without a name.
    pub consumer: String,
    /// Model as the provider was asked for it.
    pub model: String,
    /// Provider.
    pub provider: String,
    /// Arm.
    pub arm: Arm,
    /// What the call was for.
    pub role: Role,
}

/// What is summed up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Sums {
    /// Calls of providers, one for each record.
    pub requests: u64,
    /// Those that ended with an error.
    pub failures: u64,
    /// Prompt tokens, cached ones included.
    pub prompt: u64,
    /// Prompt tokens from the provider's cache.
    pub cached: u64,
    /// Completion tokens, reasoning included.
    pub completion: u64,
    /// Completion tokens spent on reasoning.
    pub reasoning: u64,
    /// Prompt and completion tokens that are estimated, because no report came.
    pub estimated: u64,
    /// Calls whose tokens are estimated.
    pub estimated_requests: u64,
    /// Calls with tokens but without a known price.
    pub unpriced: u64,
    /// Money, nano-dollars.
    pub nanos: i64,
    /// Of this the money of estimated tokens.
    pub estimated_nanos: i64,
}

/// All rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Book {
    rows: BTreeMap<Key, Sums>,
    rows_max: usize,
    days_max: i64,
    folded: u64,
}

impl Payer {
    /// The name in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Consumer => "consumer",
            Self::Experiment => "experiment",
        }
    }

    const fn of(role: Role) -> Self {
        match role {
            Role::Shadow | Role::Repeat => Self::Experiment,
            Role::Served | Role::Fallback | Role::Replayed | Role::Observed => Self::Consumer,
        }
    }
}

impl Key {
    /// The row that a record belongs to.
    #[must_use]
    pub fn of(record: &Exchange) -> Self {
        let kept = |name: &str| if name.len() > NAME_BYTES_MAX { OTHER.to_owned() } else { name.to_owned() };
        Self {
            day: day_of(record.at_us),
            payer: Payer::of(record.role),
            migration: kept(&record.migration),
            consumer: kept(record.consumer.as_deref().unwrap_or(ANONYMOUS)),
            model: kept(&record.model),
            provider: kept(&record.provider),
            arm: record.arm,
            role: record.role,
        }
    }

    /// The same under `other`: whatever a client may have named is gone.
    #[must_use]
    pub fn folded(self) -> Self {
        Self { migration: OTHER.to_owned(), consumer: OTHER.to_owned(), model: OTHER.to_owned(), ..self }
    }

    /// The same without the model's name: one that no provider has answered to may be any text of a client.
    #[must_use]
    pub fn without_model(self) -> Self {
        Self { model: OTHER.to_owned(), ..self }
    }
}

impl Sums {
    /// What one record adds.
    #[must_use]
    pub fn of(record: &Exchange) -> Self {
        let usage = record.usage;
        let total = usage.map_or(0, |usage| usage.prompt.saturating_add(usage.completion));
        let estimated = usage.is_some_and(|usage| usage.source == UsageSource::Estimate);
        Self {
            requests: 1,
            failures: u64::from(record.error.is_some()),
            prompt: usage.map_or(0, |usage| usage.prompt),
            cached: usage.and_then(|usage| usage.cached).unwrap_or(0),
            completion: usage.map_or(0, |usage| usage.completion),
            reasoning: usage.and_then(|usage| usage.reasoning).unwrap_or(0),
            estimated: if estimated { total } else { 0 },
            estimated_requests: u64::from(estimated),
            unpriced: u64::from(usage.is_some() && record.cost_nanos.is_none()),
            nanos: record.cost_nanos.unwrap_or(0),
            estimated_nanos: record.cost_nanos.filter(|_| estimated).unwrap_or(0),
        }
    }

    /// Adds; at the end of what a number holds it stays there.
    pub fn add(&mut self, other: &Self) {
        self.each(other, u64::saturating_add);
        self.nanos = self.nanos.saturating_add(other.nanos);
        self.estimated_nanos = self.estimated_nanos.saturating_add(other.estimated_nanos);
    }

    /// Takes off again what was added.
    pub fn take_off(&mut self, other: &Self) {
        self.each(other, u64::saturating_sub);
        self.nanos = self.nanos.saturating_sub(other.nanos);
        self.estimated_nanos = self.estimated_nanos.saturating_sub(other.estimated_nanos);
    }

    fn each(&mut self, other: &Self, change: impl Fn(u64, u64) -> u64) {
        for (mine, theirs) in [
            (&mut self.requests, other.requests),
            (&mut self.failures, other.failures),
            (&mut self.prompt, other.prompt),
            (&mut self.cached, other.cached),
            (&mut self.completion, other.completion),
            (&mut self.reasoning, other.reasoning),
            (&mut self.estimated, other.estimated),
            (&mut self.estimated_requests, other.estimated_requests),
            (&mut self.unpriced, other.unpriced),
        ] {
            *mine = change(*mine, theirs);
        }
    }
}

impl Book {
    /// An empty one.
    #[must_use]
    pub const fn new(rows_max: usize, days_max: u16) -> Self {
        Self { rows: BTreeMap::new(), rows_max, days_max: days_max as i64, folded: 0 }
    }

    /// Adds to a row.
    pub fn add(&mut self, key: Key, sums: &Sums) {
        if let Some(row) = self.rows.get_mut(&key) {
            row.add(sums);
            return;
        }
        if self.rows.len() >= self.rows_max {
            self.forget();
        }
        let fits = self.rows.len() < self.rows_max;
        self.folded += u64::from(!fits);
        let key = if fits { key } else { key.folded() };
        self.rows.entry(key).or_default().add(sums);
    }

    /// What was added to the consumer's row was for the experiment.
    pub fn charge_experiment(&mut self, key: Key, sums: &Sums) {
        if let Some(row) = self.rows.get_mut(&key) {
            row.take_off(sums);
            if *row == Sums::default() {
                self.rows.remove(&key);
            }
            self.add(Key { payer: Payer::Experiment, ..key }, sums);
        }
    }

    /// Rows, by day first.
    pub fn rows(&self) -> impl Iterator<Item = (&Key, &Sums)> {
        self.rows.iter()
    }

    /// What each consumer pays for on one day. Costs as much as the day has rows.
    #[must_use]
    pub fn on_day(&self, day: i64) -> BTreeMap<String, Sums> {
        let first = Key {
            day,
            payer: Payer::Consumer,
            migration: String::new(),
            consumer: String::new(),
            model: String::new(),
            provider: String::new(),
            arm: Arm::Baseline,
            role: Role::Served,
        };
        let mut sums: BTreeMap<String, Sums> = BTreeMap::new();
        let rows = self.rows.range(first..).take_while(|(key, _)| key.day == day && key.payer == Payer::Consumer);
        for (key, row) in rows {
            match sums.get_mut(&key.consumer) {
                Some(sum) => sum.add(row),
                None => drop(sums.insert(key.consumer.clone(), *row)),
            }
        }
        sums
    }

    /// How many rows there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Records that were counted under `other` because there were too many rows.
    #[must_use]
    pub const fn folded(&self) -> u64 {
        self.folded
    }

    /// Forgets days that lie further back from the newest one than is kept.
    pub fn forget(&mut self) {
        if let Some(newest) = self.rows.keys().next_back().map(|key| key.day) {
            let oldest = newest.saturating_sub(self.days_max - 1);
            while self.rows.first_key_value().is_some_and(|(key, _)| key.day < oldest) {
                self.rows.pop_first();
            }
        }
    }
}
