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
/// Half-widths of the axis to choose from, shares of the baseline.
const HALVES: [f64; 6] = [0.05, 0.1, 0.2, 0.5, 1.0, 2.0];

/// The picture at a width in pixels; the height follows.
pub(crate) fn draw(panel: &QuantilePanel, width: f64) -> Scene {
    let bottom = HEAD + panel.rows.len() as f64 * ROW;
    let title = format!("{}: difference by quantile", panel.title);
    let mut scene = Scene::new(width, bottom + FOOT, title, panel.description.clone());
    let half = half(&panel.rows);
    let x = Linear { from: -half, to: half, start: LEFT + 8.0, end: width - WORDS - 12.0 };
    frame(&mut scene, &x, bottom, width);
    for (index, row) in panel.rows.iter().enumerate() {
        let y = HEAD + (index as f64 + 0.5) * ROW;
        scene.text((0.0, y + 4.0), Anchor::Start, 12.0, Ink::Text, row.label.as_str());
        scene.text((width, y + 4.0), Anchor::End, 12.0, Ink::Text, row.words.as_str());
        interval(&mut scene, &x, y, row);
    }
    scene
}

/// The smallest axis that holds all estimates and the nearer end of their intervals.
fn half(rows: &[QuantileRow]) -> f64 {
    let needed = rows.iter().flat_map(|row| [row.point, row.lower, row.upper]).flatten();
    let mut sizes: Vec<f64> = needed.map(f64::abs).filter(|size| size.is_finite()).collect();
    sizes.sort_by(f64::total_cmp);
    let largest = sizes.last().copied().unwrap_or(0.0);
    HALVES.into_iter().find(|half| *half >= largest).unwrap_or(2.0)
}

fn frame(scene: &mut Scene, x: &Linear, bottom: f64, width: f64) {
    let top = HEAD - 4.0;
    for share in [-1.0, -0.5, 0.0, 0.5, 1.0] {
        let at = x.at(share * x.to);
        let stroke = if share == 0.0 { Stroke::solid(Ink::Axis, 1.5) } else { Stroke::solid(Ink::Grid, 1.0) };
        scene.line((at, top), (at, bottom), stroke);
        let tick = if share == 0.0 { "0%".to_owned() } else { format::change_brief(share * x.to) };
        scene.text((at, bottom + 16.0), Anchor::Middle, 11.0, Ink::Muted, tick);
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
