//! The promise that every request sent to a provider leaves exactly one record, whatever ends it.

use crate::exchange::{Context, Leg, Outcome, exchange};
use crate::meter;
use crate::place::Place;
use crate::quota::Charge;
use crate::state::Shared;
use crate::upstream::Slot;
use datasets::Role;
use std::sync::Arc;
use std::time::Instant;
use wire::ErrorKind;

/// Travels with a served request and holds its place. Dropped before it is closed (the client left while the
/// handler or the body waited), it records the cancellation itself.
pub(crate) struct Ticket {
    pub shared: Arc<Shared>,
    pub context: Arc<Context>,
    pub leg: Leg,
    /// When the request left for the provider, the first time that it did: what a client waits counts from there.
    pub sent: Instant,
    /// The place among the provider's requests in flight.
    pub slot: Option<Slot>,
    open: bool,
    place: Option<Place>,
}

impl Ticket {
    pub(crate) fn new(shared: Arc<Shared>, context: Arc<Context>, leg: Leg, place: Place) -> Self {
        Self { shared, context, leg, sent: Instant::now(), slot: None, open: true, place: Some(place) }
    }

    /// The answer proper has begun: the provider is well, however long the rest may take.
    pub(crate) fn begun(&mut self) {
        if let Some(slot) = &mut self.slot {
            slot.begun();
        }
    }

    /// Records how it ended. Only the first call counts.
    pub(crate) fn close(&mut self, outcome: Outcome) {
        if !std::mem::take(&mut self.open) {
            return;
        }
        if let Some(mut slot) = self.slot.take() {
            slot.settle(outcome.error);
        }
        let charge = settle(&self.shared, &self.context, &self.leg, outcome);
        if let Some(place) = &mut self.place {
            place.quota.charge(charge);
        }
    }

    /// What has to be held until the last byte of an answer that is already on record.
    pub(crate) fn into_place(mut self) -> Option<Place> {
        self.place.take()
    }

    /// Records a failure before the answer began, and gives the place back for another try elsewhere.
    pub(crate) fn fail(mut self, status: u16, kind: ErrorKind) -> Option<Place> {
        self.close(meter::failed(self.sent, Instant::now(), status, kind));
        self.place.take()
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        // Either the client left, or the gateway stops and gives the request up.
        let stopped = self.shared.cut.is_cancelled();
        let kind = if stopped { ErrorKind::GatewayStopped } else { ErrorKind::ClientCancelled };
        self.close(meter::failed(self.sent, Instant::now(), 0, kind));
    }
}

/// What is done with every outcome, served or not: reasoning is remembered, metrics are counted, the record is kept.
/// Returns what it used.
pub(crate) fn settle(shared: &Shared, context: &Context, leg: &Leg, outcome: Outcome) -> Charge {
    // Calls that no client ever saw do not come back, and must not push out those that may.
    let seen = matches!(leg.role, Role::Served | Role::Fallback);
    if let Some(answer) = outcome.answer.as_ref().filter(|_| seen) {
        shared.memory.keep(context.consumer.as_deref(), &answer.tool_call_ids, &answer.reasoning_text);
    }
    let record = exchange(context, leg, outcome, &shared.tariffs, shared.records.as_ref());
    shared.metrics.observe(&record);
    let entry = shared.quotas.used(&record, |model| shared.metrics.knows_model(model));
    let charge = Charge { usage: record.usage, cost_nanos: record.cost_nanos, entry };
    shared.recorder.record(record);
    charge
}
