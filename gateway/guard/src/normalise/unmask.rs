//! Words behind a mask: `sh1t`, `f**k`, `f.u.c.k`, `fuuuuck`, `傻*逼`.
//!
//! A folded text is read once. Where no word looks odd, nothing is built, which is nearly always. Otherwise the text is
//! written again with the odd words as they were meant, and searched once more; what is found there was hidden. Where a
//! sign can be read in two ways (a one is an i or an l, a repeated letter one letter or two), there are two readings.

use super::runs::Writer;
use super::{Folded, is_unspaced};
use std::collections::BTreeMap;
use std::ops::Range;

/// A separator inside a word is at most this many characters wide.
const SEPARATOR_MAX: usize = 3;
/// A word with a letter starred out has at least this many letters.
const STARRED_LETTERS_MIN: usize = 4;
/// No word that is looked behind is longer, so that a text of one endless word costs what others do.
const WORD_BYTES_MAX: usize = 64;

/// Words that a starred one may stand for, by length and first letter.
#[derive(Debug, Default)]
pub(crate) struct Masked {
    words: BTreeMap<(usize, u8), Vec<String>>,
}

impl Masked {
    /// Adds a folded word; any but plain Latin ones are left out.
    pub(crate) fn add(&mut self, word: &str) {
        let plain = word.len() >= STARRED_LETTERS_MIN && word.bytes().all(|byte| byte.is_ascii_lowercase());
        if let (true, Some(first)) = (plain, word.bytes().next()) {
            let words = self.words.entry((word.len(), first)).or_default();
            if !words.iter().any(|known| known == word) {
                words.push(word.to_owned());
            }
        }
    }

    /// The word behind `f**k`: the first letter is there, and so is at least one other.
    fn behind(&self, starred: &str) -> Option<&str> {
        let known = starred.bytes().filter(u8::is_ascii_lowercase).count();
        if known < 2 {
            return None;
        }
        let words = self.words.get(&(starred.len(), starred.bytes().next()?))?;
        let fits =
            |word: &&String| word.bytes().zip(starred.bytes()).all(|(one, other)| one == other || is_star(other));
        words.iter().find(fits).map(String::as_str)
    }
}

/// The two ways to read a sign that has two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reading {
    First,
    Second,
}

/// What a stretch turned out to be.
struct Meant {
    stretch: Range<usize>,
    first: String,
    second: Option<String>,
}

/// The folded text with its odd words as they were meant, in one or two readings; the ways back lead to the folded text.
pub(crate) fn unmask(folded: &str, masked: &Masked) -> Vec<Folded> {
    let meant = meant(folded, masked);
    if meant.is_empty() {
        return Vec::new();
    }
    let mut readings = vec![written(folded, &meant, Reading::First)];
    if meant.iter().any(|one| one.second.is_some()) {
        readings.push(written(folded, &meant, Reading::Second));
    }
    readings
}

fn written(folded: &str, meant: &[Meant], reading: Reading) -> Folded {
    let mut writer = Writer::with_capacity(folded.len());
    let mut at = 0;
    for one in meant {
        writer.keep(at, folded.get(at..one.stretch.start).unwrap_or_default());
        let word = one.second.as_ref().filter(|_| reading == Reading::Second).unwrap_or(&one.first);
        writer.replace(one.stretch.clone(), word);
        at = one.stretch.end;
    }
    writer.keep(at, folded.get(at..).unwrap_or_default());
    writer.finish()
}

/// All odd stretches, in order, none within another.
fn meant(folded: &str, masked: &Masked) -> Vec<Meant> {
    let bytes = folded.as_bytes();
    let mut all = Vec::new();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        if let Some(next) = parted(folded, at, byte, &mut all) {
            at = next;
            continue;
        }
        let end = word_end(bytes, at);
        if end > at {
            let (found, next) = odd_word(folded, at..end, masked);
            all.extend(found);
            at = next;
        } else {
            at += letter_bytes(byte);
        }
    }
    all
}

/// Letters, digits and the signs that stand for letters.
const fn is_wordlike(byte: u8) -> bool {
    WORDLIKE[byte as usize]
}

const WORDLIKE: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 128 {
        let one = byte as u8;
        table[byte] =
            one.is_ascii_alphanumeric() || matches!(one, b'@' | b'$' | b'!' | b'*' | b'#' | b'|' | b'_' | b'%');
        byte += 1;
    }
    table
};

const fn is_star(byte: u8) -> bool {
    matches!(byte, b'*' | b'#' | b'%')
}

fn word_end(bytes: &[u8], from: usize) -> usize {
    let rest = bytes.get(from..).unwrap_or_default();
    from + rest.iter().position(|byte| !is_wordlike(*byte)).unwrap_or(rest.len())
}

/// A word of the text: what it means if it is odd, and where to read on.
fn odd_word(folded: &str, word: Range<usize>, masked: &Masked) -> (Option<Meant>, usize) {
    let bytes = folded.as_bytes();
    if word.len() == 1
        && let Some((spelt, end)) = spelt(bytes, word.start)
    {
        return (Some(Meant { stretch: word.start..end, first: spelt, second: None }), end);
    }
    let end = word.end;
    let letters = folded.get(word.clone()).unwrap_or_default();
    if letters.len() > WORD_BYTES_MAX || !is_odd(letters.as_bytes()) {
        return (None, end);
    }
    // Signs around a word are signs: only `$` and `@` before one stand for a letter.
    let core = letters.trim_start_matches(['*', '#', '!', '|', '_', '%']).trim_end_matches(['!', '|', '_', '@']);
    if !core.bytes().any(|byte| byte.is_ascii_lowercase()) {
        return (None, end);
    }
    let start = word.start + (letters.len() - letters.trim_start_matches(['*', '#', '!', '|', '_', '%']).len());
    let stretch = start..start + core.len();
    if let Some(word) = masked.behind(core) {
        return (Some(Meant { stretch, first: word.to_owned(), second: None }), end);
    }
    let (first, second) = (plain(core, Reading::First), plain(core, Reading::Second));
    let second = (second != first).then_some(second);
    let found = (first != core || second.is_some()).then_some(Meant { stretch, first, second });
    (found, end)
}

/// Whether a word has a letter three times in a row, or letters and something else.
fn is_odd(word: &[u8]) -> bool {
    let letters = word.iter().filter(|byte| byte.is_ascii_lowercase()).count();
    let repeated = || word.windows(3).any(|three| matches!(three, [a, b, c] if a == b && b == c));
    letters > 0 && (letters < word.len() || repeated())
}

/// A word with letters for signs, and for letters that stand more than twice.
fn plain(word: &str, reading: Reading) -> String {
    let letter = |byte: u8| match (byte, reading) {
        (b'0', _) => Some('o'),
        (b'1' | b'!' | b'|', Reading::First) => Some('i'),
        (b'1' | b'!' | b'|', Reading::Second) => Some('l'),
        (b'3', _) => Some('e'),
        (b'4' | b'@', _) => Some('a'),
        (b'5' | b'$', _) => Some('s'),
        (b'7', _) => Some('t'),
        (b'8', _) => Some('b'),
        (b'_' | b'*' | b'#' | b'%', _) => None,
        _ => Some(char::from(byte)),
    };
    let letters: Vec<char> = word.bytes().filter_map(letter).collect();
    let keep = if reading == Reading::First { 1 } else { 2 };
    let mut out = String::with_capacity(letters.len());
    for run in letters.chunk_by(|one, other| one == other) {
        let times = if run.len() > 2 { keep } else { run.len() };
        out.extend(run.iter().take(times));
    }
    out
}

/// A word spelt letter by letter with one sign between each two, from its first letter: the word and its end.
fn spelt(bytes: &[u8], from: usize) -> Option<(String, usize)> {
    let letter = |at: usize| bytes.get(at).copied().filter(u8::is_ascii_alphanumeric);
    let separator = bytes.get(from + 1).copied().filter(|byte| is_separator(*byte))?;
    let mut word = String::from(char::from(letter(from)?));
    let mut at = from;
    while bytes.get(at + 1) == Some(&separator)
        && let Some(next) = letter(at + 2)
        && letter(at + 3).is_none()
        && word.len() < WORD_BYTES_MAX
    {
        word.push(char::from(next));
        at += 2;
    }
    // "I f u c k" begins with a word.
    if separator == b' ' && matches!(bytes.get(from), Some(b'i' | b'a')) {
        word.insert(1, ' ');
    }
    let letters = word.bytes().filter(u8::is_ascii_alphabetic).count();
    (letters >= 3).then(|| (plain(&word, Reading::First), at + 1))
}

const fn is_separator(byte: u8) -> bool {
    matches!(byte, b' ' | b'.' | b'-' | b'_' | b'*' | b'~' | b'/' | b'+' | b'|' | b',' | b'^' | b'\'' | b'"' | b'=')
}

/// Bytes of the letter that begins with this one.
const fn letter_bytes(first: u8) -> usize {
    match first {
        0..=0xbf => 1,
        0xc0..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xff => 4,
    }
}

/// The end of separators between two characters of a script without spaces, which are to go; `None` if there are none.
fn parted(folded: &str, at: usize, byte: u8, all: &mut Vec<Meant>) -> Option<usize> {
    // Nearly every letter is told by its first byte, or by the one before it.
    let may_part = is_separator(byte) || is_star(byte) || matches!(byte, 0xc2 | 0xe2 | 0xe3);
    if !may_part || folded.as_bytes().get(at.checked_sub(1)?)?.is_ascii() {
        return None;
    }
    folded.get(..at)?.chars().next_back().filter(|letter| is_unspaced(*letter))?;
    let rest = folded.get(at..)?;
    let width: usize = rest.chars().take(SEPARATOR_MAX).take_while(|letter| parts(*letter)).map(char::len_utf8).sum();
    rest.get(width..)?.chars().next().filter(|letter| width > 0 && is_unspaced(*letter))?;
    all.push(Meant { stretch: at..at + width, first: String::new(), second: None });
    Some(at + width)
}

/// Signs that stand between two characters only to part them; a comma or a full stop parts sentences.
fn parts(letter: char) -> bool {
    matches!(letter, '•' | '·' | '・' | '…' | '●' | '■' | '★' | '☆' | '♥')
        || u8::try_from(letter).is_ok_and(|byte| is_star(byte) || (is_separator(byte) && byte != b','))
}
