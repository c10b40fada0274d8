//! Whether those who act on a route have taken it, from the route's status: pure.
//!
//! A Gateway API controller says for each parent (gateway) whether the route is `Accepted` and its references are resolved
//! (`ResolvedRefs`), and of which generation it speaks. What it said of an older generation says nothing about this one.
//! Only HTTPRoute has such a status; of the other kinds nothing is known, and nothing is waited for.

use crate::answer;
use serde_json::Value;

/// What the status says of a generation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Settled {
    /// All parents have taken it; how many.
    Yes(usize),
    /// At least one has not; what it says.
    No(Vec<String>),
    /// Some have not spoken of this generation yet; who.
    NotYet(Vec<String>),
}

const CONDITIONS: [&str; 2] = ["Accepted", "ResolvedRefs"];

/// Reads the status of `object` about `generation` or newer.
pub(super) fn of(object: &Value, generation: i64) -> Settled {
    let empty = Vec::new();
    let parents = object.pointer("/status/parents").and_then(Value::as_array).unwrap_or(&empty);
    let (mut no, mut not_yet) = (Vec::new(), Vec::new());
    for parent in parents {
        let name = named(parent);
        for kind in CONDITIONS {
            let conditions = parent["conditions"].as_array().unwrap_or(&empty);
            let condition = conditions.iter().find(|condition| condition["type"] == kind);
            let current = condition.filter(|condition| condition["observedGeneration"].as_i64() >= Some(generation));
            match current {
                None => not_yet.push(name.clone()),
                Some(condition) if condition["status"] == "True" => {}
                Some(condition) => {
                    let word = |key: &str| answer::quoted(condition[key].as_str().unwrap_or_default());
                    no.push(format!("{name}: {kind} is {}: {}: {}", word("status"), word("reason"), word("message")));
                }
            }
        }
    }
    not_yet.dedup();
    match (parents.len(), no.is_empty(), not_yet.is_empty()) {
        (0, ..) => Settled::NotYet(vec!["no gateway".to_owned()]),
        (_, false, _) => Settled::No(no),
        (_, true, false) => Settled::NotYet(not_yet),
        (count, true, true) => Settled::Yes(count),
    }
}

/// A parent as people know it.
fn named(parent: &Value) -> String {
    let word = |pointer: &str| parent.pointer(pointer).and_then(Value::as_str);
    let name = answer::quoted(word("/parentRef/name").unwrap_or("(without a name)"));
    let section = word("/parentRef/sectionName").map(|section| format!("/{}", answer::quoted(section)));
    let controller = answer::quoted(word("/controllerName").unwrap_or("(unknown)"));
    format!("{name}{} ({controller})", section.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    /// A parent: kind, status and generation of each condition.
    fn status(parents: &[&[(&str, &str, i64)]]) -> Value {
        let condition =
            |(kind, status, of): &(&str, &str, i64)| json!({"type": kind, "status": status, "observedGeneration": of});
        let parent = |conditions: &&[(&str, &str, i64)]| json!({"parentRef": {"name": "edge"}, "conditions": conditions.iter().map(condition).collect::<Vec<_>>()});
        json!({"status": {"parents": parents.iter().map(parent).collect::<Vec<_>>()}})
    }

    #[test]
    fn all_parents_have_to_speak_of_this_generation() {
        let taken: &[_] = &[("Accepted", "True", 4), ("ResolvedRefs", "True", 5), ("Odd", "False", 4)];
        let old: &[_] = &[("Accepted", "True", 4), ("ResolvedRefs", "True", 3)];
        let half: &[_] = &[("Accepted", "True", 4)];
        let refused: &[_] = &[("Accepted", "False", 4), ("ResolvedRefs", "True", 4)];
        let unknown: &[_] = &[("Accepted", "Unknown", 4), ("ResolvedRefs", "True", 4)];
        assert_eq!(of(&status(&[taken, taken]), 4), Settled::Yes(2));
        for not_yet in [&[taken, old][..], &[half], &[&[]], &[]] {
            assert!(matches!(of(&status(not_yet), 4), Settled::NotYet(_)), "{not_yet:?}");
        }
        // A refusal is told at once, whoever else is still silent.
        for no in [&[old, refused][..], &[unknown]] {
            assert!(matches!(of(&status(no), 4), Settled::No(_)), "{no:?}");
        }
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let word = prop_oneof![
            Just("conditions"),
            Just("type"),
            Just("status"),
            Just("parentRef"),
            Just("Accepted"),
            Just("True")
        ];
        let leaf =
            prop_oneof![Just(Value::Null), any::<i64>().prop_map(Value::from), word.clone().prop_map(Value::from)];
        leaf.prop_recursive(4, 24, 4, move |inner| {
            let list = proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from);
            let members = proptest::collection::vec((word.clone(), inner), 0..4);
            prop_oneof![
                list,
                members.prop_map(|members| members.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
            ]
        })
    }

    proptest! {
        #[test]
        fn whatever_a_status_holds_is_read(parents in any_json(), generation in any::<i64>()) {
            let said = of(&json!({"status": {"parents": parents}}), generation);
            // Nothing is settled without a condition that says so.
            if matches!(said, Settled::Yes(_)) {
                prop_assert!(parents.to_string().contains("True"));
            }
        }
    }
}
