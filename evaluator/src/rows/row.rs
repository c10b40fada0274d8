//! One row, and how it is packed.

use super::fault::{self, Fault};
use super::fields::Fields;
use super::key::PairKey;
use super::names::{EndingId, MigrationId, NameId, Names, Renumbered, RouteId};
use super::packed::{Flags, Optional16, Optional24, Optional32, Optional40, Unsigned40, saturating16};
use datasets::{Arm, AssignedBy, Endpoint, Exchange, FromLog, Moderation, Role, ShadowFate};
use std::cmp::Ordering;
use std::num::{NonZeroU32, NonZeroU64};
use wire::price::Tier;
use wire::{ErrorKind, Usage, UsageSource};

/// Quality is kept in millionths, whose sums are exact in any order.
const QUALITY_UNITS: f64 = 1e6;

/// One arm's outcome of one request, as far as an evaluation needs it: 168 bytes.
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
    first_visible_us: Optional40,
    first_event_us: Optional32,
    duration_us: Unsigned40,
    cost_nanos: Optional40,
    quality: Optional32,
    prompt_wide_chars: Optional32,
    prompt_tokens: u32,
    completion_tokens: u32,
    cached_tokens: Optional24,
    cache_write_tokens: Optional24,
    prompt_audio_tokens: Optional24,
    prompt_image_tokens: Optional24,
    reasoning_tokens: Optional24,
    completion_audio_tokens: Optional24,
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
        let part = |of: fn(&Usage) -> Option<u64>| Optional24::saturating(usage.as_ref().and_then(of));
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
            flags: Flags::new(fields.refused, fields.structured, fields.recorded, fields.tier),
            fault: fault::of(fields),
            migration: fields.migration,
            assigned_bp: Optional16::saturating(fields.assigned_bp),
            shadow_bp: Optional16::saturating(fields.shadow_bp),
            ttft_us: Optional40::saturating(fields.ttft_us.map(|ttft| u64::try_from(ttft).unwrap_or(0))),
            // What is no time makes no fault: nothing is judged by these two, so it is as if it were not there.
            first_visible_us: Optional40::saturating(fields.first_visible_us.and_then(|us| u64::try_from(us).ok())),
            first_event_us: Optional32::fitting(fields.first_event_us.and_then(|us| u64::try_from(us).ok())),
            duration_us: Unsigned40::saturating(u64::try_from(fields.duration_us).unwrap_or(0)),
            cost_nanos: Optional40::saturating(fields.cost_nanos.map(|cost| u64::try_from(cost).unwrap_or(0))),
            quality: Optional32::saturating(fields.quality.map(millionths)),
            prompt_wide_chars: Optional32::saturating(fields.prompt_wide_chars),
            prompt_tokens: usage.map_or(0, |usage| saturating(usage.prompt)),
            completion_tokens: usage.map_or(0, |usage| saturating(usage.completion)),
            cached_tokens: part(|usage| usage.cached),
            cache_write_tokens: part(|usage| usage.cache_write),
            prompt_audio_tokens: part(|usage| usage.prompt_audio),
            prompt_image_tokens: part(|usage| usage.prompt_image),
            reasoning_tokens: part(|usage| usage.reasoning),
            completion_audio_tokens: part(|usage| usage.completion_audio),
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

    /// From sending to the first event of the stream that has data, microseconds; absent where none came, where the answer
    /// was not streamed, where the record does not say, and beyond 71 minutes.
    #[must_use]
    pub fn first_event_us(&self) -> Option<u64> {
        self.first_event_us.get()
    }

    /// From sending to the first visible text or call of a tool, microseconds; absent where none came, where the answer was
    /// not streamed, and where the record does not say.
    #[must_use]
    pub const fn first_visible_us(&self) -> Option<u64> {
        self.first_visible_us.get()
    }

    /// Tokens, with all their parts.
    #[must_use]
    pub fn usage(&self) -> Option<Usage> {
        self.usage_source.map(|source| Usage {
            prompt: u64::from(self.prompt_tokens),
            completion: u64::from(self.completion_tokens),
            cached: self.cached_tokens.get(),
            cache_write: self.cache_write_tokens.get(),
            prompt_audio: self.prompt_audio_tokens.get(),
            prompt_image: self.prompt_image_tokens.get(),
            reasoning: self.reasoning_tokens.get(),
            completion_audio: self.completion_audio_tokens.get(),
            source,
        })
    }

    /// Service tier that it was answered in; the standard one also where the record does not say.
    #[must_use]
    pub const fn tier(&self) -> Tier {
        self.flags.tier()
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
            first_event_us: None,
            ttft_us: None,
            first_visible_us: None,
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
            tier: Tier::Standard,
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
            (self.first_event_us, self.first_visible_us),
            (self.cache_write_tokens, self.prompt_audio_tokens, self.prompt_image_tokens, self.completion_audio_tokens),
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
