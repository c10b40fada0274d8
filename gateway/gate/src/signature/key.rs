//! Keys as files: PEM, as OpenSSL writes and reads them.

use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{PrivatePkcs8KeyDer, SubjectPublicKeyInfoDer};
use std::fmt;

/// `SubjectPublicKeyInfo` of an Ed25519 key up to the 32 bytes of the key itself (RFC 8410).
const PUBLIC_DER_HEAD: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
/// Characters of base64 in a line of PEM.
const PEM_WIDTH: usize = 64;

/// Why a key was not read, made or used. Never repeats any of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The text is no private key.
    #[error("no private Ed25519 key: expected PEM with `BEGIN PRIVATE KEY`, as `weighbridge sign --new-key` writes it")]
    NotSecret,
    /// The text is no public key.
    #[error("no public Ed25519 key: expected PEM with `BEGIN PUBLIC KEY`, as `weighbridge sign --new-key` writes it")]
    NotPublic,
    /// The text is a private key where a public one belongs.
    #[error(
        "this is a private key: give the public one, which `openssl pkey -pubout` makes of it, and keep this one secret"
    )]
    SecretForPublic,
    /// The text is a public key where a private one belongs.
    #[error("this is a public key: signing needs the private one")]
    PublicForSecret,
    /// There was no randomness, or the library refused.
    #[error("the cryptographic library refused")]
    Refused,
}

/// A key that signs.
pub struct SecretKey {
    pair: Ed25519KeyPair,
    public: PublicKey,
}

impl SecretKey {
    /// Makes a new one.
    ///
    /// # Errors
    /// The machine has no randomness.
    pub fn generate() -> Result<Self, KeyError> {
        Ed25519KeyPair::generate().map_err(|_| KeyError::Refused).and_then(Self::new)
    }

    /// Reads PKCS#8 as PEM.
    ///
    /// # Errors
    /// The text is something else.
    pub fn from_pem(text: &[u8]) -> Result<Self, KeyError> {
        let Ok(der) = PrivatePkcs8KeyDer::from_pem_slice(text) else {
            let public = SubjectPublicKeyInfoDer::from_pem_slice(text).is_ok();
            return Err(if public { KeyError::PublicForSecret } else { KeyError::NotSecret });
        };
        Ed25519KeyPair::from_pkcs8(der.secret_pkcs8_der()).map_err(|_| KeyError::NotSecret).and_then(Self::new)
    }

    /// PKCS#8 as PEM: a secret.
    ///
    /// # Errors
    /// The library refused.
    pub fn to_pem(&self) -> Result<String, KeyError> {
        let der = self.pair.to_pkcs8v1().map_err(|_| KeyError::Refused)?;
        Ok(pem("PRIVATE KEY", der.as_ref()))
    }

    /// The half that everybody may know.
    #[must_use]
    pub const fn public(&self) -> &PublicKey {
        &self.public
    }

    pub(super) fn sign(&self, text: &[u8]) -> Result<Vec<u8>, KeyError> {
        self.pair.try_sign(text).map(|signature| signature.as_ref().to_vec()).map_err(|_| KeyError::Refused)
    }

    fn new(pair: Ed25519KeyPair) -> Result<Self, KeyError> {
        let der: PublicKeyX509Der<'_> = pair.public_key().as_der().map_err(|_| KeyError::Refused)?;
        let public = PublicKey::from_der(der.as_ref()).ok_or(KeyError::Refused)?;
        Ok(Self { pair, public })
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("SecretKey").field("public", &self.public).finish_non_exhaustive()
    }
}

/// A key that signatures are checked with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey {
    bytes: [u8; 32],
    fingerprint: String,
}

impl PublicKey {
    /// Reads `SubjectPublicKeyInfo` as PEM.
    ///
    /// # Errors
    /// The text is something else.
    pub fn from_pem(text: &[u8]) -> Result<Self, KeyError> {
        let Ok(der) = SubjectPublicKeyInfoDer::from_pem_slice(text) else {
            let secret = PrivatePkcs8KeyDer::from_pem_slice(text).is_ok();
            return Err(if secret { KeyError::SecretForPublic } else { KeyError::NotPublic });
        };
        Self::from_der(&der).ok_or(KeyError::NotPublic)
    }

    /// `SubjectPublicKeyInfo` as PEM.
    #[must_use]
    pub fn to_pem(&self) -> String {
        pem("PUBLIC KEY", &[&PUBLIC_DER_HEAD[..], &self.bytes].concat())
    }

    /// SHA-256 of the key as DER, hexadecimal.
    #[must_use]
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    pub(super) fn verifies(&self, text: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, self.bytes).verify(text, signature).is_ok()
    }

    fn from_der(der: &[u8]) -> Option<Self> {
        let bytes = der.strip_prefix(&PUBLIC_DER_HEAD)?.try_into().ok()?;
        Some(Self { bytes, fingerprint: datasets::digest::of_bytes(der) })
    }
}

fn pem(label: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let mut out = format!("-----BEGIN {label}-----\n");
    for line in text.as_bytes().chunks(PEM_WIDTH) {
        out.extend(line.iter().copied().map(char::from));
        out.push('\n');
    }
    out + "-----END " + label + "-----\n"
}
