//! Reads YAML as Kubernetes and CI systems do, as far as the examples go: no anchors, no tags.

use saphyr_parser::{Event, Parser, ScalarStyle};
use serde_json::{Map, Value};
use std::path::PathBuf;

/// The documents of a file in `deploy`.
pub(crate) fn documents(file: &str) -> Vec<Value> {
    let text = read(file);
    let events = Parser::new_from_str(&text).map(|event| event.unwrap_or_else(|error| panic!("{file}: {error}")).0);
    let mut events = events.filter(|event| !matches!(event, Event::StreamStart | Event::DocumentEnd | Event::Nothing));
    let mut documents = Vec::new();
    while let Some(Event::DocumentStart(_)) = events.next() {
        let first = events.next().expect("a document");
        documents.push(value(first, &mut events, file));
    }
    documents
}

/// The text of a file in `deploy`.
pub(crate) fn read(file: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("deploy").join(file);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn value<'a>(event: Event<'a>, events: &mut impl Iterator<Item = Event<'a>>, file: &str) -> Value {
    match event {
        Event::Scalar(text, style, anchor, tag) => {
            assert!(anchor == 0 && tag.is_none(), "{file}: `{text}` has an anchor or a tag");
            if style == ScalarStyle::Plain { plain(&text) } else { Value::from(text.as_ref()) }
        }
        Event::SequenceStart(..) => {
            let mut all = Vec::new();
            loop {
                match events.next().expect("the end of a sequence") {
                    Event::SequenceEnd => return Value::Array(all),
                    event => all.push(value(event, events, file)),
                }
            }
        }
        Event::MappingStart(..) => {
            let mut all = Map::new();
            loop {
                let name = match events.next().expect("the end of a mapping") {
                    Event::MappingEnd => return Value::Object(all),
                    Event::Scalar(name, ..) => name.into_owned(),
                    event => panic!("{file}: {event:?} is no name"),
                };
                let event = events.next().expect("a value");
                let value = value(event, events, file);
                assert!(all.insert(name.clone(), value).is_none(), "{file}: `{name}` stands twice");
            }
        }
        event => panic!("{file}: {event:?}"),
    }
}

/// A plain scalar by the core schema.
fn plain(text: &str) -> Value {
    match text {
        "" | "~" | "null" => Value::Null,
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        _ => text
            .parse::<i64>()
            .map(Value::from)
            .or_else(|_| text.parse::<f64>().map(Value::from))
            .unwrap_or_else(|_| Value::from(text)),
    }
}
