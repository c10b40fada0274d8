//! Traces: what the gateway did with a request, as spans for an OpenTelemetry collector.
//!
//! One span for a client's request, and below it one for each call of a provider: the one that serves, the fall-back, the
//! mirrored copy, the baseline's second answer. Copies are children too, not links, although they end after their parent:
//! one look at a trace shows a pair side by side, and one decision to sample holds for all of it.
//!
//! No span is kept while a request is under way. What an exchange's record says makes a span when it has ended, so tracing
//! costs a request two ids, and one move into a bounded queue for each span; without `[traces]` it costs one look at an
//! `Option`. Spans are put into words and sent by a task of its own ([`export`]).

mod attributes;
mod context;
mod counts;
mod export;
mod line;
mod root;
mod spans;

pub(crate) use context::Trace;
pub(crate) use counts::SpanCounts;
pub(crate) use root::Root;

use crate::config::{TraceClients, Traces as Config};
use crate::exchange::{Context, Leg};
use crate::lane::Link;
use context::Parent;
use counts::{Counts, Lost};
use datasets::{Arm, Exchange};
use export::Exporter;
use http::HeaderMap;
use opentelemetry::trace::{SpanId, SpanKind, TraceState};
use opentelemetry_sdk::trace::{IdGenerator, RandomIdGenerator, Sampler, SamplingDecision, ShouldSample};
use spans::{EndedLeg, Finished};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use wire::Endpoint;

/// How long the last spans may take when the gateway stops, at most; never longer than any export may.
const FLUSH_MAX: Duration = Duration::from_secs(5);

/// Id of a span.
pub(crate) type LegSpan = SpanId;

/// The handle that everybody has.
pub(crate) struct Traces {
    /// `None`: nobody wants spans.
    live: Option<Arc<Live>>,
    /// Taken by whoever stops.
    exporting: Mutex<Option<JoinHandle<()>>>,
}

/// Tracing at work.
pub(crate) struct Live {
    config: Config,
    sampler: Sampler,
    ids: RandomIdGenerator,
    queue: mpsc::Sender<Finished>,
    counts: Arc<Counts>,
    closing: CancellationToken,
}

impl Traces {
    /// Starts the exporter where the configuration wants one. `instance` tells this process from others.
    ///
    /// # Errors
    /// The certificates that the collector would be judged by cannot be loaded.
    pub(crate) fn start(config: Option<&Config>, instance: &str) -> Result<Self, rustls::Error> {
        let Some(config) = config else { return Ok(Self { live: None, exporting: Mutex::default() }) };
        let counts = Arc::<Counts>::default();
        let (sender, mut queue) = mpsc::channel(config.queue_spans_max);
        let mut exporter = Exporter::new(config, Arc::clone(&counts), instance)?;
        let closing = CancellationToken::new();
        let (until, left) = (closing.clone(), Arc::clone(&counts));
        let flush = config.timeout.min(FLUSH_MAX);
        let exporting = tokio::spawn(async move {
            let flushed = async {
                until.cancelled().await;
                tokio::time::sleep(flush).await;
            };
            tokio::select! {
                () = exporter.run(&mut queue, &until) => {}
                () = flushed => {}
            }
            queue.close();
            while queue.try_recv().is_ok() {
                left.lost(Lost::Stopped, 1);
            }
        });
        let sampler = Sampler::TraceIdRatioBased(config.sampled_share);
        let ids = RandomIdGenerator::default();
        let live = Live { config: config.clone(), sampler, ids, queue: sender, counts, closing };
        Ok(Self { live: Some(Arc::new(live)), exporting: Mutex::new(Some(exporting)) })
    }

    /// A request has come; its span ends when the last share is dropped. `None` where nobody wants spans.
    pub(crate) fn begin(&self, endpoint: Endpoint, headers: &HeaderMap, pair: &str) -> Option<Arc<Root>> {
        let live = self.live.as_ref()?;
        Some(Root::new(live, live.trace(headers), endpoint, pair, crate::clock::now_us()))
    }

    /// The id of a leg's span, where its request has a trace.
    pub(crate) fn leg(&self, context: &Context) -> Option<LegSpan> {
        self.live.as_ref().filter(|_| context.trace.is_some()).map(|live| live.ids.new_span_id())
    }

    /// What a provider gets, if it is one that gets the context.
    pub(crate) fn headers(&self, context: &Context, leg: &Leg, link: &Link) -> Option<HeaderMap> {
        let (live, trace, span) = (self.live.as_ref()?, context.trace.as_ref()?, leg.span?);
        live.config.propagate.contains(&link.config.name).then(|| trace.headers(span))
    }

    /// A leg has ended and is on record: it becomes a line and a span, where they are wanted.
    pub(crate) fn ended(&self, context: &Context, leg: &Leg, exchange: Exchange) {
        line::tell(&exchange, context.trace.as_ref());
        let (Some(live), Some(trace), Some(span)) = (&self.live, &context.trace, leg.span) else { return };
        if !trace.sampled {
            return;
        }
        let lane = &context.lane;
        let link = match leg.arm {
            Arm::Candidate => lane.candidate.as_ref().unwrap_or(&lane.baseline),
            Arm::Baseline => &lane.baseline,
        };
        let address = link.config.base_url.clone();
        // Nothing of it goes into a span, and it may be long.
        let exchange = Exchange { answer: None, ..exchange };
        live.offer(Finished::Leg(Box::new(EndedLeg { trace: Arc::clone(trace), span, address, exchange })));
    }

    /// `None` where nobody wants spans.
    pub(crate) fn counts(&self) -> Option<SpanCounts> {
        self.live.as_ref().map(|live| live.counts.read())
    }

    /// Exports what waits, for a few seconds at most; what is left then is dropped and counted.
    pub(crate) async fn close(&self) {
        let Some(live) = &self.live else { return };
        live.closing.cancel();
        let exporting = self.exporting.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(exporting) = exporting
            && exporting.await.is_err()
        {
            tracing::error!("the exporter of spans did not end properly");
        }
    }
}

impl Live {
    /// The trace that a request belongs to: the client's, or one of its own.
    fn trace(&self, headers: &HeaderMap) -> Trace {
        let span = self.ids.new_span_id();
        let parent = Parent::read(headers).filter(|_| self.config.clients == TraceClients::Continue);
        if let Some(Parent { trace: id, span: parent, sampled, state }) = parent {
            return Trace { id, span, parent, sampled, state };
        }
        let id = self.ids.new_trace_id();
        let sampled = self.sampler.should_sample(None, id, "", &SpanKind::Server, &[], &[]).decision;
        let sampled = sampled == SamplingDecision::RecordAndSample;
        Trace { id, span, parent: SpanId::INVALID, sampled, state: TraceState::NONE }
    }

    /// Never waits.
    fn offer(&self, finished: Finished) {
        let why = match self.queue.try_send(finished) {
            Ok(()) => return,
            Err(mpsc::error::TrySendError::Full(_)) => Lost::QueueFull,
            Err(mpsc::error::TrySendError::Closed(_)) => Lost::Stopped,
        };
        self.counts.lost(why, 1);
    }
}

#[cfg(test)]
mod tests;
