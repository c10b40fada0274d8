//! Two answers to one request, word by word: what stands in one and not in the other.
//!
//! Words are what is compared; in scripts without spaces every character is a word. Very long texts are compared by
//! sentences instead, so that the work has a bound whatever the texts are (the cost of a comparison grows with the
//! product of the two lengths). No clock takes part in it: the same texts give the same marks.

use similar::{Algorithm, DiffTag, capture_diff_slices};

/// Words a text may have to be compared word by word; sentences, to be compared at all.
const TOKENS_AT_MOST: usize = 1_500;

/// A run of text that is the same in both, or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Piece {
    /// The text.
    pub(crate) text: String,
    /// It does not stand in the other one.
    pub(crate) is_changed: bool,
}

/// Both texts with their marks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Compared {
    /// The first one.
    pub(crate) left: Vec<Piece>,
    /// The second one.
    pub(crate) right: Vec<Piece>,
}

/// Compares two texts.
pub(crate) fn compare(left: &str, right: &str) -> Compared {
    for split in [words, sentences] {
        let (a, b) = (split(left), split(right));
        if a.len() <= TOKENS_AT_MOST && b.len() <= TOKENS_AT_MOST {
            return marked(&a, &b);
        }
    }
    let whole = |text: &str| vec![Piece { text: text.to_owned(), is_changed: left != right }];
    Compared { left: whole(left), right: whole(right) }
}

fn marked(a: &[&str], b: &[&str]) -> Compared {
    let (mut left, mut right) = (Vec::new(), Vec::new());
    for op in capture_diff_slices(Algorithm::Myers, a, b) {
        let is_changed = op.tag() != DiffTag::Equal;
        push(&mut left, a.get(op.old_range()).unwrap_or_default(), is_changed);
        push(&mut right, b.get(op.new_range()).unwrap_or_default(), is_changed);
    }
    Compared { left: joined(left), right: joined(right) }
}

fn push(pieces: &mut Vec<Piece>, tokens: &[&str], is_changed: bool) {
    if !tokens.is_empty() {
        pieces.push(Piece { text: tokens.concat(), is_changed });
    }
}

/// A gap between two marks that holds nothing but space is marked as well: it reads as one change.
fn joined(pieces: Vec<Piece>) -> Vec<Piece> {
    let mut out: Vec<Piece> = Vec::new();
    let mut pieces = pieces.into_iter().peekable();
    while let Some(mut piece) = pieces.next() {
        let is_gap = piece.text.chars().all(char::is_whitespace);
        let between =
            out.last().is_some_and(|last| last.is_changed) && pieces.peek().is_some_and(|next| next.is_changed);
        piece.is_changed |= is_gap && between;
        match out.last_mut().filter(|last| last.is_changed == piece.is_changed) {
            Some(last) => last.text.push_str(&piece.text),
            None => out.push(piece),
        }
    }
    out
}

/// Which characters belong together.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Space,
    Letters,
    /// A character that is a word by itself.
    Alone,
}

fn kind(c: char) -> Kind {
    match c {
        c if c.is_whitespace() => Kind::Space,
        // Scripts without spaces between words: kana, Han, Hangul and their neighbours.
        '\u{2e80}'..='\u{9fff}' | '\u{ac00}'..='\u{d7ff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}' => {
            Kind::Alone
        }
        c if c.is_alphanumeric() => Kind::Letters,
        _ => Kind::Alone,
    }
}

fn words(text: &str) -> Vec<&str> {
    let mut before = None;
    split(text, move |c| {
        let kind = kind(c);
        let is_new = before.is_some_and(|before| before != kind || kind == Kind::Alone);
        before = Some(kind);
        is_new
    })
}

fn sentences(text: &str) -> Vec<&str> {
    let mut ended = false;
    split(text, move |c| {
        let is_new = ended;
        ended = matches!(c, '.' | '!' | '?' | ';' | '\n' | '。' | '！' | '？' | '；');
        is_new
    })
}

/// Cuts a text in front of every character of which `is_new` says that something begins there.
fn split(text: &str, mut is_new: impl FnMut(char) -> bool) -> Vec<&str> {
    let mut cuts = vec![0];
    cuts.extend(text.char_indices().filter_map(|(at, c)| is_new(c).then_some(at)));
    cuts.push(text.len());
    cuts.iter()
        .zip(cuts.iter().skip(1))
        .filter_map(|(from, to)| text.get(*from..*to))
        .filter(|t| !t.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Marks in brackets.
    fn shown(pieces: &[Piece]) -> String {
        let piece = |piece: &Piece| if piece.is_changed { format!("[{}]", piece.text) } else { piece.text.clone() };
        pieces.iter().map(piece).collect()
    }

    fn both(left: &str, right: &str) -> (String, String) {
        let compared = compare(left, right);
        (shown(&compared.left), shown(&compared.right))
    }

    #[test]
    fn words_that_differ_are_marked_on_their_side() {
        let (left, right) = both("We send a replacement at no cost.", "We refund the full price.");
        assert_eq!(left, "We [send a replacement at no cost].");
        assert_eq!(right, "We [refund the full price].");
        assert_eq!(both("same text", "same text"), ("same text".to_owned(), "same text".to_owned()));
        assert_eq!(both("", "new"), (String::new(), "[new]".to_owned()));
    }

    #[test]
    fn scripts_without_spaces_are_compared_by_character() {
        assert_eq!(both("退款五日内", "退款三日内"), ("退款[五]日内".to_owned(), "退款[三]日内".to_owned()));
    }

    #[test]
    fn nothing_of_a_text_is_lost_and_long_ones_end() {
        let long: String = (0..20_000).map(|i| if i % 7 == 0 { ' ' } else { 'a' }).collect();
        let dots = ".".repeat(5_000);
        let cases = [("a b\u{a0}c, d\n", "x  b c; d"), ("", ""), (long.as_str(), "a"), (dots.as_str(), "b. a.")];
        for (left, right) in cases {
            let compared = compare(left, right);
            let whole = |pieces: &[Piece]| pieces.iter().map(|piece| piece.text.as_str()).collect::<String>();
            assert_eq!((whole(&compared.left), whole(&compared.right)), (left.to_owned(), right.to_owned()));
        }
    }
}
