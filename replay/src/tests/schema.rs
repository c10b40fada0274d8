//! The JSON Schemas beside the sources are those of the types.

use crate::{DryRun, Summary};
use schemars::generate::SchemaSettings;
use serde_json::Value;
use std::path::PathBuf;

fn check<T: schemars::JsonSchema>(file: &str, id: &str) -> Value {
    let mut schema =
        serde_json::to_value(SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<T>()).unwrap();
    schema.as_object_mut().unwrap().insert("$id".into(), format!("urn:weighbridge:schema:{id}").into());
    let text = format!("{schema:#}\n");
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("schema").join(file);
    if std::env::var_os("WEIGHBRIDGE_WRITE_SCHEMAS").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(written == text, "{} is out of date: run the tests once with WEIGHBRIDGE_WRITE_SCHEMAS=1", path.display());
    schema
}

/// Every member of a document is described, and what is required is there.
fn describes(schema: &Value, root: &Value, value: &Value, at: &str) {
    let schema = match schema.get("$ref").and_then(Value::as_str) {
        Some(reference) => root.pointer(reference.trim_start_matches('#')).unwrap(),
        None => schema,
    };
    let Some(members) = value.as_object() else { return };
    if let Some(one) = schema.get("anyOf").and_then(Value::as_array) {
        return describes(&one[0], root, value, at);
    }
    let Some(properties) = schema.get("properties") else {
        assert!(schema.get("additionalProperties").is_some(), "{at}: {schema:#}");
        return;
    };
    for required in schema.get("required").and_then(Value::as_array).into_iter().flatten() {
        assert!(members.contains_key(required.as_str().unwrap()), "{at}: {required} is missing");
    }
    for (name, value) in members {
        let property = properties.get(name).unwrap_or_else(|| panic!("{at}: {name} is not described"));
        describes(property, root, value, &format!("{at}/{name}"));
        let items = property.get("items").filter(|_| value.is_array());
        for item in items.into_iter().flat_map(|_| value.as_array().unwrap()) {
            describes(items.unwrap(), root, item, &format!("{at}/{name}[]"));
        }
    }
}

#[test]
fn the_summary_is_described() {
    let schema = check::<Summary>("summary.json", "replay:1");
    let text = schema.to_string();
    assert!(text.contains("Lateness of all sends, microseconds"));
    let summary = crate::summary::sample_for_tests();
    describes(&schema, &schema, &serde_json::to_value(summary).unwrap(), "");
}

#[test]
fn the_dry_run_is_described() {
    let schema = check::<DryRun>("dry-run.json", "dry-run:1");
    let log = super::rows(3, super::STREAMED);
    let dry = crate::dry_run(log, &super::options("http://127.0.0.1:1", "10/s"), 0).unwrap();
    describes(&schema, &schema, &serde_json::to_value(dry).unwrap(), "");
}
