//! Guardrails against their margins, on one axis.
//!
//! Guardrails come in percentage points and in ratios with margins of their own, so the axis is the share of the
//! margin that is used: 0 is no difference, 1 is the margin. What lies outside the axis is shown by an arrow, never
//! left out, and the true figures stand beside it.

use judge::verdict::State;

use super::scale::Linear;
use super::scene::{Anchor, Mark, Scene, Stroke};
use crate::palette::Ink;
use crate::states;

/// One guardrail, in shares of its margin.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ForestRow {
    /// What it measures.
    pub(crate) label: String,
    /// What follows.
    pub(crate) state: State,
    /// Point estimate, if there is one.
    pub(crate) point: Option<f64>,
    /// Lower bound; `None` is unbounded.
    pub(crate) lower: Option<f64>,
    /// Upper bound; `None` is unbounded.
    pub(crate) upper: Option<f64>,
    /// Where no difference lies, if that is not at 0.
    pub(crate) neutral: Option<f64>,
    /// Point estimate, in words.
    pub(crate) measured: String,
    /// Upper bound, in words.
    pub(crate) at_worst: String,
    /// Margin, in words.
    pub(crate) allowed: String,
}

/// Guardrails of one part of the traffic.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ForestGroup {
    /// Which part, where there are several.
    pub(crate) heading: Option<String>,
    /// Guardrails, in the policy's order.
    pub(crate) rows: Vec<ForestRow>,
}

/// The data of the chart.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Forest {
    /// Parts of the traffic.
    pub(crate) groups: Vec<ForestGroup>,
    /// What it shows, in a sentence.
    pub(crate) description: String,
}

/// Left end of the axis, in shares of the margin.
const FROM: f64 = -1.0;
/// Right end of the axis, and where it is moved to if an estimate lies beyond it.
const TO: f64 = 2.0;
const FAR: f64 = 4.0;
/// Room for the lines of an axis, above and below the rows.
const HEAD: f64 = 44.0;
const FOOT: f64 = 50.0;
/// Height of a heading between the rows.
const HEADING: f64 = 32.0;
/// More rows than this stand closer together.
const MANY: usize = 12;
/// Radius of a sign with its rim.
const SIGN: f64 = 9.5;

/// Positions that differ between a broad and a narrow picture.
struct Layout {
    width: f64,
    row: f64,
    plot: Linear,
    /// From the top of a row to its interval.
    interval: f64,
    is_broad: bool,
}

impl Layout {
    const fn broad(to: f64, many: bool) -> Self {
        let plot = Linear { from: FROM, to, start: 236.0, end: 606.0 };
        let row = if many { 28.0 } else { 36.0 };
        Self { width: 960.0, row, plot, interval: row / 2.0, is_broad: true }
    }

    const fn narrow(to: f64) -> Self {
        let plot = Linear { from: FROM, to, start: 10.0, end: 330.0 };
        Self { width: 340.0, row: 72.0, plot, interval: 34.0, is_broad: false }
    }
}

impl Forest {
    fn rows(&self) -> impl Iterator<Item = &ForestRow> {
        self.groups.iter().flat_map(|group| &group.rows)
    }

    /// Whether there is anything to draw.
    pub(crate) fn is_empty(&self) -> bool {
        self.rows().next().is_none()
    }

    fn right_end(&self) -> f64 {
        let is_far = |row: &ForestRow| row.point.is_some_and(|point| point > TO);
        if self.rows().any(is_far) { FAR } else { TO }
    }
}

/// The chart at full width (960 pixels), figures beside the intervals.
pub(crate) fn broad(forest: &Forest) -> Scene {
    draw(forest, &Layout::broad(forest.right_end(), forest.rows().count() > MANY))
}

/// The chart for a phone (340 pixels), names above and figures below the intervals.
pub(crate) fn narrow(forest: &Forest) -> Scene {
    draw(forest, &Layout::narrow(forest.right_end()))
}

fn draw(forest: &Forest, layout: &Layout) -> Scene {
    let headings = forest.groups.iter().filter(|group| group.heading.is_some()).count();
    let body = forest.rows().count() as f64 * layout.row + headings as f64 * HEADING;
    let has_note = forest.rows().any(|row| row.neutral.is_some());
    let foot = if has_note { FOOT + if layout.is_broad { 20.0 } else { 36.0 } } else { FOOT };
    let title = "Guardrails against their margins".to_owned();
    let mut scene = Scene::new(layout.width, HEAD + body + foot, title, forest.description.clone());
    frame(&mut scene, layout, HEAD + body);
    let mut top = HEAD;
    for group in &forest.groups {
        if let Some(words) = &group.heading {
            heading(&mut scene, layout, top, words);
            top += HEADING;
        }
        for row in &group.rows {
            draw_row(&mut scene, layout, top, row);
            top += layout.row;
        }
    }
    if has_note {
        note(&mut scene, layout, HEAD + body + FOOT);
    }
    scene
}

/// The name of a part of the traffic, on a ground of its own across the picture.
fn heading(scene: &mut Scene, layout: &Layout, top: f64, words: &str) {
    scene.rect((0.0, top + 4.0), layout.width, HEADING - 8.0, Ink::Raised);
    scene.bold((8.0, top + HEADING / 2.0 + 4.5), Anchor::Start, 12.5, Ink::Muted, words);
}

/// Axis, margin, the area beyond it, and the heads of the columns.
fn frame(scene: &mut Scene, layout: &Layout, bottom: f64) {
    let plot = &layout.plot;
    let top = HEAD - 6.0;
    scene.rect((plot.at(1.0), top), plot.end - plot.at(1.0), bottom - top, Ink::Beyond);
    for share in [-1.0, 0.0, 1.0, 2.0, 3.0, 4.0].into_iter().filter(|share| *share <= plot.to) {
        let x = plot.at(share);
        let stroke = match share {
            1.0 => Stroke::dashed(Ink::Fail, 1.5, 5.0, 3.0),
            0.0 => Stroke::solid(Ink::Axis, 1.5),
            _ => Stroke::solid(Ink::Grid, 1.0),
        };
        scene.line((x, top), (x, bottom), stroke);
        let tick = format!("{}{}%", if share < 0.0 { "\u{2212}" } else { "" }, (share * 100.0_f64).abs());
        let anchor = if layout.is_broad || (share > plot.from && share < plot.to) {
            Anchor::Middle
        } else if share < 0.0 {
            Anchor::Start
        } else {
            Anchor::End
        };
        scene.text((x, bottom + 17.0), anchor, 12.0, Ink::Muted, tick);
    }
    scene.text((plot.at(0.0), top - 8.0), Anchor::Middle, 12.0, Ink::Muted, "no difference");
    scene.bold((plot.at(1.0), top - 8.0), Anchor::Middle, 12.0, Ink::Fail, "margin");
    // On a long axis there is no room for both words on the left; "no difference" is the one that matters.
    if plot.to <= TO {
        scene.text((plot.start, top - 8.0), Anchor::Start, 12.0, Ink::Muted, "better");
    }
    scene.text((plot.end, top - 8.0), Anchor::End, 12.0, Ink::Muted, "worse");
    scene.text(
        ((plot.start + plot.end) / 2.0, bottom + 36.0),
        Anchor::Middle,
        12.0,
        Ink::Muted,
        "share of the margin used",
    );
    if layout.is_broad {
        for (x, head) in COLUMNS.into_iter().zip(["measured", "at worst", "allowed"]) {
            scene.text((x, top - 8.0), Anchor::End, 12.0, Ink::Muted, head);
        }
    }
}

/// Right ends of the columns with figures.
const COLUMNS: [f64; 3] = [690.0, 768.0, 842.0];

fn draw_row(scene: &mut Scene, layout: &Layout, top: f64, row: &ForestRow) {
    let y = top + layout.interval;
    let ink = states::ink(row.state);
    if layout.is_broad {
        scene.line((0.0, top + layout.row), (layout.width, top + layout.row), Stroke::solid(Ink::Grid, 0.5));
        scene.bold((0.0, y + 4.5), Anchor::Start, 13.0, Ink::Text, starred(row));
        let inks = [Ink::Text, ink, Ink::Muted];
        for ((x, text), ink) in COLUMNS.into_iter().zip([&row.measured, &row.at_worst, &row.allowed]).zip(inks) {
            scene.text((x, y + 4.5), Anchor::End, 12.5, ink, text.as_str());
        }
        scene.text((858.0, y + 4.5), Anchor::Start, 12.0, ink, states::word(row.state));
    } else {
        scene.rect((0.0, top + 2.0), layout.width, 19.0, Ink::Surface);
        scene.bold((0.0, top + 16.0), Anchor::Start, 13.0, Ink::Text, starred(row));
        scene.text((layout.width, top + 16.0), Anchor::End, 12.0, ink, states::word(row.state));
        scene.rect((0.0, top + 47.0), layout.width, 20.0, Ink::Surface);
        let figures = format!("measured {} · at worst {} · allowed {}", row.measured, row.at_worst, row.allowed);
        scene.text((0.0, top + 60.0), Anchor::Start, 11.0, Ink::Muted, figures);
    }
    if let Some(neutral) = row.neutral.filter(|x| (FROM..=layout.plot.to).contains(x)) {
        let x = layout.plot.at(neutral);
        scene.line((x, y - 9.0), (x, y + 9.0), Stroke::solid(Ink::Axis, 2.0));
    }
    interval(scene, &layout.plot, y, row);
}

fn starred(row: &ForestRow) -> String {
    format!("{}{}", row.label, if row.neutral.is_some() { " *" } else { "" })
}

/// The bar from bound to bound and the sign at the estimate; arrows where they leave the axis.
fn interval(scene: &mut Scene, plot: &Linear, y: f64, row: &ForestRow) {
    let ink = states::ink(row.state);
    let has_bounds = row.lower.is_some() || row.upper.is_some();
    if row.point.is_none() && !has_bounds {
        // Beside the margin, where no line crosses it.
        scene.text((plot.at(1.0) + 8.0, y + 4.0), Anchor::Start, 12.0, Ink::Muted, "no figure");
        return;
    }
    let lower = row.lower.unwrap_or(f64::NEG_INFINITY);
    let upper = row.upper.unwrap_or(f64::INFINITY);
    let (left, right) = (plot.clamped(lower), plot.clamped(upper));
    scene.line((left, y), (right, y), Stroke::solid(ink, 3.0));
    for (value, x) in [(lower, left), (upper, right)] {
        if value < FROM || value > plot.to {
            // The arrow points to where the bound really lies, which may be beyond either end.
            let direction = if value < FROM { -1.0 } else { 1.0 };
            arrow(scene, x, y, direction, ink);
        } else if row.point.is_none_or(|point| (plot.at(point) - x).abs() > SIGN) {
            // A cap under the rim of the sign would only look like a smudge.
            scene.line((x, y - 5.0), (x, y + 5.0), Stroke::solid(ink, 2.0));
        }
    }
    let Some(point) = row.point else { return };
    let x = match point {
        // Beyond the end: the sign stands beside the arrow.
        point if point < FROM => plot.start + 17.0,
        point if point > plot.to => plot.end - 17.0,
        point => plot.at(point),
    };
    scene.disc((x, y), SIGN, row_ground(plot, x));
    states::draw(scene, (x, y), row.state);
}

/// Colour behind a sign, so that its rim does not cut a hole into the area beyond the margin.
fn row_ground(plot: &Linear, x: f64) -> Ink {
    if x > plot.at(1.0) + SIGN { Ink::Beyond } else { Ink::Surface }
}

fn arrow(scene: &mut Scene, x: f64, y: f64, direction: f64, ink: Ink) {
    let tip = (x + direction * 6.0, y);
    let back = x - direction * 5.0;
    scene.marks.push(Mark::Area(vec![tip, (back, y - 6.5), (back, y + 6.5)], ink));
}

fn note(scene: &mut Scene, layout: &Layout, top: f64) {
    let words = [
        "* This margin allows no increase, or demands a saving: for it, 0% stands for 50 points",
        "below the margin, and the upright tick for no difference.",
    ];
    if layout.is_broad {
        scene.text((0.0, top + 12.0), Anchor::Start, 12.0, Ink::Muted, words.join(" "));
        return;
    }
    let lines = [
        "* This margin allows no increase, or demands a",
        "saving: 0% stands for 50 points below it, the",
        "upright tick for no difference.",
    ];
    for (line, y) in lines.into_iter().zip([6.0, 20.0, 34.0]) {
        scene.text((0.0, top + y), Anchor::Start, 11.0, Ink::Muted, line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(point: Option<f64>, lower: Option<f64>, upper: Option<f64>) -> ForestRow {
        let text = String::new;
        let state = State::Pass;
        ForestRow {
            label: "Errors".to_owned(),
            state,
            point,
            lower,
            upper,
            neutral: None,
            measured: text(),
            at_worst: text(),
            allowed: text(),
        }
    }

    fn forest(rows: Vec<ForestRow>) -> Forest {
        let heading = Some("Served traffic".to_owned());
        Forest { groups: vec![ForestGroup { heading, rows }], description: String::new() }
    }

    fn drawn(row: ForestRow) -> Scene {
        broad(&forest(vec![row]))
    }

    /// Triangles in the colour of the state that are not part of a sign.
    fn arrows(scene: &Scene) -> usize {
        scene.marks.iter().filter(|mark| matches!(mark, Mark::Area(points, Ink::Pass) if points.len() == 3)).count()
    }

    #[test]
    fn what_leaves_the_axis_becomes_an_arrow() {
        assert_eq!(arrows(&drawn(row(Some(0.2), Some(-0.3), Some(0.6)))), 0);
        assert_eq!(arrows(&drawn(row(Some(0.2), None, Some(0.6)))), 1);
        assert_eq!(arrows(&drawn(row(Some(0.2), Some(-0.3), Some(f64::INFINITY)))), 1);
        assert_eq!(arrows(&drawn(row(Some(9.0), Some(7.0), Some(11.0)))), 2);
        // The axis grows before anything is cut off.
        assert_eq!(arrows(&drawn(row(Some(3.0), Some(2.5), Some(3.5)))), 0);
    }

    #[test]
    fn nothing_is_drawn_outside_the_picture() {
        for scene in [
            drawn(row(Some(-9.0), None, Some(f64::INFINITY))),
            narrow(&forest(vec![row(Some(2.0), Some(-70.0), None)])),
            broad(&forest(vec![row(Some(0.1), None, None); 40])),
        ] {
            for mark in &scene.marks {
                let points = match mark {
                    Mark::Path(points, _) | Mark::Area(points, _) => points.clone(),
                    Mark::Disc(centre, _, _) => vec![*centre],
                    Mark::Text(label) => vec![label.at],
                };
                for (x, y) in points {
                    assert!((0.0..=scene.width).contains(&x) && (0.0..=scene.height).contains(&y), "{mark:?}");
                }
            }
        }
    }

    #[test]
    fn no_evidence_is_said_and_not_drawn() {
        let scene = drawn(row(None, None, None));
        assert!(scene.marks.iter().any(|mark| matches!(mark, Mark::Text(label) if label.text == "no figure")));
        assert_eq!(arrows(&scene), 0);
    }
}
