//! `weighbridge mock`.

mod fit;

use crate::args::{self, MockKind};
use crate::outcome::{Exit, Failure};
use crate::{render, stop};
use fit::Profiles;
use jiff::Timestamp;
use mocks::{Clock, MockConfig, ModerationConfig, ModerationService, Provider, Running, RunningModeration, Script};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

/// Requests kept in a mock's log, which nobody can look at from outside the process.
const UNSEEN: usize = 0;

/// What one listener imitates.
#[derive(Clone, Copy)]
enum Face {
    Provider(Provider),
    Moderation(ModerationService),
}

/// A mock at work.
enum Served {
    Provider(Running),
    Moderation(RunningModeration),
}

pub(super) async fn run(args: args::Mock) -> Result<Exit, Failure> {
    let script = match &args.script {
        Some(path) => Script::read(path).map_err(Failure::usage)?,
        None => Script::new(),
    };
    let script = Arc::new(script);
    let profiles = Profiles::of(args.profile.as_deref())?;
    if args.print_profile {
        return print_profile(&args, &profiles);
    }
    let clock = clock(&args)?;
    let mut running = Vec::new();
    for (face, address) in listeners(&args)? {
        let served = match face {
            Face::Provider(provider) => {
                let profile = profiles.profile(provider)?;
                let (seed, script, clock) = (args.seed, Arc::clone(&script), clock.clone());
                let config =
                    MockConfig { seed, script, profile, clock, log_capacity: UNSEEN, ..MockConfig::new(provider) };
                Served::Provider(mocks::start(address, config).await.map_err(Failure::world)?)
            }
            Face::Moderation(service) => {
                let usual = ModerationConfig::new(service);
                // A profile beside providers is theirs.
                let own = profiles.written().cloned().filter(|_| args.kind != MockKind::All);
                let profile = own.unwrap_or_else(|| usual.profile.clone());
                let (seed, clock) = (args.seed, clock.clone());
                let config = ModerationConfig { seed, profile, clock, log_capacity: UNSEEN, ..usual };
                Served::Moderation(mocks::start_moderation(address, config).await.map_err(Failure::world)?)
            }
        };
        render::result(&format!("{:<10} {}", face.name(), served.base_url()));
        running.push(served);
    }
    stop::on_signal().cancelled().await;
    for served in running {
        match served {
            Served::Provider(mock) => mock.shutdown().await,
            Served::Moderation(mock) => mock.shutdown().await,
        }
    }
    Ok(Exit::Done)
}

/// A fitted profile, to be kept and looked at.
fn print_profile(args: &args::Mock, profiles: &Profiles) -> Result<Exit, Failure> {
    let faces = listeners(args)?;
    let [(Face::Provider(provider), _)] = faces.as_slice() else {
        return Err(Failure::usage("--print-profile fits one provider: openai, deepseek or compatible"));
    };
    render::result(&profiles.to_toml(*provider)?);
    Ok(Exit::Done)
}

impl Face {
    fn name(self) -> &'static str {
        match self {
            Self::Provider(provider) => provider.name(),
            Self::Moderation(service) => service.name(),
        }
    }

    fn port(self) -> u16 {
        match self {
            Self::Provider(provider) => mocks::default_port(provider),
            Self::Moderation(service) => service.default_port(),
        }
    }
}

impl Served {
    fn base_url(&self) -> String {
        match self {
            Self::Provider(mock) => mock.base_url(),
            Self::Moderation(mock) => mock.base_url(),
        }
    }
}

fn clock(args: &args::Mock) -> Result<Clock, Failure> {
    let start = match &args.clock {
        Some(text) => text.parse::<Timestamp>().map_err(|error| {
            Failure::usage(format!("--clock {text}: {error}; expected an instant such as 2026-11-23T00:55:00Z"))
        })?,
        None if args.clock_speed.is_none() => return Ok(Clock::system()),
        None => Timestamp::now(),
    };
    let seconds = u64::try_from(start.as_second()).map_err(|_| Failure::usage("--clock must not lie before 1970"))?;
    Ok(Clock::starting_at(seconds, args.clock_speed.unwrap_or(1.0)))
}

/// Who listens where.
fn listeners(args: &args::Mock) -> Result<Vec<(Face, SocketAddr)>, Failure> {
    let faces = match args.kind {
        MockKind::Openai => vec![Face::Provider(Provider::OpenAi)],
        MockKind::Deepseek => vec![Face::Provider(Provider::DeepSeek)],
        MockKind::Compatible => vec![Face::Provider(Provider::Compatible)],
        MockKind::Moderation => vec![Face::Moderation(ModerationService::OpenAi)],
        MockKind::Aliyun => vec![Face::Moderation(ModerationService::Aliyun)],
        MockKind::Azure => vec![Face::Moderation(ModerationService::Azure)],
        MockKind::Guard => vec![Face::Moderation(ModerationService::Guard)],
        MockKind::All => {
            let services = ModerationService::ALL.map(Face::Moderation);
            Provider::ALL.map(Face::Provider).into_iter().chain(services).collect()
        }
    };
    if let Some(address) = args.listen {
        return match faces.as_slice() {
            [face] => Ok(vec![(*face, address)]),
            _ => Err(Failure::usage("--listen moves one mock; use --port-base to move all")),
        };
    }
    let first = mocks::default_port(Provider::OpenAi);
    faces
        .into_iter()
        .map(|face| {
            let offset = face.port() - first;
            let port = args.port_base.unwrap_or(first).checked_add(offset);
            let port =
                port.ok_or_else(|| Failure::usage("--port-base leaves no room for all ports: choose a lower one"))?;
            Ok((face, SocketAddr::from((Ipv4Addr::LOCALHOST, port))))
        })
        .collect()
}
