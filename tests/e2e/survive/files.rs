//! A disk that is full stops the records and nothing else.

use super::child::serve;
use crate::harness::{ANY, chat, client, read};
use crate::raw::soon;
use datasets::{Exchange, Format, Lines};
use mocks::{MockConfig, Provider};
use serde_json::json;

#[tokio::test]
async fn a_full_disk_stops_recording_and_not_the_traffic_and_says_so() {
    let mock = mocks::start(ANY, MockConfig::instant(Provider::OpenAi)).await.unwrap();
    // No file of this process may grow beyond 16 KiB (dash and bash count half KiB and whole ones).
    let served = serve(&mock.base_url(), Some("trap '' XFSZ; ulimit -f 16"));
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
    assert_eq!(sick["written"].as_u64().unwrap() + sick["waiting"].as_u64().unwrap() <= sent, true, "{sick}");
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
    let lines: Vec<Exchange> = Lines::open(&served.records, Format::Exchanges).unwrap().map(Result::unwrap).collect();
    assert_eq!(lines.len() as u64, written);
    assert!(written > 0 && written < sent, "{written} of {sent}");
}
