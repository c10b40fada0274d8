//! Writes the bundled demo log and its checksums into `datasets/data`: run it after a change to the generator.

use datasets::synth::{DEMO, demo_log};
use datasets::{digest, file};
use std::io::Write;
use std::path::Path;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("data");
    let log = demo_log(DEMO)?;
    let mut sums = String::new();
    for (name, text) in [("demo.ndjson.zst", log.requests_text()?), ("demo.script.ndjson.zst", log.script_text()?)] {
        let packed = zstd::encode_all(text.as_bytes(), 19)?;
        file::write_whole(&folder.join(name), &packed)?;
        sums += &format!("{}  {name}\n", digest::of_bytes(&packed));
        writeln!(std::io::stdout(), "{name}: {} bytes, {} unpacked", packed.len(), text.len())?;
    }
    file::write_whole(&folder.join("SHA256SUMS"), sums.as_bytes())?;
    Ok(())
}
