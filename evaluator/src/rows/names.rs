//! Names as numbers.
//!
//! Texts of few values stand in one table. What is nearly always asked for together is one number: a [`Route`] is
//! provider, model and the model that answered, an [`Ending`] is finish reason, form failure and what the guard said. Whatever depends on
//! them alone (a price row, "is this the model of today") is best computed once for each number.
//!
//! Numbers are given in the order of first sight while reading, which depends on the files; [`Names::sorted`] renumbers
//! them by name, so that the order of numbers afterwards is the order of names.

use super::guard::GuardSight;
use std::collections::HashMap;
use std::hash::Hash;
use std::num::NonZeroU32;

/// Number of a text. One more than its position, so that "no name" takes no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NameId(NonZeroU32);

impl NameId {
    const fn at(position: u32) -> Self {
        Self(NonZeroU32::MIN.saturating_add(position))
    }

    /// Position in [`Names::texts`].
    pub(crate) const fn position(self) -> u32 {
        self.0.get() - 1
    }
}

/// Number of a [`Route`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RouteId(pub u32);

/// Number of an [`Ending`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EndingId(pub u32);

/// Number of a migration. Files hold one or two; the numbers from 255 on are one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub(crate) struct MigrationId(u8);

impl MigrationId {
    fn saturating(number: u32) -> Self {
        Self(u8::try_from(number).unwrap_or(u8::MAX))
    }

    /// Position in [`Names::migrations`].
    pub(crate) const fn position(self) -> usize {
        self.0 as usize
    }
}

/// Who answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Route<'a> {
    /// Provider name.
    pub provider: &'a str,
    /// Model that was asked for.
    pub model: &'a str,
    /// Model that answered, if it said so.
    pub answered: Option<&'a str>,
}

/// How an answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ending<'a> {
    /// Finish reason.
    pub finish_reason: Option<&'a str>,
    /// How the answer fails its form, if it does.
    pub form_failure: Option<&'a str>,
    /// What the guard said, if one looked.
    pub guard: Option<GuardNote<'a>>,
}

/// What the guard said of an exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GuardNote<'a> {
    /// What it made of the answer.
    pub sight: GuardSight,
    /// All of it, in the form that records have.
    pub text: &'a str,
}

/// A route as numbers of texts.
pub(crate) type RouteNames = (NameId, NameId, Option<NameId>);
/// An ending as numbers of texts.
pub(crate) type EndingNames = (Option<NameId>, Option<NameId>, Option<(GuardSight, NameId)>);

/// All names of some rows. Numbers of one table mean nothing in another.
#[derive(Debug, Clone, Default)]
pub struct Names {
    texts: Table<String>,
    routes: Table<RouteNames>,
    endings: Table<EndingNames>,
    migrations: Table<String>,
}

/// What became of the numbers of a table.
#[derive(Debug, Clone)]
pub(crate) struct Renumbered {
    texts: Vec<u32>,
    routes: Vec<u32>,
    endings: Vec<u32>,
    migrations: Vec<u32>,
}

impl Renumbered {
    /// Whether every number stayed what it was.
    pub(crate) fn is_identity(&self) -> bool {
        let stays = |numbers: &[u32]| numbers.iter().zip(0..).all(|(new, old)| *new == old);
        stays(&self.texts) && stays(&self.routes) && stays(&self.endings) && stays(&self.migrations)
    }

    pub(crate) fn name(&self, old: NameId) -> NameId {
        NameId::at(of(&self.texts, old.position()))
    }

    pub(crate) fn route(&self, old: RouteId) -> RouteId {
        RouteId(of(&self.routes, old.0))
    }

    pub(crate) fn ending(&self, old: EndingId) -> EndingId {
        EndingId(of(&self.endings, old.0))
    }

    pub(crate) fn migration(&self, old: MigrationId) -> MigrationId {
        MigrationId::saturating(of(&self.migrations, u32::from(old.0)))
    }
}

/// A number that the table never gave stays what it is; there is none.
fn of(numbers: &[u32], old: u32) -> u32 {
    numbers.get(old as usize).copied().unwrap_or(old)
}

impl Names {
    /// The number of a text, a new one at first sight.
    pub fn intern(&mut self, text: &str) -> NameId {
        NameId::at(match self.texts.numbers.get(text) {
            Some(number) => *number,
            None => self.texts.number(&text.to_owned()),
        })
    }

    /// The number of a migration, a new one at first sight.
    pub(crate) fn intern_migration(&mut self, name: &str) -> MigrationId {
        MigrationId::saturating(match self.migrations.numbers.get(name) {
            Some(number) => *number,
            None => self.migrations.number(&name.to_owned()),
        })
    }

    /// The migrations by number.
    pub(crate) fn migrations(&self) -> &[String] {
        &self.migrations.values
    }

    /// The number of a route, a new one at first sight.
    pub fn intern_route(&mut self, route: Route<'_>) -> RouteId {
        let names =
            (self.intern(route.provider), self.intern(route.model), route.answered.map(|model| self.intern(model)));
        self.route_of(names)
    }

    /// The number of an ending, a new one at first sight.
    pub fn intern_ending(&mut self, ending: Ending<'_>) -> EndingId {
        let finish = ending.finish_reason.map(|name| self.intern(name));
        let form = ending.form_failure.map(|name| self.intern(name));
        let guard = ending.guard.map(|note| (note.sight, self.intern(note.text)));
        self.ending_of((finish, form, guard))
    }

    /// [`Names::intern_route`] of names that have their numbers already.
    pub(crate) fn route_of(&mut self, names: RouteNames) -> RouteId {
        RouteId(self.routes.number(&names))
    }

    /// [`Names::intern_ending`] of names that have their numbers already.
    pub(crate) fn ending_of(&mut self, names: EndingNames) -> EndingId {
        EndingId(self.endings.number(&names))
    }

    /// A text; empty for a number that this table never gave.
    #[must_use]
    pub fn text(&self, id: NameId) -> &str {
        self.texts.values.get(id.position() as usize).map_or("", String::as_str)
    }

    /// All texts by number.
    pub(crate) fn texts(&self) -> &[String] {
        &self.texts.values
    }

    /// The number of a text, if it has one.
    #[must_use]
    pub fn id(&self, text: &str) -> Option<NameId> {
        self.texts.numbers.get(text).copied().map(NameId::at)
    }

    /// A route; one of empty names for a number that this table never gave.
    #[must_use]
    pub fn route(&self, id: RouteId) -> Route<'_> {
        self.routes.values.get(id.0 as usize).map_or(Route { provider: "", model: "", answered: None }, |names| Route {
            provider: self.text(names.0),
            model: self.text(names.1),
            answered: names.2.map(|name| self.text(name)),
        })
    }

    /// The number of the model that a route asks for: routes of one model may differ in what answered.
    #[must_use]
    pub fn model(&self, id: RouteId) -> Option<NameId> {
        self.routes.values.get(id.0 as usize).map(|names| names.1)
    }

    /// An ending; an empty one for a number that this table never gave.
    #[must_use]
    pub fn ending(&self, id: EndingId) -> Ending<'_> {
        let (finish, form, guard) = self.endings.values.get(id.0 as usize).copied().unwrap_or((None, None, None));
        Ending {
            finish_reason: finish.map(|name| self.text(name)),
            form_failure: form.map(|name| self.text(name)),
            guard: guard.map(|(sight, text)| GuardNote { sight, text: self.text(text) }),
        }
    }

    /// Whether an answer that ended so fails its form.
    #[must_use]
    pub fn fails_form(&self, id: EndingId) -> bool {
        self.endings.values.get(id.0 as usize).is_some_and(|(_, form, _)| form.is_some())
    }

    /// All routes by number.
    pub fn routes(&self) -> impl Iterator<Item = (RouteId, Route<'_>)> {
        (0..self.routes.values.len() as u32).map(|number| (RouteId(number), self.route(RouteId(number))))
    }

    /// All endings by number.
    pub fn endings(&self) -> impl Iterator<Item = (EndingId, Ending<'_>)> {
        (0..self.endings.values.len() as u32).map(|number| (EndingId(number), self.ending(EndingId(number))))
    }

    /// Takes over the names of another table; gives the other table's numbers in this one.
    pub(crate) fn absorb(&mut self, other: &Self) -> Renumbered {
        let texts: Vec<u32> = other.texts.values.iter().map(|text| self.texts.number(text)).collect();
        let name = |id: NameId| NameId::at(of(&texts, id.position()));
        let routes = other.routes.values.iter();
        let routes = routes.map(|(a, b, c)| self.routes.number(&(name(*a), name(*b), c.map(name)))).collect();
        let endings = other.endings.values.iter();
        let guard = |note: Option<(GuardSight, NameId)>| note.map(|(sight, text)| (sight, name(text)));
        let endings = endings.map(|(a, b, c)| self.endings.number(&(a.map(name), b.map(name), guard(*c)))).collect();
        let migrations = other.migrations.values.iter().map(|name| self.migrations.number(name)).collect();
        Renumbered { texts, routes, endings, migrations }
    }

    /// Renumbers everything by name.
    pub(crate) fn sorted(self) -> (Self, Renumbered) {
        let (texts, of_texts) = self.texts.sorted();
        let name = |id: NameId| NameId::at(of(&of_texts, id.position()));
        let routes = self.routes.values.iter().map(|(a, b, c)| (name(*a), name(*b), c.map(name)));
        let (routes, of_routes) = Table::of(routes).sorted();
        let guard = |note: Option<(GuardSight, NameId)>| note.map(|(sight, text)| (sight, name(text)));
        let endings = self.endings.values.iter().map(|(a, b, c)| (a.map(name), b.map(name), guard(*c)));
        let (endings, of_endings) = Table::of(endings).sorted();
        let (migrations, of_migrations) = self.migrations.sorted();
        let renumbered =
            Renumbered { texts: of_texts, routes: of_routes, endings: of_endings, migrations: of_migrations };
        (Self { texts, routes, endings, migrations }, renumbered)
    }
}

/// Values with their numbers. The map is only looked up, never walked.
#[derive(Debug, Clone)]
struct Table<T> {
    values: Vec<T>,
    numbers: HashMap<T, u32>,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self { values: Vec::new(), numbers: HashMap::new() }
    }
}

impl<T: Clone + Ord + Hash> Table<T> {
    fn of(values: impl Iterator<Item = T>) -> Self {
        let values: Vec<T> = values.collect();
        let numbers = values.iter().cloned().zip(0..).collect();
        Self { values, numbers }
    }

    fn number(&mut self, value: &T) -> u32 {
        if let Some(number) = self.numbers.get(value) {
            return *number;
        }
        // A row takes 168 bytes, and each row brings a few names at most: memory ends long before the numbers do.
        let number = self.values.len() as u32;
        self.values.push(value.clone());
        self.numbers.insert(value.clone(), number);
        number
    }

    /// The values in order, and the new number of each old one.
    fn sorted(self) -> (Self, Vec<u32>) {
        let mut values = self.values.clone();
        values.sort_unstable();
        let sorted = Self::of(values.into_iter());
        let renumbered = self.values.iter().map(|value| sorted.numbers.get(value).copied().unwrap_or(0)).collect();
        (sorted, renumbered)
    }
}
