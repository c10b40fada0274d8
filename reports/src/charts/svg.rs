//! Scenes as inline SVG. Colours are classes (`f-` fills, `s-` strokes) whose values the page's style sheet sets for
//! the light and the dark theme; fonts are the page's. Every text is escaped here, so the result is safe markup.

use std::fmt::Write as _;

use super::scene::{Anchor, Label, Mark, Point, Scene, Stroke};
use crate::markup::escaped;

/// Draws a scene. `id` must be unique on the page and consist of letters, digits and `-`; `class` decides at which
/// widths the picture is shown.
pub(crate) fn draw(scene: &Scene, id: &str, class: &str) -> String {
    let mut out = String::new();
    // Writing into a string cannot fail, here and below.
    _ = write!(
        out,
        "<svg class=\"chart {class}\" viewBox=\"0 0 {w} {h}\" width=\"{w}\" height=\"{h}\" role=\"img\" \
         aria-labelledby=\"{id}-t {id}-d\"><title id=\"{id}-t\">{title}</title><desc id=\"{id}-d\">{desc}</desc>",
        w = number(scene.width),
        h = number(scene.height),
        title = escaped(&scene.title),
        desc = escaped(&scene.description),
    );
    marks(&mut out, scene);
    out.push_str("</svg>");
    out
}

/// Draws a small sign that stands beside its word, hence says nothing to screen readers.
pub(crate) fn icon(scene: &Scene) -> String {
    let (width, height) = (number(scene.width), number(scene.height));
    let mut out = String::new();
    _ = write!(
        out,
        "<svg class=\"icon\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" \
         aria-hidden=\"true\" focusable=\"false\">"
    );
    marks(&mut out, scene);
    out.push_str("</svg>");
    out
}

fn marks(out: &mut String, scene: &Scene) {
    for mark in &scene.marks {
        match mark {
            Mark::Path(points, stroke) => path(out, points, *stroke),
            Mark::Area(points, ink) => {
                _ = write!(out, "<polygon class=\"f-{}\" points=\"{}\"/>", ink.name(), joined(points));
            }
            Mark::Disc((x, y), radius, ink) => {
                let (x, y, r) = (number(*x), number(*y), number(*radius));
                _ = write!(out, "<circle class=\"f-{}\" cx=\"{x}\" cy=\"{y}\" r=\"{r}\"/>", ink.name());
            }
            Mark::Text(label) => text(out, label),
        }
    }
}

fn path(out: &mut String, points: &[Point], stroke: Stroke) {
    let (ink, width) = (stroke.ink.name(), number(stroke.width));
    _ = write!(out, "<polyline class=\"s-{ink}\" fill=\"none\" stroke-width=\"{width}\" stroke-linejoin=\"round\"");
    if let Some((dash, gap)) = stroke.dash {
        _ = write!(out, " stroke-dasharray=\"{} {}\"", number(dash), number(gap));
    }
    _ = write!(out, " points=\"{}\"/>", joined(points));
}

fn text(out: &mut String, label: &Label) {
    let anchor = match label.anchor {
        Anchor::Start => "",
        Anchor::Middle => " text-anchor=\"middle\"",
        Anchor::End => " text-anchor=\"end\"",
    };
    let weight = if label.bold { " font-weight=\"600\"" } else { "" };
    _ = write!(
        out,
        "<text class=\"f-{}\" x=\"{}\" y=\"{}\" font-size=\"{}\"{anchor}{weight}>{}</text>",
        label.ink.name(),
        number(label.at.0),
        number(label.at.1),
        number(label.size),
        escaped(&label.text)
    );
}

fn joined(points: &[Point]) -> String {
    let mut out = String::with_capacity(points.len() * 12);
    for (x, y) in points {
        if !out.is_empty() {
            out.push(' ');
        }
        _ = write!(out, "{},{}", number(*x), number(*y));
    }
    out
}

/// A coordinate with a tenth of a pixel, without trailing zeros.
fn number(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::palette::Ink;

    #[test]
    fn texts_are_escaped_and_named_for_readers() {
        let mut scene = Scene::new(100.0, 50.5, "a < b".to_owned(), "\"quoted\"".to_owned());
        scene.text((1.0, 2.04), Anchor::End, 12.0, Ink::Muted, "<script>alert(1)</script>\u{7}");
        let svg = draw(&scene, "x", "wide");
        assert!(svg.contains("role=\"img\" aria-labelledby=\"x-t x-d\""), "{svg}");
        assert!(svg.contains("<title id=\"x-t\">a &lt; b</title><desc id=\"x-d\">&quot;quoted&quot;</desc>"), "{svg}");
        assert!(svg.contains("x=\"1\" y=\"2\" font-size=\"12\" text-anchor=\"end\">&lt;script&gt;"), "{svg}");
        assert!(!svg.contains("<script") && !svg.contains('\u{7}'), "{svg}");
    }

    #[test]
    fn lines_carry_their_ink_and_dash() {
        let mut scene = Scene::new(10.0, 10.0, String::new(), String::new());
        scene.line((0.0, 0.0), (10.0, 5.25), Stroke::dashed(Ink::Axis, 1.5, 4.0, 3.0));
        let svg = draw(&scene, "x", "wide");
        assert!(svg.contains("class=\"s-axis\""), "{svg}");
        assert!(svg.contains("stroke-dasharray=\"4 3\" points=\"0,0 10,5.2\""), "{svg}");
    }
}
