//! Reading a profile from TOML, and refusing one that makes no sense.

use std::path::{Path, PathBuf};

use super::world::{self, PeakHours};
use super::{Base, Length, Profile};

const OPENAI: &str = include_str!("../../profiles/openai.toml");
const DEEPSEEK: &str = include_str!("../../profiles/deepseek.toml");
const COMPATIBLE: &str = include_str!("../../profiles/compatible.toml");
const MODERATION: &str = include_str!("../../profiles/moderation.toml");

/// A profile cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    /// The file could not be read.
    #[error("cannot read profile {path}: {source}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is not TOML, or has an unknown key or a wrong type; the message names line and column.
    #[error("profile {path}: {source}")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What and where.
        source: Box<toml::de::Error>,
    },
    /// A value is outside its range.
    #[error("profile value {field} is {found}: expected {expected}")]
    OutOfRange {
        /// The key, with dots.
        field: String,
        /// The value found.
        found: String,
        /// The values allowed.
        expected: &'static str,
    },
}

impl Profile {
    /// Reads a TOML file: missing keys come from the profile named by its key `base`, else from [`Profile::instant`].
    ///
    /// # Errors
    /// Names the file and the line of an unknown key or a wrong type, and the key and the allowed range of a bad value.
    pub fn read(path: &Path) -> Result<Self, ProfileError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| ProfileError::Unreadable { path: path.to_owned(), source })?;
        let profile = parse(&text)
            .map_err(|source| ProfileError::Malformed { path: path.to_owned(), source: Box::new(source) })?;
        profile.check()?;
        Ok(profile)
    }

    /// Whether all values are in range; the server checks this when it starts.
    ///
    /// # Errors
    /// Names the first key that is out of range.
    pub fn check(&self) -> Result<(), ProfileError> {
        let shares =
            [("slow_share", self.slow_share), ("queue_share", self.queue_share), ("cached_share", self.cached_share)];
        let faults = self.faults.shares();
        let faults = faults.iter().map(|(fault, share)| (format!("faults.{}", fault.name()), *share));
        for (field, share) in shares.map(|(field, share)| (field.to_owned(), share)).into_iter().chain(faults) {
            require((0.0..=1.0).contains(&share), field, share, "a share from 0 to 1")?;
        }
        let total: f64 = self.faults.shares().iter().map(|(_, share)| share).sum();
        require(
            total <= 1.0 + 1e-9,
            "faults (their sum)".to_owned(),
            total,
            "at most 1, as a request meets one fault",
        )?;

        let lengths = [("answer", self.answer), ("reasoning", self.reasoning)];
        let positive = [
            ("time_scale", self.time_scale),
            ("slow_factor", self.slow_factor),
            ("first_token.median_ms", self.first_token.median_ms),
            ("gap.median_ms", self.gap.median_ms),
        ];
        let medians =
            lengths.map(|(name, Length { median_tokens, .. })| (format!("{name}.median_tokens"), median_tokens));
        for (field, value) in positive.map(|(field, value)| (field.to_owned(), value)).into_iter().chain(medians) {
            require((0.0..=1e9).contains(&value), field, value, "a number from 0 to 1e9")?;
        }
        let spreads = [
            ("first_token", self.first_token.sigma),
            ("gap", self.gap.sigma),
            ("answer", self.answer.sigma),
            ("reasoning", self.reasoning.sigma),
        ];
        for (field, sigma) in spreads {
            require((0.0..=5.0).contains(&sigma), format!("{field}.sigma"), sigma, "a number from 0 to 5")?;
        }
        let counts =
            [("tokens_per_chunk", u64::from(self.tokens_per_chunk)), ("cache_block_tokens", self.cache_block_tokens)];
        for (field, count) in counts {
            require(count >= 1, field.to_owned(), count, "a whole number of at least 1")?;
        }
        self.check_measured()?;
        self.check_world()
    }

    fn check_world(&self) -> Result<(), ProfileError> {
        if let Some(peak) = &self.peak {
            let field = "peak.wait_factor".to_owned();
            require((0.0..=1e6).contains(&peak.wait_factor), field, peak.wait_factor, "a number from 0 to 1e6")?;
            let hours = PeakHours::of(peak);
            let expected = "windows such as 01:00-04:00 and holidays such as 2026-10-01";
            require(hours.is_ok(), "peak".to_owned(), hours.err().unwrap_or_default(), expected)?;
        }
        if let Some(account) = &self.account {
            let (field, percent) = ("account.peak_percent".to_owned(), account.peak_percent);
            require(percent <= 10_000, field, percent, "a percentage of at most 10000")?;
        }
        if let Some(checkpoint) = &self.checkpoint {
            let (field, factor) = ("checkpoint.length_factor".to_owned(), checkpoint.length_factor);
            require((0.0..=1e6).contains(&factor), field, factor, "a number from 0 to 1e6")?;
            let expected = "an instant such as 2026-10-17T00:00:00Z";
            require(world::instant(&checkpoint.at).is_some(), "checkpoint.at".to_owned(), &checkpoint.at, expected)?;
        }
        Ok(())
    }
}

fn require(
    holds: bool,
    field: String,
    found: impl std::fmt::Display,
    expected: &'static str,
) -> Result<(), ProfileError> {
    if holds { Ok(()) } else { Err(ProfileError::OutOfRange { field, found: found.to_string(), expected }) }
}

/// Parses the text twice: once as it stands, so that errors point at the user's own lines, and once laid over its base.
fn parse(text: &str) -> Result<Profile, toml::de::Error> {
    let stated: Profile = toml::from_str(text)?;
    let Some(base) = stated.base.filter(|base| *base != Base::Instant) else {
        return Ok(stated);
    };
    let mut merged: toml::Table = toml::from_str(source(base))?;
    lay_over(&mut merged, toml::from_str(text)?);
    merged.try_into()
}

fn lay_over(below: &mut toml::Table, above: toml::Table) {
    for (key, value) in above {
        match (below.get_mut(&key), value) {
            (Some(toml::Value::Table(below)), toml::Value::Table(above)) => lay_over(below, above),
            (_, value) => {
                below.insert(key, value);
            }
        }
    }
}

const fn source(base: Base) -> &'static str {
    match base {
        Base::OpenAi => OPENAI,
        Base::DeepSeek => DEEPSEEK,
        Base::Compatible => COMPATIBLE,
        Base::Moderation => MODERATION,
        Base::Instant => "",
    }
}

/// A profile that comes with the crate. A test parses each of them, so the fallback is never taken.
pub(super) fn embedded(base: Base) -> Profile {
    toml::from_str(source(base)).unwrap_or_default()
}
