//! Cumulative distributions of a latency, both arms in one picture, on a logarithmic time axis.
//!
//! A failed request counts as infinitely slow, so a curve with failures ends below 100%: it is drawn only as far as
//! there are finite values and closed with a cross, instead of being stretched to the top.

use super::scale::{Linear, Logarithmic};
use super::scene::{Anchor, Mark, Point, Scene, Stroke};
use crate::format;
use crate::palette::Ink;

/// Which arm a curve or bar belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Arm {
    /// The provider in use.
    Baseline,
    /// The provider to move to.
    Candidate,
}

impl Arm {
    /// Name in a verdict and on the page.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Baseline => "baseline",
            Self::Candidate => "candidate",
        }
    }

    /// Colour; lines differ in their dashes as well.
    pub(crate) const fn ink(self) -> Ink {
        match self {
            Self::Baseline => Ink::Baseline,
            Self::Candidate => Ink::Candidate,
        }
    }

    /// How its line is drawn.
    pub(crate) const fn stroke(self) -> Stroke {
        match self {
            Self::Baseline => Stroke::dashed(Ink::Baseline, 2.0, 7.0, 3.0),
            Self::Candidate => Stroke::solid(Ink::Candidate, 2.5),
        }
    }
}

/// One arm's distribution.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Curve {
    /// Whose.
    pub(crate) arm: Arm,
    /// Finite values in microseconds with the share of requests at or below, ascending.
    pub(crate) points: Vec<Point>,
    /// Count of requests and of those that failed, in words.
    pub(crate) note: String,
    /// Some values are infinite, so that the curve ends early.
    pub(crate) ends_early: bool,
}

/// One picture: a metric in one segment.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct CurvePanel {
    /// Metric, in words.
    pub(crate) title: String,
    /// What it shows, in a sentence.
    pub(crate) description: String,
    /// At most one an arm, baseline first.
    pub(crate) curves: Vec<Curve>,
}

const HEAD: f64 = 48.0;
const FOOT: f64 = 26.0;
const LEFT: f64 = 42.0;
const RIGHT: f64 = 34.0;

/// The picture at a width in pixels; the height follows.
pub(crate) fn draw(panel: &CurvePanel, width: f64) -> Scene {
    let height = HEAD + FOOT + (width * 0.46).clamp(170.0, 230.0);
    let mut scene = Scene::new(width, height, panel.title.clone(), panel.description.clone());
    legend(&mut scene, panel);
    let finite = || panel.curves.iter().flat_map(|curve| curve.points.iter());
    // Half a per cent at either end may lie far out; it would squeeze everything else.
    let core = || finite().filter(|(_, share)| (0.005..=0.995).contains(share)).map(|(us, _)| *us);
    let Some(smallest) = core().reduce(f64::min) else {
        scene.text((width / 2.0, height / 2.0), Anchor::Middle, 12.0, Ink::Muted, "no request finished");
        return scene;
    };
    let largest = core().reduce(f64::max).unwrap_or(smallest);
    let x = Logarithmic::covering(smallest, largest, LEFT, width - RIGHT);
    let y = Linear { from: 0.0, to: 1.0, start: height - FOOT, end: HEAD };
    grid(&mut scene, &x, &y, width);
    for curve in &panel.curves {
        draw_curve(&mut scene, &x, &y, curve);
    }
    scene
}

fn legend(scene: &mut Scene, panel: &CurvePanel) {
    for (curve, top) in panel.curves.iter().zip([8.0, 26.0]) {
        scene.line((0.0, top), (26.0, top), curve.arm.stroke());
        scene.text(
            (34.0, top + 4.0),
            Anchor::Start,
            12.0,
            Ink::Muted,
            format!("{} · {}", curve.arm.name(), curve.note),
        );
    }
}

fn grid(scene: &mut Scene, x: &Logarithmic, y: &Linear, width: f64) {
    let (left, right) = (LEFT, width - RIGHT);
    for share in [0.0, 0.25, 0.5, 0.75, 1.0] {
        let at = y.at(share);
        let stroke = if share == 0.0 { Stroke::solid(Ink::Axis, 1.0) } else { Stroke::solid(Ink::Grid, 1.0) };
        scene.line((left, at), (right, at), stroke);
        scene.text((left - 6.0, at + 4.0), Anchor::End, 11.0, Ink::Muted, format!("{:.0}%", share * 100.0));
    }
    let p95 = y.at(0.95);
    scene.line((left, p95), (right, p95), Stroke::dashed(Ink::Axis, 1.0, 2.0, 3.0));
    scene.text((right + 5.0, p95 + 4.0), Anchor::Start, 11.0, Ink::Muted, "p95");
    scene.text((right + 5.0, y.at(0.5) + 4.0), Anchor::Start, 11.0, Ink::Muted, "p50");
    for tick in x.ticks(if width > 400.0 { 8 } else { 5 }) {
        let at = x.at(tick);
        scene.line((at, y.at(1.0)), (at, y.at(0.0) + 4.0), Stroke::solid(Ink::Grid, 1.0));
        scene.text((at, y.at(0.0) + 18.0), Anchor::Middle, 11.0, Ink::Muted, format::micros_tick(tick));
    }
}

fn draw_curve(scene: &mut Scene, x: &Logarithmic, y: &Linear, curve: &Curve) {
    let visible: Vec<Point> = curve
        .points
        .iter()
        .filter(|(us, _)| (x.from..=x.to).contains(us))
        .map(|(us, share)| (x.at(*us), y.at(*share)))
        .collect();
    let last = visible.last().copied();
    scene.marks.push(Mark::Path(visible, curve.arm.stroke()));
    let is_complete_to = |share: f64| curve.points.last().is_some_and(|(_, reached)| *reached >= share);
    for share in [0.5, 0.95] {
        let at_share = curve.points.iter().find(|(_, reached)| *reached >= share - 1e-9);
        if let Some((us, share)) = at_share.filter(|(us, share)| is_complete_to(*share) && *us <= x.to && *us >= x.from)
        {
            scene.disc((x.at(*us), y.at(*share)), 4.5, Ink::Surface);
            scene.disc((x.at(*us), y.at(*share)), 3.2, curve.arm.ink());
        }
    }
    if let Some((end_x, end_y)) = last.filter(|_| curve.ends_early) {
        let cross = Stroke::solid(curve.arm.ink(), 2.0);
        scene.line((end_x - 4.0, end_y - 4.0), (end_x + 4.0, end_y + 4.0), cross);
        scene.line((end_x - 4.0, end_y + 4.0), (end_x + 4.0, end_y - 4.0), cross);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn panel(points: Vec<Point>, ends_early: bool) -> CurvePanel {
        let curve = Curve { arm: Arm::Candidate, points, note: "6000 requests".to_owned(), ends_early };
        CurvePanel { title: "Time".to_owned(), description: String::new(), curves: vec![curve] }
    }

    fn texts(scene: &Scene) -> Vec<&str> {
        scene
            .marks
            .iter()
            .filter_map(|mark| if let Mark::Text(label) = mark { Some(label.text.as_str()) } else { None })
            .collect()
    }

    fn crosses(scene: &Scene) -> usize {
        let is_arm = |ink: Ink| ink == Ink::Candidate;
        scene
            .marks
            .iter()
            .filter(
                |m| matches!(m, Mark::Path(p, s) if is_arm(s.ink) && p.len() == 2 && (p[0].1 - p[1].1).abs() > 1e-9),
            )
            .count()
    }

    #[test]
    fn a_curve_without_failures_is_not_closed_with_a_cross() {
        let points: Vec<Point> = (1..=200).map(|i| (1e5 * f64::from(i), f64::from(i) / 200.0)).collect();
        assert_eq!(crosses(&draw(&panel(points.clone(), false), 480.0)), 0);
        assert_eq!(crosses(&draw(&panel(points, true), 480.0)), 2);
    }

    #[test]
    fn no_finite_value_is_said() {
        assert!(texts(&draw(&panel(Vec::new(), true), 340.0)).contains(&"no request finished"));
    }

    #[test]
    fn axis_is_labelled_in_units_that_people_use() {
        let points = vec![(200_000.0, 0.1), (900_000.0, 0.5), (4_000_000.0, 0.95)];
        let scene = draw(&panel(points, false), 480.0);
        for expected in ["200 ms", "1 s", "5 s", "p95", "50%"] {
            assert!(texts(&scene).contains(&expected), "{:?}", texts(&scene));
        }
    }
}
