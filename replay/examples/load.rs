//! Sends one streamed request again and again and prints the summary: a quick look at what a target, and this
//! machine, can hold.
//!
//! ```text
//! cargo run --release -p replay --example load -- http://127.0.0.1:9101 1000/s 10000
//! ```

use datasets::LoggedRequest;
use replay::{CancellationToken, Log, ReplayOptions, progress, run};
use serde_json::value::RawValue;
use std::io::Write;

const BODY: &str = r#"{"model":"gpt-4o-mini","stream":true,"stream_options":{"include_usage":true},"max_tokens":16,"messages":[{"role":"user","content":"Say hello."}]}"#;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [target, rate, count] = arguments.as_slice() else {
        return Err("expected three arguments: target, rate and number of requests".into());
    };
    let row = |number: u32| -> Result<LoggedRequest, serde_json::Error> {
        let body = RawValue::from_string(BODY.to_owned())?;
        Ok(LoggedRequest::chat(format!("load-{number}"), 0, body))
    };
    let rows = (0..count.parse()?).map(row).collect::<Result<Vec<_>, _>>()?;
    let api_key = Some(replay::ApiKey::new("sk-load"));
    let options = ReplayOptions { target: target.clone(), rate: rate.parse()?, api_key, ..ReplayOptions::default() };
    let progress = progress::for_stderr();
    let summary = run(Log::from(rows), options, progress.as_ref(), CancellationToken::new()).await?;
    std::io::stdout().write_all(summary.to_text().as_bytes())?;
    Ok(())
}
