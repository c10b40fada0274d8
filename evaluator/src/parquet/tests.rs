//! Records as tables: the same verdict as from lines, and errors that name file, column and row.

use super::*;
use crate::tests::fixture::*;
use crate::{ErrorKind, EvaluateError, Options, Outcome, evaluate};
use datasets::{
    Arm, AssignedBy, Exchange, Format, FromLog, GuardAction, GuardCheck, GuardLevel, Guarded, Header, Moderation,
    Redaction, Role,
};
use polars::prelude::{Column, DataFrame, NamedFrom, ParquetWriter, Series};
use proptest::prelude::*;
use std::path::{Path, PathBuf};
use wire::price::Tier;
use wire::{Usage, UsageSource};

fn header() -> Header {
    Header::new(Format::Exchanges, Redaction::Hashed)
}

fn table(files: &Files, name: &str, rows: &[Exchange]) -> PathBuf {
    let path = files.path(name);
    assert_eq!(write(&path, &header(), rows.iter().cloned()).unwrap(), rows.len() as u64);
    path
}

const TIERS: [Tier; 5] = [Tier::Standard, Tier::Batch, Tier::Flex, Tier::Priority, Tier::Ultrafast];

/// Traffic with everything in it that a record can hold and an evaluation reads.
fn varied() -> Vec<Exchange> {
    let mut rows = traffic(400);
    for (row, index) in rows.iter_mut().zip(0u64..) {
        let some = |stream, share| uniform(index, stream) < share;
        if some(31, 0.02) {
            *row = with_error(row.clone(), wire::ErrorKind::RateLimit);
        }
        row.consumer = some(32, 0.9).then(|| format!("consumer-{}", (uniform(index, 33) * 30.0) as u64));
        row.model_answered = some(34, 0.5).then(|| format!("{}-2026-11-01-with-a-long-name", row.model));
        row.assigned_by = some(35, 0.5).then_some(AssignedBy::Weight);
        row.shadow_bp = some(36, 0.5).then_some(10_000);
        row.form_failure = some(37, 0.05).then(|| "not_json".to_owned());
        row.moderation = some(38, 0.01).then_some(Moderation::BlockedByProvider);
        row.usage = some(39, 0.99).then_some(Usage {
            cached: some(40, 0.5).then_some(index),
            cache_write: some(55, 0.3).then_some(index / 2),
            prompt_audio: some(56, 0.1).then_some(3),
            prompt_image: some(57, 0.1).then_some(85),
            reasoning: some(41, 0.3).then_some(7),
            completion_audio: some(58, 0.1).then_some(5),
            ..Usage::new(500 + index, 80, if some(42, 0.9) { UsageSource::Provider } else { UsageSource::Estimate })
        });
        row.tier = if some(59, 0.3) { TIERS[index as usize % TIERS.len()] } else { Tier::Standard };
        row.cost_nanos = some(43, 0.5).then_some(12_345);
        row.structured = some(46, 0.2);
        row.refused = some(47, 0.02);
        row.prompt_wide_chars = some(48, 0.5).then_some(index % 7);
        row.tools_digest = some(49, 0.3).then(|| format!("tools-{}", index % 11));
        row.quality = some(50, 0.4).then(|| uniform(index, 51));
        row.dropped = if some(44, 0.1) { vec!["seed".to_owned(), "logprobs".to_owned()] } else { Vec::new() };
        row.duration_us = if some(45, 0.01) { 0 } else { row.duration_us };
        row.refused = some(46, 0.02);
        row.guard = some(52, 0.6).then(|| crate::tests::fixture::guarded(some(53, 0.1), some(54, 0.05)));
        row.structured = some(47, 0.3);
        row.tools_digest = some(48, 0.2).then(|| format!("tools-{}", index % 7));
        row.quality = some(49, 0.8).then(|| uniform(index, 50));
        row.prompt_wide_chars = some(51, 0.5).then_some(2 * index);
    }
    rows.push(rows[7].clone());
    rows.push(Exchange { role: Role::Observed, ..rows[9].clone() });
    rows.push(Exchange { migration: "none".to_owned(), ..rows[11].clone() });
    rows.push(Exchange { role: Role::Repeat, ..rows[12].clone() });
    rows
}

fn judged(path: &Path) -> Outcome {
    let mut outcome = evaluate(&[path.to_owned()], &options()).unwrap();
    outcome.verdict.inputs.clear();
    outcome
}

#[test]
fn a_table_and_lines_of_the_same_records_give_the_same_verdict() {
    let (rows, files) = (varied(), Files::new());
    let (lines, table) = (files.records("r.ndjson", &rows), table(&files, "r.parquet", &rows));
    let (from_lines, from_table) = (judged(&lines), judged(&table));
    assert_eq!(from_table.verdict, from_lines.verdict);
    assert_eq!(from_table.counts, from_lines.counts);
    assert!(from_lines.counts.load.reasons["duration of zero"] > 0);
    let input = evaluate(std::slice::from_ref(&table), &options()).unwrap().verdict.inputs.remove(0);
    assert_eq!(input.digest, datasets::digest::of_bytes(&std::fs::read(&table).unwrap()));
    assert_eq!((input.name.as_str(), input.rows), ("r.parquet", rows.len() as u64));
}

#[test]
fn every_row_is_the_row_that_the_record_makes() {
    let (rows, files) = (varied(), Files::new());
    let path = table(&files, "r.parquet", &rows);
    let mut names = crate::rows::Names::default();
    let mut read_rows = Vec::new();
    let found = read(&path, &mut names, &mut read_rows, false).unwrap();
    assert_eq!((found.records, rows_of(&path)), (rows.len() as u64, rows.len()));
    let expected: Vec<_> = rows.iter().map(|row| crate::rows::Row::of(row, &mut names)).collect();
    assert_eq!(read_rows, expected);
}

/// The columns that came with records 1.5 and later.
const LATER_COLUMNS: [&str; 7] = [
    "first_event_us",
    "first_visible_us",
    "usage_cache_write",
    "usage_prompt_audio",
    "usage_prompt_image",
    "usage_completion_audio",
    "tier",
];

#[test]
fn a_table_of_an_older_version_is_read_without_what_came_later() {
    use polars::prelude::{KeyValueMetadata, ParquetReader, SerReader};
    let (rows, files) = (varied(), Files::new());
    let new = table(&files, "new.parquet", &rows);
    let frame = ParquetReader::new(std::fs::File::open(new).unwrap()).finish().unwrap();
    let mut old = frame.drop_many(LATER_COLUMNS);
    assert_eq!(frame.width() - old.width(), LATER_COLUMNS.len());
    let path = files.path("old.parquet");
    let header = Header { version: "1.4".to_owned(), ..header() };
    let metadata = vec![(columns::HEADER.to_owned(), serde_json::to_string(&header).unwrap())];
    ParquetWriter::new(std::fs::File::create(&path).unwrap())
        .with_key_value_metadata(Some(KeyValueMetadata::from_static(metadata)))
        .finish(&mut old)
        .unwrap();
    let without = |row: &Exchange| Exchange {
        first_event_us: None,
        first_visible_us: None,
        tier: Tier::Standard,
        usage: row.usage.map(|usage| Usage {
            cached: usage.cached,
            reasoning: usage.reasoning,
            ..Usage::new(usage.prompt, usage.completion, usage.source)
        }),
        ..row.clone()
    };
    let expected: Vec<Exchange> = rows.iter().map(without).collect();
    assert_ne!(expected, rows);
    let reader = Reader::open(&path).unwrap();
    assert_eq!(reader.header(), Some(&header));
    assert_eq!(reader.map(Result::unwrap).collect::<Vec<_>>(), expected);
    let mut names = crate::rows::Names::default();
    let mut read_rows = Vec::new();
    read(&path, &mut names, &mut read_rows, false).unwrap();
    let expected: Vec<_> = expected.iter().map(|row| crate::rows::Row::of(row, &mut names)).collect();
    assert_eq!(read_rows, expected);
    assert!(read_rows.iter().all(|row| row.tier() == Tier::Standard));
}

#[test]
fn a_folder_may_hold_lines_and_tables() {
    let (rows, files) = (traffic(200), Files::new());
    files.records("a.ndjson", &rows[..150]);
    table(&files, "b.parquet", &rows[150..250]);
    table(&files, "c.parquet", &rows[250..]);
    let mixed = judged(files.folder());
    let whole = Files::new();
    assert_eq!(mixed.verdict, judged(&whole.records("r.ndjson", &rows)).verdict);
}

/// A table of another program: six rows of three pairs, with the columns that a record must have, of other widths.
fn foreign() -> Vec<Column> {
    fn column<T, P: ?Sized>(name: &str, values: T) -> Column
    where
        Series: NamedFrom<T, P>,
    {
        Series::new(name.into(), values).into()
    }
    let at = NOON_US;
    vec![
        column("pair", ["a", "a", "b", "b", "c", "c"]),
        column("arm", ["baseline", "candidate", "baseline", "candidate", "baseline", "candidate"]),
        column("role", ["served", "shadow", "served", "shadow", "served", "shadow"]),
        column("migration", ["chat"; 6]),
        column("epoch", [1i32; 6]),
        column("weight_bp", [0i64; 6]),
        column("provider", ["openai", "deepseek", "openai", "deepseek", "openai", "deepseek"]),
        column("model", ["gpt-4o", "deepseek-flash", "gpt-4o", "deepseek-flash", "gpt-4o", "deepseek-flash"]),
        column("streamed", [true; 6]),
        column("at_us", [at; 6]),
        column("sent_us", [at; 6]),
        column("ttft_us", [Some(300.0), None, Some(400.0), Some(f64::NAN), Some(100.0), Some(100.0)]),
        column("first_event_us", [Some(200.0), None, Some(250.0), Some(f64::NAN), None, None]),
        column("duration_us", [900i64, 900, 900, 900, 900, -5]),
        column("status", [200u32; 6]),
        column("prompt_chars", [10u64; 6]),
        column("answer_chars", [10i32; 6]),
        column("a_column_of_theirs", ["x"; 6]),
    ]
}

fn foreign_file(files: &Files, change: impl FnOnce(&mut Vec<Column>)) -> PathBuf {
    let mut columns = foreign();
    change(&mut columns);
    let path = files.path("foreign.parquet");
    let mut frame = DataFrame::new(6, columns).unwrap();
    ParquetWriter::new(std::fs::File::create(&path).unwrap()).finish(&mut frame).unwrap();
    path
}

fn replace(columns: &mut [Column], with: Column) {
    let place = columns.iter_mut().find(|column| column.name() == with.name()).unwrap();
    *place = with;
}

#[test]
fn tables_of_other_programs_are_read_and_their_odd_values_counted() {
    let files = Files::new();
    let outcome = judged(&foreign_file(&files, |_| {}));
    assert_eq!(outcome.verdict.instrument.pairs, 1);
    let reasons: Vec<_> = outcome.counts.load.reasons.iter().map(|(reason, count)| (*reason, *count)).collect();
    assert_eq!(reasons, [("a time that is no number", 1), ("duration below zero", 1)]);
    assert_eq!((outcome.counts.load.rejected.candidate, outcome.counts.load.seen.candidate), (2, 3));
    let no_values = judged(&foreign_file(&files, |columns| {
        columns.push(Series::new_null("request".into(), 6).into());
        columns.push(Series::new("quality".into(), [Some(f64::NAN), None, None, None, None, None]).into());
    }));
    assert_eq!(no_values.counts.load.reasons["quality outside 0 to 1"], 1);
}

#[test]
fn what_is_no_record_is_told_with_file_column_and_row() {
    let files = Files::new();
    let error = |change: &dyn Fn(&mut Vec<Column>)| {
        let path = foreign_file(&files, change);
        let error = evaluate(&[path], &options()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Usage);
        let text = error.to_string();
        assert!(text.contains("foreign.parquet"), "{text}");
        text
    };
    let text = error(&|columns| columns.retain(|column| !["arm", "sent_us"].contains(&column.name().as_str())));
    assert!(text.contains("has no column arm, sent_us"), "{text}");
    let text = error(&|columns| replace(columns, Series::new("status".into(), ["200"; 6]).into()));
    assert!(text.contains("column `status`: the type is Utf8View, expected a whole number"), "{text}");
    let text = error(&|columns| replace(columns, Series::new("pair".into(), [1i64; 6]).into()));
    assert!(text.contains("column `pair`: the type is Int64, expected text"), "{text}");
    let arms = [Some("baseline"), Some("candidate"), Some("baseline"), Some("canary"), None, None];
    let text = error(&|columns| replace(columns, Series::new("arm".into(), arms).into()));
    assert!(
        text.contains("row 4, column `arm`: unknown variant `canary`, expected `baseline` or `candidate`"),
        "{text}"
    );
    let pairs = [Some("a"), Some("a"), Some("b"), Some("b"), None, Some("c")];
    let text = error(&|columns| replace(columns, Series::new("pair".into(), pairs).into()));
    assert!(text.contains("row 5, column `pair`: null, expected a value"), "{text}");
    let text = error(&|columns| replace(columns, Series::new("epoch".into(), [1i32, -1, 1, 1, 1, 1]).into()));
    assert!(text.contains("row 2, column `epoch`: -1, expected a whole number of 0 or more"), "{text}");
    let text = error(&|columns| {
        columns.push(Series::new("usage_prompt".into(), [None, None, Some(5i64), None, None, None]).into());
    });
    assert!(text.contains("row 3, column `usage_completion`: null"), "{text}");
    let guards = [None, None, Some(r#"{"response":{"action":"hidden"}}"#), None, None, None];
    let text = error(&|columns| columns.push(Series::new("guard".into(), guards).into()));
    assert!(text.contains("row 3, column `guard`: unknown variant `hidden`"), "{text}");
    let tiers = [Some("standard"), None, None, Some("gold"), None, None];
    let text = error(&|columns| columns.push(Series::new("tier".into(), tiers).into()));
    assert!(text.contains("row 4, column `tier`: unknown variant `gold`"), "{text}");
}

#[test]
fn broken_rows_are_counted_where_that_is_asked_for() {
    let files = Files::new();
    let path = foreign_file(&files, |columns| {
        let arms = [Some("baseline"), Some("candidate"), Some("baseline"), Some("canary"), None, Some("candidate")];
        replace(columns, Series::new("arm".into(), arms).into());
        replace(columns, Series::new("epoch".into(), [1i32, 1, -1, 1, 1, 1]).into());
    });
    let outcome = evaluate(&[path], &Options { skip_broken: true, ..options() }).unwrap();
    assert_eq!((outcome.counts.load.broken, outcome.counts.load.rejected.baseline), (2, 1));
    assert_eq!((outcome.verdict.instrument.pairs, outcome.verdict.inputs[0].rows), (1, 3));
}

#[test]
fn damaged_and_foreign_files_are_told_apart() {
    let files = Files::new();
    let path = table(&files, "r.parquet", &traffic(50));
    let whole = std::fs::read(&path).unwrap();
    let error = |bytes: &[u8]| {
        std::fs::write(&path, bytes).unwrap();
        evaluate(std::slice::from_ref(&path), &options()).unwrap_err()
    };
    let cut = error(&whole[..whole.len() - 9]);
    assert!(matches!(cut, EvaluateError::Parquet(ParquetError::Format { .. })), "{cut}");
    let mut damaged = whole.clone();
    damaged[4..200].fill(0xAA);
    assert!(matches!(error(&damaged), EvaluateError::Parquet(ParquetError::Format { .. })));
    let newer = Header { version: "2.0".to_owned(), ..header() };
    write(&path, &newer, traffic(1)).unwrap();
    let text = evaluate(std::slice::from_ref(&path), &options()).unwrap_err().to_string();
    assert!(text.contains("r.parquet, metadata `weighbridge.header`") && text.contains("update weighbridge"), "{text}");
}

#[test]
fn a_table_of_many_row_groups_and_large_ones_keeps_the_order_of_its_rows() {
    let files = Files::new();
    let path = files.path("large.parquet");
    let count = 150_000;
    let arms = ["baseline", "candidate"];
    let text = |value: &str| -> Vec<String> { vec![value.to_owned(); count] };
    let whole = |name: &str, of: &dyn Fn(i64) -> i64| -> Column {
        Series::new(name.into(), (0..count as i64).map(of).collect::<Vec<i64>>()).into()
    };
    let mut columns: Vec<Column> = vec![
        Series::new("pair".into(), (0..count).map(|row| format!("pair-{}", row / 2)).collect::<Vec<_>>()).into(),
        Series::new("arm".into(), (0..count).map(|row| arms[row % 2]).collect::<Vec<_>>()).into(),
        Series::new("streamed".into(), vec![false; count]).into(),
    ];
    columns.extend(
        [("role", "replayed"), ("migration", "chat"), ("provider", "p"), ("model", "m")]
            .map(|(name, value)| Series::new(name.into(), text(value)).into()),
    );
    columns.extend(["at_us", "sent_us", "duration_us"].map(|name| whole(name, &|row| row + 1)));
    columns.extend(["epoch", "weight_bp", "status", "prompt_chars", "answer_chars"].map(|name| whole(name, &|_| 1)));
    for group_rows in [40_000, count] {
        let mut frame = DataFrame::new(count, columns.clone()).unwrap();
        let file = std::fs::File::create(&path).unwrap();
        ParquetWriter::new(file).with_row_group_size(Some(group_rows)).finish(&mut frame).unwrap();
        let (mut names, mut rows) = (crate::rows::Names::default(), Vec::new());
        read(&path, &mut names, &mut rows, false).unwrap();
        assert_eq!(rows.len(), count);
        let arm = |row: usize| if row.is_multiple_of(2) { Arm::Baseline } else { Arm::Candidate };
        let wrong = rows.iter().enumerate().find(|(number, row)| {
            row.at_us != *number as i64 + 1 || row.duration_us() != *number as u64 + 1 || row.arm != arm(*number)
        });
        assert!(wrong.is_none(), "{wrong:?}");
    }
}

#[test]
fn records_come_back_from_a_table_as_they_were() {
    let files = Files::new();
    let mut rows = varied();
    for (row, index) in rows.iter_mut().zip(0u64..) {
        row.reasoning_chars = (index % 3 == 0).then_some(index);
        row.answer = (index % 5 == 0).then(|| "多行\n\"a\"\u{2028}".repeat(index as usize % 7));
        row.recorded = [None, Some(FromLog::Timed), Some(FromLog::Untimed)][index as usize % 3];
        row.dropped = if index % 4 == 0 { vec!["a,b".to_owned(), "[".to_owned(), String::new()] } else { Vec::new() };
    }
    rows[0].epoch = u64::MAX;
    rows[1].at_us = i64::MIN;
    rows[2].duration_us = u64::MAX;
    let path = table(&files, "r.parquet", &rows);
    let reader = Reader::open(&path).unwrap();
    assert_eq!((reader.header(), reader.rows()), (Some(&header()), rows.len()));
    assert_eq!(reader.unknown_columns(), Vec::<String>::new());
    assert_eq!(reader.map(Result::unwrap).collect::<Vec<_>>(), rows);
}

#[test]
fn every_column_stands_in_the_text_of_the_format_under_its_type() {
    use polars::prelude::{DataType, ParquetReader, SerReader};
    let text = include_str!("../../../datasets/README.md").split("# Exchange records as Parquet").nth(1).unwrap();
    let files = Files::new();
    let path = table(&files, "r.parquet", &varied());
    let frame = ParquetReader::new(std::fs::File::open(path).unwrap()).finish().unwrap();
    let mut told = 0;
    for column in frame.columns() {
        let row = match column.dtype() {
            DataType::String => "| text (UTF-8) |",
            DataType::Int64 => "| 64 bits, signed |",
            DataType::UInt64 => "| 64 bits, unsigned |",
            DataType::UInt32 => "| 32 bits, unsigned |",
            DataType::Boolean => "| boolean |",
            DataType::Float64 => "| double |",
            other => panic!("{} is {other}", column.name()),
        };
        let row = text.lines().find(|line| line.starts_with(row)).unwrap();
        assert!(row.contains(&format!("`{}`", column.name())), "{} is not in {row}", column.name());
        told += 1;
    }
    let rows = text.lines().skip_while(|line| !line.starts_with("| text")).take(6);
    assert_eq!(rows.map(|row| row.matches('`').count() / 2).sum::<usize>(), told, "a column that is told is written");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(48) })]

    #[test]
    fn whatever_is_in_records_a_table_gives_it_back(
        rows in prop::collection::vec(
            (prop::collection::vec(any::<String>(), 12), any::<[u64; 10]>(), any::<[bool; 24]>(), 0.0..=1.0), 0..5,
        ),
    ) {
        let rows: Vec<Exchange> = rows.into_iter().map(|(texts, numbers, there, quality)| odd(&texts, numbers, there, quality)).collect();
        let files = Files::new();
        let path = table(&files, "r.parquet", &rows);
        prop_assert_eq!(Reader::open(&path).unwrap().map(Result::unwrap).collect::<Vec<_>>(), rows);
    }
}

/// A verdict of the guard with any text in its lists; both sides, one or none.
fn odd_guard(texts: &[String], there: [bool; 24]) -> Option<Guarded> {
    let check = |place: usize| GuardCheck {
        action: if there[place + 1] { GuardAction::Masked } else { GuardAction::None },
        level: if there[place + 2] { GuardLevel::Max } else { GuardLevel::None },
        categories: if there[place + 3] { texts.to_vec() } else { Vec::new() },
        failed: if there[place + 4] { texts[..3].to_vec() } else { Vec::new() },
    };
    let guard = Guarded { request: there[3].then(|| check(5)), response: there[4].then(|| check(10)) };
    Some(guard).filter(|guard| !guard.is_empty())
}

/// A record with any text and number in any member, which may be there or not.
fn odd(texts: &[String], numbers: [u64; 10], there: [bool; 24], quality: f64) -> Exchange {
    let text = |place: usize| there[place].then(|| texts[place % texts.len()].clone());
    let number = |place: usize| there[place].then_some(numbers[place % numbers.len()]);
    let signed = |place: usize| numbers[place] as i64;
    let usage = Usage {
        cached: number(2),
        cache_write: number(5),
        prompt_audio: number(6),
        prompt_image: number(7),
        reasoning: number(3),
        completion_audio: number(8),
        ..Usage::new(numbers[0], numbers[1], if there[4] { UsageSource::Provider } else { UsageSource::Estimate })
    };
    Exchange {
        pair: texts[0].clone(),
        endpoint: datasets::Endpoint::ALL[numbers[9] as usize % 5],
        migration: texts[1].clone(),
        epoch: numbers[2],
        weight_bp: numbers[3] as u32,
        request: text(4),
        unit: text(5),
        consumer: text(6),
        assigned_by: there[7].then_some(AssignedBy::HeaderPattern),
        assigned_bp: number(8).map(|value| value as u32),
        shadow_bp: number(9).map(|value| value as u32),
        model_answered: text(10),
        streamed: there[11],
        structured: there[12],
        at_us: signed(4),
        sent_us: signed(5),
        first_event_us: number(10),
        ttft_us: number(13),
        first_visible_us: number(16),
        duration_us: numbers[6],
        status: numbers[7] as u16,
        attempts: numbers[8] as u32,
        error: there[14].then_some(wire::ErrorKind::GatewayBusy),
        finish_reason: text(15),
        form_failure: text(16),
        moderation: there[17].then_some(Moderation::BlockedByProvider),
        refused: there[18],
        guard: odd_guard(texts, there),
        usage: there[19].then_some(usage),
        tier: TIERS[numbers[0] as usize % TIERS.len()],
        cost_nanos: there[20].then(|| signed(9)),
        prompt_chars: numbers[8],
        prompt_wide_chars: number(21),
        answer_chars: numbers[9],
        reasoning_chars: number(22),
        answer_digest: text(1),
        tools_digest: text(2),
        answer: text(3),
        quality: there[23].then_some(quality),
        shadow: there[0].then_some(datasets::ShadowFate::CandidateBusy),
        recorded: there[1].then_some(FromLog::Untimed),
        dropped: if there[2] { texts.to_vec() } else { Vec::new() },
        ..exchange("p", Arm::Candidate, Role::Observed)
    }
}

#[test]
fn records_of_a_foreign_table_are_read_and_a_wrong_one_named() {
    let files = Files::new();
    let path = foreign_file(&files, |columns| {
        columns.push(Series::new("dropped".into(), [Some("seed,user"), None, None, None, None, None]).into());
    });
    let mut reader = Reader::open(&path).unwrap();
    assert_eq!((reader.header(), reader.unknown_columns()), (None, vec!["a_column_of_theirs".to_owned()]));
    let first = reader.next().unwrap().unwrap();
    assert_eq!((first.ttft_us, first.dropped), (Some(300), vec!["seed".to_owned(), "user".to_owned()]));
    let rest: Vec<_> = reader.collect();
    assert_eq!(rest.iter().filter(|row| row.is_ok()).count(), 4, "no number is no time: it is absent");
    let error = rest.last().unwrap().as_ref().unwrap_err().to_string();
    assert!(error.contains("foreign.parquet, row 6, column `duration_us`"), "{error}");
}
