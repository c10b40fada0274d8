//! Other people's words, fit for a terminal and a log.

/// Longest text of a server that is repeated, characters.
const WORDS_CHARACTERS_MAX: usize = 400;

/// One line, without control characters, cut if it is long.
pub(crate) fn quoted(text: &str) -> String {
    let mut line = String::new();
    for (at, character) in text.trim().chars().enumerate() {
        if at == WORDS_CHARACTERS_MAX {
            line.push('…');
            break;
        }
        line.push(if character.is_control() { ' ' } else { character });
    }
    line
}
