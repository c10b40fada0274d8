//! The first line of every file.

use serde::{Deserialize, Serialize};

/// What a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Format {
    /// Requests to replay.
    #[serde(rename = "weighbridge.requests")]
    Requests,
    /// Exchanges, one a line and arm.
    #[serde(rename = "weighbridge.exchanges")]
    Exchanges,
    /// Labels of answers.
    #[serde(rename = "weighbridge.labels")]
    Labels,
}

impl Format {
    /// The version that this crate writes. Each kind of file has its own minor number.
    #[must_use]
    pub const fn version(self) -> Version {
        match self {
            Self::Requests => Version { major: 2, minor: 1 },
            Self::Exchanges => Version { major: 1, minor: 6 },
            Self::Labels => Version { major: 1, minor: 0 },
        }
    }

    /// The name in the header.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Requests => "weighbridge.requests",
            Self::Exchanges => "weighbridge.exchanges",
            Self::Labels => "weighbridge.labels",
        }
    }
}

/// How content is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "lowercase")]
pub enum Redaction {
    /// Prompts and answers in full.
    Full,
    /// Salted digests and lengths only.
    #[default]
    Hashed,
    /// Lengths only.
    None,
}

impl Redaction {
    /// The name in headers and options.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Hashed => "hashed",
            Self::None => "none",
        }
    }
}

/// Major and minor version of the format. A reader takes any file of its own major version and of all older ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// Changes when an old reader would misread the file.
    pub major: u32,
    /// Changes when members are added.
    pub minor: u32,
}

impl std::fmt::Display for Version {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}.{}", self.major, self.minor)
    }
}

impl std::str::FromStr for Version {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        let (major, minor) = text.split_once('.').ok_or(())?;
        Ok(Self { major: major.parse().map_err(|_| ())?, minor: minor.parse().map_err(|_| ())? })
    }
}

/// The header.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// What the lines are.
    pub format: Format,
    /// `major.minor`.
    pub version: String,
    /// Program and version that wrote the file.
    pub creator: String,
    /// SHA-256 of the configuration it was written under, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config_digest: Option<String>,
    /// How content is kept.
    #[serde(default)]
    pub redaction: Redaction,
    /// What the time stamps mean.
    #[serde(default)]
    pub clock: String,
    /// Request logs only: the source held no times, so `at_us` says nothing but the order. Since requests 2.0.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub untimed: bool,
}

impl Header {
    /// A header of the current version.
    #[must_use]
    pub fn new(format: Format, redaction: Redaction) -> Self {
        Self {
            format,
            version: format.version().to_string(),
            creator: concat!("weighbridge ", env!("CARGO_PKG_VERSION")).to_owned(),
            config_digest: None,
            redaction,
            clock: "times are microseconds since the Unix epoch, durations from a monotonic clock".to_owned(),
            untimed: false,
        }
    }

    /// The older one of two headers' versions: what both of them can promise. That of `other` where this one's is none.
    #[must_use]
    pub fn oldest_version(&self, other: &Self) -> String {
        let version = |header: &Self| header.version.parse::<Version>().ok();
        match (version(self), version(other)) {
            (Some(ours), Some(others)) if ours <= others => ours.to_string(),
            (Some(ours), None) => ours.to_string(),
            _ => other.version.clone(),
        }
    }

    /// Whether this crate can read the file.
    ///
    /// # Errors
    /// A sentence that says which side is too old and what to do.
    pub fn readable(&self, expected: Format) -> Result<(), String> {
        if self.format != expected {
            return Err(format!("the file holds {}, expected {}", self.format.name(), expected.name()));
        }
        let Ok(version) = self.version.parse::<Version>() else {
            return Err(format!("version is `{}`, expected a form such as {}", self.version, expected.version()));
        };
        let newest = expected.version().major;
        if version.major > newest {
            return Err(format!(
                "the file has version {version}, this program reads up to {newest}.x: update weighbridge"
            ));
        }
        Ok(())
    }
}
