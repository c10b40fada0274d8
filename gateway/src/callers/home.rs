//! Where consumers are kept beside the configuration, and how a gateway learns that somebody else has changed them.
//!
//! Of several replicas, Redis is the home. A key file then says what Redis begins with, if nobody has given it anything, and
//! keeps what was used.

use super::file::{KeyFile, KeyFileError, Stamp};
use super::{CallersError, Refreshed};
use crate::replicas::{Replicas, StoreError};
use crate::state::Shared;
use lease::keys::Usage;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::task::JoinHandle;

/// How often the home is looked at. A look, not a notice of the system: notices know nothing of network folders, and lose a
/// file when the link to it is turned, as Kubernetes does with mounted secrets.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// How many looks pass between two writes of what was used.
const LOOKS_PER_WRITE: u64 = 2;

/// Why the home does not answer.
#[derive(Debug, thiserror::Error)]
pub enum HomeError {
    /// The key file.
    #[error(transparent)]
    File(#[from] KeyFileError),
    /// Redis, which replicas share.
    #[error("the consumers are in Redis: {0}")]
    Redis(String),
    /// It was there before.
    #[error("{path} is gone; the consumers of its last state stay in force, put the file back to change them")]
    Gone {
        /// The file.
        path: String,
    },
    /// There is none.
    #[error("this gateway keeps no consumers beside its configuration: set keys.file")]
    Nowhere,
    /// The work was cut off because the gateway ends.
    #[error("the gateway is stopping")]
    Stopping,
}

/// See the module's text.
#[derive(Debug)]
pub(crate) struct Home {
    place: At,
    /// What is kept there is in force.
    healthy: AtomicBool,
    /// Something was there once.
    seen: AtomicBool,
    /// How the file looked when it was last read.
    stamp: Mutex<Option<Stamp>>,
    /// What Redis had at the last look.
    looked: Mutex<Option<Arc<[u8]>>>,
    taken: AtomicU64,
    refused: AtomicU64,
}

/// What a look at the home found.
pub(crate) enum Look {
    /// What was there before.
    Same,
    /// Nothing.
    Nothing,
    /// What is kept, perhaps the same as before.
    Found(Vec<u8>),
}

#[derive(Debug)]
enum At {
    Nowhere,
    File(Arc<KeyFile>),
    /// In Redis; the file, if there is one, says what it begins with.
    Redis(Arc<Replicas>, Option<Arc<KeyFile>>),
}

impl Home {
    pub(super) fn new(file: Option<&Path>, replicas: Option<Arc<Replicas>>) -> Self {
        let file = file.map(|path| Arc::new(KeyFile::new(path)));
        let place = match (replicas, file) {
            (Some(replicas), file) => At::Redis(replicas, file),
            (None, Some(file)) => At::File(file),
            (None, None) => At::Nowhere,
        };
        Self {
            place,
            healthy: AtomicBool::new(true),
            seen: AtomicBool::new(false),
            stamp: Mutex::new(None),
            looked: Mutex::new(None),
            taken: AtomicU64::new(0),
            refused: AtomicU64::new(0),
        }
    }

    /// As errors name it.
    pub(super) fn name(&self) -> String {
        match &self.place {
            At::Nowhere => "nowhere".to_owned(),
            At::File(file) => file.path().display().to_string(),
            At::Redis(..) => "Redis".to_owned(),
        }
    }

    /// What was there is not.
    pub(super) fn gone(&self) -> HomeError {
        HomeError::Gone { path: self.name() }
    }

    /// Whether there is one.
    pub(crate) const fn is_somewhere(&self) -> bool {
        !matches!(self.place, At::Nowhere)
    }

    /// Whether what is kept is in force; then how often a changed state was taken, and how often one was not.
    pub(crate) fn health(&self) -> (bool, u64, u64) {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        (self.healthy.load(Ordering::Relaxed), load(&self.taken), load(&self.refused))
    }

    /// What is kept; `None` if nothing is. Waits for the disk: for the start only.
    pub(super) fn read_now(&self) -> Result<Option<Vec<u8>>, HomeError> {
        match &self.place {
            At::Nowhere | At::Redis(..) => Ok(None),
            At::File(file) => {
                let kept = file.read()?;
                self.seen.store(kept.is_some(), Ordering::Relaxed);
                Ok(kept)
            }
        }
    }

    /// What is kept, unless it looks just as it did at the last look.
    pub(super) async fn look(&self) -> Result<Look, HomeError> {
        let file = match &self.place {
            At::Nowhere => return Err(HomeError::Nowhere),
            At::File(file) => file,
            At::Redis(replicas, file) => return self.look_at_redis(replicas, file.as_ref()).await,
        };
        let (file, last) = (Arc::clone(file), self.stamp().take());
        let (stamp, look) = apart(move || {
            let stamp = file.stamp();
            if stamp.as_ref().is_some_and(|now| now.is_settled() && last.as_ref() == Some(now)) {
                return Ok((stamp, Look::Same));
            }
            Ok((stamp, file.read()?.map_or(Look::Nothing, Look::Found)))
        })
        .await?;
        *self.stamp() = stamp;
        Ok(look)
    }

    /// What Redis has; the file's consumers, if nobody has ever given it any.
    async fn look_at_redis(&self, replicas: &Replicas, file: Option<&Arc<KeyFile>>) -> Result<Look, HomeError> {
        let mut found = replicas.read_keys().await.map_err(away)?;
        if let (None, Some(file)) = (&found, file.cloned())
            && let Some(text) = apart(move || file.read()).await?
        {
            replicas.seed_keys(&text).await.map_err(away)?;
            found = replicas.read_keys().await.map_err(away)?;
        }
        let Some(text) = found else { return Ok(Look::Nothing) };
        let last = self.looked().replace(Arc::clone(&text));
        // It is the same allocation as long as Redis has the same text.
        Ok(if last.is_some_and(|last| Arc::ptr_eq(&last, &text)) { Look::Same } else { Look::Found(text.to_vec()) })
    }

    fn looked(&self) -> MutexGuard<'_, Option<Arc<[u8]>>> {
        self.looked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until somebody says that what is kept has changed: for ever where nobody could.
    async fn changed(&self) {
        match &self.place {
            At::Redis(replicas, _) => replicas.keys_changed().await,
            At::Nowhere | At::File(_) => std::future::pending().await,
        }
    }

    /// The next look finds what is there, changed or not.
    pub(super) fn forget_look(&self) {
        *self.stamp() = None;
        *self.looked() = None;
    }

    fn stamp(&self) -> MutexGuard<'_, Option<Stamp>> {
        self.stamp.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is kept; `None` if nothing is.
    ///
    /// # Errors
    /// It cannot be read.
    pub(super) async fn read(&self) -> Result<Option<Vec<u8>>, HomeError> {
        match &self.place {
            At::Nowhere => Err(HomeError::Nowhere),
            At::File(file) => {
                let file = Arc::clone(file);
                apart(move || file.read()).await
            }
            At::Redis(replicas, _) => Ok(replicas.read_keys().await.map_err(away)?.map(|text| text.to_vec())),
        }
    }

    /// Keeps `new` if what is kept is still `expected`, and says whether it did.
    ///
    /// # Errors
    /// It cannot be written.
    pub(super) async fn swap(&self, expected: Option<&[u8]>, new: &[u8]) -> Result<bool, HomeError> {
        match &self.place {
            At::Nowhere => Err(HomeError::Nowhere),
            At::File(file) => {
                let (file, expected, new) = (Arc::clone(file), expected.map(<[u8]>::to_vec), new.to_vec());
                apart(move || file.swap(expected.as_deref(), &new)).await
            }
            At::Redis(replicas, _) => replicas.swap_keys(expected, new).await.map_err(away),
        }
    }

    /// What keys were used, as it was kept when the gateway began.
    pub(super) fn usage(&self) -> Usage {
        self.file().map_or_else(Usage::default, |file| file.usage())
    }

    /// The other replicas, if there are any.
    pub(super) const fn replicas(&self) -> Option<&Arc<Replicas>> {
        match &self.place {
            At::Redis(replicas, _) => Some(replicas),
            At::Nowhere | At::File(_) => None,
        }
    }

    /// The file beside which is kept what was used.
    const fn file(&self) -> Option<&Arc<KeyFile>> {
        match &self.place {
            At::Nowhere => None,
            At::File(file) => Some(file),
            At::Redis(_, file) => file.as_ref(),
        }
    }
}

#[expect(clippy::needless_pass_by_value, reason = "what errors are mapped with takes them whole")]
fn away(error: StoreError) -> HomeError {
    HomeError::Redis(error.to_string())
}

/// Off the threads that serve.
async fn apart<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, KeyFileError> + Send + 'static,
) -> Result<T, HomeError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => Ok(done?),
        Err(_) => Err(HomeError::Stopping),
    }
}

/// Looks at the home again and again, and keeps what was used, until the gateway ends.
pub(crate) async fn watch(shared: Arc<Shared>) {
    let callers = &shared.callers;
    if !callers.home.is_somewhere() {
        return;
    }
    let mut last_error = None;
    let mut writing: Option<JoinHandle<()>> = None;
    for look in 1_u64.. {
        let ended = tokio::select! {
            () = shared.gone.cancelled() => true,
            () = tokio::time::sleep(LOOK_EVERY) => false,
            () = callers.home.changed() => false,
        };
        if ended {
            if let Some(writing) = writing {
                drop(writing.await);
            }
            keep_usage(Arc::clone(&shared)).await;
            return;
        }
        // Apart: a file that cannot be written now must not keep revoked keys in force.
        let is_free = writing.as_ref().is_none_or(JoinHandle::is_finished);
        if look % LOOKS_PER_WRITE == 0 && is_free {
            writing = Some(tokio::spawn(keep_usage(Arc::clone(&shared))));
        }
        let refreshed = callers.refresh(crate::clock::now_us()).await;
        note(&callers.home, refreshed, &mut last_error);
    }
}

/// Says in the log and in the metrics how a look went; the same trouble is said once.
fn note(home: &Home, refreshed: Result<Refreshed, CallersError>, last_error: &mut Option<String>) {
    let is_new = match refreshed {
        Ok(Refreshed::Same) => return,
        Ok(Refreshed::Found { is_new }) => {
            home.seen.store(true, Ordering::Relaxed);
            Ok(is_new)
        }
        // Nothing was ever there: the first change makes it.
        Ok(Refreshed::Nothing) if !home.seen.load(Ordering::Relaxed) => Ok(false),
        Ok(Refreshed::Nothing) => Err(home.gone().to_string()),
        Err(error) => Err(error.to_string()),
    };
    home.healthy.store(is_new.is_ok(), Ordering::Relaxed);
    match is_new {
        Ok(is_new) => {
            home.taken.fetch_add(u64::from(is_new), Ordering::Relaxed);
            if last_error.take().is_some() {
                tracing::info!(place = home.name(), "what is kept of consumers is in force again");
            }
        }
        Err(error) => {
            if last_error.as_ref() != Some(&error) {
                home.refused.fetch_add(1, Ordering::Relaxed);
                tracing::error!(place = home.name(), error, "changed consumers are not used; the last good ones stay");
                *last_error = Some(error);
            }
        }
    }
}

/// Adds what was used to what is kept. What cannot be written waits for the next time.
async fn keep_usage(shared: Arc<Shared>) {
    let Some(file) = shared.callers.home.file() else { return };
    let tally = shared.callers.tally();
    let fresh = tally.take_fresh(crate::clock::now_us());
    if fresh.is_empty() {
        return;
    }
    let (file, added, owner) = (Arc::clone(file), fresh.clone(), Arc::clone(&shared));
    let kept = apart(move || {
        let known = owner.callers.key_ids();
        owner.callers.tally().retain(|id| known.contains(id));
        file.add_usage(&added, |id| known.contains(id))
    });
    match kept.await {
        Ok(usage) => tally.learn(usage),
        Err(error) => {
            tracing::warn!(%error, "what keys were used cannot be kept; trying again");
            tally.give_back(&fresh);
        }
    }
}
