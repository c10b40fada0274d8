//! What is answered to a request, decided before the first byte of it is sent: who may ask, where the path leads, and what
//! each endpoint makes of the body.

use axum::http::{HeaderMap, HeaderValue};
use bytes::Bytes;
use serde_json::Value;

use super::MockConfig;
use super::handle::App;
use super::stage::{Events, Stage};
use crate::answer::{Answer, Speaker};
use crate::completions::{self, CompletionRequest};
use crate::dice::{self, Identity};
use crate::embeddings::EmbeddingRequest;
use crate::envelope::Envelope;
use crate::face::{Route, StreamOptions};
use crate::moderations::{self, ModerationRequest};
use crate::profile::Fault;
use crate::refusal::Refusal;
use crate::request::{Audio, ChatRequest, FieldFault};
use crate::responses::state::Kept;
use crate::responses::{self, Response, ResponsesRequest};
use crate::shape::{self, Shape};
use crate::timeline::{Delivery, Timeline};

/// A request without its body.
#[derive(Clone, Copy)]
pub(super) struct Call<'a> {
    pub(super) post: bool,
    pub(super) method: &'a str,
    pub(super) path: &'a str,
    pub(super) headers: &'a HeaderMap,
}

impl<'a> Call<'a> {
    fn header(self, name: &str) -> Option<&'a [u8]> {
        self.headers.get(name).map(HeaderValue::as_bytes)
    }
}

/// An answer that is decided but not sent.
pub(super) struct Plan {
    pub(super) envelope: Envelope,
    pub(super) fault: Option<Fault>,
    pub(super) content: Content,
}

pub(super) enum Content {
    /// An error status, due after so many microseconds.
    Refusal { refusal: Refusal, due_us: u64 },
    /// A small body that is due at once.
    Json(String),
    /// A body, or a stream, whose bytes are due one after the other.
    Timed { timeline: Timeline, stream: bool },
    /// No answer: the connection breaks.
    Reset,
}

impl App {
    /// `now` is in Unix seconds; `in_flight` counts this request too.
    pub(super) fn plan(&self, call: Call<'_>, body: Result<Bytes, String>, in_flight: u64, now: u64) -> Plan {
        let value = body.and_then(|bytes| {
            if bytes.is_empty() { Ok(Value::Null) } else { serde_json::from_slice(&bytes).map_err(|e| e.to_string()) }
        });
        let config = &self.config;
        let identity =
            Identity { request_id: call.header("x-request-id"), retry_count: call.header("x-stainless-retry-count") };
        let null = Value::Null;
        let mut dice = dice::for_request(config.seed, config.provider, value.as_ref().unwrap_or(&null), identity);
        let model = value.as_ref().ok().and_then(|body| body.get("model")).and_then(Value::as_str).unwrap_or_default();
        let envelope = self.face.envelope(model, now, &mut dice);
        let delivery = Delivery::draw(&config.profile, dice);
        let fault = delivery.fault;
        let stage = Stage { face: self.face, profile: &config.profile, delivery };
        let (fault, content) = match self.content(call, value, &envelope, stage, in_flight) {
            Ok(Content::Json(text)) => (None, Content::Json(text)),
            Ok(content) => (fault, content),
            Err(refusal) => (None, Content::Refusal { refusal, due_us: 0 }),
        };
        Plan { envelope, fault, content }
    }

    fn content(
        &self,
        call: Call<'_>,
        body: Result<Value, String>,
        envelope: &Envelope,
        stage: Stage<'_>,
        in_flight: u64,
    ) -> Result<Content, Refusal> {
        let face = self.face;
        self.authorize(call.header("authorization"))?;
        let models = self.config.models.as_deref();
        let route = match face.route(call.post, call.path) {
            Route::Unknown => return Err(face.no_such_url(call.method, call.path)),
            Route::Models => return Ok(Content::Json(face.models(None, models)?)),
            Route::Model(name) => return Ok(Content::Json(face.models(Some(&name), models)?)),
            Route::Response(id) => return self.stored(&id),
            route => route,
        };
        let body = body.map_err(|problem| face.unreadable(&problem))?;
        let content = match route {
            Route::Chat { strict_tools } => self.chat(&body, strict_tools, envelope, stage),
            Route::Completions => self.completions(&body, envelope, stage),
            Route::Embeddings => self.embeddings(&body, envelope, stage),
            Route::Responses => self.responses(&body, envelope, stage),
            _ => self.moderations(&body, envelope, stage),
        }?;
        let limit = self.config.profile.concurrency_max;
        if limit > 0 && in_flight > limit {
            return Err(face.too_many(limit, &self.config.profile));
        }
        Ok(content)
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

    fn misfit<T>(&self, read: Result<T, FieldFault>) -> Result<T, Refusal> {
        read.map_err(|fault| self.face.misfit(&fault))
    }

    fn check_model(&self, model: &str) -> Result<(), Refusal> {
        self.face.check_model(model, self.config.models.as_deref(), &self.config.profile)
    }

    fn speaker(&self) -> Speaker<'_> {
        let MockConfig { provider, seed, script, profile, .. } = &self.config;
        let cache = profile.prefix_cache.then_some(&self.cache);
        Speaker { provider: *provider, face: self.face, seed: *seed, script, profile, cache }
    }

    /// How an answer to a chat is written.
    fn options(&self, request: &ChatRequest, thinking: bool) -> StreamOptions {
        StreamOptions {
            include_usage: request.include_usage,
            include_obfuscation: request.include_obfuscation,
            tokens_per_chunk: self.config.profile.tokens_per_chunk,
            thinking,
            logprobs: request.logprobs,
            reasoning_logprobs: thinking,
            speaks: request.audio == Audio::Yes && self.face.dialect().refusals,
        }
    }

    fn chat(
        &self,
        body: &Value,
        strict_tools: bool,
        envelope: &Envelope,
        stage: Stage<'_>,
    ) -> Result<Content, Refusal> {
        let request = self.misfit(ChatRequest::read(body))?;
        self.check_model(&request.model)?;
        self.face.check(&request, strict_tools)?;
        let thinking = self.face.thinks_aloud(&request);
        let options = self.options(&request, thinking);
        let dialect = self.face.dialect();
        Ok(stage.deliver(request.stream, Events::Plain, |fault, pace, timeline| {
            let answer = self.speaker().answer(&request, thinking, fault);
            let judge = request.moderation.as_deref().filter(|_| dialect.refusals);
            let moderation = judge.map(|model| moderations::beside(model, request.prompt(), &said(&answer)));
            let moderation = moderation.as_ref();
            let shape = Shape { dialect, answer: &answer, envelope, options, moderation };
            if request.stream {
                shape::stream(shape, pace, timeline);
                return;
            }
            let chunks = answer.usage.completion.div_ceil(u64::from(options.tokens_per_chunk));
            timeline.bytes.extend_from_slice(shape::whole(shape).as_bytes());
            timeline.due(pace.skip(chunks));
        }))
    }

    fn completions(&self, body: &Value, envelope: &Envelope, stage: Stage<'_>) -> Result<Content, Refusal> {
        let request = self.misfit(CompletionRequest::read(body, self.config.provider))?;
        self.check_model(&request.model)?;
        if !(1..=128).contains(&request.n()) {
            return Err(self.face.invalid("n", format!("Invalid 'n': expected 1 to 128, but got {}.", request.n())));
        }
        let options = StreamOptions {
            include_usage: request.include_usage,
            include_obfuscation: request.include_obfuscation,
            tokens_per_chunk: self.config.profile.tokens_per_chunk,
            thinking: false,
            logprobs: request.logprobs,
            reasoning_logprobs: false,
            speaks: false,
        };
        let dialect = self.face.dialect();
        Ok(stage.deliver(request.stream, Events::Plain, |fault, pace, timeline| {
            let answer = request.answer(self.speaker(), fault);
            if request.stream {
                completions::stream((dialect, &answer, envelope), options, pace, timeline);
                return;
            }
            let chunks = answer.usage.completion.div_ceil(u64::from(options.tokens_per_chunk));
            timeline.bytes.extend_from_slice(completions::whole(dialect, &answer, envelope, options).as_bytes());
            timeline.due(pace.skip(chunks));
        }))
    }

    fn embeddings(&self, body: &Value, envelope: &Envelope, stage: Stage<'_>) -> Result<Content, Refusal> {
        let MockConfig { provider, seed, .. } = self.config;
        let request = self.misfit(EmbeddingRequest::read(body, provider))?;
        self.check_model(&request.model)?;
        Ok(stage.deliver(false, Events::Plain, |_, pace, timeline| {
            timeline.bytes.extend_from_slice(request.answer(seed, provider, &envelope.model).as_bytes());
            timeline.due(pace.now_us());
        }))
    }

    fn moderations(&self, body: &Value, envelope: &Envelope, stage: Stage<'_>) -> Result<Content, Refusal> {
        let request = self.misfit(ModerationRequest::read(body))?;
        if !ModerationRequest::serves(&request.model) {
            let message = format!("Invalid value for 'model': '{}' does not judge.", request.model);
            return Err(self.face.invalid("model", message));
        }
        Ok(stage.deliver(false, Events::Plain, |_, pace, timeline| {
            timeline.bytes.extend_from_slice(request.answer(&envelope.stem).as_bytes());
            timeline.due(pace.now_us());
        }))
    }

    fn responses(&self, body: &Value, envelope: &Envelope, stage: Stage<'_>) -> Result<Content, Refusal> {
        let mut request = self.misfit(ResponsesRequest::read(body))?;
        self.check_model(&request.chat.model)?;
        self.face.check_responses(body)?;
        // Instructions hold for their own turn only, so they are not carried on.
        let asked =
            request.chat.messages.iter().skip(usize::from(body.get("instructions").is_some_and(Value::is_string)));
        let mut conversation = Vec::new();
        if let Some(id) = &request.previous {
            let Some(kept) = self.responses.get(id) else {
                let message = format!("Previous response with id '{id}' not found.");
                return Err(Refusal {
                    code: Some("previous_response_not_found"),
                    ..self.face.invalid("previous_response_id", message)
                });
            };
            conversation.clone_from(&kept.conversation);
        }
        let earlier = conversation.clone();
        conversation.extend(asked.cloned());
        request.chat.messages.splice(0..0, earlier);
        let thinking = self.face.thinks_aloud(&request.chat);
        let dialect = self.face.dialect();
        let per_chunk = self.config.profile.tokens_per_chunk;
        let obfuscates = dialect.obfuscates && request.chat.include_obfuscation;
        Ok(stage.deliver(request.chat.stream, Events::Named, |fault, pace, timeline| {
            let answer = self.speaker().answer(&request.chat, thinking, fault);
            let chunks = answer.usage.completion.div_ceil(u64::from(per_chunk));
            let response = Response::new(&request, answer, dialect, envelope, per_chunk);
            let whole = response.finished().to_string();
            if request.chat.stream {
                responses::stream::stream(&response, obfuscates, pace, timeline);
            } else {
                timeline.bytes.extend_from_slice(whole.as_bytes());
                timeline.due(pace.skip(chunks));
            }
            if self.face.keeps_responses() && request.store {
                conversation.push(response.as_message());
                self.responses.keep(response.id.clone(), Kept { conversation, body: whole });
            }
        }))
    }

    fn stored(&self, id: &str) -> Result<Content, Refusal> {
        match self.responses.get(id) {
            Some(kept) => Ok(Content::Json(kept.body.clone())),
            None => Err(Refusal {
                status: 404,
                code: None,
                ..self.face.invalid("id", format!("Response with id '{id}' not found."))
            }),
        }
    }
}

/// All that the alternatives say.
fn said(answer: &Answer) -> String {
    let texts = answer.choices.iter().filter_map(|choice| choice.content.as_deref().or(choice.refusal.as_deref()));
    texts.collect::<Vec<_>>().join("\n")
}
