//! Names of consumers and groups: they are labels of metrics, parts of paths and columns of tables, so they are plain.

/// Names that metrics and records use for something else.
pub(super) const RESERVED: [&str; 3] = ["anonymous", "none", "other"];
/// Longest name.
pub(super) const NAME_BYTES_MAX: usize = 64;

/// Whether a consumer or a group may be called so: letters, digits, `.`, `_` and `-`, at most 64 of them, and none of the
/// words `anonymous`, `none` and `other`.
#[must_use]
pub fn is_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    (1..=NAME_BYTES_MAX).contains(&name.len()) && name.bytes().all(plain) && !RESERVED.contains(&name)
}

/// What a name has to be, for errors.
pub(super) fn rule() -> String {
    format!(
        "a name of letters, digits, `.`, `_` and `-`, at most {NAME_BYTES_MAX} long, and none of {}",
        RESERVED.join(", ")
    )
}
