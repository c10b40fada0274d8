//! The members of every kind of line, as one table, and the JSON Schema that follows from it.
//!
//! A table of our own and no derive, because a schema says more than a Rust type: which version brought a member, which
//! numbers are possible, and what it means in the words of the normative text, from which the descriptions are taken.
//! Tests hold the table against the types (the same members, required the same, the same words) and against the text.
//! `schema/*.json` beside the sources are these schemas, for those who do not have the program at hand.

mod table;

use crate::header::Format;
use serde_json::{Map, Value, json};
pub use table::{Member, Need, Shape};

/// The normative text; descriptions are taken from its tables.
pub(crate) const README: &str = include_str!("../README.md");

/// What a schema is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The first line of every file.
    Header,
    /// A line of a request log.
    Request,
    /// A line of exchange records.
    Exchange,
    /// A line of a label file.
    Label,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Header, Self::Request, Self::Exchange, Self::Label];

    /// The name on the command line and of the schema's file.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Header => "header",
            Self::Request => "request",
            Self::Exchange => "exchange",
            Self::Label => "label",
        }
    }

    /// The kind of that name.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The kind of a file's lines.
    #[must_use]
    pub const fn of_lines(format: Format) -> Self {
        match format {
            Format::Requests => Self::Request,
            Format::Exchanges => Self::Exchange,
            Format::Labels => Self::Label,
        }
    }

    /// The members of such a line, in the order in which they are written.
    #[must_use]
    pub const fn members(self) -> &'static [Member] {
        match self {
            Self::Header => table::HEADER,
            Self::Request => table::REQUEST,
            Self::Exchange => table::EXCHANGE,
            Self::Label => table::LABEL,
        }
    }

    /// The file whose version the schema is of; a header belongs to all of them.
    const fn format(self) -> Option<Format> {
        match self {
            Self::Header => None,
            Self::Request => Some(Format::Requests),
            Self::Exchange => Some(Format::Exchanges),
            Self::Label => Some(Format::Labels),
        }
    }

    /// Where the normative text describes it.
    const fn heading(self) -> &'static str {
        match self {
            Self::Header => "### Header",
            Self::Request => "## Request log",
            Self::Exchange => "## Exchange records",
            Self::Label => "## Labels",
        }
    }

    const fn title(self) -> &'static str {
        match self {
            Self::Header => "The first line of a weighbridge file",
            Self::Request => "A line of a weighbridge request log",
            Self::Exchange => "A line of weighbridge exchange records",
            Self::Label => "A line of weighbridge labels",
        }
    }

    /// JSON Schema (2020-12) of such a line. Members that it does not know are allowed, because a newer minor version may
    /// have more.
    #[must_use]
    pub fn schema(self) -> Value {
        let mut schema = Map::new();
        let id = match self.format() {
            Some(format) => format!("urn:weighbridge:schema:{}:{}", self.name(), format.version()),
            None => format!("urn:weighbridge:schema:{}", self.name()),
        };
        schema.insert("$schema".to_owned(), json!("https://json-schema.org/draft/2020-12/schema"));
        schema.insert("$id".to_owned(), json!(id));
        schema.insert("title".to_owned(), json!(self.title()));
        schema.extend(object(self, &[], self.members()));
        Value::Object(schema)
    }

    /// The schema as the text of its file.
    #[must_use]
    pub fn schema_text(self) -> String {
        format!("{:#}\n", self.schema())
    }
}

/// An object's schema; `way` leads to it.
fn object(kind: Kind, way: &[&str], members: &[Member]) -> Map<String, Value> {
    let required: Vec<&str> =
        members.iter().filter(|member| member.need == Need::Required).map(|member| member.name).collect();
    let properties: Map<String, Value> =
        members.iter().map(|member| (member.name.to_owned(), Value::Object(property(kind, way, member)))).collect();
    Map::from_iter([
        ("type".to_owned(), json!("object")),
        ("required".to_owned(), json!(required)),
        ("properties".to_owned(), Value::Object(properties)),
    ])
}

fn property(kind: Kind, way: &[&str], member: &Member) -> Map<String, Value> {
    let mut property = Map::new();
    let way = [way, &[member.name]].concat();
    if let Some(meaning) = meaning(kind, &way) {
        property.insert("description".to_owned(), json!(meaning));
    }
    property.extend(shape(kind, &way, member.shape));
    let default = match member.need {
        Need::Required | Need::Optional => None,
        Need::Word(word) => Some(json!(word)),
        Need::No => Some(json!(false)),
        Need::One => Some(json!(1)),
    };
    property.extend(default.map(|default| ("default".to_owned(), default)));
    property
}

fn shape(kind: Kind, way: &[&str], shape: Shape) -> Map<String, Value> {
    let value = match shape {
        Shape::Text => json!({"type": "string"}),
        Shape::Version => json!({"type": "string", "pattern": "^[0-9]+\\.[0-9]+$"}),
        Shape::Flag => json!({"type": "boolean"}),
        Shape::Words(words) => json!({"type": "string", "enum": words}),
        Shape::Count(bits) => json!({"type": "integer", "minimum": 0, "maximum": u64::MAX >> (64 - u32::from(bits))}),
        Shape::Micros => json!({"type": "integer", "minimum": 0, "maximum": u64::MAX}),
        Shape::Instant | Shape::Money => json!({"type": "integer", "minimum": i64::MIN, "maximum": i64::MAX}),
        Shape::Share => json!({"type": "number", "minimum": 0, "maximum": 1}),
        Shape::Texts => json!({"type": "array", "items": {"type": "string"}}),
        Shape::Calls => json!({
            "type": "array",
            "items": {"type": "array", "prefixItems": [{"type": "string"}, true], "minItems": 2, "maxItems": 2},
        }),
        Shape::Body => json!({"type": "object"}),
        Shape::Object(members) => return object(kind, way, members),
    };
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

/// What a member means, as its row in the normative text says.
fn meaning(kind: Kind, way: &[&str]) -> Option<String> {
    // Usage is described once, among the exchange records.
    let row = row(kind, way).or_else(|| row(Kind::Exchange, way))?;
    let cell = row.trim_end().strip_suffix('|')?.splitn(5, '|').nth(4)?;
    Some(cell.trim().replace('`', ""))
}

/// The row of a member in the normative text: under the way to it where its name alone is not enough, else under its name.
pub(crate) fn row(kind: Kind, way: &[&str]) -> Option<&'static str> {
    (0..way.len()).find_map(|from| row_named(kind, &way[from..].join(".")))
}

fn row_named(kind: Kind, name: &str) -> Option<&'static str> {
    let level = kind.heading().split_once(' ')?.0;
    let (_, rest) = README.split_once(&format!("\n{}", kind.heading()))?;
    let start = format!("| `{name}` |");
    let below = |line: &&str| {
        let heading = line.split_once(' ').map_or("", |(start, _)| start);
        !(heading.starts_with('#') && heading.len() <= level.len() && heading.bytes().all(|byte| byte == b'#'))
    };
    rest.lines().skip(1).take_while(below).find(|line| line.starts_with(&start))
}

#[cfg(test)]
mod tests;
