//! Names that a service gives to what it found.
//!
//! They come from outside and go into logs, metrics' neighbours and records, where no part of a judged text may stand. So a
//! name is only believed to be one if it looks like one.

/// Longest name, characters.
const CHARACTERS_MAX: usize = 64;

/// The name, or `unnamed` for something that is none.
pub(super) fn label(text: &str) -> String {
    let fits = |character: char| character.is_alphanumeric() || " _-./&:()".contains(character);
    let text = text.trim();
    let is_name = !text.is_empty() && text.chars().all(fits) && text.chars().nth(CHARACTERS_MAX).is_none();
    if is_name { text.to_owned() } else { "unnamed".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_pass() {
        for name in ["self-harm/intent", "political_n", "Sexual Content or Sexual Acts", "自定义词库"] {
            assert_eq!(label(name), name);
        }
        assert_eq!(label(" S9\n"), "S9");
        for other in ["", " ", "a\nb", "{\"x\": 1}", "\u{0}", &"x".repeat(65)] {
            assert_eq!(label(other), "unnamed", "{other:?}");
        }
    }
}
