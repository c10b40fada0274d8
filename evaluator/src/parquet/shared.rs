//! Names that several threads number together.
//!
//! Each thread keeps what it has seen, so that the shared table is asked once for each name and thread.

use crate::rows::{EndingId, EndingNames, NameId, Names, RouteId, RouteNames};
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A thread's view of the shared table.
pub(super) struct SharedNames<'a> {
    names: &'a Mutex<Names>,
    texts: HashMap<String, NameId>,
    routes: Recent<RouteNames, RouteId>,
    endings: Recent<EndingNames, EndingId>,
}

impl<'a> SharedNames<'a> {
    pub(super) fn new(names: &'a Mutex<Names>) -> Self {
        Self { names, texts: HashMap::new(), routes: Recent::default(), endings: Recent::default() }
    }

    /// The table itself. A thread that panicked left it whole: a name is added in one step that cannot fail.
    pub(super) fn lock(&self) -> MutexGuard<'a, Names> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn text(&mut self, text: &str) -> NameId {
        if let Some(id) = self.texts.get(text) {
            return *id;
        }
        let id = self.lock().intern(text);
        self.texts.insert(text.to_owned(), id);
        id
    }

    pub(super) fn route(&mut self, names: RouteNames) -> RouteId {
        let table = self.names;
        self.routes.get(names, || table.lock().unwrap_or_else(PoisonError::into_inner).route_of(names))
    }

    pub(super) fn ending(&mut self, names: EndingNames) -> EndingId {
        let table = self.names;
        self.endings.get(names, || table.lock().unwrap_or_else(PoisonError::into_inner).ending_of(names))
    }
}

/// A map whose last answers are found without hashing: rows of the two arms alternate, so few of them matter.
struct Recent<K, V> {
    last: [Option<(K, V)>; 4],
    next: usize,
    known: HashMap<K, V>,
}

impl<K: Copy, V: Copy> Default for Recent<K, V> {
    fn default() -> Self {
        Self { last: [None; 4], next: 0, known: HashMap::new() }
    }
}

impl<K: Copy + Eq + Hash, V: Copy> Recent<K, V> {
    fn get(&mut self, key: K, make: impl FnOnce() -> V) -> V {
        if let Some((_, value)) = self.last.iter().flatten().find(|(known, _)| *known == key) {
            return *value;
        }
        let value = *self.known.entry(key).or_insert_with(make);
        self.last[self.next] = Some((key, value));
        self.next = (self.next + 1) % self.last.len();
        value
    }
}
