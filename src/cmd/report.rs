//! `weighbridge report`.

use crate::args;
use crate::outcome::{Exit, Failure};
use crate::{render, verdict_file};

pub(super) fn run(args: &args::Report) -> Result<Exit, Failure> {
    super::evaluate::check_folder("--out", &args.out)?;
    let verdict = verdict_file::read(&args.verdict)?;
    let written = super::evaluate::write_report(&verdict, &args.out, args.lang.into())?;
    render::result(&written);
    Ok(Exit::Done)
}
