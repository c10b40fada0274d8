//! The guard at work: what clients send and what models answer is judged by the policy of its consumer and migration.
//!
//! What is decided is decided in the crate `guard`; here is who is asked, when, and what the client gets meanwhile.
//!
//! * A request is judged before any provider is called, unless its policy only observes. One that is blocked leaves no
//!   exchange.
//! * A whole answer is judged before its first byte goes out ([`whole`]), a stream as it passes ([`stream`]). A policy that
//!   only observes holds nothing back: its verdict is for the record and comes after the answer.
//! * Every leg's answer is judged for the record by the same rule, whoever gets it: the texts as the provider gave them, as
//!   far as a client would see them, each whole ([`listen`]). So the same guard looks at both arms.
//!
//! A request without a policy costs one look at an empty table.

mod counters;
mod judge;
mod listen;
mod moderators;
mod request;
mod stream;
mod whole;

pub(crate) use counters::GuardReading;
pub(crate) use listen::{Listener, Said};
pub use moderators::ModeratorError;
pub(crate) use moderators::{ModeratorReading, Moderators};
pub(crate) use request::Inspected;
pub(crate) use stream::{Guarding, Terms, guard as guard_stream};
pub(crate) use whole::Whole;

use crate::callers::Caller;
use crate::lane::{Lane, Link};
use crate::plane::Plane;
use counters::Counters;
use datasets::{GuardAction, GuardCheck, GuardLevel};
use guard::policy::Mode;
use guard::reply::{ID_CHARACTERS, Refusal};
use guard::{Action, Decision, Level, Phase, Policy};
use http::{HeaderName, HeaderValue};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use tokio::sync::watch;
use wire::Endpoint;
use wire::provider::Provider;

/// Says on an answer what the guard did, where it is known before the answer begins.
pub(crate) const GUARD: HeaderName = HeaderName::from_static("x-weighbridge-guard");
/// Its value for an answer that the guard gave.
pub(crate) const BLOCKED: HeaderValue = HeaderValue::from_static("blocked");
/// Its value for an answer in which something was taken out.
pub(crate) const MASKED: HeaderValue = HeaderValue::from_static("masked");

/// What the guard of a gateway counts.
#[derive(Debug, Default)]
pub(crate) struct Safety {
    counters: Arc<Counters>,
}

/// The guard of one request.
#[derive(Clone)]
pub(crate) struct Watch {
    pub policy: Arc<Policy>,
    /// The configuration under which the request began.
    plane: Arc<Plane>,
    counters: Arc<Counters>,
    consumer: Option<Arc<str>>,
    endpoint: Endpoint,
    /// The gateway's id of the request.
    pair: Arc<str>,
    /// What was said of the request, once it was; `None` if nothing of it is judged.
    request: Option<watch::Receiver<Option<GuardCheck>>>,
}

impl Safety {
    /// The guard of a request, if a policy holds for it.
    pub(crate) fn watch(
        &self,
        plane: &Arc<Plane>,
        caller: &Caller,
        lane: &Lane,
        endpoint: Endpoint,
        pair: &str,
    ) -> Option<Watch> {
        let migration = lane.migration.as_ref().and_then(|migration| migration.safety.as_ref());
        let policy = plane.config.safety.policy(caller.name.as_deref(), &caller.groups, migration)?;
        if endpoint == Endpoint::Moderations {
            return None;
        }
        Some(Watch {
            policy: Arc::clone(policy),
            plane: Arc::clone(plane),
            counters: Arc::clone(&self.counters),
            consumer: caller.name.clone(),
            endpoint,
            pair: pair.into(),
            request: None,
        })
    }

    /// One look at the counters, for metrics.
    pub(crate) fn reading(&self) -> GuardReading {
        self.counters.reading()
    }
}

impl Watch {
    /// What was said of the request so far.
    pub(crate) fn of_request(&self) -> Option<GuardCheck> {
        self.request.as_ref().and_then(|check| check.borrow().clone())
    }

    /// Whether the request's verdict is still awaited.
    pub(crate) fn awaits_request(&self) -> bool {
        self.request.as_ref().is_some_and(|check| check.borrow().is_none())
    }

    /// Waits for it.
    pub(crate) async fn request_judged(&self) {
        if let Some(check) = &self.request {
            // An error says that whoever judged it is gone, and that there will be no verdict.
            drop(check.clone().wait_for(Option::is_some).await);
        }
    }

    /// Whether answers are judged.
    pub(crate) fn judges_answers(&self) -> bool {
        !self.policy.response.is_empty()
            && matches!(self.endpoint, Endpoint::Chat | Endpoint::Completions | Endpoint::Responses)
    }

    /// Whether answers are judged before the client gets them.
    pub(crate) fn holds_answers(&self) -> bool {
        self.judges_answers() && self.policy.mode == Mode::Enforce
    }

    /// A listener for what an answer says, if answers are judged. Reasoning that no client of this provider would see is
    /// not listened to.
    pub(crate) fn listener(&self, link: &Link) -> Option<Listener> {
        let shows_reasoning = self.endpoint == Endpoint::Responses
            || link.config.kind == Provider::OpenAi
            || link.config.policy.reasoning_to_client;
        self.judges_answers().then(|| Listener::new(self.endpoint, shows_reasoning))
    }

    /// The answer to a violation. `take` gets it.
    fn refusing<T>(&self, decision: &Decision, take: impl FnOnce(&Refusal<'_>) -> T) -> T {
        let created = u64::try_from(crate::clock::now_us() / 1_000_000).unwrap_or(0);
        let id = id(&self.pair);
        let Self { policy, endpoint, .. } = self;
        take(&Refusal { endpoint: *endpoint, policy, decision, id: &id, request: &self.pair, created })
    }

    /// Counts what was decided of one side of an exchange, and logs what was done, without a word of the text.
    fn tell(&self, phase: Phase, decision: &Decision) {
        self.counters.decided(&self.policy.name, phase, decision, self.consumer.as_deref());
        if decision.action == Action::None && decision.failed.is_empty() {
            return;
        }
        let categories: Vec<&str> =
            decision.categories.keys().map(|category| guard::names::category(*category)).collect();
        let failed: Vec<String> = failed(decision);
        tracing::info!(
            pair = &*self.pair,
            policy = &*self.policy.name,
            phase = guard::names::phase(phase),
            action = decision.action.name(),
            ?categories,
            ?failed,
            "the guard has spoken"
        );
    }
}

fn failed(decision: &Decision) -> Vec<String> {
    decision.failed.iter().map(|(backend, failure)| format!("{backend}:{failure}")).collect()
}

/// A decision as it is on record.
pub(crate) fn check_of(decision: &Decision) -> GuardCheck {
    let mut categories: Vec<String> =
        decision.categories.keys().map(|category| guard::names::category(*category).to_owned()).collect();
    categories.sort_unstable();
    GuardCheck {
        action: match decision.action {
            Action::None => GuardAction::None,
            Action::Flagged => GuardAction::Flagged,
            Action::Masked => GuardAction::Masked,
            Action::Blocked => GuardAction::Blocked,
        },
        level: match decision.level {
            Level::None => GuardLevel::None,
            Level::Low => GuardLevel::Low,
            Level::Medium => GuardLevel::Medium,
            Level::High => GuardLevel::High,
            Level::Max => GuardLevel::Max,
        },
        categories,
        failed: failed(decision),
    }
}

/// Letters and digits for an answer's id, drawn from the request's own: nobody can tell one from the other.
fn id(pair: &str) -> String {
    const LETTERS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let digest = Sha256::digest(format!("from-security-guard\0{pair}"));
    let letter = |byte: &u8| LETTERS.get(usize::from(*byte) % LETTERS.len()).copied().map_or('0', char::from);
    digest.iter().take(ID_CHARACTERS).map(letter).collect()
}
