//! `weighbridge import`.

use super::evaluate::is_standard_output;
use super::not_read;
use crate::args;
use crate::outcome::{Exit, Failure};
use crate::render;
use datasets::import::{self, Import, ImportError, ImportOptions, LogFormat};
use datasets::redact::Redactor;
use std::fmt::Write;

pub(super) fn run(args: &args::Import) -> Result<Exit, Failure> {
    if args.formats {
        render::result(&formats());
        return Ok(Exit::Done);
    }
    let Some(out) = args.out.as_deref() else {
        return Err(Failure::usage("--out is missing: name the request log to write, or `-` for standard output"));
    };
    not_read(&args.files, out)?;
    let options = ImportOptions { strict: args.strict, seed: args.seed, ..options(&args.from)? };
    let mut log = import::open(&args.files, options).map_err(failure)?;
    let mut progress = |requests: u64| render::progress(&format!("{requests} requests"));
    let to_output = is_standard_output(out);
    let written = if to_output {
        log.write(&mut std::io::stdout().lock(), &mut |_| {})
    } else {
        log.write_file(out, &mut progress)
    };
    render::progress("");
    match written {
        Err(ImportError::Output(error)) if error.kind() == std::io::ErrorKind::BrokenPipe => return Ok(Exit::Done),
        other => other.map_err(failure)?,
    }
    tell(args, &log, to_output)?;
    if log.report().requests == 0 {
        return Err(Failure::usage("no row of the log could be used; see the reasons above"));
    }
    Ok(Exit::Done)
}

/// The account goes where the log does not.
fn tell(args: &args::Import, log: &Import, to_output: bool) -> Result<(), Failure> {
    let text = if args.json {
        let account = serde_json::json!({
            "schema": "weighbridge.import/1", "format": log.format().name(), "untimed": log.is_untimed(),
            "report": log.report(),
        });
        serde_json::to_string_pretty(&account)
            .map_err(|error| Failure { exit: Exit::Bug, message: format!("an account does not serialise: {error}") })?
            + "\n"
    } else {
        log.report().to_text(log.format())
    };
    if to_output {
        render::note(text.trim_end());
    } else {
        render::result(&text);
    }
    Ok(())
}

/// What each format can fill, as a table.
fn formats() -> String {
    let mut text = String::new();
    for format in LogFormat::ALL {
        let fields: Vec<&str> = format.fills().iter().map(|field| field.name()).collect();
        // Writing into a string cannot fail.
        let _infallible = writeln!(text, "{:<14} {}", format.name(), fields.join(", "));
    }
    text
}

/// How a log of any format is read.
pub(super) fn options(from: &args::From) -> Result<ImportOptions, Failure> {
    let default = ImportOptions::default();
    let salt = match &from.salt_env {
        None => default.salt,
        Some(name) => std::env::var(name)
            .map_err(|_| Failure::usage(format!("the variable {name} is not set: export the salt of the digests")))?,
    };
    Ok(ImportOptions {
        format: from.format.as_deref().map(str::parse).transpose().map_err(Failure::usage)?,
        redactor: Redactor { personal: !from.keep_personal, salt: salt.clone(), ..Redactor::default() },
        salt,
        model: from.default_model.clone().unwrap_or(default.model),
        mapping: from.mapping.clone(),
        chinese_percent: from.chinese_percent,
        ..default
    })
}

pub(super) fn failure(error: ImportError) -> Failure {
    match error {
        ImportError::Write(_) | ImportError::Output(_) => Failure::world(error),
        _ => Failure::usage(error),
    }
}
