//! The records' text: two sheets that are filled in again for every exchange, so that hardly anything is allocated.

use super::draws::mixed;
use super::leg::{End, Leg, Prompt};
use super::profile::{Behaviour, Profile};
use super::regime::Regime;
use crate::{Arm, AssignedBy, Endpoint, Exchange, Guarded, Moderation, Role, ShadowFate};
use std::fmt::Write;
use wire::price::{Row, Tier};
use wire::{ErrorKind, Usage, UsageSource};

/// How much later than its arrival a request is sent: served, mirrored.
const SEND_US: [i64; 2] = [300, 900];

/// One sheet for each arm.
#[derive(Debug)]
pub(super) struct Sheet {
    baseline: Exchange,
    candidate: Exchange,
}

impl Sheet {
    pub(super) fn new(profile: &Profile) -> Self {
        Self {
            baseline: blank(Arm::Baseline, profile, &profile.baseline),
            candidate: blank(Arm::Candidate, profile, &profile.candidate),
        }
    }

    /// Fills in what all records of a request share. `ids` are what the pair's and the unit's names are made of.
    pub(super) fn request(
        &mut self,
        prompt: &Prompt,
        at_us: i64,
        ids: [u64; 2],
        consumer: &str,
        assigned_bp: u32,
        regime: &Regime,
    ) {
        for sheet in [&mut self.baseline, &mut self.candidate] {
            sheet.pair.clear();
            put(&mut sheet.pair, format_args!("{:016x}{:016x}", ids[0], prompt.number));
            let unit = cleared(&mut sheet.unit);
            put(unit, format_args!("{:016x}{:016x}", ids[1], mixed(ids[1])));
            cleared(&mut sheet.consumer).push_str(consumer);
            sheet.epoch = regime.epoch as u64 + 1;
            sheet.weight_bp = regime.weight_bp;
            sheet.assigned_bp = Some(assigned_bp);
            sheet.at_us = at_us;
            sheet.streamed = prompt.streamed;
            sheet.structured = prompt.structured;
            sheet.prompt_chars = prompt.chars;
            sheet.prompt_wide_chars = Some(if prompt.wide { prompt.chars } else { 0 });
        }
    }

    /// Fills in what the guard says of one arm's exchange.
    pub(super) fn guard(&mut self, arm: Arm, said: Option<Guarded>) {
        match arm {
            Arm::Baseline => self.baseline.guard = said,
            Arm::Candidate => self.candidate.guard = said,
        }
    }

    /// Fills in one arm's outcome.
    #[expect(clippy::too_many_arguments, reason = "each is one column of the record")]
    pub(super) fn leg(
        &mut self,
        arm: Arm,
        role: Role,
        shadow: Option<ShadowFate>,
        prompt: &Prompt,
        leg: &Leg,
        variant: u64,
        price: Option<&Row>,
    ) -> &Exchange {
        let sheet = match arm {
            Arm::Baseline => &mut self.baseline,
            Arm::Candidate => &mut self.candidate,
        };
        sheet.role = role;
        sheet.shadow = shadow;
        sheet.sent_us = sheet.at_us + SEND_US[usize::from(role != Role::Served)];
        sheet.duration_us = leg.duration_us;
        ending(sheet, leg, prompt);
        let answered = matches!(leg.end, End::Answered { .. } | End::Filtered);
        let seen = |us: u64| {
            let came = answered || (leg.end == End::Cancelled && us <= leg.duration_us);
            (came && prompt.streamed).then_some(us)
        };
        sheet.first_event_us = seen(leg.first_event_us);
        sheet.ttft_us = seen(leg.ttft_us);
        sheet.first_visible_us = seen(leg.first_visible_us);
        let thought = Some(leg.reasoning_tokens).filter(|tokens| *tokens > 0);
        sheet.usage = answered.then_some(Usage {
            cached: Some(leg.cached_tokens),
            reasoning: thought,
            ..Usage::new(leg.prompt_tokens, leg.completion_tokens, UsageSource::Provider)
        });
        sheet.cost_nanos = sheet.usage.as_ref().zip(price).and_then(|(usage, row)| cost(usage, row));
        let visible = leg.completion_tokens - leg.reasoning_tokens;
        sheet.answer_chars = if answered { characters(visible, prompt.wide) } else { 0 };
        sheet.reasoning_chars = thought.filter(|_| answered).map(|tokens| characters(tokens, prompt.wide));
        sheet.quality = leg.quality.filter(|_| leg.is_comparable());
        let digest = leg.is_comparable().then_some(mixed(prompt.number ^ variant << 60));
        written(&mut sheet.answer_digest, digest);
        written(&mut sheet.tools_digest, digest.filter(|_| prompt.tool).map(mixed));
        sheet
    }
}

/// Characters that so many tokens are.
const fn characters(tokens: u64, wide: bool) -> u64 {
    if wide { tokens * 3 / 2 } else { tokens * 4 }
}

/// Status, error, finish and form.
fn ending(sheet: &mut Exchange, leg: &Leg, prompt: &Prompt) {
    let (status, error) = match leg.end {
        End::Answered { .. } | End::Filtered => (200, None),
        End::Refused => (400, Some(ErrorKind::Moderation)),
        End::Failed => (500, Some(ErrorKind::Server)),
        End::RateLimited => (429, Some(ErrorKind::RateLimit)),
        End::TimedOut => (0, Some(ErrorKind::Timeout)),
        End::Cancelled => (200, Some(ErrorKind::ClientCancelled)),
    };
    let (finish, form) = match leg.end {
        End::Answered { truncated: true, .. } => (Some("length"), Some("length")),
        End::Answered { malformed: true, .. } => (Some("stop"), Some("not_json")),
        End::Answered { refused: false, .. } if prompt.tool => (Some("tool_calls"), None),
        End::Answered { .. } => (Some("stop"), None),
        End::Filtered => (Some("content_filter"), Some("content_filter")),
        _ => (None, None),
    };
    sheet.status = status;
    sheet.error = error;
    worded(&mut sheet.finish_reason, finish);
    worded(&mut sheet.form_failure, form);
    sheet.moderation = matches!(leg.end, End::Filtered | End::Refused).then_some(Moderation::BlockedByProvider);
    sheet.refused = matches!(leg.end, End::Answered { refused: true, .. });
}

/// As [`wire::price::Tariffs::price`], with the row that was looked up once for the minute.
fn cost(usage: &Usage, row: &Row) -> Option<i64> {
    row.price(usage, Tier::Standard).map(|priced| priced.nanos)
}

fn cleared(text: &mut Option<String>) -> &mut String {
    let text = text.get_or_insert_default();
    text.clear();
    text
}

fn worded(text: &mut Option<String>, word: Option<&str>) {
    match word {
        None => *text = None,
        Some(word) => cleared(text).push_str(word),
    }
}

fn written(text: &mut Option<String>, digest: Option<u64>) {
    match digest {
        None => *text = None,
        Some(digest) => put(cleared(text), format_args!("{digest:016x}{:016x}", mixed(digest))),
    }
}

fn put(text: &mut String, what: std::fmt::Arguments<'_>) {
    // Writing into a string cannot fail.
    let _written = text.write_fmt(what);
}

fn blank(arm: Arm, profile: &Profile, behaviour: &Behaviour) -> Exchange {
    Exchange {
        pair: String::new(),
        arm,
        role: Role::Served,
        endpoint: Endpoint::Chat,
        migration: profile.migration.clone(),
        epoch: 1,
        weight_bp: 0,
        request: None,
        unit: None,
        consumer: None,
        assigned_by: Some(AssignedBy::Weight),
        assigned_bp: None,
        shadow_bp: Some((profile.mirror.share_percent * 100.0).round() as u32),
        provider: behaviour.provider.clone(),
        model: behaviour.model.clone(),
        model_answered: None,
        streamed: false,
        structured: false,
        at_us: 0,
        sent_us: 0,
        first_event_us: None,
        ttft_us: None,
        first_visible_us: None,
        duration_us: 0,
        status: 200,
        attempts: 1,
        error: None,
        finish_reason: None,
        form_failure: None,
        moderation: None,
        refused: false,
        guard: None,
        usage: None,
        tier: wire::price::Tier::Standard,
        cost_nanos: None,
        prompt_chars: 0,
        prompt_wide_chars: None,
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
