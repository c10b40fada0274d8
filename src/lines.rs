//! Sentences on a terminal: lines of at most 80 columns.

/// Columns of a terminal that all output fits into.
pub(crate) const WIDTH: usize = 80;

/// Words in lines of at most [`WIDTH`] columns. `before` columns of the first line are written already; each other line
/// begins with `indent` blanks. The last line has no end. A word that is longer than a line stays whole.
pub(crate) fn wrapped(text: &str, before: usize, indent: usize) -> String {
    let (mut out, mut column, mut begun) = (String::new(), before, false);
    for word in text.split_whitespace() {
        let long = word.chars().count();
        if begun && column + 1 + long > WIDTH {
            out.push('\n');
            out.extend(std::iter::repeat_n(' ', indent));
            column = indent;
        } else if begun {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += long;
        begun = true;
    }
    out
}

/// The same as lines of their own, each behind `indent` blanks and with an end.
pub(crate) fn paragraph(text: &str, indent: usize) -> String {
    format!("{:indent$}{}\n", "", wrapped(text, indent, indent))
}

/// Lines of a label and words, each line with its end: those that are longer than [`WIDTH`] go on in lines of their own,
/// behind `label` blanks. What stands in the label's columns, and every line that fits, stays as it is.
pub(crate) fn labelled(text: &str, label: usize) -> String {
    let mut out = String::with_capacity(text.len());
    for line in text.lines() {
        if line.chars().count() <= WIDTH {
            out.push_str(line);
        } else {
            let words = line.char_indices().nth(label).map_or(line.len(), |(place, _)| place);
            let (name, words) = line.split_at(words);
            out.push_str(name);
            out.push_str(&wrapped(words, label, label));
        }
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_full_but_not_over_and_no_blank_is_lost() {
        let words = "word ".repeat(60);
        let text = format!("Note: {}", wrapped(&words, 6, 2));
        assert!(text.lines().all(|line| line.chars().count() <= WIDTH) && text.lines().count() == 4, "{text}");
        assert!(text.lines().skip(1).all(|line| line.starts_with("  word word")), "{text}");
        assert_eq!(text.split_whitespace().filter(|word| *word == "word").count(), 60);
    }

    #[test]
    fn a_paragraph_stands_behind_its_blanks() {
        let lines = paragraph(&"word ".repeat(20), 2);
        assert!(lines.lines().all(|line| line.starts_with("  word") && line.chars().count() <= WIDTH), "{lines}");
        assert!(lines.ends_with('\n') && lines.lines().count() == 2, "{lines}");
    }

    #[test]
    fn only_lines_that_are_too_long_are_broken() {
        let text = format!("rate     10/s\n\n  sum    {}\n", "12 words ".repeat(12));
        let lines = labelled(&text, 9);
        assert!(lines.starts_with("rate     10/s\n\n  sum    12 words 12"), "{lines}");
        assert!(lines.lines().all(|line| line.chars().count() <= WIDTH) && lines.lines().count() == 4, "{lines}");
        assert!(lines.lines().skip(3).all(|line| line.starts_with("         ") && !line.starts_with("          ")));
    }

    #[test]
    fn a_long_word_has_its_own_line() {
        let long = "x".repeat(100);
        assert_eq!(wrapped(&format!("a {long} b"), 0, 0), format!("a\n{long}\nb"));
    }
}
