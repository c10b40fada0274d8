//! The verdict: what was decided, why, and everything that is needed to check it again.
//!
//! The types here *are* the file `verdict.json` (`"schema": "weighbridge.verdict/1"`). Fields may be added;
//! a field that stands here keeps its meaning. Shares and ratios are plain numbers (0.005 is half a point,
//! 1.15 a ratio), times are integer microseconds since the Unix epoch, money is a decimal string.

mod bill;
mod pictures;

use serde::{Deserialize, Serialize};

pub use crate::instrument::{GuardArm, GuardHealth};
pub use crate::moderation::{Moderation, ModerationTable, Side, Source};
pub use crate::watch::{SegmentReport, Watch};
pub use bill::{Amount, Bill, CachePoint, CacheTable, Counterfactual, Hour, Paid, Saving, StalePrice, Stratum};
pub use pictures::{Course, Example, ExampleSide, FirstToken, Look, QuantileDifference};

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
///
/// The evaluator fills the counts; the judge computes what follows from them (`mirror_loss`, the p-values and e-values,
/// `repeat`) and adds its alarms to the given ones. Counts of several files add up, see [`Instrument::add_counts`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
#[serde(default)]
pub struct Instrument {
    /// Requests that should have been mirrored.
    pub mirror_intended: u64,
    /// Mirrored requests for which the candidate's outcome is on record.
    pub mirror_observed: u64,
    /// `1 - observed / intended`; absent if nothing was intended.
    pub mirror_loss: Option<f64>,
    /// The same by length of the prompt, ascending, where lengths are known; see [`Instrument::count_mirrored`].
    pub mirror_by_length: Vec<MirrorLength>,
    /// p-value of "short, middle and long prompts are lost equally"; absent where it cannot be asked.
    pub mirror_length_p: Option<f64>,
    /// Complete pairs.
    pub pairs: u64,
    /// Exchanges without a partner, by reason.
    pub unmatched: Vec<Count>,
    /// Share of rows refused at loading, baseline. Follows from `rows` and `rows_rejected` where those are counted.
    pub reject_share_baseline: f64,
    /// Share of rows refused at loading, candidate.
    pub reject_share_candidate: f64,
    /// Rows read of the baseline and of the candidate, the refused ones included; zeros where only the shares are known.
    pub rows: [u64; 2],
    /// Rows refused at loading, of the baseline and of the candidate.
    pub rows_rejected: [u64; 2],
    /// The refused rows by reason (not a number, a duration that is zero or negative, ...).
    pub rejected: Vec<Count>,
    /// Rows that name neither arm. Left out.
    pub unknown_arms: u64,
    /// Rows that repeat another one. Each counts once.
    pub duplicates: u64,
    /// Pairs whose clocks disagree: sent before it arrived, or the two arms' arrivals apart.
    pub clock_skew_pairs: u64,
    /// Pairs whose halves are of different epochs. They are among `pairs`, in the candidate's epoch.
    pub mixed_epochs: u64,
    /// Pairs answered at prices that have changed since. Their costs are not compared.
    pub mixed_tariffs: u64,
    /// Pairs whose baseline was not asked but taken from a log: its latencies are of another time and load. They count.
    pub recorded_pairs: u64,
    /// Those of them whose log did not tell how long it took: their latencies are missing evidence.
    pub untimed_pairs: u64,
    /// Those of them that were streamed.
    pub untimed_streamed_pairs: u64,
    /// p-value of the sample-ratio test on assignment units, where a split was judged. For one look.
    pub srm_p: Option<f64>,
    /// e-value of the same, which may be looked at after every unit; at most 1e300.
    pub srm_e: Option<f64>,
    /// Assignment units seen on the baseline and on the candidate.
    pub srm_units: Option<[u64; 2]>,
    /// The baseline against its own repetition (A/A), where some of its requests were asked twice.
    pub repeat: Option<RepeatHealth>,
    /// What the gateway's guard looked at; absent where no guard looked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub guard: Option<GuardHealth>,
    /// The replay that drove the traffic could not keep its schedule.
    pub replay_degraded: bool,
    /// Sentences that each hold the verdict; empty means the instrument is sound.
    pub alarms: Vec<String>,
}

/// Mirrored requests whose prompts have about the same length.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MirrorLength {
    /// Shortest length in this octave, characters: 0, or a power of two; the next octave begins at twice as many.
    pub prompt_chars_from: u64,
    /// Requests that should have been mirrored.
    pub intended: u64,
    /// Those for which the candidate's outcome is on record.
    pub observed: u64,
}

/// What the baseline against its own repetition says about the instrument. Whatever is found here was made by the
/// measuring, for the provider is the same.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RepeatHealth {
    /// Requests that the baseline answered twice.
    pub pairs: u64,
    /// One-sided level of each question below.
    pub alpha: f64,
    /// How often the two answers differ, by metric: the noise floor. Metrics that nobody asked are left out.
    pub discordance: Vec<Discordance>,
    /// Ratio of the repetition's latencies to the first ones, by metric. Must not be proven to differ from 1.
    pub latency: Vec<RepeatLatency>,
    /// What is proven although nothing changed, as sentences. Empty means the instrument is sound.
    pub nogo: Vec<String>,
}

/// How often the baseline differs from itself in one metric.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Discordance {
    /// Name of the metric.
    pub metric: String,
    /// Requests answered twice in which it could be asked.
    pub pairs: u64,
    /// Those in which the two outcomes differ.
    pub discordant: u64,
}

/// One latency's quantile of the baseline's repetition, divided by the first answer's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RepeatLatency {
    /// Name of the metric, for example `ttft_p95`.
    pub metric: String,
    /// Requests in the test.
    pub pairs: u64,
    /// The ratio is proven to be above this; absent where nothing is.
    pub ratio_lower: Option<f64>,
    /// The ratio is proven to be below this; absent where nothing is.
    pub ratio_upper: Option<f64>,
}

/// How far the weight may go, by what limits it. All percent of the traffic, 0 to 100 unless stated otherwise; absent
/// where it is not known, or where nothing is limited.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct WeightBounds {
    /// The next step's expected harm is a fixed share of what is left of the harm budget.
    pub risk_percent: Option<f64>,
    /// A break costs no more than the harm budget until it is noticed and undone. Absent without a rate of traffic.
    pub reaction_percent: Option<f64>,
    /// The candidate's provider can take the traffic's peak. Absent without limits, or without peaks to hold against them.
    pub capacity_percent: Option<f64>,
    /// The policy's own maximum.
    pub policy_percent: Option<f64>,
    /// At least this weight decides within the soak; not a limit but a floor, and above 100 where no weight does.
    pub statistics_percent: Option<f64>,
    /// Upper bound of the candidate's excess error share that the risk was computed with (0 to 1).
    pub excess_upper: Option<f64>,
    /// Extra failed requests the migration has caused so far, as observed.
    pub spent_requests: Option<f64>,
    /// What is left of the harm budget, requests; not below 0.
    pub left_requests: Option<f64>,
}

/// A name with a count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    /// What was counted.
    pub name: String,
    /// How often.
    pub count: u64,
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
    /// How the bounds of the guardrails that a GO needs closed in on their margins, over the whole traffic.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub course: Vec<Course>,
    /// Latency of both arms at the usual quantiles, with intervals of the difference.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub quantiles: Vec<QuantileDifference>,
    /// What the time to the first visible text is made of, by arm.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub first_token: Vec<FirstToken>,
    /// The pairs whose outcomes differ most.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub examples: Vec<Example>,
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
    /// Which bound decided the next weight: `risk`, `reaction`, `capacity`, `policy`, `ladder`, `verdict`.
    pub next_weight_bound: String,
    /// All bounds of the weight.
    #[serde(default)]
    pub weight_bounds: WeightBounds,
    /// What is reported and not judged.
    #[serde(default)]
    pub watch: Vec<Watch>,
    /// Parts of the traffic, by name.
    #[serde(default)]
    pub segments: Vec<SegmentReport>,
    /// Who intervened how often: provider, guard, model. Absent where no guard looked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moderation: Option<Moderation>,
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
    /// Whose verdict it is, where a key was given; over everything else in the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<Signature>,
}

/// A signature as the file holds it. What is signed and how it is checked is not the judge's to know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signature {
    /// Always `ed25519`.
    pub algorithm: String,
    /// SHA-256 of the public key (DER of its `SubjectPublicKeyInfo`), hexadecimal.
    pub key: String,
    /// The signature, base64.
    pub value: String,
}
