//! One number in a JSON or YAML file, by its JSON pointer (RFC 6901): the weight in percent.
//!
//! The pointer is taken as it stands: `~0` and `~1` are escapes, `%` is none. The number may stand in quotes. It is percent,
//! not a share: `0.05` is a twentieth of one percent.

use super::change::{Asked, Change, State};
use super::fault::Fault;
use super::split;
use super::tree::{Form, Id, Style, Tree, percentage};

/// Steps to a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pointer(Vec<String>);

impl Pointer {
    /// Reads a pointer; the empty one means the whole document.
    ///
    /// # Errors
    /// It does not begin with `/`, or has a `~` that is no escape.
    pub(super) fn parse(text: &str) -> Result<Self, Fault> {
        if text.is_empty() {
            return Ok(Self(Vec::new()));
        }
        let rest = text.strip_prefix('/').ok_or_else(|| {
            Fault::whole(format!(
                "`{text}` is no JSON pointer: expected `/` at its beginning, such as `/routing/weight`"
            ))
        })?;
        rest.split('/').map(unescape).collect::<Result<_, _>>().map(Self)
    }

    fn find(&self, tree: &Tree) -> Result<Id, Fault> {
        let [document] = tree.documents() else {
            return Err(Fault::whole(format!("{} documents in the file; expected one", tree.documents().len())));
        };
        let mut at = *document;
        for step in &self.0 {
            at = self.step(tree, at, step)?;
        }
        Ok(at)
    }

    fn step(&self, tree: &Tree, at: Id, step: &str) -> Result<Id, Fault> {
        let missing = |what: &str| {
            let says = format!(
                "`{self}` leads nowhere: no {what} `{step}` here; put the number in by hand first, with the weight in force"
            );
            Fault::at(tree.offset(at), says)
        };
        match tree.form(at) {
            Form::Mapping { .. } => tree.member(at, step)?.ok_or_else(|| missing("member")),
            Form::Sequence { items, .. } => {
                let index = super::tree::whole(step).and_then(|index| usize::try_from(index).ok());
                index.and_then(|index| items.get(index)).copied().ok_or_else(|| missing("item"))
            }
            Form::Alias => Err(Fault::at(tree.offset(at), "an alias is in the way; write its text out here")),
            Form::Scalar { .. } => Err(missing("member")),
        }
    }

    fn number(&self, tree: &Tree) -> Result<(Id, String), Fault> {
        let id = self.find(tree)?;
        let says = || Fault::at(tree.offset(id), "expected the weight in percent, a number from 0 to 100");
        match tree.form(id) {
            Form::Scalar { value, style } if *style != Style::Block => Ok((id, value.to_string())),
            _ => Err(says()),
        }
    }

    pub(super) fn look(&self, text: &str) -> Result<State, Fault> {
        let tree = Tree::read(text)?;
        let (id, number) = self.number(&tree)?;
        let weight = percentage(&number)
            .ok_or_else(|| Fault::at(tree.offset(id), "expected the weight in percent, a number from 0 to 100"))?;
        Ok(State { weight, mirror: None })
    }

    pub(super) fn change(&self, text: &str, asked: Asked) -> Result<Change, Fault> {
        if asked.mirror.is_some() {
            return Err(Fault::whole("a number in a file says no mirrored share; leave it out"));
        }
        let tree = Tree::read(text)?;
        let (id, old) = self.number(&tree)?;
        let new = styled(asked.weight, &old);
        let exact = old.parse::<f64>().ok().map(|old| old * 100.0) == Some(f64::from(asked.weight));
        Ok(Change { edits: if exact { vec![] } else { vec![tree.replace(id, &new)?] }, notes: vec![] })
    }
}

impl std::fmt::Display for Pointer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|step| write!(formatter, "/{}", step.replace('~', "~0").replace('/', "~1")))
    }
}

fn unescape(step: &str) -> Result<String, Fault> {
    let mut parts = step.split('~');
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (escaped, rest) = match (part.strip_prefix('0'), part.strip_prefix('1')) {
            (Some(rest), _) => ('~', rest),
            (_, Some(rest)) => ('/', rest),
            _ => {
                return Err(Fault::whole(format!("`{step}`: expected `~0` for `~` or `~1` for `/` in a JSON pointer")));
            }
        };
        plain.push(escaped);
        plain.push_str(rest);
    }
    Ok(plain)
}

/// A number with a point keeps one: readers that want a fraction do not take a whole number.
fn styled(weight: u32, old: &str) -> String {
    let new = split::written(weight);
    if old.contains('.') && !new.contains('.') { format!("{new}.0") } else { new }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::file::edit;

    fn set(text: &str, pointer: &str, weight: u32) -> Result<String, String> {
        let pointer = Pointer::parse(pointer).map_err(|fault| fault.of("f", text).to_string())?;
        pointer.look(text).map_err(|fault| fault.of("f", text).to_string())?;
        let change =
            pointer.change(text, Asked { weight, mirror: None }).map_err(|fault| fault.of("f", text).to_string())?;
        Ok(edit::apply(text, &change.edits).unwrap())
    }

    #[test]
    fn a_number_is_changed_in_its_style() {
        for (text, pointer, weight, wanted) in [
            ("{\"w\": 5}", "/w", 1250, "{\"w\": 12.5}"),
            ("{\"w\": \"5\"}", "/w", 1, "{\"w\": \"0.01\"}"),
            ("{\"w\": 5.0}", "/w", 1000, "{\"w\": 10.0}"),
            ("{\"w\": 5e0}", "/w", 500, "{\"w\": 5e0}"),
            ("{\"a/b\": [{\"~\": 1}]}", "/a~1b/0/~0", 0, "{\"a/b\": [{\"~\": 0}]}"),
            ("{\"\": 1}", "/", 0, "{\"\": 0}"),
            ("5\n", "", 10_000, "100\n"),
            ("canary: # x\n  weight: 5 # y\n", "/canary/weight", 100, "canary: # x\n  weight: 1 # y\n"),
        ] {
            assert_eq!(set(text, pointer, weight).unwrap(), wanted, "{text} {pointer}");
        }
    }

    #[test]
    fn what_is_no_percentage_is_refused_with_its_place() {
        for (text, pointer, wanted) in [
            ("{\"w\":\n true}", "/w", "f:2:2: expected the weight in percent"),
            ("{\"w\": 101}", "/w", "f:1:7: expected the weight in percent"),
            ("{\"w\": \"5%\"}", "/w", "f:1:7: expected the weight in percent"),
            ("{\"w\": {}}", "/w", "f:1:7: expected the weight in percent"),
            ("{\"w\": 1}", "/v", "f:1:1: `/v` leads nowhere"),
            ("{\"w\": [1]}", "/w/01", "f:1:7: `/w/01` leads nowhere"),
            ("{\"w\": [1]}", "/w/-", "f:1:7: `/w/-` leads nowhere"),
            ("{\"w\": 1}", "/w/v", "f:1:7: `/w/v` leads nowhere"),
            ("{\"w\": 1}", "/~2", "f: `~2`: expected `~0`"),
            ("a: 1\n---\na: 1\n", "/a", "f: 2 documents"),
            ("a: &x 1\nb: *x\n", "/b", "f:2:4: `b` is an alias"),
        ] {
            let error = set(text, pointer, 5).unwrap_err();
            assert!(error.starts_with(wanted), "{text}: {error}");
        }
    }
}
