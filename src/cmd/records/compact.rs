//! `weighbridge records compact`.

use super::counted;
use crate::args;
use crate::cmd::evaluate::{check_folder, failure, is_standard_output};
use crate::outcome::{Exit, Failure};
use crate::render;
use evaluator::compact::{CompactError, CompactOptions, Compacted, compact};

pub(super) fn run(args: &args::RecordsCompact) -> Result<Exit, Failure> {
    check_folder("--out", &args.out)?;
    if args.records.iter().any(|path| is_standard_output(path)) {
        return Err(Failure::usage("standard input cannot be compacted, because it is read twice: name a file"));
    }
    let options = CompactOptions { skip_broken: args.skip_broken, drop_unknown: args.drop_unknown };
    let done = compact(&args.records, &args.out, options, &mut super::progress);
    render::progress("");
    let done = done.map_err(of)?;
    render::result(&text(&args.out.display().to_string(), &done));
    Ok(Exit::Done)
}

fn of(error: CompactError) -> Failure {
    match error {
        CompactError::Inputs(error) => failure(&error),
        CompactError::Read(datasets::ReadError::File { .. })
        | CompactError::Parquet(evaluator::parquet::ParquetError::File { .. })
        | CompactError::File(_)
        | CompactError::Locked { .. } => Failure::world(error),
        error => Failure::usage(error),
    }
}

fn text(out: &str, done: &Compacted) -> String {
    let mut text = format!(
        "{out}: {} written in {} ({} bytes), {} there already\n{} read, of which {} had nothing new\n",
        counted(done.records, "record"),
        counted(done.parts, "part"),
        done.bytes,
        done.records_known,
        counted(done.files, "file"),
        done.files_known
    );
    let rest = [
        (done.broken, "broken lines left out"),
        (done.unfinished, "last lines not whole yet; the next run takes them"),
        (done.unknown, "unknown members left out"),
    ];
    rest.iter().filter(|(count, _)| *count > 0).for_each(|(count, what)| text += &format!("{count} {what}\n"));
    text
}
