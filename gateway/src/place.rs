//! What a served request holds until its last byte is sent: its place among all requests, and what is set aside of its
//! consumer's quotas. Dropping it gives both back, on whichever way the request ends.

use crate::quota::Hold;
use crate::trace::Root;
use std::sync::Arc;
use tokio::sync::OwnedSemaphorePermit;

/// See the module's text.
pub(crate) struct Place {
    /// Settles what the request used when it is dropped, before the place is free again.
    pub quota: Hold,
    /// Ends the request's span when it is dropped.
    trace: Option<Arc<Root>>,
    _permit: OwnedSemaphorePermit,
}

impl Place {
    pub(crate) const fn new(permit: OwnedSemaphorePermit, quota: Hold, trace: Option<Arc<Root>>) -> Self {
        Self { quota, trace, _permit: permit }
    }

    /// The client has what it gets; whoever holds the place on does so for the record.
    pub(crate) fn let_go_of_trace(&mut self) {
        self.trace = None;
    }
}
