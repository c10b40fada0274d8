//! The console: one page on the admin plane that shows every migration as it goes, and lets people act on it.
//!
//! * [`files`] serves the page and what it loads; [`session`] and [`login`] know who has shown the token.
//! * [`history`] reads the counters every five seconds and keeps an hour of them; [`gather`] makes one document of
//!   what all parts count ([`document`]), with what is slow to ask for kept for a moment ([`slow`]).
//! * [`events`] sends the document to whoever looks, whole, about once a second.
//!
//! The data plane does not notice: nothing here is asked by requests, counters are read without a lock, and while nobody
//! looks there is only the sample every five seconds. Everything is bounded: sessions, streams, points, rows.

mod document;
mod events;
mod files;
mod gather;
mod history;
mod login;
mod session;
mod slow;

pub(crate) use session::SessionId;

use crate::callers::Refusals;
use crate::state::Shared;
use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bytes::Bytes;
use files::NO_STORE;
use gather::Look;
use history::{History, InForce, STEP_SECONDS};
use http::{HeaderValue, header};
use session::Sessions;
use slow::Slow;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Semaphore, watch};
use tokio::time::MissedTickBehavior;

/// Where the page is.
const PAGE: &str = "/console";
/// Streams that may be open at once.
const STREAMS_MAX: usize = 64;
/// How often whoever looks gets a new document.
const TICK: Duration = Duration::from_secs(1);
/// Wrong tokens that may wait at once for their answer, times four; see [`Refusals`].
const WRONG_TOKENS: usize = 256;

/// What the console keeps.
pub(crate) struct Console {
    /// When the process began, microseconds since the Unix epoch.
    started_us: i64,
    /// Slows down whoever tries tokens.
    pub(crate) refusals: Refusals,
    sessions: Mutex<Sessions>,
    history: Mutex<History>,
    slow: tokio::sync::Mutex<Slow>,
    /// The newest document as an event; whoever is slow misses those between.
    newest: watch::Sender<Bytes>,
    streams: Arc<Semaphore>,
}

impl Console {
    pub(crate) fn new(started_us: i64) -> Self {
        Self {
            started_us,
            refusals: Refusals::new(WRONG_TOKENS),
            sessions: Mutex::default(),
            history: Mutex::default(),
            slow: tokio::sync::Mutex::default(),
            newest: watch::Sender::new(Bytes::new()),
            streams: Arc::new(Semaphore::new(STREAMS_MAX)),
        }
    }

    /// The session of a cookie, and when it ends, if it lasts.
    pub(crate) fn session(&self, cookie: &[u8], now_us: i64) -> Option<(SessionId, i64)> {
        self.sessions().find(cookie, now_us)
    }

    fn sessions(&self) -> MutexGuard<'_, Sessions> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn history(&self) -> MutexGuard<'_, History> {
        self.history.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Routes for whoever may use the admin plane; who that is, is decided where they are merged.
pub(crate) fn guarded_routes() -> Router<Arc<Shared>> {
    let events = Router::new().route("/console/events", get(events::stream));
    events.route("/admin/v1/console", get(once))
}

/// Routes for everybody: the page, and the door.
pub(crate) fn open_routes() -> Router<Arc<Shared>> {
    files::routes().merge(login::routes())
}

/// What tells a browser to run, to ask and to keep nothing else; on every answer of the admin plane, since a session's
/// cookie opens them all.
pub(crate) async fn protect(mut response: Response) -> Response {
    let headers = response.headers_mut();
    for (name, value) in files::HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(NO_STORE.0, NO_STORE.1);
    }
    response
}

/// The document, once.
async fn once(State(shared): State<Arc<Shared>>) -> Response {
    let json = (header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    ([json, NO_STORE], document(&shared, true).await).into_response()
}

/// The document as it stands now, as JSON on one line.
async fn document(shared: &Shared, with_curves: bool) -> Vec<u8> {
    let now_us = crate::clock::now_us();
    let slow = {
        let mut slow = shared.console.slow.lock().await;
        slow.refresh(shared, now_us).await;
        slow.clone()
    };
    let history = shared.console.history();
    let curves = with_curves.then(|| history.curves());
    let document = Look { shared, history: &history, slow: &slow, now_us }.document(curves);
    drop(history);
    // Nothing in it can fail to be written: names are texts, numbers are finite.
    serde_json::to_vec(&document).unwrap_or_default()
}

/// Takes samples, and tells whoever looks, until the gateway is gone.
pub(crate) async fn run(shared: Arc<Shared>) {
    let gone = shared.gone.clone();
    let work = async {
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut sampled = None;
        loop {
            ticks.tick().await;
            let now = tokio::time::Instant::now();
            let step = Duration::from_secs(STEP_SECONDS.unsigned_abs());
            // Ticks come a little early or late; a step is never cut to four seconds or stretched to six by that.
            if sampled.is_none_or(|last| now.duration_since(last) + TICK / 2 >= step) {
                sampled = Some(now);
                sample(&shared, crate::clock::now_us());
            }
            if shared.console.newest.receiver_count() > 0 {
                let event = events::event("now", &document(&shared, false).await);
                shared.console.newest.send_replace(event);
            }
        }
    };
    gone.run_until_cancelled(work).await;
}

fn sample(shared: &Shared, now_us: i64) {
    let plane = shared.plane.load();
    let in_force: Vec<InForce> = plane
        .lanes
        .iter()
        .map(|lane| {
            let snapshot = lane.snapshot();
            let weight_percent = snapshot.weights.candidate.percent();
            InForce { migration: lane.name().to_owned(), epoch: snapshot.epoch, weight_percent }
        })
        .collect();
    let (arms, overhead) = (shared.metrics.sample(), shared.metrics.overhead());
    shared.console.history().take(now_us, arms, overhead, &in_force);
}

#[cfg(test)]
mod tests;
