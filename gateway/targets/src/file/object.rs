//! The Kubernetes object that is meant, among those of a file.

use super::address::Object;
use super::fault::{Fault, line_and_column};
use super::tree::{Id, Tree};

/// Namespace and name of an object, as far as it says them.
pub(super) fn name(tree: &Tree, object: Id) -> String {
    let part = |key| tree.get(object, "metadata").and_then(|metadata| tree.text_of(metadata, key));
    match (part("namespace"), part("name")) {
        (Some(namespace), Some(name)) => format!("{namespace}/{name}"),
        (None, Some(name)) => name.to_owned(),
        _ => "(without a name)".to_owned(),
    }
}

/// Objects of a kind that an address fits. An object without a namespace is in whichever it is applied to.
///
/// # Errors
/// There is none.
pub(super) fn all(tree: &Tree, kind: &str, group: &str, wanted: &Object) -> Result<Vec<Id>, Fault> {
    let of_kind = |id: &Id| {
        let version = tree.text_of(*id, "apiVersion").unwrap_or_default();
        tree.text_of(*id, "kind") == Some(kind) && version.split('/').next() == Some(group)
    };
    let fits = |id: &Id| {
        let part = |key| tree.get(*id, "metadata").and_then(|metadata| tree.text_of(metadata, key));
        let same = |wanted: &Option<String>, found: Option<&str>| wanted.is_none() || wanted.as_deref() == found;
        same(&wanted.name, part("name")) && (part("namespace").is_none() || same(&wanted.namespace, part("namespace")))
    };
    let objects = tree.objects();
    let found: Vec<Id> = objects.iter().filter(|id| of_kind(id)).copied().collect();
    let fitting: Vec<Id> = found.iter().filter(|id| fits(id)).copied().collect();
    if fitting.is_empty() {
        let others = if found.is_empty() { &objects } else { &found };
        let list: Vec<String> = others
            .iter()
            .take(10)
            .map(|id| format!("{} {}", tree.text_of(*id, "kind").unwrap_or_default(), name(tree, *id)))
            .collect();
        let there = if list.is_empty() { "no Kubernetes object at all".to_owned() } else { list.join(", ") };
        return Err(Fault::whole(format!(
            "expected one {kind} of {group} that the address fits; the file has {there}"
        )));
    }
    Ok(fitting)
}

/// The only one.
///
/// # Errors
/// There is none, or several.
pub(super) fn only(tree: &Tree, text: &str, kind: &str, group: &str, wanted: &Object) -> Result<Id, Fault> {
    match all(tree, kind, group, wanted)?.as_slice() {
        [one] => Ok(*one),
        several => {
            let list: Vec<String> = several
                .iter()
                .map(|id| format!("{} (line {})", name(tree, *id), line_and_column(text, tree.offset(*id)).0))
                .collect();
            Err(Fault::whole(format!(
                "several {kind}s fit: {}; name one behind `#`, as NAMESPACE/NAME",
                list.join(", ")
            )))
        }
    }
}
