//! Serves all mocks on their default ports until interrupted, for trying clients by hand: `cargo run -p mocks --example serve`.
//!
//! An argument names a profile file that all use.

use std::error::Error;
use std::path::Path;

use mocks::{MockConfig, Profile, Provider};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let profile = std::env::args().nth(1).map(|path| Profile::read(Path::new(&path))).transpose()?;
    let mut running = Vec::new();
    for provider in Provider::ALL {
        let defaults = MockConfig::new(provider);
        let config = MockConfig { profile: profile.clone().unwrap_or(defaults.profile.clone()), ..defaults };
        running.push(mocks::start(([127, 0, 0, 1], mocks::default_port(provider)).into(), config).await?);
    }
    tokio::signal::ctrl_c().await?;
    for mock in running {
        mock.shutdown().await;
    }
    Ok(())
}
