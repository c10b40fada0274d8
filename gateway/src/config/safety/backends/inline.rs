//! `kind = "lists"`: words and patterns, bundled ones by name and the owner's own by file.

use super::{Judge, RawBackend};
use crate::config::check::Checker;
use guard::lists::BUNDLED;
use guard::{ListError, ListSource, Lists};
use sha2::{Digest, Sha256};
use std::fmt;
use std::sync::Arc;

/// Lists that are ready. Two of the same texts are equal.
#[derive(Clone)]
pub struct Compiled {
    digest: [u8; 32],
    /// What searches.
    pub lists: Arc<Lists>,
}

impl Compiled {
    /// Makes lists ready, which takes a moment.
    ///
    /// # Errors
    /// What is wrong with one, with its file and line.
    pub fn new(sources: &[ListSource<'_>]) -> Result<Self, ListError> {
        Ok(Self { digest: digest(sources), lists: Arc::new(Lists::compile(sources)?) })
    }
}

impl PartialEq for Compiled {
    fn eq(&self, other: &Self) -> bool {
        self.digest == other.digest
    }
}

/// Without the words.
impl fmt::Debug for Compiled {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Compiled").field("reach", &self.lists.reach()).finish_non_exhaustive()
    }
}

impl Checker<'_> {
    pub(super) fn lists(&mut self, at: &str, raw: &RawBackend) -> Option<Judge> {
        let (names, files) = (raw.lists.as_deref().unwrap_or_default(), raw.files.as_deref().unwrap_or_default());
        if names.is_empty() && files.is_empty() {
            return self.problem(format!(
                "{at} has no list: name bundled ones, such as lists = [\"en\", \"zh\"], or files of your own by files"
            ));
        }
        let mut good = true;
        let mut texts: Vec<(String, String)> = Vec::new();
        for path in files {
            match std::fs::read_to_string(path) {
                Ok(text) => texts.push((path.display().to_string(), text)),
                Err(error) => {
                    good = false;
                    self.problems.push(format!("{at}.files: cannot read {}: {error}", path.display()));
                }
            }
        }
        let mut sources: Vec<ListSource<'_>> = Vec::new();
        for name in names {
            match ListSource::bundled(name) {
                Some(source) => sources.push(source),
                None => {
                    good = false;
                    let known = BUNDLED.join(", ");
                    self.problems.push(format!("{at}.lists has `{name}`: expected some of {known}"));
                }
            }
        }
        sources.extend(texts.iter().map(|(file, text)| ListSource { file, text }));
        if !good {
            return None;
        }
        match Compiled::new(&sources) {
            Ok(compiled) => Some(Judge::Lists(compiled)),
            Err(error) => self.problem(format!("{at}: {error}")),
        }
    }
}

fn digest(sources: &[ListSource<'_>]) -> [u8; 32] {
    let mut digest = Sha256::new();
    for source in sources {
        for part in [source.file, source.text] {
            digest.update(part.len().to_le_bytes());
            digest.update(part);
        }
    }
    digest.finalize().into()
}
