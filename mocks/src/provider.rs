//! Where the mock of each provider is found by default.

use wire::provider::Provider;

/// The loopback port that the mock of a provider listens on unless told otherwise.
#[must_use]
pub const fn default_port(provider: Provider) -> u16 {
    match provider {
        Provider::OpenAi => 9101,
        Provider::DeepSeek => 9102,
        Provider::Compatible => 9105,
    }
}
