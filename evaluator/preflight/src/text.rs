//! Names that a log brings along: cut, and fit for a terminal. Whoever wrote the log chose them.

/// Longest name that is kept, in characters.
const NAME_CHARS_MAX: usize = 128;

/// A name of at most 128 characters, without control characters.
pub(crate) fn name(text: &str) -> String {
    let tame = |character: char| if character.is_control() { '\u{fffd}' } else { character };
    text.chars().take(NAME_CHARS_MAX).map(tame).collect()
}

/// Whether a name that [`name`] made can stand for exactly one model in a map of models: it is whole, and no `*` makes a
/// pattern of it.
pub(crate) fn is_key(name: &str) -> bool {
    let whole = name.chars().count() < NAME_CHARS_MAX && !name.contains('\u{fffd}');
    whole && !name.is_empty() && !name.contains('*')
}

#[cfg(test)]
mod tests {
    use super::{is_key, name};

    #[test]
    fn a_name_is_short_and_moves_no_cursor() {
        assert_eq!(name("gpt-4o"), "gpt-4o");
        assert_eq!(name("a\u{1b}[2Jb"), "a\u{fffd}[2Jb");
        assert_eq!(name(&"é".repeat(1000)).chars().count(), 128);
    }

    #[test]
    fn only_a_whole_name_without_a_pattern_is_a_key() {
        assert!(is_key("gpt-4o") && is_key("ft:gpt-4o-mini:acme::1"));
        for odd in ["", "*", "gpt*", "a\u{1b}b", &"m".repeat(200)] {
            assert!(!is_key(&name(odd)), "{odd:?}");
        }
    }
}
