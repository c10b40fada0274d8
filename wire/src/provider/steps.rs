//! Conditions and steps that several providers' matrices share.

use super::draft::Draft;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

/// The value as a number; `None` if it is none.
pub(super) fn number(value: &RawValue) -> Option<u64> {
    value.get().parse().ok()
}

/// Whether a number is zero, however it is written.
pub(super) fn is_zero(value: &RawValue) -> bool {
    value.get().parse::<f64>().is_ok_and(|number| number.abs() < f64::MIN_POSITIVE)
}

/// Entries of a list; a single value counts as one.
pub(super) fn list_length(value: &RawValue) -> usize {
    serde_json::from_str::<Vec<IgnoredAny>>(value.get()).map_or(1, |list| list.len())
}

/// Whether the value's text holds `needle`.
pub(super) fn holds(value: &RawValue, needle: &str) -> bool {
    memchr::memmem::find(value.get().as_bytes(), needle.as_bytes()).is_some()
}

/// Whether a list or object has no entries.
pub(super) fn is_empty(value: &RawValue) -> bool {
    let inner = value.get().strip_prefix(['[', '{']).and_then(|rest| rest.strip_suffix([']', '}']));
    inner.is_some_and(|inner| inner.trim().is_empty())
}

/// `type` of an object, or the value itself if it is a string. A list has none, though its first entry could be read as one.
pub(super) fn kind(value: &RawValue) -> String {
    #[derive(Deserialize)]
    struct Kind {
        #[serde(rename = "type")]
        kind: String,
    }
    if value.get().starts_with('[') {
        return String::new();
    }
    serde_json::from_str::<Kind>(value.get())
        .map(|kind| kind.kind)
        .or_else(|_| serde_json::from_str(value.get()))
        .unwrap_or_default()
}

/// Addresses the migration's model.
pub(super) fn model(draft: &mut Draft<'_>, _value: &RawValue) {
    let model = draft.scene.target.model;
    if model != draft.scene.request.model {
        draft.set_text("model", model);
    }
}

/// Leaves a member out without a word, because leaving it out says the same.
pub(super) fn leave_out(draft: &mut Draft<'_>, value: &RawValue) {
    draft.remove_value(value);
}

/// The end user's id, hashed in its place.
pub(super) fn hash_user(draft: &mut Draft<'_>, _value: &RawValue) {
    match draft.scene.request.object.text("user").filter(|id| !id.is_empty()) {
        Some(id) => {
            let hashed = hashed(&draft.scene.target.policy.user_salt, &id);
            draft.set("user", hashed);
        }
        None => draft.remove("user"),
    }
}

/// 128 bits of the salted hash, as a JSON string.
pub(super) fn hashed(salt: &str, id: &str) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digest = Sha256::new().chain_update(salt.as_bytes()).chain_update([0]).chain_update(id.as_bytes()).finalize();
    let digit = |nibble: u8| DIGITS.get(usize::from(nibble)).copied().map_or('0', char::from);
    let mut out = String::with_capacity(34);
    out.push('"');
    for byte in digest.iter().take(16) {
        out.push(digit(byte >> 4));
        out.push(digit(byte & 15));
    }
    out.push('"');
    out
}
