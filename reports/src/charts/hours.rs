//! What an hour of the day costs on either arm. Hours at which the candidate is dearer are set off and marked with a bar above
//! them, so that they can be told without colours.

use super::curves::Arm;
use super::rates::amount;
use super::scale::{Linear, round_ticks};
use super::scene::{Anchor, Scene, Stroke};
use crate::format;
use crate::palette::Ink;

/// One hour of the day.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct HourColumns {
    /// 0 to 23.
    pub(crate) hour: u8,
    /// Its bill on the baseline, in the currency's unit.
    pub(crate) baseline: Option<f64>,
    /// Its bill on the candidate.
    pub(crate) candidate: Option<f64>,
    /// The candidate was dearer than at its cheapest time.
    pub(crate) is_peak: bool,
}

/// The picture's data.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct HourChart {
    /// What it shows, in a sentence.
    pub(crate) description: String,
    /// ISO currency code.
    pub(crate) currency: String,
    /// At most one an hour.
    pub(crate) hours: Vec<HourColumns>,
}

const HEAD: f64 = 88.0;
const FOOT: f64 = 42.0;
const LEFT: f64 = 72.0;
const RIGHT: f64 = 10.0;
/// Height of the bar above dearer hours.
const PEAK: f64 = 4.0;

/// The picture at a width in pixels; the height follows.
pub(crate) fn draw(chart: &HourChart, width: f64) -> Scene {
    let height = HEAD + FOOT + 170.0;
    let mut scene = Scene::new(width, height, "The bill by hour of the day".to_owned(), chart.description.clone());
    let values = chart.hours.iter().flat_map(|hour| [hour.baseline, hour.candidate]).flatten();
    let ticks = round_ticks(values.fold(0.0, f64::max), 5);
    let x = Linear { from: 0.0, to: 24.0, start: LEFT, end: width - RIGHT };
    let y = Linear { from: 0.0, to: ticks.last().copied().unwrap_or(1.0), start: height - FOOT, end: HEAD };
    legend(&mut scene, chart);
    for hour in chart.hours.iter().filter(|hour| hour.is_peak) {
        let (left, right) = (x.at(f64::from(hour.hour)), x.at(f64::from(hour.hour) + 1.0));
        scene.rect((left, y.end), right - left, y.start - y.end, Ink::Raised);
        scene.rect((left, y.end - PEAK), right - left, PEAK, Ink::Axis);
    }
    grid(&mut scene, &x, &y, &ticks, &chart.currency);
    for hour in &chart.hours {
        columns(&mut scene, &x, &y, hour);
    }
    scene
}

fn legend(scene: &mut Scene, chart: &HourChart) {
    let entry = |scene: &mut Scene, top: f64, height: f64, ink: Ink, text: &str| {
        scene.rect((0.0, top), 14.0, height, ink);
        scene.text((22.0, top + height / 2.0 + 4.0), Anchor::Start, 12.0, Ink::Muted, text);
    };
    entry(scene, 2.0, 12.0, Ink::Baseline, Arm::Baseline.name());
    entry(scene, 20.0, 12.0, Ink::Candidate, Arm::Candidate.name());
    if chart.hours.iter().any(|hour| hour.is_peak) {
        entry(scene, 42.0, PEAK, Ink::Axis, "hours at which the candidate's prices are higher");
    }
    let unit = format!("bill of the hour, {}", chart.currency);
    scene.text((0.0, 70.0), Anchor::Start, 11.0, Ink::Muted, unit);
}

fn grid(scene: &mut Scene, x: &Linear, y: &Linear, ticks: &[f64], currency: &str) {
    for tick in ticks {
        let at = y.at(*tick);
        let ink = if *tick == 0.0 { Ink::Axis } else { Ink::Grid };
        scene.line((x.start, at), (x.end, at), Stroke::solid(ink, 1.0));
        scene.text((x.start - 8.0, at + 4.0), Anchor::End, 11.0, Ink::Muted, amount(*tick, currency));
    }
    for hour in [0.0, 6.0, 12.0, 18.0, 24.0] {
        let at = x.at(hour);
        scene.line((at, y.start), (at, y.start + 4.0), Stroke::solid(Ink::Axis, 1.0));
        scene.text((at, y.start + 17.0), Anchor::Middle, 11.0, Ink::Muted, format!("{hour:02.0}"));
    }
    let middle = f64::midpoint(x.start, x.end);
    scene.text((middle, y.start + 34.0), Anchor::Middle, 11.0, Ink::Muted, "hour of the day, UTC");
}

fn columns(scene: &mut Scene, x: &Linear, y: &Linear, hour: &HourColumns) {
    let slot = x.at(1.0) - x.at(0.0);
    let column = slot * 0.38;
    let left = x.at(f64::from(hour.hour)) + slot * 0.12;
    for (index, (value, ink)) in
        [(hour.baseline, Ink::Baseline), (hour.candidate, Ink::Candidate)].into_iter().enumerate()
    {
        if let Some(value) = value.filter(|value| *value > 0.0) {
            let top = y.at(value);
            scene.rect((left + index as f64 * column, top), column, y.start - top, ink);
        }
    }
}

/// Hours in words: `01–04, 06–10 UTC`.
pub(crate) fn spans(hours: &[u8]) -> String {
    let mut spans: Vec<(u8, u8)> = Vec::new();
    for hour in hours {
        match spans.last_mut() {
            Some((_, end)) if *end == *hour => *end = hour.saturating_add(1),
            _ => spans.push((*hour, hour.saturating_add(1))),
        }
    }
    let spans: Vec<String> = spans.iter().map(|(from, to)| format!("{from:02}{}{to:02}", format::NOTHING)).collect();
    format!("{} UTC", spans.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::charts::scene::Mark;

    #[test]
    fn columns_are_in_proportion_and_dear_hours_are_set_off() {
        let hour = |hour, baseline, candidate, is_peak| HourColumns {
            hour,
            baseline: Some(baseline),
            candidate: Some(candidate),
            is_peak,
        };
        let chart = HourChart {
            description: String::new(),
            currency: "USD".to_owned(),
            hours: vec![hour(1, 4.0, 2.0, true), hour(2, 4.0, 1.0, false)],
        };
        let scene = draw(&chart, 720.0);
        let heights = |of: Ink| -> Vec<f64> {
            let areas =
                scene.marks.iter().filter_map(|m| if let Mark::Area(p, ink) = m { Some((p, *ink)) } else { None });
            areas.filter(|(p, ink)| *ink == of && p[0].0 >= LEFT).map(|(p, _)| p[2].1 - p[1].1).collect()
        };
        let candidate = heights(Ink::Candidate);
        assert!((candidate[0] / candidate[1] - 2.0).abs() < 1e-6, "{candidate:?}");
        assert_eq!((heights(Ink::Raised).len(), heights(Ink::Axis).len()), (1, 1));
    }

    #[test]
    fn hours_in_a_row_are_one_span() {
        assert_eq!(spans(&[1, 2, 3, 6]), "01–04, 06–07 UTC");
    }
}
