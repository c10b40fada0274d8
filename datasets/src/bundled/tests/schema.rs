//! A value held against its schema.

use serde_json::Value;

/// Holds a value against the part of JSON Schema that strict mode allows.
pub(super) fn fits(value: &Value, schema: &Value, place: &str) {
    let kinds = match &schema["type"] {
        Value::Array(kinds) => kinds.clone(),
        kind => vec![kind.clone()],
    };
    let is = |kind: &Value| match kind.as_str().unwrap() {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        other => panic!("{place}: unknown type {other}"),
    };
    assert!(kinds.iter().any(is), "{place}: {value} is none of {kinds:?}");
    if let Some(options) = schema["enum"].as_array() {
        assert!(options.contains(value), "{place}: {value} is none of {options:?}");
    }
    if let Some(members) = value.as_object() {
        assert_eq!(schema["additionalProperties"], false, "{place}");
        let properties = schema["properties"].as_object().unwrap();
        let required: Vec<&str> = schema["required"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        assert_eq!(properties.keys().collect::<Vec<_>>(), required, "{place}: strict mode wants all of them");
        assert_eq!(members.keys().collect::<Vec<_>>(), required, "{place}");
        members.iter().for_each(|(name, member)| fits(member, &properties[name], &format!("{place}.{name}")));
    }
    for item in value.as_array().into_iter().flatten() {
        fits(item, &schema["items"], place);
    }
}
