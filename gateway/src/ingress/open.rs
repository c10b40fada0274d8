//! Sends a request to one arm and opens its answer.
//!
//! Until the first byte goes to the client, a failure can still be answered in another way: by an error with its proper
//! status, or by the other arm. So a whole answer that an adapter may change is read completely first, and a stream whose
//! candidate has a fall-back is held until its first event, but not longer than the migration says: a client that waits
//! for a queue gets the queue's comments then.

use super::prepare::Addressed;
use crate::config::{AnswerModel, Config};
use crate::deadline::Deadline;
use crate::exchange::{Context, Leg};
use crate::lane::Link;
use crate::meter::{Editor, Meter};
use crate::problem::Problem;
use crate::relay::Relay;
use crate::reply::Reply;
use crate::state::Shared;
use crate::ticket::Ticket;
use crate::upstream::{Failure, Sent, Wish};
use bytes::Bytes;
use datasets::{Arm, Role, ShadowFate};
use http::{HeaderMap, HeaderName, HeaderValue, Response, header};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::OwnedSemaphorePermit;
use wire::ErrorKind;
use wire::provider::ClientError;

const ARM: HeaderName = HeaderName::from_static("x-weighbridge-arm");
const EPOCH: HeaderName = HeaderName::from_static("x-weighbridge-epoch");
const DROPPED: HeaderName = HeaderName::from_static("x-weighbridge-dropped");
/// Provider headers that the client gets to see. Limits and names of the provider's account are not among them.
const PASSED_ON: [HeaderName; 3] =
    [header::CONTENT_TYPE, header::CONTENT_ENCODING, HeaderName::from_static("openai-processing-ms")];
/// Most bytes of a whole answer that is read before the client sees it.
const WHOLE_BYTES_MAX: usize = 64 * 1024 * 1024;

/// One try at one arm.
#[derive(Clone, Copy)]
pub(super) struct Attempt<'a> {
    pub shared: &'a Arc<Shared>,
    /// The configuration under which the request began; another one may be in force by now.
    pub config: &'a Config,
    pub context: &'a Arc<Context>,
    pub arm: Arm,
    pub role: Role,
    pub shadow: Option<ShadowFate>,
    pub wants_usage: bool,
    /// What the client called the model.
    pub model: &'a str,
    /// How long a stream is held for its first event; `None` does not hold it.
    pub hold: Option<Duration>,
}

/// Nothing of an answer has reached the client.
pub(super) struct Failed {
    pub kind: ErrorKind,
    pub status: u16,
    /// What to tell the client if nobody else answers.
    pub problem: Response<Reply>,
    pub permit: Option<OwnedSemaphorePermit>,
}

/// Sends and opens; the record is written when the answer ends, or here if it never began.
pub(super) async fn open(
    attempt: Attempt<'_>,
    addressed: Addressed,
    permit: OwnedSemaphorePermit,
) -> Result<Response<Reply>, Box<Failed>> {
    let Attempt { shared, context, .. } = attempt;
    let lane = &context.lane;
    let link = match attempt.arm {
        Arm::Candidate => lane.candidate.as_ref().unwrap_or(&lane.baseline),
        Arm::Baseline => &lane.baseline,
    };
    let leg = Leg {
        arm: attempt.arm,
        role: attempt.role,
        provider: link.provider(),
        model: addressed.model,
        sent_us: crate::clock::now_us(),
        attempts: 1,
        dropped: addressed.rewritten.dropped,
        shadow: attempt.shadow,
    };
    let mut ticket = Ticket::new(Arc::clone(shared), Arc::clone(context), leg, permit);
    shared.metrics.sent_after(ticket.sent - context.arrived);
    let wish = Wish { streamed: context.streamed, retries: true };
    match link.serve.send(addressed.path, Bytes::from(addressed.rewritten.body), wish).await {
        Ok(sent) => {
            let Sent { response, attempts, sent, slot, deadline } = sent;
            ticket.leg.attempts = attempts;
            ticket.sent = sent;
            ticket.slot = Some(slot);
            receive(attempt, link, response, ticket, deadline).await
        }
        Err(failure) => {
            let Failure { attempts, sent, .. } = *failure;
            ticket.leg.attempts = attempts;
            ticket.sent = sent;
            let (kind, status) = (failure.kind, failure.status);
            let problem = Problem::from_failure(link, *failure);
            Err(failed(attempt, ticket, kind, status, problem))
        }
    }
}

fn failed(attempt: Attempt<'_>, ticket: Ticket, kind: ErrorKind, status: u16, problem: Problem) -> Box<Failed> {
    let mut response = problem.respond();
    label(attempt, &ticket.leg, response.headers_mut());
    Box::new(Failed { kind, status, problem: response, permit: ticket.fail(status, kind) })
}

/// A good status came: what follows it decides.
async fn receive(
    attempt: Attempt<'_>,
    link: &Arc<Link>,
    response: Response<Incoming>,
    ticket: Ticket,
    total: tokio::time::Instant,
) -> Result<Response<Reply>, Box<Failed>> {
    let (parts, body) = response.into_parts();
    let status = parts.status.as_u16();
    let framed = is_event_stream(&parts.headers);
    let endpoint = attempt.context.endpoint;
    let meter = Meter::new(ticket.sent, status, framed, endpoint, attempt.shared.answer_bytes_max());
    let timeouts = link.config.timeouts;
    let first = framed.then(|| tokio::time::Instant::from_std(ticket.sent) + timeouts.first_token);
    let deadline = Deadline::new(first, timeouts.idle, total);
    let show_asked = attempt.config.answer_model == AnswerModel::Asked;
    let editor = Editor {
        adapter: link.adapter(),
        endpoint,
        wants_usage: attempt.wants_usage,
        model: show_asked.then(|| attempt.model.to_owned()),
        reasoning: link.config.policy.reasoning_to_client,
        functions: attempt.context.uses_functions,
        comments: attempt.config.keep_alive_comments,
    };
    let opening = Opening { body, meter, deadline, editor, ahead: VecDeque::new() };
    let (reply, leg) = if framed {
        opening.stream(attempt, link, ticket).await?
    } else if editor_reads_whole(&opening) {
        opening.whole(attempt, link, ticket).await?
    } else {
        let leg = ticket.leg.clone();
        let Opening { body, meter, deadline, ahead, .. } = opening;
        (Reply::Relay(Box::new(Relay::new(body, ahead, meter, None, ticket, deadline))), leg)
    };
    let mut answered = Response::new(reply);
    *answered.status_mut() = parts.status;
    let headers = answered.headers_mut();
    for name in PASSED_ON {
        if let Some(value) = parts.headers.get(&name) {
            headers.insert(name, value.clone());
        }
    }
    label(attempt, &leg, headers);
    Ok(answered)
}

/// Whether something in a whole answer may have to change before the client sees it.
fn editor_reads_whole(opening: &Opening) -> bool {
    opening.editor.model.is_some() || opening.editor.adapter.edits_whole(opening.editor.endpoint)
}

/// Whether the answer is a stream of events.
pub(crate) fn is_event_stream(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
    kind.get(..17).is_some_and(|kind| kind.eq_ignore_ascii_case(b"text/event-stream"))
}

/// An answer whose first byte has not gone to the client.
struct Opening {
    body: Incoming,
    meter: Meter,
    deadline: Deadline,
    editor: Editor,
    ahead: VecDeque<Bytes>,
}

/// What came next of an answer that is not the client's yet.
enum Next {
    Piece(Bytes),
    End,
    Broken(ErrorKind),
}

impl Opening {
    async fn next(&mut self) -> Next {
        loop {
            let mut frame = self.body.frame();
            let (frame, deadline) = (&mut frame, &mut self.deadline);
            let piece = poll_fn(|task| {
                use std::task::Poll;
                match std::pin::Pin::new(&mut *frame).poll(task) {
                    Poll::Ready(piece) => Poll::Ready(Some(piece)),
                    Poll::Pending => deadline.poll(task).map(|()| None),
                }
            })
            .await;
            match piece {
                None => return Next::Broken(ErrorKind::Timeout),
                Some(None) => return Next::End,
                Some(Some(Err(_))) => return Next::Broken(ErrorKind::Truncated),
                Some(Some(Ok(frame))) => {
                    self.deadline.heard();
                    if let Ok(bytes) = frame.into_data() {
                        return Next::Piece(bytes);
                    }
                }
            }
        }
    }

    /// A stream: held until its first event where a failure could still be answered by somebody else.
    async fn stream(
        mut self,
        attempt: Attempt<'_>,
        link: &Arc<Link>,
        mut ticket: Ticket,
    ) -> Result<(Reply, Leg), Box<Failed>> {
        if let Some(hold) = attempt.hold {
            match tokio::time::timeout(hold, self.first_event()).await {
                // It begins well, or nobody knows yet: the client gets it.
                Ok(Ok(())) | Err(_) => {}
                Ok(Err((kind, None))) => {
                    let problem = Problem::unreachable(link, kind);
                    return Err(failed(attempt, ticket, kind, 200, problem));
                }
                Ok(Err((kind, Some(error)))) => {
                    let status = error.status;
                    let problem = Problem::from_provider(link, error);
                    return Err(failed(attempt, ticket, kind, status, problem));
                }
            }
            if self.meter.has_begun() && self.deadline.begun() {
                ticket.begun();
            }
        }
        let leg = ticket.leg.clone();
        let Self { body, meter, deadline, editor, ahead } = self;
        Ok((Reply::Relay(Box::new(Relay::new(body, ahead, meter, Some(editor), ticket, deadline))), leg))
    }

    /// Reads until the answer proper begins; what the client will get of it is kept. What went wrong comes with the
    /// provider's own words, if it said any.
    async fn first_event(&mut self) -> Result<(), (ErrorKind, Option<ClientError>)> {
        while !self.meter.has_begun() {
            match self.next().await {
                Next::Piece(bytes) => {
                    let read = self.meter.bytes(bytes, Instant::now(), Some(&self.editor));
                    let bytes = read.map_err(|kind| (kind, None))?;
                    if !bytes.is_empty() {
                        self.ahead.push_back(bytes);
                    }
                }
                Next::End => return Err((ErrorKind::Truncated, None)),
                Next::Broken(kind) => return Err((kind, None)),
            }
        }
        self.meter.failed_first().map_or(Ok(()), Err)
    }

    /// A whole answer that the adapter has to see before the client does.
    async fn whole(
        mut self,
        attempt: Attempt<'_>,
        link: &Arc<Link>,
        mut ticket: Ticket,
    ) -> Result<(Reply, Leg), Box<Failed>> {
        let mut read = 0;
        let broken = loop {
            match self.next().await {
                Next::End => break None,
                Next::Broken(kind) => break Some(kind),
                Next::Piece(bytes) => {
                    read += bytes.len();
                    if read > WHOLE_BYTES_MAX {
                        break Some(ErrorKind::Malformed);
                    }
                    // A whole answer is only measured here; it cannot be refused.
                    drop(self.meter.bytes(bytes, Instant::now(), None));
                }
            }
        };
        if let Some(kind) = broken {
            let problem = Problem::unreachable(link, kind);
            return Err(failed(attempt, ticket, kind, 200, problem));
        }
        let body = self.meter.whole_body();
        match self.editor.adapter.edit_whole(self.editor.endpoint, &body, &self.editor.view()) {
            Ok(edited) => {
                ticket.close(self.meter.finish(None, Instant::now()));
                Ok((Reply::Whole(Some(edited.map_or(body, Bytes::from))), ticket.leg.clone()))
            }
            Err(error) => {
                let (kind, status) = (error.kind, error.status);
                let problem = Problem::from_provider(link, error);
                Err(failed(attempt, ticket, kind, status, problem))
            }
        }
    }
}

/// Whether an answer that came whole is an error in spite of its status, for those whom no client waits for.
pub(crate) fn error_behind(link: &Link, endpoint: wire::Endpoint, meter: &mut Meter) -> Option<ClientError> {
    if !link.adapter().edits_whole(endpoint) {
        return None;
    }
    link.adapter().edit_whole(endpoint, &meter.whole_body(), &wire::provider::View::default()).err()
}

/// Headers that say who answered and what was left out.
fn label(attempt: Attempt<'_>, leg: &Leg, headers: &mut HeaderMap) {
    headers.insert(EPOCH, HeaderValue::from(attempt.context.snapshot.epoch));
    if attempt.config.reveal_arm {
        headers.insert(ARM, HeaderValue::from_static(leg.arm.name()));
    }
    if leg.dropped.is_empty() {
        return;
    }
    if let Ok(dropped) = HeaderValue::from_str(&leg.dropped.join(", ")) {
        headers.insert(DROPPED, dropped);
    }
}
