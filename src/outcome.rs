//! Exit codes: an interface, the same for every subcommand.

use std::fmt::Display;
use std::process::ExitCode;

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done, or GO.
    Done = 0,
    /// NO-GO.
    NoGo = 1,
    /// Wrong usage, configuration or input.
    Usage = 2,
    /// HOLD: not enough evidence, or the instrument is unsure.
    Hold = 3,
    /// The world failed: upstream, disk, network.
    World = 4,
    /// A bug of ours.
    Bug = 5,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

impl From<judge::verdict::Decision> for Exit {
    fn from(decision: judge::verdict::Decision) -> Self {
        match decision {
            judge::verdict::Decision::Go => Self::Done,
            judge::verdict::Decision::Hold => Self::Hold,
            judge::verdict::Decision::NoGo => Self::NoGo,
        }
    }
}

/// Why a run failed, with its exit code.
#[derive(Debug)]
pub(crate) struct Failure {
    pub exit: Exit,
    pub message: String,
}

impl Failure {
    /// The user has to change something.
    pub(crate) fn usage(message: impl Display) -> Self {
        Self { exit: Exit::Usage, message: message.to_string() }
    }

    /// The world has to change.
    pub(crate) fn world(message: impl Display) -> Self {
        Self { exit: Exit::World, message: message.to_string() }
    }
}
