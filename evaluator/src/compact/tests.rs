//! Folders of partitions: complete, without a record twice, whatever was run how often.

use super::*;
use crate::parquet::{Reader, Writer};
use crate::tests::fixture::*;
use datasets::{Exchange, Format, Header, Redaction};
use std::collections::BTreeMap;
use std::io::Write as _;
use wire::price::Tier;
use wire::{Usage, UsageSource};

const DAY_US: i64 = 86_400_000_000;

fn run(inputs: &[&Path], out: &Path) -> Result<Compacted, CompactError> {
    let inputs: Vec<PathBuf> = inputs.iter().map(|path| (*path).to_owned()).collect();
    compact(&inputs, out, CompactOptions::default(), &mut |_| {})
}

/// Two days of two migrations, the second day's rows first.
fn mixed() -> Vec<Exchange> {
    let mut rows = traffic(40);
    for (row, index) in rows.iter_mut().zip(0i64..) {
        let shift = if index < 30 { DAY_US } else { 0 };
        (row.at_us, row.sent_us) = (row.at_us + shift, row.sent_us + shift);
        row.tier = if index % 3 == 0 { Tier::Batch } else { Tier::Standard };
        let usage = Usage::new(500, 80, UsageSource::Provider);
        row.usage = Some(Usage { cache_write: Some(256), prompt_image: (index % 2 == 0).then_some(85), ..usage });
        row.migration = if index % 10 < 5 { "chat".to_owned() } else { "mail/2 ".to_owned() };
    }
    rows
}

/// All parts of a folder with their records.
fn parts(out: &Path) -> BTreeMap<String, Vec<Exchange>> {
    let files = files_of(&[out.to_owned()]).unwrap();
    let name = |path: &Path| {
        let place: Vec<_> = path.components().rev().take(3).map(|step| step.as_os_str().to_string_lossy()).collect();
        format!("{}/{}/{}", place[2], place[1], place[0])
    };
    files.iter().map(|path| (name(path), Reader::open(path).unwrap().map(Result::unwrap).collect())).collect()
}

fn all(out: &Path) -> Vec<Exchange> {
    sorted(parts(out).into_values().flatten().collect())
}

fn sorted(mut rows: Vec<Exchange>) -> Vec<Exchange> {
    rows.sort_by_key(|row| (row.at_us, row.pair.clone(), row.arm));
    rows
}

#[test]
fn records_lie_by_migration_and_day_and_nothing_is_lost() {
    let (files, rows) = (Files::new(), mixed());
    let (input, out) = (files.records("r.ndjson", &rows), files.path("out"));
    let done = run(&[&input], &out).unwrap();
    assert_eq!((done.files, done.records, done.parts, done.files_known), (1, 80, 4, 0));
    let parts = parts(&out);
    let folders: Vec<&str> = parts.keys().map(|name| name.rsplit_once('/').unwrap().0).collect();
    let expected = [
        "migration=chat/day=2026-11-20",
        "migration=chat/day=2026-11-21",
        "migration=mail%2F2%20/day=2026-11-20",
        "migration=mail%2F2%20/day=2026-11-21",
    ];
    assert_eq!(folders, expected);
    assert_eq!(all(&out), sorted(rows));
    assert!(!out.join(".staging").read_dir().is_ok_and(|mut left| left.next().is_some()));
}

#[test]
fn a_second_run_writes_nothing_and_lines_that_came_since_get_parts_of_their_own() {
    let (files, rows) = (Files::new(), mixed());
    let out = files.path("out");
    let input = files.records("r.ndjson", &rows[..50]);
    run(&[&input], &out).unwrap();
    let before = parts(&out);
    let again = run(&[&input, &input], &out).unwrap();
    assert_eq!((again.files, again.files_known, again.records, again.records_known, again.parts), (1, 1, 0, 50, 0));
    // It grows, is rotated, and its last line is not whole yet.
    files.records("r.ndjson", &rows[50..]);
    let last = std::fs::OpenOptions::new().append(true).open(&input).unwrap();
    (&last).write_all(b"{\"pair\":\"half").unwrap();
    let rotated = files.path("r-20261122T234500Z-0001.ndjson");
    std::fs::rename(&input, &rotated).unwrap();
    let grown = run(&[&rotated], &out).unwrap();
    assert_eq!((grown.records, grown.records_known, grown.unfinished), (30, 50, 1));
    let after = parts(&out);
    assert!(before.iter().all(|(name, rows)| after.get(name) == Some(rows)), "what was there is not touched");
    assert!(after.len() > before.len());
    assert_eq!(all(&out), sorted(rows.clone()));
    // Packed, it holds the same lines.
    let packed = files.path("packed.ndjson.zst");
    let text = std::fs::read_to_string(&rotated).unwrap();
    let whole = &text[..=text.rfind('\n').unwrap()];
    std::fs::write(&packed, zstd::encode_all(whole.as_bytes(), 1).unwrap()).unwrap();
    assert_eq!(run(&[&packed], &out).unwrap().files_known, 1);
    assert_eq!(all(&out), sorted(rows));
}

#[test]
fn what_a_killed_run_left_is_taken_away() {
    let (files, rows) = (Files::new(), mixed());
    let (input, out) = (files.records("r.ndjson", &rows), files.path("out"));
    run(&[&input], &out).unwrap();
    // As if it had been killed before its last step: announced, renamed, not confirmed; and then the file grew.
    let ledger = std::fs::read_dir(out.join("_compacted")).unwrap().flatten().map(|entry| entry.path());
    let entry = ledger.into_iter().find(|path| path.extension().is_some_and(|ending| ending == "json")).unwrap();
    let text = std::fs::read_to_string(&entry).unwrap();
    std::fs::write(&entry, text.replace("\"done\": true", "\"done\": false")).unwrap();
    std::fs::create_dir_all(out.join(".staging/left")).unwrap();
    let late = exchange("late", datasets::Arm::Baseline, datasets::Role::Served);
    files.records("r.ndjson", std::slice::from_ref(&late));
    let done = run(&[&input], &out).unwrap();
    assert_eq!((done.records, done.records_known), (81, 0));
    assert_eq!(all(&out), sorted([rows, vec![late]].concat()));
    assert!(!out.join(".staging/left").exists());
}

#[test]
fn a_verdict_from_partitions_is_the_verdict_from_lines() {
    let (files, out) = (Files::new(), tempfile::tempdir().unwrap());
    let mut rows = traffic(800);
    rows.iter_mut().zip(0i64..).for_each(|(row, index)| row.at_us += index / 2 * 120_000_000);
    rows.iter_mut().for_each(|row| row.sent_us = row.at_us);
    let input = files.records("r.ndjson", &rows);
    let done = run(&[&input], out.path()).unwrap();
    assert_eq!((done.records, done.parts), (1600, 2));
    let of = |path: &Path| {
        let mut outcome = crate::evaluate(&[path.to_owned()], &options()).unwrap();
        outcome.verdict.inputs.clear();
        outcome
    };
    let (lines, partitions) = (of(&input), of(out.path()));
    assert_eq!((&lines.verdict, &lines.counts), (&partitions.verdict, &partitions.counts));
}

#[test]
fn what_would_be_lost_stops_it_unless_told_otherwise() {
    let (files, rows) = (Files::new(), traffic(2));
    let (input, out) = (files.records("r.ndjson", &rows), files.path("out"));
    let text = std::fs::read_to_string(&input).unwrap();
    std::fs::write(&input, text.replacen("\"streamed\":true", "\"streamed\":true,\"mood\":1", 1)).unwrap();
    let error = run(&[&input], &out).unwrap_err().to_string();
    assert!(error.contains("r.ndjson, line 2: member mood") && error.contains("--drop-unknown"), "{error}");
    std::fs::write(&input, format!("{text}{{\"pair\":1}}\n")).unwrap();
    let error = run(&[&input], &out).unwrap_err().to_string();
    assert!(error.contains("r.ndjson, line 6"), "{error}");
    assert_eq!(files_of(std::slice::from_ref(&out)).unwrap_err().kind(), crate::ErrorKind::Usage, "nothing half done");
    let lenient = CompactOptions { skip_broken: true, drop_unknown: true };
    let done = compact(std::slice::from_ref(&input), &out, lenient, &mut |_| {}).unwrap();
    assert_eq!((done.records, done.broken), (4, 1));
    let own = run(&[&out], &out).unwrap_err();
    assert!(matches!(own, CompactError::Own { .. }), "{own}");
    let held = Ledger::open(&out).unwrap();
    assert!(matches!(run(&[&input], &out), Err(CompactError::Locked { .. })));
    drop(held);
}

#[test]
fn tables_are_compacted_once_and_keep_the_version_of_their_lines() {
    let (files, rows) = (Files::new(), mixed());
    let (table, out) = (files.path("r.parquet"), files.path("out"));
    let header = Header { version: "1.1".to_owned(), ..Header::new(Format::Exchanges, Redaction::None) };
    let mut writer = Writer::create(&table, &header).unwrap();
    rows.iter().for_each(|row| writer.push(row.clone()).unwrap());
    writer.finish().unwrap();
    assert_eq!(run(&[&table], &out).unwrap().records, 80);
    assert_eq!(run(&[&table], &out).unwrap().files_known, 1);
    assert_eq!(all(&out), sorted(rows));
    let part = files_of(&[out]).unwrap().remove(0);
    let reader = Reader::open(&part).unwrap();
    let header = reader.header().unwrap();
    assert_eq!((header.version.as_str(), header.redaction), ("1.1", Redaction::None));
}

#[test]
fn many_days_are_many_parts_and_few_open_ones() {
    let files = Files::new();
    let mut rows = traffic(140);
    for (row, index) in rows.iter_mut().zip(0i64..) {
        row.at_us += index / 2 % 66 * DAY_US;
    }
    let (input, out) = (files.records("r.ndjson", &rows), files.path("out"));
    assert!(run(&[&input], &out).unwrap().parts >= 66);
    assert_eq!(all(&out), sorted(rows));
}
