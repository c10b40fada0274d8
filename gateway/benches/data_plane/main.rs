//! What the gateway costs, beside proxies that do less: the benchmark of the data plane.
//!
//! Every figure is taken in rounds: each subject runs once a round, in an order that rotates, and what is printed is the
//! median of the rounds' ratios with the smallest and the largest. A machine that is busy with something else disturbs
//! all subjects of a round alike; it moves absolute figures more than ratios.
//!
//! Each role (upstream, load generator, gateway, bare proxy) is a process of its own, made by running this binary again,
//! so that the system's own clock says what each one costs. Cost is CPU time of the subject's process and never
//! throughput: load generator and upstream share the other core and may well be slower than the subject.
//!
//! It deliberately asserts nothing about time: a target that is not met is printed as not met.

mod envoy;
mod http_client;
mod load;
mod nginx;
mod options;
mod payload;
mod process;
mod report;
mod role;
mod say;
mod scenario;
mod settings;
mod statistics;
mod subject;

use std::process::ExitCode;

/// As the `weighbridge` command has it: an allocator is part of what is measured.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Any failure of the benchmark itself, told in one sentence.
type Trouble = Box<dyn std::error::Error + Send + Sync>;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let ended = match words.split_first() {
        Some((first, role)) if first == "worker" => role::run(role),
        _ => options::Options::parse(&words).and_then(|options| scenario::run(&options)),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(trouble) => {
            say::progress(&format!("data_plane: {trouble}"));
            ExitCode::FAILURE
        }
    }
}
