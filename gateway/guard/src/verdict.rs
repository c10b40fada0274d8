//! The one form in which every back end answers.

use serde::{Deserialize, Serialize};
use std::ops::Range;

/// Which side of the model a text stands on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// On its way to the model.
    Request,
    /// On its way to the client.
    Response,
}

/// How bad it is, in the order that Alibaba Cloud's levels and its S0 to S4 have, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Nothing to say (S0).
    #[default]
    None,
    /// Hardly (S1).
    Low,
    /// In part (S2).
    Medium,
    /// Surely (S3).
    High,
    /// Beyond that (S4). As a bar: a back end that knows only the levels above never reaches it.
    Max,
}

/// What kind of harm it is: a bar stands for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Category {
    /// Threats and insults against somebody.
    Harassment,
    /// Contempt for a group.
    Hate,
    /// Advice for crimes.
    Illicit,
    /// Harm to oneself.
    SelfHarm,
    /// Sexual content.
    Sexual,
    /// Sexual content with minors.
    SexualMinors,
    /// Violence.
    Violence,
    /// Swear words.
    Profanity,
    /// What a country's law or a service's rules call politically sensitive.
    Political,
    /// An attempt to talk the model out of its instructions.
    PromptAttack,
    /// Personal data and secrets.
    SensitiveData,
    /// Addresses known to be dangerous.
    MaliciousUrl,
    /// The model made it up.
    Hallucination,
    /// A list of the owner's own.
    Custom,
    /// What a service names and none of the above is.
    Other,
}

/// One thing that was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// What kind of harm.
    pub category: Category,
    /// The back end's own name for it, or the list's; never a part of the text.
    pub label: String,
    /// How bad.
    pub level: Level,
    /// The back end's own score, 0 to 1, if it gives one.
    pub score: Option<f64>,
    /// Where it stands in the text, bytes on character boundaries; empty where the back end does not say.
    pub spans: Vec<Range<usize>>,
}

/// What one back end says of one text.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Verdict {
    /// All that was found; nothing for a harmless text.
    pub findings: Vec<Finding>,
}

impl Verdict {
    /// The worst level of all.
    #[must_use]
    pub fn level(&self) -> Level {
        self.findings.iter().map(|finding| finding.level).max().unwrap_or_default()
    }
}

/// Why a back end has not judged a text. None of these means that the text is safe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum Failure {
    /// The deadline passed.
    #[error("no answer in time")]
    Timeout,
    /// As many texts are being judged as may be.
    #[error("too many texts are being judged")]
    Busy,
    /// No connection.
    #[error("cannot be reached")]
    Unreachable,
    /// It answered with an error.
    #[error("answered with an error")]
    Refused,
    /// It answered with something else than a verdict.
    #[error("the answer cannot be read")]
    Malformed,
}

impl Failure {
    /// Name in metrics and records.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Timeout => "timeout",
            Self::Busy => "busy",
            Self::Unreachable => "unreachable",
            Self::Refused => "refused",
            Self::Malformed => "malformed",
        }
    }
}
