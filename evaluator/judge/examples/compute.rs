//! Checks our numbers from outside: JSON lines in, JSON lines out.
//!
//! Reads `{"id", "method", "inputs"}` per line on standard input and prints `{"id", "result"}` or
//! `{"id", "refused": reason}` for each, in order. Methods and their inputs stand in the documentation of
//! `judge::compute`; the reason begins with a stable name, as `no-observations: ...`.
//!
//! ```text
//! echo '{"id": 1, "method": "tango", "inputs": {"only_candidate_bad": 1, "only_baseline_bad": 7, "pairs": 21,
//!        "alpha": 0.025, "side": "upper"}}' | tr -d '\n' | cargo run -p judge --example compute
//! {"id":1,"result":-0.0260027...}
//! ```

use std::io::{self, BufRead, Write};

use serde_json::{Value, json};

fn main() -> io::Result<()> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    for line in io::stdin().lock().lines() {
        let line = line?;
        if !line.trim().is_empty() {
            writeln!(out, "{}", answer(&line))?;
            out.flush()?;
        }
    }
    Ok(())
}

fn answer(line: &str) -> Value {
    let request: Value = match serde_json::from_str(line) {
        Ok(request) => request,
        Err(error) => return json!({"id": null, "refused": format!("bad-input: not JSON: {error}")}),
    };
    let id = request.get("id").cloned().unwrap_or(Value::Null);
    let Some(method) = request.get("method").and_then(Value::as_str) else {
        return json!({"id": id, "refused": "bad-input: `method` must be a string"});
    };
    match judge::compute::compute(method, request.get("inputs").unwrap_or(&Value::Null)) {
        Ok(result) => json!({"id": id, "result": result}),
        Err(reason) => json!({"id": id, "refused": reason.to_string()}),
    }
}
