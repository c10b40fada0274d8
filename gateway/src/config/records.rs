//! `[records]`: where evidence goes, how much of it is kept, and what it may cost.

use super::check::{Checker, LIMIT_MAX, is_variable_name};
use datasets::Redaction;
use serde::Deserialize;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;

/// Smallest part worth a file of its own, in bytes.
const ROTATE_BYTES_MIN: u64 = 64 * 1024;
/// Smallest queue that a record with a long answer fits into, in bytes.
const QUEUE_BYTES_MIN: usize = 1024 * 1024;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawRecords {
    pub path: PathBuf,
    pub redaction: Option<Redaction>,
    pub salt: Option<String>,
    pub salt_env: Option<String>,
    pub queue_lines_max: Option<usize>,
    pub queue_bytes_max: Option<usize>,
    pub answer_bytes_max: Option<usize>,
    pub flush_interval: Option<String>,
    pub rotate_bytes_max: Option<u64>,
    pub rotate_interval: Option<String>,
    pub sync: Option<SyncPolicy>,
    pub files_max: Option<usize>,
}

/// When records must have reached the disk itself. What was written survives the end of the process in any case; this
/// is about a loss of power.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SyncPolicy {
    /// When a file is closed.
    #[default]
    Close,
    /// After every flush.
    Interval,
}

/// Salt of content digests. Its text never shows in debug output.
#[derive(Clone, PartialEq, Eq)]
pub struct Salt(String);

impl std::fmt::Debug for Salt {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Salt(..)")
    }
}

impl Salt {
    /// A salt that somebody chose.
    #[must_use]
    pub const fn new(text: String) -> Self {
        Self(text)
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A salt that nobody knows: drawn once a process, so that a configuration that is read again keeps it. `None` if
    /// the system gives no randomness.
    fn of_this_run() -> Option<Self> {
        static DRAWN: OnceLock<Option<String>> = OnceLock::new();
        let drawn = DRAWN.get_or_init(|| {
            let mut bytes = [0; 16];
            rustls::crypto::aws_lc_rs::default_provider().secure_random.fill(&mut bytes).ok()?;
            Some(datasets::digest::hex(&bytes))
        });
        drawn.clone().map(Self)
    }
}

/// Where evidence goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Records {
    /// File that is written to. Closed parts lie beside it, with the time of closing in their names.
    pub path: PathBuf,
    /// How content is kept.
    pub redaction: Redaction,
    /// Salt of content digests.
    pub salt: Salt,
    /// Records that wait for the disk.
    pub queue_lines_max: usize,
    /// Their bytes.
    pub queue_bytes_max: usize,
    /// Bytes of an answer that are kept for judging its form (and recorded under `full`).
    pub answer_bytes_max: usize,
    /// How long a record waits for the disk at most; what a killed process loses.
    pub flush_interval: Duration,
    /// A file that would grow beyond is closed and another one begun, bytes.
    pub rotate_bytes_max: u64,
    /// A file that is older is closed and another one begun.
    pub rotate_interval: Option<Duration>,
    /// When records must have reached the disk itself.
    pub sync: SyncPolicy,
    /// Closed parts that are kept; the oldest one beyond is deleted. `None` deletes nothing.
    pub files_max: Option<usize>,
}

impl Checker<'_> {
    pub(super) fn records(&mut self, raw: RawRecords) -> Option<Records> {
        let salt = self.salt(raw.salt, raw.salt_env.as_deref());
        let flush_interval =
            self.duration("records.flush_interval", raw.flush_interval.as_deref().or(Some("100ms")), 0);
        let rotate_interval = match raw.rotate_interval.as_deref() {
            Some(text) => self.duration("records.rotate_interval", Some(text), 0).map(Some),
            None => Some(None),
        };
        let rotate_bytes_max = raw.rotate_bytes_max.unwrap_or(1 << 30);
        if rotate_bytes_max < ROTATE_BYTES_MIN {
            self.problems.push(format!(
                "records.rotate_bytes_max is {rotate_bytes_max}: expected {ROTATE_BYTES_MIN} or more, in bytes"
            ));
        }
        if raw.files_max == Some(0) {
            self.problems.push(
                "records.files_max is 0, which would delete every closed file: expected 1 or more, or leave it out to \
                 delete nothing"
                    .to_owned(),
            );
        }
        let queue_lines_max = self.in_range("records.queue_lines_max", raw.queue_lines_max.unwrap_or(16_384), 1);
        let queue_bytes_max =
            self.in_range("records.queue_bytes_max", raw.queue_bytes_max.unwrap_or(32 << 20), QUEUE_BYTES_MIN);
        Some(Records {
            path: raw.path,
            redaction: raw.redaction.unwrap_or_default(),
            salt: salt?,
            queue_lines_max: queue_lines_max?,
            queue_bytes_max: queue_bytes_max?,
            answer_bytes_max: raw.answer_bytes_max.unwrap_or(256 * 1024),
            flush_interval: flush_interval?,
            rotate_bytes_max,
            rotate_interval: rotate_interval?,
            sync: raw.sync.unwrap_or_default(),
            files_max: raw.files_max,
        })
    }

    fn in_range(&mut self, key: &str, value: usize, least: usize) -> Option<usize> {
        if (least..=LIMIT_MAX).contains(&value) {
            return Some(value);
        }
        self.problem(format!("{key} is {value}: expected {least} to {LIMIT_MAX}"))
    }

    fn salt(&mut self, text: Option<String>, variable: Option<&str>) -> Option<Salt> {
        match (text, variable) {
            (Some(_), Some(_)) => self.problem(
                "records.salt and records.salt_env are both set: keep salt_env, the salt is a secret".to_owned(),
            ),
            (Some(text), None) if text.is_empty() => {
                self.problem("records.salt is empty: leave it out, then one is drawn for each run".to_owned())
            }
            (Some(text), None) => Some(Salt(text)),
            // Not repeated: it may be the salt itself.
            (None, Some(variable)) if !is_variable_name(variable) => self
                .problem("records.salt_env is no name of a variable: name the variable that holds the salt".to_owned()),
            (None, Some(variable)) => match (self.environment)(variable).map(|text| text.trim().to_owned()) {
                Some(text) if !text.is_empty() => Some(Salt(text)),
                _ => self.problem(format!(
                    "records.salt_env names the variable {variable}, which is not set or empty: export it"
                )),
            },
            (None, None) => match Salt::of_this_run() {
                Some(salt) => Some(salt),
                None => {
                    self.problem("records.salt_env is missing, and the system gives no random salt: set it".to_owned())
                }
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> Result<Records, String> {
        let environment = |name: &str| (name == "RECORD_SALT").then(|| "pepper\n".to_owned());
        let mut checker = Checker { problems: Vec::new(), warnings: Vec::new(), environment: &environment };
        let records = checker.records(toml::from_str(text).map_err(|error| error.to_string())?);
        if checker.problems.is_empty() { Ok(records.unwrap()) } else { Err(checker.problems.join("\n")) }
    }

    #[test]
    fn a_path_is_enough() {
        let records = check("path = 'r.ndjson'").unwrap();
        assert_eq!((records.redaction, records.sync, records.files_max), (Redaction::Hashed, SyncPolicy::Close, None));
        assert_eq!((records.queue_lines_max, records.queue_bytes_max), (16_384, 32 << 20));
        assert_eq!((records.flush_interval, records.rotate_interval), (Duration::from_millis(100), None));
        assert_eq!(records.rotate_bytes_max, 1 << 30);
    }

    #[test]
    fn a_salt_comes_from_one_place_and_never_shows() {
        let named = check("path = 'r'\nsalt_env = 'RECORD_SALT'").unwrap();
        assert_eq!(named.salt.as_str(), "pepper");
        assert_eq!(check("path = 'r'\nsalt = 'x'").unwrap().salt.as_str(), "x");
        assert!(!format!("{named:?}").contains("pepper"));
        // Nobody gave one: hard to guess, and the same whenever this process reads its configuration.
        let (drawn, again) = (check("path = 'r'").unwrap().salt, check("path = 'r'").unwrap().salt);
        assert!(drawn == again && drawn.as_str().len() == 32, "{}", drawn.as_str());
        for (text, part) in [
            ("salt = 'x'\nsalt_env = 'RECORD_SALT'", "both set"),
            ("salt_env = 'NOT_SET'", "NOT_SET, which is not set"),
            ("salt = ''", "leave it out"),
        ] {
            let error = check(&format!("path = 'r'\n{text}")).unwrap_err();
            assert!(error.contains(part), "{error}");
        }
        let slip = check("path = 'r'\nsalt_env = 'my pepper'").unwrap_err();
        assert!(slip.contains("records.salt_env") && !slip.contains("my pepper"), "{slip}");
    }

    #[test]
    fn values_out_of_range_are_all_named() {
        let error = check(
            "path = 'r'\nqueue_lines_max = 0\nqueue_bytes_max = 5\nrotate_bytes_max = 10\nfiles_max = 0\n\
             flush_interval = 'soon'\nrotate_interval = '0s'",
        )
        .unwrap_err();
        for key in
            ["queue_lines_max", "queue_bytes_max", "rotate_bytes_max", "files_max", "flush_interval", "rotate_interval"]
        {
            assert!(error.contains(&format!("records.{key} is ")), "{key} is not in:\n{error}");
        }
        assert!(check("path = 'r'\nsync = 'never'").unwrap_err().contains("expected `close` or `interval`"));
    }
}
