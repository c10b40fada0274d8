//! Spans on their way to a collector: OTLP over HTTP, binary, in batches, by one task.
//!
//! The exporter of the library is not used: it takes addresses and headers from the environment behind the
//! configuration's back, and does not tell how many spans a collector refused. What is left of it without that is a POST.
//!
//! What fails for a while (no connection, 429, 502, 503, 504) is tried again until the export's deadline; then its spans
//! are dropped and counted. Meanwhile the queue fills, and what does not fit is dropped and counted where it arises: a
//! collector that is dead or slow costs memory up to the bound, and no client anything.

use super::counts::{Counts, Lost};
use super::spans::Finished;
use crate::config::Traces as Config;
use crate::upstream::{PlainClient, plain_client};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use opentelemetry_proto::tonic::collector::trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse};
use opentelemetry_proto::tonic::common::v1::InstrumentationScope;
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout_at};
use tokio_util::sync::CancellationToken;

const VERSION: &str = env!("CARGO_PKG_VERSION");
/// Longest answer of a collector that is read.
const ANSWER_BYTES_MAX: usize = 64 * 1024;
/// The first wait before another try; each further one is twice as long.
const FIRST_WAIT: Duration = Duration::from_millis(100);

/// The task's own.
pub(super) struct Exporter {
    config: Config,
    client: PlainClient,
    headers: HeaderMap,
    resource: Resource,
    counts: Arc<Counts>,
    /// What went wrong last was told: the next success is.
    is_failing: bool,
}

/// Why a collector did not take an export.
#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error("it cannot be reached: {0}")]
    Unreachable(String),
    #[error("it answered {0}")]
    Status(StatusCode),
    #[error("it did not answer in time")]
    Late,
}

impl Refused {
    /// By the protocol, the others say that the same would be refused again.
    fn passes(&self) -> bool {
        match self {
            Self::Unreachable(_) => true,
            Self::Status(status) => matches!(status.as_u16(), 429 | 502 | 503 | 504),
            Self::Late => false,
        }
    }
}

impl Exporter {
    /// Connects to nothing.
    ///
    /// # Errors
    /// The certificates that the collector would be judged by cannot be loaded.
    pub(super) fn new(config: &Config, counts: Arc<Counts>, host: &str) -> Result<Self, rustls::Error> {
        let mut headers: HeaderMap = config.headers.iter().cloned().collect();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-protobuf"));
        headers
            .insert(header::USER_AGENT, HeaderValue::from_static(concat!("weighbridge/", env!("CARGO_PKG_VERSION"))));
        let mut resource = super::attributes::Attributes::default();
        resource.text("service.name", &config.service);
        resource.text("service.version", VERSION);
        resource.text("service.instance.id", host);
        Ok(Self {
            client: plain_client(&config.endpoint, &config.roots, 1)?,
            headers,
            resource: Resource { attributes: resource.into_inner(), ..Resource::default() },
            config: config.clone(),
            counts,
            is_failing: false,
        })
    }

    /// Exports what comes, until `closing`; then what is still there, until the task is dropped.
    pub(super) async fn run(&mut self, queue: &mut mpsc::Receiver<Finished>, closing: &CancellationToken) {
        let batch_max = self.config.batch_spans_max;
        let mut batch = Vec::new();
        loop {
            tokio::select! {
                biased;
                () = closing.cancelled() => queue.close(),
                _ = queue.recv_many(&mut batch, batch_max) => {}
            }
            let due = sleep(self.config.interval);
            tokio::pin!(due);
            while batch.len() < batch_max {
                let room = batch_max - batch.len();
                tokio::select! {
                    biased;
                    () = closing.cancelled(), if !queue.is_closed() => queue.close(),
                    taken = queue.recv_many(&mut batch, room) => if taken == 0 { break },
                    () = &mut due => break,
                }
            }
            if batch.is_empty() {
                if queue.is_closed() {
                    return;
                }
                continue;
            }
            self.export(std::mem::take(&mut batch), closing).await;
        }
    }

    /// One batch, with as many tries as its time allows; one if the gateway stops.
    async fn export(&mut self, batch: Vec<Finished>, closing: &CancellationToken) {
        let spans = batch.len() as u64;
        // Until it is known what became of them: whoever drops this task has lost them.
        let mut lost = self.counts.may_lose(spans);
        let body = self.body(batch);
        let deadline = Instant::now() + self.config.timeout;
        let mut wait = FIRST_WAIT;
        let outcome = loop {
            let outcome = match timeout_at(deadline, self.send(body.clone())).await {
                Ok(outcome) => outcome,
                Err(_) => Err(Refused::Late),
            };
            match outcome {
                Err(refused) if refused.passes() && !closing.is_cancelled() && Instant::now() + wait < deadline => {
                    tokio::select! {
                        () = closing.cancelled() => {}
                        () = sleep(wait) => {}
                    }
                    wait *= 2;
                }
                outcome => break outcome,
            }
        };
        match outcome {
            Ok(rejected) => {
                let rejected = rejected.min(spans);
                lost.turned_out(Lost::Rejected, rejected);
                self.tell(None, rejected);
            }
            Err(refused) => {
                lost.turned_out(Lost::Export, spans);
                self.tell(Some(&refused), spans);
            }
        }
    }

    fn body(&self, batch: Vec<Finished>) -> Bytes {
        let spans: Vec<Span> = batch.into_iter().map(|one| one.into_span(self.config.consumer)).collect();
        let scope = InstrumentationScope {
            name: "weighbridge".to_owned(),
            version: VERSION.to_owned(),
            ..InstrumentationScope::default()
        };
        let scoped = ScopeSpans { scope: Some(scope), spans, schema_url: String::new() };
        let resource_spans = vec![ResourceSpans {
            resource: Some(self.resource.clone()),
            scope_spans: vec![scoped],
            schema_url: String::new(),
        }];
        ExportTraceServiceRequest { resource_spans }.encode_to_vec().into()
    }

    /// How many spans the collector took no notice of.
    async fn send(&self, body: Bytes) -> Result<u64, Refused> {
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.config.endpoint.clone();
        *request.headers_mut() = self.headers.clone();
        let answer = self.client.request(request).await.map_err(|error| Refused::Unreachable(causes(&error)))?;
        let status = answer.status();
        if !status.is_success() {
            return Err(Refused::Status(status));
        }
        // A success that cannot be read is one all the same: sending it again would double the spans.
        let Ok(body) = Limited::new(answer.into_body(), ANSWER_BYTES_MAX).collect().await else { return Ok(0) };
        let answer = ExportTraceServiceResponse::decode(body.to_bytes()).unwrap_or_default();
        Ok(answer.partial_success.map_or(0, |partial| u64::try_from(partial.rejected_spans).unwrap_or(0)))
    }

    /// Once when it begins to fail, and once when that is over: an outage must not fill the log.
    fn tell(&mut self, refused: Option<&Refused>, spans: u64) {
        match refused {
            Some(error) if !self.is_failing => {
                tracing::warn!(%error, spans, "the collector does not take spans; they are dropped until it does");
            }
            None if self.is_failing => tracing::info!("the collector takes spans again"),
            None if spans > 0 => tracing::warn!(spans, "the collector rejected spans of an export"),
            _ => {}
        }
        self.is_failing = refused.is_some();
    }
}

/// An error with all its causes.
fn causes(error: &dyn std::error::Error) -> String {
    let mut why = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        why = format!("{why}: {error}");
        cause = error.source();
    }
    why
}
