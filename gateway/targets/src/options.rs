//! What the address of a target does not say: which entry is which arm, how to write, and what the environment holds.

use crate::secret::Secret;
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// Variables that targets read; no other is looked at.
const VARIABLES: [&str; 7] = [
    "HIGRESS_CONSOLE_PASSWORD",
    "HIGRESS_CONSOLE_USER",
    "HOME",
    "KUBECONFIG",
    "KUBERNETES_SERVICE_HOST",
    "KUBERNETES_SERVICE_PORT",
    "WEIGHBRIDGE_WEBHOOK_SECRET",
];

/// What the address does not say.
#[derive(Debug, Clone)]
pub struct Options {
    /// Which backend (service, subset, upstream provider) is the baseline: `--baseline`.
    pub baseline: Option<String>,
    /// Which one is the candidate: `--candidate`.
    pub candidate: Option<String>,
    /// Where a file target writes instead of in place: `--out`.
    pub out: Option<PathBuf>,
    /// Credentials for a cluster: `--kubeconfig`; else `KUBECONFIG`, the service account of the pod, `~/.kube/config`.
    pub kubeconfig: Option<PathBuf>,
    /// How a cluster target writes: `--write`.
    pub write: Write,
    /// How long to wait until those who act on a route say whether they do.
    pub settle: Duration,
    /// What is in force where the target cannot say it, percent: `--in-force`.
    pub in_force_percent: Option<f64>,
    /// Waits between the tries of a webhook.
    pub pauses: [Duration; 3],
    /// Variables.
    pub environment: Environment,
    /// Folder of a pod's service account.
    pub service_account: PathBuf,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            baseline: None,
            candidate: None,
            out: None,
            kubeconfig: None,
            write: Write::default(),
            settle: Duration::from_secs(30),
            in_force_percent: None,
            pauses: [Duration::from_millis(500), Duration::from_secs(2), Duration::from_secs(5)],
            environment: Environment::default(),
            service_account: PathBuf::from("/var/run/secrets/kubernetes.io/serviceaccount"),
        }
    }
}

/// How a change is written to a cluster. Which is right when is argued in [`crate::cluster`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Write {
    /// Server-side apply; if somebody else manages the field, nothing is written and they are named.
    #[default]
    Apply,
    /// Server-side apply that takes the field over from whoever manages it.
    TakeOver,
    /// A JSON Patch of the numbers alone, which tests the old ones.
    Patch,
}

impl Write {
    /// From its word: `apply`, `take-over` or `patch`.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Apply, Self::TakeOver, Self::Patch].into_iter().find(|write| write.word() == word)
    }

    /// As people write it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Apply => "apply",
            Self::TakeOver => "take-over",
            Self::Patch => "patch",
        }
    }
}

/// Variables of the environment. Their values are in no `Debug`: some are passwords.
#[derive(Clone, Default)]
pub struct Environment(BTreeMap<String, String>);

impl Environment {
    /// Those of the process, as far as a target reads them.
    #[must_use]
    pub fn of_process() -> Self {
        Self(VARIABLES.iter().filter_map(|name| Some(((*name).to_owned(), std::env::var(name).ok()?))).collect())
    }

    /// The same with one variable set.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.0.insert(name.to_owned(), value.to_owned());
        self
    }

    /// A variable that is set and not empty.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// A variable that nobody may see.
    pub(crate) fn secret(&self, name: &str) -> Option<Secret> {
        self.get(name).map(Secret::new)
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_set().entries(self.0.keys()).finish()
    }
}

/// Why a change is made: for those who are told of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Because {
    /// Migration.
    pub migration: String,
    /// Why, for people. Holds no content, keys or prompts.
    pub reason: String,
    /// SHA-256 of the verdict's bytes, hexadecimal; `None` where no verdict stands behind it.
    pub evidence: Option<String>,
    /// When it was decided, RFC 3339 in UTC.
    pub at: String,
}
