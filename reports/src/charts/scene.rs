//! What a picture consists of, before anybody knows whether it becomes SVG or pixels.
//!
//! Lengths are CSS pixels with the origin at the top left. Nothing here depends on the width of a text: the page
//! uses the reader's own font, so a scene may only anchor texts, never measure them.

use crate::palette::Ink;

/// A point, x then y.
pub(crate) type Point = (f64, f64);

/// Which end of a text stands at its position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Anchor {
    /// The text begins there.
    Start,
    /// The text is centred there.
    Middle,
    /// The text ends there.
    End,
}

/// How a line is drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Stroke {
    /// Colour.
    pub(crate) ink: Ink,
    /// Width.
    pub(crate) width: f64,
    /// Lengths of dash and gap; `None` is a solid line.
    pub(crate) dash: Option<(f64, f64)>,
}

impl Stroke {
    /// A solid line.
    pub(crate) const fn solid(ink: Ink, width: f64) -> Self {
        Self { ink, width, dash: None }
    }

    /// A dashed line.
    pub(crate) const fn dashed(ink: Ink, width: f64, dash: f64, gap: f64) -> Self {
        Self { ink, width, dash: Some((dash, gap)) }
    }
}

/// One piece of text.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Label {
    /// Position of the anchor on the base line.
    pub(crate) at: Point,
    /// Which end stands at `at`.
    pub(crate) anchor: Anchor,
    /// The text.
    pub(crate) text: String,
    /// Size of the em.
    pub(crate) size: f64,
    /// Colour.
    pub(crate) ink: Ink,
    /// Heavier than usual.
    pub(crate) bold: bool,
}

/// One element.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Mark {
    /// Line through all points.
    Path(Vec<Point>, Stroke),
    /// Filled area with corners.
    Area(Vec<Point>, Ink),
    /// Filled circle: centre, radius.
    Disc(Point, f64, Ink),
    /// Text.
    Text(Label),
}

/// A picture.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Scene {
    /// Width.
    pub(crate) width: f64,
    /// Height.
    pub(crate) height: f64,
    /// What it is, for those who cannot see it.
    pub(crate) title: String,
    /// What it shows, in a sentence or two, for the same readers.
    pub(crate) description: String,
    /// Elements, the hindmost first.
    pub(crate) marks: Vec<Mark>,
}

impl Scene {
    /// An empty picture.
    pub(crate) const fn new(width: f64, height: f64, title: String, description: String) -> Self {
        Self { width, height, title, description, marks: Vec::new() }
    }

    /// A straight line.
    pub(crate) fn line(&mut self, from: Point, to: Point, stroke: Stroke) {
        self.marks.push(Mark::Path(vec![from, to], stroke));
    }

    /// A filled rectangle.
    pub(crate) fn rect(&mut self, (x, y): Point, width: f64, height: f64, ink: Ink) {
        let corners = vec![(x, y), (x + width, y), (x + width, y + height), (x, y + height)];
        self.marks.push(Mark::Area(corners, ink));
    }

    /// A filled circle.
    pub(crate) fn disc(&mut self, centre: Point, radius: f64, ink: Ink) {
        self.marks.push(Mark::Disc(centre, radius, ink));
    }

    /// A text of normal weight.
    pub(crate) fn text(&mut self, at: Point, anchor: Anchor, size: f64, ink: Ink, text: impl Into<String>) {
        self.marks.push(Mark::Text(Label { at, anchor, text: text.into(), size, ink, bold: false }));
    }

    /// A heavier text.
    pub(crate) fn bold(&mut self, at: Point, anchor: Anchor, size: f64, ink: Ink, text: impl Into<String>) {
        self.marks.push(Mark::Text(Label { at, anchor, text: text.into(), size, ink, bold: true }));
    }

    /// The same picture with other words: every text is what `say` makes of it.
    pub(crate) fn said(mut self, say: impl Fn(&str) -> String) -> Self {
        self.title = say(&self.title);
        self.description = say(&self.description);
        for mark in &mut self.marks {
            if let Mark::Text(label) = mark {
                label.text = say(&label.text);
            }
        }
        self
    }

    /// Draws another scene into this one, shifted.
    pub(crate) fn place(&mut self, (dx, dy): Point, other: Self) {
        let shift = |(x, y): Point| (x + dx, y + dy);
        self.marks.extend(other.marks.into_iter().map(|mark| match mark {
            Mark::Path(points, stroke) => Mark::Path(points.into_iter().map(shift).collect(), stroke),
            Mark::Area(points, ink) => Mark::Area(points.into_iter().map(shift).collect(), ink),
            Mark::Disc(centre, radius, ink) => Mark::Disc(shift(centre), radius, ink),
            Mark::Text(label) => Mark::Text(Label { at: shift(label.at), ..label }),
        }));
    }
}
