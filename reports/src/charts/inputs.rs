//! From a verdict to the data of the charts.

pub(crate) mod bill;
pub(crate) mod course;
pub(crate) mod kinds;
pub(crate) mod times;

use judge::verdict::{Distribution, Evidence, Guardrail, Scale, State, Tokens, Verdict};

use super::bars::{Bar, BarGroup, Part};
use super::curves::{Arm, Curve, CurvePanel};
use super::forest::{Forest, ForestGroup, ForestRow};
use super::rates::amount;
use super::scale::round_ticks;
use crate::format;
use crate::model::guardrails::by_segment;
use crate::model::names;
use crate::palette::Ink;

/// Length of one share of the margin where the margin is not above no difference (in ratio, or in share).
const UNIT_WITHOUT_MARGIN: f64 = 0.5;

/// The guardrails that decide, and those that fail although they are only watched, placed on the axis of their margins.
pub(crate) fn forest(verdict: &Verdict) -> Forest {
    let deciding = by_segment(verdict.guardrails.iter().filter(|g| g.decides));
    let failing = by_segment(verdict.guardrails.iter().filter(|g| !g.decides && g.state == State::Fail));
    let has_parts = deciding.len() + failing.len() > 1;
    let deciding = deciding.into_iter().map(|(segment, rows)| (names::segment(segment), rows));
    let failing = failing.into_iter().map(|(segment, rows)| (format!("{}, watched", names::segment(segment)), rows));
    let groups: Vec<ForestGroup> = deciding
        .chain(failing)
        .map(|(title, guardrails)| ForestGroup {
            heading: has_parts.then_some(title),
            rows: guardrails.into_iter().map(forest_row).collect(),
        })
        .collect();
    let said: Vec<String> =
        groups.iter().flat_map(|group| group.rows.iter().map(|row| described(group, row))).collect();
    Forest { groups, description: if said.is_empty() { "No guardrails.".to_owned() } else { said.join(". ") } }
}

/// A row in words.
fn described(group: &ForestGroup, row: &ForestRow) -> String {
    let of = group.heading.as_ref().map_or_else(String::new, |heading| format!("{heading}, "));
    let state = crate::states::word(row.state);
    let figures = format!("measured {}, at worst {}, allowed {}", row.measured, row.at_worst, row.allowed);
    format!("{of}{}: {state}, {figures}", row.label)
}

fn forest_row(guardrail: &Guardrail) -> ForestRow {
    let axis = Axis::new(guardrail.scale, guardrail.margin);
    ForestRow {
        label: names::metric(&guardrail.metric),
        state: guardrail.state,
        point: axis.place_known(guardrail.estimate),
        lower: axis.place_known(guardrail.lower),
        upper: axis.place_known(guardrail.upper),
        neutral: (!axis.is_plain).then(|| axis.neutral()),
        measured: effect_or_nothing(guardrail, guardrail.estimate),
        at_worst: guardrail.upper.map_or_else(
            || if guardrail.estimate.is_some() { "unbounded".to_owned() } else { format::NOTHING.to_owned() },
            |upper| effect(guardrail.scale, upper),
        ),
        allowed: effect(guardrail.scale, guardrail.margin),
    }
}

/// Values of a guardrail in shares of its margin: 1 is the margin, whatever the unit; 0 is no difference, unless the
/// margin allows no increase at all.
#[derive(Debug, Clone, Copy)]
struct Axis {
    scale: Scale,
    margin: f64,
    unit: f64,
    is_plain: bool,
}

impl Axis {
    fn new(scale: Scale, margin: f64) -> Self {
        let is_plain = margin > no_difference(scale);
        let unit = if is_plain { margin - no_difference(scale) } else { UNIT_WITHOUT_MARGIN };
        Self { scale, margin, unit, is_plain }
    }

    fn place(self, value: f64) -> f64 {
        1.0 + (value - self.margin) / self.unit
    }

    fn place_known(self, value: Option<f64>) -> Option<f64> {
        value.filter(|v| !v.is_nan()).map(|value| self.place(value))
    }

    /// The value at a share of the margin.
    fn value(self, share: f64) -> f64 {
        self.margin + (share - 1.0) * self.unit
    }

    /// Where no difference lies.
    fn neutral(self) -> f64 {
        self.place(no_difference(self.scale))
    }
}

/// The value that means no difference.
const fn no_difference(scale: Scale) -> f64 {
    match scale {
        Scale::Difference => 0.0,
        Scale::Ratio => 1.0,
    }
}

/// An effect in its own unit: points, or change in percent.
pub(crate) fn effect(scale: Scale, value: f64) -> String {
    match scale {
        Scale::Difference => format::points(value),
        Scale::Ratio => format::change(value),
    }
}

/// The same where there may be none.
pub(crate) fn effect_or_nothing(guardrail: &Guardrail, value: Option<f64>) -> String {
    value.map_or_else(|| format::NOTHING.to_owned(), |value| effect(guardrail.scale, value))
}

/// Latency panels: one a metric and segment, in the order in which they first appear.
pub(crate) fn panels(evidence: &Evidence) -> Vec<CurvePanel> {
    let mut keys: Vec<(&str, &str)> = Vec::new();
    for distribution in &evidence.latency {
        let key = (distribution.metric.as_str(), distribution.segment.as_str());
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    keys.into_iter().map(|(metric, segment)| panel(evidence, metric, segment)).collect()
}

fn panel(evidence: &Evidence, metric: &str, segment: &str) -> CurvePanel {
    let find =
        |arm: Arm| evidence.latency.iter().find(|d| d.metric == metric && d.segment == segment && d.arm == arm.name());
    let both: Vec<(Arm, &Distribution)> =
        [Arm::Baseline, Arm::Candidate].into_iter().filter_map(|arm| find(arm).map(|d| (arm, d))).collect();
    let said: Vec<String> = both
        .iter()
        .map(|(arm, d)| {
            let quantile = |share| quantile(d, share).map_or_else(|| "unbounded".to_owned(), format::micros);
            format!("{}: median {}, 95th percentile {}", arm.name(), quantile(0.5), quantile(0.95))
        })
        .collect();
    CurvePanel {
        title: names::guardrail(metric, segment),
        description: format!("Share of requests that took at most so long. {}.", said.join("; ")),
        curves: both.into_iter().map(|(arm, distribution)| curve(arm, distribution)).collect(),
    }
}

fn curve(arm: Arm, distribution: &Distribution) -> Curve {
    let steps = distribution.quantiles_us.len().saturating_sub(1).max(1) as f64;
    let quantiles = distribution.quantiles_us.iter().enumerate();
    let mut points: Vec<(f64, f64)> =
        quantiles.filter_map(|(index, us)| us.map(|us| (us as f64, index as f64 / steps))).collect();
    points.sort_by(|a, b| a.1.total_cmp(&b.1));
    let failed = match distribution.n_infinite {
        0 => String::new(),
        failed => format!(" · {} never finished", format::share_of(failed, distribution.n)),
    };
    Curve {
        arm,
        points,
        note: format!("{} requests{failed}", format::count(distribution.n)),
        ends_early: distribution.n_infinite > 0,
    }
}

/// The quantile at a share, in microseconds; `None` where it is infinite or not on record.
pub(crate) fn quantile(distribution: &Distribution, share: f64) -> Option<f64> {
    let steps = distribution.quantiles_us.len().checked_sub(1)?;
    let index = (share * steps as f64).round() as usize;
    distribution.quantiles_us.get(index).copied().flatten().map(|us| us as f64)
}

/// Bars of cost, tokens and characters; groups without evidence are left out.
pub(crate) fn bar_groups(verdict: &Verdict) -> Vec<BarGroup> {
    let tokens: Vec<(Arm, &Tokens)> = [Arm::Baseline, Arm::Candidate]
        .into_iter()
        .filter_map(|arm| verdict.evidence.tokens.iter().find(|t| t.arm == arm.name()).map(|t| (arm, t)))
        .filter(|(_, tokens)| tokens.exchanges > 0)
        .collect();
    let mut groups: Vec<BarGroup> = cost_group(verdict).into_iter().collect();
    if !tokens.is_empty() {
        groups.push(token_group(&tokens));
        groups.push(character_group(&tokens));
    }
    groups
}

fn cost_group(verdict: &Verdict) -> Option<BarGroup> {
    let bill = &verdict.bill;
    let bar = |arm: Arm, amount: &str| {
        let value = format::to_number(amount)?;
        let parts = vec![Part { ink: arm.ink(), value }];
        Some(Bar { label: arm.name().to_owned(), parts, value: format::money_brief(amount, &bill.currency) })
    };
    let bars: Vec<Bar> = [bar(Arm::Baseline, &bill.baseline_per_1000), bar(Arm::Candidate, &bill.candidate_per_1000)]
        .into_iter()
        .flatten()
        .collect();
    let heading = "Cost per 1000 requests".to_owned();
    let ticks = ticks(&bars, |value| amount(value, &bill.currency));
    (bill.pairs_priced > 0 && bars.len() == 2).then_some(BarGroup {
        heading,
        remark: None,
        legend: Vec::new(),
        bars,
        ticks,
    })
}

/// Round lengths from zero to the longest bar.
fn ticks(bars: &[Bar], words: impl Fn(f64) -> String) -> Vec<(f64, String)> {
    let whole = |bar: &Bar| bar.parts.iter().map(|part| part.value).sum::<f64>();
    let longest = bars.iter().map(whole).fold(0.0, f64::max);
    round_ticks(longest, 4).into_iter().map(|value| (value, words(value))).collect()
}

/// A sum over exchanges as a mean of one.
fn mean(sum: u64, exchanges: u64) -> f64 {
    sum as f64 / exchanges.max(1) as f64
}

/// A mean of things that are counted in tens or thousands.
fn rounded(mean: f64) -> String {
    format::count(mean.round() as u64)
}

/// Which kinds a request's tokens are of. Shares and not sums: a token of one provider is not one of the other.
fn token_group(tokens: &[(Arm, &Tokens)]) -> BarGroup {
    let bars = tokens
        .iter()
        .map(|(arm, t)| {
            let kinds = [
                (Ink::Prompt, t.prompt_uncached),
                (Ink::Cached, t.prompt_cached),
                (Ink::Visible, t.completion_visible),
                (Ink::Reasoning, t.completion_reasoning),
            ];
            let all = kinds.iter().map(|(_, sum)| *sum as f64).sum::<f64>().max(1.0);
            let parts = kinds.iter().map(|(ink, sum)| Part { ink: *ink, value: *sum as f64 / all }).collect();
            let prompt = t.prompt_uncached.saturating_add(t.prompt_cached);
            let value = format!("{} cached", format::share_of(t.prompt_cached, prompt));
            Bar { label: arm.name().to_owned(), parts, value }
        })
        .collect();
    BarGroup {
        heading: "Tokens by kind".to_owned(),
        remark: Some("Shares, not sums: two tokenizers count differently.".to_owned()),
        ticks: [0.0, 0.25, 0.5, 0.75, 1.0].into_iter().map(|share| (share, format::percent(share))).collect(),
        legend: vec![
            (Ink::Prompt, "prompt"),
            (Ink::Cached, "prompt, cached"),
            (Ink::Visible, "answer"),
            (Ink::Reasoning, "reasoning"),
        ],
        bars,
    }
}

fn character_group(tokens: &[(Arm, &Tokens)]) -> BarGroup {
    let bars: Vec<Bar> = tokens
        .iter()
        .map(|(arm, t)| {
            let value = mean(t.answer_chars, t.exchanges);
            Bar { label: arm.name().to_owned(), parts: vec![Part { ink: arm.ink(), value }], value: rounded(value) }
        })
        .collect();
    BarGroup {
        heading: "Characters per answer".to_owned(),
        remark: Some("The same unit on both sides.".to_owned()),
        legend: Vec::new(),
        ticks: ticks(&bars, |value| format::count(value.round() as u64)),
        bars,
    }
}
