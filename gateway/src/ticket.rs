//! The promise that every request sent to a provider leaves exactly one record, whatever ends it.

use crate::exchange::{Context, Leg, Outcome, exchange};
use crate::meter;
use crate::state::Shared;
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::OwnedSemaphorePermit;
use wire::ErrorKind;

/// Travels with a served request and holds its permit. Dropped before it is closed (the client left while the
/// handler or the body waited), it records the cancellation itself.
pub(crate) struct Ticket {
    pub shared: Arc<Shared>,
    pub context: Arc<Context>,
    pub leg: Leg,
    /// When the request left for the provider.
    pub sent: Instant,
    open: bool,
    _permit: OwnedSemaphorePermit,
}

impl Ticket {
    pub(crate) fn new(shared: Arc<Shared>, context: Arc<Context>, leg: Leg, permit: OwnedSemaphorePermit) -> Self {
        Self { shared, context, leg, sent: Instant::now(), open: true, _permit: permit }
    }

    /// Records how it ended. Only the first call counts.
    pub(crate) fn close(&mut self, outcome: Outcome) {
        if std::mem::take(&mut self.open) {
            let records = self.shared.config.records.as_ref();
            let record = exchange(&self.context, &self.leg, outcome, &self.shared.tariffs, records);
            self.shared.recorder.record(record);
        }
    }

    /// Records a failure before the answer began.
    pub(crate) fn fail(&mut self, status: u16, kind: ErrorKind) {
        self.close(meter::failed(self.sent, Instant::now(), status, kind));
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        // Either the client left, or the gateway stops and gives the request up.
        let stopped = self.shared.cut.is_cancelled();
        self.fail(0, if stopped { ErrorKind::GatewayStopped } else { ErrorKind::ClientCancelled });
    }
}
