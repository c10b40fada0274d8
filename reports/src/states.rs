//! The five states of a guardrail as people see them: a word, an ink and a sign. The sign differs in shape, not only
//! in colour, and is the same on the page, in the pictures and in the legend.

use judge::verdict::State;

use crate::charts::scene::{Mark, Point, Scene, Stroke};
use crate::palette::Ink;

/// All states, in the order of the legend.
pub(crate) const ALL: [State; 5] =
    [State::Pass, State::PassRegressed, State::Fail, State::HoldInsufficient, State::HoldInstrument];

/// The name in `verdict.json`, which is also the class name on the page.
pub(crate) const fn name(state: State) -> &'static str {
    match state {
        State::Pass => "pass",
        State::PassRegressed => "pass-regressed",
        State::Fail => "fail",
        State::HoldInsufficient => "hold-insufficient",
        State::HoldInstrument => "hold-instrument",
    }
}

/// Two or three words.
pub(crate) const fn word(state: State) -> &'static str {
    match state {
        State::Pass => "within margin",
        State::PassRegressed => "within, but worse",
        State::Fail => "beyond margin",
        State::HoldInsufficient => "not decided",
        State::HoldInstrument => "in doubt",
    }
}

/// A sign for plain text.
pub(crate) const fn sign(state: State) -> &'static str {
    match state {
        State::Pass => "✅",
        State::PassRegressed => "🔶",
        State::Fail => "❌",
        State::HoldInsufficient => "⏳",
        State::HoldInstrument => "⚠️",
    }
}

/// Colour of text, bar and sign.
pub(crate) const fn ink(state: State) -> Ink {
    match state {
        State::Pass => Ink::Pass,
        State::PassRegressed => Ink::Regressed,
        State::Fail => Ink::Fail,
        State::HoldInsufficient => Ink::Waiting,
        State::HoldInstrument => Ink::Doubt,
    }
}

/// Draws the sign, 14 pixels wide, around a point.
pub(crate) fn draw(scene: &mut Scene, (x, y): Point, state: State) {
    let ink = ink(state);
    let cut = Stroke::solid(Ink::Surface, 1.8);
    let around = |offsets: &[Point]| -> Vec<Point> { offsets.iter().map(|(dx, dy)| (x + dx, y + dy)).collect() };
    match state {
        State::Pass => {
            scene.disc((x, y), 7.0, ink);
            scene.marks.push(Mark::Path(around(&[(-3.2, 0.2), (-0.9, 2.6), (3.4, -2.4)]), cut));
        }
        State::PassRegressed => {
            scene.marks.push(Mark::Area(around(&[(0.0, -8.4), (8.4, 0.0), (0.0, 8.4), (-8.4, 0.0)]), ink));
            scene.marks.push(Mark::Path(around(&[(0.0, -4.2), (0.0, 1.2)]), cut));
            scene.disc((x, y + 3.8), 1.1, Ink::Surface);
        }
        State::Fail => {
            scene.marks.push(Mark::Area(around(&[(-6.6, -6.6), (6.6, -6.6), (6.6, 6.6), (-6.6, 6.6)]), ink));
            scene.marks.push(Mark::Path(around(&[(-3.0, -3.0), (3.0, 3.0)]), cut));
            scene.marks.push(Mark::Path(around(&[(-3.0, 3.0), (3.0, -3.0)]), cut));
        }
        State::HoldInsufficient => {
            scene.disc((x, y), 7.0, ink);
            scene.disc((x, y), 4.8, Ink::Surface);
        }
        State::HoldInstrument => {
            scene.marks.push(Mark::Area(around(&[(0.0, -7.8), (8.4, 6.8), (-8.4, 6.8)]), ink));
            scene.marks.push(Mark::Path(around(&[(0.0, -2.8), (0.0, 2.2)]), cut));
            scene.disc((x, y + 4.8), 1.1, Ink::Surface);
        }
    }
}
