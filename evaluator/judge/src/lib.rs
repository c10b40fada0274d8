//! The judge: pure statistics and the rules that turn evidence into GO, HOLD or NO-GO.
//!
//! Nothing here reads a file, a clock or an unseeded number. The way through is short:
//! [`evidence::Evidence`] ([`counters`] and facts) and [`policy::Policy`] (margins, levels, floors) go into
//! [`judge()`], and a [`Judged`] comes out, whose parts are the fields of [`verdict::Verdict`].
//!
//! Missing evidence is never a pass: an estimator that has no answer refuses with a [`stats::Refusal`], and a
//! refused guardrail holds the verdict.

pub mod compute;
pub mod counters;
pub mod course;
mod decide;
pub mod evidence;
mod guardrail;
mod instrument;
pub mod live;
pub mod metric;
pub mod moderation;
pub mod plan;
pub mod policy;
pub mod simulate;
pub mod stats;
pub mod verdict;
pub mod watch;
pub mod weight;
mod wide;
mod words;

pub use decide::{Judged, judge};
pub use guardrail::quantiles;
