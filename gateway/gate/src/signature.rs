//! Signatures of verdicts: Ed25519 over the verdict without its `signature`.
//!
//! What is signed is a fixed line that says what it is, and behind it the verdict as JSON without its member `signature`,
//! written without blanks and with its members in the order of the file. So a verdict may be indented or not, and nothing in it
//! may change. The verdict that is acted on is read from the very value that was verified, and a member that stands there twice
//! is refused: no two readers can take different things from one text.
//!
//! A key is known by its fingerprint, the SHA-256 of its public half as DER, as `openssl pkey -pubin -outform DER | sha256sum`
//! prints it. The fingerprint in a verdict only says which key to try; trusted is what the policy names.

mod key;
mod unique;

pub use key::{KeyError, PublicKey, SecretKey};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use judge::verdict::{SCHEMA, Signature, Verdict};
use serde::Deserialize;
use serde_json::Value;

/// What the signed text begins with: a signature of something else is never one of a verdict.
const DOMAIN: &[u8] = b"weighbridge verdict, signed text 1\n";
/// The only algorithm.
const ALGORITHM: &str = "ed25519";
/// The member that holds the signature.
const MEMBER: &str = "signature";

/// What is known about a verdict's signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signed {
    /// By the key with this fingerprint, which is trusted.
    By(String),
    /// There is none.
    Unsigned,
    /// There is one that does not hold; why.
    Wrong(String),
}

/// A verdict as it was read, with whose it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Opened {
    /// The verdict.
    pub verdict: Verdict,
    /// Whose it is.
    pub signed: Signed,
    /// SHA-256 of its bytes, hexadecimal.
    pub digest: String,
}

/// Why a text is no verdict.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// It is no JSON, has a member twice, or is no verdict.
    #[error("line {}: no verdict: {source}", source.line())]
    Json {
        /// What the reader says.
        #[from]
        source: serde_json::Error,
    },
    /// It is of another schema.
    #[error("schema is {found}, this version reads {SCHEMA}")]
    Schema {
        /// What it says.
        found: String,
    },
}

/// Reads a verdict and says whose it is; `keys` are those that are trusted.
///
/// # Errors
/// See [`OpenError`]. A signature that does not hold is no error but an answer.
pub fn open(bytes: &[u8], keys: &[PublicKey]) -> Result<Opened, OpenError> {
    let value = read(bytes)?;
    let signed = signed_by(&value, keys);
    // From the value and not from the bytes: what was verified is what is read. Its errors have no line, the text's have.
    let verdict = Verdict::deserialize(&value)
        .map_err(|error| serde_json::from_slice::<Verdict>(bytes).err().unwrap_or(error))?;
    Ok(Opened { verdict, signed, digest: datasets::digest::of_bytes(bytes) })
}

/// A verdict as the file `verdict.json` with a signature; one that is there already is replaced. Members that this version does
/// not know stay, and are signed with the others.
///
/// # Errors
/// The text is no verdict, or the key does not sign.
pub fn sign(bytes: &[u8], key: &SecretKey) -> Result<String, SignError> {
    let mut value = read(bytes)?;
    let _verdict: Verdict = serde_json::from_slice(bytes).map_err(OpenError::from)?;
    let made = key.sign(&signed_text(&value)).map_err(SignError::Key)?;
    let signature = serde_json::json!({
        "algorithm": ALGORITHM, "key": key.public().fingerprint(), "value": STANDARD.encode(made),
    });
    if let Value::Object(members) = &mut value {
        members.shift_remove(MEMBER);
        members.insert(MEMBER.to_owned(), signature);
    }
    let text = serde_json::to_string_pretty(&value).map_err(OpenError::from)?;
    Ok(text + "\n")
}

/// Why a verdict was not signed.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    /// It is none.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The key did not.
    #[error(transparent)]
    Key(KeyError),
}

fn read(bytes: &[u8]) -> Result<Value, OpenError> {
    let value = unique::read(bytes)?;
    match value.get("schema").and_then(Value::as_str) {
        Some(SCHEMA) => Ok(value),
        found => Err(OpenError::Schema { found: found.unwrap_or("missing").chars().take(60).collect() }),
    }
}

/// What is signed: see the module's text.
fn signed_text(value: &Value) -> Vec<u8> {
    let mut unsigned = value.clone();
    if let Value::Object(members) = &mut unsigned {
        members.shift_remove(MEMBER);
    }
    [DOMAIN, unsigned.to_string().as_bytes()].concat()
}

fn signed_by(value: &Value, keys: &[PublicKey]) -> Signed {
    let Some(member) = value.get(MEMBER).filter(|member| !member.is_null()) else { return Signed::Unsigned };
    let wrong = |why: &str| Signed::Wrong(why.to_owned());
    let Ok(signature) = Signature::deserialize(member) else {
        return wrong("it has not the members `algorithm`, `key` and `value`");
    };
    if signature.algorithm != ALGORITHM {
        return wrong("its algorithm is not ed25519");
    }
    let Ok(bytes) = STANDARD.decode(&signature.value) else { return wrong("its value is no base64") };
    let Some(key) = keys.iter().find(|key| key.fingerprint() == signature.key) else {
        let named: String = signature.key.chars().filter(char::is_ascii_hexdigit).take(16).collect();
        return Signed::Wrong(format!(
            "it is of the key {named}, which is not trusted: --key-file or `keys` in the gate's policy name trusted keys"
        ));
    };
    if key.verifies(&signed_text(value), &bytes) {
        Signed::By(key.fingerprint().to_owned())
    } else {
        wrong("the verdict was changed after it was signed, or the signature is forged")
    }
}

#[cfg(test)]
mod tests;
