//! `weighbridge report`: of a verdict, or of an audit log.

pub(super) mod timeline;

use crate::args;
use crate::outcome::{Exit, Failure};
use crate::{render, verdict_file};

pub(super) fn run(args: &args::Report) -> Result<Exit, Failure> {
    super::evaluate::check_folder("--out", &args.out)?;
    let written = if timeline::is_log(&args.file) {
        let page = timeline::write(&timeline::Wanted {
            log: &args.file,
            looks: args.looks.as_deref(),
            migration: args.migration.as_deref(),
            clock_speed: args.clock_speed,
            out: &args.out,
            language: args.lang.into(),
        })?;
        format!("timeline {}", page.display())
    } else if args.looks.is_some() || args.migration.is_some() || args.clock_speed != 1 {
        let shown = args.file.display();
        return Err(Failure::usage(format!(
            "{shown} is no audit log: --looks, --migration and --clock-speed are for the timeline of one"
        )));
    } else {
        super::evaluate::write_report(&verdict_file::read(&args.file)?, &args.out, args.lang.into())?
    };
    render::result(&written);
    Ok(Exit::Done)
}
