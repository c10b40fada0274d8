//! Signatures of verdicts: Ed25519 over the verdict without its `signature`.

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
