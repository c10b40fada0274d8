//! A change as people read it: a unified diff.
//!
//! Three lines of context, the path as it was written, and no time: the same change gives the same text, and `patch -p0`
//! takes it.

use similar::TextDiff;

/// Lines around a change.
const CONTEXT_LINES: usize = 3;

/// The difference of two texts; empty where there is none. `path` stands in both headers.
pub(crate) fn unified(path: &str, old: &str, new: &str) -> String {
    if old == new {
        return String::new();
    }
    // A name with a line feed in it would be a line of its own.
    let path: String = path.chars().flat_map(printable).collect();
    TextDiff::from_lines(old, new).unified_diff().context_radius(CONTEXT_LINES).header(&path, &path).to_string()
}

fn printable(character: char) -> impl Iterator<Item = char> {
    let escaped = character.is_control();
    let plain = (!escaped).then_some(character);
    plain.into_iter().chain(escaped.then(|| character.escape_default()).into_iter().flatten())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_lines_of_context_and_no_time() {
        let old = "a\nb\nc\nd\ne\nf\ng\nh\ni\n";
        let shown = unified("routes/chat.yaml", old, &old.replace("e\n", "E\n"));
        let wanted = "--- routes/chat.yaml\n+++ routes/chat.yaml\n@@ -2,7 +2,7 @@\n b\n c\n d\n-e\n+E\n f\n g\n h\n";
        assert_eq!(shown, wanted);
        assert_eq!(unified("x", old, old), "");
    }

    #[test]
    fn a_last_line_without_an_end_is_said() {
        let shown = unified("a\nb", "w: 1", "w: 2");
        assert_eq!(
            shown,
            "--- a\\nb\n+++ a\\nb\n@@ -1 +1 @@\n-w: 1\n\\ No newline at end of file\n+w: 2\n\\ No newline at end of file\n"
        );
    }
}
