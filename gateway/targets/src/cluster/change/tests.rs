use super::*;
use crate::cluster::kind::Kind;
use proptest::prelude::*;

/// Carries a JSON Patch out, as RFC 6902 says it; `None` if a test fails or a place is missing.
fn carried_out(object: &Value, patch: &Value) -> Option<Value> {
    let mut object = object.clone();
    for step in patch.as_array()? {
        let (path, value) = (step["path"].as_str()?, &step["value"]);
        match step["op"].as_str()? {
            "test" => (object.pointer(path)? == value).then_some(())?,
            "replace" => *object.pointer_mut(path)? = value.clone(),
            _ => {
                let (of, key) = path.rsplit_once('/')?;
                let key = key.replace("~1", "/").replace("~0", "~");
                object.pointer_mut(of)?.as_object_mut()?.insert(key, value.clone());
            }
        }
    }
    Some(object)
}

/// Objects with weights at odd keys, and the same with other weights, some of which were missing.
fn pairs() -> impl Strategy<Value = (Value, Value)> {
    let entry = ("[a-c~/ ]{1,6}", proptest::option::of(0..9_u32), 0..9_u32, proptest::bool::ANY);
    proptest::collection::vec(entry, 1..5).prop_map(|entries| {
        let build = |new: bool| {
            let rules = entries.iter().map(|(key, old, other, as_text)| {
                let number = if new { Some(*other) } else { *old };
                let number = number.map(|number| if *as_text { json!(number.to_string()) } else { json!(number) });
                let mut rule = json!({"name": "x"});
                if let Some(number) = number {
                    rule[key] = number;
                }
                rule
            });
            json!({"metadata": {"resourceVersion": "7"}, "spec": {"rules": rules.collect::<Vec<_>>()}})
        };
        (build(false), build(true))
    })
}

proptest! {
    #[test]
    fn a_patch_leads_from_one_to_the_other_and_from_nothing_else((old, new) in pairs()) {
        let names = Kind::HttpRoute.names();
        match patch(names, &old, &new) {
            Ok(patch) => {
                prop_assert_eq!(carried_out(&old, &patch), Some(new));
                let mut newer = old;
                newer["metadata"]["resourceVersion"] = json!("8");
                prop_assert_eq!(carried_out(&newer, &patch), None);
            }
            Err(_) => prop_assert_eq!(old, new),
        }
    }

    #[test]
    fn an_apply_holds_identity_version_and_the_whole_list((old, new) in pairs()) {
        let body = apply(Kind::HttpRoute.names(), &old, &new).unwrap();
        prop_assert_eq!(&body["spec"], &new["spec"]);
        prop_assert_eq!(&body["metadata"]["resourceVersion"], "7");
    }
}

#[test]
fn what_no_change_of_a_weight_does_is_no_patch() {
    let names = Kind::HttpRoute.names();
    let old = json!({"spec": {"rules": [{"weight": 1, "name": "a"}]}});
    for new in [
        json!({"spec": {"rules": []}}),
        json!({"spec": {"rules": [{"weight": 1}]}}),
        json!({"spec": {"rules": [{"weight": "1", "name": "a"}]}}),
        old.clone(),
    ] {
        assert!(patch(names, &old, &new).is_err(), "{new}");
    }
}
