//! YAML by the events of its parser.

use super::{DEPTH_MAX, Form, Id, Node, Style, Tree};
use crate::file::fault::Fault;
use saphyr_parser::{Event, Parser, ScalarStyle, Span};
use std::ops::Range;

/// The parser counts characters, we count bytes.
struct Bytes(Option<Vec<usize>>, usize);

impl Bytes {
    fn of(text: &str) -> Self {
        Self((!text.is_ascii()).then(|| text.char_indices().map(|(byte, _)| byte).collect()), text.len())
    }

    fn at(&self, character: usize) -> usize {
        match &self.0 {
            None => character.min(self.1),
            Some(table) => table.get(character).copied().unwrap_or(self.1),
        }
    }

    fn range(&self, span: Span) -> Range<usize> {
        let start = self.at(span.start.index());
        start..self.at(span.end.index()).max(start)
    }
}

/// A collection that has not ended.
struct Open {
    span: Range<usize>,
    flow: bool,
    anchor: usize,
    tagged: bool,
    mapping: bool,
    inside: Vec<Id>,
}

/// Reads all documents.
pub(super) fn read(text: &str) -> Result<Tree<'_>, Fault> {
    let bytes = Bytes::of(text);
    let mut tree = Tree::empty(text);
    let mut open: Vec<Open> = Vec::new();
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| refused(&error, &bytes))?;
        let at = bytes.range(span);
        let done = match event {
            Event::SequenceStart(anchor, tag) => {
                begin(text, &mut open, Open::new(text, at, anchor, tag.is_some(), false))?;
                continue;
            }
            Event::MappingStart(anchor, tag) => {
                begin(text, &mut open, Open::new(text, at, anchor, tag.is_some(), true))?;
                continue;
            }
            Event::SequenceEnd | Event::MappingEnd => match open.pop() {
                Some(ended) => ended.close(&mut tree, &at)?,
                None => continue,
            },
            Event::Scalar(value, style, anchor, tag) => {
                let style = style_of(style);
                let span = without_what_follows(text, at, style);
                let form = Form::Scalar { value, style };
                tree.push(Node { span, decorated: anchor != 0 || tag.is_some(), anchor, form })
            }
            Event::Alias(anchor) => {
                tree.referred.insert(anchor);
                tree.push(Node { span: at, decorated: false, anchor: 0, form: Form::Alias })
            }
            _ => continue,
        };
        match open.last_mut() {
            Some(parent) => parent.inside.push(done),
            None => tree.documents.push(done),
        }
    }
    Ok(tree)
}

fn begin(text: &str, open: &mut Vec<Open>, new: Open) -> Result<(), Fault> {
    if open.len() >= DEPTH_MAX {
        let at = new.span.start.min(text.len());
        return Err(Fault::at(at, format!("nested deeper than {DEPTH_MAX} levels")));
    }
    open.push(new);
    Ok(())
}

impl Open {
    fn new(text: &str, span: Range<usize>, anchor: usize, tagged: bool, mapping: bool) -> Self {
        let flow = in_brackets(text.get(span.clone()).unwrap_or_default());
        Self { span, flow, anchor, tagged, mapping, inside: Vec::new() }
    }

    fn close(self, tree: &mut Tree<'_>, end: &Range<usize>) -> Result<Id, Fault> {
        let form = if self.mapping {
            let entries: Vec<(Id, Id)> =
                self.inside.chunks_exact(2).filter_map(|pair| Some((*pair.first()?, *pair.last()?))).collect();
            tree.no_duplicates(&entries)?;
            Form::Mapping { entries, flow: self.flow }
        } else {
            Form::Sequence { items: self.inside, flow: self.flow }
        };
        let span = self.span.start..end.end.max(self.span.start);
        Ok(tree.push(Node { span, decorated: self.anchor != 0 || self.tagged, anchor: self.anchor, form }))
    }
}

/// The parser's span of a quoted scalar takes the blanks and the comment behind it along.
fn without_what_follows(text: &str, span: Range<usize>, style: Style) -> Range<usize> {
    let quote = match style {
        Style::Single => b'\'',
        Style::Double => b'"',
        Style::Plain | Style::Block => return span,
    };
    let shown = text.as_bytes().get(span.clone()).unwrap_or_default();
    if shown.first() != Some(&quote) {
        return span;
    }
    let mut at = 1;
    while let Some(byte) = shown.get(at) {
        match byte {
            b'\\' if style == Style::Double => at += 2,
            byte if *byte == quote && style == Style::Single && shown.get(at + 1) == Some(&quote) => at += 2,
            byte if *byte == quote => return span.start..span.start + at + 1,
            _ => at += 1,
        }
    }
    span
}

/// Whether a collection begins with a bracket. The parser's span of its beginning has anchor, tag, comments and blanks in it;
/// one in block style begins without a character of its own.
fn in_brackets(mut begins: &str) -> bool {
    loop {
        begins = begins.trim_start();
        let skipped = match begins.bytes().next() {
            Some(b'&' | b'!') => begins.find(char::is_whitespace),
            Some(b'#') => begins.find('\n'),
            first => return matches!(first, Some(b'{' | b'[')),
        };
        begins = skipped.and_then(|at| begins.get(at..)).unwrap_or_default();
    }
}

fn style_of(style: ScalarStyle) -> Style {
    match style {
        ScalarStyle::Plain => Style::Plain,
        ScalarStyle::SingleQuoted => Style::Single,
        ScalarStyle::DoubleQuoted => Style::Double,
        ScalarStyle::Literal | ScalarStyle::Folded => Style::Block,
    }
}

fn refused(error: &saphyr_parser::ScanError, bytes: &Bytes) -> Fault {
    let says = format!("not YAML: {}; a template has to be rendered first", error.info());
    Fault::at(bytes.at(error.marker().index()), says)
}
