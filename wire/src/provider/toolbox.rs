//! What the tools of a request are, found in one pass.

use super::steps;
use crate::endpoint::Endpoint;
use crate::json::Text;
use crate::request::Request;
use serde::Deserialize;
use serde_json::value::RawValue;

/// Most tools that a request may offer.
pub(super) const TOOLS_MAX: usize = 128;
/// Bytes of the shortest list that could hold more than [`TOOLS_MAX`] tools.
const TOO_MANY_BYTES: usize = TOOLS_MAX * 3;
/// Longest name of a tool, bytes.
const NAME_BYTES_MAX: usize = 64;

/// What the offered tools are. Where something is wrong with one, its index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Toolbox {
    /// The list is no list of objects.
    pub(super) unreadable: bool,
    /// How many there are.
    pub(super) count: usize,
    /// A tool that is no function.
    pub(super) others: bool,
    /// A schema that has to be kept to the letter.
    pub(super) strict: bool,
    /// A name that is missing, too long, or beyond letters, digits, `_` and `-`.
    pub(super) bad_name: Option<usize>,
    /// A name that stood before.
    pub(super) doubled_name: Option<usize>,
    /// Parameters that are no schema of an object.
    pub(super) bad_schema: Option<usize>,
}

#[derive(Deserialize)]
struct Nested<'a> {
    #[serde(borrow, default, rename = "type")]
    kind: Option<Text<'a>>,
    #[serde(borrow, default)]
    function: Option<Definition<'a>>,
}

#[derive(Deserialize)]
struct Flat<'a> {
    #[serde(borrow, default, rename = "type")]
    kind: Option<Text<'a>>,
    #[serde(borrow, default)]
    name: Option<Text<'a>>,
    #[serde(borrow, default)]
    parameters: Option<&'a RawValue>,
    #[serde(borrow, default)]
    strict: Option<&'a RawValue>,
}

#[derive(Deserialize, Default)]
struct Definition<'a> {
    #[serde(borrow, default)]
    name: Option<Text<'a>>,
    #[serde(borrow, default)]
    parameters: Option<&'a RawValue>,
    #[serde(borrow, default)]
    strict: Option<&'a RawValue>,
}

/// Only the type: a schema of an object says so, and everything else is left to the provider.
#[derive(Deserialize)]
struct Schema<'a> {
    #[serde(borrow, default, rename = "type")]
    kind: Option<&'a RawValue>,
}

impl Toolbox {
    /// Reads `tools`; nothing where there are none.
    pub(super) fn read(request: &Request<'_>) -> Self {
        let Some(tools) = request.object.get("tools").filter(|tools| tools.get() != "null") else {
            return Self::default();
        };
        if request.endpoint == Endpoint::Responses {
            return Self::of_flat(tools, false);
        }
        match serde_json::from_str::<Vec<Nested<'_>>>(tools.get()) {
            Ok(list) => Self::of(
                list.into_iter().map(|tool| (is_function(tool.kind.as_ref()), tool.function.unwrap_or_default())),
            ),
            Err(_) => Self { unreadable: true, ..Self::default() },
        }
    }

    /// Reads the deprecated `functions`, which are nothing else.
    pub(super) fn of_functions(functions: &RawValue) -> Self {
        Self::of_flat(functions, true)
    }

    fn of_flat(list: &RawValue, functions: bool) -> Self {
        let Ok(list) = serde_json::from_str::<Vec<Flat<'_>>>(list.get()) else {
            return Self { unreadable: true, ..Self::default() };
        };
        Self::of(list.into_iter().map(|Flat { kind, name, parameters, strict }| {
            (functions || is_function(kind.as_ref()), Definition { name, parameters, strict })
        }))
    }

    fn of<'a>(tools: impl ExactSizeIterator<Item = (bool, Definition<'a>)>) -> Self {
        let mut toolbox = Self { count: tools.len(), ..Self::default() };
        let mut names: Vec<Text<'a>> = Vec::with_capacity(toolbox.count.min(TOOLS_MAX));
        for (index, (is_function, tool)) in tools.enumerate() {
            if !is_function {
                toolbox.others = true;
                continue;
            }
            toolbox.strict |= tool.strict.is_some_and(|strict| strict.get() == "true");
            if tool.parameters.is_some_and(|schema| !is_of_object(schema)) {
                toolbox.bad_schema.get_or_insert(index);
            }
            let Some(name) = tool.name.filter(|name| is_name(&name.0)) else {
                toolbox.bad_name.get_or_insert(index);
                continue;
            };
            // Beyond the limit nobody looks any more, so that a long list costs no square of its length.
            if names.len() < TOOLS_MAX {
                if names.iter().any(|earlier| earlier.0 == name.0) {
                    toolbox.doubled_name.get_or_insert(index);
                }
                names.push(name);
            }
        }
        toolbox
    }
}

fn is_function(kind: Option<&Text<'_>>) -> bool {
    kind.is_some_and(|kind| kind.0 == "function")
}

fn is_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    (1..=NAME_BYTES_MAX).contains(&name.len()) && name.bytes().all(plain)
}

fn is_of_object(schema: &RawValue) -> bool {
    match serde_json::from_str::<Schema<'_>>(schema.get()) {
        // A list of types is left to the provider.
        Ok(Schema { kind: Some(kind) }) => kind.get() == "\"object\"" || kind.get().starts_with('['),
        _ => false,
    }
}

/// Whether a list holds more tools than may be offered.
pub(super) fn too_many(tools: &RawValue) -> bool {
    tools.get().len() > TOO_MANY_BYTES && steps::list_length(tools) > TOOLS_MAX
}

/// Whether the request offers a function of this name, in either form.
pub(super) fn offers(request: &Request<'_>, name: &str) -> bool {
    let is_it = |other: Option<&Text<'_>>| other.is_some_and(|other| other.0 == name);
    let flat = |member: &str| {
        let list = request.object.get(member).map(RawValue::get);
        let list: Vec<Flat<'_>> = list.and_then(|list| serde_json::from_str(list).ok()).unwrap_or_default();
        list.iter().any(|tool| is_it(tool.name.as_ref()))
    };
    if request.endpoint == Endpoint::Responses {
        return flat("tools");
    }
    let tools = request.object.get("tools").map(RawValue::get);
    let tools: Vec<Nested<'_>> = tools.and_then(|list| serde_json::from_str(list).ok()).unwrap_or_default();
    let functions = tools.iter().filter_map(|tool| tool.function.as_ref());
    functions.into_iter().any(|function| is_it(function.name.as_ref())) || flat("functions")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn toolbox(tools: &str) -> Toolbox {
        let body = format!(r#"{{"model":"m","messages":[],"tools":{tools}}}"#);
        Toolbox::read(&Request::parse(Endpoint::Chat, body.as_bytes()).unwrap())
    }

    #[test]
    fn good_tools_have_nothing_wrong() {
        let tools = r#"[{"type":"function","function":{"name":"a_1-B","parameters":{"type":"object"}}},
            {"type":"function","function":{"name":"b","parameters":null,"strict":false}}]"#;
        assert_eq!(toolbox(tools), Toolbox { count: 2, ..Toolbox::default() });
        assert_eq!(toolbox("null"), Toolbox::default());
        assert_eq!(toolbox("[]"), Toolbox::default());
    }

    #[test]
    fn what_is_wrong_is_found_with_its_place() {
        let one = |function: &str| toolbox(&format!(r#"[{{"type":"function","function":{function}}}]"#));
        for name in ["", "a b", "é", &"x".repeat(65)] {
            assert_eq!(one(&format!(r#"{{"name":"{name}"}}"#)).bad_name, Some(0), "{name}");
        }
        assert_eq!(one("{}").bad_name, Some(0));
        for schema in ["{}", "[]", "7", r#"{"type":"string"}"#, r#"{"type":null}"#] {
            let found = one(&format!(r#"{{"name":"f","parameters":{schema}}}"#));
            assert_eq!((found.bad_schema, found.bad_name), (Some(0), None), "{schema}");
        }
        let twice = r#"{"type":"function","function":{"name":"f"}}"#;
        assert_eq!(toolbox(&format!("[{twice},{twice}]")).doubled_name, Some(1));
        assert!(toolbox(r#"[{"type":"custom","custom":{"name":"f"}}]"#).others);
        assert!(one(r#"{"name":"f","strict":true}"#).strict);
        for odd in ["{}", "7", "[7]", r#"[{"type":7}]"#, r#"[{"type":"function","function":{"name":7}}]"#] {
            assert!(toolbox(odd).unreadable, "{odd}");
        }
    }
}
