//! A migration's weight as all replicas share it, and which of two weights counts more. Pure.
//!
//! Redis is the weight's home. Epochs there only grow, so a replica that sees a later epoch takes it. Two things can
//! turn this round, and both are settled by comparing, never by who comes first:
//!
//! * Redis comes back without its data, or with an old copy: replicas offer what they have.
//! * A replica was started while Redis was away or empty: all it has is its file, and what a file says counts less than what
//!   somebody set, whatever their epochs.

use crate::lane::{Snapshot, next_epoch};
use crate::routing::{WeightBp, Weights};

/// Where a weight comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Origin {
    /// A file that was read at a start.
    File,
    /// Somebody set it, or changed the file of a running gateway.
    Set,
}

impl Origin {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Set => "set",
        }
    }

    pub(super) fn parse(name: &str) -> Option<Self> {
        [Self::File, Self::Set].into_iter().find(|origin| origin.name() == name)
    }
}

/// See the module's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SharedWeight {
    pub epoch: u64,
    pub weight: WeightBp,
    /// The file's weight when the epoch began: a replica that reads the same file later has nothing to change.
    pub file: WeightBp,
    /// Digest of what is measured: a replica that was given the same migration later begins no other epoch.
    pub shape: String,
    pub origin: Origin,
}

/// A state as scripts and `HMGET` answer it; all absent where Redis has none.
pub(super) type Fields = Vec<Option<String>>;

impl SharedWeight {
    /// The fields that [`Self::read`] reads, in its order.
    pub(super) const FIELDS: [&str; 5] = ["epoch", "weight", "file", "shape", "origin"];

    /// Reads a state; `Ok(None)` where Redis has none.
    ///
    /// # Errors
    /// It is none that this program writes.
    pub(super) fn read(fields: &[Option<String>]) -> Result<Option<Self>, ()> {
        let [epoch, weight, file, shape, origin] = fields else { return Err(()) };
        let Some(epoch) = epoch else { return Ok(None) };
        let (Some(weight), Some(file), Some(shape), Some(origin)) = (weight, file, shape, origin) else {
            return Err(());
        };
        Ok(Some(Self {
            epoch: epoch.parse().map_err(drop)?,
            weight: hundredths(weight)?,
            file: hundredths(file)?,
            shape: shape.clone(),
            origin: Origin::parse(origin).ok_or(())?,
        }))
    }

    /// Whether this one counts more than `other`.
    pub(super) fn counts_more_than(&self, other: &Self) -> bool {
        (self.origin, self.epoch) > (other.origin, other.epoch)
    }

    /// The snapshot of a lane whose own configuration says how much is mirrored.
    pub(super) const fn snapshot(&self, shadow: WeightBp) -> Snapshot {
        Snapshot { epoch: self.epoch, weights: Weights { candidate: self.weight, shadow } }
    }
}

fn hundredths(text: &str) -> Result<WeightBp, ()> {
    let hundredths: u16 = text.parse().map_err(drop)?;
    WeightBp::from_percent(f64::from(hundredths) / 100.0).map_err(drop)
}

/// What a replica knows of a migration's weight.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Known {
    pub weight: SharedWeight,
    /// Redis has said so, or has taken it. Before that, all that stands here is the file.
    pub is_settled: bool,
}

/// What to do about a weight that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// Nothing: both are the same.
    Keep,
    /// The other one is in force.
    Take(SharedWeight),
    /// Redis does not have it: offer it.
    Offer,
    /// This replica has not joined the others yet.
    Join,
}

/// Compares what a replica knows with what Redis has.
pub(super) fn step(known: &Known, stored: Option<&SharedWeight>) -> Step {
    match stored {
        _ if !known.is_settled => Step::Join,
        None => Step::Offer,
        Some(stored) if *stored == known.weight => Step::Keep,
        Some(stored) if known.weight.counts_more_than(stored) => Step::Offer,
        Some(stored) => Step::Take(stored.clone()),
    }
}

/// What a replica brings to a migration that it begins with, or that its configuration has changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Proposal {
    /// The weight that it would have by itself: the file's, or the one in force.
    pub own: SharedWeight,
    /// The file's weight is another one than before; false at a start.
    pub file_changed: bool,
}

/// How a replica joins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Join {
    /// Redis has a weight for the same thing: it is in force.
    Take(SharedWeight),
    /// What is measured has changed, or the file's weight has: an epoch begins after `expected`.
    Begin { expected: u64, next: SharedWeight },
    /// Redis has none.
    Offer(SharedWeight),
}

/// See [`Join`].
pub(super) fn join(proposal: &Proposal, stored: Option<&SharedWeight>, now_us: i64) -> Join {
    let own = &proposal.own;
    let Some(stored) = stored else { return Join::Offer(own.clone()) };
    // Another replica may have read the same file before, and somebody may have set another weight since.
    let sets = proposal.file_changed && stored.file != own.file;
    if !sets && stored.shape == own.shape {
        return Join::Take(stored.clone());
    }
    let (weight, origin) = if sets { (own.file, Origin::Set) } else { (stored.weight, stored.origin) };
    let epoch = next_epoch(stored.epoch, now_us);
    let next = SharedWeight { epoch, weight, origin, file: own.file, shape: own.shape.clone() };
    Join::Begin { expected: stored.epoch, next }
}

#[cfg(test)]
mod tests;
