//! What is measured under a weight, as a digest: the migration, its two providers, and how conversations and migrations are told
//! apart. Replicas with the same shape share an epoch; one that is started with another begins a new one.
//!
//! It is made of the debug text of the configuration. That never holds a secret, and another release may write it
//! otherwise: then an epoch begins, which costs nothing but evidence.

use crate::config::{LiveGuard, Migration};
use crate::lane::Lane;
use crate::plane::Plane;
use crate::routing::WeightBp;

/// The digest, hexadecimal; 64 bits tell apart what one gateway ever had.
pub(super) fn of(plane: &Plane, lane: &Lane) -> String {
    let config = &plane.config;
    let matchers: Vec<_> = config.migrations.iter().map(|migration| &migration.matcher).collect();
    // The weight is what changes while the shape stays, and who watches it measures nothing else.
    let shaped = |migration: &Migration| Migration {
        weight: WeightBp::ZERO,
        live_guard: LiveGuard::default(),
        ..migration.clone()
    };
    let migration = lane.migration.as_ref().map(shaped);
    let candidate = lane.candidate.as_ref().map(|link| &link.config);
    let text = format!(
        "{:?}\0{:?}\0{:?}\0{:?}\0{:?}",
        migration, lane.baseline.config, candidate, config.conversation_header, matchers
    );
    let mut digest = datasets::digest::of_bytes(text.as_bytes());
    digest.truncate(16);
    digest
}
