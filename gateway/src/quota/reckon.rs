//! The most that a request may use.
//!
//! What is set aside has to be more than what will be charged, also where that is an estimate because the provider's count was
//! lost: both come from the same tally, here one and a half times and in the vocabulary that needs most.

use crate::config::{PromptReserve, QuotaStore};
use wire::usage::{Tally, UsageSource};
use wire::{Endpoint, Request, Usage};

/// Tokens that providers put around a whole request, tools included.
const FRAME_TOKENS: u64 = 512;
/// Members that are in the tally already.
const TALLIED: [&str; 6] = ["instructions", "tools", "functions", "response_format", "text", "suffix"];
/// Bytes of a member that nobody here knows for each token that a provider may make of it.
const BYTES_PER_TOKEN: u64 = 4;

/// Tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Most {
    pub input: u64,
    pub output: u64,
}

impl Most {
    pub(super) const fn usage(self) -> Usage {
        Usage::new(self.input, self.output, UsageSource::Estimate)
    }
}

/// What is set aside for a request whose body has `bytes` bytes, and for which a candidate would be asked for the model
/// `mapped`.
pub(super) fn most(
    request: &Request<'_>,
    mapped: Option<&str>,
    tally: &Tally,
    bytes: usize,
    config: &QuotaStore,
) -> Most {
    let tallied = tally.tokens_most(mapped.into_iter().chain([&*request.model]));
    let input = match config.prompt_reserve {
        // A token has a byte at least, but pictures are larger than their addresses.
        PromptReserve::Certain => (bytes as u64 + FRAME_TOKENS).max(tallied),
        PromptReserve::Likely => tallied.saturating_add(unknown(request)).saturating_mul(3) / 2 + 1,
    };
    let output = match request.endpoint {
        Endpoint::Embeddings | Endpoint::Moderations => 0,
        _ => request.bound().or(config.output_tokens_default).saturating_mul(request.choices()),
    };
    Most { input, output }
}

/// Tokens of members that are not in the tally: most are numbers and names that no model sees, but a provider's own
/// extension may hold texts.
fn unknown(request: &Request<'_>) -> u64 {
    let subject = request.endpoint.subject();
    let others = request.object.members().filter(|(name, _)| *name != subject && !TALLIED.contains(name));
    let bytes: usize = others.map(|(name, value)| name.len() + value.get().len()).sum();
    bytes as u64 / BYTES_PER_TOKEN
}
