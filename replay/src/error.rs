//! Why a replay could not start or had to stop.

use crate::schedule::RateError;

/// Why a replay could not start or had to stop.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// A log or an earlier record file cannot be read.
    #[error(transparent)]
    Read(#[from] datasets::ReadError),
    /// A log of another tool cannot be read.
    #[error(transparent)]
    Import(#[from] datasets::import::ImportError),
    /// The records cannot be written. What was written before stays.
    #[error(transparent)]
    Write(#[from] datasets::WriteError),
    /// The rate makes no sense.
    #[error(transparent)]
    Rate(#[from] RateError),
    /// A logged request cannot be sent.
    #[error("logged request `{id}`: {message}; mend or remove the row")]
    Request {
        /// Its id.
        id: String,
        /// What was found and expected.
        message: String,
    },
    /// Two rows have one id, so their answers could not be told apart.
    #[error(
        "two logged requests have the id `{0}`, expected every id once; if the logs overlap, replay them one by one"
    )]
    DuplicateId(String),
    /// Nothing to send.
    #[error("the log holds no request")]
    Empty,
    /// The target is no address of a server.
    #[error("target is `{target}`: {message}; expected an address such as http://127.0.0.1:8080")]
    Target {
        /// What was found, without user name and password.
        target: String,
        /// What is wrong with it.
        message: String,
    },
    /// The target may be a paid provider.
    #[error(
        "target host `{host}` is not on this machine or a private network, so a replay may cost money there; \
         look at it with --dry-run first, then add --allow-remote"
    )]
    Remote {
        /// The host.
        host: String,
    },
    /// The target may be a paid provider, and nothing says how much it may cost.
    #[error(
        "target host `{host}` may cost money, and no cap is set; add --budget-usd, for example --budget-usd 5 \
         (--dry-run says what to expect), or name a host of your own with --allow-host"
    )]
    NoBudget {
        /// The host.
        host: String,
    },
    /// The provider does not have the model that was logged.
    #[error(
        "no model of {provider} is named for `{model}`; map it, for example `{model}=deepseek-flash`, or `*=deepseek-flash` for all"
    )]
    Model {
        /// Provider that is called.
        provider: &'static str,
        /// Model in the log.
        model: String,
    },
    /// Money is capped, and nobody knows what this model costs.
    #[error(
        "the price table has no price for `{model}`, so a cap on money cannot be kept; replay without the cap, or leave the model out"
    )]
    NoPrice {
        /// Model in the log.
        model: String,
    },
    /// Options that contradict each other.
    #[error("{0}")]
    Options(String),
    /// The records file is there already.
    #[error("{0} holds records already; add --resume to go on with it, or choose another path")]
    Exists(std::path::PathBuf),
    /// The HTTP client could not be built.
    #[error("cannot set up the HTTP client: {0}; check the system's TLS certificates")]
    Client(String),
    /// The embedded price table cannot be read.
    #[error(transparent)]
    Tariffs(#[from] wire::price::TariffError),
    /// A task of the replay itself broke down.
    #[error("a part of the replay broke down: {0}; this is a defect of weighbridge")]
    Broken(String),
}

impl ReplayError {
    /// A rate that follows the log's times, and a log that has none.
    pub(crate) fn untimed(rate: crate::Rate) -> Self {
        Self::Options(format!(
            "the rate is `{rate}`, but the log holds no times, only an order; choose a rate that needs none, such as \
             `10/s`, `poisson:10/s` or `max:8`"
        ))
    }

    /// Whether one row is at fault, so that others could still be sent.
    #[must_use]
    pub const fn is_of_a_row(&self) -> bool {
        match self {
            Self::Request { .. } | Self::DuplicateId(_) | Self::Read(datasets::ReadError::Line { .. }) => true,
            Self::Import(error) => error.is_of_a_row(),
            _ => false,
        }
    }
}
