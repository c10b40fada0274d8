//! The result: `weighbridge.preflight/1`. It grows by addition only.

use crate::route::Chosen;
use serde::{Deserialize, Serialize};
use std::fmt;
use wire::Endpoint;
use wire::provider::{Effect, Loss, Provider};

/// Name and version of the format.
pub const SCHEMA: &str = "weighbridge.preflight/1";

/// What would become of a log's requests at a candidate.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Document {
    /// [`SCHEMA`].
    pub schema: &'static str,
    /// Version of weighbridge.
    pub version: String,
    /// The instant that "retires in" is told from, RFC 3339.
    pub now: String,
    /// Kind of the provider in use today.
    #[cfg_attr(test, schemars(with = "String"))]
    pub baseline: Provider,
    /// Kind of the provider that may take over.
    #[cfg_attr(test, schemars(with = "String"))]
    pub candidate: Provider,
    /// Name of the migration, in rules to paste.
    pub migration: String,
    /// What was read.
    pub log: Log,
    /// Requests by the worst that would become of them.
    pub totals: Totals,
    /// Which model would answer for which, most asked first.
    pub models: Vec<Mapped>,
    /// By consumer and model, worst first.
    pub groups: Vec<Group>,
    /// By feature, worst first.
    pub features: Vec<Feature>,
    /// Endpoints that the candidate does not have.
    pub missing_endpoints: Vec<MissingEndpoint>,
    /// Models that will be shut down, soonest first.
    pub retiring: Vec<Retiring>,
    /// How many requests are under way at once.
    pub flight: Flight,
    /// How long prompts are, and in which scripts.
    pub prompts: Prompts,
    /// The map of models as lines for the gateway's configuration; absent where it came from there.
    pub models_toml: Option<String>,
    /// What the log costs, and what it would cost at the candidate (`weighbridge.projection/1`).
    #[cfg_attr(test, schemars(with = "serde_json::Value"))]
    pub cost: bill::project::Document,
}

/// What was read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Log {
    /// Names of the files.
    pub files: Vec<String>,
    /// Requests that were read; sum of all totals.
    pub requests: u64,
    /// Instant of the first and of the last request, microseconds as the log counts them; absent where it has no times.
    pub span_us: Option<(i64, i64)>,
    /// Rows that are no requests at all, such as broken JSON, and the first of them: file, line, cause.
    pub broken: Unread,
    /// Requests whose body is no request of their endpoint; the provider in use refused them, too.
    pub not_requests: Unread,
}

/// What could not be judged.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Unread {
    /// How many.
    pub count: u64,
    /// The first of them: where, and what was expected; never what stands there.
    pub examples: Vec<String>,
}

/// Requests by the worst that would become of them. Each request is counted once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Totals {
    /// Nothing but the model's name changes its meaning or its form.
    pub same: u64,
    /// They are said in another way, and mean the same.
    pub rewritten: u64,
    /// Something is left out.
    pub loses: u64,
    /// Those of them that lose nothing which could change an answer, such as what is stored, billed or cached.
    pub loses_harmless: u64,
    /// The candidate would refuse them or answer something else: they stay on the baseline.
    pub fails: u64,
    /// No migration takes them: their model has no counterpart, or the configuration leaves them out or keeps them on the
    /// baseline by a rule.
    pub outside: u64,
    /// Their body is no request of their endpoint.
    pub not_requests: u64,
}

impl Totals {
    /// All of them.
    #[must_use]
    pub const fn all(&self) -> u64 {
        self.judged() + self.outside + self.not_requests
    }

    /// Those of which something was said.
    #[must_use]
    pub const fn judged(&self) -> u64 {
        self.same + self.rewritten + self.loses + self.fails
    }

    pub(crate) const fn add(&mut self, effect: Effect, harmless: bool) {
        self.loses_harmless += (matches!(effect, Effect::Loses) && harmless) as u64;
        let count = match effect {
            Effect::Same => &mut self.same,
            Effect::Rewritten => &mut self.rewritten,
            Effect::Loses => &mut self.loses,
            Effect::Fails => &mut self.fails,
        };
        *count += 1;
    }
}

/// A model of today and the one that would answer for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Mapped {
    /// Model of the log; `other` for those beyond the bound.
    pub from: String,
    /// Model at the candidate; absent where the requests stay where they are.
    pub to: Option<String>,
    /// Who chose it.
    pub chosen: Option<Chosen>,
    /// Requests.
    pub requests: u64,
}

/// One consumer's requests to one model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Group {
    /// Who asked; absent where the log does not say.
    pub consumer: Option<String>,
    /// Model of the log.
    pub model: String,
    /// True for the rest beyond the bound, whose consumers and models are not told apart.
    pub other: bool,
    /// Its requests.
    pub totals: Totals,
    /// What they lose or fail of, most frequent first, and how often.
    pub worst: Vec<(String, u64)>,
}

/// A feature of requests, and what becomes of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Feature {
    /// Its name, as in rules and metrics.
    pub feature: String,
    /// Member of the request.
    pub member: String,
    /// What becomes of it.
    #[cfg_attr(test, schemars(with = "String"))]
    pub effect: Effect,
    /// How much of a loss it is.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub loss: Option<Loss>,
    /// Why, in one sentence.
    pub why: String,
    /// Requests that have it.
    pub requests: u64,
    /// Share of the requests that were judged, 0 to 1.
    pub share: f64,
    /// Numbers or names of some of these requests.
    pub details: Vec<String>,
    /// Where some of them stand.
    pub examples: Vec<Example>,
    /// What can be done about it.
    pub remedy: Option<Remedy>,
}

/// A line of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Example {
    /// File.
    pub file: String,
    /// Line, from 1; absent in formats whose rows span several.
    pub line: Option<u64>,
    /// Request in its file, from 1.
    pub request: u64,
    /// The request's id.
    pub id: String,
    /// What the gateway would change; empty where it would not send it.
    pub changes: Vec<Change>,
}

/// A change that the gateway makes to a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Change {
    /// Member of the request.
    pub member: String,
    /// What becomes of it: `renamed to`, `becomes`, `added`, `left out`, `rewritten`.
    pub how: String,
    /// New name or value, where it cannot hold content.
    pub to: Option<String>,
}

impl Change {
    pub(crate) fn new(member: &str, how: &str) -> Self {
        Self { member: member.to_owned(), how: how.to_owned(), to: None }
    }

    pub(crate) fn to(self, to: String) -> Self {
        Self { to: Some(to), ..self }
    }

    pub(crate) fn maybe(self, to: Option<String>) -> Self {
        Self { to, ..self }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.member, self.how)?;
        self.to.as_ref().map_or(Ok(()), |to| write!(formatter, " {to}"))
    }
}

/// What can be done about a feature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Remedy {
    /// In one sentence.
    pub advice: String,
    /// Lines for the gateway's configuration, ready to paste; absent where nothing has to be configured.
    pub toml: Option<String>,
}

/// An endpoint that the candidate does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct MissingEndpoint {
    /// Endpoint.
    #[cfg_attr(test, schemars(with = "String"))]
    pub endpoint: Endpoint,
    /// Requests to it.
    pub requests: u64,
}

/// Which side of the migration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// The provider in use today.
    Baseline,
    /// The provider that may take over.
    Candidate,
}

/// A model that will be shut down, or is already.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Retiring {
    /// Whose model.
    pub side: Side,
    /// Model, as the log or the map names it.
    pub model: String,
    /// Day on which it ends, RFC 3339.
    pub on: String,
    /// Whole days that are left; negative once it is over.
    pub days_left: i64,
    /// Requests that would be affected.
    pub requests: u64,
}

/// How many requests are under way at once, of those that would go to the candidate, at the recorded pace and durations.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Flight {
    /// The log has no times: nothing can be said.
    pub untimed: bool,
    /// Share of these requests without a recorded duration, 0 to 1. They are counted for no longer than an instant, so a peak
    /// is too low where this is not 0.
    pub without_duration: f64,
    /// Requests that stood so far behind later ones that they were counted at the later time.
    pub late: u64,
    /// By the candidate's model, most in flight first; its cap is one for each account and model.
    pub models: Vec<InFlight>,
}

/// One model's traffic.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct InFlight {
    /// Model at the candidate.
    pub model: String,
    /// Requests.
    pub requests: u64,
    /// Most in flight at once; absent where no duration is known.
    pub peak: Option<u64>,
    /// When that was, microseconds as the log counts them.
    pub peak_at_us: Option<i64>,
    /// True where more were in flight than are kept: `peak` is the least it was.
    pub at_least: bool,
    /// Most requests sent within one second of the clock.
    pub per_second_peak: u64,
    /// Requests that one account may have in flight; absent where nothing is known.
    pub cap: Option<u64>,
}

impl InFlight {
    /// Whether the peak is above the cap; `None` where one of them is not known.
    #[must_use]
    pub fn exceeds(&self) -> Option<bool> {
        Some(self.peak? > self.cap?)
    }
}

/// How long prompts are, and in which scripts.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Prompts {
    /// Requests that have any text.
    pub requests: u64,
    /// Characters, all together.
    pub chars: u64,
    /// Those of wide scripts (Chinese, Japanese, Korean).
    pub wide_chars: u64,
    /// Prompts with more wide characters than others.
    pub mostly_wide: u64,
    /// Prompts with some of both, each at least a tenth.
    pub mixed: u64,
    /// Estimated tokens of the longest prompt.
    pub tokens_max: u64,
    /// Estimated tokens that half of the prompts, nine in ten, and ninety-nine in a hundred stay within; good to a tenth as a
    /// summary of the estimates, which are good to a factor of 1.5.
    pub tokens_quantiles: [u64; 3],
    /// Prompts whose estimate and answer limit together are above half of the candidate's window.
    pub above_half_window: u64,
    /// The same for nine tenths.
    pub near_window: u64,
    /// Prompts to models whose window is not known: they are in neither.
    pub window_unknown: u64,
}
