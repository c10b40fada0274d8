//! `[safety]`: who judges what clients send and models answer, and what is done about it.

mod backends;

pub use backends::{BackendConfig, Judge};

use super::check::Checker;
use serde::Deserialize;
use std::collections::BTreeMap;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawSafety {
    #[serde(default)]
    backends: BTreeMap<String, backends::RawBackend>,
}

/// The guard.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Safety {
    /// Who can be asked, by name.
    pub backends: BTreeMap<String, BackendConfig>,
}

impl Checker<'_> {
    pub(super) fn safety(&mut self, raw: &RawSafety) -> Option<Safety> {
        let backends: Vec<_> = raw.backends.iter().map(|(name, backend)| self.safety_backend(name, backend)).collect();
        let backends: Vec<BackendConfig> = backends.into_iter().collect::<Option<_>>()?;
        Some(Safety { backends: backends.into_iter().map(|backend| (backend.name.clone(), backend)).collect() })
    }
}
