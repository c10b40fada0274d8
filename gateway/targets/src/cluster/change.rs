//! From two versions of an object to the request that leads from one to the other: pure.

use super::kind::Names;
use crate::TargetError;
use serde_json::{Map, Value, json};

/// As whom fields are managed.
pub(super) const MANAGER: &str = "weighbridge";

/// The object without what others write about it, as people would keep it in a file.
pub(super) fn plain(object: &Value) -> Value {
    let mut object = object.clone();
    if let Some(members) = object.as_object_mut() {
        members.shift_remove("status");
        if let Some(metadata) = members.get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.shift_remove("managedFields");
        }
    }
    object
}

/// Body of a server-side apply: identity, the version it was made from, and the smallest part that can be owned.
///
/// A list of rules is atomic: whoever owns a weight in it owns all of it. An annotation is owned alone. What we own from an
/// earlier apply has to be in this one again, or the server would remove it.
pub(super) fn apply(names: Names, old: &Value, new: &Value) -> Result<Value, TargetError> {
    let meta = |key: &str| old.pointer(&format!("/metadata/{key}")).cloned().unwrap_or_default();
    let mut metadata = Map::new();
    for key in ["name", "namespace", "resourceVersion"] {
        metadata.insert(key.to_owned(), meta(key));
    }
    let mut body = json!({"apiVersion": format!("{}/{}", names.group, names.version), "kind": names.kind});
    match names.list {
        Some(list) => {
            let rules =
                new.pointer(&format!("/spec/{list}")).cloned().ok_or_else(|| odd(names, "the rules are gone"))?;
            body["metadata"] = Value::Object(metadata);
            body["spec"] = json!({ list: rules });
        }
        None => {
            metadata.insert("annotations".to_owned(), Value::Object(annotations(names, old, new)?));
            body["metadata"] = Value::Object(metadata);
        }
    }
    Ok(body)
}

/// Annotations that change, and those that are ours already.
fn annotations(names: Names, old: &Value, new: &Value) -> Result<Map<String, Value>, TargetError> {
    let all = |object: &Value| object.pointer("/metadata/annotations").and_then(Value::as_object).cloned();
    let before = all(old).unwrap_or_default();
    let after = all(new).ok_or_else(|| odd(names, "the annotations are gone"))?;
    let ours = ours(old);
    let stays = |key: &str, value: &Value| before.get(key) != Some(value) || ours.contains(&format!("f:{key}"));
    Ok(after.into_iter().filter(|(key, value)| stays(key, value)).collect())
}

/// Annotations that an earlier apply of ours owns, as `f:KEY`.
fn ours(object: &Value) -> Vec<String> {
    let entries = object.pointer("/metadata/managedFields").and_then(Value::as_array);
    let is_ours = |entry: &&Value| entry["manager"] == MANAGER && entry["operation"] == "Apply";
    let fields = entries.into_iter().flatten().filter(is_ours);
    let fields = fields.filter_map(|entry| entry.pointer("/fieldsV1/f:metadata/f:annotations")?.as_object());
    fields.flat_map(|fields| fields.keys().cloned()).collect()
}

/// Body of a JSON Patch: a test of the version and of every old value, then the new values.
pub(super) fn patch(names: Names, old: &Value, new: &Value) -> Result<Value, TargetError> {
    let version = old.pointer("/metadata/resourceVersion").cloned().unwrap_or_default();
    let mut tests = vec![json!({"op": "test", "path": "/metadata/resourceVersion", "value": version})];
    let mut changes = Vec::new();
    let differs = differences("", old, new, &mut tests, &mut changes);
    if differs.is_none() || changes.is_empty() {
        return Err(odd(names, "more than single values would change"));
    }
    tests.append(&mut changes);
    Ok(Value::Array(tests))
}

/// Collects what differs; `None` if something was removed or changed its form, which no change of a weight does.
fn differences(path: &str, old: &Value, new: &Value, tests: &mut Vec<Value>, changes: &mut Vec<Value>) -> Option<()> {
    match (old, new) {
        (Value::Object(before), Value::Object(after)) => {
            before.keys().all(|key| after.contains_key(key)).then_some(())?;
            for (key, value) in after {
                let path = format!("{path}/{}", key.replace('~', "~0").replace('/', "~1"));
                match before.get(key) {
                    Some(known) => differences(&path, known, value, tests, changes)?,
                    None => changes.push(json!({"op": "add", "path": path, "value": value})),
                }
            }
        }
        (Value::Array(before), Value::Array(after)) => {
            (before.len() == after.len()).then_some(())?;
            for (at, (before, after)) in before.iter().zip(after).enumerate() {
                differences(&format!("{path}/{at}"), before, after, tests, changes)?;
            }
        }
        _ if old == new => {}
        (Value::Number(_), Value::Number(_)) | (Value::String(_), Value::String(_)) => {
            tests.push(json!({"op": "test", "path": path, "value": old}));
            changes.push(json!({"op": "replace", "path": path, "value": new}));
        }
        _ => return None,
    }
    Some(())
}

fn odd(names: Names, what: &str) -> TargetError {
    TargetError::Usage(format!("the change of this {} cannot be written as a request: {what}", names.kind))
}

#[cfg(test)]
mod tests;
