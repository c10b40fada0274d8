//! How many answers a second the mock gives on one core, beside servers that do nothing but write.
//!
//! ```text
//! cargo bench -p mocks --bench speed
//! cargo bench -p mocks --bench speed -- --seconds 2 --rounds 3 --only paced
//! ```
//!
//! Every subject is a process of its own on core 0; the load comes from a process on core 1 (`taskset`; where it is
//! missing, the output says so). `hyper` and `axum` are the plainest servers of their kind: they read the request's bytes
//! and write fixed ones of the same shape and pace. Each round asks all subjects one after the other; a ratio is taken
//! within its round and the median of the rounds is shown. CPU time is that of the subject's process, in microseconds
//! an answer: it survives a busy neighbour, rates do not. Chunks that are due within the same millisecond leave in one
//! write, so a mock that is short of time spends less on each of them, and none comes too early. An answer counts when its last byte is there; one that is not
//! complete is counted apart.
//!
//! | Scenario | What is asked |
//! | --- | --- |
//! | `plain` | the same question, answered in one piece |
//! | `distinct` | questions that all differ, answered in one piece |
//! | `stream` | the same question, 16 tokens streamed without waiting |
//! | `stream-distinct` | the same with questions that all differ |
//! | `paced` | 16 tokens, the first after 20 ms, the others 2 ms apart, 512 connections |

mod load;
mod subject;

use std::error::Error;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// As `weighbridge` has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

type Trouble = Box<dyn Error + Send + Sync>;

/// One way of asking.
#[derive(Clone, Copy)]
struct Scenario {
    name: &'static str,
    stream: bool,
    distinct: bool,
    paced: bool,
    connections: usize,
}

const SCENARIOS: [Scenario; 5] = [
    Scenario { name: "plain", stream: false, distinct: false, paced: false, connections: 64 },
    Scenario { name: "distinct", stream: false, distinct: true, paced: false, connections: 64 },
    Scenario { name: "stream", stream: true, distinct: false, paced: false, connections: 64 },
    Scenario { name: "stream-distinct", stream: true, distinct: true, paced: false, connections: 64 },
    Scenario { name: "paced", stream: true, distinct: false, paced: true, connections: 512 },
];

const SUBJECTS: [&str; 3] = ["hyper", "axum", "mock"];

struct Options {
    seconds: u64,
    rounds: usize,
    only: Option<String>,
}

fn main() -> Result<(), Trouble> {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["worker", ..] | ["load", ..] => {
            end_with_parent();
            work(&words)
        }
        words => bench(&options(words)?),
    }
}

/// What this process does for the one that started it.
fn work(words: &[&str]) -> Result<(), Trouble> {
    match words {
        ["worker", subject, scenario] => subject::serve(subject, scenario_of(scenario)?),
        ["load", address, scenario, seconds] => {
            load::run(address.parse()?, scenario_of(scenario)?, Duration::from_secs(seconds.parse()?))
        }
        _ => Err("expected worker SUBJECT SCENARIO or load ADDRESS SCENARIO SECONDS".into()),
    }
}

/// A parent that is gone has closed the pipe to our standard input.
fn end_with_parent() {
    std::thread::spawn(|| {
        let mut nothing = Vec::new();
        if std::io::stdin().read_to_end(&mut nothing).is_ok() {
            std::process::abort();
        }
    });
}

fn scenario_of(name: &str) -> Result<Scenario, Trouble> {
    SCENARIOS.into_iter().find(|scenario| scenario.name == name).ok_or_else(|| format!("no scenario {name}").into())
}

fn options(words: &[&str]) -> Result<Options, Trouble> {
    let mut options = Options { seconds: 4, rounds: 3, only: None };
    for pair in words.chunks(2) {
        match pair {
            ["--seconds", value] => options.seconds = value.parse()?,
            ["--rounds", value] => options.rounds = value.parse()?,
            ["--only", value] => options.only = Some(scenario_of(value)?.name.to_owned()),
            _ => return Err("expected --seconds N, --rounds N or --only SCENARIO".into()),
        }
    }
    Ok(options)
}

/// What one leg brought.
#[derive(Clone, Copy, Default)]
struct Leg {
    answers_per_second: f64,
    incomplete: f64,
    p50_us: f64,
    p99_us: f64,
    cpu_us: f64,
    /// Share of its core that the load generator needed.
    load_share: f64,
}

fn bench(options: &Options) -> Result<(), Trouble> {
    let pinned = can_pin();
    if !pinned {
        say("note: taskset is missing or there is one core only, so nothing is pinned");
    }
    say(&format!("{} rounds of {} s a leg; load average {}", options.rounds, options.seconds, load_average()));
    say("scenario         subject  answers/s    of hyper  of axum   CPU us   p50 ms   p99 ms  incomplete  load's core");
    for scenario in SCENARIOS.into_iter().filter(|one| options.only.as_ref().is_none_or(|only| one.name == only)) {
        let mut rounds: Vec<Vec<Leg>> = Vec::new();
        for _ in 0..options.rounds {
            let legs = SUBJECTS.iter().map(|subject| leg(subject, scenario, options.seconds, pinned));
            rounds.push(legs.collect::<Result<_, _>>()?);
        }
        for (index, subject) in SUBJECTS.iter().enumerate() {
            let figure = |read: fn(&Leg) -> f64| median(rounds.iter().filter_map(|legs| legs.get(index).map(read)));
            let ratio =
                |to: usize| {
                    median(rounds.iter().filter_map(|legs| {
                        Some(legs.get(index)?.answers_per_second / legs.get(to)?.answers_per_second)
                    }))
                };
            say(&format!(
                "{:<16} {subject:<7} {:>10.0} {:>10.2} {:>8.2} {:>8.1} {:>8.2} {:>8.2} {:>11.0} {:>11.0}%",
                scenario.name,
                figure(|leg| leg.answers_per_second),
                ratio(0),
                ratio(1),
                figure(|leg| leg.cpu_us),
                figure(|leg| leg.p50_us / 1000.0),
                figure(|leg| leg.p99_us / 1000.0),
                figure(|leg| leg.incomplete),
                figure(|leg| leg.load_share * 100.0),
            ));
        }
    }
    Ok(())
}

/// One subject in one scenario.
fn leg(subject: &str, scenario: Scenario, seconds: u64, pinned: bool) -> Result<Leg, Trouble> {
    let mut server = Process(spawn(&["worker", subject, scenario.name], "0", pinned)?);
    let address = server.line()?;
    let seconds = seconds.to_string();
    let mut load = Process(spawn(&["load", address.trim(), scenario.name, &seconds], "1", pinned)?);
    // The first line says that all connections are warm, the second how it went.
    load.line()?;
    let before = cpu_us(server.0.id())?;
    let load_before = cpu_us(load.0.id())?;
    let result = load.line()?;
    let (after, load_after) = (cpu_us(server.0.id())?, cpu_us(load.0.id())?);
    let figures: Vec<f64> = result.split_whitespace().map(str::parse).collect::<Result<_, _>>()?;
    let [answers, incomplete, seconds, p50_us, p99_us] = figures.as_slice() else {
        return Err(format!("the load generator said {result:?}").into());
    };
    Ok(Leg {
        answers_per_second: answers / seconds,
        incomplete: *incomplete,
        p50_us: *p50_us,
        p99_us: *p99_us,
        cpu_us: (after - before) / answers.max(1.0),
        load_share: (load_after - load_before) / (seconds * 1e6),
    })
}

/// A process that is ended when it is no longer needed.
struct Process(Child);

impl Process {
    fn line(&mut self) -> Result<String, Trouble> {
        let output = self.0.stdout.as_mut().ok_or("a process without output")?;
        let mut line = String::new();
        // One byte at a time, so that nothing of the next line is taken.
        BufReader::with_capacity(1, output).read_line(&mut line)?;
        if line.is_empty() { Err("a process ended early".into()) } else { Ok(line) }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.0.kill().and_then(|()| self.0.wait()).is_err() {
            say("note: a process of the benchmark could not be ended");
        }
    }
}

fn spawn(arguments: &[&str], core: &str, pinned: bool) -> Result<Child, Trouble> {
    let own = std::env::current_exe()?;
    let mut command = if pinned {
        let mut command = Command::new("taskset");
        command.args(["-c", core]).arg(own);
        command
    } else {
        Command::new(own)
    };
    // A closed standard input tells it to end even if this process is killed.
    Ok(command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?)
}

fn can_pin() -> bool {
    let cores = std::thread::available_parallelism().is_ok_and(|cores| cores.get() > 1);
    let mut taskset = Command::new("taskset");
    cores && taskset.args(["-c", "0", "true"]).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}

/// CPU time of all threads of a process, microseconds.
fn cpu_us(process: u32) -> Result<f64, Trouble> {
    let mut nanoseconds = 0.0;
    for task in std::fs::read_dir(format!("/proc/{process}/task"))? {
        let text = std::fs::read_to_string(task?.path().join("schedstat"))?;
        nanoseconds += text.split_whitespace().next().ok_or("an empty schedstat")?.parse::<f64>()?;
    }
    Ok(nanoseconds / 1000.0)
}

fn load_average() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split_whitespace().next().unwrap_or("unknown").to_owned()
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// The only place that prints.
#[expect(clippy::print_stdout, reason = "a benchmark's results are its standard output")]
fn say(line: &str) {
    println!("{line}");
}
