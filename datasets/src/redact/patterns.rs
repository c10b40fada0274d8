//! The forms of secrets, and of data about persons.
//!
//! Prefixes of keys are those that their issuers document. Word boundaries are those of ASCII, since a number may stand
//! right behind a Chinese word.

use super::{Found, checks};
use regex::{Regex, RegexSet};
use std::sync::LazyLock;

/// Whose concern it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    Credential,
    Personal,
}

/// One form.
pub(super) struct Rule {
    pub(super) kind: &'static str,
    pub(super) class: Class,
    pub(super) pattern: Regex,
    /// Whether what matched is really one.
    pub(super) check: fn(&str) -> bool,
}

impl Rule {
    /// All of this form outside of what others have claimed; `claimed` is in the order of the text.
    pub(super) fn find(&self, text: &str, claimed: &[Found]) -> Vec<Found> {
        let mut all = Vec::new();
        let mut at = 0;
        while let Some(captures) = self.pattern.captures_at(text, at) {
            // A pattern that needs its surroundings claims the secret itself.
            let Some(whole) = captures.get(0).filter(|whole| !whole.is_empty()) else { break };
            let found = captures.name("secret").unwrap_or(whole);
            let next = claimed.partition_point(|other| other.bytes.end <= found.start());
            match claimed.get(next).filter(|other| other.bytes.start < found.end()) {
                Some(other) => at = other.bytes.end,
                None => {
                    at = whole.end();
                    if (self.check)(found.as_str()) {
                        let credential = self.class == Class::Credential;
                        all.push(Found { kind: self.kind, credential, bytes: found.range() });
                    }
                }
            }
        }
        all
    }
}

/// All forms, and a set that tells in one pass which of them a text may have.
pub(super) struct Rules {
    pub(super) set: RegexSet,
    pub(super) all: Vec<Rule>,
}

type Form = (&'static str, Class, &'static str, fn(&str) -> bool);

/// Long forms come before the short ones that they contain.
pub(super) const FORMS: [Form; 22] = [
    (
        "private_key",
        Class::Credential,
        r"-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|\z)",
        anything,
    ),
    ("jwt", Class::Credential, r"(?-u:\b)eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}", anything),
    ("password", Class::Credential, r"[a-z][a-z0-9+.-]*://[^\s/:@]{1,128}:(?<secret>[^\s/:@]{1,128})@", anything),
    ("api_key", Class::Credential, r"(?-u:\b)sk-(?:proj-|ant-|or-|svcacct-)?[A-Za-z0-9_-]{16,}", checks::has_digit),
    ("api_key", Class::Credential, r"(?-u:\b)(?:gsk_|hf_|xai-|r8_|npm_|pypi-)[A-Za-z0-9_-]{20,}", anything),
    ("api_key", Class::Credential, r"(?-u:\b)AIza[A-Za-z0-9_-]{35,}", anything),
    ("api_key", Class::Credential, r"(?-u:\b)(?:AKIA|ASIA)[A-Z0-9]{16}(?-u:\b)", anything),
    ("api_key", Class::Credential, r"(?-u:\b)LTAI[A-Za-z0-9]{12,26}(?-u:\b)", anything),
    ("api_key", Class::Credential, r"(?-u:\b)(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{22,})", anything),
    ("api_key", Class::Credential, r"(?-u:\b)glpat-[A-Za-z0-9_-]{20,}", anything),
    ("api_key", Class::Credential, r"(?-u:\b)xox[abeoprs]-[A-Za-z0-9-]{10,}", anything),
    ("bearer", Class::Credential, r"(?i)(?-u:\b)bearer\s+(?<secret>[A-Za-z0-9._~+/-]{16,}=*)", checks::has_digit),
    (
        "secret",
        Class::Credential,
        r#"(?i)(?-u:\b)(?:[a-z0-9]{1,20}[_-]){0,4}(?:api[_-]?key|(?:access|auth|session)[_-]?token|client[_-]?secret|secret[_-]?(?:access[_-]?)?key|passw(?:or)?[dt])["']?(?:\s*[:=：]\s*|\s+is\s+|\s+ist\s+)["']?(?<secret>[^\s"',;&\[\]{}]{8,})"#,
        checks::has_digit,
    ),
    (
        "secret",
        Class::Credential,
        r#"(?:密码|口令|密钥)["']?\s*(?:[:=：]|是|为)\s*["']?(?<secret>[!-~]{6,})"#,
        anything,
    ),
    (
        "secret",
        Class::Credential,
        r#"(?i)[?&](?:[a-z_-]*token|sig|signature|x-amz-signature|key|api[_-]?key|secret|password)=(?<secret>[^\s&#"'<>\[\]]{8,})"#,
        checks::has_digit,
    ),
    ("bearer", Class::Credential, r"(?i)(?-u:\b)basic\s+(?<secret>[A-Za-z0-9+/]{12,}={0,2})", checks::has_digit),
    (
        "email",
        Class::Personal,
        r"(?-u:\b)[A-Za-z0-9][A-Za-z0-9._%+-]{0,63}@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,62})\.)+[A-Za-z]{2,24}(?-u:\b)",
        anything,
    ),
    (
        "iban",
        Class::Personal,
        r"(?-u:\b)[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,4})?(?-u:\b)",
        checks::iban,
    ),
    ("id_number", Class::Personal, r"(?-u:\b)[1-9][0-9]{16}[0-9Xx](?-u:\b)", checks::resident_number),
    ("id_number", Class::Personal, r"(?-u:\b)[0-8][0-9]{2}-[0-9]{2}-[0-9]{4}(?-u:\b)", checks::social_security),
    ("card", Class::Personal, r"(?-u:\b)[3-6][0-9]{3}(?:[ -]?[0-9]{4}){2}[ -]?[0-9]{1,7}(?-u:\b)", checks::card),
    (
        "phone",
        Class::Personal,
        r"(?-u:\b)0[1-9][0-9]{1,3}[ /-][0-9]{6,8}(?-u:\b)|(?-u:\b)1[3-9][0-9]{9}(?-u:\b)|\+[1-9][0-9]{0,2}(?:[ .-]?\(?[0-9]{2,4}\)?){2,5}(?-u:\b)|\([0-9]{3}\) ?[0-9]{3}-[0-9]{4}(?-u:\b)|(?-u:\b)[2-9][0-9]{2}-[0-9]{3}-[0-9]{4}(?-u:\b)",
        checks::phone,
    ),
];

fn anything(_found: &str) -> bool {
    true
}

static RULES: LazyLock<Rules> = LazyLock::new(|| {
    let rule = |(kind, class, pattern, check): &Form| {
        Regex::new(pattern).ok().map(|pattern| Rule { kind, class: *class, pattern, check: *check })
    };
    // A form that does not compile would shift the numbers of the set, so both come from the same list; a test compiles
    // every one.
    let all: Vec<Rule> = FORMS.iter().filter_map(rule).collect();
    let set = RegexSet::new(all.iter().map(|rule| rule.pattern.as_str())).unwrap_or_else(|_| RegexSet::empty());
    Rules { set, all }
});

pub(super) fn rules() -> &'static Rules {
    &RULES
}
