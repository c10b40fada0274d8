//! From what was received to the exchange that is recorded. Pure.

use crate::measure::{Clock, Instants, Sample};
use crate::options::{ArmChoice, ReplayOptions};
use crate::plan::Item;
use crate::recorded;
use crate::worker::{Body, REQUEST_ID, Received};
use datasets::{Arm, Exchange, FromLog, Moderation, Recorded, Redaction, Role, digest};
use http::HeaderMap;
use std::sync::Arc;
use wire::chat::{Answer, Fold, Seen};
use wire::price::{Call, Tariffs, Tier};
use wire::provider::{Provider, standard_error};
use wire::usage::{Characters, Ended};
use wire::{ErrorKind, Usage};

/// What every exchange of a run shares.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) options: Arc<ReplayOptions>,
    pub(crate) tariffs: Arc<Tariffs>,
    pub(crate) clock: Clock,
}

/// One finished request: a sample for the summary and the records to write, in order.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) sample: Sample,
    /// Pauses between chunks that carried text, microseconds.
    pub(crate) chunk_gaps_us: Vec<u32>,
    pub(crate) records: Vec<Exchange>,
}

/// Where an answer came from and what it is filed under.
struct Origin {
    arm: Arm,
    role: Role,
    pair: String,
    epoch: u64,
}

impl Context {
    /// Files one exchange. `with_baseline` adds the recorded answer as the baseline's exchange.
    pub(crate) fn outcome(&self, item: &Item, received: Received, with_baseline: bool) -> Outcome {
        let arm = self.arm(&received.headers);
        let judged = self.judge(item, received.body, received.status, self.options.provider(arm));
        let asked = Asked {
            provider: self.options.provider(arm).name(),
            model: self.options.model(arm, &item.logged_model),
            sent_us: self.clock.wall_us(received.instants.sent_us),
        };
        let answer = judged.answer.as_deref();
        // By the same rule as in the gateway.
        let ended = Ended {
            provider: asked.provider,
            model: asked.model,
            endpoint: item.endpoint,
            streamed: item.streamed,
            prompt: &item.billed,
            completion_max: item.completion_max,
            status: received.status,
            error: judged.error,
            answer,
            ttft_us: received.instants.ttft_us(),
            duration_us: received.instants.duration_us(),
        };
        let usage = ended.usage();
        // Of an answer that does not tell its tier, the one that was asked for is the best guess.
        let tier = answer.and_then(|answer| answer.tier).unwrap_or_else(|| item.tier.at(asked.provider));
        let answered = answer.and_then(|answer| answer.model.as_deref());
        let cost_nanos = self.cost(&asked, (answered, tier), usage.as_ref());
        let sample = Sample { instants: received.instants, error: judged.error, usage, cost_nanos };
        let mut records = Vec::new();
        if self.options.out.is_some() {
            let mut exchange = self.blank(item, &self.origin(arm, item, &received.headers), &sample);
            exchange.model = asked.model.to_owned();
            exchange.provider = asked.provider.to_owned();
            exchange.streamed = received.streamed;
            exchange.status = received.status;
            exchange.tier = tier;
            exchange.dropped = item.dropped.iter().map(|name| (*name).to_owned()).collect();
            if let Some(answer) = judged.answer {
                self.fill(&mut exchange, item, *answer);
            }
            exchange.moderation = moderation(exchange.error, exchange.finish_reason.as_deref());
            // The baseline goes first: a crash between the two lines then repeats the call, never loses the pair.
            if let Some(recorded) = item.recorded.as_ref().filter(|_| with_baseline) {
                records.push(self.baseline(item, recorded, &exchange));
            }
            records.push(exchange);
        }
        Outcome { sample, chunk_gaps_us: received.chunk_gaps_us, records }
    }

    /// Who answered.
    fn arm(&self, headers: &HeaderMap) -> Arm {
        match self.options.arm {
            ArmChoice::Forced(arm) => arm,
            ArmChoice::AsRouted => match text(headers, "x-weighbridge-arm") {
                Some(name) if name == Arm::Candidate.name() => Arm::Candidate,
                _ => Arm::Baseline,
            },
        }
    }

    fn judge(&self, item: &Item, body: Body, status: u16, provider: Provider) -> Judged {
        match body {
            Body::Streamed(answer, error) => Judged { error, answer: Some(answer) },
            Body::Whole(bytes, broken) => {
                let mut fold = Fold::new(item.endpoint, self.options.answer_bytes_max);
                let seen = fold.whole(&bytes);
                let error = broken.or(match seen {
                    Seen::Malformed => Some(ErrorKind::Malformed),
                    Seen::Error => Some(ErrorKind::Server),
                    _ => None,
                });
                Judged { error, answer: Some(Box::new(fold.answer())) }
            }
            Body::Nothing(kind) => Judged { error: Some(kind), answer: None },
            Body::Refused(bytes) => {
                // A gateway speaks OpenAI's language whoever answered; only a provider called directly has its own.
                let error = match self.options.arm {
                    ArmChoice::AsRouted => standard_error(status, &bytes),
                    ArmChoice::Forced(_) => provider.adapter().error(status, &bytes),
                };
                Judged { error: Some(error.kind), answer: None }
            }
        }
    }

    fn origin(&self, arm: Arm, item: &Item, headers: &HeaderMap) -> Origin {
        match self.options.arm {
            ArmChoice::Forced(_) => {
                Origin { arm, role: Role::Replayed, pair: item.id.clone(), epoch: self.options.epoch }
            }
            ArmChoice::AsRouted => Origin {
                arm,
                role: Role::Observed,
                pair: text(headers, REQUEST_ID.as_str()).filter(|id| !id.is_empty()).unwrap_or(&item.id).to_owned(),
                epoch: text(headers, "x-weighbridge-epoch").and_then(|n| n.parse().ok()).unwrap_or(self.options.epoch),
            },
        }
    }

    /// An exchange without an answer. It arrived when it was planned to.
    fn blank(&self, item: &Item, origin: &Origin, sample: &Sample) -> Exchange {
        let at_us = self.clock.wall_us(sample.instants.planned_us);
        Exchange {
            pair: origin.pair.clone(),
            arm: origin.arm,
            role: origin.role,
            endpoint: item.endpoint,
            migration: self.options.migration.clone(),
            epoch: origin.epoch,
            weight_bp: self.options.weight_bp,
            request: Some(item.id.clone()),
            unit: Some(item.unit.clone()),
            consumer: item.consumer.clone(),
            assigned_by: None,
            assigned_bp: None,
            shadow_bp: None,
            provider: String::new(),
            model: String::new(),
            model_answered: None,
            streamed: item.streamed,
            structured: item.form.is_demanded(),
            at_us,
            sent_us: self.clock.wall_us(sample.instants.sent_us),
            first_event_us: sample.instants.first_event_us(),
            ttft_us: sample.instants.ttft_us(),
            first_visible_us: sample.instants.first_visible_us(),
            duration_us: sample.instants.duration_us(),
            status: 0,
            attempts: 1,
            error: sample.error,
            finish_reason: None,
            form_failure: None,
            moderation: None,
            refused: false,
            guard: None,
            usage: sample.usage,
            tier: Tier::Standard,
            cost_nanos: sample.cost_nanos,
            prompt_chars: item.prompt.total(),
            prompt_wide_chars: Some(item.prompt.wide),
            answer_chars: 0,
            reasoning_chars: None,
            answer_digest: None,
            tools_digest: None,
            answer: None,
            quality: None,
            shadow: None,
            recorded: None,
            dropped: Vec::new(),
        }
    }

    fn fill(&self, exchange: &mut Exchange, item: &Item, answer: Answer) {
        if exchange.error.is_none() {
            exchange.form_failure = answer.form_failure(item.form).map(str::to_owned);
            self.keep(exchange, &answer);
        }
        exchange.answer_chars = answer.characters.total();
        exchange.reasoning_chars = Some(answer.reasoning.total()).filter(|characters| *characters > 0);
        exchange.refused = answer.refused;
        exchange.finish_reason = answer.finish_reason;
        exchange.model_answered = answer.model;
    }

    /// Keeps of an answer that came whole what the redaction mode allows. An empty text is a text.
    fn keep(&self, exchange: &mut Exchange, answer: &Answer) {
        if self.options.redaction == Redaction::None {
            return;
        }
        exchange.answer_digest = Some(digest::content(&self.options.salt, &answer.text));
        exchange.tools_digest = answer.tools.canonical().map(|calls| digest::content(&self.options.salt, &calls));
        exchange.answer = (self.options.redaction == Redaction::Full).then(|| answer.text.clone());
    }

    /// The recorded answer as the baseline's exchange, on the candidate's clock: the question is what both would cost
    /// now, not what one cost when the log was made.
    fn baseline(&self, item: &Item, recorded: &Recorded, candidate: &Exchange) -> Exchange {
        let origin =
            Origin { arm: Arm::Baseline, role: Role::Replayed, pair: candidate.pair.clone(), epoch: candidate.epoch };
        let sample = Sample {
            instants: Instants::default(),
            error: recorded.error.or(ErrorKind::of_status(recorded.status)),
            usage: recorded_usage(item, recorded),
            cost_nanos: None,
        };
        let mut exchange = self.blank(item, &origin, &sample);
        exchange.at_us = candidate.at_us;
        exchange.sent_us = candidate.sent_us;
        exchange.provider.clone_from(&recorded.provider);
        exchange.model.clone_from(&item.logged_model);
        exchange.model_answered = Some(recorded.model.clone());
        exchange.ttft_us = recorded.ttft_us;
        exchange.duration_us = recorded.duration_us.unwrap_or(0);
        exchange.recorded = Some(if recorded.duration_us.is_some() { FromLog::Timed } else { FromLog::Untimed });
        exchange.status = recorded.status;
        exchange.tier = recorded.tier;
        exchange.finish_reason.clone_from(&recorded.finish_reason);
        exchange.refused = recorded.refused;
        exchange.answer_chars = recorded.answer.as_deref().map_or(0, |text| Characters::of(text).total());
        if exchange.error.is_none() {
            exchange.form_failure = recorded::form_failure(recorded, item.form).map(str::to_owned);
            if let Some(answer) = recorded::answer(recorded) {
                self.keep(&mut exchange, &answer);
            }
        }
        exchange.moderation = moderation(exchange.error, exchange.finish_reason.as_deref());
        let asked = Asked { provider: &recorded.provider, model: &item.logged_model, sent_us: candidate.sent_us };
        let answered = (Some(recorded.model.as_str()), recorded.tier);
        exchange.cost_nanos = self.cost(&asked, answered, exchange.usage.as_ref());
        exchange
    }

    /// Cost at the instant of sending.
    fn cost(&self, asked: &Asked<'_>, (answered, tier): (Option<&str>, Tier), usage: Option<&Usage>) -> Option<i64> {
        let call = Call { answered, tier, ..Call::new(asked.provider, asked.model, asked.sent_us) };
        self.tariffs.price(&call, usage?).map(|priced| priced.nanos)
    }
}

/// What a price depends on.
struct Asked<'a> {
    provider: &'a str,
    model: &'a str,
    /// Microseconds since the Unix epoch.
    sent_us: i64,
}

/// What the log reported; where it did not, an estimate of the answer that it kept. Of an answer that it did not keep nothing is
/// known.
fn recorded_usage(item: &Item, recorded: &Recorded) -> Option<Usage> {
    let estimated = || {
        let answer = recorded::answer(recorded)?;
        let ended = Ended {
            provider: &recorded.provider,
            model: &recorded.model,
            endpoint: item.endpoint,
            streamed: item.streamed,
            prompt: &item.billed,
            completion_max: item.completion_max,
            status: recorded.status,
            error: recorded.error.or(ErrorKind::of_status(recorded.status)),
            answer: Some(&answer),
            ttft_us: recorded.ttft_us,
            duration_us: recorded.duration_us.unwrap_or(0),
        };
        ended.usage()
    };
    recorded.usage.or_else(estimated)
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

struct Judged {
    error: Option<ErrorKind>,
    answer: Option<Box<Answer>>,
}

fn moderation(error: Option<ErrorKind>, finish_reason: Option<&str>) -> Option<Moderation> {
    let blocked = error == Some(ErrorKind::Moderation) || finish_reason == Some("content_filter");
    blocked.then_some(Moderation::BlockedByProvider)
}
