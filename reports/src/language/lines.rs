//! A finished Markdown text in another language: line by line, and within tables cell by cell.

use super::Catalogue;

/// The text with everything that the catalogue knows.
pub(super) fn translated(text: &str, catalogue: &Catalogue) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    for line in text.split_inclusive('\n') {
        if line.starts_with('|') {
            let cells: Vec<String> = line.split('|').map(|cell| catalogue.say(cell)).collect();
            out.push_str(&cells.join("|"));
        } else {
            let (mark, words) = line.split_at(marks(line));
            out.push_str(mark);
            out.push_str(&catalogue.say(words));
        }
    }
    out
}

/// Bytes of what begins a line and says nothing: `## `, `- `, `> `, blanks.
fn marks(line: &str) -> usize {
    line.len() - line.trim_start_matches(['#', '-', '>', '*', ' ']).len()
}
