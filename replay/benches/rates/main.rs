//! How fast and how exactly a replay sends, beside `oha` and `wrk` on the same target in the same run.
//!
//! ```text
//! cargo bench -p replay --bench rates -- --oha PATH --wrk PATH
//!     [--target URL] [--seconds 10] [--rows 1000000] [--only NAME]
//! ```
//!
//! Every tool and the server run as processes of their own. The server is a small one that ships with this benchmark;
//! `--target` names another one for the streaming figures, such as `weighbridge mock`. Without `--oha` or `--wrk` what
//! needs them is skipped, aloud. `--only` is one of `plain`, `even`, `stream` and `log`.
//!
//! | name | what |
//! | --- | --- |
//! | `plain` | most requests a second over 64 connections, whole answers |
//! | `even` | 2,000/s evenly: how far the pauses between arrivals at the server are from 500 us |
//! | `stream` | 1,000/s evenly, streamed answers: send lag |
//! | `log` | a log of many rows: time to the first send, most memory |
//!
//! Measured on two slow cores that other builds shared (load 3 to 8), oha 1.16.0 and wrk 4.1, `--seconds 4`:
//!
//! | name | replay | oha | wrk |
//! | --- | --- | --- | --- |
//! | `plain` | 29,900/s | 35,100/s (0.85) | 24,300/s (1.23) |
//! | `even`, error p50 and p99 | 12 us, 1.6 ms | 483 us, 4.1 ms | knows no rate |
//! | `stream`, send lag p50 and p99 | 47 us, 0.2 ms (4.0 ms at worst of three) | does not tell | knows no rate |
//! | `log`, first request and most memory | 101 ms, 98 MB | | |
//!
//! Processor time by request of `plain`: replay 19 us on the thread that sends and 4 us on the threads that read the log
//! and collect; oha 17 us.
#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

mod log;
mod play;
mod server;
mod tools;

use std::error::Error;
use std::path::PathBuf;
use std::time::Duration;
use tools::{Figures, Tool};

/// As in the command `weighbridge`.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A mistake that ends the benchmark.
pub(crate) type Fault = Box<dyn Error>;

/// Connections of the plain maximum.
const CONNECTIONS: u32 = 64;
/// Rounds of the plain maximum.
const ROUNDS: u32 = 5;
/// Rate of the even schedule.
const EVEN_PER_SECOND: u32 = 2_000;
/// Rate of the streaming schedule.
const STREAMS_PER_SECOND: u32 = 1_000;

/// The command line.
#[derive(Debug)]
struct Args {
    oha: Option<PathBuf>,
    wrk: Option<PathBuf>,
    target: Option<String>,
    seconds: u64,
    rows: u64,
    only: Option<String>,
}

fn main() -> Result<(), Fault> {
    let mut words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    match words.first().map(String::as_str) {
        Some("serve") => return server::run(),
        Some("play") => return play::run(&words.split_off(1)),
        _ => {}
    }
    let args = parse(words)?;
    println!("load of the machine before: {}", std::fs::read_to_string("/proc/loadavg").unwrap_or_default().trim());
    let wanted = |name: &str| args.only.as_deref().is_none_or(|only| only == name);
    if wanted("plain") {
        plain(&args)?;
    }
    if wanted("even") {
        even(&args)?;
    }
    if wanted("stream") {
        stream(&args)?;
    }
    if wanted("log") {
        log::measure(args.rows)?;
    }
    Ok(())
}

fn parse(words: Vec<String>) -> Result<Args, Fault> {
    let mut args = Args { oha: None, wrk: None, target: None, seconds: 10, rows: 1_000_000, only: None };
    let mut words = words.into_iter();
    while let Some(name) = words.next() {
        let value = words.next().ok_or_else(|| format!("{name} needs a value"))?;
        match name.as_str() {
            "--oha" => args.oha = Some(value.into()),
            "--wrk" => args.wrk = Some(value.into()),
            "--target" => args.target = Some(value),
            "--seconds" => args.seconds = value.parse()?,
            "--rows" => args.rows = value.parse()?,
            "--only" => args.only = Some(value),
            _ => return Err(format!("{name} is not known; see the head of replay/benches/rates/main.rs").into()),
        }
    }
    Ok(args)
}

/// The tools that are here.
fn others(args: &Args) -> Vec<Tool> {
    let mut tools = Vec::new();
    for (name, path) in [("oha", &args.oha), ("wrk", &args.wrk)] {
        match path {
            Some(path) if name == "oha" => tools.push(Tool::Oha(path.clone())),
            Some(path) => tools.push(Tool::Wrk(path.clone())),
            None => println!("  skipped: no {name} here (--{name} PATH)"),
        }
    }
    tools
}

fn plain(args: &Args) -> Result<(), Fault> {
    println!(
        "\nplain: most requests a second over {CONNECTIONS} connections, median of {ROUNDS} rounds of {} s",
        args.seconds
    );
    let server = server::Child::start()?;
    let url = format!("{}/plain", server.url);
    let mut tools = vec![Tool::Replay];
    tools.extend(others(args));
    let mut rates = vec![Vec::new(); tools.len()];
    // In turns, so that a busy moment of the machine hits all of them.
    for _ in 0..ROUNDS {
        for (tool, rates) in tools.iter().zip(&mut rates) {
            let time = Duration::from_secs(args.seconds);
            rates.push(tools::run(tool, &url, &format!("max:{CONNECTIONS}"), CONNECTIONS, time, false)?.per_second);
        }
    }
    let medians: Vec<f64> = rates.into_iter().map(median).collect();
    let ours = medians.first().copied().unwrap_or(0.0);
    for (tool, theirs) in tools.iter().zip(medians) {
        let ratio = ours / theirs;
        println!("  {:<6} {theirs:>9.0}/s   replay reaches {ratio:.2} of it", tool.name());
    }
    Ok(())
}

fn median(mut rates: Vec<f64>) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates.get(rates.len() / 2).copied().unwrap_or(0.0)
}

fn even(args: &Args) -> Result<(), Fault> {
    println!("\neven: {EVEN_PER_SECOND}/s for {} s, error of the pauses between arrivals", args.seconds);
    let server = server::Child::start()?;
    let url = format!("{}/plain", server.url);
    let time = Duration::from_secs(args.seconds);
    let mut tools = vec![Tool::Replay];
    // wrk knows no rate.
    tools.extend(others(args).into_iter().filter(|tool| matches!(tool, Tool::Oha(_))));
    for tool in tools {
        server.listen()?;
        let figures = tools::run(&tool, &url, &format!("{EVEN_PER_SECOND}/s"), CONNECTIONS, time, false)?;
        let (p50, p99) = pause_error_us(&server.arrivals()?, 1_000_000 / u64::from(EVEN_PER_SECOND));
        let Figures { per_second, lag_us, .. } = figures;
        println!("  {:<6} {per_second:>7.0}/s   error p50 {p50} us  p99 {p99} us{}", tool.name(), lag(lag_us));
    }
    Ok(())
}

fn stream(args: &Args) -> Result<(), Fault> {
    let own = if args.target.is_none() { Some(server::Child::start()?) } else { None };
    let url = match (&args.target, &own) {
        (Some(target), _) => target.clone(),
        (None, Some(server)) => format!("{}/stream", server.url),
        (None, None) => return Err("no target".into()),
    };
    println!("\nstream: {STREAMS_PER_SECOND}/s streamed for {} s at {url}", args.seconds);
    let time = Duration::from_secs(args.seconds);
    let mut tools = vec![Tool::Replay];
    tools.extend(others(args).into_iter().filter(|tool| matches!(tool, Tool::Oha(_))));
    for tool in tools {
        let figures = tools::run(&tool, &url, &format!("{STREAMS_PER_SECOND}/s"), 512, time, true)?;
        let Figures { per_second, lag_us, whole_p99_ms, failed } = figures;
        let name = tool.name();
        println!("  {name:<6} {per_second:>7.0}/s   whole p99 {whole_p99_ms:.1} ms  failed {failed}{}", lag(lag_us));
    }
    Ok(())
}

fn lag(lag_us: Option<(u64, u64)>) -> String {
    lag_us.map(|(p50, p99)| format!("  send lag p50 {p50} us  p99 {p99} us")).unwrap_or_default()
}

/// How far the pauses between instants are from what they should be: median and 99th percentile, microseconds.
fn pause_error_us(instants_us: &[u64], pause_us: u64) -> (u64, u64) {
    let mut errors: Vec<u64> =
        instants_us.windows(2).map(|pair| (pair[1].saturating_sub(pair[0])).abs_diff(pause_us)).collect();
    errors.sort_unstable();
    let at = |share: f64| errors.get((errors.len() as f64 * share) as usize).copied().unwrap_or(0);
    (at(0.5), at(0.99))
}
