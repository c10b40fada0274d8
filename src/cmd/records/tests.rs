//! The commands, from arguments to files and exit codes.

use super::run;
use crate::args::{Args, Command};
use crate::outcome::{Exit, Failure};
use clap::Parser;
use datasets::{Appender, Exchange, Format, Header, Lines, LoggedRequest, Redaction, bundled};
use std::path::{Path, PathBuf};

/// Runs `weighbridge records` with these words; `{}` is the folder.
fn records(folder: &Path, words: &str) -> Result<Exit, Failure> {
    let words = words.replace("{}", &folder.display().to_string());
    let args = Args::try_parse_from("weighbridge records".split(' ').chain(words.split(' '))).unwrap();
    match args.command {
        Command::Records(args) => run(&args),
        other => panic!("{other:?}"),
    }
}

fn refused(folder: &Path, words: &str) -> String {
    let failure = records(folder, words).unwrap_err();
    assert_eq!(failure.exit, Exit::Usage, "{}", failure.message);
    failure.message
}

/// A folder with records of a known truth, whose answers are kept, and the request log of the demo.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    records(folder.path(), "synth --n 300 --seed 3 --out {}/synth.ndjson").unwrap();
    let header = Header::new(Format::Exchanges, Redaction::Full);
    let mut file = Appender::open(&folder.path().join("r.ndjson"), &header).unwrap();
    for mut row in exchanges(&folder.path().join("synth.ndjson")) {
        row.answer = row.error.is_none().then(|| format!("answer to {}", row.pair));
        row.answer_digest = None;
        file.push(&row).unwrap();
    }
    file.sync().unwrap();
    std::fs::write(folder.path().join("l.ndjson.zst"), bundled::DEMO.requests_zstd).unwrap();
    folder
}

fn exchanges(path: &Path) -> Vec<Exchange> {
    Lines::open(path, Format::Exchanges).unwrap().map(Result::unwrap).collect()
}

fn text(folder: &Path, name: &str) -> String {
    std::fs::read_to_string(folder.join(name)).unwrap()
}

#[test]
fn what_is_converted_back_is_what_it_was() {
    let kept = folder();
    let folder = kept.path();
    for step in [
        "convert {}/r.ndjson --out {}/1.ndjson.zst",
        "convert {}/1.ndjson.zst --out {}/2.parquet",
        "convert {}/2.parquet --out {}/3.ndjson",
        "convert {}/l.ndjson.zst --out {}/l.ndjson",
        "convert {}/l.ndjson --out {}/l2.ndjson.zst",
        "convert {}/l2.ndjson.zst --out {}/l3.ndjson",
    ] {
        assert_eq!(records(folder, step).unwrap(), Exit::Done, "{step}");
    }
    assert_eq!(text(folder, "3.ndjson"), text(folder, "r.ndjson"));
    assert_eq!(text(folder, "l3.ndjson"), text(folder, "l.ndjson"));
    assert_eq!(text(folder, "l.ndjson").lines().skip(1).collect::<Vec<_>>(), bundled_lines());
    assert!(refused(folder, "convert {}/l.ndjson --out {}/l.parquet").contains("only exchange records are tables"));
    assert!(refused(folder, "convert {}/l.ndjson {}/r.ndjson --out {}/x.ndjson").contains("one by one"));
    assert!(refused(folder, "convert {}/r.ndjson --out {}/r.ndjson").contains("which is read"));
}

fn bundled_lines() -> Vec<String> {
    bundled::DEMO.requests().unwrap().iter().map(|row| serde_json::to_string(row).unwrap()).collect()
}

#[test]
fn records_are_sorted_and_upgraded_where_asked() {
    let kept = folder();
    let folder = kept.path();
    let text_of = text(folder, "r.ndjson");
    let (header, lines) = text_of.split_once('\n').unwrap();
    let turned: Vec<&str> = lines.lines().rev().collect();
    let old = header.replace(r#""version":"1.6""#, r#""version":"1.1""#);
    std::fs::write(folder.join("turned.ndjson"), format!("{old}\n{}\n", turned.join("\n"))).unwrap();
    records(folder, "convert {}/turned.ndjson --sort --upgrade --out {}/sorted.ndjson").unwrap();
    let sorted = Lines::<Exchange>::open(&folder.join("sorted.ndjson"), Format::Exchanges).unwrap();
    assert_eq!(sorted.header().version, "1.6");
    let times: Vec<i64> = sorted.map(|row| row.unwrap().at_us).collect();
    assert!(times.is_sorted() && times.len() == lines.lines().count());
    records(folder, "convert {}/turned.ndjson --sort --out {}/sorted.parquet").unwrap();
    records(folder, "convert {}/sorted.parquet --out {}/again.ndjson").unwrap();
    assert_eq!(text(folder, "again.ndjson").lines().skip(1).collect::<Vec<_>>().len(), times.len());
    assert!(text(folder, "again.ndjson").starts_with(&old), "a table keeps the version of its lines");
}

#[test]
fn a_check_names_what_is_wrong_by_its_exit_code() {
    let kept = folder();
    let folder = kept.path();
    assert_eq!(records(folder, "check {}/r.ndjson {}/l.ndjson.zst").unwrap(), Exit::Done);
    records(folder, "convert {}/r.ndjson --out {}/r.parquet").unwrap();
    assert_eq!(records(folder, "check {}/r.parquet --json").unwrap(), Exit::Done);
    let whole = text(folder, "r.ndjson");
    let broken = |name: &str, text: String| std::fs::write(folder.join(name), text).unwrap();
    broken("twice.ndjson", format!("{whole}{}\n", whole.lines().last().unwrap()));
    broken("half.ndjson", whole[..whole.len() - 9].to_owned());
    broken("hidden.ndjson", whole.replacen(r#""redaction":"full""#, r#""redaction":"hashed""#, 1));
    broken("none.ndjson", "hello\n".to_owned());
    for name in ["twice", "half", "hidden", "none"] {
        assert_eq!(records(folder, &format!("check {{}}/{name}.ndjson")).unwrap(), Exit::Usage, "{name}");
    }
    assert_eq!(records(folder, "check {}/not-there.ndjson").unwrap(), Exit::World);
}

#[test]
fn what_a_newer_version_has_is_not_lost_silently() {
    let kept = folder();
    let folder = kept.path();
    let newer = text(folder, "r.ndjson").replacen(r#""version":"1.6""#, r#""version":"1.9""#, 1);
    let newer = newer.replacen(r#""streamed":"#, r#""mood":1,"streamed":"#, 1);
    std::fs::write(folder.join("newer.ndjson"), &newer).unwrap();
    assert_eq!(records(folder, "check {}/newer.ndjson").unwrap(), Exit::Done);
    records(folder, "convert {}/newer.ndjson --upgrade --out {}/packed.ndjson.zst").unwrap();
    records(folder, "convert {}/packed.ndjson.zst --out {}/again.ndjson").unwrap();
    assert_eq!(text(folder, "again.ndjson"), newer);
    let told = refused(folder, "convert {}/newer.ndjson --out {}/newer.parquet");
    assert!(told.contains("line 2: member mood") && !folder.join("newer.parquet").exists(), "{told}");
    records(folder, "convert {}/newer.ndjson --drop-unknown --out {}/newer.parquet").unwrap();
    let reader = evaluator::parquet::Reader::open(&folder.join("newer.parquet")).unwrap();
    assert_eq!(reader.header().unwrap().version, "1.6");
}

#[test]
fn content_is_taken_out_and_the_header_says_so() {
    let kept = folder();
    let folder = kept.path();
    assert!(refused(folder, "redact {}/r.ndjson --out {}/h.ndjson").contains("--salt-env"));
    std::fs::write(folder.join("salt"), "pepper\n").unwrap();
    records(folder, "redact {}/r.ndjson --salt-file {}/salt --out {}/h.ndjson.zst").unwrap();
    let hashed = Lines::<Exchange>::open(&folder.join("h.ndjson.zst"), Format::Exchanges).unwrap();
    assert_eq!(hashed.header().redaction, Redaction::Hashed);
    let rows: Vec<Exchange> = hashed.map(Result::unwrap).collect();
    let answered = rows.iter().find(|row| row.error.is_none()).unwrap();
    let expected = datasets::digest::content("pepper", &format!("answer to {}", answered.pair));
    assert_eq!(answered.answer_digest.as_deref(), Some(expected.as_str()));
    assert!(rows.iter().all(|row| row.answer.is_none()));
    records(folder, "redact {}/h.ndjson.zst --mode none --out {}/n.parquet").unwrap();
    assert_eq!(records(folder, "check {}/h.ndjson.zst {}/n.parquet").unwrap(), Exit::Done);
    let secret = r#"{"format":"weighbridge.requests","version":"2.0","creator":"t","redaction":"full"}
{"id":"a","at_us":1,"body":{"model":"m","messages":[{"role":"user","content":"I am anna.bell@example.com"}]}}
"#;
    std::fs::write(folder.join("secret.ndjson"), secret).unwrap();
    records(folder, "redact {}/secret.ndjson --out {}/clean.ndjson").unwrap();
    let clean = text(folder, "clean.ndjson");
    assert!(!clean.contains("anna") && clean.contains("[email:"), "{clean}");
    assert!(refused(folder, "redact {}/secret.ndjson --mode hashed --out {}/x.ndjson").contains("--mode full"));
}

#[test]
fn compacted_records_are_summed_up_and_evaluated_like_their_lines() {
    let kept = folder();
    let folder = kept.path();
    records(folder, "compact {}/r.ndjson --out {}/table").unwrap();
    records(folder, "compact {}/r.ndjson --out {}/table").unwrap();
    let files: Vec<PathBuf> = evaluator::load::files_of(&[folder.join("table")]).unwrap();
    let count: usize = files.iter().map(|path| evaluator::parquet::Reader::open(path).unwrap().rows()).sum();
    assert_eq!(count, exchanges(&folder.join("r.ndjson")).len());
    for words in ["summary {}/table", "summary {}/l.ndjson.zst {}/r.ndjson --json", "check {}/table"] {
        assert_eq!(records(folder, words).unwrap(), Exit::Done, "{words}");
    }
    assert!(refused(folder, "compact - --out {}/table").contains("standard input"));
    for kind in ["", " header", " request", " exchange", " label"] {
        assert_eq!(records(folder, &format!("schema{kind}")).unwrap(), Exit::Done);
    }
    let log: Vec<LoggedRequest> = bundled::DEMO.requests().unwrap();
    assert!(log.len() > 100);
}
