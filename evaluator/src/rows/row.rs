//! One row, and how it is packed.

use super::fault::{self, Fault};
use super::guard::{self, GuardSight};
use super::key::{Domain, PairKey, hash32, hash64};
use super::names::{Ending, EndingId, GuardNote, MigrationId, NameId, Names, Renumbered, Route, RouteId};
use super::packed::{Flags, Optional16, Optional32, Optional40, Unsigned40, saturating16};
use datasets::{Arm, AssignedBy, Endpoint, Exchange, FromLog, Moderation, Role, ShadowFate};
use std::cmp::Ordering;
use std::num::{NonZeroU32, NonZeroU64};
use wire::{ErrorKind, Usage, UsageSource};

/// Quality is kept in millionths, whose sums are exact in any order.
const QUALITY_UNITS: f64 = 1e6;

/// One arm's outcome of one request, as far as an evaluation needs it: 152 bytes.
///
/// What fits as it is, is a field; what is packed has a method. Numbers of names are looked up in the [`Names`] of the
/// same [`Rows`](super::Rows).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// Joins the two arms' rows of one request.
    pub pair: PairKey,
    /// When the request arrived, microseconds since the Unix epoch.
    pub at_us: i64,
    /// When it was sent to this provider, microseconds since the Unix epoch.
    pub sent_us: i64,
    /// Hash of the caller's request id, if it gave one.
    pub request: Option<NonZeroU64>,
    /// Hash of the assignment unit (conversation), if there was one.
    pub unit: Option<NonZeroU64>,
    /// Hash of the answer's digest.
    pub answer: Option<NonZeroU64>,
    /// Hash of the digest of the answer's tool calls, where it called any.
    pub tools: Option<NonZeroU32>,
    /// Consumer that asked.
    pub consumer: Option<NameId>,
    /// Provider, model, and the model that answered.
    pub route: RouteId,
    /// Finish reason, form failure and what the guard said.
    pub ending: EndingId,
    /// Epoch of constant weight.
    pub epoch: u64,
    /// Characters of the prompt.
    pub prompt_chars: u32,
    /// Characters of the visible answer.
    pub answer_chars: u32,
    /// Candidate weight in the epoch, hundredths of a percent.
    pub weight_bp: u16,
    /// HTTP status of the provider; 0 if there was no answer.
    pub status: u16,
    /// Calls that were made for this outcome, the first one included; 255 stands for more.
    pub attempts: u8,
    /// Which arm answered.
    pub arm: Arm,
    /// What the answer was for.
    pub role: Role,
    /// What was asked of the provider.
    pub endpoint: Endpoint,
    /// How the request came to its arm, if the record says.
    pub assigned_by: Option<AssignedBy>,
    /// What became of the mirrored copy, on served exchanges.
    pub shadow: Option<ShadowFate>,
    /// What went wrong, if anything did.
    pub error: Option<ErrorKind>,
    /// What a moderator said.
    pub moderation: Option<Moderation>,
    /// The answer was streamed.
    pub streamed: bool,
    /// Who counted the tokens; `None` without counts.
    usage_source: Option<UsageSource>,
    flags: Flags,
    fault: Option<Fault>,
    migration: MigrationId,
    assigned_bp: Optional16,
    shadow_bp: Optional16,
    ttft_us: Optional40,
    duration_us: Unsigned40,
    cost_nanos: Optional40,
    quality: Optional32,
    prompt_wide_chars: Optional32,
    prompt_tokens: u32,
    completion_tokens: u32,
    cached_tokens: Optional32,
    reasoning_tokens: Optional32,
}

/// The values of a row before they are packed, as wide as a file can hold them.
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
    pub(crate) ttft_us: Option<i64>,
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
            ttft_us: exchange.ttft_us.map(micros),
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
            cost_nanos: exchange.cost_nanos,
            prompt_chars: exchange.prompt_chars,
            prompt_wide_chars: exchange.prompt_wide_chars,
            answer_chars: exchange.answer_chars,
            shadow: exchange.shadow,
            recorded: exchange.recorded,
        }
    }
}

impl Row {
    /// A record as a row; its names are numbered in `names`. Meant for evidence that is kept running: rows that come from
    /// files or lists are made by [`Rows`](super::Rows), which also renumbers and sorts.
    #[must_use]
    pub fn of(exchange: &Exchange, names: &mut Names) -> Self {
        Self::packed(&Fields::of(exchange, names))
    }

    /// Packs the fields. Values that do not fit become the largest ones that do, and the row has a [`Fault`].
    pub(crate) fn packed(fields: &Fields) -> Self {
        let saturating = |count: u64| u32::try_from(count).unwrap_or(u32::MAX);
        let usage = fields.usage;
        let tokens = |count: Option<u64>| Optional32::saturating(count);
        Self {
            pair: fields.pair,
            at_us: fields.at_us,
            sent_us: fields.sent_us,
            request: fields.request,
            unit: fields.unit,
            answer: fields.answer,
            tools: fields.tools,
            consumer: fields.consumer,
            route: fields.route,
            ending: fields.ending,
            epoch: fields.epoch,
            prompt_chars: saturating(fields.prompt_chars),
            answer_chars: saturating(fields.answer_chars),
            weight_bp: saturating16(fields.weight_bp),
            status: fields.status,
            attempts: u8::try_from(fields.attempts).unwrap_or(u8::MAX),
            arm: fields.arm,
            role: fields.role,
            endpoint: fields.endpoint,
            assigned_by: fields.assigned_by,
            shadow: fields.shadow,
            error: fields.error,
            moderation: fields.moderation,
            streamed: fields.streamed,
            usage_source: usage.map(|usage| usage.source),
            flags: Flags::new(fields.refused, fields.structured, fields.recorded),
            fault: fault::of(fields),
            migration: fields.migration,
            assigned_bp: Optional16::saturating(fields.assigned_bp),
            shadow_bp: Optional16::saturating(fields.shadow_bp),
            ttft_us: Optional40::saturating(fields.ttft_us.map(|ttft| u64::try_from(ttft).unwrap_or(0))),
            duration_us: Unsigned40::saturating(u64::try_from(fields.duration_us).unwrap_or(0)),
            cost_nanos: Optional40::saturating(fields.cost_nanos.map(|cost| u64::try_from(cost).unwrap_or(0))),
            quality: Optional32::saturating(fields.quality.map(millionths)),
            prompt_wide_chars: Optional32::saturating(fields.prompt_wide_chars),
            prompt_tokens: usage.map_or(0, |usage| saturating(usage.prompt)),
            completion_tokens: usage.map_or(0, |usage| saturating(usage.completion)),
            cached_tokens: tokens(usage.and_then(|usage| usage.cached)),
            reasoning_tokens: tokens(usage.and_then(|usage| usage.reasoning)),
        }
    }

    /// From sending to the last byte, or to the failure, microseconds; at most 12.7 days.
    #[must_use]
    pub const fn duration_us(&self) -> u64 {
        self.duration_us.get()
    }

    /// From sending to the first visible or reasoning text, microseconds; absent where none came or the answer was not
    /// streamed.
    #[must_use]
    pub const fn ttft_us(&self) -> Option<u64> {
        self.ttft_us.get()
    }

    /// Tokens.
    #[must_use]
    pub fn usage(&self) -> Option<Usage> {
        self.usage_source.map(|source| Usage {
            cached: self.cached_tokens.get(),
            reasoning: self.reasoning_tokens.get(),
            ..Usage::new(u64::from(self.prompt_tokens), u64::from(self.completion_tokens), source)
        })
    }

    /// Whether the tokens are estimated from characters; `false` without tokens.
    #[must_use]
    pub fn usage_is_estimate(&self) -> bool {
        self.usage_source == Some(UsageSource::Estimate)
    }

    /// Cost on record, nano-dollars, from 0 to 1,099 dollars.
    #[must_use]
    pub const fn cost_nanos(&self) -> Option<u64> {
        self.cost_nanos.get()
    }

    /// Quality score in millionths, whose sums are exact in any order.
    #[must_use]
    pub fn quality_millionths(&self) -> Option<u64> {
        self.quality.get()
    }

    /// Quality score from 0 (worst) to 1 (best).
    #[must_use]
    pub fn quality(&self) -> Option<f64> {
        self.quality.get().map(|quality| quality as f64 / QUALITY_UNITS)
    }

    /// Whether the model itself refused, in the member that is made for it; `false` also where the record does not say.
    #[must_use]
    pub const fn refused(&self) -> bool {
        self.flags.first()
    }

    /// Whether the request demanded a form of its answer; `false` also where the record does not say.
    #[must_use]
    pub const fn structured(&self) -> bool {
        self.flags.second()
    }

    /// Probability of being assigned the arm that it got, hundredths of a percent.
    #[must_use]
    pub fn assigned_bp(&self) -> Option<u32> {
        self.assigned_bp.get()
    }

    /// Probability of being mirrored, hundredths of a percent, as it stood before the answer was known.
    #[must_use]
    pub fn shadow_bp(&self) -> Option<u32> {
        self.shadow_bp.get()
    }

    /// Wide characters of the prompt (Chinese, Japanese, Korean), which tokenizers count otherwise; `None` where the
    /// record does not say.
    #[must_use]
    pub fn prompt_wide_chars(&self) -> Option<u64> {
        self.prompt_wide_chars.get()
    }

    /// Why the row cannot be true; `None` if it can.
    #[must_use]
    pub const fn fault(&self) -> Option<Fault> {
        self.fault
    }

    /// Whether the answer was taken from a request log, and whether that tells its times.
    #[must_use]
    pub const fn recorded(&self) -> Option<FromLog> {
        self.flags.recorded()
    }

    /// Whether nobody knows how long it took: it was taken from a log that does not tell. Its times mean nothing.
    #[must_use]
    pub const fn untimed(&self) -> bool {
        matches!(self.flags.recorded(), Some(FromLog::Untimed))
    }

    /// The exchange failed, and the provider is to blame.
    #[must_use]
    pub fn failed(&self) -> bool {
        self.error.is_some_and(ErrorKind::blames_provider)
    }

    /// The exchange ended early through no fault of the provider: the client went away, or the gateway stopped.
    #[must_use]
    pub fn cancelled(&self) -> bool {
        self.error.is_some_and(|error| !error.blames_provider())
    }

    /// A place for a row that is no row: observed by nobody. Never among [`Rows`](super::Rows).
    pub(crate) fn hole() -> Self {
        let nobody = (RouteId(u32::MAX), EndingId(u32::MAX));
        Self::packed(&Fields {
            pair: PairKey::default(),
            arm: Arm::Baseline,
            role: Role::Observed,
            endpoint: Endpoint::Chat,
            migration: MigrationId::default(),
            epoch: 0,
            weight_bp: 0,
            request: None,
            unit: None,
            consumer: None,
            assigned_by: None,
            assigned_bp: None,
            shadow_bp: None,
            route: nobody.0,
            streamed: false,
            at_us: 0,
            sent_us: 0,
            ttft_us: None,
            duration_us: 0,
            status: 0,
            attempts: 0,
            error: None,
            ending: nobody.1,
            moderation: None,
            refused: false,
            structured: false,
            tools: None,
            answer: None,
            quality: None,
            usage: None,
            cost_nanos: None,
            prompt_chars: 0,
            prompt_wide_chars: None,
            answer_chars: 0,
            shadow: None,
            recorded: None,
        })
    }

    /// Whether this is such a place: real rows have calls, or at least a route.
    pub(crate) fn is_hole(&self) -> bool {
        self.route == RouteId(u32::MAX)
    }

    /// Number of the migration's name.
    pub(crate) const fn migration(&self) -> MigrationId {
        self.migration
    }

    /// The same row with other numbers for its names.
    pub(crate) fn renumbered(self, numbers: &Renumbered) -> Self {
        Self {
            consumer: self.consumer.map(|name| numbers.name(name)),
            route: numbers.route(self.route),
            ending: numbers.ending(self.ending),
            migration: numbers.migration(self.migration),
            ..self
        }
    }

    /// The fixed order: time, pair, arm, role, sending time, then everything else, so that it never depends on the files.
    #[must_use]
    pub fn order(&self, other: &Self) -> Ordering {
        let first = |row: &Self| (row.at_us, row.pair);
        first(self).cmp(&first(other)).then_with(|| self.order_of_twins(other))
    }

    /// The fixed order of rows of one pair: arm, role, sending time, then everything else.
    pub(super) fn order_of_twins(&self, other: &Self) -> Ordering {
        let first = |row: &Self| (row.arm, role_rank(row.role), row.sent_us, row.at_us);
        first(self).cmp(&first(other)).then_with(|| self.rest().cmp(&other.rest()))
    }

    /// Everything that the order's keys leave out.
    fn rest(&self) -> impl Ord {
        let codes = [
            self.endpoint as u8,
            self.attempts,
            self.assigned_by.map_or(u8::MAX, |value| value as u8),
            self.shadow.map_or(u8::MAX, |value| value as u8),
            self.error.map_or(u8::MAX, |value| value as u8),
            self.moderation.map_or(u8::MAX, |value| value as u8),
            self.usage_source.map_or(u8::MAX, |value| value as u8),
            u8::from(self.streamed),
        ];
        let shares = [self.weight_bp, self.status];
        let counts = [self.prompt_chars, self.answer_chars, self.prompt_tokens, self.completion_tokens];
        (
            (
                self.duration_us,
                self.ttft_us,
                self.cost_nanos,
                self.quality,
                self.fault,
                self.flags,
                codes,
                shares,
                counts,
            ),
            (self.cached_tokens, self.reasoning_tokens, self.prompt_wide_chars, self.assigned_bp, self.shadow_bp),
            (self.epoch, self.request, self.unit, self.answer, self.tools, self.consumer, self.route, self.ending),
        )
    }
}

/// A score in whole millionths, half away from zero; saturates, and what is no number becomes 0: both are faults.
fn millionths(quality: f64) -> u64 {
    (quality * QUALITY_UNITS).round() as u64
}

/// Rank of a role: what a client got counts before what was sent on purpose, and that before a mirrored copy.
#[must_use]
pub const fn role_rank(role: Role) -> u32 {
    match role {
        Role::Served => 0,
        Role::Replayed => 1,
        Role::Shadow => 2,
        Role::Fallback => 3,
        Role::Repeat => 4,
        Role::Observed => 5,
    }
}
