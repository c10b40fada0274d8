//! What an arm's bill is at one cache-hit rate after the other, with the other arm's bill as a level. The axis of money begins
//! at zero, so that a small saving looks small.

use super::curves::Arm;
use super::scale::{Linear, round_ticks};
use super::scene::{Anchor, Mark, Scene, Stroke};
use crate::format;
use crate::palette::Ink;

/// A bill at a hit rate.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct RatePoint {
    /// Why this rate, in one or two words.
    pub(crate) label: String,
    /// Share of the prompt tokens that is read from the cache, 0 to 1.
    pub(crate) rate: f64,
    /// The candidate's bill, in the currency's unit.
    pub(crate) cost: f64,
}

/// The picture's data.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct RateChart {
    /// What it shows, in a sentence.
    pub(crate) description: String,
    /// ISO currency code.
    pub(crate) currency: String,
    /// The baseline's bill, if it is known.
    pub(crate) baseline: Option<f64>,
    /// The candidate's bill, by ascending rate.
    pub(crate) points: Vec<RatePoint>,
    /// The rate at which both cost the same.
    pub(crate) break_even: Option<f64>,
}

const HEAD: f64 = 80.0;
const FOOT: f64 = 42.0;
const LEFT: f64 = 82.0;
const RIGHT: f64 = 18.0;
/// Width of a point: nearer ones lie upon each other.
const POINT_WIDTH: f64 = 8.0;

/// The picture at a width in pixels; the height follows.
pub(crate) fn draw(chart: &RateChart, width: f64) -> Scene {
    let height = HEAD + FOOT + 190.0;
    let mut scene = Scene::new(width, height, "The bill by the cache-hit rate".to_owned(), chart.description.clone());
    let largest = chart.points.iter().map(|point| point.cost).chain(chart.baseline).fold(0.0, f64::max);
    let ticks = round_ticks(largest, 5);
    let top = ticks.last().copied().unwrap_or(1.0);
    let x = Linear { from: 0.0, to: 1.0, start: LEFT, end: width - RIGHT };
    let y = Linear { from: 0.0, to: top, start: height - FOOT, end: HEAD };
    legend(&mut scene, chart);
    grid(&mut scene, &x, &y, &ticks, &chart.currency);
    if let Some(level) = chart.baseline {
        scene.line((x.start, y.at(level)), (x.end, y.at(level)), Arm::Baseline.stroke());
    }
    if let Some(rate) = chart.break_even {
        scene.line((x.at(rate), y.start), (x.at(rate), y.end), Stroke::dashed(Ink::Axis, 1.0, 2.0, 3.0));
        let (anchor, aside) = if rate > 0.5 { (Anchor::End, -5.0) } else { (Anchor::Start, 5.0) };
        let text = format!("same bill at {}", format::share(rate));
        scene.text((x.at(rate) + aside, y.start - 8.0), anchor, 11.0, Ink::Muted, text);
    }
    // On a phone there is room for names only; the amounts stand on the axis.
    candidate(&mut scene, &x, &y, chart, width > 430.0);
    scene
}

fn legend(scene: &mut Scene, chart: &RateChart) {
    let baseline = chart.baseline.map(|cost| format!("baseline, as observed · {}", amount(cost, &chart.currency)));
    let candidate = Some("candidate, by its hit rate".to_owned());
    let lines = [(Arm::Baseline, baseline), (Arm::Candidate, candidate)];
    for ((arm, text), top) in lines.into_iter().filter_map(|(arm, text)| Some((arm, text?))).zip([8.0, 26.0]) {
        scene.line((0.0, top), (26.0, top), arm.stroke());
        scene.text((34.0, top + 4.0), Anchor::Start, 12.0, Ink::Muted, text);
    }
    let unit = format!("bill of the window's traffic, {}", chart.currency);
    scene.text((0.0, 50.0), Anchor::Start, 11.0, Ink::Muted, unit);
}

fn grid(scene: &mut Scene, x: &Linear, y: &Linear, ticks: &[f64], currency: &str) {
    for tick in ticks {
        let at = y.at(*tick);
        let ink = if *tick == 0.0 { Ink::Axis } else { Ink::Grid };
        scene.line((x.start, at), (x.end, at), Stroke::solid(ink, 1.0));
        scene.text((x.start - 8.0, at + 4.0), Anchor::End, 11.0, Ink::Muted, amount(*tick, currency));
    }
    for rate in [0.0, 0.25, 0.5, 0.75, 1.0] {
        let at = x.at(rate);
        scene.line((at, y.start), (at, y.start + 4.0), Stroke::solid(Ink::Axis, 1.0));
        scene.text((at, y.start + 17.0), Anchor::Middle, 11.0, Ink::Muted, format!("{:.0}%", rate * 100.0));
    }
    let middle = f64::midpoint(x.start, x.end);
    scene.text(
        (middle, y.start + 34.0),
        Anchor::Middle,
        11.0,
        Ink::Muted,
        "prompt tokens read from the candidate's cache",
    );
}

fn candidate(scene: &mut Scene, x: &Linear, y: &Linear, chart: &RateChart, with_amounts: bool) {
    let line = chart.points.iter().map(|point| (x.at(point.rate), y.at(point.cost))).collect();
    scene.marks.push(Mark::Path(line, Arm::Candidate.stroke()));
    for (index, point) in told_apart(&chart.points, x).iter().enumerate() {
        let at = (x.at(point.rate), y.at(point.cost));
        scene.disc(at, 5.0, Ink::Surface);
        scene.disc(at, 3.6, Ink::Candidate);
        let anchor = match point.rate {
            rate if rate < 0.15 => Anchor::Start,
            rate if rate > 0.85 => Anchor::End,
            _ => Anchor::Middle,
        };
        // A label keeps off the baseline's level where that is near; else neighbours stand on different sides of the line, so
        // that close rates can be told apart.
        let near = chart.baseline.filter(|level| (level - point.cost).abs() < (y.to - y.from) * 0.25);
        let below = near.map_or(index % 2 == 1, |level| point.cost < level) && y.start - at.1 > 24.0;
        // At the right end the line comes from above: without room below, the label stands clear of it.
        let aside = match (below, point.rate > 0.85) {
            (true, _) => 19.0,
            (false, true) => -24.0,
            (false, false) => -10.0,
        };
        let cost = if with_amounts { amount(point.cost, &chart.currency) } else { String::new() };
        let text = format!("{} {cost}", point.label).trim().to_owned();
        scene.text((at.0, at.1 + aside), anchor, 11.5, Ink::Text, text);
    }
}

/// Points that would lie upon each other share one label.
fn told_apart(points: &[RatePoint], x: &Linear) -> Vec<RatePoint> {
    let mut apart: Vec<RatePoint> = Vec::new();
    for point in points {
        match apart.last_mut().filter(|last| (x.at(point.rate) - x.at(last.rate)).abs() < POINT_WIDTH) {
            Some(last) => last.label = format!("{}, {}", last.label, point.label),
            None => apart.push(point.clone()),
        }
    }
    apart
}

/// An amount on an axis or at a point.
pub(crate) fn amount(value: f64, currency: &str) -> String {
    if value == 0.0 { format::money("0", currency) } else { format::money_brief(&format!("{value:.9}"), currency) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(costs: [f64; 3]) -> RateChart {
        let point = |(index, cost)| RatePoint { label: format!("p{index}"), rate: f64::from(index) / 2.0, cost };
        RateChart {
            description: String::new(),
            currency: "USD".to_owned(),
            baseline: Some(8.0),
            points: (0_u8..).zip(costs).map(point).collect(),
            break_even: Some(0.25),
        }
    }

    #[test]
    fn money_begins_at_zero_and_the_baseline_is_a_level() {
        let scene = draw(&chart([10.0, 6.0, 2.0]), 500.0);
        let path = |ink: Ink| {
            scene.marks.iter().find_map(|mark| match mark {
                Mark::Path(points, stroke) if stroke.ink == ink && points[1].0 > 100.0 => Some(points.clone()),
                _ => None,
            })
        };
        let level = path(Ink::Baseline).unwrap();
        assert!((level[0].1 - level[1].1).abs() < 1e-9);
        let line = path(Ink::Candidate).unwrap();
        let (bottom, unit) = (scene.height - FOOT, (line[2].1 - line[0].1) / 8.0);
        assert!((bottom - line[2].1 - 2.0 * unit).abs() < 1e-6, "{line:?}");
        let says = |words: &str| scene.marks.iter().any(|m| matches!(m, Mark::Text(label) if label.text == words));
        assert!(says("same bill at 25.0%") && says("p0 $10.00") && says("$0"), "{:?}", scene.marks);
    }

    #[test]
    fn points_upon_each_other_share_a_label() {
        let mut chart = chart([10.0, 6.0, 2.0]);
        chart.points[1].rate = 0.001;
        let scene = draw(&chart, 500.0);
        let says = |words: &str| scene.marks.iter().any(|m| matches!(m, Mark::Text(label) if label.text == words));
        assert!(says("p0, p1 $10.00") && says("p2 $2.00"), "{:?}", scene.marks);
    }

    #[test]
    fn a_bill_of_nothing_has_an_axis_too() {
        let scene = draw(&RateChart { baseline: None, ..chart([0.0; 3]) }, 340.0);
        assert!(scene.marks.iter().all(|m| !matches!(m, Mark::Path(p, _) if p.iter().any(|p| !p.1.is_finite()))));
    }
}
