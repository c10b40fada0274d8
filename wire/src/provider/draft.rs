//! A request on its way into a provider's terms: the driver that walks it along a matrix, and what its steps may do.
//!
//! Nothing is copied until the end: a draft only notes what becomes of each member, and then everything is written
//! once, untouched members as the bytes they came in.

use super::matrix::{Row, Treatment, rows_of};
use super::toolbox::Toolbox;
use super::{Rewritten, Target, Unfit};
use crate::json::write_string;
use crate::request::Request;
use serde_json::value::RawValue;
use std::cell::OnceCell;

use super::history::History;

/// What a row's condition may look at.
pub(super) struct Scene<'d> {
    pub(super) request: &'d Request<'d>,
    pub(super) target: &'d Target<'d>,
    history: OnceCell<History>,
    toolbox: OnceCell<Toolbox>,
}

impl<'d> Scene<'d> {
    pub(super) const fn new(request: &'d Request<'d>, target: &'d Target<'d>) -> Self {
        Self { request, target, history: OnceCell::new(), toolbox: OnceCell::new() }
    }

    /// A member of the client's request, if it is not null.
    pub(super) fn given(&self, member: &str) -> Option<&'d RawValue> {
        self.request.object.get(member).filter(|value| value.get() != "null")
    }

    /// What the offered tools are; read once, when a row first asks.
    pub(super) fn toolbox(&self) -> &Toolbox {
        self.toolbox.get_or_init(|| Toolbox::read(self.request))
    }

    /// What the messages hold; read once, when a row first asks.
    pub(super) fn history(&self) -> &History {
        self.history.get_or_init(|| History::read(self.request))
    }
}

/// What becomes of a member of the request.
enum Slot {
    Same,
    Gone,
    Renamed(&'static str),
    Value(String),
}

/// The request on its way.
pub(super) struct Draft<'d> {
    pub(super) scene: Scene<'d>,
    slots: Vec<Slot>,
    added: Vec<(&'static str, String)>,
    dropped: Vec<&'static str>,
    /// Instructions to put before the messages.
    pub(super) instructions: Vec<String>,
}

impl<'d> Draft<'d> {
    /// Walks the request along the table.
    pub(super) fn new(table: &'static [Row], request: &'d Request<'d>, target: &'d Target<'d>) -> Result<Self, Unfit> {
        let mut draft = Self {
            scene: Scene::new(request, target),
            slots: Vec::with_capacity(request.object.len()),
            added: Vec::new(),
            dropped: Vec::new(),
            instructions: Vec::new(),
        };
        draft.slots.extend(request.object.members().map(|_| Slot::Same));
        for (index, (name, value)) in request.object.members().enumerate() {
            let rows = rows_of(table, name);
            if rows.is_empty() {
                continue;
            }
            let doubled = request.object.members().skip(index + 1).any(|(later, _)| later == name);
            if doubled || value.get() == "null" {
                // The last double counts, and a member that is null asks for nothing: it goes without a word.
                draft.note(index, Slot::Gone);
                continue;
            }
            for row in rows {
                if !row.acts() || !(row.when)(&draft.scene, value) {
                    continue;
                }
                if row.keeps_from(target) {
                    return Err(Unfit { feature: row.feature });
                }
                draft.treat(index, row, value);
            }
        }
        Ok(draft)
    }

    fn treat(&mut self, index: usize, row: &Row, value: &RawValue) {
        match row.treatment {
            Treatment::Dropped(name) => {
                self.note(index, Slot::Gone);
                self.warn(name);
            }
            Treatment::Renamed(to) => {
                if let Some(place) = self.place(to) {
                    self.note(place, Slot::Gone);
                }
                self.note(index, Slot::Renamed(to));
            }
            Treatment::Same | Treatment::Noted | Treatment::Rewritten | Treatment::Baseline => {}
        }
        (row.step)(self, value);
    }

    fn note(&mut self, index: usize, slot: Slot) {
        if let Some(place) = self.slots.get_mut(index) {
            *place = slot;
        }
    }

    /// Index of the member that counts.
    fn place(&self, member: &str) -> Option<usize> {
        self.scene.request.object.place(member)
    }

    /// A member of the client's request, if it is not null.
    pub(super) fn given(&self, member: &str) -> Option<&'d RawValue> {
        self.scene.given(member)
    }

    /// A member as it will be sent; `None` if it will not.
    pub(super) fn sent(&self, member: &str) -> Option<&str> {
        if let Some((_, value)) = self.added.iter().find(|(name, _)| *name == member) {
            return Some(value);
        }
        let place = self.place(member)?;
        match self.slots.get(place)? {
            Slot::Same => self.scene.request.object.get(member).map(RawValue::get),
            Slot::Value(value) => Some(value),
            Slot::Gone | Slot::Renamed(_) => None,
        }
    }

    /// Sets a member, in its place if the client sent it. `value` is JSON.
    pub(super) fn set(&mut self, member: &'static str, value: String) {
        if let Some(place) = self.place(member) {
            self.note(place, Slot::Value(value));
        } else if let Some(added) = self.added.iter_mut().find(|(name, _)| *name == member) {
            added.1 = value;
        } else {
            self.added.push((member, value));
        }
    }

    /// Sets a member to a string.
    pub(super) fn set_text(&mut self, member: &'static str, text: &str) {
        self.set(member, quoted(text));
    }

    /// Leaves a member out.
    pub(super) fn remove(&mut self, member: &str) {
        if let Some(place) = self.place(member) {
            self.note(place, Slot::Gone);
        }
        self.added.retain(|(name, _)| *name != member);
    }

    /// Leaves out the member that has this very value.
    pub(super) fn remove_value(&mut self, value: &RawValue) {
        let found = self.scene.request.object.members().position(|(_, other)| std::ptr::eq(other, value));
        if let Some(place) = found {
            self.note(place, Slot::Gone);
        }
    }

    /// Notes that something was left out, for the warning header.
    pub(super) fn warn(&mut self, name: &'static str) {
        if !self.dropped.contains(&name) {
            self.dropped.push(name);
        }
    }

    /// Writes the request.
    pub(super) fn finish(self) -> Rewritten {
        let object = &self.scene.request.object;
        let added: usize = self.added.iter().map(|(name, value)| name.len() + value.len() + 4).sum();
        let changed: usize =
            self.slots.iter().map(|slot| if let Slot::Value(value) = slot { value.len() } else { 0 }).sum();
        let mut body = Vec::with_capacity(object.bytes() + added + changed + 2);
        let mut between = b'{';
        for ((name, value), slot) in object.members().zip(&self.slots) {
            let (name, value) = match slot {
                Slot::Same => (name, value.get()),
                Slot::Renamed(to) => (*to, value.get()),
                Slot::Value(value) => (name, value.as_str()),
                Slot::Gone => continue,
            };
            body.push(between);
            between = b',';
            write_member(&mut body, name, value);
        }
        for (name, value) in &self.added {
            body.push(between);
            between = b',';
            write_member(&mut body, name, value);
        }
        if between == b'{' {
            body.push(b'{');
        }
        body.push(b'}');
        Rewritten { body, dropped: self.dropped }
    }
}

fn write_member(out: &mut Vec<u8>, name: &str, value: &str) {
    write_string(out, name);
    out.push(b':');
    out.extend_from_slice(value.as_bytes());
}

/// A text as a JSON string.
pub(super) fn quoted(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len() + 2);
    write_string(&mut out, text);
    String::from_utf8(out).unwrap_or_default()
}
