//! What other parts count anyway, read when the page is asked for.
//!
//! Plain values and no callbacks: whoever serves the page fills this in, so nothing here has to know a queue or a breaker.

/// A circuit breaker's state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BreakerState {
    /// Calls pass.
    #[default]
    Closed,
    /// Calls are refused.
    Open,
    /// A few probes pass.
    HalfOpen,
}

impl BreakerState {
    pub(super) const ALL: [Self; 3] = [Self::Closed, Self::Open, Self::HalfOpen];

    /// The name in metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half_open",
        }
    }
}

/// A migration's shares in force.
#[derive(Debug, Clone, PartialEq)]
pub struct MigrationReading {
    /// Its name.
    pub name: String,
    /// Candidate weight.
    pub weight_percent: f64,
    /// Mirrored share outside of strata.
    pub shadow_percent: f64,
    /// Epoch of constant weight.
    pub epoch: u64,
}

/// A provider's client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderReading {
    /// The provider's name.
    pub name: String,
    /// Which of its clients: `served` or `shadow`.
    pub plane: &'static str,
    /// Its breaker.
    pub breaker: BreakerState,
    /// Calls under way.
    pub in_flight: u64,
    /// Calls that were made again.
    pub retries: u64,
    /// Calls that were not made: limit reached or breaker open.
    pub refused: u64,
}

/// The mirror.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ShadowReading {
    /// Copies that wait.
    pub queue_jobs: u64,
    /// Bytes of copies that wait or are under way.
    pub queue_bytes: u64,
    /// Copies sent and recorded.
    pub finished: u64,
    /// Copies not made, by reason.
    pub dropped: Vec<(&'static str, u64)>,
    /// Spent or set aside today, nano-dollars.
    pub spent_today_nanos: i64,
}

/// The recorder.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RecordsReading {
    /// Records written.
    pub written: u64,
    /// Records not written, by reason.
    pub dropped: Vec<(&'static str, u64)>,
    /// Records that wait.
    pub queue_lines: u64,
    /// Whether records can be written.
    pub healthy: bool,
}

/// Everything.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Readings {
    /// Client requests being served.
    pub requests_in_flight: u64,
    /// Client requests that were refused to keep others alive, by reason.
    pub shed: Vec<(&'static str, u64)>,
    /// Migrations.
    pub migrations: Vec<MigrationReading>,
    /// Providers' clients.
    pub providers: Vec<ProviderReading>,
    /// The mirror.
    pub shadow: ShadowReading,
    /// The recorder; `None` where no evidence is kept.
    pub records: Option<RecordsReading>,
}
