//! What each endpoint makes of a body that is JSON.

use serde_json::Value;

use super::{Content, Decision, Vendor};
use crate::answer::{Answer, Speaker};
use crate::completions::{self, CompletionRequest};
use crate::embeddings::EmbeddingRequest;
use crate::envelope::Envelope;
use crate::face::{Served, StreamOptions};
use crate::moderations::{self, ModerationRequest};
use crate::profile::Fault;
use crate::refusal::Refusal;
use crate::request::{Audio, ChatRequest, FieldFault};
use crate::responses::state::Kept;
use crate::responses::{self, Response, ResponsesRequest};
use crate::server::MockConfig;
use crate::server::stage::{Events, Stage};
use crate::shape::{self, Shape};

impl Vendor {
    pub(super) fn misfit<T>(&self, read: Result<T, FieldFault>) -> Result<T, Refusal> {
        read.map_err(|fault| self.face.misfit(&fault))
    }

    fn check_model(&self, model: &str, now: u64) -> Result<(), Refusal> {
        self.face.check_model(model, Served { only: self.config.models.as_deref(), profile: &self.config.profile, now })
    }

    fn speaker(&self, now: u64) -> Speaker<'_> {
        let MockConfig { provider, seed, script, profile, .. } = &self.config;
        let cache = profile.prefix_cache.then_some(&self.cache);
        let checkpoint = self.checkpoint(now);
        Speaker { provider: *provider, face: self.face, seed: *seed, script, profile, cache, checkpoint }
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

    pub(super) fn chat(
        &self,
        body: &Value,
        strict_tools: bool,
        envelope: &Envelope,
        mut stage: Stage<'_>,
        decision: &mut Decision,
    ) -> Result<Content, Refusal> {
        let request = self.misfit(ChatRequest::read(body))?;
        let now = decision.now;
        self.check_model(&request.model, now)?;
        self.face.check(&request, strict_tools)?;
        let filters = self.config.profile.filters_content && decision.fault.is_none();
        if filters && moderations::flags(request.prompt()) {
            decision.fault = Some(Fault::PromptFilter);
            stage.delivery.fault = decision.fault;
        }
        let thinking = self.face.thinks_aloud(&request);
        let options = self.options(&request, thinking);
        let dialect = self.face.dialect();
        Ok(stage.deliver(request.stream, Events::Plain, |fault, pace, timeline| {
            let mut answer = self.speaker(now).answer(&request, thinking, fault);
            if filters && moderations::flags(&said(&answer)) {
                decision.fault = Some(Fault::AnswerFilter);
                answer = self.speaker(now).answer(&request, thinking, decision.fault);
            }
            self.charge(envelope, &answer, now);
            let judge = request.moderation.as_deref().filter(|_| dialect.refusals);
            let moderation = judge.map(|model| moderations::beside(model, request.prompt(), &said(&answer)));
            let moderation = moderation.as_ref();
            let shape = Shape { dialect, answer: &answer, envelope, options, moderation };
            if request.stream {
                shape::stream(shape, pace, timeline);
                return;
            }
            let chunks = answer.usage.completion.div_ceil(u64::from(options.tokens_per_chunk));
            shape::whole(shape, &mut timeline.bytes);
            timeline.due(pace.skip(chunks));
        }))
    }

    pub(super) fn completions(
        &self,
        body: &Value,
        envelope: &Envelope,
        stage: Stage<'_>,
        now: u64,
    ) -> Result<Content, Refusal> {
        let request = self.misfit(CompletionRequest::read(body, self.config.provider))?;
        self.check_model(&request.model, now)?;
        if let Some(limit) = self.face.completion_tokens_max().filter(|limit| request.tokens_max() > *limit) {
            let message = format!("Invalid max_tokens value, the valid range of max_tokens is [1, {limit}]");
            return Err(self.face.invalid("max_tokens", message));
        }
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
            let answer = request.answer(self.speaker(now), fault);
            self.charge(envelope, &answer, now);
            if request.stream {
                completions::stream((dialect, &answer, envelope), options, pace, timeline);
                return;
            }
            let chunks = answer.usage.completion.div_ceil(u64::from(options.tokens_per_chunk));
            timeline.bytes.extend_from_slice(completions::whole(dialect, &answer, envelope, options).as_bytes());
            timeline.due(pace.skip(chunks));
        }))
    }

    pub(super) fn embeddings(
        &self,
        body: &Value,
        envelope: &Envelope,
        stage: Stage<'_>,
        now: u64,
    ) -> Result<Content, Refusal> {
        let MockConfig { provider, seed, .. } = self.config;
        let request = self.misfit(EmbeddingRequest::read(body, provider))?;
        self.check_model(&request.model, now)?;
        Ok(stage.deliver(false, Events::Plain, |_, pace, timeline| {
            timeline.bytes.extend_from_slice(request.answer(seed, provider, &envelope.model).as_bytes());
            timeline.due(pace.now_us());
        }))
    }

    pub(super) fn moderations(&self, body: &Value, envelope: &Envelope, stage: Stage<'_>) -> Result<Content, Refusal> {
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

    pub(super) fn responses(
        &self,
        body: &Value,
        envelope: &Envelope,
        stage: Stage<'_>,
        now: u64,
    ) -> Result<Content, Refusal> {
        let mut request = self.misfit(ResponsesRequest::read(body))?;
        self.check_model(&request.chat.model, now)?;
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
            let answer = self.speaker(now).answer(&request.chat, thinking, fault);
            self.charge(envelope, &answer, now);
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

    pub(super) fn stored(&self, id: &str) -> Result<Content, Refusal> {
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
