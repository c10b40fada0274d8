//! Scenes as pixels, with plotters.
//!
//! A scene is painted once at four times its size and averaged down to one and two times: edges of areas, which
//! plotters paints without anti-aliasing, come out as smooth as its lines and its text.

use plotters::backend::BitMapBackend;
use plotters::coord::Shift;
use plotters::drawing::{DrawingArea, IntoDrawingArea};
use plotters::element::{Circle, PathElement, Polygon};
use plotters::style::{Color, IntoTextStyle, RGBColor, ShapeStyle};

use super::font::{Fonts, fonts};
use super::scene::{Anchor, Label, Mark, Point, Scene, Stroke};
use crate::palette::Ink;

/// Painted pixels per CSS pixel.
const FINE: u32 = 4;

/// Pixels, three bytes each, row by row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pixels {
    /// Width.
    pub(crate) width: u32,
    /// Height.
    pub(crate) height: u32,
    /// Red, green, blue.
    pub(crate) rgb: Vec<u8>,
}

type Canvas<'a> = DrawingArea<BitMapBackend<'a>, Shift>;

/// Paints a scene in its light colours, `FINE` times as large. The error is what the drawing library said.
pub(crate) fn paint(scene: &Scene) -> Result<Pixels, String> {
    let fonts = fonts().map_err(|_| "the bundled fonts cannot be read".to_owned())?;
    let (width, height) = (pixels(scene.width.ceil()) * FINE, pixels(scene.height.ceil()) * FINE);
    let mut rgb = vec![0; width as usize * height as usize * 3];
    {
        let canvas = BitMapBackend::with_buffer(&mut rgb, (width, height)).into_drawing_area();
        let reason = |error: plotters::drawing::DrawingAreaErrorKind<_>| error.to_string();
        canvas.fill(&colour(Ink::Surface)).map_err(reason)?;
        for mark in &scene.marks {
            draw(&canvas, fonts, mark)?;
        }
        canvas.present().map_err(reason)?;
    }
    Ok(Pixels { width, height, rgb })
}

/// The same picture at half the size: each pixel is the mean of four. A painted scene halved once has two pixels per
/// CSS pixel, halved again one.
pub(crate) fn halved(picture: &Pixels) -> Pixels {
    let (width, height) = (picture.width / 2, picture.height / 2);
    let row = picture.width as usize * 3;
    let mut rgb = Vec::with_capacity(width as usize * height as usize * 3);
    for two_rows in picture.rgb.chunks_exact(row * 2) {
        let (above, below) = two_rows.split_at(row);
        for (upper, lower) in above.chunks_exact(6).zip(below.chunks_exact(6)) {
            // Patterns instead of indices: millions of pixels, and debug builds draw pictures too.
            if let ([a, b, c, d, e, f], [g, h, i, j, k, l]) = (upper, lower) {
                rgb.extend_from_slice(&[mean(*a, *d, *g, *j), mean(*b, *e, *h, *k), mean(*c, *f, *i, *l)]);
            }
        }
    }
    Pixels { width, height, rgb }
}

/// Mean of four bytes, rounded half up.
const fn mean(a: u8, b: u8, c: u8, d: u8) -> u8 {
    ((a as u16 + b as u16 + c as u16 + d as u16 + 2) / 4) as u8
}

fn draw(canvas: &Canvas<'_>, fonts: &Fonts, mark: &Mark) -> Result<(), String> {
    match mark {
        Mark::Path(points, stroke) => {
            for piece in dashes(points, *stroke) {
                let style = style(stroke.ink).stroke_width(pixels(stroke.width * f64::from(FINE)).max(1));
                canvas.draw(&PathElement::new(scaled(&piece), style)).map_err(|error| error.to_string())?;
            }
            Ok(())
        }
        Mark::Area(points, ink) => {
            canvas.draw(&Polygon::new(scaled(points), style(*ink))).map_err(|error| error.to_string())
        }
        Mark::Disc(centre, radius, ink) => {
            let radius = pixels(radius * f64::from(FINE));
            canvas.draw(&Circle::new(position(*centre), radius, style(*ink))).map_err(|error| error.to_string())
        }
        Mark::Text(label) => text(canvas, fonts, label),
    }
}

fn text(canvas: &Canvas<'_>, fonts: &Fonts, label: &Label) -> Result<(), String> {
    let em = label.size * f64::from(FINE);
    let (glyphs, width) = fonts.set(&label.text, em);
    let (x, y) = (label.at.0 * f64::from(FINE), label.at.1 * f64::from(FINE));
    let left = match label.anchor {
        Anchor::Start => x,
        Anchor::Middle => x - width / 2.0,
        Anchor::End => x - width,
    };
    let ink = colour(label.ink);
    // There is one weight in the bundle: a heavier text is painted twice, a hair apart.
    let passes: &[f64] = if label.bold { &[0.0, 1.0] } else { &[0.0] };
    for glyph in glyphs {
        let size = glyph.font.size_for_em(em);
        let style = (glyph.font.family, size).into_text_style(canvas).color(&ink);
        for pass in passes {
            // plotters sets the base line half a size below the position.
            let at = (whole((left + glyph.ink_left).floor() + pass), whole((y - size / 2.0).round()));
            canvas
                .draw_text(glyph.character.encode_utf8(&mut [0; 4]), &style, at)
                .map_err(|error| error.to_string())?;
        }
    }
    Ok(())
}

/// Cuts a path into its dashes; a solid path stays whole.
fn dashes(points: &[Point], stroke: Stroke) -> Vec<Vec<Point>> {
    let Some((dash, gap)) = stroke.dash else { return vec![points.to_vec()] };
    let mut pieces = Vec::new();
    let mut piece: Vec<Point> = points.first().copied().into_iter().collect();
    let (mut is_dash, mut left) = (true, dash);
    for (from, to) in points.iter().zip(points.iter().skip(1)) {
        let (mut at, mut rest) = (*from, distance(*from, *to));
        while rest > left {
            let share = left / rest;
            at = (at.0 + (to.0 - at.0) * share, at.1 + (to.1 - at.1) * share);
            rest -= left;
            if is_dash {
                piece.push(at);
                pieces.push(std::mem::take(&mut piece));
            } else {
                piece = vec![at];
            }
            is_dash = !is_dash;
            left = if is_dash { dash } else { gap };
        }
        left -= rest;
        if is_dash {
            piece.push(*to);
        }
    }
    if piece.len() > 1 {
        pieces.push(piece);
    }
    pieces
}

fn distance(a: Point, b: Point) -> f64 {
    (a.0 - b.0).hypot(a.1 - b.1)
}

fn scaled(points: &[Point]) -> Vec<(i32, i32)> {
    points.iter().map(|point| position(*point)).collect()
}

fn position((x, y): Point) -> (i32, i32) {
    (whole((x * f64::from(FINE)).round()), whole((y * f64::from(FINE)).round()))
}

const fn whole(value: f64) -> i32 {
    value as i32
}

const fn pixels(value: f64) -> u32 {
    value.round() as u32
}

fn colour(ink: Ink) -> RGBColor {
    let (r, g, b) = ink.light();
    RGBColor(r, g, b)
}

fn style(ink: Ink) -> ShapeStyle {
    colour(ink).filled()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(pixels: &Pixels, x: u32, y: u32) -> (u8, u8, u8) {
        let from = (y as usize * pixels.width as usize + x as usize) * 3;
        (pixels.rgb[from], pixels.rgb[from + 1], pixels.rgb[from + 2])
    }

    #[test]
    fn areas_and_ground_have_their_colours() {
        let mut scene = Scene::new(20.0, 10.0, String::new(), String::new());
        scene.rect((5.0, 2.0), 10.0, 6.0, Ink::Fail);
        let fine = paint(&scene).unwrap();
        let two = halved(&fine);
        let one = halved(&two);
        assert_eq!((one.width, one.height, two.width, two.height), (20, 10, 40, 20));
        assert_eq!(at(&one, 10, 5), Ink::Fail.light());
        assert_eq!(at(&one, 1, 1), Ink::Surface.light());
        assert_eq!(at(&two, 20, 10), Ink::Fail.light());
    }

    #[test]
    fn texts_are_anchored() {
        let dark = |anchor: Anchor| -> Vec<u32> {
            let mut scene = Scene::new(60.0, 20.0, String::new(), String::new());
            scene.text((30.0, 15.0), anchor, 12.0, Ink::Text, "ill");
            let picture = halved(&halved(&paint(&scene).unwrap()));
            (0..60).filter(|x| (0..20).any(|y| at(&picture, *x, y).0 < 160)).collect()
        };
        let (start, end) = (dark(Anchor::Start), dark(Anchor::End));
        assert!(start.iter().all(|x| *x >= 30) && !start.is_empty(), "{start:?}");
        assert!(end.iter().all(|x| *x < 30) && !end.is_empty(), "{end:?}");
    }

    #[test]
    fn dashes_follow_the_path_and_keep_their_length() {
        let stroke = Stroke::dashed(Ink::Axis, 1.0, 3.0, 2.0);
        let pieces = dashes(&[(0.0, 0.0), (4.0, 0.0), (4.0, 6.0)], stroke);
        assert_eq!(pieces.len(), 2);
        assert_eq!(pieces[0], vec![(0.0, 0.0), (3.0, 0.0)]);
        assert_eq!(pieces[1], vec![(4.0, 1.0), (4.0, 4.0)]);
        assert_eq!(dashes(&[], stroke), Vec::<Vec<Point>>::new());
    }
}
