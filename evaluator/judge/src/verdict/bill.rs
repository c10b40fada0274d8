//! Money in a verdict: what was paid, what the same traffic would have cost on the other arm, and what moving saves.
//!
//! The types are the file's. Money is a decimal string in the bill's currency: sums of priced exchanges are exact to the
//! nano-dollar (nine places), what rests on a ratio comes as an [`Amount`] with its interval. Whatever has no price or no
//! token counts is in no sum and is counted beside it; an absent amount means "not known", never "nothing".

use serde::{Deserialize, Serialize};

/// What both arms cost, over the pairs that could be priced, and over the whole traffic.
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
    /// Remarks on prices: stale rows, unknown models, what is left out.
    pub notes: Vec<String>,
    /// Everything that was paid, by arm and by what the answers were for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub by_arm: Vec<Paid>,
    /// The same by arm, provider and model; the dearest first, at most 32 and one for the others.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub by_model: Vec<Paid>,
    /// The same by arm and consumer; the dearest first, at most 32 and one for the others. `anonymous` stands for
    /// requests without a consumer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub by_consumer: Vec<Paid>,
    /// The same by arm and day (UTC, of sending); the newest 62 days and one row for the others.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub by_day: Vec<Paid>,
    /// The whole traffic on either arm by hour of the day (UTC, of sending), 24 rows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub by_hour: Vec<Hour>,
    /// The same traffic on the other arm.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counterfactual: Option<Counterfactual>,
    /// What a month on the candidate saves against a month on the baseline. Absent where it cannot be said; the notes say why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub saving_per_month: Option<Saving>,
    /// How the candidate's bill depends on how much of the prompts its cache knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache: Option<CacheTable>,
    /// Prices that were used and may not hold any more.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stale: Vec<StalePrice>,
}

/// An amount of money with its two-sided 95 % interval.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Amount {
    /// The estimate, or the exact sum; decimal string.
    pub value: String,
    /// Lower bound; `value` itself where nothing is estimated. Absent where there is no finite interval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lower: Option<String>,
    /// Upper bound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upper: Option<String>,
}

/// What a group of exchanges cost. Of the columns that name the group those are there that were asked for.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Paid {
    /// `baseline` or `candidate`; `other` in the row of everything that is not told apart.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arm: Option<String>,
    /// What the answers were for: `served`, `shadow`, `repeat`, `replayed`, `fallback`, or `recorded` for answers that were
    /// taken from a log and not asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// Consumer; `anonymous` without a name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consumer: Option<String>,
    /// Provider.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// Model that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Day of sending, UTC: `2026-11-23`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub day: Option<String>,
    /// Hour of the day of sending, UTC, 0 to 23.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hour: Option<u8>,
    /// Exchanges.
    pub exchanges: u64,
    /// Those that were answered.
    pub answered: u64,
    /// Exchanges with a price; only these are in `amount`.
    pub priced: u64,
    /// Exchanges with token counts and without a price.
    pub unpriced: u64,
    /// Exchanges that may have been billed and whose tokens nobody counted.
    pub without_usage: u64,
    /// Failures for which providers bill nothing, and that report no tokens.
    pub unbilled: u64,
    /// Priced exchanges whose token counts are an estimate.
    pub estimated: u64,
    /// Priced exchanges sent while their model was dearer than at the cheapest time of the day.
    pub peak: u64,
    /// What they cost, decimal string.
    pub amount: String,
    /// The part of it that rests on estimated token counts.
    pub estimated_amount: String,
    /// The part of it that was spent on exchanges at dearer times.
    pub peak_amount: String,
    /// Prompt tokens that were neither read from a cache nor written to one that bills it. Tokens of two providers are not
    /// of one size: they are not comparable between arms.
    pub prompt_uncached: u64,
    /// Prompt tokens read from a cache.
    pub prompt_cached: u64,
    /// Prompt tokens written to a cache that bills it.
    pub prompt_cache_write: u64,
    /// Completion tokens without reasoning.
    pub completion_visible: u64,
    /// Completion tokens spent on reasoning.
    pub completion_reasoning: u64,
    /// Characters of the visible answers: these are comparable.
    pub answer_chars: u64,
    /// Characters an answer, rounded to a tenth. Absent without answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chars_per_answer: Option<f64>,
    /// Money per 1000 characters of answers, decimal string; over the priced ones. Absent without characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_1000_chars: Option<String>,
}

/// The whole traffic in one hour of the day, on either arm.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Hour {
    /// Hour of the day, UTC, 0 to 23.
    pub hour: u8,
    /// Requests with known costs.
    pub requests: u64,
    /// What they cost, or would have cost, on the baseline; decimal string. Absent where it cannot be said.
    pub baseline: Option<String>,
    /// What they cost, or would have cost, on the candidate.
    pub candidate: Option<String>,
    /// Share of the requests at which the candidate was dearer than at its cheapest time of the day, 0 to 1.
    pub peak_share: f64,
}

/// The same traffic on one arm and on the other, each request once and at its own clock.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Counterfactual {
    /// Requests of the traffic whose served side has a price. All sums are over these.
    pub requests: u64,
    /// Those of them whose other arm answered too and has a price: nothing is estimated.
    pub requests_paired: u64,
    /// Those of them whose other arm is estimated by ratios.
    pub requests_estimated: u64,
    /// Requests that are in no sum because what they cost is not known (no price, or no token counts).
    pub requests_unknown: u64,
    /// Requests that are in no sum because the arm that was asked did not answer.
    pub requests_failed: u64,
    /// What the traffic cost as it was split; decimal string.
    pub as_served: String,
    /// The part of `as_served` that rests on estimated token counts.
    pub estimated_amount: String,
    /// All of the traffic on the baseline. Absent where requests would have to be estimated and no pair tells how.
    pub baseline: Option<Amount>,
    /// All of the traffic on the candidate.
    pub candidate: Option<Amount>,
    /// `baseline` less `candidate`.
    pub saving: Option<Amount>,
    /// The ratios that stand in for missing copies; those of most money first, at most 64.
    pub strata: Vec<Stratum>,
    /// How it was computed, one sentence.
    pub method: String,
}

/// One kind of request, and how much the other arm costs for it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Stratum {
    /// Arm that served: `baseline` or `candidate`. The ratio is the other arm's money over its.
    pub served: String,
    /// Model that served.
    pub model: String,
    /// `latin`, `mixed`, `wide` or `unknown`, by the share of wide characters in the prompts.
    pub language: String,
    /// `structured`, `tools`, `thinking`, `embeddings`, `streamed` or `whole`.
    pub kind: String,
    /// Pairs of this stratum.
    pub pairs: u64,
    /// Requests of this stratum without a copy.
    pub requests: u64,
    /// What they cost on the arm that served them, decimal string.
    pub amount: String,
    /// The ratio applied to them.
    pub ratio: Option<f64>,
    /// Its two-sided 95 % interval.
    pub ratio_lower: Option<f64>,
    /// Its two-sided 95 % interval.
    pub ratio_upper: Option<f64>,
    /// What the ratio was taken from: `stratum`, or where that has too few pairs `model`, or `arm` (all pairs).
    pub taken_from: String,
}

/// A month on the candidate against a month on the baseline.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Saving {
    /// Requests a month.
    pub requests: f64,
    /// Where that number is from: `hour-of-week` (the window holds a week), `mean-rate`, or `stated`.
    pub scaled_by: String,
    /// Length of the window it was observed in, hours.
    pub window_hours: f64,
    /// A month of the traffic on the baseline.
    pub baseline: Amount,
    /// The same on the candidate, at the hours at which it is sent today.
    pub candidate: Amount,
    /// The difference: what a month on the candidate saves. Negative where it costs more.
    pub amount: Amount,
    /// The same if everything that can wait were sent at the cheapest time of its day.
    pub off_peak: Amount,
    /// Share of the requests that can wait, 0 to 1.
    pub can_wait_share: f64,
    /// Which requests are taken to be able to wait, one sentence.
    pub can_wait_rule: String,
    /// Share of the requests in the window that are in no sum because their cost is not known, 0 to 1.
    pub unknown_share: f64,
    /// Share of the money in the window that rests on estimated token counts, 0 to 1.
    pub estimated_share: f64,
}

/// How the candidate's bill depends on its cache.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CacheTable {
    /// Share of the baseline's prompt tokens that were read from its cache. Absent without tokens.
    pub baseline_hit_rate: Option<f64>,
    /// The same of the candidate.
    pub candidate_hit_rate: Option<f64>,
    /// The candidate's bill at one hit rate after the other.
    pub rows: Vec<CachePoint>,
    /// The hit rate at which both arms cost the same, if there is one between 0 and 1.
    pub break_even: Option<f64>,
    /// What that means, one sentence.
    pub reading: String,
}

/// All of the traffic on the candidate if its cache knew this much.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CachePoint {
    /// `cold` (nothing is cached, as just after a switch), `observed`, `baseline` (the rate of the baseline) or `warm`.
    pub name: String,
    /// Share of the prompt tokens that is read from the cache, 0 to 1.
    pub hit_rate: f64,
    /// The traffic of the window on the candidate, decimal string.
    pub candidate: String,
    /// What it saves against the baseline as observed, decimal string.
    pub saving: String,
    /// The same in a month, where a month can be said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub saving_per_month: Option<String>,
}

/// A price that was used and may not hold any more.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct StalePrice {
    /// Provider.
    pub provider: String,
    /// Model.
    pub model: String,
    /// Why it is doubted, one sentence.
    pub why: String,
}
