//! Reads a `verdict.json`.

use crate::outcome::Failure;
use judge::verdict::{SCHEMA, Verdict};
use std::path::Path;

/// The verdict in a file (`-`: standard input), if its schema is one that this version knows.
pub(crate) fn read(path: &Path) -> Result<Verdict, Failure> {
    let shown = path.display();
    let text =
        if path == Path::new("-") { std::io::read_to_string(std::io::stdin()) } else { std::fs::read_to_string(path) };
    let text = text.map_err(|error| {
        Failure::usage(format!("cannot read {shown}: {error}; `weighbridge evaluate` writes a verdict"))
    })?;
    let wrong = |error: serde_json::Error| {
        Failure::usage(format!(
            "{shown}, line {}: no verdict: {error}; write a new one with `weighbridge evaluate`",
            error.line()
        ))
    };
    let value: serde_json::Value = serde_json::from_str(&text).map_err(wrong)?;
    let schema = value.get("schema").and_then(serde_json::Value::as_str).unwrap_or("missing");
    if schema != SCHEMA {
        return Err(Failure::usage(format!("{shown}: schema is {schema}, this version reads {SCHEMA}")));
    }
    serde_json::from_str(&text).map_err(wrong)
}
