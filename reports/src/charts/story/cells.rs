//! Lanes of cells: what held at each look.

use judge::verdict::{Decision, State};

use super::super::scene::{Anchor, Scene, Stroke};
use super::{CELL, Cell, Lane, Layout, Shade};
use crate::palette::Ink;
use crate::states;

/// A cell is at least so wide; narrower ones are joined.
const NARROWEST: f64 = 2.0;
/// A cell of this width has room for its sign.
const SIGNED: f64 = 22.0;

impl Shade {
    const fn ink(self) -> Ink {
        match self {
            Self::Verdict(Decision::Go) => Ink::Pass,
            Self::Verdict(Decision::Hold) => Ink::Waiting,
            Self::Verdict(Decision::NoGo) => Ink::Fail,
            Self::State(state) => states::ink(state),
        }
    }

    const fn severity(self) -> u8 {
        match self {
            Self::Verdict(Decision::Go) | Self::State(State::Pass) => 0,
            Self::State(State::PassRegressed) => 1,
            Self::Verdict(Decision::Hold) | Self::State(State::HoldInsufficient) => 2,
            Self::State(State::HoldInstrument) => 3,
            Self::State(State::HoldConflict) => 4,
            Self::State(State::Futile) => 5,
            Self::Verdict(Decision::NoGo) | Self::State(State::Fail) => 6,
        }
    }
}

pub(super) fn draw(scene: &mut Scene, lane: &Lane, gaps: &[(f64, f64)], layout: &Layout, top: f64) {
    let row = if layout.is_broad {
        scene.text((0.0, top + 12.0), Anchor::Start, 12.0, Ink::Text, lane.label.as_str());
        top
    } else {
        scene.text((0.0, top + 11.0), Anchor::Start, 12.0, Ink::Text, lane.label.as_str());
        top + 17.0
    };
    let middle = row + CELL / 2.0;
    for (from, to) in gaps.iter().map(|(from, to)| (layout.plot.at(*from), layout.plot.at(*to))) {
        if to - from >= NARROWEST {
            scene.line((from, middle), (to, middle), Stroke::dashed(Ink::Axis, 1.0, 2.0, 3.0));
        }
    }
    for (from, to, shade) in joined(&lane.cells, layout) {
        scene.rect((from, row), to - from, CELL, shade.ink());
        if to - from >= SIGNED {
            sign(scene, (f64::midpoint(from, to), middle), shade);
        }
    }
}

/// Cells in pixels, none too narrow to be seen; what is joined shows the worst.
fn joined(cells: &[Cell], layout: &Layout) -> Vec<(f64, f64, Shade)> {
    let mut out: Vec<(f64, f64, Shade)> = Vec::new();
    let is_narrow = |from: f64, to: f64| to - from < NARROWEST;
    for cell in cells {
        let (from, to) = (layout.plot.at(cell.from), layout.plot.at(cell.to));
        match out.last_mut() {
            Some(last) if is_narrow(from, to) && is_narrow(last.0, last.1) && is_narrow(last.1, from) => {
                last.1 = to.max(last.1);
                if cell.shade.severity() > last.2.severity() {
                    last.2 = cell.shade;
                }
            }
            _ => out.push((from, to, cell.shade)),
        }
    }
    let end = layout.plot.end;
    for (from, to, _) in &mut out {
        // The last look may stand at the very end, and still it is there.
        *to = to.max(*from + NARROWEST).min(end.max(*from));
        *from = from.min(*to - NARROWEST);
    }
    // What is narrow was made wider than it is, and must not be covered by its neighbour.
    out.sort_by_key(|(from, to, _)| to - from <= NARROWEST);
    out
}

fn sign(scene: &mut Scene, (x, y): (f64, f64), shade: Shade) {
    match shade {
        Shade::State(state) => {
            scene.disc((x, y), 7.0, Ink::Surface);
            let mut small = Scene::new(0.0, 0.0, String::new(), String::new());
            states::draw(&mut small, (0.0, 0.0), state);
            scene.place((x, y), shrunk(small));
        }
        Shade::Verdict(decision) => {
            scene.bold((x, y + 4.0), Anchor::Middle, 10.0, Ink::Surface, decision.word());
        }
    }
}

/// A sign at seven tenths of its size.
fn shrunk(scene: Scene) -> Scene {
    use super::super::scene::Mark;
    const BY: f64 = 0.7;
    let small = |points: Vec<(f64, f64)>| points.into_iter().map(|(x, y)| (x * BY, y * BY)).collect();
    let marks = scene.marks.into_iter().map(|mark| match mark {
        Mark::Path(points, stroke) => Mark::Path(small(points), Stroke { width: stroke.width * BY, ..stroke }),
        Mark::Area(points, ink) => Mark::Area(small(points), ink),
        Mark::Disc((x, y), radius, ink) => Mark::Disc((x * BY, y * BY), radius * BY, ink),
        Mark::Text(label) => Mark::Text(label),
    });
    Scene { marks: marks.collect(), ..scene }
}
