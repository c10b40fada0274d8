//! When what comes first of a stream came.
//!
//! Three instants tell a slow start apart: up to the first event lie the way and the queue, from there to the first text
//! the model makes its first words, and from there to the first visible text it thinks aloud. Gateway and replay measure
//! them by this one rule, each with its own clock.

use super::Seen;

/// First instants of a stream, as `T` tells time. Comments that keep a connection alive are no events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Firsts<T> {
    /// An event that has data, whatever is in it.
    pub event: Option<T>,
    /// Visible or reasoning text.
    pub text: Option<T>,
    /// Visible text, or a piece of a tool call.
    pub visible: Option<T>,
}

impl<T: Copy> Firsts<T> {
    /// Takes note of an event that came at `now` and showed `seen`.
    pub fn see(&mut self, seen: Seen, now: T) {
        self.event.get_or_insert(now);
        if matches!(seen, Seen::Content | Seen::Reasoning) {
            self.text.get_or_insert(now);
        }
        if seen == Seen::Content {
            self.visible.get_or_insert(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(seen: &[Seen]) -> [Option<usize>; 3] {
        let mut firsts = Firsts::default();
        seen.iter().enumerate().for_each(|(now, seen)| firsts.see(*seen, now));
        [firsts.event, firsts.text, firsts.visible]
    }

    #[test]
    fn each_is_the_first_of_its_kind() {
        use Seen::{Content, Done, Error, Frame, Malformed, Reasoning};
        assert_eq!(after(&[]), [None; 3]);
        assert_eq!(after(&[Frame, Frame, Reasoning, Reasoning, Content, Content]), [Some(0), Some(2), Some(4)]);
        assert_eq!(after(&[Content, Reasoning]), [Some(0); 3]);
        assert_eq!(after(&[Frame, Reasoning, Done]), [Some(0), Some(1), None]);
        for nothing in [Frame, Done, Error, Malformed] {
            assert_eq!(after(&[nothing]), [Some(0), None, None]);
        }
    }
}
