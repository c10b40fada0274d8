//! Names that a log brings along: cut, and fit for a terminal. Whoever wrote the log chose them.

/// Longest name that is kept, in characters.
const NAME_CHARS_MAX: usize = 128;

/// A name of at most 128 characters, without control characters.
pub(crate) fn name(text: &str) -> String {
    let tame = |character: char| if character.is_control() { '\u{fffd}' } else { character };
    text.chars().take(NAME_CHARS_MAX).map(tame).collect()
}

#[cfg(test)]
mod tests {
    use super::name;

    #[test]
    fn a_name_is_short_and_moves_no_cursor() {
        assert_eq!(name("gpt-4o"), "gpt-4o");
        assert_eq!(name("a\u{1b}[2Jb"), "a\u{fffd}[2Jb");
        assert_eq!(name(&"é".repeat(1000)).chars().count(), 128);
    }
}
