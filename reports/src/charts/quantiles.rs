//! Differences of a latency at one quantile after the other, with their intervals. The axis is relative to the baseline at
//! the same quantile, so that a slower tail does not squeeze the median; the time itself stands beside it.

use super::scale::Linear;
use super::scene::{Anchor, Mark, Scene, Stroke};
use crate::format;
use crate::palette::Ink;

/// One quantile. Differences are shares of the baseline: 0.1 is a tenth slower.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct QuantileRow {
    /// Which: `p95`.
    pub(crate) label: String,
    /// Candidate less baseline; `None` where one of them lies among failed requests.
    pub(crate) point: Option<f64>,
    /// Lower end; `None` is unbounded.
    pub(crate) lower: Option<f64>,
    /// Upper end; `None` is unbounded.
    pub(crate) upper: Option<f64>,
    /// The difference in its own unit.
    pub(crate) words: String,
}

/// A latency in one part of the traffic.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct QuantilePanel {
    /// Which latency.
    pub(crate) title: String,
    /// What it shows.
    pub(crate) description: String,
    /// The lowest quantile first.
    pub(crate) rows: Vec<QuantileRow>,
}

const HEAD: f64 = 26.0;
const FOOT: f64 = 40.0;
const ROW: f64 = 25.0;
const LEFT: f64 = 44.0;
/// Room for the difference in words.
const WORDS: f64 = 74.0;
/// Ends of the axis to choose from, shares of the baseline.
const ENDS: [f64; 10] = [0.04, 0.1, 0.2, 0.3, 0.4, 0.6, 0.8, 1.0, 1.4, 2.0];
/// The shorter side has at least this part of the longer one, so that both have their word.
const SHORTER: f64 = 0.25;

/// The picture at a width in pixels; the height follows.
pub(crate) fn draw(panel: &QuantilePanel, width: f64) -> Scene {
    let bottom = HEAD + panel.rows.len() as f64 * ROW;
    let title = format!("{}: difference by quantile", panel.title);
    let mut scene = Scene::new(width, bottom + FOOT, title, panel.description.clone());
    let (from, to) = ends(&panel.rows);
    let x = Linear { from, to, start: LEFT + 8.0, end: width - WORDS - 12.0 };
    frame(&mut scene, &x, bottom, width);
    for (index, row) in panel.rows.iter().enumerate() {
        let y = HEAD + (index as f64 + 0.5) * ROW;
        scene.text((0.0, y + 4.0), Anchor::Start, 12.0, Ink::Text, row.label.as_str());
        scene.text((width, y + 4.0), Anchor::End, 12.0, Ink::Text, row.words.as_str());
        interval(&mut scene, &x, y, row);
    }
    scene
}

/// The shortest axis with round ends that holds all estimates and intervals, as far as they are finite and not absurd.
fn ends(rows: &[QuantileRow]) -> (f64, f64) {
    let values = || rows.iter().flat_map(|row| [row.point, row.lower, row.upper]).flatten().filter(|v| v.is_finite());
    let end = |needed: f64| ENDS.into_iter().find(|end| *end >= needed).unwrap_or(2.0);
    let (below, above) = (values().fold(0.0, |most: f64, v| most.max(-v)), values().fold(0.0, f64::max));
    let longer = end(below.max(above));
    // The other side is as long as it must be, in quarters of the longer one.
    let side = |needed: f64| (1..=4).map(|part| longer * SHORTER * f64::from(part)).find(|side| *side >= needed);
    (-side(below).unwrap_or(longer), side(above).unwrap_or(longer))
}

fn frame(scene: &mut Scene, x: &Linear, bottom: f64, width: f64) {
    let top = HEAD - 4.0;
    let step = x.to.max(-x.from) / 2.0;
    for tick in [-2.0, -1.0, 0.0, 1.0, 2.0].map(|steps| steps * step) {
        if tick < x.from - 1e-9 || tick > x.to + 1e-9 {
            continue;
        }
        let at = x.at(tick);
        let stroke = if tick == 0.0 { Stroke::solid(Ink::Axis, 1.5) } else { Stroke::solid(Ink::Grid, 1.0) };
        scene.line((at, top), (at, bottom), stroke);
        let words = if tick == 0.0 { "0%".to_owned() } else { format::change_brief(tick) };
        scene.text((at, bottom + 16.0), Anchor::Middle, 11.0, Ink::Muted, words);
    }
    scene.text((x.at(0.0) - 8.0, 12.0), Anchor::End, 11.0, Ink::Muted, "faster");
    scene.text((x.at(0.0) + 8.0, 12.0), Anchor::Start, 11.0, Ink::Muted, "slower");
    scene.text((width, 12.0), Anchor::End, 11.0, Ink::Muted, "difference");
    let middle = f64::midpoint(x.start, x.end);
    let unit = "percent of the baseline's quantile";
    scene.text((middle, bottom + 33.0), Anchor::Middle, 11.0, Ink::Muted, unit);
}

/// The interval with its point: filled where no difference lies outside of it, else hollow.
fn interval(scene: &mut Scene, x: &Linear, y: f64, row: &QuantileRow) {
    let (lower, upper) = (row.lower.unwrap_or(f64::NEG_INFINITY), row.upper.unwrap_or(f64::INFINITY));
    if row.point.is_none() && row.lower.is_none() && row.upper.is_none() {
        scene.text((x.at(0.0) + 8.0, y + 4.0), Anchor::Start, 11.0, Ink::Muted, "among failed requests");
        return;
    }
    scene.line((x.clamped(lower), y), (x.clamped(upper), y), Stroke::solid(Ink::Candidate, 2.5));
    for value in [lower, upper] {
        let at = x.clamped(value);
        if value < x.from || value > x.to {
            // The arrow points to where the end really lies, which may be beyond either end of the axis.
            let direction = if value < x.from { -1.0 } else { 1.0 };
            let back = at - direction * 5.0;
            let corners = vec![(at + direction * 6.0, y), (back, y - 6.0), (back, y + 6.0)];
            scene.marks.push(Mark::Area(corners, Ink::Candidate));
        } else {
            scene.line((at, y - 4.5), (at, y + 4.5), Stroke::solid(Ink::Candidate, 1.8));
        }
    }
    if let Some(point) = row.point.filter(|point| (x.from..=x.to).contains(point)) {
        scene.disc((x.at(point), y), 5.2, Ink::Candidate);
        if lower <= 0.0 && upper >= 0.0 {
            scene.disc((x.at(point), y), 3.2, Ink::Surface);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(point: Option<f64>, lower: Option<f64>, upper: Option<f64>) -> QuantileRow {
        QuantileRow { label: "p95".to_owned(), point, lower, upper, words: String::new() }
    }

    fn drawn(rows: Vec<QuantileRow>) -> Scene {
        draw(&QuantilePanel { title: "t".to_owned(), description: String::new(), rows }, 340.0)
    }

    fn count(scene: &Scene, pick: fn(&Mark) -> bool) -> usize {
        scene.marks.iter().filter(|mark| pick(mark)).count()
    }

    #[test]
    fn what_is_proven_is_filled_and_what_is_not_is_hollow() {
        let hollow = |scene: &Scene| count(scene, |mark| matches!(mark, Mark::Disc(_, _, Ink::Surface)));
        assert_eq!(hollow(&drawn(vec![row(Some(0.02), Some(-0.01), Some(0.05))])), 1);
        assert_eq!(hollow(&drawn(vec![row(Some(0.02), Some(0.01), Some(0.05))])), 0);
        assert_eq!(hollow(&drawn(vec![row(Some(0.02), Some(0.01), None)])), 0);
    }

    #[test]
    fn the_axis_is_no_longer_than_it_must_be_on_either_side() {
        let close = |found: (f64, f64), wanted: (f64, f64)| {
            assert!((found.0 - wanted.0).abs() < 1e-9 && (found.1 - wanted.1).abs() < 1e-9, "{found:?}");
        };
        close(ends(&[row(Some(1.11), Some(1.0), Some(1.3))]), (-0.35, 1.4));
        close(ends(&[row(Some(-0.02), Some(-0.09), Some(0.06))]), (-0.1, 0.075));
        close(ends(&[row(None, None, None)]), (-0.01, 0.01));
        close(ends(&[row(Some(-9.0), None, Some(f64::INFINITY))]), (-2.0, 0.5));
    }

    #[test]
    fn the_axis_holds_what_is_finite_and_the_rest_is_an_arrow() {
        let arrows = |scene: &Scene| count(scene, |mark| matches!(mark, Mark::Area(p, _) if p.len() == 3));
        assert_eq!(arrows(&drawn(vec![row(Some(0.71), Some(0.45), Some(0.97))])), 0);
        assert_eq!(arrows(&drawn(vec![row(Some(0.71), Some(0.45), None)])), 1);
        let wild = drawn(vec![row(Some(9.0), Some(7.0), Some(f64::INFINITY)), row(None, None, None)]);
        assert_eq!(arrows(&wild), 2);
        for mark in &wild.marks {
            let points = match mark {
                Mark::Path(points, _) | Mark::Area(points, _) => points.clone(),
                Mark::Disc(centre, _, _) => vec![*centre],
                Mark::Text(label) => vec![label.at],
            };
            assert!(points.iter().all(|(x, y)| (0.0..=340.0).contains(x) && (0.0..=wild.height).contains(y)));
        }
    }
}
