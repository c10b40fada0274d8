//! `weighbridge evaluate`.

use crate::args;
use crate::outcome::{Exit, Failure};
use crate::render;
use evaluator::{ErrorKind, EvaluateError, Options, Outcome, output};
use judge::policy::Policy;
use judge::verdict::Verdict;
use std::path::Path;

pub(super) fn run(args: &args::Evaluate) -> Result<Exit, Failure> {
    let mut options = Options::new(policy(args.policy.as_deref())?, env!("CARGO_PKG_VERSION"));
    options.labels.clone_from(&args.labels);
    options.at_weight_percent = args.at;
    options.migration.clone_from(&args.migration);
    options.replay_summaries.clone_from(&args.replay_summary);
    options.skip_broken = args.skip_broken;
    let Outcome { verdict, counts } = evaluator::evaluate(&args.records, &options).map_err(|error| failure(&error))?;
    let json = output::to_json(&verdict);
    if args.out == Path::new("-") {
        render::result(&json);
    } else {
        write(&args.out, json.as_bytes())?;
    }
    if args.json && args.out != Path::new("-") {
        render::result(&json);
    } else if args.out != Path::new("-") {
        render::result(&output::summary_text(&verdict, render::colour()));
        render::note(&format!("verdict  {}", args.out.display()));
    }
    counts.remarks().iter().for_each(|remark| render::note(remark));
    if let Some(folder) = &args.report {
        render::note(&write_report(&verdict, folder)?);
    }
    if let Some(path) = &args.summary {
        write(path, reports::markdown(&verdict).as_bytes())?;
    }
    Ok(verdict.verdict.into())
}

/// The policy in a file, or the default one.
pub(super) fn policy(path: Option<&Path>) -> Result<Policy, Failure> {
    let Some(path) = path else { return Ok(Policy::default()) };
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure::usage(format!("cannot read {}: {error}; check --policy", path.display())))?;
    Policy::parse(&text).map_err(|error| Failure::usage(format!("{}, {error}", path.display())))
}

pub(super) fn failure(error: &EvaluateError) -> Failure {
    let exit = match error.kind() {
        ErrorKind::Usage => Exit::Usage,
        ErrorKind::World => Exit::World,
        ErrorKind::Bug => Exit::Bug,
    };
    Failure { exit, message: error.to_string() }
}

/// Writes a report; returns the line that says where it is.
pub(super) fn write_report(verdict: &Verdict, folder: &Path) -> Result<String, Failure> {
    let written = reports::write(verdict, folder, reports::Options::default()).map_err(Failure::world)?;
    Ok(format!("report   {}", written.page.display()))
}

pub(super) fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    datasets::file::write_whole(path, bytes).map_err(Failure::world)
}
