//! A collector that keeps what it gets.

use super::{COLLECTOR_KEY, traces};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use wiremock::matchers::method;
use wiremock::{Mock, MockServer, ResponseTemplate};

pub(super) struct Collector(MockServer);

impl Collector {
    /// Takes everything.
    pub(super) async fn start() -> Self {
        Self::answering(Self::taking(0)).await
    }

    /// A good answer that says how many spans were not taken all the same.
    pub(super) fn taking(rejected_spans: i64) -> ResponseTemplate {
        let partial_success = (rejected_spans > 0)
            .then(|| ExportTracePartialSuccess { rejected_spans, error_message: "canary-complaint".to_owned() });
        let body = ExportTraceServiceResponse { partial_success }.encode_to_vec();
        ResponseTemplate::new(200).set_body_raw(body, "application/x-protobuf")
    }

    pub(super) async fn answering(response: ResponseTemplate) -> Self {
        let server = MockServer::start().await;
        Mock::given(method("POST")).and(traces()).respond_with(response).mount(&server).await;
        Self(server)
    }

    /// The first answers, then the others.
    pub(super) async fn answering_first(first: ResponseTemplate, times: u64, then: ResponseTemplate) -> Self {
        let server = MockServer::start().await;
        let first = Mock::given(method("POST")).and(traces()).respond_with(first).up_to_n_times(times);
        first.with_priority(1).mount(&server).await;
        Mock::given(method("POST")).and(traces()).respond_with(then).mount(&server).await;
        Self(server)
    }

    pub(super) fn address(&self) -> String {
        self.0.uri()
    }

    /// Bodies as they came.
    pub(super) async fn bodies(&self) -> Vec<Vec<u8>> {
        let requests = self.0.received_requests().await.unwrap();
        for request in &requests {
            assert_eq!(request.headers["content-type"], "application/x-protobuf");
            assert_eq!(request.headers["api-key"], COLLECTOR_KEY);
        }
        requests.into_iter().map(|request| request.body).collect()
    }

    pub(super) async fn exports(&self) -> Vec<ExportTraceServiceRequest> {
        let bodies = self.bodies().await;
        bodies.iter().map(|body| ExportTraceServiceRequest::decode(body.as_slice()).unwrap()).collect()
    }

    /// All spans of all exports.
    pub(super) async fn spans(&self) -> Vec<Span> {
        let exports = self.exports().await;
        let resources = exports.into_iter().flat_map(|export| export.resource_spans);
        resources.flat_map(|resource| resource.scope_spans).flat_map(|scope| scope.spans).collect()
    }
}
