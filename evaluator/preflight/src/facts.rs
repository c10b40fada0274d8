//! What is known of a provider's models; everything that is not is absent, never a guess.

use wire::models::{self, Model};
use wire::provider::Provider;

/// Tokens that prompt and answer may have together.
pub(crate) fn window(provider: Provider, model: &str) -> Option<u64> {
    models::find(provider, model).map(|model| model.window_tokens)
}

/// Requests that one account may have in flight.
pub(crate) fn in_flight_max(provider: Provider, model: &str) -> Option<u64> {
    models::find(provider, model).and_then(|model| model.concurrency_max).map(u64::from)
}

/// When a model's name ends, microseconds since the Unix epoch.
pub(crate) fn retires_us(provider: Provider, model: &str) -> Option<i64> {
    models::find(provider, model).and_then(Model::retires_us)
}

/// Models that a provider sells under their own name today.
pub(crate) fn on_sale(provider: Provider) -> Vec<String> {
    let sold = |model: &&Model| model.provider == provider && model.served_as.is_none() && model.shutdown.is_none();
    models::all().filter(sold).map(|model| model.name.to_owned()).collect()
}
