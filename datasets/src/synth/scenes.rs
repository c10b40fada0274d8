//! The texts of the bundled logs: who asks what, and what is answered. All sentences are the project's own.
//!
//! A [`Topic`] is one question with its answer; a [`Scene`] is a kind of work with its topics, the questions that may
//! follow, and sentences that any of its answers may add. Places such as `{order}` are filled from
//! [`super::words::Facts`].

pub(crate) mod coding;
pub(crate) mod extraction;
pub(crate) mod forms;
pub(crate) mod functions;
pub(crate) mod library;
pub(crate) mod moderated;
pub(crate) mod summary;
pub(crate) mod support;
pub(crate) mod tools;
pub(crate) mod translation;

/// One question and the sentences that answer it.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Topic {
    /// Ways to ask.
    pub(crate) asks: &'static [&'static str],
    /// What every answer says, in this order. A part that starts with three backquotes stands on lines of its own.
    pub(crate) core: &'static [&'static str],
}

/// A kind of work in one language.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scene {
    /// System prompts.
    pub(crate) systems: &'static [&'static str],
    /// What a conversation may start with.
    pub(crate) topics: &'static [Topic],
    /// What may follow.
    pub(crate) follow_ups: &'static [Topic],
    /// First words of an answer; each vendor takes its own.
    pub(crate) openings: &'static [&'static str],
    /// Sentences that lengthen an answer.
    pub(crate) more: &'static [&'static str],
    /// Last words.
    pub(crate) closings: &'static [&'static str],
}
