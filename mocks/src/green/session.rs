//! Texts that come in pieces: a streamed answer is judged piece by piece, and a word may lie across two of them. Pieces with
//! the same session are therefore judged together with the end of what came before.

use std::collections::{HashMap, VecDeque};

/// Sessions remembered; beyond it the oldest goes.
const SESSIONS_MAX: usize = 4096;
/// How much of a session's text is kept, bytes at most; longer than any word that is looked for.
const TAIL_BYTES: usize = 256;

/// The ends of all sessions' texts.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    tails: HashMap<String, String>,
    order: VecDeque<String>,
}

impl Sessions {
    /// The piece with the end of its session's earlier text in front of it.
    pub(super) fn chained(&mut self, session: &str, piece: &str) -> String {
        if session.is_empty() {
            return piece.to_owned();
        }
        let tail = self.tails.entry(session.to_owned()).or_insert_with(|| {
            self.order.push_back(session.to_owned());
            String::new()
        });
        let text = format!("{tail}{piece}");
        let mut start = text.len().saturating_sub(TAIL_BYTES);
        while !text.is_char_boundary(start) {
            start += 1;
        }
        *tail = text.get(start..).unwrap_or_default().to_owned();
        if self.order.len() > SESSIONS_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.tails.remove(&oldest);
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_across_two_pieces_is_whole() {
        let mut sessions = Sessions::default();
        assert_eq!(sessions.chained("s", "TEST-"), "TEST-");
        assert_eq!(sessions.chained("s", "HATE"), "TEST-HATE");
        assert_eq!(sessions.chained("t", "HATE"), "HATE");
        assert_eq!(sessions.chained("", "HATE"), "HATE");
        let long = "中".repeat(1000);
        sessions.chained("s", &long);
        assert!(sessions.tails["s"].len() <= TAIL_BYTES);
    }

    #[test]
    fn sessions_are_bounded() {
        let mut sessions = Sessions::default();
        for number in 0..=SESSIONS_MAX {
            sessions.chained(&number.to_string(), "x");
        }
        assert_eq!((sessions.tails.len(), sessions.order.len()), (SESSIONS_MAX, SESSIONS_MAX));
        assert_eq!(sessions.chained("0", "y"), "y", "the first one was forgotten");
    }
}
