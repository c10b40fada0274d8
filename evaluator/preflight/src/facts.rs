//! What is known of a provider's models; everything that is not is absent, never a guess.

use wire::provider::Provider;

/// Tokens that prompt and answer may have together.
pub(crate) fn window(_provider: Provider, _model: &str) -> Option<u64> {
    None
}

/// Requests that one account may have in flight.
pub(crate) fn in_flight_max(_provider: Provider, _model: &str) -> Option<u64> {
    None
}
