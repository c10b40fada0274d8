//! Whoever judges texts, by name: asked within a deadline, within bounds, and not twice the same.
//!
//! What a service is asked and what its answer means is pure and stands in the crate `guard`. Here is what surrounds it:
//! a text is cut, its pieces are judged at the same time, and their verdicts are joined; a verdict is remembered by the hash
//! of its text, so that a conversation's history is judged once; two that ask the same at the same time share one call.
//! Each service has its own bound on calls, its own breaker and its own deadline, so that a slow one costs those who need
//! it at most its deadline, and everybody else nothing.

mod cache;
mod counters;
mod inline;
mod remote;
mod wire;

pub(crate) use counters::ModeratorReading;

use crate::config::{BackendConfig, Judge};
use guard::{Failure, Phase, Verdict};
use inline::{Inline, Search};
use remote::Remote;
use std::collections::BTreeMap;
use std::sync::Arc;

/// All of them.
#[derive(Debug, Default)]
pub(crate) struct Moderators {
    by_name: BTreeMap<String, Arc<Moderator>>,
}

/// Who wants to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asker {
    /// A client waits for it.
    Client,
    /// It is for the record alone, and has a smaller share of a service's calls.
    Record,
}

/// What a back end says of a text.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Opinion {
    /// What was found; all of it only without a failure.
    pub verdict: Verdict,
    /// Why a part of the text, or all of it, was not judged; this never means that it is safe.
    pub failure: Option<Failure>,
}

impl From<Result<Verdict, Failure>> for Opinion {
    fn from(result: Result<Verdict, Failure>) -> Self {
        match result {
            Ok(verdict) => Self { verdict, failure: None },
            Err(failure) => Self { verdict: Verdict::default(), failure: Some(failure) },
        }
    }
}

impl Opinion {
    /// Both halves, as decisions take them.
    pub(super) fn results(self) -> impl Iterator<Item = Result<Verdict, Failure>> {
        std::iter::once(Ok(self.verdict)).chain(self.failure.map(Err))
    }
}

/// Why a back end cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum ModeratorError {
    /// The certificates that it would be judged by cannot be loaded.
    #[error(
        "safety.backends.{backend}: TLS cannot be set up: {source}; if the system has no certificates, set tls_roots = \
         \"bundled\" or name a ca_file"
    )]
    Tls {
        /// Name of its section.
        backend: String,
        /// Cause.
        source: rustls::Error,
    },
}

#[derive(Debug)]
struct Moderator {
    config: BackendConfig,
    asked: Asked,
}

#[derive(Debug)]
enum Asked {
    Remote(Box<Remote>),
    Inline(Inline),
}

impl Moderators {
    /// Sets them up; connects to nobody. One whose configuration is as in `old` goes on with what it has and knows.
    ///
    /// # Errors
    /// See [`ModeratorError`].
    pub(crate) fn new(configs: &BTreeMap<String, BackendConfig>, old: Option<&Self>) -> Result<Self, ModeratorError> {
        let mut by_name = BTreeMap::new();
        for (name, config) in configs {
            let before = old.and_then(|old| old.by_name.get(name));
            let moderator = match before.filter(|before| before.config == *config) {
                Some(before) => Arc::clone(before),
                None => Arc::new(Moderator::new(config, before.map(Arc::as_ref))?),
            };
            by_name.insert(name.clone(), moderator);
        }
        Ok(Self { by_name })
    }

    /// Has a text judged by one back end. `session` names the answer that the text is a part of, for services that judge a
    /// stream's pieces together; it is told to no other.
    ///
    /// Spans are bytes of `text`. If one piece of a long text cannot be judged, the failure stands beside what was found in
    /// the others. [`Failure::Unreachable`] also for a back end that is not configured.
    pub(crate) async fn check(
        &self,
        backend: &str,
        phase: Phase,
        text: &str,
        session: Option<&str>,
        asker: Asker,
    ) -> Opinion {
        let Some(moderator) = self.by_name.get(backend) else { return Opinion::from(Err(Failure::Unreachable)) };
        match &moderator.asked {
            Asked::Remote(remote) => remote.check(phase, text, session, asker).await,
            Asked::Inline(inline) => inline.check(text).await.into(),
        }
    }

    /// One look at all of them, for metrics.
    pub(crate) fn readings(&self) -> Vec<ModeratorReading> {
        self.by_name.iter().map(|(name, moderator)| moderator.reading(name)).collect()
    }
}

impl Moderator {
    /// Counters go on where one of the same name stopped.
    fn new(config: &BackendConfig, before: Option<&Self>) -> Result<Self, ModeratorError> {
        let counters = before.map(Self::counters).unwrap_or_default();
        let inline = |search, counters| Asked::Inline(Inline::new(search, config.timeout, counters));
        let asked = match &config.judge {
            Judge::Remote { backend, address, roots } => {
                let client = crate::upstream::plain_client(address, roots, config.calls_in_flight_max)
                    .map_err(|source| ModeratorError::Tls { backend: config.name.clone(), source })?;
                Asked::Remote(Box::new(Remote::new(config, backend.clone(), client, counters)))
            }
            Judge::Lists(compiled) => inline(Search::Lists(Arc::clone(&compiled.lists)), counters),
            Judge::Personal(personal) => inline(Search::Personal(*personal), counters),
        };
        Ok(Self { config: config.clone(), asked })
    }

    fn counters(&self) -> Arc<counters::Counters> {
        match &self.asked {
            Asked::Remote(remote) => Arc::clone(remote.counters()),
            Asked::Inline(inline) => Arc::clone(inline.counters()),
        }
    }

    fn reading(&self, name: &str) -> ModeratorReading {
        match &self.asked {
            Asked::Remote(remote) => remote.reading(name),
            Asked::Inline(inline) => inline.reading(name),
        }
    }
}

#[cfg(test)]
mod tests;
