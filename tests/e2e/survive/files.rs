//! Records on their way to the disk: what a full disk, a killed process and a long life make of them.

use super::child::{Served, serve};
use crate::harness::{ANY, chat, client, read};
use crate::raw::soon;
use datasets::{Exchange, Format, Lines};
use mocks::{MockConfig, Provider};
use serde_json::json;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

#[tokio::test]
async fn a_full_disk_stops_recording_and_not_the_traffic_and_says_so() {
    let mock = mocks::start(ANY, MockConfig::instant(Provider::OpenAi)).await.unwrap();
    // No file of this process may grow beyond 16 KiB (dash and bash count half KiB and whole ones).
    let served = serve(&mock.base_url(), "", Some("trap '' XFSZ; ulimit -f 16"));
    let client = client();
    let migrations = async || served.admin("/admin/v1/migrations").await.json()["records"].clone();
    assert_eq!(migrations().await["healthy"], true);
    let mut sent = 0_u64;
    let sick = soon("the disk is full", async {
        loop {
            let body = chat(&format!("question {sent}"), &json!({}));
            let answer = read(client.post(served.url()).json(&body).send().await.unwrap()).await;
            assert_eq!(answer.status, 200, "{}", answer.text);
            sent += 1;
            let records = migrations().await;
            if records["healthy"] == false {
                break records;
            }
        }
    })
    .await;
    assert!(sick["disk_error"].as_str().unwrap().contains("records.ndjson"), "{sick}");
    assert!(sick["written"].as_u64().unwrap() < sent, "{sick}");
    // The traffic goes on.
    for index in 0..20 {
        let body = chat(&format!("later {index}"), &json!({"stream": true}));
        let answer = read(client.post(served.url()).json(&body).send().await.unwrap()).await;
        assert_eq!((answer.status, answer.events().last()), (200, Some(&"[DONE]")));
    }
    let page = served.admin("/metrics").await.text;
    assert!(page.contains("\nweighbridge_records_healthy 0\n"), "{page}");
    // What was written stays readable, to the last whole line.
    let written = migrations().await["written"].as_u64().unwrap();
    let lines = lines(&served.records);
    assert_eq!(lines.len() as u64, written);
    assert!(written > 0 && written < sent, "{written} of {sent}");
}

/// Asks so many questions, of which each answer has to come.
async fn ask(served: &Served, questions: std::ops::Range<usize>) {
    let client = client();
    for index in questions {
        let body = chat(&format!("a secret question {index}"), &json!({"stream": index % 2 == 0, "user": "someone"}));
        let answer = read(client.post(served.url()).json(&body).send().await.unwrap()).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
    }
}

/// Waits until so many records are in the file, and returns the path's bytes.
async fn written(served: &Served, count: usize) -> Vec<u8> {
    soon("the records are written", async {
        while served.admin("/admin/v1/migrations").await.json()["records"]["written"] != count {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
    std::fs::read(&served.records).unwrap()
}

fn lines(path: &Path) -> Vec<Exchange> {
    Lines::open(path, Format::Exchanges).unwrap().map(Result::unwrap).collect()
}

#[tokio::test]
async fn a_killed_gateway_loses_one_interval_at_most_and_goes_on_in_the_same_file() {
    let mock = mocks::start(ANY, MockConfig::instant(Provider::OpenAi)).await.unwrap();
    let baseline = mock.base_url();
    let served = serve(&baseline, "salt = \"pepper\"", None);
    ask(&served, 0..20).await;
    let before = written(&served, 20).await;
    // These may or may not be in the file when the end comes.
    ask(&served, 20..25).await;
    let served = served.kill_and_restart(&baseline, "salt = \"pepper\"");
    let kept = lines(&served.records).len();
    assert!((20..=25).contains(&kept), "{kept} records");
    ask(&served, 25..30).await;
    let after = written(&served, 5).await;
    assert!(after.starts_with(&before), "what was written stays as it is");
    let records = lines(&served.records);
    assert_eq!(records.len(), kept + 5);

    // Nobody asked for content, so there is none: digests, which are the same for the same text.
    let text = String::from_utf8(after).unwrap();
    assert!(!text.contains("secret question") && !text.contains("someone") && !text.contains("pepper"), "{text}");
    assert!(records.iter().all(|record| record.answer.is_none() && record.answer_digest.is_some()));
    let header: serde_json::Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    assert!(header["version"].is_string() || header["version"].is_object(), "{header}");
    assert_eq!(header["redaction"], "hashed");
}

#[tokio::test]
async fn a_long_file_is_closed_and_another_one_begun_and_each_can_be_read_alone() {
    let mock = mocks::start(ANY, MockConfig::instant(Provider::OpenAi)).await.unwrap();
    let served = serve(&mock.base_url(), "rotate_bytes_max = 65536", None);
    ask(&served, 0..150).await;
    written(&served, 150).await;
    let folder = std::fs::read_dir(served.records.parent().unwrap()).unwrap();
    let files = folder.map(|file| file.unwrap().path()).filter(|path| path.to_str().unwrap().contains("records"));
    let files: Vec<PathBuf> = files.collect();
    assert!(files.len() > 1, "{files:?}");
    let mut pairs = BTreeSet::new();
    for file in &files {
        assert!(std::fs::metadata(file).unwrap().len() <= 65536, "{}", file.display());
        pairs.extend(lines(file).into_iter().map(|record| record.pair));
    }
    assert_eq!(pairs.len(), 150, "every request once, in one file or another");
}

#[tokio::test]
async fn content_is_kept_in_full_or_not_at_all_if_that_is_asked_for() {
    let mock = mocks::start(ANY, MockConfig::instant(Provider::OpenAi)).await.unwrap();
    for (lines_of, full) in [("redaction = \"full\"", true), ("redaction = \"none\"", false)] {
        let served = serve(&mock.base_url(), lines_of, None);
        ask(&served, 0..2).await;
        written(&served, 2).await;
        for record in lines(&served.records) {
            assert_eq!((record.answer.is_some(), record.answer_digest.is_some()), (full, full), "{record:?}");
            assert!(record.usage.is_some() && record.unit.is_some(), "numbers are always kept");
        }
    }
}
