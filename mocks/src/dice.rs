//! Seeded chance: every draw of a mock comes from a generator made here.
//!
//! A mock answers many connections at once, so a single shared generator would make the draws depend on the order in
//! which requests happen to arrive. Instead each request gets a generator of its own, derived from a hash of what the
//! request *is*. Two kinds exist on purpose:
//!
//! - [`for_prompt`] decides what is said. It sees the prompt only, so a streamed and an unstreamed call, a retry and a
//!   replay all get the same words.
//! - [`for_request`] decides how it is delivered (waits, faults, ids). It sees the whole body, and also the
//!   `x-request-id` and `x-stainless-retry-count` headers when present, so that equal bodies can fare differently and a
//!   client's second attempt is not doomed to repeat the first one's fault.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use serde_json::Value;
use sha2::{Digest, Sha256};

use wire::provider::Provider;

/// The generator of one request.
pub(crate) type Dice = ChaCha8Rng;

/// What about a request makes its delivery differ from another one's.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Identity<'a> {
    /// Value of the `x-request-id` request header.
    pub(crate) request_id: Option<&'a [u8]>,
    /// Value of the `x-stainless-retry-count` request header, which the providers' own clients send.
    pub(crate) retry_count: Option<&'a [u8]>,
}

/// The generator for the words of an answer; `choice` tells the `n` alternatives of one request apart.
pub(crate) fn for_prompt(seed: u64, provider: Provider, prompt: &str, choice: u32) -> Dice {
    let mut hash = start(b"prompt", seed, provider);
    hash.update(choice.to_le_bytes());
    hash.update(prompt.as_bytes());
    Dice::from_seed(hash.finalize().into())
}

/// The generator for the vector of a text.
pub(crate) fn for_embedding(seed: u64, provider: Provider, text: &str) -> Dice {
    let mut hash = start(b"embedding", seed, provider);
    hash.update(text.as_bytes());
    Dice::from_seed(hash.finalize().into())
}

/// The generator for waits, faults and ids.
pub(crate) fn for_request(seed: u64, provider: Provider, body: &Value, identity: Identity<'_>) -> Dice {
    let mut hash = start(b"request", seed, provider);
    absorb(&mut hash, body);
    for part in [identity.request_id, identity.retry_count] {
        absorb_text(&mut hash, b'h', part.unwrap_or_default());
    }
    Dice::from_seed(hash.finalize().into())
}

/// The generator of a request that is known by its bytes.
pub(crate) fn for_bytes(seed: u64, purpose: &[u8], parts: &[&[u8]]) -> Dice {
    let mut hash = Sha256::new();
    absorb_text(&mut hash, b'p', purpose);
    hash.update(seed.to_le_bytes());
    parts.iter().for_each(|part| absorb_text(&mut hash, b'b', part));
    Dice::from_seed(hash.finalize().into())
}

/// A short hexadecimal fingerprint of a text; stable for ever.
pub(crate) fn fingerprint(provider: Provider, text: &str) -> String {
    let mut hash = start(b"fingerprint", 0, provider);
    hash.update(text.as_bytes());
    hash.finalize().iter().take(5).map(|byte| format!("{byte:02x}")).collect()
}

fn start(purpose: &[u8], seed: u64, provider: Provider) -> Sha256 {
    let mut hash = Sha256::new();
    absorb_text(&mut hash, b'p', purpose);
    hash.update(seed.to_le_bytes());
    absorb_text(&mut hash, b'v', provider.name().as_bytes());
    hash
}

/// Feeds a JSON value in a canonical form: object keys sorted, whitespace and number spelling gone, so that a client
/// or gateway which serialises the same request differently still meets the same fate.
fn absorb(hash: &mut Sha256, value: &Value) {
    match value {
        Value::Null => hash.update(b"0"),
        Value::Bool(flag) => hash.update(if *flag { b"t" } else { b"f" }),
        Value::Number(number) => absorb_text(hash, b'n', number.to_string().as_bytes()),
        Value::String(text) => absorb_text(hash, b's', text.as_bytes()),
        Value::Array(items) => {
            absorb_length(hash, b'a', items.len());
            items.iter().for_each(|item| absorb(hash, item));
        }
        Value::Object(fields) => {
            absorb_length(hash, b'o', fields.len());
            let mut fields: Vec<_> = fields.iter().collect();
            fields.sort_unstable_by_key(|(key, _)| key.as_str());
            for (key, field) in fields {
                absorb_text(hash, b'k', key.as_bytes());
                absorb(hash, field);
            }
        }
    }
}

fn absorb_text(hash: &mut Sha256, tag: u8, text: &[u8]) {
    absorb_length(hash, tag, text.len());
    hash.update(text);
}

/// Lengths go in front of everything of variable size, so that no two different values feed the same bytes.
fn absorb_length(hash: &mut Sha256, tag: u8, length: usize) {
    hash.update([tag]);
    hash.update((length as u64).to_le_bytes());
}

#[cfg(test)]
mod tests {
    use rand::Rng;
    use serde_json::json;

    use super::*;

    fn first(mut dice: Dice) -> u64 {
        dice.next_u64()
    }

    fn of(body: &Value) -> u64 {
        first(for_request(1, Provider::OpenAi, body, Identity::default()))
    }

    #[test]
    fn key_order_and_spacing_do_not_matter() {
        let one: Value = serde_json::from_str(r#"{"model":"m","messages":[{"role":"user","content":"x"}]}"#).unwrap();
        let two: Value =
            serde_json::from_str("{ \"messages\": [ {\"content\":\"x\", \"role\":\"user\"} ], \"model\": \"m\" }")
                .unwrap();
        assert_eq!(of(&one), of(&two));
    }

    #[test]
    fn content_structure_seed_vendor_and_headers_matter() {
        let base = json!({"a": ["b", "c"]});
        let mut seen = vec![of(&base), of(&json!({"a": ["bc"]})), of(&json!({"a": [["b", "c"]]}))];
        seen.push(first(for_request(2, Provider::OpenAi, &base, Identity::default())));
        seen.push(first(for_request(1, Provider::DeepSeek, &base, Identity::default())));
        for identity in [
            Identity { request_id: Some(b"7"), retry_count: None },
            Identity { request_id: None, retry_count: Some(b"7") },
        ] {
            seen.push(first(for_request(1, Provider::OpenAi, &base, identity)));
        }
        let distinct: std::collections::HashSet<_> = seen.iter().collect();
        assert_eq!(distinct.len(), seen.len());
    }
}
