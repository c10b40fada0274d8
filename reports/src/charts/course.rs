//! How the bounds of one guardrail closed in on its margin: time to the right, worse upwards.
//!
//! Like the forest plot the height is the share of the margin that is used, so that panels may be compared; the ticks
//! say what that is in the guardrail's own unit. The band between the bounds is all that the data still allowed at the
//! time; where a bound was unbounded the band runs to the edge of the picture. A sign stands where the state changed.

use judge::verdict::State;

use super::scale::Linear;
use super::scene::{Anchor, Mark, Point, Scene, Stroke};
use crate::palette::Ink;
use crate::states;

/// One look.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct CourseLook {
    /// When, as a share of the time shown, 0 to 1.
    pub(crate) at: f64,
    /// Estimate, in shares of the margin.
    pub(crate) point: Option<f64>,
    /// Lower bound; `None` is unbounded.
    pub(crate) lower: Option<f64>,
    /// Upper bound; `None` is unbounded.
    pub(crate) upper: Option<f64>,
    /// What followed.
    pub(crate) state: State,
}

/// One guardrail.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct CoursePanel {
    /// What it measures.
    pub(crate) title: String,
    /// What it shows, in a sentence or two.
    pub(crate) description: String,
    /// Looks in the order of time.
    pub(crate) looks: Vec<CourseLook>,
    /// Where no difference lies, in shares of the margin.
    pub(crate) neutral: f64,
    /// Heights with their value in the guardrail's unit, the margin among them.
    pub(crate) ticks: Vec<(f64, String)>,
    /// Beginning and end of the time shown.
    pub(crate) ends: [String; 2],
    /// Observations at the first look and at the last.
    pub(crate) observations: String,
}

/// Both widths of the page show the same picture.
pub(crate) const WIDTH: f64 = 340.0;
const HEIGHT: f64 = 206.0;
const LEFT: f64 = 62.0;
const RIGHT: f64 = 12.0;
const HEAD: f64 = 12.0;
const FOOT: f64 = 40.0;
/// The heights shown, in shares of the margin.
const FROM: f64 = -1.0;
const TO: f64 = 2.0;
const FAR: f64 = 4.0;
/// Signs closer than this would hide each other.
const APART: f64 = 20.0;

impl CoursePanel {
    /// The greatest height shown, in shares of the margin.
    pub(crate) fn top(looks: &[CourseLook]) -> f64 {
        let is_far = looks.last().and_then(|look| look.point).is_some_and(|point| point > TO);
        if is_far { FAR } else { TO }
    }
}

/// The picture.
pub(crate) fn draw(panel: &CoursePanel) -> Scene {
    let mut scene = Scene::new(WIDTH, HEIGHT, panel.title.clone(), panel.description.clone());
    let x = Linear { from: 0.0, to: 1.0, start: LEFT, end: WIDTH - RIGHT - 10.0 };
    let y = Linear { from: FROM, to: CoursePanel::top(&panel.looks), start: HEIGHT - FOOT, end: HEAD };
    scene.rect((LEFT, y.end), WIDTH - RIGHT - LEFT, y.at(1.0) - y.end, Ink::Beyond);
    band(&mut scene, &x, &y, &panel.looks);
    frame(&mut scene, panel, &y);
    let ink = panel.looks.last().map_or(Ink::Waiting, |look| states::ink(look.state));
    let line = |pick: fn(&CourseLook) -> Option<f64>| runs(&x, &y, &panel.looks, pick);
    for (runs, stroke) in [
        (line(|look| look.point), Stroke::dashed(Ink::Text, 1.2, 2.0, 2.5)),
        (line(|look| look.lower), Stroke::solid(ink, 1.2)),
        (line(|look| look.upper), Stroke::solid(ink, 2.4)),
    ] {
        scene.marks.extend(runs.into_iter().map(|run| Mark::Path(run, stroke)));
    }
    signs(&mut scene, &x, &y, &panel.looks);
    scene
}

/// All that the data still allowed, look by look.
fn band(scene: &mut Scene, x: &Linear, y: &Linear, looks: &[CourseLook]) {
    let known = |look: &&CourseLook| look.point.is_some() || look.lower.is_some() || look.upper.is_some();
    let edge = |look: &CourseLook, bound: Option<f64>, open: f64| (x.at(look.at), y.clamped(bound.unwrap_or(open)));
    let looks: Vec<&CourseLook> = looks.iter().filter(known).collect();
    let above = looks.iter().map(|look| edge(look, look.upper, f64::INFINITY));
    let below = looks.iter().rev().map(|look| edge(look, look.lower, f64::NEG_INFINITY));
    let corners: Vec<Point> = above.chain(below).collect();
    match looks.as_slice() {
        [] => {
            let middle = f64::midpoint(LEFT, WIDTH - RIGHT);
            scene.text((middle, y.at(0.3)), Anchor::Middle, 12.0, Ink::Muted, "no observations yet");
        }
        // A single look has no extent in time: its bounds are a bar.
        [_] => scene.marks.push(Mark::Path(corners, Stroke::solid(Ink::Band, 12.0))),
        _ => scene.marks.push(Mark::Area(corners, Ink::Band)),
    }
}

/// Grid, margin, no difference and the axes.
fn frame(scene: &mut Scene, panel: &CoursePanel, y: &Linear) {
    let (left, right) = (LEFT, WIDTH - RIGHT);
    for (share, words) in panel.ticks.iter().filter(|(share, _)| (FROM..=y.to).contains(share)) {
        let at = y.at(*share);
        let is_margin = (share - 1.0).abs() < 1e-9;
        let stroke = if is_margin {
            Stroke::dashed(Ink::Fail, 1.5, 5.0, 3.0)
        } else if (share - panel.neutral).abs() < 1e-9 {
            Stroke::solid(Ink::Axis, 1.2)
        } else {
            Stroke::solid(Ink::Grid, 1.0)
        };
        scene.line((left, at), (right, at), stroke);
        let ink = if is_margin { Ink::Fail } else { Ink::Muted };
        scene.text((left - 6.0, at + 4.0), Anchor::End, 11.0, ink, words.as_str());
        if is_margin {
            scene.bold((left - 6.0, at - 8.0), Anchor::End, 11.0, ink, "margin");
        }
    }
    scene.line((left, y.start), (right, y.start), Stroke::solid(Ink::Axis, 1.0));
    let [from, to] = &panel.ends;
    scene.text((left, y.start + 16.0), Anchor::Start, 11.0, Ink::Muted, from.as_str());
    scene.text((right, y.start + 16.0), Anchor::End, 11.0, Ink::Muted, to.as_str());
    scene.text((right, y.start + 32.0), Anchor::End, 11.0, Ink::Muted, panel.observations.as_str());
}

/// The pieces of a line that lie inside the picture. A piece is cut where it leaves, so that no line runs along the edge.
fn runs(x: &Linear, y: &Linear, looks: &[CourseLook], pick: fn(&CourseLook) -> Option<f64>) -> Vec<Vec<Point>> {
    let mut runs: Vec<Vec<Point>> = vec![Vec::new()];
    let mut before: Option<Point> = None;
    for look in looks {
        let here = pick(look).filter(|value| value.is_finite()).map(|value| (x.at(look.at), y.at(value)));
        match (before, here) {
            (Some(from), Some(to)) => {
                if let Some((entry, exit)) = clipped(from, to, y) {
                    let joins = runs.last().and_then(|run| run.last()).is_some_and(|last| *last == entry);
                    match runs.last_mut() {
                        Some(run) if joins => run.push(exit),
                        _ => runs.push(vec![entry, exit]),
                    }
                }
            }
            _ => runs.push(Vec::new()),
        }
        before = here;
    }
    runs.retain(|run| run.len() > 1);
    runs
}

/// The part of a line between the upper and the lower edge of the plot.
fn clipped(from: Point, to: Point, y: &Linear) -> Option<(Point, Point)> {
    let (top, bottom) = (y.end, y.start);
    let rise = to.1 - from.1;
    let (mut enter, mut leave) = (0.0_f64, 1.0_f64);
    if rise.abs() < 1e-9 {
        return (top..=bottom).contains(&from.1).then_some((from, to));
    }
    let (a, b) = ((top - from.1) / rise, (bottom - from.1) / rise);
    enter = enter.max(a.min(b));
    leave = leave.min(a.max(b));
    let at = |share: f64| match share {
        0.0 => from,
        1.0 => to,
        share => (from.0 + (to.0 - from.0) * share, from.1 + rise * share),
    };
    (enter < leave).then(|| (at(enter), at(leave)))
}

/// A sign where the state changed and one at the end, the newest where there is no room for all.
fn signs(scene: &mut Scene, x: &Linear, y: &Linear, looks: &[CourseLook]) {
    let mut changes: Vec<&CourseLook> = Vec::new();
    for (before, look) in looks.iter().zip(looks.iter().skip(1)) {
        if before.state != look.state {
            changes.push(look);
        }
    }
    changes.extend(looks.last().filter(|last| changes.last().is_none_or(|change| change.at < last.at)));
    let mut next = f64::INFINITY;
    for look in changes.into_iter().rev() {
        let at = x.at(look.at);
        if next - at < APART {
            continue;
        }
        next = at;
        let Some(value) = look.point.or(look.upper).or(look.lower) else { continue };
        let centre = (at, y.clamped(value).clamp(y.end + 9.0, y.start - 9.0));
        scene.disc(centre, 9.5, Ink::Surface);
        states::draw(scene, centre, look.state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(at: f64, bounds: [Option<f64>; 3], state: State) -> CourseLook {
        let [lower, point, upper] = bounds;
        CourseLook { at, point, lower, upper, state }
    }

    fn panel(looks: Vec<CourseLook>) -> CoursePanel {
        CoursePanel {
            title: "Errors".to_owned(),
            description: String::new(),
            looks,
            neutral: 0.0,
            ticks: vec![(0.0, "0 pp".to_owned()), (1.0, "+0.50 pp".to_owned())],
            ends: ["10:00".to_owned(), "16:00".to_owned()],
            observations: String::new(),
        }
    }

    /// Points of all marks.
    fn points(scene: &Scene) -> Vec<Point> {
        let of = |mark: &Mark| match mark {
            Mark::Path(points, _) | Mark::Area(points, _) => points.clone(),
            Mark::Disc(centre, _, _) => vec![*centre],
            Mark::Text(label) => vec![label.at],
        };
        scene.marks.iter().flat_map(of).collect()
    }

    #[test]
    fn nothing_is_drawn_outside_the_picture() {
        let wild = [Some(f64::NEG_INFINITY), Some(1e9), Some(f64::INFINITY)];
        let looks = vec![
            look(0.0, [None, None, None], State::HoldInsufficient),
            look(0.2, wild, State::HoldInsufficient),
            look(0.4, [Some(-9.0), Some(0.3), Some(40.0)], State::HoldInsufficient),
            look(1.0, [Some(-0.4), Some(0.2), Some(0.8)], State::Pass),
        ];
        for looks in [looks.clone(), looks[2..3].to_vec(), Vec::new()] {
            let scene = draw(&panel(looks));
            for (x, y) in points(&scene) {
                assert!((0.0..=scene.width).contains(&x) && (0.0..=scene.height).contains(&y), "{x} {y}");
            }
        }
    }

    #[test]
    fn a_bound_that_leaves_the_picture_is_cut_where_it_leaves() {
        let looks = vec![
            look(0.0, [None, Some(0.0), Some(4.0)], State::HoldInsufficient),
            look(1.0, [None, Some(0.0), Some(0.0)], State::Pass),
        ];
        let scene = draw(&panel(looks));
        let upper = scene.marks.iter().find_map(|mark| match mark {
            Mark::Path(points, stroke) if (stroke.width - 2.4).abs() < 1e-9 => Some(points.clone()),
            _ => None,
        });
        let upper = upper.unwrap();
        assert!((upper[0].1 - HEAD).abs() < 1e-6, "{upper:?}");
        // Half of the way from 4 to 0 lies above the edge at 2.
        let middle = f64::midpoint(LEFT, WIDTH - RIGHT - 10.0);
        assert!((upper[0].0 - middle).abs() < 1e-6, "{upper:?}");
    }

    #[test]
    fn a_sign_stands_where_the_state_changed_and_at_the_end() {
        let bounds = [Some(-0.4), Some(0.2), Some(0.8)];
        let waits = State::HoldInsufficient;
        let rims = |looks: Vec<CourseLook>| {
            let scene = draw(&panel(looks));
            let discs = scene.marks.iter().filter(|m| matches!(m, Mark::Disc(_, r, _) if (*r - 9.5).abs() < 1e-9));
            discs.count()
        };
        let at = |at: f64, state: State| look(at, bounds, state);
        assert_eq!(rims(vec![at(0.0, waits), at(0.5, State::Pass), at(1.0, State::Pass)]), 2);
        assert_eq!(rims(vec![at(0.0, waits), at(0.99, State::Pass), at(1.0, State::Pass)]), 1);
        assert_eq!(rims(vec![at(0.0, waits), at(1.0, waits)]), 1);
    }
}
