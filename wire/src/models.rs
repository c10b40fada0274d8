//! Facts about models: how much they take, whether they see, when they end.
//!
//! These are the facts behind the predictions of [`outlook`](crate::provider::outlook) and the clamps of the rewrite, in
//! one place, each with the day on which it was checked and where it came from. A model that is not listed is not
//! wrong: providers add names every month, and a gateway must not stand in the way of next week's. Nothing is assumed
//! about it, and `outlook` says so.

mod deepseek;
mod openai;

use crate::provider::Provider;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// What is known of one model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Model {
    /// Who serves it.
    pub provider: Provider,
    /// Name by which it is asked for. Dated snapshots share their family's facts.
    pub name: &'static str,
    /// The model that serves this name today; `None` where it is itself.
    pub served_as: Option<&'static str>,
    /// Tokens of prompt and answer together.
    pub window_tokens: u64,
    /// Tokens of the prompt alone.
    pub prompt_tokens_max: u64,
    /// Tokens of the answer, reasoning included.
    pub output_tokens_max: u64,
    /// Whether it sees images.
    pub sees_images: bool,
    /// How it reasons.
    pub reasoning: Reasoning,
    /// Requests in flight, per account, before there are refusals; `None` where the provider counts by the minute.
    pub concurrency_max: Option<u32>,
    /// When the name is refused, or was, in UTC; `None` where no end is announced.
    pub shutdown: Option<DateTime>,
    /// When the facts were last checked, `YYYY-MM-DD`.
    pub checked: &'static str,
    /// Where they come from.
    pub source: &'static str,
}

/// How a model reasons, and what it refuses because of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reasoning {
    /// It does not, and refuses to be asked for an effort.
    Never,
    /// It does, switched on and off by the caller; on unless switched off. Sampling parameters pass, without effect.
    Switched {
        /// Efforts that it tells apart.
        efforts: &'static [&'static str],
    },
    /// It does, at the effort that the caller names. `max_tokens` is refused under this name, and sampling parameters
    /// are refused at every effort but `none`.
    Effort {
        /// Efforts that it takes.
        efforts: &'static [&'static str],
        /// Effort of a caller that names none; `None` where that is not documented.
        default: Option<&'static str>,
    },
}

impl Reasoning {
    /// Efforts that the model takes.
    #[must_use]
    pub const fn efforts(&self) -> &'static [&'static str] {
        match self {
            Self::Never => &[],
            Self::Switched { efforts } | Self::Effort { efforts, .. } => efforts,
        }
    }

    /// Whether a caller that says nothing gets reasoning, and pays for it; `None` where that is not documented.
    #[must_use]
    pub fn by_default(&self) -> Option<bool> {
        match self {
            Self::Never => Some(false),
            Self::Switched { .. } => Some(true),
            Self::Effort { default, .. } => default.map(|effort| effort != "none"),
        }
    }
}

impl Model {
    /// When the name is refused, or was: microseconds since the Unix epoch.
    #[must_use]
    pub fn retires_us(&self) -> Option<i64> {
        let at = self.shutdown?.to_zoned(TimeZone::UTC).ok()?;
        Some(at.timestamp().as_microsecond())
    }

    /// The name under which the model is sold today.
    #[must_use]
    pub fn living_name(&self) -> &'static str {
        self.served_as.unwrap_or(self.name)
    }
}

/// All models that are known.
pub fn all() -> impl Iterator<Item = &'static Model> {
    openai::MODELS.iter().chain(&deepseek::MODELS)
}

/// What is known of a model: under its very name, or under that of the family whose dated snapshot it is. `None` for
/// a name nobody wrote down here, and for every model of a compatible server.
#[must_use]
pub fn find(provider: Provider, name: &str) -> Option<&'static Model> {
    let models: &'static [Model] = match provider {
        Provider::OpenAi => &openai::MODELS,
        Provider::DeepSeek => &deepseek::MODELS,
        Provider::Compatible => &[],
    };
    let exact = models.iter().find(|model| model.name == name);
    exact.or_else(|| models.iter().find(|model| name.strip_prefix(model.name).is_some_and(is_date_suffix)))
}

/// The name under which a provider sells a model today; the same name where nothing else is known.
#[must_use]
pub fn living_name(provider: Provider, name: &str) -> &str {
    find(provider, name).and_then(|model| model.served_as).unwrap_or(name)
}

/// Whether what stands behind a family's name is a date, as in `-2025-04-14` and `-1106`.
fn is_date_suffix(rest: &str) -> bool {
    let digits = |byte: u8| byte.is_ascii_digit() || byte == b'-';
    rest.strip_prefix('-').is_some_and(|rest| rest.len() >= 4 && rest.bytes().all(digits))
}

#[cfg(test)]
mod tests;
