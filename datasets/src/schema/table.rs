//! The members.

/// One member of a line, or of an object in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Member {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub shape: Shape,
    /// Whether it must be there.
    pub need: Need,
    /// The version that brought it, of the kind of file that it stands in.
    pub since: &'static str,
}

/// Whether a member must be there, and what its absence means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// It must.
    Required,
    /// Absent means unknown or not applicable.
    Optional,
    /// Absent means this word.
    Word(&'static str),
    /// Absent means `false`.
    No,
    /// Absent means 1.
    One,
}

/// What a member holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Any text.
    Text,
    /// `major.minor`.
    Version,
    /// True or false.
    Flag,
    /// One of these words.
    Words(&'static [&'static str]),
    /// A whole number from 0, in so many bits.
    Count(u8),
    /// Microseconds from 0, 64 bits.
    Micros,
    /// Microseconds since an origin, 64 bits with a sign.
    Instant,
    /// Nano-dollars, 64 bits with a sign.
    Money,
    /// A number from 0 to 1.
    Share,
    /// A list of texts.
    Texts,
    /// A list of `[name, arguments]`.
    Calls,
    /// An object that is not ours.
    Body,
    /// An object with these members.
    Object(&'static [Member]),
}

const fn member(name: &'static str, shape: Shape, need: Need) -> Member {
    Member { name, shape, need, since: "1.0" }
}

impl Member {
    const fn since(self, since: &'static str) -> Self {
        Self { since, ..self }
    }
}

const FORMATS: &[&str] = &["weighbridge.requests", "weighbridge.exchanges", "weighbridge.labels"];
const REDACTIONS: &[&str] = &["full", "hashed", "none"];
const ARMS: &[&str] = &["baseline", "candidate"];
const ROLES: &[&str] = &["served", "shadow", "replayed", "observed", "fallback", "repeat"];
const ENDPOINTS: &[&str] = &["chat", "completions", "embeddings", "responses", "moderations"];
const ASSIGNED_BY: &[&str] = &["weight", "header", "header_pattern", "cookie", "unfit", "none"];
const MODERATIONS: &[&str] = &["blocked_by_provider"];
const FROM_LOG: &[&str] = &["timed", "untimed"];
const GUARD_ACTIONS: &[&str] = &["none", "flagged", "masked", "blocked"];
const GUARD_LEVELS: &[&str] = &["none", "low", "medium", "high", "max"];
const TIERS: &[&str] = &["standard", "batch", "flex", "priority", "ultrafast"];
const SOURCES: &[&str] = &["provider", "estimate"];
const FATES: &[&str] = &[
    "sent",
    "not_sampled",
    "queue_full",
    "unfit",
    "shutting_down",
    "bytes_full",
    "budget_spent",
    "candidate_busy",
    "breaker_open",
    "paused",
];
const ERRORS: &[&str] = &[
    "connect",
    "timeout",
    "truncated",
    "malformed",
    "rate_limit",
    "quota",
    "auth",
    "bad_request",
    "not_found",
    "moderation",
    "overloaded",
    "server",
    "client_cancelled",
    "gateway_stopped",
    "gateway_busy",
];

pub(super) const HEADER: &[Member] = &[
    member("format", Shape::Words(FORMATS), Need::Required),
    member("version", Shape::Version, Need::Required),
    member("creator", Shape::Text, Need::Required),
    member("config_digest", Shape::Text, Need::Optional),
    member("redaction", Shape::Words(REDACTIONS), Need::Word("hashed")),
    member("clock", Shape::Text, Need::Optional),
    member("untimed", Shape::Flag, Need::No).since("2.0"),
];

const EXCHANGE_USAGE: &[Member] = &usage("1.5");
const RECORDED_USAGE: &[Member] = &usage("2.1");

/// Both kinds of files have the same tokens; `since` is the version of the one that brought the rarer parts.
const fn usage(since: &'static str) -> [Member; 9] {
    [
        member("prompt", Shape::Count(64), Need::Required),
        member("completion", Shape::Count(64), Need::Required),
        member("cached", Shape::Count(64), Need::Optional),
        member("cache_write", Shape::Count(64), Need::Optional).since(since),
        member("prompt_audio", Shape::Count(64), Need::Optional).since(since),
        member("prompt_image", Shape::Count(64), Need::Optional).since(since),
        member("reasoning", Shape::Count(64), Need::Optional),
        member("completion_audio", Shape::Count(64), Need::Optional).since(since),
        member("source", Shape::Words(SOURCES), Need::Required),
    ]
}

const GUARD_CHECK: &[Member] = &[
    member("action", Shape::Words(GUARD_ACTIONS), Need::Required).since("1.4"),
    member("level", Shape::Words(GUARD_LEVELS), Need::Word("none")).since("1.4"),
    member("categories", Shape::Texts, Need::Optional).since("1.4"),
    member("failed", Shape::Texts, Need::Optional).since("1.4"),
];

const GUARD: &[Member] = &[
    member("request", Shape::Object(GUARD_CHECK), Need::Optional).since("1.4"),
    member("response", Shape::Object(GUARD_CHECK), Need::Optional).since("1.4"),
];

const RECORDED: &[Member] = &[
    member("provider", Shape::Text, Need::Required),
    member("model", Shape::Text, Need::Required),
    member("status", Shape::Count(16), Need::Required),
    member("ttft_us", Shape::Micros, Need::Optional),
    member("duration_us", Shape::Micros, Need::Optional),
    member("error", Shape::Words(ERRORS), Need::Optional),
    member("finish_reason", Shape::Text, Need::Optional),
    member("refused", Shape::Flag, Need::No).since("2.0"),
    member("usage", Shape::Object(RECORDED_USAGE), Need::Optional),
    member("tier", Shape::Words(TIERS), Need::Word("standard")).since("2.1"),
    member("cost_nanos", Shape::Money, Need::Optional).since("2.0"),
    member("answer", Shape::Text, Need::Optional),
    member("tools", Shape::Calls, Need::Optional).since("2.0"),
];

pub(super) const REQUEST: &[Member] = &[
    member("id", Shape::Text, Need::Required),
    member("at_us", Shape::Instant, Need::Required),
    member("session", Shape::Text, Need::Optional),
    member("consumer", Shape::Text, Need::Optional).since("2.0"),
    member("endpoint", Shape::Words(ENDPOINTS), Need::Word("chat")).since("2.0"),
    member("body", Shape::Body, Need::Required),
    member("recorded", Shape::Object(RECORDED), Need::Optional),
];

pub(super) const EXCHANGE: &[Member] = &[
    member("pair", Shape::Text, Need::Required),
    member("arm", Shape::Words(ARMS), Need::Required),
    member("role", Shape::Words(ROLES), Need::Required),
    member("endpoint", Shape::Words(ENDPOINTS), Need::Word("chat")).since("1.1"),
    member("migration", Shape::Text, Need::Required),
    member("epoch", Shape::Count(64), Need::Required),
    member("weight_bp", Shape::Count(32), Need::Required),
    member("request", Shape::Text, Need::Optional),
    member("unit", Shape::Text, Need::Optional),
    member("consumer", Shape::Text, Need::Optional).since("1.1"),
    member("assigned_by", Shape::Words(ASSIGNED_BY), Need::Optional).since("1.1"),
    member("assigned_bp", Shape::Count(32), Need::Optional).since("1.1"),
    member("shadow_bp", Shape::Count(32), Need::Optional).since("1.1"),
    member("provider", Shape::Text, Need::Required),
    member("model", Shape::Text, Need::Required),
    member("model_answered", Shape::Text, Need::Optional),
    member("streamed", Shape::Flag, Need::Required),
    member("structured", Shape::Flag, Need::No).since("1.2"),
    member("at_us", Shape::Instant, Need::Required),
    member("sent_us", Shape::Instant, Need::Required),
    member("first_event_us", Shape::Micros, Need::Optional).since("1.6"),
    member("ttft_us", Shape::Micros, Need::Optional),
    member("first_visible_us", Shape::Micros, Need::Optional).since("1.6"),
    member("duration_us", Shape::Micros, Need::Required),
    member("status", Shape::Count(16), Need::Required),
    member("attempts", Shape::Count(32), Need::One).since("1.1"),
    member("error", Shape::Words(ERRORS), Need::Optional),
    member("finish_reason", Shape::Text, Need::Optional),
    member("form_failure", Shape::Text, Need::Optional),
    member("moderation", Shape::Words(MODERATIONS), Need::Optional),
    member("refused", Shape::Flag, Need::No).since("1.2"),
    member("guard", Shape::Object(GUARD), Need::Optional).since("1.4"),
    member("usage", Shape::Object(EXCHANGE_USAGE), Need::Optional),
    member("tier", Shape::Words(TIERS), Need::Word("standard")).since("1.5"),
    member("cost_nanos", Shape::Money, Need::Optional),
    member("prompt_chars", Shape::Count(64), Need::Required),
    member("prompt_wide_chars", Shape::Count(64), Need::Optional).since("1.2"),
    member("answer_chars", Shape::Count(64), Need::Required),
    member("reasoning_chars", Shape::Count(64), Need::Optional).since("1.1"),
    member("answer_digest", Shape::Text, Need::Optional),
    member("tools_digest", Shape::Text, Need::Optional).since("1.2"),
    member("answer", Shape::Text, Need::Optional),
    member("quality", Shape::Share, Need::Optional).since("1.2"),
    member("shadow", Shape::Words(FATES), Need::Optional),
    member("recorded", Shape::Words(FROM_LOG), Need::Optional).since("1.3"),
    member("dropped", Shape::Texts, Need::Optional),
];

pub(super) const LABEL: &[Member] = &[
    member("request", Shape::Text, Need::Required),
    member("answer_digest", Shape::Text, Need::Required),
    member("metric", Shape::Text, Need::Required),
    member("good", Shape::Flag, Need::Required),
];
