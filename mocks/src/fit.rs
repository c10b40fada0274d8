//! Profiles from records: what a provider did last week, as a profile that a mock can do again.
//!
//! ```
//! use mocks::{Fit, OutcomeRow, Provider};
//!
//! let mut fit = Fit::new();
//! for number in 0..100 {
//!     let row = OutcomeRow { ttft_us: Some(300_000 + number), duration_us: 900_000, ..OutcomeRow::of(Provider::OpenAi, "m") };
//!     fit.add(&row);
//! }
//! let fitted = fit.fitted(Provider::OpenAi)?;
//! let text = fitted.to_toml(); // for `mock --profile`
//! # assert!(text.contains("first_token_ms"));
//! # Ok::<(), mocks::FitError>(())
//! ```
//!
//! Memory does not grow with the rows: times and lengths go into histograms of two significant digits (1%), and so many
//! models are told apart and no more; the others count for the provider as a whole.
//!
//! # What is taken from what
//!
//! | In the profile | From the records |
//! | --- | --- |
//! | time to the first token | answered, streamed rows; where there are fewer than 30, the duration of the others |
//! | gaps | the rest of the duration over the tokens after the first; one value an answer, in bands of equally fast starts |
//! | lengths of answer and reasoning | tokens of answered rows |
//! | faults | rows by kind of error, over all rows that say something about the provider |
//! | share of cached tokens | sums over answered rows |
//!
//! Rows that the client or the gateway cut short say nothing about the provider and are left out. So are wrong requests (bad
//! request, unknown model, wrong key): they are the client's, and a replay brings its own.

mod tables;

use std::collections::BTreeMap;

use wire::error::ErrorKind;
use wire::provider::Provider;

use crate::profile::{Faults, Profile};
use tables::Tables;

/// Answered rows that a table needs.
const ROWS_MIN: u64 = 30;
/// Models told apart, of all providers together.
const MODELS_MAX: usize = 256;

/// What a record tells about one exchange.
#[derive(Clone, Copy, Debug)]
pub struct OutcomeRow<'a> {
    /// Who answered, or failed to.
    pub provider: Provider,
    /// The model asked for, as the provider calls it.
    pub model: &'a str,
    /// Whether the answer was streamed.
    pub streamed: bool,
    /// Time to the first token, microseconds.
    pub ttft_us: Option<u64>,
    /// Time to the end, microseconds.
    pub duration_us: u64,
    /// Why it failed.
    pub error: Option<ErrorKind>,
    /// Why the answer ended.
    pub finish_reason: Option<&'a str>,
    /// All tokens of the prompt.
    pub prompt_tokens: Option<u64>,
    /// Part of `prompt_tokens` that was read from a cache.
    pub cached_tokens: Option<u64>,
    /// All tokens of the answer, reasoning included.
    pub completion_tokens: Option<u64>,
    /// Part of `completion_tokens` spent on reasoning.
    pub reasoning_tokens: Option<u64>,
}

impl<'a> OutcomeRow<'a> {
    /// A streamed answer of which nothing else is known.
    #[must_use]
    pub fn of(provider: Provider, model: &'a str) -> Self {
        Self {
            provider,
            model,
            streamed: true,
            ttft_us: None,
            duration_us: 0,
            error: None,
            finish_reason: None,
            prompt_tokens: None,
            cached_tokens: None,
            completion_tokens: None,
            reasoning_tokens: None,
        }
    }
}

/// No profile can be made.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum FitError {
    /// There is too little to go by.
    #[error(
        "only {answered} of {rows} records of {} were answered: at least {ROWS_MIN} are needed, so take records of a \
         longer time",
        provider.name()
    )]
    TooFew {
        /// Whose records.
        provider: Provider,
        /// All of them.
        rows: u64,
        /// Those with an answer.
        answered: u64,
    },
}

/// Collects what records tell.
#[derive(Debug, Default)]
pub struct Fit {
    providers: BTreeMap<Provider, Outcomes>,
    models: BTreeMap<(Provider, String), Tables>,
    merged_models: bool,
}

/// A profile and what it was made from.
#[derive(Clone, Debug)]
pub struct Fitted {
    /// The profile.
    pub profile: Profile,
    /// All rows of the provider.
    pub rows: u64,
    /// Rows with an answer.
    pub answered: u64,
    /// Rows that say nothing about the provider.
    pub left_out: u64,
    /// Answered rows by model; models with fewer than 30 have no table of their own.
    pub models: Vec<(String, u64)>,
    /// Whether there were more models than are told apart.
    pub merged_models: bool,
}

#[derive(Debug, Default)]
struct Outcomes {
    rows: u64,
    left_out: u64,
    faults: BTreeMap<&'static str, u64>,
    prompt_tokens: u128,
    cached_tokens: u128,
    tables: Tables,
}

impl Fit {
    /// Nothing known yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes one row in.
    pub fn add(&mut self, row: &OutcomeRow<'_>) {
        let outcomes = self.providers.entry(row.provider).or_default();
        if !outcomes.add(row) {
            return;
        }
        let key = (row.provider, row.model.to_owned());
        let full = self.models.len() >= MODELS_MAX;
        match self.models.get_mut(&key) {
            Some(tables) => tables.add(row),
            None if full => self.merged_models = true,
            None => self.models.entry(key).or_default().add(row),
        }
    }

    /// The providers with rows.
    pub fn providers(&self) -> impl Iterator<Item = Provider> {
        self.providers.keys().copied()
    }

    /// The profile of a provider.
    ///
    /// # Errors
    /// Fewer than 30 of its rows were answered.
    pub fn fitted(&self, provider: Provider) -> Result<Fitted, FitError> {
        let none = Outcomes::default();
        let outcomes = self.providers.get(&provider).unwrap_or(&none);
        let (rows, answered) = (outcomes.rows, outcomes.tables.answered);
        if answered < ROWS_MIN {
            return Err(FitError::TooFew { provider, rows, answered });
        }
        let models = self.models.iter().filter(|((of, _), _)| *of == provider);
        let models: Vec<(&String, &Tables)> = models.map(|((_, model), tables)| (model, tables)).collect();
        let enough = models.iter().filter(|(_, tables)| tables.answered >= ROWS_MIN);
        // The tables of a single model are those of the provider.
        let measured_by_model = match models.as_slice() {
            [_] => BTreeMap::new(),
            _ => enough.map(|(model, tables)| ((*model).clone(), tables.measured())).collect(),
        };
        let profile = Profile {
            time_scale: 1.0,
            slow_share: 0.0,
            slow_factor: 1.0,
            // Waiting in the queue is part of the time to the first token.
            queue_share: 0.0,
            tokens_per_chunk: 1,
            cached_share: share(outcomes.cached_tokens, outcomes.prompt_tokens),
            cache_block_tokens: 1,
            cache_tokens_min: 0,
            faults: outcomes.faults(),
            measured: Some(outcomes.tables.measured()),
            measured_by_model,
            ..Profile::of(provider)
        };
        Ok(Fitted {
            profile,
            rows,
            answered,
            left_out: outcomes.left_out,
            models: models.iter().map(|(model, tables)| ((*model).clone(), tables.answered)).collect(),
            merged_models: self.merged_models,
        })
    }
}

impl Fitted {
    /// The profile as a file for `mock --profile`, with a word on where it comes from.
    #[must_use]
    pub fn to_toml(&self) -> String {
        let Self { rows, answered, left_out, models, .. } = self;
        let mut text = format!(
            "# Fitted from {rows} records: {answered} answered, {left_out} left out because they say nothing about the \
             provider.\n"
        );
        for (model, answered) in models {
            // A name is the client's text: nothing of it may end the comment.
            text.push_str(&format!("# {answered} of them by {}\n", model.escape_default()));
        }
        // Numbers, texts and tables of them always have a form in TOML.
        text + "\n" + &toml::to_string(&self.profile).unwrap_or_default()
    }
}

impl Outcomes {
    /// Counts a row; says whether it holds an answer.
    fn add(&mut self, row: &OutcomeRow<'_>) -> bool {
        self.rows += 1;
        match (row.error, row.finish_reason) {
            (Some(kind), _) => {
                match fault(kind) {
                    Some(fault) => *self.faults.entry(fault).or_default() += 1,
                    None => self.left_out += 1,
                }
                return false;
            }
            (None, Some("content_filter")) => *self.faults.entry("answer_filter").or_default() += 1,
            (None, Some("insufficient_system_resource")) => {
                *self.faults.entry("insufficient_system_resource").or_default() += 1;
            }
            (None, Some("aborted")) => *self.faults.entry("aborted").or_default() += 1,
            _ => {}
        }
        if let (Some(prompt), Some(cached)) = (row.prompt_tokens, row.cached_tokens) {
            self.prompt_tokens += u128::from(prompt);
            self.cached_tokens += u128::from(cached.min(prompt));
        }
        self.tables.add(row);
        true
    }

    fn faults(&self) -> Faults {
        let rows = u128::from(self.rows - self.left_out);
        let of = |name: &str| share(u128::from(self.faults.get(name).copied().unwrap_or(0)), rows);
        Faults {
            error_402: of("error_402"),
            error_429: of("error_429"),
            error_500: of("error_500"),
            error_503: of("error_503"),
            reset: of("reset"),
            stall: of("stall"),
            truncate: of("truncate"),
            bad_json: of("bad_json"),
            prompt_filter: of("prompt_filter"),
            answer_filter: of("answer_filter"),
            insufficient_system_resource: of("insufficient_system_resource"),
            aborted: of("aborted"),
            ..Faults::default()
        }
    }
}

/// The fault that looks like an error; `None` if it is not the provider's.
fn fault(kind: ErrorKind) -> Option<&'static str> {
    match kind {
        ErrorKind::Connect => Some("reset"),
        ErrorKind::Timeout => Some("stall"),
        ErrorKind::Truncated => Some("truncate"),
        ErrorKind::Malformed => Some("bad_json"),
        ErrorKind::RateLimit => Some("error_429"),
        ErrorKind::Quota => Some("error_402"),
        ErrorKind::Moderation => Some("prompt_filter"),
        ErrorKind::Overloaded => Some("error_503"),
        ErrorKind::Server => Some("error_500"),
        ErrorKind::Auth
        | ErrorKind::BadRequest
        | ErrorKind::NotFound
        | ErrorKind::ClientCancelled
        | ErrorKind::GatewayStopped
        | ErrorKind::GatewayBusy => None,
    }
}

/// The cast is exact enough for a share, which is rounded to six digits for the reader's sake.
fn share(part: u128, whole: u128) -> f64 {
    if whole == 0 { 0.0 } else { (part as f64 / whole as f64 * 1e6).round() / 1e6 }
}

#[cfg(test)]
mod tests;
