//! Files: strictness, refusals, formats, and independence of how the rows are split.

use super::fixture::*;
use crate::{ErrorKind, EvaluateError, evaluate, output};
use datasets::{Arm, Exchange, Label, Role, digest};
use judge::verdict::Input;

#[test]
fn the_same_rows_in_other_files_and_another_order_give_the_same_bytes() {
    let mut rows = traffic(300);
    rows.push(rows[7].clone());
    for row in rows.iter_mut().filter(|row| row.role == Role::Served).step_by(9) {
        *row = with_error(row.clone(), wire::ErrorKind::Server);
    }
    let files = Files::new();
    let whole = files.records("whole.ndjson", &rows);
    let mut shuffled = rows;
    shuffled.sort_by_key(|row| (row.pair.bytes().rev().collect::<Vec<u8>>(), row.arm == Arm::Baseline));
    let parts: Vec<_> =
        shuffled.chunks(111).enumerate().map(|(part, rows)| files.records(&format!("{part}.ndjson"), rows)).collect();
    let text = |paths: &[std::path::PathBuf]| {
        let mut verdict = evaluate(paths, &options()).unwrap().verdict;
        verdict.inputs.clear();
        output::to_json(&verdict)
    };
    let first = text(std::slice::from_ref(&whole));
    assert_eq!(first, text(std::slice::from_ref(&whole)));
    assert_eq!(first, text(&parts));
    let backwards: Vec<_> = parts.into_iter().rev().collect();
    assert_eq!(first, text(&backwards));
}

#[test]
fn inputs_are_named_without_folder_digested_and_sorted() {
    let files = Files::new();
    let b = files.records("b.ndjson", &mirrored("1"));
    let a = files.records("a.ndjson", &mirrored("2")[..1]);
    let label = Label { request: "r".into(), answer_digest: "d".into(), metric: "exact".into(), good: true };
    let options = crate::Options { labels: vec![files.labels("labels.ndjson", &[label])], ..options() };
    let inputs = evaluate(&[b, a], &options).unwrap().verdict.inputs;
    let expected = |name: &str, rows| Input {
        name: name.to_owned(),
        digest: digest::of_bytes(&std::fs::read(files.path(name)).unwrap()),
        rows,
    };
    assert_eq!(inputs, [expected("a.ndjson", 1), expected("b.ndjson", 2), expected("labels.ndjson", 1)]);
    // A folder is its record files; what else of ours lies there is passed over.
    let of_folder = evaluate(&[files.folder().to_owned()], &super::fixture::options()).unwrap().verdict;
    assert_eq!(of_folder.inputs, inputs[..2]);
    assert_eq!(of_folder.created_at, "2026-11-20T12:00:00Z");
}

#[test]
fn a_broken_line_is_an_error_with_file_and_line_or_counted_by_arm() {
    let files = Files::new();
    let path = files.records("records.ndjson", &traffic(50));
    let mut text = std::fs::read_to_string(&path).unwrap();
    text.push_str("{\"pair\":\"x\",\"arm\":\"candidate\",\"role\":\"shadow\"}\n");
    std::fs::write(&path, &text).unwrap();
    let error = evaluate(std::slice::from_ref(&path), &options()).unwrap_err();
    let words = error.to_string();
    assert!(words.contains("records.ndjson, line 102: ") && words.contains("migration"), "{words}");
    assert_eq!(error.kind(), ErrorKind::Usage);

    let lenient = crate::Options { skip_broken: true, ..options() };
    let outcome = evaluate(std::slice::from_ref(&path), &lenient).unwrap();
    let instrument = &outcome.verdict.instrument;
    assert!((instrument.reject_share_candidate - 1.0 / 51.0).abs() < 1e-12);
    assert!(instrument.reject_share_baseline.abs() < 1e-12);
    assert_eq!((outcome.verdict.inputs[0].rows, outcome.counts.load.broken), (100, 0));

    text.push_str("no json\n");
    std::fs::write(&path, &text).unwrap();
    let outcome = evaluate(std::slice::from_ref(&path), &lenient).unwrap();
    assert_eq!(outcome.counts.load.broken, 1);
    let alarms = &outcome.verdict.instrument.alarms;
    assert_eq!(outcome.verdict.instrument.unknown_arms, 1);
    assert!(alarms.iter().any(|alarm| alarm.starts_with("1 of 102 (0.98 %) rows name neither arm")), "{alarms:?}");
}

#[test]
fn impossible_rows_are_refused_and_counted_but_failures_are_kept() {
    let good = exchange("a", Arm::Candidate, Role::Shadow);
    let refused = [
        Exchange { duration_us: 0, ..good.clone() },
        Exchange { duration_us: 24 * 3_600_000_000 + 1, ..good.clone() },
        Exchange { ttft_us: Some(0), ..good.clone() },
        Exchange { ttft_us: Some(2_001_001), ..good.clone() },
        Exchange { at_us: -1, ..good.clone() },
        Exchange { weight_bp: 10_001, ..good.clone() },
        Exchange { quality: Some(1.001), ..good.clone() },
        Exchange { quality: Some(-0.001), ..good.clone() },
    ];
    let kept = [
        Exchange { ttft_us: Some(2_001_000), ..good.clone() },
        Exchange { duration_us: 24 * 3_600_000_000, ..good.clone() },
        Exchange { quality: Some(1.0), ..good.clone() },
        Exchange { quality: Some(0.0), ..good.clone() },
        with_error(Exchange { duration_us: 0, ..good }, wire::ErrorKind::Connect),
    ];
    let numbered = refused.iter().chain(&kept).enumerate();
    let rows: Vec<Exchange> =
        numbered.map(|(index, row)| Exchange { pair: format!("p{index}"), ..row.clone() }).collect();
    let outcome = judge(&rows);
    assert_eq!((outcome.counts.load.rejected.candidate, outcome.counts.exchanges), (8, 5));
    assert_eq!(outcome.counts.load.reasons.values().sum::<u64>(), 8);
    assert!((outcome.verdict.instrument.reject_share_candidate - 8.0 / 13.0).abs() < 1e-12);
}

#[test]
fn observed_rows_are_left_out_and_counted() {
    let mut rows = mirrored("a").to_vec();
    rows.push(Exchange { migration: "other".to_owned(), ..exchange("a", Arm::Baseline, Role::Observed) });
    let outcome = judge(&rows);
    assert_eq!((outcome.counts.load.observed, outcome.counts.exchanges), (1, 2));
    let remarks = outcome.counts.remarks();
    assert!(remarks.len() == 1 && remarks[0].starts_with("1 seen from the client's side"), "{remarks:?}");
    assert_eq!(judge(&mirrored("a")).counts.remarks(), Vec::<String>::new());
}

#[test]
fn closed_parts_are_read_with_their_folder_and_missed_without_it() {
    let files = Files::new();
    let rows = traffic(20);
    let open = files.records("records.ndjson", &rows[20..]);
    let closed = files.records("records-20261122T234500Z-0001.ndjson", &rows[..20]);
    let whole = evaluate(&[files.folder().to_owned()], &options()).unwrap();
    assert_eq!((whole.verdict.instrument.pairs, whole.counts.load.unnamed_parts), (20, 0));
    let both = evaluate(&[open.clone(), closed], &options()).unwrap();
    assert_eq!((both.verdict.instrument.pairs, both.counts.load.unnamed_parts), (20, 0));
    let half = evaluate(&[open], &options()).unwrap();
    assert_eq!((half.verdict.instrument.pairs, half.counts.load.unnamed_parts), (10, 1));
    assert!(half.counts.remarks()[0].contains("name the folder"), "{:?}", half.counts.remarks());
}

#[test]
fn several_migrations_need_a_choice() {
    let mut rows = mirrored("a").to_vec();
    rows.push(Exchange { migration: "mail".to_owned(), ..exchange("b", Arm::Baseline, Role::Served) });
    let error = judge_with(&rows, &options()).unwrap_err();
    assert!(matches!(&error, EvaluateError::SeveralMigrations { names } if names == &["chat", "mail"]), "{error}");
    assert!(error.to_string().contains("chat, mail"), "{error}");
    let chosen = |name: &str| crate::Options { migration: Some(name.to_owned()), ..options() };
    let outcome = judge_with(&rows, &chosen("chat")).unwrap();
    assert_eq!((outcome.verdict.migration.as_str(), outcome.counts.load.other_migration), ("chat", 1));
    let error = judge_with(&rows, &chosen("male")).unwrap_err();
    assert!(error.to_string().contains("`male`") && error.kind() == ErrorKind::Usage, "{error}");
}

#[test]
fn nothing_to_judge_is_said_so() {
    let files = Files::new();
    let empty = files.records("empty.ndjson", &[]);
    let error = evaluate(&[empty], &options()).unwrap_err();
    assert!(error.to_string().contains("no exchange to judge in empty.ndjson"), "{error}");
    let error = evaluate(&[files.path("missing.ndjson")], &options()).unwrap_err();
    assert!(error.to_string().contains("missing.ndjson") && error.kind() == ErrorKind::Usage, "{error}");
    let bare = Files::new();
    let error = evaluate(&[bare.folder().to_owned()], &options()).unwrap_err();
    assert!(matches!(error, EvaluateError::NoFiles { .. }), "{error}");
    for weight in [-1.0, 100.5, f64::NAN] {
        let options = crate::Options { at_weight_percent: Some(weight), ..options() };
        assert!(matches!(judge_with(&mirrored("a"), &options), Err(EvaluateError::Weight { .. })));
    }
}

/// A zstd frame of stored blocks: what a compressor makes of data it gives up on (RFC 8878, 3.1.1).
fn stored_zstd(bytes: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x28, 0xB5, 0x2F, 0xFD, 0xA0];
    frame.extend(u32::try_from(bytes.len()).unwrap().to_le_bytes());
    let blocks: Vec<&[u8]> = bytes.chunks(100_000).collect();
    for (index, block) in blocks.iter().enumerate() {
        let last = u32::from(index + 1 == blocks.len());
        let header = (u32::try_from(block.len()).unwrap() << 3 | last).to_le_bytes();
        frame.extend(&header[..3]);
        frame.extend(*block);
    }
    frame
}

#[test]
fn compressed_files_read_the_same_and_are_digested_as_they_lie() {
    let files = Files::new();
    let plain = files.records("records.ndjson", &traffic(200));
    let packed = files.path("records.ndjson.zst");
    std::fs::write(&packed, stored_zstd(&std::fs::read(&plain).unwrap())).unwrap();
    let of = |path| evaluate(&[path], &options()).unwrap().verdict;
    let (mut a, mut b) = (of(plain.clone()), of(packed.clone()));
    assert_eq!(b.inputs[0].digest, digest::of_bytes(&std::fs::read(&packed).unwrap()));
    assert_eq!((b.inputs[0].rows, b.instrument.pairs), (400, 200));
    a.inputs.clear();
    b.inputs.clear();
    assert_eq!(a, b);
}
