//! The whole account: what was paid, and what the traffic would have cost on either arm.

use super::models::Models;
use super::walk::{Columns, Key, Plan, Walk, Walked};
use crate::pair::Pairing;
use crate::rows::{NameId, Names, Row, Rows};
use crate::run::both;
use ::bill::money::saturated;
use ::bill::reckon::{Reckoning, Window, reckon};
use ::bill::sums::Sums;
use datasets::{Arm, Role};
use judge::verdict::{Paid, StalePrice};
use std::collections::BTreeMap;
use wire::price::{Row as TableRow, STALE_AFTER_DAYS, Tariffs};

/// Rows of a table in the verdict.
const MODELS_LISTED: usize = 32;
const CONSUMERS_LISTED: usize = 32;
/// Stands for requests without a consumer.
const ANONYMOUS: &str = "anonymous";
/// Days of a table in the verdict.
const DAYS_LISTED: usize = 62;
/// Microseconds of a day.
const DAY_US: i64 = 86_400_000_000;

/// How to make the account.
#[derive(Debug, Clone, Copy, Default)]
pub struct AccountOptions {
    /// The instant at which everything is priced, if not each exchange at its own; microseconds since the Unix epoch.
    pub priced_at_us: Option<i64>,
    /// Requests a month, if somebody said so.
    pub month_requests: Option<f64>,
    /// The instant at which prices are doubted; without it that of the newest row.
    pub doubted_at_us: Option<i64>,
    /// Tell consumers apart.
    pub by_consumer: bool,
    /// Tell hours of the day apart.
    pub by_hour: bool,
}

/// A column that groups exchanges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column {
    /// Arm.
    Arm,
    /// What the answer was for.
    Role,
    /// Consumer.
    Consumer,
    /// Provider and model that was asked for.
    Model,
    /// Day of sending, UTC.
    Day,
    /// Hour of the day of sending, UTC.
    Hour,
}

impl Column {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Arm, Self::Role, Self::Consumer, Self::Model, Self::Day, Self::Hour];

    /// The name in documents and options.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Arm => "arm",
            Self::Role => "role",
            Self::Consumer => "consumer",
            Self::Model => "model",
            Self::Day => "day",
            Self::Hour => "hour",
        }
    }
}

/// What was paid for one consumer on one arm.
type ByConsumer = ((Arm, Option<NameId>), Sums);

/// What was paid, and what the traffic would have cost on either arm.
#[derive(Debug)]
pub struct Account<'a> {
    names: &'a Names,
    groups: Vec<(Key, Sums)>,
    other: Sums,
    /// By arm and consumer, and what was too much to tell apart.
    consumers: (Vec<ByConsumer>, Sums),
    /// The traffic on either arm.
    pub reckoning: Reckoning,
    /// Doubtful prices among those that were used.
    pub stale: Vec<StalePrice>,
}

impl<'a> Account<'a> {
    /// Walks over all rows, half of them on a thread of its own.
    #[must_use]
    pub fn of(
        pairing: &Pairing<'a>,
        rows: &'a Rows,
        aside: &'a [Row],
        tariffs: &'a Tariffs,
        options: AccountOptions,
    ) -> Self {
        let fallbacks = aside.iter().any(|row| row.role == Role::Fallback);
        let models = Models::of(rows, fallbacks, &pairing.pairs);
        let columns = Columns { consumer: options.by_consumer, hour: options.by_hour };
        let plan = Plan { rows, tariffs, at_us: options.priced_at_us, columns, models: &models };
        let mut walked = walked(plan, pairing, aside);
        let ends = |pick: fn(&Row) -> i64| rows.all().iter().chain(aside).map(pick);
        let window = Window {
            from_us: ends(|row| row.sent_us).min().unwrap_or(0),
            to_us: ends(|row| row.sent_us).max().unwrap_or(0),
            month_requests: options.month_requests,
            prices_vary: options.priced_at_us.is_none() && vary(&walked.used, tariffs),
        };
        let names = rows.names();
        let reckoning = reckon(&walked.traffic, window, &|arm, number| models.name(arm, number, names));
        let doubted_at_us = options.doubted_at_us.or(options.priced_at_us).unwrap_or(window.to_us);
        let stale = stale(&std::mem::take(&mut walked.used), tariffs, doubted_at_us);
        let (groups, other) = walked.book.sorted();
        Self { names, groups, other, consumers: walked.consumers.sorted(), reckoning, stale }
    }

    /// Sums by columns, in the order of the columns' values.
    fn grouped(&self, columns: &[Column]) -> Vec<(Group, Sums)> {
        let mut groups: BTreeMap<Group, Sums> = BTreeMap::new();
        for (key, sums) in &self.groups {
            groups.entry(Group::of(key, columns, self.names)).or_default().merge(sums);
        }
        groups.into_iter().collect()
    }

    /// What was paid by columns, at most so many groups: the dearest first, or with days or hours among the columns those in the
    /// order of time. What is left over is one row whose `arm` is `other`.
    #[must_use]
    pub fn paid(&self, columns: &[Column], rows_max: usize) -> Vec<Paid> {
        let mut groups = self.grouped(columns);
        let timed = columns.iter().any(|column| matches!(column, Column::Day | Column::Hour));
        let mut other = self.other;
        if groups.len() > rows_max {
            if timed {
                // The newest stay.
                groups.sort_by(|(a, _), (b, _)| (&b.day, b.hour, a).cmp(&(&a.day, a.hour, b)));
            } else {
                groups.sort_by_key(|(_, sums)| std::cmp::Reverse(sums.nanos));
            }
            groups.split_off(rows_max).iter().for_each(|(_, sums)| other.merge(sums));
        }
        if timed {
            groups.sort_by(|(a, _), (b, _)| (&a.day, a.hour, a).cmp(&(&b.day, b.hour, b)));
        } else {
            groups.sort_by(|(a, of_a), (b, of_b)| (of_b.nanos, a).cmp(&(of_a.nanos, b)));
        }
        let rest = (other.exchanges > 0).then(|| Paid { arm: Some("other".to_owned()), ..other.paid() });
        groups.into_iter().map(|(group, sums)| group.named(sums.paid())).chain(rest).collect()
    }

    /// Everything that was paid.
    #[must_use]
    pub fn total(&self) -> Paid {
        let mut total = self.other;
        self.groups.iter().for_each(|(_, sums)| total.merge(sums));
        total.paid()
    }

    /// By arm and by what the answers were for.
    #[must_use]
    pub fn by_arm(&self) -> Vec<Paid> {
        let groups = self.grouped(&[Column::Arm, Column::Role]);
        let rest = (self.other.exchanges > 0).then(|| Paid { arm: Some("other".to_owned()), ..self.other.paid() });
        groups.into_iter().map(|(group, sums)| group.named(sums.paid())).chain(rest).collect()
    }

    /// By arm and model.
    #[must_use]
    pub fn by_model(&self) -> Vec<Paid> {
        self.paid(&[Column::Arm, Column::Model], MODELS_LISTED)
    }

    /// By arm and consumer; the dearest first.
    #[must_use]
    pub fn by_consumer(&self) -> Vec<Paid> {
        let (rows, other) = &self.consumers;
        let name = |consumer: Option<NameId>| consumer.map_or(ANONYMOUS, |name| self.names.text(name));
        let mut rows: Vec<(&str, &str, &Sums)> =
            rows.iter().map(|((arm, consumer), sums)| (arm.name(), name(*consumer), sums)).collect();
        rows.sort_by(|(arm_a, a, of_a), (arm_b, b, of_b)| (of_b.nanos, arm_a, a).cmp(&(of_a.nanos, arm_b, b)));
        let mut other = *other;
        rows.iter().skip(CONSUMERS_LISTED).for_each(|(.., sums)| other.merge(sums));
        let rest = (other.exchanges > 0).then(|| Paid { arm: Some("other".to_owned()), ..other.paid() });
        let named = |(arm, consumer, sums): (&str, &str, &Sums)| Paid {
            arm: Some(arm.to_owned()),
            consumer: Some(consumer.to_owned()),
            ..sums.paid()
        };
        rows.into_iter().take(CONSUMERS_LISTED).map(named).chain(rest).collect()
    }

    /// By day and arm.
    #[must_use]
    pub fn by_day(&self) -> Vec<Paid> {
        let arms = if self.groups.iter().any(|(key, _)| key.arm == Arm::Candidate) { 2 } else { 1 };
        self.paid(&[Column::Day, Column::Arm], DAYS_LISTED * arms)
    }

    /// Nano-dollars spent on answers for these ends.
    #[must_use]
    pub fn spent(&self, roles: &[Role]) -> i64 {
        let of_roles = self.groups.iter().filter(|(key, _)| key.role.is_some_and(|role| roles.contains(&role)));
        saturated(of_roles.map(|(_, sums)| sums.nanos).fold(0i128, i128::saturating_add))
    }
}

fn walked<'t>(plan: Plan<'t>, pairing: &Pairing<'_>, aside: &[Row]) -> Walked<'t> {
    let rows = plan.rows;
    let middle = rows.by_pair().count() / 2;
    // The second half's first row; its pairs are those that do not begin before it.
    let boundary = rows.by_pair().nth(middle).and_then(|mut of_pair| of_pair.next());
    let address = |row: &Row| std::ptr::from_ref(row).addr();
    let begins = |pair: &crate::pair::Pair<'_>| address(pair.baseline).min(address(pair.candidate));
    let of_first = boundary
        .map_or(pairing.pairs.len(), |boundary| pairing.pairs.partition_point(|pair| begins(pair) < address(boundary)));
    let (first, second) = pairing.pairs.split_at(of_first);
    let (mut walked, others) = both(
        || Walk::new(plan).requests(rows.by_pair().take(middle), first),
        || Walk::new(plan).requests(rows.by_pair().skip(middle), second),
    );
    walked.merge(others);
    walked.merge(Walk::new(plan).aside(aside));
    walked
}

/// Whether one of the models whose prices were used has others at other hours.
fn vary(used: &[&TableRow], tariffs: &Tariffs) -> bool {
    let periods = tariffs.rows().iter().filter(|row| row.period.is_some());
    periods.into_iter().any(|row| used.iter().any(|used| used.provider == row.provider && used.model == row.model))
}

fn stale(used: &[&TableRow], tariffs: &Tariffs, at_us: i64) -> Vec<StalePrice> {
    let about = |provider: &str, model: Option<&str>| {
        used.iter().any(|row| row.provider == provider && model.is_none_or(|model| row.model == model))
    };
    let all = tariffs.stale(at_us, STALE_AFTER_DAYS).into_iter();
    all.filter(|stale| about(&stale.provider, stale.model.as_deref()))
        .map(|stale| StalePrice {
            provider: stale.provider,
            model: stale.model.unwrap_or_default(),
            why: stale.sentence,
        })
        .collect()
}

/// The values of the columns that were asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Group {
    arm: Option<&'static str>,
    role: Option<&'static str>,
    consumer: Option<String>,
    model: Option<(String, String)>,
    day: Option<String>,
    hour: Option<u8>,
}

impl Group {
    fn of(key: &Key, columns: &[Column], names: &Names) -> Self {
        let mut group = Self::default();
        for column in columns {
            match column {
                Column::Arm => group.arm = Some(key.arm.name()),
                Column::Role => group.role = Some(key.role.map_or("recorded", role_name)),
                Column::Consumer => {
                    let name = key.consumer.map_or(ANONYMOUS, |name| names.text(name));
                    group.consumer = Some(name.to_owned());
                }
                Column::Model => {
                    let route = names.route(key.route);
                    group.model = Some((route.provider.to_owned(), route.model.to_owned()));
                }
                Column::Day => group.day = Some(super::day(key.day.saturating_mul(DAY_US))),
                Column::Hour => group.hour = Some(key.hour),
            }
        }
        group
    }

    fn named(self, paid: Paid) -> Paid {
        let (provider, model) = self.model.unzip();
        Paid {
            arm: self.arm.map(str::to_owned),
            role: self.role.map(str::to_owned),
            consumer: self.consumer,
            provider,
            model,
            day: self.day,
            hour: self.hour,
            ..paid
        }
    }
}

const fn role_name(role: Role) -> &'static str {
    match role {
        Role::Served => "served",
        Role::Shadow => "shadow",
        Role::Replayed => "replayed",
        Role::Observed => "observed",
        Role::Fallback => "fallback",
        Role::Repeat => "repeat",
    }
}
