//! The verdict itself, beside the page that shows it: for scripts, and for whoever wants to render it again.

use std::fs;
use std::path::{Path, PathBuf};

use judge::verdict::Verdict;

use crate::error::ReportError;
use crate::files;

const NAME: &str = "verdict.json";

/// Writes the verdict, indented, with a line end: the bytes that `evaluate` writes. A file that says the same already stays
/// as it is, so that a report that is written beside its own input never rewrites it.
pub(crate) fn write(verdict: &Verdict, out: &Path) -> Result<PathBuf, ReportError> {
    let path = out.join(NAME);
    let before = fs::read(&path).ok().and_then(|bytes| serde_json::from_slice::<Verdict>(&bytes).ok());
    if before.as_ref() == Some(verdict) {
        return Ok(path);
    }
    let mut bytes = serde_json::to_vec_pretty(verdict).map_err(|error| ReportError::Twin(error.to_string()))?;
    bytes.push(b'\n');
    files::write(out, NAME, &bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::fixture;

    #[test]
    fn the_twin_is_the_verdict_and_one_that_says_the_same_stays() {
        let folder = tempfile::tempdir().unwrap();
        let verdict = fixture("full");
        let path = write(&verdict, folder.path()).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.ends_with("}\n"));
        assert_eq!(serde_json::from_str::<Verdict>(&text).unwrap(), verdict);
        // A field of a later version would be lost if the file were written anew.
        let newer = text.replacen('{', "{\n  \"later\": 1,", 1);
        fs::write(&path, &newer).unwrap();
        write(&verdict, folder.path()).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), newer);
        write(&fixture("go"), folder.path()).unwrap();
        assert!(!fs::read_to_string(&path).unwrap().contains("later"));
    }
}
