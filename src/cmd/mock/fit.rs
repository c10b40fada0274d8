//! Profiles for mocks: read from a file, or fitted on the spot from what providers did.

use crate::outcome::Failure;
use crate::render;
use datasets::{Exchange, Format, Lines, LoggedRequest, ReadError, Recorded, Role};
use mocks::{Fit, OutcomeRow, Profile, Provider};
use std::io::Read;
use std::path::Path;
use wire::Request;

/// Where the mocks' profiles come from.
pub(super) enum Profiles {
    /// Each mock has its own.
    Usual,
    /// One for all, from a file.
    Written(Box<Profile>),
    /// Fitted for each provider.
    Fitted(Box<Fit>),
}

impl Profiles {
    /// Reads a profile, exchange records, or a request log with recorded answers.
    pub(super) fn of(path: Option<&Path>) -> Result<Self, Failure> {
        let Some(path) = path else { return Ok(Self::Usual) };
        if !is_log(path)? {
            return Ok(Self::Written(Box::new(Profile::read(path).map_err(Failure::usage)?)));
        }
        let mut fit = Fit::new();
        match Lines::<Exchange>::open(path, Format::Exchanges) {
            Ok(lines) => exchanges(lines, &mut fit)?,
            // The other kind of file that tells how providers answered.
            Err(ReadError::Header { .. }) => requests(path, &mut fit)?,
            Err(error) => return Err(Failure::usage(error)),
        }
        Ok(Self::Fitted(Box::new(fit)))
    }

    /// The profile of one provider.
    pub(super) fn profile(&self, provider: Provider) -> Result<Profile, Failure> {
        match self {
            Self::Usual => Ok(Profile::of(provider)),
            Self::Written(profile) => Ok((**profile).clone()),
            Self::Fitted(fit) => match fit.fitted(provider) {
                Ok(fitted) => Ok(fitted.profile),
                // Records of one provider say nothing about the others, which keep their own.
                Err(_) if !fit.providers().any(|known| known == provider) => {
                    render::note(&format!("no records of {}: it keeps its usual profile", provider.name()));
                    Ok(Profile::of(provider))
                }
                Err(error) => Err(Failure::usage(error)),
            },
        }
    }

    /// The one that was written for a moderation service.
    pub(super) fn written(&self) -> Option<&Profile> {
        match self {
            Self::Written(profile) => Some(profile),
            Self::Usual | Self::Fitted(_) => None,
        }
    }

    /// As TOML, for `--profile`.
    pub(super) fn to_toml(&self, provider: Provider) -> Result<String, Failure> {
        match self {
            Self::Fitted(fit) => Ok(fit.fitted(provider).map_err(Failure::usage)?.to_toml()),
            Self::Usual | Self::Written(_) => Err(Failure::usage(
                "--print-profile needs --profile with records or a request log to fit a profile from",
            )),
        }
    }
}

/// Whether a file is weighbridge's own kind of log rather than TOML: packed, or with a header.
fn is_log(path: &Path) -> Result<bool, Failure> {
    let failed = |error| Failure::usage(format!("cannot read {}: {error}; check --profile", path.display()));
    let mut start = Vec::new();
    std::fs::File::open(path).map_err(failed)?.take(16).read_to_end(&mut start).map_err(failed)?;
    Ok(start.starts_with(b"{") || datasets::read::is_packed(&start))
}

fn exchanges(lines: Lines<Exchange>, fit: &mut Fit) -> Result<(), Failure> {
    for line in lines {
        let exchange = line.map_err(Failure::usage)?;
        // What a replay saw from outside holds the gateway's own time too.
        let Some(provider) = provider(&exchange.provider).filter(|_| exchange.role != Role::Observed) else { continue };
        if exchange.recorded == Some(datasets::FromLog::Untimed) {
            continue;
        }
        fit.add(&OutcomeRow {
            streamed: exchange.streamed,
            ttft_us: exchange.ttft_us,
            duration_us: exchange.duration_us,
            error: exchange.error,
            finish_reason: exchange.finish_reason.as_deref(),
            ..with_usage(OutcomeRow::of(provider, &exchange.model), exchange.usage)
        });
    }
    Ok(())
}

fn requests(path: &Path, fit: &mut Fit) -> Result<(), Failure> {
    for line in Lines::<LoggedRequest>::open(path, Format::Requests).map_err(Failure::usage)? {
        let request = line.map_err(Failure::usage)?;
        let Some(recorded) = &request.recorded else { continue };
        let (Some(provider), Some(duration_us)) = (provider(&recorded.provider), recorded.duration_us) else {
            continue;
        };
        let body = request.body.get().as_bytes();
        let streamed = Request::parse(request.endpoint, body).is_ok_and(|parsed| parsed.stream);
        fit.add(&row(provider, recorded, duration_us, streamed));
    }
    Ok(())
}

fn row(provider: Provider, recorded: &Recorded, duration_us: u64, streamed: bool) -> OutcomeRow<'_> {
    OutcomeRow {
        streamed,
        ttft_us: recorded.ttft_us,
        duration_us,
        error: recorded.error,
        finish_reason: recorded.finish_reason.as_deref(),
        ..with_usage(OutcomeRow::of(provider, &recorded.model), recorded.usage)
    }
}

fn with_usage<'a>(row: OutcomeRow<'a>, usage: Option<wire::Usage>) -> OutcomeRow<'a> {
    OutcomeRow {
        prompt_tokens: usage.map(|usage| usage.prompt),
        cached_tokens: usage.and_then(|usage| usage.cached),
        completion_tokens: usage.map(|usage| usage.completion),
        reasoning_tokens: usage.and_then(|usage| usage.reasoning),
        ..row
    }
}

fn provider(name: &str) -> Option<Provider> {
    Provider::ALL.into_iter().find(|provider| provider.name() == name)
}
