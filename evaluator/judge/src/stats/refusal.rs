//! Why an estimator gives no answer.

/// A refusal: the question has no honest answer. [`Refusal::reason`] is stable, the message is for people.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// Nothing was observed.
    #[error("no observations; there is nothing to estimate from")]
    NoObservations,
    /// Fewer observations than the method needs.
    #[error("{n} observations; at least {needed} are needed")]
    TooFew {
        /// Observations at hand.
        n: u64,
        /// Observations needed.
        needed: u64,
    },
    /// A count exceeds the total it is part of.
    #[error("{part} events among {whole} observations; a part cannot exceed the whole")]
    CountsInconsistent {
        /// The count.
        part: u64,
        /// Its total.
        whole: u64,
    },
    /// The one-sided level is not above 0 and below 0.5.
    #[error("level {alpha} is not above 0 and below 0.5")]
    LevelOutOfRange {
        /// The level given.
        alpha: f64,
    },
    /// A share is not above 0 and below 1.
    #[error("share {share} is not above 0 and below 1")]
    ShareOutOfRange {
        /// The share given.
        share: f64,
    },
    /// A margin or hypothesis outside what the method can test.
    #[error("margin {margin} is out of range; expected {expected}")]
    MarginOutOfRange {
        /// The margin given.
        margin: f64,
        /// What was expected.
        expected: &'static str,
    },
    /// A value is not a number, or infinite where infinity means nothing.
    #[error("value {index} is {value}; expected a finite number")]
    NotFinite {
        /// Position in the input, from 0.
        index: usize,
        /// The value.
        value: f64,
    },
    /// A value must be above zero (or at least zero, where stated).
    #[error("value {index} is {value}; expected a positive number")]
    NotPositive {
        /// Position in the input, from 0.
        index: usize,
        /// The value.
        value: f64,
    },
    /// Two paired columns differ in length.
    #[error("{baseline} baseline values and {candidate} candidate values; paired columns must have the same length")]
    NotAligned {
        /// Length of the baseline's column.
        baseline: usize,
        /// Length of the candidate's column.
        candidate: usize,
    },
    /// The mean a ratio is taken of, or divided by, is zero.
    #[error("a mean of zero; a ratio of means needs both above zero")]
    MeanNotPositive,
    /// Fieller's g is 1 or more: the baseline mean is not distinguishable from zero, so the ratio is unbounded.
    #[error("the baseline mean is too uncertain for a ratio (g = {g}); more observations are needed")]
    Unbounded {
        /// Fieller's g.
        g: f64,
    },
    /// An arm that should receive nothing received something.
    #[error("{units} units on an arm of weight zero; the routing is at fault")]
    RoutingFault {
        /// Units seen there.
        units: u64,
    },
    /// Fewer independent clusters than the method needs.
    #[error(
        "{} effective clusters; at least {needed} are needed, because rows of one cluster are not independent",
        (.effective * 10.0).round() / 10.0
    )]
    TooFewClusters {
        /// Kish's effective number.
        effective: f64,
        /// Clusters needed.
        needed: f64,
    },
    /// The sums given cannot come from any data: a sum of squares is too small for its sum.
    #[error("the sums belong to no data: {what}; count them again from the records")]
    SumsInconsistent {
        /// Which of them.
        what: &'static str,
    },
    /// A variance of zero where one has to be divided by.
    #[error("a variance of {variance}; {expected}")]
    VarianceOutOfRange {
        /// The variance given.
        variance: f64,
        /// What was expected.
        expected: &'static str,
    },
    /// The smallest p-value that the test can give lies above the level.
    #[error("the test can never reject at level {alpha}: at least {needed} {what} are needed")]
    LevelUnreachable {
        /// The level asked for.
        alpha: f64,
        /// What the level needs.
        needed: u64,
        /// What there should be more of.
        what: &'static str,
    },
    /// A margin below what the baseline differs from itself.
    #[error(
        "the baseline differs from itself in {noise} of its repetitions, more than the margin of {margin}; set it higher"
    )]
    BelowNoise {
        /// The margin asked for.
        margin: f64,
        /// Share of repetitions that differ.
        noise: f64,
    },
    /// An argument outside what the method can answer for.
    #[error("{what} is {value}; expected {expected}")]
    OutOfRange {
        /// The argument.
        what: &'static str,
        /// Its value.
        value: f64,
        /// What was expected.
        expected: &'static str,
    },
}

impl Refusal {
    /// Stable name of the reason.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::NoObservations => "no-observations",
            Self::TooFew { .. } => "too-few-observations",
            Self::CountsInconsistent { .. } => "counts-inconsistent",
            Self::LevelOutOfRange { .. } => "level-out-of-range",
            Self::ShareOutOfRange { .. } => "share-out-of-range",
            Self::MarginOutOfRange { .. } => "margin-out-of-range",
            Self::NotFinite { .. } => "not-finite",
            Self::NotPositive { .. } => "not-positive",
            Self::NotAligned { .. } => "not-aligned",
            Self::MeanNotPositive => "mean-not-positive",
            Self::Unbounded { .. } => "unbounded-ratio",
            Self::RoutingFault { .. } => "routing-fault",
            Self::TooFewClusters { .. } => "too-few-clusters",
            Self::SumsInconsistent { .. } => "sums-inconsistent",
            Self::VarianceOutOfRange { .. } => "variance-out-of-range",
            Self::LevelUnreachable { .. } => "level-unreachable",
            Self::BelowNoise { .. } => "below-noise",
            Self::OutOfRange { .. } => "out-of-range",
        }
    }
}
