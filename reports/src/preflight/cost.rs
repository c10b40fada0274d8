//! What the log costs, in words: both providers with intervals, a month, the cache, and all that is doubtful about it.

use bill::project::{Cached, Choice, Document, Group, Length, Money, Month, Nanos, Thinking};
use minijinja::Value;
use serde::Serialize;

use super::view::Entry;
use crate::charts::rates::{self, RateChart, RatePoint};
use crate::format::{self, count, share};
use crate::html::both;
use crate::model::sentence;

/// Consumers and models that are shown; the document has all.
const GROUPS_MAX: usize = 12;
/// Models without a price that are named.
const UNPRICED_MAX: usize = 12;
/// The projection prices in this currency.
const CURRENCY: &str = "USD";

#[derive(Serialize)]
pub(super) struct CostView {
    summary: String,
    entries: Vec<Entry>,
    month: Option<MonthView>,
    choices: Vec<ChoiceView>,
    cache: Vec<WhatIf>,
    cache_reading: String,
    what_ifs: Vec<WhatIf>,
    consumers: Vec<GroupView>,
    models: Vec<GroupView>,
    consumers_left_out: usize,
    models_left_out: usize,
    can_wait_rule: &'static str,
    doubts: Vec<String>,
    stale: Vec<String>,
    source: String,
}

#[derive(Serialize)]
struct MonthView {
    summary: String,
    entries: Vec<Entry>,
}

#[derive(Serialize)]
struct ChoiceView {
    name: String,
    moved: String,
    unpriced: String,
    has_unpriced: bool,
    against: String,
    cost: String,
    cost_interval: String,
    saving: String,
    saving_interval: Option<String>,
    month: String,
}

#[derive(Serialize)]
struct WhatIf {
    label: String,
    detail: String,
    cost: String,
    saving: String,
}

#[derive(Serialize)]
struct GroupView {
    name: String,
    requests: String,
    baseline: String,
    candidate: String,
    saving: String,
}

/// Everything about money; `None` where nothing of the log has a price.
pub(super) fn cost(document: &Document) -> Option<CostView> {
    let mapped = document.choices.first()?;
    let priced = mapped.against.value.0 != 0 || mapped.cost.value.0 != 0;
    let entries = if priced { entries(document, mapped) } else { Vec::new() };
    Some(CostView {
        summary: summary(document, mapped, priced),
        entries,
        month: mapped.month.as_ref().map(month),
        choices: document.choices.iter().map(choice).collect(),
        cache: mapped.cache.iter().map(|row| cached(mapped, row)).collect(),
        cache_reading: cache_reading(mapped),
        what_ifs: what_ifs(mapped),
        consumers: document.by_consumer.iter().take(GROUPS_MAX).map(|one| group(mapped, one)).collect(),
        models: document.by_model.iter().take(GROUPS_MAX).map(|one| group(mapped, one)).collect(),
        consumers_left_out: document.by_consumer.len().saturating_sub(GROUPS_MAX),
        models_left_out: document.by_model.len().saturating_sub(GROUPS_MAX),
        can_wait_rule: document.log.can_wait_rule,
        doubts: doubts(document),
        stale: document.stale.clone(),
        source: document.ratios.source.to_owned(),
    })
}

/// The figures for the first screen.
pub(super) fn figures(document: &Document) -> Vec<Entry> {
    let Some(mapped) = document.choices.first().filter(|choice| choice.against.value.0 > 0) else {
        return Vec::new();
    };
    let (today, moved) = (brief(mapped.against.value), brief(mapped.cost.value));
    let saving =
        mapped.saving.map_or_else(|| "prompts alone: the log does not tell how long answers are".to_owned(), saves);
    let mut figures = vec![Entry::new("Cost of this log", format!("{today} → {moved}"), saving)];
    if let Some(saving) = mapped.month.as_ref().and_then(|month| month.saving) {
        let (label, amount) =
            if saving.value.0 < 0 { ("Dearer a month", more(saving)) } else { ("Saved a month", saving) };
        figures.push(Entry::new(label, brief(amount.value), interval(amount)));
    }
    figures
}

/// The candidate's bill by its cache-hit rate.
pub(super) fn chart(document: &Document) -> Option<Value> {
    let mapped = document.choices.first()?;
    let number = |nanos: Nanos| nanos.0 as f64 / 1e9;
    let mut points: Vec<RatePoint> = mapped
        .cache
        .iter()
        .filter_map(|row| {
            let label = match row.share {
                Some(0.0) => "cold",
                Some(_) => "warm",
                None => "as recorded",
            };
            let rate = row.share.or(document.log.cached_share)?;
            Some(RatePoint { label: label.to_owned(), rate, cost: number(row.cost) })
        })
        .collect();
    points.sort_by(|a, b| a.rate.total_cmp(&b.rate));
    let said: Vec<String> =
        points.iter().map(|point| format!("{} ({})", point.label, format::share(point.rate))).collect();
    let chart = RateChart {
        description: format!("Bills at {}. {}", said.join(", "), cache_reading(mapped)),
        currency: CURRENCY.to_owned(),
        baseline: Some(number(mapped.against.value)),
        break_even: mapped.cache_break_even.filter(|_| mapped.saving.is_some()),
        points,
    };
    let drawable = chart.points.len() > 1 && mapped.against.value.0 > 0;
    drawable.then(|| both("rates", &rates::draw(&chart, 720.0), &rates::draw(&chart, 340.0)))
}

fn brief(nanos: Nanos) -> String {
    format::money_brief(&wire::price::decimal(nanos.0, 9), CURRENCY)
}

/// A number of requests with its noun.
fn requests(n: u64) -> String {
    if n == 1 { "1 request".to_owned() } else { format!("{} requests", count(n)) }
}

fn interval(money: Money) -> String {
    if money.lower == money.upper {
        return "counted, not estimated".to_owned();
    }
    format!("95% interval {} to {}", brief(money.lower), brief(money.upper))
}

fn saves(saving: Money) -> String {
    if saving.value.0 < 0 {
        let more = more(saving);
        return format!("costs {} more, {}", brief(more.value), interval(more));
    }
    format!("saves {}, {}", brief(saving.value), interval(saving))
}

/// What is not saved but paid more.
fn more(saving: Money) -> Money {
    let turned = |nanos: Nanos| Nanos(nanos.0.saturating_neg());
    Money { value: turned(saving.value), lower: turned(saving.upper), upper: turned(saving.lower) }
}

fn summary(document: &Document, mapped: &Choice, priced: bool) -> String {
    if !priced {
        return "Nothing of this log has a price, so nothing can be said about its cost.".to_owned();
    }
    format!(
        "At the prices of the week before {}, each request at its own hour: {} today, {} with the models as mapped. \
         What stays where it is costs the same in both.",
        document.now.get(..10).unwrap_or(&document.now),
        brief(mapped.against.value),
        brief(mapped.cost.value)
    )
}

fn entries(document: &Document, mapped: &Choice) -> Vec<Entry> {
    let baseline = &document.baseline;
    let mut entries = vec![
        Entry::new("Today", brief(mapped.against.value), interval(mapped.against)),
        Entry::new("With the candidate", brief(mapped.cost.value), interval(mapped.cost)),
        mapped.saving.map_or_else(
            || Entry::new("Saving", "not known", "the log does not tell how long answers are"),
            |saving| Entry::new("Saving", brief(saving.value), interval(saving)),
        ),
    ];
    if let Some(paid) = baseline.paid {
        entries.push(Entry::new("Paid when it was sent", brief(paid.value), "at the prices of those days"));
    }
    if let Some(by_log) = baseline.by_log {
        let detail = format!("as the log itself says for {} requests", count(baseline.by_log_requests));
        entries.push(Entry::new("By the log's account", brief(by_log), detail));
    }
    let peak = mapped
        .peak_share
        .map_or_else(String::new, |peak| format!("{} of the candidate's bill is at dearer hours", share(peak)));
    entries.push(Entry::new("All at its cheapest hour", brief(mapped.cheapest_hours), peak));
    entries.push(Entry::new("All at its dearest hour", brief(mapped.dearest_hours), ""));
    let waiting = requests(document.log.can_wait);
    entries.push(Entry::new("What can wait, at the cheapest hour", brief(mapped.batch_moved), waiting));
    entries
}

fn month(month: &Month) -> MonthView {
    let window = format::hours(month.window_hours);
    let how = match month.scaled_by {
        "hour-of-week" => format!("each hour of the week as it was in {window}"),
        "mean-rate" => format!("at the mean rate of {window}, which is less than a week"),
        "stated" => "the number that was stated".to_owned(),
        other => other.to_owned(),
    };
    let requests = count(month.requests.clamp(0.0, 1e18).round() as u64);
    let not_known =
        || Entry::new("Saved", "not known", "the log is too short for an interval, or its answers are unknown");
    let saved = |saving: Money| Entry::new("Saved at today's hours", brief(saving.value), interval(saving));
    let mut entries = vec![
        Entry::new("Today's provider", brief(month.against), ""),
        Entry::new("With the candidate", brief(month.cost), ""),
        month.saving.map_or_else(not_known, saved),
    ];
    if let Some(moved) = month.saving_batch_moved {
        entries.push(Entry::new("Saved if what can wait moved off-peak", brief(moved), ""));
    }
    MonthView { summary: format!("A month of {requests} requests: {how}."), entries }
}

fn choice(choice: &Choice) -> ChoiceView {
    let nothing = || format::NOTHING.to_owned();
    ChoiceView {
        name: choice.name.clone(),
        moved: count(choice.moved),
        unpriced: count(choice.unpriced),
        has_unpriced: choice.unpriced > 0,
        against: brief(choice.against.value),
        cost: brief(choice.cost.value),
        cost_interval: interval(choice.cost),
        saving: choice.saving.map_or_else(|| "not known".to_owned(), |saving| brief(saving.value)),
        saving_interval: choice.saving.map(interval),
        month: choice.month.as_ref().and_then(|month| month.saving).map_or_else(nothing, |saving| brief(saving.value)),
    }
}

fn cached(choice: &Choice, row: &Cached) -> WhatIf {
    let (label, detail) = match row.share {
        None => ("As recorded".to_owned(), "each request's own share, where the log tells"),
        Some(0.0) => ("Nothing cached".to_owned(), "as just after a switch"),
        Some(at) => (format!("{} cached", share(at)), "of all prompts"),
    };
    WhatIf { label, detail: detail.to_owned(), cost: brief(row.cost), saving: if_sure(choice, row.saving) }
}

/// A likely saving, in a log that tells how long answers are.
fn if_sure(choice: &Choice, saving: Nanos) -> String {
    choice.saving.map_or_else(|| format::NOTHING.to_owned(), |_| brief(saving))
}

fn cache_reading(choice: &Choice) -> String {
    if choice.saving.is_none() {
        return "The log does not tell how long answers are, so these are bills of the prompts alone.".to_owned();
    }
    match (choice.cache_break_even, choice.cache.first()) {
        (Some(rate), _) => {
            format!("Both cost the same at {} from the cache; above it the candidate is cheaper.", share(rate))
        }
        (None, Some(cold)) if cold.saving.0 > 0 => "The candidate is cheaper even without a cache.".to_owned(),
        (None, Some(_)) => "The candidate is not cheaper at any hit rate up to 90%.".to_owned(),
        (None, None) => String::new(),
    }
}

/// Bills with answers of other lengths; nothing where the log does not tell how long answers are.
fn what_ifs(choice: &Choice) -> Vec<WhatIf> {
    if choice.saving.is_none() {
        return Vec::new();
    }
    let length = |length: &Length| WhatIf {
        label: format!("{}% of the length", length.percent),
        detail: length.why.to_owned(),
        cost: brief(length.cost),
        saving: brief(length.saving),
    };
    let thinking = |thinking: &Thinking| WhatIf {
        label: format!("Thinking first, {}% of the tokens", thinking.percent),
        detail: format!(
            "{}{}{}",
            thinking.source,
            if thinking.measured { "" } else { "; not measured at the models of today" },
            if thinking.off { "; the gateway switches thinking off" } else { "" }
        ),
        cost: brief(thinking.cost),
        saving: brief(Nanos(choice.against.value.0.saturating_sub(thinking.cost.0))),
    };
    choice.lengths.iter().map(length).chain(choice.thinking.iter().map(thinking)).collect()
}

fn group(mapped: &Choice, group: &Group) -> GroupView {
    let first = group.choices.first();
    let or_nothing = |nanos: Option<Nanos>| nanos.map_or_else(|| format::NOTHING.to_owned(), brief);
    GroupView {
        name: if group.name == "-" { "nobody named".to_owned() } else { group.name.clone() },
        requests: count(group.requests),
        baseline: brief(group.baseline),
        candidate: or_nothing(first.map(|choice| choice.cost.value)),
        saving: or_nothing(
            first
                .filter(|_| mapped.saving.is_some())
                .map(|choice| Nanos(choice.against.0.saturating_sub(choice.cost.value.0))),
        ),
    }
}

/// What is estimated, not known, or in no sum.
fn doubts(document: &Document) -> Vec<String> {
    let log = &document.log;
    let mut doubts = Vec::new();
    if let Some(estimated) = log.estimated_share.filter(|_| log.estimated > 0) {
        doubts.push(format!(
            "{} counted by nobody: {} of the bill of today is estimated from characters.",
            requests(log.estimated),
            share(estimated)
        ));
    }
    if log.failed > 0 {
        doubts.push(format!(
            "{} failed before anything was billed; they cost nothing on either side.",
            requests(log.failed)
        ));
    }
    for unpriced in document.unpriced.iter().take(UNPRICED_MAX) {
        doubts.push(format!(
            "No price is known for {} at {}: {}.",
            unpriced.model,
            unpriced.provider,
            requests(unpriced.requests)
        ));
    }
    let more = document.unpriced.len().saturating_sub(UNPRICED_MAX);
    if more > 0 {
        doubts.push(format!("{} more models have no price.", count(more as u64)));
    }
    doubts.extend(document.notes.iter().map(|note| sentence(note)));
    doubts
}
