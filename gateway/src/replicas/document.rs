//! A document of bytes that all replicas share: read, and replaced by comparing.
//!
//! Only its digest is asked for with each read of the watching task; its text travels when that has changed. A replica keeps
//! the last text it saw: it is what counts while Redis is away, and what Redis gets back if it has lost it.

use super::Replicas;
use super::store::{Function, StoreError};
use super::weight::Origin;
use redis::{Script, ScriptInvocation};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// See the module's text.
pub(super) struct SharedDocument {
    key: &'static str,
    script: Script,
    last: Mutex<Option<Version>>,
    was_read: AtomicBool,
}

/// A text as it stood.
#[derive(Clone)]
struct Version {
    stamp: Stamp,
    text: Arc<[u8]>,
}

/// What tells two texts apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stamp {
    digest: String,
    generation: u64,
    origin: Origin,
}

/// Digest, generation and origin as Redis tells them; all absent where it has none.
pub(super) type StampFields = (Option<String>, Option<u64>, Option<String>);

impl Stamp {
    /// Reads one; `Ok(None)` where there is none.
    pub(super) fn read((digest, generation, origin): StampFields) -> Result<Option<Self>, StoreError> {
        let Some(digest) = digest else { return Ok(None) };
        let origin = origin.as_deref().and_then(Origin::parse);
        let (Some(generation), Some(origin)) = (generation, origin) else { return Err(StoreError::Unexpected) };
        Ok(Some(Self { digest, generation, origin }))
    }

    /// The same from plain texts.
    pub(super) fn parse(fields: &[Option<String>]) -> Result<Option<Self>, StoreError> {
        let [digest, generation, origin] = fields else { return Err(StoreError::Unexpected) };
        let generation = generation.as_ref().and_then(|text| text.parse().ok());
        Self::read((digest.clone(), generation, origin.clone()))
    }

    fn counts_more_than(&self, other: &Self) -> bool {
        (self.origin, self.generation) > (other.origin, other.generation)
    }
}

impl SharedDocument {
    pub(super) fn new(key: &'static str) -> Self {
        let script = Script::new(include_str!("lua/document.lua"));
        Self { key, script, last: Mutex::new(None), was_read: AtomicBool::new(false) }
    }

    fn last(&self) -> MutexGuard<'_, Option<Version>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks for what tells whether the text has changed.
    pub(super) fn ask(&self, replicas: &Replicas, commands: &mut redis::Pipeline) {
        commands.cmd("HMGET").arg(replicas.store.key(self.key)).arg(&["digest", "generation", "origin"]);
    }

    /// Whether a text of this stamp has to be read or given back.
    pub(super) fn differs(&self, stored: Option<&Stamp>) -> bool {
        self.last().as_ref().map(|version| &version.stamp) != stored
    }

    /// Whether Redis has ever said what it has, or that it has nothing.
    pub(super) fn was_read(&self) -> bool {
        self.was_read.load(Ordering::Relaxed)
    }

    fn call(&self, replicas: &Replicas, step: &str, expected: &str, new: &Version) -> ScriptInvocation<'_> {
        let mut call = self.script.prepare_invoke();
        call.key(replicas.store.key(self.key))
            .arg(replicas.store.channel())
            .arg(step)
            .arg(expected)
            .arg(new.stamp.digest.as_str())
            .arg(new.stamp.origin.name())
            .arg(new.stamp.generation)
            .arg(&*new.text);
        call
    }

    async fn run(
        &self,
        replicas: &Replicas,
        step: &str,
        expected: &str,
        new: &Version,
    ) -> Result<(bool, Option<Stamp>), StoreError> {
        let call = self.call(replicas, step, expected, new);
        let (kept, digest, generation, origin): (u8, Option<String>, Option<u64>, Option<String>) =
            replicas.store.run(Function::Keys, &call).await?;
        Ok((kept == 1, Stamp::read((digest, generation, origin))?))
    }

    /// The text as it stands in Redis, which gets it back if it has lost it; `None` if nobody has one.
    ///
    /// # Errors
    /// Redis did not say.
    pub(super) async fn read(&self, replicas: &Replicas) -> Result<Option<Arc<[u8]>>, StoreError> {
        let mut commands = redis::pipe();
        self.ask(replicas, &mut commands);
        let (fields,): (StampFields,) = replicas.store.query(Function::Keys, &commands).await?;
        let stored = Stamp::read(fields)?;
        self.was_read.fetch_or(stored.is_none(), Ordering::Relaxed);
        let last = self.last().clone();
        match (last, stored) {
            (None, None) => Ok(None),
            (Some(last), Some(stored)) if last.stamp == stored => Ok(Some(last.text)),
            (Some(last), None) => self.give_back(replicas, last).await,
            (Some(last), Some(stored)) if last.stamp.counts_more_than(&stored) => self.give_back(replicas, last).await,
            (_, Some(_)) => self.fetch(replicas).await,
        }
    }

    async fn give_back(&self, replicas: &Replicas, last: Version) -> Result<Option<Arc<[u8]>>, StoreError> {
        tracing::warn!(key = self.key, "Redis has lost what it held: it is given back");
        match self.run(replicas, "offer", "", &last).await? {
            (true, Some(stamp)) => Ok(Some(self.remember(stamp, last.text))),
            _ => self.fetch(replicas).await,
        }
    }

    async fn fetch(&self, replicas: &Replicas) -> Result<Option<Arc<[u8]>>, StoreError> {
        let mut commands = redis::pipe();
        let fields = ["digest", "generation", "origin", "text"];
        commands.cmd("HMGET").arg(replicas.store.key(self.key)).arg(&fields);
        type Fetched = (Option<String>, Option<u64>, Option<String>, Option<Vec<u8>>);
        let ((digest, generation, origin, text),): (Fetched,) = replicas.store.query(Function::Keys, &commands).await?;
        let Some(stamp) = Stamp::read((digest, generation, origin))? else { return Ok(None) };
        // A text that is not the one of its digest was written by somebody else.
        let text = text.filter(|text| datasets::digest::of_bytes(text) == stamp.digest);
        Ok(Some(self.remember(stamp, text.ok_or(StoreError::Unexpected)?.into())))
    }

    /// Keeps `new` if what Redis has is still `expected`, and says whether it did.
    ///
    /// # Errors
    /// Redis did not do it, or did not say so.
    pub(super) async fn swap(
        &self,
        replicas: &Replicas,
        expected: Option<&[u8]>,
        new: &[u8],
    ) -> Result<bool, StoreError> {
        let stamp = Stamp { digest: datasets::digest::of_bytes(new), generation: 0, origin: Origin::Set };
        let version = Version { stamp, text: new.into() };
        let expected = expected.map_or_else(String::new, datasets::digest::of_bytes);
        match self.run(replicas, "swap", &expected, &version).await? {
            (true, Some(stamp)) => {
                self.remember(stamp, version.text);
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    /// Gives Redis what a file says, if nobody has given it anything yet.
    ///
    /// # Errors
    /// Redis did not do it, or did not say so.
    pub(super) async fn seed(&self, replicas: &Replicas, text: &[u8]) -> Result<(), StoreError> {
        let stamp = Stamp { digest: datasets::digest::of_bytes(text), generation: 1, origin: Origin::File };
        let version = Version { stamp, text: text.into() };
        if let (true, Some(stamp)) = self.run(replicas, "seed", "", &version).await? {
            self.remember(stamp, version.text);
        }
        Ok(())
    }

    fn remember(&self, stamp: Stamp, text: Arc<[u8]>) -> Arc<[u8]> {
        self.was_read.store(true, Ordering::Relaxed);
        *self.last() = Some(Version { stamp, text: Arc::clone(&text) });
        text
    }
}
