//! Estimators: one idea a file, the level always a parameter, a refusal instead of a guess.
//!
//! Sign convention: an effect is candidate minus baseline (or candidate divided by baseline) and larger is worse.
//! Every `alpha` is one-sided: a lower and an upper bound at 0.025 make a two-sided 95 % interval. Counts may be any
//! `u64`. All bisections run a fixed number of steps, so that the same input takes the same path everywhere.
//!
//! The bounds here are for *one* look at the data, except those in [`betting`] and [`sequence`], which hold at every
//! look, as do the e-values of [`discordant`], [`restarts`] and [`srm::log_e_value`]; [`group_sequential`] is for the
//! looks of a plan.

pub mod describe;
pub mod paired;
pub mod power;
pub mod proportion;
pub mod quantile;
pub mod ratio;
mod refusal;
pub mod special;
pub mod unpaired;

// Evidence that may be looked at again and again.
pub mod betting;
pub mod blocks;
pub mod discordant;
pub mod group_sequential;
pub mod restarts;
pub mod sequence;
pub mod srm;
mod stirling;
pub mod stratified;

pub mod adjust;
pub mod cluster;
mod exact;
pub mod multiple;
pub mod randomisation;
pub mod rank;

pub use refusal::Refusal;

/// Steps of every bisection: an interval of width 2 shrinks below 1e-18.
const BISECTION_STEPS: u32 = 64;

/// Which end of an interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Smallest value that is not ruled out.
    Lower,
    /// Largest value that is not ruled out.
    Upper,
}

/// Checks a one-sided level: above 0 and below 0.5.
fn check_level(alpha: f64) -> Result<(), Refusal> {
    if alpha > 0.0 && alpha < 0.5 { Ok(()) } else { Err(Refusal::LevelOutOfRange { alpha }) }
}

/// Border between `inside` (where `within` holds) and `outside`, by bisection.
fn border(mut inside: f64, mut outside: f64, within: impl Fn(f64) -> bool) -> f64 {
    for _ in 0..BISECTION_STEPS {
        let middle = inside + (outside - inside) / 2.0;
        if within(middle) {
            inside = middle;
        } else {
            outside = middle;
        }
    }
    inside + (outside - inside) / 2.0
}
