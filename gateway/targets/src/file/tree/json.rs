//! JSON by the slices of its parser.
//!
//! The parser hands out each member as a slice of the text, level by level: where a slice begins is where the value stands.
//! Each level reads its inside once more, which the bounds on depth and on a file's length keep small.

use super::{DEPTH_MAX, Form, Id, Node, Style, Tree};
use crate::file::fault::Fault;
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;

/// Members of one level.
enum Level<'t> {
    Object(Vec<(&'t RawValue, &'t RawValue)>),
    Array(Vec<&'t RawValue>),
}

/// Reads the only document.
pub(super) fn read(text: &str) -> Result<Tree<'_>, Fault> {
    let mut tree = Tree::empty(text);
    let skipped = text.len() - text.trim_start_matches('\u{feff}').len();
    let raw: &RawValue = serde_json::from_str(text.get(skipped..).unwrap_or_default())
        .map_err(|error| Fault::whole(format!("not JSON: {error}")))?;
    let root = add(&mut tree, raw.get(), 0)?;
    tree.documents.push(root);
    Ok(tree)
}

/// Adds a value and all that is in it.
fn add<'t>(tree: &mut Tree<'t>, raw: &'t str, depth: usize) -> Result<Id, Fault> {
    let start = (raw.as_ptr() as usize).saturating_sub(tree.text.as_ptr() as usize);
    if depth > DEPTH_MAX {
        return Err(Fault::at(start, format!("nested deeper than {DEPTH_MAX} levels")));
    }
    let form = if raw.starts_with(['{', '[']) {
        let level: Level = serde_json::from_str(raw).map_err(|error| Fault::at(start, format!("not JSON: {error}")))?;
        match level {
            Level::Object(members) => {
                let mut entries = Vec::with_capacity(members.len());
                for (key, value) in members {
                    entries.push((add(tree, key.get(), depth + 1)?, add(tree, value.get(), depth + 1)?));
                }
                tree.no_duplicates(&entries)?;
                Form::Mapping { entries, flow: true }
            }
            Level::Array(values) => {
                let items: Result<Vec<Id>, Fault> =
                    values.into_iter().map(|value| add(tree, value.get(), depth + 1)).collect();
                Form::Sequence { items: items?, flow: true }
            }
        }
    } else {
        scalar(raw)
    };
    Ok(tree.push(Node { span: start..start + raw.len(), decorated: false, anchor: 0, form }))
}

fn scalar(raw: &str) -> Form<'_> {
    if !raw.starts_with('"') {
        return Form::Scalar { value: Cow::Borrowed(raw), style: Style::Plain };
    }
    // Half a surrogate pair is a string of the grammar, but none of Rust's; it stays as it is written.
    let value = serde_json::from_str::<String>(raw).map_or(Cow::Borrowed(raw), Cow::Owned);
    Form::Scalar { value, style: Style::Double }
}

impl<'de> Deserialize<'de> for Level<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(LevelVisitor)
    }
}

struct LevelVisitor;

impl<'de> Visitor<'de> for LevelVisitor {
    type Value = Level<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object or an array")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(Level::Object(members))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Self::Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = sequence.next_element()? {
            values.push(value);
        }
        Ok(Level::Array(values))
    }
}
