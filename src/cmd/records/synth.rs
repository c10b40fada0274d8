//! `weighbridge records synth`.

use crate::args;
use crate::cmd::evaluate::{is_standard_output, write};
use crate::outcome::{Exit, Failure};
use crate::render;
use datasets::known::{self, DEFAULT_TOML, Profile, SynthError, Truth};
use std::path::Path;

pub(super) fn run(args: &args::Synth) -> Result<Exit, Failure> {
    if args.print_profile {
        render::result(DEFAULT_TOML);
        return Ok(Exit::Done);
    }
    let (Some(requests), Some(out)) = (args.n, args.out.as_deref()) else {
        return Err(Failure::usage("--n and --out are missing: say how many requests, and where the records go"));
    };
    let truth_to_output = args.truth.as_deref().is_some_and(is_standard_output);
    if truth_to_output && is_standard_output(out) {
        return Err(Failure::usage("records and truth cannot both go to standard output: give one of them a file"));
    }
    let (text, profile) = profile(args.profile.as_deref())?;
    // A reader that has gone away, as in `| head`, is no failure.
    let Some(truth) = records(&profile, &text, requests, args.seed, out)? else { return Ok(Exit::Done) };
    let json = serde_json::to_string_pretty(&truth)
        .map(|text| text + "\n")
        .map_err(|error| Failure { exit: Exit::Bug, message: format!("the truth does not serialise: {error}") })?;
    match args.truth.as_deref() {
        Some(_) if truth_to_output => render::result(&json),
        Some(path) => write(path, json.as_bytes())?,
        None => {}
    }
    let (requests, records) = (truth.requests, truth.records);
    render::note(&format!("records  {}: {records} records of {requests} requests", out.display()));
    Ok(Exit::Done)
}

/// The profile in a file, or the default one, with its text.
fn profile(path: Option<&Path>) -> Result<(String, Profile), Failure> {
    let (name, text) = match path {
        None => ("the default profile".to_owned(), DEFAULT_TOML.to_owned()),
        Some(path) => {
            let text = std::fs::read_to_string(path)
                .map_err(|error| Failure::usage(format!("cannot read {}: {error}; check --profile", path.display())))?;
            (path.display().to_string(), text)
        }
    };
    let profile = Profile::parse(&text).map_err(|error| {
        let told: Vec<String> = error.problems.iter().map(|problem| format!("{name}, {problem}")).collect();
        Failure::usage(told.join("\n"))
    })?;
    Ok((text, profile))
}

/// Makes the records; `None` if nobody reads them any more.
fn records(profile: &Profile, text: &str, requests: u64, seed: u64, out: &Path) -> Result<Option<Truth>, Failure> {
    let mut progress = |made: u64| render::progress(&format!("{made} of {requests} requests"));
    let made = if is_standard_output(out) {
        known::write(profile, text, requests, seed, &mut std::io::stdout().lock(), &mut |_| {})
    } else {
        known::write_file(profile, text, requests, seed, out, &mut progress)
    };
    render::progress("");
    match made {
        Ok(truth) => Ok(Some(truth)),
        Err(SynthError::Write(error)) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(None),
        Err(error @ SynthError::Broken(_)) => Err(Failure { exit: Exit::Bug, message: error.to_string() }),
        Err(error @ (SynthError::Write(_) | SynthError::File(_))) => Err(Failure::world(error)),
    }
}
