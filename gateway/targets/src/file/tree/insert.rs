//! A member that is missing, put in the way its neighbours are written.
//!
//! In block style it becomes a line of its own behind the last member that fits on one line; where there is none, it goes
//! before the first. In flow style it comes behind the last member, with the commas, spaces and quotes of the members there.
//! What cannot be told from the neighbours is not guessed: an empty mapping is refused.

use super::{Form, Id, Style, Tree};
use crate::file::edit::{self, Edit};
use crate::file::fault::Fault;

/// A value to put in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum New<'a> {
    /// Without quotes.
    Number(String),
    /// In quotes.
    Text(String),
    /// A mapping with numbers.
    Numbers(&'a [(&'a str, String)]),
}

impl Tree<'_> {
    /// Puts a member into a mapping.
    ///
    /// # Errors
    /// It is empty or no mapping, its lines are not of the plain kind, or an alias repeats it elsewhere.
    pub(crate) fn insert(&self, mapping: Id, key: &str, new: &New) -> Result<Edit, Fault> {
        let Form::Mapping { entries, flow } = self.form(mapping) else {
            return Err(Fault::at(self.offset(mapping), format!("expected a mapping, to put `{key}` into")));
        };
        if let Some((name, _)) = entries.iter().find(|(name, _)| self.scalar(*name) == Some(key)) {
            return Err(Fault::at(self.offset(*name), format!("`{key}` has no value here; give it one by hand")));
        }
        let by_hand = || {
            let says = format!("`{key}` is missing here and its place cannot be told from what is; put it in by hand");
            Fault::at(self.offset(mapping), says)
        };
        let first = entries.first().ok_or_else(by_hand)?;
        self.not_shared(self.offset(first.0))?;
        if *flow { self.insert_flow(entries, key, new) } else { self.insert_block(entries, key, new) }
            .ok_or_else(by_hand)
    }

    fn insert_block(&self, entries: &[(Id, Id)], key: &str, new: &New) -> Option<Edit> {
        let line_end = edit::line_end(self.text);
        let first_key = self.node(entries.first()?.0)?.span.start;
        let indent = " ".repeat(self.block_column(first_key)?);
        let quote = entries.iter().rev().find_map(|(_, value)| self.quote(*value)).unwrap_or("\"");
        let member = match new {
            New::Number(number) => format!("{key}: {number}"),
            New::Text(text) => format!("{key}: {quote}{text}{quote}"),
            New::Numbers(numbers) => {
                let inside = numbers.iter().map(|(name, number)| format!("{line_end}{indent}  {name}: {number}"));
                format!("{key}:{}", inside.collect::<String>())
            }
        };
        let neighbour = entries.iter().rev().find(|(key, value)| self.on_one_line(*key, *value));
        let Some((_, value)) = neighbour else {
            return Some(Edit::insert(first_key, format!("{member}{line_end}{indent}")));
        };
        let behind = self.node(*value)?.span.end;
        let rest = self.text.get(behind..)?;
        Some(match rest.find('\n') {
            Some(feed) => Edit::insert(behind + feed + 1, format!("{indent}{member}{line_end}")),
            None => Edit::insert(self.text.len(), format!("{line_end}{indent}{member}")),
        })
    }

    /// Column of a block mapping's key: before it stand only spaces and the dashes of lists.
    fn block_column(&self, key: usize) -> Option<usize> {
        let before = self.text.get(..key)?;
        let begins = before.rfind('\n').map_or(0, |feed| feed + 1);
        let prefix = before.get(begins..)?.trim_start_matches('\u{feff}');
        prefix.bytes().all(|byte| matches!(byte, b' ' | b'-')).then_some(prefix.len())
    }

    fn on_one_line(&self, key: Id, value: Id) -> bool {
        let (Some(key), Some(value)) = (self.node(key), self.node(value)) else { return false };
        let closed = match &value.form {
            Form::Scalar { style, .. } => *style != Style::Block,
            Form::Alias => true,
            Form::Sequence { flow, .. } | Form::Mapping { flow, .. } => *flow,
        };
        let shown = self.text.get(key.span.start..value.span.end);
        closed && shown.is_some_and(|shown| !shown.contains(['\n', '\r']))
    }

    fn insert_flow(&self, entries: &[(Id, Id)], key: &str, new: &New) -> Option<Edit> {
        let (last_key, last_value) = entries.last()?;
        let (last_key, last_value) = (self.node(*last_key)?, self.node(*last_value)?);
        let colon = self
            .text
            .get(last_key.span.end..last_value.span.start)
            .filter(|between| between.strip_prefix(':').is_some_and(|rest| rest.bytes().all(|byte| byte == b' ')))
            .unwrap_or(": ");
        let quote = self.quote(entries.last()?.0).unwrap_or_default();
        // `a:1` is one word where the key has no quotes.
        let colon = if quote.is_empty() { ": " } else { colon };
        let number = |name: &str, number: &str| format!("{quote}{name}{quote}{colon}{number}");
        let text_quote = entries.iter().rev().find_map(|(_, value)| self.quote(*value)).unwrap_or("\"");
        let member = match new {
            New::Number(value) => number(key, value),
            New::Text(value) => number(key, &format!("{text_quote}{value}{text_quote}")),
            New::Numbers(inside) => {
                let inside: Vec<String> = inside.iter().map(|(name, value)| number(name, value)).collect();
                number(key, &format!("{{{}}}", inside.join(", ")))
            }
        };
        Some(Edit::insert(last_value.span.end, format!("{}{member}", self.comma(entries)?)))
    }

    /// What stands between the last two members, or between the bracket and the only one.
    fn comma(&self, entries: &[(Id, Id)]) -> Option<String> {
        let blank = |text: &str| text.bytes().all(|byte| byte.is_ascii_whitespace());
        let (last_key, _) = entries.last()?;
        let begins = self.node(*last_key)?.span.start;
        let before = match entries.len().checked_sub(2).and_then(|index| entries.get(index)) {
            Some((_, value)) => {
                self.text.get(self.node(*value)?.span.end..begins).and_then(|text| text.strip_prefix(','))
            }
            None => {
                let before = self.text.get(..begins)?;
                let inside = before.get(before.rfind('{')? + 1..)?;
                Some(if inside.contains('\n') { inside } else { " " })
            }
        };
        Some(format!(",{}", before.filter(|space| blank(space)).unwrap_or(" ")))
    }

    fn quote(&self, id: Id) -> Option<&'static str> {
        match self.form(id) {
            Form::Scalar { style: Style::Single, .. } => Some("'"),
            Form::Scalar { style: Style::Double, .. } => Some("\""),
            _ => None,
        }
    }
}
