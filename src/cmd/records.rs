//! `weighbridge records`.

mod bundled;
mod check;
mod compact;
mod convert;
mod redact;
mod sink;
pub(super) mod source;
mod summary;
mod synth;

use crate::args::{self, RecordsCommand};
use crate::outcome::{Exit, Failure};
use crate::render;
use datasets::schema::Kind;

/// Records between two reports of progress.
const REPORT_RECORDS: u64 = 16_384;

pub(super) fn run(args: &args::Records) -> Result<Exit, Failure> {
    match &args.command {
        RecordsCommand::Synth(args) => synth::run(args),
        RecordsCommand::Bundled(args) => bundled::run(args),
        RecordsCommand::Check(args) => check::run(args),
        RecordsCommand::Convert(args) => convert::run(args),
        RecordsCommand::Compact(args) => compact::run(args),
        RecordsCommand::Redact(args) => redact::run(args),
        RecordsCommand::Summary(args) => summary::run(args),
        RecordsCommand::Schema(args) => Ok(schema(args)),
    }
}

fn schema(args: &args::RecordsSchema) -> Exit {
    match args.kind.as_deref().and_then(Kind::of_name) {
        Some(kind) => render::result(&kind.schema_text()),
        None => {
            let names: Vec<&str> = Kind::ALL.into_iter().map(Kind::name).collect();
            render::result(&format!("{}\n", names.join("\n")));
        }
    }
    Exit::Done
}

/// Tells how far a run is, now and then.
fn progress(records: u64) {
    if records.is_multiple_of(REPORT_RECORDS) {
        render::progress(&format!("{records} records"));
    }
}

/// The disk failed under a temporary file.
fn temporary(error: &std::io::Error) -> Failure {
    Failure::world(format!("a temporary file failed: {error}; free space, or set TMPDIR to another folder"))
}

/// `1 record`, `2 records`.
fn counted(count: u64, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

#[cfg(test)]
mod tests;
