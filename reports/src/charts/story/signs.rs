//! Signs of what was done. They differ in shape, not only in colour.

use minijinja::Value;

use super::super::scene::{Mark as Drawn, Point, Scene, Stroke};
use super::super::svg;
use super::{HEAD, Layout, Mark, StoryChart};
use crate::palette::Ink;

/// Signs closer than this hide each other.
const APART: f64 = 15.0;
/// Alarms have a line through the whole picture; closer ones share it.
const LINES_APART: f64 = 3.0;

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Sign {
    /// Somebody set the weight by hand.
    Set,
    /// Copies are offered again.
    Resume,
    /// Copies are offered to nobody.
    Pause,
    /// The weight was lowered.
    Lower,
    /// The weight was raised.
    Raise,
    /// Something was tried and did not work.
    Failure,
    /// The weight was set back.
    Rollback,
    /// An alarm.
    Alarm,
}

impl Sign {
    const ALL: [Self; 8] =
        [Self::Raise, Self::Lower, Self::Rollback, Self::Set, Self::Alarm, Self::Failure, Self::Pause, Self::Resume];

    /// Two words at most.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Raise => "raised",
            Self::Lower => "lowered",
            Self::Rollback => "rolled back",
            Self::Set => "set by hand",
            Self::Alarm => "alarm",
            Self::Failure => "failed",
            Self::Pause => "copies paused",
            Self::Resume => "copies resumed",
        }
    }

    /// For plain text.
    pub(crate) const fn character(self) -> &'static str {
        match self {
            Self::Raise => "🔼",
            Self::Lower => "🔽",
            Self::Rollback => "⏬",
            Self::Set => "✋",
            Self::Alarm => "🚨",
            Self::Failure => "❗",
            Self::Pause => "⏸️",
            Self::Resume => "▶️",
        }
    }

    /// Colour of sign and word.
    pub(crate) const fn ink(self) -> Ink {
        match self {
            Self::Raise | Self::Lower | Self::Set => Ink::Candidate,
            Self::Rollback | Self::Alarm => Ink::Fail,
            Self::Failure => Ink::Doubt,
            Self::Pause | Self::Resume => Ink::Text,
        }
    }

    /// Stands on the line of the weight; the others stand above the picture.
    const fn is_of_the_weight(self) -> bool {
        matches!(self, Self::Raise | Self::Lower | Self::Rollback | Self::Set)
    }
}

/// The signs that occur, for the legend.
pub(crate) fn legend(chart: &StoryChart) -> Vec<Value> {
    let occurs = |sign: &Sign| chart.marks.iter().any(|mark| mark.sign == *sign);
    let entry = |sign: Sign| Value::from_pairs([("word", Value::from(sign.word())), ("icon", icon(sign))]);
    Sign::ALL.into_iter().filter(occurs).map(entry).collect()
}

/// The sign alone.
pub(crate) fn icon(sign: Sign) -> Value {
    let mut scene = Scene::new(18.0, 18.0, String::new(), String::new());
    put(&mut scene, (9.0, 9.0), sign);
    Value::from_safe_string(svg::icon(&scene))
}

pub(super) fn draw(scene: &mut Scene, marks: &[Mark], layout: &Layout, height: f64) {
    let mut order: Vec<&Mark> = marks.iter().collect();
    // The highest rank first; of equals the first. A sort that is stable keeps their order.
    order.sort_by_key(|mark| std::cmp::Reverse(mark.sign));
    let mut taken: Vec<(Point, Sign)> = Vec::new();
    let mut lines: Vec<f64> = Vec::new();
    for mark in order {
        let x = layout.plot.at(mark.at);
        if mark.sign == Sign::Alarm && lines.iter().all(|line| (line - x).abs() >= LINES_APART) {
            lines.push(x);
            scene.line((x, HEAD - 6.0), (x, height - 8.0), Stroke::dashed(Ink::Fail, 1.2, 4.0, 3.0));
        }
        let y = match mark.percent {
            Some(percent) if mark.sign.is_of_the_weight() => layout.at(percent),
            _ => HEAD - 15.0,
        };
        let is_free = |((tx, ty), _): &(Point, Sign)| (tx - x).abs() >= APART || (ty - y).abs() >= APART;
        if taken.iter().all(is_free) {
            taken.push(((x, y), mark.sign));
        }
    }
    for (at, sign) in taken {
        scene.disc(at, 8.5, Ink::Surface);
        put(scene, at, sign);
    }
}

/// The sign, 14 pixels wide, around a point.
fn put(scene: &mut Scene, (x, y): Point, sign: Sign) {
    let ink = sign.ink();
    let cut = Stroke::solid(Ink::Surface, 1.8);
    let around = |offsets: &[Point]| -> Vec<Point> { offsets.iter().map(|(dx, dy)| (x + dx, y + dy)).collect() };
    match sign {
        Sign::Raise => scene.marks.push(Drawn::Area(around(&[(0.0, -7.0), (7.0, 5.5), (-7.0, 5.5)]), ink)),
        Sign::Lower => scene.marks.push(Drawn::Area(around(&[(0.0, 7.0), (7.0, -5.5), (-7.0, -5.5)]), ink)),
        Sign::Rollback => {
            scene.marks.push(Drawn::Area(around(&[(0.0, 3.5), (7.0, -6.5), (-7.0, -6.5)]), ink));
            scene.marks.push(Drawn::Path(around(&[(-7.0, 6.0), (7.0, 6.0)]), Stroke::solid(ink, 2.6)));
        }
        Sign::Set => {
            scene.disc((x, y), 6.5, ink);
            scene.disc((x, y), 3.5, Ink::Surface);
        }
        Sign::Alarm => {
            scene.disc((x, y), 7.5, ink);
            scene.marks.push(Drawn::Path(around(&[(0.0, -4.4), (0.0, 1.0)]), Stroke::solid(Ink::Surface, 2.2)));
            scene.disc((x, y + 4.0), 1.3, Ink::Surface);
        }
        Sign::Failure => {
            scene.marks.push(Drawn::Area(around(&[(0.0, -7.5), (7.5, 0.0), (0.0, 7.5), (-7.5, 0.0)]), ink));
            scene.marks.push(Drawn::Path(around(&[(-2.4, -2.4), (2.4, 2.4)]), cut));
            scene.marks.push(Drawn::Path(around(&[(-2.4, 2.4), (2.4, -2.4)]), cut));
        }
        Sign::Pause => {
            scene.rect((x - 5.0, y - 6.0), 3.6, 12.0, ink);
            scene.rect((x + 1.4, y - 6.0), 3.6, 12.0, ink);
        }
        Sign::Resume => scene.marks.push(Drawn::Area(around(&[(-4.5, -6.5), (6.5, 0.0), (-4.5, 6.5)]), ink)),
    }
}
