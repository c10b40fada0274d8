//! The verdict: what was decided, why, and everything that is needed to check it again.
//!
//! The types here *are* the file `verdict.json` (`"schema": "weighbridge.verdict/1"`). Fields may be added;
//! a field that stands here keeps its meaning. Shares and ratios are plain numbers (0.005 is half a point,
//! 1.15 a ratio), times are integer microseconds since the Unix epoch, money is a decimal string.

use serde::{Deserialize, Serialize};

/// Value of [`Verdict::schema`] that this version writes and reads.
pub const SCHEMA: &str = "weighbridge.verdict/1";

/// The three answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Decision {
    /// Every guardrail is proven non-inferior and the instrument is sound.
    Go,
    /// Not decided: evidence is missing, or the instrument is unsure.
    Hold,
    /// At least one guardrail is proven worse than its margin.
    NoGo,
}

impl Decision {
    /// `GO`, `HOLD` or `NO-GO`, as people read it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Go => "GO",
            Self::Hold => "HOLD",
            Self::NoGo => "NO-GO",
        }
    }
}

/// State of one guardrail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// The upper bound is below the margin.
    Pass,
    /// The upper bound is below the margin, yet the candidate is proven worse than the baseline.
    PassRegressed,
    /// The lower bound at the alarm level is above the margin.
    Fail,
    /// Not proven worse, and with next to no chance to pass any more.
    Futile,
    /// Not decided yet: too few observations, or the bound still crosses the margin.
    HoldInsufficient,
    /// Not decidable: the instrument is unsure (mirror loss, degraded replay, rejected rows).
    HoldInstrument,
    /// Not decidable: pairs and served traffic contradict each other.
    HoldConflict,
}

/// What a guardrail's numbers measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scale {
    /// Candidate share minus baseline share; 0 means no difference, 0.005 half a point.
    Difference,
    /// Candidate divided by baseline; 1 means no difference.
    Ratio,
}

/// What a guardrail is measured on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EvidenceKind {
    /// The same requests answered by both arms.
    #[default]
    Paired,
    /// Served traffic, each request answered by one arm.
    Served,
    /// Both together.
    Combined,
}

const fn yes() -> bool {
    true
}

const fn one() -> f64 {
    1.0
}

/// One guardrail: an estimate with its bounds, its margin and what follows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Guardrail {
    /// Stable name, for example `errors`, `ttft_p95`, `cost`.
    pub metric: String,
    /// `all` for everything, `canary` for served traffic alone, or a part of the traffic such as `model=gpt-4o`.
    pub segment: String,
    /// What it is measured on.
    #[serde(default)]
    pub evidence: EvidenceKind,
    /// Whether a GO needs it to pass. A guardrail that does not decide still makes a NO-GO by failing.
    #[serde(default = "yes")]
    pub decides: bool,
    /// What follows from the bounds.
    pub state: State,
    /// Scale of `estimate`, `lower`, `upper` and `margin`.
    pub scale: Scale,
    /// Point estimate; larger is worse. Absent where there is none.
    pub estimate: Option<f64>,
    /// Lower bound at the alarm level (`alpha_alarm`); absent means unbounded.
    pub lower: Option<f64>,
    /// Upper bound at `alpha`; absent means unbounded.
    pub upper: Option<f64>,
    /// Non-inferiority margin: the guardrail passes if `upper < margin`.
    pub margin: f64,
    /// One-sided level of `upper`.
    pub alpha: f64,
    /// One-sided level of `lower`, after the split over the family of alarms.
    pub alpha_alarm: f64,
    /// Observations: pairs where paired, else the smaller arm's count.
    pub n: u64,
    /// Events among them: pairs in which the arms differ, or bad requests of both arms. Absent where nothing is counted.
    #[serde(default)]
    pub events: Option<u64>,
    /// Factor by which requests of one consumer or conversation resembling each other widen the variance; 1 is none.
    #[serde(default = "one")]
    pub design_effect: f64,
    /// Effective number of independent clusters (the smaller arm's); absent where every request stands for itself.
    #[serde(default)]
    pub clusters_effective: Option<f64>,
    /// The baseline's own value (share, or quantile in microseconds, or mean cost in nano-dollars).
    pub baseline_value: Option<f64>,
    /// The candidate's own value, in the same unit.
    pub candidate_value: Option<f64>,
    /// Short name of the method, for example `tango-score`.
    pub method: String,
    /// Always `lower-is-better` here: metrics that are good when large are flipped before they come in.
    pub direction: String,
    /// One sentence for people: why this state.
    pub why: String,
}

/// What is still missing before a decision.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Needed {
    /// Metric that blocks.
    pub metric: String,
    /// Its segment.
    pub segment: String,
    /// Observations still needed at the observed variance, if it can be said.
    pub pairs: Option<u64>,
    /// The same in hours at the observed rate, if it can be said.
    pub hours: Option<f64>,
}

/// Health of the measuring itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
pub struct Instrument {
    /// Requests that should have been mirrored.
    pub mirror_intended: u64,
    /// Mirrored requests for which the candidate's outcome is on record.
    pub mirror_observed: u64,
    /// `1 - observed / intended`; absent if nothing was intended.
    pub mirror_loss: Option<f64>,
    /// Complete pairs.
    pub pairs: u64,
    /// Exchanges without a partner, by reason.
    pub unmatched: Vec<Count>,
    /// Share of rows refused at loading, baseline.
    pub reject_share_baseline: f64,
    /// Share of rows refused at loading, candidate.
    pub reject_share_candidate: f64,
    /// p-value of the sample-ratio test on assignment units, where a split was judged.
    pub srm_p: Option<f64>,
    /// Assignment units seen on the baseline and on the candidate.
    pub srm_units: Option<[u64; 2]>,
    /// The replay that drove the traffic could not keep its schedule.
    pub replay_degraded: bool,
    /// Sentences that each hold the verdict; empty means the instrument is sound.
    pub alarms: Vec<String>,
}

/// A name with a count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    /// What was counted.
    pub name: String,
    /// How often.
    pub count: u64,
}

/// What both arms cost, over the pairs that could be priced.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
pub struct Bill {
    /// ISO currency code.
    pub currency: String,
    /// Pairs with a price on both sides.
    pub pairs_priced: u64,
    /// Pairs in which at least one side had no price or no usage.
    pub pairs_unpriced: u64,
    /// Share of priced exchanges whose usage is an estimate.
    pub estimated_share: f64,
    /// Sum over the baseline, decimal string.
    pub baseline: String,
    /// Sum over the candidate, decimal string.
    pub candidate: String,
    /// Candidate over baseline.
    pub ratio: Option<f64>,
    /// Two-sided 95% interval of the ratio.
    pub ratio_lower: Option<f64>,
    /// Two-sided 95% interval of the ratio.
    pub ratio_upper: Option<f64>,
    /// Baseline cost per 1000 requests, decimal string.
    pub baseline_per_1000: String,
    /// Candidate cost per 1000 requests, decimal string.
    pub candidate_per_1000: String,
    /// Cost of the experiment itself: what the shadow calls cost, decimal string.
    pub shadow: String,
    /// Remarks on prices: stale rows, missing holiday calendar, unknown models.
    pub notes: Vec<String>,
}

/// Time that the evidence covers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
pub struct Window {
    /// First request, microseconds since the Unix epoch.
    pub from_us: i64,
    /// Last request.
    pub to_us: i64,
}

/// One input file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Input {
    /// File name without its folder.
    pub name: String,
    /// SHA-256 of its bytes, hexadecimal.
    pub digest: String,
    /// Records in it.
    pub rows: u64,
}

/// Compact evidence for pictures: quantiles and sums, no content.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
pub struct Evidence {
    /// Latency distributions, one entry a metric, arm and segment.
    pub latency: Vec<Distribution>,
    /// Token sums by arm.
    pub tokens: Vec<Tokens>,
    /// Outcomes by arm: errors by kind, finish reasons.
    pub outcomes: Vec<Outcomes>,
}

/// An empirical distribution, reduced to quantiles.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Distribution {
    /// `ttft` or `duration`.
    pub metric: String,
    /// `baseline` or `candidate`.
    pub arm: String,
    /// `all` or `canary`.
    pub segment: String,
    /// Observations, failed ones included (they count as infinitely slow).
    pub n: u64,
    /// Failed or timed-out observations among `n`.
    pub n_infinite: u64,
    /// Order statistics at the shares 0, 0.005, 0.01, ..., 1 (201 values), microseconds; absent where infinite.
    pub quantiles_us: Vec<Option<u64>>,
}

/// Token sums of one arm.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tokens {
    /// `baseline` or `candidate`.
    pub arm: String,
    /// Model that answered most often.
    pub model: String,
    /// Exchanges with usage.
    pub exchanges: u64,
    /// Prompt tokens that were not read from a cache.
    pub prompt_uncached: u64,
    /// Prompt tokens read from a cache.
    pub prompt_cached: u64,
    /// Completion tokens that the client sees.
    pub completion_visible: u64,
    /// Completion tokens spent on reasoning.
    pub completion_reasoning: u64,
    /// Characters of the answers (comparable across tokenizers).
    pub answer_chars: u64,
}

/// What became of one arm's requests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcomes {
    /// `baseline` or `candidate`.
    pub arm: String,
    /// `all` or `canary`.
    pub segment: String,
    /// Exchanges.
    pub n: u64,
    /// Errors by kind, most frequent first, ties by name.
    pub errors: Vec<Count>,
    /// Finish reasons, most frequent first, ties by name.
    pub finish: Vec<Count>,
}

/// The whole verdict.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// [`SCHEMA`].
    pub schema: String,
    /// The answer.
    pub verdict: Decision,
    /// Why, most important first.
    pub reasons: Vec<String>,
    /// Migration judged.
    pub migration: String,
    /// Epoch of constant weight that was judged: the newest one in the records.
    pub epoch: u64,
    /// Candidate weight in that epoch.
    pub weight_percent: f64,
    /// Recommended weight.
    pub next_weight_percent: f64,
    /// Which bound decided the next weight: `risk`, `ladder`, `policy`, `verdict`.
    pub next_weight_bound: String,
    /// What is still missing if the verdict is HOLD.
    pub needed: Vec<Needed>,
    /// All guardrails, in the policy's order.
    pub guardrails: Vec<Guardrail>,
    /// Health of the measuring.
    pub instrument: Instrument,
    /// Money.
    pub bill: Bill,
    /// Time covered.
    pub window: Window,
    /// Input files, sorted by name.
    pub inputs: Vec<Input>,
    /// SHA-256 of the effective policy.
    pub policy_digest: String,
    /// SHA-256 of the price table.
    pub tariff_digest: String,
    /// Seed of anything random in the evaluation (0: nothing was).
    pub seed: u64,
    /// Version of weighbridge.
    pub version: String,
    /// Time of the newest evidence (pair or served request that counted), so that the same input gives the same bytes (RFC 3339, UTC).
    pub created_at: String,
    /// Compact evidence for pictures.
    pub evidence: Evidence,
}
