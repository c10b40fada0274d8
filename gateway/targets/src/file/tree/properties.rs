//! For any document, written in any of many ways: only the value changes, and reading again gives what was wanted.

use super::*;
use crate::file::edit;
use proptest::prelude::*;
use std::collections::BTreeMap;

/// A document without its writing.
#[derive(Debug, Clone, PartialEq)]
enum Doc {
    Number(u32),
    Text(String),
    List(Vec<Doc>),
    Map(Vec<Doc>),
}

fn doc() -> impl Strategy<Value = Doc> {
    let leaf = prop_oneof![any::<u32>().prop_map(Doc::Number), "[a-zé😀\"'#:{ ]{0,5}".prop_map(Doc::Text)];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..4).prop_map(Doc::List),
            prop::collection::vec(inner, 1..4).prop_map(Doc::Map),
        ]
    })
}

/// Choices of style, taken one after another, again from the beginning at the end.
struct Pen<'a> {
    choices: &'a [u8],
    at: usize,
    json: bool,
}

impl Pen<'_> {
    fn choose<'b>(&mut self, among: &[&'b str]) -> &'b str {
        self.at += 1;
        among[usize::from(self.choices[self.at % self.choices.len()]) % among.len()]
    }

    fn flips(&mut self) -> bool {
        self.choose(&["0", "1"]) == "1"
    }

    fn scalar(&mut self, doc: &Doc) -> String {
        match doc {
            Doc::Number(number) if self.json => number.to_string(),
            Doc::Number(number) => {
                let quote = self.choose(&["", "'", "\""]);
                format!("{quote}{number}{quote}")
            }
            Doc::Text(text) if self.json => {
                let plain = serde_json::to_string(text).unwrap();
                if self.flips() { plain.replace('😀', "\\ud83d\\ude00").replace('a', "\\u0061") } else { plain }
            }
            Doc::Text(text) => match self.choose(&["'", "\""]) {
                "'" => format!("'{}'", text.replace('\'', "''")),
                _ => format!("\"{}\"", text.replace('"', "\\\"").replace('a', "\\x61")),
            },
            _ => unreachable!("a collection"),
        }
    }

    fn key(&mut self, index: usize) -> String {
        if self.json {
            format!("\"k{index}\"")
        } else {
            self.choose(&["k", "'k", "\"k"]).replacen('k', &format!("k{index}"), 1) + self.closing()
        }
    }

    /// The quote that the last choice has opened.
    fn closing(&self) -> &'static str {
        ["", "'", "\""][usize::from(self.choices[self.at % self.choices.len()]) % 3]
    }

    /// In brackets.
    fn flow(&mut self, doc: &Doc) -> String {
        let spaces: &[&str] = if self.json { &["", " ", "\n", "\n\t", "\t"] } else { &["", " ", "  "] };
        let mut out = String::new();
        let (open, close, items) = match doc {
            Doc::List(items) => ("[", "]", items),
            Doc::Map(items) => ("{", "}", items),
            scalar => return self.scalar(scalar),
        };
        out.push_str(open);
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                out.push(',');
            }
            out.push_str(self.choose(spaces));
            if matches!(doc, Doc::Map(_)) {
                out.push_str(&self.key(index));
                out.push_str(if self.json { self.choose(&[":", ": ", ":\t", " : "]) } else { ": " });
            }
            out.push_str(&self.flow(item));
            out.push_str(self.choose(spaces));
        }
        out.push_str(close);
        out
    }

    /// Over lines, each with its indentation; `inline` leaves the first one's out.
    fn block(&mut self, doc: &Doc, indent: usize, inline: bool, out: &mut String) {
        let (items, is_map) = match doc {
            Doc::List(items) => (items, false),
            Doc::Map(items) => (items, true),
            scalar => {
                out.push_str(&self.scalar(scalar));
                out.push_str(self.choose(&["\n", " \n", "   # k0: 7\n", "\t# 'x\n"]));
                return;
            }
        };
        for (index, item) in items.iter().enumerate() {
            if index > 0 || !inline {
                out.push_str(self.choose(&["", "\n", "# k1: \"5\n"]));
                out.push_str(&" ".repeat(indent));
            }
            if is_map {
                let key = self.key(index);
                out.push_str(&format!("{key}:"));
            } else {
                out.push('-');
            }
            let is_scalar = matches!(item, Doc::Number(_) | Doc::Text(_));
            if is_scalar || self.flips() {
                out.push_str(self.choose(&[" ", "  "]));
                let written = if is_scalar { self.scalar(item) } else { self.flow(item) };
                out.push_str(&written);
                out.push_str(self.choose(&["\n", " \n", "   # k0: 7\n"]));
            } else if is_map || self.flips() {
                out.push_str(self.choose(&["\n", "  # below\n"]));
                self.block(item, indent + 2, false, out);
            } else {
                out.push_str("   ");
                self.block(item, indent + 4, true, out);
            }
        }
    }
}

/// Some documents as a text, and how its lines end.
#[derive(Debug, Clone)]
struct Written {
    documents: Vec<Doc>,
    choices: Vec<u8>,
    json: bool,
}

impl Written {
    fn text(&self) -> String {
        let mut pen = Pen { choices: &self.choices, at: 0, json: self.json };
        let mut text = String::new();
        text.push_str(pen.choose(&["", "\u{feff}"]));
        if self.json {
            text.push_str(&pen.flow(&self.documents[0]));
            text.push_str(pen.choose(&["", "\n"]));
        } else {
            for (index, document) in self.documents.iter().enumerate() {
                if index > 0 || pen.flips() {
                    text.push_str("---\n");
                }
                pen.block(document, 0, false, &mut text);
            }
        }
        if pen.flips() { text.replace('\n', "\r\n") } else { text }
    }
}

fn written() -> impl Strategy<Value = Written> {
    let choices = prop::collection::vec(any::<u8>(), 16..64);
    (prop::collection::vec(doc(), 1..3), choices, any::<bool>()).prop_map(|(documents, choices, json)| Written {
        documents,
        choices,
        json,
    })
}

/// All places of a kind of value.
fn places(doc: &mut Doc, path: &mut Vec<usize>, wanted: fn(&Doc) -> bool, found: &mut Vec<Vec<usize>>) {
    if wanted(doc) {
        found.push(path.clone());
    }
    if let Doc::List(items) | Doc::Map(items) = doc {
        for (index, item) in items.iter_mut().enumerate() {
            path.push(index);
            places(item, path, wanted, found);
            path.pop();
        }
    }
}

fn at<'a>(doc: &'a mut Doc, path: &[usize]) -> &'a mut Doc {
    path.iter().fold(doc, |doc, index| match doc {
        Doc::List(items) | Doc::Map(items) => &mut items[*index],
        _ => unreachable!("a path of places"),
    })
}

fn node(tree: &Tree, document: usize, path: &[usize]) -> Id {
    path.iter().fold(tree.documents()[document], |id, index| match tree.form(id) {
        Form::Sequence { items, .. } => items[*index],
        Form::Mapping { entries, .. } => entries[*index].1,
        other => panic!("{other:?}"),
    })
}

/// What a reader understands, the order of members left out.
#[derive(Debug, PartialEq)]
enum Meaning {
    Scalar(String),
    List(Vec<Meaning>),
    Map(BTreeMap<String, Meaning>),
}

fn meaning(tree: &Tree, id: Id) -> Meaning {
    match tree.form(id) {
        Form::Scalar { value, .. } => Meaning::Scalar(value.to_string()),
        Form::Sequence { items, .. } => Meaning::List(items.iter().map(|item| meaning(tree, *item)).collect()),
        Form::Mapping { entries, .. } => Meaning::Map(
            entries.iter().map(|(key, value)| (tree.scalar(*key).unwrap().to_owned(), meaning(tree, *value))).collect(),
        ),
        Form::Alias => panic!("none was written"),
    }
}

fn all(text: &str) -> Vec<Meaning> {
    let tree = Tree::read(text).unwrap_or_else(|fault| panic!("{text:?}: {fault:?}"));
    tree.documents().iter().map(|id| meaning(&tree, *id)).collect()
}

proptest! {
    #[test]
    fn a_changed_number_is_as_if_it_had_been_written_so(mut written in written(), which: prop::sample::Index, new in any::<u32>()) {
        let text = written.text();
        let document = which.index(if written.json { 1 } else { written.documents.len() });
        let mut found = Vec::new();
        places(&mut written.documents[document], &mut Vec::new(), |doc| matches!(doc, Doc::Number(_)), &mut found);
        if found.is_empty() {
            return Ok(());
        }
        let path = &found[which.index(found.len())];
        let tree = Tree::read(&text).unwrap_or_else(|fault| panic!("{text:?}: {fault:?}"));
        let edit = tree.replace(node(&tree, document, path), &new.to_string()).unwrap_or_else(|fault| panic!("{text:?}: {fault:?}"));
        let changed = edit::apply(&text, &[edit]).unwrap();
        *at(&mut written.documents[document], path) = Doc::Number(new);
        prop_assert_eq!(changed, written.text());
    }

    #[test]
    fn a_member_put_in_is_there_and_all_else_is_as_it_was(mut written in written(), which: prop::sample::Index) {
        let text = written.text();
        let document = which.index(if written.json { 1 } else { written.documents.len() });
        let mut found = Vec::new();
        places(&mut written.documents[document], &mut Vec::new(), |doc| matches!(doc, Doc::Map(_)), &mut found);
        if found.is_empty() {
            return Ok(());
        }
        let path = &found[which.index(found.len())];
        let tree = Tree::read(&text).unwrap();
        let edit = tree.insert(node(&tree, document, path), "weight", &New::Number("7".into())).unwrap();
        prop_assert!(edit.range.is_empty());
        let changed = edit::apply(&text, &[edit]).unwrap();
        prop_assert_eq!(changed.contains("\r\n"), text.contains("\r\n"));

        let mut wanted = all(&text);
        let mut place = &mut wanted[document];
        for index in path {
            place = match place {
                Meaning::List(items) => &mut items[*index],
                Meaning::Map(members) => members.get_mut(&format!("k{index}")).unwrap(),
                Meaning::Scalar(_) => unreachable!("a path of places"),
            };
        }
        match place {
            Meaning::Map(members) => members.insert("weight".into(), Meaning::Scalar("7".into())),
            other => panic!("{other:?}"),
        };
        prop_assert_eq!(all(&changed), wanted, "{}", changed);
    }

    #[test]
    fn any_text_is_read_or_refused(text in "[-a:#&*!|>'\"{}\\[\\], \t\r\n\u{feff}é0%@`?<]{0,60}") {
        if let Ok(tree) = Tree::read(&text) {
            for index in 0..tree.nodes.len() {
                let id = Id(index);
                if let Ok(edit) = tree.replace(id, "7") {
                    let changed = edit::apply(&text, &[edit]).unwrap();
                    prop_assert!(changed.len() <= text.len() + 1);
                }
                if let Ok(edit) = tree.insert(id, "w", &New::Number("7".into())) {
                    edit::apply(&text, &[edit]).unwrap();
                }
            }
        }
    }
}
