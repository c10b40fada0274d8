//! Places where weights live: other people's routes, files and consoles.
//!
//! Each target reads what is in force, makes a [`Plan`] of the exact change (pure, shown before anything happens), and
//! carries it out only if what it read is still there. A file keeps its comments and its formatting: only the number
//! changes.
//!
//! * [`target`]: the address as people write it, and who reads, plans and applies it.
//! * [`options`]: what an address does not say.
//! * [`file`]: manifests, configurations of proxies, plain JSON.
//! * [`cluster`]: routes in Kubernetes, by its API server.
//! * [`console`]: the Higress console's AI routes.
//! * [`webhook`]: anything else that is told by a POST.

mod answer;
pub mod cluster;
pub mod console;
mod diff;
pub mod file;
mod http;
pub mod options;
mod secret;
mod shares;
pub mod target;
pub mod webhook;

pub use options::{Because, Environment, Options, Write};
pub use secret::Secret;
pub use target::Target;

use gate::InForce;

/// What is wanted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Wanted {
    /// New candidate weight, percent of the traffic (0 to 100), in hundredths.
    pub weight_percent: f64,
    /// New mirrored share, percent; `None` leaves it as it is.
    pub mirror_percent: Option<f64>,
}

/// What is in force, and the text or document that says so.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// For the gate.
    pub in_force: InForce,
    /// The file's text or the document as it was answered.
    pub text: String,
}

/// An exact change, not yet made.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// What was found.
    pub found: InForce,
    /// What is wanted.
    pub wanted: Wanted,
    /// The new text of the file, or the body of the request.
    pub text: String,
    /// The change as people read it: a unified diff of the file, or the request's lines and a diff of what it changes.
    pub shown: String,
}

/// A change that was made.
#[derive(Debug, Clone, PartialEq)]
pub struct Applied {
    /// What is in force now, as the target says it, or as it was written where the target says nothing, and for a file that
    /// was written elsewhere.
    pub in_force: InForce,
    /// Whether those who act on the weight have said that they do. A file or an annotation says nothing, which is no
    /// objection: `true`. `false`: it is written, but refused or not yet answered; [`notes`](Self::notes) say which.
    pub settled: bool,
    /// What else is worth knowing, a sentence each, for people and the audit log.
    pub notes: Vec<String>,
}

/// Why a target was not read or not changed.
#[derive(Debug, thiserror::Error)]
pub enum TargetError {
    /// The user has to change something: an address, a name, a file's content.
    #[error("{0}")]
    Usage(String),
    /// The world has to change: a server, the network, a disk.
    #[error("{0}")]
    World(String),
    /// Somebody else has changed it since it was read.
    #[error("{0}")]
    Changed(String),
}
