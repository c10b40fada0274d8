//! Files of every older version stay readable, those of newer ones are read as far as they can be, and no writer makes a
//! header untrue.

use crate::{
    Appender, Arm, AssignedBy, Endpoint, Exchange, Format, FromLog, GuardAction, Header, Label, Lines, LoggedRequest,
    Redaction, Role, WriteError,
};
use std::path::{Path, PathBuf};
use wire::ErrorKind;
use wire::price::Tier;

fn kept(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
}

/// All lines of a kept file, and that nothing in it is unknown today.
fn read<T: serde::de::DeserializeOwned>(name: &str, format: Format) -> Vec<T> {
    let mut lines = Lines::open(&kept(name), format).unwrap();
    assert!(name.contains(&lines.header().version), "{name} says {}", lines.header().version);
    lines.count_unknown();
    let rows = lines.by_ref().map(Result::unwrap).collect();
    assert!(lines.unknown().unwrap().is_empty() && lines.header_unknown().is_empty(), "{name}");
    rows
}

#[test]
fn exchanges_of_all_versions_are_read() {
    let first: Vec<Exchange> = read("exchanges-1.0.ndjson", Format::Exchanges);
    assert_eq!((first[0].arm, first[1].arm, first[1].error), (Arm::Baseline, Arm::Candidate, Some(ErrorKind::Timeout)));
    assert_eq!((first[0].endpoint, first[0].attempts, first[0].assigned_by), (Endpoint::Chat, 1, None));
    assert_eq!((first[1].dropped.as_slice(), first[0].usage.unwrap().completion), (&["user".to_owned()][..], 31));
    let second: Vec<Exchange> = read("exchanges-1.1.ndjson", Format::Exchanges);
    assert_eq!((second[0].assigned_by, second[0].assigned_bp), (Some(AssignedBy::Weight), Some(9000)));
    assert_eq!((second[1].attempts, second[2].role, second[3].role), (2, Role::Fallback, Role::Repeat));
    assert_eq!((second[3].reasoning_chars, second[4].endpoint), (Some(12), Endpoint::Embeddings));
    assert!(!second[0].structured && second[0].prompt_wide_chars.is_none());
    let third: Vec<Exchange> = read("exchanges-1.2.ndjson", Format::Exchanges);
    assert_eq!((third[0].structured, third[0].quality, third[2].refused), (true, Some(0.92), true));
    assert!(third.iter().all(|row| row.recorded.is_none()));
    let fourth: Vec<Exchange> = read("exchanges-1.3.ndjson", Format::Exchanges);
    assert_eq!((fourth[0].recorded, fourth[1].recorded), (Some(FromLog::Timed), Some(FromLog::Untimed)));
    assert!(fourth.iter().all(|row| row.guard.is_none()));
    let fifth: Vec<Exchange> = read("exchanges-1.4.ndjson", Format::Exchanges);
    let response = |row: &Exchange| row.guard.as_ref().and_then(|guard| guard.response.clone());
    let flagged = response(&fifth[0]).unwrap();
    assert_eq!((flagged.action, flagged.categories.as_slice()), (GuardAction::Flagged, &["harassment".to_owned()][..]));
    let failed = fifth[1].guard.as_ref().and_then(|guard| guard.request.as_ref()).unwrap();
    assert_eq!((failed.failed.as_slice(), response(&fifth[1])), (&["llama:timeout".to_owned()][..], None));
    assert!(fifth.iter().all(|row| row.tier == Tier::Standard));
    let sixth: Vec<Exchange> = read("exchanges-1.5.ndjson", Format::Exchanges);
    assert_eq!(sixth.iter().map(|row| row.tier).collect::<Vec<_>>(), [Tier::Flex, Tier::Standard]);
    assert!(sixth.iter().all(|row| row.first_event_us.is_none() && row.first_visible_us.is_none()));
    let seventh: Vec<Exchange> = read("exchanges-1.6.ndjson", Format::Exchanges);
    let firsts: Vec<_> = seventh.iter().map(|row| (row.first_event_us, row.ttft_us, row.first_visible_us)).collect();
    let thought = (Some(510_000), Some(540_000), Some(2_900_000));
    assert_eq!(firsts, [(Some(398_000), Some(412_000), Some(412_000)), thought, (Some(700_000), None, None)]);
    let usage = sixth[0].usage.unwrap();
    assert_eq!((usage.cached, usage.cache_write, usage.prompt_audio), (Some(1_024), Some(512), Some(40)));
    assert_eq!((usage.prompt_image, usage.completion_audio), (Some(85), Some(20)));
}

#[test]
fn request_logs_and_labels_of_all_versions_are_read() {
    let requests: Vec<LoggedRequest> = read("requests-1.0.ndjson", Format::Requests);
    let recorded: Vec<_> =
        requests.iter().map(|row| row.recorded.as_ref().and_then(|answer| answer.duration_us)).collect();
    assert_eq!(recorded, [Some(1_630_000), Some(90_000), None]);
    assert!(requests.iter().all(|row| row.endpoint == Endpoint::Chat && row.consumer.is_none()));
    assert!(requests[1].body.get().contains("订单在哪里？"));
    let second: Vec<LoggedRequest> = read("requests-2.0.ndjson", Format::Requests);
    let answers: Vec<_> = second.iter().filter_map(|row| row.recorded.as_ref()).collect();
    assert_eq!((second[0].consumer.as_deref(), second[1].endpoint), (Some("shop"), Endpoint::Responses));
    assert_eq!((answers[0].tools.len(), answers[0].cost_nanos, answers[1].refused), (1, Some(20_700), true));
    assert!(answers.iter().all(|answer| answer.tier == Tier::Standard));
    let third: Vec<LoggedRequest> = read("requests-2.1.ndjson", Format::Requests);
    let answer = third[0].recorded.as_ref().unwrap();
    let usage = answer.usage.unwrap();
    assert_eq!((answer.tier, usage.cached, usage.cache_write), (Tier::Batch, Some(1_024), Some(512)));
    assert_eq!((usage.prompt_audio, usage.prompt_image, usage.completion_audio), (Some(40), Some(85), Some(20)));
    let labels: Vec<Label> = read("labels-1.0.ndjson", Format::Labels);
    assert_eq!(labels.iter().map(|label| label.good).collect::<Vec<_>>(), [true, false]);
}

#[test]
fn there_is_a_kept_file_of_every_older_version() {
    for format in [Format::Requests, Format::Exchanges, Format::Labels] {
        let name = format.name().trim_start_matches("weighbridge.");
        let current = format.version();
        for minor in 0..current.minor {
            let path = kept(&format!("{name}-{}.{minor}.ndjson", current.major));
            assert!(path.is_file(), "keep one as {} when the version rises", path.display());
        }
        for major in 1..current.major {
            let path = kept(&format!("{name}-{major}.0.ndjson"));
            assert!(path.is_file(), "keep one as {} when the version rises", path.display());
        }
    }
}

/// A copy of a kept file with another version in its header, and members that nobody knows yet.
fn newer(folder: &Path, version: &str) -> PathBuf {
    let text = std::fs::read_to_string(kept("exchanges-1.2.ndjson")).unwrap();
    let text = text.replace(r#""version":"1.2""#, &format!(r#""version":"{version}","zone":"UTC""#));
    let text = text.replace(r#""source":"provider""#, r#""source":"provider","audio":3"#);
    let path = folder.join("newer.ndjson");
    std::fs::write(&path, text.replace(r#""streamed":true"#, r#""streamed":true,"mood":"good""#)).unwrap();
    path
}

#[test]
fn a_newer_minor_version_is_read_and_what_is_unknown_is_counted_and_a_newer_major_one_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut lines = Lines::<Exchange>::open(&newer(folder.path(), "1.99"), Format::Exchanges).unwrap();
    lines.count_unknown();
    assert_eq!(lines.by_ref().map(Result::unwrap).count(), 3);
    let unknown: Vec<_> = lines.unknown().unwrap().iter().collect();
    assert_eq!(unknown, [("mood", 3), ("usage.audio", 2)]);
    assert_eq!(lines.header_unknown().iter().collect::<Vec<_>>(), [("zone", 1)]);
    let error = Lines::<Exchange>::open(&newer(folder.path(), "2.0"), Format::Exchanges).unwrap_err().to_string();
    assert!(error.contains("has version 2.0") && error.contains("update weighbridge"), "{error}");
}

#[test]
fn nothing_is_appended_to_a_file_whose_header_would_become_untrue() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("records.ndjson");
    let header = Header::new(Format::Exchanges, Redaction::Hashed);
    for (name, change, what) in [
        ("exchanges-1.2.ndjson", ("", ""), "version 1.2, this writer has 1.6"),
        ("exchanges-1.2.ndjson", (r#""1.2""#, r#""1.9""#), "version 1.9"),
        ("exchanges-1.2.ndjson", (r#""1.2""#, r#""1.6""#), ""),
        ("exchanges-1.2.ndjson", (r#""1.2","#, r#""1.6","redaction":"full","#), "redaction"),
    ] {
        let mut text = std::fs::read_to_string(kept(name)).unwrap();
        if change.1.contains("redaction") {
            text = text.replace(r#""redaction":"hashed","#, "");
        }
        // Half a line at the end, which only a file that is continued may lose.
        let text = text.replacen(change.0, change.1, 1) + r#"{"pair":"#;
        std::fs::write(&path, &text).unwrap();
        match Appender::open(&path, &header) {
            Ok(appender) => assert!(what.is_empty() && appender.bytes() == Some(text.len() as u64 - 8)),
            Err(error) => {
                assert!(matches!(error, WriteError::Differs { .. }), "{error}");
                assert!(error.to_string().contains(what) && !what.is_empty(), "{error}");
                assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
            }
        }
        // A writer that closes such files first gets it, with its own header.
        let taken = Appender::open_on(&path, &header, |file| Box::new(file)).unwrap();
        assert!(text.contains(&format!(r#""version":"{}""#, taken.header().version)));
    }
}
