//! What an answer says, put together for the record's verdict: the texts of all channels as the provider gave them.

use guard::texts::{Channel, Event, Kind, of_answer, of_event};
use std::collections::BTreeMap;
use wire::Endpoint;

/// Bytes of one answer's texts that are judged for the record. Of a longer one the rest is said not to be judged.
const TEXTS_BYTES_MAX: usize = 1 << 20;
/// Channels of one answer that are told apart; what further ones say is said not to be judged.
const CHANNELS_MAX: usize = 1024;

/// Listens to one answer.
#[derive(Debug)]
pub(crate) struct Listener {
    endpoint: Endpoint,
    shows_reasoning: bool,
    texts: BTreeMap<Channel, String>,
    bytes: usize,
    unjudged: Option<&'static str>,
}

/// What was said.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Said {
    /// Each text whole.
    pub texts: Vec<String>,
    /// Why a part of it cannot be judged.
    pub unjudged: Option<&'static str>,
}

impl Listener {
    /// Nothing was said yet. Without `shows_reasoning`, what the model thinks is not listened to.
    pub(super) const fn new(endpoint: Endpoint, shows_reasoning: bool) -> Self {
        Self { endpoint, shows_reasoning, texts: BTreeMap::new(), bytes: 0, unjudged: None }
    }

    /// One event of a stream.
    pub(crate) fn event(&mut self, data: &str) {
        let event = of_event(self.endpoint, data);
        self.take(event);
    }

    /// A whole answer.
    pub(crate) fn whole(&mut self, body: &[u8]) {
        match std::str::from_utf8(body) {
            Ok(body) => {
                let event = of_answer(self.endpoint, body);
                self.take(event);
            }
            Err(_) => self.unjudged = Some("malformed"),
        }
    }

    /// An answer that was too long to be kept.
    pub(crate) const fn overflowed(&mut self) {
        self.unjudged = Some("too_long");
    }

    fn take(&mut self, event: Event) {
        if event.unread {
            self.unjudged = Some("malformed");
        }
        for said in event.said {
            // An echo was said before.
            let hidden =
                said.channel.kind == Kind::Echo || (said.channel.kind == Kind::Reasoning && !self.shows_reasoning);
            if hidden {
                continue;
            }
            let known = self.texts.contains_key(&said.channel);
            if self.bytes + said.piece.text.len() > TEXTS_BYTES_MAX || (!known && self.texts.len() >= CHANNELS_MAX) {
                self.unjudged = Some("too_long");
                continue;
            }
            self.bytes += said.piece.text.len();
            self.texts.entry(said.channel).or_default().push_str(&said.piece.text);
        }
    }

    /// All that was said.
    pub(crate) fn said(self) -> Said {
        Said { texts: self.texts.into_values().collect(), unjudged: self.unjudged }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_become_whole_texts_and_hidden_ones_none() {
        for (shows_reasoning, texts) in [(true, vec!["ab", "t", "c"]), (false, vec!["ab", "c"])] {
            let mut listener = Listener::new(Endpoint::Chat, shows_reasoning);
            for chunk in [
                r#"{"choices":[{"index":0,"delta":{"content":"a","reasoning_content":"t"}}]}"#,
                r#"{"choices":[{"index":1,"delta":{"content":"c"}},{"index":0,"delta":{"content":"b"}}]}"#,
                "[DONE]",
            ] {
                listener.event(chunk);
            }
            assert_eq!(listener.said(), Said { texts: texts.into_iter().map(str::to_owned).collect(), unjudged: None });
        }
    }

    #[test]
    fn what_cannot_be_read_or_is_too_long_is_said() {
        let mut listener = Listener::new(Endpoint::Chat, true);
        listener.whole(b"<html>");
        assert_eq!(listener.said().unjudged, Some("malformed"));
        let mut listener = Listener::new(Endpoint::Chat, true);
        let chunk = format!(r#"{{"choices":[{{"index":0,"delta":{{"content":"{}"}}}}]}}"#, "x".repeat(700_000));
        listener.event(&chunk);
        listener.event(&chunk);
        let said = listener.said();
        assert_eq!((said.texts[0].len(), said.unjudged), (700_000, Some("too_long")));
    }
}
