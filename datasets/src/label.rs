//! A judgement of one answer, from any judge: a grader, a person, a model.

use serde::{Deserialize, Serialize};

/// One label. It sticks to the answer, not to the arm: whoever gave this answer to this request gets it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Label {
    /// Request id ([`crate::Exchange::request`]).
    pub request: String,
    /// Salted digest of the answer ([`crate::digest::content`] with the salt of the records).
    pub answer_digest: String,
    /// What was judged, for example `exact`.
    pub metric: String,
    /// The answer is good in this respect.
    pub good: bool,
}
