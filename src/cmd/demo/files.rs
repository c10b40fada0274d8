//! The files of a demo, all in one folder; with them each step can be done again by hand.

use super::super::evaluate::write;
use super::scenario::Scenario;
use crate::outcome::{Exit, Failure};
use ::gate::Policy as GatePolicy;
use datasets::{Appender, Format, Header, LoggedRequest, Redaction};
use mocks::Provider;
use std::path::{Path, PathBuf};

pub(super) const MIGRATION: &str = "openai-to-deepseek";
/// Salt of the records' digests; labels are written with the same one.
pub(super) const SALT: &str = "weighbridge";
/// The folder of what a ramp's decisions rest on.
pub(super) const LOOKS: &str = "looks";
/// The key that signs this demo's verdicts; its public half is beside it.
pub(super) const SIGN_KEY: &str = "sign-key.pem";
const PUBLIC_KEY: &str = "sign-key.pub.pem";
/// What the gate asks for.
pub(super) const GATE_POLICY: &str = "gate.toml";
/// What the gate decided.
pub(super) const AUDIT: &str = "audit.ndjson";
/// A ramp's timeline.
const TIMELINE: [&str; 5] = ["timeline.html", "timeline.md", "timeline.json", "timeline.png", "timeline@2x.png"];
/// The acts, by which most files are named.
const ACTS: [&str; 2] = ["shadow", "canary"];

/// The demo's folder, without what an earlier demo recorded and concluded: an old GO never lies beside a new NO-GO.
/// Only a folder that is empty or holds a demo is taken, and only names that the demo itself writes are removed.
pub(super) fn fresh_folder(path: &Path) -> Result<PathBuf, Failure> {
    let failed =
        |error: std::io::Error| Failure::world(format!("cannot use {}: {error}; choose another --out", path.display()));
    std::fs::create_dir_all(path).map_err(failed)?;
    let empty = std::fs::read_dir(path).map_err(failed)?.next().is_none();
    if !empty && !path.join("gateway.toml").exists() {
        return Err(Failure::usage(format!("{} is not empty and holds no demo: choose another --out", path.display())));
    }
    let gone = |result: std::io::Result<()>| match result {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(failed(error)),
        _ => Ok(()),
    };
    for name in ["records.ndjson", "labels.ndjson", SIGN_KEY, PUBLIC_KEY, AUDIT].into_iter().chain(TIMELINE) {
        gone(std::fs::remove_file(path.join(name)))?;
    }
    gone(std::fs::remove_dir_all(path.join(LOOKS)))?;
    for act in ACTS {
        for name in [format!("requests-{act}.ndjson"), format!("replay-{act}.json"), format!("verdict-{act}.json")] {
            gone(std::fs::remove_file(path.join(name)))?;
        }
        gone(std::fs::remove_dir_all(path.join(format!("report-{act}"))))?;
    }
    Ok(path.to_owned())
}

/// The gate's policy: it trusts this demo's key, and climbs the same ladder as the verdicts.
pub(super) fn write_gate_policy(folder: &Path, policy: &judge::policy::Policy) -> Result<GatePolicy, Failure> {
    let text = format!(
        "# What the gate of this demo asks for, beside a GO. Every key: gateway/gate/src/policy.default.toml.\n\n# Whose verdicts \
         are trusted.\nkeys = [\"{PUBLIC_KEY}\"]\n\n# As the verdicts' own policy has it.\nladder_percent = {:?}\n",
        policy.weight.ladder_percent
    );
    let path = folder.join(GATE_POLICY);
    write(&path, text.as_bytes())?;
    GatePolicy::read(&path)
        .map_err(|error| Failure { exit: Exit::Bug, message: format!("the demo's gate policy: {error}") })
}

/// What the mocks need to behave as in this demo: a profile each, and one script.
pub(super) fn write_mocks(folder: &Path, scenario: &Scenario) -> Result<(), Failure> {
    for (provider, profile) in Provider::ALL.into_iter().zip(&scenario.profiles) {
        let text = toml::to_string(profile).map_err(|error| Failure {
            exit: Exit::Bug,
            message: format!("the profile of {} does not serialise: {error}", provider.name()),
        })?;
        let text = format!("# How the {} mock behaves in this demo.\n\n{text}", provider.name());
        write(&folder.join(format!("{}.toml", provider.name())), text.as_bytes())?;
    }
    write(&folder.join("script.ndjson"), scenario.script_text.as_bytes())
}

pub(super) fn write_log(path: &Path, requests: &[LoggedRequest]) -> Result<(), Failure> {
    let mut file = Appender::open(path, &Header::new(Format::Requests, Redaction::Full)).map_err(Failure::world)?;
    for request in requests {
        file.push(request).map_err(Failure::world)?;
    }
    file.sync().map_err(Failure::world)
}

pub(super) fn configuration(
    scenario: &Scenario,
    mocks: &[mocks::Running],
    records: &Path,
    prices: Option<&Path>,
    audit: Option<&Path>,
) -> String {
    let providers: String = mocks
        .iter()
        .map(|mock| {
            let name = mock.provider().name();
            let variable = format!("{}_API_KEY", name.to_uppercase());
            format!(
                "[providers.{name}]\nkind = \"{name}\"\nbase_url = \"{}\"\napi_key_env = \"{variable}\"\n\n",
                mock.base_url()
            )
        })
        .collect();
    let models: String = scenario.models.iter().map(|(from, to)| format!("\"{from}\" = \"{to}\"\n")).collect();
    let text = |path: &Path| toml::Value::String(path.display().to_string());
    let records = text(records);
    let prices = prices.map(|path| format!("\n[prices]\nfile = {}\n", text(path))).unwrap_or_default();
    let audit = audit.map(|path| format!("\n[audit]\npath = {}\n", text(path))).unwrap_or_default();
    format!(
        "# The gateway of this demo, on free ports.\n\n[server]\nlisten = \"127.0.0.1:0\"\n\n[admin]\nlisten = \
         \"127.0.0.1:0\"\n\n{providers}[migrations.{MIGRATION}]\nbaseline = \"openai\"\ncandidate = \
         \"deepseek\"\nweight_percent = 0\nshadow_percent = 100\n\n[migrations.{MIGRATION}.models]\n{models}\n[records]\npath = \
         {records}\nsalt = \"{SALT}\"\n{audit}{prices}"
    )
}
