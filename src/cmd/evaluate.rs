//! `weighbridge evaluate`.

pub(super) mod summary;

use super::gate::AdminPlane;
use crate::args;
use crate::outcome::{Exit, Failure};
use crate::render;
use ::gate::signature::{SecretKey, sign};
use evaluator::{ErrorKind, EvaluateError, Options, Outcome, output};
use judge::policy::Policy;
use judge::verdict::Verdict;
use std::path::Path;

/// Evaluates, writes what is wanted, and tells the gateway last: a verdict is never lost because nobody listens.
pub(super) async fn run(args: &args::Evaluate) -> Result<Exit, Failure> {
    check_outputs(args)?;
    let key = args.sign_key.as_deref().map(super::sign::secret_key).transpose()?;
    let plane = args.publish.as_deref().map(|target| admin_plane(target, &args.token_env)).transpose()?;
    let verdict = evaluate(args, key.as_ref())?;
    let decision = verdict.verdict;
    if let Some(plane) = plane {
        let migration = verdict.migration.clone();
        let why_not = plane.publish(&migration, &without_answers(verdict, key.as_ref())?).await?;
        let remark = if why_not.is_empty() { String::new() } else { format!("; {why_not}") };
        render::note(&format!("gateway  {}{remark}", plane.shown()));
    }
    Ok(decision.into())
}

fn admin_plane(target: &str, token_env: &str) -> Result<AdminPlane, Failure> {
    let token = std::env::var(token_env).map_err(|_| {
        Failure::usage(format!("--token-env names the variable {token_env}, which is not set: export the admin token"))
    })?;
    AdminPlane::given_by("--publish", target, &token)
}

fn evaluate(args: &args::Evaluate, key: Option<&SecretKey>) -> Result<Verdict, Failure> {
    let mut options = Options::new(policy(args.policy.as_deref())?, env!("CARGO_PKG_VERSION"));
    options.labels.clone_from(&args.labels);
    options.at_weight_percent = args.at;
    options.migration.clone_from(&args.migration);
    options.replay_summaries.clone_from(&args.replay_summary);
    options.skip_broken = args.skip_broken;
    options.with_answers = args.with_answers;
    options.tariffs = Some(args.prices.tariffs()?);
    let Outcome { verdict, counts } = evaluator::evaluate(&args.records, &options).map_err(|error| failure(&error))?;
    let verdict = signed(verdict, key)?;
    let json = output::to_json(&verdict);
    if !is_standard_output(&args.out) {
        write(&args.out, json.as_bytes())?;
    }
    let markdown = args.summary.as_ref().map(|path| (path, reports::markdown(&verdict, args.lang.into())));
    if args.json || is_standard_output(&args.out) {
        render::result(&json);
    } else if let Some((_, markdown)) = markdown.as_ref().filter(|(path, _)| is_standard_output(path)) {
        render::result(markdown);
    } else {
        render::result(&summary::of(&verdict, render::colour()));
    }
    if !is_standard_output(&args.out) {
        render::note(&format!("verdict  {}", args.out.display()));
    }
    counts.remarks().iter().for_each(|remark| render::note(remark));
    if let Some(folder) = &args.report {
        render::note(&write_report(&verdict, folder, args.lang.into())?);
    }
    if let Some((path, markdown)) = markdown.filter(|(path, _)| !is_standard_output(path)) {
        write(path, markdown.as_bytes())?;
    }
    if let Some(path) = &args.junit {
        write(path, reports::junit(&verdict).as_bytes())?;
    }
    if let Some(path) = &args.kayenta {
        write(path, kayenta(&verdict).as_bytes())?;
    }
    Ok(verdict)
}

/// The verdict with a signature, where there is a key.
pub(super) fn signed(verdict: Verdict, key: Option<&SecretKey>) -> Result<Verdict, Failure> {
    let Some(key) = key else { return Ok(verdict) };
    let bug = |error: String| Failure { exit: Exit::Bug, message: format!("the verdict was not signed: {error}") };
    let text = sign(output::to_json(&verdict).as_bytes(), key).map_err(|error| bug(error.to_string()))?;
    serde_json::from_str(&text).map_err(|error| bug(error.to_string()))
}

/// The verdict for a gateway, without the answers that somebody may have asked for: a gateway keeps no content. What is left is
/// signed anew.
fn without_answers(mut verdict: Verdict, key: Option<&SecretKey>) -> Result<String, Failure> {
    for example in &mut verdict.evidence.examples {
        example.baseline.answer = None;
        example.candidate.answer = None;
    }
    signed(verdict, key).map(|verdict| output::to_json(&verdict))
}

/// The verdict in Kayenta's shape, as a gateway answers it.
fn kayenta(verdict: &Verdict) -> String {
    let shaped = ::gate::answer::kayenta::of_verdict(verdict);
    serde_json::to_string_pretty(&shaped).unwrap_or_default() + "\n"
}

/// Whether an option for a file means standard output.
pub(super) fn is_standard_output(path: &Path) -> bool {
    path == Path::new("-")
}

/// Refuses what cannot be done before anything is read or written.
fn check_outputs(args: &args::Evaluate) -> Result<(), Failure> {
    let summary = args.summary.as_deref().is_some_and(is_standard_output);
    if summary && (args.json || is_standard_output(&args.out)) {
        return Err(Failure::usage(
            "the verdict and the summary cannot both go to standard output: give one of them a file",
        ));
    }
    if args.junit.as_deref().is_some_and(is_standard_output) {
        return Err(Failure::usage("--junit is `-`: CI systems read a file, name one such as junit.xml"));
    }
    if args.kayenta.as_deref().is_some_and(is_standard_output) {
        return Err(Failure::usage(
            "--kayenta is `-`: standard output is the verdict's, name a file such as kayenta.json",
        ));
    }
    args.report.as_deref().map_or(Ok(()), |folder| check_folder("--report", folder))
}

/// A report is several files: it needs a folder.
pub(super) fn check_folder(option: &str, folder: &Path) -> Result<(), Failure> {
    let shown = folder.display();
    if is_standard_output(folder) {
        return Err(Failure::usage(format!(
            "{option} is `-`: a report is several files, name a folder; `evaluate --summary -` prints Markdown"
        )));
    }
    if folder.exists() && !folder.is_dir() {
        return Err(Failure::usage(format!("{option} is {shown}, which is a file: name a folder")));
    }
    Ok(())
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
pub(super) fn write_report(verdict: &Verdict, folder: &Path, language: reports::Language) -> Result<String, Failure> {
    let options = reports::Options { language, ..reports::Options::default() };
    let written = reports::write(verdict, folder, options).map_err(Failure::world)?;
    Ok(format!("report   {}", written.page.display()))
}

pub(super) fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    datasets::file::write_whole(path, bytes).map_err(Failure::world)
}
