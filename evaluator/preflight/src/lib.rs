//! Which recorded requests would be the same, rewritten, poorer or refused at the candidate, told before any is sent.
//!
//! The findings are [`wire::provider::outlook`]'s, which is also the gateway's rule; here they are counted by consumer,
//! model and feature, and made into a document.
