//! The folder that the autopilot writes into: the latest verdict, and a report for each decision.
//!
//! Reports are numbered on from the largest number that is there. When there are more than may be, those with the smallest
//! numbers are deleted first; nothing else in the folder is ever touched, also where its name begins with a number.

use crate::cmd::evaluate;
use crate::outcome::{Exit, Failure};
use judge::verdict::{Decision, Verdict};
use std::path::{Path, PathBuf};

/// Digits of a number, so that names sort.
const DIGITS: usize = 4;

/// Makes the folder and the one of the latest verdict.
pub(super) fn make(out: &Path) -> Result<(), Failure> {
    evaluate::check_folder("`out`", out)?;
    std::fs::create_dir_all(out.join("latest"))
        .map_err(|error| Failure::usage(format!("cannot make {}: {error}; check `out`", out.display())))
}

fn latest(out: &Path) -> PathBuf {
    out.join("latest").join("verdict.json")
}

/// Writes the latest verdict.
pub(super) fn put_latest(out: &Path, text: &str) -> Result<(), Failure> {
    evaluate::write(&latest(out), text.as_bytes())
}

/// What the latest verdict said, if there is one that can be read: after a restart nothing is news that was known.
pub(super) fn last_decision(out: &Path) -> Option<Decision> {
    #[derive(serde::Deserialize)]
    struct Said {
        verdict: Decision,
    }
    let text = std::fs::read(latest(out)).ok()?;
    serde_json::from_slice::<Said>(&text).ok().map(|said| said.verdict)
}

/// Writes a report of a decision, and deletes the oldest ones beyond `kept`. Returns its folder.
pub(super) async fn report(
    out: &Path,
    what: &str,
    verdict: &Verdict,
    text: &str,
    kept: usize,
) -> Result<PathBuf, Failure> {
    let folders = numbered(out)?;
    let number = folders.last().map_or(1, |(number, _)| number.saturating_add(1));
    let folder = out.join(format!("{number:0DIGITS$}-{what}"));
    let (verdict, text, written) = (verdict.clone(), text.to_owned(), folder.clone());
    let write = move || {
        evaluate::write_report(&verdict, &written, reports::Language::En)?;
        evaluate::write(&written.join("verdict.json"), text.as_bytes())
    };
    tokio::task::spawn_blocking(write)
        .await
        .map_err(|_| Failure { exit: Exit::Bug, message: "the report panicked".to_owned() })??;
    let beyond = (folders.len() + 1).saturating_sub(kept);
    for (_, old) in folders.into_iter().take(beyond) {
        std::fs::remove_dir_all(&old)
            .map_err(|error| Failure::world(format!("cannot delete the old report {}: {error}", old.display())))?;
    }
    Ok(folder)
}

/// The reports' folders by number.
fn numbered(out: &Path) -> Result<Vec<(u64, PathBuf)>, Failure> {
    let failed = |error| Failure::world(format!("cannot read {}: {error}", out.display()));
    let mut folders = Vec::new();
    for entry in std::fs::read_dir(out).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if let Some(number) = number_of(&name)
            && path.is_dir()
        {
            folders.push((number, path));
        }
    }
    folders.sort();
    Ok(folders)
}

/// What names of reports begin with, behind the number.
const DECISIONS: [&str; 8] =
    ["raise-", "lower-", "hold-back-", "verdict-", "roll-back", "finish", "pause-shadow", "resume-shadow"];

/// The number of a report's folder; `None` for a name that no report has.
fn number_of(name: &str) -> Option<u64> {
    let (digits, what) = name.split_once('-')?;
    let number: u64 = digits.parse().ok()?;
    let is_ours = format!("{number:0DIGITS$}") == digits && DECISIONS.iter().any(|one| what.starts_with(one));
    is_ours.then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use gate::pilot::Move;

    #[test]
    fn what_is_no_report_is_never_counted_nor_deleted() {
        let moves = [
            Move::Raise(12.5),
            Move::Lower(1.0),
            Move::RollBack,
            Move::PauseShadow(String::new()),
            Move::ResumeShadow,
            Move::HoldBack(98.0),
            Move::Finish,
        ];
        for what in moves.map(|one| one.name()).into_iter().chain(["verdict-no-go".to_owned()]) {
            assert_eq!(number_of(&format!("0012-{what}")), Some(12), "{what}");
            assert_eq!(number_of(&format!("12345-{what}")), Some(12_345), "{what}");
        }
        for name in ["2026-notes", "2026-11-23-raise-5", "012-finish", "00012-finish", "+012-finish", "latest", "0012"]
        {
            assert_eq!(number_of(name), None, "{name}");
        }
    }
}
