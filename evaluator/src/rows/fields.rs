//! The values of a row before they are packed.

use super::guard::{self, GuardSight};
use super::key::{Domain, PairKey, hash32, hash64};
use super::names::{Ending, EndingId, GuardNote, MigrationId, NameId, Names, Route, RouteId};
use datasets::{Arm, AssignedBy, Endpoint, Exchange, FromLog, Moderation, Role, ShadowFate};
use std::num::{NonZeroU32, NonZeroU64};
use wire::price::Tier;
use wire::{ErrorKind, Usage};

/// They are as wide as a file can hold them.
#[derive(Debug, Clone)]
pub(crate) struct Fields {
    pub(crate) pair: PairKey,
    pub(crate) arm: Arm,
    pub(crate) role: Role,
    pub(crate) endpoint: Endpoint,
    pub(crate) migration: MigrationId,
    pub(crate) epoch: u64,
    pub(crate) weight_bp: u32,
    pub(crate) request: Option<NonZeroU64>,
    pub(crate) unit: Option<NonZeroU64>,
    pub(crate) consumer: Option<NameId>,
    pub(crate) assigned_by: Option<AssignedBy>,
    pub(crate) assigned_bp: Option<u32>,
    pub(crate) shadow_bp: Option<u32>,
    pub(crate) route: RouteId,
    pub(crate) streamed: bool,
    pub(crate) at_us: i64,
    pub(crate) sent_us: i64,
    pub(crate) first_event_us: Option<i64>,
    pub(crate) ttft_us: Option<i64>,
    pub(crate) first_visible_us: Option<i64>,
    pub(crate) duration_us: i64,
    pub(crate) status: u16,
    pub(crate) attempts: u32,
    pub(crate) error: Option<ErrorKind>,
    pub(crate) ending: EndingId,
    pub(crate) moderation: Option<Moderation>,
    pub(crate) refused: bool,
    pub(crate) structured: bool,
    pub(crate) tools: Option<NonZeroU32>,
    pub(crate) answer: Option<NonZeroU64>,
    pub(crate) quality: Option<f64>,
    pub(crate) usage: Option<Usage>,
    pub(crate) tier: Tier,
    pub(crate) cost_nanos: Option<i64>,
    pub(crate) prompt_chars: u64,
    pub(crate) prompt_wide_chars: Option<u64>,
    pub(crate) answer_chars: u64,
    pub(crate) shadow: Option<ShadowFate>,
    pub(crate) recorded: Option<FromLog>,
}

impl Fields {
    /// The fields of a record.
    pub(crate) fn of(exchange: &Exchange, names: &mut Names) -> Self {
        let micros = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
        let guard = exchange.guard.as_ref().filter(|guard| !guard.is_empty());
        let guard = guard.map(|guard| (GuardSight::of(guard), guard::text_of(guard)));
        Self {
            pair: PairKey::of(&exchange.pair),
            arm: exchange.arm,
            role: exchange.role,
            endpoint: exchange.endpoint,
            migration: names.intern_migration(&exchange.migration),
            epoch: exchange.epoch,
            weight_bp: exchange.weight_bp,
            request: exchange.request.as_deref().map(|id| hash64(Domain::Request, id)),
            unit: exchange.unit.as_deref().map(|unit| hash64(Domain::Unit, unit)),
            consumer: exchange.consumer.as_deref().map(|name| names.intern(name)),
            assigned_by: exchange.assigned_by,
            assigned_bp: exchange.assigned_bp,
            shadow_bp: exchange.shadow_bp,
            route: names.intern_route(Route {
                provider: &exchange.provider,
                model: &exchange.model,
                answered: exchange.model_answered.as_deref(),
            }),
            streamed: exchange.streamed,
            at_us: exchange.at_us,
            sent_us: exchange.sent_us,
            first_event_us: exchange.first_event_us.map(micros),
            ttft_us: exchange.ttft_us.map(micros),
            first_visible_us: exchange.first_visible_us.map(micros),
            duration_us: micros(exchange.duration_us),
            status: exchange.status,
            attempts: exchange.attempts,
            error: exchange.error,
            ending: names.intern_ending(Ending {
                finish_reason: exchange.finish_reason.as_deref(),
                form_failure: exchange.form_failure.as_deref(),
                guard: guard.as_ref().map(|(sight, text)| GuardNote { sight: *sight, text }),
            }),
            moderation: exchange.moderation,
            refused: exchange.refused,
            structured: exchange.structured,
            tools: exchange.tools_digest.as_deref().map(|digest| hash32(Domain::Tools, digest)),
            answer: exchange.answer_digest.as_deref().map(|digest| hash64(Domain::Answer, digest)),
            quality: exchange.quality,
            usage: exchange.usage,
            tier: exchange.tier,
            cost_nanos: exchange.cost_nanos,
            prompt_chars: exchange.prompt_chars,
            prompt_wide_chars: exchange.prompt_wide_chars,
            answer_chars: exchange.answer_chars,
            shadow: exchange.shadow,
            recorded: exchange.recorded,
        }
    }
}
