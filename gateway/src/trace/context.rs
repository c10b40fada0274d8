//! W3C trace context, in and out.
//!
//! The library's own reader takes numbers that are too short, signs and more; this one takes what the standard's grammar
//! takes, and anything else is as if it were not there: a request is never refused for its trace. The rules: one
//! `traceparent`, of a known length, in lower case; `tracestate` only together with it, all its lines as one, and not more
//! than the 512 bytes that everybody has to pass on.

use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::trace::{SpanId, TraceFlags, TraceId, TraceState};
use std::str::FromStr;

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");
const TRACESTATE_BYTES_MAX: usize = 512;

/// What a client says of the trace that its request belongs to.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Parent {
    pub trace: TraceId,
    pub span: SpanId,
    pub sampled: bool,
    pub state: TraceState,
}

/// The ids that a request's spans share.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Trace {
    pub id: TraceId,
    /// The span of the request itself.
    pub span: SpanId,
    /// The client's span; [`SpanId::INVALID`] if there is none.
    pub parent: SpanId,
    /// Its spans are exported.
    pub sampled: bool,
    pub state: TraceState,
}

impl Parent {
    /// Reads a client's headers; `None` without a context, or with a malformed one.
    pub(super) fn read(headers: &HeaderMap) -> Option<Self> {
        let mut all = headers.get_all(TRACEPARENT).iter();
        let (line, None) = (all.next()?.to_str().ok()?, all.next()) else { return None };
        let (trace, span, flags) = parse(line)?;
        Some(Self { trace, span, sampled: flags & TraceFlags::SAMPLED.to_u8() != 0, state: state(headers) })
    }
}

/// `VERSION-TRACE-SPAN-FLAGS`. Versions after 00 may be longer, but only behind another dash; ff is none.
fn parse(line: &str) -> Option<(TraceId, SpanId, u8)> {
    let (version, rest) = line.split_at_checked(2)?;
    let (trace, rest) = rest.strip_prefix('-')?.split_at_checked(32)?;
    let (span, rest) = rest.strip_prefix('-')?.split_at_checked(16)?;
    let (flags, rest) = rest.strip_prefix('-')?.split_at_checked(2)?;
    let digits = |part: &str| part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let ends = rest.is_empty() || (version != "00" && rest.starts_with('-'));
    if !(ends && version != "ff" && [version, trace, span, flags].into_iter().all(digits)) {
        return None;
    }
    let (trace, span) = (TraceId::from_hex(trace).ok()?, SpanId::from_hex(span).ok()?);
    let flags = u8::from_str_radix(flags, 16).ok()?;
    (trace != TraceId::INVALID && span != SpanId::INVALID).then_some((trace, span, flags))
}

/// What cannot be read is not passed on.
fn state(headers: &HeaderMap) -> TraceState {
    let lines: Option<Vec<&str>> = headers.get_all(TRACESTATE).iter().map(|line| line.to_str().ok()).collect();
    let line = lines.unwrap_or_default().join(",");
    if line.len() > TRACESTATE_BYTES_MAX {
        return TraceState::NONE;
    }
    TraceState::from_str(&line).unwrap_or(TraceState::NONE)
}

impl Trace {
    /// The headers by which a provider continues the trace, below the span of its own leg.
    pub(super) fn headers(&self, leg: SpanId) -> HeaderMap {
        let mut headers = HeaderMap::with_capacity(2);
        let flags = if self.sampled { TraceFlags::SAMPLED } else { TraceFlags::NOT_SAMPLED };
        let line = format!("00-{}-{leg}-{:02x}", self.id, flags.to_u8());
        for (name, line) in [(TRACEPARENT, line), (TRACESTATE, self.state.header())] {
            if let Some(value) = HeaderValue::from_str(&line).ok().filter(|value| !value.is_empty()) {
                headers.insert(name, value);
            }
        }
        headers
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const GOOD: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn headers(parents: &[&str], states: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for line in parents {
            headers.append(TRACEPARENT, HeaderValue::from_str(line).unwrap());
        }
        for line in states {
            headers.append(TRACESTATE, HeaderValue::from_str(line).unwrap());
        }
        headers
    }

    fn read(parent: &str) -> Option<Parent> {
        Parent::read(&headers(&[parent], &[]))
    }

    #[test]
    fn a_context_is_read_and_goes_on_below_the_leg() {
        let parent = Parent::read(&headers(&[GOOD], &["a=1, b=2", "c=3"])).unwrap();
        assert_eq!(parent.trace.to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!((parent.span.to_string().as_str(), parent.sampled), ("00f067aa0ba902b7", true));
        let Parent { trace: id, span, sampled, state } = parent;
        let trace = Trace { id, span: SpanId::from(7), parent: span, sampled, state };
        let out = trace.headers(SpanId::from(0xabc));
        assert_eq!(out[TRACEPARENT], "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000abc-01");
        assert_eq!(out[TRACESTATE], "a=1,b=2,c=3");
        let unsampled = Trace { sampled: false, state: TraceState::NONE, ..trace }.headers(SpanId::from(1));
        assert!(unsampled[TRACEPARENT].to_str().unwrap().ends_with("-00"));
        assert!(!unsampled.contains_key(TRACESTATE));
    }

    #[test]
    fn flags_and_versions_that_nobody_knows_yet_are_taken() {
        assert!(!read(&GOOD.replace("-01", "-00")).unwrap().sampled);
        assert!(read(&GOOD.replace("-01", "-ff")).unwrap().sampled);
        assert!(!read(&GOOD.replace("-01", "-02")).unwrap().sampled);
        assert!(read(&format!("cc{}", &GOOD[2..])).unwrap().sampled);
        assert!(read(&format!("cc{}-what-comes", &GOOD[2..])).is_some());
    }

    #[test]
    fn what_is_malformed_is_not_there() {
        for wrong in [
            "",
            "00",
            &GOOD[..54],
            &format!("{GOOD}-"),
            &format!("{GOOD}0"),
            &format!("cc{}0", &GOOD[2..]),
            &format!("ff{}", &GOOD[2..]),
            &format!("0x{}", &GOOD[2..]),
            &GOOD.to_uppercase(),
            &GOOD.replace("4bf92f35", "+bf92f35"),
            &GOOD.replace("4bf92f3577b34da6a3ce929d0e0e4736", "00000000000000000000000000000000"),
            &GOOD.replace("00f067aa0ba902b7", "0000000000000000"),
            &GOOD.replace("-01", "-0g"),
            &GOOD.replace('-', "_"),
            &format!(" {GOOD}"),
        ] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
        assert_eq!(Parent::read(&headers(&[], &["a=1"])), None, "a state alone is nothing");
        assert_eq!(Parent::read(&headers(&[GOOD, GOOD], &[])), None, "two are none");
    }

    #[test]
    fn a_state_that_is_malformed_or_too_long_stays_behind() {
        let state = |line: &str| Parent::read(&headers(&[GOOD], &[line])).unwrap().state.header();
        assert_eq!(state("rojo=00f067aa0ba902b7"), "rojo=00f067aa0ba902b7");
        assert_eq!(state("no pair"), "");
        assert_eq!(state(&format!("a={}", "x".repeat(511))), "");
    }

    proptest! {
        #[test]
        fn any_header_is_read_without_a_panic_and_what_is_taken_comes_out_again(line in "[ -~]{0,80}|[0-9a-f-]{50,60}") {
            if let Some(parent) = read(&line) {
                let Parent { trace: id, span, sampled, state } = parent;
                let trace = Trace { id, span: SpanId::from(1), parent: span, sampled, state };
                let again = Parent::read(&trace.headers(span)).unwrap();
                prop_assert_eq!((again.trace, again.span, again.sampled), (id, span, sampled));
            }
        }
    }
}
