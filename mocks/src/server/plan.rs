//! What is answered to a request, decided before the first byte of it is sent: who may ask, whether there is money and room,
//! where the path leads. What each endpoint makes of the body is in [`endpoints`].

mod endpoints;

use std::sync::{Arc, PoisonError, RwLock};

use bytes::Bytes;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, Method};
use serde_json::Value;

use super::MockConfig;
use super::handle::{Call, Plan, Reply, Service, Timed};
use super::stage::Stage;
use crate::account::{self, Purse, Standing};
use crate::answer::Answer;
use crate::dice::{self, Identity};
use crate::envelope::Envelope;
use crate::face::{self, Face, Route};
use crate::lanes::{Lanes, Seat};
use crate::prefix_cache::PrefixCache;
use crate::profile::world::{self, PeakHours};
use crate::profile::{Checkpoint, Fault, Faults};
use crate::refusal::Refusal;
use crate::responses::state::Responses;
use crate::timeline::{Delivery, Timeline};

/// What an account holds that nobody has configured, millionths.
const PLENTY_MICROS: u64 = 100_000_000;

/// Faults that stand in for the profile's own while an incident lasts.
pub(super) type Incident = Arc<RwLock<Option<Faults>>>;

/// A provider as a whole: its manners and what it remembers.
pub(super) struct Vendor {
    config: MockConfig,
    incident: Incident,
    face: &'static dyn Face,
    responses: Responses,
    cache: PrefixCache,
    lanes: Lanes,
    purse: Option<Arc<Purse>>,
    peak: PeakHours,
    /// The instant of the profile's checkpoint, Unix seconds.
    exchanged_at: Option<u64>,
    /// Whether moderations are all it does.
    only_moderating: bool,
}

/// What is known of a request once it is decided, besides its answer.
struct Decision {
    fault: Option<Fault>,
    seat: Option<Seat>,
    /// By the mock's clock, Unix seconds.
    now: u64,
    /// Requests in flight, this one included.
    in_flight: u64,
}

/// An answer before its headers.
pub(super) enum Content {
    /// An error status, due after so many microseconds.
    Refusal { refusal: Refusal, due_us: u64 },
    /// A small body that is due at once.
    Json(String),
    /// A body, or a stream, whose bytes are due one after the other; `kept` if a later request can refer to it.
    Timed { timeline: Timeline, stream: bool, kept: bool },
    /// No answer: the connection breaks.
    Reset,
}

impl Service for Vendor {
    fn plan(&self, call: &Call, body: Result<Bytes, String>, in_flight: u64) -> Plan {
        let value = body.and_then(|bytes| {
            if bytes.is_empty() { Ok(Value::Null) } else { serde_json::from_slice(&bytes).map_err(|e| e.to_string()) }
        });
        let config = &self.config;
        let identity = Identity {
            request_id: call.request_id.as_ref().map(HeaderValue::as_bytes),
            retry_count: call.retry_count.as_ref().map(HeaderValue::as_bytes),
        };
        let null = Value::Null;
        let mut dice = dice::for_request(config.seed, config.provider, value.as_ref().unwrap_or(&null), identity);
        let model = value.as_ref().ok().and_then(|body| body.get("model")).and_then(Value::as_str).unwrap_or_default();
        let mut envelope = self.face.envelope(model, call.now, &mut dice);
        if self.checkpoint(call.now).is_some_and(|checkpoint| checkpoint.new_fingerprint) {
            envelope.fingerprint = format!("fp_{}", dice::fingerprint(config.provider, &envelope.fingerprint));
        }
        let incident = self.incident();
        let faults = incident.as_ref().unwrap_or(&config.profile.faults);
        let delivery = Delivery::draw_with(&config.profile, faults, model, self.wait_factor(call.now), dice);
        let mut decision = Decision { fault: delivery.fault, seat: None, now: call.now, in_flight };
        let stage = Stage { face: self.face, profile: &config.profile, delivery };
        let content = self.content(call, value, &envelope, stage, &mut decision);
        let (fault, content) = match content {
            Ok(Content::Json(text)) => (None, Content::Json(text)),
            Ok(content) => (decision.fault, content),
            Err(refusal) => {
                decision.seat = None;
                (None, Content::Refusal { refusal, due_us: 0 })
            }
        };
        Plan { seat: decision.seat, ..self.planned(&envelope, fault, content) }
    }

    fn may_repeat(&self, in_flight: u64) -> bool {
        let profile = &self.config.profile;
        !profile.prefix_cache
            && self.incident().is_none()
            && self.purse.is_none()
            && (profile.concurrency_max == 0 || in_flight <= profile.concurrency_max)
    }
}

impl Vendor {
    /// `config` has been checked, so its hours and instants can be read.
    pub(super) fn new(config: MockConfig, purse: Option<Arc<Purse>>, incident: Incident) -> Self {
        let profile = &config.profile;
        Self {
            incident,
            face: face::of(config.provider),
            responses: Responses::default(),
            cache: PrefixCache::default(),
            lanes: Lanes::new(&profile.concurrency_by_model),
            purse,
            peak: profile.peak.as_ref().and_then(|peak| PeakHours::of(peak).ok()).unwrap_or_default(),
            exchanged_at: profile.checkpoint.as_ref().and_then(|checkpoint| world::instant(&checkpoint.at)),
            only_moderating: false,
            config,
        }
    }

    /// The same, with all other endpoints gone.
    pub(super) fn only_moderating(self) -> Self {
        Self { only_moderating: true, ..self }
    }

    /// What goes wrong at the moment besides the usual.
    fn incident(&self) -> Option<Faults> {
        *self.incident.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The model that has taken the first one's place by now.
    fn checkpoint(&self, now: u64) -> Option<&Checkpoint> {
        let checkpoint = self.config.profile.checkpoint.as_ref();
        checkpoint.filter(|_| self.exchanged_at.is_some_and(|exchanged_at| now >= exchanged_at))
    }

    fn wait_factor(&self, now: u64) -> f64 {
        let peak = self.config.profile.peak.as_ref().filter(|_| self.peak.hold(now));
        peak.map_or(1.0, |peak| peak.wait_factor)
    }

    /// Puts the headers to an answer.
    fn planned(&self, envelope: &Envelope, fault: Option<Fault>, content: Content) -> Plan {
        let mut headers = HeaderMap::with_capacity(16);
        let mut repeatable = false;
        let reply = match content {
            Content::Reset => Reply::Reset,
            Content::Refusal { refusal, due_us } => {
                self.face.headers(envelope, due_us / 1000, &mut headers);
                advise_to_wait(&refusal, &mut headers);
                if self.config.profile.unlabelled_errors {
                    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
                }
                Reply::Once { status: refusal.status, body: self.face.error_body(&refusal).into(), due_us }
            }
            Content::Json(text) => {
                self.face.headers(envelope, 1, &mut headers);
                Reply::Once { status: 200, body: text.into(), due_us: 0 }
            }
            Content::Timed { timeline, stream, kept } => {
                repeatable = !kept;
                let first_us = timeline.steps.first().map_or(0, |step| step.due_us);
                self.face.headers(envelope, first_us / 1000, &mut headers);
                Reply::Timed(Timed { script: timeline.into(), stream, early: self.face.accepts_early() })
            }
        };
        Plan { headers, fault, seat: None, reply, repeatable }
    }

    fn content(
        &self,
        call: &Call,
        body: Result<Value, String>,
        envelope: &Envelope,
        stage: Stage<'_>,
        decision: &mut Decision,
    ) -> Result<Content, Refusal> {
        let face = self.face;
        self.authorize(call.authorization.as_ref().map(HeaderValue::as_bytes))?;
        let models = self.config.models.as_deref();
        let route = match face.route(call.method == Method::POST, call.uri.path()) {
            Route::Unknown => return Err(face.no_such_url(call.method.as_str(), call.uri.path())),
            Route::Moderations => Route::Moderations,
            _ if self.only_moderating => return Err(face.no_such_url(call.method.as_str(), call.uri.path())),
            Route::Models => return Ok(Content::Json(face.models(None, models)?)),
            Route::Model(name) => return Ok(Content::Json(face.models(Some(&name), models)?)),
            Route::Response(id) => return self.stored(&id),
            Route::Balance => return Ok(Content::Json(self.balance())),
            route => route,
        };
        self.admit(&envelope.model, decision)?;
        let body = body.map_err(|problem| face.unreadable(&problem))?;
        match route {
            Route::Chat { strict_tools } => self.chat(&body, strict_tools, envelope, stage, decision),
            Route::Completions => self.completions(&body, envelope, stage, decision.now),
            Route::Embeddings => self.embeddings(&body, envelope, stage, decision.now),
            Route::Responses => self.responses(&body, envelope, stage, decision.now),
            _ => self.moderations(&body, envelope, stage),
        }
    }

    /// Whether there is money and room for one more request; the room is taken.
    fn admit(&self, model: &str, decision: &mut Decision) -> Result<(), Refusal> {
        let profile = &self.config.profile;
        let low = match self.purse.as_ref().map(|purse| purse.standing()) {
            Some(Standing::Empty) => return self.face.out_of_money(profile).map_or(Ok(()), Err),
            Some(Standing::Low(limit)) => Some(limit),
            Some(Standing::Good) | None => None,
        };
        let lane = self.lanes.of(model);
        if let Some(lane) = lane {
            let seat = lane.enter(low).map_err(|limit| self.face.too_many(limit, profile))?;
            decision.seat = Some(seat);
        }
        let usual = Some(profile.concurrency_max).filter(|limit| *limit > 0);
        let limit = [usual, low.filter(|_| lane.is_none())].into_iter().flatten().min();
        match limit.filter(|limit| decision.in_flight > *limit) {
            Some(limit) => Err(self.face.too_many(limit, profile)),
            None => Ok(()),
        }
    }

    fn balance(&self) -> String {
        let balance = self.purse.as_ref().map(|purse| purse.balance());
        balance.unwrap_or_else(|| account::balance("USD", 0, PLENTY_MICROS)).to_string()
    }

    fn charge(&self, envelope: &Envelope, answer: &Answer, now: u64) {
        if let Some(purse) = &self.purse {
            purse.charge(&envelope.model, &answer.usage, self.peak.hold(now));
        }
    }

    fn authorize(&self, authorization: Option<&[u8]>) -> Result<(), Refusal> {
        let key = authorization
            .and_then(|value| std::str::from_utf8(value).ok())
            .and_then(|value| value.strip_prefix("Bearer "))
            .map(str::trim)
            .filter(|key| !key.is_empty());
        let accepted = match (&self.config.accept_key, key) {
            (None, None) => !self.face.needs_key(),
            (Some(_), None) => false,
            (None, Some(_)) => true,
            (Some(accepted), Some(key)) => accepted == key,
        };
        if accepted { Ok(()) } else { Err(self.face.wrong_key(key)) }
    }
}

fn advise_to_wait(refusal: &Refusal, headers: &mut HeaderMap) {
    if let Some(milliseconds) = refusal.retry_after_ms {
        headers.insert("retry-after-ms", HeaderValue::from(milliseconds));
        headers.insert(RETRY_AFTER, HeaderValue::from(milliseconds.div_ceil(1000)));
    }
}
