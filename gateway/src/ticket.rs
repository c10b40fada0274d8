//! The promise that every request sent to a provider leaves exactly one record, whatever ends it.

use crate::exchange::{Context, Leg, Outcome, exchange};
use crate::meter;
use crate::place::Place;
use crate::quota::Charge;
use crate::state::Shared;
use crate::upstream::Slot;
use datasets::{GuardCheck, Role};
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
    /// How it ended, while the guard looks at it: what it used is not lost if the client leaves meanwhile.
    answered: Option<Outcome>,
}

impl Ticket {
    pub(crate) fn new(shared: Arc<Shared>, context: Arc<Context>, leg: Leg, place: Place) -> Self {
        Self { shared, context, leg, sent: Instant::now(), slot: None, open: true, place: Some(place), answered: None }
    }

    /// The answer proper has begun: the provider is well, however long the rest may take.
    pub(crate) fn begun(&mut self) {
        if let Some(slot) = &mut self.slot {
            slot.begun();
        }
    }

    /// The answer has come; it goes on record with [`Ticket::conclude`].
    pub(crate) fn answered(&mut self, outcome: Outcome) {
        self.answered = Some(outcome);
    }

    /// The guard's verdict of that answer.
    pub(crate) fn judged(&mut self, check: GuardCheck) {
        if let Some(outcome) = &mut self.answered {
            outcome.guard = Some(check);
        }
    }

    /// Records the answer that has come.
    pub(crate) fn conclude(&mut self) {
        if let Some(outcome) = self.answered.take() {
            self.close(outcome);
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
        let Some(outcome) = self.judge_first(outcome) else { return };
        let charge = settle(&self.shared, &self.context, &self.leg, outcome);
        if let Some(place) = &mut self.place {
            place.quota.charge(charge);
        }
    }

    /// An answer that the guard has not judged as a whole is judged before it goes on record; nobody waits for that but its
    /// place. Gives back what needs no judging.
    fn judge_first(&mut self, outcome: Outcome) -> Option<Outcome> {
        if !needs_verdict(&self.context, &outcome) {
            return Some(outcome);
        }
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return Some(outcome) };
        let (shared, context, leg) = (Arc::clone(&self.shared), Arc::clone(&self.context), self.leg.clone());
        let mut place = self.place.take();
        if let Some(place) = &mut place {
            place.let_go_of_trace();
        }
        runtime.spawn(async move {
            let charge = settle(&shared, &context, &leg, judged(&context, outcome).await);
            if let Some(mut place) = place {
                place.quota.charge(charge);
            }
        });
        None
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
        match self.answered.take() {
            Some(outcome) => self.close(Outcome { error: outcome.error.or(Some(kind)), ..outcome }),
            None => self.close(meter::failed(self.sent, Instant::now(), 0, kind)),
        }
    }
}

/// Whether the guard has to look at an answer before it goes on record. What failed is no answer, and half of one, which a
/// client left, cannot be compared with the other arm's whole.
fn needs_verdict(context: &Context, outcome: &Outcome) -> bool {
    let Some(watch) = context.watch.as_ref().filter(|_| outcome.error.is_none()) else { return false };
    watch.awaits_request() || (outcome.guard.is_none() && outcome.said.is_some())
}

/// The outcome with the guard's verdict.
pub(crate) async fn judged(context: &Context, mut outcome: Outcome) -> Outcome {
    let Some(watch) = context.watch.as_ref().filter(|_| needs_verdict(context, &outcome)) else { return outcome };
    watch.request_judged().await;
    if outcome.guard.is_none()
        && let Some(said) = outcome.said.take()
    {
        outcome.guard = Some(watch.verdict(said, outcome.done).await);
    }
    outcome
}

/// What is done with every outcome, served or not: reasoning is remembered, metrics are counted, the record is kept, a span
/// made of it.
/// Returns what it used.
pub(crate) fn settle(shared: &Shared, context: &Context, leg: &Leg, outcome: Outcome) -> Charge {
    // Calls that no client ever saw do not come back, and must not push out those that may.
    let seen = matches!(leg.role, Role::Served | Role::Fallback);
    if let Some(answer) = outcome.answer.as_ref().filter(|_| seen) {
        shared.memory.keep(context.consumer.as_deref(), &answer.tool_call_ids, &answer.reasoning_text);
    }
    let record = exchange(context, leg, outcome, shared.records.as_ref());
    if let Some(watched) = leg.watched {
        context.lane.watch.ended(watched, context, &record);
    }
    shared.metrics.observe(&record);
    shared.recent.note(&record);
    let entry = shared.quotas.used(&record, |model| shared.metrics.knows_model(model));
    let charge = Charge { usage: record.usage, cost_nanos: record.cost_nanos, entry };
    shared.recorder.record(&record);
    shared.traces.ended(context, leg, record);
    charge
}
