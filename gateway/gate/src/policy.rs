//! What must hold before a weight rises.

use std::path::PathBuf;
use std::time::Duration;

/// See the module's text.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    /// Oldest evidence that may raise a weight.
    pub max_age: Duration,
    /// Shortest time between two raises.
    pub cool_down: Duration,
    /// A verdict that nobody signed may raise a weight.
    pub allow_unsigned: bool,
    /// Public keys that are trusted, PEM files.
    pub keys: Vec<PathBuf>,
    /// While this file exists, nothing is raised.
    pub kill_switch: Option<PathBuf>,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            max_age: Duration::from_hours(24),
            cool_down: Duration::ZERO,
            allow_unsigned: false,
            keys: Vec::new(),
            kill_switch: None,
        }
    }
}
