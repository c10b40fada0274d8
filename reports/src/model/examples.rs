//! Pairs that differ most, side by side: the facts always, the texts where the verdict has them.

use judge::verdict::{Example, ExampleSide, Verdict};
use serde::Serialize;

use super::names;
use crate::diff::{self, Piece};
use crate::format;

/// Pairs that are shown at most; the evaluator keeps no more.
const AT_MOST: usize = 24;
/// Characters of an answer that are shown at most, so that a page stays a page: what evaluations keep. One that they have cut has
/// a sign behind them, so it is longer, and said to be cut here.
const CHARACTERS_AT_MOST: usize = 4_000;

/// All pairs worth a look.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct ExamplesView {
    /// By what differs.
    pub(crate) groups: Vec<ExampleGroup>,
    /// At least one of them has its texts.
    pub(crate) has_texts: bool,
    /// Pairs that are only in the verdict.
    pub(crate) left_out: usize,
}

/// Pairs that differ in the same respect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct ExampleGroup {
    /// The verdict's spelling: part of the anchor.
    pub(crate) kind: String,
    /// What differs.
    pub(crate) title: String,
    /// The pairs, the most different first.
    pub(crate) rows: Vec<ExampleView>,
}

/// One pair.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct ExampleView {
    /// Its name in the records.
    pub(crate) pair: String,
    /// In what they differ: `HTTP status 200 → 503 · error – → server error`.
    pub(crate) essence: String,
    /// What was asked, and when.
    pub(crate) summary: String,
    /// Both arms, fact by fact.
    pub(crate) facts: Vec<FactRow>,
    /// Both answers, marked.
    pub(crate) texts: Option<TextsView>,
}

/// A fact of both arms.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct FactRow {
    /// Which.
    pub(crate) label: &'static str,
    /// The baseline's.
    pub(crate) baseline: String,
    /// The candidate's.
    pub(crate) candidate: String,
    /// They are not the same in a way that matters here: what is counted or measured always differs a little.
    pub(crate) differs: bool,
}

/// Both answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct TextsView {
    /// The baseline's.
    pub(crate) baseline: Vec<PieceView>,
    /// The candidate's.
    pub(crate) candidate: Vec<PieceView>,
    /// At least one was too long to be shown whole.
    pub(crate) is_cut: bool,
}

/// A run of text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct PieceView {
    /// The text.
    pub(crate) text: String,
    /// It does not stand in the other answer.
    pub(crate) is_changed: bool,
}

pub(super) fn examples(verdict: &Verdict) -> Option<ExamplesView> {
    let all = &verdict.evidence.examples;
    let mut groups: Vec<ExampleGroup> = Vec::new();
    for example in all.iter().take(AT_MOST) {
        let row = view(example, &verdict.bill.currency);
        match groups.iter_mut().find(|group| group.kind == example.kind) {
            Some(group) => group.rows.push(row),
            None => {
                let (kind, title) = (example.kind.clone(), title(&example.kind));
                groups.push(ExampleGroup { kind, title, rows: vec![row] });
            }
        }
    }
    let has_texts = groups.iter().flat_map(|group| &group.rows).any(|row| row.texts.is_some());
    (!groups.is_empty()).then(|| ExamplesView { groups, has_texts, left_out: all.len().saturating_sub(AT_MOST) })
}

/// What differs, in words.
fn title(kind: &str) -> String {
    match kind {
        "error" => "One arm failed",
        "moderation" => "Somebody stepped in on one side only",
        "finish" => "The answers ended for different reasons",
        "form" => "One answer does not fit its form",
        "text" => "The texts differ",
        "length" => "One answer is much longer",
        "latency" => "One answer took much longer",
        "cost" => "One answer cost much more",
        other => return names::reason(other),
    }
    .to_owned()
}

fn view(example: &Example, currency: &str) -> ExampleView {
    let (baseline, candidate) = (&example.baseline.answer, &example.candidate.answer);
    let facts = facts(example, currency);
    let told = facts.iter().filter(|fact| fact.differs);
    let essence: Vec<String> =
        told.map(|fact| format!("{}: {} → {}", fact.label, fact.baseline, fact.candidate)).collect();
    ExampleView {
        pair: example.pair.clone(),
        essence: essence.join(" · "),
        summary: format!(
            "{} asked with {} characters, {}",
            example.model,
            format::count(example.prompt_chars),
            format::instant(example.at_us)
        ),
        facts,
        texts: baseline.as_deref().zip(candidate.as_deref()).map(|(b, c)| texts(b, c)),
    }
}

/// What is known of both; facts that neither has are left out.
fn facts(example: &Example, currency: &str) -> Vec<FactRow> {
    let nothing = || format::NOTHING.to_owned();
    let named = |name: &Option<String>| name.as_deref().map_or_else(nothing, names::reason);
    let mut facts = Vec::new();
    // The models differ by design; whatever is counted or measured matters only where the pair is here for it.
    let mut fact = |label: &'static str, matters: bool, tell: &dyn Fn(&ExampleSide) -> String| {
        let (baseline, candidate) = (tell(&example.baseline), tell(&example.candidate));
        if baseline != format::NOTHING || candidate != format::NOTHING {
            facts.push(FactRow { label, differs: matters && baseline != candidate, baseline, candidate });
        }
    };
    let kind = example.kind.as_str();
    fact("Model", false, &|side| if side.model.is_empty() { nothing() } else { side.model.clone() });
    fact("HTTP status", true, &|side| if side.status == 0 { "no answer".to_owned() } else { side.status.to_string() });
    fact("Error", true, &|side| named(&side.error));
    fact("Finish reason", true, &|side| named(&side.finish_reason));
    fact("Form", true, &|side| side.form_failure.clone().unwrap_or_else(nothing));
    fact("Stepped in", true, &|side| named(&side.moderation));
    fact("Characters", kind == "length", &|side| format::count(side.answer_chars));
    fact("Total time", kind == "latency", &|side| format::micros(side.duration_us as f64));
    let cost =
        |side: &ExampleSide| side.cost.as_deref().map_or_else(nothing, |cost| format::money_brief(cost, currency));
    fact("Cost", kind == "cost", &cost);
    facts
}

fn texts(baseline: &str, candidate: &str) -> TextsView {
    let (baseline, is_baseline_cut) = cut(baseline);
    let (candidate, is_candidate_cut) = cut(candidate);
    let compared = diff::compare(baseline, candidate);
    let views = |pieces: Vec<Piece>| {
        pieces.into_iter().map(|piece| PieceView { text: piece.text, is_changed: piece.is_changed }).collect()
    };
    let is_cut = is_baseline_cut || is_candidate_cut;
    TextsView { baseline: views(compared.left), candidate: views(compared.right), is_cut }
}

/// The beginning of a text, and whether there is more.
fn cut(text: &str) -> (&str, bool) {
    match text.char_indices().nth(CHARACTERS_AT_MOST) {
        Some((at, _)) => (text.get(..at).unwrap_or(text), true),
        None => (text, false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::complete;

    #[test]
    fn facts_that_neither_has_are_left_out_and_differences_are_marked() {
        let view = examples(&complete()).unwrap();
        let error = &view.groups.iter().find(|group| group.kind == "error").unwrap().rows[0];
        let labels: Vec<&str> = error.facts.iter().map(|fact| fact.label).collect();
        assert!(labels.contains(&"Error") && !labels.contains(&"Form"), "{labels:?}");
        let status = error.facts.iter().find(|fact| fact.label == "HTTP status").unwrap();
        assert!(status.differs && status.candidate == "503", "{status:?}");
        assert!(error.essence.starts_with("HTTP status: 200 → 503 · Error: – → server error"), "{}", error.essence);
        // What is measured always differs a little: it is marked only where the pair is here for it.
        assert!(error.facts.iter().all(|fact| fact.label != "Total time" || !fact.differs));
        let slow = &view.groups.iter().find(|group| group.kind == "latency").unwrap().rows[0];
        assert_eq!(slow.essence, "Total time: 2.80 s → 41.2 s");
    }

    #[test]
    fn texts_are_there_only_where_the_verdict_has_both() {
        let mut verdict = complete();
        let with = |verdict: &Verdict| {
            let view = examples(verdict).unwrap();
            view.groups.iter().flat_map(|group| &group.rows).filter(|row| row.texts.is_some()).count()
        };
        assert_eq!(with(&verdict), 2);
        for example in &mut verdict.evidence.examples {
            example.candidate.answer = None;
        }
        assert_eq!(with(&verdict), 0);
        assert!(!examples(&verdict).unwrap().has_texts);
    }

    #[test]
    fn long_answers_and_many_pairs_are_cut_and_said() {
        let mut verdict = complete();
        let answer = Some("字".repeat(CHARACTERS_AT_MOST + 1));
        verdict.evidence.examples[0].baseline.answer.clone_from(&answer);
        verdict.evidence.examples[0].candidate.answer = answer;
        let one = verdict.evidence.examples[0].clone();
        verdict.evidence.examples.extend(vec![one; 30]);
        let view = examples(&verdict).unwrap();
        let texts = view.groups[0].rows[0].texts.as_ref().unwrap();
        assert!(texts.is_cut && texts.baseline.iter().all(|piece| !piece.is_changed));
        assert_eq!(view.left_out, verdict.evidence.examples.len() - AT_MOST);
    }
}
