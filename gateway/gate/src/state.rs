//! A weight as it is in force somewhere.

/// What a target says about itself, as far as it knows.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct InForce {
    /// The target, as people write it; without secrets.
    pub target: String,
    /// The migration; `None` where the target knows no names.
    pub migration: Option<String>,
    /// Candidate weight, percent of the traffic (0 to 100).
    pub weight_percent: f64,
    /// Mirrored share, percent; `None` where the target does not say.
    pub shadow_percent: Option<f64>,
    /// Epoch of constant weight; `None` where the target counts none. The gateway's epochs are milliseconds since the Unix
    /// epoch, or a little more.
    pub epoch: Option<u64>,
    /// What a change must still find in force: an `ETag`, a resource version, a file's digest.
    pub generation: Option<String>,
    /// When the weight was changed last, microseconds since the Unix epoch.
    pub changed_at_us: Option<i64>,
}
