//! What a served request holds until its last byte is sent: its place among all requests, and what is set aside of its
//! consumer's quotas. Dropping it gives both back, on whichever way the request ends.

use crate::quota::Hold;
use tokio::sync::OwnedSemaphorePermit;

/// See the module's text.
pub(crate) struct Place {
    /// Settles what the request used when it is dropped, before the place is free again.
    pub quota: Hold,
    _permit: OwnedSemaphorePermit,
}

impl Place {
    pub(crate) const fn new(permit: OwnedSemaphorePermit, quota: Hold) -> Self {
        Self { quota, _permit: permit }
    }
}
