//! Kinds of something compared on both arms: errors, finish reasons, consumers, models. The name stands above its bars, so
//! that it may be long, and the axis begins at zero.

use super::curves::Arm;
use super::scale::Linear;
use super::scene::{Anchor, Scene, Stroke};
use crate::palette::Ink;

/// One kind on the arms it occurs on.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct KindRow {
    /// Its name.
    pub(crate) label: String,
    /// Arm, length in the axis' unit, and the same in words.
    pub(crate) bars: Vec<(Arm, f64, String)>,
}

/// The picture's data.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct KindChart {
    /// What it is.
    pub(crate) title: String,
    /// What it shows, in a sentence.
    pub(crate) description: String,
    /// Unit of the axis.
    pub(crate) unit: String,
    /// Lengths on the axis with their words, from zero.
    pub(crate) ticks: Vec<(f64, String)>,
    /// Kinds, the most important first.
    pub(crate) rows: Vec<KindRow>,
}

const HEAD: f64 = 28.0;
const FOOT: f64 = 40.0;
const NAME: f64 = 19.0;
const BAR: f64 = 11.0;
const BAR_STEP: f64 = 15.0;
const GAP: f64 = 9.0;
/// Room for the words at the end of the longest bar.
const WORDS: f64 = 118.0;

impl KindRow {
    fn height(&self) -> f64 {
        NAME + self.bars.len() as f64 * BAR_STEP + GAP
    }
}

/// The picture at a width in pixels; the height follows.
pub(crate) fn draw(chart: &KindChart, width: f64) -> Scene {
    let body: f64 = chart.rows.iter().map(KindRow::height).sum();
    let bottom = HEAD + body;
    let mut scene = Scene::new(width, bottom + FOOT, chart.title.clone(), chart.description.clone());
    let to = chart.ticks.last().map_or(1.0, |(value, _)| *value);
    let x = Linear { from: 0.0, to, start: 0.0, end: width - WORDS };
    legend(&mut scene);
    for (index, (value, words)) in chart.ticks.iter().enumerate() {
        let at = x.at(*value);
        let ink = if *value == 0.0 { Ink::Axis } else { Ink::Grid };
        scene.line((at, HEAD), (at, bottom), Stroke::solid(ink, 1.0));
        let anchor = if index == 0 { Anchor::Start } else { Anchor::Middle };
        scene.text((at, bottom + 16.0), anchor, 11.0, Ink::Muted, words.as_str());
    }
    scene.text((0.0, bottom + 33.0), Anchor::Start, 11.0, Ink::Muted, chart.unit.as_str());
    let mut top = HEAD;
    for row in &chart.rows {
        scene.text((5.0, top + 14.0), Anchor::Start, 12.0, Ink::Text, row.label.as_str());
        for (index, (arm, value, words)) in row.bars.iter().enumerate() {
            let y = top + NAME + index as f64 * BAR_STEP;
            let length = x.clamped(*value) - x.start;
            if length > 0.0 {
                scene.rect((x.start, y), length.max(1.0), BAR, arm.ink());
            }
            let at = (x.start + length + 6.0, y + BAR - 1.0);
            scene.text(at, Anchor::Start, 11.0, Ink::Muted, words.as_str());
        }
        top += row.height();
    }
    scene
}

fn legend(scene: &mut Scene) {
    for (arm, left) in [(Arm::Baseline, 0.0), (Arm::Candidate, 96.0)] {
        scene.rect((left, 4.0), 11.0, 11.0, arm.ink());
        scene.text((left + 17.0, 14.0), Anchor::Start, 11.5, Ink::Muted, arm.name());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::charts::scene::Mark;

    #[test]
    fn bars_are_in_proportion_to_the_axis_and_nothing_has_none() {
        let bar = |arm: Arm, value: f64| (arm, value, String::new());
        let chart = KindChart {
            title: String::new(),
            description: String::new(),
            unit: String::new(),
            ticks: vec![(0.0, "0".to_owned()), (10.0, "10".to_owned())],
            rows: vec![KindRow {
                label: "timeout".to_owned(),
                bars: vec![bar(Arm::Baseline, 5.0), bar(Arm::Candidate, 0.0), bar(Arm::Candidate, 99.0)],
            }],
        };
        let scene = draw(&chart, 318.0);
        let lengths: Vec<f64> = scene
            .marks
            .iter()
            .filter_map(|mark| if let Mark::Area(p, _) = mark { Some(p) } else { None })
            .filter(|points| points[0].1 > HEAD)
            .map(|points| points[1].0 - points[0].0)
            .collect();
        assert_eq!(lengths.len(), 2, "{lengths:?}");
        assert!((lengths[0] - 100.0).abs() < 1e-9 && (lengths[1] - 200.0).abs() < 1e-9, "{lengths:?}");
    }
}
