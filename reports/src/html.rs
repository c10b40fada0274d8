//! The page.
//!
//! Templates are bundled, values are escaped by default, and an unknown name in a template is an error. The only
//! markup that goes in unescaped is made here: the style sheet and the SVG drawings.

use judge::verdict::{Bill, Verdict};
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value, context};

use crate::charts::inputs::kinds::OutcomeKind;
use crate::charts::kinds::KindChart;
use crate::charts::scene::Scene;
use crate::charts::{bars, course, curves, forest, hours, inputs, kinds, quantiles, rates, svg};
use crate::error::ReportError;
use crate::model::Page;
use crate::{model, palette, states};

const TEMPLATES: [(&str, &str); 20] = [
    ("index.html", include_str!("../templates/index.html")),
    ("band.html", include_str!("../templates/sections/band.html")),
    ("guardrails.html", include_str!("../templates/sections/guardrails.html")),
    ("guardrail_table.html", include_str!("../templates/sections/guardrail_table.html")),
    ("course.html", include_str!("../templates/sections/course.html")),
    ("course_panel.html", include_str!("../templates/sections/course_panel.html")),
    ("weight.html", include_str!("../templates/sections/weight.html")),
    ("latency.html", include_str!("../templates/sections/latency.html")),
    ("bill.html", include_str!("../templates/sections/bill.html")),
    ("paid_table.html", include_str!("../templates/sections/paid_table.html")),
    ("money.html", include_str!("../templates/sections/money.html")),
    ("outcomes.html", include_str!("../templates/sections/outcomes.html")),
    ("outcome_table.html", include_str!("../templates/sections/outcome_table.html")),
    ("moderation.html", include_str!("../templates/sections/moderation.html")),
    ("parts.html", include_str!("../templates/sections/parts.html")),
    ("examples.html", include_str!("../templates/sections/examples.html")),
    ("contents.html", include_str!("../templates/sections/contents.html")),
    ("instrument.html", include_str!("../templates/sections/instrument.html")),
    ("methods.html", include_str!("../templates/sections/methods.html")),
    ("provenance.html", include_str!("../templates/sections/provenance.html")),
];

const STYLE: &str = include_str!("../templates/style.css");

/// Renders the page.
pub(crate) fn render(verdict: &Verdict) -> Result<String, ReportError> {
    let mut templates = environment()?;
    for (name, source) in TEMPLATES {
        templates.add_template(name, source)?;
    }
    let forest = inputs::forest(verdict);
    let page = model::page(verdict);
    let page = templates.get_template("index.html")?.render(context! {
        quantiles => quantile_charts(verdict, &page),
        outcomes => outcome_charts(verdict, &page),
        page => Serde(page),
        courses => courses(verdict),
        first_token => first_token_chart(verdict),
        consumers => kinds_chart("consumers", inputs::kinds::consumers(&verdict.bill), 720.0),
        models => kinds_chart("models", inputs::kinds::models(&verdict.bill), 720.0),
        style => style(),
        forest => both("guardrails", &forest::broad(&forest), &forest::narrow(&forest)),
        panels => panels(verdict),
        bars => bar_charts(verdict),
        rates => rates_chart(&verdict.bill),
        hours => hours_chart(&verdict.bill),
        icons => icons(),
    })?;
    Ok(page)
}

/// Templates of pages: values are escaped, and an unknown name is an error.
pub(crate) fn environment() -> Result<Environment<'static>, ReportError> {
    let mut templates = Environment::new();
    templates.set_undefined_behavior(UndefinedBehavior::Strict);
    templates.set_auto_escape_callback(|_| AutoEscape::Html);
    templates.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
    Ok(templates)
}

/// The style sheet of all pages, with the palette.
pub(crate) fn style() -> Value {
    Value::from_safe_string(format!("{}{STYLE}", palette::style_sheet()))
}

/// A chart in two widths; the style sheet shows the one that fits.
pub(crate) fn both(id: &str, broad: &Scene, narrow: &Scene) -> Value {
    let broad = svg::draw(broad, &format!("{id}-broad"), "broad");
    let narrow = svg::draw(narrow, &format!("{id}-narrow"), "narrow");
    Value::from_safe_string(broad + &narrow)
}

/// One drawing a latency panel, in the order of the tables.
fn panels(verdict: &Verdict) -> Vec<Value> {
    let panels = inputs::panels(&verdict.evidence);
    let drawn = panels.iter().enumerate();
    drawn
        .map(|(index, panel)| {
            both(&format!("latency-{index}"), &curves::draw(panel, 500.0), &curves::draw(panel, 340.0))
        })
        .collect()
}

/// One drawing a guardrail whose course is known, in the order of the verdict.
fn courses(verdict: &Verdict) -> Vec<Value> {
    let panels = inputs::course::panels(verdict);
    let drawn = panels.iter().enumerate().map(|(index, panel)| {
        Value::from_safe_string(svg::draw(&course::draw(panel), &format!("course-{index}"), "panel"))
    });
    drawn.collect()
}

/// Differences by quantile, in the order of the latency tables; `None` where a table has none.
fn quantile_charts(verdict: &Verdict, page: &Page) -> Vec<Option<Value>> {
    let views = page.latency.iter().enumerate();
    views
        .map(|(index, view)| {
            let (metric, segment) = &view.key;
            let panel = inputs::times::quantiles(&verdict.evidence, metric, segment)?;
            let draw = |width: f64| quantiles::draw(&panel, width);
            Some(both(&format!("quantiles-{index}"), &draw(500.0), &draw(340.0)))
        })
        .collect()
}

/// What the first visible text waits for.
fn first_token_chart(verdict: &Verdict) -> Option<Value> {
    let groups = inputs::times::first_token(&verdict.evidence);
    let said: Vec<String> = groups
        .iter()
        .map(|group| {
            let bars: Vec<String> = group.bars.iter().map(|bar| format!("{} {}", bar.label, bar.value)).collect();
            format!("{}: {}.", group.heading, bars.join(", "))
        })
        .collect();
    let title = "Mean time to the first visible text, by what it waits for";
    let draw = |width: f64| bars::draw(&groups, width, title, said.join(" "));
    (!groups.is_empty()).then(|| both("first-token", &draw(720.0), &draw(340.0)))
}

/// Errors and finish reasons, in the order of their tables.
fn outcome_charts(verdict: &Verdict, page: &Page) -> Vec<Vec<Option<Value>>> {
    let draw = |index: usize, segment: &str| {
        let kinds = [OutcomeKind::Errors, OutcomeKind::Finish].into_iter().enumerate();
        let drawn = kinds.map(|(of, kind)| {
            kinds_chart(
                &format!("outcomes-{index}-{of}"),
                inputs::kinds::outcomes(&verdict.evidence, segment, kind),
                500.0,
            )
        });
        drawn.collect()
    };
    page.outcomes.iter().enumerate().map(|(index, view)| draw(index, &view.segment)).collect()
}

/// A chart of kinds; `None` without data.
fn kinds_chart(id: &str, chart: Option<KindChart>, width: f64) -> Option<Value> {
    let chart = chart?;
    Some(both(id, &kinds::draw(&chart, width), &kinds::draw(&chart, 340.0)))
}

/// Cost and tokens; `None` if there is nothing to compare.
fn bar_charts(verdict: &Verdict) -> Option<Value> {
    let groups = inputs::bar_groups(verdict);
    let said: Vec<String> = groups
        .iter()
        .map(|group| {
            let bars: Vec<String> = group.bars.iter().map(|bar| format!("{} {}", bar.label, bar.value)).collect();
            format!("{}: {}.", group.heading, bars.join(", "))
        })
        .collect();
    let draw = |width: f64| bars::draw(&groups, width, "Cost and tokens by arm", said.join(" "));
    (!groups.is_empty()).then(|| both("cost", &draw(720.0), &draw(340.0)))
}

/// The candidate's bill by its cache-hit rate; `None` if the bill does not say.
fn rates_chart(bill: &Bill) -> Option<Value> {
    let chart = inputs::bill::rates(bill)?;
    Some(both("rates", &rates::draw(&chart, 720.0), &rates::draw(&chart, 340.0)))
}

/// The bill by hour of the day with its sentence; `None` if the bill does not say.
fn hours_chart(bill: &Bill) -> Option<Value> {
    let chart = inputs::bill::hours(bill)?;
    let drawn = both("hours", &hours::draw(&chart, 720.0), &hours::draw(&chart, 340.0));
    Some(context! { sentence => chart.description, chart => drawn })
}

/// The signs of all states, by name. They stand beside the word, so they are hidden from screen readers.
pub(crate) fn icons() -> Value {
    let icons = states::ALL.into_iter().map(|state| {
        let mut scene = Scene::new(18.0, 18.0, String::new(), String::new());
        states::draw(&mut scene, (9.0, 9.0), state);
        (states::name(state), Value::from_safe_string(svg::icon(&scene)))
    });
    Value::from_pairs(icons)
}
