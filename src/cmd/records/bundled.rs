//! `weighbridge records bundled`: the logs that come with the program.

use crate::args;
use crate::cmd::evaluate::write;
use crate::outcome::{Exit, Failure};
use crate::render;
use datasets::ReadError;
use datasets::bundled::{ALL, find};

pub(super) fn run(args: &args::RecordsBundled) -> Result<Exit, Failure> {
    let Some(name) = args.name.as_deref() else {
        let rows: Vec<String> = ALL.iter().map(|log| format!("{:<8} {}", log.name, log.summary)).collect();
        render::result(&rows.join("\n"));
        return Ok(Exit::Done);
    };
    let Some(log) = find(name) else {
        let names: Vec<&str> = ALL.iter().map(|log| log.name).collect();
        return Err(Failure::usage(format!("no bundled log is called `{name}`: expected one of {}", names.join(", "))));
    };
    let broken = |error: ReadError| Failure { exit: Exit::Bug, message: format!("a bundled log is broken: {error}") };
    let script = log.script_text().map_err(broken)?;
    let file = |ending: &str| args.out.join(format!("{}.{ending}", log.name));
    std::fs::create_dir_all(&args.out)
        .map_err(|error| Failure::world(format!("cannot make the folder {}: {error}", args.out.display())))?;
    for (path, bytes) in [(file("ndjson.zst"), log.requests_zstd), (file("script.ndjson"), script.as_bytes())] {
        write(&path, bytes)?;
        render::note(&format!("wrote {}", path.display()));
    }
    Ok(Exit::Done)
}
