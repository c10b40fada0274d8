//! YAML and JSON texts as trees whose nodes know their bytes, so that one value is changed and all else stays.
//!
//! A text that is JSON is read as JSON ([`json`]); every other one as YAML ([`yaml`]). In theory the second does for both. In
//! practice JSON has pairs of `\u` surrogates and tabs behind colons, which YAML has not.
//!
//! What one text says in several places (anchors, aliases, merged mappings) is read where nothing is to be changed, and
//! refused where something is. A key that stands twice in one mapping is refused everywhere: readers differ in which one
//! they take.

mod insert;
mod json;
mod yaml;

pub(crate) use insert::New;

use super::edit::Edit;
use super::fault::Fault;
use std::borrow::Cow;
use std::collections::HashSet;
use std::ops::Range;

/// Nesting of mappings and sequences that is read; routes have about ten levels.
const DEPTH_MAX: usize = 100;

/// A node of one tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Id(usize);

/// How a scalar is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    Plain,
    Single,
    Double,
    /// Over several lines, `|` or `>`.
    Block,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Form<'t> {
    Scalar { value: Cow<'t, str>, style: Style },
    Alias,
    Sequence { items: Vec<Id>, flow: bool },
    Mapping { entries: Vec<(Id, Id)>, flow: bool },
}

#[derive(Debug, Clone, PartialEq)]
struct Node<'t> {
    /// Bytes of the text. A block collection begins with its first entry and ends somewhere behind its last one.
    span: Range<usize>,
    /// It has an anchor or a tag, which are inside the span.
    decorated: bool,
    /// Number of the anchor; 0 where there is none.
    anchor: usize,
    form: Form<'t>,
}

/// A text's documents.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Tree<'t> {
    text: &'t str,
    nodes: Vec<Node<'t>>,
    documents: Vec<Id>,
    /// Anchors that an alias refers to.
    referred: HashSet<usize>,
}

impl<'t> Tree<'t> {
    /// Reads a text.
    ///
    /// # Errors
    /// It is neither JSON nor YAML, a key stands twice, or it is nested too deep.
    pub(crate) fn read(text: &'t str) -> Result<Self, Fault> {
        let unmarked = text.trim_start_matches('\u{feff}');
        let collection = unmarked.trim_start_matches([' ', '\t', '\r', '\n']).starts_with(['{', '[']);
        if collection && serde_json::from_str::<serde::de::IgnoredAny>(unmarked).is_ok() {
            return json::read(text);
        }
        yaml::read(text)
    }

    fn empty(text: &'t str) -> Self {
        Self { text, nodes: Vec::new(), documents: Vec::new(), referred: HashSet::new() }
    }

    fn node(&self, id: Id) -> Option<&Node<'t>> {
        self.nodes.get(id.0)
    }

    fn push(&mut self, node: Node<'t>) -> Id {
        self.nodes.push(node);
        Id(self.nodes.len() - 1)
    }

    /// Refuses a mapping with a key twice.
    fn no_duplicates(&self, entries: &[(Id, Id)]) -> Result<(), Fault> {
        let mut seen = HashSet::new();
        for (key, _) in entries {
            if let Some(name) = self.scalar(*key)
                && !seen.insert(name)
            {
                let says = format!("the key `{name}` stands twice in one mapping: remove one of them");
                return Err(Fault::at(self.offset(*key), says));
            }
        }
        Ok(())
    }

    /// Documents, in order.
    pub(crate) fn documents(&self) -> &[Id] {
        &self.documents
    }

    /// What the node is.
    pub(crate) fn form(&self, id: Id) -> &Form<'t> {
        static NOTHING: Form<'static> = Form::Alias;
        self.node(id).map_or(&NOTHING, |node| &node.form)
    }

    /// Where it begins, for messages.
    pub(crate) fn offset(&self, id: Id) -> usize {
        self.node(id).map_or(0, |node| node.span.start)
    }

    /// Text of a scalar.
    pub(crate) fn scalar(&self, id: Id) -> Option<&str> {
        match self.form(id) {
            Form::Scalar { value, .. } => Some(value),
            _ => None,
        }
    }

    /// Value of a mapping's key. A key without a value (null) counts as none.
    pub(crate) fn get(&self, id: Id, key: &str) -> Option<Id> {
        let Form::Mapping { entries, .. } = self.form(id) else { return None };
        let found = entries.iter().find(|(name, _)| self.scalar(*name) == Some(key)).map(|(_, value)| *value)?;
        let null = matches!(self.form(found), Form::Scalar { value, style: Style::Plain } if matches!(&**value, "" | "~" | "null"));
        (!null).then_some(found)
    }

    /// As [`Self::get`], for what is going to be changed: an alias, or a key that may come by way of a merge, is refused.
    pub(crate) fn member(&self, id: Id, key: &str) -> Result<Option<Id>, Fault> {
        match self.get(id, key) {
            Some(found) if *self.form(found) == Form::Alias => {
                let says = format!("`{key}` is an alias: its text stands elsewhere, for others too; write it out here");
                Err(Fault::at(self.offset(found), says))
            }
            Some(found) => Ok(Some(found)),
            None => match self.get(id, "<<") {
                Some(merge) => {
                    let says = format!("`{key}` may come by way of `<<`; write it out here");
                    Err(Fault::at(self.offset(merge), says))
                }
                None => Ok(None),
            },
        }
    }

    /// Items of a sequence that is a mapping's member; none where it is missing.
    pub(crate) fn items(&self, id: Id, key: &str) -> Result<&[Id], Fault> {
        let Some(found) = self.member(id, key)? else { return Ok(&[]) };
        let Form::Sequence { items, .. } = self.form(found) else {
            return Err(Fault::at(self.offset(found), format!("expected a list in `{key}`")));
        };
        match items.iter().find(|item| *self.form(**item) == Form::Alias) {
            Some(alias) => Err(Fault::at(self.offset(*alias), format!("an alias in `{key}`; write it out here"))),
            None => Ok(items),
        }
    }

    /// Text of a mapping's member.
    pub(crate) fn text_of(&self, id: Id, key: &str) -> Option<&str> {
        self.get(id, key).and_then(|found| self.scalar(found))
    }

    /// The kind of Kubernetes objects, also those in lists: each mapping that has one.
    pub(crate) fn objects(&self) -> Vec<Id> {
        let mut found = Vec::new();
        for document in &self.documents {
            let is_list = self.text_of(*document, "kind").is_some_and(|kind| kind.ends_with("List"));
            match self.get(*document, "items").map(|items| self.form(items)) {
                Some(Form::Sequence { items, .. }) if is_list => found.extend(items),
                _ => found.push(*document),
            }
        }
        found.retain(|id| self.text_of(*id, "kind").is_some());
        found
    }

    /// Replaces a scalar's text, in the quotes it has.
    ///
    /// # Errors
    /// It is no scalar of one line, or has an anchor or a tag, or is inside of something that an alias repeats elsewhere.
    pub(crate) fn replace(&self, id: Id, with: &str) -> Result<Edit, Fault> {
        let Some(Node { span, decorated, form: Form::Scalar { style, .. }, .. }) = self.node(id) else {
            return Err(Fault::at(self.offset(id), "expected a single value"));
        };
        if *decorated {
            return Err(Fault::at(span.start, "this value has an anchor or a tag; write it without"));
        }
        let shown = self.text.get(span.clone()).unwrap_or_default();
        let quote = match style {
            Style::Plain => "",
            Style::Single => "'",
            Style::Double => "\"",
            Style::Block => return Err(Fault::at(span.start, "this value is a block of lines; write it on one line")),
        };
        let fits = shown.len() >= 2 * quote.len() && shown.starts_with(quote) && shown.ends_with(quote);
        if !fits || shown.contains(['\n', '\r']) {
            return Err(Fault::at(span.start, "expected a value on one line"));
        }
        self.not_shared(span.start)?;
        Ok(Edit::replace(span.start + quote.len()..span.end - quote.len(), with))
    }

    /// Refuses a place whose text an alias repeats elsewhere.
    fn not_shared(&self, offset: usize) -> Result<(), Fault> {
        let repeated = |node: &&Node| self.referred.contains(&node.anchor) && node.span.contains(&offset);
        match self.nodes.iter().find(repeated) {
            None => Ok(()),
            Some(node) => Err(Fault::at(
                node.span.start,
                "this has an anchor that an alias repeats elsewhere: a change here would be one there too; write both out",
            )),
        }
    }

    /// A whole number without quotes.
    ///
    /// # Errors
    /// It is something else, or above `most`.
    pub(crate) fn whole_number(&self, id: Id, most: u64) -> Result<u64, Fault> {
        let says = || Fault::at(self.offset(id), format!("expected a whole number from 0 to {most}, without quotes"));
        match self.form(id) {
            Form::Scalar { value, style: Style::Plain } => {
                whole(value).filter(|number| *number <= most).ok_or_else(says)
            }
            _ => Err(says()),
        }
    }

    /// A percentage as a number without quotes, in hundredths.
    ///
    /// # Errors
    /// It is something else, or outside of 0 to 100.
    pub(crate) fn percentage(&self, id: Id) -> Result<u32, Fault> {
        let says = || Fault::at(self.offset(id), "expected a number from 0 to 100, without quotes");
        match self.form(id) {
            Form::Scalar { value, style: Style::Plain } => percentage(value).ok_or_else(says),
            _ => Err(says()),
        }
    }
}

/// A decimal whole number as every reader of YAML understands it: no sign, no leading zeros (octal to some), no `_`.
pub(crate) fn whole(text: &str) -> Option<u64> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit()) && (text.len() == 1 || !text.starts_with('0'));
    digits.then(|| text.parse().ok()).flatten()
}

/// A decimal number between 0 and 100, to the nearest hundredth; what is more than 0 never reads as 0.
pub(crate) fn percentage(text: &str) -> Option<u32> {
    let number: f64 = serde_json::from_str(text).ok()?;
    if !(0.0..=100.0).contains(&number) {
        return None;
    }
    // Between 0 and 10,000.
    let near = (number * 100.0).round() as u32;
    Some(if number > 0.0 && number < 100.0 { near.clamp(1, super::split::WHOLE - 1) } else { near })
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
