//! Amounts by arm: cost, tokens by kind, characters. Each group has an axis of its own that begins at zero, because
//! a bar that does not begin at zero lies.

use super::scene::{Anchor, Scene, Stroke};
use crate::palette::Ink;

/// A part of a bar.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Part {
    /// Colour.
    pub(crate) ink: Ink,
    /// Length, in the group's unit.
    pub(crate) value: f64,
}

/// One bar.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Bar {
    /// Name, at the left.
    pub(crate) label: String,
    /// Parts, from the left.
    pub(crate) parts: Vec<Part>,
    /// The whole, in words, at the end of the bar.
    pub(crate) value: String,
}

/// Bars that may be compared with each other.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct BarGroup {
    /// What they show.
    pub(crate) heading: String,
    /// What to keep in mind.
    pub(crate) remark: Option<String>,
    /// Names of the parts where there is more than one.
    pub(crate) legend: Vec<(Ink, &'static str)>,
    /// The bars.
    pub(crate) bars: Vec<Bar>,
    /// Lengths on the axis with their words, from zero.
    pub(crate) ticks: Vec<(f64, String)>,
}

const BAR: f64 = 20.0;
const BAR_STEP: f64 = 27.0;
const LABEL: f64 = 74.0;
/// Room for the words at the end of the longest bar.
const VALUE: f64 = 92.0;
const GAP: f64 = 22.0;
/// Room for the words of the axis.
const AXIS: f64 = 16.0;

/// Height of a group at a width.
fn height(group: &BarGroup, width: f64) -> f64 {
    let remark = if group.remark.is_some() { 17.0 } else { 0.0 };
    let legend = legend_rows(group, width) as f64 * 19.0;
    24.0 + remark + legend + group.bars.len() as f64 * BAR_STEP + if group.ticks.is_empty() { 0.0 } else { AXIS }
}

/// Entries of a legend in one line.
const fn legend_columns(width: f64) -> usize {
    if width > 430.0 { 4 } else { 2 }
}

fn legend_rows(group: &BarGroup, width: f64) -> usize {
    group.legend.len().div_ceil(legend_columns(width))
}

/// All groups, one below the other.
pub(crate) fn draw(groups: &[BarGroup], width: f64, title: &str, description: String) -> Scene {
    let total: f64 = groups.iter().map(|group| height(group, width) + GAP).sum();
    let mut scene = Scene::new(width, (total - GAP).max(1.0), title.to_owned(), description);
    let mut top = 0.0;
    for group in groups {
        draw_group(&mut scene, group, top, width);
        top += height(group, width) + GAP;
    }
    scene
}

fn draw_group(scene: &mut Scene, group: &BarGroup, top: f64, width: f64) {
    scene.bold((0.0, top + 13.0), Anchor::Start, 13.0, Ink::Text, group.heading.as_str());
    let mut y = top + 24.0;
    if let Some(remark) = &group.remark {
        scene.text((0.0, y + 6.0), Anchor::Start, 11.0, Ink::Muted, remark.as_str());
        y += 17.0;
    }
    y = legend(scene, group, y, width);
    let whole = |bar: &Bar| bar.parts.iter().map(|part| part.value).sum::<f64>();
    let longest = group.bars.iter().map(whole).chain(group.ticks.iter().map(|tick| tick.0)).fold(0.0, f64::max);
    let room = width - LABEL - VALUE;
    axis(scene, group, y, room / longest.max(f64::MIN_POSITIVE));
    for bar in &group.bars {
        scene.text((0.0, y + BAR / 2.0 + 4.5), Anchor::Start, 12.0, Ink::Muted, bar.label.as_str());
        let mut x = LABEL;
        for part in bar.parts.iter().filter(|part| part.value > 0.0 && longest > 0.0) {
            let length = part.value / longest * room;
            scene.rect((x, y), length, BAR, part.ink);
            if x > LABEL {
                // A hair between two parts, so that they can be told apart without their colours.
                scene.rect((x - 0.5, y), 1.0, BAR, Ink::Surface);
            }
            x += length;
        }
        scene.bold((x + 7.0, y + BAR / 2.0 + 4.5), Anchor::Start, 12.5, Ink::Text, bar.value.as_str());
        y += BAR_STEP;
    }
}

/// Lines behind the bars, with their words below.
fn axis(scene: &mut Scene, group: &BarGroup, top: f64, unit: f64) {
    let bottom = top + group.bars.len() as f64 * BAR_STEP;
    for (value, words) in &group.ticks {
        let x = LABEL + value * unit;
        let ink = if *value == 0.0 { Ink::Axis } else { Ink::Grid };
        scene.line((x, top - 3.0), (x, bottom), Stroke::solid(ink, 1.0));
        scene.text((x, bottom + 12.0), Anchor::Middle, 11.0, Ink::Muted, words.as_str());
    }
}

/// Draws the legend and returns where the bars begin.
fn legend(scene: &mut Scene, group: &BarGroup, top: f64, width: f64) -> f64 {
    let columns = legend_columns(width);
    let step = width / columns as f64;
    for (index, (ink, name)) in group.legend.iter().enumerate() {
        let (x, y) = ((index % columns) as f64 * step, top + (index / columns) as f64 * 19.0);
        scene.rect((x, y - 2.0), 11.0, 11.0, *ink);
        scene.text((x + 17.0, y + 8.0), Anchor::Start, 11.5, Ink::Muted, *name);
    }
    top + legend_rows(group, width) as f64 * 19.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::charts::scene::Mark;

    fn bar(value: f64) -> Bar {
        Bar { label: "baseline".to_owned(), parts: vec![Part { ink: Ink::Baseline, value }], value: String::new() }
    }

    fn lengths(values: &[f64]) -> Vec<f64> {
        let bars = values.iter().map(|value| bar(*value)).collect();
        let group = BarGroup { heading: String::new(), remark: None, legend: Vec::new(), bars, ticks: Vec::new() };
        let scene = draw(&[group], 400.0, "t", String::new());
        let areas = scene.marks.iter().filter_map(|mark| if let Mark::Area(p, _) = mark { Some(p) } else { None });
        areas.map(|points| points[1].0 - points[0].0).collect()
    }

    #[test]
    fn lengths_are_in_proportion_from_zero() {
        let lengths = lengths(&[4.0, 1.0]);
        assert!((lengths[0] / lengths[1] - 4.0).abs() < 1e-9);
        assert!((lengths[0] - (400.0 - LABEL - VALUE)).abs() < 1e-9);
    }

    #[test]
    fn nothing_has_no_bar() {
        assert!(lengths(&[0.0, 0.0]).is_empty());
        assert_eq!(draw(&[], 400.0, "t", String::new()).marks.len(), 0);
    }
}
