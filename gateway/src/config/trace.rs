//! `[traces]`: where spans go, and whose context is believed and passed on.
//!
//! A trace id is no secret, but `tracestate` may hold what other systems of the caller wrote for each other. So nothing of
//! a trace reaches a provider unless it is named here: a server of one's own can continue the trace, a vendor learns
//! nothing.

use super::check::{Checker, LIMIT_MAX};
use super::providers::ProviderConfig;
use super::transport::TlsRoots;
use http::{HeaderName, HeaderValue, Uri, header};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

/// Longest name of the service.
const SERVICE_BYTES_MAX: usize = 64;
/// Headers of an export that are not the configuration's business.
const OWN_HEADERS: [HeaderName; 5] =
    [header::CONTENT_TYPE, header::CONTENT_LENGTH, header::CONTENT_ENCODING, header::HOST, header::TRANSFER_ENCODING];

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawTraces {
    endpoint: String,
    #[serde(default)]
    headers_env: BTreeMap<String, String>,
    tls_roots: Option<String>,
    ca_file: Option<PathBuf>,
    service: Option<String>,
    sample_percent: Option<f64>,
    #[serde(default)]
    clients: TraceClients,
    #[serde(default)]
    propagate: BTreeSet<String>,
    consumer: Option<bool>,
    queue_spans_max: Option<usize>,
    batch_spans_max: Option<usize>,
    interval: Option<String>,
    timeout: Option<String>,
}

/// What a client's `traceparent` is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TraceClients {
    /// Its trace goes on here, and its sampled flag decides.
    #[default]
    Continue,
    /// Every request begins a trace of its own: for clients that must not decide what is exported.
    Ignore,
}

/// How spans are made and exported.
#[derive(Debug, Clone, PartialEq)]
pub struct Traces {
    /// Whole address of the collector: OTLP over HTTP, binary protobuf.
    pub endpoint: Uri,
    /// Headers of each export, sensitive.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// Whose certificates are believed.
    pub roots: TlsRoots,
    /// `service.name` of the spans.
    pub service: String,
    /// Share of the traces begun here that is exported, from 0 to 1. A client's flag goes before it.
    pub sampled_share: f64,
    /// What a client's context is worth.
    pub clients: TraceClients,
    /// Names of the providers that get the context.
    pub propagate: BTreeSet<String>,
    /// Spans name the consumer.
    pub consumer: bool,
    /// Spans that wait; one more is dropped and counted.
    pub queue_spans_max: usize,
    /// Spans of one export.
    pub batch_spans_max: usize,
    /// How long a span waits for others to go with it.
    pub interval: Duration,
    /// How long one export may take, tries again included.
    pub timeout: Duration,
}

impl Checker<'_> {
    pub(super) fn traces(
        &mut self,
        raw: RawTraces,
        providers: &BTreeMap<String, Option<ProviderConfig>>,
    ) -> Option<Traces> {
        let endpoint = self.plain_address("traces.endpoint", &raw.endpoint, "http://127.0.0.1:4318/v1/traces");
        if endpoint.as_ref().is_some_and(|endpoint| endpoint.path() == "/") {
            // A collector answers 404 there, and nobody would see why.
            self.problems.push("traces.endpoint has no path: collectors take traces at /v1/traces".to_owned());
        }
        let headers = self.trace_headers(&raw.headers_env);
        let roots = self.tls_roots("traces", raw.tls_roots.as_deref(), raw.ca_file.as_deref());
        let service = raw.service.unwrap_or_else(|| "weighbridge".to_owned());
        if service.is_empty() || service.len() > SERVICE_BYTES_MAX || service.chars().any(char::is_control) {
            self.problems.push(format!("traces.service: expected a name of 1 to {SERVICE_BYTES_MAX} bytes"));
        }
        let percent = raw.sample_percent.unwrap_or(100.0);
        if !(0.0..=100.0).contains(&percent) {
            self.problems.push(format!("traces.sample_percent is {percent}: expected 0 to 100"));
        }
        for name in raw.propagate.iter().filter(|name| !providers.contains_key(*name)) {
            let known = providers.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
            self.problems.push(format!("traces.propagate names `{name}`: expected some of the providers: {known}"));
        }
        let queue_spans_max = self.spans("traces.queue_spans_max", raw.queue_spans_max, 8192);
        let batch_spans_max = self.spans("traces.batch_spans_max", raw.batch_spans_max, 512);
        let interval = self.duration("traces.interval", raw.interval.as_deref(), 1);
        let timeout = self.duration("traces.timeout", raw.timeout.as_deref(), 5);
        Some(Traces {
            endpoint: endpoint?,
            headers,
            roots: roots?,
            service,
            sampled_share: percent / 100.0,
            clients: raw.clients,
            propagate: raw.propagate,
            consumer: raw.consumer.unwrap_or(false),
            queue_spans_max: queue_spans_max?,
            batch_spans_max: batch_spans_max?,
            interval: interval?,
            timeout: timeout?,
        })
    }

    /// Each header's value is in the variable that is named: what hosted collectors ask for is a key.
    fn trace_headers(&mut self, raw: &BTreeMap<String, String>) -> Vec<(HeaderName, HeaderValue)> {
        let mut headers = Vec::new();
        for (name, variable) in raw {
            let key = format!("traces.headers_env.{name}");
            let Ok(name) = name.parse::<HeaderName>() else {
                self.problems.push(format!("{key}: expected the name of a header"));
                continue;
            };
            if OWN_HEADERS.contains(&name) {
                self.problems.push(format!("{key}: the gateway sets this header itself"));
                continue;
            }
            let Some(secret) = self.secret(&key, variable) else { continue };
            match HeaderValue::from_str(&secret) {
                Ok(mut value) => {
                    value.set_sensitive(true);
                    headers.push((name, value));
                }
                Err(_) => self.problems.push(format!("{key}: the secret has characters that no header may carry")),
            }
        }
        headers
    }

    fn spans(&mut self, key: &str, value: Option<usize>, default: usize) -> Option<usize> {
        match value.unwrap_or(default) {
            value if (1..=LIMIT_MAX).contains(&value) => Some(value),
            value => self.problem(format!("{key} is {value}: expected 1 to {LIMIT_MAX}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> (Option<Traces>, Vec<String>) {
        let environment = |name: &str| (name == "OTLP_KEY").then(|| "canary-key".to_owned());
        let mut checker = Checker { problems: Vec::new(), warnings: Vec::new(), environment: &environment };
        let providers = BTreeMap::from([("openai".to_owned(), None), ("own".to_owned(), None)]);
        let traces = checker.traces(toml::from_str(text).unwrap(), &providers);
        (traces, checker.problems)
    }

    #[test]
    fn an_address_is_enough_and_nothing_is_passed_on_by_default() {
        let (traces, problems) = check("endpoint = 'http://127.0.0.1:4318/v1/traces'");
        assert_eq!(problems, Vec::<String>::new());
        let traces = traces.unwrap();
        assert_eq!(traces.endpoint, "http://127.0.0.1:4318/v1/traces");
        assert_eq!((traces.service.as_str(), traces.clients), ("weighbridge", TraceClients::Continue));
        assert!((traces.sampled_share - 1.0).abs() < f64::EPSILON);
        assert!(traces.propagate.is_empty() && !traces.consumer && traces.headers.is_empty());
        assert_eq!((traces.queue_spans_max, traces.batch_spans_max), (8192, 512));
        assert_eq!((traces.interval, traces.timeout), (Duration::from_secs(1), Duration::from_secs(5)));
    }

    #[test]
    fn the_full_example_states_the_defaults() {
        let full = include_str!("../../examples/full.toml");
        let section = full.split_once("# [traces]\n").unwrap().1.split_once("\n\n").unwrap().0;
        let keys = section.lines().filter_map(|line| line.strip_prefix("# ")).filter(|line| {
            let key = line.split_once(" = ").map_or("", |(key, _)| key);
            !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
        });
        let text: String =
            keys.filter(|line| !line.starts_with("headers_env")).map(|line| format!("{line}\n")).collect();
        assert_eq!(text.lines().count(), 10, "{text}");
        assert_eq!(check(&text), check("endpoint = 'http://127.0.0.1:4318/v1/traces'"));
    }

    #[test]
    fn what_a_collector_is_shown_comes_from_the_environment_and_never_shows() {
        let text =
            "endpoint = 'https://c.example/v1/traces'\nheaders_env = { Api-Key = 'OTLP_KEY' }\npropagate = ['own']";
        let traces = check(text).0.unwrap();
        let (name, value) = &traces.headers[0];
        assert_eq!((name.as_str(), value.to_str().unwrap()), ("api-key", "canary-key"));
        assert!(!format!("{traces:?}").contains("canary"), "{traces:?}");
        assert!(traces.propagate.contains("own"));
    }

    #[test]
    fn each_slip_has_its_sentence() {
        let text = "endpoint = 'http://me:canary@c.example/'\nheaders_env = { 'a b' = 'X', host = 'OTLP_KEY', k = 'NOT_SET' }\n\
                    service = ''\nsample_percent = 101\npropagate = ['owm']\nqueue_spans_max = 0\nbatch_spans_max = 0\n\
                    interval = 'soon'\ntimeout = '0s'\ntls_roots = 'none'";
        let (_, problems) = check(text);
        for part in [
            "traces.endpoint is no plain address",
            "headers_env.a b: expected the name",
            "headers_env.host: the gateway sets",
            "NOT_SET, which is not set",
            "traces.service",
            "sample_percent is 101",
            "traces.propagate names `owm`: expected some of the providers: openai, own",
            "queue_spans_max is 0",
            "batch_spans_max is 0",
            "traces.interval",
            "traces.timeout",
            "traces.tls_roots",
        ] {
            assert!(problems.iter().any(|problem| problem.contains(part)), "{part} is not in {problems:#?}");
        }
        assert!(!problems.iter().any(|problem| problem.contains("canary")), "{problems:#?}");
        assert!(check("endpoint = 'http://127.0.0.1:4318'").1[0].contains("/v1/traces"));
        assert!(toml::from_str::<RawTraces>("endpoint = 'http://a/b'\nclients = 'trust'").is_err());
    }
}
