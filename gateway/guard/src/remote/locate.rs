//! Where the words stand that a service names.
//!
//! Services tell words, and sometimes positions. Positions are counted in units that their descriptions do not name, and a
//! span at the wrong place would mask the wrong words, so a span is only given where the text says the word itself. What a
//! service names in a form of its own has no span, and is blocked where it would have been masked.

use aho_corasick::AhoCorasick;
use std::ops::Range;

/// Spans of one finding.
const SPANS_MAX: usize = 256;
/// Words looked for.
const WORDS_MAX: usize = 64;
/// Longest word that is looked for, bytes.
const WORD_BYTES_MAX: usize = 512;

/// All places of all words, in order, without regard to the case of Latin letters.
pub(super) fn words<'a>(text: &str, words: impl IntoIterator<Item = &'a str>) -> Vec<Range<usize>> {
    let words = words.into_iter().map(str::trim).filter(|word| (1..=WORD_BYTES_MAX).contains(&word.len()));
    let words: Vec<&str> = words.take(WORDS_MAX).collect();
    if words.is_empty() {
        return Vec::new();
    }
    // Words and text are both UTF-8, so a place is always a whole number of characters.
    let Ok(finder) = AhoCorasick::builder().ascii_case_insensitive(true).build(words) else { return Vec::new() };
    let mut spans: Vec<_> = finder.find_overlapping_iter(text).map(|found| found.range()).take(SPANS_MAX).collect();
    // The same word may have been named twice.
    spans.dedup();
    spans
}

/// Where a text and its masked form differ; nothing if they cannot be laid over each other.
pub(super) fn masked(text: &str, masked: &str) -> Vec<Range<usize>> {
    let mut others = masked.chars();
    let mut spans: Vec<Range<usize>> = Vec::new();
    for (start, character) in text.char_indices() {
        let Some(other) = others.next() else { return whole_middle(text, masked) };
        if other == character {
            continue;
        }
        let (end, is_full) = (start + character.len_utf8(), spans.len() == SPANS_MAX);
        match spans.last_mut() {
            Some(last) if last.end == start => last.end = end,
            _ if is_full => return whole_middle(text, masked),
            _ => spans.push(start..end),
        }
    }
    if others.next().is_some() { whole_middle(text, masked) } else { spans }
}

/// What lies between the common beginning and the common end.
fn whole_middle(text: &str, masked: &str) -> Vec<Range<usize>> {
    let same = |pair: &((usize, char), char)| pair.0.1 == pair.1;
    let start = text.char_indices().zip(masked.chars()).take_while(same).last();
    let start = start.map_or(0, |((place, character), _)| place + character.len_utf8());
    let (rest, other) = (text.get(start..).unwrap_or_default(), masked.get(start..).unwrap_or_default());
    let end = rest.char_indices().rev().zip(other.chars().rev()).take_while(same).last();
    let end = start + end.map_or(rest.len(), |((place, _), _)| place);
    (start < end).then_some(start..end).into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_place_of_every_word_is_found() {
        let text = "Kill 中文 kill 中";
        assert_eq!(words(text, ["kill", " 中 ", "", "absent"]), [0..4, 5..8, 12..16, 17..20]);
        assert!(words(text, []).is_empty() && words("", ["a"]).is_empty());
        assert_eq!(words(&"a".repeat(1000), ["a"]).len(), SPANS_MAX);
    }

    #[test]
    fn a_masked_form_tells_what_was_masked() {
        let masked = |text: &str, other: &str| format!("{:?}", masked(text, other));
        assert_eq!(masked("电话13800138000。", "电话138****8000。"), "[9..13]");
        assert_eq!(masked("a@b.c and d", "***** and *"), "[0..5, 10..11]");
        assert_eq!(masked("call 13800138000 now", "call [phone] now"), "[5..16]");
        assert_eq!(masked("same", "same"), "[]");
        assert_eq!(masked("aa", "aaa"), "[]", "nothing of the text is missing");
        assert_eq!(masked("secret", ""), "[0..6]");
    }

    proptest! {
        #[test]
        fn spans_are_in_order_and_on_boundaries(text in "\\PC{0,40}", other in "\\PC{0,40}") {
            for spans in [masked(&text, &other), words(&text, [other.as_str()])] {
                for span in spans {
                    prop_assert!(!text[span].is_empty());
                }
            }
        }
    }
}
