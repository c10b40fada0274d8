//! Cutting a text to what a service takes.
//!
//! Limits of services are meant in characters, so they are counted in characters: a limit in bytes would give Chinese a
//! third of the room and could cut through a character. A piece ends where a sentence does, if one ends in its last
//! quarter, else between two words, else where it must. Pieces overlap, so that what lies across a cut is whole in the next
//! piece, and begin with a whole word: the second half of an innocent word may be a bad one.

use std::ops::Range;

/// How far the beginning of a piece is moved to the beginning of a word, characters.
const WORD_CHARACTERS_MAX: usize = 32;
/// Ends of sentences that need no space behind them.
const SENTENCE_ENDS: [char; 7] = ['\n', '。', '！', '？', '；', '…', '．'];

/// How texts are cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut {
    characters_max: usize,
    overlap_characters: usize,
}

impl Cut {
    /// The smallest limit that pieces can be cut to, characters.
    pub const CHARACTERS_MIN: usize = 200;

    /// Pieces of so many characters at most, raised to [`Self::CHARACTERS_MIN`]. So many of them, but no more than a
    /// quarter, are judged twice, at the end of one piece and the beginning of the next.
    #[must_use]
    pub fn new(characters_max: usize, overlap_characters: usize) -> Self {
        let characters_max = characters_max.max(Self::CHARACTERS_MIN);
        Self { characters_max, overlap_characters: overlap_characters.min(characters_max / 4) }
    }

    /// The pieces, as bytes of the text.
    pub(super) fn pieces(self, text: &str) -> Vec<Range<usize>> {
        if text.chars().all(char::is_whitespace) {
            return Vec::new();
        }
        let mut pieces = Vec::new();
        let mut start = 0;
        while let Some(end) = self.end(text, start) {
            pieces.push(start..end);
            // A piece has three quarters of the limit at least, and goes back by a quarter and a word at most.
            start = self.next_start(text, start, end);
        }
        pieces.push(start..text.len());
        pieces
    }

    /// Where the piece from `start` ends; `None` if the rest fits.
    fn end(self, text: &str, start: usize) -> Option<usize> {
        let rest = text.get(start..)?;
        let (limit, _) = rest.char_indices().nth(self.characters_max)?;
        let (mut sentence, mut word) = (None, None);
        let mut following = rest.get(limit..)?.chars().next();
        for (place, character) in rest.get(..limit)?.char_indices().rev().take(self.characters_max / 4) {
            let after = place + character.len_utf8();
            let is_end = SENTENCE_ENDS.contains(&character)
                || (matches!(character, '.' | '!' | '?' | ';') && following.is_some_and(char::is_whitespace));
            if is_end {
                sentence = Some(after);
                break;
            }
            if character.is_whitespace() && word.is_none() {
                word = Some(after);
            }
            following = Some(character);
        }
        Some(start + sentence.or(word).unwrap_or(limit))
    }

    fn next_start(self, text: &str, start: usize, end: usize) -> usize {
        let piece = text.get(start..end).unwrap_or_default();
        if self.overlap_characters == 0 {
            return end;
        }
        let mut back = piece.char_indices().rev().skip(self.overlap_characters - 1);
        let Some((place, _)) = back.next() else { return end };
        // What stands before it is a part of the same word if it is a letter of a script that has words.
        let mut begins = place;
        for (before, character) in back.take(WORD_CHARACTERS_MAX) {
            if !character.is_alphanumeric() || is_wordless(character) {
                return start + begins;
            }
            begins = before;
        }
        start + place
    }
}

/// Chinese characters and kana: there is no space between words.
const fn is_wordless(character: char) -> bool {
    matches!(character, '\u{3040}'..='\u{30FF}' | '\u{3400}'..='\u{9FFF}' | '\u{F900}'..='\u{FAFF}' | '\u{20000}'..='\u{323AF}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn cut(text: &str, characters_max: usize, overlap: usize) -> Vec<&str> {
        Cut::new(characters_max, overlap).pieces(text).into_iter().map(|piece| &text[piece]).collect()
    }

    #[test]
    fn a_short_text_is_one_piece_and_nothing_is_none() {
        assert_eq!(cut("Hello.", 200, 20), ["Hello."]);
        assert_eq!(cut(&"中".repeat(200), 200, 20).len(), 1);
        assert!(cut("", 200, 20).is_empty());
        assert!(cut(" \n\u{3000}", 200, 20).is_empty());
    }

    #[test]
    fn pieces_end_with_sentences_and_begin_with_words() {
        let text = format!("{}. {} Essexes", "a".repeat(170), "word ".repeat(30));
        let pieces = cut(&text, 200, 24);
        assert_eq!(pieces[0].len(), 171, "the sentence ends in the last quarter");
        assert!(pieces[1].starts_with('a'), "one long word stays cut: {}", pieces[1]);
        let text = "word ".repeat(100);
        for piece in cut(&text, 203, 17) {
            assert!(piece.starts_with("word") && piece.ends_with("word "), "{piece}");
        }
        let text = "他说了一句话。".repeat(100);
        for piece in cut(&text, 200, 20) {
            assert!(piece.ends_with('。'), "{piece}");
        }
    }

    proptest! {
        #[test]
        fn pieces_cover_the_text_within_the_limit(
            text in "([a-z .。中]|\\PC|\n){0,1500}",
            characters_max in 0usize..500,
            overlap in 0usize..300,
        ) {
            let cut = Cut::new(characters_max, overlap);
            let pieces = cut.pieces(&text);
            if text.trim().is_empty() {
                prop_assert!(pieces.is_empty());
                return Ok(());
            }
            prop_assert_eq!(pieces[0].start, 0);
            prop_assert_eq!(pieces[pieces.len() - 1].end, text.len());
            for piece in &pieces {
                // A range off a boundary would panic here.
                prop_assert!((1..=cut.characters_max).contains(&text[piece.clone()].chars().count()));
            }
            for pair in pieces.windows(2) {
                prop_assert!(pair[0].start < pair[1].start && pair[1].start <= pair[0].end);
                let overlap = text[pair[1].start..pair[0].end].chars().count();
                prop_assert!(overlap >= cut.overlap_characters, "{} < {}", overlap, cut.overlap_characters);
            }
        }
    }
}
