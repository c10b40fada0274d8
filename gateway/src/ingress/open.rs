//! Sends a request to one arm and opens its answer.
//!
//! Until the first byte goes to the client, a failure can still be answered in another way: by an error with its proper
//! status, or by the other arm. So a whole answer that an adapter may change is read completely first, and a stream whose
//! candidate has a fall-back is held until its first event, but not longer than the migration says: a client that waits
//! for a queue gets the queue's comments then.

use super::prepare::Addressed;
use crate::config::{AnswerModel, Config};
use crate::deadline::Deadline;
use crate::exchange::{Context, Leg, Outcome};
use crate::lane::Link;
use crate::meter::{Editor, Meter};
use crate::place::Place;
use crate::problem::Problem;
use crate::receive::{Next, Receiving, is_event_stream};
use crate::relay::Relay;
use crate::reply::Reply;
use crate::safety::{Terms, Watch, Whole, guard_stream};
use crate::state::Shared;
use crate::ticket::Ticket;
use crate::upstream::{Failure, Sent};
use bytes::Bytes;
use datasets::{Arm, Role, ShadowFate};
use http::{HeaderMap, HeaderName, HeaderValue, Response, header};
use hyper::body::Incoming;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};
use wire::ErrorKind;
use wire::provider::ClientError;

const ARM: HeaderName = HeaderName::from_static("x-weighbridge-arm");
const EPOCH: HeaderName = HeaderName::from_static("x-weighbridge-epoch");
const DROPPED: HeaderName = HeaderName::from_static("x-weighbridge-dropped");
/// Provider headers that the client gets to see. Limits and names of the provider's account are not among them.
const PASSED_ON: [HeaderName; 3] =
    [header::CONTENT_TYPE, header::CONTENT_ENCODING, HeaderName::from_static("openai-processing-ms")];

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
    pub place: Option<Place>,
}

/// Sends and opens; the record is written when the answer ends, or here if it never began.
pub(super) async fn open(
    attempt: Attempt<'_>,
    addressed: Addressed,
    place: Place,
) -> Result<Response<Reply>, Box<Failed>> {
    let Attempt { shared, context, .. } = attempt;
    let lane = &context.lane;
    let link = match attempt.arm {
        Arm::Candidate => lane.candidate.as_ref().unwrap_or(&lane.baseline),
        Arm::Baseline => &lane.baseline,
    };
    let mut leg = Leg {
        arm: attempt.arm,
        role: attempt.role,
        provider: link.provider(),
        model: addressed.model,
        sent_us: crate::clock::now_us(),
        attempts: 1,
        dropped: addressed.rewritten.dropped,
        shadow: attempt.shadow,
        watched: None,
        span: shared.traces.leg(context),
    };
    leg.watched = context.lane.watch.arrived(context, &leg);
    let beside = shared.traces.headers(context, &leg, link);
    let mut ticket = Ticket::new(Arc::clone(shared), Arc::clone(context), leg, place);
    if attempt.role == Role::Served {
        shared.metrics.sent_after(ticket.sent - context.arrived);
    }
    let body = Bytes::from(addressed.rewritten.body);
    match link.serve.send(addressed.path, body, context.streamed, beside.as_ref()).await {
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
    Box::new(Failed { kind, status, problem: response, place: ticket.fail(status, kind) })
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
    let context = attempt.context;
    let framed = is_event_stream(&parts.headers);
    let (adapter, endpoint, status) = (link.adapter(), context.endpoint, parts.status.as_u16());
    let timeouts = link.config.timeouts;
    let first = framed.then(|| tokio::time::Instant::from_std(ticket.sent) + timeouts.first_token);
    let listener = context.watch.as_ref().and_then(|watch| watch.listener(link));
    let meter = Meter::new(ticket.sent, status, framed, adapter, endpoint, attempt.shared.answer_bytes_max());
    let opening = Opening {
        receiving: Receiving::new(body, Deadline::new(first, timeouts.idle, total)),
        meter: meter.heard_by(listener),
        editor: Editor {
            adapter,
            endpoint,
            wants_usage: attempt.wants_usage,
            model: (attempt.config.answer_model == AnswerModel::Asked).then(|| attempt.model.to_owned()),
            reasoning: link.config.policy.reasoning_to_client,
            functions: context.uses_functions,
            comments: attempt.config.keep_alive_comments,
        },
        ahead: VecDeque::new(),
    };
    let watch = context.watch.as_ref().filter(|watch| watch.holds_answers());
    let Opened { reply, leg, judged } = if framed {
        opening.stream(attempt, link, ticket, watch).await?
    } else if opening.reads_whole() || watch.is_some() {
        opening.whole(attempt, link, ticket, watch).await?
    } else {
        let leg = ticket.leg.clone();
        let Opening { receiving, meter, ahead, .. } = opening;
        let reply = Reply::Relay(Box::new(Relay::new(receiving, ahead, meter, None, ticket)));
        Opened { reply, leg, judged: None }
    };
    let mut answered = Response::new(reply);
    *answered.status_mut() = judged.as_ref().and_then(Whole::status).unwrap_or(parts.status);
    let headers = answered.headers_mut();
    for name in PASSED_ON {
        if let Some(value) = parts.headers.get(&name) {
            headers.insert(name, value.clone());
        }
    }
    if let Some(judged) = judged {
        judged.label(headers);
    }
    label(attempt, &leg, headers);
    Ok(answered)
}

/// An answer that the client gets.
struct Opened {
    reply: Reply,
    leg: Leg,
    /// What the guard said of a whole one, if it holds answers back.
    judged: Option<Whole>,
}

/// An answer whose first byte has not gone to the client.
struct Opening {
    receiving: Receiving,
    meter: Meter,
    editor: Editor,
    ahead: VecDeque<Bytes>,
}

/// Why nothing of an answer goes to the client.
enum Refused {
    Broken(ErrorKind),
    Error(ClientError),
}

impl Refused {
    const fn kind_and_status(&self) -> (ErrorKind, u16) {
        match self {
            Self::Broken(kind) => (*kind, 200),
            Self::Error(error) => (error.kind, error.status),
        }
    }

    fn failed(self, attempt: Attempt<'_>, link: &Link, ticket: Ticket) -> Box<Failed> {
        let (kind, status) = self.kind_and_status();
        let problem = match self {
            Self::Broken(kind) => Problem::unreachable(link, kind),
            Self::Error(error) => Problem::from_provider(link, error),
        };
        failed(attempt, ticket, kind, status, problem)
    }
}

impl Opening {
    /// Whether something in a whole answer may have to change before the client sees it.
    fn reads_whole(&self) -> bool {
        self.editor.model.is_some() || self.editor.adapter.edits_whole(self.editor.endpoint)
    }

    /// A stream: held until its first event where a failure could still be answered by somebody else.
    async fn stream(
        mut self,
        attempt: Attempt<'_>,
        link: &Arc<Link>,
        mut ticket: Ticket,
        watch: Option<&Watch>,
    ) -> Result<Opened, Box<Failed>> {
        if let Some(hold) = attempt.hold {
            match tokio::time::timeout(hold, self.first_event()).await {
                // It begins well, or nobody knows yet: the client gets it.
                Ok(Ok(())) | Err(_) => {}
                Ok(Err(refused)) => return Err(refused.failed(attempt, link, ticket)),
            }
            if self.meter.has_spoken() && self.receiving.begun() {
                ticket.begun();
            }
        }
        let leg = ticket.leg.clone();
        let Self { receiving, meter, editor, ahead } = self;
        let terms =
            Terms { wants_usage: editor.wants_usage, comments: editor.comments, cut: attempt.shared.cut.clone() };
        let relay = Relay::new(receiving, ahead, meter, Some(editor), ticket);
        let reply = match watch {
            Some(watch) => guard_stream(relay, watch.clone(), terms),
            None => Reply::Relay(Box::new(relay)),
        };
        Ok(Opened { reply, leg, judged: None })
    }

    /// Reads until the answer proper begins; what the client will get of it is kept.
    async fn first_event(&mut self) -> Result<(), Refused> {
        while !self.meter.has_begun() {
            match self.receiving.next().await {
                Next::Piece(bytes) => {
                    let read = self.meter.bytes(bytes, Instant::now(), Some(&self.editor));
                    let bytes = read.map_err(Refused::Broken)?;
                    if !bytes.is_empty() {
                        self.ahead.push_back(bytes);
                    }
                }
                Next::End => return Err(Refused::Broken(ErrorKind::Truncated)),
                Next::Broken(kind, _) => return Err(Refused::Broken(kind)),
            }
        }
        self.meter.failed_first().map_or(Ok(()), |error| Err(Refused::Error(error)))
    }

    /// A whole answer that the adapter has to see before the client does.
    async fn whole(
        mut self,
        attempt: Attempt<'_>,
        link: &Arc<Link>,
        mut ticket: Ticket,
        watch: Option<&Watch>,
    ) -> Result<Opened, Box<Failed>> {
        match self.read_whole().await {
            Ok(mut body) => {
                ticket.answered(self.meter.finish(None, Instant::now()));
                let mut judged = None;
                if let Some(watch) = watch {
                    let whole = watch.whole(body, attempt.context.streamed).await;
                    ticket.judged(whole.check.clone());
                    body = whole.body.clone();
                    judged = Some(whole);
                }
                ticket.conclude();
                let leg = ticket.leg.clone();
                Ok(Opened { reply: Reply::Whole { bytes: Some(body), _held: ticket.into_place() }, leg, judged })
            }
            Err(refused) => {
                // What came is billed, although the client gets none of it.
                let (kind, status) = refused.kind_and_status();
                let outcome = self.meter.finish(Some(kind), Instant::now());
                ticket.close(Outcome { status, ..outcome });
                Err(refused.failed(attempt, link, ticket))
            }
        }
    }

    async fn read_whole(&mut self) -> Result<Bytes, Refused> {
        loop {
            match self.receiving.next().await {
                Next::End => break,
                Next::Broken(kind, _) => return Err(Refused::Broken(kind)),
                Next::Piece(bytes) => {
                    // A whole answer is only kept here; nothing in it can be refused yet, except its length.
                    drop(self.meter.bytes(bytes, Instant::now(), None));
                    if self.meter.has_overflowed() {
                        return Err(Refused::Broken(ErrorKind::Malformed));
                    }
                }
            }
        }
        let body = self.meter.whole_body();
        let edited = self.editor.adapter.edit_whole(self.editor.endpoint, &body, &self.editor.view());
        edited.map(|edited| edited.map_or(body, Bytes::from)).map_err(Refused::Error)
    }
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
