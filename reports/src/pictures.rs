//! The PNG files: each chart with a heading of its own, because pictures travel without their page.

use std::path::{Path, PathBuf};

use judge::verdict::Verdict;
use plotters::backend::{BitMapBackend, DrawingBackend};

use crate::charts::bars::BarGroup;
use crate::charts::bitmap::{Pixels, halved, paint};
use crate::charts::inputs::kinds::OutcomeKind;
use crate::charts::scene::{Anchor, Scene};
use crate::charts::{bars, course, curves, forest, hours, inputs, kinds, quantiles, rates};
use crate::error::ReportError;
use crate::files;
use crate::language::Language;
use crate::model;
use crate::palette::Ink;

/// Space around a chart.
const EDGE: f64 = 28.0;
/// Space for the heading.
const HEAD: f64 = 84.0;
/// Width of one latency panel and the space between two.
const PANEL: f64 = 480.0;
const PANEL_GAP: f64 = 40.0;
/// Space between two rows of panels.
const ROW_GAP: f64 = 26.0;
/// Width of the bars.
const BARS: f64 = 720.0;

/// Draws and writes all pictures at one and two pixels per CSS pixel.
pub(crate) fn write(verdict: &Verdict, out: &Path, language: Language) -> Result<Vec<PathBuf>, ReportError> {
    let mut written = Vec::new();
    for (name, scene) in scenes(verdict) {
        written.extend(both_sizes(out, name, &language.scene(scene))?);
    }
    Ok(written)
}

/// Writes a picture at one and two pixels per CSS pixel.
pub(crate) fn both_sizes(out: &Path, name: &str, scene: &Scene) -> Result<[PathBuf; 2], ReportError> {
    let broken = |reason| ReportError::Picture { path: out.join(format!("{name}.png")), reason };
    let double = halved(&paint(scene).map_err(broken)?);
    Ok([encode(out, &format!("{name}.png"), &halved(&double))?, encode(out, &format!("{name}@2x.png"), &double)?])
}

/// A picture with its file name, what it is and what it shows.
struct Picture {
    name: &'static str,
    what: &'static str,
    sentence: &'static str,
    /// Absent where the verdict has no evidence of this kind.
    chart: Option<Scene>,
}

/// The pictures with their file names. Three are always there; the others where the verdict has their evidence.
fn scenes(verdict: &Verdict) -> Vec<(&'static str, Scene)> {
    let forest = inputs::forest(verdict);
    let groups = inputs::bar_groups(verdict);
    let first_token = inputs::times::first_token(&verdict.evidence);
    let bars = |groups: &[BarGroup]| (!groups.is_empty()).then(|| bars::draw(groups, BARS, "", String::new()));
    let always = [
        Picture {
            name: "guardrails",
            what: "guardrails against their margins",
            sentence: "From the best to the worst value that the data allow; passed is what ends left of its margin.",
            chart: (!forest.is_empty()).then(|| forest::broad(&forest)),
        },
        Picture {
            name: "latency",
            what: "share of requests finished in time",
            sentence: "How many requests were done after how much time; further left is faster.",
            chart: latency(verdict),
        },
        Picture {
            name: "cost",
            what: "cost and tokens",
            sentence: "What 1000 requests cost on either arm, which tokens they are made of, how long answers are.",
            chart: bars(&groups),
        },
    ];
    let where_known = [
        Picture {
            name: "course",
            what: "evidence over time",
            sentence: "How the bounds closed in on the margin (dashed); upwards is worse, the band is what the data allowed.",
            chart: course(verdict),
        },
        Picture {
            name: "quantiles",
            what: "latency differences by quantile",
            sentence: "Candidate less baseline with 95% intervals for one look; a filled point is proven to differ.",
            chart: quantiles(verdict),
        },
        Picture {
            name: "first-token",
            what: "what the first visible text waits for",
            sentence: "Means of the parts of the time to the first visible text, by arm.",
            chart: bars(&first_token),
        },
        Picture {
            name: "bill",
            what: "the bill of the same traffic on either arm",
            sentence: "The same traffic on either arm: by how much the cache knows, and by hour of the day.",
            chart: bill(verdict),
        },
        Picture {
            name: "paid",
            what: "paid by model and by consumer",
            sentence: "What was paid, the experiment's own calls too.",
            chart: paid(verdict),
        },
        Picture {
            name: "outcomes",
            what: "errors and finish reasons of the pairs",
            sentence: "What became of the requests: shares of the arm's own requests.",
            chart: outcomes(verdict),
        },
    ];
    let known = where_known.into_iter().filter(|picture| picture.chart.is_some());
    always.into_iter().chain(known).map(|picture| (picture.name, headed(verdict, picture))).collect()
}

/// The bill by cache-hit rate and by hour; `None` where it says neither.
fn bill(verdict: &Verdict) -> Option<Scene> {
    let rates = inputs::bill::rates(&verdict.bill).map(|chart| rates::draw(&chart, PANEL));
    let hours = inputs::bill::hours(&verdict.bill).map(|chart| hours::draw(&chart, PANEL));
    grid(titled([rates, hours].into_iter().flatten()), 2)
}

/// Money by model and by consumer; `None` where the bill tells neither apart.
fn paid(verdict: &Verdict) -> Option<Scene> {
    let charts = [inputs::kinds::models(&verdict.bill), inputs::kinds::consumers(&verdict.bill)];
    grid(titled(charts.into_iter().flatten().map(|chart| kinds::draw(&chart, PANEL))), 2)
}

/// Errors and finish reasons of the pairs.
fn outcomes(verdict: &Verdict) -> Option<Scene> {
    let charts = [OutcomeKind::Errors, OutcomeKind::Finish];
    let charts = charts.into_iter().filter_map(|kind| inputs::kinds::outcomes(&verdict.evidence, "all", kind));
    grid(titled(charts.map(|chart| kinds::draw(&chart, PANEL))), 2)
}

/// The course of the guardrails, what keeps a GO away first.
fn course(verdict: &Verdict) -> Option<Scene> {
    let panels = inputs::course::panels(verdict);
    let order = model::course::courses(verdict);
    let drawn = order.iter().filter_map(|view| panels.get(view.index)).map(course::draw);
    grid(titled(drawn), 3)
}

/// Differences by quantile of all latencies.
fn quantiles(verdict: &Verdict) -> Option<Scene> {
    let panels = inputs::times::all_quantiles(&verdict.evidence);
    grid(panels.into_iter().map(|panel| (panel.title.clone(), quantiles::draw(&panel, PANEL))).collect(), 2)
}

/// Latency panels.
fn latency(verdict: &Verdict) -> Option<Scene> {
    let panels = inputs::panels(&verdict.evidence);
    grid(panels.iter().map(|panel| (panel.title.clone(), curves::draw(panel, PANEL))).collect(), 2)
}

/// Scenes with their own titles.
fn titled(scenes: impl Iterator<Item = Scene>) -> Vec<(String, Scene)> {
    scenes.map(|scene| (scene.title.clone(), scene)).collect()
}

/// Panels below their titles, so many in a row; `None` without panels.
fn grid(panels: Vec<(String, Scene)>, columns: usize) -> Option<Scene> {
    let column = panels.iter().map(|(_, scene)| scene.width).reduce(f64::max)? + PANEL_GAP;
    let used = columns.min(panels.len());
    // A single panel keeps the width of a row, so that the heading of the picture has its room.
    let width = column.mul_add(used.max(2) as f64, -PANEL_GAP);
    let mut all = Scene::new(width, 0.0, String::new(), String::new());
    let mut rows = panels.into_iter().peekable();
    let mut top = 0.0;
    while rows.peek().is_some() {
        let row: Vec<(String, Scene)> = rows.by_ref().take(columns).collect();
        let height = row.iter().map(|(_, scene)| scene.height).fold(0.0, f64::max);
        for (index, (title, scene)) in row.into_iter().enumerate() {
            let left = index as f64 * column;
            all.bold((left, top + 13.0), Anchor::Start, 14.0, Ink::Text, title);
            all.place((left, top + 26.0), scene);
        }
        top += height + 26.0 + ROW_GAP;
    }
    all.height = (top - ROW_GAP).max(1.0);
    Some(all)
}

/// A chart with the verdict above it.
fn headed(verdict: &Verdict, picture: Picture) -> Scene {
    let ink = match verdict.verdict {
        judge::verdict::Decision::Go => Ink::Pass,
        judge::verdict::Decision::Hold => Ink::Regressed,
        judge::verdict::Decision::NoGo => Ink::Fail,
    };
    let heading = Heading {
        ink,
        word: verdict.verdict.word().to_owned(),
        what: format!("{}: {}", verdict.migration, picture.what),
        sentence: picture.sentence.to_owned(),
        origin: format!("weighbridge {} · {}", verdict.version, verdict.created_at),
    };
    beneath(heading, picture.chart)
}

/// What stands above a chart, because pictures travel without their page.
pub(crate) struct Heading {
    /// Colour of the answer.
    pub(crate) ink: Ink,
    /// The answer.
    pub(crate) word: String,
    /// Of what this is a picture.
    pub(crate) what: String,
    /// How to read it.
    pub(crate) sentence: String,
    /// Who made it from what.
    pub(crate) origin: String,
}

/// A chart below its heading; without a chart a line that says so.
pub(crate) fn beneath(heading: Heading, chart: Option<Scene>) -> Scene {
    let body = chart.as_ref().map_or(60.0, |chart| chart.height);
    let width = chart.as_ref().map_or(BARS, |chart| chart.width) + 2.0 * EDGE;
    let mut scene = Scene::new(width, HEAD + body + 2.0 * EDGE, String::new(), String::new());
    scene.rect((0.0, 0.0), width, 6.0, heading.ink);
    scene.bold((EDGE, EDGE + 22.0), Anchor::Start, 22.0, heading.ink, heading.word);
    scene.text((EDGE, EDGE + 42.0), Anchor::Start, 13.0, Ink::Muted, heading.what);
    scene.text((width - EDGE, EDGE + 22.0), Anchor::End, 11.0, Ink::Muted, heading.origin);
    match chart {
        Some(chart) => {
            scene.text((EDGE, EDGE + 62.0), Anchor::Start, 13.0, Ink::Text, heading.sentence);
            scene.place((EDGE, EDGE + HEAD), chart);
        }
        None => {
            let none = "There is no evidence of this kind in the verdict.";
            scene.text((EDGE, EDGE + HEAD + 30.0), Anchor::Start, 13.0, Ink::Muted, none);
        }
    }
    scene
}

/// Writes pixels as PNG, through the encoder behind plotters.
fn encode(out: &Path, name: &str, pixels: &Pixels) -> Result<PathBuf, ReportError> {
    let path = out.join(name);
    let temporary = files::temporary(out, name);
    let written = {
        let size = (pixels.width, pixels.height);
        let mut backend = BitMapBackend::new(&temporary, size);
        backend.blit_bitmap((0, 0), size, &pixels.rgb).and_then(|()| backend.present())
    };
    match written {
        Ok(()) => files::finish(&temporary, path),
        Err(error) => {
            // The first error is the one to report.
            drop(std::fs::remove_file(&temporary));
            Err(ReportError::Picture { path, reason: error.to_string() })
        }
    }
}
