//! Names of the parts that a record file is cut into.
//!
//! The file that is written to keeps its name; what is closed gets the second of its closing and a number between the
//! first part of the name and its ending: `records.ndjson` becomes `records-20261122T234500Z-0001.ndjson`.

use std::path::{Path, PathBuf};

/// How the parts of one record file are called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartNames {
    folder: PathBuf,
    /// Before the time.
    stem: String,
    /// After the number, with its dot.
    ending: String,
}

impl PartNames {
    /// The names for the file that is written to.
    #[must_use]
    pub fn of(path: &Path) -> Self {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let (stem, ending) = name.split_at(name.find('.').filter(|dot| *dot > 0).unwrap_or(name.len()));
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        Self { folder: folder.to_owned(), stem: stem.to_owned(), ending: ending.to_owned() }
    }

    /// The part that was closed at `time` (UTC, such as `20261122T234500Z`) as the `number`th of that second.
    #[must_use]
    pub fn part(&self, time: &str, number: u32) -> PathBuf {
        self.folder.join(format!("{}-{time}-{number:04}{}", self.stem, self.ending))
    }

    /// The closed parts that are there, packed ones (`.zst`) left out, oldest first. A folder that cannot be read has
    /// none.
    #[must_use]
    pub fn closed(&self) -> Vec<PathBuf> {
        let Ok(entries) = std::fs::read_dir(&self.folder) else { return Vec::new() };
        let mut names: Vec<String> =
            entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect();
        names.retain(|name| self.is_closed(name));
        names.sort();
        names.into_iter().map(|name| self.folder.join(name)).collect()
    }

    /// What is not named exactly like a part is somebody else's.
    fn is_closed(&self, name: &str) -> bool {
        let middle = name.strip_prefix(&self.stem).and_then(|rest| rest.strip_suffix(&self.ending));
        let Some((time, number)) = middle.and_then(|middle| middle.strip_prefix('-')?.split_once('-')) else {
            return false;
        };
        let shape: String = time.chars().map(|letter| if letter.is_ascii_digit() { '0' } else { letter }).collect();
        shape == "00000000T000000Z" && number.len() >= 4 && number.bytes().all(|byte| byte.is_ascii_digit())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_told_from_other_files() {
        let folder = tempfile::tempdir().unwrap();
        let names = PartNames::of(&folder.path().join("records.ndjson"));
        let parts = [names.part("20261122T234500Z", 2), names.part("20261122T234500Z", 1)];
        assert!(parts[1].ends_with("records-20261122T234500Z-0001.ndjson"));
        for path in &parts {
            std::fs::write(path, "").unwrap();
        }
        for other in [
            "records.ndjson",
            "records-20261122T234500Z-0001.ndjson.zst",
            "records-20261122T234500Z-1.ndjson",
            "records-of-monday-0001.ndjson",
            "records-old-20261122T234500Z-0001.ndjson",
            "labels-20261122T234500Z-0001.ndjson",
        ] {
            std::fs::write(folder.path().join(other), "").unwrap();
        }
        assert_eq!(names.closed(), [parts[1].clone(), parts[0].clone()]);
        assert!(PartNames::of(&folder.path().join("no/records.ndjson")).closed().is_empty());
    }
}
