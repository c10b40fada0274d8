//! Evidence as counters: integers that can be added up in any order and any batching, bit for bit the same.
//!
//! A pair or a served request is reduced to an [`PairOutcome`] or a [`ServedOutcome`] and counted; what it said is not
//! kept. Yes/no outcomes become 2x2 tables, latencies become exceedances of thresholds that were fixed before (see
//! [`Plan`]) and histograms for description, money becomes exact sums and sums of squares, and the independence of
//! requests is kept in sums per cluster (consumer or conversation). Two counters of the same plan merge; counters of
//! different plans do not, and say so.
//!
//! The same counters serve a whole file at once, a gateway that counts as it serves, and a simulation that adds
//! thousands of requests at a time.

pub mod canary;
pub mod cluster;
pub mod histogram;
pub mod latency;
pub mod paired;
pub mod plan;

pub use crate::stats::ratio::{ArmSums, PairedSums};
pub use canary::{Canary, CanaryEpoch, ServedOutcome};
pub use cluster::{ClusterSums, Clusters};
pub use histogram::Histogram;
pub use latency::{LatencyPairs, LatencyServed};
pub use paired::{PairOutcome, Paired, PairedCounts, PairedEvidence};
pub use plan::{Plan, PlanError, Thresholds};
