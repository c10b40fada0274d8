//! How long an evaluation takes and how much memory, beside a script that does less.
//!
//! `cargo bench -p evaluator --bench evaluate` makes records of 1, 2 and 5 million rows under `target/`, evaluates each
//! in a process of its own (so that the peak of memory is its own), runs `yardstick.py` on the same file, and prints a
//! table. Rows in millions may be given as arguments, `--lines` adds the same records as NDJSON.
//!
//! The yardstick needs a Python with polars and scipy: that of `YARDSTICK_PYTHON`, else `python3`. Without one it is said
//! so, and the ratios are missing.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark says what it found")]

mod generator;

use datasets::{Appender, Format, Header, Redaction};
use evaluator::parquet::Writer;
use evaluator::{Options, evaluate, load, pair};
use judge::policy::Policy;
use serde::{Deserialize, Serialize};
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Argument with which the benchmark calls itself.
const CHILD: &str = "--measure";
/// Argument that prints the verdict over one file instead, to compare two versions of this program byte for byte.
const VERDICT: &str = "--verdict";
const SEED: u64 = 20_261_123;

/// What one process measured; seconds and MiB.
#[derive(Debug, Serialize, Deserialize)]
struct Measured {
    read: f64,
    join: f64,
    rest: f64,
    total: f64,
    /// Processor time of all threads.
    processor: f64,
    peak_mib: f64,
    peak_read_mib: f64,
    pairs: u64,
    verdict: String,
}

/// What the script measured.
#[derive(Debug, Deserialize)]
struct Yardstick {
    total: f64,
    /// Processor time of all threads.
    processor: f64,
    peak_mib: f64,
    pairs: u64,
}

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if let [flag, path] = args.as_slice()
        && flag == CHILD
    {
        println!("{}", serde_json::to_string(&measure(Path::new(path))?)?);
        return Ok(());
    }
    if let [flag, path] = args.as_slice()
        && flag == VERDICT
    {
        let options = Options::new(Policy::default(), env!("CARGO_PKG_VERSION"));
        println!("{}", serde_json::to_string(&evaluate(&[PathBuf::from(path)], &options)?.verdict)?);
        return Ok(());
    }
    let lines = args.iter().any(|arg| arg == "--lines");
    let mut millions: Vec<f64> = args.iter().filter_map(|arg| arg.parse().ok()).collect();
    if millions.is_empty() {
        millions = vec![1.0, 2.0, 5.0];
    }
    println!(
        "      rows  file           read s  join s  rest s  total s  (CPU s)  peak MiB (read)  yardstick s  (CPU s)  peak MiB  ratio (of CPU)"
    );
    for millions in millions {
        let rows = (millions * 1e6) as u64;
        let table = records(rows, "parquet")?;
        row(rows, "parquet", &child(&table)?, yardstick(&table).as_ref());
        if lines {
            row(rows, "ndjson", &child(&records(rows, "ndjson")?)?, None);
        }
    }
    Ok(())
}

fn row(rows: u64, kind: &str, ours: &Measured, theirs: Option<&Yardstick>) {
    let yardstick = theirs.map_or_else(
        || "           -         -         -      -".to_owned(),
        |theirs| {
            format!(
                "{:12.2} ({:6.2}) {:9.0} {:6.2} ({:6.2})",
                theirs.total,
                theirs.processor,
                theirs.peak_mib,
                ours.total / theirs.total,
                ours.processor / theirs.processor
            )
        },
    );
    println!(
        "{rows:10}  {kind:12} {:8.2} {:7.2} {:7.2} {:8.2} ({:6.2}) {:9.0} ({:4.0}) {yardstick}",
        ours.read, ours.join, ours.rest, ours.total, ours.processor, ours.peak_mib, ours.peak_read_mib
    );
    if theirs.is_some_and(|theirs| theirs.pairs != ours.pairs) {
        println!(
            "            the yardstick joined another number of pairs than the {} of {}",
            ours.pairs, ours.verdict
        );
    }
}

/// The file of so many records; made once.
fn records(rows: u64, ending: &str) -> Result<PathBuf, Box<dyn Error>> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("evaluate");
    std::fs::create_dir_all(&folder)?;
    let path = folder.join(format!("records-{rows}-{SEED}.{ending}"));
    if path.exists() {
        return Ok(path);
    }
    eprintln!("making {}", path.display());
    // Under another name until it is whole.
    let making = folder.join(format!("making.{ending}"));
    let header = Header::new(Format::Exchanges, Redaction::Hashed);
    let mut failed = None;
    if ending == "parquet" {
        let mut writer = Writer::create(&making, &header)?;
        generator::each(rows / 2, SEED, |exchange| failed = failed.take().or(writer.push(exchange).err()));
        writer.finish()?;
    } else {
        let mut appender = Appender::open(&making, &header)?;
        let mut broken = None;
        generator::each(rows / 2, SEED, |exchange| broken = broken.take().or(appender.push(&exchange).err()));
        appender.sync()?;
        broken.map_or(Ok(()), Err)?;
    }
    failed.map_or(Ok(()), Err)?;
    std::fs::rename(making, &path)?;
    Ok(path)
}

fn child(path: &Path) -> Result<Measured, Box<dyn Error>> {
    let output = Command::new(std::env::current_exe()?).arg(CHILD).arg(path).output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// The whole evaluation, then its first phases once more to know their share.
fn measure(path: &Path) -> Result<Measured, Box<dyn Error>> {
    let paths = [path.to_owned()];
    let options = Options::new(Policy::default(), env!("CARGO_PKG_VERSION"));
    let started = Instant::now();
    let outcome = evaluate(&paths, &options)?;
    let total = started.elapsed().as_secs_f64();
    let processor = processor_seconds()?;
    let peak_mib = peak_mib()?;
    std::fs::write("/proc/self/clear_refs", "5")?;
    let started = Instant::now();
    let loaded = load::load(&paths, None, false)?;
    let read = started.elapsed().as_secs_f64();
    let peak_read_mib = self::peak_mib()?;
    let started = Instant::now();
    let pairing = pair::pair(&loaded.rows, options.policy.evidence.max_age_hours);
    let join = started.elapsed().as_secs_f64();
    Ok(Measured {
        read,
        join,
        rest: total - read - join,
        total,
        processor,
        peak_mib,
        peak_read_mib,
        pairs: pairing.pairs.len() as u64,
        verdict: outcome.verdict.verdict.word().to_owned(),
    })
}

/// Processor time of this process so far: user and system, the 14th and 15th field, in hundredths of a second (proc(5)).
fn processor_seconds() -> Result<f64, Box<dyn Error>> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let (_, fields) = stat.rsplit_once(')').ok_or("no name in /proc/self/stat")?;
    let ticks = fields.split_whitespace().skip(11).take(2).map(str::parse::<f64>).sum::<Result<f64, _>>()?;
    Ok(ticks / 100.0)
}

/// The largest resident memory of this process so far.
fn peak_mib() -> Result<f64, Box<dyn Error>> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("no VmHWM in /proc/self/status")?;
    Ok(line.trim().trim_end_matches(" kB").trim().parse::<f64>()? / 1024.0)
}

fn yardstick(path: &Path) -> Option<Yardstick> {
    let python = std::env::var("YARDSTICK_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/yardstick.py");
    match Command::new(&python).arg(script).arg(path).output() {
        Ok(output) if output.status.success() => serde_json::from_slice(&output.stdout).ok(),
        Ok(output) => {
            eprintln!("NO YARDSTICK: {python} failed; name one with polars and scipy in YARDSTICK_PYTHON");
            eprintln!("{}", String::from_utf8_lossy(&output.stderr));
            None
        }
        Err(error) => {
            eprintln!("NO YARDSTICK: {python} cannot be run ({error}); name a Python in YARDSTICK_PYTHON");
            None
        }
    }
}
