//! The states of a guardrail as people see them: a word, an ink and a sign. The sign differs in shape, not only
//! in colour, and is the same on the page, in the pictures and in the legend.

use judge::verdict::State;

use crate::charts::scene::{Mark, Point, Scene, Stroke};
use crate::palette::Ink;

/// All states, in the order of the legend.
pub(crate) const ALL: [State; 7] = [
    State::Pass,
    State::PassRegressed,
    State::Fail,
    State::Futile,
    State::HoldInsufficient,
    State::HoldConflict,
    State::HoldInstrument,
];

/// The name in `verdict.json`, which is also the class name on the page.
pub(crate) const fn name(state: State) -> &'static str {
    match state {
        State::Pass => "pass",
        State::PassRegressed => "pass-regressed",
        State::Fail => "fail",
        State::Futile => "futile",
        State::HoldInsufficient => "hold-insufficient",
        State::HoldConflict => "hold-conflict",
        State::HoldInstrument => "hold-instrument",
    }
}

/// Two or three words.
pub(crate) const fn word(state: State) -> &'static str {
    match state {
        State::Pass => "within margin",
        State::PassRegressed => "within, but worse",
        State::Fail => "beyond margin",
        State::Futile => "will not pass",
        State::HoldInsufficient => "not decided",
        State::HoldConflict => "contradicted",
        State::HoldInstrument => "in doubt",
    }
}

/// A sign for plain text.
pub(crate) const fn sign(state: State) -> &'static str {
    match state {
        State::Pass => "✅",
        State::PassRegressed => "🔶",
        State::Fail => "❌",
        State::Futile => "🚫",
        State::HoldInsufficient => "⏳",
        State::HoldConflict => "↔️",
        State::HoldInstrument => "⚠️",
    }
}

/// Colour of text, bar and sign.
pub(crate) const fn ink(state: State) -> Ink {
    match state {
        State::Pass => Ink::Pass,
        State::PassRegressed => Ink::Regressed,
        State::Fail | State::Futile => Ink::Fail,
        State::HoldInsufficient => Ink::Waiting,
        State::HoldConflict | State::HoldInstrument => Ink::Doubt,
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
        State::Futile => {
            scene.disc((x, y), 7.0, ink);
            scene.marks.push(Mark::Path(around(&[(-3.8, 0.0), (3.8, 0.0)]), cut));
        }
        State::HoldInsufficient => {
            scene.disc((x, y), 7.0, ink);
            scene.disc((x, y), 4.8, Ink::Surface);
        }
        State::HoldConflict => {
            // Two heads that point apart.
            scene.marks.push(Mark::Area(around(&[(-1.4, -7.0), (-1.4, 7.0), (-8.4, 0.0)]), ink));
            scene.marks.push(Mark::Area(around(&[(1.4, -7.0), (1.4, 7.0), (8.4, 0.0)]), ink));
        }
        State::HoldInstrument => {
            scene.marks.push(Mark::Area(around(&[(0.0, -7.8), (8.4, 6.8), (-8.4, 6.8)]), ink));
            scene.marks.push(Mark::Path(around(&[(0.0, -2.8), (0.0, 2.2)]), cut));
            scene.disc((x, y + 4.8), 1.1, Ink::Surface);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn no_two_states_share_a_name_a_word_or_a_sign() {
        for spell in [name, word, sign] {
            assert_eq!(ALL.into_iter().map(spell).collect::<BTreeSet<_>>().len(), ALL.len());
        }
        for state in ALL {
            assert_eq!(serde_json::to_value(state).unwrap(), name(state));
        }
    }

    #[test]
    fn signs_differ_in_shape_and_not_only_in_colour() {
        let shapes: BTreeSet<String> = ALL
            .into_iter()
            .map(|state| {
                let mut scene = Scene::new(18.0, 18.0, String::new(), String::new());
                draw(&mut scene, (9.0, 9.0), state);
                let shape = scene.marks.iter().map(|mark| match mark {
                    Mark::Path(points, _) | Mark::Area(points, _) => format!("{points:?}"),
                    Mark::Disc(centre, radius, _) => format!("{centre:?} {radius}"),
                    Mark::Text(label) => label.text.clone(),
                });
                shape.collect()
            })
            .collect();
        assert_eq!(shapes.len(), ALL.len());
    }
}
