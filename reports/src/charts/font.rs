//! The fonts of the pictures, bundled, so that a picture is the same on every machine: Roboto Regular, and for characters that
//! it lacks a part of Noto Sans CJK SC which has those of the Chinese catalogue and no others.
//!
//! plotters draws each glyph flush with the pen and forgets its side bearing, which sets narrow letters too close to
//! their left neighbour. Texts are therefore set here, glyph by glyph, from the font's own tables (`head`, `hhea`,
//! `hmtx`, `cmap` format 4: the OpenType specification, version 1.9), and plotters only paints the glyphs.

use std::sync::OnceLock;

use plotters::style::{FontStyle, register_font};

/// The files, and the names under which plotters knows them. A character is set in the first font that has it.
static FILES: [(&str, &[u8]); 2] = [
    ("report", include_bytes!("../../assets/Roboto-Regular.ttf")),
    ("report-chinese", include_bytes!("../../assets/NotoSansSC-Subset.otf")),
];

/// The font cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BrokenFont;

/// The bundled fonts.
#[derive(Debug, Clone)]
pub(crate) struct Fonts(Vec<Font>);

/// Measures of one font, in units of its design grid.
#[derive(Debug, Clone)]
pub(crate) struct Font {
    /// Name under which plotters knows it.
    pub(crate) family: &'static str,
    units_per_em: f64,
    /// From the ascender down to the descender.
    line: f64,
    long_metrics: usize,
    horizontal_metrics: &'static [u8],
    character_map: &'static [u8],
}

/// One glyph of a text, in pixels.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Placed<'a> {
    /// The character.
    pub(crate) character: char,
    /// The font that it is set in.
    pub(crate) font: &'a Font,
    /// Left edge of its ink, from the beginning of the text.
    pub(crate) ink_left: f64,
}

/// Registers the fonts with plotters, once, and returns their measures.
pub(crate) fn fonts() -> Result<&'static Fonts, BrokenFont> {
    static FONTS: OnceLock<Result<Fonts, BrokenFont>> = OnceLock::new();
    let loaded = FONTS.get_or_init(|| {
        let read = FILES.iter().map(|(family, file)| {
            register_font(family, FontStyle::Normal, file).map_err(|_| BrokenFont)?;
            Font::read(family, file).ok_or(BrokenFont)
        });
        read.collect::<Result<_, _>>().map(Fonts)
    });
    loaded.as_ref().map_err(|broken| *broken)
}

impl Fonts {
    /// Sets a text of a given em; returns the glyphs and the width of the whole, in pixels.
    pub(crate) fn set(&self, text: &str, em: f64) -> (Vec<Placed<'_>>, f64) {
        let mut pen = 0.0;
        let mut glyphs = Vec::with_capacity(text.len());
        for character in text.chars() {
            let Some(font) = self.font(character) else { continue };
            let scale = em / font.units_per_em;
            let (advance, bearing) = font.metrics(font.glyph(character));
            glyphs.push(Placed { character, font, ink_left: pen + bearing * scale });
            pen += advance * scale;
        }
        (glyphs, pen)
    }

    /// The first font that has the character, or the first of all, which then shows its sign for what is missing.
    fn font(&self, character: char) -> Option<&Font> {
        self.0.iter().find(|font| font.glyph(character) != 0).or_else(|| self.0.first())
    }
}

impl Font {
    fn read(family: &'static str, file: &'static [u8]) -> Option<Self> {
        let head = table(file, b"head")?;
        let hhea = table(file, b"hhea")?;
        Some(Self {
            family,
            units_per_em: f64::from(u16_at(head, 18)?),
            line: f64::from(i16_at(hhea, 4)?) - f64::from(i16_at(hhea, 6)?),
            long_metrics: usize::from(u16_at(hhea, 34)?),
            horizontal_metrics: table(file, b"hmtx")?,
            character_map: segment_map(table(file, b"cmap")?)?,
        })
    }

    /// plotters measures a font from ascender to descender; a scene measures the em.
    pub(crate) fn size_for_em(&self, em: f64) -> f64 {
        em * self.line / self.units_per_em
    }

    /// Advance and left side bearing of a glyph, in design units.
    fn metrics(&self, glyph: usize) -> (f64, f64) {
        let last = self.long_metrics.saturating_sub(1);
        let advance = u16_at(self.horizontal_metrics, glyph.min(last) * 4).unwrap_or(0);
        // Glyphs after the last long record have only a bearing.
        let bearing_at = if glyph <= last { glyph * 4 + 2 } else { self.long_metrics * 4 + (glyph - last - 1) * 2 };
        (f64::from(advance), f64::from(i16_at(self.horizontal_metrics, bearing_at).unwrap_or(0)))
    }

    /// Glyph of a character; 0 is the glyph for what is missing.
    fn glyph(&self, character: char) -> usize {
        u16::try_from(u32::from(character)).ok().and_then(|code| self.look_up(code)).unwrap_or(0)
    }

    fn look_up(&self, code: u16) -> Option<usize> {
        let map = self.character_map;
        let segments = usize::from(u16_at(map, 6)?) / 2;
        let ends = 14;
        let starts = ends + segments * 2 + 2;
        let (deltas, offsets) = (starts + segments * 2, starts + segments * 4);
        let segment = (0..segments).find(|i| u16_at(map, ends + i * 2).is_some_and(|end| end >= code))?;
        let start = u16_at(map, starts + segment * 2).filter(|start| *start <= code)?;
        let delta = u16_at(map, deltas + segment * 2)?;
        let offset = usize::from(u16_at(map, offsets + segment * 2)?);
        if offset == 0 {
            return Some(usize::from(code.wrapping_add(delta)));
        }
        let index = u16_at(map, offsets + segment * 2 + offset + usize::from(code - start) * 2)?;
        (index != 0).then(|| usize::from(index.wrapping_add(delta)))
    }
}

/// A table of the font file by its tag.
fn table(file: &'static [u8], tag: &[u8; 4]) -> Option<&'static [u8]> {
    let tables = usize::from(u16_at(file, 4)?);
    let entry = (0..tables).map(|i| 12 + i * 16).find(|at| file.get(*at..at + 4) == Some(tag))?;
    let (offset, length) = (u32_at(file, entry + 8)?, u32_at(file, entry + 12)?);
    file.get(offset..offset.checked_add(length)?)
}

/// The subtable of format 4 in a `cmap`.
fn segment_map(cmap: &'static [u8]) -> Option<&'static [u8]> {
    let subtables = usize::from(u16_at(cmap, 2)?);
    (0..subtables)
        .filter_map(|i| cmap.get(u32_at(cmap, 4 + i * 8 + 4)?..))
        .find(|subtable| u16_at(subtable, 0) == Some(4))
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

fn i16_at(bytes: &[u8], at: usize) -> Option<i16> {
    Some(i16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<usize> {
    usize::try_from(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn measures_agree_with_the_font_s_own_tables() {
        // Read from the same file with fontTools 4: unitsPerEm 2048, hhea 1900 and -500, side bearings of l and T.
        let fonts = fonts().unwrap();
        assert!((fonts.0[0].size_for_em(2048.0) - 2400.0).abs() < 1e-9);
        let (glyphs, _) = fonts.set("l", 2048.0);
        assert!((glyphs[0].ink_left - 156.0).abs() < 1e-9, "{glyphs:?}");
        let (glyphs, _) = fonts.set("T", 2048.0);
        assert!((glyphs[0].ink_left - 50.0).abs() < 1e-9, "{glyphs:?}");
    }

    #[test]
    fn every_special_character_of_the_charts_is_in_the_font() {
        let font = &fonts().unwrap().0[0];
        for character in "−×·–µ$€%+\u{202f}".chars() {
            assert_ne!(font.glyph(character), 0, "{character:?}");
        }
        assert_eq!(font.glyph('\u{1f600}'), 0);
    }

    #[test]
    fn every_character_of_the_chinese_catalogue_has_a_glyph_of_its_own_width() {
        let fonts = fonts().unwrap();
        let catalogue = include_str!("../language/zh.toml");
        let missing: BTreeSet<char> = catalogue
            .chars()
            .filter(|character| !character.is_control() && fonts.0.iter().all(|font| font.glyph(*character) == 0))
            .collect();
        assert!(missing.is_empty(), "make the font anew, as assets/NotoSansSC.md says: it lacks {missing:?}");
        let (glyphs, width) = fonts.set("a界", 16.0);
        let families: Vec<&str> = glyphs.iter().map(|glyph| glyph.font.family).collect();
        assert_eq!(families, ["report", "report-chinese"]);
        // A Chinese character is as wide as the em.
        assert!((width - fonts.set("a", 16.0).1 - 16.0).abs() < 1e-9, "{width}");
    }

    #[test]
    fn a_damaged_font_is_no_panic() {
        for (_, file) in FILES {
            for length in [0, 5, 11, 40, 300, 2000] {
                let cut = file.get(..length).unwrap();
                assert!(Font::read("cut", cut).is_none());
            }
        }
    }
}
