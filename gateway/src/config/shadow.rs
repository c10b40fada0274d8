//! `[shadow]`: bounds of the mirror.

use serde::Deserialize;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawShadow {
    pub workers: Option<usize>,
    pub queue_jobs_max: Option<usize>,
    pub queue_bytes_max: Option<usize>,
}
