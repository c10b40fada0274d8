//! What must hold before a weight rises.
//!
//! A policy is a TOML text laid over the defaults. Reading is strict: an unknown key is an error with its line and the nearest
//! known key, because a misspelt freeze window that is silently ignored would let through what somebody meant to stop.

mod freeze;
mod read;
mod switch;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub use freeze::{Freeze, Window};
pub use read::{PolicyError, duration};

/// The default policy with all its comments, as TOML.
pub const DEFAULT_TOML: &str = include_str!("policy.default.toml");

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
    /// While this environment variable is set to more than a no, nothing is raised.
    pub kill_switch_variable: Option<String>,
    /// Rungs, ascending, percent.
    pub ladder_percent: Vec<f64>,
    /// While one of these is open, nothing is raised.
    pub freeze: Vec<Freeze>,
}

impl Default for Policy {
    /// What [`DEFAULT_TOML`] says.
    fn default() -> Self {
        Self {
            max_age: Duration::from_hours(24),
            cool_down: Duration::ZERO,
            allow_unsigned: false,
            keys: Vec::new(),
            kill_switch: None,
            kill_switch_variable: None,
            ladder_percent: vec![1.0, 5.0, 10.0, 25.0, 50.0, 100.0],
            freeze: Vec::new(),
        }
    }
}

impl Policy {
    /// Reads a file; paths in it are relative to its folder.
    ///
    /// # Errors
    /// The file cannot be read, or is no policy; file, line and what was expected are named.
    pub fn read(path: &Path) -> Result<Self, PolicyError> {
        let text = std::fs::read_to_string(path).map_err(|error| PolicyError::unreadable(path, &error))?;
        let mut policy = Self::parse(&text).map_err(|error| error.of_file(path))?;
        let folder = path.parent().unwrap_or(Path::new(""));
        policy.keys.iter_mut().chain(&mut policy.kill_switch).for_each(|path| *path = folder.join(&path));
        Ok(policy)
    }

    /// Reads a text; paths in it stay as they are.
    ///
    /// # Errors
    /// It is no policy; line and what was expected are named.
    pub fn parse(text: &str) -> Result<Self, PolicyError> {
        read::parse(text)
    }

    /// SHA-256 of the policy in force, hexadecimal: two policies that decide alike have the same one, whatever their comments.
    #[must_use]
    pub fn digest(&self) -> String {
        let mut text = format!(
            "max_age {:?}\ncool_down {:?}\nallow_unsigned {}\nladder {:?}\n",
            self.max_age.as_nanos(),
            self.cool_down.as_nanos(),
            self.allow_unsigned,
            self.ladder_percent
        );
        // Writing to a string cannot fail.
        for key in &self.keys {
            _ = writeln!(text, "key {}", key.display());
        }
        if let Some(file) = &self.kill_switch {
            _ = writeln!(text, "kill_switch {}", file.display());
        }
        if let Some(variable) = &self.kill_switch_variable {
            _ = writeln!(text, "kill_switch_variable {variable}");
        }
        for freeze in &self.freeze {
            _ = writeln!(text, "freeze {freeze}");
        }
        datasets::digest::of_bytes(text.as_bytes())
    }
}

#[cfg(test)]
mod tests;
