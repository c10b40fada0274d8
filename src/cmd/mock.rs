//! `weighbridge mock`.

use crate::args::{self, MockKind};
use crate::outcome::{Exit, Failure};
use crate::{render, stop};
use mocks::{MockConfig, Profile, Provider, Script};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

pub(super) async fn run(args: args::Mock) -> Result<Exit, Failure> {
    let script = match &args.script {
        Some(path) => Script::read(path).map_err(Failure::usage)?,
        None => Script::new(),
    };
    let script = Arc::new(script);
    let mut running = Vec::new();
    for (provider, address) in listeners(&args)? {
        let profile = match &args.profile {
            Some(path) => Profile::read(path).map_err(Failure::usage)?,
            None => Profile::of(provider),
        };
        let config = MockConfig { seed: args.seed, script: Arc::clone(&script), profile, ..MockConfig::new(provider) };
        let mock = mocks::start(address, config).await.map_err(Failure::world)?;
        render::result(&format!("{:<10} {}", provider.name(), mock.base_url()));
        running.push(mock);
    }
    stop::on_signal().cancelled().await;
    for mock in running {
        mock.shutdown().await;
    }
    Ok(Exit::Done)
}

/// Who listens where.
fn listeners(args: &args::Mock) -> Result<Vec<(Provider, SocketAddr)>, Failure> {
    let providers = match args.kind {
        MockKind::Openai => vec![Provider::OpenAi],
        MockKind::Deepseek => vec![Provider::DeepSeek],
        MockKind::Compatible => vec![Provider::Compatible],
        MockKind::All => Provider::ALL.to_vec(),
    };
    if let Some(address) = args.listen {
        return match providers.as_slice() {
            [provider] => Ok(vec![(*provider, address)]),
            _ => Err(Failure::usage("--listen moves one mock; use --port-base to move all")),
        };
    }
    let first = mocks::default_port(Provider::OpenAi);
    providers
        .into_iter()
        .map(|provider| {
            let offset = mocks::default_port(provider) - first;
            let port = args.port_base.unwrap_or(first).checked_add(offset);
            let port =
                port.ok_or_else(|| Failure::usage("--port-base leaves no room for all ports: choose a lower one"))?;
            Ok((provider, SocketAddr::from((Ipv4Addr::LOCALHOST, port))))
        })
        .collect()
}
