//! The span of a client's request: it ends with the last byte of the answer, like everything that a request holds.
//!
//! Whoever still has to do with the request holds a share of it, and the last one to let go ends the span: the handler
//! until it has an answer, and the place among the requests served until that answer is sent.

use super::Live;
use super::context::Trace;
use super::spans::{Ended, Finished};
use crate::exchange::Context;
use http::StatusCode;
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Instant;
use wire::Endpoint;

/// See the module's text.
pub(crate) struct Root {
    live: Arc<Live>,
    pub(super) trace: Arc<Trace>,
    endpoint: Endpoint,
    pair: String,
    begun_us: i64,
    begun: Instant,
    /// 0 until it is known.
    status: AtomicU16,
    context: OnceLock<Arc<Context>>,
}

impl Root {
    pub(super) fn new(live: &Arc<Live>, trace: Trace, endpoint: Endpoint, pair: &str, begun_us: i64) -> Arc<Self> {
        Arc::new(Self {
            live: Arc::clone(live),
            trace: Arc::new(trace),
            endpoint,
            pair: pair.to_owned(),
            begun_us,
            begun: Instant::now(),
            status: AtomicU16::new(0),
            context: OnceLock::new(),
        })
    }

    /// The ids that its legs share.
    pub(crate) fn trace(&self) -> Arc<Trace> {
        Arc::clone(&self.trace)
    }

    /// It is decided who serves. Only the first word counts.
    pub(crate) fn decided(&self, context: &Arc<Context>) {
        drop(self.context.set(Arc::clone(context)));
    }

    /// The answer's head is known.
    pub(crate) fn answered(&self, status: StatusCode) {
        self.status.store(status.as_u16(), Ordering::Release);
    }
}

impl Drop for Root {
    fn drop(&mut self) {
        if !self.trace.sampled {
            return;
        }
        let lasted_us = i64::try_from(self.begun.elapsed().as_micros()).unwrap_or(i64::MAX);
        self.live.offer(Finished::Request(Box::new(Ended {
            trace: Arc::clone(&self.trace),
            endpoint: self.endpoint,
            pair: std::mem::take(&mut self.pair),
            begun_us: self.begun_us,
            ended_us: self.begun_us.saturating_add(lasted_us),
            status: *self.status.get_mut(),
            context: self.context.take(),
        })));
    }
}
