//! The way of every answer from its decision to its bytes, whatever the endpoint: faults that replace it, signs of life
//! while it is queued, the answer itself, faults that spoil it.

use crate::face::Face;
use crate::profile::{Fault, Profile};
use crate::refusal::Refusal;
use crate::responses;
use crate::sse;
use crate::timeline::{Delivery, Ending, Pace, Timeline};

use super::plan::Content;

/// Signs of life in front of an error that comes behind a status 200, where the profile sends none by itself.
const SIGNS_BEFORE_ERROR: usize = 2;

/// Signs of life of one answer, at most; a longer queue is silent from then on.
const SIGNS_MAX: usize = 100_000;

/// How errors look among the events of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Events {
    /// As data, like everything else.
    Plain,
    /// As an event with a name.
    Named,
}

/// What one answer needs besides its words.
pub(super) struct Stage<'a> {
    pub(super) face: &'static dyn Face,
    pub(super) profile: &'a Profile,
    pub(super) delivery: Delivery,
}

impl Stage<'_> {
    /// The answer that `write` writes, as it reaches the client.
    pub(super) fn deliver(
        self,
        stream: bool,
        events: Events,
        write: impl FnOnce(Option<Fault>, &mut Pace, &mut Timeline),
    ) -> Content {
        let Self { face, profile, delivery } = self;
        let Delivery { fault, queue_us, queue_limit_us, keep_alive_us, mut pace } = delivery;
        if fault == Some(Fault::Reset) {
            return Content::Reset;
        }
        let mut timeline = Timeline::with_capacity(0, 0);
        let sign: &[u8] = if stream { sse::KEEP_ALIVE } else { b"\n" };
        let given_up = face.accepts_early() && queue_limit_us > 0 && queue_us > queue_limit_us;
        let queued_until_us = if given_up { queue_limit_us } else { queue_us };
        if face.accepts_early() && keep_alive_us > 0 {
            let mut due_us = keep_alive_us;
            while due_us < queued_until_us && timeline.steps.len() < SIGNS_MAX {
                timeline.bytes.extend_from_slice(sign);
                timeline.due(due_us);
                due_us += keep_alive_us;
            }
        }
        let kept = events == Events::Named;
        let mut late = (fault == Some(Fault::LateError)).then(|| face.mid_stream_error());
        if let Some(refusal) = fault.and_then(|fault| face.refusal_for(fault, stream, profile)) {
            // A refusal for being too much comes at once; a failure takes about as long as a first token, and has to come
            // behind the status 200 if signs of life are out by then.
            if refusal.status >= 500 && !timeline.steps.is_empty() {
                late = Some(refusal);
            } else {
                let due_us = if refusal.status >= 500 { pace.now_us() } else { 0 };
                return Content::Refusal { refusal, due_us };
            }
        }
        if given_up {
            timeline.due(queued_until_us);
            timeline.ending = Ending::Abort;
            return Content::Timed { timeline, stream, kept };
        }
        if let Some(refusal) = late {
            if timeline.steps.is_empty() {
                timeline.bytes.extend_from_slice(&sign.repeat(SIGNS_BEFORE_ERROR));
                timeline.due(0);
            }
            let error =
                if stream { error_frame(face, &refusal, events) } else { face.error_body(&refusal).into_bytes() };
            timeline.bytes.extend_from_slice(&error);
            timeline.due(pace.now_us());
            return Content::Timed { timeline, stream, kept };
        }
        write(fault, &mut pace, &mut timeline);
        spoil(&mut timeline, fault, stream, || error_frame(face, &face.mid_stream_error(), events));
        Content::Timed { timeline, stream, kept }
    }
}

fn error_frame(face: &dyn Face, refusal: &Refusal, events: Events) -> Vec<u8> {
    match events {
        Events::Named => responses::stream::error(refusal),
        Events::Plain => {
            let mut frame = Vec::new();
            sse::event(&mut frame, &face.error_event(refusal));
            frame
        }
    }
}

/// Applies a fault that shows in the body.
pub(super) fn spoil(timeline: &mut Timeline, fault: Option<Fault>, stream: bool, error: impl FnOnce() -> Vec<u8>) {
    let ending = match fault {
        Some(Fault::Stall) => Ending::Stall,
        Some(Fault::Abort) => Ending::Abort,
        Some(Fault::Truncate) => Ending::Complete,
        Some(Fault::NoDone) => return timeline.drop_end(sse::DONE),
        Some(Fault::BadJson) if stream => return timeline.replace_middle(sse::BROKEN),
        Some(Fault::BadJson) => Ending::Complete,
        Some(Fault::ErrorEvent) if stream => return timeline.cut_with(&error()),
        _ => return,
    };
    if stream { timeline.cut(ending) } else { timeline.cut_bytes(ending) }
}
