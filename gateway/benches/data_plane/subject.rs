//! What is measured, and the world around it.

use crate::load::{Leg, Tally};
use crate::process::{OTHER_CORE, Process, SUBJECT_CORE};
use crate::settings::Settings;
use crate::{Trouble, envoy, http_client, nginx, say};
use serde_json::Value;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// After a leg, until everything that it caused is done: records on disk, sockets closed.
const SETTLE: Duration = Duration::from_millis(250);
/// How long a subject may take to answer its first request.
const START_TIMEOUT: Duration = Duration::from_secs(10);

/// The upstream, and a folder for everything that is written.
pub(crate) struct World {
    folder: tempfile::TempDir,
    upstream: Process,
    addresses: Value,
    gateways: usize,
    /// Legs in which load generator and upstream had no core left: what, and the share they needed.
    pub saturated: Vec<(String, f64)>,
}

/// Something that answers.
pub(crate) struct Subject {
    pub name: String,
    pub whole: SocketAddr,
    pub stream: SocketAddr,
    /// None for the upstream itself, whose cost is not of interest.
    pub process: Option<Process>,
}

/// A leg and what it cost.
pub(crate) struct Measured {
    pub tally: Tally,
    pub cpu_nanos: f64,
}

impl World {
    pub(crate) fn new() -> Result<Self, Trouble> {
        let folder = tempfile::tempdir()?;
        let mut upstream = Process::role("upstream", &(), OTHER_CORE, &folder.path().join("upstream.log"))?;
        let addresses = upstream.line()?;
        Ok(Self { folder, upstream, addresses, gateways: 0, saturated: Vec::new() })
    }

    /// The upstream's listener of that manner: `baseline`, `healthy`, `slow`, `failing` or `hanging`.
    pub(crate) fn upstream(&self, manner: &str) -> Result<SocketAddr, Trouble> {
        address(&self.addresses, manner)
    }

    /// Requests that the upstream's listener got so far.
    pub(crate) fn asked(&mut self, manner: &str) -> Result<u64, Trouble> {
        Ok(self.upstream.ask("counts")?[manner].as_u64().ok_or("the upstream does not count")?)
    }

    pub(crate) fn log(&self, name: &str) -> PathBuf {
        self.folder.path().join(format!("{name}.log"))
    }

    pub(crate) fn direct(&self) -> Result<Subject, Trouble> {
        let address = self.upstream("baseline")?;
        Ok(Subject { name: "direct".to_owned(), whole: address, stream: address, process: None })
    }

    pub(crate) fn bare(&self) -> Result<Subject, Trouble> {
        let upstream = self.upstream("baseline")?;
        let mut process = Process::role("bare", &upstream, SUBJECT_CORE, &self.log("bare"))?;
        let address = address(&process.line()?, "address")?;
        ready(Subject { name: "bare hyper".to_owned(), whole: address, stream: address, process: Some(process) })
    }

    /// A gateway with files of its own.
    pub(crate) fn gateway(
        &mut self,
        name: &str,
        weight_percent: f64,
        shadow_percent: f64,
        candidate: &str,
    ) -> Result<Subject, Trouble> {
        self.gateways += 1;
        let folder = self.folder.path().join(format!("gateway-{}", self.gateways));
        std::fs::create_dir(&folder)?;
        let (baseline, candidate) = (self.upstream("baseline")?, self.upstream(candidate)?);
        let settings = Settings { baseline, candidate, weight_percent, shadow_percent, folder };
        let mut process = Process::role("gateway", &settings, SUBJECT_CORE, &self.log("gateway"))?;
        let said = process.line()?;
        let address = address(&said, "address")?;
        let subject = Subject { name: name.to_owned(), whole: address, stream: address, process: Some(process) };
        await_ready(crate::subject::address(&said, "admin")?)?;
        Ok(subject)
    }

    /// nginx without and with its mirror, or nothing where it is not installed.
    pub(crate) fn nginx(&self, mirror: bool) -> Result<Option<Subject>, Trouble> {
        if !nginx::is_installed() {
            return Ok(None);
        }
        let (baseline, candidate) = (self.upstream("baseline")?, self.upstream("healthy")?);
        let nginx = nginx::start(baseline, candidate, self.folder.path(), &self.log("nginx"))?;
        let (name, whole, stream) = match mirror {
            false => ("nginx", nginx.plain, nginx.stream),
            true => ("nginx mirror", nginx.mirror, nginx.mirror),
        };
        ready(Subject { name: name.to_owned(), whole, stream, process: Some(nginx.process) }).map(Some)
    }

    /// The same of Envoy.
    pub(crate) fn envoy(&self, mirror: bool) -> Result<Option<Subject>, Trouble> {
        if !envoy::is_installed() {
            return Ok(None);
        }
        let (baseline, candidate) = (self.upstream("baseline")?, self.upstream("healthy")?);
        let envoy = envoy::start(baseline, candidate, self.folder.path(), &self.log("envoy"))?;
        let (name, address) = if mirror { ("envoy mirror", envoy.mirror) } else { ("envoy", envoy.plain) };
        let subject = Subject { name: name.to_owned(), whole: address, stream: address, process: Some(envoy.process) };
        ready(subject).map(Some)
    }

    /// Runs a leg of which nothing is kept, so that connections, pools and caches are there before the next one.
    pub(crate) fn warm_up(&self, leg: &Leg) -> Result<(), Trouble> {
        Process::role("load", leg, OTHER_CORE, &self.log("load"))?.line()?;
        std::thread::sleep(SETTLE);
        Ok(())
    }

    /// Runs a leg and reads what it cost the subject.
    pub(crate) fn measure(&mut self, subject: &Subject, leg: &Leg) -> Result<Measured, Trouble> {
        let upstream_before = self.upstream.cpu_nanos()?;
        let before = subject.cpu_nanos()?;
        let tally: Tally = serde_json::from_value(Process::role("load", leg, OTHER_CORE, &self.log("load"))?.line()?)?;
        std::thread::sleep(SETTLE);
        let cpu_nanos = (subject.cpu_nanos()? - before) as f64;
        let upstream = (self.upstream.cpu_nanos()? - upstream_before) as f64 / 1e9 / tally.seconds;
        let busy = tally.busy + upstream;
        if busy > 0.9 {
            self.saturated.push((subject.name.clone(), busy));
        }
        if tally.failed > 0 {
            say::progress(&format!("    {}: {} failed: {:?}", subject.name, tally.failed, tally.failures));
        }
        Ok(Measured { tally, cpu_nanos })
    }
}

impl Subject {
    fn cpu_nanos(&self) -> Result<u64, Trouble> {
        self.process.as_ref().map_or(Ok(0), Process::cpu_nanos)
    }
}

fn address(said: &Value, key: &str) -> Result<SocketAddr, Trouble> {
    Ok(said[key].as_str().ok_or_else(|| format!("no address of {key}"))?.parse()?)
}

fn ready(subject: Subject) -> Result<Subject, Trouble> {
    await_ready(subject.whole).map_err(|trouble| format!("{}: {trouble}", subject.name))?;
    Ok(subject)
}

fn await_ready(address: SocketAddr) -> Result<(), Trouble> {
    let begin = Instant::now();
    while http_client::get_ok(address, "/healthz").is_none() {
        if begin.elapsed() > START_TIMEOUT {
            return Err("does not answer".into());
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    Ok(())
}
