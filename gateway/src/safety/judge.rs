//! Asks a policy's back ends about texts.
//!
//! In the policy's order, one back end after the other, and no further once a text is to be blocked: a list that costs
//! nothing can spare the call of a service that does. All texts are given to one back end at the same time; its own bounds and
//! its own deadline hold for each, so that this takes no longer than the deadlines of all back ends together.

use super::Watch;
use futures_util::future::join_all;
use guard::policy::{Judged, Mode};
use guard::{Phase, decide};
use std::sync::Arc;

impl Watch {
    /// What the back ends say of each text, in the order of the texts; each is judged by itself.
    pub(super) async fn judge(&self, phase: Phase, texts: &[&str]) -> Vec<Vec<Judged>> {
        self.judge_parts(phase, texts, &[]).await
    }

    /// The same for parts of texts that are still growing: `sessions` says of each which text that is, for services that
    /// judge a part by those before it. Two channels, or two answers, never share one.
    pub(super) async fn judge_parts(&self, phase: Phase, texts: &[&str], sessions: &[String]) -> Vec<Vec<Judged>> {
        let mut all: Vec<Vec<Judged>> = texts.iter().map(|_| Vec::new()).collect();
        for backend in self.policy.backends(phase) {
            let calls = texts.iter().enumerate().map(|(place, text)| {
                let session = sessions.get(place).map(String::as_str);
                self.plane.moderators.check(backend, phase, text, session)
            });
            for (judged, result) in all.iter_mut().zip(join_all(calls).await) {
                judged.push((Arc::clone(backend), result));
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
