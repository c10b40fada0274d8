//! The timeline of an audit log: which log, which looks, where the page's links lead.

use crate::outcome::Failure;
use crate::{render, verdict_file};
use datasets::digest;
use gate::audit::{Entry, Expected, Log, Outcome, verify};
use reports::{Chain, Language, Look, Story};
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

/// Looks that are read; of more the newest.
const LOOKS_MAX: usize = 5_000;
/// The first line of a log is no longer.
const FIRST_LINE_BYTES: u64 = 1 << 20;

/// What to draw.
pub(in crate::cmd) struct Wanted<'a> {
    pub log: &'a Path,
    pub looks: Option<&'a Path>,
    pub migration: Option<&'a str>,
    pub clock_speed: u32,
    pub out: &'a Path,
    pub language: Language,
}

/// Whether a file begins as an audit log does. What cannot be read is none: whoever reads it next says why.
pub(super) fn is_log(path: &Path) -> bool {
    let first = || -> Option<serde_json::Value> {
        let mut line = Vec::new();
        BufReader::new(File::open(path).ok()?.take(FIRST_LINE_BYTES)).read_until(b'\n', &mut line).ok()?;
        serde_json::from_slice(&line).ok()
    };
    path.is_file() && first().is_some_and(|value| value.get("entry").is_some() && value.get("previous").is_some())
}

/// Writes the timeline; returns its page.
pub(in crate::cmd) fn write(wanted: &Wanted<'_>) -> Result<PathBuf, Failure> {
    let (entries, chain) = read(wanted.log)?;
    if let Chain::Broken { why } = &chain {
        render::note(&format!("{}: the chain is broken: {why}", wanted.log.display()));
    }
    let migration = migration(&entries, wanted)?;
    std::fs::create_dir_all(wanted.out)
        .map_err(|error| Failure::world(format!("cannot make {}: {error}", wanted.out.display())))?;
    let looks = wanted.looks.map(|folder| looks(folder, wanted.out, &migration)).transpose()?.unwrap_or_default();
    let story = Story {
        migration: &migration,
        entries: &entries,
        looks: &looks,
        chain: &chain,
        clock_speed: wanted.clock_speed,
    };
    let options = reports::Options { language: wanted.language, ..reports::Options::default() };
    Ok(reports::write_timeline(&story, wanted.out, options).map_err(Failure::world)?.page)
}

/// The decisions up to where the chain breaks, if it does.
fn read(path: &Path) -> Result<(Vec<Entry>, Chain), Failure> {
    let unreadable = |error: std::io::Error| Failure::usage(format!("cannot read {}: {error}", path.display()));
    let file = File::open(path).map_err(unreadable)?;
    let outcome = verify(BufReader::new(file), &Expected::default()).map_err(unreadable)?;
    let mut entries = Vec::new();
    let told = Log::new(path).each(|line| entries.push(line.entry));
    let chain = match outcome {
        Outcome::Verified(verified) => {
            told.map_err(Failure::world)?;
            let head = verified.head.hash;
            if verified.torn.last().is_some_and(|torn| !torn.told) {
                Chain::Torn { head }
            } else {
                Chain::Whole { head }
            }
        }
        Outcome::Broken(broken) => Chain::Broken { why: format!("Line {}: {}.", broken.line, broken.what) },
    };
    Ok((entries, chain))
}

/// The migration wanted, or the only one there is.
fn migration(entries: &[Entry], wanted: &Wanted<'_>) -> Result<String, Failure> {
    let all: BTreeSet<&str> = entries.iter().map(|entry| entry.migration.as_str()).collect();
    let shown = wanted.log.display();
    let listed = || all.iter().copied().take(10).map(render::name).collect::<Vec<_>>().join(", ");
    match wanted.migration {
        Some(name) if all.contains(name) => Ok(name.to_owned()),
        Some(name) => {
            Err(Failure::usage(format!("{shown} says nothing of {}; it has {}", render::name(name), listed())))
        }
        None if all.len() > 1 => {
            Err(Failure::usage(format!("{shown} has several migrations: name one with --migration: {}", listed())))
        }
        None => {
            all.first().map(|name| (*name).to_owned()).ok_or_else(|| Failure::usage(format!("{shown} has no decision")))
        }
    }
}

/// The verdicts in the folders below `folder`, those of the migration.
fn looks(folder: &Path, out: &Path, migration: &str) -> Result<Vec<Look>, Failure> {
    let failed =
        |error: std::io::Error| Failure::usage(format!("cannot read {}: {error}; check --looks", folder.display()));
    let mut folders: Vec<PathBuf> =
        std::fs::read_dir(folder).map_err(failed)?.filter_map(Result::ok).map(|entry| entry.path()).collect();
    folders.retain(|path| path.join("verdict.json").is_file());
    folders.sort();
    let older = folders.len().saturating_sub(LOOKS_MAX);
    if older > 0 {
        render::note(&format!("{}: {older} older looks are left out", folder.display()));
    }
    let mut looks = Vec::new();
    for path in folders.split_off(older) {
        let file = path.join("verdict.json");
        let verdict = verdict_file::read(&file)?;
        if verdict.migration == migration {
            let bytes = std::fs::read(&file).map_err(failed)?;
            // A look that changed nothing may have no page to lead to.
            let link = path.join("index.html").is_file().then(|| relative(&path, out)).flatten();
            looks.push(Look::new(&verdict, digest::of_bytes(&bytes), link).map_err(Failure::usage)?);
        }
    }
    Ok(looks)
}

/// The way from `out` to a folder below it or beside it, as in an address; `None` for any other.
fn relative(folder: &Path, out: &Path) -> Option<String> {
    let (folder, out) = (folder.canonicalize().ok()?, out.canonicalize().ok()?);
    let below = |base: &Path, up: &str| {
        let parts: Vec<&str> =
            folder.strip_prefix(base).ok()?.iter().map(|part| part.to_str()).collect::<Option<_>>()?;
        Some(format!("{up}{}", parts.join("/")))
    };
    below(&out, "").or_else(|| below(out.parent()?, "../"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_lead_below_and_beside_and_nowhere_else() {
        let root = tempfile::tempdir().unwrap();
        let make = |name: &str| {
            let path = root.path().join(name);
            std::fs::create_dir_all(&path).unwrap();
            path
        };
        let out = make("demo/timeline");
        assert_eq!(relative(&make("demo/timeline/looks/1-go"), &out).as_deref(), Some("looks/1-go"));
        assert_eq!(relative(&make("demo/looks/1-go"), &out).as_deref(), Some("../looks/1-go"));
        assert_eq!(relative(&make("elsewhere/1-go"), &out), None);
    }

    #[test]
    fn a_log_is_told_from_a_verdict_by_its_first_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f");
        for (text, expected) in
            [("{\"previous\":\"0\",\"entry\":{}}\n{", true), ("{\"schema\":1}", false), ("{\n", false), ("", false)]
        {
            std::fs::write(&path, text).unwrap();
            assert_eq!(is_log(&path), expected, "{text}");
        }
        assert!(!is_log(folder.path()) && !is_log(&folder.path().join("none")));
    }
}
