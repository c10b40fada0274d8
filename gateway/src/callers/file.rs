//! The key file: a document on disk, and beside it what keys were used.
//!
//! Writers take a lock file first, compare what stands there with what they read, and then replace it in one step: two
//! writers, of which one may be the command and the other a gateway, never lose each other's change, and a reader never sees
//! half a file. A symbolic link is followed, and its target replaced. The file is for its owner only.

use super::CallersError;
use lease::keys::{Change, Document, Listing, Outcome, Place, Usage};
use std::collections::HashSet;
use std::ffi::OsString;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

/// Longest file that is read: more than as many keys as a document may have.
const BYTES_MAX: u64 = 128 * 1024 * 1024;
/// What was written so long ago was not written since by anybody whose clock is the file's: some systems count time in
/// steps of two seconds.
const SETTLES_AFTER: Duration = Duration::from_secs(3);
/// How long another writer may take, and how often is looked whether he has ended. A change takes milliseconds; one that holds
/// the lock longer is stuck, and must not hold up others for ever.
const LOCK_WAIT: Duration = Duration::from_secs(5);
const LOCK_LOOK_EVERY: Duration = Duration::from_millis(10);
/// How often a change is made anew because somebody else was faster.
const TRIES: usize = 16;

/// Why a key file cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("cannot {what} {path}: {source}{hint}")]
pub struct KeyFileError {
    what: &'static str,
    path: PathBuf,
    source: std::io::Error,
    hint: &'static str,
}

/// How a file looks from outside: enough to see that it may have changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stamp {
    modified: SystemTime,
    bytes: u64,
    /// Which file it is, where systems number them: another one may have come in its place.
    number: u64,
    /// It was written so recently that it may be written again without looking any different.
    settled: bool,
}

impl Stamp {
    pub(super) const fn is_settled(&self) -> bool {
        self.settled
    }
}

/// See the module's text. Everything here waits for the disk.
#[derive(Debug, Clone)]
pub struct KeyFile {
    path: PathBuf,
    lock_wait: Duration,
}

impl KeyFile {
    /// At this path; nothing is read or written yet.
    #[must_use]
    pub fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), lock_wait: LOCK_WAIT }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What stands there; `None` if there is no such file.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn read(&self) -> Result<Option<Vec<u8>>, KeyFileError> {
        read(&self.path)
    }

    /// How it looks; `None` if it is not there.
    pub(super) fn stamp(&self) -> Option<Stamp> {
        let metadata = self.path.metadata().ok()?;
        #[cfg(unix)]
        let number = std::os::unix::fs::MetadataExt::ino(&metadata);
        #[cfg(not(unix))]
        let number = 0;
        let modified = metadata.modified().ok()?;
        let settled = modified.elapsed().is_ok_and(|age| age > SETTLES_AFTER);
        Some(Stamp { modified, bytes: metadata.len(), number, settled })
    }

    /// Keeps `new` if what stands there is still `expected`, and says whether it did.
    ///
    /// # Errors
    /// It cannot be written; what stood there still does.
    pub fn swap(&self, expected: Option<&[u8]>, new: &[u8]) -> Result<bool, KeyFileError> {
        let _lock = self.lock()?;
        if self.read()?.as_deref() != expected {
            return Ok(false);
        }
        replace(&self.path, new)?;
        Ok(true)
    }

    /// Makes a change, without any gateway; one that watches the file sees it within a second.
    ///
    /// # Errors
    /// The change is refused, or the file cannot be read, written or used; then nothing has changed.
    pub fn change(&self, change: &Change, now_us: i64) -> Result<Outcome, CallersError> {
        for _ in 0..TRIES {
            let kept = self.read().map_err(super::HomeError::from)?;
            let (document, outcome) = super::changed(kept.as_deref(), change, None, now_us)?;
            if self.swap(kept.as_deref(), &document.to_json()).map_err(super::HomeError::from)? {
                return Ok(outcome);
            }
        }
        Err(CallersError::Contended)
    }

    /// Everything that may be shown of it.
    ///
    /// # Errors
    /// The file cannot be read or used.
    pub fn listing(&self, now_us: i64) -> Result<Listing, CallersError> {
        let kept = self.read().map_err(super::HomeError::from)?;
        let document = kept.as_deref().map(Document::from_json).transpose()?.unwrap_or_default();
        Ok(Listing::new(document.generation, now_us, &[(Place::Kept, &document.consumers)], &self.usage()))
    }

    /// What keys were used; nothing, with a word in the log, if that cannot be read: it is worth less than serving.
    #[must_use]
    pub fn usage(&self) -> Usage {
        let path = self.beside("usage.json");
        let kept = match read(&path) {
            Ok(kept) => kept,
            Err(error) => {
                tracing::warn!(%error, "what keys were used is not known");
                return Usage::default();
            }
        };
        kept.as_deref().map_or_else(Usage::default, |bytes| {
            Usage::from_json(bytes).unwrap_or_else(|error| {
                tracing::warn!(path = %path.display(), %error, "what keys were used is not known");
                Usage::default()
            })
        })
    }

    /// Adds what was used to what stands beside the file, and forgets keys that neither `is_there` nor the file knows. Gateways that share
    /// the file add to each other's counts; returns all of them.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn add_usage(&self, fresh: &Usage, is_there: impl Fn(&str) -> bool) -> Result<Usage, KeyFileError> {
        let _lock = self.lock()?;
        let mut usage = self.usage();
        usage.merge(fresh);
        // Another gateway may have made keys that this one has not read yet; a file that cannot be read forgets nothing.
        let document = self.read()?.map(|bytes| Document::from_json(&bytes)).transpose();
        if let Ok(document) = document {
            let kept = document.unwrap_or_default();
            let kept: HashSet<&str> = kept.keys().map(|(_, key)| key.id.as_str()).collect();
            usage.retain(|id| is_there(id) || kept.contains(id));
        }
        replace(&self.beside("usage.json"), &usage.to_json())?;
        Ok(usage)
    }

    /// A file beside this one: `consumers.json` has `consumers.usage.json`.
    fn beside(&self, end: &str) -> PathBuf {
        let mut name: OsString = self.path.file_stem().unwrap_or_default().to_owned();
        name.push(".");
        name.push(end);
        self.path.with_file_name(name)
    }

    /// Held until the returned file is dropped, by one writer of all processes.
    ///
    /// # Errors
    /// It cannot be had, or not within the deadline.
    fn lock(&self) -> Result<File, KeyFileError> {
        let path = self.beside("lock");
        let lock = private().write(true).create(true).truncate(false).open(&path).map_err(fail("lock", &path))?;
        let deadline = Instant::now() + self.lock_wait;
        loop {
            match lock.try_lock() {
                Ok(()) => return Ok(lock),
                Err(TryLockError::Error(error)) => return Err(fail("lock", &path)(error)),
                Err(TryLockError::WouldBlock) if Instant::now() < deadline => std::thread::sleep(LOCK_LOOK_EVERY),
                Err(TryLockError::WouldBlock) => return Err(fail("lock", &path)(ErrorKind::TimedOut.into())),
            }
        }
    }
}

/// A file that only its owner may read, where systems know owners.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

fn fail<'a>(what: &'static str, path: &'a Path) -> impl FnOnce(std::io::Error) -> KeyFileError + 'a {
    move |source| {
        let hint = match source.kind() {
            ErrorKind::NotFound => "; its folder has to exist",
            ErrorKind::TimedOut => "; another process holds it: end that one, or try again",
            ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
                "; the gateway's user has to be allowed to write the file and its folder"
            }
            _ => "",
        };
        KeyFileError { what, path: path.to_owned(), source, hint }
    }
}

fn read(path: &Path) -> Result<Option<Vec<u8>>, KeyFileError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(fail("read", path)(error)),
    };
    let mut bytes = Vec::new();
    file.take(BYTES_MAX + 1).read_to_end(&mut bytes).map_err(fail("read", path))?;
    if bytes.len() as u64 > BYTES_MAX {
        return Err(fail("read", path)(std::io::Error::other(format!("it has more than {BYTES_MAX} bytes"))));
    }
    Ok(Some(bytes))
}

/// Puts new bytes in the place of the old ones in one step, on the disk when this returns.
fn replace(path: &Path, bytes: &[u8]) -> Result<(), KeyFileError> {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    // A link stays a link.
    let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".{}.{number}.new", std::process::id()));
    let new = path.with_file_name(name);
    let written = private().write(true).create_new(true).open(&new).and_then(|mut file| {
        keep_owner(&path, &file)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        std::fs::rename(&new, &path)
    });
    if let Err(error) = written {
        // Whether it was ever there is not known.
        drop(std::fs::remove_file(&new));
        return Err(fail("write", &path)(error));
    }
    // Without this the rename itself may be lost with the power; systems that cannot do it do not need it.
    if let Some(folder) = path.parent().and_then(|folder| File::open(folder).ok()) {
        drop(folder.sync_all());
    }
    Ok(())
}

/// Gives a new file to the owner of the one that it replaces: a file that the command wrote as another user would be
/// unreadable for the gateway, and keys that it revokes would go on.
///
/// # Errors
/// It cannot be given away, which only root may do.
#[cfg(unix)]
fn keep_owner(old: &Path, new: &File) -> std::io::Result<()> {
    use std::os::unix::fs::{MetadataExt, fchown};
    let Ok(old) = old.metadata() else { return Ok(()) };
    let made = new.metadata()?;
    if (old.uid(), old.gid()) == (made.uid(), made.gid()) {
        return Ok(());
    }
    match fchown(new, Some(old.uid()), Some(old.gid())) {
        Err(_) if old.uid() != made.uid() => Err(std::io::Error::other(format!(
            "it belongs to user {}, who could not read what user {} writes; run this as its owner",
            old.uid(),
            made.uid()
        ))),
        // The file is for its owner only: its group has no use for it.
        _ => Ok(()),
    }
}

#[cfg(not(unix))]
fn keep_owner(_: &Path, _: &File) -> std::io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use lease::keys::{Day, Scopes};

    fn create(consumer: &str) -> Change {
        Change::Create {
            consumer: consumer.to_owned(),
            note: String::new(),
            scopes: Scopes::default(),
            expires_at: None,
        }
    }

    #[test]
    fn a_change_is_kept_whole_for_its_owner_and_leaves_nothing_else_behind() {
        let folder = tempfile::tempdir().unwrap();
        let file = KeyFile::new(&folder.path().join("consumers.json"));
        assert_eq!(file.read().unwrap(), None);
        let issued = file.change(&create("a"), 5).unwrap().issued.unwrap();
        file.change(&create("b"), 6).unwrap();
        let bytes = file.read().unwrap().unwrap();
        let document = Document::from_json(&bytes).unwrap();
        assert_eq!((document.generation, document.consumers.len()), (2, 2));
        assert!(!String::from_utf8(bytes).unwrap().contains(&issued.key[16..]));
        let mut names: Vec<_> =
            folder.path().read_dir().unwrap().map(|one| one.unwrap().file_name().into_string().unwrap()).collect();
        names.sort_unstable();
        assert_eq!(names, ["consumers.json", "consumers.lock"]);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(file.path().metadata().unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn writers_at_the_same_time_never_lose_each_others_change() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("consumers.json");
        std::thread::scope(|scope| {
            for writer in 0..4 {
                let path = &path;
                scope.spawn(move || {
                    for turn in 0..10 {
                        let file = KeyFile::new(path);
                        let change = create(&format!("c{writer}-{turn}"));
                        while matches!(file.change(&change, 0), Err(CallersError::Contended)) {}
                    }
                });
            }
        });
        let document = Document::from_json(&KeyFile::new(&path).read().unwrap().unwrap()).unwrap();
        assert_eq!((document.generation, document.consumers.len(), document.keys().count()), (40, 40, 40));
    }

    #[cfg(unix)]
    #[test]
    fn a_link_stays_a_link() {
        let folder = tempfile::tempdir().unwrap();
        let (link, target) = (folder.path().join("link.json"), folder.path().join("target.json"));
        KeyFile::new(&target).change(&create("a"), 0).unwrap();
        std::os::unix::fs::symlink(&target, &link).unwrap();
        KeyFile::new(&link).change(&create("b"), 0).unwrap();
        assert!(link.symlink_metadata().unwrap().is_symlink());
        assert_eq!(KeyFile::new(&target).listing(0).unwrap().consumers.len(), 2);
    }

    #[test]
    fn counts_of_two_gateways_are_added_and_those_of_gone_keys_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let file = KeyFile::new(&folder.path().join("consumers.json"));
        let mut fresh = Usage::default();
        fresh.add("a", Day::of(0), 2, 7);
        file.add_usage(&fresh, |_| true).unwrap();
        fresh.add("b", Day::of(0), 1, 8);
        file.add_usage(&fresh, |id| id == "a").unwrap();
        assert_eq!(file.usage().of("a").unwrap().uses_by_day.values().sum::<u64>(), 4);
        assert_eq!(file.usage().of("b"), None);
        std::fs::write(folder.path().join("consumers.usage.json"), "broken").unwrap();
        assert!(file.usage().is_empty(), "worth less than serving");
    }

    #[test]
    fn a_stuck_holder_of_the_lock_is_not_waited_for_for_ever() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("consumers.json");
        let holder = KeyFile::new(&path).lock().unwrap();
        let file = KeyFile { lock_wait: Duration::from_millis(30), ..KeyFile::new(&path) };
        let error = file.change(&create("a"), 0).unwrap_err().to_string();
        assert!(error.contains("another process holds it"), "{error}");
        drop(holder);
        file.change(&create("a"), 0).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn a_replaced_file_keeps_its_owner() {
        use std::os::unix::fs::{MetadataExt, chown};
        let folder = tempfile::tempdir().unwrap();
        let file = KeyFile::new(&folder.path().join("consumers.json"));
        file.change(&create("a"), 0).unwrap();
        if chown(file.path(), Some(4711), Some(4712)).is_err() {
            eprintln!("skipped: only root can give a file away");
            return;
        }
        file.change(&create("b"), 0).unwrap();
        let metadata = file.path().metadata().unwrap();
        assert_eq!((metadata.uid(), metadata.gid()), (4711, 4712));
    }

    #[test]
    fn counts_of_a_key_that_another_gateway_made_stay() {
        let folder = tempfile::tempdir().unwrap();
        let file = KeyFile::new(&folder.path().join("consumers.json"));
        file.change(&create("a"), 0).unwrap();
        let id = Document::from_json(&file.read().unwrap().unwrap()).unwrap().keys().next().unwrap().1.id.clone();
        let mut fresh = Usage::default();
        fresh.add(&id, Day::of(0), 2, 7);
        file.add_usage(&fresh, |_| false).unwrap();
        assert!(file.usage().of(&id).is_some());
    }

    #[test]
    fn a_folder_that_is_not_there_is_said() {
        let error = KeyFile::new(Path::new("/nowhere/at/all/consumers.json")).change(&create("a"), 0).unwrap_err();
        assert!(error.to_string().contains("its folder has to exist"), "{error}");
    }
}
