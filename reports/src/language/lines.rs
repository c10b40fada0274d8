//! A finished Markdown text in another language: line by line, within tables cell by cell, within lines by what is bold.

use super::{Catalogue, page};
use crate::markdown;

/// What begins and ends a block of code.
const FENCE: &str = "```";

/// The text with everything that the catalogue knows.
pub(super) fn translated(text: &str, catalogue: &Catalogue) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    let mut is_code = false;
    for line in text.split_inclusive('\n') {
        let is_fence = line.trim_start().starts_with(FENCE);
        is_code ^= is_fence;
        if is_code || is_fence {
            out.push_str(line);
        } else if line.starts_with('<') {
            out.push_str(&page::translated(line, catalogue, ""));
        } else {
            push_line(&mut out, line, catalogue);
        }
    }
    out
}

fn push_line(out: &mut String, line: &str, catalogue: &Catalogue) {
    let cells = if line.starts_with('|') { cells(line) } else { vec![line] };
    for (index, cell) in cells.into_iter().enumerate() {
        if index > 0 {
            out.push('|');
        }
        for (index, piece) in cell.split("**").enumerate() {
            if index > 0 {
                out.push_str("**");
            }
            let (mark, words) = piece.split_at(marks(piece));
            // What is in brackets is a text of its own.
            let bracket = words.trim_end_matches(['.', '\n', ' ']).strip_suffix(')').filter(|_| mark.contains('('));
            let (words, tail) = words.split_at(bracket.map_or(words.len(), str::len));
            out.push_str(mark);
            let plain = markdown::unescaped(words);
            let said = catalogue.say(&plain);
            // What is not known stays as it was, letter for letter.
            if said == plain {
                out.push_str(words);
            } else {
                push_said(out, &said);
            }
            out.push_str(tail);
        }
    }
}

/// The translation as text to Markdown; the end of the line is none of it.
fn push_said(out: &mut String, said: &str) {
    let words = said.trim_end_matches('\n');
    out.push_str(&markdown::plain(words));
    out.push_str(said.get(words.len()..).unwrap_or_default());
}

/// The line of a table at its bars; a bar behind a backslash is text.
fn cells(line: &str) -> Vec<&str> {
    let (mut cells, mut from) = (Vec::new(), 0);
    for (at, _) in line.match_indices('|') {
        if line.get(..at).is_some_and(|before| !before.ends_with('\\')) {
            cells.push(line.get(from..at).unwrap_or_default());
            from = at + 1;
        }
    }
    cells.push(line.get(from..).unwrap_or_default());
    cells
}

/// Bytes of what begins a text and says nothing: `## `, `- `, `> `, blanks, brackets, signs of states.
fn marks(text: &str) -> usize {
    let is_mark = |character: char| matches!(character, '#' | '-' | '>' | '*' | ' ' | '(' | '\u{fe0f}' | '\u{2190}'..='\u{2bff}' | '\u{1f000}'..);
    text.len() - text.trim_start_matches(is_mark).len()
}
