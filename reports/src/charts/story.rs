//! A migration over time: the weight as steps with signs of what was decided, below it what the looks found.
//!
//! The height of the weight is the square root of the percentage: a ramp begins with one percent, and on a straight scale all
//! that is careful would be a line at the bottom. Signs that would hide each other are left out by rank, an alarm last of all;
//! cells narrower than they can be seen are joined, and the joined one shows the worst. So the picture is bounded however long
//! the story is.

mod cells;
mod signs;

use judge::verdict::{Decision, State};

use super::scale::Linear;
use super::scene::{Anchor, Mark as Drawn, Point, Scene, Stroke};
use crate::palette::Ink;
pub(crate) use signs::{Sign, legend};

/// A weight that came into force, percent; places are shares of the time shown.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Weight {
    pub(crate) at: f64,
    pub(crate) percent: f64,
    /// It was found, not logged: when it came is not known.
    pub(crate) is_found: bool,
}

/// Something that was done.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Mark {
    pub(crate) at: f64,
    /// The weight it led to, where it has one.
    pub(crate) percent: Option<f64>,
    pub(crate) sign: Sign,
}

/// What a cell says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shade {
    Verdict(Decision),
    State(State),
}

/// What held for some time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Cell {
    pub(crate) from: f64,
    pub(crate) to: f64,
    pub(crate) shade: Shade,
}

/// A row of cells.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Lane {
    pub(crate) label: String,
    pub(crate) cells: Vec<Cell>,
}

/// A figure that grows.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Curve {
    pub(crate) label: String,
    /// The last value, in words.
    pub(crate) last: String,
    pub(crate) points: Vec<(f64, f64)>,
}

/// The data of the picture.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct StoryChart {
    pub(crate) title: String,
    pub(crate) description: String,
    /// Places and words of the time axis, of the broad picture and of the narrow one.
    pub(crate) ticks: [Vec<(f64, String)>; 2],
    pub(crate) weights: Vec<Weight>,
    pub(crate) marks: Vec<Mark>,
    pub(crate) lanes: Vec<Lane>,
    pub(crate) curves: Vec<Curve>,
    /// Times in which nobody looked.
    pub(crate) gaps: Vec<(f64, f64)>,
}

/// Weights that have a line of their own.
const RUNGS: [f64; 7] = [0.0, 1.0, 5.0, 10.0, 25.0, 50.0, 100.0];
/// Above the weights: the row of alarms and pauses.
const HEAD: f64 = 30.0;
/// Time axis.
const AXIS: f64 = 30.0;
/// Height of a cell.
const CELL: f64 = 15.0;
/// Height of a curve.
const CURVE: f64 = 34.0;

/// What differs between a broad picture and a narrow one.
struct Layout {
    width: f64,
    weights: f64,
    plot: Linear,
    lane: f64,
    is_broad: bool,
}

impl Layout {
    const BROAD: Self = Self {
        width: 960.0,
        weights: 230.0,
        plot: Linear { from: 0.0, to: 1.0, start: 190.0, end: 944.0 },
        lane: 24.0,
        is_broad: true,
    };
    const NARROW: Self = Self {
        width: 340.0,
        weights: 180.0,
        plot: Linear { from: 0.0, to: 1.0, start: 40.0, end: 328.0 },
        lane: 36.0,
        is_broad: false,
    };

    fn height(&self, chart: &StoryChart) -> f64 {
        let curve = CURVE + if self.is_broad { 12.0 } else { 24.0 };
        HEAD + self.weights + AXIS + chart.lanes.len() as f64 * self.lane + chart.curves.len() as f64 * curve + 16.0
    }

    /// Height of a weight.
    fn at(&self, percent: f64) -> f64 {
        HEAD + self.weights * (1.0 - (percent.clamp(0.0, 100.0) / 100.0).sqrt())
    }
}

/// The picture at full width (960 pixels), names left of their lanes.
pub(crate) fn broad(chart: &StoryChart) -> Scene {
    draw(chart, &Layout::BROAD)
}

/// The picture for a phone (340 pixels), names above their lanes.
pub(crate) fn narrow(chart: &StoryChart) -> Scene {
    draw(chart, &Layout::NARROW)
}

fn draw(chart: &StoryChart, layout: &Layout) -> Scene {
    let height = layout.height(chart);
    let mut scene = Scene::new(layout.width, height, chart.title.clone(), chart.description.clone());
    frame(&mut scene, chart, layout, height);
    weights(&mut scene, &chart.weights, layout);
    let mut top = HEAD + layout.weights + AXIS;
    for lane in &chart.lanes {
        cells::draw(&mut scene, lane, &chart.gaps, layout, top);
        top += layout.lane;
    }
    for curve in &chart.curves {
        top = draw_curve(&mut scene, curve, layout, top);
    }
    signs::draw(&mut scene, &chart.marks, layout, height);
    scene
}

/// Rungs, time, and their words.
fn frame(scene: &mut Scene, chart: &StoryChart, layout: &Layout, height: f64) {
    let Linear { start, end, .. } = layout.plot;
    let bottom = layout.at(0.0);
    let [broad, narrow] = &chart.ticks;
    for (at, words) in if layout.is_broad { broad } else { narrow } {
        let x = layout.plot.at(*at);
        scene.line((x, HEAD), (x, height - 8.0), Stroke::solid(Ink::Grid, 1.0));
        // A word that would leave the picture is left out; its line stays.
        if *at <= if layout.is_broad { 0.9 } else { 0.74 } {
            scene.text((x, bottom + 17.0), Anchor::Start, 11.0, Ink::Muted, words.as_str());
        }
    }
    for rung in RUNGS {
        let y = layout.at(rung);
        let stroke = if rung == 0.0 { Stroke::solid(Ink::Axis, 1.0) } else { Stroke::solid(Ink::Grid, 1.0) };
        scene.line((start, y), (end, y), stroke);
        scene.text((start - 7.0, y + 4.0), Anchor::End, 11.0, Ink::Muted, crate::format::weight(rung));
    }
    if layout.is_broad {
        scene.bold((0.0, HEAD + 4.0), Anchor::Start, 13.0, Ink::Text, "Candidate's weight");
    }
}

/// The steps, thinned to what a pixel can show.
fn weights(scene: &mut Scene, weights: &[Weight], layout: &Layout) {
    let Some(first) = weights.first() else {
        let middle = f64::midpoint(layout.plot.start, layout.plot.end);
        scene.text((middle, layout.at(30.0)), Anchor::Middle, 13.0, Ink::Muted, "the log knows no weight");
        return;
    };
    let mut line: Vec<Point> = vec![(layout.plot.at(first.at), layout.at(first.percent))];
    let mut found: Vec<[Point; 2]> = Vec::new();
    for weight in thinned(weights, layout) {
        let (x, y) = (layout.plot.at(weight.at), layout.at(weight.percent));
        let before = line.last().map_or(y, |point| point.1);
        if weight.is_found {
            found.push([(x, before), (x, y)]);
        }
        line.extend([(x, before), (x, y)]);
    }
    line.push((layout.plot.end, line.last().map_or(0.0, |point| point.1)));
    let ground = layout.at(0.0);
    let under = line.iter().copied();
    let corners = under.chain([(layout.plot.end, ground), (layout.plot.at(first.at), ground)]).collect();
    scene.marks.push(Drawn::Area(corners, Ink::Band));
    scene.marks.push(Drawn::Path(line, Stroke::solid(Ink::Candidate, 2.4)));
    for ends in found {
        // What nobody logged is cut out of the line again.
        scene.marks.push(Drawn::Path(ends.to_vec(), Stroke::solid(Ink::Band, 3.0)));
        scene.marks.push(Drawn::Path(ends.to_vec(), Stroke::dashed(Ink::Doubt, 2.0, 3.0, 3.0)));
    }
}

/// Of the steps in one pixel the first, the lowest, the highest and the last, in their order.
fn thinned<'a>(weights: &'a [Weight], layout: &Layout) -> Vec<&'a Weight> {
    let column = |weight: &Weight| layout.plot.at(weight.at).floor() as i64;
    let chunks = weights.chunk_by(|a, b| column(a) == column(b));
    let mut kept = Vec::new();
    for chunk in chunks {
        let extreme = |pick: fn(&f64, &f64) -> bool| {
            let better = |best: usize, (index, weight): (usize, &Weight)| match chunk.get(best) {
                Some(known) if !pick(&weight.percent, &known.percent) => best,
                _ => index,
            };
            chunk.iter().enumerate().fold(0, better)
        };
        let mut places = vec![0, extreme(f64::lt), extreme(f64::gt), chunk.len() - 1];
        places.sort_unstable();
        places.dedup();
        kept.extend(places.into_iter().filter_map(|place| chunk.get(place)));
    }
    kept
}

/// A growing figure with its last value; returns where the next begins.
fn draw_curve(scene: &mut Scene, curve: &Curve, layout: &Layout, top: f64) -> f64 {
    let top = if layout.is_broad {
        scene.text((0.0, top + CURVE - 4.0), Anchor::Start, 12.0, Ink::Text, curve.label.as_str());
        scene.bold((layout.plot.start - 7.0, top + CURVE - 4.0), Anchor::End, 12.0, Ink::Text, curve.last.as_str());
        top + 6.0
    } else {
        scene.text((0.0, top + 14.0), Anchor::Start, 12.0, Ink::Text, curve.label.as_str());
        scene.bold((layout.plot.end, top + 14.0), Anchor::End, 12.0, Ink::Text, curve.last.as_str());
        top + 18.0
    };
    let known = |pick: fn(f64, f64) -> f64| curve.points.iter().map(|(_, value)| *value).fold(0.0, pick);
    let (low, high) = (known(f64::min), known(f64::max));
    let y = Linear { from: low, to: if high > low { high } else { low + 1.0 }, start: top + CURVE, end: top + 4.0 };
    let mut line: Vec<Point> = Vec::new();
    let mut column = i64::MIN;
    for (at, value) in &curve.points {
        let point = (layout.plot.at(*at), y.at(*value));
        let before = line.last().map_or(point.1, |last| last.1);
        // A new point in the same pixel replaces the level; the line stays a staircase.
        if point.0.floor() as i64 == column {
            if let Some(last) = line.last_mut() {
                last.1 = point.1;
            }
            continue;
        }
        column = point.0.floor() as i64;
        line.extend([(point.0, before), point]);
    }
    scene.line((layout.plot.start, y.start), (layout.plot.end, y.start), Stroke::solid(Ink::Grid, 1.0));
    if let Some(last) = line.last().copied() {
        line.push((layout.plot.end.max(last.0), last.1));
        scene.marks.push(Drawn::Path(line, Stroke::solid(Ink::Text, 1.6)));
    }
    top + CURVE + 6.0
}

#[cfg(test)]
mod tests;
