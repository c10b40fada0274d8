//! The projection as a document: numbers and names only, nothing about how they look.
//!
//! Money is a decimal string with nine places in the price table's currency, as in the verdict. Every choice of models is compared with the baseline's bill of
//! exactly the requests that it has a price for (`against`), so a request without a price is in neither sum and is counted.

use super::ratio::{Corpus, Ratio};
use serde::Serialize;

/// Name of the form.
pub const SCHEMA: &str = "weighbridge.projection/1";

/// What a log costs, and what it would cost.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Document {
    /// [`SCHEMA`].
    pub schema: &'static str,
    /// End of the seven days whose prices were taken, RFC 3339.
    pub now: String,
    /// ISO code of the currency of all money.
    pub currency: &'static str,
    /// SHA-256 of the price table.
    pub tariffs_digest: String,
    /// What was read.
    pub log: Log,
    /// The provider of today.
    pub baseline: Baseline,
    /// Choices of the candidate's models, the mapped one first.
    pub choices: Vec<Choice>,
    /// By consumer, dearest first.
    pub by_consumer: Vec<Group>,
    /// By model that was asked for, dearest first.
    pub by_model: Vec<Group>,
    /// By day (UTC), in order; empty where the log has no dates.
    pub by_day: Vec<Group>,
    /// By hour of the week (UTC), such as `Mon 09`, Monday first; empty where the log has no dates.
    pub by_hour: Vec<Group>,
    /// By language of the prompt.
    pub by_language: Vec<Language>,
    /// Models without a price, most asked first.
    pub unpriced: Vec<Unpriced>,
    /// Prices in use that may no longer hold, a sentence each.
    pub stale: Vec<String>,
    /// Tokens of one vocabulary in the other.
    pub ratios: RatioTable,
    /// What could not be said, and why, in sentences.
    pub notes: Vec<String>,
}

/// What was read.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Log {
    /// Requests.
    pub requests: u64,
    /// Of them billed: counted or estimated.
    pub billed: u64,
    /// Failed before anything was billed; they cost nothing in either arm.
    pub failed: u64,
    /// Not a request of their endpoint: they stay where they are.
    pub unreadable: u64,
    /// Billed without a count of the provider.
    pub estimated: u64,
    /// Share of the baseline's money that is estimated, 0 to 1; absent where nothing is priced.
    pub estimated_share: Option<f64>,
    /// Answers that were neither counted nor kept, in a log that tells no length of answers at all: they are in no sum.
    pub answers_unknown: u64,
    /// Answers that were neither counted nor kept, in such a log, taken as long as their requests allow: the most they can be.
    pub answers_at_limit: u64,
    /// Requests whose cached part the log does not tell: priced as if nothing had been cached.
    pub cached_unknown: u64,
    /// Share of the prompts' tokens that were read from the baseline's cache, 0 to 1, where the log tells.
    pub cached_share: Option<f64>,
    /// `dated`, `undated` (times from the log's own start: prices are the mean of all hours of a week) or `untimed`.
    pub clock: &'static str,
    /// From the first request to the last, seconds; absent where the log has no times.
    pub span_seconds: Option<f64>,
    /// Requests an hour over that span.
    pub requests_per_hour: Option<f64>,
    /// Requests that could be asked at a cheaper hour, by the rule of `can_wait_rule`.
    pub can_wait: u64,
    /// The rule.
    pub can_wait_rule: &'static str,
}

/// A sum of money in nano-dollars, written as a decimal string with nine places.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Nanos(pub i64);

impl Serialize for Nanos {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&wire::price::decimal(self.0, 9))
    }
}

/// An amount with its interval (95 %), written as the verdict's amounts are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Money {
    /// Likely value.
    pub value: Nanos,
    /// Lower bound.
    pub lower: Nanos,
    /// Upper bound.
    pub upper: Nanos,
}

/// What the provider of today is paid.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Baseline {
    /// Its name.
    pub provider: &'static str,
    /// At the prices of the week that ends now, each request at its hour of the week.
    pub today: Money,
    /// At the prices of the instants at which the requests were sent; absent where the log has no dates or the table no
    /// price of that time for some request.
    pub paid: Option<Money>,
    /// By the log's own account, and for how many requests it has one.
    pub by_log: Option<Nanos>,
    /// Requests with such an account.
    pub by_log_requests: u64,
    /// Requests without a price.
    pub unpriced: u64,
}

/// One choice of models at the candidate.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Choice {
    /// `as mapped`, or the one model that everything goes to.
    pub name: String,
    /// Requests that would go to the candidate.
    pub moved: u64,
    /// Requests that would go there and have no price there; they are in no sum of this choice.
    pub unpriced: u64,
    /// Requests with a price in both arms, whether they move or stay. Where it is 0, the amounts say nothing.
    pub priced: u64,
    /// The baseline's bill of the same requests.
    pub against: Money,
    /// The whole bill with this choice: what moves at the candidate's prices, the rest at the baseline's.
    pub cost: Money,
    /// `against` less `cost`; below 0 where the candidate is dearer. Absent where answers are unknown.
    pub saving: Option<Money>,
    /// Bill of the requests that move, at the candidate.
    pub moved_cost: Money,
    /// Likely bill if all were asked at the cheapest hour of the week.
    pub cheapest_hours: Nanos,
    /// Likely bill if all were asked at the dearest hour.
    pub dearest_hours: Nanos,
    /// Share of the candidate's money that is paid at more than the cheapest price of the week, 0 to 1.
    pub peak_share: Option<f64>,
    /// Likely bill if what can wait were asked at the cheapest hour.
    pub batch_moved: Nanos,
    /// By share of cached input at the candidate.
    pub cache: Vec<Cached>,
    /// Share of cached input above which the candidate is cheaper; absent where there is none between 0 and 1, or where it
    /// is cheaper without a cache.
    pub cache_break_even: Option<f64>,
    /// By length of the candidate's answers.
    pub lengths: Vec<Length>,
    /// If the candidate thought before it answered.
    pub thinking: Option<Thinking>,
    /// A month like the log.
    pub month: Option<Month>,
}

/// A bill at some share of cached input.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Cached {
    /// Share, 0 to 1; absent: each request's recorded share.
    pub share: Option<f64>,
    /// Likely bill.
    pub cost: Nanos,
    /// Likely saving; below 0 where the candidate is dearer.
    pub saving: Nanos,
}

/// A bill at some length of answers.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Length {
    /// Tokens of the candidate's answers for each of the same answer's, percent.
    pub percent: u32,
    /// Likely bill.
    pub cost: Nanos,
    /// Likely saving.
    pub saving: Nanos,
    /// Why this length.
    pub why: &'static str,
}

/// A bill with reasoning.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Thinking {
    /// The gateway's rewrite switches it off, and the other sums are without it.
    pub off: bool,
    /// Completion tokens with reasoning for each one without, percent.
    pub percent: u32,
    /// Likely bill.
    pub cost: Nanos,
    /// Whether that multiple was measured at the candidate's models of today.
    pub measured: bool,
    /// Where the multiple is from.
    pub source: &'static str,
}

/// A month like the log.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Month {
    /// How the log was scaled: `hour-of-week`, `mean-rate`, or `stated` where somebody named the requests of a month.
    pub scaled_by: &'static str,
    /// Length of the log, hours.
    pub window_hours: f64,
    /// Requests in it, of those that have a price.
    pub requests: f64,
    /// The baseline's bill.
    pub against: Nanos,
    /// The bill with this choice.
    pub cost: Nanos,
    /// What moving would save at today's hours, with an interval (95 %) of ratios, estimates and chance; absent where the log
    /// is too short for one or its answers are unknown.
    pub saving: Option<Money>,
    /// The same, if what can wait were asked at the cheapest hour; absent where answers are unknown.
    pub saving_batch_moved: Option<Nanos>,
}

/// A part of the log.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Group {
    /// Its name; `-` where the log has none, `other` beyond the bound.
    pub name: String,
    /// Requests.
    pub requests: u64,
    /// The baseline's bill at today's prices, estimated parts at their likely size.
    pub baseline: Nanos,
    /// By choice, in their order.
    pub choices: Vec<GroupChoice>,
}

/// A part of the log, with one choice.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct GroupChoice {
    /// The baseline's bill of the requests that have a price.
    pub against: Nanos,
    /// The bill with this choice.
    pub cost: Money,
}

/// Prompts of one language.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Language {
    /// `english` (code and formulas too), `chinese`, or `unknown`.
    pub script: super::ratio::Script,
    /// Requests.
    pub requests: u64,
    /// Prompt tokens that the baseline counted.
    pub prompt_tokens: u64,
    /// Answer tokens that the baseline counted, reasoning left out.
    pub answer_tokens: u64,
}

/// A model without a price.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unpriced {
    /// Provider.
    pub provider: String,
    /// Model.
    pub model: String,
    /// Requests.
    pub requests: u64,
}

/// Tokens of one vocabulary in the other.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RatioTable {
    /// English, code and formulas: DeepSeek's tokens for each of `o200k`.
    pub english: Ratio,
    /// Chinese.
    pub chinese: Ratio,
    /// Where nothing is measured.
    pub unmeasured: Ratio,
    /// How they were counted.
    pub source: &'static str,
    /// What was counted.
    pub corpora: Vec<Corpus>,
}
