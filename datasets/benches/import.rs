//! How fast logs come in.
//!
//! ```text
//! cargo bench -p datasets --bench import
//! ```
//!
//! Rows of a gateway's log with a prompt of about a thousand characters are imported from memory, with and without
//! redaction, beside the same bytes merely parsed by `serde_json`; and a trace without text, whose prompts are made up.
//! Printed are the best of five rounds, MB/s of the source, and the ratio to the parser.
#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a benchmark prints its figures and fails by panicking")]

use datasets::import::{self, ImportOptions, LogFormat};
use datasets::redact::Redactor;
use serde_json::{Value, json};
use std::fmt::Write;
use std::io::Cursor;
use std::path::Path;
use std::time::{Duration, Instant};

const ROWS: usize = 20_000;
const ROUNDS: usize = 5;

fn main() {
    let log = litellm();
    let parse = best(|| log.lines().filter(|line| serde_json::from_str::<Value>(line).is_ok()).count());
    println!("{ROWS} rows, {:.1} MB", log.len() as f64 / 1e6);
    report("serde_json alone", log.len(), parse, parse);
    let kept = ImportOptions { redactor: Redactor::none(), ..ImportOptions::default() };
    report("litellm, nothing removed", log.len(), best(|| requests(&log, LogFormat::LiteLlm, &kept)), parse);
    let options = ImportOptions::default();
    report("litellm, secrets removed", log.len(), best(|| requests(&log, LogFormat::LiteLlm, &options)), parse);
    let trace = azure();
    let made: usize = 1_000 * ROWS;
    let time = best(|| requests(&trace, LogFormat::AzureLlm, &kept));
    println!("{:<28} {:>8.1} million tokens of prompts a second", "azure-llm, prompts made", rate(made, time));
}

fn requests(log: &str, format: LogFormat, options: &ImportOptions) -> usize {
    let options = ImportOptions { format: Some(format), ..options.clone() };
    let source = Box::new(Cursor::new(log.to_owned().into_bytes()));
    import::from_reader(Path::new("bench"), source, options).unwrap().filter(Result::is_ok).count()
}

fn best(work: impl Fn() -> usize) -> Duration {
    let round = || {
        let start = Instant::now();
        assert_eq!(work(), ROWS);
        start.elapsed()
    };
    (0..ROUNDS).map(|_| round()).min().unwrap()
}

/// Millions a second.
fn rate(count: usize, time: Duration) -> f64 {
    count as f64 / 1e6 / time.as_secs_f64()
}

fn report(name: &str, bytes: usize, time: Duration, parse: Duration) {
    println!(
        "{name:<28} {:>8.1} MB/s  {:>5.2} of the parser",
        rate(bytes, time),
        parse.as_secs_f64() / time.as_secs_f64()
    );
}

fn litellm() -> String {
    let mut log = String::new();
    for row in 0..ROWS {
        let question = format!("Where is order 47-{row}? It was sent on the 3rd, and nobody has told me anything. ");
        let entry = json!({
            "request_id": format!("chatcmpl-{row}"), "call_type": "acompletion", "model": "gpt-4o-mini",
            "custom_llm_provider": "openai", "startTime": 1_763_800_000.0 + row as f64 / 7.0,
            "endTime": 1_763_800_001.5 + row as f64 / 7.0, "prompt_tokens": 230, "completion_tokens": 31,
            "total_tokens": 261, "response_cost": 0.000_053_1, "status": "success", "stream": false,
            "messages": [{"role": "user", "content": question.repeat(12)}],
            "response": {"id": "x", "model": "gpt-4o-mini-2024-07-18", "choices": [{"index": 0, "finish_reason": "stop",
                "message": {"role": "assistant", "content": "It was handed to the carrier this morning."}}],
                "usage": {"prompt_tokens": 230, "completion_tokens": 31, "total_tokens": 261}},
        });
        writeln!(log, "{entry}").unwrap();
    }
    log
}

fn azure() -> String {
    let mut log = "TIMESTAMP,ContextTokens,GeneratedTokens\n".to_owned();
    for row in 0..ROWS {
        let (minute, second) = (row / 60 % 60, row % 60);
        writeln!(log, "2023-11-16 18:{minute:02}:{second:02}.0000000,1000,100").unwrap();
    }
    log
}
