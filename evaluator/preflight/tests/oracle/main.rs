//! The mocks as the oracle: what is predicted of a request is what happens to it.
//!
//! A generated catalogue of requests is sent to DeepSeek's mock twice: as it came, with nothing but the model's name
//! replaced, and as the gateway would rewrite it. Four laws hold between what the mock says and what was predicted:
//!
//! - **Recall:** of what is refused or silently damaged when sent as it came it was told what would be rewritten, lost or fail.
//! - **No missed failure:** what is not predicted to fail is accepted when sent rewritten.
//! - **No false alarm:** what is predicted to fail is refused as it came, or has a feature that is documented to be ignored in
//!   silence, and no request fails of two features of which neither fails alone, unless the mock refuses just the pair.
//! - **Clean requests** lose nothing and fail of nothing.
//!
//! What the catalogue expects is written down by hand from the provider's documentation, not taken from the adapter's table.
//! Sent as it came, every request would think and pay for it. That is a finding about each of them ("thinking by default"),
//! so it decides about none.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

mod catalogue;
mod chat;
mod law;
mod responses;
mod send;

use catalogue::{Case, all};
use law::Judged;
use send::Mock;
use std::collections::BTreeMap;
use wire::provider::Effect;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_predicted_is_what_happens() {
    let mock = Mock::start().await;
    let cases: Vec<Case> = all();
    let judged: Vec<Judged> = mock.judge_all(cases).await;
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for case in &judged {
        let name = match case.effect {
            Effect::Same => "same",
            Effect::Rewritten => "rewritten",
            Effect::Loses => "loses",
            Effect::Fails => "fails",
        };
        *counts.entry(name).or_default() += 1;
        *counts.entry(if case.raw_ok { "accepted as it came" } else { "refused as it came" }).or_default() += 1;
        *counts.entry("accepted rewritten").or_default() += usize::from(case.rewritten_ok == Some(true));
    }
    let broken = law::broken(&judged);
    eprintln!("{} requests: {counts:?}, {} against a law", judged.len(), broken.len());
    let untried = law::untried(&judged);
    assert!(untried.is_empty(), "no case fails of these rows: {untried:#?}");
    assert!(judged.len() > 3000, "the catalogue has shrunk to {}", judged.len());
    assert!(broken.is_empty(), "{} of {}:\n{}", broken.len(), judged.len(), law::grouped(&broken));
}
