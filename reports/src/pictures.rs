//! The PNG files: each chart with a heading of its own, because pictures travel without their page.

use std::path::{Path, PathBuf};

use judge::verdict::Verdict;
use plotters::backend::{BitMapBackend, DrawingBackend};

use crate::charts::bitmap::{Pixels, halved, paint};
use crate::charts::scene::{Anchor, Scene};
use crate::charts::{bars, curves, forest, hours, inputs, rates};
use crate::error::ReportError;
use crate::files;
use crate::palette::Ink;

/// Space around a chart.
const EDGE: f64 = 28.0;
/// Space for the heading.
const HEAD: f64 = 58.0;
/// Width of one latency panel and the space between two.
const PANEL: f64 = 480.0;
const PANEL_GAP: f64 = 40.0;
/// Width of the bars.
const BARS: f64 = 720.0;

/// Draws and writes all pictures at one and two pixels per CSS pixel.
pub(crate) fn write(verdict: &Verdict, out: &Path) -> Result<Vec<PathBuf>, ReportError> {
    let mut written = Vec::new();
    for (name, scene) in scenes(verdict) {
        let broken = |reason| ReportError::Picture { path: out.join(format!("{name}.png")), reason };
        let double = halved(&paint(&scene).map_err(broken)?);
        written.push(encode(out, &format!("{name}.png"), &halved(&double))?);
        written.push(encode(out, &format!("{name}@2x.png"), &double)?);
    }
    Ok(written)
}

/// The pictures with their file names.
fn scenes(verdict: &Verdict) -> Vec<(&'static str, Scene)> {
    let forest = inputs::forest(verdict);
    let guardrails = forest::broad(&forest);
    let groups = inputs::bar_groups(verdict);
    let cost = bars::draw(&groups, BARS, "Cost and tokens by arm", String::new());
    let mut scenes = vec![
        ("guardrails", headed(verdict, "guardrails against their margins", guardrails, forest.is_empty())),
        ("latency", latency(verdict)),
        ("cost", headed(verdict, "cost and tokens", cost, groups.is_empty())),
    ];
    let headed = |bill| headed(verdict, "the bill of the same traffic on either arm", bill, false);
    scenes.extend(bill(verdict).map(|bill| ("bill", headed(bill))));
    scenes
}

/// The bill by cache-hit rate and by hour, side by side; `None` where it says neither.
fn bill(verdict: &Verdict) -> Option<Scene> {
    let rates = inputs::bill::rates(&verdict.bill).map(|chart| rates::draw(&chart, PANEL));
    let hours = inputs::bill::hours(&verdict.bill).map(|chart| hours::draw(&chart, PANEL));
    let drawn: Vec<Scene> = [rates, hours].into_iter().flatten().collect();
    let height = drawn.iter().map(|scene| scene.height).reduce(f64::max)?;
    let width = drawn.len() as f64 * (PANEL + PANEL_GAP) - PANEL_GAP;
    let mut all = Scene::new(width, height, String::new(), String::new());
    for (index, scene) in drawn.into_iter().enumerate() {
        all.place((index as f64 * (PANEL + PANEL_GAP), 0.0), scene);
    }
    Some(all)
}

/// Latency panels, two in a row.
fn latency(verdict: &Verdict) -> Scene {
    let panels = inputs::panels(&verdict.evidence);
    let drawn: Vec<(String, Scene)> =
        panels.iter().map(|panel| (panel.title.clone(), curves::draw(panel, PANEL))).collect();
    let row = drawn.iter().map(|(_, scene)| scene.height).fold(0.0, f64::max) + 34.0;
    let rows = drawn.len().div_ceil(2) as f64;
    let mut all = Scene::new(PANEL * 2.0 + PANEL_GAP, (row * rows - 10.0).max(1.0), String::new(), String::new());
    for (index, (title, scene)) in drawn.into_iter().enumerate() {
        let at = ((index % 2) as f64 * (PANEL + PANEL_GAP), (index / 2) as f64 * row);
        all.bold((at.0, at.1 + 13.0), Anchor::Start, 14.0, Ink::Text, title);
        all.place((at.0, at.1 + 26.0), scene);
    }
    headed(verdict, "share of requests finished in time", all, panels.is_empty())
}

/// A chart with the verdict above it.
fn headed(verdict: &Verdict, what: &str, chart: Scene, is_empty: bool) -> Scene {
    let body = if is_empty { 60.0 } else { chart.height };
    let width = chart.width + 2.0 * EDGE;
    let mut scene = Scene::new(width, HEAD + body + 2.0 * EDGE, String::new(), String::new());
    let ink = match verdict.verdict {
        judge::verdict::Decision::Go => Ink::Pass,
        judge::verdict::Decision::Hold => Ink::Regressed,
        judge::verdict::Decision::NoGo => Ink::Fail,
    };
    scene.rect((0.0, 0.0), width, 6.0, ink);
    scene.bold((EDGE, EDGE + 22.0), Anchor::Start, 22.0, ink, verdict.verdict.word());
    scene.text((EDGE, EDGE + 42.0), Anchor::Start, 13.0, Ink::Muted, format!("{}: {what}", verdict.migration));
    let origin = format!("weighbridge {} · {}", verdict.version, verdict.created_at);
    scene.text((width - EDGE, EDGE + 22.0), Anchor::End, 11.0, Ink::Muted, origin);
    if is_empty {
        scene.text(
            (EDGE, EDGE + HEAD + 30.0),
            Anchor::Start,
            13.0,
            Ink::Muted,
            "There is no evidence of this kind in the verdict.",
        );
    } else {
        scene.place((EDGE, EDGE + HEAD), chart);
    }
    scene
}

/// Writes pixels as PNG, through the encoder behind plotters.
pub(crate) fn encode(out: &Path, name: &str, pixels: &Pixels) -> Result<PathBuf, ReportError> {
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
