//! `weighbridge gate`: raises a weight, wherever it lives, on a fresh, matching, signed GO.

mod address;
mod pass;
mod place;
mod plane;
mod show;

use crate::args;
use crate::outcome::{Exit, Failure};
use crate::{render, verdict_file};
use ::gate::Policy;
use ::gate::audit::Log;
use ::gate::signature::{Opened, PublicKey};
use pass::Question;
use place::{Home, Place};
use std::path::{Path, PathBuf};

pub(crate) use pass::Passed;
pub(crate) use plane::{AdminPlane, Change, Means, Swapped};

pub(super) async fn run(args: &args::Gate) -> Result<Exit, Failure> {
    let policy = policy(args)?;
    let opened = verdict_file::open(&args.verdict, &trusted(&policy)?)?;
    let home = Home::of(args)?;
    let log = Log::new(&args.audit);
    let question = Question {
        place: home.place(),
        opened: &opened,
        policy: &policy,
        variable: |name| std::env::var_os(name),
        log: &log,
        mirror_percent: args.mirror,
        apply: args.apply,
        told: args.in_force.is_some(),
    };
    let passed = Box::pin(question.answer()).await?;
    let target = home.place().shown().to_owned();
    if args.json {
        let json = serde_json::to_string_pretty(&show::Told::new(&opened, &target, &passed))
            .map_err(|error| Failure { exit: Exit::Bug, message: format!("the answer does not serialise: {error}") })?;
        render::result(&json);
    } else {
        render::result(&show::text(&opened, &target, log.path(), &passed, render::colour()));
    }
    Ok(passed.exit)
}

/// Passes a verdict to a gateway, as the command does.
pub(super) async fn pass(
    plane: &AdminPlane,
    opened: &Opened,
    policy: &Policy,
    log: &Log,
    apply: bool,
) -> Result<Passed, Failure> {
    let (place, variable) = (Place::Gateway(plane), |name: &str| std::env::var_os(name));
    Question { place, opened, policy, variable, log, mirror_percent: None, apply, told: false }.answer().await
}

/// The policy that is in force: the file's or the default one, with what the command line says over it.
fn policy(args: &args::Gate) -> Result<Policy, Failure> {
    let mut policy = match &args.policy {
        Some(path) => Policy::read(path).map_err(Failure::usage)?,
        None => Policy::default(),
    };
    if let Some(age) = &args.max_age {
        policy.max_age = super::duration("--max-age", age)?;
    }
    policy.keys.extend(args.key_file.iter().cloned());
    Ok(policy)
}

/// The keys that a policy trusts.
pub(super) fn trusted(policy: &Policy) -> Result<Vec<PublicKey>, Failure> {
    policy.keys.iter().map(PathBuf::as_path).map(public_key).collect()
}

fn public_key(path: &Path) -> Result<PublicKey, Failure> {
    let text = read_key(path)?;
    PublicKey::from_pem(&text).map_err(|error| Failure::usage(format!("{}: {error}", path.display())))
}

/// The bytes of a key file.
pub(super) fn read_key(path: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(path).map_err(|error| {
        Failure::usage(format!(
            "cannot read the key {}: {error}; `weighbridge sign --new-key` makes one",
            path.display()
        ))
    })
}
