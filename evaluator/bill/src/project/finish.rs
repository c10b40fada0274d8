//! The end of the pass: estimated sums become money, sums become a document.

use super::Projection;
use super::based::Based;
use super::document::{
    Baseline, Cached, Choice, Document, Group, GroupChoice, Length, Log, Nanos, RatioTable, SCHEMA, Thinking, Unpriced,
};
use super::month;
use super::ratio::{CORPORA, SOURCE, Script, UNMEASURED};
use super::scale::Scale;
use super::tally::{Bill, Cell, Groups};
use super::week::HOUR_US;
use crate::reckon;
use wire::usage::Vocabulary;

/// Lengths of answers that public pairs showed, tokens of the candidate for each of the baseline.
const LENGTHS: [(u32, &str); 4] = [
    (67, "the shortest of three public tasks (CRUXEval, deepseek-v2.5 against gpt-4o)"),
    (100, "as long as today's"),
    (114, "the longest of three public tasks (GSM8K, deepseek-v2.5 against gpt-4o)"),
    (150, "half as long again"),
];

/// Completion tokens with reasoning, in percent of those without, and who measured it.
const THINKING: (u32, &str) =
    (287, "DeepSeek-V3.2-Exp, reasoner against chat, Aider polyglot 2025-10-03: one benchmark of an older model");

const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

pub(super) fn document(mut projection: Projection<'_>) -> Document {
    let scale = Scale(projection.estimates.factors());
    let log = log(&projection, &scale);
    let month = month::scaling(&projection);
    let varying = projection.dated && projection.choices.iter().any(|(bill, ..)| month::varies(bill));
    let names = std::iter::once("as mapped").chain(projection.options.alternatives.iter().map(String::as_str));
    let choices: Vec<Choice> = names
        .zip(&projection.choices)
        .enumerate()
        .map(|(index, (name, sums))| choice(&projection, &scale, &log, month.as_ref().ok(), (index, name), sums))
        .collect();
    let now = jiff::Timestamp::from_microsecond(projection.options.now_us).map(|now| now.to_string());
    let between = |script| projection.ratios.between(Some(Vocabulary::OpenAi), Some(Vocabulary::DeepSeek), script);
    let ratios = RatioTable {
        english: between(Script::English),
        chinese: between(Script::Chinese),
        unmeasured: UNMEASURED,
        source: SOURCE,
        corpora: CORPORA.to_vec(),
    };
    let mut unpriced: Vec<Unpriced> = std::mem::take(&mut projection.unpriced)
        .into_iter()
        .map(|((provider, model), requests)| Unpriced { provider, model, requests })
        .collect();
    unpriced.sort_by(|a, b| (b.requests, &a.provider, &a.model).cmp(&(a.requests, &b.provider, &b.model)));
    let mut notes = notes(&projection, &log, month.is_err());
    if projection.dated
        && let Ok(month) = &month
    {
        notes.extend(month.remark(varying));
    }
    let baseline = baseline(&projection, &scale);
    let hours = if projection.dated { projection.hours } else { Groups::new(0) };
    let by_name = |groups: &Groups<String>| dearest(groups, &scale, String::clone);
    Document {
        schema: SCHEMA,
        now: now.unwrap_or_default(),
        currency: projection.options.tariffs.currency(),
        tariffs_digest: projection.options.tariffs.digest().to_owned(),
        baseline,
        choices,
        by_consumer: by_name(&projection.consumers),
        by_model: by_name(&projection.models),
        by_day: in_order(&projection.days, &scale, |day| {
            let at = jiff::Timestamp::from_microsecond(day.saturating_mul(24 * HOUR_US));
            at.map(|at| at.strftime("%Y-%m-%d").to_string()).unwrap_or_default()
        }),
        by_hour: in_order(&hours, &scale, |hour| {
            let day = DAYS.get(hour / 24).copied().unwrap_or_default();
            format!("{day} {:02}", hour % 24)
        }),
        by_language: projection.languages.into_values().collect(),
        unpriced,
        stale: projection.week.stale.into_iter().collect(),
        ratios,
        notes,
        log,
    }
}

fn log(projection: &Projection<'_>, scale: &Scale) -> Log {
    let span_seconds = projection.span_us.map(|(first, last)| last.saturating_sub(first) as f64 / 1e6);
    let rate = |seconds: &f64| projection.log.requests as f64 / seconds * 3600.0;
    let whole = scale.nanos(&projection.baseline);
    let estimated = scale.estimated(&projection.baseline);
    let (cached, prompts) = projection.cached;
    let (answers_unknown, answers_at_limit) = scale.unseen_answers(&projection.estimates);
    Log {
        answers_unknown,
        answers_at_limit,
        estimated_share: (whole > 0).then(|| estimated / whole as f64),
        cached_share: (prompts > 0).then(|| cached as f64 / prompts as f64),
        clock: match (projection.options.untimed, projection.dated) {
            (true, _) => "untimed",
            (_, true) => "dated",
            _ => "undated",
        },
        span_seconds,
        requests_per_hour: span_seconds.filter(|seconds| *seconds > 0.0).as_ref().map(rate),
        can_wait_rule: crate::strata::CAN_WAIT,
        ..projection.log.clone()
    }
}

fn baseline(projection: &Projection<'_>, scale: &Scale) -> Baseline {
    let money = |sum: &Based| scale.money(sum, sum, sum);
    let paid = projection.dated && projection.paid_unpriced == 0 && projection.log.billed > 0;
    let (nanos, requests) = projection.recorded;
    Baseline {
        provider: projection.options.baseline.name(),
        today: money(&projection.baseline),
        paid: paid.then(|| money(&projection.paid)),
        by_log: (requests > 0).then_some(Nanos(nanos)),
        by_log_requests: requests,
        unpriced: projection.unpriced_baseline,
    }
}

fn choice(
    projection: &Projection<'_>,
    scale: &Scale,
    log: &Log,
    month: Option<&reckon::Month>,
    (index, name): (usize, &str),
    (bill, moved, unpriced): &(Bill, u64, u64),
) -> Choice {
    let pair = &bill.pair;
    let likely = scale.likely(&pair.likely);
    let against = scale.likely(&pair.against);
    let at = |cost: f64| (nanos(cost), nanos(against - cost));
    let answers = scale.likely(&bill.answers);
    let longer = |percent: u32| at(likely + answers * (f64::from(percent) / 100.0 - 1.0));
    let moved_likely = scale.likely(&bill.moved.likely);
    let sure = log.answers_unknown == 0;
    // Nothing with a price is no saving of zero.
    let priced = log.billed.saturating_sub(projection.unpriced_baseline).saturating_sub(*unpriced);
    let length = |(percent, why): (u32, &'static str)| {
        let (cost, saving) = longer(percent);
        Length { percent, cost, saving, why }
    };
    let (cold, warm) = (scale.likely(&bill.cold), scale.likely(&bill.warm));
    let cached = |share: Option<f64>, cost: f64| {
        let (cost, saving) = at(cost);
        Cached { share, cost, saving }
    };
    Choice {
        name: name.to_owned(),
        moved: *moved,
        unpriced: *unpriced,
        priced,
        against: scale.money(&pair.against, &pair.against, &pair.against),
        cost: scale.money(&pair.low, &pair.likely, &pair.high),
        saving: (sure && priced > 0).then(|| scale.saving(pair)),
        moved_cost: scale.money(&bill.moved.low, &bill.moved.likely, &bill.moved.high),
        cheapest_hours: Nanos(scale.nanos(&bill.cheapest)),
        dearest_hours: Nanos(scale.nanos(&bill.dearest)),
        peak_share: (moved_likely > 0.0).then(|| scale.likely(&bill.peak) / moved_likely),
        batch_moved: Nanos(scale.nanos(&bill.batch_moved)),
        cache: vec![cached(Some(0.0), cold), cached(None, likely), cached(Some(0.9), warm)],
        cache_break_even: break_even(against, cold, warm),
        lengths: LENGTHS.into_iter().map(length).collect(),
        thinking: (projection.options.candidate == wire::provider::Provider::DeepSeek && *moved > 0).then(|| {
            Thinking { off: true, percent: THINKING.0, cost: longer(THINKING.0).0, measured: false, source: THINKING.1 }
        }),
        month: month.and_then(|month| month::of(projection, scale, month, (index, bill), sure)),
    }
}

/// The cached share at which a bill that falls evenly from `cold` (0) to `warm` (0.9) meets `against`.
fn break_even(against: f64, cold: f64, warm: f64) -> Option<f64> {
    let share = (cold - against) / (cold - warm) * 0.9;
    (cold > against && warm < cold && share <= 1.0).then_some(share)
}

fn nanos(value: f64) -> Nanos {
    Nanos(super::scale::whole(value))
}

fn group(name: String, cell: &Cell, scale: &Scale) -> Group {
    Group {
        name,
        requests: cell.requests,
        baseline: Nanos(scale.nanos(&cell.baseline)),
        choices: cell
            .choices
            .iter()
            .map(|pair| GroupChoice {
                against: Nanos(scale.nanos(&pair.against)),
                cost: scale.money(&pair.low, &pair.likely, &pair.high),
            })
            .collect(),
    }
}

/// The dearest first, and what has no room last.
fn dearest<K: Ord>(groups: &Groups<K>, scale: &Scale, name: impl Fn(&K) -> String) -> Vec<Group> {
    let mut rows: Vec<Group> = groups.cells.iter().map(|(key, cell)| group(name(key), cell, scale)).collect();
    rows.sort_by(|a, b| (b.baseline, &a.name).cmp(&(a.baseline, &b.name)));
    other(&mut rows, &groups.other, scale);
    rows
}

fn in_order<K: Ord>(groups: &Groups<K>, scale: &Scale, name: impl Fn(&K) -> String) -> Vec<Group> {
    let mut rows: Vec<Group> = groups.cells.iter().map(|(key, cell)| group(name(key), cell, scale)).collect();
    other(&mut rows, &groups.other, scale);
    rows
}

fn other(rows: &mut Vec<Group>, cell: &Cell, scale: &Scale) {
    if cell.requests > 0 {
        rows.push(group("other".to_owned(), cell, scale));
    }
}

fn notes(projection: &Projection<'_>, log: &Log, no_month: bool) -> Vec<String> {
    let mut notes = Vec::new();
    let mut note = |count: u64, text: &str| {
        if count > 0 {
            notes.push(text.replace("{}", &count.to_string()));
        }
    };
    note(
        log.answers_unknown,
        "{} answers were neither counted nor kept, and no other answer of the log was counted: \
                               their output is in no sum, and no saving is told",
    );
    note(
        log.answers_at_limit,
        "{} answers were neither counted nor kept: they are taken as long as their requests allow, which \
                                is the most they can be",
    );
    note(projection.unpriced_baseline, "{} requests were answered by a model without a price: they are in no sum");
    note(log.unreadable, "{} requests are not readable as requests of their endpoint: they stay where they are");
    note(log.cached_unknown, "{} requests do not tell what was read from a cache: priced as if nothing had been");
    note(
        projection.paid_unpriced,
        "{} requests are older than the prices known for their model: what was paid then is not \
                                    told",
    );
    if no_month {
        notes.push(
            "the log is shorter than an hour, which says nothing of a month: state how many requests there are"
                .to_owned(),
        );
    }
    notes
}
