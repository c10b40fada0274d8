//! Writes the bundled logs and their checksums into `datasets/data`: run it after a change to a generator.

use datasets::synth::{CALM, DEMO, MadeLog, VIOLENT, demo_log, mixed_log};
use datasets::{digest, file};
use std::io::Write;
use std::path::Path;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("data");
    let logs: [(&str, MadeLog); 3] =
        [("demo", demo_log(DEMO)?), ("calm", mixed_log(CALM)?), ("violent", mixed_log(VIOLENT)?)];
    let mut sums = String::new();
    for (name, log) in logs {
        for (name, text) in [
            (format!("{name}.ndjson.zst"), log.requests_text()?),
            (format!("{name}.script.ndjson.zst"), log.script_text()?),
        ] {
            let packed = zstd::encode_all(text.as_bytes(), 19)?;
            file::write_whole(&folder.join(&name), &packed)?;
            sums += &format!("{}  {name}\n", digest::of_bytes(&packed));
            writeln!(std::io::stdout(), "{name}: {} bytes, {} unpacked", packed.len(), text.len())?;
        }
    }
    file::write_whole(&folder.join("SHA256SUMS"), sums.as_bytes())?;
    Ok(())
}
