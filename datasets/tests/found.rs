//! Inputs that once broke a reader, and others that mean no good, each read to its end again.
//!
//! The folders of `found/` are named after the fuzz targets (`../fuzz`), which do the same with bytes that nobody has seen
//! yet. An input that one of them finds is put there.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail the test")]

#[path = "found/endure.rs"]
#[expect(unreachable_pub, reason = "the fuzz targets use it from outside")]
mod endure;

use datasets::import::LogFormat;
use endure::Seen;
use std::fs;
use std::path::{Path, PathBuf};

/// Column names of the access logs.
const MAPPING: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/found/nginx.toml");
/// What is no log: told apart, exchange records, texts on their way through the redactor.
const OTHERS: [&str; 3] = ["detect", "records", "redact"];

/// What every target can read in no time.
const SMALL_BYTES: usize = 8 * 1024;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/found")
}

/// The names of all targets, as their folders have them.
fn targets() -> Vec<String> {
    let formats = LogFormat::ALL.into_iter().map(|format| match format {
        LogFormat::Own => "own".to_owned(),
        other => other.name().replace('-', "_"),
    });
    formats.chain(OTHERS.map(str::to_owned)).collect()
}

fn format(target: &str) -> LogFormat {
    if target == "own" { LogFormat::Own } else { target.replace('_', "-").parse().unwrap() }
}

fn read(target: &str, bytes: &[u8]) -> Seen {
    match target {
        "detect" => endure::import(None, bytes),
        "records" => endure::records(bytes),
        "redact" => endure::redact(bytes),
        log => endure::import(Some(format(log)), bytes),
    }
}

/// Every input of a target, by the name of its file.
fn inputs(target: &str) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(folder().join(target)).unwrap();
    let mut inputs: Vec<(String, Vec<u8>)> = entries
        .map(Result::unwrap)
        .map(|entry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap()))
        .collect();
    inputs.sort();
    inputs
}

#[test]
fn every_input_is_read_to_its_end() {
    for target in targets() {
        let inputs = inputs(&target);
        assert!(!inputs.is_empty(), "{target} has no input");
        for (name, bytes) in inputs {
            let seen = read(&target, &bytes);
            eprintln!("{target}/{name}: {seen:?}");
            assert_ne!(seen, Seen::default(), "{target}/{name} is neither read nor refused");
        }
    }
}

#[test]
fn every_target_reads_the_small_inputs_of_all_the_others() {
    let targets = targets();
    let small = targets.iter().flat_map(|target| inputs(target)).filter(|(_, bytes)| bytes.len() < SMALL_BYTES);
    for (name, bytes) in small.filter(|(name, _)| !name.ends_with(".gz")) {
        for target in &targets {
            // Which of them it is, where it fails.
            eprintln!("{target} reads {name}");
            read(target, &bytes);
        }
    }
}

#[test]
fn every_folder_is_of_a_target_and_every_target_is_built() {
    let targets = targets();
    for entry in fs::read_dir(folder()).unwrap().map(Result::unwrap).filter(|entry| entry.path().is_dir()) {
        let name = entry.file_name().into_string().unwrap();
        assert!(targets.contains(&name), "{name} is no target");
    }
    let manifest = fs::read_to_string(folder().join("../../fuzz/Cargo.toml")).unwrap();
    for target in &targets {
        assert!(manifest.contains(&format!("name = \"{target}\"")), "{target} is not in fuzz/Cargo.toml");
        assert!(folder().join(format!("../../fuzz/fuzz_targets/{target}.rs")).exists(), "{target} has no source");
    }
}
