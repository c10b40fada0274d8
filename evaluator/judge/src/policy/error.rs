//! What can be wrong with a policy.

/// Why a policy was refused; every variant names the line and the way out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyError {
    /// Not TOML at all.
    #[error("line {line}: not valid TOML: {message}")]
    Syntax {
        /// 1-based line.
        line: usize,
        /// What the parser says.
        message: String,
    },
    /// A key that no policy has.
    #[error("line {line}: unknown key `{key}`; the nearest known key is `{nearest}`")]
    UnknownKey {
        /// 1-based line.
        line: usize,
        /// The key as written, with its tables.
        key: String,
        /// The known key that looks most like it.
        nearest: String,
    },
    /// A value of the wrong kind.
    #[error("line {line}: `{key}` must be {expected}, found {found}")]
    WrongKind {
        /// 1-based line.
        line: usize,
        /// The key with its tables.
        key: String,
        /// What was expected.
        expected: &'static str,
        /// What stood there.
        found: &'static str,
    },
    /// A value outside its range.
    #[error("line {line}: `{key}` is {found}; expected {expected}")]
    OutOfRange {
        /// 1-based line.
        line: usize,
        /// The key with its tables.
        key: String,
        /// The value as read.
        found: String,
        /// What was expected.
        expected: String,
    },
    /// A key that is neither in the policy nor in the defaults.
    #[error("`{key}` is missing; name it in the policy")]
    Missing {
        /// The key with its tables.
        key: String,
    },
}
