//! `weighbridge replay`.

use super::evaluate::{is_standard_output, write};
use crate::args;
use crate::lines::labelled;
use crate::outcome::{Exit, Failure};
use crate::{render, stop};
use datasets::import::ImportOptions;
use replay::select::Span;
use replay::{ApiKey, ReplayError, ReplayOptions, Selection, Stop, Summary};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;
use wire::{Endpoint, ErrorKind};

/// Columns before the words of a summary.
const LABEL: usize = 21;

pub(super) async fn run(args: args::Replay) -> Result<Exit, Failure> {
    if args.merge {
        let summary = merge(&args.logs)?;
        return result(&args, &summary);
    }
    let options = options(&args)?;
    let import = ImportOptions { seed: args.seed, ..super::import::options(&args.from)? };
    let log = replay::load_as(&args.logs, import).map_err(failure)?;
    if args.dry_run {
        let now_us = jiff::Timestamp::now().as_microsecond();
        let dry = replay::dry_run(log, &options, now_us).map_err(failure)?;
        render::result(&if args.json { json(&dry)? } else { labelled(&dry.to_text(), LABEL) });
        return Ok(if dry.refused_because.is_empty() { Exit::Done } else { Exit::Usage });
    }
    let progress = replay::progress::for_stderr();
    let summary = replay::run(log, options, &*progress, stop()).await.map_err(failure)?;
    result(&args, &summary)
}

/// The first signal ends the sending, the second one the waiting.
fn stop() -> Stop {
    let stop = Stop { sending: stop::on_signal(), ..Stop::default() };
    let waiting = stop.waiting.clone();
    tokio::spawn(async move {
        stop::insisted().await;
        waiting.cancel();
    });
    stop
}

/// Tells a result where it was asked for.
fn result(args: &args::Replay, summary: &Summary) -> Result<Exit, Failure> {
    let json = json(summary)?;
    let as_json = args.json || args.summary.as_deref().is_some_and(is_standard_output);
    if let Some(path) = args.summary.as_deref().filter(|path| !is_standard_output(path)) {
        write(path, json.as_bytes())?;
    }
    render::result(&if as_json { json } else { labelled(&summary.to_text(), LABEL) });
    if summary.sent > 0 && summary.failed.get(&ErrorKind::Auth) == Some(&summary.sent) {
        render::note(
            "every request was refused for want of a valid key: name the variable that holds it with --api-key-env",
        );
    }
    if let Some(error) = &summary.ended_by {
        return Err(Failure::usage(format!("the log could not be read to its end: {error}")));
    }
    if summary.planned == 0 && summary.already_done == 0 {
        return Err(Failure::usage("no request of the log was chosen: see the counts above, and widen the selection"));
    }
    Ok(if summary.ok == 0 && summary.sent > 0 { Exit::World } else { Exit::Done })
}

fn merge(paths: &[PathBuf]) -> Result<Summary, Failure> {
    let mut summaries = Vec::new();
    for path in paths {
        let text = std::fs::read(path).map_err(|error| Failure::usage(format!("{}: {error}", path.display())))?;
        summaries.push(serde_json::from_slice(&text).map_err(|error| {
            Failure::usage(format!("{}: no summary of a replay that can be merged: {error}", path.display()))
        })?);
    }
    let summary = Summary::merge(summaries).map_err(Failure::usage)?;
    let missing: Vec<String> = (1..=summary.shards_of)
        .filter(|machine| !summary.shards.contains(machine))
        .map(|machine| machine.to_string())
        .collect();
    if !missing.is_empty() {
        let message =
            format!("of {} machines the summaries of {} are missing: name all", summary.shards_of, missing.join(", "));
        return Err(Failure::usage(message));
    }
    Ok(summary)
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
                // A key that was given in place of the name must not be repeated.
                .map_err(|_| {
                    Failure::usage(
                        "the variable that --api-key-env names is not set: name the variable, and export the key in it",
                    )
                })?,
        )),
    };
    let time = |option: &str, text: &Option<String>| -> Result<Option<Duration>, Failure> {
        text.as_deref().map(|text| super::duration(option, text)).transpose()
    };
    Ok(ReplayOptions {
        target: args.target.clone().unwrap_or_default(),
        allow_remote: args.allow_remote,
        allow_hosts: args.allow_hosts.clone(),
        budget_nanos: args.budget_usd.as_deref().map(budget).transpose()?,
        api_key,
        rate: args.rate.parse().map_err(Failure::usage)?,
        selection: selection(&args.selection)?,
        sessions: args.sessions.parse().map_err(Failure::usage)?,
        warm_up: time("--warm-up", &args.warm_up)?.unwrap_or_default(),
        arm: args.arm.parse().map_err(Failure::usage)?,
        baseline_recorded: args.baseline.is_some(),
        models,
        skip_broken: args.skip_broken,
        duration: time("--duration", &args.duration)?,
        drain: super::duration("--drain", &args.drain)?,
        in_flight_max: args.in_flight,
        out: args.out.clone(),
        resume: args.resume,
        tariffs: Some(args.prices.tariffs()?),
        seed: args.seed,
        ..ReplayOptions::default()
    })
}

fn selection(args: &args::Selection) -> Result<Selection, Failure> {
    let endpoint = |name: &String| {
        let known = Endpoint::ALL.into_iter().find(|endpoint| endpoint.name() == name);
        known.ok_or_else(|| {
            let names = Endpoint::ALL.map(Endpoint::name).join(", ");
            Failure::usage(format!("--only-endpoint is `{name}`: expected one of {names}"))
        })
    };
    let idle_cap = args.idle_cap.as_deref().map(|text| super::duration("--idle-cap", text)).transpose()?;
    Ok(Selection {
        from: args.from,
        to: args.to,
        models: args.only_models.clone(),
        consumers: args.only_consumers.clone(),
        endpoints: args.only_endpoints.iter().map(endpoint).collect::<Result<_, _>>()?,
        prompt_chars: Span { min: args.prompt_chars_min, max: args.prompt_chars_max },
        sample: args.sample,
        shard: args.shard,
        limit: args.limit,
        laps: (args.laps > 0).then_some(args.laps),
        idle_cap_us: idle_cap.map(|cap| u64::try_from(cap.as_micros()).unwrap_or(u64::MAX)),
        reorder_rows: args.reorder,
    })
}

/// Dollars as nano-dollars, without a detour over fractions that a computer does not have.
fn budget(text: &str) -> Result<i64, Failure> {
    let nanos = || {
        let (whole, part) = text.split_once('.').unwrap_or((text, ""));
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || part.len() > 9 || !digits(whole) || !digits(part) {
            return None;
        }
        let part: i64 = format!("{part:0<9}").parse().ok()?;
        whole.parse::<i64>().ok()?.checked_mul(1_000_000_000)?.checked_add(part)
    };
    nanos().filter(|nanos| *nanos > 0).ok_or_else(|| {
        Failure::usage(format!("--budget-usd is `{text}`: expected an amount of dollars above 0, such as 5 or 0.50"))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dollars_are_read_digit_by_digit() {
        for (text, nanos) in [("5", 5_000_000_000), ("0.50", 500_000_000), ("0.000000001", 1), ("12.1", 12_100_000_000)]
        {
            assert_eq!(budget(text).unwrap(), nanos, "{text}");
        }
        for wrong in ["", "0", "-1", "1e3", ".5", "5 USD", "0.0000000001", "99999999999"] {
            assert!(budget(wrong).unwrap_err().message.contains("--budget-usd"), "{wrong}");
        }
    }
}
