//! One cell of counters for each label set, found by one look-up without a lock.
//!
//! The table is replaced as a whole when a label set is new, which happens a few hundred times in the life of a process;
//! every other exchange only reads it. It is bounded: beyond [`SERIES_MAX`] label sets, model and consumer become `other`.
//! So does a model that cannot be trusted as a label: one with odd characters, or one that only ever failed as unknown,
//! because a client could invent as many of those as it likes.

use super::cell::Cell;
use arc_swap::ArcSwap;
use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, BuildHasherDefault, Hash, Hasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Label sets beyond which models and consumers are folded.
pub(super) const SERIES_MAX: usize = 2000;
/// Value of a folded label.
pub(super) const OTHER: &str = "other";
/// Longest model name that becomes a label.
const MODEL_BYTES_MAX: usize = 96;
/// A label set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Labels<'a> {
    pub migration: &'a str,
    pub arm: &'static str,
    pub role: &'static str,
    pub provider: &'a str,
    pub model: &'a str,
    pub consumer: &'a str,
    pub endpoint: &'static str,
}

/// A cell with its labels.
#[derive(Debug)]
pub(super) struct Series {
    migration: Box<str>,
    arm: &'static str,
    role: &'static str,
    provider: Box<str>,
    model: Box<str>,
    consumer: Box<str>,
    endpoint: &'static str,
    /// One with the same hash, should that ever happen.
    next: Option<Arc<Self>>,
    pub cell: Cell,
}

impl Series {
    fn new(labels: &Labels<'_>, next: Option<Arc<Self>>) -> Self {
        Self {
            migration: labels.migration.into(),
            arm: labels.arm,
            role: labels.role,
            provider: labels.provider.into(),
            model: labels.model.into(),
            consumer: labels.consumer.into(),
            endpoint: labels.endpoint,
            next,
            cell: Cell::new(),
        }
    }

    pub(super) fn labels(&self) -> Labels<'_> {
        Labels {
            migration: &self.migration,
            arm: self.arm,
            role: self.role,
            provider: &self.provider,
            model: &self.model,
            consumer: &self.consumer,
            endpoint: self.endpoint,
        }
    }
}

/// Passes a hash on as it is: the key is one already.
#[derive(Default)]
struct Identity(u64);

impl Hasher for Identity {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = bytes.iter().fold(self.0, |value, byte| value << 8 | u64::from(*byte));
    }

    fn write_u64(&mut self, value: u64) {
        self.0 = value;
    }
}

/// All series by the hash of their labels.
#[derive(Default, Clone)]
struct Index {
    by_hash: HashMap<u64, Arc<Series>, BuildHasherDefault<Identity>>,
    count: usize,
    /// Every model that is a label.
    models: Arc<HashSet<Box<str>>>,
}

impl Index {
    fn find(&self, hash: u64, labels: &Labels<'_>) -> Option<&Arc<Series>> {
        self.chain(hash).find(|series| series.labels() == *labels)
    }

    fn chain(&self, hash: u64) -> impl Iterator<Item = &Arc<Series>> {
        std::iter::successors(self.by_hash.get(&hash), |series| series.next.as_ref())
    }
}

/// The table.
pub(super) struct Table {
    index: ArcSwap<Index>,
    /// Orders the writers; readers never wait for it.
    growing: Mutex<()>,
    /// Seeded, so that nobody can choose model names that collide.
    hashing: RandomState,
    series_max: usize,
    folded: AtomicU64,
}

impl Table {
    pub(super) fn new(series_max: usize) -> Self {
        Self {
            index: ArcSwap::default(),
            growing: Mutex::new(()),
            hashing: RandomState::new(),
            series_max,
            folded: AtomicU64::new(0),
        }
    }

    /// Calls `add` with the cell of these labels. `is_known_model` is asked only for a label set that is new: whether the
    /// model is configured or a provider has just answered to its name. Only then, or if it is one already, may it be a
    /// label.
    pub(super) fn with(&self, labels: &Labels<'_>, is_known_model: impl FnOnce() -> bool, add: impl FnOnce(&Cell)) {
        let index = self.index.load();
        if let Some(series) = index.find(self.hashing.hash_one(labels), labels) {
            return add(&series.cell);
        }
        let mut labels = *labels;
        let mut folded = false;
        if index.count >= self.series_max {
            (labels.model, labels.consumer, folded) = (OTHER, OTHER, true);
        } else if !is_label(labels.model) || !(index.models.contains(labels.model) || is_known_model()) {
            (labels.model, folded) = (OTHER, true);
        }
        if folded {
            self.folded.fetch_add(1, Ordering::Relaxed);
        }
        let hash = self.hashing.hash_one(labels);
        if let Some(series) = index.find(hash, &labels) {
            return add(&series.cell);
        }
        drop(index);
        add(&self.grow(hash, &labels).cell);
    }

    /// The series of labels that were not found; made if nobody else was faster. Labels without model and consumer are
    /// as many as the configuration has combinations, so they may exceed the bound; threads that meet may, by one each.
    fn grow(&self, hash: u64, labels: &Labels<'_>) -> Arc<Series> {
        let _order = self.growing.lock().unwrap_or_else(PoisonError::into_inner);
        let old = self.index.load_full();
        if let Some(series) = old.find(hash, labels) {
            return Arc::clone(series);
        }
        let series = Arc::new(Series::new(labels, old.by_hash.get(&hash).cloned()));
        let mut new = Index::clone(&old);
        new.by_hash.insert(hash, Arc::clone(&series));
        new.count += 1;
        if !new.models.contains(labels.model) {
            Arc::make_mut(&mut new.models).insert(labels.model.into());
        }
        self.index.store(Arc::new(new));
        series
    }

    /// All series, in the order of their labels, so that a page reads the same every time.
    pub(super) fn all(&self) -> Vec<Arc<Series>> {
        let index = self.index.load();
        let mut all: Vec<Arc<Series>> = index.by_hash.keys().flat_map(|hash| index.chain(*hash)).cloned().collect();
        all.sort_by(|a, b| a.key().cmp(&b.key()));
        all
    }

    pub(super) fn folded(&self) -> u64 {
        self.folded.load(Ordering::Relaxed)
    }
}

impl Series {
    fn key(&self) -> [&str; 7] {
        [&self.migration, self.arm, self.role, &self.provider, &self.model, &self.consumer, self.endpoint]
    }
}

/// Whether a model name may be a label: what providers call their models, and nothing that could be a text.
fn is_label(model: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:/@+".contains(&byte);
    (1..=MODEL_BYTES_MAX).contains(&model.len()) && model.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels<'a>(model: &'a str, consumer: &'a str) -> Labels<'a> {
        Labels {
            migration: "m",
            arm: "baseline",
            role: "served",
            provider: "openai",
            model,
            consumer,
            endpoint: "chat",
        }
    }

    fn count(table: &Table, labels: &Labels<'_>, is_known_model: bool) {
        table.with(
            labels,
            || is_known_model,
            |cell| {
                cell.retries.fetch_add(1, Ordering::Relaxed);
            },
        );
    }

    fn counts(table: &Table) -> Vec<(String, String, u64)> {
        let read = |series: Arc<Series>| {
            let labels = series.labels();
            (labels.model.to_owned(), labels.consumer.to_owned(), series.cell.retries.load(Ordering::Relaxed))
        };
        table.all().into_iter().map(read).collect()
    }

    #[test]
    fn equal_labels_share_a_cell_and_each_difference_makes_another() {
        let table = Table::new(100);
        let base = labels("gpt-4o", "a");
        let others = [
            Labels { migration: "n", ..base },
            Labels { arm: "candidate", ..base },
            Labels { role: "shadow", ..base },
            Labels { provider: "azure", ..base },
            Labels { endpoint: "embeddings", ..base },
            labels("gpt-4o", "b"),
            labels("gpt-4", "a"),
            // Not the same although the joined texts are.
            labels("gpt-4oa", ""),
        ];
        for labels in others.iter().chain([&base, &base]) {
            count(&table, labels, true);
        }
        let found = counts(&table);
        assert_eq!(found.len(), 9);
        assert_eq!(found.iter().map(|found| found.2).sum::<u64>(), 10);
    }

    #[test]
    fn labels_that_share_a_hash_are_both_found() {
        let table = Table::new(100);
        for model in ["a", "b", "a", "c"] {
            table.grow(7, &labels(model, "x"));
        }
        let index = table.index.load();
        for model in ["a", "b", "c"] {
            assert_eq!(index.find(7, &labels(model, "x")).unwrap().labels().model, model);
        }
        assert!(index.find(7, &labels("d", "x")).is_none());
        assert_eq!((table.all().len(), index.count), (3, 3));
    }

    #[test]
    fn the_table_is_bounded_and_nothing_is_lost() {
        let table = Table::new(3);
        for round in 0..2 {
            for number in 0..50 {
                count(&table, &labels(&format!("model-{number}"), &format!("team-{}", number % 7)), true);
            }
            assert_eq!(table.all().len(), 4, "round {round}");
        }
        let found = counts(&table);
        assert_eq!(found.iter().map(|found| found.2).sum::<u64>(), 100);
        assert!(found.contains(&(OTHER.to_owned(), OTHER.to_owned(), 94)), "{found:?}");
        assert_eq!(table.folded(), 94);
    }

    #[test]
    fn a_client_cannot_make_labels() {
        let table = Table::new(100);
        for model in ["my secret text", "a\nb", "a\"b", "", "模型", &"x".repeat(97)] {
            count(&table, &labels(model, "a"), true);
        }
        for number in 0..50 {
            count(&table, &labels(&format!("invented-{number}"), "a"), false);
        }
        assert_eq!(counts(&table), [(OTHER.to_owned(), "a".to_owned(), 56)]);
        // A model that answered once, to whomever, has a label when it fails later.
        count(&table, &labels("gpt-4o", "a"), true);
        for consumer in ["a", "b"] {
            count(&table, &labels("gpt-4o", consumer), false);
        }
        let found = counts(&table);
        assert!(found.contains(&("gpt-4o".to_owned(), "a".to_owned(), 2)), "{found:?}");
        assert!(found.contains(&("gpt-4o".to_owned(), "b".to_owned(), 1)), "{found:?}");
    }

    #[test]
    fn threads_that_meet_at_a_new_label_lose_nothing() {
        let table = Table::new(50);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for number in 0..200 {
                        count(&table, &labels(&format!("model-{}", number % 20), "a"), true);
                    }
                });
            }
        });
        let found = counts(&table);
        assert_eq!(found.len(), 20);
        assert!(found.iter().all(|found| found.2 == 40), "{found:?}");
    }
}
