//! Serves both mocks on their default ports until interrupted, for trying clients by hand: `cargo run -p mocks --example serve`.
//!
//! An argument names a profile file that both use.

use std::error::Error;
use std::path::Path;

use mocks::{MockConfig, Profile, Vendor};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let profile = std::env::args().nth(1).map(|path| Profile::read(Path::new(&path))).transpose()?;
    let mut running = Vec::new();
    for vendor in Vendor::ALL {
        let defaults = MockConfig::new(vendor);
        let config = MockConfig { profile: profile.clone().unwrap_or(defaults.profile.clone()), ..defaults };
        running.push(mocks::start(([127, 0, 0, 1], vendor.default_port()).into(), config).await?);
    }
    tokio::signal::ctrl_c().await?;
    for mock in running {
        mock.shutdown().await;
    }
    Ok(())
}
