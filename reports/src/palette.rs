//! The colours, once, for the page and for the pictures.
//!
//! The page turns each ink into a CSS variable with a light and a dark value, so that inline SVG follows the
//! reader's theme; the pictures use the light values. A test holds every ink that is read as text to a contrast of
//! 4.5 against its ground (WCAG 2.2, AA), in both themes. Red, amber and green mean states and nothing else.

use std::fmt::Write as _;

/// What a stroke, an area or a text is, not how it looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ink {
    /// Ground of the page and of pictures.
    Surface,
    /// Ground of cards and of areas that are set off.
    Raised,
    /// Text.
    Text,
    /// Text of second rank: labels of axes, remarks.
    Muted,
    /// Lines of a grid, borders.
    Grid,
    /// Lines that are read, such as the margin.
    Axis,
    /// The provider in use.
    Baseline,
    /// The provider to move to.
    Candidate,
    /// Proven within the margin.
    Pass,
    /// Within the margin, yet proven worse.
    Regressed,
    /// Proven worse than the margin.
    Fail,
    /// Not decided for want of evidence.
    Waiting,
    /// Not decidable: the measuring itself is in doubt.
    Doubt,
    /// Where a guardrail would be beyond its margin.
    Beyond,
    /// All that the data allow between two bounds.
    Band,
    /// Part of a stack: prompt tokens at full price, or the provider's queue.
    Prompt,
    /// Part of a stack: prompt tokens read from a cache.
    Cached,
    /// Part of a stack: completion tokens that the client sees, or the way to the first text.
    Visible,
    /// Part of a stack: reasoning tokens, or the time spent thinking.
    Reasoning,
}

/// An 8-bit colour.
pub(crate) type Rgb = (u8, u8, u8);

impl Ink {
    /// All inks, in the order of the style sheet.
    pub(crate) const ALL: [Self; 19] = [
        Self::Surface,
        Self::Raised,
        Self::Text,
        Self::Muted,
        Self::Grid,
        Self::Axis,
        Self::Baseline,
        Self::Candidate,
        Self::Pass,
        Self::Regressed,
        Self::Fail,
        Self::Waiting,
        Self::Doubt,
        Self::Beyond,
        Self::Band,
        Self::Prompt,
        Self::Cached,
        Self::Visible,
        Self::Reasoning,
    ];

    /// Name in class names and CSS variables.
    pub(crate) const fn name(self) -> &'static str {
        self.entry().0
    }

    /// Colour on white paper and in the light theme.
    pub(crate) const fn light(self) -> Rgb {
        self.entry().1
    }

    /// Colour in the dark theme.
    pub(crate) const fn dark(self) -> Rgb {
        self.entry().2
    }

    const fn entry(self) -> (&'static str, Rgb, Rgb) {
        match self {
            Self::Surface => ("surface", (0xff, 0xff, 0xff), (0x14, 0x17, 0x1c)),
            Self::Raised => ("raised", (0xf5, 0xf6, 0xf8), (0x1d, 0x21, 0x28)),
            Self::Text => ("text", (0x18, 0x1c, 0x24), (0xe8, 0xea, 0xee)),
            Self::Muted => ("muted", (0x5a, 0x63, 0x72), (0xa0, 0xa9, 0xb8)),
            Self::Grid => ("grid", (0xe0, 0xe3, 0xe9), (0x32, 0x38, 0x43)),
            Self::Axis => ("axis", (0x8a, 0x93, 0xa3), (0x7a, 0x84, 0x95)),
            Self::Baseline => ("baseline", (0x6b, 0x75, 0x86), (0x9a, 0xa5, 0xb6)),
            Self::Candidate => ("candidate", (0x2f, 0x55, 0xd4), (0x76, 0x96, 0xff)),
            Self::Pass => ("pass", (0x0d, 0x74, 0x44), (0x4a, 0xc9, 0x8a)),
            Self::Regressed => ("regressed", (0x8f, 0x5b, 0x00), (0xe5, 0xb0, 0x4d)),
            Self::Fail => ("fail", (0xbc, 0x24, 0x2c), (0xff, 0x86, 0x82)),
            Self::Waiting => ("waiting", (0x58, 0x62, 0x72), (0xa9, 0xb3, 0xc3)),
            Self::Doubt => ("doubt", (0x7c, 0x3a, 0xa8), (0xc9, 0x9b, 0xf0)),
            Self::Beyond => ("beyond", (0xfc, 0xee, 0xee), (0x30, 0x1f, 0x23)),
            Self::Band => ("band", (0xdc, 0xe3, 0xee), (0x2e, 0x38, 0x4a)),
            Self::Prompt => ("prompt", (0x3d, 0x6f, 0xb8), (0x6f, 0x9f, 0xe6)),
            Self::Cached => ("cached", (0xa9, 0xc4, 0xea), (0x3c, 0x5a, 0x8a)),
            Self::Visible => ("visible", (0x0b, 0x4f, 0x55), (0x9f, 0xe3, 0xd8)),
            Self::Reasoning => ("reasoning", (0xd9, 0xa2, 0x3b), (0xd9, 0xa9, 0x50)),
        }
    }
}

/// The variables and the classes of all inks, for the head of the page.
pub(crate) fn style_sheet() -> String {
    let mut out = String::new();
    let variables = |pick: fn(Ink) -> Rgb| {
        Ink::ALL.iter().fold(String::new(), |mut text, ink| {
            let (r, g, b) = pick(*ink);
            // Writing into a string cannot fail.
            _ = write!(text, "--{}:#{r:02x}{g:02x}{b:02x};", ink.name());
            text
        })
    };
    _ = writeln!(out, ":root{{color-scheme:light dark;{}}}", variables(Ink::light));
    _ = writeln!(out, "@media screen and (prefers-color-scheme:dark){{:root{{{}}}}}", variables(Ink::dark));
    for ink in Ink::ALL {
        let name = ink.name();
        _ = writeln!(out, ".f-{name}{{fill:var(--{name})}}.s-{name}{{stroke:var(--{name})}}");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn luminance((r, g, b): Rgb) -> f64 {
        let linear = |channel: u8| {
            let c = f64::from(channel) / 255.0;
            if c <= 0.04045 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b)
    }

    fn contrast(a: Rgb, b: Rgb) -> f64 {
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    #[test]
    fn text_is_readable_on_every_ground_in_both_themes() {
        let read = [Ink::Text, Ink::Muted, Ink::Pass, Ink::Regressed, Ink::Fail, Ink::Waiting, Ink::Doubt];
        for ink in read {
            for ground in [Ink::Surface, Ink::Raised, Ink::Beyond] {
                for pick in [Ink::light, Ink::dark] {
                    let contrast = contrast(pick(ink), pick(ground));
                    assert!(contrast >= 4.5, "{} on {}: {contrast:.2}", ink.name(), ground.name());
                }
            }
        }
    }

    /// What people see of linear colours who lack one kind of cone (Machado, Oliveira and Fernandes 2009, severity 1):
    /// those for red, for green, for blue; first everybody else.
    const SIGHTS: [[[f64; 3]; 3]; 4] = [
        [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
        [[0.152_286, 1.052_583, -0.204_868], [0.114_503, 0.786_281, 0.099_216], [-0.003_882, -0.048_116, 1.051_998]],
        [[0.367_322, 0.860_646, -0.227_968], [0.280_085, 0.672_501, 0.047_413], [-0.011_820, 0.042_940, 0.968_881]],
        [[1.255_528, -0.076_749, -0.178_779], [-0.078_411, 0.930_809, 0.147_602], [0.004_733, 0.691_367, 0.303_900]],
    ];

    /// Place in Oklab (Ottosson 2020), where equal distances look equally large; 100 from black to white.
    fn seen((r, g, b): Rgb, sight: &[[f64; 3]; 3]) -> [f64; 3] {
        let linear = [r, g, b].map(|channel| {
            let c = f64::from(channel) / 255.0;
            if c <= 0.04045 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
        });
        let mix = |rows: &[[f64; 3]; 3], of: [f64; 3]| rows.map(|[x, y, z]| x * of[0] + y * of[1] + z * of[2]);
        let visible = mix(sight, linear).map(|c| c.clamp(0.0, 1.0));
        let cones = [
            [0.412_221_470_8, 0.536_332_536_3, 0.051_445_992_9],
            [0.211_903_498_2, 0.680_699_545_1, 0.107_396_956_6],
            [0.088_302_461_9, 0.281_718_837_6, 0.629_978_700_5],
        ];
        let place = [
            [0.210_454_255_3, 0.793_617_785_0, -0.004_072_046_8],
            [1.977_998_495_1, -2.428_592_205_0, 0.450_593_709_9],
            [0.025_904_037_1, 0.782_771_766_2, -0.808_675_766_0],
        ];
        mix(&place, mix(&cones, visible).map(f64::cbrt)).map(|c| c * 100.0)
    }

    #[test]
    fn neighbours_in_a_picture_can_be_told_apart_without_one_kind_of_cone() {
        let stack = [Ink::Prompt, Ink::Cached, Ink::Visible, Ink::Reasoning];
        // The arms differ in dashes and in order as well; parts of a stack in nothing but their colour.
        let mut pairs = vec![(Ink::Baseline, Ink::Candidate, 7.0)];
        pairs.extend(stack.iter().enumerate().flat_map(|(i, a)| stack.iter().skip(i + 1).map(|b| (*a, *b, 14.0))));
        for (a, b, least) in pairs {
            for pick in [Ink::light, Ink::dark] {
                for sight in &SIGHTS {
                    let (a_seen, b_seen) = (seen(pick(a), sight), seen(pick(b), sight));
                    let distance: f64 = a_seen.iter().zip(b_seen).map(|(x, y)| (x - y) * (x - y)).sum::<f64>().sqrt();
                    assert!(distance >= least, "{} and {}: {distance:.1} for {sight:?}", a.name(), b.name());
                }
            }
        }
    }

    #[test]
    fn drawn_marks_stand_out_from_the_ground() {
        for ink in [Ink::Baseline, Ink::Candidate, Ink::Axis, Ink::Prompt, Ink::Visible] {
            for pick in [Ink::light, Ink::dark] {
                assert!(contrast(pick(ink), pick(Ink::Surface)) >= 3.0, "{}", ink.name());
            }
        }
    }
}
