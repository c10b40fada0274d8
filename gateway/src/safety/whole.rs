//! Whole answers, and the record's verdict of any answer.

use super::moderators::Asker;
use super::{BLOCKED, GUARD, MASKED, Said, Watch, check_of};
use bytes::Bytes;
use datasets::GuardCheck;
use guard::policy::{Mode, OnFailure};
use guard::texts::{Channel, masked_part, of_answer, quoted, replaced};
use guard::{Action, Decision, Phase, decide};
use http::{HeaderMap, StatusCode, header};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use std::time::Instant;

/// Of each piece, where it stands in its text and where in the body.
type Places = Vec<(Range<usize>, Range<usize>)>;

/// What the client gets for a whole answer.
pub(crate) struct Whole {
    /// The body.
    pub body: Bytes,
    /// Another status and content type than the provider's.
    instead: Option<(StatusCode, http::HeaderValue)>,
    /// What is on record.
    pub check: GuardCheck,
    masked: bool,
}

impl Whole {
    /// Another status than the provider's.
    pub(crate) fn status(&self) -> Option<StatusCode> {
        self.instead.as_ref().map(|(status, _)| *status)
    }

    /// Puts into the answer's headers what the guard did. What it wrote is not encoded as the provider's answer was.
    pub(crate) fn label(&self, headers: &mut HeaderMap) {
        if let Some((_, content_type)) = &self.instead {
            headers.insert(header::CONTENT_TYPE, content_type.clone());
            headers.remove(header::CONTENT_ENCODING);
            headers.insert(GUARD, BLOCKED);
        } else if self.masked {
            headers.insert(GUARD, MASKED);
        }
    }
}

impl Watch {
    /// Judges a whole answer before the client gets it.
    pub(crate) async fn whole(&self, body: Bytes, streamed: bool) -> Whole {
        let begun = Instant::now();
        let text = std::str::from_utf8(&body).unwrap_or_default();
        let event = of_answer(self.endpoint, text);
        let said: Vec<&str> = event.said.iter().map(|said| said.piece.text.as_str()).collect();
        // Pieces of one text (a content of several parts) are judged as the one text that they are.
        let mut channels: BTreeMap<Channel, (String, Places)> = BTreeMap::new();
        for (said, text) in event.said.iter().zip(&said) {
            let (whole, pieces) = channels.entry(said.channel).or_default();
            let start = whole.len();
            whole.push_str(text);
            pieces.push((start..whole.len(), said.piece.place.clone()));
        }
        let texts: Vec<&str> = channels.values().map(|(text, _)| text.as_str()).collect();
        let results = self.judge(Phase::Response, &texts, Asker::Client).await;
        let mut all = if event.unread { self.unjudged("malformed") } else { Decision::default() };
        let mut changes = Vec::new();
        for ((whole, pieces), judged) in channels.values().zip(&results) {
            let decision = decide(&self.policy, judged, whole, 0, whole.len());
            all.merge(&decision);
            for (within, place) in pieces {
                let piece = whole.get(within.clone()).unwrap_or_default();
                let masked = masked_part(piece, within.clone(), &decision.masks);
                changes.extend(masked.map(|masked| (place.clone(), quoted(&masked))));
            }
        }
        self.counters.waited_whole(begun.elapsed());
        self.tell(Phase::Response, &all);
        let check = check_of(&all);
        match all.action {
            Action::Masked => {
                // Tokens would tell letter by letter what was taken out.
                changes.extend(event.tokens.iter().map(|place| (place.clone(), "null".to_owned())));
                Whole { body: replaced(text, changes).into(), instead: None, check, masked: true }
            }
            Action::Blocked => self.refused_whole(&all, streamed, check),
            Action::None | Action::Flagged => Whole { body, instead: None, check, masked: false },
        }
    }

    fn refused_whole(&self, decision: &Decision, streamed: bool, check: GuardCheck) -> Whole {
        use crate::reply::Reply;
        let mut response = self.refuse(decision, streamed);
        let content_type = response.headers_mut().remove(header::CONTENT_TYPE);
        let status = response.status();
        let body = match response.into_body() {
            Reply::Whole { bytes, .. } => bytes.unwrap_or_default(),
            _ => Bytes::new(),
        };
        let json = || http::HeaderValue::from_static("application/json");
        Whole { body, instead: Some((status, content_type.unwrap_or_else(json))), check, masked: false }
    }

    /// A decision over what could not be read.
    fn unjudged(&self, why: &'static str) -> Decision {
        let closed = self.policy.on_failure == OnFailure::Closed && self.policy.mode == Mode::Enforce;
        Decision {
            action: if closed { Action::Blocked } else { Action::None },
            failed: self.policy.response.iter().map(|backend| (Arc::clone(backend), why)).collect(),
            ..Decision::default()
        }
    }

    /// The record's verdict: over all that was said, whoever heard it. Counted by the caller's arm in the record alone.
    pub(crate) async fn verdict(&self, said: Said, done: Action) -> GuardCheck {
        let texts: Vec<&str> = said.texts.iter().map(String::as_str).collect();
        let results = self.judge(Phase::Response, &texts, Asker::Record).await;
        let mut all = said.unjudged.map_or_else(Decision::default, |why| self.unjudged(why));
        for (text, judged) in texts.iter().zip(&results) {
            all.merge(&decide(&self.policy, judged, text, 0, text.len()));
        }
        all.action = all.action.max(done);
        if self.policy.mode == Mode::Observe {
            self.tell(Phase::Response, &all);
        }
        check_of(&all)
    }
}
