//! Pictures of a simulation: the candidate's weight over time, as a fan, and the harm done, as a curve over the runs.
//!
//! One panel a contender and the same axes for all, so that they are compared by looking.

use super::scale::Linear;
use super::scene::{Anchor, Mark, Point, Scene, Stroke};
use crate::palette::Ink;

/// Weights of many runs over time, percent.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Fan {
    /// Contender.
    pub(crate) title: String,
    /// What came of it, in words.
    pub(crate) note: String,
    /// Hour, 5th, 25th, 50th, 75th and 95th percentile of the weight.
    pub(crate) points: Vec<(f64, [f64; 5])>,
}

/// Harm of many runs.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Harm {
    /// Contender.
    pub(crate) title: String,
    /// What came of it, in words.
    pub(crate) note: String,
    /// Extra failures at 0 to 100 % of the runs.
    pub(crate) percentiles: Vec<f64>,
    /// What the policy allows.
    pub(crate) budget: Option<f64>,
}

const HEAD: f64 = 44.0;
const FOOT: f64 = 34.0;
const LEFT: f64 = 52.0;
const RIGHT: f64 = 18.0;
const HEIGHT: f64 = 250.0;

/// A fan at a width in pixels.
pub(crate) fn fan(fan: &Fan, width: f64) -> Scene {
    let (mut scene, x, y) = frame(&fan.title, &fan.note, width, fan.points.last().map_or(1.0, |point| point.0), 100.0);
    hours(&mut scene, &x, &y);
    percents(&mut scene, &y, width);
    let at = |place: usize| fan.points.iter().map(move |(hour, weights)| (x.at(*hour), y.at(weights[place])));
    for (low, high, ink) in [(0, 4, Ink::Grid), (1, 3, Ink::Cached)] {
        let area: Vec<Point> = at(high).chain(at(low).collect::<Vec<_>>().into_iter().rev()).collect();
        scene.marks.push(Mark::Area(area, ink));
    }
    scene.marks.push(Mark::Path(at(2).collect(), Stroke::solid(Ink::Candidate, 2.5)));
    scene
}

/// Harm at a width in pixels, with the largest harm that the axis shows.
pub(crate) fn harm(harm: &Harm, width: f64, largest: f64) -> Scene {
    let (mut scene, x, y) = frame(&harm.title, &harm.note, width, 100.0, largest.max(1.0));
    percents_of_runs(&mut scene, &x, &y);
    for step in 0..=4 {
        let value = largest.max(1.0) * f64::from(step) / 4.0;
        let stroke = Stroke::solid(if step == 0 { Ink::Axis } else { Ink::Grid }, 1.0);
        scene.line((LEFT, y.at(value)), (width - RIGHT, y.at(value)), stroke);
        scene.text((LEFT - 6.0, y.at(value) + 4.0), Anchor::End, 11.0, Ink::Muted, format!("{value:.0}"));
    }
    if let Some(budget) = harm.budget.filter(|budget| *budget <= largest.max(1.0)) {
        scene.line((LEFT, y.at(budget)), (width - RIGHT, y.at(budget)), Stroke::dashed(Ink::Fail, 1.5, 5.0, 4.0));
        scene.text((width - RIGHT, y.at(budget) - 5.0), Anchor::End, 11.0, Ink::Fail, "harm budget");
    }
    let line = harm.percentiles.iter().enumerate().map(|(percent, value)| (x.at(percent as f64), y.clamped(*value)));
    scene.marks.push(Mark::Path(line.collect(), Stroke::solid(Ink::Candidate, 2.5)));
    scene
}

fn frame(title: &str, note: &str, width: f64, to_x: f64, to_y: f64) -> (Scene, Linear, Linear) {
    let mut scene = Scene::new(width, HEIGHT, title.to_owned(), note.to_owned());
    scene.bold((0.0, 14.0), Anchor::Start, 14.0, Ink::Text, title);
    scene.text((0.0, 31.0), Anchor::Start, 12.0, Ink::Muted, note);
    let x = Linear { from: 0.0, to: to_x, start: LEFT, end: width - RIGHT };
    let y = Linear { from: 0.0, to: to_y, start: HEIGHT - FOOT, end: HEAD };
    (scene, x, y)
}

fn percents(scene: &mut Scene, y: &Linear, width: f64) {
    for percent in [0.0, 25.0, 50.0, 75.0, 100.0] {
        let ink = if percent > 0.0 { Ink::Grid } else { Ink::Axis };
        scene.line((LEFT, y.at(percent)), (width - RIGHT, y.at(percent)), Stroke::solid(ink, 1.0));
        scene.text((LEFT - 6.0, y.at(percent) + 4.0), Anchor::End, 11.0, Ink::Muted, format!("{percent:.0}%"));
    }
}

fn hours(scene: &mut Scene, x: &Linear, y: &Linear) {
    let step =
        [1.0, 2.0, 3.0, 6.0, 12.0, 24.0, 48.0, 168.0].into_iter().find(|step| x.to / step <= 9.0).unwrap_or(x.to);
    for tick in 0..=(x.to / step) as u32 {
        let hour = f64::from(tick) * step;
        scene.text((x.at(hour), y.at(0.0) + 18.0), Anchor::Middle, 11.0, Ink::Muted, format!("{hour:.0} h"));
    }
}

fn percents_of_runs(scene: &mut Scene, x: &Linear, y: &Linear) {
    for percent in [0.0, 25.0, 50.0, 75.0, 95.0] {
        let text = format!("{percent:.0}% of runs");
        scene.text((x.at(percent), y.at(0.0) + 18.0), Anchor::Middle, 11.0, Ink::Muted, text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fan_stays_within_its_frame() {
        let points = (0..24).map(|hour| (f64::from(hour), [0.0, 1.0, 5.0, 50.0, 100.0])).collect();
        let scene = fan(&Fan { title: "judge".to_owned(), note: String::new(), points }, 480.0);
        for mark in &scene.marks {
            if let Mark::Area(corners, _) | Mark::Path(corners, _) = mark {
                assert!(corners.iter().all(|(x, y)| (0.0..=480.0).contains(x) && (0.0..=HEIGHT).contains(y)));
            }
        }
        assert_eq!(scene.marks.iter().filter(|mark| matches!(mark, Mark::Area(..))).count(), 2);
    }

    #[test]
    fn a_budget_beyond_the_axis_is_not_drawn() {
        let budgets = |budget, largest| {
            let curve =
                Harm { title: String::new(), note: String::new(), percentiles: vec![0.0, 5.0], budget: Some(budget) };
            let is_fail = |mark: &&Mark| matches!(mark, Mark::Text(label) if label.ink == Ink::Fail);
            harm(&curve, 400.0, largest).marks.iter().filter(is_fail).count()
        };
        assert_eq!((budgets(120.0, 10.0), budgets(120.0, 1500.0)), (0, 1));
    }
}
