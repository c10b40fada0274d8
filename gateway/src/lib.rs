//! The gateway: an OpenAI-compatible server that splits traffic between a baseline and a candidate, or mirrors it.
//!
//! Deciding is in [`routing`] and is pure; doing is in `ingress` (clients), `upstream` (providers), `relay` (bytes
//! on their way through), `shadow` (the mirror) and `recorder` (evidence). Three rules hold everywhere:
//!
//! * The shadow never touches the client: its own connections, its own bounded queue, and nothing awaits it.
//! * A request ends with its last byte: permits, timers and the record live in the body that is sent.
//! * What a provider does differently is in `wire::provider` and nowhere here.

pub mod admin;
mod callers;
mod clock;
pub mod config;
mod console;
mod deadline;
mod exchange;
mod ingress;
mod lane;
mod listener;
mod live_guard;
mod memory;
mod meter;
mod pipelines;
mod place;
mod plane;
mod problem;
mod quota;
mod receive;
mod recorder;
mod relay;
mod replicas;
mod reply;
pub mod routing;
mod safety;
mod server;
mod shadow;
mod socket;
mod state;
mod telemetry;
mod ticket;
mod trace;
mod upstream;
pub mod usage;

pub use callers::CallersError;
pub use callers::file::{KeyFile, KeyFileError};
pub use callers::home::HomeError;
pub use config::{Config, ConfigError};
pub use plane::PlaneError;
pub use quota::StoreError;
pub use recorder::RecorderCounts;
pub use safety::ModeratorError;
pub use server::{Running, StartError, Summary, start};
pub use shadow::ShadowCounts;
pub use state::Reload;
pub use upstream::UpstreamError;
