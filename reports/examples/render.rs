//! Renders a verdict into a folder: `cargo run -p reports --example render -- verdict.json out [zh]`.
//!
//! For whoever changes the report and wants to look at it, without building all of weighbridge.

use std::path::Path;

use judge::verdict::Verdict;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (verdict, out, language) = match arguments.as_slice() {
        [verdict, out] => (verdict, out, reports::Language::En),
        [verdict, out, language] if language == "zh" => (verdict, out, reports::Language::Zh),
        _ => return Err("usage: render VERDICT FOLDER [zh]".into()),
    };
    let text = std::fs::read_to_string(verdict)?;
    let verdict: Verdict = serde_json::from_str(&text)?;
    reports::write(&verdict, Path::new(out), reports::Options { pictures: true, language })?;
    Ok(())
}
