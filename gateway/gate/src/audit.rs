//! The log of decisions: append-only, one JSON object a line, each chained to the one before by its hash.
//!
//! A line holds the hash of the line before it, so that nobody can change, remove or insert one without breaking the chain
//! behind it, and at its end a seal, the hash of what stands before the seal, so that the last line cannot be damaged
//! unseen either. The chain proves nothing against somebody who writes the whole rest of the file anew: the head (number and
//! hash of the last line) is what to keep elsewhere. It proves that what led up to it is as it was, and that nothing was cut
//! off ([`verify()`] with [`Expected`]). Several processes may write to one file; each appends under a lock.
//!
//! A process that is killed while it writes may leave part of a line. Nothing of it is lost: the next append ends that line,
//! puts its hash into its own (`torn`), and goes on from the last whole one. Only what has such a successor, or stands
//! at the very end, is taken for a torn line.

mod line;
mod log;
mod verify;

pub use line::Line;
pub use log::{AuditError, Log};
pub use verify::{Broken, Expected, Outcome, Torn, Verified, verify};

use crate::signature::Signed;
use judge::verdict::Verdict;
use serde::{Deserialize, Serialize};

/// What was decided or done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum What {
    /// The weight was raised.
    Raise,
    /// The weight was lowered, but not to nothing.
    Lower,
    /// The weight was set back, to the last safe rung or to nothing.
    Rollback,
    /// Somebody set the weight.
    Set,
    /// The weight was left alone.
    Stay,
    /// It was asked only what would happen.
    DryRun,
    /// Copies are offered to nobody any more.
    ShadowPause,
    /// Copies are offered again.
    ShadowResume,
    /// An alarm was raised.
    Alarm,
    /// Something was tried and did not work.
    Failure,
    /// Somebody began or ceased to lead.
    Lead,
}

/// What a decision rests on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// `go`, `hold` or `no-go`.
    pub verdict: judge::verdict::Decision,
    /// SHA-256 of the verdict's bytes, hexadecimal.
    pub digest: String,
    /// Time of its newest evidence.
    pub created_at: String,
    /// SHA-256 of the policy it was judged by.
    pub policy_digest: String,
    /// Epoch judged.
    pub epoch: u64,
    /// Weight judged, percent.
    pub weight_percent: f64,
    /// Fingerprint of the key that signed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed_by: Option<String>,
}

impl Evidence {
    /// What a decision on this verdict rests on; `digest` is the SHA-256 of its bytes.
    #[must_use]
    pub fn of(verdict: &Verdict, digest: &str, signed: &Signed) -> Self {
        Self {
            verdict: verdict.verdict,
            digest: digest.to_owned(),
            created_at: verdict.created_at.clone(),
            policy_digest: verdict.policy_digest.clone(),
            epoch: verdict.epoch,
            weight_percent: verdict.weight_percent,
            signed_by: match signed {
                Signed::By(key) => Some(key.clone()),
                Signed::Unsigned | Signed::Wrong(_) => None,
            },
        }
    }

    /// Whether both are one and the same evidence, however its text is written: the same bytes, or judged by the same policy
    /// up to the same instant, at the same epoch and weight.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        let weights = self.weight_percent.total_cmp(&other.weight_percent).is_eq();
        let judged = self.created_at == other.created_at && self.policy_digest == other.policy_digest;
        self.digest == other.digest || (judged && self.epoch == other.epoch && weights)
    }
}

/// One decision.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// When, RFC 3339 in UTC.
    pub at: String,
    /// What was decided.
    pub what: What,
    /// By whose hand: `gate`, `autopilot`, `live-guard`, `token`, `console`, `config`, `gateway`, `pipeline`.
    pub who: String,
    /// Name of the process or replica, where there are several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replica: Option<String>,
    /// Migration.
    pub migration: String,
    /// Where the weight lives, without secrets.
    pub target: String,
    /// Candidate weight before, percent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_percent: Option<f64>,
    /// Candidate weight after, or the one that would be, percent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to_percent: Option<f64>,
    /// Epoch in force afterwards.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epoch: Option<u64>,
    /// Why, for people. Never holds content, keys or prompts.
    pub why: String,
    /// From what evidence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Evidence>,
}

/// The last line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// Number of the last line, which is how many decisions there are.
    pub lines: u64,
    /// SHA-256 of the last line, hexadecimal; 64 zeros where there is none.
    pub hash: String,
}

impl Head {
    /// That of a log without a line.
    #[must_use]
    pub fn none() -> Self {
        Self { lines: 0, hash: "0".repeat(64) }
    }
}

#[cfg(test)]
mod tests;
