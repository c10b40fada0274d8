//! What the gateway would change of a request, by the names of its members.
//!
//! Told from the request before and after, not from the rows of a table, so that it is what really happens. Values are shown
//! only of members that cannot hold what a user wrote.

use crate::document::Change;
use crate::text;
use serde_json::value::RawValue;
use std::collections::HashMap;
use wire::Request;
use wire::json::Object;

/// Changes of one request that are listed.
const CHANGES_MAX: usize = 32;
/// Longest value that is shown, bytes.
const VALUE_BYTES_MAX: usize = 80;
/// Members whose new value is the gateway's own word or a number.
const SHOWN: [&str; 11] = [
    "model",
    "thinking",
    "reasoning",
    "reasoning_effort",
    "max_tokens",
    "max_completion_tokens",
    "max_output_tokens",
    "stream_options",
    "response_format",
    "temperature",
    "top_p",
];

/// What became of each member.
pub(crate) fn between(request: &Request<'_>, sent: &[u8]) -> Vec<Change> {
    let Ok(after) = Object::parse(sent) else { return Vec::new() };
    // A request may have very many members, so none is looked for by walking along them. Of doubles, the last counts; a
    // member that is null asks for nothing, so that nothing becomes of it.
    let before: HashMap<&str, &RawValue> = request.object.members().collect();
    let sent: HashMap<&str, &RawValue> = after.members().collect();
    let asked = |name: &str| before.get(name).is_some_and(|value| value.get() != "null");
    // A member that came and one that went with the same value are one that was renamed.
    let mut came: Vec<(&str, &RawValue)> =
        after.members().filter(|(name, value)| value.get() != "null" && !asked(name)).collect();
    let mut changes = Vec::new();
    for (name, old) in request.object.members() {
        let counts = before.get(name).is_some_and(|counting| std::ptr::eq(*counting, old));
        if !counts || old.get() == "null" {
            continue;
        }
        match sent.get(name) {
            Some(new) if new.get() == old.get() => {}
            Some(new) => changes.push(changed(name, old, new)),
            None => match came.iter().position(|(_, value)| value.get() == old.get()) {
                Some(place) => {
                    let (to, _) = came.remove(place);
                    changes.push(Change::new(name, "renamed to").to(text::name(to)));
                }
                None => changes.push(Change::new(&text::name(name), "left out")),
            },
        }
    }
    changes.extend(came.into_iter().map(|(name, value)| Change::new(name, "added").maybe(shown(name, value))));
    changes.truncate(CHANGES_MAX);
    changes
}

fn changed(name: &str, old: &RawValue, new: &RawValue) -> Change {
    let change = Change::new(&text::name(name), "becomes");
    if let Some(value) = shown(name, new) {
        return change.to(value);
    }
    let list = |value: &RawValue| serde_json::from_str::<Vec<&RawValue>>(value.get()).map(|list| list.len()).ok();
    let how = match (list(old), list(new)) {
        (Some(before), Some(after)) if after > before => format!("rewritten, {} more", after - before),
        (Some(before), Some(after)) if after < before => format!("rewritten, {} fewer", before - after),
        _ => "rewritten".to_owned(),
    };
    Change { how, ..change }
}

fn shown(name: &str, value: &RawValue) -> Option<String> {
    let text = value.get();
    (SHOWN.contains(&name) && text.len() <= VALUE_BYTES_MAX).then(|| text::name(text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::Endpoint;
    use wire::provider::{Policy, Provider, Target};

    fn changes(body: &str) -> Vec<String> {
        let request = Request::parse(Endpoint::Chat, body.as_bytes()).unwrap();
        let policy = Policy::default();
        let sent = Provider::DeepSeek.adapter().rewrite(&request, &Target::new("deepseek-flash", &policy)).unwrap();
        between(&request, &sent.body).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn each_change_has_a_name_and_no_content() {
        let body = r#"{"model":"gpt-4o","messages":[{"role":"developer","content":"a secret"},{"role":"user","content":"x"}],
            "max_completion_tokens":77,"seed":7,"user":"alice","response_format":{"type":"json_object"},"stop":"END"}"#;
        let changes = changes(body);
        assert_eq!(
            changes,
            [
                r#"model becomes "deepseek-flash""#,
                "messages rewritten, 1 more",
                "max_completion_tokens renamed to max_tokens",
                "seed left out",
                "user left out",
                "user_id added",
                r#"thinking added {"type":"disabled"}"#,
            ]
        );
    }

    #[test]
    fn a_member_that_asks_for_nothing_is_no_change() {
        let body = r#"{"model":"deepseek-flash","messages":[{"role":"user","content":"x"}],"seed":null,"x":null,"thinking":null,"y":1,"y":2}"#;
        assert_eq!(changes(body), [r#"thinking added {"type":"disabled"}"#]);
    }

    /// Looking for each member by walking along all others would be 10^10 comparisons.
    #[test]
    fn very_many_members_cost_no_square_of_their_number() {
        let members: String = (0..100_000).map(|index| format!(r#","x{index}":{index}"#)).collect();
        let body =
            format!(r#"{{"model":"deepseek-flash","messages":[{{"role":"user","content":"x"}}],"seed":7{members}}}"#);
        assert_eq!(changes(&body), ["seed left out", r#"thinking added {"type":"disabled"}"#]);
    }
}
