//! Requests: judged before anybody is asked.

use super::moderators::Asker;
use super::{BLOCKED, GUARD, Safety, Watch, check_of};
use crate::callers::Caller;
use crate::lane::Lane;
use crate::plane::Plane;
use crate::reply::Reply;
use bytes::Bytes;
use guard::policy::{Mask, Mode, too_long};
use guard::reply::Shape;
use guard::texts::{Passage, Texts, masked_request, of_request};
use guard::{Action, Decision, Phase, decide};
use http::{HeaderValue, Response, StatusCode, header};
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::watch::channel;
use wire::Request;

/// Content type of a stream that the guard gives, as Higress has it.
pub(super) const EVENT_STREAM: HeaderValue = HeaderValue::from_static("text/event-stream;charset=UTF-8");

/// What becomes of a request.
pub(crate) enum Inspected {
    /// It goes on as it is; its answer may have to be judged, too.
    Passed(Option<Watch>),
    /// It goes on with another body: personal data is masked.
    Masked(Bytes, Watch),
    /// It goes nowhere: this is the answer.
    Blocked(Response<Reply>),
}

impl Safety {
    /// Judges a request before anybody is asked; `body` is what it was read from.
    pub(crate) async fn request(
        &self,
        plane: &Arc<Plane>,
        caller: &Caller,
        lane: &Lane,
        (request, body): (&Request<'_>, &Bytes),
        pair: &str,
    ) -> Inspected {
        let Some(mut watch) = self.watch(plane, caller, lane, request.endpoint, pair) else {
            return Inspected::Passed(None);
        };
        if watch.policy.request.is_empty() {
            return Inspected::Passed(Some(watch));
        }
        let lossy = String::from_utf8_lossy(body);
        let text = &*lossy;
        let begun = Instant::now();
        let texts = of_request(request.endpoint, text);
        watch.counters.saw_other_parts(texts.unjudged);
        let (sender, check) = channel(None);
        watch.request = Some(check);
        if watch.policy.mode == Mode::Observe {
            // Nobody waits for what changes nothing; the record does.
            let beside = watch.clone();
            tokio::spawn(async move {
                let passages: Vec<&Passage> = texts.chosen(beside.policy.check).collect();
                let (mut decision, _) = beside.passages(&passages).await;
                beside.passed_over(&mut decision, &texts);
                beside.tell(Phase::Request, &decision);
                sender.send_replace(Some(check_of(&decision)));
            });
            return Inspected::Passed(Some(watch));
        }
        let passages: Vec<&Passage> = texts.chosen(watch.policy.check).collect();
        let (mut decision, masks) = watch.passages(&passages).await;
        watch.passed_over(&mut decision, &texts);
        watch.counters.inspected(begun.elapsed());
        watch.tell(Phase::Request, &decision);
        sender.send_replace(Some(check_of(&decision)));
        match decision.action {
            Action::None | Action::Flagged => Inspected::Passed(Some(watch)),
            Action::Masked => {
                let masked = masked_request(text, passages.into_iter().zip(masks.iter().map(Vec::as_slice)));
                Inspected::Masked(masked.into(), watch)
            }
            Action::Blocked => Inspected::Blocked(watch.refuse(&decision, request.stream)),
        }
    }
}

impl Watch {
    /// One decision for all passages, and the masks of each.
    async fn passages(&self, passages: &[&Passage]) -> (Decision, Vec<Vec<Mask>>) {
        let texts: Vec<String> = passages.iter().map(|passage| passage.text()).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        if let Some(decision) = too_long(&self.policy, &texts) {
            return (decision, Vec::new());
        }
        // Nobody waits for what only observes.
        let asker = if self.policy.mode == Mode::Observe { Asker::Record } else { Asker::Client };
        let results = self.judge(Phase::Request, &texts, asker).await;
        let mut all = Decision::default();
        let mut masks = Vec::with_capacity(texts.len());
        for (text, judged) in texts.iter().zip(&results) {
            let decision = decide(&self.policy, judged, text, 0, text.len());
            all.merge(&decision);
            masks.push(decision.masks);
        }
        (all, masks)
    }

    /// What of a request no back end could be asked about is a failure of theirs.
    fn passed_over(&self, decision: &mut Decision, texts: &Texts) {
        if texts.unread {
            decision.merge(&self.policy.unjudged(Phase::Request, "malformed"));
        }
        if texts.tokenised > 0 {
            decision.merge(&self.policy.unjudged(Phase::Request, "tokens"));
        }
    }

    /// The answer to a violation, where nothing of an answer has gone out.
    pub(super) fn refuse(&self, decision: &Decision, streamed: bool) -> Response<Reply> {
        self.refusing(decision, |refusal| {
            let mut response = if refusal.is_error() {
                Reply::json(StatusCode::BAD_REQUEST, refusal.error())
            } else if streamed {
                let mut response = Reply::json(StatusCode::OK, refusal.stream(&Shape::default(), false));
                response.headers_mut().insert(header::CONTENT_TYPE, EVENT_STREAM);
                response
            } else {
                Reply::json(StatusCode::OK, refusal.whole())
            };
            response.headers_mut().insert(GUARD, BLOCKED);
            response
        })
    }
}
