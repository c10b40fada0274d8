//! What the page shows: formatted strings only.

use minijinja::Value;
use preflight::{Document, Example, Feature, Flight, Group, InFlight, Side};
use serde::Serialize;
use wire::provider::{Effect, Loss};

use super::cost::CostView;
use crate::charts::bars::{self, Bar, BarGroup, Part};
use crate::format::{self, count, share, share_of};
use crate::html::both;
use crate::palette::Ink;

/// Groups by consumer and model that are shown; the document has all.
const GROUPS_MAX: usize = 60;
/// Features of one effect that are shown.
const FEATURES_MAX: usize = 80;
/// Changes of one example that are shown.
const CHANGES_MAX: usize = 12;

#[derive(Serialize)]
pub(super) struct Page {
    version: String,
    tone: &'static str,
    word: String,
    meaning: String,
    why: String,
    route: String,
    now: String,
    figures: Vec<Entry>,
    effects: Vec<EffectView>,
    groups: Vec<GroupView>,
    groups_left_out: usize,
    models: Vec<ModelView>,
    models_toml: Option<String>,
    cost: Option<CostView>,
    missing: Vec<Entry>,
    retiring: Vec<RetiringView>,
    flight: FlightView,
    prompts: Vec<Entry>,
    unread: Vec<String>,
    files: String,
}

/// A name, its value, and what to know about it.
#[derive(Serialize)]
pub(super) struct Entry {
    label: String,
    value: String,
    detail: String,
}

impl Entry {
    pub(super) fn new(label: impl Into<String>, value: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { label: label.into(), value: value.into(), detail: detail.into() }
    }
}

#[derive(Serialize)]
struct EffectView {
    name: &'static str,
    title: &'static str,
    lead: &'static str,
    features: Vec<FeatureView>,
    left_out: usize,
}

#[derive(Serialize)]
struct FeatureView {
    feature: String,
    member: String,
    requests: String,
    share: String,
    mark: Option<&'static str>,
    why: String,
    details: Vec<String>,
    examples: Vec<ExampleView>,
    advice: Option<String>,
    toml: Option<String>,
}

#[derive(Serialize)]
struct ExampleView {
    place: String,
    changes: Vec<String>,
    more: usize,
}

#[derive(Serialize)]
struct GroupView {
    consumer: String,
    model: String,
    requests: String,
    fails: String,
    loses: String,
    rewritten: String,
    same: String,
    worst: String,
    is_failing: bool,
}

#[derive(Serialize)]
struct ModelView {
    from: String,
    to: String,
    chosen: &'static str,
    requests: String,
}

#[derive(Serialize)]
struct RetiringView {
    model: String,
    side: &'static str,
    on: String,
    left: String,
    requests: String,
    is_close: bool,
}

#[derive(Serialize)]
struct FlightView {
    summary: String,
    rows: Vec<FlightRow>,
}

#[derive(Serialize)]
struct FlightRow {
    model: String,
    requests: String,
    peak: String,
    per_second: String,
    cap: String,
    exceeds: bool,
}

pub(super) fn page(document: &Document) -> Page {
    let Document { log, totals, .. } = document;
    let judged = totals.judged();
    let (tone, word) = match (totals.fails, totals.loses.saturating_sub(totals.loses_harmless)) {
        (0, 0) if judged > 0 => ("go", "Nothing fails".to_owned()),
        (0, 0) => ("hold", "Nothing to judge".to_owned()),
        (0, loses) => ("hold", format!("{} lose something", share_of(loses, judged))),
        (fails, _) => ("no-go", format!("{} fail", share_of(fails, judged))),
    };
    let meaning = format!(
        "{} of {} requests would fail at {}, {} would lose something.",
        count(totals.fails),
        count(judged),
        document.candidate.name(),
        count(totals.loses)
    );
    Page {
        version: document.version.clone(),
        tone,
        word,
        meaning,
        why: worst(&document.features),
        route: format!("{} to {}", document.baseline.name(), document.candidate.name()),
        now: document.now.clone(),
        figures: figures(document),
        effects: [Effect::Fails, Effect::Loses, Effect::Rewritten]
            .into_iter()
            .filter_map(|effect| effect_view(effect, &document.features))
            .collect(),
        groups: document.groups.iter().take(GROUPS_MAX).map(group).collect(),
        groups_left_out: document.groups.len().saturating_sub(GROUPS_MAX),
        models: document.models.iter().map(model).collect(),
        models_toml: document.models_toml.clone(),
        cost: super::cost::cost(&document.cost),
        missing: document
            .missing_endpoints
            .iter()
            .map(|missing| Entry::new(missing.endpoint.name(), count(missing.requests), "stay on the baseline"))
            .collect(),
        retiring: document.retiring.iter().map(retiring).collect(),
        flight: flight(&document.flight),
        prompts: prompts(document),
        unread: log.broken.examples.iter().chain(&log.not_requests.examples).cloned().collect(),
        files: log.files.join(", "),
    }
}

/// What stands in the way most often, as a sentence.
fn worst(features: &[Feature]) -> String {
    let of = |effect| features.iter().filter(move |feature| feature.effect == effect);
    let (effect, verb) = match of(Effect::Fails).next() {
        Some(_) => (Effect::Fails, "fail because of"),
        None => (Effect::Loses, "lose"),
    };
    let named: Vec<String> =
        of(effect).take(3).map(|feature| format!("{} ({})", feature.feature, count(feature.requests))).collect();
    if named.is_empty() {
        return "What changes is said in another way, and means the same.".to_owned();
    }
    format!("Most {verb} {}.", named.join(", "))
}

fn figures(document: &Document) -> Vec<Entry> {
    let totals = &document.totals;
    let judged = totals.judged();
    let figure = |label: &str, value: u64, detail: &str| {
        Entry::new(label, count(value), format!("{} · {detail}", share_of(value, judged)))
    };
    let harmless = match totals.loses_harmless {
        0 => "something is left out".to_owned(),
        harmless => format!("something is left out, in {} nothing that changes an answer", count(harmless)),
    };
    let mut figures = vec![
        figure("Fail", totals.fails, "the gateway keeps them on the baseline"),
        figure("Lose something", totals.loses, &harmless),
        figure("Rewritten", totals.rewritten, "said in another way, with the same meaning"),
        figure("Same", totals.same, "only the model's name changes"),
    ];
    if totals.outside > 0 {
        figures.push(Entry::new("Outside", count(totals.outside), "no migration takes them"));
    }
    if totals.not_requests > 0 {
        figures.push(Entry::new("No requests", count(totals.not_requests), "whoever answers today refuses them, too"));
    }
    if document.log.broken.count > 0 {
        figures.push(Entry::new("Broken rows", count(document.log.broken.count), "not read, in no sum"));
    }
    figures.extend(super::cost::figures(&document.cost));
    figures
}

fn effect_view(effect: Effect, features: &[Feature]) -> Option<EffectView> {
    let all: Vec<&Feature> = features.iter().filter(|feature| feature.effect == effect).collect();
    let (name, title, lead) = match effect {
        Effect::Fails => (
            "fail",
            "What would fail",
            "The candidate would refuse these requests, or answer something else. The gateway keeps them on the baseline.",
        ),
        Effect::Loses => ("regressed", "What would be lost", "These are answered, without what is named here."),
        Effect::Rewritten => (
            "pass",
            "What the gateway rewrites",
            "These mean the same afterwards. The first examples show what is changed; values are shown only where they cannot \
             be content.",
        ),
        Effect::Same => return None,
    };
    let shown = all.iter().take(FEATURES_MAX).map(|one| feature(one)).collect();
    let view = EffectView { name, title, lead, features: shown, left_out: all.len().saturating_sub(FEATURES_MAX) };
    (!view.features.is_empty()).then_some(view)
}

fn feature(feature: &Feature) -> FeatureView {
    FeatureView {
        feature: feature.feature.clone(),
        member: feature.member.clone(),
        requests: count(feature.requests),
        share: share(feature.share),
        mark: match feature.loss {
            Some(Loss::Harmless) => Some("changes no answer"),
            Some(Loss::Doubtful) => Some("not known for sure"),
            Some(Loss::Behaviour) | None => None,
        },
        why: feature.why.clone(),
        details: feature.details.clone(),
        examples: feature.examples.iter().map(example).collect(),
        advice: feature.remedy.as_ref().map(|remedy| remedy.advice.clone()),
        toml: feature.remedy.as_ref().and_then(|remedy| remedy.toml.clone()),
    }
}

fn example(example: &Example) -> ExampleView {
    let place = match example.line {
        Some(line) => format!("{}:{line}, {}", example.file, example.id),
        None => format!("{}, request {}, {}", example.file, example.request, example.id),
    };
    ExampleView {
        place,
        changes: example.changes.iter().take(CHANGES_MAX).map(ToString::to_string).collect(),
        more: example.changes.len().saturating_sub(CHANGES_MAX),
    }
}

fn group(group: &Group) -> GroupView {
    let Group { totals, .. } = group;
    let consumer =
        group.consumer.clone().unwrap_or_else(|| if group.other { "others" } else { "nobody named" }.to_owned());
    GroupView {
        consumer,
        model: if group.other { "others".to_owned() } else { group.model.clone() },
        requests: count(totals.all()),
        fails: count(totals.fails),
        loses: count(totals.loses),
        rewritten: count(totals.rewritten),
        same: count(totals.same),
        worst: group
            .worst
            .iter()
            .take(3)
            .map(|(name, n)| format!("{name} ({})", count(*n)))
            .collect::<Vec<_>>()
            .join(", "),
        is_failing: totals.fails > 0,
    }
}

fn model(mapped: &preflight::Mapped) -> ModelView {
    ModelView {
        from: mapped.from.clone(),
        to: mapped.to.clone().unwrap_or_else(|| "stays where it is".to_owned()),
        chosen: mapped.chosen.map_or("", |chosen| match chosen {
            preflight::Chosen::Default => "by default",
            _ => "as told",
        }),
        requests: count(mapped.requests),
    }
}

fn retiring(retiring: &preflight::Retiring) -> RetiringView {
    let left = match retiring.days_left {
        days if days < 0 => "over".to_owned(),
        1 => "1 day".to_owned(),
        days => format!("{days} days"),
    };
    RetiringView {
        model: retiring.model.clone(),
        side: match retiring.side {
            Side::Baseline => "baseline",
            Side::Candidate => "candidate",
        },
        on: retiring.on.get(..10).unwrap_or(&retiring.on).to_owned(),
        left,
        requests: count(retiring.requests),
        is_close: retiring.days_left < 90,
    }
}

fn flight(flight: &Flight) -> FlightView {
    let summary = if flight.untimed {
        "The log has no times, so nothing can be said of how many requests are under way at once.".to_owned()
    } else if flight.without_duration > 0.0 {
        format!(
            "{} of the requests have no recorded duration and count for an instant only, so the peaks are too low.",
            share(flight.without_duration)
        )
    } else {
        "At the recorded pace and durations. A slower candidate has more under way.".to_owned()
    };
    FlightView { summary, rows: flight.models.iter().map(flight_row).collect() }
}

fn flight_row(model: &InFlight) -> FlightRow {
    let peak = model.peak.map_or_else(
        || format::NOTHING.to_owned(),
        |peak| if model.at_least { format!("at least {}", count(peak)) } else { count(peak) },
    );
    FlightRow {
        model: model.model.clone(),
        requests: count(model.requests),
        peak,
        per_second: count(model.per_second_peak),
        cap: model.cap.map_or_else(|| "not known".to_owned(), count),
        exceeds: model.exceeds() == Some(true),
    }
}

fn prompts(document: &Document) -> Vec<Entry> {
    let prompts = &document.prompts;
    if prompts.requests == 0 {
        return Vec::new();
    }
    let [half, most, nearly_all] = prompts.tokens_quantiles;
    vec![
        Entry::new(
            "Tokens of a prompt, about",
            count(half),
            format!(
                "half stay within; 90 % within {}, 99 % within {}, the longest has {}; from characters, to a factor of 1.5",
                count(most),
                count(nearly_all),
                count(prompts.tokens_max)
            ),
        ),
        Entry::new(
            "Near the candidate's window",
            count(prompts.near_window),
            format!("above nine tenths of it with their answers; above half: {}", count(prompts.above_half_window)),
        ),
        Entry::new(
            "Chinese, Japanese, Korean",
            share_of(prompts.wide_chars, prompts.chars),
            format!("of the characters; {} prompts mostly, {} mixed", count(prompts.mostly_wide), count(prompts.mixed)),
        ),
    ]
}

/// Requests by the worst that would become of them, as bars.
pub(super) fn totals_chart(document: &Document) -> Value {
    let totals = &document.totals;
    let rows = [
        ("fail", totals.fails, Ink::Fail),
        ("lose", totals.loses, Ink::Regressed),
        ("rewritten", totals.rewritten, Ink::Candidate),
        ("same", totals.same, Ink::Pass),
    ];
    let bars: Vec<Bar> = rows
        .iter()
        .map(|(label, requests, ink)| Bar {
            label: (*label).to_owned(),
            parts: vec![Part { ink: *ink, value: *requests as f64 }],
            value: count(*requests),
        })
        .collect();
    let said: Vec<String> = rows.iter().map(|(label, requests, _)| format!("{label} {requests}")).collect();
    let heading = "Requests by the worst that would become of them".to_owned();
    let groups = [BarGroup { heading, remark: None, legend: Vec::new(), bars, ticks: Vec::new() }];
    let draw = |width: f64| bars::draw(&groups, width, "Requests by outcome", format!("{}.", said.join(", ")));
    both("totals", &draw(720.0), &draw(340.0))
}
