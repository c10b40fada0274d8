//! Who calls, and what that caller may do.
//!
//! Deciding is in [`lease::keys`] and is pure. Here is what it needs of the world: where requests carry keys
//! ([`presented`]), the roll of all keys in force ([`roll`]), where consumers are kept and how they change ([`home`],
//! [`file`]), how long refusals wait ([`refuse`]), what is counted ([`tally`]), and the admin plane's routes ([`routes`]).
//!
//! Consumers come from two places that stand side by side: `[consumers]` of the configuration, and a kept document that
//! the admin plane and the command change. Both make one [`Roll`], which is swapped whole. The seam between the roll and
//! wherever the document is kept is narrow:
//!
//! * [`Callers::put`]`(&self, bytes: &[u8], now_us: i64) -> Result<bool, CallersError>` puts a whole document in force; a
//!   broken one changes nothing. `false` if it is in force already.
//! * [`lease::keys::changed`]`(kept: Option<&[u8]>, change, expected_generation, chance, now_us) -> Result<(Document,
//!   Outcome), ChangeError>` makes the next document of the kept one.
//! * [`home::Home::read`]`() -> Result<Option<Vec<u8>>, _>` and [`home::Home::swap`]`(expected: Option<&[u8]>, new: &[u8])
//!   -> Result<bool, _>` are all that a home has to do: the second keeps the new bytes if what is kept is still what was
//!   read, and says whether it did. [`Callers::change`] is the loop of the three.
//!
//! A key that opens costs one digest and one look-up, takes no lock and waits for nobody. A gateway without any key looks at
//! no header.

pub(crate) mod file;
pub(crate) mod home;
pub(crate) mod presented;
mod refuse;
pub(crate) mod roll;
pub(crate) mod routes;
pub(crate) mod tally;

use crate::config::{Authenticate, Config};
use crate::problem::Problem;
use crate::replicas::Replicas;
use arc_swap::ArcSwap;
use home::{Home, HomeError, Look};
use http::{HeaderMap, HeaderName, HeaderValue, request};
use lease::keys::{
    Chance, Change, ChangeError, Consumer, Document, DocumentError, Entry, Listing, Outcome, Place, Refusal, RingError,
    Wish,
};
use presented::Presented;
use roll::{Holder, Roll};
use std::collections::HashSet;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tally::Tally;
use wire::Endpoint;

pub(crate) use refuse::{RefusalCounts, Refusals};

/// How often a change is made anew because somebody else was faster, before it is given up.
const TRIES: usize = 16;

/// A caller whose key was looked at.
#[derive(Debug, Clone, Default)]
pub(crate) struct Caller {
    /// The consumer; `None` for a key that is nobody's, where that is allowed.
    pub name: Option<Arc<str>>,
    /// Groups that the consumer belongs to.
    pub groups: Arc<[Arc<str>]>,
    /// Headers that every answer to this caller carries.
    pub notices: Vec<(HeaderName, HeaderValue)>,
    holder: Option<Arc<Holder>>,
}

/// What a caller wants, as far as it may be forbidden or counted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Errand<'a> {
    pub endpoint: Endpoint,
    pub model: &'a str,
    /// Name of the migration that takes the request, `none` for none.
    pub migration: &'a str,
}

/// Why consumers cannot be put in force, or not be changed.
#[derive(Debug, thiserror::Error)]
pub enum CallersError {
    /// What is kept cannot be used.
    #[error("the kept consumers cannot be used: {0}")]
    Document(#[from] DocumentError),
    /// It does not fit with the configuration.
    #[error(transparent)]
    Ring(#[from] RingError),
    /// The change is refused.
    #[error(transparent)]
    Change(#[from] ChangeError),
    /// Where it is kept does not answer.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// Others change it without a pause.
    #[error("others change the consumers all the time: try again")]
    Contended,
    /// The system gives no randomness, so no key can be made.
    #[error("the system gives no randomness, so no key can be made")]
    Chance,
}

/// What a look at the home came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refreshed {
    /// It looks as it did.
    Same,
    /// There is nothing.
    Nothing,
    /// It is in force; `is_new` if it was not before.
    Found { is_new: bool },
}

/// All who may call.
#[derive(Debug)]
pub(crate) struct Callers {
    roll: ArcSwap<Roll>,
    /// What the roll was made of.
    parts: Mutex<Parts>,
    pub(crate) home: Home,
    /// One change, or one look at the home, at a time: what is put in force is always the newest that was seen.
    turn: tokio::sync::Mutex<()>,
    refusals: Arc<Refusals>,
    tally: Tally,
}

#[derive(Debug, Default)]
struct Parts {
    configured: Vec<Consumer>,
    document: Document,
    /// What is kept, as it was read; `None` if nothing is.
    bytes: Option<Vec<u8>>,
}

impl Callers {
    /// With the consumers of the configuration and those that are kept.
    ///
    /// # Errors
    /// What is kept cannot be read or used. A gateway that does not know its callers must not begin to serve.
    pub(crate) fn start(config: &Config, replicas: Option<Arc<Replicas>>, now_us: i64) -> Result<Self, CallersError> {
        let home = Home::new(config.keys.file.as_deref(), replicas);
        let callers = Self {
            roll: ArcSwap::default(),
            parts: Mutex::default(),
            tally: Tally::new(home.usage()),
            home,
            turn: tokio::sync::Mutex::default(),
            refusals: Arc::new(Refusals::new(config.limits.requests_in_flight)),
        };
        callers.configure(config, now_us)?;
        if let Some(bytes) = callers.home.read_now()? {
            callers.put(&bytes, now_us)?;
        }
        Ok(callers)
    }

    /// Takes over the consumers of a new configuration, or changes nothing.
    ///
    /// # Errors
    /// They do not fit with those that are kept.
    pub(crate) fn configure(&self, config: &Config, now_us: i64) -> Result<(), RingError> {
        let mut parts = self.parts();
        let configured = config.consumers.since(now_us, &parts.configured);
        let roll = self.roll_of(&configured, &parts.document)?;
        parts.configured = configured;
        self.roll.store(Arc::new(roll));
        // What did not fit with the old configuration may fit with this one.
        self.home.forget_look();
        Ok(())
    }

    /// Puts a kept document in force, whole or not at all; `false` if it is already.
    ///
    /// # Errors
    /// It is broken, or does not fit with the configuration: the one before stays in force.
    pub(crate) fn put(&self, bytes: &[u8], now_us: i64) -> Result<bool, CallersError> {
        let mut parts = self.parts();
        if parts.bytes.as_deref() == Some(bytes) {
            return Ok(false);
        }
        let document = Document::from_json(bytes)?;
        let roll = self.roll_of(&parts.configured, &document)?;
        tracing::info!(
            generation = document.generation,
            consumers = document.consumers.len(),
            keys = document.keys().count(),
            at = %lease::keys::Instant::from_us(now_us),
            "kept consumers are in force"
        );
        parts.document = document;
        parts.bytes = Some(bytes.to_vec());
        self.roll.store(Arc::new(roll));
        Ok(true)
    }

    /// Changes what is kept, and puts it in force before this returns.
    ///
    /// # Errors
    /// The change is refused, or what is kept cannot be read, written or used; then nothing has changed.
    pub(crate) async fn change(
        &self,
        change: &Change,
        expected: Option<u64>,
        now_us: i64,
    ) -> Result<Outcome, CallersError> {
        let _turn = self.turn.lock().await;
        for _ in 0..TRIES {
            let kept = self.home.read().await?;
            if kept.is_none() && self.parts().bytes.is_some() {
                // A change of nothing would make a new document, in which nobody else is left.
                return Err(self.home.gone().into());
            }
            let (document, outcome) = changed(kept.as_deref(), change, expected, now_us)?;
            self.roll_of(&self.parts().configured, &document)?;
            let bytes = document.to_json();
            if kept.as_deref() == Some(&*bytes) {
                return Ok(outcome);
            }
            if self.home.swap(kept.as_deref(), &bytes).await? {
                self.put(&bytes, now_us)?;
                return Ok(outcome);
            }
        }
        Err(CallersError::Contended)
    }

    /// Looks at what is kept, and puts it in force if it is new.
    ///
    /// # Errors
    /// It cannot be read or used: what was in force stays.
    pub(crate) async fn refresh(&self, now_us: i64) -> Result<Refreshed, CallersError> {
        let _turn = self.turn.lock().await;
        match self.home.look().await? {
            Look::Same => Ok(Refreshed::Same),
            Look::Nothing => Ok(Refreshed::Nothing),
            Look::Found(bytes) => self.put(&bytes, now_us).map(|is_new| Refreshed::Found { is_new }),
        }
    }

    /// Looks the caller up.
    ///
    /// # Errors
    /// Keys are required, and there is none, a wrong one or more than one: 401, which does not say which. The key may not be
    /// used from there: 403.
    pub(crate) async fn admit(
        &self,
        config: &Config,
        parts: &request::Parts,
        peer: SocketAddr,
    ) -> Result<Caller, Problem> {
        match self.home.replicas().filter(|_| config.authenticate == Authenticate::Keys) {
            None => self.look_up(config, parts, peer).await,
            Some(replicas) => {
                replicas.may_look_keys_up()?;
                let admitted = self.look_up(config, parts, peer).await;
                // It may be one that could not be read yet.
                if admitted.is_err() { replicas.knows_keys().and(admitted) } else { admitted }
            }
        }
    }

    async fn look_up(&self, config: &Config, parts: &request::Parts, peer: SocketAddr) -> Result<Caller, Problem> {
        let required = config.authenticate == Authenticate::Keys;
        let roll = self.roll.load();
        if !required && roll.ring.entries().is_empty() {
            return Ok(Caller::default());
        }
        let now_us = crate::clock::now_us();
        let found = match presented::key(&config.keys.sources, parts) {
            Presented::One(key) => roll.ring.admit(&key, now_us).map_err(Some),
            Presented::Nothing => Err(None),
            Presented::Several => Err(Some(Refusal::Unknown)),
        };
        let holder = found.map(|place| roll.holders.get(place).cloned());
        drop(roll);
        match holder {
            Ok(Some(holder)) => self.admitted(holder, config, parts, peer, now_us),
            _ if !required => Ok(Caller::default()),
            Ok(None) | Err(None) => {
                self.refusals.missing();
                Err(Problem::unauthorised())
            }
            Err(Some(refusal)) => {
                self.refusals.wrong(refusal, source(config, parts, peer.ip()), now_us).await;
                Err(Problem::unauthorised())
            }
        }
    }

    fn admitted(
        &self,
        holder: Arc<Holder>,
        config: &Config,
        parts: &request::Parts,
        peer: SocketAddr,
        now_us: i64,
    ) -> Result<Caller, Problem> {
        let Entry { consumer, groups, .. } = &holder.entry;
        if holder.is_bound_to_sources && !holder.entry.allows_source(source(config, parts, peer.ip())) {
            self.refusals.out_of_scope();
            return Err(Problem::forbidden());
        }
        holder.meter.used(now_us);
        let (name, groups) = (Some(Arc::clone(consumer)), Arc::clone(groups));
        Ok(Caller { name, groups, notices: holder.notices.clone(), holder: Some(holder) })
    }

    fn roll_of(&self, configured: &[Consumer], document: &Document) -> Result<Roll, RingError> {
        Roll::new(configured, &self.home.name(), &document.consumers, &self.tally, &self.refusals)
    }

    fn parts(&self) -> MutexGuard<'_, Parts> {
        self.parts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Everything that may be shown.
    pub(crate) fn listing(&self, now_us: i64) -> Listing {
        let usage = self.tally.usage(now_us);
        let parts = self.parts();
        let all = [(Place::Configuration, &*parts.configured), (Place::Kept, &*parts.document.consumers)];
        Listing::new(parts.document.generation, now_us, &all, &usage)
    }

    /// Refusals so far.
    pub(crate) fn counts(&self) -> RefusalCounts {
        self.refusals.counts()
    }

    /// Uses of keys so far.
    pub(crate) const fn tally(&self) -> &Tally {
        &self.tally
    }

    /// Ids of all keys in force.
    pub(crate) fn key_ids(&self) -> HashSet<String> {
        self.roll.load().ring.entries().iter().map(|entry| entry.key.id.clone()).collect()
    }
}

impl Caller {
    /// Whether the caller may do this.
    ///
    /// # Errors
    /// It is outside the scopes of the consumer or its key.
    pub(crate) fn may(&self, errand: &Errand<'_>) -> Result<(), Problem> {
        let Some(holder) = self.holder.as_ref().filter(|holder| holder.is_bound) else { return Ok(()) };
        let Errand { endpoint, model, migration } = *errand;
        let wish = Wish { model, migration, endpoint: endpoint.name(), path: endpoint.path() };
        if holder.entry.allows(&wish) {
            return Ok(());
        }
        holder.refusals.out_of_scope();
        Err(Problem::forbidden())
    }

    /// Whether the key or its consumer may call only some models, migrations, endpoints or paths.
    pub(crate) fn is_narrowed(&self) -> bool {
        self.holder.as_ref().is_some_and(|holder| holder.is_narrowed)
    }

    /// Whether a model of a migration may be listed.
    pub(crate) fn may_see(&self, model: &str, migration: &str) -> bool {
        self.holder.as_ref().is_none_or(|holder| holder.entry.allows_model(model, migration))
    }
}

/// The pure function of the same name, with the system's chance.
///
/// # Errors
/// The change is refused, or the system gives no randomness.
pub(crate) fn changed(
    kept: Option<&[u8]>,
    change: &Change,
    expected: Option<u64>,
    now_us: i64,
) -> Result<(Document, Outcome), CallersError> {
    let seed = chance().ok_or(CallersError::Chance)?;
    Ok(lease::keys::changed(kept, change, expected, &mut Chance::new(seed), now_us)?)
}

/// 256 bits that nobody can guess; `None` if the system gives none.
pub(crate) fn chance() -> Option<[u8; 32]> {
    let mut bits = [0; 32];
    rustls::crypto::aws_lc_rs::default_provider().secure_random.fill(&mut bits).ok()?;
    Some(bits)
}

fn source(config: &Config, parts: &request::Parts, peer: IpAddr) -> IpAddr {
    source_of(config, &parts.headers, peer)
}

/// Where a request comes from.
pub(crate) fn source_of(config: &Config, headers: &HeaderMap, peer: IpAddr) -> IpAddr {
    let forwarded = headers.get_all("x-forwarded-for").iter().map(http::HeaderValue::as_bytes);
    lease::keys::source(peer, forwarded, &config.trusted_proxies)
}

#[cfg(test)]
mod tests;
