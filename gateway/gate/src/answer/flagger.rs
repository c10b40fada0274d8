//! Flagger: what each of its webhooks means, and what it is answered.
//!
//! Flagger reads the status alone: up to 202 is a yes, and the body of anything else goes to its log and to a Kubernetes event.
//! What a yes means depends on the hook. Before all those after which traffic may rise it means *proven*, never *nothing is wrong
//! yet*: also before `rollout`, whose refusals count towards Flagger's `threshold`, so that lack of proof ends in a rollback and
//! not in a raise. `confirm-traffic-increase` waits without counting. `rollback` is the other way round: a yes rolls back at once.
//! `post-rollout` and `event` ask nothing; they are told yes, because a no would only be logged.

use super::{Answer, Says};
use serde::Deserialize;
use std::collections::BTreeMap;

/// Characters of any text in a call that are kept.
const TEXT_CHARS_MAX: usize = 300;
/// Entries of `metadata` that are kept.
const METADATA_MAX: usize = 16;
/// Characters of an answer: a Kubernetes event holds 1024 bytes, and Flagger puts its own words before ours.
const REPLY_CHARS_MAX: usize = 300;

/// The kinds of webhooks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Hook {
    /// Before the canary is scaled up; asked until it is a yes.
    ConfirmRollout,
    /// Before traffic is routed; a no counts as a failed check.
    PreRollout,
    /// At each look; a no counts as a failed check.
    Rollout,
    /// Before each raise; a no halts.
    ConfirmTrafficIncrease,
    /// Before the promotion; asked until it is a yes.
    ConfirmPromotion,
    /// After promotion or rollback; a no is logged.
    PostRollout,
    /// At each look and while waiting; a yes rolls back now.
    Rollback,
    /// Tells what happened.
    Event,
}

impl Hook {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::ConfirmRollout,
        Self::PreRollout,
        Self::Rollout,
        Self::ConfirmTrafficIncrease,
        Self::ConfirmPromotion,
        Self::PostRollout,
        Self::Rollback,
        Self::Event,
    ];

    /// As Flagger spells it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ConfirmRollout => "confirm-rollout",
            Self::PreRollout => "pre-rollout",
            Self::Rollout => "rollout",
            Self::ConfirmTrafficIncrease => "confirm-traffic-increase",
            Self::ConfirmPromotion => "confirm-promotion",
            Self::PostRollout => "post-rollout",
            Self::Rollback => "rollback",
            Self::Event => "event",
        }
    }

    /// The one of this name.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|hook| hook.name() == name)
    }

    /// Whether it asks something that a verdict answers.
    #[must_use]
    pub const fn asks(self) -> bool {
        !matches!(self, Self::PostRollout | Self::Event)
    }
}

/// What Flagger sends; members that are not known are ignored.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct Call {
    /// The canary's name.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// `Initialized`, `Waiting`, `Progressing`, ...; whatever a later release adds is taken, too.
    #[serde(default)]
    pub phase: String,
    /// Of the canary's specification; older releases send none.
    #[serde(default)]
    pub checksum: String,
    /// As the canary's author wrote it; an event has `eventMessage`, `eventType` and `timestamp` in it.
    #[serde(default)]
    pub metadata: Option<BTreeMap<String, String>>,
}

impl Call {
    /// Reads the body of a call; its texts are cut to bounds.
    ///
    /// # Errors
    /// It is no such object; says where, and repeats nothing of it.
    pub fn read(body: &[u8]) -> Result<Self, String> {
        let call: Self = serde_json::from_slice(body).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            format!("line {line}, column {column}: expected Flagger's object with `name`, `namespace` and `phase`")
        })?;
        if call.name.is_empty() || call.namespace.is_empty() {
            return Err("`name` or `namespace` is empty: expected those of the canary".to_owned());
        }
        let text = |given: &str| super::cut(given, TEXT_CHARS_MAX);
        let metadata = call.metadata.unwrap_or_default();
        Ok(Self {
            name: text(&call.name),
            namespace: text(&call.namespace),
            phase: text(&call.phase),
            checksum: text(&call.checksum),
            metadata: Some(metadata.iter().take(METADATA_MAX).map(|(key, value)| (text(key), text(value))).collect()),
        })
    }

    /// What an event tells; empty for other calls.
    #[must_use]
    pub fn event_message(&self) -> &str {
        self.metadata.as_ref().and_then(|all| all.get("eventMessage")).map_or("", String::as_str)
    }
}

/// What a hook is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// Status 200; else 403.
    pub yes: bool,
    /// Why, on one line.
    pub text: String,
}

/// Answers a hook; `answer` is absent where no verdict was given and nobody has rolled back.
#[must_use]
pub fn reply(hook: Hook, answer: Option<&Answer>) -> Reply {
    let why = || match answer {
        Some(answer) => format!("{}: {}", answer.says.word(), answer.why.join("; ")),
        None => "wait: no verdict was given since this gateway started".to_owned(),
    };
    let says = answer.map_or(Says::Wait, |answer| answer.says);
    let (yes, text) = match hook {
        Hook::PostRollout | Hook::Event => (true, "noted".to_owned()),
        Hook::Rollback => (says == Says::Stop, why()),
        Hook::ConfirmRollout
        | Hook::PreRollout
        | Hook::Rollout
        | Hook::ConfirmTrafficIncrease
        | Hook::ConfirmPromotion => (says == Says::Go, why()),
    };
    Reply { yes, text: super::cut(&text, REPLY_CHARS_MAX) }
}
