//! From one document and a change to the next document.

use super::change::{Change, ChangeError, Old, Until};
use super::digest::Digest;
use super::document::{Consumer, Document, DocumentError, Key, Origin, State};
use super::instant::Instant;
use super::issue::Chance;
use super::name::{is_name, rule};
use super::scopes::Scopes;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// A key that was just made. It is shown to whoever asked for it, and never again.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Issued {
    /// Whose key it is.
    pub consumer: String,
    /// Its public id.
    pub id: String,
    /// The key itself.
    pub key: String,
}

impl fmt::Debug for Issued {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Issued").field("consumer", &self.consumer).field("id", &self.id).finish_non_exhaustive()
    }
}

/// What a change did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// Generation that now is.
    pub generation: u64,
    /// The new key, if one was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issued: Option<Issued>,
    /// Ids of the keys that are new or different now.
    pub changed: Vec<String>,
    /// Keys that were as the change wants them already.
    pub unchanged: u64,
}

/// Makes a change: from what is kept (`None` if nothing is yet) to what is to be kept instead, and what was done. With
/// `expected`, only if that is still the generation. A change that changes nothing gives back the same generation.
///
/// # Errors
/// See [`ChangeError`]; then nothing is to be kept.
pub fn changed(
    kept: Option<&[u8]>,
    change: &Change,
    expected: Option<u64>,
    chance: &mut Chance,
    now_us: i64,
) -> Result<(Document, Outcome), ChangeError> {
    let mut document = kept.map(Document::from_json).transpose()?.unwrap_or_default();
    let generation = document.generation;
    if let Some(expected) = expected.filter(|expected| *expected != generation) {
        return Err(ChangeError::Generation { expected, now: generation });
    }
    let before = document.clone();
    let mut work = Work { document: &mut document, chance, now_us, outcome: Outcome::default() };
    work.apply(change)?;
    let mut outcome = work.outcome;
    if document != before {
        document.generation = generation.saturating_add(1);
    }
    outcome.generation = document.generation;
    let mistakes = document.mistakes();
    if !mistakes.is_empty() {
        return Err(ChangeError::Document(DocumentError::Mistakes { mistakes }));
    }
    Ok((document, outcome))
}

struct Work<'a> {
    document: &'a mut Document,
    chance: &'a mut Chance,
    now_us: i64,
    outcome: Outcome,
}

impl Work<'_> {
    fn apply(&mut self, change: &Change) -> Result<(), ChangeError> {
        let now = Instant::from_us(self.now_us);
        match change {
            Change::Consumer { consumer, groups, note, scopes } => {
                let kept = self.consumer(consumer)?;
                kept.groups.clone_from(groups);
                kept.note.clone_from(note);
                kept.scopes.clone_from(scopes);
                Ok(())
            }
            Change::Create { consumer, note, scopes, expires_at } => {
                self.in_future(*expires_at)?;
                self.issue(consumer, note.clone(), scopes.clone(), *expires_at).map(drop)
            }
            Change::Adopt { keys, sunset_at } => self.adopt(keys, *sunset_at),
            Change::Rotate { id, overlap_seconds, expires_at } => self.rotate(id, *overlap_seconds, *expires_at),
            Change::Revoke { ids, consumer } => self.each(
                ids,
                consumer.as_deref(),
                |_| true,
                |key| {
                    key.revoked_at.get_or_insert(now);
                },
            ),
            Change::Restore { ids, consumer } => {
                self.each(ids, consumer.as_deref(), |_| true, |key| key.revoked_at = None)
            }
            Change::Amend { ids, consumer, expires_at, sunset_at } => {
                self.amend(ids, consumer.as_deref(), *expires_at, *sunset_at)
            }
            Change::Remove { ids } => self.remove(ids),
        }
    }

    /// The consumer of this name, new if there is none.
    fn consumer(&mut self, name: &str) -> Result<&mut Consumer, ChangeError> {
        if !is_name(name) {
            return Err(ChangeError::Refused(format!("the consumer has no usable name: expected {}", rule())));
        }
        let place = self.document.consumers.iter().position(|consumer| consumer.name == name);
        let place = place.unwrap_or_else(|| {
            self.document.consumers.push(Consumer { name: name.to_owned(), ..Consumer::default() });
            self.document.consumers.len() - 1
        });
        self.document.consumers.get_mut(place).ok_or_else(|| unknown("consumer", name))
    }

    fn in_future(&self, end: Option<Instant>) -> Result<(), ChangeError> {
        match end.filter(|end| end.us() <= self.now_us) {
            Some(end) => Err(ChangeError::Refused(format!("{end} is over: a new key would never open anything"))),
            None => Ok(()),
        }
    }

    fn issue(
        &mut self,
        consumer: &str,
        note: String,
        scopes: Scopes,
        expires_at: Option<Instant>,
    ) -> Result<String, ChangeError> {
        let id = self.free_id()?;
        let fresh = self.chance.key(&id);
        let key = Key {
            shown: Some(fresh.shown),
            origin: Origin::Issued,
            note,
            scopes,
            expires_at,
            ..Key::adopted(id.clone(), fresh.digest, Instant::from_us(self.now_us))
        };
        self.consumer(consumer)?.keys.push(key);
        self.outcome.issued = Some(Issued { consumer: consumer.to_owned(), id: id.clone(), key: fresh.key });
        self.outcome.changed.push(id.clone());
        Ok(id)
    }

    /// An id that no key has. Sixty bits hardly ever meet; if they do again and again, chance is broken.
    fn free_id(&mut self) -> Result<String, ChangeError> {
        for _ in 0..8 {
            let id = self.chance.id();
            if self.document.keys().all(|(_, key)| key.id != id) {
                return Ok(id);
            }
        }
        Err(ChangeError::Refused("no free id was found: the system's chance is none".to_owned()))
    }

    fn adopt(&mut self, keys: &[Old], sunset_at: Option<Instant>) -> Result<(), ChangeError> {
        let mut known: BTreeMap<Digest, (usize, usize)> = BTreeMap::new();
        let mut ids = BTreeSet::new();
        for (at, consumer) in self.document.consumers.iter().enumerate() {
            for (place, key) in consumer.keys.iter().enumerate() {
                known.insert(key.sha256, (at, place));
                ids.insert(key.id.clone());
            }
        }
        let mut places: BTreeMap<String, usize> =
            self.document.consumers.iter().enumerate().map(|(at, consumer)| (consumer.name.clone(), at)).collect();
        for (line, old) in keys.iter().enumerate() {
            let wanted = old.sunset_at.or(sunset_at);
            if let Some((at, place)) = known.get(&old.sha256) {
                let consumer = self.document.consumers.get_mut(*at);
                self.outcome.adopted_again(consumer, *place, old, wanted, line)?;
                continue;
            }
            let at = match places.get(&old.consumer) {
                Some(at) => *at,
                None => {
                    self.consumer(&old.consumer)?;
                    places.insert(old.consumer.clone(), self.document.consumers.len() - 1);
                    self.document.consumers.len() - 1
                }
            };
            let id = (0..8).map(|_| self.chance.id()).find(|id| !ids.contains(id));
            let id = id.ok_or_else(|| ChangeError::Refused("no free id was found".to_owned()))?;
            ids.insert(id.clone());
            let Some(consumer) = self.document.consumers.get_mut(at) else { continue };
            known.insert(old.sha256, (at, consumer.keys.len()));
            let note = old.note.clone();
            let now = Instant::from_us(self.now_us);
            consumer.keys.push(Key { sunset_at: wanted, note, ..Key::adopted(id.clone(), old.sha256, now) });
            self.outcome.changed.push(id);
        }
        Ok(())
    }

    fn rotate(&mut self, id: &str, overlap_seconds: u64, expires_at: Option<Instant>) -> Result<(), ChangeError> {
        self.in_future(expires_at)?;
        let found = self.document.keys().find(|(_, key)| key.id == id);
        let (consumer, old) = found.ok_or_else(|| unknown("key", id))?;
        if let Some(next) = &old.rotated_to {
            return Err(ChangeError::Refused(format!("key {id} was replaced by {next} already: rotate that one")));
        }
        if old.state(self.now_us) != State::Valid {
            return Err(ChangeError::Refused(format!("key {id} does not work any more: create a new one")));
        }
        let (consumer, old) = (consumer.name.clone(), old.clone());
        let lasted = old.expires_at.map(|end| end.us().saturating_sub(old.created_at.us()));
        let same_time = lasted.map(|us| Instant::from_us(self.now_us.saturating_add(us)));
        let new = self.issue(&consumer, old.note.clone(), old.scopes.clone(), expires_at.or(same_time))?;
        let end = Instant::from_us(self.now_us).plus_seconds(overlap_seconds);
        let key = self.key(id)?;
        let old_end = if key.origin == Origin::Adopted { &mut key.sunset_at } else { &mut key.expires_at };
        *old_end = Some(old_end.map_or(end, |before| before.min(end)));
        key.rotated_to = Some(new);
        self.outcome.changed.push(id.to_owned());
        Ok(())
    }

    fn amend(
        &mut self,
        ids: &[String],
        consumer: Option<&str>,
        expires_at: Option<Until>,
        sunset_at: Option<Until>,
    ) -> Result<(), ChangeError> {
        if expires_at.is_none() && sunset_at.is_none() {
            return Err(ChangeError::Refused("nothing is to be changed: give expires_at or sunset_at".to_owned()));
        }
        self.each(
            ids,
            consumer,
            |key| key.origin == Origin::Adopted,
            |key| {
                if let Some(until) = expires_at {
                    key.expires_at = until.end();
                }
                if let Some(until) = sunset_at {
                    key.sunset_at = until.end();
                }
            },
        )
    }

    fn remove(&mut self, ids: &[String]) -> Result<(), ChangeError> {
        for id in ids {
            let now_us = self.now_us;
            if self.key(id)?.state(now_us) == State::Valid {
                return Err(ChangeError::Refused(format!("key {id} still works: revoke it first")));
            }
            for consumer in &mut self.document.consumers {
                consumer.keys.retain(|key| key.id != *id);
            }
            self.outcome.changed.push(id.clone());
        }
        Ok(())
    }

    fn key(&mut self, id: &str) -> Result<&mut Key, ChangeError> {
        let mut keys = self.document.consumers.iter_mut().flat_map(|consumer| &mut consumer.keys);
        keys.find(|key| key.id == id).ok_or_else(|| unknown("key", id))
    }

    /// Does the same to each of these keys, and to those of a consumer that are meant.
    fn each(
        &mut self,
        ids: &[String],
        consumer: Option<&str>,
        meant: impl Fn(&Key) -> bool,
        alter: impl Fn(&mut Key),
    ) -> Result<(), ChangeError> {
        let mut all: BTreeSet<String> = ids.iter().cloned().collect();
        if let Some(name) = consumer {
            let kept = self.document.consumer(name).ok_or_else(|| unknown("consumer", name))?;
            all.extend(kept.keys.iter().filter(|key| meant(key)).map(|key| key.id.clone()));
        } else if all.is_empty() {
            return Err(ChangeError::Refused("no key is named: give ids, or a consumer for all of its".to_owned()));
        }
        for id in all {
            let key = self.key(&id)?;
            let before = key.clone();
            alter(key);
            if *key == before {
                self.outcome.unchanged += 1;
            } else {
                self.outcome.changed.push(id);
            }
        }
        Ok(())
    }
}

impl Outcome {
    /// A key that is there already: right if it is the same consumer's, and then only its sunset may be new.
    fn adopted_again(
        &mut self,
        consumer: Option<&mut Consumer>,
        place: usize,
        old: &Old,
        wanted: Option<Instant>,
        line: usize,
    ) -> Result<(), ChangeError> {
        let Some(consumer) = consumer else { return Ok(()) };
        if consumer.name != old.consumer {
            return Err(ChangeError::Refused(format!(
                "key {} of the list belongs to {} already: a key belongs to one consumer, once",
                line + 1,
                consumer.name
            )));
        }
        match consumer.keys.get_mut(place) {
            Some(key) if wanted.is_some() && key.sunset_at != wanted && key.origin == Origin::Adopted => {
                key.sunset_at = wanted;
                self.changed.push(key.id.clone());
            }
            _ => self.unchanged += 1,
        }
        Ok(())
    }
}

fn unknown(what: &'static str, name: &str) -> ChangeError {
    // A key that was given in the place of its id must not come back in an error.
    let shown = name.get(..24).unwrap_or(name);
    ChangeError::Unknown {
        what,
        name: if is_name(name) && name.len() <= 24 { shown.to_owned() } else { "of that name".to_owned() },
    }
}

#[cfg(test)]
mod tests;
