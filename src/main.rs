//! `weighbridge`: the one command. It parses, runs one subcommand and turns the outcome into an exit code.

mod args;
mod cmd;
mod lines;
mod logs;
mod outcome;
mod prices;
mod render;
mod stop;
mod table;
mod verdict_file;

use clap::Parser;
use outcome::Exit;
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let args = match args::Args::try_parse() {
        Ok(args) => args,
        Err(message) => {
            render::clap_message(&message);
            return if message.use_stderr() { Exit::Usage.into() } else { Exit::Done.into() };
        }
    };
    // A panic is a bug of ours and has an exit code of its own.
    match std::panic::catch_unwind(|| cmd::run(args)) {
        Ok(Ok(exit)) => exit.into(),
        Ok(Err(failure)) => {
            render::failure(&failure);
            failure.exit.into()
        }
        Err(_) => {
            render::note("this is a bug of weighbridge: please report the lines above with the command you ran");
            Exit::Bug.into()
        }
    }
}
