//! Words, brackets and comments of nginx's configuration language, with their bytes.
//!
//! A word may be in quotes; a backslash takes the next character's meaning away; `#` begins a comment where a word could
//! begin, and `${` belongs to a word.

use crate::file::fault::Fault;
use std::ops::Range;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    /// A word, without its quotes and backslashes.
    Word(String),
    Open,
    Close,
    Semicolon,
    /// From `#` to the end of the line, without it.
    Comment,
}

/// A token and its bytes.
pub(super) type Spanned = (Token, Range<usize>);

/// All tokens of a text.
///
/// # Errors
/// A quote does not end.
pub(super) fn tokens(text: &str) -> Result<Vec<Spanned>, Fault> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut at = text.len() - text.trim_start_matches('\u{feff}').len();
    while let Some(byte) = bytes.get(at) {
        let (token, end) = match byte {
            byte if byte.is_ascii_whitespace() => {
                at += 1;
                continue;
            }
            b'{' => (Token::Open, at + 1),
            b'}' => (Token::Close, at + 1),
            b';' => (Token::Semicolon, at + 1),
            b'#' => {
                let rest = text.get(at..).unwrap_or_default();
                (Token::Comment, at + rest.find(['\n', '\r']).unwrap_or(rest.len()))
            }
            _ => word(text, at)?,
        };
        found.push((token, at..end));
        at = end;
    }
    Ok(found)
}

fn word(text: &str, start: usize) -> Result<(Token, usize), Fault> {
    let rest = text.get(start..).unwrap_or_default();
    let quote = rest.chars().next().filter(|first| matches!(first, '"' | '\''));
    let mut word = String::new();
    let mut characters = rest.char_indices().skip(usize::from(quote.is_some())).peekable();
    while let Some((offset, character)) = characters.next() {
        let ends = match quote {
            Some(quote) => character == quote,
            None => character.is_ascii_whitespace() || matches!(character, ';' | '{'),
        };
        if ends {
            return Ok((Token::Word(word), start + offset + usize::from(quote.is_some())));
        }
        word.push(character);
        let next = characters.peek().map(|(_, next)| *next);
        match (character, next) {
            ('\\', Some(next)) => {
                if matches!(next, '"' | '\'' | '\\') {
                    word.pop();
                }
                word.push(next);
                characters.next();
            }
            ('$', Some('{')) => {
                word.push('{');
                characters.next();
            }
            _ => {}
        }
    }
    match quote {
        Some(_) => Err(Fault::at(start, "a quote that does not end")),
        None => Ok((Token::Word(word), text.len())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_quotes_and_comments_are_told_apart() {
        let text = "a \"b;\\\" {\" '#c' ${d}e#f;{}# g; {\r\nh";
        let seen: Vec<String> = tokens(text)
            .unwrap()
            .into_iter()
            .map(|(token, span)| match token {
                Token::Word(word) => word,
                _ => text[span].to_owned(),
            })
            .collect();
        assert_eq!(seen, ["a", "b;\" {", "#c", "${d}e#f", ";", "{", "}", "# g; {", "h"]);
        assert!(tokens("a \"b").is_err());
        assert_eq!(tokens("é;").unwrap()[1].1, 2..3);
    }
}
