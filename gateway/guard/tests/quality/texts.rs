//! The labelled texts and the harmless prompts, and their halves.

use serde_json::Value;
use sha2::{Digest, Sha256};
use std::io::Write;
use std::path::{Path, PathBuf};

/// Sets of harmless prompts.
pub(crate) const PROMPTS: [&str; 3] = ["mt_bench_en_80", "belle_eval_zh_400", "cvalues_zh_300"];

/// Half of the texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Half {
    /// In view while the lists are written.
    Developing,
    /// Not in view.
    HeldOut,
}

/// A text with what people say of it.
#[derive(Debug, Clone)]
pub(crate) struct Labelled {
    id: String,
    pub(crate) text: String,
    labels: Value,
    pub(crate) offensive: bool,
    /// 0 harmless, 1 against a person, 2 against a group, 3 against prejudice.
    pub(crate) fine: u64,
}

impl Labelled {
    /// Whether it has a label; `None` where nobody has said.
    pub(crate) fn label(&self, name: &str) -> Option<bool> {
        self.labels.get(name)?.as_u64().map(|label| label == 1)
    }

    /// Whether it has any label of harm; `None` where some are unknown and the others do not tell.
    pub(crate) fn any(&self) -> Option<bool> {
        let labels = ["S", "H", "V", "HR", "SH", "H2", "V2"].map(|name| self.label(name));
        if labels.contains(&Some(true)) {
            return Some(true);
        }
        // The two labels for the worse kinds follow from those they are kinds of.
        (!labels.iter().take(5).any(Option::is_none)).then_some(false)
    }
}

/// A prompt.
#[derive(Debug, Clone)]
pub(crate) struct Prompt {
    id: String,
    pub(crate) set: &'static str,
    pub(crate) text: String,
}

/// Something with an identifier.
pub(crate) trait Identified {
    fn id(&self) -> &str;
}

impl Identified for Labelled {
    fn id(&self) -> &str {
        &self.id
    }
}

impl Identified for Prompt {
    fn id(&self) -> &str {
        &self.id
    }
}

/// Those of a half: the first byte of the identifier's SHA-256 is even for the developing one.
pub(crate) fn of_half<T: Identified + Clone>(all: &[T], half: Half) -> Vec<T> {
    let developing = |one: &&T| Sha256::digest(one.id().as_bytes())[0].is_multiple_of(2);
    all.iter().filter(|one| developing(one) == (half == Half::Developing)).cloned().collect()
}

/// All texts.
pub(crate) struct Texts {
    pub(crate) english: Vec<Labelled>,
    pub(crate) chinese: Vec<Labelled>,
    pub(crate) prompts: Vec<Prompt>,
}

/// Reads them; `None`, and said so, where they are not at hand.
pub(crate) fn read() -> Option<Texts> {
    let labelled = |file: &str| -> Option<Vec<Labelled>> { Some(rows(file)?.iter().map(text_with_labels).collect()) };
    let mut prompts = Vec::new();
    for set in PROMPTS {
        for row in rows(&format!("prompts/{set}.jsonl"))? {
            let turns = row["turns"].as_array().cloned().unwrap_or_else(|| vec![row["prompt"].clone()]);
            let prompt = |text: &Value| Prompt { id: word(&row["id"]), set, text: word(text) };
            prompts.extend(turns.iter().map(prompt));
        }
    }
    let english = labelled("moderation/openai_moderation_eval.jsonl")?;
    Some(Texts { english, chinese: labelled("moderation/cold_zh_800.jsonl")?, prompts })
}

fn text_with_labels(row: &Value) -> Labelled {
    Labelled {
        id: word(&row["id"]),
        text: word(&row["text"]),
        labels: row["labels"].clone(),
        offensive: row["offensive"] == 1,
        fine: row["fine"].as_u64().unwrap_or_default(),
    }
}

fn word(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text")).to_owned()
}

fn rows(file: &str) -> Option<Vec<Value>> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/datasets");
    let path = std::env::var_os("WEIGHBRIDGE_REAL_DATA").map_or_else(beside, PathBuf::from).join(file);
    let Ok(text) = std::fs::read_to_string(&path) else {
        let words = format!("skipped: no real data here ({} is missing; see WEIGHBRIDGE_REAL_DATA)\n", path.display());
        std::io::stderr().write_all(words.as_bytes()).unwrap();
        return None;
    };
    Some(text.split('\n').filter(|line| !line.is_empty()).map(|line| serde_json::from_str(line).unwrap()).collect())
}
