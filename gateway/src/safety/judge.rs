//! Asks a policy's back ends about texts.
//!
//! In the policy's order, one back end after the other, and no further once a text is to be blocked: a list that costs
//! nothing can spare the call of a service that does. A few of a request's texts are judged by one back
//! end at the same time, in their order, so that a request of thousands of texts has no more of a service's room than
//! another; the back end's own bounds and its own deadline hold for each.

use super::Watch;
use super::moderators::Asker;
use futures_util::{StreamExt, stream};
use guard::policy::{Judged, Mode};
use guard::{Phase, decide};
use std::sync::Arc;

/// Texts of one request or answer that one back end judges at the same time.
const TEXTS_AT_ONCE: usize = 4;

impl Watch {
    /// What the back ends say of each text, in the order of the texts; each is judged by itself.
    pub(super) async fn judge(&self, phase: Phase, texts: &[&str], asker: Asker) -> Vec<Vec<Judged>> {
        self.judge_parts(phase, texts, &[], asker).await
    }

    /// The same for parts of texts that are still growing: `sessions` says of each which text that is, for services that
    /// judge a part by those before it. Two channels, or two answers, never share one.
    pub(super) async fn judge_parts(
        &self,
        phase: Phase,
        texts: &[&str],
        sessions: &[String],
        asker: Asker,
    ) -> Vec<Vec<Judged>> {
        let mut all: Vec<Vec<Judged>> = texts.iter().map(|_| Vec::new()).collect();
        for backend in self.policy.backends(phase) {
            let calls: Vec<_> = texts
                .iter()
                .enumerate()
                .map(|(place, text)| {
                    let session = sessions.get(place).map(String::as_str);
                    self.plane.moderators.check(backend, phase, text, session, asker)
                })
                .collect();
            let opinions: Vec<_> = stream::iter(calls).buffered(TEXTS_AT_ONCE).collect().await;
            for (judged, opinion) in all.iter_mut().zip(opinions) {
                judged.extend(opinion.results().map(|result| (Arc::clone(backend), result)));
            }
            let is_blocked =
                |(text, judged): (&&str, &Vec<Judged>)| decide(&self.policy, judged, text, 0, text.len()).is_blocked();
            if self.policy.mode == Mode::Enforce && texts.iter().zip(&all).any(is_blocked) {
                break;
            }
        }
        all
    }
}
