//! `weighbridge replay`.

use super::evaluate::{is_standard_output, write};
use crate::args;
use crate::outcome::{Exit, Failure};
use crate::{render, stop};
use replay::{ApiKey, ReplayError, ReplayOptions};
use std::collections::BTreeMap;

pub(super) async fn run(args: args::Replay) -> Result<Exit, Failure> {
    let options = options(&args)?;
    let log = replay::load(&args.logs).map_err(failure)?;
    if args.dry_run {
        let now_us = jiff::Timestamp::now().as_microsecond();
        let dry = replay::dry_run(log, &options, now_us).map_err(failure)?;
        render::result(&if args.json { json(&dry)? } else { dry.to_text() });
        return Ok(Exit::Done);
    }
    let progress = replay::progress::for_stderr();
    let summary = replay::run(log, options, &*progress, stop::on_signal()).await.map_err(failure)?;
    let json = json(&summary)?;
    let as_json = args.json || args.summary.as_deref().is_some_and(is_standard_output);
    if let Some(path) = args.summary.as_deref().filter(|path| !is_standard_output(path)) {
        write(path, json.as_bytes())?;
    }
    render::result(&if as_json { json } else { summary.to_text() });
    Ok(if summary.ok == 0 && summary.sent > 0 { Exit::World } else { Exit::Done })
}

fn options(args: &args::Replay) -> Result<ReplayOptions, Failure> {
    if args.out.as_deref().is_some_and(is_standard_output) {
        return Err(Failure::usage("--out is `-`: records are appended as they come, name a file"));
    }
    let mut models = BTreeMap::new();
    for pair in &args.models {
        let (from, to) = pair.split_once('=').ok_or_else(|| {
            Failure::usage(format!("--model is `{pair}`: expected FROM=TO, such as gpt-4o=deepseek-flash"))
        })?;
        models.insert(from.to_owned(), to.to_owned());
    }
    let api_key = match &args.api_key_env {
        None => None,
        Some(name) => Some(ApiKey::new(
            std::env::var(name)
                .map_err(|_| Failure::usage(format!("the variable {name} is not set: export the API key")))?,
        )),
    };
    let duration = match &args.duration {
        None => None,
        Some(text) => Some(super::duration("--duration", text)?),
    };
    Ok(ReplayOptions {
        target: args.target.clone(),
        allow_remote: args.allow_remote,
        api_key,
        rate: args.rate.parse().map_err(Failure::usage)?,
        arm: args.arm.parse().map_err(Failure::usage)?,
        baseline_recorded: args.baseline.is_some(),
        models,
        limit: args.limit,
        duration,
        out: args.out.clone(),
        resume: args.resume,
        seed: args.seed,
        ..ReplayOptions::default()
    })
}

/// Which side has to change something.
pub(super) fn failure(error: ReplayError) -> Failure {
    match &error {
        ReplayError::Write(_) | ReplayError::Client(_) => Failure::world(error),
        ReplayError::Tariffs(_) | ReplayError::Broken(_) => Failure { exit: Exit::Bug, message: error.to_string() },
        _ => Failure::usage(error),
    }
}

fn json<T: serde::Serialize>(value: &T) -> Result<String, Failure> {
    serde_json::to_string_pretty(value)
        .map(|text| text + "\n")
        .map_err(|error| Failure { exit: Exit::Bug, message: format!("a summary does not serialise: {error}") })
}
